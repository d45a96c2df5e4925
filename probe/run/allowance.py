"""How much this machine may still send today, over all commands that send.

A volunteer on a metered line must never pay more than agreed, and what was sent costs the same
whether it was kept, refused or cut short. So each packet is counted as it leaves, in one small
file that names no target, no hour and no network: a day and a month, and the bytes of each. This
module sends nothing.
"""

from __future__ import annotations

import math
import os
import re
from collections import deque
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from probe.disk.places import data_folder
from probe.disk.presence import nearest
from probe.disk.private import make_folder, naming, open_private, read_kept, sync_folder
from probe.vantage.timekeeping import EVER_SET
from probe.words.failure import PartlyDone
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MEGABYTE = 1_000_000

# Bytes set aside for a trace where none has ended yet: fourteen probes of some 60 bytes.
USUAL_BYTES = 840.0

# Of how many traces it is remembered what they took.
REMEMBERED = 100

# The file is charged with so many bytes at a time, beforehand. What was not sent of them is given
# back at the end; after a killed run a little too much is charged, never too little.
BLOCK = 10_000

DAY = 86_400

# What a count amounts to that nobody knows: more than any budget. What is added to it, or given
# back, makes no known one of it.
_ALL = 10**17
_UNKNOWN = 10**16

# In days of the epoch.
_OLDEST = (EVER_SET - date(1970, 1, 1)).days

# A file of before there was a count of the month has the first line only; newer versions may count
# more behind these two.
_LINES = re.compile(rb"(\d{4}-\d\d-\d\d) (\d{1,18})\n(?:(\d{4}-\d\d) (\d{1,18})\n(?s:.*))?")


def allowance_file(folder: Path | None = None) -> Path:
    """Where the count of the day lies, in this user's data folder or another one."""
    return (folder or data_folder()) / "allowance.state"


class OverAllowance(PartlyDone):
    """The bytes of the day or of the month are used up."""


class BytesSent(NamedTuple):
    """The bytes that count for a day and for its month; see `is_unknown`."""

    day: int = 0
    month: int = 0


def is_unknown(sent: int) -> bool:
    """Whether a count of bytes stands for one that was lost with a damaged file."""
    return sent >= _UNKNOWN


def lost(path: Path) -> str:
    """What is said where such a count keeps anything from being sent."""
    return _(
        "{path} was damaged, and how much was sent is not known, which counts as all; go on after "
        "midnight UTC, with a schedule next month, or delete the file, and both budgets begin anew"
    ).format(path=path)


