"""Measures and does nothing else meanwhile: a loop without trio, which takes long to import.

Only for networks that have a descriptor to wait on: those that touch a wire.
"""

from __future__ import annotations

import math
import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probe.engine.session import Session


def measure(session: Session) -> None:
    """Make all traces of a session.

    Raises what it raises, and what a signal handler does. However it ends, finished traces have
    been handed over, those in flight have not, and the network, which stays open, has forgotten
    all probes.
    """
    tick = session.tick
    heard = [session.network.fileno()]
    clock = time.monotonic
    try:
        while not session.over:
            now = clock()
            until = session.advance(now)
            waits = until > now + tick
            if waits:
                left = max(0.0, until - clock())
                select.select(heard, (), (), None if left == math.inf else left)
            if tick and not (waits and session.awaits_few):
                time.sleep(max(0.0, now + tick - clock()))
            session.collect(clock())
    finally:
        session.leave()
