"""What a probe looks like on the wire, and what a packet that comes back says about it.

Every backend builds and reads the same packets, so that one flow means the same path whichever
of them sends it. A flow keeps constant all that load balancers hash (addresses, ports, ICMP
identifier and checksum, IPv6 flow label: "Paris", Augustin et al., IMC 2006); the token that
tells the probes of a flow apart stands where routers quote it and NATs leave it alone. Pure
functions over bytes: no socket, no clock, and nothing that arrives can make them raise.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import Any, Final, NamedTuple

from probe.network import Kind, Method

# Whoever looks at a probe can read what it is. With the four bytes of token and balance the
# length is even, which keeps every 16-bit word of a checksum where it is.
CONTACT: Final = b"gatewatch: measures Internet paths. "

# Ports: UDP flows differ in the destination port, from traceroute's first one on. TCP flows
# differ in the source port, above the range from which Linux serves programs (32768-60999).
_UDP_FIRST: Final = 33434
_UDP_COUNT: Final = 65536 - _UDP_FIRST
TCP_FIRST: Final = 61000
_TCP_COUNT: Final = 65536 - TCP_FIRST
_TCP_DESTINATION: Final = 443

PROTOCOL_ICMP: Final = 1
PROTOCOL_TCP: Final = 6
PROTOCOL_UDP: Final = 17
PROTOCOL_ICMP6: Final = 58

_ECHO_REQUEST: Final = {4: 8, 6: 128}
_ECHO_REPLY: Final = {4: 0, 6: 129}
_IP_HEADER: Final = {4: 20, 6: 40}

# RFC 4884: a quote that extensions follow is padded to at least this length; routers older
# than the RFC put the extensions exactly there and leave the length field at zero.
_QUOTE_BEFORE_EXTENSIONS: Final = 128

_WORD: Final = struct.Struct("!H")
_WORDS: Final = struct.Struct("!HH")
_EXTENSION_OBJECT: Final = struct.Struct("!HBB")


class Refusal(StrEnum):
    """Why a packet is no answer to a probe of ours."""

    TRUNCATED = "truncated"
    OTHER_TYPE = "other_type"
    FOREIGN = "foreign"


class Identity(NamedTuple):
    """What marks the probes of one running program, so that others' answers are told apart.

    ``echo_id`` is the ICMP identifier, ``udp_port`` the UDP source port. ``tag`` (1 to 65534,
    random) stands in UDP payloads and TCP sequence numbers, and shifts the TCP source ports.
    """

    echo_id: int
    udp_port: int
    tag: int


class Heard(NamedTuple):
    """What a packet says about one of our probes.

    ``target`` is the packed destination that the packet quotes, ``port`` what tells the flow:
    the UDP destination port or TCP source port. Both are None where the packet has neither.
    ``quoted_ttl`` is the hop limit that our probe had left where it was answered.
    """

    kind: Kind
    method: Method
    token: int
    target: bytes | None = None
    port: int | None = None
    err: str | int | None = None
    quoted_ttl: int | None = None
    extensions: dict[str, Any] | None = None


class Received(NamedTuple):
    """An IPv4 packet as a raw socket gives it: sender (packed), TTL, and what it carries."""

    source: bytes
    ttl: int
    payload: bytes


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes.

    Ones' complement addition is addition modulo 65535, so one division does it.

    >>> hex(checksum(bytes.fromhex("0001f203f4f5f6f7")))  # the example of RFC 1071, section 3
    '0x220d'
    """
    return -int.from_bytes(data, "big") % 0xFFFF


def balance(total: int, token: int) -> int:
    """The 16-bit word that makes token and word add up to ``total`` in a checksum.

    >>> balance(10, 4), (balance(10, 60000) + 60000) % 0xFFFF
    (6, 10)
    """
    return (total - token) % 0xFFFF


def udp_port(flow: int) -> int:
    """The UDP destination port of a flow.

    >>> udp_port(0), udp_port(15)
    (33434, 33449)
    """
    return _UDP_FIRST + flow % _UDP_COUNT


def tcp_port(flow: int, identity: Identity) -> int:
    """The TCP source port of a flow; the tag keeps two programs on one machine apart."""
    return TCP_FIRST + (identity.tag + flow) % _TCP_COUNT


