"""How networks of one country reach each other, path by path and as pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

import pytest

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.evidence.panel import observe
from analysis.home.domestic import (
    DomesticPair,
    DomesticPath,
    behind_the_unmapped,
    count_ways,
    domestic_pairs,
    domestic_path,
    effective_hubs,
    hub_candidates,
    mesh_of,
    reached_over,
    share_abroad,
    walk,
    way_of,
)
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from analysis.shares.coverage import Weights
from analysis.words.translation import Words
from probe.record import Attribution
from tests.analysis.country import HOME, NOW, Country

GATE = Node("organisation", "Gate")
HOME_IX = Node("exchange", "HomeIX")
SEA = Node("organisation", "Sea Cable")


def observed(country: Country) -> list[Observation]:
    traces = country.traces()
    panel = observe(traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    assert not panel.rejected
    return panel.observations


def domestic_of(country: Country) -> dict[str, Any]:
    """What is judged of ways at home; the figures about the same ways abroad are left out."""
    domestic: dict[str, Any] = country.judge(supplements=False).fields["domestic"]
    return domestic


def path(words: str, *, arrives: bool = True) -> DomesticPath:
    """The path from Net 1 to Net 2; where it does not arrive, its last hop is silence."""
    country = Country(6)
    country.trace(1, "20.0.2.200", words)
    if not arrives:
        country.results[0]["result"][-1]["result"] = [{"x": "*"}]
    (seen,) = observed(country)
    return domestic_path(seen, Policy())


# ------------------------------------------------------------------------ one path


@pytest.mark.parametrize(
    ("words", "between", "gap", "way"),
    [
        ("lan own", (), False, "direct"),
        ("lan own net2", (), False, "direct"),
        ("lan own homeix", (HOME_IX,), False, "exchange"),
        ("lan own gate", (GATE,), False, "third_party"),
        ("lan own gate homeix net3", (GATE, HOME_IX, Node("organisation", "Net 3")), False,
         "third_party"),
        ("lan own gate gate", (GATE,), False, "third_party"),
        ("lan own *", (), True, "unknown"),
        ("lan own homeix *", (HOME_IX,), True, "unknown"),
        # A third network was seen: a gap beside it does not make it unseen.
        ("lan own gate *", (GATE,), True, "third_party"),
        # Silence inside the destination's network is not between.
        ("lan own net2 *", (), False, "direct"),
        ("lan own net2 gate", (), False, "direct"),
        # Silence before the last own hop is not between either.
        ("lan * own", (), False, "direct"),
        ("lan own 10.1.7.1 own", (), False, "direct"),
        ("lan own 10.1.7.1", (Node("unmapped", "10.1.7.0/24"),), False, "third_party"),
    ],
)  # fmt: skip
def test_what_stands_between_two_networks(
    words: str, between: tuple[Node, ...], gap: bool, way: str
) -> None:
    """The nodes after the last own hop and before the first of the destination's network."""
    found = path(words)
    assert found == DomesticPath(between, gap, abroad=False)
    assert way_of(found, found.between, ()) == way


def test_a_path_that_does_not_arrive_is_unknown() -> None:
    """Nobody knows what else lay between; a third network that was seen counts."""
    assert way_of(path("lan own", arrives=False), (), ()) == "unknown"
    assert path("lan own homeix", arrives=False).gap
    over = path("lan own gate", arrives=False)
    assert way_of(over, over.between, ()) == "third_party"


def test_a_path_that_shows_no_own_hop_is_unknown() -> None:
    """Where it left its own network was not seen."""
    assert path("* *").gap
    assert way_of(path("* *"), (), ()) == "unknown"


@pytest.mark.parametrize(
    ("words", "between", "way"),
    [
        ("lan own sea@-", (), "unknown"),
        ("lan own sea@- gate", (), "unknown"),
        ("lan own gate sea@-", (GATE,), "third_party"),
        ("lan own sea@1.3 gate@-", (SEA,), "third_party"),
        ("lan@- own@- sea@1.3", (), "unknown"),
        ("lan@- own@1.0 sea@1.3", (SEA,), "third_party"),
        ("* own sea@1.3", (SEA,), "third_party"),
        ("lan@- own@- gate@-", (GATE,), "third_party"),
        ("lan own net2 sea@-", (), "direct"),
    ],
)
def test_who_may_be_abroad_is_not_between(words: str, between: tuple[Node, ...], way: str) -> None:
    """Without an RTT nobody knows if a foreign router, or who comes behind it, is at home."""
    found = path(words)
    assert (found.between, way_of(found, found.between, ())) == (between, way)


@pytest.mark.parametrize(
    ("words", "abroad", "way"),
    [
        ("lan own@1.0 sea@1.3 net2@1.6", False, "third_party"),
        ("lan own@1.0 sea@10.9 net2@11", False, "third_party"),
        ("lan own@1.0 sea@11.0 net2@11", True, "abroad"),
        ("lan own@1.0 * sea@66 net2@66", True, "abroad"),
        # The step must be at the foreign hop: a slow link at home is no detour.
        ("lan own@1.0 gate@60 sea@60.5 net2@61", False, "third_party"),
        ("lan own@1.0 gate@60 net2@61", False, "third_party"),
        ("lan own@1.0 sea@1.3 gate@60 net2@61", False, "third_party"),
        ("lan own@1.0 sea@1.3 gate@1.7 net2@41", False, "third_party"),
        # Far from both ends: who is registered at home stands abroad, behind a foreign router.
        ("lan own@1.0 sea@1.3 gate@11 net2@21", True, "abroad"),
        ("lan own@1.0 sea@1.3 gate@10.9 net2@21", False, "third_party"),
        ("lan own@1.0 sea@1.3 gate@11 net2@20.9", False, "third_party"),
        ("lan own@1.0 gate@60 net2@120", False, "third_party"),
    ],
    ids=[
        "0.3 ms", "9.9 ms", "10 ms", "behind silence", "slow at home", "no foreign hop",
        "slow behind a foreign hop", "slow destination", "far from both", "near the first",
        "near the second", "far without a foreign hop",
    ],
)  # fmt: skip
def test_abroad_is_what_physics_says(words: str, abroad: bool, way: str) -> None:
    """A foreign registration alone is a third party at home."""
    found = path(words)
    assert found.abroad is abroad
    assert way_of(found, found.between, ()) == way


