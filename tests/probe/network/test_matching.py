"""Which of our probes a packet answers: real replies, forged ones, and what is no reply at all."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP

from probe.network import Answer, Kind, Method, NoRoute, Probe, incoming, packet
from probe.network.matching import METHODS, Matching
from scripts.fuzz import (
    EXCEEDED,
    HEADER,
    ICMP_OF,
    PORT_UNREACHABLE,
    ROUTER,
    Dice,
    Known,
    Packet,
    Sea,
    as_quoted,
    error,
    replies_to,
)

SEA = Sea(Dice(20261125))

thorough = settings(max_examples=1000)
each_method = pytest.mark.parametrize("method", METHODS)
each_version = pytest.mark.parametrize("version", [4, 6])


def known(method: Method, version: int) -> Known:
    return next(k for k in SEA.known.values() if (k.method, k.version) == (method, version))


def refused(message: bytes, version: int, protocol: int | None = None) -> dict[str, int]:
    """For what reason a message is no answer; it must be none."""
    before = SEA.matching.discarded.copy()
    protocol = ICMP_OF[version] if protocol is None else protocol
    assert SEA.matching.hear(version, protocol, message, 0, ROUTER[version], 61, None, 9) is None
    return dict(SEA.matching.discarded - before)


def answer(message: bytes, version: int, address: str | None = None) -> Answer:
    address = address or ROUTER[version]
    found = SEA.matching.hear(version, ICMP_OF[version], message, 0, address, 61, None, 9)
    assert found is not None
    return found


def start_of(reply: Packet) -> int:
    at = incoming.payload_start(reply.data) if reply.version == 4 else 0
    assert at is not None
    return at


# -- the quick look and the whole reading ----------------------------------------------------

spots = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=3)
replies = st.sampled_from(SEA.replies)


@thorough
@given(replies, spots, st.integers(0, 300), st.binary(max_size=9), st.sampled_from([1, 6, 58]))
def test_a_quick_look_sees_what_reading_it_all_does(
    reply: Packet, changed: list[tuple[int, int]], end: int, more: bytes, protocol: int
) -> None:
    """Replies of all kinds, whole or damaged, mean the same both ways, and are counted alike."""
    data = bytearray(reply.data)
    for at, value in changed:
        data[at % len(data)] = value
    if end < len(data):
        data = data[:end] + more
    said = (protocol, bytes(data), min(start_of(reply), len(data)), "192.0.2.1", 61, None, 5)
    seen = []
    for hear in (SEA.matching.hear, SEA.matching.hear_in_full):
        SEA.matching.discarded.clear()
        seen.append((hear(reply.version, *said), dict(SEA.matching.discarded)))
    assert seen[0] == seen[1]


@each_method
def test_a_probe_quoted_as_it_was_sent_is_known_at_a_look(
    method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The most common answer is understood without reading all of it, at each length of quote."""
    monkeypatch.delattr(Matching, "hear_in_full")
    probe = known(method, 4)
    for size in range(28, len(probe.data) + 1):
        message = error(4, EXCEEDED[4], as_quoted(probe.data, ttl=7)[:size])
        assert answer(message, 4) == Answer(
            probe.token, ROUTER[4], Kind.TIME_EXCEEDED, 9e-9, 61, 8 + size, 7, quoted_tos=0
        )


def test_no_segment_is_taken_for_an_icmp_message() -> None:
    """A TCP segment from port 2816 begins like a Time Exceeded, and is none."""
    message = error(4, EXCEEDED[4], as_quoted(known(Method.ICMP, 4).data))
    assert message[:2] == (2816).to_bytes(2, "big")
    assert refused(message, 4, packet.PROTOCOL_TCP) == {"other_type": 1}


def test_every_beginning_of_every_reply_is_heard_or_refused() -> None:
    """Wherever a reply is cut off, nothing raises: not even where its quote has hardly begun."""
    for reply in SEA.replies[::7]:
        start = start_of(reply)
        for end in range(start, len(reply.data)):
            part = reply.data[:end]
            SEA.matching.hear(reply.version, reply.protocol, part, start, "192.0.2.1", 61, None, 9)


