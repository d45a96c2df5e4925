"""Whose router stands before an interface abroad, as all paths over that link have it."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.evidence.observation import Observation
from analysis.evidence.panel import observe
from analysis.intake.told import tell
from analysis.owners.operators import Gazetteer, Node
from analysis.paths.crossing import Crossing, Crossings, crossing_of
from analysis.paths.links import Links, Sighting, changed_steps, far_ends
from analysis.paths.path import Path, Reader
from analysis.policy import Policy
from probe.record import from_json
from tests.analysis.country import HOME, NOW, Country

GATE = Node("organisation", "Gate")
LINK = "30.0.6.99"  # an interface of Far 6 that several networks reach


def observed(country: Country, policy: Policy | None = None) -> list[Observation]:
    """What a country's traces say, in their order."""
    traces = country.traces()
    gazetteer = Gazetteer(country.table, HOME)
    return observe(traces, gazetteer, country.table, policy or Policy(), NOW).observations


def crossings(country: Country) -> list[Crossing]:
    """Where each trace leaves the country; all of them do."""
    found = []
    for seen in observed(country):
        assert seen.crossing is not None
        found.append(seen.crossing)
    return found


def strict(country: Country, policy: Policy | None = None) -> dict[tuple[str, dt.date], list[str]]:
    """For each organisation and day the nodes that its one trace passes."""
    return {
        (o.organisation, o.days[0]): [node.name for node in o.crossing.strict]
        for o in observed(country, policy)
        if o.crossing is not None
    }


def passed(country: Country, organisation: int, policy: Policy | None = None) -> list[str]:
    """The nodes on the first trace of an organisation."""
    found = strict(country, policy)
    return next(
        nodes for (name, _), nodes in sorted(found.items()) if name == f"Net {organisation}"
    )


def several(words: str, organisations: range) -> Country:
    country = Country(12)
    for i in organisations:
        country.trace(i, "30.0.1.200", words)
    return country


@pytest.mark.parametrize(
    "misread",
    ["lan own 20.0.1.77 {link}", "lan own * {link}", "lan own far8 {link}"],
    ids=["the customer's address", "silence", "the carrier's address"],
)
def test_a_border_is_read_as_the_others_over_its_link_have_it(misread: str) -> None:
    """Two others see Gate before the interface; what the first one shows there is Gate as well."""
    country = several(f"lan own gate {LINK}", range(2, 4))
    country.trace(1, "30.0.1.200", misread.format(link=LINK))
    assert passed(country, 1) == ["Gate"]


def test_a_provider_of_ones_own_is_not_overruled() -> None:
    """Net 9 on most of one's paths is whom one buys from, though all others come through Gate."""
    country = several(f"lan own gate {LINK}", range(2, 8))
    for n, word in enumerate(("net9", "net9", "net9", "*", "own")):
        country.trace(1, f"30.0.{1 + n}.200", f"lan own {word} {LINK}")
    found = [crossing.strict for crossing in crossings(country)[-5:]]
    assert [[node.name for node in nodes] for nodes in found] == [["Net 9"]] * 4 + [[]]


def test_a_third_network_on_a_few_paths_is_overruled() -> None:
    """One trace of four over Net 9 is a stray address where the others all see Gate."""
    country = several(f"lan own gate {LINK}", range(2, 8))
    for n, word in enumerate(("gate", "gate", "gate", "net9")):
        country.trace(1, f"30.0.{1 + n}.200", f"lan own {word} {LINK}")
    found = [crossing.strict for crossing in crossings(country)[-4:]]
    assert [[node.name for node in nodes] for nodes in found] == [["Gate"]] * 4


def test_one_other_network_is_not_enough() -> None:
    """Somebody's word against somebody else's decides nothing."""
    country = several(f"lan own gate {LINK}", range(2, 3))
    country.trace(1, "30.0.1.200", f"lan own 20.0.1.77 {LINK}")
    assert passed(country, 1) == []
    assert passed(country, 1, Policy(link_organisations=1)) == ["Gate"]


def test_others_who_disagree_are_not_heard() -> None:
    """A router abroad that answers with one address for all of its neighbours is no link."""
    country = several(f"lan own gate {LINK}", range(2, 5))
    for i in (5, 6):
        country.trace(i, "30.0.1.200", f"lan own {LINK}")
    country.trace(1, "30.0.1.200", f"lan own * {LINK}")
    assert passed(country, 1) == []


