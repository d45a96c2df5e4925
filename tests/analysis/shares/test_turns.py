"""Who passes a node by turns with others, each condition alone."""

from __future__ import annotations

import pytest

from analysis.candidates.blocks import Blocks
from analysis.evidence.panel import observe
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from analysis.shares.turns import Telling, by_turns, days_elsewhere, telling, turns_abroad
from tests.analysis.country import FIRST_DAY, HOME, NOW, Country

GATE = Node("organisation", "Gate")
WORDS = {
    "#": "lan own gate far6",
    "n": "lan own net2 far6",
    "b": "lan own net2 gate far6",
    ".": "lan own far6",
    "o": "lan own far7",
    "x": "lan own far8 far6",
    "d": "lan own",
    "s": "lan own * far7",
    "p": "lan own 10.7.7.1 far7",
    "l": "lan own 45.1.2.3@60 far7",
    "u": "lan * net3 own net2 far6",
    "?": "lan own * net2 far6",
    "*": "lan own * * far6",
}


def made(*destinations: str) -> Country:
    """What network 1 shows of each destination: a sign a day."""
    country = Country(3)
    for number, ways in enumerate(destinations, start=1):
        for day, way in enumerate(ways):
            country.trace(1, f"30.0.{number}.200", WORDS[way], day=day)
    return country


def told_of(country: Country) -> Telling:
    traces = country.traces()
    seen = observe(traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    return telling(turns_abroad(Blocks(seen.observations), seen.observations))


def takes_turns(country: Country) -> bool:
    found = by_turns(told_of(country), Policy())(GATE)
    assert found <= {"Net 1"}
    return bool(found)


@pytest.mark.parametrize(
    ("ways", "turns"),
    [
        ("########nn", False),
        ("#######nnn", True),
        ("##nnn#####", True),
        # It came to it once, and stayed; or it left.
        ("nnn#######", False),
        ("nnn#####nn", True),
        # Silence and the own network are nobody else at home.
        ("#######...", False),
        ("#######???", False),
        ("#######***", False),
        # By itself it leaves over routers that none of the ways over Gate comes to.
        ("#######ooo", True),
        ("########oo", False),
        ("ooo#######", False),
        ("#######xxx", False),
        ("#######ddd", False),
        ("#######sss", False),
        ("#######ppp", False),
        ("#######lll", False),
        # Who is silent before the own network shows itself may be Gate.
        ("#######uuu", False),
        # Who is on the way over Gate as well may be all that shows of it.
        ("######bnnn", False),
        ("nnnnnnnnnn", False),
    ],
)
def test_one_destination(ways: str, turns: bool) -> None:
    """Four of five traces that tell must pass the node, since the first that does."""
    assert takes_turns(made(ways)) is turns


@pytest.mark.parametrize(("more", "turns"), [(1, True), (2, False)])
def test_half_of_the_destinations(more: int, *, turns: bool) -> None:
    """Of those that are reached over the node; another that never is does not count."""
    assert takes_turns(made("######nnnn", *["#" * 10] * more, "nnnn")) is turns


@pytest.mark.parametrize(
    ("first", "second", "elsewhere"),
    [
        ("nn######", "nn######", {0, 1}),
        # On half of the traces is not elsewhere, nor is silence, or what may hide Gate.
        ("nnn#####", "########", set()),
        ("nnn#####", "???#####", {0, 1, 2}),
        ("???*.###", "???*.###", set()),
        # A destination that is never reached over it counts as well.
        ("#?######", "nnnnnnnn", {1}),
        ("nnnnnnnn", "nnnnnnnn", set(range(8))),
    ],
)
def test_days_on_which_most_traces_go_elsewhere(
    first: str, second: str, elsewhere: set[int]
) -> None:
    """All traces of a day together decide, whatever their destination."""
    found = days_elsewhere(told_of(made(first, second)))(GATE)
    assert {(day - FIRST_DAY).days for day in found.get("Net 1", ())} == elsewhere


def test_days_weigh_alike() -> None:
    """However many traces a vantage point sent on one of them."""
    country = made("#########")
    for _ in range(9):
        country.trace(1, "30.0.1.200", WORDS["n"], day=9)
    assert not takes_turns(country)
    country = made("#nn")
    for _ in range(9):
        country.trace(1, "30.0.1.200", WORDS["#"], day=0)
    assert takes_turns(country)


def test_turns_within_one_day_are_turns() -> None:
    """Flows that are spread over two operators show both on the first day already."""
    country = made("#")
    country.trace(1, "30.0.1.200", WORDS["n"], day=0)
    assert takes_turns(country)
