"""One path at a time: where it leaves, over whose networks, and how sure that is.

Paths are written in the words of `tests.analysis.country.Country.trace`.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intake.told import tell
from analysis.owners.operators import Gazetteer, Node
from analysis.paths.crossing import Crossing, crossing_of, find_border
from analysis.paths.path import Reader, Step
from analysis.policy import Policy
from probe.record import Attribution, Hop, Reply, Trace, from_json
from tests.analysis.country import HOME, Country

FAR = "30.0.1.200"
GATE = Node("organisation", "Gate")


def org(name: str) -> Node:
    return Node("organisation", name)


def block(name: str) -> Node:
    return Node("unmapped", name)


def country() -> Country:
    """Twelve networks at home, one registered nowhere, and an exchange of unknown place."""
    made = Country(12)
    made.table.add("20.6.6.0/24", Attribution(106, "N6", "Nowhere", None))
    made.table.add("20.8.9.0/24", Attribution(None, None, None, None, exchange="NowhereIX"))
    made.table.add("100.64.0.0/10", Attribution(special="cgnat"))
    return made


def trace(words: str, destination: str = FAR) -> Trace:
    made = Country(12)
    made.trace(1, destination, words)
    return from_json(made.results[0])


def gazetteer() -> Gazetteer:
    return Gazetteer(country().table, HOME)


def steps_of(trace: Trace) -> list[Step]:
    return list(Reader(gazetteer()).path(tell(trace), "Net 1").steps)


def path(words: str, destination: str = FAR) -> list[Step]:
    return steps_of(trace(words, destination))


def crossing(words: str, destination: str = FAR, **changes: Any) -> Crossing:
    target = destination.partition("@")[0]
    return crossing_of(path(words, destination), target, Policy(**changes))


@pytest.mark.parametrize(
    ("words", "loops"),
    [
        ("lan own gate net9 far6", []),
        ("lan own gate own far6", ["Net 1"]),
        ("lan own gate net9 gate far6", ["Gate"]),
        ("lan own gate * gate far6", []),
        ("lan own gate far3@90 gate@170 far6@200", ["Gate"]),
        ("lan own far6 far7 far6", []),
    ],
    ids=["none", "own", "at home", "one network with a silent hop", "over abroad", "abroad"],
)
def test_loops_are_kept(words: str, loops: list[str]) -> None:
    """A → B → A at home, or over a network abroad, is evidence of a detour."""
    assert [node.name for node in crossing(words).loops] == loops


# ------------------------------------------------------------------------ steps


def of_hops(*hops: Hop) -> list[Step]:
    whole = trace("own")._replace(hops=hops)
    return steps_of(whole)


def heard(address: str, rtt: float | None = 1.0, **changes: Any) -> Reply:
    return Reply(address, rtt, **changes)


STAR = Reply()


def test_a_hop_is_the_address_heard_most_with_its_smallest_rtt() -> None:
    """Two of three replies name the router; the third one's RTT is not its own."""
    (step,) = of_hops(
        Hop(1, (heard("20.0.2.1", 9.0), heard("20.0.3.1", 1.0), heard("20.0.2.1", 7.0)))
    )
    assert (step.address, step.rtt) == ("20.0.2.1", 7.0)


def test_of_two_routers_heard_equally_often_the_first_counts() -> None:
    """A load balancer that answers once with each of two routers."""
    (step,) = of_hops(Hop(1, (heard("20.0.3.1"), heard("20.0.2.1"), STAR)))
    assert step.address == "20.0.3.1"


@pytest.mark.parametrize(
    "hop",
    [
        Hop(2, (STAR, STAR, STAR)),
        Hop(2, ()),
        Hop(2, (heard("20.9.9.1", late=2),)),
        Hop(2, (heard("20.9.9.1", duplicate=True),)),
        Hop(2, (heard("20.9.9.1"),), measured=False),
    ],
    ids=["stars", "no reply", "late", "duplicate", "inferred"],
)
def test_what_is_no_evidence_is_silence(hop: Hop) -> None:
    """Stars, late answers, duplicates and hops of other traces show no router."""
    steps = of_hops(Hop(1, (heard("20.0.1.1"),)), hop, Hop(3, (heard("30.0.6.1"),)))
    assert steps[1] == Step(2)
    assert len(steps) == 3


