"""Which lines of the spool are shared, and that they are shared as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from probe.sharing.shared import lines
from tests.probe.commands.test_show_command import NOON, keep


def test_what_redaction_made_is_shared_as_it_stands(tmp_path: Path) -> None:
    """The shared bytes of a spool are the bytes of its files, in the order of the days."""
    keep(tmp_path, "80.231.1.1", "80.231.1.2")
    shared = b"".join(kept.line for kept in lines(tmp_path) if kept.problem is None)
    assert shared == (tmp_path / "2026-11-23.jsonl").read_bytes()


@pytest.mark.parametrize("mark", ["src_addr", "from", "vantage", "plain"])
def test_what_redaction_did_not_make_is_not_shared(tmp_path: Path, mark: str) -> None:
    """A line with the address of its source, or of nobody's vantage, is named and held back."""
    keep(tmp_path, "80.231.1.1")
    day = tmp_path / "2026-11-23.jsonl"
    record = json.loads(day.read_bytes())
    if mark == "vantage":
        record["gatewatch"]["vantage"] = None
    elif mark == "plain":
        del record["gatewatch"]
    else:
        record[mark] = "192.168.1.10"
    record["timestamp"] = NOON
    with day.open("ab") as file:
        file.write(json.dumps(record).encode() + b"\n")
        file.write(b"no record\n")
    first, second, third = lines(tmp_path)
    assert first.problem is None
    assert second.trace is not None
    assert second.problem == "not shared: it did not come through redaction"
    assert third.problem is not None
    assert third.trace is None
