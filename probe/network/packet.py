"""What a probe looks like on the wire, and what a packet that comes back says about it.

Every backend builds and reads the same packets, so that one flow means the same path whichever
of them sends it. A flow keeps constant all that load balancers hash (addresses, ports, ICMP
identifier and checksum, IPv6 flow label: "Paris", Augustin et al., IMC 2006); the token that
tells the probes of a flow apart stands where routers quote it and NATs leave it alone. Beside it
stands a tag that only this program can make, another one for each target and flow: who has seen
one probe, as its target has, still cannot forge an answer to a probe to anybody else. Pure
functions over bytes: no socket, no clock, and nothing that arrives can make them raise.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import Any, Final, NamedTuple

from probe.network import Kind, Method
from probe.network.digest import blake2b

# Whoever looks at a probe can read what it is. Behind the four bytes of two words the length is
# even, which keeps every 16-bit word of a checksum where it is.
CONTACT: Final = b"gatewatch: measures Internet paths. "

# Ports: UDP flows differ in the destination port, from traceroute's first one on. TCP flows
# differ in the source port, above the range from which Linux serves programs (32768-60999).
_UDP_FIRST: Final = 33434
_UDP_COUNT: Final = 65536 - _UDP_FIRST
TCP_FIRST: Final = 61000
_TCP_COUNT: Final = 65536 - TCP_FIRST
TCP_DESTINATION: Final = 443

# The window of ACK probes: unlike SYNs, they have nothing else that sets them apart in a filter.
ACK_WINDOW: Final = 502

PROTOCOL_ICMP: Final = 1
PROTOCOL_TCP: Final = 6
PROTOCOL_UDP: Final = 17
PROTOCOL_ICMP6: Final = 58

# By IP version: ICMP types, ICMP's protocol number, bytes of the IP header without options.
ECHO_REQUEST: Final = {4: 8, 6: 128}
_ECHO_REPLY: Final = {4: 0, 6: 129}
ICMP_OF: Final = {4: PROTOCOL_ICMP, 6: PROTOCOL_ICMP6}
IP_HEADER: Final = {4: 20, 6: 40}
_PARAMETER_PROBLEM: Final = 4  # of ICMPv6

# Headers that a network may put in between the IPv6 header and ours, as SRv6 does: hop-by-hop,
# routing, fragment, destination options (RFC 8200, section 4). Of a fixed length is the third.
EXTENSION_HEADERS: Final = (0, 43, 44, 60)
_FRAGMENT: Final = 44

# RFC 4884: a quote that extensions follow is padded to at least this length; routers older
# than the RFC put the extensions exactly there and leave the length field at zero.
_QUOTE_BEFORE_EXTENSIONS: Final = 128

_WORD: Final = struct.Struct("!H")
_pack_word: Final = _WORD.pack_into
_pack_words: Final = struct.Struct("!HH").pack_into
_ECHO: Final = struct.Struct("!BBHHHHH")
# Where in an echo message and in a UDP datagram `CONTACT` begins.
ECHO_CONTACT: Final = _ECHO.size
UDP_CONTACT: Final = 8 + 4
_WORDS: Final = struct.Struct("!HH")
_EXTENSION_OBJECT: Final = struct.Struct("!HBB")
_HALVES: Final = struct.Struct("!HHHH")
_SEGMENT: Final = struct.Struct("!HHIIBB")

# What a middlebox may rewrite: name, first byte and the one past the last, and a mask. Counted
# from the start of the IP header, and of the header behind it.
_IP_FIELDS: Final = {
    4: (
        ("tos", 1, 2, -1),
        ("length", 2, 4, -1),
        ("id", 4, 6, -1),
        ("flags", 6, 8, -1),
        ("source", 12, 16, -1),
        ("destination", 16, 20, -1),
    ),
    6: (
        ("tos", 0, 2, 0x0FF0),
        ("flow", 0, 4, 0xFFFFF),
        ("length", 4, 6, -1),
        ("source", 8, 24, -1),
        ("destination", 24, 40, -1),
    ),
}
_WHOLE: Final = 0xFFFF
_FIELDS: Final = {
    PROTOCOL_ICMP: (("identifier", 4, 6), ("checksum", 2, 4), ("payload", 8, _WHOLE)),
    PROTOCOL_ICMP6: (("identifier", 4, 6), ("checksum", 2, 4), ("payload", 8, _WHOLE)),
    PROTOCOL_UDP: (
        ("ports", 0, 4),
        ("length", 4, 6),
        ("checksum", 6, 8),
        ("payload", 8, _WHOLE),
    ),
    PROTOCOL_TCP: (
        ("ports", 0, 4),
        ("window", 14, 16),
        ("checksum", 16, 18),
        ("options", 20, _WHOLE),
    ),
}


class Refusal(StrEnum):
    """Why a packet is no answer to a probe of ours."""

    TRUNCATED = "truncated"
    OTHER_TYPE = "other_type"
    FOREIGN = "foreign"


class Marker(NamedTuple):
    """What marks the probes of one running program, so that others' answers are told apart.

    ``key`` is secret and random, and makes the tags; ``udp_port`` is the UDP source port.
    """

    key: bytes
    udp_port: int

    def tag(self, method: Method, target: bytes, flow: int) -> int:
        """The tag, 1 to 65534, of all probes of one flow to one target (packed).

        A keyed hash (BLAKE2, RFC 7693): one tag says nothing of another.

        >>> marker = Marker(bytes(16), 40404)
        >>> here, there = (marker.tag(Method.UDP, bytes((192, 0, 2, n)), 1) for n in (1, 2))
        >>> here == there
        False
        """
        said = f"{method} {flow} ".encode() + target
        digest = blake2b(said, digest_size=8, key=self.key).digest()
        return 1 + int.from_bytes(digest, "big") % 0xFFFE


class Heard(NamedTuple):
    """What a packet says about one of our probes.

    ``method`` is the protocol: ``TCP`` for SYN and ACK alike. ``tag`` is None where the quote of a
    UDP probe is too short to hold it; the checksum, which covers it, must then do. ``quote_at`` is
    where in the packet the quoted probe begins, None in answers that quote nothing; ``quoted_ttl``
    is the hop limit that our probe had left where it was answered, ``quoted_tos`` its type of
    service (traffic class).
    """

    kind: Kind
    method: Method
    token: int
    tag: int | None
    err: str | int | None = None
    quote_at: int | None = None
    quoted_ttl: int | None = None
    quoted_tos: int | None = None
    extensions: dict[str, Any] | None = None


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


def tcp_port(flow: int, method: Method) -> int:
    """The TCP source port of a flow, another one for SYN than for ACK probes.

    A NAT that has seen a SYN without an answer lets no ACK of its ports through for minutes.

    >>> tcp_port(0, Method.TCP), tcp_port(15, Method.TCP), tcp_port(15, Method.ACK)
    (61000, 61015, 63283)
    """
    return TCP_FIRST + (flow + (method is Method.ACK) * _TCP_COUNT // 2) % _TCP_COUNT


def probe_size(method: Method, version: int) -> int:
    """Bytes of one probe from its IP header on.

    >>> probe_size(Method.UDP, 4), probe_size(Method.TCP, 6), probe_size(Method.ACK, 4)
    (68, 64, 40)
    """
    header = IP_HEADER[version]
    if method is Method.TCP:
        return header + 24
    if method is Method.ACK:
        return header + 20
    return header + 8 + 2 * _WORD.size + len(CONTACT)


def udp_payload(token: int, tag: int) -> bytes:
    """Token, a balance that keeps the UDP checksum constant and gives the tag, who we are."""
    return _WORDS.pack(token, balance(tag, token)) + CONTACT


def in_payload(payload: bytes) -> tuple[int, int] | None:
    """Token and tag in a quoted UDP payload; None where none is quoted, but at most padding.

    >>> in_payload(udp_payload(7, tag=500)), in_payload(bytes(4)), in_payload(b"")
    ((7, 500), None, None)
    """
    if len(payload) < _WORDS.size:
        return None
    token, word = _WORDS.unpack_from(payload)
    return (token, (token + word) % 0xFFFF) if token or word else None


def echo_request(version: int, flow: int, token: int, tag: int, echo_id: int = 0) -> bytes:
    """An ICMP echo request with the token as sequence number and the checksum field empty.

    A payload word balances the token, so that the checksum depends on the flow alone; the tag
    follows. A ping socket fills identifier and checksum in by itself.
    """
    kind = ECHO_REQUEST[version]
    return _ECHO.pack(kind, 0, 0, echo_id, token, balance(flow, token), tag) + CONTACT


def tag_in_echo(message: bytes) -> int | None:
    """The tag in the payload of an echo request or reply; None where so much is not there.

    >>> tag_in_echo(echo_request(4, flow=1, token=7, tag=500)), tag_in_echo(bytes(8))
    (500, None)
    """
    end = _ECHO.size
    return None if len(message) < end else int.from_bytes(message[end - 2 : end], "big")


def echo_shift(sent: bytes, quoted: bytes, pseudo: bytes) -> int:
    """By how much, modulo 65535, the checksum of a quoted echo request is another than was sent.

    A ping socket was given ``sent``; the kernel filled in identifier and checksum, so the former is
    taken out of the latter. ``pseudo`` is the pseudo-header of ICMPv6 (RFC 8200, section 8.1).

    >>> sent = echo_request(4, flow=1, token=7, tag=500)
    >>> quoted = echo_request(4, flow=1, token=7, tag=500, echo_id=99)
    >>> quoted = quoted[:2] + checksum(quoted).to_bytes(2, "big") + quoted[4:8]
    >>> echo_shift(sent, quoted, b"")
    0
    """
    said, identifier = _WORDS.unpack_from(quoted, 2)
    return int(said + identifier - checksum(pseudo + sent)) % 0xFFFF


def udp_shift(sent: bytes, quoted: bytes) -> int:
    """By how much, modulo 65535, the checksum of a quoted IPv4 UDP probe is another than was sent.

    Both begin with the IP header.
    """
    at = (quoted[0] & 0x0F) * 4 + 6
    return int(_WORD.unpack_from(quoted, at)[0] - _WORD.unpack_from(sent, 26)[0]) % 0xFFFF


def source_shift(sent: bytes, quoted: bytes) -> int:
    """By how much a NAT shifts the checksum of UDP that puts the quoted source in place of ours.

    Both begin with the IPv4 header, of which a UDP checksum covers the addresses.

    >>> sent = Template(Method.UDP, bytes(4), bytes(4), 1, Marker(b"key", 40404)).probe(3, 7)
    >>> source_shift(sent, sent[:12] + bytes((0, 0, 0, 9)) + sent[16:28]) == -9 % 0xFFFF
    True
    """
    before, after = (sum(_WORDS.unpack_from(each, 12)) for each in (sent, quoted))
    return int(before - after) % 0xFFFF


class Template:
    """The probe of one flow to one target, in which only hop limit and token are still open.

    ``source`` and ``target`` are packed addresses of one family. All checksums are computed
    here, once; `probe` patches a few fields. `tag` is the tag of all its probes.
    """

    __slots__ = (
        "_balance_at", "_ident_at", "_packet", "_second_at", "_times", "_together", "_token_at",
        "_total", "_ttl_at", "tag",
    )  # fmt: skip

    def __init__(
        self, method: Method, source: bytes, target: bytes, flow: int, marker: Marker
    ) -> None:
        version = 4 if len(target) == 4 else 6
        start = IP_HEADER[version]
        tag = self.tag = marker.tag(method, target, flow)
        # Where the token stands a second time, and how often it counts in what balances it.
        self._second_at, self._times = 0, 1
        if method is Method.ICMP:
            protocol = ICMP_OF[version]
            body = bytearray(echo_request(version, flow, 0, tag, echo_id=tag))
            checksum_at, self._token_at, self._balance_at = 2, start + 6, start + 8
            self._total = flow
        elif method is Method.UDP:
            protocol = PROTOCOL_UDP
            payload = udp_payload(0, tag)
            ports = marker.udp_port, udp_port(flow)
            body = bytearray(struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload)
            checksum_at, self._token_at, self._balance_at = 6, start + 8, start + 10
            self._total = tag
        else:
            protocol = PROTOCOL_TCP
            ports = tcp_port(flow, method), TCP_DESTINATION
            # The sequence number is token and tag. The word that balances the token is the
            # checksum itself.
            checksum_at, self._token_at, self._balance_at = 16, start + 4, start + 16
            if method is Method.TCP:
                # A SYN with the option that every real one has, the maximum segment size:
                # firewalls drop bare ones.
                segment = 1460 if version == 4 else 1440
                more = struct.pack("!IBBHHHBBH", 0, 6 << 4, 0x02, 64240, 0, 0, 2, 4, segment)
            else:
                # An ACK of what nobody sent; the reset that answers it repeats this number.
                more = struct.pack("!HHBBHHH", 0, tag, 5 << 4, 0x10, ACK_WINDOW, 0, 0)
                self._second_at, self._times = start + 8, 2
            body = bytearray(struct.pack("!HHHH", *ports, 0, tag) + more)
        pseudo = source + target + struct.pack("!II", len(body), protocol)
        covered = body if method is Method.ICMP and version == 4 else pseudo + body
        total = checksum(bytes(covered))
        if protocol == PROTOCOL_TCP:
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
        # Token and balance are neighbours: most probes are patched in one go.
        self._together = self._balance_at == self._token_at + 2
        self._packet = bytearray(header + source + target + body)

    def probe(self, ttl: int, token: int) -> bytes:
        """The whole packet, IP header included, ready for a raw socket.

        In IPv4 the IP identification carries the token as well, because it is in the shortest
        quotes and NATs keep it.
        """
        packet = self._packet
        packet[self._ttl_at] = ttl
        if self._ident_at:
            _pack_word(packet, self._ident_at, token)
        if self._together:
            _pack_words(packet, self._token_at, token, (self._total - token) % 0xFFFF)
            return bytes(packet)
        if self._second_at:
            _pack_word(packet, self._second_at, token)
        _pack_word(packet, self._token_at, token)
        _pack_word(packet, self._balance_at, (self._total - self._times * token) % 0xFFFF)
        return bytes(packet)


def as_on_the_wire(probe: bytes) -> bytes:
    """A probe with what the kernel fills in where it sends it: IPv4's header checksum.

    >>> probe = Template(Method.UDP, bytes(4), bytes(4), 1, Marker(b"key", 40404)).probe(3, 7)
    >>> checksum(as_on_the_wire(probe)[:20])  # a right one makes the sum zero
    0
    """
    if probe[0] >> 4 == 6:
        return probe
    return probe[:10] + checksum(probe[:20]).to_bytes(2, "big") + probe[12:]


def ipv6_packet(source: bytes, target: bytes, hop_limit: int, protocol: int, data: bytes) -> bytes:
    """A packet whose header the kernel kept for itself, all but its traffic class and flow label.

    >>> ipv6_packet(bytes(16), bytes(16), 64, PROTOCOL_ICMP6, b"....")[:8].hex(" ", -4)
    '60000000 00043a40'
    """
    return struct.pack("!IHBB", 6 << 28, len(data), protocol, hop_limit) + source + target + data


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
    if version == 6 and icmp_type == _PARAMETER_PROBLEM and code == 1:
        return Kind.UNREACHABLE, "P"  # unknown next header
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


def payload_start(packet: bytes) -> int | None:
    """Where an IPv4 packet's payload begins; None where it has no room for eight bytes of it."""
    if len(packet) < 28 or packet[0] >> 4 != 4:
        return None
    start = (packet[0] & 0x0F) * 4
    return start if 20 <= start <= len(packet) - 8 else None


