"""A line decoded straight into what a verdict needs is the same as by way of a `Trace`."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.intake.formats.typed import Lines, Surprise
from analysis.intake.told import Fingerprint, Numbers, Told, fingerprint_of, tell
from probe.record import MalformedRecord, from_line, to_json
from tests.analysis.intake.test_convert import traces
from tests.analysis.intake.test_load import result

DATA = Path(__file__).parents[3] / "data" / "traces"
NUMBERS = Numbers()
LINES = Lines()


def by_way_of_a_trace(line: bytes, key: str | None) -> tuple[Told, Fingerprint] | None:
    trace = from_line(line)._replace(key=key)
    told = tell(trace)
    return (told, fingerprint_of(trace, told, NUMBERS)) if trace.hops else None


def alike(line: bytes, key: str | None = None) -> bool:
    """Whether a line is decoded, and not left to the reader of its format."""
    try:
        found = LINES.read(line, key)
    except Surprise:
        return False
    assert found == by_way_of_a_trace(line, key)
    return True


def test_real_results_are_read_alike() -> None:
    """All of a real measurement, and hardly one is left to the other reader."""
    with gzip.open(DATA / "atlas_23449934_half.jsonl.gz") as lines:
        results = [line.strip() for line in lines]
    assert sum(map(alike, results)) > 0.99 * len(results)


REPLY: dict[str, Any] = {
    "from": "192.0.2.1",
    "icmpext": {"version": 2, "obj": [{"class": 1, "mpls": [{"label": 24015, "s": True}]}]},
    "rtt": 1.5,
    "size": 28,
    "ttl": 254,
}
RESULT: dict[str, Any] = {
    "dst_addr": "198.51.100.9",
    "from": "203.0.113.5",
    "msm_id": 1,
    "prb_id": 7,
    "timestamp": 1700000000,
    "result": [
        {"hop": 1, "result": [{"from": "192.168.1.1", "rtt": 0.3}, {"x": "*"}, {"x": "*"}]},
        {"hop": 2, "result": [REPLY, {**REPLY, "from": "192.0.2.2", "rtt": 1}, REPLY]},
        {"hop": 3, "result": [{**REPLY, "late": 2}, {**REPLY, "dup": True}, {"rtt": 9.0}]},
        {"hop": 4, "result": [{**REPLY, "err": "A"}, {"from": "192.0.2.4", "rtt": 5.0}, REPLY]},
        {"hop": 5, "result": [{**REPLY, "err": 13}, {"x": "*"}, {**REPLY, "err": "H"}]},
        {"hop": 6, "result": [{"from": "198.51.100.9", "rtt": 7.25, "err": "p"}]},
    ],
}

# A record of ours as nearly all are: a silent hop asked again by another method, the border's
# parallel paths, something rewritten on the way, hops taken over from another trace, and at home
# an answer without an address.
RECORD: dict[str, Any] = {
    **RESULT,
    "result": [
        {"hop": 1, "result": [{"rtt": 0.3}, {"x": "*"}, {"x": "*"}]},
        {"hop": 2, "result": [REPLY, {"from": "192.0.2.2"}, {"from": "192.0.2.2"}]},
        *RESULT["result"][2:],
    ],
    "gatewatch": {
        "schema": "gatewatch.trace/1",
        "vantage": {"id": "v", "asn": 38623, "organisation": "Viettel", "country": "KH"},
        "method": {"proto": "ICMP", "backend": "raw", "sees": ["paris"]},
        "flow": 3,
        "stop": "destination",
        "probes": 19,
        "snapshots": ["iplocdb@2026-06-17+95fc6d87de79"],
        "hops": [
            {"hop": 1, "evidence": "measured", "special": "lan"},
            {"hop": 2, "evidence": "measured", "asn": 38623, "name": "V", "country": "KH"},
            {"hop": 3, "evidence": "measured", "asn": 7473, "name": "S", "country": "SG"},
            {"hop": 4, "evidence": "inferred", "asn": 7473, "name": "S", "country": "SG"},
        ],
        "inferred": [3],
        "protos": {"1": [None, None, "UDP"], "5": ["UDP", None, None], "9": []},
        "changed": {"2": [["tos"], [], ["tos", "id"]]},
        "multipath": {
            "failure": 0.05,
            "probes": 12,
            "levels": [
                {
                    "hop": 2,
                    "complete": True,
                    "per_packet": False,
                    "nodes": [{"from": "192.0.2.1", "flows": [1, 2]}, {"from": None, "flows": []}],
                }
            ],
            "links": [{"hop": 2, "from": "192.0.2.1", "to": "192.0.2.9", "flows": [2]}],
        },
        "redactions": {"lan": 1},
        "notes": [],
        "error": None,
    },
}

# What an earlier version wrote.
EARLIER: dict[str, Any] = {
    **RECORD,
    "gatewatch": {
        key: said
        for key, said in RECORD["gatewatch"].items()
        if key not in {"inferred", "protos", "changed", "multipath"}
    },
}

# What stands where in damaged results.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 255, 256, 2**63, -(2**63), 1.0, 0.5, -0.0, 1e300, "", "x", "*",
    "192.0.2.1", "2001:DB8::1", "2001:db8:0::1", "1.2.3", "::ffff:192.0.2.1", "ICMP", "udp",
    [], {}, [1], {"a": 1}, "traceroute", "trace", "\ud800",
)  # fmt: skip
KEYS = (
    "hop", "result", "from", "rtt", "x", "late", "dup", "ttl", "size", "err", "ittl", "icmpext",
    "error", "af", "proto", "src_addr", "dst_addr", "timestamp", "endtime", "paris_id", "msm_id",
    "prb_id", "type", "gatewatch", "fw", "unheard", "notes", "snapshots", "hops", "inferred",
    "vantage", "protos", "multipath", "redactions", "evidence", "special", "asn", "schema", "id",
    "changed", "levels", "links", "nodes", "flows", "1", "2", "01",
)  # fmt: skip


def damaged(value: Any, draw: random.Random) -> Any:
    """The same with a few things changed, taken away, added, or put in another order."""
    if isinstance(value, dict):
        made = {key: damaged(item, draw) for key, item in value.items() if draw.random() > 0.02}
        if draw.random() < 0.05:
            made[draw.choice(KEYS)] = draw.choice(VALUES)
        return made
    if isinstance(value, list):
        made_list = [damaged(item, draw) for item in value]
        if draw.random() < 0.03:
            draw.shuffle(made_list)
        if made_list and draw.random() < 0.03:
            made_list.append(draw.choice(made_list))
        return made_list
    return draw.choice(VALUES) if draw.random() < 0.01 else value


@settings(max_examples=300)
@given(st.sampled_from([RESULT, RECORD]), st.randoms(use_true_random=False))
def test_damaged_results_are_read_alike_or_left_alone(
    whole: dict[str, Any], draw: random.Random
) -> None:
    """What is decoded at all is decoded as the other reader does, never where that fails."""
    line = json.dumps(damaged(whole, draw)).encode()
    try:
        alike(line)
    except MalformedRecord as problem:
        pytest.fail(f"{line!r} was read, but {problem}")


@settings(max_examples=80)
@given(traces(), st.randoms(use_true_random=False), st.booleans())
def test_our_own_records_are_read_alike(trace: Any, draw: random.Random, damage: bool) -> None:
    """Records with all that a record may hold: whole, when none is left alone, or damaged."""
    ordered = tuple(sorted(trace.hops, key=lambda hop: hop.number))
    whole = to_json(trace._replace(hops=ordered))
    line = json.dumps(damaged(to_json(trace), draw) if damage else whole).encode()
    try:
        assert alike(line) or damage
    except MalformedRecord as problem:
        pytest.fail(f"{line!r} was read, but {problem}")


@settings(max_examples=200)
@given(st.integers(0, 600), st.binary(min_size=1, max_size=3))
@example(0, b"\xef\xbb\xbf")
@example(400, b"\xff")
def test_damaged_bytes_are_read_alike_or_left_alone(at: int, junk: bytes) -> None:
    """Bytes put into a line anywhere, inside of texts and numbers too."""
    whole = json.dumps(RESULT).encode()
    line = whole[:at] + junk + whole[at:]
    try:
        alike(line)
    except MalformedRecord as problem:
        pytest.fail(f"{line!r} was read, but {problem}")


@pytest.mark.parametrize("whole", [RESULT, RECORD, EARLIER, result()])
def test_a_whole_result_is_not_left_to_the_other_reader(whole: dict[str, Any]) -> None:
    """Else all of the above would hold of a reader that reads nothing."""
    assert alike(json.dumps(whole).encode())


def test_what_answers_behind_the_destination_is_no_part_of_the_way() -> None:
    """However far behind it is, and whatever was silent between."""
    end, behind = RESULT["result"][-1], {"from": "192.0.2.4", "rtt": 5.0}
    for number in (7, 9):
        hops = [*RESULT["result"], {"hop": number, "result": [behind]}]
        line = json.dumps(RESULT | {"result": hops}).encode()
        assert alike(line)
        told, _ = LINES.read(line) or pytest.fail("it was sent")
        assert told.addresses[-1] == end["result"][0]["from"]


def test_a_hop_from_another_trace_is_no_evidence_whether_or_not_a_table_knows_it() -> None:
    """The record names it as inferred; that it says nothing else of it makes it no better."""
    ours = RECORD["gatewatch"] | {"hops": [], "inferred": [2]}
    line = json.dumps(RECORD | {"gatewatch": ours}).encode()
    assert alike(line)
    told, _ = LINES.read(line) or pytest.fail("it was sent")
    assert told.addresses[1] is None


@pytest.mark.parametrize("key", ["hops", "inferred"])
@pytest.mark.parametrize("null", [False, True])
def test_a_record_need_not_say_anything_of_its_hops(key: str, *, null: bool) -> None:
    """Where no table knew any, and where somebody has nulls for what is not there."""
    ours = {name: said for name, said in RECORD["gatewatch"].items() if name != key}
    ours |= {key: None} if null else {}
    assert alike(json.dumps(RECORD | {"gatewatch": ours}).encode())


def test_a_hop_at_home_that_kept_silent_was_not_heard() -> None:
    """The network at home is told by an answer, not by what the record calls the hop."""
    for reply, address in (({"rtt": 0.3}, "lan"), ({"x": "*"}, None)):
        hops = [{"hop": 1, "result": [reply]}, *RECORD["result"][1:]]
        line = json.dumps({**RECORD, "result": hops, "gatewatch": EARLIER["gatewatch"]}).encode()
        assert alike(line)
        told, _ = LINES.read(line) or pytest.fail("it was sent")
        assert told.addresses[0] == address


def test_an_address_is_the_same_however_it_is_written() -> None:
    """As of a source, by which vantage points are told apart, and of a destination."""
    hops = [{"hop": 1, "result": [{"from": "2001:DB8::0:1", "rtt": 1.0}]}]
    fields = RESULT | {"dst_addr": "2001:DB8:0::9", "from": "2001:db8::0005", "result": hops}
    assert alike(json.dumps(fields).encode())


def test_an_empty_protocol_is_the_usual_one() -> None:
    """As where the field is missing."""
    usual = {name: said for name, said in RESULT.items() if name != "proto"}
    lines = [json.dumps(fields).encode() for fields in (usual, usual | {"proto": ""})]
    assert all(map(alike, lines))
    assert LINES.read(lines[0]) == LINES.read(lines[1])


def test_the_key_that_vouches_for_a_line_is_told_with_it() -> None:
    """And it tells the trace from the same one of somebody else, or of nobody."""
    line = json.dumps(RECORD).encode()
    keys = ("a" * 64, "b" * 64, None)
    assert all(alike(line, key) for key in keys)
    assert len({LINES.read(line, key) for key in keys}) == len(keys)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("af", 6),
        ("from", "203.0.113"),
        ("protos", {"1": [None, "UDP"]}),
        ("changed", {"2": [[]]}),
        ("multipath", {**RECORD["gatewatch"]["multipath"], "links": [{"hop": 2}]}),
        (
            "multipath",
            {
                **RECORD["gatewatch"]["multipath"],
                "links": [{"hop": 2, "from": None, "to": "192.0.2", "flows": []}],
            },
        ),
    ],
)
def test_what_is_no_record_is_left_to_the_other_reader(key: str, value: Any) -> None:
    """It says what is wrong: its version, one list a reply, links between addresses, a source."""
    ours = RECORD["gatewatch"]
    changed = {"gatewatch": {**ours, key: value}} if key in ours else {key: value}
    line = json.dumps({**RECORD, **changed}).encode()
    assert not alike(line)
    with pytest.raises(MalformedRecord):
        from_line(line)