def probe_size(method: Method, version: int) -> int:
    """Bytes of one probe from its IP header on.

    >>> probe_size(Method.UDP, 4), probe_size(Method.TCP, 6)
    (68, 64)
    """
    header = _IP_HEADER[version]
    if method is Method.TCP:
        return header + 24
    return header + 8 + _WORD.size * (2 if method is Method.UDP else 1) + len(CONTACT)


def udp_payload(token: int, tag: int) -> bytes:
    """Token, a balance that keeps the UDP checksum constant and proves the tag, who we are."""
    return _WORDS.pack(token, balance(tag, token)) + CONTACT


def token_in_payload(payload: bytes, tag: int) -> int | None:
    """The token in a quoted UDP payload; None when too little is quoted or it is not ours.

    >>> token_in_payload(udp_payload(7, tag=500), tag=500)
    7
    >>> token_in_payload(b"", tag=500) is token_in_payload(bytes(4), tag=500) is None
    True
    """
    if len(payload) < _WORDS.size:
        return None
    token, word = _WORDS.unpack_from(payload)
    return token if (token + word - tag) % 0xFFFF == 0 else None


def echo_request(version: int, flow: int, token: int, echo_id: int = 0) -> bytes:
    """An ICMP echo request with the token as sequence number and the checksum field empty.

    A payload word balances the token, so that the checksum depends on the flow alone. A ping
    socket fills identifier and checksum in by itself.
    """
    return (
        struct.pack("!BBHHHH", _ECHO_REQUEST[version], 0, 0, echo_id, token, balance(flow, token))
        + CONTACT
    )


class Template:
    """The probe of one flow to one target, in which only hop limit and token are still open.

    ``source`` and ``target`` are packed addresses of one family. All checksums are computed
    here, once; `probe` patches three or four fields.
    """

    __slots__ = ("_balance_at", "_ident_at", "_packet", "_token_at", "_total", "_ttl_at")

    def __init__(
        self, method: Method, source: bytes, target: bytes, flow: int, identity: Identity
    ) -> None:
        version = 4 if len(target) == 4 else 6
        start = _IP_HEADER[version]
        if method is Method.ICMP:
            protocol = PROTOCOL_ICMP if version == 4 else PROTOCOL_ICMP6
            body = bytearray(echo_request(version, flow, 0, identity.echo_id))
            checksum_at, self._token_at, self._balance_at = 2, start + 6, start + 8
            self._total = flow
        elif method is Method.UDP:
            protocol = PROTOCOL_UDP
            payload = udp_payload(0, identity.tag)
            body = bytearray(
                struct.pack("!HHHH", identity.udp_port, udp_port(flow), 8 + len(payload), 0)
                + payload
            )
            checksum_at, self._token_at, self._balance_at = 6, start + 8, start + 10
            self._total = identity.tag
        else:
            protocol = PROTOCOL_TCP
            # Sequence number: token and tag. SYN, window 64240, and the option that every real
            # SYN has, the maximum segment size: firewalls drop bare ones.
            body = bytearray(
                struct.pack(
                    "!HHHHIBBHHHBBH",
                    *(tcp_port(flow, identity), _TCP_DESTINATION, 0, identity.tag, 0),
                    *(6 << 4, 0x02, 64240, 0, 0, 2, 4, 1460 if version == 4 else 1440),
                )
            )
            # Here the word that balances the token is the checksum itself.
            checksum_at, self._token_at, self._balance_at = 16, start + 4, start + 16
        pseudo = source + target + struct.pack("!II", len(body), protocol)
        covered = body if method is Method.ICMP and version == 4 else pseudo + body
        total = checksum(bytes(covered))
        if method is Method.TCP:
            self._total = total
        if method is Method.UDP and total == 0:
            total = 0xFFFF  # zero would say that there is no checksum
        _WORD.pack_into(body, checksum_at, total)
        if version == 4:
            # The kernel fills in the header's checksum.
            header = struct.pack("!BBHHHBBH", 0x45, 0, start + len(body), 0, 0, 0, protocol, 0)
            self._ttl_at, self._ident_at = 8, 4
        else:
            header = struct.pack("!IHBB", 6 << 28 | flow & 0xFFFFF, len(body), protocol, 0)
            self._ttl_at, self._ident_at = 7, 0
        self._packet = bytearray(header + source + target + body)

    def probe(self, ttl: int, token: int) -> bytes:
        """The whole packet, IP header included, ready for a raw socket.

        In IPv4 the IP identification carries the token as well (65535 for token 0, since the
        kernel replaces a zero), because it is in the shortest quotes and NATs keep it.
        """
        packet = self._packet
        packet[self._ttl_at] = ttl
        if self._ident_at:
            _WORD.pack_into(packet, self._ident_at, token or 0xFFFF)
        _WORD.pack_into(packet, self._token_at, token)
        _WORD.pack_into(packet, self._balance_at, (self._total - token) % 0xFFFF)
        return bytes(packet)


