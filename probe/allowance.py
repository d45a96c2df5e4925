"""How much this machine may still send today, over all commands that send.

A volunteer on a metered line must never pay more than agreed, and what was sent costs the same
whether it was kept, refused or cut short. So each packet is counted as it leaves, in one small
file that names no target, no hour and no network: a day, and the bytes of that day. This module
sends nothing.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from probe.failure import BadInput, PartlyDone
from probe.language import _
from probe.places import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MEGABYTE = 1_000_000

# The file is charged with so many bytes at a time, beforehand. What was not sent of them is given
# back at the end; a killed run leaves the day charged with a little too much, never too little.
BLOCK = 10_000

DAY = 86_400

_LINE = re.compile(rb"(\d{4}-\d\d-\d\d) (\d{1,18})\n")


def allowance_file() -> Path:
    """Where the count of the day lies, in the data folder."""
    return data_folder() / "allowance.state"


class OverAllowance(PartlyDone):
    """The bytes of the day are used up."""


class Allowance:
    """The bytes of this day (UTC), shared by all processes that name the same file.

    ``limit`` is in bytes a day, ``clock`` gives seconds since the epoch. Nothing is written
    before something was sent. Where the clock was set back, what was sent on the later day counts
    for the earlier one: setting it is no new allowance.
    """

    def __init__(self, path: Path, limit: float, clock: Callable[[], float]) -> None:
        self._path = path
        self._limit = limit
        self._clock = clock
        # Of what stands in the file for this day, the bytes charged beforehand and not yet sent.
        self._spare = 0
        self._day = -1

    @property
    def left(self) -> float:
        """Bytes that may still be sent today by this process. Raises `BadInput` as `spend` does."""
        today = self._today()
        return self._limit - self._read(today) + (self._spare if today == self._day else 0)

    def check(self) -> None:
        """Raise `OverAllowance` where nothing is left of the day."""
        if self.left <= 0:
            raise self._over()

    def require(self, size: int) -> None:
        """Raise `OverAllowance` where the day has not so many bytes left. Writes nothing."""
        if size > self._spare and size > self.left:
            raise self._over()

    def spend(self, sent: int) -> None:
        """Count bytes that were sent.

        Raises `BadInput` for a file that cannot be understood, OSError where it cannot be written.
        """
        if sent > self._spare or self._today() != self._day:
            self._charge(sent)
        self._spare -= sent

    def writable(self) -> bool:
        """Whether this user may keep the count where it lies."""
        known = next(path for path in (self._path, *self._path.parents) if path.exists())
        return os.access(known, os.W_OK | (os.X_OK if known.is_dir() else 0))

    def settle(self) -> None:
        """Give back what was charged beforehand and not sent. Safe to call twice."""
        spare, self._spare = self._spare, 0
        today = self._today()
        if spare and today == self._day:
            with self._locked() as file:
                spent = self._parse(os.read(file, 64), today)
                self._write(file, today, max(0, spent - spare))

    def _charge(self, sent: int) -> None:
        today = self._today()
        if today != self._day:
            self._day, self._spare = today, 0
        with self._locked() as file:
            spent = self._parse(os.read(file, 64), today) - self._spare
            self._spare = max(sent, int(min(BLOCK, self._limit - spent)))
            self._write(file, today, spent + self._spare)

    def _over(self) -> OverAllowance:
        return OverAllowance(
            _(
                "the budget of the day, {megabytes:g} MB, is spent; go on after "
                "midnight UTC, or give a larger --budget"
            ).format(megabytes=self._limit / MEGABYTE)
        )

    def _today(self) -> int:
        return int(self._clock() // DAY)

    def _read(self, today: int) -> int:
        try:
            return self._parse(self._path.read_bytes(), today)
        except FileNotFoundError:
            return 0

    def _parse(self, said: bytes, today: int) -> int:
        """The bytes that count for this day; those of days before are forgotten."""
        if not said:
            return 0
        line = _LINE.fullmatch(said)
        if line is None:
            raise BadInput(
                _(
                    "{path} cannot be read, and how much was sent today is not known; "
                    "delete it and the day begins anew"
                ).format(path=self._path)
            )
        return int(line[2]) if line[1].decode() >= _date(today) else 0

    def _write(self, file: int, day: int, spent: int) -> None:
        # Of one length, so that no crash leaves half a line behind.
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, f"{_date(day)} {spent:018}\n".encode())

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _lock(file)
            yield file
        finally:
            os.close(file)


def _lock(file: int) -> None:
    """Keep other commands from this file until it is closed.

    Windows cannot: there two commands that send at the same time may count too little.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ModuleNotFoundError:
        return
    fcntl.flock(file, fcntl.LOCK_EX)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")
