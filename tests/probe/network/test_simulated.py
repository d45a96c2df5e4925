from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from probe.network import Capability, Kind, Method, Network, Probe
from probe.network.scenario import load

if TYPE_CHECKING:
    from trio.testing import MockClock

CHAIN = """
[[path]]
to = "203.0.113.0/24"
hops = [{ address = "192.0.2.1", rtt = 10 }, { address = "192.0.2.2", rtt = 30 }]
end = { rtt = 50 }
"""


def probe(ttl: int, token: int = 0, method: Method = Method.ICMP, flow: int = 0) -> Probe:
    return Probe("203.0.113.7", ttl, flow, method, token)


async def test_an_answer_is_there_after_its_round_trip_and_not_before(
    autojump_clock: MockClock,
) -> None:
    """Answers come in order of arrival, each exactly one RTT after its probe."""
    network: Network = load(CHAIN).network()
    network.send(probe(2, token=7))
    network.send(probe(1, token=8))
    assert network.drain() == []
    await network.wait()
    assert trio.current_time() == pytest.approx(0.010)
    [first] = network.drain()
    assert (first.token, first.address, first.kind) == (8, "192.0.2.1", Kind.TIME_EXCEEDED)
    await network.wait()
    assert trio.current_time() == pytest.approx(0.030)
    [second] = network.drain()
    assert second.token == 7
    assert second.rtt == pytest.approx(0.030)


async def test_waiting_ends_earlier_when_an_earlier_answer_turns_up(
    autojump_clock: MockClock,
) -> None:
    """A probe sent by another task while one waits counts as well."""
    network = load(CHAIN).network()
    network.send(probe(9))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(network.wait)
        await trio.sleep(0.005)
        network.send(probe(1, token=1))
    assert trio.current_time() == pytest.approx(0.015)
    assert [answer.token for answer in network.drain()] == [1]


async def test_waiting_for_nothing_can_be_cancelled(autojump_clock: MockClock) -> None:
    """Where no answer is on its way, waiting lasts until somebody ends it."""
    with trio.move_on_after(60.0) as scope:
        await load(CHAIN).network().wait()
    assert scope.cancelled_caught


async def test_answers_carry_what_the_network_says_it_sees(autojump_clock: MockClock) -> None:
    """Reply TTL counts the hops back, the quoted TTL is what the router saw."""
    network = load(CHAIN).network()
    assert network.sees(Method.UDP, 4) == set(Capability)
    network.send(probe(2, token=1, method=Method.UDP))
    network.send(probe(9, token=2, method=Method.UDP))
    network.send(probe(9, token=3, method=Method.ICMP))
    await trio.sleep(1)
    router, refused, echoed = network.drain()
    assert (router.ttl, router.quoted_ttl) == (254, 1)
    assert (refused.kind, refused.ttl, refused.quoted_ttl) == (Kind.DESTINATION, 62, 7)
    assert (echoed.kind, echoed.ttl, echoed.quoted_ttl) == (Kind.DESTINATION, 62, None)


async def test_what_was_given_up_is_counted_and_not_delivered(autojump_clock: MockClock) -> None:
    """An answer to a forgotten probe is none, even when its token is in use again."""
    network = load(CHAIN).network()
    network.send(probe(2, token=1))
    network.forget(1)
    network.send(probe(1, token=1))
    await trio.sleep(1)
    assert [answer.address for answer in network.drain()] == ["192.0.2.1"]
    assert network.discarded() == {"unexpected": 1}
    network.close()
    network.close()


async def test_a_balancer_per_packet_sends_one_flow_both_ways(autojump_clock: MockClock) -> None:
    """Packets of one flow meet either router, the same ones when the network is played again."""
    scenario = load("""
        [[path]]
        to = "203.0.113.0/24"
        hops = [{ branches = [
          [{ address = "192.0.2.1", rtt = 1 }],
          [{ address = "192.0.2.2", rtt = 1 }],
        ], per = "packet" }]
        end = "dark"
    """)

    async def heard() -> list[str]:
        network = scenario.network()
        for token in range(200):
            network.send(probe(1, token=token))
        await trio.sleep(1)
        return [answer.address for answer in network.drain()]

    addresses = await heard()
    assert 70 < addresses.count("192.0.2.1") < 130
    assert addresses == await heard()


async def test_loss_is_as_likely_as_said_and_repeats_with_the_seed(
    autojump_clock: MockClock,
) -> None:
    """Of a thousand probes into 20% loss some two hundred get no answer, the same each time."""
    scenario = load(
        "seed = 4\n" + CHAIN.replace('"192.0.2.1", rtt = 10', '"192.0.2.1", rtt = 10, loss = 0.2')
    )

    async def heard() -> list[int]:
        network = scenario.network()
        for token in range(1000):
            network.send(probe(1, token=token))
        await trio.sleep(1)
        return [answer.token for answer in network.drain()]

    tokens = await heard()
    assert 750 < len(tokens) < 850
    assert tokens == await heard()


async def test_jitter_delays_and_never_hastens(autojump_clock: MockClock) -> None:
    """An answer takes its RTT and up to `jitter` milliseconds more."""
    network = load("jitter = 5\n" + CHAIN).network()
    for token in range(100):
        network.send(probe(1, token=token))
    await trio.sleep(1)
    rtts = [answer.rtt for answer in network.drain()]
    assert min(rtts) >= 0.010
    assert max(rtts) <= 0.015
    assert max(rtts) - min(rtts) > 0.003


async def test_a_rate_limited_router_answers_up_to_its_rate(autojump_clock: MockClock) -> None:
    """A bucket of ten, refilled at ten a second: ten at once, then one each 100 ms."""
    limited = CHAIN.replace('"192.0.2.1", rtt = 10', '"192.0.2.1", rtt = 10, per_second = 10')
    network = load(limited).network()
    for token in range(50):
        network.send(probe(1, token=token))
    for token in range(50, 100):
        await trio.sleep(0.05)
        network.send(probe(1, token=token))
    await trio.sleep(1)
    tokens = [answer.token for answer in network.drain()]
    assert tokens[:10] == list(range(10))
    assert 24 <= len(tokens) - 10 <= 26
