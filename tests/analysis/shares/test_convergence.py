"""Figures one can check by hand: shares, and who is captured."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.candidates.blocks import Blocks
from analysis.evidence.panel import observe
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from analysis.shares.convergence import (
    Candidate,
    border_distance,
    by_shares,
    candidate,
    exit_shares,
    on_the_same_ways,
    rank,
    rivals,
    shared_interfaces,
    weighted_share,
)
from analysis.shares.intervals import captured_bounds
from analysis.shares.pairs import Pair, by_organisation
from tests.analysis.country import HOME, NOW, Country

GATE = Node("organisation", "Gate")
OTHER = Node("organisation", "Other")


def pair(
    organisation: str,
    destination: str = "d",
    *,
    strict: tuple[Node, ...] = (),
    exit_node: Node | None = None,
    resolved: bool = True,
    interfaces: tuple[str, ...] = (),
) -> Pair:
    return Pair(
        organisation,
        destination,
        ("Far", "NA"),
        resolved,
        frozenset(strict),
        frozenset(strict),
        frozenset(strict),
        exit_node or (strict[-1] if strict else None),
        None,
        frozenset(interfaces),
    )


def test_a_candidate_is_judged_by_the_organisations_besides_it() -> None:
    """Gate's own pairs do not count; 4 of 5 pairs make an organisation captured, 3 of 5 do not."""
    passes = {
        "Gate": [frozenset({GATE})] * 5,
        "a": [frozenset({GATE})] * 5,
        "b": [frozenset({GATE})] * 4 + [frozenset()],
        "c": [frozenset({GATE})] * 3 + [frozenset({OTHER})] * 2,
        "d": [frozenset[Node]()] * 5,
        "nothing known": [],
    }
    found = candidate(GATE, (), passes, frozenset({"Gate"}), Policy())
    assert found.of == 4
    assert found.captured == 2
    assert found.captured_share == 0.5
    assert found.share == pytest.approx((1.0 + 0.8 + 0.6 + 0.0) / 4)
    assert (found.lower, found.upper) == captured_bounds(2, 4, 0.95)


def test_a_candidate_with_nobody_besides_it_captures_nothing() -> None:
    """Where only Gate itself was measured there is nobody to judge it by."""
    alone = candidate(GATE, (), {"Gate": [frozenset({GATE})]}, frozenset({"Gate"}), Policy())
    assert (alone.of, alone.share, alone.captured_share) == (0, 0.0, 0.0)


def test_who_is_captured_and_captures_all_the_others_stands_on_the_same_ways() -> None:
    """Gate captures a, b and Other; Other captures a and b, and of itself it needs no proof."""

    def captures(name: str, *captured: str) -> Candidate:
        return Candidate(Node("organisation", name), (), dict.fromkeys(captured, 1.0), 0, 0, 1)

    gate = captures("Gate", "a", "b", "Other")
    other, less = captures("Other", "a", "b"), captures("Less", "a", "Other")
    assert on_the_same_ways(gate, [gate, other, less], Policy()) == [other]


def test_exit_shares_weigh_organisations_and_sum_to_one() -> None:
    """a (four pairs) and b (one) weigh the same; b's own exit is b; the top takes its pairs."""
    grouped = by_organisation(
        [
            *(pair("a", f"d{n}", strict=(GATE, OTHER)) for n in range(3)),
            pair("a", "d9", strict=(OTHER,)),
            pair("a", "silent", resolved=False),
            pair("b"),
            pair("Gate"),
        ]
    )
    shares = exit_shares(grouped, GATE, frozenset({"Gate"}))
    assert shares == {
        GATE: pytest.approx(3 / 8),
        OTHER: pytest.approx(1 / 8),
        Node("organisation", "b"): pytest.approx(1 / 2),
    }


PAIRS = st.lists(
    st.builds(
        lambda who, dest, nodes, known: pair(who, dest, strict=tuple(nodes), resolved=known),
        st.sampled_from(["a", "b", "c", "Gate"]),
        st.sampled_from(["x", "y", "z"]),
        st.lists(st.sampled_from([GATE, OTHER, Node("exchange", "IX")]), unique=True, max_size=3),
        st.booleans(),
    ),
    max_size=15,
)


