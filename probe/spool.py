"""What is kept on disk: one file a UTC day, one line a trace, whole lines or none.

A volunteer's machine is switched off, runs out of disk or is killed at any moment; nothing that
was finished before may be lost by it, and no line may be left that cannot be read. It accepts
only what went through redaction, and knows nothing of how a trace was made.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Self

from probe.disk.places import data_folder
from probe.disk.private import (
    NO_ROOM,
    NOT_GIVEN,
    make_folder,
    naming,
    open_kept,
    open_private,
    read_kept,
    sync_folder,
)
from probe.record import MalformedRecord, Trace, from_line, to_line
from probe.words.failure import PartlyDone
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from probe.redaction.redact import Redacted

_SUFFIX = ".jsonl"
_TORN = ".torn"
_BLOCK = 1 << 16


def spool_folder() -> Path:
    """The folder of day files in this volunteer's data folder."""
    return data_folder() / "spool"


def day_files(folder: Path) -> list[Path]:
    """The day files of a folder, oldest first, each named by its day (ISO 8601, UTC).

    None where there is no such folder; raises OSError for one that may not be looked into.
    """
    return _ending_in(_SUFFIX, folder)


def day_named(name: str) -> date | None:
    """The day that a day file is named by; None where somebody else named it.

    >>> day_named("2022-02-16.jsonl")
    datetime.date(2022, 2, 16)
    """
    try:
        return date.fromisoformat(name.removesuffix(_SUFFIX))
    except ValueError:
        return None


class Spool:
    """Appends traces to the day files of a folder. Several processes may do so at once.

    A context manager; opening it makes the folder, and mends day files whose last line a crash
    cut short: the remains are moved to a file beside it, ``<day>.torn``, where they are counted.
    A day that is over and of which the disk does not give the end stays as it is, in ``unread``
    with the error. Raises `PartlyDone` where the disk has no room for the remains.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._day: Path | None = None
        self._file = -1
        self.unread: dict[Path, OSError] = {}
        make_folder(folder)
        today = datetime.now(UTC).date()
        try:
            for day in day_files(folder):
                over = (day_named(day.name) or today) < today
                with noting_unread(day, self.unread) if over else nullcontext():
                    self._open(day)
                    with _locked(self._file, day):
                        _mend(self._file, day)
                self.close()
        finally:
            self.close()

    def append(self, *traces: Redacted) -> None:
        """Add traces, each with one write, and return when they are on the disk.

        The day is that of a trace's start, in UTC. Raises `PartlyDone` when the disk is full;
        what was there before is as it was, and of ``traces`` those before the one that found no
        room are kept.
        """
        for trace in traces:
            day = datetime.fromtimestamp(trace.timestamp, UTC).strftime("%Y-%m-%d")
            self._open(self.folder / f"{day}{_SUFFIX}")
            self._write(to_line(trace).encode() + b"\n")
        if self._file >= 0:
            _sync(self._file, self.folder)

    def close(self) -> None:
        """Close the file at hand. Safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
        self._day = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, day: Path) -> None:
        if day == self._day:
            return
        if self._file >= 0:
            _sync(self._file, self.folder)
        self.close()
        new = not day.exists()
        try:
            self._file = open_private(day, os.O_RDWR | os.O_APPEND)
            self._day = day
            if new:
                sync_folder(self.folder)
        except OSError as problem:
            raise _full(problem, self.folder) from problem

    def _write(self, line: bytes) -> None:
        assert self._day is not None
        with _locked(self._file, self._day):
            before = _mend(self._file, self._day)
            try:
                written = os.write(self._file, line)
            except OSError as problem:
                os.ftruncate(self._file, before)
                raise _full(problem, self.folder) from problem
            if written != len(line):
                os.ftruncate(self._file, before)
                raise _full(OSError(errno.ENOSPC, "a line did not fit"), self.folder)


@dataclass(frozen=True, slots=True)
class Kept:
    """One line of a day file: the bytes as they stand there, and the trace or what is wrong."""

    path: Path
    number: int
    line: bytes
    trace: Trace | None
    problem: str | None


def read(folder: Path, unread: dict[Path, OSError] | None = None) -> Iterator[Kept]:
    """All lines kept in a folder, oldest day first; none where there is no such folder.

    See `noting_unread` for ``unread``.
    """
    for path in day_files(folder):
        with noting_unread(path, unread):
            yield from read_day(path)