def parse_icmp(version: int, data: bytes, at: int, udp_port: int) -> Heard | Refusal:
    """Read an ICMP or ICMPv6 message: an echo reply, or an error that quotes a probe of ours.

    The message begins at ``at``; ``udp_port`` is the source port of our UDP probes. Whether the
    tag is that of the probe is for the caller to say, who knows what was sent.
    """
    if len(data) < at + 8:
        return Refusal.TRUNCATED
    icmp_type, code = data[at], data[at + 1]
    if icmp_type == _ECHO_REPLY[version]:
        if not _says_who(data, at + ECHO_CONTACT):
            return Refusal.FOREIGN
        tag, token = _WORDS.unpack_from(data, at + 4)
        return Heard(Kind.DESTINATION, Method.ICMP, token, tag)
    if judge(version, icmp_type, code, Method.ICMP) is None:
        return Refusal.OTHER_TYPE
    quote = at + 8
    found = _identify(version, data, quote, udp_port)
    if isinstance(found, Refusal):
        return found
    method, token, tag = found
    meaning = judge(version, icmp_type, code, method)
    if meaning is None:
        return Refusal.OTHER_TYPE
    kind, err = meaning
    if version == 4:
        quoted_ttl, quoted_tos = data[quote + 8], data[quote + 1]
    else:
        quoted_ttl, quoted_tos = data[quote + 7], (data[quote] << 4 | data[quote + 1] >> 4) & 0xFF
    more: dict[str, Any] | None = None
    # A parameter problem has a pointer where the others have their length, and no extensions.
    may_extend = version == 4 or icmp_type != _PARAMETER_PROBLEM
    if may_extend and len(data) > quote + _QUOTE_BEFORE_EXTENSIONS:
        declared = data[at + 5] * 4 if version == 4 else data[at + 4] * 8
        # A length that no quote with extensions can have is as good as none, to Linux too.
        if _QUOTE_BEFORE_EXTENSIONS <= declared <= len(data) - quote - 4:
            more = extensions(data[quote:], declared, declared=True)
        else:
            more = undeclared_extensions(data[quote:], 0)
    return Heard(kind, method, token, tag, err, quote, quoted_ttl, quoted_tos, more)