_UNREACHABLE: Final[dict[int, dict[int, str]]] = {
    4: {0: "N", 1: "H", 2: "P", 3: "p", 13: "A"},
    6: {0: "N", 1: "A", 2: "h", 3: "H", 4: "p"},
}


def judge(
    version: int, icmp_type: int, code: int, method: Method
) -> tuple[Kind, str | int | None] | None:
    """What an ICMP error means for a probe of this method, and its Atlas code.

    The destination of a UDP probe says so by "port unreachable", from whichever address it
    answers. None for messages that end nothing: redirects, reassembly timeouts, packet too big.

    >>> judge(4, 11, 0, Method.UDP)
    (<Kind.TIME_EXCEEDED: 'time_exceeded'>, None)
    >>> judge(6, 1, 4, Method.UDP)
    (<Kind.DESTINATION: 'destination'>, None)
    >>> judge(4, 3, 13, Method.ICMP)
    (<Kind.UNREACHABLE: 'unreachable'>, 'A')
    """
    if version == 4:
        exceeded, unreachable, port = 11, 3, 3
    else:
        exceeded, unreachable, port = 3, 1, 4
    if icmp_type == exceeded:
        return (Kind.TIME_EXCEEDED, None) if code == 0 else None
    if icmp_type == unreachable:
        if code == port and method is Method.UDP:
            return Kind.DESTINATION, None
        return Kind.UNREACHABLE, _UNREACHABLE[version].get(code, code)
    if version == 6 and icmp_type == 4 and code == 1:
        return Kind.UNREACHABLE, "P"  # parameter problem: unknown next header
    return None


