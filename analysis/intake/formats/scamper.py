"""What scamper says in JSON, be it of a path (``trace``) or of a diamond (``tracelb``) → `Trace`.

The names of fields are those of scamper's own writer, which M-Lab and `sc_warts2json` use as
well. It leaves silent hops out; here they are stars, since a star is an answer. A measurement of
a diamond becomes one trace with all replies at each TTL, and the graph of which flow met which
router.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from probe.graph import Graph, Level, Link, Node
from probe.record import ATLAS_STATUS_HOP, Hop, MalformedRecord, Reply, Trace, ip_version

_MEASUREMENTS = ("trace", "tracelb")

# Written before and after measurements: the run, its lists, and whose they are.
_BOOKKEEPING = ("cycle-start", "cycle-def", "cycle-stop")

# What a `Trace` has a place for, or says in another way; by where it stands.
_KEPT = {
    "": frozenset(
        {
            "type", "version", "method", "src", "dst", "start", "stop_reason", "firsthop",
            "hop_count", "attempts", "probe_size", "probe_count", "probec", "probec_max",
            "confidence", "hops", "nodes", "nodec", "linkc",
        }
    ),
    "hops[]": frozenset(
        {
            "addr", "probe_ttl", "probe_id", "tx", "rtt", "reply_ttl", "reply_size", "icmp_type",
            "icmp_code", "icmp_q_ttl", "icmp_q_tos", "icmpext",
        }
    ),
    "nodes[]": frozenset({"addr", "linkc", "links"}),
    "nodes[].links[][]": frozenset({"addr", "probes"}),
    "nodes[].links[][].probes[]": frozenset({"ttl", "flowid", "replyc", "replies"}),
    "nodes[].links[][].probes[].replies[]": frozenset(
        {"ttl", "rtt", "icmp_type", "icmp_code", "icmp_q_ttl", "icmp_q_tos"}
    ),
}  # fmt: skip

_STOPS = {
    "UNREACH": "unreachable",
    "ICMP": "unreachable",
    "LOOP": "loop",
    "GAPLIMIT": "gap",
    "HOPLIMIT": "max_ttl",
    "HALTED": "cancelled",
    "ERROR": "error",
}

# The ICMP type of "unreachable", and the codes that Atlas has letters for.
_UNREACHABLE = {
    4: (3, {0: "N", 1: "H", 2: "P", 3: "p", 13: "A"}),
    6: (1, {0: "N", 1: "A", 2: "h", 3: "H", 4: "p"}),
}
_HEADER = {4: 20, 6: 40}


@dataclass(frozen=True, slots=True)
class _Heard:
    """One reply with the TTL and the number of its probe."""

    ttl: int
    probe: int
    reply: Reply


def is_bookkeeping(fields: dict[str, Any]) -> bool:
    """Whether a JSON object is of a run and not of a measurement.

    >>> is_bookkeeping({"type": "cycle-start", "list_name": "default", "id": 0})
    True
    """
    return fields.get("type") in _BOOKKEEPING or "TracerouteCallerVersion" in fields


def is_measurement(fields: dict[str, Any]) -> bool:
    """Whether a JSON object is a path or a diamond that scamper measured.

    >>> is_measurement({"type": "traceroute"})
    False
    """
    return fields.get("type") in _MEASUREMENTS


def unkept(value: object, where: str = "") -> Iterator[str]:
    """The fields of an object that a trace has no place for, by where they stand.

    >>> list(unkept({"type": "trace", "tos": 0, "hops": [{"addr": "192.0.2.1", "reply_tos": 0}]}))
    ['tos', 'hops[].reply_tos']
    """
    if isinstance(value, list):
        for item in value:
            yield from unkept(item, f"{where}[]")
    elif isinstance(value, dict) and where in _KEPT:
        for key, inner in value.items():
            place = f"{where}.{key}" if where else key
            if key not in _KEPT[where]:
                yield place
            else:
                yield from unkept(inner, place)


def _whole(value: object, where: str, highest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= highest:
        raise MalformedRecord(f"{where} is no number from 0 to {highest}: {value!r:.40}")
    return value


def _optional(fields: dict[str, Any], key: str) -> int | None:
    return _whole(fields[key], key, 1 << 31) if key in fields else None


def _address(value: object, where: str) -> str:
    """An address; IPv4 where scamper wraps it in IPv6 (``::ffff:0:0/96``)."""
    if not isinstance(value, str):
        raise MalformedRecord(f"{where} is not an address: {value!r:.40}")
    try:
        parsed = ipaddress.ip_address(value)
    except ValueError:
        raise MalformedRecord(f"{where} is not an address: {value!r:.40}") from None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedRecord(f"{where} is not an object: {value!r:.40}")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedRecord(f"{where} is not a list: {value!r:.40}")
    return value


def _seconds(value: object, where: str) -> float:
    """A time as scamper writes it, {"sec": …, "usec": …}, in seconds since the epoch."""
    time = _object(value, where)
    seconds = _whole(time.get("sec"), f"{where}.sec", 1 << 33)
    return seconds + _whole(time.get("usec", 0), f"{where}.usec", 999_999) / 1e6


def _rtt(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise MalformedRecord(f"rtt is not a time in ms: {value!r:.40}")
    return float(value)


def _err(fields: dict[str, Any], version: int) -> str | int | None:
    kind, letters = _UNREACHABLE[version]
    if fields.get("icmp_type") != kind:
        return None
    code = _whole(fields.get("icmp_code"), "icmp_code", 255)
    return letters.get(code, code)


def _extensions(value: object) -> dict[str, Any] | None:
    """ICMP extensions in Atlas' shape; None for none."""
    if value is None:
        return None
    objects = []
    for one in _list(value, "icmpext"):
        said = _object(one, "icmpext")
        found: dict[str, Any] = {"class": said.get("ie_cn"), "type": said.get("ie_ct")}
        if "mpls_labels" in said:
            found["mpls"] = [
                {name: label.get(f"mpls_{name}") for name in ("label", "exp", "s", "ttl")}
                for label in (
                    _object(label, "mpls_labels") for label in _list(said["mpls_labels"], "labels")
                )
            ]
        objects.append(found)
    return {"version": 2, "obj": objects}


