"""Probes on the wire and answers to them: our own round trips, and scapy as a second opinion."""

from __future__ import annotations

import ipaddress
import struct
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.network import Kind, Method, incoming, packet
from probe.network.incoming import Heard, Refusal
from probe.network.packet import Marker, Template

MARKER = Marker(key=b"a key of the tests", udp_port=40404)
PORT = MARKER.udp_port
SOURCE = {4: "36.37.129.1", 6: "2405:8380:0:1::1"}
TARGET = {4: "193.0.6.139", 6: "2001:67c:2e8:22::c100:68b"}
HEADER = {4: 20, 6: 40}

tokens = st.integers(1, 0xFFFF)
flows = st.integers(0, 70_000)
ttls = st.integers(1, 255)
methods = st.sampled_from(list(Method))
versions = st.sampled_from([4, 6])
toses = st.sampled_from([0, 0, 0x20, 0xB8, 0xFF])
labels = st.tuples(
    st.integers(0, 0xFFFFF), st.integers(0, 7), st.integers(0, 1), st.integers(0, 255)
)


def packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def template(method: Method, version: int, flow: int = 0, marker: Marker = MARKER) -> Template:
    return Template(method, packed(SOURCE[version]), packed(TARGET[version]), flow, marker)


def tag_of(method: Method, version: int, flow: int = 0) -> int:
    return MARKER.tag(method, packed(TARGET[version]), flow)


def error(
    version: int, quote: bytes, kind: tuple[int, int] | None = None, length: int = 0
) -> bytes:
    """An ICMP error (Time Exceeded unless said otherwise), its length field set as given."""
    icmp_type, code = kind or ((11, 0) if version == 4 else (3, 0))
    spare = bytes((0, length, 0, 0)) if version == 4 else bytes((length, 0, 0, 0))
    return bytes((icmp_type, code, 0, 0)) + spare + quote


def mpls(*entries: tuple[int, int, int, int], before: bytes = b"") -> bytes:
    """An extension structure with one label stack, checksum and all.

    ``before`` is what another object, an interface's name (RFC 5837), holds before it.
    """
    stack = b"".join(
        struct.pack("!I", label << 12 | exp << 9 | s << 8 | ttl) for label, exp, s, ttl in entries
    )
    body = struct.pack("!HBB", 4 + len(before), 2, 5) + before if before else b""
    body += struct.pack("!HBB", 4 + len(stack), 1, 1) + stack
    return struct.pack("!HH", 0x2000, packet.checksum(b"\x20\0\0\0" + body)) + body


def hashed_by_balancers(data: bytes, version: int) -> bytes:
    """The header fields that load balancers hash: addresses, protocol, flow label, first words."""
    at = HEADER[version]
    ip = data[9:10] + data[12:20] if version == 4 else data[1:4] + data[6:7] + data[8:40]
    more = data[at + 4 : at + 6] if data[at] in {8, 128} else b""  # the ICMP identifier
    return ip + data[at : at + 4] + more


@given(methods, versions, flows, ttls, tokens)
def test_a_quoted_probe_gives_its_token_back(
    method: Method, version: int, flow: int, ttl: int, token: int
) -> None:
    """Whatever we send and a router quotes in full comes back as the probe that it was."""
    probe = template(method, version, flow).probe(ttl, token)
    message = error(version, probe)
    heard = incoming.parse_icmp(version, message, 0, PORT)
    read_as = Method.TCP if method is Method.ACK else method
    assert heard == Heard(
        Kind.TIME_EXCEEDED, read_as, token, tag_of(method, version, flow), None, 8, ttl, 0, None
    )
    assert incoming.changes(probe, message[8:]) == ()
    assert len(probe) == packet.probe_size(method, version)


@given(methods, st.integers(1, 0xFFFF))
def test_the_shortest_legal_quote_is_enough_in_ipv4(method: Method, token: int) -> None:
    """A router that quotes 28 bytes only (RFC 792) is understood."""
    probe = template(method, 4).probe(9, token)
    heard = incoming.parse_icmp(4, error(4, probe[:28]), 0, PORT)
    assert isinstance(heard, Heard)
    assert (heard.method.protocol, heard.token, heard.quoted_ttl) == (method.protocol, token, 9)
    assert heard.tag == (None if method is Method.UDP else tag_of(method, 4))


