"""The spool: whole lines or none, whatever happens to the machine."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.record import Trace, to_line
from probe.redaction.redact import Redacted
from probe.spool import Spool, read, torn
from probe.words.failure import PartlyDone
from tests.harness.descriptors import file_of, open_below

DAY = 86_400
NOON = 1_795_435_200  # 2026-11-23 12:00 UTC


def trace(number: int = 0, timestamp: int = NOON, note: str = "") -> Redacted:
    return Redacted(
        Trace(
            dst_addr="80.231.1.1",
            af=4,
            proto="ICMP",
            timestamp=timestamp,
            endtime=timestamp + 1,
            hops=(),
            paris_id=number,
            notes=(note,),
        )
    )


def numbers(folder: Path) -> list[int | None]:
    return [kept.trace.paris_id if kept.trace else None for kept in read(folder)]


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    """Lines come back in order, with their file and number, and the bytes that stand there."""
    with Spool(tmp_path / "spool") as spool:
        spool.append(trace(1))
        spool.append(trace(2), trace(3))
    kept = list(read(tmp_path / "spool"))
    assert [line.trace and line.trace.paris_id for line in kept] == [1, 2, 3]
    assert [line.number for line in kept] == [1, 2, 3]
    assert kept[0].line == to_line(trace(1)).encode() + b"\n"
    assert {line.path.name for line in kept} == {"2026-11-23.jsonl"}


def test_there_is_one_file_a_utc_day(tmp_path: Path) -> None:
    """A trace stands in the file of the UTC day it began on, and one file is open."""
    with Spool(tmp_path) as spool:
        spool.append(trace(1, NOON), trace(2, NOON + DAY), trace(3, NOON))
        spool.append(trace(4, NOON - NOON % DAY))
        spool.append(trace(5, NOON - NOON % DAY - 1))
        assert open_below(tmp_path) == [tmp_path / "2026-11-22.jsonl"]
    assert open_below(tmp_path) == []
    assert {path.name: len(path.read_bytes().splitlines()) for path in tmp_path.iterdir()} == {
        "2026-11-22.jsonl": 1,
        "2026-11-23.jsonl": 3,
        "2026-11-24.jsonl": 1,
    }
    assert numbers(tmp_path) == [5, 1, 3, 4, 2]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Files and their folder are closed to everybody else."""
    with Spool(tmp_path / "spool") as spool:
        spool.append(trace())
    (file,) = (tmp_path / "spool").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_missing_folder_holds_nothing(tmp_path: Path) -> None:
    """Reading before anything was kept finds nothing and makes nothing."""
    assert list(read(tmp_path / "none")) == []
    assert torn(tmp_path / "none") == 0
    assert not (tmp_path / "none").exists()


def test_what_may_not_be_looked_into_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may not read what another user has kept is told so, not that there is nothing."""
    with pytest.raises(NotADirectoryError):
        list(read(Path(__file__)))

    def denied(path: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", denied)
    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(PermissionError):
        list(read(tmp_path))


def test_a_cut_line_is_set_aside_and_counted(tmp_path: Path) -> None:
    """After a power cut the remains are moved, not dropped, and appending goes on."""
    with Spool(tmp_path) as spool:
        spool.append(trace(1), trace(2))
    day = tmp_path / "2026-11-23.jsonl"
    whole = day.read_bytes()
    day.write_bytes(whole[:-30])
    assert (numbers(tmp_path), torn(tmp_path)) == ([1], 1)
    with Spool(tmp_path) as spool:
        spool.append(trace(3))
    assert (numbers(tmp_path), torn(tmp_path)) == ([1, 3], 1)
    second = to_line(trace(2)).encode() + b"\n"
    assert (tmp_path / "2026-11-23.torn").read_bytes() == second[:-30] + b"\n"


@settings(max_examples=60)
@given(st.data())
def test_a_cut_at_any_byte_costs_only_what_was_cut(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Wherever the file ends after a crash, whole lines before stay and later ones are whole."""
    folder = tmp_path_factory.mktemp("spool")
    with Spool(folder) as spool:
        spool.append(*(trace(number, note="x" * 40 * number) for number in range(1, 4)))
    day = folder / "2026-11-23.jsonl"
    written = day.read_bytes()
    cut = data.draw(st.integers(0, len(written)))
    day.write_bytes(written[:cut])
    whole = written[:cut].count(b"\n")
    for number in (4, 5):
        with Spool(folder) as spool:
            spool.append(trace(number))
    assert numbers(folder) == [*range(1, whole + 1), 4, 5]
    assert torn(folder) == (0 if cut == 0 or written[:cut].endswith(b"\n") else 1)


