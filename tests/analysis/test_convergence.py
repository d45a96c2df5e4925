"""Figures one can check by hand: shares, bounds, effective gateways, who is captured."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Hashable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from analysis.convergence import (
    Blocks,
    Candidate,
    Pair,
    border_distance,
    by_organisation,
    candidate,
    captured_bounds,
    coverage_bounds,
    day_weights,
    effective_gateways,
    exit_shares,
    rank,
    resampled_interval,
    shared_interfaces,
    weighted_share,
)
from analysis.operators import Gazetteer, Node
from analysis.panel import observe
from analysis.policy import Policy
from probe.record import from_json
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


# ------------------------------------------------------------------------ bounds


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 7), (3, 7), (7, 7), (5, 12), (29, 30)])
def test_bounds_are_those_of_an_exact_binomial_test(k: int, n: int, confidence: float) -> None:
    """One-sided Clopper–Pearson bounds, as scipy's exact interval of twice the tail has them."""
    lower, upper = captured_bounds(k, n, confidence)
    exact = binomtest(k, n).proportion_ci(2 * confidence - 1, method="exact")
    assert lower == pytest.approx(exact.low, abs=1e-9)
    assert upper == pytest.approx(exact.high, abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(1, 5), (4, 5), (6, 9), (9, 9), (2, 20)])
def test_bounds_solve_the_binomial_sum(k: int, n: int) -> None:
    """At the lower bound, seeing k or more has a chance of 5%; at the upper, k or fewer has."""
    lower, upper = captured_bounds(k, n, 0.95)

    def chance(p: float, counts: range) -> float:
        return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in counts)

    assert chance(lower, range(k, n + 1)) == pytest.approx(0.05)
    if k < n:
        assert chance(upper, range(k + 1)) == pytest.approx(0.05)


def test_bounds_of_nothing_say_nothing() -> None:
    """No organisation, no knowledge."""
    assert captured_bounds(0, 0, 0.95) == (0.0, 1.0)


@settings(max_examples=150)
@given(st.integers(1, 60), st.data())
def test_bounds_enclose_the_share_and_grow_with_it(n: int, data: st.DataObject) -> None:
    """lower ≤ k/n ≤ upper, and one more captured organisation never lowers a bound."""
    k = data.draw(st.integers(0, n - 1))
    lower, upper = captured_bounds(k, n, 0.95)
    more = captured_bounds(k + 1, n, 0.95)
    assert 0 <= lower <= k / n <= upper <= 1
    assert more[0] > lower
    assert more[1] >= upper


@pytest.mark.parametrize(
    ("share", "coverage", "bounds"),
    [
        (1.0, 1.0, (1.0, 1.0)),
        (1.0, 0.3, (0.3, 1.0)),
        (0.0, 0.3, (0.0, 0.7)),
        (0.5, 0.0, (0.0, 1.0)),
    ],
)
def test_what_was_not_measured_widens_the_national_share(
    share: float, coverage: float, bounds: tuple[float, float]
) -> None:
    """[c·S, c·S + 1 − c], rule 7."""
    assert coverage_bounds(share, coverage) == pytest.approx(bounds)


# ------------------------------------------------------------------------ shares


@pytest.mark.parametrize(
    ("shares", "gateways"),
    [([1.0], 1.0), ([0.25] * 4, 4.0), ([0.5, 0.25, 0.25], 1 / 0.375), ([], 0.0)],
)
def test_effective_gateways(shares: list[float], gateways: float) -> None:
    """The inverse of the sum of squared shares."""
    assert effective_gateways(shares) == pytest.approx(gateways)


@settings(max_examples=100)
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=12))
def test_effective_gateways_lie_between_one_and_their_number(weights: list[float]) -> None:
    """Never fewer than one gateway, never more than there are."""
    shares = [w / sum(weights) for w in weights]
    assert 1 - 1e-9 <= effective_gateways(shares) <= len(shares) + 1e-9


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
    nearness = {near.node: 0.0, far.node: 1.0}
    ordered = [strong, near, far, block, exchange]
    for seed in range(5):
        mixed = random.Random(seed).sample(ordered, len(ordered))
        assert rank(mixed, nearness) == ordered


