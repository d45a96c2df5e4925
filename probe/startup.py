"""Ctrl-C, SIGTERM and a closed terminal before a command has begun, while Python still imports it.

That is most of a start, and nothing has been done in it that could be told or kept: the program
ends at once, without a word, and with the code that it would end with later. What this loads is not
covered, so it loads nothing that Python has not loaded itself.
"""

# What `signal` gives names to, whose own import takes longer than all that is done here.
import _signal  # type: ignore[import-not-found]  # typeshed has the public one alone
import os

# What each of them does where nobody has decided otherwise; Windows has no SIGHUP.
_USUAL = {_signal.SIGINT: _signal.default_int_handler, _signal.SIGTERM: _signal.SIG_DFL}
if hasattr(_signal, "SIGHUP"):
    _USUAL[_signal.SIGHUP] = _signal.SIG_DFL


def begun() -> None:
    """The program begins. What it was started to ignore, as by ``nohup``, it ignores."""
    for number, usual in _USUAL.items():
        if _signal.getsignal(number) == usual:
            _signal.signal(number, _leave)


def over() -> None:
    """The command is imported: each does what it always did, Ctrl-C raises KeyboardInterrupt."""
    for number, usual in _USUAL.items():
        if _signal.getsignal(number) is _leave:
            _signal.signal(number, usual)


def _leave(number: int, _frame: object) -> None:
    # An exception could come up in the middle of what catches any, or ignores them.
    os._exit(128 + number)