def test_a_crash_while_mending_counts_once(tmp_path: Path) -> None:
    """When the remains are already set aside but not yet cut off, they are not counted twice."""
    day, aside = tmp_path / "2026-11-23.jsonl", tmp_path / "2026-11-23.torn"
    day.write_bytes(b'{"half')
    aside.write_bytes(b'{"half\n')
    Spool(tmp_path).close()
    assert (day.read_bytes(), aside.read_bytes()) == (b"", b'{"half\n')
    day.write_bytes(b'{"other half')
    aside.write_bytes(b'{"half\n{"oth')
    Spool(tmp_path).close()
    assert (day.read_bytes(), aside.read_bytes()) == (b"", b'{"half\n{"other half\n')
    day.write_bytes(b'{"other half')
    Spool(tmp_path).close()
    assert (day.read_bytes(), aside.read_bytes()) == (b"", b'{"half\n{"other half\n')


def test_remains_larger_than_a_block_are_found(tmp_path: Path) -> None:
    """A cut line of many blocks is cut off exactly at the line end before it."""
    day = tmp_path / "2026-11-23.jsonl"
    first = to_line(trace(1)).encode() + b"\n"
    day.write_bytes(first + b"x" * 200_000)
    Spool(tmp_path).close()
    assert day.read_bytes() == first
    assert (tmp_path / "2026-11-23.torn").stat().st_size == 200_001


def test_a_pipe_in_the_place_of_a_day_is_neither_waited_for_nor_written_to(tmp_path: Path) -> None:
    """Nobody may be reading at its other end: what goes into it is kept nowhere."""
    day = tmp_path / "2022-02-16.jsonl"
    os.mkfifo(day)

    def write() -> None:
        with Spool(tmp_path):
            pass

    for call in (lambda: list(read(tmp_path)), lambda: torn(tmp_path), write):
        with pytest.raises(OSError, match=str(day)) as refused:
            call()
        assert refused.value.errno == errno.ENXIO


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A foreign line is reported with its number and reason; the others are read."""
    with Spool(tmp_path) as spool:
        spool.append(trace(1))
    day = tmp_path / "2026-11-23.jsonl"
    day.write_bytes(b"not a trace\n" + day.read_bytes())
    bad, good = read(tmp_path)
    assert (bad.number, bad.trace) == (1, None)
    assert bad.problem is not None
    assert bad.problem.startswith("not JSON")
    assert (good.number, good.problem) == (2, None)


@pytest.mark.parametrize("room", [0, 50])
def test_a_full_disk_leaves_the_file_as_it_was(room: int, tmp_path: Path) -> None:
    """A line of which nothing or a part fits is none, is told of, and costs nothing else."""
    with Spool(tmp_path) as spool:
        spool.append(trace(1))
        size = (tmp_path / "2026-11-23.jsonl").stat().st_size
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, hard))
        try:
            with pytest.raises(PartlyDone, match="disk full") as failure:
                spool.append(trace(2))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert failure.value.exit_code == 6
        assert numbers(tmp_path) == [1]
        spool.append(trace(3))
    assert (numbers(tmp_path), torn(tmp_path)) == ([1, 3], 0)


def test_the_disk_has_heard_of_a_trace_when_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each line, also where the day changes in between, and of the name of each new file."""
    synced: list[str] = []

    def heard(handle: int) -> None:
        target = file_of(handle)
        lines = target.read_bytes().count(b"\n") if target.is_file() else "name"
        synced.append(f"{target.name.removeprefix('2026-11-')}: {lines}")

    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "2026-11-22.jsonl").write_bytes(b'{"half')
    monkeypatch.setattr(os, "fsync", heard)
    with Spool(folder) as spool:
        assert synced == ["22.torn: 1", "spool: name", "22.jsonl: 0"]
        synced.clear()
        spool.append(trace(1, NOON), trace(2, NOON), trace(3, NOON + DAY))
        spool.append(trace(4, NOON + DAY))
    names = ["spool: name", "23.jsonl: 2", "spool: name", "24.jsonl: 1", "24.jsonl: 2"]
    assert synced == names


