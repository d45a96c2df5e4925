"""Dominators, cuts and covers of small graphs that can be drawn, and of any against brute force."""

from __future__ import annotations

import itertools
import random

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.candidates.blocks import Blocks
from analysis.evidence.panel import observe
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from analysis.shares.pairs import by_organisation, make_pairs
from analysis.supplementary.chokepoint import (
    WayAbroad,
    dominators,
    minimum_cut,
    smallest_cover,
    ways_abroad,
)
from tests.analysis.country import HOME, NOW, Country


def node(name: str) -> Node:
    return Node("organisation", name)


def ways(*words: str) -> list[WayAbroad]:
    """Each word is a way, a letter a node, the first the organisation; all weigh the same."""
    return [WayAbroad(tuple(map(node, word)), 1.0 / len(words)) for word in words]


def names(nodes: tuple[Node, ...]) -> str:
    return "".join(one.name for one in nodes)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["AG", "BG", "CG"], {"G": "ABC"}),
        (["AG", "BG", "C"], {"G": "AB"}),
        # Both carriers stand behind G: nobody leaves without it, and each can do without one.
        (["AGX", "AGY", "BGX"], {"G": "AB"}),
        # A has two ways, so neither dominates it.
        (["AG", "AH", "BG"], {"G": "B"}),
        # A chain: whoever cannot do without G cannot do without H either.
        (["AGH", "BGH", "CH"], {"H": "ABC", "G": "AB"}),
        # C buys from B: B's second way is C's too.
        (["BG", "BH", "CB"], {"B": "C"}),
        (["A", "B"], {}),
        ([], {}),
    ],
)
def test_who_cannot_leave_without_whom(words: list[str], expected: dict[str, str]) -> None:
    """Drawn by hand."""
    found = {one.name: "".join(cut_off) for one, cut_off in dominators(ways(*words)).items()}
    assert found == expected


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (["AG", "BG", "CG"], 1),
        (["AG", "BG", "C"], 2),
        (["AG", "BH", "CG", "DH"], 2),
        (["A", "B", "C"], 3),
        # Recombined: A could go over X to H, so G and H must both fall, or A alone.
        (["AXG", "BXH"], 1),
        (["A"], 1),
        ([], 0),
    ],
)
def test_how_few_cut_all(words: list[str], size: int) -> None:
    """The size is that of a smallest cut, and without it no way is left."""
    cut = set(minimum_cut(ways(*words)))
    assert len(cut) == size
    assert all(cut & set(way.nodes) for way in ways(*words))


def test_how_few_see_nearly_all() -> None:
    """G sees 9 of 10; to see all takes another one."""
    ten = ways(*(f"{chr(65 + i)}G" for i in range(9)), "Z")
    assert names(smallest_cover(ten).nodes) == "G"
    assert smallest_cover(ten).share == pytest.approx(0.9)
    assert names(smallest_cover(ten, 1.0).nodes) == "GZ"
    assert smallest_cover(ten, 1.0).share == pytest.approx(1.0)


def test_the_greedy_rule_is_told_from_the_exact_one() -> None:
    """P and Q see all six; greedy takes R first, which sees four, and needs three."""
    six = ways("APR", "BPR", "CP", "DQR", "EQR", "FQ")
    assert names(smallest_cover(six, 1.0).nodes) == "PQ"
    assert smallest_cover(six, 1.0).exact
    greedy = smallest_cover(six, 1.0, exact_up_to=5)
    assert not greedy.exact
    assert len(greedy.nodes) == 3
    assert greedy.share == pytest.approx(1.0)


def test_of_equal_covers_the_one_that_sees_more_is_taken() -> None:
    """X sees 9 of 10, Y all: both are single, Y is better, whatever its name."""
    ten = ways(*(f"{chr(65 + i)}XY" for i in range(9)), "ZY")
    assert names(smallest_cover(ten).nodes) == "Y"


def test_a_puzzle_that_is_too_hard_is_owned_up_to() -> None:
    """Sixty organisations that each go over each other: nobody waits for the proof."""
    draw = random.Random(7)
    many = [
        WayAbroad(
            (Node("organisation", f"o{i:02}"), Node("organisation", f"o{draw.randrange(60):02}")), 1
        )
        for i in range(60)
        for _ in range(4)
    ]
    found = smallest_cover(many)
    assert not found.exact
    assert sum(bool(set(way.nodes) & set(found.nodes)) for way in many) >= 0.9 * len(many)