def test_who_sends_much_brings_nobody_nearer_to_the_border() -> None:
    """Five networks pass Net 12 before Gate; a sixth says the opposite, two hundred times."""
    made = Country(12)
    for organisation in range(1, 6):
        made.trace(organisation, "30.0.1.200", "lan own net12 gate far6")
    for day in range(100):
        for destination in made.destinations(2):
            made.trace(6, destination, "lan own gate net12 far6", day=day)
    traces = [from_json(result) for result in made.results]
    panel = observe(traces, Gazetteer(made.table, HOME), made.table, Policy(), NOW)
    distance = border_distance(panel.observations, Blocks(panel.observations))
    assert distance[GATE] < distance[Node("organisation", "Net 12")]


def test_resampling_is_repeatable_and_knows_the_extremes() -> None:
    """Same seed, same interval; without spread there is no width; one value bounds nothing."""
    values = [0.0, 0.2, 0.9, 1.0, 1.0, 1.0]
    assert resampled_interval(values, Policy()) == resampled_interval(values, Policy())
    low, high = resampled_interval(values, Policy())
    assert 0 < low < sum(values) / len(values) < high < 1
    assert resampled_interval([0.0] * 9, Policy()) == (0.0, 0.0)
    assert resampled_interval([1.0], Policy()) == (0.0, 1.0)
    assert resampled_interval([], Policy()) == (0.0, 1.0)


def test_weighted_shares() -> None:
    """Only what was measured is weighed; without any weight nothing is said."""
    assert weighted_share({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 3.0, "c": 100.0}) == 0.25
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
    return fields


def test_names_do_not_matter() -> None:
    """A country whose organisations carry other names has the same verdict in those names."""

    def name(text: str) -> str:
        """Other names, in another order of the alphabet."""
        swapped = re.sub(r"Net (\d+)", lambda found: f"Org {chr(90 - int(found[1]))}", text)
        return swapped.replace("Gate", "Tor").replace("Far ", "Weit ")

    expected = json.loads(name(json.dumps(without_provenance(half_captured()))))
    assert equals_unnamed(without_provenance(half_captured(name))) == equals_unnamed(expected)


# ------------------------------------------------------------------------ what one may weigh


@given(st.dictionaries(st.integers(), st.integers(1, 1000), min_size=1), st.floats(0.05, 1.0))
def test_no_day_weighs_more_than_its_share(votes: dict[Hashable, int], most: float) -> None:
    """Unless there are too few days for that, and then all weigh alike; none weighs nothing."""
    weights = day_weights(votes, most)
    totals = {day: weights[day] * count for day, count in votes.items()}
    allowed = max(most * sum(totals.values()), min(votes.values()))
    assert all(0 < weight <= 1 for weight in weights.values())
    assert max(totals.values()) <= allowed * (1 + 1e-6)


def test_a_key_has_one_vote_a_day() -> None:
    """A hundred traces of one day are outvoted by two days of one trace each."""
    country = Country(2)
    for day in range(2):
        country.trace(1, "30.0.1.200", "lan own far6", day=day)
    for number in range(100):
        country.trace(1, "30.0.1.200", "lan own gate far6", day=2)
        country.results[-1]["paris_id"] = number
    assert country.judge().fields["candidates"] == []


def test_one_key_of_many_outweighs_nobody_with_destinations_of_its_own() -> None:
    """Where three keys measure five destinations, forty of a fourth key make no pairs."""
    country = Country(2)
    for vantage in range(3):
        for destination in country.destinations():
            country.trace(1, destination, "lan own far6", vantage=vantage)
    for number in range(40):
        country.trace(1, f"30.0.1.{number + 1}", "lan own gate far6", vantage=3)
    measured = country.judge().fields["measured"]
    assert (measured["pairs"], measured["pairs_of_few_keys"]) == (5, 40)