def _reply(fields: dict[str, Any], address: str, ttl_key: str) -> Reply:
    version = ip_version(address)
    size = _optional(fields, "reply_size")
    return Reply(
        address=address,
        rtt=_rtt(fields.get("rtt")),
        ttl=_optional(fields, ttl_key),
        # Scamper counts the IP header, a record does not.
        size=None if not size else max(0, size - _HEADER[version]),
        err=_err(fields, version),
        quoted_ttl=_optional(fields, "icmp_q_ttl"),
        extensions=_extensions(fields.get("icmpext")),
        quoted_tos=_optional(fields, "icmp_q_tos"),
    )


def _path(fields: dict[str, Any]) -> Iterator[_Heard]:
    """The replies of a ``trace``."""
    seen: set[tuple[int, int]] = set()
    for entry in _list(fields.get("hops", []), "hops"):
        hop = _object(entry, "a hop")
        ttl = _whole(hop.get("probe_ttl"), "probe_ttl", ATLAS_STATUS_HOP)
        probe = _whole(hop.get("probe_id", 0), "probe_id", 255)
        reply = _reply(hop, _address(hop.get("addr"), "addr"), "reply_ttl")
        if (ttl, probe) in seen:
            # More than one answer to a probe that was sent once.
            reply = reply._replace(duplicate=True)
        seen.add((ttl, probe))
        yield _Heard(ttl, probe, reply)


