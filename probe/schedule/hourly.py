"""When something that is called once an hour is called next; knows nothing of who calls it."""

from __future__ import annotations

import time

_HOUR = 3600.0


def next_at(minute: int, now: float) -> float:
    """When the clock on the wall next shows this minute, in seconds since the epoch.

    That clock is not ahead of UTC by whole hours everywhere, as in Iran or Myanmar.

    >>> time.localtime(next_at(15, 36_000.0)).tm_min, 0 < next_at(15, 36_000.0) - 36_000.0 <= 3600
    (15, True)
    """
    ahead = time.localtime(now).tm_gmtoff
    due = (now + ahead) // _HOUR * _HOUR + minute * 60.0 - ahead
    return due if due > now else due + _HOUR