def _identify(
    version: int, data: bytes, quote: int, udp_port: int
) -> tuple[Method, int, int | None] | Refusal:
    """Method, token and tag of the probe that a router quotes."""
    if len(data) < quote + IP_HEADER[version] + 8:
        return Refusal.TRUNCATED
    first_byte = data[quote]
    if version == 4:
        at, protocol = quote + (first_byte & 0x0F) * 4, data[quote + 9]
    else:
        at, protocol = quote + 40, data[quote + 6]
    if first_byte >> 4 != version or at < quote + IP_HEADER[version]:
        return Refusal.FOREIGN
    if len(data) < at + 8:
        return Refusal.TRUNCATED
    first, second, third, fourth = _HALVES.unpack_from(data, at)
    if protocol == PROTOCOL_UDP:
        # A NAT may leave its own source port, or identifier, in what it hands back.
        if first != udp_port and not _says_who(data, at + UDP_CONTACT):
            return Refusal.FOREIGN
        found = in_payload(data[at + 8 : at + 12])
        if found is not None:
            return Method.UDP, *found
        if version == 6:
            return Refusal.TRUNCATED
        return Method.UDP, _WORD.unpack_from(data, quote + 4)[0], None
    if protocol == PROTOCOL_TCP:
        ours = first >= TCP_FIRST or second == TCP_DESTINATION
        return (Method.TCP, third, fourth) if ours else Refusal.FOREIGN
    if protocol == ICMP_OF[version] and data[at] == ECHO_REQUEST[version]:
        tag = tag_in_echo(data[at:]) if _says_who(data, at + ECHO_CONTACT) else third
        return Method.ICMP, fourth, tag
    if version == 6 and protocol in EXTENSION_HEADERS:
        at, protocol = _past_extension_headers(data, at, protocol)
        plain = data[: quote + 6] + bytes((protocol,)) + data[quote + 7 : quote + 40] + data[at:]
        return _identify(version, plain, quote, udp_port)
    return Refusal.FOREIGN