@pytest.mark.parametrize("method", [Method.ICMP, Method.TCP, Method.ACK])
def test_eight_bytes_are_enough_in_ipv6(method: Method) -> None:
    """ICMP and TCP probes need no more than eight bytes behind the quoted IPv6 header."""
    probe = template(method, 6).probe(9, 500)
    heard = incoming.parse_icmp(6, error(6, probe[:48]), 0, PORT)
    assert isinstance(heard, Heard)
    assert heard.token == 500


def test_a_udp_quote_without_payload_does_not_identify_an_ipv6_probe() -> None:
    """There is no IP identification in IPv6, so such an answer is refused, not guessed."""
    probe = template(Method.UDP, 6).probe(9, 500)
    assert incoming.parse_icmp(6, error(6, probe[:48]), 0, PORT) is Refusal.TRUNCATED


@given(methods, versions, flows, st.lists(tokens, min_size=2, max_size=5))
def test_a_flow_looks_the_same_to_load_balancers(
    method: Method, version: int, flow: int, chosen: list[int]
) -> None:
    """Neither TTL nor token changes a field that load balancers hash (but TCP's checksum)."""
    made = template(method, version, flow)
    seen = {
        hashed_by_balancers(made.probe(ttl, token), version)
        for ttl, token in enumerate(chosen, start=1)
    }
    assert len(seen) == 1


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("method", list(Method))
def test_flows_differ_in_what_load_balancers_hash(method: Method, version: int) -> None:
    """Sixty-four flows are sixty-four different packets to a load balancer."""
    seen = {
        hashed_by_balancers(template(method, version, flow).probe(3, 7), version)
        for flow in range(64)
    }
    assert len(seen) == 64


@given(methods, versions, flows, ttls, tokens, st.binary(min_size=1, max_size=64))
def test_scapy_agrees_with_every_field_and_checksum(
    method: Method, version: int, flow: int, ttl: int, token: int, key: bytes
) -> None:
    """Scapy, building the packet anew from what it reads in ours, gets the same bytes."""
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6

    marker = MARKER._replace(key=key)
    probe = template(method, version, flow, marker).probe(ttl, token)
    read = IP(probe) if version == 4 else IPv6(probe)
    assert (read.src, read.dst) == (SOURCE[version], TARGET[version])
    assert (read.ttl if version == 4 else read.hlim) == ttl
    if method is Method.UDP:
        assert (read[UDP].sport, read[UDP].dport) == (40404, packet.udp_port(flow))
    elif method is Method.TCP:
        assert read[TCP].flags == "S"
        assert read[TCP].options == [("MSS", 1460 if version == 4 else 1440)]
    elif method is Method.ACK:
        assert read[TCP].flags == "A"
        assert read[TCP].seq == read[TCP].ack
    layer = read.payload
    if method is Method.ICMP and version == 6:
        del layer.cksum
    else:
        del layer.chksum
    rebuilt = bytes(read)
    at = HEADER[version]
    if method is Method.UDP and rebuilt[at + 6 : at + 8] == b"\0\0":
        rebuilt = rebuilt[: at + 6] + b"\xff\xff" + rebuilt[at + 8 :]
    assert rebuilt[at:] == probe[at:]


@given(methods, versions, tokens, st.booleans())
def test_scapy_and_we_read_the_same_in_what_scapy_builds(
    method: Method, version: int, token: int, unreachable: bool
) -> None:
    """An ICMP error that scapy builds around our probe says to us what it says to scapy."""
    from scapy.layers.inet import ICMP, IP, IPerror
    from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6TimeExceeded, IPerror6, IPv6

    probe = template(method, version, 3).probe(1, token)
    if version == 4:
        built = IP(src="36.37.130.2", dst=SOURCE[4], ttl=61) / (
            ICMP(type=3, code=13) if unreachable else ICMP(type=11, code=0)
        )
        wire = bytes(built / probe)
        read = IP(wire)
        at = incoming.payload_start(wire)
        assert at == 20
        heard = incoming.parse_icmp(4, wire, at, PORT)
        quoted = read[IPerror]
        target, quoted_ttl, quoted_tos = quoted.dst, quoted.ttl, quoted.tos
    else:
        layer = ICMPv6DestUnreach(code=1) if unreachable else ICMPv6TimeExceeded(code=0)
        wire = bytes(IPv6(src="2001:db8::1", dst=SOURCE[6]) / layer / probe)
        heard = incoming.parse_icmp(6, wire, 40, PORT)
        quoted = IPv6(wire)[IPerror6]
        target, quoted_ttl, quoted_tos = quoted.dst, quoted.hlim, quoted.tc
    assert isinstance(heard, Heard)
    assert heard.token == token
    assert heard.kind is (Kind.UNREACHABLE if unreachable else Kind.TIME_EXCEEDED)
    assert heard.err == ("A" if unreachable else None)
    assert (heard.quoted_ttl, heard.quoted_tos) == (quoted_ttl, quoted_tos)
    assert heard.quote_at is not None
    assert incoming.changes(probe, wire[heard.quote_at :]) == ()
    assert packed(target) == packed(TARGET[version])


