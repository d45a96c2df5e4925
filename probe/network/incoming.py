"""What a packet that comes back says about a probe: an answer, or an error that quotes it.

Every backend reads the same packets. Pure functions over bytes: no socket, no clock, and nothing
that arrives can make them raise. How a probe is built is `probe.network.packet`'s business.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import Any, Final, NamedTuple

from probe.network import Kind, Method
from probe.network.packet import (
    CONTACT,
    ECHO_CONTACT,
    ECHO_REQUEST,
    ICMP_OF,
    IP_HEADER,
    PROTOCOL_ICMP,
    PROTOCOL_ICMP6,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    TCP_DESTINATION,
    TCP_FIRST,
    UDP_CONTACT,
    checksum,
    in_payload,
    tag_in_echo,
)

_WORD: Final = struct.Struct("!H")
_WORDS: Final = struct.Struct("!HH")
_SEGMENT: Final = struct.Struct("!HHIIBB")
_ECHO_REPLY: Final = {4: 0, 6: 129}
_PARAMETER_PROBLEM: Final = 4  # of ICMPv6

# Headers that a network may put in between the IPv6 header and ours, as SRv6 does: hop-by-hop,
# routing, fragment, destination options (RFC 8200, section 4). Of a fixed length is the third.
EXTENSION_HEADERS: Final = (0, 43, 44, 60)
_FRAGMENT: Final = 44

# RFC 4884: a quote that extensions follow is padded to at least this length; routers older
# than the RFC put the extensions exactly there and leave the length field at zero.
_QUOTE_BEFORE_EXTENSIONS: Final = 128
_EXTENSION_OBJECT: Final = struct.Struct("!HBB")
_HALVES: Final = struct.Struct("!HHHH")

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


def echo_shift(sent: bytes, quoted: bytes, pseudo: bytes) -> int:
    """By how much, modulo 65535, the checksum of a quoted echo request is another than was sent.

    A ping socket was given ``sent``; the kernel filled in identifier and checksum, so the former is
    taken out of the latter. ``pseudo`` is the pseudo-header of ICMPv6 (RFC 8200, section 8.1).

    >>> from probe.network.packet import echo_request
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

    >>> from probe.network.packet import Marker, Template
    >>> sent = Template(Method.UDP, bytes(4), bytes(4), 1, Marker(b"key", 40404)).probe(3, 7)
    >>> source_shift(sent, sent[:12] + bytes((0, 0, 0, 9)) + sent[16:28]) == -9 % 0xFFFF
    True
    """
    before, after = (sum(_WORDS.unpack_from(each, 12)) for each in (sent, quoted))
    return int(before - after) % 0xFFFF


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

    >>> from probe.network.packet import Marker, Template
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
