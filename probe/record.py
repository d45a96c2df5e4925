"""The contract between the two halves: what one traceroute measured, as one line of JSON.

The shape is that of a RIPE Atlas traceroute result, so the tools of that ecosystem read our
files as they are; what Atlas has no field for stands under one key, ``gatewatch``. Reading
accepts plain Atlas results in all their real shapes. This module knows nothing of networks,
address tables or disks.
"""

from __future__ import annotations

import functools
import ipaddress
import json
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from probe import graph as graphs

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "gatewatch.trace/1"

# The Atlas firmware whose result format these records follow; parsers choose by this number.
ATLAS_FORMAT = 5080

# Atlas marks what the device itself says about a trace as hop 255.
ATLAS_STATUS_HOP = 255


# A note on records of networks that exist in memory only, so that nobody takes them for evidence.
SIMULATED = "simulated: nothing here was measured"


# What a vantage point says of its own whereabouts, as notes carry it word for word. Those that
# spoil a trace as evidence, each with the reason under which analysis sets such traces aside …
VPN = "measured through a VPN"
CAPTIVE_PORTAL = "answered next door, as by a captive portal"
NEW_TTL = "packets get a new TTL near by, so that no path shows"
WRONG_CLOCK = "measured with a wrong clock"
SPOILT = {
    VPN: "vpn",
    CAPTIVE_PORTAL: "captive_portal",
    NEW_TTL: "new_ttl",
    WRONG_CLOCK: "wrong_clock",
}

# … and those that an analyst may want to know.
CARRIER_NAT = "behind a carrier's NAT"
REGISTERED_ABROAD = "in a network registered in another country than the volunteer says"
OTHER_COUNTRY = "in another country than the run before"
HOSTED = "in a network of servers, as behind a VPN"
WHEREABOUTS = frozenset({*SPOILT, CARRIER_NAT, REGISTERED_ABROAD, OTHER_COUNTRY, HOSTED})


class MalformedRecord(ValueError):
    """A line that is not a traceroute result; the message says what is wrong with it."""


class Attribution(NamedTuple):
    """Whose an address is, according to one snapshot. None is "the table does not know".

    ``organisation`` merges sibling AS numbers and is a name one may print. ``country`` is the
    registration country of the AS (ISO 3166 alpha-2), which is *not* where the router stands.
    ``exchange`` is the peering LAN that the address lies in. ``special`` is the class of a
    special-use block (``private``, ``cgnat``, ``link_local``, ``ula``, ``documentation``,
    ``multicast``, ``loopback``, ``reserved``) or ``lan`` for a hop that redaction took.
    """

    asn: int | None = None
    name: str | None = None
    organisation: str | None = None
    country: str | None = None
    exchange: str | None = None
    special: str | None = None


UNATTRIBUTED = Attribution()


class Reply(NamedTuple):
    """What came back for one probe. A star has neither address nor RTT.

    ``rtt`` is in milliseconds, ``ttl`` is that of the reply as it arrived, ``quoted_ttl`` that
    of our probe as the router saw it, ``size`` the reply's IP payload in bytes. ``err`` is the
    Atlas code of an ICMP unreachable: N (network), H (host), P (protocol), p (port), A
    (administratively prohibited), or the bare number of the ICMP code. ``extensions`` are ICMP
    extension objects in Atlas' ``icmpext`` shape. ``proto`` names the kind of the probe
    where it was another than the trace's: a silent hop is asked once more with another.
    ``late`` is how many probes of the trace were sent after its own before it came, where that had
    been given up by then; ``duplicate`` says that its probe had been answered before.
    ``quoted_tos`` is the type of service of our probe as the router saw it, ``changed`` names the
    fields of the probe that were rewritten on the way to it.
    """

    address: str | None = None
    rtt: float | None = None
    ttl: int | None = None
    size: int | None = None
    err: str | int | None = None
    quoted_ttl: int | None = None
    extensions: dict[str, Any] | None = None
    late: int | None = None
    duplicate: bool = False
    proto: str | None = None
    quoted_tos: int | None = None
    changed: tuple[str, ...] = ()

    @property
    def is_star(self) -> bool:
        """Whether nothing came back."""
        return self.address is None and self.rtt is None


