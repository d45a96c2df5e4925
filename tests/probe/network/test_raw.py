"""Raw sockets over loopback; the lab has the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import trio
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6

from probe.network import Answer, Capability, Kind, Method, NoRoute, NotPermitted, Probe
from probe.network.raw import Raw, open_raw
from tests.harness.own_network import own_loopback

# Where there is but one loopback for all (see `alone`), its tests come one after the other.
pytestmark = pytest.mark.xdist_group("loopback")

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """A raw socket hears whatever is answered to any program of the machine, also to other tests.

    It is counted as discarded, and would end a wait for what was sent here.
    """
    with own_loopback():
        yield


def opened() -> Raw:
    try:
        return open_raw()
    except NotPermitted as denied:
        pytest.skip(str(denied))


async def collect(network: Raw, count: int) -> list[Answer]:
    found: list[Answer] = []
    with trio.fail_after(5):
        while len(found) < count:
            await network.wait()
            found += network.drain()
    return found


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("method", list(Method))
async def test_loopback_is_the_destination(method: Method, version: int) -> None:
    """Echo reply, port unreachable and RST all say that the destination was reached."""
    with closing(opened()) as network:
        tokens = [1, 2, 255, 256, 65534, 65535]
        for token in tokens:
            network.send(Probe(LOOPBACK[version], 5, 2, method, token))
        found = await collect(network, len(tokens))
        assert [answer.token for answer in found] == tokens
        for answer in found:
            assert (answer.kind, answer.err) == (Kind.DESTINATION, None)
            assert (answer.address, answer.ttl) == (LOOPBACK[version], 64)
            assert answer.quoted_ttl == (5 if method is Method.UDP else None)
            assert answer.quoted_tos == (0 if method is Method.UDP else None)
            assert answer.changed == ()
            assert 0 < answer.rtt < 1
        assert network.discarded() == {}


async def test_two_programs_do_not_hear_each_other() -> None:
    """What answers one program's probes reaches that one alone, though both read all ICMP."""
    with closing(opened()) as one, closing(opened()) as other:
        for method in Method:
            one.send(Probe("127.0.0.1", 1, 0, method, 1 + list(Method).index(method)))
        assert len(await collect(one, len(Method))) == len(Method)
        assert other.drain() == []
        assert set(other.discarded()) <= {"foreign", "unexpected"}


async def test_an_answer_with_another_tag_is_refused_and_counted() -> None:
    """Two programs with the same token under way: each takes what has its own tag."""
    with closing(opened()) as one, closing(opened()) as other:
        for network in (one, other):
            for method in (Method.ICMP, Method.TCP, Method.ACK):
                network.send(Probe("127.0.0.1", 1, 0, method, 1 + list(Method).index(method)))
        assert len(await collect(one, 3)) == 3
        assert len(await collect(other, 3)) == 3
        assert one.discarded() == other.discarded() == {"wrong_tag": 3}


async def test_a_probe_given_up_is_not_answered() -> None:
    """What comes for a forgotten token is counted, not reported."""
    with closing(opened()) as network:
        network.send(Probe("127.0.0.1", 1, 0, Method.ICMP, 9))
        network.forget(9)
        network.forget(9)
        await network.wait()
        assert network.drain() == []
        assert network.discarded() == {"unexpected": 1}


async def test_every_answer_to_a_token_is_reported_until_it_is_forgotten() -> None:
    """A second answer comes through like the first: what it means is for the session to judge."""
    with closing(opened()) as network:
        for _ in range(2):
            network.send(Probe("127.0.0.1", 1, 0, Method.ICMP, 9))
        assert [answer.token for answer in await collect(network, 2)] == [9, 9]
        assert network.discarded() == {}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("method", list(Method))
async def test_raw_packets_are_shown_whole(method: Method, version: int) -> None:
    """Probe and answer with IP header, checksums that hold, and times in the order of the wire."""
    shown: list[tuple[bytes, int]] = []
    opened().close()  # skips where it is denied
    before = time.time_ns()
    with closing(open_raw(lambda data, at: shown.append((data, at)))) as network:
        network.send(Probe(LOOPBACK[version], 5, 2, method, 7))
        await collect(network, 1)
        network.forget(7)
        network.send(Probe(LOOPBACK[version], 5, 2, method, 7))
        network.forget(7)
        await network.wait()
        assert network.drain() == []
    assert len(shown) == 4  # that of the forgotten probe was refused, and is evidence, too
    assert before <= shown[0][1] <= shown[1][1] <= shown[2][1] <= shown[3][1] <= time.time_ns()
    kind = IP if version == 4 else IPv6
    for data, _ in shown:
        parsed = kind(data)
        again = kind(data)
        for layer in (again, again.payload):
            for field in ("chksum", "cksum", "len", "plen"):
                if field in layer.fields:
                    del layer.fields[field]
        assert bytes(kind(bytes(again))) == data, parsed.summary()
        assert (parsed.src, parsed.dst) == (LOOPBACK[version],) * 2
    protocols = [kind(data).fields["proto" if version == 4 else "nh"] for data, _ in shown]
    icmp = 1 if version == 4 else 58
    assert protocols == {Method.ICMP: [icmp] * 4, Method.UDP: [17, icmp] * 2}.get(method, [6] * 4)
    assert kind(shown[0][0]).fields["ttl" if version == 4 else "hlim"] == 5
    assert kind(shown[1][0]).fields["ttl" if version == 4 else "hlim"] == 64


def test_it_says_what_it_can_see() -> None:
    """Raw sockets see everything, with all methods; closing twice is safe."""
    network = opened()
    assert network.name == "raw"
    assert network.methods(4) == tuple(Method)
    assert network.sees(Method.TCP, 4) == frozenset(Capability)
    with pytest.raises(NoRoute, match="not an IP address"):
        network.send(Probe("example.org", 1, 0, Method.UDP, 1))
    network.close()
    network.close()