def test_a_silent_majority_is_not_led_by_a_few() -> None:
    """Two of five others see Gate and three see nobody: too few for a claim about all."""
    country = several(f"lan own gate {LINK}", range(2, 4))
    for i in (4, 5, 6):
        country.trace(i, "30.0.1.200", f"lan own * {LINK}")
    country.trace(1, "30.0.1.200", f"lan own 20.0.1.77 {LINK}")
    assert passed(country, 1) == []


def test_a_link_of_ones_own_stays_ones_own() -> None:
    """Whoever leaves over another interface is not behind the gateway of the others."""
    country = several(f"lan own gate {LINK}", range(2, 8))
    country.trace(1, "30.0.1.200", "lan own 30.0.6.50")
    assert passed(country, 1) == []


def test_ones_own_traces_fill_silence_and_nothing_else() -> None:
    """Gate on most of one's days is Gate on the silent day, but no other network is overruled."""
    country = Country(12)
    for day, word in enumerate(("gate", "gate", "gate", "gate", "gate", "*", "net9")):
        country.trace(1, "30.0.1.200", f"lan own {word} {LINK}", day=day)
    found = [nodes for _, nodes in sorted(strict(country).items())]
    assert found == [["Gate"]] * 6 + [["Net 9"]]


def test_an_exchange_and_the_destination_are_no_links() -> None:
    """Everybody meets on a peering LAN and at the target: both say nothing of who came before."""
    for far in ("30.8.8.1", "30.0.1.200"):
        country = Country(12)
        for i in range(2, 6):
            country.trace(i, "30.0.1.200", f"lan own gate {far}".replace(" 30.0.1.200", ""))
        country.trace(1, "30.0.1.200", f"lan own 20.0.1.77 {far}".replace(" 30.0.1.200", ""))
        assert passed(country, 1) == []


def test_a_commonplace_block_stands_before_nobody() -> None:
    """10.0.0.1 before the border of two networks is two routers."""
    country = several(f"lan own 10.0.0.1 {LINK}", range(2, 5))
    country.trace(1, "30.0.1.200", f"lan own * {LINK}")
    assert passed(country, 1) == []


def test_a_peering_lan_at_home_stands_before_nobody() -> None:
    """It is no router: over a silent port anybody may go on."""
    country = several(f"lan own homeix {LINK}", range(2, 5))
    country.trace(1, "30.0.1.200", f"lan own * {LINK}")
    assert passed(country, 1) == []


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        (f"lan own gate {LINK}", ((2, LINK),)),
        (f"lan own gate {LINK} 30.0.7.1 30.0.8.1 gate", ((2, LINK), (3, "30.0.7.1"))),
        (f"lan own gate {LINK} * 30.0.8.1", ((2, LINK),)),
        (f"lan own gate 30.8.8.1 {LINK}", ((3, LINK),)),
        # Of a path that begins abroad nothing stands before the first step.
        (f"{LINK} 30.0.7.1", ((0, "30.0.7.1"),)),
        (f"gate {LINK}", ((0, LINK),)),
        ("lan own gate", ()),
    ],
    ids=[
        "one", "two of three", "silence", "behind an exchange", "from abroad", "from the start",
        "the destination",
    ],
)  # fmt: skip
def test_the_far_ends_of_links_are_the_first_two_steps_abroad(
    words: str, ends: tuple[tuple[int, str], ...]
) -> None:
    """Each with the index of the step before it."""
    country = several(words, range(1, 2))
    reader = Reader(Gazetteer(country.table, HOME))
    assert far_ends(reader.path(tell(from_json(country.results[0])), "Net 1").frame) == ends


def test_links_are_learnt_for_a_fortnight() -> None:
    """Gate took over the link in the third week: before that it was nobody's."""
    country = Country(12)
    for i in range(2, 6):
        for day in (*range(5), *range(15, 20)):
            words = f"lan own gate {LINK}" if day >= 15 else f"lan own {LINK}"
            country.trace(i, "30.0.1.200", words, day=day)
    for day in (1, 16):
        country.trace(1, "30.0.1.200", f"lan own 20.0.1.77 {LINK}", day=day)
    found = [nodes for (name, _), nodes in sorted(strict(country).items()) if name == "Net 1"]
    assert found == [[], ["Gate"]]


def test_what_the_table_said_stays_a_candidate_of_the_lenient_reading() -> None:
    """Both names of a doubtful hop are kept: the link's strictly, the table's leniently."""
    country = several(f"lan own gate {LINK}", range(2, 5))
    country.trace(1, "30.0.1.200", f"lan own far8 {LINK}")
    crossing = crossings(country)[-1]
    assert [node.name for node in crossing.strict] == ["Gate"]
    assert {node.name for node in crossing.lenient} == {"Gate", "Far 8"}