def test_an_honest_reply_beside_a_late_one_counts() -> None:
    """The late ones are left out, not the hop."""
    (step,) = of_hops(
        Hop(1, (heard("20.9.9.1", 5.0, late=1), heard("20.9.9.1", 6.0), heard("20.0.2.1", late=1)))
    )
    assert (step.address, step.rtt) == ("20.9.9.1", 6.0)


def test_a_missing_ttl_is_a_silent_step() -> None:
    """Results that leave silent hops out have the same steps as those that say so."""
    gap = of_hops(Hop(1, (heard("20.0.1.1"),)), Hop(4, (heard("30.0.6.1"),)))
    assert [step.hop for step in gap] == [1, 2, 3, 4]
    assert [step.address for step in gap] == ["20.0.1.1", None, None, "30.0.6.1"]


def test_a_path_that_starts_late_starts_with_silence() -> None:
    """Doubletree and hidden home routers begin at a later hop."""
    assert of_hops(Hop(3, (heard("20.0.1.1"),)))[:2] == [Step(1), Step(2)]


def test_the_order_of_the_hops_in_the_record_does_not_matter() -> None:
    """Answers are written as they came."""
    hops = [Hop(n, (heard(f"20.0.{n}.1"),)) for n in (1, 2, 3)]
    assert of_hops(*hops) == of_hops(*reversed(hops))


def test_the_destination_ends_the_path_and_comes_once() -> None:
    """What answers behind the destination, and the Atlas' own hop 255, are no hops."""
    steps = of_hops(
        Hop(1, (heard("20.0.1.1"),)),
        Hop(2, (heard(FAR),)),
        Hop(3, (heard(FAR),)),
        Hop(255, (heard("20.0.2.1"),)),
    )
    assert [step.address for step in steps] == ["20.0.1.1", FAR]


def test_silence_at_the_end_is_cut_off() -> None:
    """A dark destination leaves no tail of stars."""
    assert len(of_hops(Hop(1, (heard("20.0.1.1"),)), *(Hop(n, (STAR,)) for n in range(2, 9)))) == 1


def test_a_hop_that_redaction_took_is_home() -> None:
    """`lan` without an address is the volunteer's own network, with the RTT it had."""
    steps = of_hops(
        Hop(1, (Reply(None, 0.4),), Attribution(special="lan")),
        Hop(2, (heard("20.9.9.1"),)),
    )
    assert steps[0] == Step(1, rtt=0.4, own=True)
    assert not steps[1].own
    home, far = (
        Hop(1, (Reply(None, 0.4),), Attribution(special="lan")),
        Hop(2, (heard("30.0.6.1"),)),
    )
    assert crossing_of(of_hops(home, far), FAR, Policy()).border == (1, 2)


# ------------------------------------------------------------------------ the own network


@pytest.mark.parametrize(
    ("words", "own"),
    [
        ("lan own gate", [1, 2]),
        ("lan 10.1.7.1 10.1.8.1 own gate", [1, 2, 3, 4]),
        ("lan own 10.1.7.1 own gate", [1, 2, 3, 4]),
        ("lan own 10.1.7.1 gate", [1, 2]),
        ("lan 10.1.7.1 gate", [1]),
        ("lan 100.64.3.1 10.1.7.1 gate", [1, 2]),
        ("lan gate 100.64.3.1", [1]),
        ("10.1.7.1 10.1.8.1", [1]),
        ("gate 10.1.7.1", []),
        # It leaves the own network and comes back: only what lies before leaving is surely own.
        ("lan own net2 10.1.7.1 own gate", [1, 2, 5]),
        # Who stands right behind the home brings its customers to the own network.
        ("lan net2 10.1.7.1 own gate", [1, 2, 3, 4]),
        ("lan 10.1.9.1 net2 10.1.7.1 own gate", [1, 2, 5]),
        ("lan * own gate", [1, 3]),
    ],
    ids=[
        "usual", "private hops before", "private hop between", "private hop behind",
        "no own hop", "carrier NAT", "carrier NAT behind another network", "private throughout",
        "public at once", "leaves and returns", "another network first",
        "private hops before another network", "silence",
    ],
)  # fmt: skip
def test_which_hops_are_the_own_network(words: str, own: list[int]) -> None:
    """Private hops before and between own hops are own, those behind them are evidence."""
    assert [step.hop for step in path(words) if step.own] == own


