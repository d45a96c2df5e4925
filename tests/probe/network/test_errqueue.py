"""The error queue over loopback, and the answers that loopback cannot give, as the kernel would."""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import trio
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from probe.network import (
    Answer,
    Capability,
    Kind,
    Method,
    Network,
    NetworkError,
    NoRoute,
    Probe,
    packet,
)
from probe.network.addresses import FAMILY
from probe.network.errqueue import ErrorQueue, Opened, open_errqueue
from probe.network.linux import IP_RECVERR, IP_TTL, IPV6_RECVERR, MSG_ERRQUEUE

if TYPE_CHECKING:
    from collections.abc import Iterator

# All programs on a machine hear the answers of loopback, so one after the other.
pytestmark = pytest.mark.xdist_group("loopback")

LOOPBACK = {4: "127.0.0.1", 6: "::1"}

Message = tuple[bytes, list[tuple[int, int, bytes]], int, tuple[str, int]]


def udp(token: int, *, version: int = 4, ttl: int = 9, flow: int = 0) -> Probe:
    return Probe(LOOPBACK[version], ttl, flow, Method.UDP, token)


async def collect(network: Network, count: int) -> list[Answer]:
    found: list[Answer] = []
    with trio.fail_after(5):
        while len(found) < count:
            await network.wait()
            found += network.drain()
    return found


@pytest.fixture
def network() -> Iterator[ErrorQueue]:
    with closing(open_errqueue()) as opened:
        yield opened


@pytest.mark.parametrize("version", [4, 6])
async def test_a_closed_port_is_the_destination(network: ErrorQueue, version: int) -> None:
    """Port unreachable ends a UDP trace, with token, TTL, size and a time by the kernel."""
    network.send(udp(41, version=version))
    [answer] = await collect(network, 1)
    assert (answer.token, answer.address) == (41, LOOPBACK[version])
    assert (answer.kind, answer.err, answer.ttl) == (Kind.DESTINATION, None, 64)
    assert answer.size == 8 + network.probe_size(Method.UDP, version)
    assert 0 < answer.rtt < 1
    assert network.discarded() == {}


async def test_answers_that_arrive_while_sending_are_kept(network: ErrorQueue) -> None:
    """A pending error fails the next send; still all hundred go out and are answered, in order."""
    for token in range(100):
        network.send(udp(token, flow=token % 3))
    found = await collect(network, 100)
    assert [answer.token for answer in found] == list(range(100))


async def test_answers_read_in_passing_end_the_wait(network: ErrorQueue) -> None:
    """An answer that a send had to read out of the way still wakes whoever waits."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", packet.udp_port(7)))
        network.send(udp(1))
        network.send(udp(2, flow=7))  # swallowed by the socket: leaves the queue empty
        [answer] = await collect(network, 1)
        assert answer.token == 1


async def test_a_probe_given_up_is_not_answered(network: ErrorQueue) -> None:
    """What comes for a forgotten token is counted, not reported."""
    network.send(udp(1))
    network.forget(1)
    network.forget(1)
    await network.wait()
    assert network.drain() == []
    assert network.discarded() == {"unexpected": 1}


async def test_data_from_a_host_is_counted(network: ErrorQueue) -> None:
    """A host that sends data back tells no hop."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talkative:
        talkative.bind(("127.0.0.1", packet.udp_port(8)))
        network.send(udp(1, flow=8))
        _, sender = talkative.recvfrom(2048)
        talkative.sendto(b"hello", sender)
        await network.wait()
    assert network.drain() == []
    assert network.discarded() == {"data": 1}


def test_what_cannot_be_sent_says_so(network: ErrorQueue) -> None:
    """TCP, and what is no address, have no way through this backend."""
    with pytest.raises(NoRoute, match="tcp"):
        network.send(Probe("127.0.0.1", 1, 0, Method.TCP, 1))
    with pytest.raises(NoRoute, match="not an IP address"):
        network.send(Probe("example.org", 1, 0, Method.UDP, 1))


def test_it_says_what_it_can_see() -> None:
    """The quoted TTL is out of sight without privileges, and the record will say so."""
    network = open_errqueue((Method.UDP,))
    assert network.name == "errqueue"
    assert network.methods(4) == (Method.UDP,)
    assert Capability.QUOTED_TTL not in network.sees(Method.UDP, 4)
    assert Capability.PARIS in network.sees(Method.UDP, 4)
    network.close()
    network.close()


