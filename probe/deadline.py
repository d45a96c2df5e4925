"""A deadline for something on the network as a whole, however often a byte arrives meanwhile.

A socket's timeout is for one read: a server that sends a byte now and then could hold a command
for ever, and with it the timer that waits for its end. This module knows nothing of what is done.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` in what is done here once it has taken so many seconds.

    It comes out of here whatever a library makes of it, as of a read that took too long.
    Only in the main thread, where commands run, and on systems that have such a clock.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    is_over = False

    def overdue() -> TimeoutError:
        return TimeoutError(_("not done within {minutes:.0f} minutes").format(minutes=seconds / 60))

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_over
        is_over = True
        raise overdue()

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Exception as problem:
        if is_over and type(problem) is not TimeoutError:
            raise overdue() from problem
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
