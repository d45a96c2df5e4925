"""Names as they may be shown, and numbers as they are typed.

Whoever registers an AS or an exchange chooses its name, and it ends on a volunteer's terminal.
This module knows nothing of where names are kept.
"""

from __future__ import annotations

import re

# How many AS numbers there are (RFC 6793); the first, 0, is nobody's.
AS_NUMBERS = 1 << 32


def printable(name: str) -> str:
    """A name without control characters, and without space around it.

    Odd kinds of space become ordinary ones.

    >>> printable(" Net\\x1b[31m\\xa0One ")
    'Net[31m One'
    """
    if not name.isprintable():
        name = "".join(one if one.isprintable() else " " if one.isspace() else "" for one in name)
    return name.strip()


def as_number(typed: str) -> int | None:
    """An AS number as somebody types it, with or without the letters; None for anything else.

    >>> as_number("as38623"), as_number("38623"), as_number("AS0"), as_number("Viettel")
    (38623, 38623, None, None)
    """
    digits = re.fullmatch(r"(?:AS)?(\d{1,10})", typed, re.IGNORECASE)
    return int(digits[1]) if digits and 0 < int(digits[1]) < AS_NUMBERS else None
