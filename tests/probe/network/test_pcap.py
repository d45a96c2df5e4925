"""The backend of libpcap without a wire; the lab has the rest."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scapy.arch.common import compile_filter, free_filter
from scapy.layers.inet import ICMP, IP, TCP, UDP

from probe.network import Answer, Kind, Method, Probe
from probe.network.pcap import Pcap, filter_expression, open_pcap

HERE = "127.0.0.1"
ROUTER = "192.0.2.1"

# Seconds by which the clock of captures is ahead of the system's.
AHEAD = 3600


class Wire:
    """Stands for the links: keeps what is sent, and lets the backend hear what a test says."""

    def __init__(self, expression: str, heard: Callable[[int, bytes], None]) -> None:
        self.hear = heard
        self.sent: list[bytes] = []
        wires.append(self)

    def send(self, data: bytes, version: int, source: str, target: str) -> None:
        self.sent.append(data)

    def close(self) -> None:
        pass


wires: list[Wire] = []


shown: list[tuple[bytes, int]] = []


@pytest.fixture
def short_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three packets may wait; how many is settled when the backend is opened."""
    monkeypatch.setattr("probe.network.pcap._QUEUE", 3)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pcap]:
    monkeypatch.setattr("probe.network.pcap.Interfaces", Wire)
    wires.clear()
    shown.clear()
    with closing(open_pcap(lambda data, at: shown.append((data, at)))) as opened:
        yield opened


def captured(seconds: float) -> int:
    """A time of the captures' clock, so many seconds from now."""
    return time.time_ns() + int((AHEAD + seconds) * 1e9)


def exceeded(probe: bytes, source: str = ROUTER) -> bytes:
    """The Time Exceeded that a router sends for a probe."""
    quote = IP(probe)
    return bytes(IP(src=source, dst=quote.src) / ICMP(type=11) / probe)


def send(network: Pcap, token: int = 7, method: Method = Method.ICMP) -> bytes:
    network.send(Probe(HERE, 3, 1, method, token))
    return wires[0].sent[-1]


def test_both_ends_of_a_round_trip_are_of_the_captures_clock(network: Pcap) -> None:
    """The clock of captures may be another than the system's; the difference is right all the same.

    Both are heard 0.2 s after it happened, so a time of the system's would be too long by that.
    """
    probe = send(network)
    left = captured(-0.0005)
    wires[0].hear(left, probe)
    wires[0].hear(left + 300_000, exceeded(probe))
    (answer,) = network.drain()
    assert answer == Answer(
        7, ROUTER, Kind.TIME_EXCEEDED, answer.rtt, 64, 8 + len(probe), 3, quoted_tos=0
    )
    assert answer.rtt == pytest.approx(0.0003)
    assert network.discarded() == {}


def test_a_probe_that_was_not_heard_leaving_is_timed_by_the_system(network: Pcap) -> None:
    """Captures may drop packets: then the monotonic clock says how long it took at most."""
    probe = send(network)
    wires[0].hear(captured(0), exceeded(probe))
    (answer,) = network.drain()
    assert 0 < answer.rtt < 1


def test_padding_of_short_frames_is_no_part_of_a_packet(network: Pcap) -> None:
    """Ethernet fills up to 60 bytes; the probe and its answer are known all the same."""
    probe = send(network, method=Method.TCP)
    wires[0].hear(captured(0), probe + bytes(2))
    wires[0].hear(captured(0.1), exceeded(probe) + bytes(6))
    (answer,) = network.drain()
    assert answer.size == 8 + len(probe)


def test_what_is_no_answer_is_counted_or_belongs_to_others(network: Pcap) -> None:
    """Broken packets and data are counted; other programs' pings and answers on the way out not."""
    probe = send(network)
    port = packet_port(send(network, token=8, method=Method.UDP))
    for heard in (
        b"",
        probe[:24],
        *(
            bytes(IP(src=ROUTER, dst=HERE) / ICMP(type=11) / probe[:size])
            for size in (0, 5, 20, 27)
        ),
        b"\x45" + bytes(60),
        bytes(IP(src=HERE, dst=ROUTER) / TCP(flags="R")),
        bytes(IP(src=ROUTER, dst=HERE) / ICMP(type=8)),
        bytes(IP(src=ROUTER, dst=HERE) / UDP(dport=port)),
        bytes(IP(src=ROUTER, dst=HERE) / ICMP(type=0) / bytes(44)),
        exceeded(probe[:30] + b"\xff\xff" + probe[32:]),  # there the tag stands
        exceeded((probe[:24] + b"\xff\xff" + probe[26:])[:28]),  # and in the ICMP identifier
    ):
        wires[0].hear(captured(0), heard)
    assert network.drain() == []
    assert network.discarded() == {"truncated": 7, "data": 1, "foreign": 1, "wrong_tag": 2}


