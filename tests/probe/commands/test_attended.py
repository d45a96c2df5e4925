"""What somebody who looks on sees of a run."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest

from probe.commands.attended import _Shown
from probe.record import Trace

TRACE = Trace(
    dst_addr="2001:db8:1234:5678:9abc:def0:1234:5678",
    dst_name=None,
    source=None,
    af=6,
    proto="ICMP",
    timestamp=1_795_435_200.0,
    endtime=1_795_435_201.0,
    hops=(),
    stop="gaplimit",
)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_how_far_a_run_is_can_be_read_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """The count stays whole, in one line; what is cut where it gets tight is the last trace."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    with _Shown() as shown:
        shown.expect(273)
        for _ in range(120):
            shown.finished(TRACE)
    last = re.sub(r"\x1b\[[?\d;]*\w", "", terminal.getvalue()).rstrip().rpartition("\r")[2]
    assert "120/273" in last
    assert len(last) <= columns


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_log_on_a_full_disk_keeps_nobody_from_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is kept on another disk, perhaps; a log that nobody reads ends the run."""
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123 - as Python opens its own
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(full, write_through=True))
        with _Shown() as shown:
            shown.expect(2)
            shown.finished(TRACE)
            shown.interrupted("no route")
            shown.finished(TRACE)
        assert shown.count == 2
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=0) as unread:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(unread, write_through=True))
        with _Shown() as shown, pytest.raises(BrokenPipeError):
            shown.finished(TRACE)