class Allowance:
    """The bytes of this day and month (UTC), shared by all processes that name the same file.

    ``limit`` is in bytes a day, ``monthly`` in bytes a month, ``clock`` gives seconds since the
    epoch. Nothing is written before something was sent. Where the clock was set back, what was
    sent on the later day counts for the earlier one: setting it is no new allowance. It does so
    for one day and its month: a clock that was wrong once does not stop everything for a year.
    A file that cannot be understood counts as all of the day and the month it was written in.
    """

    def __init__(
        self, path: Path, limit: float, clock: Callable[[], float], *, monthly: float = math.inf
    ) -> None:
        self._path = path
        self._limit = limit
        self._monthly = monthly
        self._clock = clock
        # Of what stands in the file for this day, the bytes charged beforehand and not yet sent.
        self._spare = 0
        self._day = -1

    @property
    def left(self) -> float:
        """Bytes that may still be sent today by this process."""
        today = self._today()
        return self._left_of(self._read(today)) + (self._spare if today == self._day else 0)

    @property
    def sent(self) -> BytesSent:
        """What was sent today and this month."""
        return self._read(self._today())

    @property
    def ends_with_month(self) -> bool:
        """Whether the month leaves no more than the day."""
        sent = self.sent
        return self._monthly - sent.month <= self._limit - sent.day

    def check(self) -> None:
        """Raise `OverAllowance` where nothing is left of the day or the month."""
        if self.left <= 0:
            raise self._over()

    def require(self, size: float) -> None:
        """Raise `OverAllowance` where day or month has not so many bytes left."""
        if size > self._spare and size > self.left:
            raise self._over()

    def spend(self, sent: int) -> None:
        """Count bytes that were sent. Raises OSError where the file cannot be written."""
        if sent > self._spare or self._today() != self._day:
            self._charge(sent)
        self._spare -= sent

    def writable(self) -> bool:
        """Whether this user may keep the count where it lies."""
        known = nearest(self._path)
        return os.access(known, os.W_OK | (os.X_OK if known.is_dir() else 0))

    def settle(self) -> None:
        """Give back what was charged beforehand and not sent. Safe to call twice."""
        spare, self._spare = self._spare, 0
        today = self._today()
        if spare and today == self._day:
            with self._locked() as file:
                sent = self._parse(os.read(file, 128), today)
                self._write(file, today, BytesSent(*(max(0, count - spare) for count in sent)))

    def _charge(self, size: int) -> None:
        today = self._today()
        with self._locked() as file:
            sent = self._parse(os.read(file, 128), today)
            # What was charged beforehand counts for its own day, and is unsent in the month.
            spare = self._spare
            sent = BytesSent(
                sent.day - (spare if today == self._day else 0),
                sent.month - (spare if _month(today) == _month(self._day) else 0),
            )
            self._day = today
            self._spare = max(size, int(min(BLOCK, self._left_of(sent))))
            self._write(file, today, BytesSent(*(count + self._spare for count in sent)))

    def _left_of(self, sent: BytesSent) -> float:
        return min(self._limit - sent.day, self._monthly - sent.month)

    def _over(self) -> OverAllowance:
        self._date_back()
        sent = self.sent
        if is_unknown(sent.month if self.ends_with_month else sent.day):
            return OverAllowance(lost(self._path))
        if self.ends_with_month:
            return OverAllowance(
                _(
                    "the budget of the month, {megabytes:g} MB, is spent; go on next month, or set "
                    "a larger monthly_megabytes in settings.toml"
                ).format(megabytes=self._monthly / MEGABYTE)
            )
        return OverAllowance(
            _(
                "the budget of the day, {megabytes:g} MB, is spent; go on after "
                "midnight UTC, or give a larger --budget"
            ).format(megabytes=self._limit / MEGABYTE)
        )

    def _date_back(self) -> None:
        """Let what stands there for a day to come count for today, and tomorrow no more.

        So does what cannot be understood, whatever the date of its file. Not by a clock that was
        never set, as of a board that starts in 1970: it is today that is wrong then, and the day
        would have a second budget once the clock is right.
        """
        today = self._today()
        if today < _OLDEST:
            return
        with suppress(FileNotFoundError):
            said = read_kept(self._path)
            if said[:10] > _date(today).encode() or not _LINES.fullmatch(said):
                with self._locked() as file:
                    self._write(file, today, self._parse(os.read(file, 128), today))

    def _today(self) -> int:
        return int(self._clock() // DAY)

    def _read(self, today: int) -> BytesSent:
        try:
            return self._parse(read_kept(self._path), today)
        except FileNotFoundError:
            return BytesSent()

    def _parse(self, said: bytes, today: int) -> BytesSent:
        """The bytes that count for this day and month; those of before are forgotten."""
        if not said:
            return BytesSent()
        lines = _LINES.fullmatch(said)
        if lines is None:
            written = int(self._path.stat().st_mtime // DAY)
            return BytesSent(
                _ALL if written >= today else 0, _ALL if _month(written) >= _month(today) else 0
            )
        day, month = lines[1].decode(), (lines[3] or lines[1][:7]).decode()
        return BytesSent(
            int(lines[2]) if day >= _date(today) else 0,
            int(lines[4] or lines[2]) if month >= _month(today) else 0,
        )

    def _write(self, file: int, today: int, sent: BytesSent) -> None:
        # Of one length, so that no crash leaves half a line behind; and once it has that length on
        # the disk, no power cut leaves a file of zeros, which would stop everything.
        os.lseek(file, 0, os.SEEK_SET)
        day = _dated(os.read(file, 10), today)
        text = f"{day} {sent.day:018}\n{day[:7]} {sent.month:018}\n"
        length = os.fstat(file).st_size
        os.lseek(file, 0, os.SEEK_SET)
        with naming(self._path):
            os.write(file, text.encode())
            if os.fstat(file).st_size > length:
                os.fsync(file)
                sync_folder(self._path.parent)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        make_folder(self._path.parent)
        file = open_private(self._path)
        try:
            with naming(self._path):
                _lock(file)
            yield file
        finally:
            os.close(file)


class Outlook:
    """Whether the budget is likely to carry more traces, by what the last ones took.

    Each is expected to take as much as the longest of them, so that few are cut short by the end
    of the budget.

    >>> outlook = Outlook()
    >>> outlook.begin(2000.0)
    >>> outlook.carries(2), outlook.carries(3)
    (True, False)
    >>> outlook.ended(500)
    >>> outlook.carries(3)
    True
    """

    def __init__(self) -> None:
        # Bytes left of the day and not yet taken by traces that have ended.
        self._left = 0.0
        self._took: deque[int] = deque(maxlen=REMEMBERED)

    def begin(self, left: float) -> None:
        """No trace is in flight, and so many bytes are left."""
        self._left = left

    def ended(self, took: int, *, is_usual: bool = True) -> None:
        """A trace has taken so many bytes; one that could not be sent tells nothing of others."""
        self._left -= took
        if is_usual:
            self._took.append(took)

    def carries(self, traces: int) -> bool:
        """Whether what is left is likely to do for so many traces in flight at once."""
        return traces * max(self._took, default=USUAL_BYTES) <= self._left


def _lock(file: int) -> None:
    """Keep other commands from this file until it is closed.

    Windows cannot: there two commands that send at the same time may count too little.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ModuleNotFoundError:
        return
    fcntl.flock(file, fcntl.LOCK_EX)


def _dated(before: bytes, today: int) -> str:
    """The day that a count is written for, where one stands there already.

    By a clock that was never set it is that one: dated back, the count would be forgotten, and the
    day and its month begin anew, once the clock is right.

    >>> _dated(b"2026-12-01", 0), _dated(b"2026-12-01", 20_789), _dated(b"", 0)
    ('2026-12-01', '2026-12-02', '1970-01-01')
    """
    if today < _OLDEST:
        with suppress(ValueError):
            return max(date.fromisoformat(before.decode()).isoformat(), _date(today))
    return _date(today)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")


def _month(day: int) -> str:
    return _date(day)[:7]
