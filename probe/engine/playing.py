"""Measures on a network in memory, by a clock that moves only when there is nothing to do.

A run over minutes is played in a fraction of a second, and comes out the same each time. What
happens, and when, is what `probe.engine.measuring` would make of it under trio's virtual clock, in
half the time: no task waits for another here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probe.engine.session import Session
    from probe.network.simulated import SimulatedNetwork


class VirtualClock:
    """A clock that is put forward: seconds since the play began.

    >>> clock = VirtualClock()
    >>> clock.now = 1.5
    >>> clock()
    1.5
    """

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def play(session: Session, network: SimulatedNetwork, clock: VirtualClock) -> None:
    """Make all traces of a session on a network that keeps to this clock.

    Raises what the session raises. Answers that are still on their way in the end are left there.
    """
    tick = session.tick
    try:
        while not session.over:
            now = clock.now
            until = session.advance(now)
            waits = until > now + tick
            if waits:
                clock.now = max(now, min(until, network.next_arrival))
            if tick and not (waits and session.awaits_few):
                clock.now = max(clock.now, now + tick)
            session.collect(clock.now)
    finally:
        session.leave()
