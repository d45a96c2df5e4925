"""Whether this machine's clock can be right: a trace of a wrong day spoils what days are to show.

No time server is asked. What lies on the disk was made in the past; the kernel knows whether
somebody sets its clock. A clock that is a few minutes off passes, and does no harm.
"""

from __future__ import annotations

import ctypes
import math
import time
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Other time zones and the table's own day are no error.
_TOLERANCE = timedelta(days=1)

# A clock that shows a day before this one was never set, as that of a board which starts in 1970.
EVER_SET = date(2020, 1, 1)

# sys/timex.h: nobody sets the clock.
_UNSYNCHRONISED = 0x0040

# What systemd-timesyncd(8) has while it runs, and leaves in it once it has set the clock.
_ROOT = Path("/")
_SERVICE = "run/systemd/timesync"
_ONCE_SYNCHRONISED = f"{_SERVICE}/synchronized"

# What each clock with a battery shows, in seconds since the epoch (the kernel's sysfs-class-rtc).
_HARDWARE = "sys/class/rtc/*/since_epoch"

# Seconds by which a clock was wrong that is set by so much: a collector grants an hour.
_MUCH = 3600.0

# Seconds after a start in which the time should have come from the network, if it ever does.
_ARRIVED = 3600.0


def impossible(now: float, days: Iterable[date]) -> date | None:
    """The latest of these days where ``now`` (seconds since the epoch) is well before it.

    ``days`` are days that have been, if clocks were right: those of the address table and of what
    was kept. None where the clock may be right.

    >>> impossible(0.0, [date(2026, 6, 17), date(2026, 6, 30)])
    datetime.date(2026, 6, 30)
    >>> impossible(1_790_000_000.0, [date(2026, 6, 17)]) is None
    True
    """
    latest = max(days, default=date.min)
    return latest if datetime.fromtimestamp(now, UTC).date() + _TOLERANCE < latest else None


class _Timex(ctypes.Structure):
    """The head of ``struct timex``, and more room than any system fills behind it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def is_set_by_others(root: Path = _ROOT) -> bool | None:
    """Whether the clock is kept right by NTP or the like; None where nobody says.

    A service that may not ask the kernel sees at least whether systemd has had the time from
    others since the start. ``root`` is where its file lies.
    """
    asked = _Timex()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError, TypeError):
        return None  # a system that has no such question
    if answer < 0:
        return (root / _ONCE_SYNCHRONISED).exists() or None
    return not asked.status & _UNSYNCHRONISED


def awake_or_asleep() -> float:
    """Seconds on a clock that nobody sets, and that goes on in a sleep, where there is one.

    On Linux those since the start.
    """
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class ClockWatch:
    """Whether the clock was set by much while this looked on, where nobody kept it right before.

    What it showed before was wrong then, and so are the days of what was measured. ``clock`` gives
    seconds since the epoch, ``steady`` those of a clock that nobody sets, ``kept_right`` says
    whether others keep the first one right.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = awake_or_asleep,
        kept_right: Callable[[], bool | None] = is_set_by_others,
    ) -> None:
        self._clock = clock
        self._steady = steady
        self._kept_right = kept_right
        self._begin()

    def _begin(self) -> None:
        self._began = self._clock()
        self._ahead = self._began - self._steady()
        self._was_right = self._kept_right() is True

    def misdated(self) -> tuple[int, int] | None:
        """From when to when it was wrong, by its own word, in whole seconds, rounded outward.

        Told once; None where it was not.
        """
        now = self._ahead + self._steady()
        if abs(self._clock() - now) < _MUCH:
            return None
        began, was_right = self._began, self._was_right
        self._begin()
        return None if was_right else (math.floor(began), math.ceil(now))


def awaits_others(
    root: Path = _ROOT,
    since_start: Callable[[], float] = awake_or_asleep,
    clock: Callable[[], float] = time.time,
) -> bool:
    """Whether systemd still waits for the time from others, soon after this machine started.

    A board without a clock of its own believes until then in the time of its last shutdown, which
    may be weeks ago; one that went on while the machine was off is believed. ``since_start`` gives
    seconds, and ``clock`` those since the epoch; where nothing has come within an hour nothing may
    ever come. ``root`` is where systemd's files and those of the kernel lie.
    """
    waits = (root / _SERVICE).is_dir() and not (root / _ONCE_SYNCHRONISED).exists()
    return waits and since_start() < _ARRIVED and not _went_on(root, clock())


def _went_on(root: Path, now: float) -> bool:
    """Whether a clock of the hardware says the same; in local time it is some hours off."""
    for shown in root.glob(_HARDWARE):
        with suppress(OSError, ValueError):
            if abs(int(shown.read_text()) - now) < _TOLERANCE.total_seconds():
                return True
    return False