def _diamond(fields: dict[str, Any], first: int) -> Iterator[_Heard]:
    """The replies of a ``tracelb``, flow by flow; its first router is told without an RTT."""
    nodes = [_object(node, "a node") for node in _list(fields.get("nodes", []), "nodes")]
    behind: set[object] = set()
    found: list[_Heard] = []
    for node in nodes:
        for links in _list(node.get("links", []), "links"):
            silent = 0
            ttls: list[int] = []
            for entry in _list(links, "a link"):
                link = _object(entry, "a link")
                behind.add(link.get("addr"))
                if link.get("addr") == "*":
                    silent += 1
                    continue
                heard = list(_link(link))
                ttls += [one.ttl for one in heard]
                found += heard
            if ttls:
                found += [_Heard(ttls[0], 1 << 16, Reply())] * silent
    roots = [node for node in nodes if node.get("addr") not in behind]
    for node in roots:
        if node.get("addr") != "*":
            yield _Heard(first, 0, Reply(_address(node.get("addr"), "addr")))
    yield from found


def _flows_by_router(heard: list[_Heard]) -> dict[int, dict[str | None, set[int]]]:
    """By TTL and router, the flows that it answered; None stands for silence.

    The flows of the first router are not told: whatever went on passed it.
    """
    met: dict[int, dict[str | None, set[int]]] = {}
    for one in heard:
        flows = met.setdefault(one.ttl, {}).setdefault(one.reply.address, set())
        if one.reply.rtt is not None:
            flows.add(one.probe)
    first = min(met)
    onward = {flow for flows in met.get(first + 1, {}).values() for flow in flows}
    for ttl in range(first, max(met)):
        met.setdefault(ttl, {None: set()})
    for address in met[first]:
        met[first][address] |= onward
    return met


def _graph(fields: dict[str, Any], heard: list[_Heard]) -> Graph:
    """Which flow met which router; complete as far as each router answered and probes sufficed."""
    met = _flows_by_router(heard)
    complete = _optional(fields, "probec") != _optional(fields, "probec_max")
    levels, links = [], []
    for ttl, routers in sorted(met.items()):
        flows = [flow for found in routers.values() for flow in found]
        spread = len(flows) > len(set(flows))
        nodes = tuple(Node(address, tuple(sorted(found))) for address, found in routers.items())
        levels.append(Level(ttl, nodes, complete, spread))
        complete = complete and None not in routers and not spread
        if not spread:
            links += _links(ttl, routers, met.get(ttl + 1, {}))
    confidence = _optional(fields, "confidence")
    return Graph(
        tuple(levels),
        tuple(links),
        _optional(fields, "probec") or len(heard),
        (100 - (95 if confidence is None else confidence)) / 100,
    )


def _links(
    ttl: int, routers: dict[str | None, set[int]], behind: dict[str | None, set[int]]
) -> list[Link]:
    """The links from the routers at one TTL to those behind them: the flows that met both.

    No flow met two of the routers. What is read may name tens of thousands on either side, so that
    nobody asks each about each.
    """
    met = {flow: router for router, flows in routers.items() for flow in flows}
    found: defaultdict[str | None, dict[str | None, list[int]]] = defaultdict(dict)
    for far, flows in behind.items():
        for flow in sorted(flows & met.keys()):
            found[met[flow]].setdefault(far, []).append(flow)
    return [
        Link(ttl, near, far, tuple(both)) for near in routers for far, both in found[near].items()
    ]


def _link(link: dict[str, Any]) -> Iterator[_Heard]:
    address = _address(link.get("addr"), "addr")
    for entry in _list(link.get("probes", []), "probes"):
        probe = _object(entry, "a probe")
        ttl = _whole(probe.get("ttl"), "ttl", ATLAS_STATUS_HOP)
        flow = _whole(probe.get("flowid", 0), "flowid", 1 << 16)
        for number, answer in enumerate(_list(probe.get("replies", []), "replies")):
            reply = _reply(_object(answer, "a reply"), address, "ttl")
            if number:
                reply = reply._replace(duplicate=True)
            yield _Heard(ttl, flow, reply)