def test_tcp_alone_cannot_be_opened() -> None:
    """Asking for nothing that this backend has is an error in one sentence."""
    with pytest.raises(NetworkError, match="only icmp and udp"):
        open_errqueue((Method.TCP,))


class ScriptedSocket(socket.socket):
    """A UDP socket that sends nothing and finds in its error queue what a test put there."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_DGRAM)
        self.payloads: list[bytes] = []
        self.errors: list[Message] = []

    def sendmsg(self, buffers: tuple[bytes], *_: object) -> int:  # type: ignore[override]
        self.payloads.append(buffers[0])
        return len(buffers[0])

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0) -> Message:
        if flags == MSG_ERRQUEUE and self.errors:
            return self.errors.pop(0)
        raise BlockingIOError

    def exceeded(
        self, router: str, data: bytes, *, origin: int = 2, extensions: int = 0, flags: int = 0
    ) -> None:
        """Queue a Time Exceeded whose quote holds ``data`` behind the UDP header."""
        error = struct.pack("=IBBBBIHBB", 113, origin, 11, 0, 0, 0, extensions, flags, 0)
        offender = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(router))
        control = [
            (socket.IPPROTO_IP, IP_TTL, struct.pack("=i", 250)),
            (socket.IPPROTO_IP, IP_RECVERR, error + offender),
        ]
        self.errors.append((data, control, 0, ("127.0.0.1", packet.udp_port(0))))


@pytest.fixture
def scripted() -> Iterator[tuple[ErrorQueue, ScriptedSocket]]:
    kernel = ScriptedSocket()
    with closing(ErrorQueue([Opened(Method.UDP, 4, kernel)])) as opened:
        for token in (1, 2, 3):
            opened.send(udp(token, ttl=token))
        yield opened, kernel


def heard(network: ErrorQueue) -> list[tuple[int, str]]:
    return [(answer.token, answer.address) for answer in network.drain()]


def test_a_short_quote_waits_until_one_probe_is_left(
    scripted: tuple[ErrorQueue, ScriptedSocket],
) -> None:
    """A 28-byte quote names only the flow; it is matched when the others have been answered."""
    network, kernel = scripted
    kernel.exceeded("192.0.2.2", b"")
    kernel.exceeded("192.0.2.1", kernel.payloads[0])
    assert heard(network) == [(1, "192.0.2.1")]
    network.send(udp(4, ttl=4))  # later than the short answer: no candidate for it
    kernel.exceeded("192.0.2.3", kernel.payloads[2])
    assert heard(network) == [(3, "192.0.2.3"), (2, "192.0.2.2")]
    assert network.discarded() == {}


def test_a_short_quote_is_dropped_when_a_candidate_is_given_up(
    scripted: tuple[ErrorQueue, ScriptedSocket],
) -> None:
    """With two probes unanswered the answer could be either's: no hop is invented."""
    network, kernel = scripted
    kernel.exceeded("192.0.2.2", b"")
    kernel.exceeded("192.0.2.1", kernel.payloads[0])
    assert heard(network) == [(1, "192.0.2.1")]
    network.forget(3)
    assert heard(network) == []
    assert network.discarded() == {"ambiguous": 1}


def test_two_short_quotes_stay_unmatched(scripted: tuple[ErrorQueue, ScriptedSocket]) -> None:
    """Two routers that quote too little cannot be told apart, and are not."""
    network, kernel = scripted
    kernel.exceeded("192.0.2.1", b"")
    kernel.exceeded("192.0.2.2", b"")
    kernel.exceeded("192.0.2.3", kernel.payloads[2])
    assert heard(network) == [(3, "192.0.2.3")]
    network.forget(1)
    assert network.discarded() == {"ambiguous": 2}


def test_duplicates_are_reported_until_the_probe_is_forgotten(
    scripted: tuple[ErrorQueue, ScriptedSocket],
) -> None:
    """A second answer to a token comes through like the first, for the session to judge."""
    network, kernel = scripted
    for _ in range(2):
        kernel.exceeded("192.0.2.1", kernel.payloads[0])
    assert heard(network) == [(1, "192.0.2.1")] * 2
    network.forget(1)
    kernel.exceeded("192.0.2.1", kernel.payloads[0])
    assert heard(network) == []
    assert network.discarded() == {"unexpected": 1}


