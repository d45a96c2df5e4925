"""The colours of the pictures and of the report, each for light and for dark.

Few, and none alone: whatever a colour says is also said by a word, a letter or a pattern. The
picture is drawn in the light colours; a page that is read in the dark replaces each by its twin.
"""

from __future__ import annotations

from typing import NamedTuple


class Colour(NamedTuple):
    """One role, on a light and on a dark ground."""

    light: str
    dark: str


PAPER = Colour("#ffffff", "#14171a")
INK = Colour("#1b1f23", "#e8eaed")
MUTED = Colour("#59616a", "#a3abb5")
LINE = Colour("#d5d9de", "#3a4149")
# Whoever is the strongest candidate; vermilion and blue are told apart by every kind of eye.
GATEWAY = Colour("#b8400e", "#f08c5a")
GATEWAY_PALE = Colour("#e9a98c", "#8a4a2b")
OTHER = Colour("#2f6690", "#7fb4dc")
OTHER_PALE = Colour("#b3c9da", "#34506a")
UNKNOWN = Colour("#8b939c", "#7b848e")
UNKNOWN_PALE = Colour("#e4e7ea", "#2a3037")
