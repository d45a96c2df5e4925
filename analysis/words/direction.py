"""Names that are written from right to left, or that turn the writing, in what is read as a page.

An organisation is registered under any name. Behind an Arabic one a browser sets a number on the
wrong side, and a sign that turns the writing turns the rest of the sentence, with its bounds.
"""

from __future__ import annotations

import re

# Marks, embeddings, overrides and isolates.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LETTER = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_WORDS = rf"{_LETTER}+(?:[\s-]+{_LETTER}+)*"
_NAME = re.compile(rf"{_WORDS}(?:\s*\({_WORDS}\)|\s+{_WORDS})*")


def straight(text: str) -> str:
    """The text with each name that is written from right to left set apart from what follows it.

    A sign that turns the writing is shown as one that is missing.

    >>> straight("\u05d0\u05d1 60%") == "\u2068\u05d0\u05d1\u2069 60%"
    True
    >>> straight("Net\u202e 1.00") == "Net\ufffd 1.00"
    True
    """
    return _NAME.sub("\u2068\\g<0>\u2069", _TURNING.sub("\ufffd", text))
