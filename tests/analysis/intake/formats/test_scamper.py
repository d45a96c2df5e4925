"""Scamper's JSON: what it leaves out is a star, and what it says stands where a record has it.

The lab's files are what a real scamper wrote in a row of six real kernels of which the fourth is
silent; see ``tests/data/README.md``.
"""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intake.formats import scamper
from analysis.intake.load import load
from probe.graph import Link, Node
from probe.network import Kind, Method
from probe.network.incoming import judge
from probe.record import Hop, MalformedRecord, Reply, Trace, from_line, to_line
from tests.analysis.intake.test_load import ODD, mutated, places_in, replaced
from tests.harness.published import published

LAB = Path(__file__).parents[3] / "data/traces/scamper_lab.jsonl"
OBJECTS = [json.loads(line) for line in LAB.read_text().splitlines()]
PATH, PATH_6, DARK, EVERY_ATTEMPT, TCP, DIAMOND = (
    one for one in OBJECTS if scamper.is_measurement(one)
)


def addresses(trace: Trace) -> list[list[str | None]]:
    return [[reply.address for reply in hop.replies] for hop in trace.hops]


def test_a_path_has_all_its_hops_and_the_silent_one_is_two_stars() -> None:
    """Scamper leaves the fourth hop out; it was asked twice and answered never."""
    trace = scamper.read(PATH)
    assert addresses(trace) == [
        ["36.37.129.2"], ["36.37.130.2"], ["36.37.131.2"], [None, None], ["193.0.0.10"],
        ["193.0.0.14"], ["193.0.6.139"],
    ]  # fmt: skip
    assert (trace.dst_addr, trace.source, trace.af, trace.proto) == (
        "193.0.6.139", "36.37.129.1", 4, "ICMP",
    )  # fmt: skip
    assert trace.stop == "destination"
    assert trace.reached
    assert (trace.probes, trace.size, trace.paris_id) == (8, 44, 1)


def test_numbers_of_a_reply_stand_where_a_record_has_them() -> None:
    """First hop by hand: of 72 bytes 20 are the IP header."""
    hop = PATH["hops"][0]
    (reply,) = scamper.read(PATH).hops[0].replies
    assert reply == Reply("36.37.129.2", hop["rtt"], ttl=64, size=52, quoted_ttl=1, quoted_tos=0)


def test_a_reply_may_come_at_once_and_be_cut_within_its_header() -> None:
    """Coarse clocks write 0 ms; of a datagram that is cut so nothing is left to count."""
    least = copy.deepcopy(PATH)
    least["hops"][0] |= {"rtt": 0, "reply_size": 19}
    (reply,) = scamper.read(least).hops[0].replies
    assert (reply.rtt, reply.size) == (0.0, 0)


def test_times_are_those_of_the_trace() -> None:
    """It starts with the first probe and ends with the last answer, to the microsecond."""
    trace = scamper.read(PATH)
    assert trace.timestamp == PATH["start"]["sec"] + PATH["start"]["usec"] / 1e6
    last = PATH["hops"][-1]
    ended = last["tx"]["sec"] + last["tx"]["usec"] / 1e6 + last["rtt"] / 1000
    assert trace.endtime == pytest.approx(ended, abs=1e-6)


def test_a_trace_without_a_start_starts_with_its_first_probe() -> None:
    """Converters of other tools' data leave the start at 1970 and each probe's time right."""
    unset = {**PATH, "start": {"sec": 0}}
    sent = PATH["hops"][0]["tx"]
    assert scamper.read(unset).timestamp == sent["sec"] + sent["usec"] / 1e6


def test_a_path_of_which_only_the_hops_are_told_has_those() -> None:
    """How often and how far it was asked, a converter may not know."""
    told = {"type": "trace", "dst": PATH["dst"]}
    hops = [{key: hop[key] for key in ("addr", "probe_ttl", "rtt")} for hop in PATH["hops"]]
    trace = scamper.read({**told, "hops": hops})
    assert [hop.number for hop in trace.hops] == [1, 2, 3, 5, 6, 7]
    assert addresses(trace) == [hop for hop in addresses(scamper.read(PATH)) if None not in hop]
    assert scamper.read(told).hops == ()


