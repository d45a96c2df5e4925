"""A line of JSON → what a verdict needs of it, decoded straight into fields of fixed types.

Making a `Trace` of every line takes ten times as long as decoding it. Nearly all lines have the
same few fields of the expected types; those are decoded here, and any line with a surprise is
left to the reader of its format, which knows what to say of it. So nothing is decided here that
is not decided there: a test holds both to the same answers on damaged lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from analysis.intake.formats.multipath import Graph
from analysis.intake.told import (
    LAN,
    Fingerprint,
    Numbers,
    Told,
    cut,
    fingerprint,
    heard,
    in_place,
    most_heard,
)
from probe.record import ATLAS_STATUS_HOP, SCHEMA, Reply, Vantage, canonical, ip_version

_Whole = Annotated[int, Meta(ge=-(2**63) + 1, le=2**63 - 1)]
_Time = Annotated[float, Meta(gt=-(2.0**63), lt=2.0**63)]


# Fields stand in the order in which results have them, where the decoder finds them soonest. What
# it makes are trees, of which the collector of circles need not know (``gc=False``).


class _Object(msgspec.Struct, gc=False):
    """Any object, of which nothing is asked but that it is one."""


class _Reply(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    address: str | None = msgspec.field(default=None, name="from")
    rtt: _Time = inf
    size: _Whole | None = None
    ttl: _Whole | None = None
    x: str | UnsetType = UNSET
    late: _Whole | None = None
    dup: bool | None = None
    err: str | _Whole | None = None
    ittl: _Whole | None = None
    itos: _Whole | None = None
    icmpext: _Object | None = None
    error: str | None = None
    flags: str | None = None
    mtu: int | None = None
    tos: int | None = None
    edst: str | None = None
    hbhoptsize: int | None = None
    dstoptsize: int | None = None


class _Hop(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    hop: Annotated[int, Meta(ge=0, le=ATLAS_STATUS_HOP)] | UnsetType = UNSET
    result: list[_Reply] = []
    error: str | None = None


class _Vantage(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    asn: _Whole | None = None
    organisation: str | None = None
    country: str | None = None


class _Method(msgspec.Struct, forbid_unknown_fields=True):
    proto: str | None = None
    backend: str | None = None
    sees: list[str] = []


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    hop: int
    evidence: str = "measured"
    asn: _Whole | None = None
    name: str | None = None
    organisation: str | None = None
    country: str | None = None
    exchange: str | None = None
    special: str | None = None


class _Ours(msgspec.Struct, forbid_unknown_fields=True):
    schema: Literal[SCHEMA]  # type: ignore[valid-type]  # a constant
    vantage: _Vantage | None = None
    method: _Method | None = None
    flow: int | None = None
    stop: str | None = None
    probes: _Whole | None = None
    snapshots: list[str] = []
    hops: list[_Said] | None = None
    inferred: list[int] | None = None
    protos: dict[str, list[str | None]] | None = None
    changed: dict[str, list[list[str]]] | None = None
    multipath: Graph | None = None
    redactions: dict[str, _Whole | None] = {}
    notes: list[str] = []
    error: str | None = None


class _Result(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    af: int | UnsetType = UNSET
    dst_addr: str
    dst_name: str | None = None
    endtime: _Whole | _Time = 0
    source: str | None = msgspec.field(default=None, name="from")
    fw: int | None = None
    gatewatch: _Ours | None = None
    group_id: int | None = None
    lts: int | None = None
    msm_id: _Whole | None = None
    msm_name: str | None = None
    mver: str | None = None
    paris_id: _Whole | None = None
    prb_id: _Whole | None = None
    proto: str | None = None
    result: list[_Hop]
    size: _Whole | None = None
    src_addr: str | None = None
    stored_timestamp: int | None = None
    timestamp: _Whole | _Time = 0
    type: Literal["traceroute"] = "traceroute"
    bundle: int | None = None
    destination_ip_responded: bool | None = None
    tos: int | None = None
    ttr: float | None = None


class _Addresses(dict[str, str]):
    """Texts → addresses as they are written; raises ValueError for what is none."""

    def __missing__(self, text: str) -> str:
        address = self[text] = canonical(text)
        return address


class Surprise(Exception):
    """The line has to be read by the reader of its format."""


_NO_SAID: dict[int, _Said] = {}


class Lines:
    """Reads lines one after the other; every address is looked at once."""

    def __init__(self) -> None:
        self.numbers = Numbers()
        self._decoder = msgspec.json.Decoder(_Result)
        self._addresses = _Addresses()

    def read(self, line: bytes, key: str | None = None) -> tuple[Told, Fingerprint] | None:
        """One line; None for a trace that could not be sent. Raises `Surprise`.

        ``key`` is the one that vouches for it.
        """
        # What is not decoded is not looked at either: only of ASCII is that no risk.
        if not line.isascii():
            raise Surprise
        try:
            found = self._decoder.decode(line)
            return self._told(found, key)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Surprise from None

    def _told(self, found: _Result, key: str | None) -> tuple[Told, Fingerprint] | None:
        destination = self._addresses[found.dst_addr]
        version = ip_version(destination)
        if found.af is not UNSET and found.af != version:
            raise Surprise
        ours = found.gatewatch
        vantage = None
        snapshots: tuple[str, ...] = ()
        saying = _NO_SAID
        inferred: frozenset[int] = frozenset()
        if ours is not None:
            if ours.vantage is not None:
                said = ours.vantage
                vantage = Vantage(said.id, said.asn, said.organisation, said.country)
            self._check(ours, found.result)
            snapshots = tuple(ours.snapshots)
            saying = {said.hop: said for said in ours.hops or ()}
            inferred = frozenset(ours.inferred or ())
        source = found.source or found.src_addr or None
        if source is not None:
            source = self._addresses[source]
        way = self._way(found.result, destination, saying, inferred)
        if way is None:
            return None
        told = Told(
            vantage,
            source,
            found.prb_id,
            destination,
            version,
            found.timestamp,
            *cut(*way),
            snapshots,
            self._names(found.result, saying) if snapshots else (),
            () if ours is None else tuple(ours.notes),
            key,
            (found.proto or "ICMP").upper(),
        )
        return told, fingerprint(
            told,
            heard(told.addresses, told.rtts, self.numbers),
            msm_id=found.msm_id,
            paris_id=found.paris_id or 0,
            numbers=self.numbers,
        )

    def _check(self, ours: _Ours, hops: list[_Hop]) -> None:
        """Raise where something that a verdict does without makes a record none."""
        if ours.multipath is not None:
            for address in ours.multipath.addresses():
                self._addresses[address]
        for lists in (ours.protos, ours.changed):
            if not lists:
                continue
            for entry in hops:
                said = lists.get(str(entry.hop))
                if said is not None and len(said) != len(entry.result):
                    raise Surprise  # not one for each reply

    def _way(
        self,
        hops: list[_Hop],
        destination: str,
        saying: dict[int, _Said],
        inferred: frozenset[int],
    ) -> tuple[list[str | None], list[float | None]] | None:
        """Addresses and RTTs as `analysis.intake.told.way_of` has them; None where no hop is."""
        addresses: list[str | None] = []
        rtts: list[float | None] = []
        last = -1
        arrived = False
        for entry in hops:
            number = entry.hop
            if number is UNSET:
                continue
            if number < last:
                raise Surprise  # hops out of order
            last = number
            address, rtt = self._listen(entry.result)
            silent = number - 1 - len(addresses)
            if silent:
                if arrived or silent < 0 or number == ATLAS_STATUS_HOP:
                    continue
                addresses += [None] * silent
                rtts += [None] * silent
            elif arrived:
                continue
            if address is not None and address in addresses:
                address, rtt = self._most_heard(entry.result, addresses)
            if saying or inferred:
                said = saying.get(number)
                address, rtt = _evident(address, rtt, said, inferred=number in inferred)
            addresses.append(address)
            rtts.append(rtt)
            arrived = address == destination
        return (addresses, rtts) if last >= 0 else None

    def _listen(self, replies: list[_Reply]) -> tuple[str | None, float | None]:
        """The address most replies came from and its smallest RTT, as `most_heard` has them."""
        text: str | None = None
        best = inf
        for reply in replies:
            heard = reply.address
            if reply.x is not UNSET:
                continue
            if reply.late is not None or reply.dup or not heard:
                return self._most_heard(replies)
            if text is None:
                text, best = heard, reply.rtt
            elif text != heard:
                return self._most_heard(replies)
            elif reply.rtt < best:
                best = reply.rtt
        return None if text is None else self._addresses[text], None if best == inf else best

    def _most_heard(
        self, replies: list[_Reply], nearer: Sequence[str | None] = ()
    ) -> tuple[str | None, float | None]:
        heard = [
            Reply(
                self._addresses[reply.address] if reply.address else None,
                None if reply.rtt == inf else reply.rtt,
                err=reply.err,
                late=reply.late,
                duplicate=bool(reply.dup),
            )
            for reply in replies
            if reply.x is UNSET
        ]
        return most_heard(in_place(heard, nearer))

    def _names(self, hops: list[_Hop], saying: dict[int, _Said]) -> tuple[tuple[str, int], ...]:
        """The address of each hop at which one alone answered, with the AS the record gives it."""
        names = []
        for entry in hops:
            said = saying.get(entry.hop) if entry.hop is not UNSET else None
            if said is not None and said.asn is not None:
                heard = {
                    self._addresses[reply.address]
                    for reply in entry.result
                    if reply.address and reply.x is UNSET
                }
                if len(heard) == 1:
                    names.append((heard.pop(), said.asn))
        return tuple(names)


def _evident(
    address: str | None, rtt: float | None, said: _Said | None, *, inferred: bool
) -> tuple[str | None, float | None]:
    """What of a hop is evidence, by what the record says of it."""
    if inferred or (said is not None and said.evidence != "measured"):
        return None, None
    if address is None and rtt is not None and said is not None and said.special == LAN:
        return LAN, rtt
    return address, rtt