# -- whose answers count ---------------------------------------------------------------------


@each_version
@each_method
def test_every_reply_to_a_probe_on_its_way_is_its_answer(method: Method, version: int) -> None:
    """All replies are answers, but errors about errors, and UDP quotes in IPv6 without payload."""
    probe = known(method, version)
    counted = 0
    for reply in replies_to(probe):
        at = start_of(reply)
        heard = SEA.matching.hear(version, reply.protocol, reply.data, at, "::", 61, None, 9)
        counted += heard is None
        assert heard is None or (heard.token, heard.address) == (probe.token, "::")
    kinds = len([r for r in replies_to(probe) if len(r.data) == 8 + 48]) if version == 6 else 0
    assert counted == 1 + (kinds if method is Method.UDP else 0)


@each_version
@each_method
def test_an_answer_with_another_tag_is_refused_at_every_length(
    method: Method, version: int
) -> None:
    """Whoever knows addresses, ports and the token still lacks the tag, also in short quotes."""
    probe = known(method, version)
    stranger = packet.Marker(b"another key", 40404)
    addresses = (
        (probe.data[12:16], probe.data[16:20]) if version == 4
        else (probe.data[8:24], probe.data[24:40])
    )  # fmt: skip
    forged = packet.Template(method, *addresses, 0, stranger).probe(3, probe.token)
    for size in range(HEADER[version] + 8, len(forged) + 1):
        message = error(version, EXCEEDED[version], forged[:size])
        if (version, method) == (6, Method.UDP) and size < HEADER[6] + 12:
            assert refused(message, 6) == {"truncated": 1}
        else:
            assert refused(message, version) == {"wrong_tag": 1}, size


@pytest.mark.parametrize("kind", [EXCEEDED[4], PORT_UNREACHABLE[4], (3, 1)])
def test_the_checksum_speaks_for_the_tag_of_a_short_udp_quote(kind: tuple[int, int]) -> None:
    """A UDP quote without payload needs the checksum of our probe, which covers the tag."""
    probe = known(Method.UDP, 4)
    quote = as_quoted(probe.data)[:28]
    assert answer(error(4, kind, quote), 4).token == probe.token
    for padding in (b"", bytes(100)):
        for checksum in (0, 1, 0xFFFF):
            forged = quote[:26] + checksum.to_bytes(2, "big") + padding
            assert refused(error(4, kind, forged), 4) == {"wrong_tag": 1}


def test_a_nat_that_keeps_its_checksum_is_known_by_the_quotes_that_prove_themselves() -> None:
    """By as much as a tagged quote's checksum was shifted, one without tag may be, on any flow."""
    sea = Sea(Dice(5))
    one, other = [
        k for k in sea.known.values() if (k.method, k.version) == (Method.UDP, 4)
    ][:2]  # fmt: skip

    def heard(probe: Known, shift: int, size: int) -> bool:
        said = int.from_bytes(probe.data[26:28], "big")
        quote = bytearray(as_quoted(probe.data)[:size])
        quote[26:28] = ((said + shift) % 0xFFFF).to_bytes(2, "big")
        message = error(4, EXCEEDED[4], bytes(quote))
        return sea.matching.hear(4, 1, message, 0, "192.0.2.1", 61, None, 9) is not None

    assert [heard(one, 300, 28), heard(one, 300, 68), heard(one, 300, 28)] == [False, True, True]
    assert [heard(other, 300, 28), heard(other, 301, 28)] == [True, False]
    for shift in range(1000, 1008):
        assert heard(one, shift, 68)
    assert not heard(other, 300, 28)


def test_a_nat_whose_source_and_checksum_both_stand_in_short_quotes_proves_itself() -> None:
    """The one explains the other, as scapy computes it; another checksum is refused as before."""
    probe = known(Method.UDP, 4)
    translated = IP(as_quoted(probe.data))
    translated.src = "100.64.1.1"
    del translated.chksum, translated[UDP].chksum
    quote = bytes(translated)[:28]
    assert quote[26:28] != probe.data[26:28]
    assert answer(error(4, EXCEEDED[4], quote), 4).changed == ("source", "checksum")
    wrong = quote[:26] + bytes((quote[26], quote[27] ^ 1))
    assert refused(error(4, EXCEEDED[4], wrong), 4) == {"wrong_tag": 1}


