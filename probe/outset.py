"""Ctrl-C before a command has begun, while Python still imports it.

That is most of a start, and nothing has been done in it that could be told or kept: the program
ends at once, without a word. What this loads is not covered, so it loads nothing that Python has
not loaded itself.
"""

# What `signal` gives names to, whose own import takes longer than all that is done here.
import _signal  # type: ignore[import-not-found]  # typeshed has the public one alone
import os


def begun() -> None:
    """The program begins. Where it was started to ignore Ctrl-C it ignores it."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _leave)


def over() -> None:
    """The command is imported: Ctrl-C raises KeyboardInterrupt, as it always does."""
    if _signal.getsignal(_signal.SIGINT) is _leave:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)


def _leave(number: int, _frame: object) -> None:
    # An exception could come up in the middle of what catches any, or ignores them.
    os._exit(128 + number)