class Hop(NamedTuple):
    """All replies heard at one TTL, and whose they are.

    ``measured`` is False where the hop was taken over from another trace (*inferred*); such a
    hop is never evidence.
    """

    number: int
    replies: tuple[Reply, ...]
    attribution: Attribution | None = None
    measured: bool = True


class Vantage(NamedTuple):
    """Who measured, without saying who: a pseudonym, and the network it sits in."""

    id: str
    asn: int | None = None
    organisation: str | None = None
    country: str | None = None


class Trace(NamedTuple):
    """One traceroute. Times are seconds since the epoch, as the vantage point's clock had them.

    ``source`` is the vantage point's address: set in memory and in Atlas results, never written
    by redaction. ``stop`` says why it ended: ``destination``, ``unreachable``, ``gap``,
    ``max_ttl``, ``loop``, ``cancelled`` or ``error``. ``sees`` lists what the network layer could
    observe (see `probe.network.Capability`); what is not in it was not looked for. ``redactions``
    counts what was taken out, by kind. ``multipath`` is what was found of parallel paths, None
    where they were not looked for. ``key`` is the public key (hexadecimal digits) that signed the
    bundle in which the trace came; it is set by the reader of a bundle that was checked and by
    nobody else, and never written: a line cannot vouch for itself.
    """

    dst_addr: str
    af: int
    proto: str
    timestamp: float
    endtime: float
    hops: tuple[Hop, ...]
    dst_name: str | None = None
    source: str | None = None
    paris_id: int = 0
    size: int | None = None
    msm_id: int | None = None
    prb_id: int | None = None
    vantage: Vantage | None = None
    backend: str | None = None
    sees: tuple[str, ...] = ()
    stop: str | None = None
    probes: int | None = None
    snapshots: tuple[str, ...] = ()
    redactions: Mapping[str, int] = {}
    notes: tuple[str, ...] = ()
    error: str | None = None
    multipath: graphs.Graph | None = None
    key: str | None = None

    @property
    def reached(self) -> bool:
        """Whether the destination itself answered."""
        if self.stop is not None:
            return self.stop == "destination"
        return bool(self.hops) and any(
            reply.address == self.dst_addr for reply in self.hops[-1].replies
        )


def moment(timestamp: float) -> datetime | None:
    """A time of a record, in UTC; None for a number that is no time, as others may have there.

    >>> moment(1_645_000_000.0).isoformat(), moment(1e18)
    ('2022-02-16T08:26:40+00:00', None)
    """
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def probe_number(vantage_id: str) -> int:
    """A stable positive 31-bit number for Atlas' ``prb_id``, from the pseudonym."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL, and a trace that is only shown needs no number

    return int.from_bytes(hashlib.sha256(vantage_id.encode()).digest()[:4], "big") >> 1


def measurement_number(dst_addr: str, proto: str, af: int) -> int:
    """A stable positive 31-bit number for Atlas' ``msm_id``: same target, same measurement."""
    return zlib.crc32(f"{dst_addr} {proto} {af}".encode()) >> 1


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _reply_to_json(reply: Reply) -> dict[str, Any]:
    if reply.is_star:
        return {"x": "*"}
    fields = _without_none(
        {
            "from": reply.address,
            "rtt": None if reply.rtt is None else round(reply.rtt, 3),
            "ttl": reply.ttl,
            "size": reply.size,
            "err": reply.err,
            "ittl": reply.quoted_ttl,
            "itos": reply.quoted_tos,
            "icmpext": reply.extensions,
            "late": reply.late,
        }
    )
    if reply.duplicate:
        fields["dup"] = True
    return fields


def _attribution_to_json(hop: Hop, said: Attribution) -> dict[str, Any]:
    return _without_none(
        {
            "hop": hop.number,
            "evidence": "measured" if hop.measured else "inferred",
            "asn": said.asn,
            "name": said.name,
            "organisation": said.organisation,
            "country": said.country,
            "exchange": said.exchange,
            "special": said.special,
        }
    )


def _vantage_to_json(vantage: Vantage) -> dict[str, Any]:
    return _without_none(
        {
            "id": vantage.id,
            "asn": vantage.asn,
            "organisation": vantage.organisation,
            "country": vantage.country,
        }
    )


