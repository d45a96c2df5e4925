"""Warts: scamper's own converter reads them, or a sentence says what is missing."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from analysis.formats import warts
from analysis.load import load
from tests.published import published

LAB = Path(__file__).parents[2] / "data/traces/scamper_lab.warts"
needs_converter = pytest.mark.skipif(
    shutil.which(warts.CONVERTER) is None, reason=f"{warts.CONVERTER} is missing: install scamper"
)


@needs_converter
def test_warts_read_as_the_json_that_scamper_writes() -> None:
    """The same measurements in both of scamper's formats are the same traces."""
    assert load([str(LAB)]).traces == load([str(LAB.with_suffix(".jsonl"))]).traces


@needs_converter
def test_compressed_and_misnamed_warts_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    """Archives compress them, and name them as they please."""
    packed = tmp_path / "day.warts.gz"
    packed.write_bytes(gzip.compress(LAB.read_bytes()))
    bare = tmp_path / "no-suffix"
    bare.write_bytes(LAB.read_bytes())
    assert len(load([str(tmp_path)]).traces) == 6
    assert len(load([str(bare)]).traces) == 6


@needs_converter
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_torn_warts_keep_what_was_whole(tmp_path: Path, keep: float) -> None:
    """The converter ends well whatever it met: the tear is told all the same."""
    whole = LAB.read_bytes()
    torn = tmp_path / "torn.warts"
    torn.write_bytes(whole[: int(keep * len(whole))])
    loaded = load([str(torn)])
    assert 1 <= len(loaded.traces) < 6
    assert loaded.rejected["malformed"] == 1
    assert loaded.complaints[0].startswith(f"{torn}:")


@needs_converter
def test_a_torn_compressed_file_of_warts_is_told(tmp_path: Path) -> None:
    """What is told is the tear of the outer file."""
    torn = tmp_path / "torn.warts.gz"
    packed = gzip.compress(LAB.read_bytes())
    torn.write_bytes(packed[: len(packed) - 20])
    loaded = load([str(torn)])
    assert loaded.rejected["malformed"] == 1


@needs_converter
def test_bytes_that_only_begin_like_warts_are_told(tmp_path: Path) -> None:
    """Garbage is a damaged file, not an empty one."""
    bad = tmp_path / "a.warts"
    bad.write_bytes(b"\x12\x05" + bytes(range(256)))
    loaded = load([str(bad)])
    assert not loaded.traces
    assert loaded.rejected["malformed"] == 1


def test_without_the_converter_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is counted and the others are read."""
    monkeypatch.setenv("PATH", str(tmp_path))
    loaded = load([str(LAB), str(LAB.with_suffix(".jsonl"))])
    assert loaded.rejected["unreadable_file"] == 1
    assert "apt install scamper" in loaded.complaints[0]
    assert len(loaded.traces) == 6


@needs_converter
def test_a_thousand_published_traces_are_read() -> None:
    """Warts that another tool made: no start times, addresses wrapped in IPv6."""
    loaded = load([str(published("traces/pantrace_trace.warts.gz"))])
    assert len(loaded.traces) == 1000
    assert loaded.rejected == {"bookkeeping": 2}
    assert {trace.af for trace in loaded.traces} == {4}
    assert all(trace.timestamp > 1_600_000_000 for trace in loaded.traces)
