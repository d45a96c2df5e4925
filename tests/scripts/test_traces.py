"""The generated traces of the benchmark: what they are said to be, and the same in both forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from analysis.intake.load import load
from probe.record import from_line
from scripts.bench import per_trace, traces

if TYPE_CHECKING:
    from pathlib import Path

COUNT = traces.DESTINATIONS * 3


def test_both_forms_hold_the_same_traces(tmp_path: Path) -> None:
    """A line and a row of the same trace are one trace to the analysis, and no two are copies."""
    lines, rows = tmp_path / "t.jsonl.gz", tmp_path / "t.parquet"
    traces.write(COUNT, lines)
    traces.write(COUNT, rows)
    loaded = load([str(lines)])
    assert len(loaded.traces) == COUNT
    assert not loaded.rejected
    assert [
        (one.source, one.timestamp, one.dst_addr, one.paris_id, one.hops) for one in loaded.traces
    ] == [
        (one.source, one.timestamp, one.dst_addr, one.paris_id, one.hops)
        for one in load([str(rows)]).traces
    ]


@pytest.mark.parametrize("name", ["t.jsonl.gz", "t.parquet"])
def test_parts_make_the_same_whole_however_many_make_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process or two write the same bytes, in which no part is missing or out of its place."""
    monkeypatch.setattr(traces, "PART", 50)
    one, two = tmp_path / f"one-{name}", tmp_path / f"two-{name}"
    traces.write(COUNT, one, processes=1)
    traces.write(COUNT, two, processes=2)
    assert one.read_bytes() == two.read_bytes()
    times = [trace.timestamp for trace in load([str(two)]).traces]
    assert len(times) == COUNT
    assert times == [
        trace.timestamp for trace in map(from_line, map(traces.line, traces.traces(COUNT)))
    ]


def test_the_per_trace_route_scores_what_the_traces_pass() -> None:
    """A network once in a row stands once on the path, a star and an error on it not at all."""
    numbers = {"192.0.2.1": 1, "192.0.2.2": 1, "192.0.2.3": 2}

    class Table:
        def get(self, address: str) -> dict[str, int] | None:
            found = numbers.get(address)
            return None if found is None else {"autonomous_system_number": found}

    replies = [{"from": "192.0.2.2"}, {"x": "*"}, {"from": "192.0.2.3", "err": "N"}]
    result = {
        "from": "192.0.2.1",
        "result": [{"hop": 1, "result": replies}, {"hop": 2, "result": [{"from": "192.0.2.3"}]}],
    }
    assert per_trace.as_path(result, Table()) == [1, 2]