def test_a_disk_that_is_found_full_when_it_hears_of_a_trace_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some disks are, over a network; other troubles are not taken for that."""

    def troubled(_: int) -> NoReturn:
        raise OSError(trouble, os.strerror(trouble))

    with Spool(tmp_path) as spool:
        spool.append(trace(1))
        monkeypatch.setattr(os, "fsync", troubled)
        trouble = errno.EDQUOT
        with pytest.raises(PartlyDone, match="disk full"):
            spool.append(trace(2))
        trouble = errno.EIO
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            spool.append(trace(3))


@pytest.mark.parametrize("room", [0, 3])
def test_where_a_cut_line_cannot_be_set_aside_it_stays_and_nothing_is_left_open(
    room: int, tmp_path: Path
) -> None:
    """The disk has no room, or not enough: the next who opens the spool mends it."""
    with Spool(tmp_path) as spool:
        spool.append(trace(1))
    day = tmp_path / "2026-11-23.jsonl"
    with day.open("ab") as file:
        file.write(b'{"fw":')
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(PartlyDone, match="disk full"):
            Spool(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert open_below(tmp_path) == []
    assert (numbers(tmp_path), torn(tmp_path)) == ([1], 1)
    Spool(tmp_path).close()
    assert (numbers(tmp_path), torn(tmp_path)) == ([1], 1)
    assert day.read_bytes().endswith(b"}\n")


_WRITER = """
import sys
from pathlib import Path
from probe.spool import Spool
from tests.probe.test_spool import trace
with Spool(Path(sys.argv[1])) as spool:
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        spool.append(trace(number, note="x" * int(sys.argv[4])))
        print(number, flush=True)
"""


def writer(folder: Path, first: int, last: int, size: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder), str(first), str(last), str(size)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A writer killed in the middle of long lines leaves readable lines, in order, none missing."""
    acknowledged = -1
    for after in (0, 1, 2, 5, 9):
        process = writer(tmp_path, acknowledged + 1, 10**9, 900_000)
        assert process.stdout is not None
        for _ in range(after + 1):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        found = [number for number in numbers(tmp_path) if number is not None]
        assert found == list(range(len(found)))
        assert found[-1] >= acknowledged + after + 1
        acknowledged = found[-1]
    Spool(tmp_path).close()
    assert numbers(tmp_path) == list(range(acknowledged + 1))
    assert all(line.endswith(b"}\n") for line in (kept.line for kept in read(tmp_path)))


def test_two_writers_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    """Processes that append to the same day each leave whole lines."""
    writers = [writer(tmp_path, first, first + 40, 20_000) for first in (0, 1000)]
    for process in writers:
        assert process.communicate()[0].count("\n") == 40
    found = [number for number in numbers(tmp_path) if number is not None]
    assert sorted(found) == [*range(40), *range(1000, 1040)]
    assert torn(tmp_path) == 0


def test_an_old_day_whose_end_the_disk_does_not_give_keeps_nobody_from_appending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written today goes elsewhere on the disk; that of today has to be mended."""
    bad = tmp_path / "2020-01-01.jsonl"
    today = tmp_path / f"{datetime.now(UTC).date()}.jsonl"
    for path in (bad, today):
        path.write_bytes(b"{}\n")
    failing = {bad.stat().st_ino}
    whole = os.pread

    def pread(file: int, size: int, offset: int) -> bytes:
        if os.fstat(file).st_ino in failing:
            raise OSError(errno.EIO, "Input/output error")
        return whole(file, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    unread: dict[Path, OSError] = {}
    assert torn(tmp_path, unread) == 0
    with Spool(tmp_path) as spool:
        spool.append(trace(1))
    assert list(spool.unread) == list(unread) == [bad]
    failing.add(today.stat().st_ino)
    with pytest.raises(OSError, match="Input/output error") as raised:
        Spool(tmp_path)
    assert raised.value.filename == str(today)