def test_private_hops_behind_the_own_network_are_candidates() -> None:
    """Whoever drops hops that map to no AS misses the gateway that shows as nothing else."""
    found = crossing("lan own 10.202.4.1 10.21.211.9 far6")
    assert found.strict == (block("10.202.4.0/24"), block("10.21.211.0/24"))
    assert found.exit == block("10.21.211.0/24")


# ------------------------------------------------------------------------ states


@pytest.mark.parametrize(
    ("words", "state", "border"),
    [
        ("lan own far6", "resolved", (2, 3)),
        ("lan own gate far6", "resolved", (3, 4)),
        ("lan own gate * far6", "bracketed", (3, 5)),
        ("lan own gate * * far6", "ambiguous", (3, 6)),
        ("lan own gate * far6 * * far7", "bracketed", (3, 5)),
        ("lan * gate far6", "resolved", (3, 4)),
        ("lan own 10.202.4.1 far6", "resolved", (3, 4)),
        # 45.x is in no table: it stands nowhere.
        ("lan own gate 45.1.2.3@60 far6", "bracketed", (4, 5)),
        ("lan own gate 45.1.2.3@60 * far6", "ambiguous", (4, 6)),
        ("lan own gate 20.6.6.1@60 far6", "bracketed", (4, 5)),
        ("lan own gate 20.8.9.1@60 far6", "bracketed", (4, 5)),
        ("far6", "ambiguous", (0, 1)),
        ("* far6", "ambiguous", (0, 2)),
        ("lan * * far6", "ambiguous", (1, 4)),
        ("lan far6", "resolved", (1, 2)),
    ],
)
def test_states_and_borders(words: str, state: str, border: tuple[int, int]) -> None:
    """Adjoining hops resolve; one silent or unlocated hop between brackets; more is ambiguous."""
    found = crossing(words)
    assert (found.state, found.border) == (state, border)


@pytest.mark.parametrize("words", ["lan own gate", "lan own gate * *", "lan own 45.1.2.3", "*"])
def test_a_path_without_a_foreign_hop_has_no_crossing(words: str) -> None:
    """What dies at home or in the unknown did not leave: `none`, and nothing else is said."""
    made = trace(words)
    steps = steps_of(made._replace(hops=made.hops[:-1]))
    assert crossing_of(steps, FAR, Policy()) == Crossing("none")


def test_unlocated_is_neither_at_home_nor_abroad() -> None:
    """An unregistered country makes no border, and no domestic node that is sure."""
    found = crossing("lan own 20.6.6.1@60 far6")
    assert found.upstream == org("Far 6")
    assert found.strict == ()
    assert found.lenient == (org("Nowhere"),)


# ------------------------------------------------------------------------ nodes


def test_all_domestic_nodes_after_the_own_network_count_in_order_and_once() -> None:
    """The gateway may stand anywhere; the exit is the last, the own organisation none."""
    found = crossing("lan own net2 net2 gate homeix net3 far6 far6 far7")
    assert found.strict == (org("Net 2"), GATE, Node("exchange", "HomeIX"), org("Net 3"))
    assert found.lenient == found.strict
    assert found.exit == org("Net 3")


def test_an_organisation_may_be_its_own_exit() -> None:
    """Nothing between: no node, no exit, and the operator abroad is told."""
    found = crossing("lan own far6")
    assert (found.strict, found.exit) == ((), None)
    assert (found.upstream, found.upstream_asn) == (org("Far 6"), 3006)
    assert found.first_foreign == "30.0.6.1"


