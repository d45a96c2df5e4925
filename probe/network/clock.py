"""Round-trip times from two clocks, one of which may be set while a probe is on its way."""

from __future__ import annotations

from typing import Final

# A kernel receive time this much later than the clock now says is a clock that was set.
_CLOCK_SLACK: Final = 5_000_000


def round_trip(wall: int, monotonic: int, received: int | None, now: int) -> float:
    """Seconds from sending to the kernel's receiving.

    A probe left at ``wall`` and ``monotonic`` time and was received at the wall time
    ``received``; ``now`` is the monotonic time, all in ns. Where the kernel gave no time, or the
    wall clock was set in between (the answer would be older than the probe, or newer than now),
    the monotonic clock stands in: it includes the wait until the answer was read.

    >>> round_trip(wall=0, monotonic=0, received=20_000_000, now=21_000_000)
    0.02
    >>> round_trip(wall=0, monotonic=0, received=3600_000_000_000, now=21_000_000)
    0.021
    """
    elapsed = now - monotonic
    if received is not None:
        by_kernel = received - wall
        if 0 <= by_kernel <= elapsed + _CLOCK_SLACK:
            return by_kernel / 1e9
    return elapsed / 1e9
