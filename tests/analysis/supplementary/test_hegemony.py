"""Hegemony by hand, beside another implementation, and on organisations."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.owners.operators import Node
from analysis.shares.pairs import Pair
from analysis.supplementary.hegemony import ALPHA, dependences, hegemony

GATE = Node("organisation", "Gate")


@pytest.mark.xdist_group("scipy-stats")
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_trimmed_mean_is_the_published_one(fractions: list[float]) -> None:
    """Another implementation that trims a tenth at each end says the same."""
    from scipy.stats import trim_mean

    assert hegemony(fractions) == pytest.approx(trim_mean(fractions, ALPHA))
    assert min(fractions) - 1e-9 <= hegemony(fractions) <= max(fractions) + 1e-9


def test_nine_viewpoints_are_not_trimmed_and_ten_are() -> None:
    """One viewpoint behind the node moves the mean of nine, and not that of ten."""
    assert hegemony([1.0] + [0.0] * 8) == pytest.approx(1 / 9)
    assert hegemony([1.0] + [0.0] * 9) == 0.0


def test_nobody_looked() -> None:
    """No viewpoint, no hegemony."""
    assert hegemony([]) == 0.0


def pairs(name: str, through: Iterable[bool]) -> list[Pair]:
    """One pair a destination; those that are true pass Gate."""
    return [
        Pair(
            name,
            f"30.0.{i}.200",
            ("Far", "EU"),
            resolved=True,
            strict=frozenset({GATE}) if passes else frozenset(),
            lenient=frozenset(),
            unaided=frozenset(),
            exit=None,
            upstream=None,
            interfaces=frozenset(),
        )
        for i, passes in enumerate(through)
    ]


def test_panel_and_country_by_hand() -> None:
    """A passes Gate on 5 of 5 pairs, B on 2 of 5, C on none; B has half of the users.

    Panel: (1 + 0.4 + 0) / 3. Country: 0.25 × 1 + 0.5 × 0.4 + 0.25 × 0.
    """
    grouped = {
        "A": pairs("A", [True] * 5),
        "B": pairs("B", [True, True, False, False, False]),
        "C": pairs("C", [False] * 5),
    }
    (found,) = dependences(grouped, {"A": 100.0, "B": 200.0, "C": 100.0})
    assert found.node == GATE
    assert found.panel == pytest.approx(1.4 / 3)
    assert found.country == pytest.approx(0.45)


def test_destinations_are_trimmed_within_an_organisation() -> None:
    """With ten destinations one detour falls out: nine of ten are all, one of ten is none."""
    grouped = {"A": pairs("A", [True] * 9 + [False]), "B": pairs("B", [True] + [False] * 9)}
    (found,) = dependences(grouped, {"A": 1.0, "B": 1.0})
    assert found.panel == pytest.approx(0.5)
    assert found.country == pytest.approx(0.5)
    (alone,) = dependences({"B": grouped["B"]}, {"B": 1.0})
    assert alone.panel == pytest.approx(0.1)
    assert alone.country == 0.0


def test_an_organisation_is_no_viewpoint_of_itself() -> None:
    """Gate's own volunteers, who pass no Gate after themselves, count neither for nor against."""
    grouped = {"A": pairs("A", [True]), "Gate": pairs("Gate", [False])}
    (found,) = dependences(grouped, {"A": 1.0, "Gate": 9.0})
    assert found.panel == 1.0
    assert found.country == 1.0


def test_without_weights_there_is_no_country_figure() -> None:
    """Unknown is not zero."""
    (found,) = dependences({"A": pairs("A", [True])}, {})
    assert found.country is None
