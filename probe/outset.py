"""Ctrl-C before a command has begun, while Python still imports it.

That is most of a start, and nothing has been done in it that could be told or kept: the program
ends at once, without a word. Loads nothing that takes time, since what it loads is not covered.
"""

from __future__ import annotations

import os
import signal

from probe.words.failure import INTERRUPTED


def begun() -> None:
    """The program begins. Where it was started to ignore Ctrl-C it ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def over() -> None:
    """The command is imported: Ctrl-C raises KeyboardInterrupt, as it always does."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(_number: int, _frame: object) -> None:
    # An exception could come up in the middle of what catches any, or ignores them.
    os._exit(INTERRUPTED)