def test_a_trace_ends_with_what_times_its_hops_have() -> None:
    """Without an RTT with the last probe, without times of probes as it started."""
    silent, untimed = copy.deepcopy(PATH), copy.deepcopy(PATH)
    for hop in silent["hops"]:
        del hop["rtt"]
    for hop in untimed["hops"]:
        del hop["tx"]
    last = PATH["hops"][-1]["tx"]
    assert scamper.read(silent).endtime == last["sec"] + last["usec"] / 1e6
    trace = scamper.read(untimed)
    assert trace.endtime == trace.timestamp == scamper.read(PATH).timestamp


def test_ipv6_is_read_alike() -> None:
    """The same row in IPv6, where the header that is taken off has 40 bytes."""
    trace = scamper.read(PATH_6)
    assert (trace.af, len(trace.hops)) == (6, 7)
    assert trace.hops[3].replies == (Reply(), Reply())
    assert trace.hops[0].replies[0].size == PATH_6["hops"][0]["reply_size"] - 40


def test_silence_at_the_end_is_kept() -> None:
    """Three silent hops after the last router, each asked once, and the reason why it stopped."""
    trace = scamper.read(DARK)
    assert [hop.number for hop in trace.hops] == list(range(1, 10))
    assert all(hop.replies == (Reply(),) for hop in trace.hops[6:])
    assert trace.stop == "gap"
    assert not trace.reached


def test_several_attempts_are_several_replies() -> None:
    """Asked three times, every router that answers has three replies; port unreachable from the
    destination of a UDP probe is its answer, no refusal.
    """
    trace = scamper.read(EVERY_ATTEMPT)
    assert [len(hop.replies) for hop in trace.hops] == [3] * 7
    assert {reply.err for hop in trace.hops for reply in hop.replies} == {None}
    assert trace.proto == "UDP"


@pytest.mark.parametrize(("at", "code", "err"), [(1, 3, "p"), (-1, 1, "H"), (-1, 3, None)])
def test_no_refusal_but_the_port_of_the_destination_is_an_answer(
    at: int, code: int, err: str | None
) -> None:
    """A router that refuses a UDP probe has not become the destination by that."""
    refused = copy.deepcopy(EVERY_ATTEMPT)
    refused["hops"][at] |= {"icmp_type": 3, "icmp_code": code}
    errors = {reply.err for hop in scamper.read(refused).hops for reply in hop.replies}
    assert errors == {None, err}


def test_an_attempt_that_was_lost_is_a_star_before_the_one_that_was_answered() -> None:
    """Scamper numbers the probes of a hop from 1: an answer to the second means one lost."""
    lost = copy.deepcopy(PATH)
    lost["hops"][1]["probe_id"] = 2
    first, second = scamper.read(lost).hops[1].replies
    assert first.is_star
    assert second.address == "36.37.130.2"


def test_a_second_answer_to_one_probe_is_a_duplicate() -> None:
    """It is kept, and marked, so that it has no vote."""
    twice = copy.deepcopy(PATH)
    twice["hops"].insert(1, twice["hops"][0])
    assert [reply.duplicate for reply in scamper.read(twice).hops[0].replies] == [False, True]


@pytest.mark.parametrize(
    ("version", "icmp_type", "code", "err"),
    [
        (4, 3, 1, "H"),
        (4, 3, 13, "A"),
        (4, 3, 9, 9),
        (4, 11, 0, None),
        (6, 1, 1, "A"),
        (6, 3, 0, None),
    ],
)
def test_refusals_have_the_letters_of_the_atlas(
    version: int, icmp_type: int, code: int, err: str | int | None
) -> None:
    """ICMP says it in type and code, a record in Atlas' letter, else in the code."""
    refused = copy.deepcopy(PATH if version == 4 else PATH_6)
    refused["hops"][2] |= {"icmp_type": icmp_type, "icmp_code": code}
    assert scamper.read(refused).hops[2].replies[0].err == err


