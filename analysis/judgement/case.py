"""A country that has been judged, before its verdict is written: what every part of that needs.

The steps are taken in `analysis.judgement.judge`; which words and keys a verdict has,
`analysis.judgement.contents` knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.evidence.observation import Observation
from analysis.evidence.panel import Panel
from analysis.grading.family import Family
from analysis.grading.nameable import own_names
from analysis.grading.standard import Standard
from analysis.grading.witness import Witness
from analysis.home.interconnection import Domestic
from analysis.intake.load import Loaded


@dataclass(frozen=True, slots=True)
class Version:
    """One version of IP (``number`` is 4 or 6), judged.

    ``all_days`` are the observations of all days that were read, those of ``family`` of the period
    judged alone.
    """

    number: int
    all_days: Sequence[Observation]
    family: Family


@dataclass(frozen=True, slots=True)
class Case:
    """A judged country.

    ``speaking`` is the version of IP that the verdict is of, ``other`` the other one; ``panel`` and
    ``loaded`` are of both. ``domestic`` and ``witness`` are of the speaking one, and ``witness`` is
    None where no routing table was given.
    """

    standard: Standard
    loaded: Loaded
    panel: Panel
    speaking: Version
    other: Version
    domestic: Domestic
    witness: Witness | None

    @property
    def family(self) -> Family:
        """What the verdict is of."""
        return self.speaking.family

    @property
    def own(self) -> frozenset[str]:
        """The organisations that the strongest candidate is, or that run it."""
        top = self.family.figures.top
        return own_names(top.node, self.standard.table) if top else frozenset()

    @property
    def rejected(self) -> Counter[str]:
        """The traces that were left out, by reason, of both versions of IP."""
        return self.loaded.rejected + self.panel.rejected