def test_an_exchange_abroad_is_no_interface_to_share() -> None:
    """Everybody meets on its LAN; a destination that is the border itself is none either."""
    assert crossing("lan own farix far6").first_foreign is None
    assert crossing("lan own farix far6").upstream == Node("exchange", "FarIX")
    assert crossing("lan own gate").first_foreign is None
    assert crossing("lan own gate").upstream == org("Far 1")


@pytest.mark.parametrize(
    ("words", "behind"),
    [
        ("lan own homeix gate far6", (("HomeIX", "Gate"),)),
        ("lan own homeix far6", (("HomeIX", "Far 6"),)),
        ("lan own homeix * 10.1.7.1 gate far6", (("HomeIX", "Gate"),)),
        ("lan own gate far6", ()),
        ("lan own farix far6", ()),
    ],
)
def test_who_stands_behind_an_exchange(words: str, behind: tuple[tuple[str, str], ...]) -> None:
    """The first organisation that answers behind the LAN, at home or abroad."""
    assert crossing(words).behind_exchange == behind


@pytest.mark.parametrize(
    ("words", "blocks"),
    [
        (
            "lan own 10.202.4.1 gate 10.21.211.9 far6",
            (("10.202.4.0/24", False, "20.9.9.1"), ("10.21.211.0/24", True, "30.0.6.1")),
        ),
        # What is silent may be the gateway: the block before it is then somebody's interior.
        ("lan own 10.202.4.1 * far6", (("10.202.4.0/24", False, "30.0.6.1"),)),
    ],
    ids=["before and behind another network", "before a silent hop"],
)
def test_blocks_carry_where_they_stand_and_what_answered_behind_them(
    words: str, blocks: tuple[tuple[str, bool, str | None], ...]
) -> None:
    """Right before the border or not, with the first public address behind."""
    assert crossing(words).blocks == blocks


def test_the_destination_is_no_way_on() -> None:
    """All paths to one destination end there: that its address follows says nothing."""
    assert crossing("lan own 10.202.4.1").blocks == (("10.202.4.0/24", True, None),)


# ------------------------------------------------------------------------ what the RTT says


@pytest.mark.parametrize(
    ("words", "border", "strict"),
    [
        # A link numbered by the neighbour abroad, with home behind it.
        ("lan own far3@1.5 gate@1.9 far6", (4, 5), (GATE,)),
        ("lan own@1.0 far3@10.9 gate@11 far6", (4, 5), (GATE,)),
        # +10 ms: it went abroad and came back; what follows is not the domestic part.
        ("lan own@1.0 far3@11.0 gate@11.5 far6", (2, 3), ()),
        # The carrier's router may stand at home, but what follows, though registered there, cannot.
        ("lan own@1.0 far3@1.5 gate@11.5 far6", (2, 3), ()),
        ("lan own@1.0 far3@1.5 gate@11.4 far6", (4, 5), (GATE,)),
        # One answers late; the other is near, so it is not beyond the border either.
        ("lan own@1.0 far3@1.5 gate@40 gate@1.9 far6", (5, 6), (GATE,)),
        # An inner link of the own network's, however far its next city.
        ("lan own@1.0 far3@1.5 own@14 gate@14.4 far6", (5, 6), (GATE,)),
        # Without an RTT nothing vetoes and nothing proves.
        ("lan own far3 far6", (2, 3), ()),
    ],
    ids=[
        "a link at home",
        "9.9 ms",
        "10 ms",
        "10 ms behind",
        "9.9 ms behind",
        "one late answer",
        "own network",
        "nothing behind",
    ],
)
def test_a_foreign_address_with_home_behind_it_needs_an_rtt_step(
    words: str, border: tuple[int, int], strict: tuple[Node, ...]
) -> None:
    """Registration proposes the border; the way abroad and back must show in the RTT."""
    found = crossing(words)
    assert (found.border, found.strict) == (border, strict)


def test_a_hop_without_an_rtt_does_not_say_how_far_home_is() -> None:
    """Of those at home behind a foreign router the ones that have one decide."""
    rtts = {"20.0.1.1": 1.0, "30.0.3.1": 1.5, "20.9.9.1": None, "20.9.9.2": 11.5}
    steps = of_hops(*(Hop(n, (heard(*one),)) for n, one in enumerate(rtts.items(), start=1)))
    assert find_border(steps, Policy()) == 1