def packet_port(probe: bytes) -> int:
    return int(IP(probe)[UDP].sport)


def test_a_forgotten_probe_is_not_answered(network: Pcap) -> None:
    """Neither by its leaving nor by an answer."""
    probe = send(network)
    network.forget(7)
    network.forget(7)
    wires[0].hear(captured(0), probe)
    wires[0].hear(captured(0), exceeded(probe))
    assert network.drain() == []
    assert network.discarded() == {"unexpected": 1}


def test_raw_packets_are_shown_once_each_with_the_captures_times(network: Pcap) -> None:
    """Probes as they left, and all that could have answered one; not what others sent."""
    probe, lost = send(network), send(network, token=8)
    refused = exceeded(probe[:24] + b"\xff\xff" + probe[26:])
    times = [captured(second) for second in range(5)]
    wires[0].hear(times[0], probe)
    wires[0].hear(times[1], exceeded(probe))
    wires[0].hear(times[2], refused)
    wires[0].hear(times[3], bytes(IP(src=ROUTER, dst=HERE) / ICMP(type=8)))
    wires[0].hear(times[4], bytes(IP(src=HERE, dst=ROUTER) / TCP(flags="R")))
    network.drain()
    assert shown == list(zip((probe, exceeded(probe), refused), times, strict=False))
    network.close()
    assert [data for data, _ in shown[3:]] == [lost]


@pytest.mark.usefixtures("short_queue")
def test_a_flood_is_counted_and_ends_somewhere(network: Pcap) -> None:
    """What does not fit into the queue is dropped, and the count says so."""
    probe = send(network)
    for _ in range(5):
        wires[0].hear(captured(0), exceeded(probe))
    assert len(network.drain()) == 3
    assert network.discarded() == {"overflow": 2}


async def test_waiting_ends_when_something_was_heard(network: Pcap) -> None:
    """Another thread hears; the one task wakes, once for all that is there by then."""
    probe = send(network)
    heard = wires[0].hear
    with trio.fail_after(5):
        for _ in range(2):
            await trio.to_thread.run_sync(heard, captured(0), exceeded(probe))
            await trio.to_thread.run_sync(heard, captured(0), exceeded(probe))
            await network.wait()
            assert len(network.drain()) == 2
    with trio.move_on_after(0.01) as scope:
        await network.wait()
    assert scope.cancelled_caught


@settings(suppress_health_check=list(HealthCheck))
@example(heard=b"A\x12\xe4", cut=30, at=30)
@given(heard=st.binary(max_size=200), cut=st.integers(0, 200), at=st.integers(0, 99))
def test_nothing_that_is_heard_can_harm(network: Pcap, heard: bytes, cut: int, at: int) -> None:
    """Any bytes, and answers with any bytes in their middle: no exception."""
    answer = exceeded(send(network))
    whole = answer[:2] + bytes([0, cut]) + answer[4:cut]
    for data in (heard, answer[:cut], whole, answer[:at] + heard + answer[at + len(heard) :]):
        wires[0].hear(captured(0), data)
    network.drain()


@pytest.mark.parametrize("link_type", [1, 0, 12])
def test_libpcap_understands_the_filter(link_type: int) -> None:
    """On Ethernet, on a tunnel of macOS and on a bare one."""
    try:
        free_filter(compile_filter(filter_expression([40404, 40405]), linktype=link_type))
    except ImportError:
        pytest.skip("there is no libpcap here")


def test_it_holds_its_udp_ports(network: Pcap) -> None:
    """No other program can take the port that probes leave from, and closing twice is safe."""
    port = packet_port(send(network, method=Method.UDP))
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        pytest.raises(OSError, match="in use"),
    ):
        other.bind(("0.0.0.0", port))
    network.close()
    network.close()


def test_an_ip_version_whose_port_cannot_be_held_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where the system has its sockets but none of its addresses."""

    class Bare(socket.socket):
        def bind(self, address: Any) -> None:
            if self.family == socket.AF_INET6:
                raise OSError(errno.EADDRNOTAVAIL, "no such address")
            super().bind(address)

    monkeypatch.setattr("probe.network.pcap.Interfaces", Wire)
    monkeypatch.setattr("probe.network.pcap.socket.socket", Bare)
    with closing(open_pcap()) as opened:
        assert opened.methods(6) == ()
        assert opened.methods(4)