@pytest.mark.parametrize(
    ("words", "arrival", "abroad"),
    [
        ("lan own@1.0 sea@30", "@30.5", True),
        # A router that answers slowly is no detour: what lies behind it would be as far.
        ("lan own@1.0 sea@30", "@1.9", False),
        ("lan own@1.0 sea@30 net2@1.6", "@1.9", False),
        ("lan own@1.0 sea@30 *", "@10.9", False),
        ("lan own@1.0 sea@30 *", "@11.0", True),
        # Of two foreign hops one is enough, as long as nothing behind it is nearer.
        ("lan own@1.0 sea@30 far3@14", "@14", True),
        # One registered at home that answers slowly, before a mobile network that does so as well.
        ("lan own@1.0 sea@1.3 gate@30 far3@2", "@41", False),
        # The own network has a router abroad, as far from where it begins as from where all ends.
        ("lan own@22.5 own@32 sea@32.5", "@42.5", True),
        ("lan own@22.6 own@32 sea@32.5", "@42.5", False),
        ("lan own@22.5 own@32 sea@32.5", "@42.4", False),
        ("lan own@1.0 own@32 gate@32.2 sea@32.5", "@70", False),
    ],
    ids=[
        "far", "slow", "slow hop", "just too near", "just far enough", "two abroad", "slow ones",
        "own abroad", "near the first", "near the second", "own left before",
    ],
)  # fmt: skip
def test_what_lies_behind_a_detour_is_as_far(words: str, arrival: str, abroad: bool) -> None:
    """Packets that went abroad came back from there: later hops answer no sooner."""
    country = Country(6)
    country.trace(1, f"20.0.2.200{arrival}", words)
    (seen,) = observed(country)
    assert domestic_path(seen, Policy()).abroad is abroad


@pytest.mark.parametrize(
    ("words", "unplaced"),
    [
        ("lan own@1.0 sea@1.9", set()),
        ("lan own@1.0 sea@2.0", {SEA}),
        # It answers slowly, and what is behind it does not.
        ("lan own@1.0 sea@9 net2@1.9", set()),
        ("lan own@1.0 gate@5 sea@5.4", set()),
        # One of its routers is known to stand at home.
        ("lan own@1.0 sea@1.3 20.7.7.2@4", set()),
    ],
    ids=["near", "not near", "slow", "near to the last at home", "one of two"],
)
def test_what_stands_at_home_of_those_registered_abroad(words: str, unplaced: set[Node]) -> None:
    """An RTT puts a router there, of it or of what is behind it; registration alone does not."""
    country = Country(6)
    country.trace(1, "20.0.2.200@100", words)
    ((_, found),) = walk(observed(country), Policy())
    assert found.unplaced == unplaced
    assert SEA in found.between


@pytest.mark.parametrize(
    ("words", "between"),
    [
        ("lan own far3@66 net2@130", ()),
        ("lan own farix@66 far3@67 net2@130", ()),
        # What no table names stands where what is named before it does.
        ("lan own far3@66 10.20.7.1@67 far4@68 net2@130", ()),
        ("lan own 10.20.7.1 far3@66 net2@130", (Node("unmapped", "10.20.7.0/24"),)),
        ("lan own gate far3@66 * gate@130 net2@131", (GATE,)),
        ("lan own far3@66 gate@130 net2@131", (GATE,)),
        # Its first router may stand just behind the border, nearer than physics can tell.
        ("lan own sea@4 sea@66 net2@130", ()),
        # A carrier of the country that is met abroad.
        ("lan own far3@2 gate@66 net2@130", ()),
        ("lan own far3@66 gate@66.4 gate@67 far4@68 net2@130", ()),
        ("lan own far3@2 gate@66 10.20.7.1@67 net3@68 net2@130", ()),
        ("lan own far3@2 gate@2.4 far4@66 net2@130", (GATE,)),
        ("lan own gate far3@2 gate@66 net2@130", (GATE,)),
        ("lan own own@66 far3@66.3 gate@66.6 net2@130", ()),
        # What no table names, by how late it answers.
        ("lan own 45.1.2.3@66 far3@66.3 net2@130", ()),
        ("lan own 45.1.2.3@2 far3@66 net2@130", (Node("unmapped", "45.1.2.0/24"),)),
    ],
    ids=[
        "carrier", "exchange", "block", "block before", "there and back", "back", "next door",
        "of the country", "between others", "two of the country", "at home", "there and abroad",
        "beside an own one", "unannounced", "unannounced at home",
    ],
)  # fmt: skip
def test_who_carries_a_path_abroad_does_not_stand_between_at_home(
    words: str, between: tuple[Node, ...]
) -> None:
    """On a path that is proven to have left the country only what stands at home is between."""
    country = Country(6)
    country.trace(1, "20.0.2.200@131", words)
    (seen,) = observed(country)
    found = domestic_path(seen, Policy())
    assert (found.abroad, found.between) == (True, between)


@pytest.mark.parametrize(
    ("words", "ways_on"),
    [
        ("lan own gate 10.1.7.1 net3", (("10.1.7.0/24", "20.0.3.1"),)),
        ("lan own 10.1.7.1 10.1.7.2 net3", (("10.1.7.0/24", "20.0.3.1"),)),
        ("lan own 10.1.7.1 net2 *", (("10.1.7.0/24", "20.0.2.1"),)),
        ("lan own 10.1.7.1 homeix", (("10.1.7.0/24", "20.8.8.1 from Net 1"),)),
        ("lan own 10.1.7.1", ()),
    ],
    ids=["behind another network", "twice", "a border", "a port", "the destination"],
)
def test_the_way_on_from_a_block_is_what_lies_behind_it(
    words: str, ways_on: tuple[tuple[str, str], ...]
) -> None:
    """Not what was passed before; a port of an exchange is one with who comes."""
    assert path(words).ways_on == ways_on


# ------------------------------------------------------------------------ pairs


def pairs_of(country: Country) -> list[DomesticPair]:
    observations = observed(country)
    walked = walk(observations, Policy())
    mesh = mesh_of(walked, Blocks(observations), Policy(), lans=(), apart=frozenset())
    return domestic_pairs(mesh)


def to_net2(*paths: str) -> DomesticPair:
    """The pair that these paths of different days make."""
    country = Country(6)
    for day, words in enumerate(paths):
        country.trace(1, "20.0.2.200", words, day=day)
    (pair,) = pairs_of(country)
    return pair


def test_a_pair_goes_the_way_of_most_of_its_traces() -> None:
    """Two over Gate, one direct: a third party, with Gate between."""
    pair = to_net2("lan own gate", "lan own", "lan own gate")
    assert (pair.organisation, pair.destination) == ("Net 1", "Net 2")
    assert pair.way == "third_party"
    assert pair.between == {GATE}


def test_what_is_on_half_of_the_traces_is_not_on_most() -> None:
    """Half and half: Gate is not between, and the way is the same whatever the order."""
    pair = to_net2("lan own gate", "lan own")
    assert pair.between == frozenset()
    assert pair.way == to_net2("lan own", "lan own gate").way


