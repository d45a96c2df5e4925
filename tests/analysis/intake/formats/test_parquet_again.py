"""Rows of `gatewatch convert` that an analyst chose with another tool, and wrote to a file anew."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from analysis.intake.convert import convert
from analysis.intake.load import load
from analysis.simulated.simulation import over_time
from probe.record import Trace


@pytest.fixture(scope="module")
def traces() -> list[Trace]:
    """Of a simulated country, in an order of their own."""
    return sorted(over_time(5, "again", days=2, rollout=range(3, 4)).traces, key=repr)


@pytest.fixture
def folder(traces: list[Trace], tmp_path: Path) -> Path:
    """What `convert` writes of them."""
    convert(iter(traces), str(tmp_path / "all.parquet"), "parquet")
    return tmp_path / "all.parquet"


def frame_of(folder: Path) -> pd.DataFrame:
    return pd.concat(pd.read_parquet(file) for file in sorted(folder.rglob("*.parquet")))


def test_what_pandas_wrote_is_read_whatever_it_holds_texts_in(
    folder: Path, traces: list[Trace], tmp_path: Path
) -> None:
    """Texts as categories, an index, and numbers of another width lose nothing."""
    frame = frame_of(folder).astype({"proto": "category", "dst_addr": "category", "af": "int64"})
    frame.to_parquet(tmp_path / "again.parquet", index=True)
    loaded = load([str(tmp_path / "again.parquet")])
    assert sorted(loaded.traces, key=repr) == traces
    assert not loaded.rejected


def test_what_duckdb_chose_is_read(folder: Path, traces: list[Trace], tmp_path: Path) -> None:
    """The columns of the partitions come with it, and are no harm."""
    chosen = tmp_path / "chosen.parquet"
    duckdb.sql(
        f"COPY (SELECT * FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true) "
        f"WHERE dst_addr = '{traces[0].dst_addr}') TO '{chosen}' (FORMAT parquet)"
    )
    wanted = [trace for trace in traces if trace.dst_addr == traces[0].dst_addr]
    assert sorted(load([str(chosen)]).traces, key=repr) == wanted


def test_a_column_of_another_type_is_told_once(folder: Path, tmp_path: Path) -> None:
    """Times of pandas are not the seconds that a record has; one sentence says so, not each row."""
    frame = frame_of(folder)
    frame["start_s"] = pd.to_datetime(frame["start_s"], unit="s", utc=True)
    frame.to_parquet(tmp_path / "times.parquet")
    loaded = load([str(tmp_path / "times.parquet")])
    assert (loaded.traces, loaded.rejected) == ([], {"unreadable_file": 1})
    (complaint,) = loaded.complaints
    assert "times.parquet: has the columns that `gatewatch convert` writes" in complaint
    assert "timestamp" in complaint


def test_what_lacks_a_column_is_not_taken_for_ours(folder: Path, tmp_path: Path) -> None:
    """Without its hops a row is no trace."""
    frame_of(folder).drop(columns="hops").to_parquet(tmp_path / "less.parquet")
    assert set(load([str(tmp_path / "less.parquet")]).rejected) == {"malformed"}