def _says_who(data: bytes, at: int) -> bool:
    return data[at : at + 4] == CONTACT[:4]


def _past_extension_headers(data: bytes, at: int, protocol: int) -> tuple[int, int]:
    """Where what follows IPv6 extension headers begins, and its protocol."""
    while protocol in EXTENSION_HEADERS and at + 8 <= len(data):
        more = 0 if protocol == _FRAGMENT else data[at + 1] * 8
        at, protocol = at + 8 + more, data[at]
    return at, protocol


def parse_tcp(data: bytes, at: int) -> Heard | Refusal:
    """Read a TCP segment that begins at ``at``: does the destination answer our SYN or ACK?

    It does so by SYN-ACK or RST. They acknowledge the sequence number of a SYN, or, as the
    reset that an ACK gets, repeat the number that it acknowledged (RFC 9293, section 3.10.7.1).
    Some systems (nmap's "S=A, A=S") acknowledge that number in the same reset, as it is.
    """
    if len(data) < at + 20:
        return Refusal.TRUNCATED
    _, port, sequence, acknowledged, _, flags = _SEGMENT.unpack_from(data, at)
    if not flags & 0x04 and flags & 0x12 != 0x12:
        return Refusal.OTHER_TYPE
    if port < TCP_FIRST:
        return Refusal.FOREIGN
    said = sequence
    if flags & 0x10 and acknowledged != sequence:
        said = (acknowledged - 1) & 0xFFFFFFFF
    return Heard(Kind.DESTINATION, Method.TCP, said >> 16, said & 0xFFFF)