def test_a_key_has_one_vote_however_many_traces_it_sent() -> None:
    """Nine direct ones of one key on a day weigh as one, and two others' go over Gate."""
    country = Country(6)
    for _ in range(9):
        country.trace(1, "20.0.2.200", "lan own")
    for vantage in (1, 2):
        country.trace(1, "20.0.2.200", "lan own gate", vantage=vantage)
    (pair,) = pairs_of(country)
    assert pair.way == "third_party"
    assert pair.between == {GATE}


@pytest.mark.parametrize(
    ("paths", "way"),
    [
        (["lan own *", "lan own"], "unknown"),
        (["lan own *", "lan own", "lan own"], "direct"),
        (["lan own *", "lan own *", "lan own"], "unknown"),
        (["lan own *"], "unknown"),
    ],
    ids=["half", "a third", "two thirds", "all"],
)
def test_a_pair_half_of_whose_ways_are_unknown_is_unknown(paths: list[str], way: str) -> None:
    """The known ways must be the majority."""
    assert to_net2(*paths).way == way


def test_both_directions_are_pairs_of_their_own() -> None:
    """The way there need not be the way back."""
    country = Country(6)
    country.trace(1, "20.0.2.200", "lan own gate")
    country.trace(2, "20.0.1.200", "lan own")
    assert [(p.organisation, p.destination, p.way) for p in pairs_of(country)] == [
        ("Net 1", "Net 2", "third_party"),
        ("Net 2", "Net 1", "direct"),
    ]


def test_targets_of_one_network_are_one_pair() -> None:
    """The pair is of organisations, not of addresses."""
    country = Country(6)
    for host in (200, 201, 202):
        country.trace(1, f"20.0.2.{host}", "lan own gate" if host > 200 else "lan own")
    (pair,) = pairs_of(country)
    assert pair.way == "third_party"


def test_a_private_block_that_one_network_alone_sees_is_its_interior() -> None:
    """Two organisations are needed to make it an entity of its own."""
    country = Country(6)
    country.trace(1, "20.0.2.200", "lan own 10.20.7.1")
    assert [pair.way for pair in pairs_of(country)] == ["direct"]
    country.trace(3, "20.0.4.200", "lan own 10.20.7.9")
    assert [pair.way for pair in pairs_of(country)] == ["third_party", "third_party"]
    assert {pair.between for pair in pairs_of(country)} == {
        frozenset({Node("unmapped", "10.20.7.0/24")})
    }


def test_blocks_that_paths_abroad_proved_to_be_one_stay_one() -> None:
    """Each network sees another site at home; abroad they are one operator, so they are here."""
    country = Country(6)
    for i in range(1, 5):
        country.trace(i, f"20.0.{i + 1}.200", f"lan own 10.20.{i}.1")
        country.trace(i, "30.0.1.200", f"lan own 10.20.{i}.1 30.0.9.9")
    between = {node for pair in pairs_of(country) for node in pair.between}
    assert between == {Node("unmapped", "10.20.1.0/24 … 10.20.4.0/24 (4 blocks)")}


def test_paths_abroad_are_no_domestic_pairs() -> None:
    """They are judged elsewhere."""
    country = Country(6)
    country.everyone("lan own gate {up}", days=[0])
    assert pairs_of(country) == []


# ------------------------------------------------------------------------ hubs and counts


def pair(organisation: str, destination: str, way: str, *between: Node) -> DomesticPair:
    return DomesticPair(organisation, destination, way, frozenset(between))  # type: ignore[arg-type]


def hubs(pairs: Iterable[DomesticPair]) -> Sequence[tuple[str, int, int]]:
    found = hub_candidates(pairs, Blocks([]), lambda node: frozenset({node.name}), Policy())
    return [(hub.node.name, hub.captured, hub.of) for hub in found]


def test_the_node_that_most_organisations_pass_is_first() -> None:
    """a and b pass Gate, only a passes the exchange; c goes direct and counts against both."""
    found = hubs(
        [
            pair("a", "b", "third_party", GATE, HOME_IX),
            pair("b", "a", "third_party", GATE),
            pair("c", "a", "direct"),
        ]
    )
    assert found == [("Gate", 2, 3), ("HomeIX", 1, 3)]


def test_the_hub_says_nothing_about_itself() -> None:
    """Neither its own pairs nor those towards it count, but a pair over it to others does."""
    found = hubs(
        [
            pair("Gate", "a", "direct"),
            pair("a", "Gate", "direct"),
            pair("a", "b", "third_party", GATE),
            pair("b", "Gate", "direct"),
        ]
    )
    assert found == [("Gate", 1, 1)]


def test_unknown_ways_count_neither_for_nor_against() -> None:
    """Silence is no evidence."""
    found = hubs(
        [pair("a", "b", "third_party", GATE), pair("a", "c", "unknown"), pair("b", "c", "unknown")]
    )
    assert found == [("Gate", 1, 1)]


def test_who_is_reached_over_a_hub_is_told_by_others_on_known_ways() -> None:
    """Neither what the hub itself measured nor silence speaks for c or against it."""
    found = reached_over(
        GATE,
        [
            pair("a", "c", "third_party", GATE),
            pair("b", "c", "unknown"),
            pair("Gate", "c", "direct"),
            pair("a", "d", "direct"),
            pair("a", "Gate", "direct"),
        ],
        lambda node: frozenset({node.name}),
        Policy(),
    )
    assert found.shares == {"c": 1.0, "d": 0.0}


@pytest.mark.parametrize(
    ("pairs", "effective"),
    [
        # Two hubs, half of the ways each; three, of which the third is whoever goes direct.
        ([pair("a", "b", "third_party", GATE), pair("a", "c", "exchange", HOME_IX)], 2.0),
        ([pair("a", "b", "third_party", GATE), pair("b", "a", "direct")], 2.0),
        # A pair over two counts for the one that more pass; organisations weigh alike.
        (
            [
                pair("a", "b", "third_party", GATE, HOME_IX),
                pair("a", "c", "third_party", GATE),
                pair("b", "a", "exchange", HOME_IX),
            ],
            2.0,
        ),
        # What the hub itself measures, or is measured to, and unknown ways say nothing.
        (
            [
                pair("a", "b", "third_party", GATE),
                pair("Gate", "a", "direct"),
                pair("b", "Gate", "direct"),
                pair("b", "a", "unknown"),
            ],
            1.0,
        ),
        ([], 0.0),
    ],
    ids=["two hubs", "a hub and direct", "over two", "itself", "nothing"],
)
def test_effective_hubs_by_hand(pairs: list[DomesticPair], effective: float) -> None:
    """How many equally used hubs would be as concentrated; who goes direct is its own."""

    def own(node: Node) -> frozenset[str]:
        return frozenset({node.name})

    ranked = hub_candidates(pairs, Blocks([]), own, Policy())
    assert effective_hubs(pairs, ranked, own) == pytest.approx(effective)


