"""``gatewatch trace --json`` where networks are as they are: NAT, MPLS, IPv6, TCP, no rights."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from probe.record import Trace, from_line
from tests.lab.namespaces import Chain, Fabric, Namespace, User, chain, requires_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-tun")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))

# Two routers in Cambodia, the second at the near end of a tunnel that the third leaves, abroad.
TUNNEL = """
[[path]]
to = "193.0.6.0/24"
hops = [
  { address = "36.37.129.2", rtt = 1 },
  { address = "36.37.130.2", rtt = 2, mpls = [24001, 16] },
  { address = "193.0.0.6", rtt = 30, mpls = 24002, declared = false },
]
end = { rtt = 31, answers = ["icmp", "tcp", "ack"] }

[[path]]
to = "2001:67c:2e8:22::/64"
hops = [
  { address = "2405:8380:0:1::2", rtt = 1 },
  { address = "2405:8380:0:2::2", rtt = 2, mpls = 24001 },
]
end = { rtt = 31 }
"""
HOST, HOST_6 = "193.0.6.139", "2001:67c:2e8:22::c100:68b"


@contextmanager
def tunnel() -> Iterator[Namespace]:
    """A machine in front of the network above."""
    with Fabric() as fabric:
        vantage = fabric.node("vantage", ping_sockets=True)
        fabric.build()
        text = fabric.file("tunnel.toml", TUNNEL)
        internet = vantage.start([sys.executable, "-m", "tests.lab.tun", text])
        assert internet.stdout is not None
        assert internet.stdout.readline() == "ready\n", internet.communicate()[1]
        yield vantage


@pytest.fixture(scope="module")
def behind_tunnel() -> Iterator[Namespace]:
    with tunnel() as vantage:
        yield vantage


@pytest.fixture(scope="module")
def home() -> Iterator[Chain]:
    """Behind a home router whose kernel translates addresses, ports and identifiers."""
    with chain(4, nat=True) as built:
        yield built


def traced(where: Namespace, *arguments: str, user: User = "root") -> Trace:
    """The one record that a trace prints."""
    done = where.run([GATEWATCH, "trace", "--json", "--multipath", "off", *arguments], user=user)
    (line,) = done.stdout.splitlines()
    return from_line(line)


def addresses(trace: Trace) -> tuple[str | None, ...]:
    return tuple(hop.replies[-1].address for hop in trace.hops)


def labels(trace: Trace) -> list[list[int]]:
    """The MPLS labels of each hop."""
    return [
        [
            entry["label"]
            for found in (hop.replies[-1].extensions or {"obj": ()})["obj"]
            for entry in found["mpls"]
        ]
        for hop in trace.hops
    ]


@pytest.mark.parametrize("method", ["icmp", "udp", "tcp", "ack"])
def test_trace_through_a_kernel_nat(home: Chain, method: str) -> None:
    """By every method each hop answers, although port, identifier and checksum were rewritten."""
    trace = traced(home.vantage, "--method", method, home.host[4])
    assert addresses(trace) == home.hops[4]
    assert (trace.stop, trace.probes) == ("destination", len(home.hops[4]) + 1)


def test_an_ack_trace_after_a_syn_trace_through_a_nat() -> None:
    """A NAT lets no ACK through for minutes where a SYN had no answer: ACKs have other ports."""
    with chain(4, nat=True) as fresh:
        cut_short = traced(fresh.vantage, "--method", "tcp", "--max-ttl", "3", fresh.host[4])
        assert addresses(cut_short) == fresh.hops[4][:3]
        trace = traced(fresh.vantage, "--method", "ack", fresh.host[4])
        assert addresses(trace) == fresh.hops[4]


@pytest.mark.parametrize("method", ["icmp", "udp"])
def test_trace_through_a_kernel_nat_without_privileges(home: Chain, method: str) -> None:
    """Ping and UDP sockets of nobody see the same hops."""
    trace = traced(home.vantage, "--method", method, home.host[4], user="nobody")
    assert addresses(trace) == home.hops[4]
    assert (trace.stop, trace.backend) == ("destination", "errqueue")


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_trace_through_an_mpls_labelled_answer(behind_tunnel: Namespace, user: User) -> None:
    """Labels are in the record, declared or not, with and without privileges."""
    trace = traced(behind_tunnel, HOST, user=user)
    assert addresses(trace) == ("36.37.129.2", "36.37.130.2", "193.0.0.6", HOST)
    assert labels(trace) == [[], [24001, 16], [24002], []]
    found = [reply.extensions for hop in trace.hops for reply in hop.replies if reply.extensions]
    assert [each["rfc4884"] for each in found] == [1, 0]
    assert trace.stop == "destination"


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_trace_over_ipv6(behind_tunnel: Namespace, user: User) -> None:
    """The same over IPv6."""
    trace = traced(behind_tunnel, HOST_6, user=user)
    assert addresses(trace) == ("2405:8380:0:1::2", "2405:8380:0:2::2", HOST_6)
    assert labels(trace) == [[], [24001], []]
    assert (trace.af, trace.stop) == (6, "destination")


@pytest.mark.parametrize("method", ["tcp", "ack"])
def test_trace_with_tcp(behind_tunnel: Namespace, method: str) -> None:
    """SYNs and ACKs, to a host that answers no UDP, over IPv4 and IPv6."""
    for host, count in ((HOST, 4), (HOST_6, 3)):
        trace = traced(behind_tunnel, "--method", method, host)
        assert len(addresses(trace)) == count
        assert addresses(trace)[-1] == host
        assert {reply.proto for hop in trace.hops for reply in hop.replies} == {None}
        assert (trace.proto, trace.stop) == ("TCP", "destination")


@pytest.mark.parametrize("method", ["icmp", "udp"])
def test_trace_without_privileges(behind_tunnel: Namespace, method: str) -> None:
    """Nobody sees the hops that root sees; what is out of sight is said, not guessed."""
    trace = traced(behind_tunnel, "--method", method, HOST, user="nobody")
    assert addresses(trace) == ("36.37.129.2", "36.37.130.2", "193.0.0.6", HOST)
    assert "quoted_ttl" not in trace.sees
    assert {reply.quoted_ttl for hop in trace.hops for reply in hop.replies} == {None}