@pytest.mark.parametrize(("version", "unreachable"), [(4, 3), (6, 1)])
def test_refusals_are_those_that_the_probe_itself_would_tell(
    version: int, unreachable: int
) -> None:
    """Whatever the code, so that traces of both are judged alike."""
    refused = copy.deepcopy(PATH if version == 4 else PATH_6)
    for code in range(16):
        refused["hops"][2] |= {"icmp_type": unreachable, "icmp_code": code}
        told = judge(version, unreachable, code, Method.ICMP)
        assert told == (Kind.UNREACHABLE, scamper.read(refused).hops[2].replies[0].err)


def test_mpls_labels_have_the_shape_of_the_atlas() -> None:
    """As `probe.network.incoming` writes them, so that labels of both can be compared."""
    labelled = copy.deepcopy(PATH)
    labelled["hops"][0]["icmpext"] = [
        {
            "ie_cn": 1,
            "ie_ct": 1,
            "ie_dl": 4,
            "mpls_labels": [{"mpls_ttl": 1, "mpls_s": 1, "mpls_exp": 0, "mpls_label": 24001}],
        },
        {"ie_cn": 2, "ie_ct": 1, "ie_dl": 4},
    ]
    assert scamper.read(labelled).hops[0].replies[0].extensions == {
        "version": 2,
        "obj": [
            {"class": 1, "type": 1, "mpls": [{"label": 24001, "exp": 0, "s": 1, "ttl": 1}]},
            {"class": 2, "type": 1},
        ],
    }


def test_a_diamond_is_one_trace_with_all_replies() -> None:
    """Six flows answered at each hop but the first, which scamper tells without its probes."""
    trace = scamper.read(DIAMOND)
    assert [len(hop.replies) for hop in trace.hops] == [1, 6, 6, 1, 6, 6, 1]
    assert (trace.source, trace.probes, trace.paris_id) == ("36.37.129.1", 38, 0)
    assert trace.hops[0] == Hop(1, (Reply("36.37.129.2"),))
    assert trace.hops[3].replies == (Reply(),)
    assert trace.stop == "destination"


def test_a_second_answer_in_a_diamond_is_a_duplicate() -> None:
    """As in a path; the first is none."""
    twice = copy.deepcopy(DIAMOND)
    replies = twice["nodes"][0]["links"][0][0]["probes"][0]["replies"]
    replies.append(replies[0])
    found = scamper.read(twice).hops[1].replies
    assert [reply.duplicate for reply in found] == [False, True] + [False] * 5


def test_a_diamond_of_which_nothing_was_heard_has_no_hop() -> None:
    """How far it was asked for is not told."""
    trace = scamper.read({**DIAMOND, "nodes": []})
    assert (trace.hops, trace.multipath) == ((), None)


def test_the_graph_of_a_diamond_says_which_flow_met_which_router() -> None:
    """Six flows through each router; behind the silent hop nothing is sure to be complete."""
    graph = scamper.read(DIAMOND).multipath
    assert graph is not None
    flows = tuple(range(57698, 57704))
    assert [level.nodes for level in graph.levels] == [
        (Node("36.37.129.2", flows),),
        (Node("36.37.130.2", flows),),
        (Node("36.37.131.2", flows),),
        (Node(None, ()),),
        (Node("193.0.0.10", flows),),
        (Node("193.0.0.14", flows),),
        (Node("193.0.6.139", flows[:1]),),
    ]
    assert [level.complete for level in graph.levels] == [True] * 4 + [False] * 3
    assert graph.links[0] == Link(1, "36.37.129.2", "36.37.130.2", flows)
    assert [link.ttl for link in graph.links] == [1, 2, 5, 6]
    assert (graph.probes, graph.failure) == (38, 0.05)
    surer = scamper.read({**DIAMOND, "confidence": 99}).multipath
    assert surer is not None
    assert surer.failure == 0.01
    short = scamper.read({**DIAMOND, "probec_max": DIAMOND["probec"]}).multipath
    assert short is not None
    assert not any(level.complete for level in short.levels)
    assert scamper.read(PATH).multipath is None