def extensions(data: bytes, start: int, *, declared: bool) -> dict[str, Any] | None:
    """The ICMP extension structure (RFC 4884) at ``start``, in Atlas' ``icmpext`` shape.

    MPLS label stacks (RFC 4950) are spelt out, other objects named by class and type.
    ``declared`` says that the ICMP header gave the place; where it did not, only a structure
    with a right, non-zero checksum is believed. None when there is none.

    >>> stack = bytes.fromhex("2000 c819 0008 0101 05dc 1101")  # label 24001, s 1, ttl 1
    >>> extensions(stack, 0, declared=True)["obj"][0]["mpls"]
    [{'label': 24001, 'exp': 0, 's': 1, 'ttl': 1}]
    """
    end = len(data)
    if start < 0 or start + 8 > end or data[start] >> 4 != 2:
        return None
    structure = data[start:]
    if structure[2:4] == b"\0\0":
        if not declared:
            return None
    elif checksum(structure + b"\0" * (len(structure) % 2)) != 0:
        return None
    objects: list[dict[str, Any]] = []
    at = start + 4
    while at + 4 <= end:
        length, number, kind = _EXTENSION_OBJECT.unpack_from(data, at)
        if length < 4 or at + length > end:
            break
        fields: dict[str, Any] = {"class": number, "type": kind}
        if number == 1 and kind == 1:
            fields["mpls"] = [
                {
                    "label": entry >> 12,
                    "exp": entry >> 9 & 7,
                    "s": entry >> 8 & 1,
                    "ttl": entry & 0xFF,
                }
                for (entry,) in struct.iter_unpack(
                    "!I", data[at + 4 : at + 4 + (length - 4) // 4 * 4]
                )
            ]
        objects.append(fields)
        at += length
    if not objects:
        return None
    return {"version": 2, "rfc4884": 1 if declared else 0, "obj": objects}


def undeclared_extensions(quoted: bytes, stripped: int) -> dict[str, Any] | None:
    """Extensions of a router that does not say where they are: 128 bytes into the quote.

    ``quoted`` is the quote without its first ``stripped`` bytes.
    """
    return extensions(quoted, _QUOTE_BEFORE_EXTENSIONS - stripped, declared=False)


def parse_ipv4(packet: bytes) -> Received | Refusal:
    """Take the IP header off what a raw IPv4 socket received."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return Refusal.TRUNCATED
    start = (packet[0] & 0x0F) * 4
    if start < 20 or len(packet) < start + 8:
        return Refusal.TRUNCATED
    return Received(packet[12:16], packet[8], packet[start:])


def parse_icmp(version: int, message: bytes, identity: Identity) -> Heard | Refusal:
    """Read an ICMP or ICMPv6 message: an echo reply, or an error that quotes a probe of ours."""
    if len(message) < 8:
        return Refusal.TRUNCATED
    icmp_type, code = message[0], message[1]
    if icmp_type == _ECHO_REPLY[version]:
        echo_id, token = _WORDS.unpack_from(message, 4)
        if echo_id != identity.echo_id:
            return Refusal.FOREIGN
        return Heard(Kind.DESTINATION, Method.ICMP, token)
    if judge(version, icmp_type, code, Method.ICMP) is None:
        return Refusal.OTHER_TYPE
    quoted = message[8:]
    found = _identify(version, quoted, identity)
    if isinstance(found, Refusal):
        return found
    method, token, port = found
    meaning = judge(version, icmp_type, code, method)
    if meaning is None:
        return Refusal.OTHER_TYPE
    kind, err = meaning
    if version == 4:
        target, quoted_ttl, declared = quoted[16:20], quoted[8], message[5] * 4
    else:
        target, quoted_ttl, declared = quoted[24:40], quoted[7], message[4] * 8
    more: dict[str, Any] | None = None
    if len(quoted) > _QUOTE_BEFORE_EXTENSIONS:
        if declared:
            more = extensions(quoted, declared, declared=True)
        else:
            more = undeclared_extensions(quoted, 0)
    return Heard(kind, method, token, target, port, err, quoted_ttl, more)


def _identify(
    version: int, quoted: bytes, identity: Identity
) -> tuple[Method, int, int | None] | Refusal:
    """Method, token and port of the probe that a router quotes."""
    if len(quoted) < _IP_HEADER[version] + 8:
        return Refusal.TRUNCATED
    at, protocol = ((quoted[0] & 0x0F) * 4, quoted[9]) if version == 4 else (40, quoted[6])
    if quoted[0] >> 4 != version or at < _IP_HEADER[version]:
        return Refusal.FOREIGN
    if len(quoted) < at + 8:
        return Refusal.TRUNCATED
    first, second, third, fourth = struct.unpack_from("!HHHH", quoted, at)
    if protocol == PROTOCOL_UDP:
        if first != identity.udp_port:
            return Refusal.FOREIGN
        token = token_in_payload(quoted[at + 8 : at + 12], identity.tag)
        if token is None:
            if version == 6:
                return Refusal.TRUNCATED
            (token,) = _WORD.unpack_from(quoted, 4)
        return Method.UDP, token, second
    if protocol == PROTOCOL_TCP:
        if first < TCP_FIRST or fourth != identity.tag:
            return Refusal.FOREIGN
        return Method.TCP, third, first
    if protocol in {PROTOCOL_ICMP, PROTOCOL_ICMP6}:
        if quoted[at] != _ECHO_REQUEST[version] or third != identity.echo_id:
            return Refusal.FOREIGN
        return Method.ICMP, fourth, None
    return Refusal.FOREIGN


def parse_tcp(segment: bytes, identity: Identity) -> Heard | Refusal:
    """Read a TCP segment: SYN-ACK or RST means that the destination answered our SYN."""
    if len(segment) < 20:
        return Refusal.TRUNCATED
    _, port, _, acknowledged, _, flags = struct.unpack_from("!HHIIBB", segment)
    if not flags & 0x04 and flags & 0x12 != 0x12:
        return Refusal.OTHER_TYPE
    token, tag = divmod((acknowledged - 1) & 0xFFFFFFFF, 0x10000)
    if port < TCP_FIRST or not flags & 0x10 or tag != identity.tag:
        return Refusal.FOREIGN
    return Heard(Kind.DESTINATION, Method.TCP, token, None, port)