@pytest.mark.parametrize(("hubs", "grade"), [(2, "mixed"), (3, "diverse")])
def test_two_hubs_that_share_all_ways_are_not_diverse(hubs: int, grade: str) -> None:
    """Each has half of everybody's ways, and so captures nobody: two calls close both."""
    country = Country(15)
    country.everyone("lan own {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        country.trace(i, f"20.0.{j}.200", f"lan own net{13 + (i + j) % hubs}")
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert domestic["hub"] is None
    assert domestic["effective_hubs"] == pytest.approx(hubs, abs=0.05)
    assert ("effective hubs" in domestic["reason"]) == (grade == "mixed")


def test_two_hubs_that_take_turns_on_all_ways_are_not_diverse() -> None:
    """Neither is on most of the traces of a pair: that is not as if all went by themselves."""
    country = Country(14)
    country.everyone("lan own {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        for hub in (13, 14):
            country.trace(i, f"20.0.{j}.200", f"lan own net{hub}", day=hub)
    domestic = country.judge().fields["domestic"]
    assert domestic["pairs"]["third_party"] == 12 * 11
    assert domestic["grade"] == "mixed"
    assert domestic["hub"] is None
    assert domestic["effective_hubs"] < 3
    assert "effective hubs" in domestic["reason"]


@pytest.mark.parametrize("other", ["lan own net14", "lan own"])
@pytest.mark.parametrize(
    ("hub", "others", "grade"),
    [
        ("012345", "6789", "concentrated"),
        ("0123456789", "", "single_hub"),
        ("01234567", "89", "single_hub"),
        # It came to it once, and stayed.
        ("456789", "0123", "single_hub"),
    ],
)
def test_the_larger_of_two_that_take_turns_is_no_single_hub(
    hub: str, others: str, grade: str, other: str
) -> None:
    """It is on most traces of each pair, though much goes over another, or directly."""
    country = Country(14)
    country.everyone("lan own {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        for day in range(10):
            words = "lan own net13" if str(day) in hub else other
            country.trace(i, f"20.0.{j}.200", words, day=day)
    domestic = domestic_of(country)
    assert domestic["grade"] == grade
    assert domestic["hub"]["name"] == "Net 13"
    sentence = (
        "12 of 12 other organisations reach the others over Net 13, which is not called a single "
        "hub: Passed by turns, with more than 20% of the traces direct or over somebody else: 12 "
        "of those captured."
    )
    assert (domestic["reason"] == sentence) is (grade == "concentrated")


def test_silence_at_home_is_no_turn() -> None:
    """Where the hub does not always answer, nobody else is seen."""
    country = Country(14)
    country.everyone("lan own {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        for day in range(10):
            words = "lan own net13" if day < 6 else "lan own *"
            country.trace(i, f"20.0.{j}.200", words, day=day)
    assert country.judge().fields["domestic"]["grade"] == "single_hub"


def test_a_hub_with_seven_tenths_of_all_ways_is_not_diverse() -> None:
    """It captures nobody, since 80% are asked; the others reach each other directly."""
    country = Country(11)
    country.everyone("lan own {up}", days=[0])
    for i, j in permutations(range(1, 12), 2):
        gate = (j - i) % 11 <= 7
        country.trace(i, f"20.0.{j}.200", "lan own gate" if gate else "lan own")
    domestic = country.judge().fields["domestic"]
    assert (domestic["grade"], domestic["captured"]["organisations"]) == ("mixed", 0)


def test_ways_are_counted_with_the_hub_apart() -> None:
    """What passes the hub counts there, whatever else it is; without a hub it stays what it is."""
    pairs = [
        pair("a", "b", "third_party", GATE),
        pair("a", "c", "abroad", GATE, SEA),
        pair("a", "d", "exchange", HOME_IX),
        pair("a", "e", "unknown", GATE),
        pair("a", "f", "direct"),
    ]
    usual = {"direct": 1, "exchange": 1, "third_party": 1, "hub": 0, "abroad": 1, "unknown": 1}
    assert count_ways(pairs, None) == usual
    assert count_ways(pairs, GATE) == usual | {"third_party": 0, "abroad": 0, "hub": 2}
    assert sum(count_ways(pairs, GATE).values()) == len(pairs)
    assert count_ways([], GATE) == dict.fromkeys(usual, 0)


# ------------------------------------------------------------------------ whole countries


def full_mesh(size: int, words: str, **more: str) -> Country:
    """Everybody to everybody; ``more`` gives other words for one organisation (``n3="…"``)."""
    country = Country(size)
    country.everyone("lan own {up}", days=[0])
    for i in range(1, size + 1):
        for j in range(1, size + 1):
            if i != j:
                country.trace(i, f"20.0.{j}.200", more.get(f"n{i}", words))
    return country


@pytest.mark.parametrize(
    ("size", "words", "more", "grade"),
    [
        (4, "lan own", {}, "insufficient"),
        (5, "lan own", {}, "diverse"),
        (8, "lan own *", {}, "insufficient"),
        (8, "lan own gate", {}, "single_hub"),
        (6, "lan own gate", {}, "concentrated"),
        (6, "lan own gate", {"n1": "lan own", "n2": "lan own"}, "mixed"),
        (11, "lan own", {"n1": "lan own gate", "n2": "lan own gate"}, "diverse"),
        (8, "lan own 10.20.7.1", {}, "single_hub"),
        # Another one on some ways.
        (6, "lan own gate", {"n1": "lan own net2 gate"}, "concentrated"),
        (8, "lan own homeix", {"n1": "lan own net2 homeix"}, "concentrated"),
        # Half of all ways are unknown.
        (10, "lan own gate", {f"n{i}": "lan own *" for i in range(1, 6)}, "insufficient"),
    ],
)
def test_domestic_grades_of_whole_countries(
    size: int, words: str, more: dict[str, str], grade: str
) -> None:
    """From paths to the grade, and the hub named only where the grade names one."""
    domestic = full_mesh(size, words, **more).judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert (domestic["hub"] is not None) == (grade in {"concentrated", "single_hub"})
    assert sum(domestic["pairs"].values()) == size * (size - 1)


def test_silence_that_one_network_meets_does_not_drown_the_others() -> None:
    """Each organisation weighs the same: 56 of 107 pairs are known, and 89% by organisation."""
    country = Country(59)
    country.everyone("lan own {up}", days=[0], members=range(1, 9))
    for i, j in permutations(range(1, 9), 2):
        country.trace(i, f"20.0.{j}.200", "lan own")
    for j in range(9, 60):
        country.trace(1, f"20.0.{j}.200", "lan own *")
    domestic = country.judge().fields["domestic"]
    assert (domestic["pairs"]["direct"], domestic["pairs"]["unknown"]) == (56, 51)
    assert domestic["grade"] == "diverse"


@pytest.mark.parametrize(
    ("behind", "grade"),
    [("20.0.{j}.{i}", "mixed"), ("20.8.8.{j}", "concentrated"), ("20.0.{j}.1", "single_hub")],
    ids=["links of their own", "ports of an exchange", "the links of a hub"],
)
def test_networks_that_number_their_borders_alike_have_no_hub(behind: str, grade: str) -> None:
    """A block of private numbers is one operator's where networks are reached over one link."""
    country = Country(8)
    country.everyone("lan own {up}", days=[0])
    for i in range(1, 9):
        for j in range(1, 9):
            if i != j:
                hops = f"lan own 10.254.254.{i} {behind.format(i=i, j=j)}"
                country.trace(i, f"20.0.{j}.200", hops)
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == grade
    kind = domestic["hub"]["kind"] if domestic["hub"] else None
    assert kind == {"single_hub": "unmapped", "concentrated": "exchange"}.get(grade)


@pytest.mark.parametrize(
    ("words", "grade"),
    [
        ("lan own {block} net{j}", "diverse"),
        ("lan own {block} * net{j}", "insufficient"),
        ("lan own {block} 30.0.9.9@2 net{j}", "single_hub"),
    ],
    ids=["a border", "a border behind silence", "a third network"],
)
@pytest.mark.parametrize("block", ["10.0.0.{i}", "192.168.7.1", "198.51.100.1"])
def test_everybody_comes_to_a_network_by_its_own_border(block: str, words: str, grade: str) -> None:
    """So of numbers that come with the box no border tells that they are one hub's."""
    country = Country(8)
    country.everyone("lan own {up}", days=[0])
    for i, j in permutations(range(1, 9), 2):
        hops = words.format(block=block.format(i=i), j=j)
        country.trace(i, f"20.0.{j}.200", hops)
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == grade


@pytest.mark.parametrize(("showing", "grade"), [(4, "diverse"), (5, "mixed")])
def test_private_numbers_of_half_forbid_diverse(showing: int, grade: str) -> None:
    """As abroad: they number themselves alike, or it is a hub whose ways on are too many."""
    country = Country(10)
    country.everyone("lan own {up}", days=[0])
    for i in range(1, 11):
        for j in range(1, 11):
            if i != j:
                block = f"10.254.254.{i} " if i <= showing else ""
                country.trace(i, f"20.0.{j}.200", f"lan own {block}20.0.{j}.{i}")
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert domestic["hub"] is None
    assert domestic["pairs"]["direct"] == 90
    told = "5 of 10 organisations show hops of 10.254.254.0/24" in domestic["reason"]
    assert told == (grade == "mixed")


@pytest.mark.parametrize(
    ("words", "grade"),
    [
        ("lan own 10.20.{i}.1", "mixed"),
        ("lan own 10.20.{i}.1 20.0.{j}.1", "mixed"),
        ("lan own 10.20.{i}.1 10.20.{j}.2 20.0.{j}.1", "mixed"),
        ("lan own 10.{i}.7.1 20.0.{j}.{i}", "mixed"),
        ("lan own 20.6.{i}.1 20.0.{j}.{i}", "mixed"),
        ("lan own 10.10.10.{i}", "diverse"),
    ],
    ids=["alone", "one way on", "there and back", "far apart", "unannounced", "commonplace"],
)
def test_a_block_for_each_customer_may_be_one_hubs(words: str, grade: str) -> None:
    """A hub that numbers each link from another block looks like the rivals' own insides."""
    country = Country(8)
    country.everyone("lan own {up}", days=[0])
    for i, j in permutations(range(1, 9), 2):
        country.trace(i, f"20.0.{j}.200", words.format(i=i, j=j))
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert domestic["hub"] is None
    assert ("8 of 8 organisations show hops of" in domestic["reason"]) == (grade == "mixed")


def test_blocks_that_take_turns_on_a_pair_are_shown_together() -> None:
    """Each of two parallel links is on half of the traces, and one of them on all."""
    pair = to_net2(
        "lan own 10.20.7.1", "lan own 10.21.7.1", "lan own 10.20.7.1", "lan own 10.21.7.1"
    )
    assert {node.name for node in pair.unmapped} == {"10.20.7.0/24", "10.21.7.0/24"}
    assert to_net2("lan own 10.20.7.1", "lan own").unmapped == frozenset()


def test_a_block_of_one_operator_abroad_is_between_at_home() -> None:
    """Where paths abroad proved it to be one, however its ways at home go on."""
    country = Country(6)
    for i in range(1, 5):
        country.trace(i, f"20.0.{i + 1}.200", f"lan own 10.20.7.{i} 20.0.{i + 1}.{i}")
        country.trace(i, "30.0.1.200", f"lan own 10.20.7.{i} 30.0.9.9")
    block = frozenset({Node("unmapped", "10.20.7.0/24")})
    assert {(pair.between, pair.unmapped) for pair in pairs_of(country)} == {(block, block)}
    country.results = country.results[::2]
    assert {(pair.between, pair.unmapped) for pair in pairs_of(country)} == {(frozenset(), block)}
    found = behind_the_unmapped(pairs_of(country), Policy())
    assert found is not None
    assert (found.node.name, found.captured, found.of) == ("10.20.7.0/24", 4, 4)


@pytest.mark.parametrize(
    ("targets", "grade"),
    [(range(9, 10), "mixed"), (range(9, 13), "mixed"), (range(9, 16), "single_hub")],
    ids=["one", "four", "seven"],
)
def test_the_provider_of_a_few_targets_is_no_hub(targets: range, grade: str) -> None:
    """Everybody reaches a single-homed network over its provider, whoever else is between others.

    Where only few networks were traced to, all of them may be that provider's customers.
    """
    country = Country(16)
    country.everyone("lan own {up}", days=[0])
    for i in range(1, 9):
        for target in targets:
            country.trace(i, f"20.0.{target}.200", "lan own gate")
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert (domestic["hub"] is None) == (grade == "mixed")
    assert domestic["captured"]["organisations"] == 8


@pytest.mark.parametrize(
    ("elsewhere", "past_gate", "says"),
    [
        (0.0, 0.0, "single_hub"),
        (117000.0, 0.0, "single_hub"),
        (118000.0, 0.0, "concentrated"),
        (0.0, 13000.0, "single_hub"),
        (0.0, 14000.0, "concentrated"),
    ],
    ids=["all measured", "a tenth", "universities", "half go past it", "most go past it"],
)
def test_a_hub_of_few_users_is_no_single_hub(elsewhere: float, past_gate: float, says: str) -> None:
    """Thirteen universities on one research network are not the country, and thirteen small
    networks beside a large one that goes past it are not most of it."""
    country = full_mesh(14, "lan own gate", n14="lan own")
    users = {f"Net {i}": 1000.0 for i in range(1, 14)}
    users |= {"Net 14": past_gate, "Everybody else": elsewhere}
    domestic = country.judge(weights=Weights(users, "users")).fields["domestic"]
    assert domestic["grade"] == says
    assert domestic["hub"]["name"] == "Gate"
    assert ("users" in domestic["reason"]) == (says == "concentrated")
    assert "13 of 14 other organisations" in domestic["reason"]
    assert "Gate" in domestic["reason"]
    assert Words("km").sentence(domestic["reason"]).language == "km"


@pytest.mark.parametrize(("users", "grade"), [(10.0, "concentrated"), (1000.0, "single_hub")])
def test_the_provider_of_many_small_targets_is_no_single_hub(users: float, grade: str) -> None:
    """Eight networks reach each other directly; thirty-two behind Gate are traced to."""
    country = Country(40)
    for i in range(1, 9):
        for j in range(1, 41):
            if i != j:
                words = "lan own" if j < 9 else "lan own gate"
                country.trace(i, f"20.0.{j}.200", words)
    weights = {f"Net {i}": 1000.0 if i < 9 else users for i in range(1, 41)}
    domestic = country.judge(weights=Weights(weights, "users")).fields["domestic"]
    assert domestic["grade"] == grade
    sentence = "4% of the networks traced to are reached over it; 50% is needed."
    assert (sentence in domestic["reason"]) == (grade == "concentrated")
    assert Words("km").sentence(domestic["reason"]).language == "km"


@pytest.mark.parametrize(
    ("words", "grade", "hub", "way"),
    [
        ("lan own far3@66", "mixed", None, "abroad"),
        ("lan own far3@66 10.20.7.1", "mixed", None, "abroad"),
        ("lan own own@40 far3@40.3", "mixed", None, "abroad"),
        ("lan own 45.1.2.3@40 far3@66", "mixed", None, "abroad"),
        ("lan own gate far3@66", "single_hub", "Gate", "hub"),
        ("lan own far3@2 gate@40", "mixed", None, "abroad"),
    ],
    ids=[
        "a carrier", "his private numbers", "beside own routers", "his unannounced numbers",
        "a hub before him", "one of the country",
    ],
)  # fmt: skip
def test_a_carrier_abroad_is_no_hub_at_home(
    words: str, grade: str, hub: str | None, way: str
) -> None:
    """Where all ways at home go abroad and back over one carrier, nobody at home is named."""
    domestic = full_mesh(8, words).judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert (domestic["hub"] or {"name": None})["name"] == hub
    assert domestic["pairs"][way] == 56


@pytest.mark.parametrize(
    ("words", "more", "hub"),
    [
        ("lan own@1.0 sea@1.9", {}, "Sea Cable"),
        ("lan own@1.0 sea@2.0", {}, None),
        # A router stands where it stands, also for those who are far from it.
        ("lan own@1.0 sea@7", {"n1": "lan own@1.0 sea@1.3"}, "Sea Cable"),
        ("lan own@1.0 20.7.7.2@7", {"n1": "lan own@1.0 sea@1.3"}, None),
        # Who is between beside it is at home.
        ("lan own@1.0 gate@1.3 sea@7", {}, "Gate"),
        ("lan own@1.0 farix@3", {}, None),
        ("lan own@1.0 farix@1.3", {}, "FarIX"),
    ],
    ids=[
        "near", "not near", "near to one", "another near to one", "behind one",
        "an exchange", "an exchange near",
    ],
)  # fmt: skip
def test_a_hub_that_is_registered_abroad_is_known_to_stand_at_home(
    words: str, more: dict[str, str], hub: str | None
) -> None:
    """What is not located is neither at home nor abroad: a third party that forbids "diverse"."""
    domestic = full_mesh(8, words, **more).judge().fields["domestic"]
    assert (domestic["hub"] or {"name": None})["name"] == hub
    assert (domestic["grade"] == "mixed") == (hub is None)
    assert domestic["pairs"]["abroad"] == domestic["pairs"]["direct"] == 0


@pytest.mark.parametrize(("away", "grade"), [(3, "diverse"), (4, "mixed")])
def test_ways_half_of_which_go_abroad_are_not_diverse(away: int, grade: str) -> None:
    """They show no hub at home, nor that there is none."""
    others = {f"n{i}": "lan own far3@66" for i in range(1, away + 1)}
    domestic = full_mesh(8, "lan own", **others).judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert domestic["hub"] is None
    assert domestic["pairs"]["abroad"] == away * 7
    assert ("50% of the ways at home" in domestic["reason"]) == (grade == "mixed")


@pytest.mark.parametrize(("customers", "grade"), [(11, "mixed"), (6, "mixed"), (5, "diverse")])
def test_one_operator_at_home_and_abroad_is_not_diverse(customers: int, grade: str) -> None:
    """Sea Cable, registered abroad, has all ways of its customers: 7 of 10 at home, 3 by detour.

    Who is no customer reaches all others directly.
    """
    country = Country(11)
    country.everyone("lan own {up}", days=[0])
    for i, j in permutations(range(1, 12), 2):
        if i > customers:
            country.trace(i, f"20.0.{j}.200", "lan own@1.0")
        elif (j - i) % 11 <= 3:
            country.trace(i, f"20.0.{j}.200@13", "lan own@1.0 sea@12")
        else:
            country.trace(i, f"20.0.{j}.200@2", "lan own@1.0 sea@1.4")
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert domestic["hub"] is None
    told = f"{customers} of 11 other organisations pass Sea Cable" in domestic["reason"]
    assert told == (grade == "mixed")


def test_the_share_abroad_weighs_organisations_alike() -> None:
    """One with many targets does not decide: half of one's and none of the other's is a quarter."""
    pairs = [pair("a", "b", "abroad"), pair("a", "c", "direct"), pair("a", "d", "unknown")]
    pairs += [pair("b", one, "direct") for one in "acdefgh"]
    assert share_abroad(pairs) == 0.25
    assert share_abroad([]) == 0.0


@pytest.mark.parametrize(
    ("words", "grade", "hub", "way"),
    [
        ("lan own 20.64.{i}.1", "mixed", None, "direct"),
        ("lan own 20.64.{i}.1 20.0.{j}.{i}", "mixed", None, "direct"),
        # Everybody comes to a network by its own border, whoever stands before it.
        ("lan own 20.64.{i}.1 20.0.{j}.1", "mixed", None, "direct"),
        ("lan 20.64.0.9 own 20.64.{i}.1", "mixed", None, "direct"),
        ("lan own 20.64.{i}.1 homeix", "concentrated", "HomeIX", "exchange"),
        ("lan own 20.64.{i}.1 gate", "single_hub", "Gate", "hub"),
        ("lan own 20.64.{i}.1 20.64.{j}.2 20.0.{j}.1", "single_hub", "Net 13", "hub"),
        ("lan own 20.64.{i}.1 20.64.0.9", "single_hub", "Net 13", "hub"),
        ("lan own 20.64.{i}.1 * 20.9.9.9", "single_hub", "Gate", "hub"),
        ("lan own 20.64.0.1", "single_hub", "Net 13", "hub"),
    ],
    ids=[
        "lines", "links of their own", "a border", "the line home", "an exchange", "a hub behind",
        "a hub's links", "a core", "behind silence", "one router",
    ],
)  # fmt: skip
def test_whose_numbers_alone_are_between_is_no_hub(
    words: str, grade: str, hub: str | None, way: str
) -> None:
    """Net 13 announces the block in which all others' borders stand: do they meet there at home?"""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own 20.64.{i}.1 {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        country.trace(i, f"20.0.{j}.200", words.format(i=i, j=j))
    domestic = domestic_of(country)
    assert domestic["grade"] == grade
    assert (domestic["hub"] or {"name": None})["name"] == hub
    assert domestic["pairs"][way] == 132
    told = "12 of 12 organisations show addresses of Net 13" in domestic["reason"]
    assert told == (grade == "mixed")


@pytest.mark.parametrize(
    ("words", "grade"),
    [
        ("lan own 20.64.{i}.{j}", "mixed"),
        ("lan own 20.64.{i}.{j} 20.0.{j}.1", "mixed"),
        ("lan own 20.64.{i}.{j} 20.64.{i}.{j}", "mixed"),
        ("lan 10.1.1.1 20.64.0.9 own 20.64.{i}.{j}", "mixed"),
        ("lan own 20.64.{i}.{j} 20.64.0.9", "single_hub"),
        ("lan own 20.64.{i}.1", "single_hub"),
        ("lan own 20.64.{i}.{half}", "single_hub"),
        ("lan own * 20.64.{j}.1", "single_hub"),
        ("lan own 20.64.{i}.{j} gate", "single_hub"),
        # Borders: the same one on the way out as on the way in.
        ("lan own 20.64.{i}.1 20.64.{j}.1", "mixed"),
        ("lan own 20.64.{i}.1 20.64.{j}.1 20.0.{j}.1", "mixed"),
        ("lan own 20.64.{i}.1 20.64.{j}.2", "single_hub"),
        ("lan own 20.64.{i}.2 20.64.{i}.1 20.64.{j}.2", "single_hub"),
        ("lan own 20.64.{i}.1 20.64.0.9 20.64.{j}.1", "single_hub"),
        # Each enters the others over a line of its own, or all by one.
        ("lan own 20.64.{i}.1 20.0.{j}.{i}", "mixed"),
        ("lan own 20.64.{i}.1 20.64.{j}.1{i}", "mixed"),
        ("lan own 20.64.{i}.1 * 20.0.{j}.{i}", "insufficient"),
        ("lan own 20.64.{i}.1 20.0.{j}.1", "single_hub"),
    ],
    ids=[
        "lines", "a border", "twice", "the line home", "a core", "a way in", "ways in for two",
        "a way out", "a hub behind", "borders", "borders and what is behind", "a hub's links",
        "borders and a hub's links", "borders and a core", "links of their own",
        "lines from borders", "links behind silence", "the links of a hub",
    ],
)  # fmt: skip
@pytest.mark.parametrize("customers", [0, 12])
def test_lines_that_one_network_numbers_are_no_hub(words: str, grade: str, customers: int) -> None:
    """Net 13 leases a line to each two of the others, who may have a customer each behind it."""
    country = Country(13 + customers)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        hops = words.format(i=i, j=j, half=j // 2)
        country.trace(i, f"20.0.{j}.200", hops)
        if customers:
            country.trace(i, f"20.0.{13 + j}.200", f"{hops} net{j}")
    domestic = domestic_of(country)
    assert domestic["grade"] == grade
    assert (domestic["hub"] is not None) == (grade == "single_hub")
    told = "12 of 12 organisations show addresses of Net 13" in domestic["reason"]
    assert told == (grade == "mixed")


@pytest.mark.parametrize(
    ("border", "grade", "hub"),
    [
        ("20.7.7.{j}@1.3", "mixed", None),
        ("20.7.7.1@1.3 20.7.7.1{j}@1.4", "single_hub", "Sea Cable"),
        ("10.200.5.{j}", "mixed", None),
        ("* 10.200.5.{j}", "single_hub", "10.200.5.0/24"),
        # Of one who is registered at home it looks like the ports of an exchange.
        ("20.64.{j}.1", "concentrated", "Net 13"),
    ],
    ids=["from abroad", "behind a router", "private", "behind silence", "an incumbent's"],
)
@pytest.mark.parametrize("behind", ["", " 20.0.{j}.1@1.6"], ids=["", "and what is behind"])
def test_where_networks_are_entered_is_no_hub(
    border: str, grade: str, hub: str | None, behind: str
) -> None:
    """Their borders may answer with the numbers of whoever sells to them."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        country.trace(i, f"20.0.{j}.200@2", f"lan own@1.0 {border}{behind}".format(j=j))
    domestic = domestic_of(country)
    assert domestic["grade"] == grade
    assert (domestic["hub"] or {"name": None})["name"] == hub


def test_rivals_borders_that_one_network_numbers_are_no_hub_beside_an_exchange() -> None:
    """Each goes to it by a border of Net 13's numbers, and all meet there."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        country.trace(i, f"20.0.{j}.200", f"lan own 20.64.{i}.1 20.8.8.{j}")
    domestic = country.judge().fields["domestic"]
    assert (domestic["grade"], domestic["hub"]["name"]) == ("concentrated", "HomeIX")


def test_a_hub_of_blocks_is_one_where_records_have_no_addresses_of_it() -> None:
    """Cut to /24 both ends of a link are one, and look like the border of the network there."""
    country = Country(12)
    country.everyone("lan own 10.20.{i}.0 30.0.9.9")
    for i, j in permutations(range(1, 13), 2):
        country.trace(i, f"20.0.{j}.200", f"lan own 10.20.{i}.0 10.20.{j}.0 20.0.{j}.1")
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == "single_hub"


def test_those_who_share_a_line_between_two_networks_come_as_one() -> None:
    """Customers of the one, and what is inside the other or behind it: the line joins no ways."""
    country = Country(37)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        country.trace(i, f"20.0.{j}.200", f"lan own 20.64.{i}.{j} 10.{j}.1.1")
        country.trace(i, f"20.0.{13 + j}.200", f"lan own 20.64.{i}.{j} 10.{j}.2.1 net{j}")
        country.trace(25 + i, f"20.0.{j}.200", f"lan own net{i} 20.64.{i}.{j} 10.{j}.1.1")
    domestic = country.judge().fields["domestic"]
    assert (domestic["grade"], domestic["hub"]) == ("mixed", None)


@pytest.mark.parametrize(
    ("words", "grade"),
    [
        ("lan own {block}.{line}", "mixed"),
        ("lan own {block}.{line} 20.0.{j}.1", "mixed"),
        ("lan own {block}.{i}", "single_hub"),
        ("lan own {block}.{line} {block}.250", "single_hub"),
    ],
    ids=["lines", "a border", "a way in", "a core"],
)
@pytest.mark.parametrize("block", ["45.5.5", "10.200.5", "11.0.5", "100.64.5"])
@pytest.mark.parametrize("abroad", ["", "{block}.{i} 30.0.9.9"], ids=["", "abroad too"])
def test_lines_numbered_from_a_block_of_no_network_are_no_hub(
    words: str, grade: str, block: str, abroad: str
) -> None:
    """Private or unannounced: somebody leases a line to each two of the networks.

    That he has a gateway in the same block makes no hub of his lines.
    """
    country = Country(12)
    out = f"lan own {abroad or '{up}'}".replace("{block}", block)
    country.everyone(out, days=range(8))
    for i, j in permutations(range(1, 13), 2):
        line = 15 * i + j  # each direction has an address of its own
        country.trace(i, f"20.0.{j}.200", words.format(block=block, i=i, j=j, line=line))
    domestic = domestic_of(country)
    assert domestic["grade"] == grade
    assert (domestic["hub"] is not None) == (grade == "single_hub")


def test_a_block_that_is_lines_abroad_may_be_a_hub_at_home() -> None:
    """There the networks meet at a router of its owner, and abroad each has a line of its own."""
    country = Country(12)
    country.everyone("lan own 45.5.5.{i} {up}")
    for i, j in permutations(range(1, 13), 2):
        country.trace(i, f"20.0.{j}.200", "lan own 45.5.5.250")
    verdict = country.judge()
    assert verdict.gateway is None
    assert verdict.fields["domestic"]["grade"] == "single_hub"


def test_a_line_to_the_only_network_behind_it_is_no_hub() -> None:
    """Nothing tells it from one: over no address does more than one way go."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own {up}", days=[0], members=range(1, 13))
    for i, j in permutations(range(1, 13), 2):
        country.trace(i, f"20.0.{j}.200", f"lan own 20.64.{i}.1 net{i % 12 + 1}")
    domestic = country.judge().fields["domestic"]
    assert (domestic["grade"], domestic["hub"]) == ("mixed", None)


@pytest.mark.parametrize(("abroad_too", "grade"), [(3, "concentrated"), (4, "single_hub")])
def test_an_exchange_that_paths_abroad_cross_too_is_a_hub(abroad_too: int, grade: str) -> None:
    """Ways at home and those abroad of half of all over the same LAN: more than a meeting place."""
    country = full_mesh(8, "lan own homeix")
    country.everyone("lan own homeix {up}", days=[1, 2], members=range(1, abroad_too + 1))
    domestic = country.judge().fields["domestic"]
    assert (domestic["grade"], domestic["hub"]["name"]) == (grade, "HomeIX")
    assert ("It is an exchange" in domestic["reason"]) == (grade == "concentrated")
    assert domestic["meeting_place"] == (grade == "concentrated")
    assert domestic["pairs"]["hub" if grade == "single_hub" else "exchange"] == 56


def test_whoever_runs_an_exchange_says_nothing_about_it() -> None:
    """Net 1 runs the LAN and need not cross it: seven of the seven others do."""
    country = full_mesh(8, "lan own homeix", n1="lan own")
    before = country.judge().fields["domestic"]["captured"]
    assert (before["organisations"], before["of"]) == (7, 8)
    country.table.operators["HomeIX"] = 101
    after = country.judge().fields["domestic"]["captured"]
    assert (after["organisations"], after["of"]) == (7, 7)


def test_an_exchange_hides_no_hub_that_stands_beside_it() -> None:
    """Everybody crosses the LAN, and all but one pass Gate too: Gate is a hub all the same."""
    domestic = full_mesh(14, "lan own gate homeix", n1="lan own homeix").judge().fields["domestic"]
    assert domestic["grade"] == "single_hub"
    assert domestic["hub"]["name"] == "Gate"
    assert domestic["captured"]["organisations"] == 13


def test_an_exchange_on_the_watch_list_is_a_hub() -> None:
    """The Domestic Internet Exchange of a decree is what one watches for."""
    country = full_mesh(8, "lan own homeix")
    country.table.watched.add("HomeIX")
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == "single_hub"
    assert domestic["hub"]["kind"] == "exchange"
    assert domestic["pairs"]["hub"] == 56


@pytest.mark.parametrize(("displaced", "grade"), [(2, "single_hub"), (3, "concentrated")])
def test_networks_whose_pseudonyms_are_taken_are_not_forgotten(displaced: int, grade: str) -> None:
    """Eight reach all others over Gate; what is measured beside them is left out as another's."""
    country = Country(8 + displaced)
    for i in range(1, country.size + 1):
        for j in range(1, country.size + 1):
            if i != j:
                country.trace(i, f"20.0.{j}.200", "lan own gate" if i <= 8 else "lan own")
    for pseudonym in range(9000, 9000 + 1000 * displaced, 1000):
        for day in range(2):
            country.trace(1, "30.0.1.200", "lan own far6", day=day)
            country.results[-1]["prb_id"] = pseudonym
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert domestic["hub"]["name"] == "Gate"


@pytest.mark.parametrize(("silent", "grade"), [(2, "single_hub"), (3, "concentrated")])
def test_silent_networks_are_not_taken_for_a_hubs(silent: int, grade: str) -> None:
    """Eight reach all others over Gate; of those beside them no way is known."""
    country = Country(8 + silent)
    for i in range(1, country.size + 1):
        for j in range(1, country.size + 1):
            if i != j:
                words = "lan own gate" if i <= 8 else "lan own *"
                country.trace(i, f"20.0.{j}.200", words)
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == grade
    assert Words("km").sentence(domestic["reason"]).language == "km"
