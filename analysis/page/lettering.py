"""How much room words take in a picture, and where a name is broken.

A picture is drawn before anybody knows in which font it will be read. Widths are those of DejaVu
Sans, the widest that systems fall back to: in any other font a name is shorter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import category, east_asian_width

_WIDTHS = {
    sign: width
    for width, signs in {
        0.28: "ijl'", 0.32: "IJ., ", 0.37: "f:;|/-", 0.40: "t!()[]", 0.42: "r", 0.53: "sz",
        0.56: "cL", 0.62: "aeokvxyFPTY", 0.70: "ABCKRVXZ", 0.79: "DGHNOQU&", 0.87: "wM",
        0.98: "m", 1.0: "W@%…",
    }.items()
    for sign in signs
}  # fmt: skip
_ADDRESS = re.compile(r"[0-9a-f]*[.:][0-9a-f.:/]*")


def ems(text: str) -> float:
    """How wide a text is, in units of its font's size.

    >>> round(ems("till"), 2), round(ems("GmbH"), 2), round(ems("Communications"), 2)
    (1.24, 3.2, 8.49)
    """
    return sum(map(_width, text))


def _width(sign: str) -> float:
    if category(sign) == "Mn":
        return 0.0
    if east_asian_width(sign) in "WF":
        return 1.0
    return _WIDTHS.get(sign, 0.79 if sign.isupper() else 0.64)


def lines(name: str, room: float, most: int = 5) -> list[str]:
    """A name in lines of at most ``room`` ems; of more than ``most`` the last one is cut.

    Broken between words; a word that has no room gets hyphens, an address never.

    >>> lines("Karlsruhe Institute of Technology", 8.0)
    ['Karlsruhe', 'Institute of', 'Technology']
    >>> lines("Telecommunications", 8.0), lines("10.20.40.0/24", 4.0)
    (['Telecommunic-', 'ations'], ['10.20.40.0/24'])
    >>> lines("one two three four", 3.5, most=3)
    ['one', 'two', 'thre…']
    """
    found: list[str] = []
    for piece in (piece for word in name.split() for piece in _pieces(word, room)):
        if found and not found[-1].endswith("-") and ems(f"{found[-1]} {piece}") <= room:
            found[-1] += f" {piece}"
        else:
            found.append(piece)
    return found if len(found) <= most else [*found[: most - 1], _cut(found[most - 1], room)]


def fitted(name: str, room: float) -> str:
    """A name in one line of at most ``room`` ems, cut where it has more.

    >>> fitted("ZTNET", 8.0), fitted("Telecommunications", 8.0)
    ('ZTNET', 'Telecommuni…')
    """
    return name if ems(name) <= room else _cut(name, room)


def _pieces(word: str, room: float) -> Iterator[str]:
    while ems(word) > room and not _ADDRESS.fullmatch(word):
        # No piece of a word is shorter than two letters.
        ends = (n for n in range(2, len(word) - 1) if _may_break(word, n))
        end = max((n for n in ends if ems(word[:n] + "-") <= room), default=None)
        if end is None:
            break
        yield word[:end] + "-"
        word = word[end:]
    yield word


# Joins a Khmer letter to the one before, below which it is written.
_COENG = "\u17d2"


def _may_break(word: str, at: int) -> bool:
    """Whether what stands there belongs to no letter before it."""
    return not category(word[at]).startswith("M") and word[at - 1] != _COENG


def _cut(line: str, room: float) -> str:
    line = line.removesuffix("-")
    while line and ems(f"{line}…") > room:
        line = line[:-1].rstrip()
    return f"{line}…"