def _replies(answered: list[_Heard], attempts: int) -> tuple[Reply, ...]:
    """The replies at one TTL in order of their probes; those that nothing is said of are stars.

    Scamper counts the probes of a path from 1, one after the other until one is answered.
    """
    if not answered:
        return (Reply(),) * max(1, attempts)
    by_probe: dict[int, list[Reply]] = {}
    for one in sorted(answered, key=lambda one: one.probe):
        by_probe.setdefault(one.probe, []).append(one.reply)
    if not attempts:
        return tuple(reply for replies in by_probe.values() for reply in replies)
    lowest, highest = min(1, *by_probe), max(by_probe)
    return tuple(
        reply for probe in range(lowest, highest + 1) for reply in by_probe.get(probe, [Reply()])
    )


def _hops(heard: list[_Heard], first: int, last: int, attempts: int) -> tuple[Hop, ...]:
    """All hops from ``first`` to ``last``, and those beyond that were heard of."""
    by_ttl: defaultdict[int, list[_Heard]] = defaultdict(list)
    for one in heard:
        by_ttl[one.ttl].append(one)
    return tuple(
        Hop(ttl, _replies(by_ttl.get(ttl, []), attempts))
        for ttl in sorted({*by_ttl, *range(first, last + 1)})
    )


def _arrival(one: _Heard, destination: str) -> _Heard:
    """The destination of a UDP probe answers by "port unreachable", which is no refusal."""
    if one.reply.err == "p" and one.reply.address == destination:
        return replace(one, reply=one.reply._replace(err=None))
    return one


def _moments(fields: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """When each answered probe of a ``trace`` was sent, and its answer heard."""
    for hop in fields.get("hops", []):
        if isinstance(hop, dict) and "tx" in hop:
            sent = _seconds(hop["tx"], "tx")
            yield sent, sent + (_rtt(hop.get("rtt")) or 0.0) / 1000


def read(fields: dict[str, Any]) -> Trace:
    """Read one object of type ``trace`` or ``tracelb``.

    Raises `MalformedRecord` with one sentence when it is none.
    """
    try:
        return _read(fields)
    except (TypeError, AttributeError) as problem:
        raise MalformedRecord(f"a field has the wrong shape ({problem})") from None


def _read(fields: dict[str, Any]) -> Trace:
    kind = fields.get("type")
    destination = _address(fields.get("dst"), "dst")
    first = _whole(fields.get("firsthop", 1), "firsthop", ATLAS_STATUS_HOP)
    method = str(fields.get("method", "icmp-echo"))
    notes = []
    if kind == "tracelb":
        heard = list(_diamond(fields, first))
        last, attempts = max((one.ttl for one in heard), default=first - 1), 0
    else:
        heard = list(_path(fields))
        last = _whole(fields.get("hop_count", 0), "hop_count", ATLAS_STATUS_HOP)
        attempts = min(_whole(fields.get("attempts", 0), "attempts", 1 << 16), 255)
    stop = fields.get("stop_reason")
    arrived = any(one.reply.address == destination for one in heard)
    if stop not in {None, "NONE", "COMPLETED", *_STOPS} or (stop == "COMPLETED" and not arrived):
        notes.append(f"scamper: {str(stop)[:40]}")
    if method.startswith("udp"):
        heard = [_arrival(one, destination) for one in heard]
    moments = list(_moments(fields))
    started = _seconds(fields["start"], "start") if "start" in fields else 0.0
    started = started or min((sent for sent, _ in moments), default=0.0)
    source = fields.get("src")
    return Trace(
        dst_addr=destination,
        af=ip_version(destination),
        proto=method.partition("-")[0].upper(),
        timestamp=started,
        endtime=max([started, *(heard for _, heard in moments)]),
        hops=_hops(heard, first, last, attempts),
        source=None if source is None else _address(source, "src"),
        paris_id=1 if method.endswith("-paris") else 0,
        size=_optional(fields, "probe_size") or None,
        stop="destination" if arrived else _STOPS.get(str(stop)),
        probes=_optional(fields, "probec" if kind == "tracelb" else "probe_count") or None,
        notes=tuple(notes),
        multipath=_graph(fields, heard) if kind == "tracelb" and heard else None,
    )