def test_a_lone_probe_needs_no_token(scripted: tuple[ErrorQueue, ScriptedSocket]) -> None:
    """One probe on its way in a flow is answered by any quote of that flow."""
    network, kernel = scripted
    network.forget(1)
    network.forget(3)
    kernel.exceeded("192.0.2.2", b"\0\0")
    assert heard(network) == [(2, "192.0.2.2")]
    kernel.exceeded("192.0.2.2", b"")
    assert heard(network) == []
    assert network.discarded() == {"unexpected": 1}


def test_a_short_quote_that_comes_twice_answers_no_other_probe(
    scripted: tuple[ErrorQueue, ScriptedSocket],
) -> None:
    """Links repeat packets: the second would be taken for the answer to the next probe."""
    network, kernel = scripted
    network.forget(1)
    network.forget(3)
    kernel.exceeded("192.0.2.2", b"")
    assert heard(network) == [(2, "192.0.2.2")]
    network.send(udp(4, ttl=4))
    kernel.exceeded("192.0.2.2", b"")
    assert heard(network) == []
    assert network.discarded() == {"ambiguous": 1}
    kernel.exceeded("192.0.2.4", b"")
    assert heard(network) == [(4, "192.0.2.4")]
    for token in (2, 4):
        network.forget(token)
    network.send(udp(5, ttl=2))  # a later trace of the same flow
    kernel.exceeded("192.0.2.2", b"")
    assert heard(network) == [(5, "192.0.2.2")]


def test_an_error_of_this_machine_is_no_hop(
    scripted: tuple[ErrorQueue, ScriptedSocket],
) -> None:
    """A local entry in the queue (such as message too long) is counted and nothing else."""
    network, kernel = scripted
    kernel.exceeded("127.0.0.1", kernel.payloads[0], origin=1)
    assert heard(network) == []
    assert network.discarded() == {"local_error": 1}


@pytest.mark.parametrize("declared", [True, False])
def test_labels_behind_the_quote_are_read(
    scripted: tuple[ErrorQueue, ScriptedSocket], declared: bool
) -> None:
    """MPLS labels are found where the kernel says, and 128 bytes into the quote where it cannot."""
    network, kernel = scripted
    body = struct.pack("!HBBI", 8, 1, 1, 24001 << 12 | 1 << 8 | 1)
    structure = struct.pack("!HH", 0x2000, packet.checksum(b"\x20\0\0\0" + body)) + body
    quote = kernel.payloads[0].ljust(100, b"\0")  # 128 without the IP and UDP headers
    kernel.exceeded("192.0.2.1", quote + structure, extensions=100 if declared else 0)
    [answer] = network.drain()
    assert answer.extensions == {
        "version": 2,
        "rfc4884": int(declared),
        "obj": [{"class": 1, "type": 1, "mpls": [{"label": 24001, "exp": 0, "s": 1, "ttl": 1}]}],
    }
    assert (answer.ttl, answer.size) == (250, 8 + 128 + len(structure))


def test_labels_before_a_damaged_object_are_read(
    scripted: tuple[ErrorQueue, ScriptedSocket],
) -> None:
    """The kernel calls the whole structure invalid; raw sockets read what stands before."""
    network, kernel = scripted
    body = struct.pack("!HBBI", 8, 1, 1, 24001 << 12 | 1 << 8 | 1) + bytes(4)
    structure = struct.pack("!HH", 0x2000, packet.checksum(b"\x20\0\0\0" + body)) + body
    quote = kernel.payloads[0].ljust(100, b"\0")
    kernel.exceeded("192.0.2.1", quote + structure, extensions=100, flags=1)
    kernel.exceeded("192.0.2.1", quote + b"\x20\0\1\1" + body, extensions=100, flags=1)
    first, second = network.drain()
    assert first.extensions is not None
    assert [len(found["mpls"]) for found in first.extensions["obj"]] == [1]
    assert second.extensions is None


def test_more_short_quotes_than_probes_are_dropped(
    scripted: tuple[ErrorQueue, ScriptedSocket],
) -> None:
    """However many come, no more are kept than there are probes that they may answer."""
    network, kernel = scripted
    for _ in range(1000):
        kernel.exceeded("192.0.2.1", b"")
    assert heard(network) == []
    assert network.discarded() == {"ambiguous": 997}


