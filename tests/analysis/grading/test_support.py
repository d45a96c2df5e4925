"""Of whom the figures beside a share speak: of those behind the candidate, and of nobody else."""

from __future__ import annotations

from dataclasses import replace

from analysis.grading.support import continents_reached, pass_mostly
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.pairs import Pair

GATE = Node("organisation", "Gate")


def pair(organisation: str, continent: str, *, gate: bool, number: int = 0) -> Pair:
    passed = frozenset({GATE} if gate else ())
    return Pair(
        organisation,
        f"192.0.2.{number}",
        (f"Far {continent}", continent),
        resolved=True,
        strict=passed,
        lenient=passed,
        unaided=passed,
        exit=GATE if gate else None,
        upstream=None,
        interfaces=frozenset(),
    )


def test_who_is_not_behind_the_candidate_adds_nothing_to_it() -> None:
    """Two of three pairs are most of them, and are not enough to be behind it."""
    pairs = [pair("a", "EU", gate=True, number=n) for n in range(3)]
    pairs += [pair("b", "EU", gate=n < 2, number=n) for n in range(3)]
    assert pass_mostly(GATE, {"a"}, pairs) == 1
    assert pass_mostly(GATE, {"a", "b"}, pairs) == 2


def test_half_of_all_pairs_are_not_most_of_them() -> None:
    """Two of four through the candidate leave it open where the others go, known or not."""
    pairs = [pair("a", "EU", gate=n < 2, number=n) for n in range(4)]
    assert pass_mostly(GATE, {"a"}, pairs) == 0
    assert pass_mostly(GATE, {"a"}, pairs[:3]) == 1
    unknown = [replace(one, resolved=False) if n == 1 else one for n, one in enumerate(pairs[:3])]
    assert pass_mostly(GATE, {"a"}, unknown) == 0


def test_a_continent_is_reached_by_those_behind_the_candidate() -> None:
    """Others who go there by themselves take it from nobody, and give it to nobody."""
    behind = [pair(name, "EU", gate=True) for name in "ab"]
    behind += [pair(name, "AS", gate=True) for name in "ab"]
    others = [pair(name, "AS", gate=False) for name in "cde"]
    assert continents_reached(GATE, {"a", "b"}, behind + others, Policy()) == 2
    alone = [pair(name, "AS", gate=False) for name in "ab"]
    given = [pair(name, "AS", gate=True) for name in "cdefgh"]
    assert continents_reached(GATE, {"a", "b"}, behind[:2] + alone + given, Policy()) == 1