@pytest.mark.parametrize(
    ("words", "destination"),
    [
        ("lan own gate", FAR + "@-"),
        ("lan@- own@- gate@-", FAR + "@2"),
        ("lan@- own@- gate@- *", FAR + "@-"),
        ("lan own far3@- gate far6", FAR),
        ("lan own far3@- own gate far6", FAR),
        ("lan@- own@- far3 gate far6", FAR),
        ("lan own far3@1.3 gate@- far6", FAR),
    ],
    ids=[
        "cache or abroad",
        "no RTT at home to compare with",
        "a silent hop before it",
        "foreign number or abroad",
        "the own network behind it",
        "nothing before it to compare with",
        "nothing behind it to compare with",
    ],
)
def test_an_answer_without_an_rtt_leaves_the_border_open(words: str, destination: str) -> None:
    """Only RTTs tell a cache at home from a destination abroad, and a link from a way abroad."""
    found = crossing(words, destination)
    assert (found.state, found.untold, found.at_home) == ("ambiguous", True, False)


@pytest.mark.parametrize(
    ("words", "destination"),
    [
        ("lan@- own@- gate@- far6@-", FAR + "@-"),
        ("lan own gate@-", FAR),
        ("lan own gate far6@-", FAR),
        ("* * far3@1.5 gate@1.7 far6", FAR),
        ("lan own far3@1.3 gate@- net2@1.8 far6", FAR),
        ("lan own far3@1.3 own gate@- far6", FAR),
    ],
    ids=[
        "two operators abroad",
        "home is told by the hop before",
        "the destination tells",
        "silence at home is no answer",
        "a later hop at home tells",
        "the own network behind it is at home",
    ],
)
def test_other_borders_need_none(words: str, destination: str) -> None:
    """What no RTT could veto, or what other hops tell, stays as it is registered."""
    found = crossing(words, destination)
    assert (found.state, found.untold) == ("resolved", False)


def test_the_step_is_counted_from_the_last_domestic_hop() -> None:
    """A slow access line (25 ms to the first hop) makes no detour of the hop behind it."""
    assert crossing("lan@20 own@25 far3@25.5 gate@26 far6").border == (4, 5)
    steps = path("lan@20 own@25 far3@25.5 gate@26 far6")
    assert find_border(steps, Policy(abroad_step_ms=0.5)) == 2


@pytest.mark.parametrize(
    ("words", "lenient"),
    [
        ("lan own@1.0 sea@1.9 far6@60", (org("Sea Cable"),)),
        ("lan own@1.0 sea@2.0 far6@60", ()),
        ("lan own@1.0 sea@1.9 far6@11.8", ()),
        ("lan own@1.0 sea@1.9 far6@11.9", (org("Sea Cable"),)),
    ],
    ids=["at home", "too far", "no step behind", "just a step behind"],
)
def test_a_foreign_registered_router_at_home_is_a_doubtful_candidate(
    words: str, lenient: tuple[Node, ...]
) -> None:
    """Within 1 ms of home and 10 ms before the rest: named only in the lenient reading."""
    found = crossing(words, FAR + "@90" if "@60" in words else FAR + "@1.9")
    assert found.strict == ()
    assert found.lenient == lenient


@pytest.mark.parametrize(("rtt", "strict"), [("1.9", True), ("2.0", False), ("60", False)])
def test_an_unannounced_public_hop_is_domestic_only_near_home(rtt: str, strict: bool) -> None:
    """Within 1 ms of the last domestic hop it counts strictly, else leniently."""
    found = crossing(f"lan own@1.0 45.1.2.3@{rtt} far6@80")
    nodes = (block("45.1.2.0/24"),)
    assert found.strict == (nodes if strict else ())
    assert found.lenient == nodes