def test_a_hop_that_was_filled_in_is_silent_all_the_same() -> None:
    """The crossing is bracketed, not resolved: nobody answered there."""
    country = several(f"lan own gate {LINK}", range(2, 5))
    country.trace(1, "30.0.1.200", f"lan own * {LINK}")
    states = [crossing.state for crossing in crossings(country)]
    assert states == ["resolved"] * 3 + ["bracketed"]


@pytest.mark.parametrize(
    ("word", "unaided", "gap"),
    [
        ("*", [], True),
        ("far8", [], False),
        ("20.0.1.77", ["Net 1"], False),
        ("20.0.9.77 *", ["Net 9"], True),
    ],
)
def test_what_the_table_alone_has_of_a_path_is_kept(
    word: str, unaided: list[str], gap: bool
) -> None:
    """What other paths over the link say is no evidence of this one's own."""
    country = several(f"lan own gate {LINK}", range(2, 12))
    country.trace(1, "30.0.1.200", f"lan own {word} {LINK}")
    crossing = crossings(country)[-1]
    assert crossing.by_links
    assert crossing.strict[-1] == GATE
    assert [node.name for node in crossing.unaided] == unaided
    assert crossing.unaided_gap == gap


def test_a_router_that_others_call_ones_own_is_the_tables_all_the_same() -> None:
    """Net 1 stands before the link, where one of its two traces has an address of Gate's."""
    country = several(f"lan own 20.0.1.77 {LINK}", range(1, 11))
    country.trace(1, "30.0.1.200", f"lan own gate {LINK}")
    crossing = crossings(country)[-1]
    assert (crossing.strict, crossing.unaided) == ((), (GATE,))


def test_a_verdict_tells_how_many_traces_were_read_so() -> None:
    """Nothing is corrected silently: two of ten networks' traces, and none of the others."""
    country = Country(10)
    country.everyone(f"lan own 20.0.{{i}}.77 {LINK}", members=range(1, 3))
    country.everyone(f"lan own gate {LINK}", members=range(3, 11))
    fields = country.judge().fields
    assert fields["measured"]["traces_read_by_links"] == 2 * 5 * 8
    assert fields["captured"]["organisations"] == 10


# ------------------------------------------------------------------------ shared frames


WORDS = st.sampled_from(
    ["lan", "own", "*", "gate", "net9", "net9@60", "far3", "far3@1.2", "far6", "far6@90",
     "10.201.1.1", "20.7.7.1@1.1", "homeix", "farix", "45.1.1.1@0.9", "45.1.1.1@70",
     "own@-", "gate@-", "net9@-", "far3@-"]
)  # fmt: skip


@given(st.lists(st.lists(WORDS, min_size=1, max_size=7), min_size=1, max_size=6))
def test_a_shared_crossing_is_the_one_that_the_whole_path_has(paths: list[list[str]]) -> None:
    """Whatever is worked out once for many traces is what each would have by itself."""
    country = Country(12)
    for n, words in enumerate(paths):
        said = "@-" if words[-1].endswith("@-") else ""
        country.trace(1, f"30.0.{1 + n % 2}.200{said}", " ".join(words))
    reader, crossings, policy = Reader(Gazetteer(country.table, HOME)), None, Policy()
    crossings = Crossings(policy)
    for result in country.results:
        trace = from_json(result)
        path: Path = reader.path(tell(trace), "Net 1")
        assert crossings.of(path, trace.dst_addr) == crossing_of(path.steps, trace.dst_addr, policy)


def test_the_order_of_sightings_changes_no_link() -> None:
    """Learnt from the last to the first, the links are the same."""
    country = several(f"lan own gate {LINK}", range(2, 6))
    country.trace(1, "30.0.1.200", f"lan own * {LINK}")
    reader = Reader(Gazetteer(country.table, HOME))
    paths = [
        reader.path(tell(from_json(result)), f"Net {result['prb_id'] // 1000}")
        for result in country.results
    ]
    counted = {Sighting(path.frame, 0): 1 for path in paths}
    forwards = Links(counted, Policy())
    backwards = Links(dict(reversed(counted.items())), Policy())
    for sighting in counted:
        assert forwards.changes(sighting) == backwards.changes(sighting)
    last = Sighting(paths[-1].frame, 0)
    steps = changed_steps(last.frame.steps, forwards.changes(last), "Net 1")
    assert [step.sight.node for step in steps if step.sight is not None][2] == GATE