@settings(max_examples=150)
@given(PAIRS, st.sampled_from([None, GATE, OTHER]))
def test_exit_shares_always_sum_to_one(pairs: list[Pair], top: Node | None) -> None:
    """Whatever the pairs, they are divided without rest, if there are any."""
    grouped = by_organisation(pairs)
    shares = exit_shares(grouped, top, frozenset({"Gate"}))
    judged = [name for name in grouped if name != "Gate"]
    assert sum(shares.values()) == pytest.approx(1.0 if judged else 0.0)


def test_the_stronger_candidate_stands_first_and_equals_have_an_order() -> None:
    """Captured share first; then organisation, block, exchange; then nearness; then the name."""

    def made(kind: Any, name: str, captured: int, share: float = 1.0) -> Candidate:
        return Candidate(Node(kind, name), (), dict.fromkeys("abcd", share), captured, 0, 1)

    strong = made("exchange", "S", 4)
    near = made("organisation", "Z near", 3)
    far = made("organisation", "A far", 3)
    block = made("unmapped", "10.1.1.0/24", 3)
    exchange = made("exchange", "IX", 3)
    nearness = {near.node: 2.0, far.node: 3.0, block.node: 1.0, exchange.node: 0.0}
    ordered = [strong, near, far, block, exchange]
    for seed in range(5):
        mixed = random.Random(seed).sample(ordered, len(ordered))
        assert rank(mixed, nearness) == ordered


def test_rivals_are_those_who_capture_somebody_else() -> None:
    """Whoever stands on the same ways, or captures the gateway's own networks alone, is none."""

    def made(captures: str) -> Candidate:
        return by_shares(
            Node("organisation", f"of {captures}"), (), dict.fromkeys(captures, 1.0), Policy()
        )

    top = made("abcd")
    own = frozenset("g")
    assert rivals(top, [top, made("ab"), made("abg"), made("g")], own, Policy()) == 0
    assert rivals(top, [top, made("def"), made("e"), made("af"), made("h")], own, Policy()) == 2


def test_who_sends_much_brings_nobody_nearer_to_the_border() -> None:
    """Five networks pass Net 12 before Gate; a sixth says the opposite, two hundred times."""
    made = Country(12)
    for organisation in range(1, 6):
        made.trace(organisation, "30.0.1.200", "lan own net12 gate far6")
    for day in range(100):
        for destination in made.destinations(2):
            made.trace(6, destination, "lan own gate net12 far6", day=day)
    traces = made.traces()
    panel = observe(traces, Gazetteer(made.table, HOME), made.table, Policy(), NOW)
    distance = border_distance(panel.observations, Blocks(panel.observations))
    assert distance[GATE] < distance[Node("organisation", "Net 12")]


def test_the_distance_of_an_organisation_is_the_mean_over_its_traces() -> None:
    """Of four traces three have Gate at the border and one has Net 12 behind it."""
    made = Country(12)
    for destination in made.destinations(3):
        made.trace(1, destination, "lan own gate far6")
    made.trace(1, "30.0.1.200", "lan own gate net12 far6")
    traces = made.traces()
    panel = observe(traces, Gazetteer(made.table, HOME), made.table, Policy(), NOW)
    assert border_distance(panel.observations, Blocks(panel.observations))[GATE] == 0.25


def test_weighted_shares() -> None:
    """Only what was measured is weighed; without any weight nothing is said."""
    assert weighted_share({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 3.0, "c": 100.0}) == 0.25
    assert weighted_share({"a": 1.0, "unknown": 1.0}, {"a": 3.0, "b": 1.0}) == 1.0
    assert weighted_share({"a": 1.0}, {}) is None
    assert weighted_share({}, {"a": 1.0}) is None


