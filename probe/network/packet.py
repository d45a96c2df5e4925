"""What a probe looks like on the wire.

Every backend builds the same packets, so that one flow means the same path whichever
of them sends it. A flow keeps constant all that load balancers hash (addresses, ports, ICMP
identifier and checksum, IPv6 flow label: "Paris", Augustin et al., IMC 2006); the token that
tells the probes of a flow apart stands where routers quote it and NATs leave it alone. Beside it
stands a tag that only this program can make, another one for each target and flow: who has seen
one probe, as its target has, still cannot forge an answer to a probe to anybody else. Pure
functions over bytes: no socket, no clock, and nothing that arrives can make them raise.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from probe.network import Method
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
ICMP_OF: Final = {4: PROTOCOL_ICMP, 6: PROTOCOL_ICMP6}
IP_HEADER: Final = {4: 20, 6: 40}

_WORD: Final = struct.Struct("!H")
_pack_word: Final = _WORD.pack_into
_pack_words: Final = struct.Struct("!HH").pack_into
_ECHO: Final = struct.Struct("!BBHHHHH")
# Where in an echo message and in a UDP datagram `CONTACT` begins.
ECHO_CONTACT: Final = _ECHO.size
UDP_CONTACT: Final = 8 + 4
_WORDS: Final = struct.Struct("!HH")
_SEGMENT: Final = struct.Struct("!HHIIBB")


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
