"""What a country is judged by: an address table, the weights of its networks, the rule's numbers.

These three go together through every step from observations to a grade, and no step changes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from analysis.evidence.desk import CountryTable
from analysis.owners.attribution import Snapshot
from analysis.policy import Policy
from analysis.shares.coverage import RegisteredNetwork, Weights


class JudgingTable(CountryTable, Protocol):
    """What a verdict asks of an address table besides what observing asks."""

    @property
    def snapshot(self) -> Snapshot:
        """Which table it is."""

    def networks(self, country: str) -> Sequence[RegisteredNetwork]:
        """Networks registered in the country with the number of their IPv4 addresses."""

    def exchange_operator(self, exchange: str) -> int | None:
        """The AS number of the one network that runs an exchange, None where none does."""

    def is_watched(self, name: str) -> bool:
        """Whether an organisation or exchange is a known candidate for a national gateway."""


@dataclass(frozen=True, slots=True)
class Standard:
    """What a country is judged by; ``weights`` are what its organisations weigh."""

    country: str
    table: JudgingTable
    weights: Weights
    policy: Policy
