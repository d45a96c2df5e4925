"""How much of the country was measured, and what that leaves open.

Organisations are weighed by their users where the analyst has an estimate, else by the addresses
that they announce, and a figure always says by which. What was not measured is bounded, never
guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Literal, Protocol


class RegisteredNetwork(Protocol):
    """A network of the country and how many IPv4 addresses it announces."""

    @property
    def organisation(self) -> str: ...

    @property
    def addresses(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Weights:
    """What each organisation of a country weighs, and whether in users or in addresses.

    Whoever weighs nothing is not among them, as a network that announces IPv6 only.
    """

    of: Mapping[str, float]
    unit: Literal["users", "addresses"]


def by_addresses(networks: Iterable[RegisteredNetwork]) -> Weights:
    """The fallback: announced IPv4 addresses, which badly under-weigh mobile networks."""
    weights: Counter[str] = Counter()
    for network in networks:
        weights[network.organisation] += network.addresses
    return Weights({name: weight for name, weight in weights.items() if weight}, "addresses")


def by_users(users: Mapping[int, float], organisation: Callable[[int], str]) -> Weights:
    """Users by AS number, siblings merged.

    >>> by_users({1: 300.0, 2: 100.0, 3: 600.0}, {1: "A", 2: "A", 3: "B"}.__getitem__).of
    {'A': 400.0, 'B': 600.0}
    """
    weights: dict[str, float] = {}
    for asn, count in users.items():
        if count:
            name = organisation(asn)
            weights[name] = weights.get(name, 0.0) + count
    return Weights(weights, "users")


def covered(measured: Iterable[str], left_out: Collection[str], weights: Weights) -> float:
    """The weight of the organisations measured, as a fraction of all besides the candidate.

    ``left_out`` are the candidate's own organisations: they are neither covered nor missing, since
    they say nothing about it.

    >>> covered(["A", "G"], {"G"}, Weights({"A": 100.0, "B": 300.0, "G": 600.0}, "addresses"))
    0.25
    """
    total = fsum(weight for name, weight in weights.of.items() if name not in left_out)
    # Of a set, which has another order in every process: fsum gives the same number in each.
    seen = fsum(weights.of.get(name, 0.0) for name in set(measured) - set(left_out))
    return seen / total if total else 0.0