@pytest.mark.parametrize(
    ("before", "strict"),
    [
        ("own@1.0 own@32.0", False),
        ("own@22.2 own@32.0", False),
        ("own@22.5 own@32.0", True),
        # Whether a private hop answers from beyond the line to the home says nothing.
        ("10.20.7.1@1.0 own@32.0", True),
        ("own@1.0 own@-", False),
    ],
)
def test_an_unannounced_hop_beside_an_own_router_abroad_is_not_at_home(
    before: str, strict: bool
) -> None:
    """The own network reaches as far as 1,000 km beyond where it is first seen."""
    found = crossing(f"lan {before} 45.1.2.3@32.3 far6@80")
    nodes = (block("45.1.2.0/24"),)
    assert found.strict == (nodes if strict else ())
    assert found.lenient == nodes


def test_a_slow_private_hop_counts_all_the_same() -> None:
    """Private addresses are nobody's registration abroad: before the border they are domestic."""
    assert crossing("lan own@1.0 10.202.4.1@60 far6@80").strict == (block("10.202.4.0/24"),)


@pytest.mark.parametrize(
    ("words", "destination", "at_home"),
    [
        ("lan own@1.5 gate@1.8", FAR + "@2.0", True),
        ("lan own@1.5 gate@1.8", FAR + "@2.9", False),
        # 30.0.1.7 is of the destination's network, 30.0.6.1 of another.
        ("lan own@1.5 gate@1.8 30.0.1.7@1.9", FAR + "@2.0", True),
        ("lan own@1.5 gate@1.8 far6@1.9", FAR + "@2.0", False),
    ],
    ids=["a cache", "1.1 ms away", "a cache with a router", "through another network"],
)
def test_a_destination_that_answers_at_home_never_left(
    words: str, destination: str, at_home: bool
) -> None:
    """A foreign-registered cache within 1 ms of the last domestic hop is no crossing."""
    found = crossing(words, destination)
    assert found.at_home is at_home
    assert (found.state == "none") is at_home


def test_a_path_that_never_arrived_is_no_cache() -> None:
    """The last hop must be the destination itself."""
    made = trace("lan own@1.5 30.0.1.7@1.9", FAR + "@2.0")
    steps = steps_of(made._replace(hops=made.hops[:-1]))
    assert crossing_of(steps, FAR, Policy()).state == "resolved"


# ------------------------------------------------------------------------ whatever the path

WORDS = st.lists(
    st.tuples(
        st.sampled_from(
            ["lan", "own", "*", "gate", "net2", "homeix", "farix", "far3", "far6", "sea",
             "10.202.4.1", "100.64.1.1", "45.1.2.3", "20.6.6.1", "20.8.9.1"]
        ),
        st.sampled_from(["", "@0.5", "@1.2", "@3", "@15", "@80"]),
    ).map(lambda pair: pair[0] if pair[0] == "*" else "".join(pair)),
    max_size=9,
).map(" ".join)  # fmt: skip


@settings(max_examples=300)
@given(WORDS)
def test_no_path_breaks_the_order_of_things(words: str) -> None:
    """Strict within lenient, never the own organisation, the exit last, the border in order.

    Where no other path over a link is known, the table alone says the same.
    """
    steps = path(words)
    found = crossing_of(steps, FAR, Policy())
    assert [step.hop for step in steps] == list(range(1, len(steps) + 1))
    assert set(found.strict) <= set(found.lenient)
    assert (found.unaided, found.unaided_gap) == (found.strict, found.gap)
    assert org("Net 1") not in found.lenient
    assert len(set(found.lenient)) == len(found.lenient)
    if found.state == "none":
        assert found.border is None
        assert found.strict == found.lenient == ()
        return
    assert found.border is not None
    near, far = found.border
    assert near < far
    between = far - near - 1
    if found.state == "resolved":
        assert between == 0
    assert (found.exit in found.strict) if found.strict else (found.exit is None)
    outer = steps[far - 1]
    assert outer.sight is not None
    assert outer.sight.place == "abroad"
    assert found.upstream == outer.sight.node


@settings(max_examples=150)
@given(WORDS)
def test_silence_abroad_changes_nothing_at_home(words: str) -> None:
    """A silent hop behind a border that was seen moves neither the border nor the nodes."""
    before, after = crossing(words + " far6@80"), crossing(words + " far6@80 *")
    assert (before.strict, before.border, before.state) == (
        after.strict,
        after.border,
        after.state,
    )
