"""How a command ends when it cannot do what was asked: one sentence, and a code a script may test.

The codes are the contract of the command line. Whoever raises one of these says in the same
sentence what is wrong and what mends it. This module knows nothing of what was being done.
"""

from __future__ import annotations

# Ended by Ctrl-C, or by a reader that closed the pipe: 128 and the signal, as shells count.
INTERRUPTED = 130
PIPE_CLOSED = 141


class Failure(Exception):
    """The command could not do what was asked; the message is one sentence with its remedy."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NoConsent(Failure):
    """The owner of this machine has not agreed to it."""

    exit_code = 3


class PermissionDenied(Failure):
    """The system refused it; the message names what, and the command that grants it."""

    exit_code = 4


class Offline(Failure):
    """There is no way out to the network from here."""

    exit_code = 5


class PartlyDone(Failure):
    """Some of it was done, and that is kept."""

    exit_code = 6


class RefusedToRedact(Failure):
    """It is not certain what has to be taken out, therefore nothing was written."""

    exit_code = 7


class NotYetSent(Failure):
    """It is queued, and will be tried again."""

    exit_code = 8


class BadInput(Failure):
    """A file, name or number that was given cannot be used; the message says which and where."""

    exit_code = 9


class Stopped(BaseException):
    """Somebody ended the program by another signal than Ctrl-C; ``number`` is that signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def in_words(problem: BaseException) -> str:
    """What the system said, where it was the system, without its number; else what is said there.

    >>> in_words(ConnectionRefusedError(111, "Connection refused"))
    'Connection refused'
    >>> in_words(EOFError())
    'EOFError'
    """
    origin: BaseException | None = problem
    while origin is not None:
        if isinstance(origin, OSError) and origin.strerror:
            return origin.strerror
        origin = origin.__cause__ or origin.__context__
    return str(problem) or type(problem).__name__


def cause(problem: BaseException) -> BaseException:
    """What went wrong, taken out of the groups that concurrent code wraps it in.

    The first of several; a `Failure` comes before anything else, since it speaks to the user.

    >>> cause(ExceptionGroup("tasks", [ValueError("a"), ExceptionGroup("more", [BadInput("b")])]))
    BadInput('b')
    """
    if not isinstance(problem, BaseExceptionGroup):
        return problem
    leaves = [cause(inner) for inner in problem.exceptions]
    return next((leaf for leaf in leaves if isinstance(leaf, Failure)), leaves[0])