def read_day(path: Path) -> Iterator[Kept]:
    """All lines of a day file.

    A line that is being written right now, or that a crash cut short, has no line end and is
    left out: see `torn`.
    """
    with open_kept(path) as file:
        with _locked(file.fileno(), path, shared=True):
            left = os.fstat(file.fileno()).st_size
        for number, line in enumerate(file, start=1):
            left -= len(line)
            if left < 0 or not line.endswith(b"\n"):
                break
            yield _kept(path, number, line)


@contextmanager
def noting_unread(day: Path, unread: dict[Path, OSError] | None) -> Iterator[None]:
    """Put an error into ``unread`` by which a disk does not give all of a day file.

    One bad block of an old card should keep nobody from what lies beside it. Other errors, and all
    where ``unread`` is None, are raised; each names the file.
    """
    try:
        with naming(day):
            yield
    except OSError as problem:
        if unread is None or problem.errno not in NOT_GIVEN:
            raise
        unread[day] = problem


def demand_all(unread: dict[Path, OSError]) -> None:
    """Raise the error of the first day of which the disk does not give all, where there is one."""
    for _day, problem in sorted(unread.items()):
        raise problem


def lines_in(path: Path) -> int:
    """How many lines a day file has, whatever stands in them."""
    return read_kept(path).count(b"\n")


def torn(folder: Path, unread: dict[Path, OSError] | None = None) -> int:
    """How many lines crashes cut short: those set aside, and those not yet mended.

    See `noting_unread` for ``unread``.
    """
    count = 0
    for path in _ending_in(_TORN, folder):
        with noting_unread(path, unread):
            count += lines_in(path)
    for path in day_files(folder):
        with noting_unread(path, unread):
            count += _is_torn(path)
    return count


def _ending_in(suffix: str, folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(suffix))
    except FileNotFoundError:
        return []


def _kept(path: Path, number: int, line: bytes) -> Kept:
    try:
        return Kept(path, number, line, from_line(line), None)
    except MalformedRecord as problem:
        return Kept(path, number, line, None, str(problem))


def _is_torn(day: Path) -> bool:
    with open_kept(day) as file, _locked(file.fileno(), day, shared=True):
        return not _ends_whole(file.fileno(), os.fstat(file.fileno()).st_size)


def _ends_whole(file: int, size: int) -> bool:
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"


def _mend(file: int, day: Path) -> int:
    """Set a cut line at the end aside; returns the file's size. The file has to be locked.

    The remains are on the disk beside it before they are cut off, so a crash in between loses
    nothing; finding them there already, the next call only cuts.
    """
    size = os.fstat(file).st_size
    if _ends_whole(file, size):
        return size
    whole = _last_line_end(file, size)
    remains = os.pread(file, size - whole, whole) + b"\n"
    aside = open_private(day.with_suffix(_TORN), os.O_RDWR | os.O_APPEND)
    try:
        length = os.fstat(aside).st_size
        if not _ends_whole(aside, length):
            length = _last_line_end(aside, length)
            os.ftruncate(aside, length)
        start = max(0, length - len(remains))
        try:
            if os.pread(aside, length - start, start) != remains:
                written = os.write(aside, remains)
                if written != len(remains):
                    raise OSError(errno.ENOSPC, "a line did not fit")
            os.fsync(aside)
            sync_folder(day.parent)
        except OSError as problem:
            os.ftruncate(aside, length)
            raise _full(problem, day.parent) from problem
    finally:
        os.close(aside)
    os.ftruncate(file, whole)
    os.fsync(file)
    return whole


def _last_line_end(file: int, size: int) -> int:
    """The offset just after the last line end, 0 where there is none."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


@contextmanager
def _locked(file: int, day: Path, *, shared: bool = False) -> Iterator[None]:
    """Keep others from a day file meanwhile; errors of the system that name none name it."""
    with naming(day):
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _sync(file: int, folder: Path) -> None:
    try:
        with naming(folder):
            os.fsync(file)
    except OSError as problem:
        raise _full(problem, folder) from problem


def _full(problem: OSError, folder: Path) -> Exception:
    """The failure that an error of the disk amounts to; other errors stay what they are."""
    if problem.errno not in NO_ROOM:
        return problem
    return PartlyDone(
        _(
            "disk full: {folder} has no room for another trace; what was kept "
            "before is safe, make room and run again"
        ).format(folder=folder)
    )
