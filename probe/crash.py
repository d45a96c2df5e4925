"""What a fault of the program says: enough to mend it, and nothing of who ran it.

Python's own traceback shows the folders of its user, and messages with addresses; it would stand in
the journal of a scheduled run, and people paste it into bug reports. So a fault is told by modules,
lines and redacted messages, on the standard error alone: no file is written. In Python's developer
mode (``python -X dev``) the whole traceback is shown instead.
"""

from __future__ import annotations

import sys
import threading
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

from probe import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

EXIT_CODE = 1

_FRAMES = 12

# Where the hooks stand that are replaced: Python's, and that of Ubuntu, which writes what it hears
# to the disk, tracebacks and all.
_REPLACED = frozenset({"sys", "apport_python_hook"})


def report(problem: BaseException) -> str:
    """The fault in a form that may be pasted anywhere, and before it what to do with it."""
    if sys.flags.dev_mode:
        import traceback  # noqa: PLC0415 - for developers

        return "".join(traceback.format_exception(problem)).rstrip()
    import platform  # noqa: PLC0415 - hardly ever needed

    lines = [
        "gatewatch: a fault of the program, not yours; please report these lines, which hold no "
        "address and no name of this machine:",
        f"gatewatch {__version__}, Python {platform.python_version()}, {platform.system()}",
    ]
    lines.extend(_told(problem))
    return "\n".join(lines)


def watch() -> None:
    """Tell faults outside of commands the same way, unless somebody else watches for them.

    They are those of threads, and of what Python calls by itself. Nothing is told of warnings,
    which are for developers and have the folder of the program: pipx puts it into its user's home.
    """
    if sys.excepthook.__module__ in _REPLACED:
        sys.excepthook = _uncaught
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda said: _tell(said.exc_value)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda said: _tell(said.exc_value)
    if not sys.warnoptions and warnings.showwarning.__module__ == warnings.__name__:
        warnings.showwarning = lambda *_, **__: None


def leave_no_core() -> None:
    """Have the system keep no image of the memory where Python itself breaks: addresses are in it.

    A limit of one byte is the one that Linux also keeps from programs that collect such images
    (core(5)); nothing changes in Python's developer mode.
    """
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ModuleNotFoundError:
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard and not sys.flags.dev_mode:
        with suppress(OSError, ValueError):  # the units of a timer may forbid it
            resource.setrlimit(resource.RLIMIT_CORE, (1, hard))


def _uncaught(_: type[BaseException], problem: BaseException, __: TracebackType | None) -> None:
    _tell(problem)


def _tell(problem: BaseException | None) -> None:
    if problem is not None and sys.stderr is not None:
        sys.stderr.write(report(problem) + "\n")


def _told(problem: BaseException) -> Iterator[str]:
    """Each exception of the chain, the first cause last, with the places it passed."""
    known: set[int] = set()
    link: BaseException | None = problem
    while link is not None and id(link) not in known:
        known.add(id(link))
        yield f"{type(link).__name__}: {_said(link)}"
        yield from _places(link.__traceback__)
        for inner in getattr(link, "exceptions", ()):
            yield f"in it {type(inner).__name__}: {_said(inner)}"
            yield from _places(inner.__traceback__)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _places(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        frame = trace.tb_frame
        module = frame.f_globals.get("__name__", "?")
        places.append(f"  {module}:{trace.tb_lineno} in {frame.f_code.co_name}")
        trace = trace.tb_next
    return places[-_FRAMES:]


def _said(problem: BaseException) -> str:
    """What an exception says, in one line that may be pasted."""
    try:
        from probe.scrubbing import harmless  # noqa: PLC0415 - hardly ever needed

        return " ".join(harmless(str(problem)).split())
    except Exception:  # not even what it says can be said
        return "[message withheld]"