def test_both_arms_of_a_diamond_stand_at_their_ttl() -> None:
    """A node with two links has them side by side, not one after the other."""

    def link(address: str, ttl: int, *flows: int) -> dict[str, Any]:
        answer = {"rtt": 1.5, "ttl": 250, "icmp_type": 11, "icmp_code": 0}
        probes = [{"ttl": ttl, "flowid": flow, "replies": [answer]} for flow in flows]
        return {"addr": address, "probes": probes}

    trace = scamper.read(
        {
            "type": "tracelb",
            "method": "udp-sport",
            "dst": "198.51.100.9",
            "firsthop": 1,
            "nodes": [
                {
                    "addr": "192.0.2.1",
                    "links": [[link("192.0.2.2", 2, 1, 3), link("192.0.2.3", 2, 2)]],
                },
                {
                    "addr": "192.0.2.2",
                    "links": [[{"addr": "*"}], [link("192.0.2.4", 4, 1), {"addr": "*"}]],
                },
                {"addr": "192.0.2.3", "links": [[{"addr": "*"}]]},
            ],
        }
    )
    assert addresses(trace) == [
        ["192.0.2.1"],
        ["192.0.2.2", "192.0.2.3", "192.0.2.2"],
        [None],
        ["192.0.2.4", None],
    ]
    assert trace.stop is None
    assert trace.multipath is not None
    assert trace.multipath.links == (
        Link(1, "192.0.2.1", "192.0.2.2", (1, 3)),
        Link(1, "192.0.2.1", "192.0.2.3", (2,)),
    )
    # Who says neither has kept to scamper's 95%, with the probes that are there.
    assert (trace.multipath.failure, trace.multipath.probes) == (0.05, 6)


def test_a_flow_that_met_two_routers_is_spread_and_claims_no_link() -> None:
    """A balancer that spreads packets says nothing of what a flow meets."""
    spread = copy.deepcopy(DIAMOND)
    arms = spread["nodes"][1]["links"][0]
    arms.append({**copy.deepcopy(arms[0]), "addr": "36.37.131.9"})
    graph = scamper.read(spread).multipath
    assert graph is not None
    assert [level.per_packet for level in graph.levels] == [False, False, True] + [False] * 4
    assert [level.complete for level in graph.levels] == [True] * 3 + [False] * 4
    assert 3 not in [link.ttl for link in graph.links]


def test_addresses_wrapped_in_ipv6_are_ipv4() -> None:
    """A converter that knows one family only writes ::ffff:132.227.123.8."""
    wrapped = {**PATH, "dst": "::ffff:193.0.6.139", "src": "::ffff:36.37.129.1"}
    trace = scamper.read(wrapped)
    assert (trace.af, trace.dst_addr, trace.source) == (4, "193.0.6.139", "36.37.129.1")


def test_completed_without_an_answer_is_not_believed() -> None:
    """Then the reason is a remark, since a record that says "destination" has reached it."""
    elsewhere = {**PATH, "dst": "193.0.6.140"}
    trace = scamper.read(elsewhere)
    assert trace.stop is None
    assert trace.notes == ("scamper: COMPLETED",)


@pytest.mark.parametrize(
    ("said", "stop"),
    [
        ("UNREACH", "unreachable"), ("ICMP", "unreachable"), ("LOOP", "loop"), ("GAPLIMIT", "gap"),
        ("HOPLIMIT", "max_ttl"), ("HALTED", "cancelled"), ("ERROR", "error"), ("NONE", None),
    ],
)  # fmt: skip
def test_reasons_to_stop_are_those_of_a_record(said: str, stop: str | None) -> None:
    """Where the destination has not answered; else that is the reason."""
    trace = scamper.read({**DARK, "stop_reason": said})
    assert (trace.stop, trace.notes) == (stop, ())
    assert scamper.read({**PATH, "stop_reason": said}).stop == "destination"


