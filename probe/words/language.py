"""In which language the program speaks: `_` finds the words, the environment names the language.

Sentences go through `_` where they are said; figures, names and whatever a script reads do not.
English is the source, so nothing has to be found for it and nothing is imported.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from gettext import NullTranslations

DOMAIN = "gatewatch"
FOLDER = f"{os.path.dirname(os.path.dirname(__file__))}/locale"  # noqa: PTH120 - as above
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


_for_scripts: ContextVar[bool] = ContextVar("for_scripts", default=False)


@contextmanager
def for_scripts() -> Iterator[None]:
    """Speak English within: a script reads the same words wherever it runs."""
    token = _for_scripts.set(True)
    try:
        yield
    finally:
        _for_scripts.reset(token)


def wanted() -> list[str]:
    """The languages that the environment asks for, best first, as gettext reads it; else none.

    None either where the standard output has no letters for them: all would be question marks.
    """
    if _for_scripts.get() or not _has_all_letters(sys.stdout):
        return []
    said = next((value for name in _VARIABLES if (value := os.environ.get(name))), "")
    return [part.partition(".")[0] for part in said.split(":") if part not in {"", "C", "POSIX"}]


def _has_all_letters(output: TextIO | None) -> bool:
    encoding = getattr(output, "encoding", None)
    return encoding is None or encoding.lower().startswith("utf")


@cache
def _catalogue(languages: tuple[str, ...]) -> NullTranslations | None:
    if not languages or languages[0].partition("_")[0] in {"en", "C"}:
        return None
    import gettext  # noqa: PLC0415 - who reads English does not wait for it

    return gettext.translation(DOMAIN, FOLDER, list(languages), fallback=True)


def mark(message: str) -> str:
    """The message as it is: it stands where it cannot be looked up yet, and has to be found."""
    return message


def _(message: str) -> str:
    """The message in the language wanted; as it is where nobody has translated it."""
    found = _catalogue(tuple(wanted()))
    return message if found is None else found.gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a message that fits a count."""
    found = _catalogue(tuple(wanted()))
    if found is None:
        return one if count == 1 else many
    return found.ngettext(one, many, count)