@pytest.mark.parametrize("at", [16, 19, 23])
def test_a_short_udp_quote_of_another_flow_is_no_answer(at: int) -> None:
    """Destination and ports of a quote without payload must be those of the probe."""
    quote = bytearray(as_quoted(known(Method.UDP, 4).data)[:28])
    quote[at] ^= 1
    assert refused(error(4, EXCEEDED[4], bytes(quote)), 4) == {"unexpected": 1}


def test_no_answer_comes_over_the_other_ip_version() -> None:
    """Token and tag of an IPv4 probe in an ICMPv6 error are no answer, and the other way round."""
    for version, other in ((4, 6), (6, 4)):
        probe, strange = known(Method.TCP, version), bytearray(known(Method.TCP, other).data)
        at = HEADER[other] + 4
        strange[at : at + 4] = probe.data[HEADER[version] + 4 :][:4]
        assert refused(error(other, EXCEEDED[other], bytes(strange)), other) == {"unexpected": 1}


def test_a_tag_outweighs_what_was_rewritten() -> None:
    """Behind a NAT or a redirection the quote differs; the tag says that it is ours, and how."""
    quote = bytearray(as_quoted(known(Method.UDP, 4).data))
    quote[13] ^= 1
    quote[17] ^= 1
    quote[27] ^= 1
    found = answer(error(4, EXCEEDED[4], bytes(quote)), 4)
    assert found.changed == ("source", "destination", "checksum")


def test_our_own_complaint_is_no_hop() -> None:
    """That this machine finds no neighbour ends no path, and its address gets into no answer."""
    matching = Matching({4: 40404})
    made = matching.make(Probe("127.0.0.2", 3, 0, Method.UDP, 5), 0)
    data = made.template.probe(3, 5)
    matching.sent(5, made, data, 0, 0)
    message = error(4, (3, 1), data)
    assert matching.hear(4, 1, message, 0, "127.0.0.1", 64, None, 9) is None
    assert matching.discarded == {"own_address": 1}
    assert matching.hear(4, 1, message, 0, "127.0.0.9", 64, None, 9) is not None


@each_version
@each_method
def test_who_claims_to_be_us_is_no_hop(method: Method, version: int) -> None:
    """A router that answers from the probe's own source shows the line of a volunteer, and no hop.

    Kernels drop such packets of IPv4 and let those of IPv6 pass.
    """
    probe = known(method, version)
    source = probe.data[12:16] if version == 4 else probe.data[8:24]
    own = str(ipaddress.ip_address(source))
    before = SEA.matching.discarded.copy()
    message = error(version, EXCEEDED[version], as_quoted(probe.data))
    heard = SEA.matching.hear(version, ICMP_OF[version], message, 0, own, 61, None, 9)
    assert heard is None
    assert SEA.matching.discarded - before == {"own_address": 1}


# -- what probes are made of -----------------------------------------------------------------


def test_templates_are_made_anew_after_a_while() -> None:
    """Addresses change while a run goes on: what a probe is made of is kept two seconds."""
    matching = Matching({4: 40404})
    probe = Probe("127.0.0.1", 3, 0, Method.ICMP, 5)
    first = matching.make(probe, 1)
    assert matching.make(probe, 2_000_000_001) is first
    again = matching.make(probe, 2_000_000_002)
    assert again is not first
    assert again.template.tag == first.template.tag
    matching.renew()
    assert matching.make(probe, 2_000_000_003) is not again


def test_a_version_that_is_not_there_is_no_route() -> None:
    """Without IPv6 there is no probe over it."""
    with pytest.raises(NoRoute, match="no IPv6 to reach 2001:db8::1"):
        Matching({4: 40404}).make(Probe("2001:db8::1", 3, 0, Method.ICMP, 5), 0)