def test_a_reason_to_stop_that_no_record_has_is_a_remark() -> None:
    """Those that it has are none."""
    assert scamper.read({**PATH, "stop_reason": "BORED"}).notes == ("scamper: BORED",)
    assert scamper.read(DARK).notes == scamper.read(PATH).notes == ()


def test_what_was_read_can_be_written_as_a_record() -> None:
    """All that changes is what a record has no room for: times have whole seconds."""
    for one in OBJECTS:
        if scamper.is_measurement(one):
            trace = scamper.read(one)
            back = from_line(to_line(trace))
            assert back.hops == trace.hops
            assert (back.timestamp, back.stop, back.notes) == (
                int(trace.timestamp), trace.stop, trace.notes,
            )  # fmt: skip


def test_sources_stay_apart_when_they_are_written_as_records() -> None:
    """Atlas numbers its probes; two of scamper's vantage points never get the same number."""
    sources = ("8.8.8.8", "9.9.9.9")
    numbers = {from_line(to_line(scamper.read({**PATH, "src": src}))).prb_id for src in sources}
    assert len(numbers) == 2


def test_fields_without_a_place_are_named() -> None:
    """Nothing is dropped silently: ports, TOS and the like are counted where one asks."""
    assert set(scamper.unkept(TCP)) == {
        "sport", "dport", "tos", "hoplimit", "stop_data", "userid", "wait", "wait_probe",
        "hops[].icmp_q_ipl", "hops[].probe_size", "hops[].reply_ipid", "hops[].reply_tos",
        "hops[].tcp_flags",
    }  # fmt: skip
    probes = "nodes[].links[][].probes[]"
    assert set(scamper.unkept(DIAMOND)) == {
        "sport", "dport", "tos", "gaplimit", "userid", "wait_probe", "wait_timeout",
        "nodes[].q_ttl", f"{probes}.attempt", f"{probes}.tx", f"{probes}.replies[].ipid",
        f"{probes}.replies[].rx",
    }  # fmt: skip
    # A path has no nodes that are read, whatever they are.
    assert list(scamper.unkept({**TCP, "nodes": [7]})) == list(scamper.unkept(TCP))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rtt": -1}, "rtt is not a time in ms: -1"),
        ({"rtt": True}, "rtt is not a time in ms: True"),
        ({"rtt": "1"}, "rtt is not a time in ms: '1'"),
        ({"rtt": 1e9}, "rtt is not a time in ms: 1000000000.0"),
        ({"probe_ttl": 256}, "probe_ttl is no number from 0 to 255: 256"),
        (
            {"icmp_type": 3, "icmp_code": 256},
            "icmp_code is no number from 0 to 255: 256",
        ),
        ({"probe_id": -1}, "probe_id is no number from 0 to 255: -1"),
        ({"probe_id": True}, "probe_id is no number from 0 to 255: True"),
        ({"tx": {"sec": 1, "usec": 1_000_000}}, "tx.usec is no number from 0 to 999999: 1000000"),
    ],
)
def test_a_number_that_cannot_be_is_named(changes: dict[str, Any], says: str) -> None:
    """Else a time before its probe would pull a router's smallest RTT down."""
    wrong = copy.deepcopy(PATH)
    wrong["hops"][0] |= changes
    with pytest.raises(MalformedRecord) as refused:
        scamper.read(wrong)
    assert str(refused.value) == says


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dst": "nowhere"}, "dst is not an address: 'nowhere'"),
        ({"start": 7}, "start is not an object: 7"),
        ({"hops": 7}, "hops is not a list: 7"),
        ({"hops": [7]}, "a hop is not an object: 7"),
    ],
)
def test_what_has_another_shape_is_named_with_its_place(changes: dict[str, Any], says: str) -> None:
    """Not as some field: whoever wrote the converter has to find it."""
    with pytest.raises(MalformedRecord) as refused:
        scamper.read({**PATH, **changes})
    assert str(refused.value) == says


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("links", 7, "links is not a list: 7"),
        ("links", [7], "a link is not a list: 7"),
        ("links", [[7]], "a link is not an object: 7"),
        ("probes", 7, "probes is not a list: 7"),
        ("probes", [7], "a probe is not an object: 7"),
        ("flowid", 65_537, "flowid is no number from 0 to 65536: 65537"),
        ("replies", 7, "replies is not a list: 7"),
        ("replies", [7], "a reply is not an object: 7"),
    ],
)
def test_what_has_another_shape_in_a_diamond_is_named_with_its_place(
    key: str, value: object, says: str
) -> None:
    """As in a path."""
    wrong = copy.deepcopy(DIAMOND)
    link = wrong["nodes"][0]["links"][0][0]
    places = {"links": wrong["nodes"][0], "probes": link}
    places.get(key, link["probes"][0])[key] = value
    with pytest.raises(MalformedRecord) as refused:
        scamper.read(wrong)
    assert str(refused.value) == says


