"""The kernel's own filter, attached to a local socket: what it lets through, and what not."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from probe.network import Method, packet
from probe.network.bpf import attach, icmp_program, tcp_program
from probe.network.packet import CONTACT, Marker, Template, tcp_port
from scripts.fuzz import ICMP_OF, PORT, Dice, Sea, hear

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = Marker(key=b"ours", udp_port=40404)
THEIRS = Marker(key=b"theirs", udp_port=40405)
OUTER = bytes((0x45,)) + bytes(19)  # only the header's length matters to the filter
OUTER_WITH_OPTIONS = bytes((0x47,)) + bytes(27)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A pair of sockets; the second is to be filtered."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    far.setblocking(False)
    with near, far:
        yield near, far


def passes(ends: tuple[socket.socket, socket.socket], whole: bytes) -> bool:
    """Whether the filter lets this packet through, whole."""
    near, far = ends
    near.send(whole)
    try:
        return far.recv(4096) == whole
    except BlockingIOError:
        return False


def quoted(version: int, method: Method, marker: Marker) -> bytes:
    size = 4 if version == 4 else 16
    return Template(method, bytes(size), bytes(size), 2, marker).probe(1, 99)


@pytest.mark.parametrize("outer", [OUTER, OUTER_WITH_OPTIONS])
@pytest.mark.parametrize("method", list(Method))
def test_icmp_errors_pass_when_they_quote_our_probe(
    ends: tuple[socket.socket, socket.socket], method: Method, outer: bytes
) -> None:
    """Unreachables and Time Exceeded about us pass, even from senders that use IP options."""
    attach(ends[1], icmp_program(4, OURS.udp_port))
    for icmp_type in (3, 11):
        assert passes(ends, outer + bytes((icmp_type,)) + bytes(7) + quoted(4, method, OURS))
    assert not passes(ends, outer + bytes((5,)) + bytes(7) + quoted(4, method, OURS))


@pytest.mark.parametrize("method", list(Method))
def test_icmpv6_errors_pass_when_they_quote_our_probe(
    ends: tuple[socket.socket, socket.socket], method: Method
) -> None:
    """The same in IPv6, where the socket does not show the outer header."""
    attach(ends[1], icmp_program(6, OURS.udp_port))
    for icmp_type in (1, 3, 4):
        assert passes(ends, bytes((icmp_type,)) + bytes(7) + quoted(6, method, OURS))
    for icmp_type in (2, 128, 134, 135):
        assert not passes(ends, bytes((icmp_type,)) + bytes(7) + quoted(6, method, OURS))


@pytest.mark.parametrize("kind", [0, 43, 44, 60])
def test_quotes_with_extension_headers_pass(
    ends: tuple[socket.socket, socket.socket], kind: int
) -> None:
    """What was put in on the way moves what is looked at: the parser judges."""
    attach(ends[1], icmp_program(6, OURS.udp_port))
    probe = quoted(6, Method.ICMP, OURS)
    moved = probe[:6] + bytes((kind,)) + probe[7:40] + probe[6:7] + bytes(7) + probe[40:]
    assert passes(ends, bytes((3,)) + bytes(7) + moved)


def test_errors_about_other_programs_stay_out(ends: tuple[socket.socket, socket.socket]) -> None:
    """An error that quotes another program's packet never reaches us, nor does a stub."""
    attach(ends[1], icmp_program(4, OURS.udp_port))
    head = OUTER + bytes((11,)) + bytes(7)
    theirs = quoted(4, Method.UDP, THEIRS).replace(CONTACT, b"query")
    pings = quoted(4, Method.ICMP, THEIRS)
    assert not passes(ends, head + theirs)
    assert not passes(ends, (head + theirs)[:30])
    assert not passes(ends, head + pings[:32] + b"abcdefghijklmnop")
    assert not passes(ends, head + pings[:27])


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("method", list(Method))
def test_quotes_that_a_nat_left_translated_pass(
    ends: tuple[socket.socket, socket.socket], version: int, method: Method
) -> None:
    """Its own source port or identifier stands there, and what else we are known by."""
    attach(ends[1], icmp_program(version, OURS.udp_port))
    outer, icmp_type, head = (OUTER, 11, 20) if version == 4 else (b"", 3, 40)
    probe = quoted(version, method, OURS)
    at = head + (4 if method is Method.ICMP else 0)
    probe = probe[:at] + b"\x30\x39" + probe[at + 2 :]
    assert passes(ends, outer + bytes((icmp_type,)) + bytes(7) + probe)


@pytest.mark.parametrize(("version", "head"), [(4, 28), (6, 48)])
def test_quotes_too_short_to_say_whose_they_are_pass(
    ends: tuple[socket.socket, socket.socket], version: int, head: int
) -> None:
    """Eight bytes of an echo request, bare or padded with zeros, are for the parser to judge."""
    attach(ends[1], icmp_program(version, OURS.udp_port))
    outer, icmp_type = (OUTER, 11) if version == 4 else (b"", 3)
    short = outer + bytes((icmp_type,)) + bytes(7) + quoted(version, Method.ICMP, OURS)[:head]
    assert passes(ends, short)
    assert passes(ends, short.ljust(200, b"\0"))


@pytest.mark.parametrize(("version", "outer", "reply"), [(4, OUTER, 0), (6, b"", 129)])
def test_echo_replies_pass_by_what_they_repeat(
    ends: tuple[socket.socket, socket.socket], version: int, outer: bytes, reply: int
) -> None:
    """Only replies to such echo requests pass: another ping on the machine stays out."""
    attach(ends[1], icmp_program(version, OURS.udp_port))
    ours = quoted(version, Method.ICMP, OURS)[20 if version == 4 else 40 :]
    assert passes(ends, outer + bytes((reply,)) + ours[1:])
    assert not passes(ends, outer + bytes((reply,)) + ours[1:12] + b"abcdefghijklmnopqrstuvwxyz")
    assert not passes(ends, outer + bytes((reply,)) + ours[1:8])


@pytest.mark.parametrize(("version", "outer"), [(4, OUTER), (6, b"")])
def test_only_answers_to_syn_probes_pass(
    ends: tuple[socket.socket, socket.socket], version: int, outer: bytes
) -> None:
    """SYN-ACK and RST to our ports pass; data, and segments of ordinary connections, do not."""
    attach(ends[1], tcp_program(version))
    ours = tcp_port(0, Method.TCP)
    for port, flags, expected in (
        (ours, 0x12, True),
        (ours, 0x14, True),
        (ours, 0x04, True),
        (ours, 0x10, False),
        (ours, 0x18, False),
        (ours, 0x02, False),
        (45000, 0x12, False),
        (45000, 0x14, False),
    ):
        segment = bytes((1, 187)) + port.to_bytes(2, "big") + bytes(9) + bytes((flags,)) + bytes(6)
        assert passes(ends, outer + segment) is expected


@pytest.mark.parametrize("version", [4, 6])
def test_nothing_that_is_an_answer_is_kept_out(
    ends: tuple[socket.socket, socket.socket], version: int
) -> None:
    """Whatever the parser takes for an answer, at whatever length and in whatever style, passes."""
    sea = Sea(Dice(7))
    programs = {
        packet.PROTOCOL_TCP: tcp_program(version),
        ICMP_OF[version]: icmp_program(version, PORT),
    }
    passed = 0
    for protocol, program in programs.items():
        attach(ends[1], program)
        for reply in sea.replies:
            if (reply.version, reply.protocol) == (version, protocol) and hear(sea, reply):
                assert passes(ends, reply.data), reply.data.hex()
                passed += 1
    assert passed > 300
