"""What the records say of themselves, and what a reader of the verdict must know of that.

Pure; knows nothing of how a remark came into a record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from probe.record import SIMULATED


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
    return dict(sorted(found.items()))


def simulated(found: Mapping[str, int], traces: int) -> list[str]:
    """A sentence where traces come from a simulation.

    >>> simulated({"simulated: nothing here was measured": 3}, 4)
    ['3 of 4 traces are simulated: what they show was never measured.']
    """
    count = found.get(SIMULATED, 0)
    if not count:
        return []
    return [f"{count} of {traces} traces are simulated: what they show was never measured."]
