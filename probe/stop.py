"""How a program that measures is told to stop, and stops in order.

Ctrl-C, a service manager's SIGTERM and a closed terminal mean the same: end now, keep what is
finished. This module knows nothing of what is being done.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import trio

from probe.failure import Stopped, cause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Ctrl-C is trio's own business: it also ends what does not come to a checkpoint.
_SIGNALS = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` under trio until it ends or is told to stop.

    Raises what it raises, not in a group; KeyboardInterrupt on Ctrl-C, `Stopped` on SIGTERM and
    SIGHUP, once everything has been closed in order. A signal that the program was started to
    ignore (``nohup``) is ignored.
    """

    async def until_told() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(_heed)
            await main()
            nursery.cancel_scope.cancel()

    try:
        trio.run(until_told)
    except BaseExceptionGroup as group:
        raise cause(group) from None


async def _heed(*, task_status: trio.TaskStatus[None]) -> None:
    wanted = [number for number in set(_SIGNALS) if signal.getsignal(number) == signal.SIG_DFL]
    if not wanted:
        task_status.started()
        return
    with trio.open_signal_receiver(*wanted) as told:
        task_status.started()
        async for number in told:
            raise Stopped(number)
