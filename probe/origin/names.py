"""Names as they may be shown.

Whoever registers an AS or an exchange chooses its name, and it ends on a volunteer's terminal.
This module knows nothing of where names are kept.
"""

from __future__ import annotations


def printable(name: str) -> str:
    """A name without control characters, and without space around it.

    Odd kinds of space become ordinary ones.

    >>> printable(" Net\\x1b[31m\\xa0One ")
    'Net[31m One'
    """
    if not name.isprintable():
        name = "".join(one if one.isprintable() else " " if one.isspace() else "" for one in name)
    return name.strip()
