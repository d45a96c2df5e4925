"""What hangs on one organisation or one destination."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analysis.shares.pairs import Pair
from analysis.supplementary.ranges import AT_MOST, Outcome, Range, leave_one_out


def pair(organisation: str, destination: str) -> Pair:
    nobody: frozenset[str] = frozenset()
    return Pair(
        organisation,
        destination,
        ("Far", "EU"),
        resolved=True,
        strict=frozenset(),
        lenient=frozenset(),
        unaided=frozenset(),
        exit=None,
        upstream=None,
        interfaces=nobody,
    )


def mesh(organisations: int, destinations: int) -> list[Pair]:
    return [pair(f"o{i:03}", f"d{j:03}") for i in range(organisations) for j in range(destinations)]


def by_count(pairs: Sequence[Pair]) -> Outcome:
    """A rule that one can follow: the share is the number of pairs in hundredths."""
    return Outcome(len(pairs) / 100, "mixed", None)


def test_each_is_left_out_once() -> None:
    """Two organisations with three destinations: six pairs, without one three or four."""
    organisations, destinations = leave_one_out(mesh(2, 3), by_count)
    assert organisations == Range(2, 2, (0.03, 0.03), {"mixed": 2}, {}, ())
    assert destinations == Range(3, 3, (0.04, 0.04), {"mixed": 3}, {}, ())


def test_the_decisive_one_is_named() -> None:
    """The grade hangs on o001 and on nobody else."""

    def judged(pairs: Sequence[Pair]) -> Outcome:
        there = any(one.organisation == "o001" for one in pairs)
        return Outcome(0.9, "single_gateway", "Gate") if there else Outcome(0.5, "mixed", None)

    organisations, destinations = leave_one_out(mesh(4, 2), judged)
    assert organisations.decisive == ("o001",)
    assert organisations.share == (0.5, 0.9)
    assert organisations.grades == {"mixed": 1, "single_gateway": 3}
    assert organisations.gateways == {"Gate": 3}
    assert destinations.decisive == ()
    assert destinations.gateways == {"Gate": 2}


def test_another_gateway_with_the_same_grade_is_decisive_too() -> None:
    """Who is named matters as much as what it is called."""

    def judged(pairs: Sequence[Pair]) -> Outcome:
        few = len({one.organisation for one in pairs}) < 3
        return Outcome(0.9, "concentrated", "Other" if few else "Gate")

    assert leave_one_out(mesh(3, 1), judged)[0].decisive == ("o000", "o001", "o002")


def test_the_only_one_cannot_be_left_out() -> None:
    """A single destination: without it nobody would have been asked anything."""
    organisations, destinations = leave_one_out(mesh(3, 1), by_count)
    assert organisations.left_out == 3
    assert destinations == Range(0, 1, None, {}, {}, ())


def test_nothing_to_leave_out() -> None:
    """No pairs, no range."""
    assert leave_one_out([], by_count) == (Range(0, 0, None, {}, {}, ()),) * 2


def test_of_many_a_fixed_sample_is_left_out() -> None:
    """The number of verdicts is bounded, the sample the same each time, and both are told."""
    judged: list[int] = []

    def counted(pairs: Sequence[Pair]) -> Outcome:
        judged.append(len(pairs))
        return by_count(pairs)

    first, _ = leave_one_out(mesh(AT_MOST + 40, 1), counted)
    assert (first.left_out, first.of) == (AT_MOST, AT_MOST + 40)
    assert len(judged) == 1 + AT_MOST
    assert first == leave_one_out(mesh(AT_MOST + 40, 1), by_count)[0]
    assert first.share == pytest.approx(((AT_MOST + 39) / 100, (AT_MOST + 39) / 100))