class Said(NamedTuple):
    """An ICMP error about a probe of ours, and what is right to read in it."""

    version: int
    method: Method
    probe: bytes
    message: bytes
    heard: Heard | Refusal
    changed: tuple[str, ...]


KINDS = {
    4: [(11, 0), *((3, code) for code in range(16))],
    6: [(3, 0), *((1, code) for code in range(8)), (4, 1)],
}


@st.composite
def structures(
    draw: st.DrawFn, *, declared: bool, for_scapy: bool
) -> tuple[bytes, dict[str, object]]:
    """An extension structure with a label stack, and how we are to read it."""
    stack = draw(st.lists(labels, min_size=1, max_size=5))
    other = b"name" * draw(st.integers(0, 0 if for_scapy else 6))
    if for_scapy:
        stack = [(*each[:2], int(each is stack[-1]), each[3]) for each in stack]
    found: list[dict[str, object]] = [{"class": 2, "type": 5}] if other else []
    entries = [dict(zip(("label", "exp", "s", "ttl"), each, strict=True)) for each in stack]
    found.append({"class": 1, "type": 1, "mpls": entries})
    said = {"version": 2, "rfc4884": int(declared), "obj": found}
    return mpls(*stack, before=other), said


@st.composite
def errors(draw: st.DrawFn, *, for_scapy: bool = False) -> Said:
    """Errors of every kind, quoted at every length and in every style that routers have.

    Scapy reads extensions at byte 128 of a quote only, label stacks that end where they say, with
    nothing before them, and TCP in eight bytes or whole, unpadded.
    """
    version, method = draw(versions), draw(methods)
    flow, token, left, tos = draw(flows), draw(tokens), draw(st.integers(0, 255)), draw(toses)
    head = HEADER[version]
    probe = template(method, version, flow).probe(draw(ttls), token)
    options = b"\x94\x04\0\0" * draw(st.integers(0, 3 if version == 4 else 0))
    if version == 4:
        length = len(probe) + len(options)
        first = struct.pack("!BBH", 0x45 + len(options) // 4, tos, length) + probe[4:8]
        first += bytes((left,)) + probe[9:20]
    else:
        word = int.from_bytes(probe[:4], "big") | tos << 20
        first = word.to_bytes(4, "big") + probe[4:7] + bytes((left,)) + probe[8:40]
    behind = draw(st.integers(8, len(probe) - head))
    style = draw(st.sampled_from(["bare", "padded", "undeclared", "declared"]))
    if for_scapy and method.protocol == "TCP" and behind < 24:
        behind = 8 if style == "bare" else len(probe) - head
    if style != "bare":
        behind -= behind % 4  # RFC 4884 pads from a boundary of 32 bits on
    quote = first + options + probe[head : head + behind]
    kind = draw(st.sampled_from(KINDS[version]))
    if kind == (4, 1):
        style = "bare"
    more = None
    place = 0
    if style == "padded":
        quote += bytes(draw(st.integers(0, 100)))
    elif style != "bare":
        structure, more = draw(structures(declared=style == "declared", for_scapy=for_scapy))
        unit = 4 if version == 4 else 8
        places = st.integers(128 // unit, 200 // unit)
        size = unit * draw(places) if style == "declared" and not for_scapy else 128
        place = size // unit if style == "declared" else 0
        quote = quote.ljust(size, b"\0") + structure
    meaning = incoming.judge(version, *kind, method)
    assert meaning is not None
    tag: int | None = tag_of(method, version, flow)
    if method is Method.UDP and behind < 12:
        tag = None
    heard: Heard | Refusal = Heard(
        meaning[0],
        Method.TCP if method is Method.ACK else method,
        token,
        tag,
        meaning[1],
        8,
        left,
        tos,
        more,
    )
    if version == 6 and tag is None:
        heard = Refusal.TRUNCATED
    message = error(version, quote, kind, place)
    changed = [name for name, differs in (("tos", tos), ("length", options)) if differs]
    return Said(version, method, probe, message, heard, tuple(changed))


@settings(max_examples=500)
@given(errors())
def test_every_error_is_read_as_what_it_is(said: Said) -> None:
    """All methods and kinds, quotes of every length, with options, padding, and extensions."""
    heard = incoming.parse_icmp(said.version, said.message, 0, PORT)
    assert heard == said.heard
    assert incoming.changes(said.probe, said.message[8:]) == said.changed


def by_scapy(version: int, message: bytes) -> dict[str, Any]:
    """What scapy reads in an ICMP error: the error's own fields and those of the quote."""
    import scapy.contrib.mpls  # noqa: F401 - teaches it label stacks
    from scapy.layers.inet import ICMP, IP, ICMPerror, IPerror, TCPerror, UDPerror
    from scapy.layers.inet6 import IPerror6, IPv6

    if version == 4:
        icmp = IP(bytes(IP(src="36.37.130.2", dst=SOURCE[4], proto=1) / message))[ICMP]
        quoted = icmp[IPerror]
        said = {"dst": quoted.dst, "ttl": quoted.ttl, "tos": quoted.tos, "ip_id": quoted.id}
    else:
        icmp = IPv6(bytes(IPv6(src="2001:db8::1", dst=SOURCE[6], nh=58) / message)).payload
        quoted = icmp[IPerror6]
        said = {"dst": quoted.dst, "ttl": quoted.hlim, "tos": quoted.tc}
    said |= {"type": icmp.type, "code": icmp.code}
    for layer in (UDPerror, TCPerror):
        if layer in quoted:
            said |= {"ports": (quoted[layer].sport, quoted[layer].dport)}
    if TCPerror in quoted:
        said |= {"number": quoted[TCPerror].seq}
    elif UDPerror not in quoted:
        echo = quoted[ICMPerror] if version == 4 else quoted.payload
        said |= {"echo": (echo.id, echo.seq)}
    extension = getattr(icmp, "ext", None)
    at = extension.payload if extension and extension.version == 2 else None
    while at:
        if at.classnum == 1:
            said["labels"] = []
            entry = at.stack[0]
            while entry:  # it puts each entry of a stack inside the one before
                said["labels"].append((entry.label, entry.cos, entry.s, entry.ttl))
                entry = entry.payload
        at = at.payload
    return said


@settings(max_examples=200)
@given(errors(for_scapy=True))
def test_scapy_reads_the_same_in_every_error(said: Said) -> None:
    """Type, code, destination, ports, identifiers, TTL, TOS and labels are what scapy says."""
    version, method, probe, message, heard, _ = said
    read = by_scapy(version, message)
    at = HEADER[version]
    assert (read["type"], read["code"]) == (message[0], message[1])
    assert read["dst"] == TARGET[version]
    if method is not Method.ICMP:
        assert read["ports"] == struct.unpack_from("!HH", probe, at)
    if isinstance(heard, Refusal):
        assert (version, method) == (6, Method.UDP)
        return
    assert incoming.parse_icmp(version, message, 0, PORT) == heard
    assert incoming.judge(version, read["type"], read["code"], method) == (heard.kind, heard.err)
    assert (read["ttl"], read["tos"]) == (heard.quoted_ttl, heard.quoted_tos)
    if version == 4:
        assert read["ip_id"] == heard.token
    if method is Method.ICMP:
        assert read["echo"] == (heard.tag, heard.token)
    elif method is not Method.UDP:
        assert heard.tag is not None
        assert read["number"] == heard.token << 16 | heard.tag
    ours = heard.extensions["obj"][-1]["mpls"] if heard.extensions else []
    assert read.get("labels", []) == [tuple(entry.values()) for entry in ours]


@pytest.mark.parametrize("field", ["dst", "sport", "dport"])
@pytest.mark.parametrize("version", [4, 6])
def test_scapy_and_we_see_the_same_rewritten(version: int, field: str) -> None:
    """Where scapy reads another destination or port than was sent, we name the change."""
    probe = template(Method.UDP, version).probe(4, 9)
    at = {"dst": HEADER[version] - 1, "sport": HEADER[version], "dport": HEADER[version] + 3}[field]
    quote = bytearray(probe)
    quote[at] ^= 1
    read = by_scapy(version, error(version, bytes(quote)))
    same = by_scapy(version, error(version, probe))
    (name,) = {key for key in same if read[key] != same[key]}
    assert incoming.changes(probe, bytes(quote)) == ({"dst": "destination"}.get(name, name),)


@pytest.mark.parametrize("method", list(Method))
def test_padding_behind_a_short_quote_is_no_change(method: Method) -> None:
    """Eight bytes of any probe, padded for extensions, tell of nothing that was rewritten."""
    probe = template(method, 4).probe(9, 300)
    for size in range(28, len(probe), 4):
        assert incoming.changes(probe, probe[:size].ljust(128, b"\0")) == ()
    without_checksum = probe[:26] + bytes(2)
    expected = ("checksum",) if method is Method.UDP else None
    if expected:
        assert incoming.changes(probe, without_checksum) == expected


def test_the_pointer_of_a_parameter_problem_is_no_length() -> None:
    """What stands where other errors have their length field is no place of extensions there."""
    quote = template(Method.UDP, 6).probe(1, 77).ljust(128, b"\0") + mpls((24001, 0, 1, 1))
    for pointer in (0, 16):
        heard = incoming.parse_icmp(6, error(6, quote, (4, 1), pointer), 0, PORT)
        assert isinstance(heard, Heard)
        assert heard.extensions is None


@pytest.mark.parametrize(("version", "protocol"), [(4, 58), (6, 1)])
def test_echo_requests_of_the_other_version_are_foreign(version: int, protocol: int) -> None:
    """ICMPv6 in IPv4, or ICMP in IPv6, was never sent by us."""
    quote = bytearray(template(Method.ICMP, version).probe(1, 77))
    quote[9 if version == 4 else 6] = protocol
    assert incoming.parse_icmp(version, error(version, bytes(quote)), 0, PORT) is Refusal.FOREIGN


@pytest.mark.parametrize(("version", "echo_reply"), [(4, 0), (6, 129)])
def test_a_quoted_echo_reply_is_foreign(version: int, echo_reply: int) -> None:
    """This machine answered the ping of another, which did not get there."""
    quote = bytearray(template(Method.ICMP, version).probe(1, 77))
    quote[HEADER[version]] = echo_reply
    assert incoming.parse_icmp(version, error(version, bytes(quote)), 0, PORT) is Refusal.FOREIGN


@given(versions, tokens)
def test_an_echo_reply_is_the_destination(version: int, token: int) -> None:
    """An echo reply as scapy builds it, with our words in it, is an answer; another's is not."""
    from scapy.layers.inet import ICMP
    from scapy.layers.inet6 import ICMPv6EchoReply

    for load, expected in (
        (b"\0\0\0\0" + packet.CONTACT, Heard(Kind.DESTINATION, Method.ICMP, token, 0xBEEF)),
        (b"abcdefgh", Refusal.FOREIGN),
    ):
        reply = (
            ICMP(type=0, id=0xBEEF, seq=token)
            if version == 4
            else ICMPv6EchoReply(id=0xBEEF, seq=token)
        )
        assert incoming.parse_icmp(version, bytes(reply / load), 0, PORT) == expected


@given(tokens, st.integers(0, 0xFFFF), st.sampled_from(["SA", "RA", "R", "A", "PA", "FA"]))
def test_syn_ack_and_reset_are_the_destination(token: int, tag: int, flags: str) -> None:
    """SYN-ACK and RST that repeat our number are answers, other segments are not."""
    from scapy.layers.inet import TCP

    number = token << 16 | tag
    acknowledged = 0 if flags == "R" else (number + 1) & 0xFFFFFFFF
    built = TCP(
        sport=443, dport=packet.tcp_port(5, Method.TCP), seq=number, ack=acknowledged, flags=flags
    )
    heard = incoming.parse_tcp(bytes(built), 0)
    if flags in {"SA", "RA", "R"}:
        assert heard == Heard(Kind.DESTINATION, Method.TCP, token, tag)
    else:
        assert heard is Refusal.OTHER_TYPE


def test_segments_to_the_ports_of_others_are_foreign() -> None:
    """A reset of a connection of this machine's owner answers no probe."""
    reset = bytearray(template(Method.TCP, 4).probe(1, 77)[20:])
    reset[13] = 0x04
    for port, foreign in ((packet.TCP_FIRST - 1, True), (packet.TCP_FIRST, False)):
        reset[2:4] = port.to_bytes(2, "big")
        assert (incoming.parse_tcp(bytes(reset), 0) is Refusal.FOREIGN) is foreign


@given(tokens, st.integers(1, 0xFFFE))
def test_a_reset_that_acknowledges_what_it_repeats(token: int, tag: int) -> None:
    """Some systems answer an ACK so: its two numbers turned round, which in ours are the same."""
    from scapy.layers.inet import TCP

    number = token << 16 | tag
    port = packet.tcp_port(5, Method.ACK)
    built = TCP(sport=443, dport=port, seq=number, ack=number, flags="RA")
    expected = Heard(Kind.DESTINATION, Method.TCP, token, tag)
    assert incoming.parse_tcp(bytes(built), 0) == expected


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("method", list(Method))
def test_another_program_has_other_tags(method: Method, version: int) -> None:
    """A quote of a probe that another program sent has not the tag of ours, or is foreign."""
    stranger = Marker(key=b"another key", udp_port=50000)
    probe = template(method, version, marker=stranger).probe(4, 1)
    heard = incoming.parse_icmp(version, error(version, probe), 0, PORT)
    assert isinstance(heard, Heard)
    assert heard.tag not in {None, tag_of(method, version)}
    if method is Method.UDP:
        short = error(version, probe[: HEADER[version] + 8])
        assert incoming.parse_icmp(version, short, 0, PORT) is Refusal.FOREIGN


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("method", list(Method))
def test_what_a_nat_leaves_translated_is_known_by_the_tag(method: Method, version: int) -> None:
    """Its own source port or identifier in a quote hides neither token nor tag, and is named."""
    probe = template(method, version).probe(4, 77)
    at = HEADER[version] + (4 if method is Method.ICMP else 0)
    quote = probe[:at] + b"\x30\x39" + probe[at + 2 :]
    heard = incoming.parse_icmp(version, error(version, quote), 0, PORT)
    assert isinstance(heard, Heard)
    assert (heard.token, heard.tag) == (77, tag_of(method, version))
    named = "identifier" if method is Method.ICMP else "ports"
    assert incoming.changes(probe, quote) == (named,)


@pytest.mark.parametrize("method", list(Method))
def test_one_tag_says_nothing_of_another(method: Method) -> None:
    """Targets and flows have tags of their own, spread over all there are."""
    tags = {MARKER.tag(method, bytes((192, 0, 2, n)), flow) for n in range(50) for flow in (1, 2)}
    assert len(tags) > 95
    assert max(tags) - min(tags) > 50_000


REWRITTEN = [
    (4, Method.ICMP, 1, "tos"),
    (4, Method.UDP, 3, "length"),
    (4, Method.UDP, 5, "id"),
    (4, Method.TCP, 6, "flags"),
    (4, Method.TCP, 12, "source"),
    (4, Method.TCP, 15, "source"),
    (4, Method.UDP, 16, "destination"),
    (4, Method.UDP, 19, "destination"),
    (4, Method.TCP, 20, "ports"),
    (4, Method.UDP, 23, "ports"),
    (4, Method.ICMP, 22, "checksum"),
    (4, Method.TCP, 34, "window"),
    (4, Method.TCP, 35, "window"),
    (4, Method.TCP, 40, "options"),
    (4, Method.TCP, 43, "options"),
    (4, Method.UDP, 40, "payload"),
    (6, Method.ICMP, 1, "tos"),
    (6, Method.UDP, 3, "flow"),
    (6, Method.UDP, 5, "length"),
    (6, Method.TCP, 20, "source"),
    (6, Method.TCP, 39, "destination"),
    (6, Method.ACK, 41, "ports"),
    (6, Method.UDP, 46, "checksum"),
]


NAMES = {name for *_, name in REWRITTEN}


@pytest.mark.parametrize(("version", "method", "at", "name"), REWRITTEN)
def test_what_was_rewritten_on_the_way_is_named(
    version: int, method: Method, at: int, name: str
) -> None:
    """One byte changed is one field named; a shorter quote hides what it does not hold."""
    sent = template(method, version, 5).probe(9, 300)
    quoted = bytearray(sent)
    quoted[at] ^= 0x10
    assert incoming.changes(sent, bytes(quoted)) == (name,)
    assert incoming.changes(sent, bytes(quoted[:at])) == ()


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("quoted", [28, 36])
def test_padding_is_no_change(method: Method, quoted: int) -> None:
    """Zeros in place of what a router did not quote are padding, whatever stood there."""
    sent = template(method, 4).probe(9, 300)
    assert incoming.changes(sent, sent[:quoted].ljust(128, b"\0")) == ()


# Of SRv6, with two segments; a fragment that is whole; destination options that only pad.
INSERTED = {
    43: bytes((58, 4, 4, 1, 1, 0, 0, 0)) + bytes(32),
    44: bytes((58, 0, 0, 0, 0, 0, 0, 9)),
    60: bytes((58, 0, 1, 4, 0, 0, 0, 0)),
}


@pytest.mark.parametrize("kind", INSERTED)
@pytest.mark.parametrize("method", list(Method))
def test_an_extension_header_put_in_on_the_way(method: Method, kind: int) -> None:
    """A router may quote our IPv6 probe with headers that its network has put in before ours."""
    sent = template(method, 6).probe(4, 4242)
    header = bytes((sent[6],)) + INSERTED[kind][1:]
    twice = bytes((0,)) + sent[7:40] + bytes((kind, 0)) + bytes(6) + header + sent[40:]
    once = bytes((kind,)) + sent[7:40] + header + sent[40:]
    for behind in (once, twice):
        length = len(behind) - 34
        quote = sent[:4] + length.to_bytes(2, "big") + behind
        heard = incoming.parse_icmp(6, error(6, quote), 0, PORT)
        assert isinstance(heard, Heard)
        assert (heard.method.protocol, heard.token) == (method.protocol, 4242)
        assert heard.tag == tag_of(method, 6)
        assert incoming.changes(sent, quote) == ("length",)


@pytest.mark.parametrize("length", [0, 255])
def test_an_extension_header_without_end(length: int) -> None:
    """One that goes on beyond the quote hides whose it is."""
    sent = template(Method.UDP, 6).probe(4, 4242)
    quote = sent[:6] + bytes((43,)) + sent[7:40] + bytes((43, length)) * 75
    assert incoming.parse_icmp(6, error(6, quote), 0, PORT) is Refusal.TRUNCATED


def test_options_are_no_change() -> None:
    """IP options added on the way move the rest."""
    sent = template(Method.UDP, 4).probe(9, 300)
    moved = bytes((0x46,)) + sent[1:20] + bytes(4) + sent[20:]
    assert incoming.changes(sent, moved) == ()


@pytest.mark.parametrize(
    ("version", "icmp_type", "code", "method", "kind", "err"),
    [
        (4, 3, 0, Method.ICMP, Kind.UNREACHABLE, "N"),
        (4, 3, 1, Method.ICMP, Kind.UNREACHABLE, "H"),
        (4, 3, 2, Method.UDP, Kind.UNREACHABLE, "P"),
        (4, 3, 3, Method.UDP, Kind.DESTINATION, None),
        (4, 3, 3, Method.TCP, Kind.UNREACHABLE, "p"),
        (4, 3, 13, Method.TCP, Kind.UNREACHABLE, "A"),
        (4, 3, 10, Method.UDP, Kind.UNREACHABLE, 10),
        (6, 1, 0, Method.ICMP, Kind.UNREACHABLE, "N"),
        (6, 1, 1, Method.ICMP, Kind.UNREACHABLE, "A"),
        (6, 1, 3, Method.TCP, Kind.UNREACHABLE, "H"),
        (6, 1, 4, Method.UDP, Kind.DESTINATION, None),
        (6, 4, 1, Method.TCP, Kind.UNREACHABLE, "P"),
    ],
)
def test_type_and_code_decide_what_an_answer_means(
    version: int, icmp_type: int, code: int, method: Method, kind: Kind, err: str | int | None
) -> None:
    """Kind and Atlas code follow from ICMP type and code and the method, not from addresses."""
    probe = template(method, version).probe(2, 1)
    heard = incoming.parse_icmp(version, error(version, probe, (icmp_type, code)), 0, PORT)
    assert isinstance(heard, Heard)
    assert (heard.kind, heard.err) == (kind, err)


@pytest.mark.parametrize(
    ("version", "icmp_type", "code"), [(4, 5, 1), (4, 11, 1), (4, 8, 0), (6, 2, 0), (6, 135, 0)]
)
def test_other_messages_end_nothing(version: int, icmp_type: int, code: int) -> None:
    """Redirects, reassembly timeouts, packet too big, requests and neighbours are no answers."""
    probe = template(Method.UDP, version).probe(2, 1)
    message = error(version, probe, (icmp_type, code))
    assert incoming.parse_icmp(version, message, 0, PORT) is Refusal.OTHER_TYPE


LABELS = [
    {"label": 24001, "exp": 0, "s": 0, "ttl": 1},
    {"label": 1048575, "exp": 7, "s": 1, "ttl": 254},
]


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("declared", [True, False])
def test_mpls_labels_are_read_with_and_without_the_length_field(
    version: int, declared: bool
) -> None:
    """Labels at byte 128 of the quote are found whether or not the router says that they are."""
    quote = template(Method.UDP, version).probe(1, 77).ljust(128, b"\0")
    structure = mpls((24001, 0, 0, 1), (1048575, 7, 1, 254))
    length = (32 if version == 4 else 16) if declared else 0
    heard = incoming.parse_icmp(version, error(version, quote + structure, length=length), 0, PORT)
    assert isinstance(heard, Heard)
    assert heard.token == 77
    assert heard.extensions == {
        "version": 2,
        "rfc4884": int(declared),
        "obj": [{"class": 1, "type": 1, "mpls": LABELS}],
    }


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("length", [1, 15, 35, 200, 255])
def test_a_length_that_cannot_be_is_no_length(version: int, length: int) -> None:
    """Shorter than RFC 4884 allows or beyond the message: labels are where others have them.

    So Linux reads it for those who have no raw sockets.
    """
    quote = template(Method.UDP, version).probe(1, 77).ljust(128, b"\0")
    message = error(version, quote + mpls((24001, 0, 1, 1)), length=length)
    heard = incoming.parse_icmp(version, message, 0, PORT)
    assert isinstance(heard, Heard)
    assert heard.extensions is not None
    assert heard.extensions["rfc4884"] == 0
    assert heard.extensions["obj"][0]["mpls"][0]["label"] == 24001


def test_scapy_builds_the_label_stack_that_we_read() -> None:
    """An extension structure made by scapy is read as scapy meant it."""
    from scapy.contrib.mpls import MPLS
    from scapy.layers.inet import ICMPExtension_Header, ICMPExtension_Object

    stack = bytes(MPLS(label=24001, cos=0, s=0, ttl=1) / MPLS(label=1048575, cos=7, s=1, ttl=254))
    item = bytes(ICMPExtension_Object(classnum=1, classtype=1, len=4 + len(stack))) + stack
    body = bytes(ICMPExtension_Header(chksum=0))[:4] + item
    structure = body[:2] + struct.pack("!H", packet.checksum(body)) + body[4:]
    found = incoming.extensions(structure, 0, declared=True)
    assert found is not None
    assert found["obj"][0]["mpls"] == LABELS


def test_bytes_that_only_look_like_extensions_are_not_believed() -> None:
    """Without a length field a structure counts only with a right checksum."""
    quote = template(Method.UDP, 4).probe(1, 77).ljust(128, b"\0")
    wrong = bytearray(mpls((24001, 0, 1, 1)))
    wrong[9] ^= 1
    for tail in (bytes(wrong), b"\x20\0\0\0" + wrong[4:], b"\x20", bytes(40)):
        heard = incoming.parse_icmp(4, error(4, quote + tail), 0, PORT)
        assert isinstance(heard, Heard)
        assert heard.extensions is None


def test_extensions_without_a_checksum_are_believed_where_they_are_declared() -> None:
    """RFC 4884 lets a router send zero in its place."""
    structure = bytearray(mpls((24001, 0, 1, 1)))
    structure[2:4] = bytes(2)
    found = incoming.extensions(bytes(structure), 0, declared=True)
    assert found is not None
    assert found["obj"][0]["mpls"][0]["label"] == 24001


def test_the_payload_says_who_we_are() -> None:
    """An operator who looks at a UDP or ICMP probe can read what it is."""
    for method in (Method.ICMP, Method.UDP):
        assert template(method, 4).probe(1, 1).endswith(packet.CONTACT)


@settings(max_examples=500)
@given(versions, st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_quietly(version: int, data: bytes) -> None:
    """Nothing that arrives raises, whatever reads it."""
    start = incoming.payload_start(data)
    heard = incoming.parse_icmp(version, data, 0, PORT)
    segment = incoming.parse_tcp(data, 0)
    assert start is None or 20 <= start <= len(data) - 8
    assert isinstance(heard, Heard | Refusal)
    assert isinstance(segment, Heard | Refusal)
    sent = template(Method.UDP, version).probe(1, 1)
    if data:
        assert set(incoming.changes(sent, data)) <= NAMES


@settings(max_examples=500)
@given(methods, versions, st.data())
def test_damaged_answers_never_raise(method: Method, version: int, data: st.DataObject) -> None:
    """A real answer with bytes changed and its end cut off is read or refused, never an error."""
    quote = template(method, version).probe(1, 4242).ljust(128, b"\0") + mpls((5, 0, 1, 1))
    answer = bytearray(error(version, quote, length=32 if version == 4 else 16))
    for at, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(answer) - 1), st.integers(0, 255)), max_size=6)
    ):
        answer[at] = value
    message = bytes(answer[: data.draw(st.integers(0, len(answer)))])
    heard = incoming.parse_icmp(version, message, 0, PORT)
    assert isinstance(heard, Heard | Refusal)
