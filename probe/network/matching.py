"""Which of our probes a packet answers: what backends share that send and hear whole packets.

A probe is remembered with its bytes, so that a quote can be compared with what was sent: only
what has the right tag counts, and what was rewritten on the way shows. It builds the packets too,
since they hold our own address, which can change while a run goes on. No socket is kept here.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from probe.network import Answer, Capability, Kind, Method, NoRoute, incoming, packet
from probe.network.addresses import FAMILY, canonical, is_own_voice, source_towards
from probe.network.clock import round_trip
from probe.network.nat import Shifts

if TYPE_CHECKING:
    from probe.network import Probe

METHODS: Final = tuple(Method)

# Everything there is to see.
_SEES: Final = frozenset(Capability)

_ICMP: Final = packet.PROTOCOL_ICMP
# The type of ICMP's Time Exceeded, which has code 0 in transit.
_TIME_EXCEEDED: Final = 11
_TIME_WAS_EXCEEDED: Final = Kind.TIME_EXCEEDED

# The ICMP header, an IPv4 header and eight bytes behind it (RFC 792).
_SHORTEST_ERROR: Final = 8 + 20 + 8

# Addresses and routes of a laptop change: templates, which hold our address, are made anew
# after this time (ns). It also keeps their number small.
_TEMPLATE_LIFE: Final = 2_000_000_000


class Made(NamedTuple):
    """What probes of one flow to one target are made of; ``source`` is our own address."""

    version: int
    source: str
    target: str
    heard_as: Method
    template: packet.Template


# A probe on its way: what it was made of, its bytes, when it left by the wall clock and by the
# monotonic one (ns). Not named: one is made for each probe.
_Sent = tuple[Made, bytes, int, int]


class Matching:
    """The probes under way of one network layer, and what it heard that was none of its answers.

    ``udp_ports`` are the source ports of UDP probes by IP version; the versions are those that
    this machine has.
    """

    def __init__(self, udp_ports: dict[int, int]) -> None:
        key = os.urandom(16)
        self.markers = {version: packet.Marker(key, port) for version, port in udp_ports.items()}
        self.discarded: Counter[str] = Counter()
        self._sent: dict[int, _Sent] = {}
        self._made: dict[tuple[str, Method, int], Made] = {}
        # By target, our own address from which packets to it leave.
        self._sources: dict[str, str] = {}
        self._made_until = 0
        self._shifts = Shifts()

    def make(self, probe: Probe, now: int) -> Made:
        """What a probe is made of, at this monotonic time. Raises `NoRoute` or `NetworkError`."""
        if now > self._made_until:
            self.renew()
            self._made_until = now + _TEMPLATE_LIFE
        key = (probe.target, probe.method, probe.flow)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._template(*key)
        return made

    def renew(self) -> None:
        """Look addresses up anew from the next probe on."""
        self._made.clear()
        self._sources.clear()

    def _template(self, text: str, method: Method, flow: int) -> Made:
        version, target = canonical(text)
        if version not in self.markers:
            raise NoRoute(f"this machine has no IPv{version} to reach {target} with")
        source = self._sources.get(target)
        if source is None:
            source = source_towards(target, version).partition("%")[0]
            self._sources[target] = source
        family = FAMILY[version]
        template = packet.Template(
            method,
            socket.inet_pton(family, source),
            socket.inet_pton(family, target),
            flow,
            self.markers[version],
        )
        heard_as = Method.TCP if method is Method.ACK else method
        return Made(version, source, target, heard_as, template)

    def sent(self, token: int, made: Made, data: bytes, wall: int, monotonic: int) -> None:
        """This probe left at these times (ns)."""
        self._sent[token] = made, data, wall, monotonic

    def forget(self, token: int) -> None:
        """What still comes for this token is no answer any more."""
        self._sent.pop(token, None)

    def hear(  # noqa: PLR0917 - once per packet, and names at the call cost time
        self,
        version: int,
        protocol: int,
        data: bytes,
        at: int,
        address: str,
        ttl: int | None,
        received: int | None,
        now: int,
    ) -> Answer | None:
        """The answer that a packet is, by what it carries from ``at`` on; else it is counted.

        ``received`` is the kernel's time (ns since the epoch) where it gave one, ``now`` the
        monotonic time.
        """
        # Most packets are this: the time of a probe was exceeded, and it is quoted as it was sent.
        if (
            version == 4
            and protocol == _ICMP
            and len(data) >= at + _SHORTEST_ERROR
            and data[at] == _TIME_EXCEEDED
            and data[at + 1] == 0
        ):
            quote = at + 8
            token = data[quote + 4] << 8 | data[quote + 5]
            sent = self._sent.get(token)
            if sent is not None:
                made, probe, wall, monotonic = sent
                # All but the TTL, at 8, and the header's checksum, at 10.
                if (
                    probe.startswith(data[quote : quote + 8])
                    and probe.startswith(data[quote + 12 :], 12)
                    and data[quote + 9] == probe[9]
                    and address != made.source
                ):
                    return Answer(
                        token, address, _TIME_WAS_EXCEEDED,
                        round_trip(wall, monotonic, received, now), ttl, len(data) - at,
                        data[quote + 8], None, None, data[quote + 1],
                    )  # fmt: skip
        return self.hear_in_full(version, protocol, data, at, address, ttl, received, now)

    def hear_in_full(  # noqa: PLR0917 - as `hear`
        self,
        version: int,
        protocol: int,
        data: bytes,
        at: int,
        address: str,
        ttl: int | None,
        received: int | None,
        now: int,
    ) -> Answer | None:
        """The same for any packet, and slower: `hear` asks it where a look is not enough."""
        heard = (
            incoming.parse_tcp(data, at)
            if protocol == packet.PROTOCOL_TCP
            else incoming.parse_icmp(version, data, at, self.markers[version].udp_port)
        )
        if isinstance(heard, incoming.Refusal):
            self.discarded[heard] += 1
            return None
        kind, method, token, tag, err, quote_at, quoted_ttl, quoted_tos, extensions = heard
        sent = self._sent.get(token)
        if sent is None:
            self.discarded["unexpected"] += 1
            return None
        made, probe, wall, monotonic = sent
        if made.heard_as is not method or made.version != version:
            self.discarded["unexpected"] += 1
            return None
        if tag is not None and tag != made.template.tag:
            self.discarded["wrong_tag"] += 1
            return None
        changed: tuple[str, ...] = ()
        if quote_at is not None:
            changed = incoming.changes(probe, data[quote_at:])
        if tag is None and ("destination" in changed or "ports" in changed):
            self.discarded["unexpected"] += 1
            return None
        if method is Method.UDP and version == 4 and "checksum" in changed:
            quoted = data[quote_at:]
            shift = incoming.udp_shift(probe, quoted)
            if tag is not None:
                self._shifts.shown(shift)
            elif not self._shifts.known(shift) and shift != incoming.source_shift(probe, quoted):
                self.discarded["wrong_tag"] += 1
                return None
        # The kernel keeps out who claims to be us, but not over IPv6.
        if (address == made.source and address != made.target) or (
            kind is Kind.UNREACHABLE and is_own_voice(address, made.target)
        ):
            self.discarded["own_address"] += 1
            return None
        return Answer(
            token,
            address,
            kind,
            round_trip(wall, monotonic, received, now),
            ttl,
            len(data) - at,
            quoted_ttl,
            err,
            extensions,
            quoted_tos,
            changed,
        )


class WholePackets:
    """What a `Network` says of itself that sends and hears whole packets.

    ``udp_ports`` are as `Matching` has them.
    """

    def __init__(self, udp_ports: dict[int, int]) -> None:
        self._matching = Matching(udp_ports)

    def methods(self, version: int) -> tuple[Method, ...]:
        """All there are, where this machine has the IP version."""
        return METHODS if version in self._matching.markers else ()

    def sees(self, method: Method, version: int) -> frozenset[Capability]:  # noqa: ARG002 - all alike
        """Everything there is to see."""
        return _SEES

    def probe_size(self, method: Method, version: int) -> int:
        """Bytes of one probe on the wire, from its IP header on."""
        return packet.probe_size(method, version)
