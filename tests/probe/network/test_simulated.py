from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from probe.network import Capability, Kind, Method, Network, NoRoute, Probe
from probe.network.simulated import ScenarioError, load

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
    assert network.sees(Method.UDP, 4) == {
        Capability.REPLY_TTL,
        Capability.QUOTED_TTL,
        Capability.KERNEL_TIME,
        Capability.PARIS,
    }
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
    assert network.discarded() == {"given up": 1}
    network.close()
    network.close()


async def test_a_flow_keeps_to_its_branch_and_all_flows_use_all(autojump_clock: MockClock) -> None:
    """The branch depends on flow and target alone; over many flows each branch gets its part."""
    scenario = load("""
        [[path]]
        to = "203.0.113.0/24"
        hops = [[
          [{ address = "192.0.2.1", rtt = 1 }],
          [{ address = "192.0.2.2", rtt = 1 }],
          [[[{ address = "192.0.2.3", rtt = 1 }], [{ address = "192.0.2.4", rtt = 1 }]]],
        ]]
        end = "dark"
    """)
    first = [scenario.way("203.0.113.7", flow) for flow in range(300)]
    again = [scenario.way("203.0.113.7", flow) for flow in range(300)]
    assert first == again
    addresses = [way.hops[0].address for way in first if way is not None]
    assert 60 < addresses.count("192.0.2.1") < 140
    assert 60 < addresses.count("192.0.2.2") < 140
    assert 25 < addresses.count("192.0.2.3") < 75
    assert 25 < addresses.count("192.0.2.4") < 75


FORK = """
[[path]]
to = "203.0.113.0/24"
hops = [{ branches = [
  [{ address = "192.0.2.1", rtt = 1 }],
  [{ address = "192.0.2.2", rtt = 1 }],
], weights = [3, 1] }]
end = "dark"
"""


def test_flows_are_spread_by_weight() -> None:
    """A branch of weight 3 gets three flows in four, each of them for good."""
    scenario = load(FORK)
    ways = [scenario.way("203.0.113.7", flow) for flow in range(400)]
    addresses = [way.hops[0].address for way in ways if way is not None]
    assert 270 < addresses.count("192.0.2.1") < 330
    assert ways == [scenario.way("203.0.113.7", flow) for flow in range(400)]


async def test_a_balancer_per_packet_sends_one_flow_both_ways(autojump_clock: MockClock) -> None:
    """Packets of one flow meet either router, the same ones when the network is played again."""
    scenario = load(FORK.replace("weights = [3, 1]", 'per = "packet"'))

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


async def test_the_longest_prefix_decides_and_none_is_no_route(autojump_clock: MockClock) -> None:
    """A target takes the path of the most specific prefix it lies in."""
    scenario = load("""
        [[path]]
        to = ["203.0.113.0/24", "198.51.100.0/24"]
        hops = [{ address = "192.0.2.1", rtt = 1 }]
        end = "dark"
        [[path]]
        to = "203.0.113.128/25"
        hops = [{ address = "192.0.2.2", rtt = 1 }]
        end = "dark"
        [[path]]
        to = "::/0"
        hops = [{ address = "2001:db8::1", rtt = 1 }]
        end = "dark"
    """)
    first_hops = {}
    for target in ("203.0.113.1", "198.51.100.1", "203.0.113.200", "2001:db8:7::1"):
        way = scenario.way(target, 0)
        assert way is not None
        first_hops[target] = way.hops[0].address
    assert first_hops == {
        "203.0.113.1": "192.0.2.1",
        "198.51.100.1": "192.0.2.1",
        "203.0.113.200": "192.0.2.2",
        "2001:db8:7::1": "2001:db8::1",
    }
    with pytest.raises(NoRoute, match=r"no route to 192\.0\.2\.77"):
        scenario.network().send(Probe("192.0.2.77", 1, 0, Method.ICMP, 0))


BROKEN = {
    "not TOML": "[[path",
    r"no \[\[path\]\]": "seed = 1",
    "unknown key 'sed'": "sed = 1\n" + CHAIN,
    "path 1: unknown key 'too'": CHAIN.replace("to =", "too ="),
    r"path 1: to is a prefix or a list of them": CHAIN.replace("203.0.113.0/24", "203.0.113.7/24"),
    "path 1: to names prefixes of one IP version": CHAIN.replace(
        '"203.0.113.0/24"', '["203.0.113.0/24", "::/0"]'
    ),
    "path 1, hop 2: not an address: 'router'": CHAIN.replace("192.0.2.2", "router"),
    "path 1, hop 1: 2001:db8::1 is not IPv4": CHAIN.replace("192.0.2.1", "2001:db8::1"),
    "path 1, hop 1: no rtt": CHAIN.replace(", rtt = 10", ""),
    "path 1, hop 1: rtt is milliseconds": CHAIN.replace("rtt = 10", "rtt = -1"),
    "path 1, hop 1: loss is a number": CHAIN.replace("rtt = 10", 'rtt = 10, loss = "much"'),
    "path 1, hop 1: unknown key 'los'": CHAIN.replace("rtt = 10", "rtt = 10, los = 1"),
    "path 1, hop 1: no address": CHAIN.replace('address = "192.0.2.1", ', ""),
    "path 1, hop 1: a hop is a table": CHAIN.replace('{ address = "192.0.2.1", rtt = 10 }', "1"),
    "path 1, hop 1: a load balancer without": CHAIN.replace(
        '{ address = "192.0.2.1", rtt = 10 }', "[]"
    ),
    "path 1, hop 1: unknown key 'weight'": FORK.replace("weights", "weight"),
    "path 1, hop 1: weights are 2 numbers": FORK.replace("[3, 1]", "[3]"),
    "path 1, hop 1: per is 'flow' or 'packet'": FORK.replace("weights = [3, 1]", 'per = "mood"'),
    "path 1: no end": CHAIN.replace("end = { rtt = 50 }", ""),
    "path 1, end: a table or 'dark'": CHAIN.replace("{ rtt = 50 }", '"bright"'),
    "path 1, end: unreachable needs the address": CHAIN.replace(
        "{ rtt = 50 }", '{ rtt = 50, unreachable = "H" }'
    ),
    "path 1, end: 'sctp' is not a valid Method": CHAIN.replace(
        "{ rtt = 50 }", '{ rtt = 50, answers = ["sctp"] }'
    ),
    "path 1, end: loop is how many of the 2 hops": CHAIN.replace("{ rtt = 50 }", "{ loop = 3 }"),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_scenario_that_cannot_be_played_is_refused_by_place(message: str, tmp_path: Path) -> None:
    """The error names the file, the path, the hop and what is wrong there."""
    file = tmp_path / "broken.toml"
    file.write_text(BROKEN[message])
    with pytest.raises(ScenarioError, match=rf"^broken\.toml.*{message}"):
        load(file)
