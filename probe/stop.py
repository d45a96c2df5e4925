"""How a program that measures is told to stop, and stops in order.

Ctrl-C, a service manager's SIGTERM and a closed terminal mean the same: end now, keep what is
finished. This module knows nothing of what is being done.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from probe.words.failure import Stopped, cause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import FrameType

    import trio

# Ctrl-C is trio's own business: it also ends what does not come to a checkpoint.
_SIGNALS = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))


@contextmanager
def heeded() -> Iterator[None]:
    """Be told to stop while nothing but this is done.

    Raises `Stopped` on SIGTERM and SIGHUP, wherever the program is just then, as Python itself
    raises KeyboardInterrupt on Ctrl-C. A signal that the program was started to ignore
    (``nohup``) is ignored.
    """

    def stop(number: int, _: FrameType | None) -> None:
        raise Stopped(number)

    wanted = _wanted()
    try:
        for number in wanted:
            signal.signal(number, stop)
        yield
    finally:
        for number in wanted:
            signal.signal(number, signal.SIG_DFL)


def _wanted() -> list[signal.Signals]:
    return [number for number in set(_SIGNALS) if signal.getsignal(number) == signal.SIG_DFL]


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` under trio until it ends or is told to stop.

    Raises what it raises, not in a group; KeyboardInterrupt on Ctrl-C, `Stopped` on SIGTERM and
    SIGHUP, once everything has been closed in order. A signal that the program was started to
    ignore (``nohup``) is ignored.
    """
    import trio  # noqa: PLC0415 - takes most of a start

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
    import trio  # noqa: PLC0415 - takes most of a start

    wanted = _wanted()
    if not wanted:
        task_status.started()
        return
    with trio.open_signal_receiver(*wanted) as told:
        task_status.started()
        async for number in told:
            raise Stopped(number)
