"""What the records say of themselves, and what a reader of the verdict must know of that.

Pure; knows nothing of how a remark came into a record. Whoever writes a record may say anything in
it, and as much as he likes: a verdict tells the most frequent texts, and counts the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from probe.record import SIMULATED, WHEREABOUTS

OTHERS = "others"
_TOLD = 100
_LETTERS = 200


class Voice(Protocol):
    """What is asked of a trace."""

    @property
    def notes(self) -> tuple[str, ...]: ...


def remarks(voices: Iterable[tuple[Voice, int]]) -> dict[str, int]:
    """How many traces carry each note; each voice comes with how many traces it is."""
    found: Counter[str] = Counter()
    for voice, traces in voices:
        for note in voice.notes:
            found[note] += traces
    return most(found, {SIMULATED, *WHEREABOUTS})


def most(found: Mapping[str, int], known: Collection[str], told: int = _TOLD) -> dict[str, int]:
    """The known texts and the most frequent others, cut to a length; the rest as `OTHERS`.

    >>> most({"vpn": 1, "a": 2, "b": 5, "c": 2}, {"vpn"}, told=2)
    {'a': 2, 'b': 5, 'others': 2, 'vpn': 1}
    """
    free = sorted(found.keys() - set(known), key=lambda text: (-found[text], text))
    counts = Counter({text: found[text] for text in known if text in found})
    for place, text in enumerate(free):
        counts[text[:_LETTERS] if place < told else OTHERS] += found[text]
    return dict(sorted(counts.items()))


def simulated(found: Mapping[str, int], traces: int) -> list[str]:
    """A sentence where traces come from a simulation.

    >>> simulated({"simulated: nothing here was measured": 3}, 4)
    ['Simulated traces: 3 of 4; what they show was never measured.']
    """
    count = found.get(SIMULATED, 0)
    if not count:
        return []
    return [f"Simulated traces: {count} of {traces}; what they show was never measured."]