def test_one_odd_value_anywhere_is_read_or_named() -> None:
    """Every value of a path and of a diamond, replaced by every odd one, never crashes."""
    small = {**DIAMOND, "nodes": DIAMOND["nodes"][:2]}
    small["nodes"][1]["links"][0][0]["probes"] = small["nodes"][1]["links"][0][0]["probes"][:1]
    small["nodes"][0] = {**small["nodes"][0], "links": [[{"addr": "*"}]]}
    for record in ({**PATH, "hops": PATH["hops"][:1]}, small):
        for path in places_in(record):
            for odd in ODD:
                with contextlib.suppress(MalformedRecord):
                    scamper.read(replaced(record, path, odd) if path else record)


@settings(max_examples=300)
@given(st.one_of(mutated(PATH), mutated(DIAMOND)))
def test_mutated_objects_are_read_or_named(fields: Any) -> None:
    """Several faults at once raise `MalformedRecord` or nothing, and can be written if read."""
    try:
        trace = scamper.read(fields)
    except MalformedRecord:
        return
    assert from_line(to_line(trace)).hops == trace.hops


def test_what_m_lab_stores_is_read() -> None:
    """Its own header and scamper's are bookkeeping; the diamond has 13 hops and one is lossy."""
    loaded = load([str(published("traces/mlab_traceroute_caller_valid.jsonl"))])
    assert loaded.rejected == {"bookkeeping": 3}
    (trace,) = loaded.traces
    assert trace.dst_addr == "91.189.91.38"
    assert len(trace.hops) == 13
    assert trace.hops[7].replies[0].address == "4.69.159.249"
    assert trace.hops[7].replies[-1].is_star
    assert trace.stop == "destination"


def test_links_are_those_whose_flows_met_both_ends() -> None:
    """In the order of the routers at the near end, then at the far one; a flow may end between."""

    def node(near: str, far: str, ttl: int, flow: int) -> dict[str, Any]:
        probe = {"ttl": ttl, "flowid": flow, "replies": [{"rtt": 1.0}]}
        return {"addr": near, "links": [[{"addr": far, "probes": [probe]}]]}

    firsts = [node("192.0.2.1", f"198.51.100.{i % 7}", 2, 97 * i) for i in range(30)]
    seconds = [
        node(f"198.51.100.{i % 7}", f"203.0.113.{i // 20}", 3, 97 * i) for i in range(0, 30, 2)
    ]
    trace = scamper.read({"type": "tracelb", "dst": "192.0.2.99", "nodes": [*firsts, *seconds]})
    assert trace.multipath is not None
    near, far = (level.nodes for level in trace.multipath.levels[1:])
    assert [(link.near, link.far, link.flows) for link in trace.multipath.links[7:]] == [
        (one.address, other.address, both)
        for one in near
        for other in far
        if (both := tuple(sorted({*one.flows} & {*other.flows})))
    ]
    assert len(trace.multipath.links) == 7 + 12