def test_shared_interfaces_show_a_thin_gateway() -> None:
    """Three of four organisations over one foreign interface, the fourth over its own."""
    grouped = by_organisation(
        [
            *(pair(who, interfaces=("1.1.1.1",)) for who in "abc"),
            pair("d", interfaces=("2.2.2.2",)),
        ]
    )
    assert shared_interfaces(grouped, Policy()) == 0.75
    two = by_organisation([pair(who, interfaces=("1.1.1.1",)) for who in "ab"])
    assert shared_interfaces(two, Policy()) == 0.0
    few = by_organisation([pair(who, interfaces=(max("c", who),)) for who in "abcdefgh"])
    assert shared_interfaces(few, Policy()) == 0.0
    mostly = by_organisation(
        pair(who, f"d{n}", interfaces=("1.1.1.1" if n < 4 else who,))
        for who in "abc"
        for n in range(5)
    )
    assert shared_interfaces(mostly, Policy()) == 1.0
    assert shared_interfaces({}, Policy()) == 0.0


# ------------------------------------------------------------------------ symmetries


def half_captured(name: Callable[[str], str] = str) -> Country:
    """Twelve networks, seven behind Gate; some silence, several vantage points, domestic paths."""
    country = Country(12)
    for prefix, known in country.table.prefixes.items():
        organisation = name(known.organisation) if known.organisation else None
        country.table.add(str(prefix), known._replace(organisation=organisation))
    draw = random.Random(1)
    for i in range(1, 13):
        for n, destination in enumerate(country.destinations()):
            for day in range(8):
                way = "gate" if i <= 7 and n != i % 5 else "* net12" if i == 9 else ""
                hop = f"far{6 + i % 9}" if draw.random() > 0.1 else "*"
                country.trace(i, destination, f"lan own {way} {hop}", day=day, vantage=day % 2)
    for i in range(1, 7):
        country.trace(i, f"20.0.{i + 1}.200", "lan own homeix")
    return country


def without_provenance(country: Country) -> dict[str, Any]:
    """The verdict but for its provenance; sums of floats may differ in their last digit."""
    fields = country.judge(Policy(resamples=200)).fields
    told = json.dumps({key: value for key, value in fields.items() if key != "provenance"})
    rounded: dict[str, Any] = json.loads(told, parse_float=lambda text: round(float(text), 9))
    return rounded


def test_the_order_of_the_traces_changes_nothing() -> None:
    """Shuffled input, the same verdict in every key."""
    country = half_captured()
    expected = without_provenance(country)
    for seed in range(3):
        random.Random(seed).shuffle(country.results)
        assert without_provenance(country) == expected


def figures(country: Country) -> dict[str, Any]:
    """The verdict but for the counts of raw traces."""
    fields = without_provenance(country)
    del fields["measured"]
    fields["criteria"] = [step for step in fields["criteria"] if step["key"] != "keys"]
    return fields


@pytest.mark.parametrize("organisation", [1, 9, 12])
def test_volunteers_of_one_organisation_may_be_doubled(organisation: int) -> None:
    """Ten times the volunteers of one network that see the same weigh no more than before."""
    country = half_captured()
    expected = figures(country)
    copies = [
        {**result, "prb_id": result["prb_id"] + 10 * copy}
        for copy in range(1, 10)
        for result in country.results
        if result["from"] == f"20.0.{organisation}.250"
    ]
    country.results += copies
    assert copies
    assert figures(country) == expected


def equals_unnamed(fields: dict[str, Any]) -> dict[str, Any]:
    """The verdict with names taken from lists of equals, which go by name for want of better."""
    points, ranges = fields["chokepoints"], fields["ranges"]
    points["cut"] = len(points["cut"])
    points["see_90"]["nodes"] = len(points["see_90"]["nodes"])
    for left_out in ranges.values():
        left_out["decisive"] = sorted(left_out["decisive"])
    fields["organisations"].sort(key=itemgetter("organisation"))
    return fields


def test_names_do_not_matter() -> None:
    """A country whose organisations carry other names has the same verdict in those names."""

    def name(text: str) -> str:
        """Other names, in another order of the alphabet."""
        swapped = re.sub(r"Net (\d+)", lambda found: f"Org {chr(90 - int(found[1]))}", text)
        return swapped.replace("Gate", "Tor").replace("Far ", "Weit ")

    expected = json.loads(name(json.dumps(without_provenance(half_captured()))))
    assert equals_unnamed(without_provenance(half_captured(name))) == equals_unnamed(expected)
