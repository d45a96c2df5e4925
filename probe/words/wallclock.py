"""The clock on the wall where this machine stands: how it shows a moment, and when it shows one.

Moments are in seconds since the epoch. This module does not know what time it is.
"""

from __future__ import annotations

import time
from datetime import datetime

_HOUR = 3600.0


def shown(moment: float) -> str:
    """Day and time to the minute, as `schedule status` has them."""
    return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d %H:%M}"


def next_at(minute: int, now: float) -> float:
    """When it next shows this minute.

    It is not ahead of UTC by whole hours everywhere, as in Iran or Myanmar.

    >>> time.localtime(next_at(15, 36_000.0)).tm_min, 0 < next_at(15, 36_000.0) - 36_000.0 <= 3600
    (15, True)
    """
    ahead = time.localtime(now).tm_gmtoff
    due = (now + ahead) // _HOUR * _HOUR + minute * 60.0 - ahead
    return due if due > now else due + _HOUR
