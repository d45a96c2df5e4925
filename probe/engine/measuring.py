"""Measures among other tasks of trio, as ``gatewatch run`` does.

Importing trio is most of a start: what measures and does nothing else meanwhile is better off with
`probe.engine.blocking`, and what is played in memory with `probe.engine.playing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from probe.engine.session import Session


@trio.lowlevel.enable_ki_protection
async def measure(session: Session) -> None:
    """Make all traces of a session.

    Raises what it raises, just as it was raised. However it ends, also by cancellation or Ctrl-C,
    no callback is cut in half, finished traces have been handed over, those in flight have not,
    and the network, which stays open, has forgotten all probes.
    """
    tick = session.tick
    try:
        while not session.over:
            now = trio.current_time()
            until = session.advance(now)
            waits = until > now + tick
            if waits:
                with trio.move_on_at(until):
                    await session.network.wait()
            if tick and not (waits and session.awaits_few):
                await trio.sleep_until(now + tick)
            session.collect(trio.current_time())
    finally:
        session.leave()