def _ours_to_json(trace: Trace) -> dict[str, Any]:
    """What Atlas has no field for."""
    return {
        "schema": SCHEMA,
        "vantage": None if trace.vantage is None else _vantage_to_json(trace.vantage),
        "method": {"proto": trace.proto, "backend": trace.backend, "sees": list(trace.sees)},
        "flow": trace.paris_id,
        "stop": trace.stop,
        "probes": trace.probes,
        "snapshots": list(trace.snapshots),
        "hops": [
            _attribution_to_json(hop, hop.attribution)
            for hop in trace.hops
            if hop.attribution is not None
        ],
        "inferred": [hop.number for hop in trace.hops if not hop.measured],
        "protos": {
            str(hop.number): [reply.proto for reply in hop.replies]
            for hop in trace.hops
            if any(reply.proto is not None for reply in hop.replies)
        },
        "changed": {
            str(hop.number): [list(reply.changed) for reply in hop.replies]
            for hop in trace.hops
            if any(reply.changed for reply in hop.replies)
        },
        "multipath": None if trace.multipath is None else graphs.to_json(trace.multipath),
        "redactions": dict(sorted(trace.redactions.items())),
        "notes": list(trace.notes),
        "error": trace.error,
    }


def to_json(trace: Trace) -> dict[str, Any]:
    """The record as a JSON object, in Atlas' shape with the ``gatewatch`` key.

    Hops become ``{"hop": n, "result": [reply, …]}``; what was attributed to them stands in
    ``gatewatch.hops`` by hop number. For hops that were also asked with probes of another kind
    ``gatewatch.protos`` has that kind for each reply, null for those of the trace's own; for hops
    on the way to which probes were rewritten ``gatewatch.changed`` has the fields for each reply.
    """
    msm_id, prb_id = trace.msm_id, trace.prb_id
    if msm_id is None:
        msm_id = measurement_number(trace.dst_addr, trace.proto, trace.af)
    if prb_id is None:
        prb_id = probe_number((trace.vantage.id if trace.vantage else "") or trace.source or "")
    fields = {
        "fw": ATLAS_FORMAT,
        "type": "traceroute",
        "msm_id": msm_id,
        "prb_id": prb_id,
        "af": trace.af,
        "proto": trace.proto,
        "dst_addr": trace.dst_addr,
        "dst_name": trace.dst_name or trace.dst_addr,
        "src_addr": trace.source,
        "paris_id": trace.paris_id,
        "size": trace.size,
        "timestamp": int(trace.timestamp),
        "endtime": int(trace.endtime),
        "result": [
            {"hop": hop.number, "result": [_reply_to_json(reply) for reply in hop.replies]}
            for hop in trace.hops
        ],
    }
    return _without_none(fields) | {"gatewatch": _ours_to_json(trace)}


def to_line(trace: Trace) -> str:
    """The record as one line of JSON, without the line's end."""
    return json.dumps(to_json(trace), separators=(",", ":"), ensure_ascii=True)


@functools.lru_cache(maxsize=1 << 16)
def canonical(text: str) -> str:
    """An address as it is written; raises ValueError for what is none.

    >>> canonical("2001:DB8:0::1")
    '2001:db8::1'
    """
    return str(ipaddress.ip_address(text))


def ip_version(address: str) -> int:
    """4 or 6, by how an address is written. Whether it is one is not checked.

    >>> ip_version("192.0.2.1"), ip_version("2001:db8::1")
    (4, 6)
    """
    return 6 if ":" in address else 4


def _address(value: object, where: str) -> str:
    try:
        if isinstance(value, str):
            return canonical(value)
    except ValueError:
        pass
    raise MalformedRecord(f"{where} is not an address: {value!r:.40}")


def _number(value: object, where: str) -> float:
    # JSON as Python reads it has NaN, Infinity and integers without end.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**63:
        raise MalformedRecord(f"{where} is not a number: {value!r:.40}")
    return value


def _whole(value: object, where: str) -> int | None:
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or not abs(value) < 2**63
    ):
        raise MalformedRecord(f"{where} is not a whole number: {value!r:.40}")
    return value