def test_nothing_was_measured() -> None:
    """No ways, nobody to take over; a share is a fraction of nothing too."""
    empty = smallest_cover([])
    assert (empty.nodes, empty.share) == ((), 0.0)
    assert isinstance(empty.share, float)


WAYS = st.lists(
    st.lists(st.sampled_from("ABCDEF"), min_size=1, max_size=4, unique=True).map("".join),
    min_size=1,
    max_size=8,
)


@given(WAYS, st.sampled_from([0.5, 0.9, 1.0]))
def test_covers_are_as_small_as_brute_force_finds(words: list[str], share: float) -> None:
    """Of all sets of that size none is better, of all smaller ones none suffices."""
    given_ways = ways(*words)

    def seen(chosen: tuple[Node, ...]) -> float:
        return sum(way.weight for way in given_ways if set(chosen) & set(way.nodes))

    everybody = sorted({one for way in given_ways for one in way.nodes})
    size, best = next(
        (k, best)
        for k in range(len(everybody) + 1)
        if (best := max(map(seen, itertools.combinations(everybody, k)))) >= share - 1e-9
    )
    found = smallest_cover(given_ways, share)
    assert found.exact
    assert len(found.nodes) == size
    assert share - 1e-9 <= found.share <= best + 1e-9
    assert found.share == pytest.approx(seen(found.nodes))
    assert seen(smallest_cover(given_ways, share, exact_up_to=0).nodes) >= share - 1e-9


@given(WAYS)
def test_dominators_and_cuts_are_as_brute_force_finds(words: list[str]) -> None:
    """A node dominates whoever reaches nothing abroad once it is gone; cuts leave no way."""
    given_ways = ways(*words)
    graph = nx.DiGraph()
    for way in given_ways:
        nx.add_path(graph, ["home", *way.nodes, "abroad"])

    def cut_off(gone: tuple[Node, ...], origin: object) -> bool:
        left = graph.subgraph(set(graph) - set(gone))
        return origin not in left or not nx.has_path(left, origin, "abroad")

    everybody = sorted({one for way in given_ways for one in way.nodes})
    expected = {
        one: cut
        for one in everybody
        if (
            cut := tuple(
                sorted(
                    {
                        way.nodes[0].name
                        for way in given_ways
                        if way.nodes[0] != one and cut_off((one,), way.nodes[0])
                    }
                )
            )
        )
    }
    assert dominators(given_ways) == expected
    smallest = next(
        k
        for k in range(len(everybody) + 1)
        if any(cut_off(gone, "home") for gone in itertools.combinations(everybody, k))
    )
    assert len(minimum_cut(given_ways)) == smallest
    assert cut_off(minimum_cut(given_ways), "home")


def measured(country: Country) -> list[WayAbroad]:
    traces = country.traces()
    seen = observe(traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    blocks = Blocks(seen.observations)
    pairs = make_pairs(seen.observations, blocks, Policy())
    return ways_abroad(seen.observations, blocks, by_organisation(pairs))


def test_ways_are_in_the_order_of_the_traces() -> None:
    """Own network first, then Gate, then the last hop; a silent hop changes nothing."""
    country = Country(3)
    for day in range(3):
        country.trace(1, "30.0.1.200", "lan own gate net3 far9", day=day)
    country.trace(1, "30.0.1.200", "lan own * net3 far9", day=3)
    (way,) = measured(country)
    assert [one.name for one in way.nodes] == ["Net 1", "Gate", "Net 3"]
    assert way.weight == 1.0


def test_what_few_traces_show_is_on_no_way() -> None:
    """Net 3 on one day of four, be it a detour or a wrong address, makes no way of its own."""
    country = Country(3)
    for day in range(4):
        country.trace(1, "30.0.1.200", f"lan own gate {'net3 ' * (day == 3)}far9", day=day)
    (way,) = measured(country)
    assert [one.name for one in way.nodes] == ["Net 1", "Gate"]


def test_every_organisation_weighs_the_same() -> None:
    """Net 1 with four destinations and Net 2 with one make a half each."""
    country = Country(3)
    for destination in country.destinations(4):
        country.trace(1, destination, "lan own far9")
    country.trace(2, "30.0.1.200", "lan own far9")
    weights = dict.fromkeys(("Net 1", "Net 2"), 0.0)
    for way in measured(country):
        weights[way.nodes[0].name] += way.weight
    assert weights == {"Net 1": pytest.approx(0.5), "Net 2": pytest.approx(0.5)}