def changes(sent: bytes, quoted: bytes) -> tuple[str, ...]:
    """What was rewritten on the way: names of header fields that a quote has otherwise than sent.

    ``sent`` is the whole probe, ``quoted`` the quote and what follows it. The hop limit, which
    every router changes, and IPv4's header checksum do not count, nor does what is not quoted:
    zeros at the end, behind the eight bytes that every router quotes, are padding.

    >>> sent = Template(Method.UDP, bytes(4), bytes(4), 1, Marker(b"key", 40404)).probe(3, 7)
    >>> changes(sent, sent[:1] + bytes([0x20]) + sent[2:])
    ('tos',)
    """
    end = len(sent)
    version = sent[0] >> 4
    start = IP_HEADER[version]
    if quoted[start:end] == sent[start:] and (
        quoted[:8] == sent[:8] and quoted[12:20] == sent[12:20] and quoted[9] == sent[9]
        if version == 4
        else quoted[:7] == sent[:7] and quoted[8:40] == sent[8:40]
    ):
        return ()
    # A quote with IP options or extension headers has its transport header farther back.
    if version == 4:
        moved = (quoted[0] & 0x0F) * 4 - start
    else:
        moved = _past_extension_headers(quoted, start, quoted[6])[0] - start if quoted[6:] else 0
    held = max(start + moved + 8, len(quoted[: end + moved].rstrip(b"\0")))
    changed = [
        name
        for name, at, past, mask in _IP_FIELDS[version]
        if quoted[at:past] != sent[at:past]
        and past <= len(quoted)
        and (int.from_bytes(quoted[at:past], "big") ^ int.from_bytes(sent[at:past], "big")) & mask
    ]
    for name, first, last in _FIELDS[sent[9 if version == 4 else 6]]:
        at = start + first
        here = quoted[at + moved : min(start + last + moved, held)]
        if here != sent[at : at + len(here)]:
            changed.append(name)
    return tuple(changed)