class ScriptedPing(socket.socket):
    """A ping socket that sends nothing; its error queue and its data hold what a test put there."""

    identifier = 4711

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(FAMILY[version], socket.SOCK_DGRAM)
        self.sent: list[bytes] = []
        self.errors: list[Message] = []
        self.replies: list[Message] = []

    def sendmsg(self, buffers: tuple[bytes], *_: object) -> int:  # type: ignore[override]
        """Fill in what the kernel does; scapy computes the checksum."""
        echo = buffers[0]
        message = echo[:4] + self.identifier.to_bytes(2, "big") + echo[6:]
        if self.version == 4:
            built = ICMP(message)
            del built.chksum
            self.sent.append(bytes(built))
        else:
            request = ICMPv6EchoRequest(message)
            del request.cksum
            self.sent.append(bytes(IPv6(src="::1", dst="::1") / request)[40:])
        return len(echo)

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0) -> Message:
        queue = self.errors if flags == MSG_ERRQUEUE else self.replies
        if queue:
            return queue.pop(0)
        raise BlockingIOError

    def exceeded(self, quote: bytes) -> None:
        kind, level, option = (11, socket.IPPROTO_IP, IP_RECVERR)
        offender = struct.pack("=HH4s8x", socket.AF_INET, 0, bytes((192, 0, 2, 1)))
        if self.version == 6:
            kind, level, option = (3, socket.IPPROTO_IPV6, IPV6_RECVERR)
            offender = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, bytes(15) + b"\x09", 0)
        origin = {4: 2, 6: 3}[self.version]
        error = struct.pack("=IBBBBIHBB", 113, origin, kind, 0, 0, 0, 0, 0, 0)
        self.errors.append(
            (quote, [(level, option, error + offender)], 0, (LOOPBACK[self.version], 0))
        )


@pytest.mark.parametrize("version", [4, 6])
def test_a_short_echo_quote_needs_the_checksum_of_the_probe(version: int) -> None:
    """Eight bytes of an echo request, padded or not, are believed with the right checksum only."""
    kernel = ScriptedPing(version)
    with closing(ErrorQueue([Opened(Method.ICMP, version, kernel)])) as network:
        network.send(Probe(LOOPBACK[version], 3, 5, Method.ICMP, 600))
        [sent] = kernel.sent
        for quote in (sent, sent[:8], sent[:12], sent[:8] + bytes(92)):
            kernel.exceeded(quote)
            assert [answer.token for answer in network.drain()] == [600]
        assert network.discarded() == {}
        for at in (3, 5):
            for size in (0, 92):
                forged = bytearray(sent[:8] + bytes(size))
                forged[at] ^= 1
                kernel.exceeded(bytes(forged))
        assert network.drain() == []
        assert network.discarded() == {"wrong_tag": 4}


def test_a_short_echo_quote_may_be_shifted_as_others_were() -> None:
    """A NAT that leaves its checksum in quotes shows by how much where they hold the tag."""
    kernel = ScriptedPing(4)
    with closing(ErrorQueue([Opened(Method.ICMP, 4, kernel)])) as network:
        network.send(Probe("127.0.0.1", 3, 5, Method.ICMP, 600))
        shifted = bytearray(kernel.sent[0])
        shifted[3] ^= 1
        answered = []
        for size in (8, len(shifted), 8):
            kernel.exceeded(bytes(shifted[:size]))
            answered.append(len(network.drain()))
        assert answered == [0, 1, 1]
        assert network.discarded() == {"wrong_tag": 1}


def test_an_echo_reply_without_our_words_is_refused() -> None:
    """A reply repeats the whole request; one that does not was not made from ours."""
    kernel = ScriptedPing(4)
    with closing(ErrorQueue([Opened(Method.ICMP, 4, kernel)])) as network:
        network.send(Probe("127.0.0.1", 3, 5, Method.ICMP, 600))
        [sent] = kernel.sent
        for reply in (sent, sent[:8], sent[:8] + bytes(42)):
            kernel.replies.append((b"\0" + reply[1:], [], 0, ("127.0.0.1", 0)))
        assert [answer.token for answer in network.drain()] == [600]
        assert network.discarded() == {"wrong_tag": 2}