def _text(value: object, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise MalformedRecord(f"{where} is not a text: {value!r:.40}")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise MalformedRecord(f"{where} is not a list of texts: {value!r:.40}")
    return tuple(value)


def _counts(value: object, where: str) -> dict[str, int]:
    if not isinstance(value, dict):
        raise MalformedRecord(f"{where} is not an object: {value!r:.40}")
    return {key: _whole(count, where) or 0 for key, count in value.items()}


def _reply_from_json(fields: object, proto: str | None, changed: tuple[str, ...]) -> Reply:
    if not isinstance(fields, dict):
        raise MalformedRecord(f"a reply is not an object: {fields!r:.40}")
    if "x" in fields or ("from" not in fields and "rtt" not in fields):
        # Atlas also writes {"error": …} here when its own send failed: no answer either way.
        return Reply(proto=proto)
    err = fields.get("err")
    extensions = fields.get("icmpext")
    if extensions is not None and not isinstance(extensions, dict):
        raise MalformedRecord(f"icmpext is not an object: {extensions!r:.40}")
    return Reply(
        address=_address(fields["from"], "from") if fields.get("from") else None,
        rtt=float(_number(fields["rtt"], "rtt")) if fields.get("rtt") is not None else None,
        ttl=_whole(fields.get("ttl"), "ttl"),
        size=_whole(fields.get("size"), "size"),
        err=err if isinstance(err, str) else _whole(err, "err"),
        quoted_ttl=_whole(fields.get("ittl"), "ittl"),
        extensions=extensions,
        late=_whole(fields.get("late"), "late"),
        duplicate=bool(fields.get("dup")),
        proto=proto,
        quoted_tos=_whole(fields.get("itos"), "itos"),
        changed=changed,
    )


def _attribution_from_json(said: dict[str, Any]) -> Attribution:
    return Attribution(
        asn=_whole(said.get("asn"), "asn"),
        name=_text(said.get("name"), "name"),
        organisation=_text(said.get("organisation"), "organisation"),
        country=_text(said.get("country"), "country"),
        exchange=_text(said.get("exchange"), "exchange"),
        special=_text(said.get("special"), "special"),
    )


def _vantage_from_json(said: dict[str, Any]) -> Vantage:
    return Vantage(
        id=str(said["id"]),
        asn=_whole(said.get("asn"), "vantage.asn"),
        organisation=_text(said.get("organisation"), "vantage.organisation"),
        country=_text(said.get("country"), "vantage.country"),
    )


def _changed(said: object, number: int, count: int) -> list[tuple[str, ...]]:
    """What was rewritten on the way of each probe of a hop, by ``gatewatch.changed``."""
    if said is None:
        return [()] * count
    if not isinstance(said, list) or len(said) != count:
        raise MalformedRecord(f"hop {number}: changed is not one list for each reply")
    for names in said:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise MalformedRecord(f"hop {number}: changed is not lists of texts")
    return [tuple(names) for names in said]


def _protos(said: object, number: int, count: int) -> list[str | None]:
    """The kinds of probe behind the replies of one hop, by what ``gatewatch.protos`` says."""
    if said is None:
        return [None] * count
    if not isinstance(said, list) or len(said) != count:
        raise MalformedRecord(f"hop {number}: protos are not one for each reply")
    return [_text(proto, f"hop {number}: proto") for proto in said]


def _hops_from_json(
    entries: object,
    attributed: dict[int, dict[str, Any]],
    protos: dict[str, Any],
    changed: dict[str, Any],
    inferred: set[int],
) -> tuple[Hop, ...]:
    if not isinstance(entries, list):
        raise MalformedRecord("result is not a list")
    hops = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise MalformedRecord(f"a hop is not an object: {entry!r:.40}")
        if "hop" not in entry:
            # {"error": "connect failed: …"}: the probe could not send; there are no hops.
            continue
        number = int(_number(entry["hop"], "hop"))
        if not 0 <= number <= ATLAS_STATUS_HOP:
            raise MalformedRecord(f"no TTL can be {number}")
        replies = entry.get("result", [])
        if not isinstance(replies, list):
            raise MalformedRecord(f"hop {number}: result is not a list")
        said = attributed.get(number)
        hops.append(
            Hop(
                number=number,
                replies=tuple(
                    _reply_from_json(*each)
                    for each in zip(
                        replies,
                        _protos(protos.get(str(number)), number, len(replies)),
                        _changed(changed.get(str(number)), number, len(replies)),
                        strict=True,
                    )
                ),
                attribution=_attribution_from_json(said) if said else None,
                measured=number not in inferred
                and (said is None or said.get("evidence", "measured") == "measured"),
            )
        )
    return tuple(hops)


def _error_of(entries: object) -> str | None:
    if isinstance(entries, list):
        for entry in entries:
            if isinstance(entry, dict) and "error" in entry:
                return str(entry["error"])
    return None


def _ours(fields: dict[str, Any]) -> dict[str, Any]:
    """What stands under our own key, empty in a plain Atlas result."""
    ours = fields.get("gatewatch") or {}
    if not isinstance(ours, dict):
        raise MalformedRecord("gatewatch is not an object")
    schema = ours.get("schema")
    if ours and schema != SCHEMA:
        raise MalformedRecord(f"schema is {schema!r:.40}, this version reads {SCHEMA!r}")
    return ours


def from_json(fields: object) -> Trace:
    """Read one record, ours or a plain Atlas result.

    Raises `MalformedRecord` with one sentence when it is neither.
    """
    if not isinstance(fields, dict):
        raise MalformedRecord("not a JSON object")
    if fields.get("type", "traceroute") != "traceroute":
        raise MalformedRecord(f"not a traceroute but a result of type {fields['type']!r:.40}")
    for needed in ("dst_addr", "result"):
        if needed not in fields:
            raise MalformedRecord(f"not a traceroute result: no {needed}")
    ours = _ours(fields)
    dst_addr = _address(fields["dst_addr"], "dst_addr")
    source = fields.get("from") or fields.get("src_addr") or None
    method = ours.get("method") or {}
    timestamp = _number(fields.get("timestamp", 0), "timestamp")
    version = ipaddress.ip_address(dst_addr).version
    if _whole(fields.get("af", version), "af") != version:
        raise MalformedRecord(f"af is {fields['af']!r:.40}, but dst_addr is IPv{version}")
    try:
        return Trace(
            dst_addr=dst_addr,
            dst_name=_text(fields.get("dst_name"), "dst_name"),
            af=version,
            proto=(_text(fields.get("proto"), "proto") or "ICMP").upper(),
            timestamp=timestamp,
            endtime=_number(fields.get("endtime", timestamp), "endtime"),
            hops=_hops_from_json(
                fields["result"],
                {int(hop["hop"]): hop for hop in ours.get("hops") or []},
                ours.get("protos") or {},
                ours.get("changed") or {},
                set(ours.get("inferred") or ()),
            ),
            source=_address(source, "from") if source else None,
            paris_id=_whole(fields.get("paris_id"), "paris_id") or 0,
            size=_whole(fields.get("size"), "size"),
            msm_id=_whole(fields.get("msm_id"), "msm_id"),
            prb_id=_whole(fields.get("prb_id"), "prb_id"),
            vantage=_vantage_from_json(ours["vantage"]) if ours.get("vantage") else None,
            backend=_text(method.get("backend"), "backend"),
            sees=_texts(method.get("sees", []), "sees"),
            stop=_text(ours.get("stop"), "stop"),
            probes=_whole(ours.get("probes"), "probes"),
            snapshots=_texts(ours.get("snapshots", []), "snapshots"),
            redactions=_counts(ours.get("redactions", {}), "redactions"),
            notes=_texts(ours.get("notes", []), "notes"),
            error=_text(ours.get("error"), "error") or _error_of(fields["result"]),
            multipath=graphs.from_json(ours["multipath"], _address)
            if ours.get("multipath")
            else None,
        )
    except MalformedRecord:
        raise
    except (TypeError, KeyError, AttributeError, ValueError, OverflowError) as problem:
        raise MalformedRecord(f"a field has the wrong shape ({problem})") from None


def from_line(line: str | bytes) -> Trace:
    """Read one line of JSON; raises `MalformedRecord` with one sentence."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise MalformedRecord(f"not JSON ({problem})") from None
    return from_json(fields)
