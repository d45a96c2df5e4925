"""The networks in ``tests/scenarios`` with real packets: they measure the same as in memory."""

from __future__ import annotations

import functools
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
import trio
from scapy.config import conf
from trio.testing import MockClock

from probe.network import Capability, Network
from probe.network.errqueue import open_errqueue
from probe.network.incoming import Refusal
from probe.network.pcap import open_pcap
from probe.network.raw import open_raw
from probe.network.scenario import load
from tests.harness.playing import SCENARIOS, Played, play
from tests.lab import wild
from tests.lab.namespaces import requires_lab
from tests.lab.tun import Internet, allow_ping_sockets, enter_own_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-tun")]

OPENING: dict[str, Callable[[], Network]] = {
    "raw": open_raw,
    "errqueue": open_errqueue,
    "pcap": open_pcap,
}

# What raw sockets' filter keeps out unsaid, libpcap's lets pass, to be refused and counted here.
STRANGERS = {"raw": set(), "errqueue": set(), "pcap": {Refusal.FOREIGN, Refusal.OTHER_TYPE}}

# Which of the networks thrown together by chance; first, since they take longest.
WILD = range(16)
NETWORKS = {f"wild {number}": wild.scenario(number) for number in WILD} | SCENARIOS

# All there is lies behind the device.
EVERYWHERE = """
[[path]]
to = "0.0.0.0/0"
end = { rtt = 1 }

[[path]]
to = "::/0"
end = { rtt = 1 }

[[trace]]
target = "203.0.113.7"
"""

# The second router answers from the source of the probes, the address of `tests.lab.tun`.
MIRROR = """
[[path]]
to = "2001:db8:7::/48"
hops = [
  { address = "2001:db8::1", rtt = 1 },
  { address = "2001:db8:9:8::1", rtt = 4 },
  { address = "2001:db8::3", rtt = 6 },
]
end = { rtt = 9 }

[[trace]]
target = "2001:db8:7::1"
method = ["icmp", "udp", "tcp", "ack"]
"""

# Nearly all of a scenario is waiting, so many are played side by side.
AT_ONCE = 32

# A program that wakes up later (seconds) than it asked for measures another network than it was
# given. What differs then is played again, and what took longer in any case: the machine may have
# been late where nobody looked.
PUNCTUAL = 0.01
TRIES = 5


class Outcome(NamedTuple):
    """What a network layer measured, what it threw away, and by how much the machine was late."""

    played: list[Played]
    discarded: dict[str, int]
    lag: float


async def _for_real(text: str, opening: Callable[[], Network]) -> Outcome:
    internet = Internet(text)
    network = opening()
    lag = 0.0

    async def watch() -> None:
        nonlocal lag
        while True:
            due = trio.current_time() + PUNCTUAL
            await trio.sleep_until(due)
            lag = max(lag, trio.current_time() - due)

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(internet.serve)
            nursery.start_soon(watch)
            played = await play(network, text)
            await internet.settled()
            await trio.sleep(PUNCTUAL)
            network.drain()
            nursery.cancel_scope.cancel()
        known = {
            reason: count
            for reason, count in network.discarded().items()
            if reason not in STRANGERS[network.name]
        }
        return Outcome(played, known, max(lag, internet.lag))
    finally:
        network.close()
        internet.close()


def for_real(text: str, opening: Callable[[], Network]) -> Outcome:
    """Play a scenario with real packets; again where it came out otherwise and the machine late."""
    expected = in_memory(text)
    for _ in range(TRIES):
        enter_own_network()
        allow_ping_sockets()
        outcome = trio.run(_for_real, text, opening)
        if not to_be_played_again(expected, outcome):
            break
    return outcome


def to_be_played_again(simulated: Outcome, real: Outcome) -> bool:
    """Whether it came out otherwise on a late machine, or in times that a punctual one has not."""
    late = real.lag >= PUNCTUAL and differences(simulated, real)
    return bool(late or untimely(simulated, real))


@functools.cache
def in_memory(text: str) -> Outcome:
    """Play a scenario on the simulated network."""

    async def main() -> Outcome:
        network = load(text).network()
        played = await play(network, text)
        await trio.sleep(60)
        network.drain()
        return Outcome(played, network.discarded(), 0.0)

    return trio.run(main, clock=MockClock(autojump_threshold=0.0))


def differences(simulated: Outcome, real: Outcome) -> list[str]:
    """In what the traces made with real packets are not those made in memory."""
    found: list[str] = []
    expected = {each.task: each for each in simulated.played}
    whole = False
    for each in real.played:
        other = expected[each.task]
        seen = each.sees & other.sees
        whole = Capability.QUOTE in seen
        ours, theirs = each.comparable(seen), other.comparable(seen)
        found += [
            f"{each.task.method} {key}: {ours[key]}, in memory {theirs[key]}"
            for key in ours
            if ours[key] != theirs[key]
        ]
    # Where a network layer does not see whole quotes, the kernel keeps strangers out unsaid.
    if whole and real.discarded != simulated.discarded:
        found.append(f"discarded: {real.discarded}, in memory {simulated.discarded}")
    return found


def untimely(simulated: Outcome, real: Outcome) -> list[str]:
    """Which answers took less time than in memory, or longer than the machine was late."""
    expected = {each.task: each.rtts() for each in simulated.played}
    allowed = 1000 * (real.lag + PUNCTUAL)
    return [
        f"{each.task.method} rtt at {place}: {rtt:.1f} ms, in memory {other[place]:.1f} ms"
        for each in real.played
        for other in (expected[each.task],)
        for place, rtt in each.rtts().items()
        if place in other and not other[place] - 2 <= rtt <= other[place] + allowed
    ]


@contextmanager
def one_table_for_all() -> Iterator[None]:
    """Fill scapy's tables of interfaces and routes once: threads share them, and one does for all.

    Whether there is a way to a target the kernel says before scapy is asked which it is.
    """
    tables = ((conf.ifaces, "reload"), (conf.route, "resync"), (conf.route6, "resync"))
    with ThreadPoolExecutor(1) as thread:
        thread.submit(for_real, EVERYWHERE, open_pcap).result()
    with pytest.MonkeyPatch.context() as patch:
        for table, renewal in tables:
            patch.setattr(table, renewal, lambda: None)
        yield
    for table, renewal in tables:
        getattr(table, renewal)()


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Mapping[tuple[str, str], Outcome]]:
    """All networks played, by backend and name."""
    keys = [(backend, name) for name in NETWORKS for backend in OPENING]
    with one_table_for_all(), ThreadPoolExecutor(AT_ONCE) as threads:
        made = threads.map(lambda key: for_real(NETWORKS[key[1]], OPENING[key[0]]), keys)
        found = dict(zip(keys, made, strict=True))
        # What the others at its side made late is played by itself.
        for backend, name in keys:
            if to_be_played_again(in_memory(NETWORKS[name]), found[backend, name]):
                alone = threads.submit(for_real, NETWORKS[name], OPENING[backend])
                found[backend, name] = alone.result()
        yield found


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("backend", OPENING)
def test_real_packets_give_the_same_trace(
    outcomes: Mapping[tuple[str, str], Outcome], backend: str, name: str
) -> None:
    """Hops, answers and all that is seen of them are those of the simulated network."""
    simulated, real = in_memory(NETWORKS[name]), outcomes[backend, name]
    assert differences(simulated, real) == []
    assert untimely(simulated, real) == []


def test_each_backend_plays_nearly_all(outcomes: Mapping[tuple[str, str], Outcome]) -> None:
    """Raw sockets and libpcap make every trace, the error queue all by ping and UDP."""
    for (backend, name), outcome in outcomes.items():
        made = {each.task for each in outcome.played}
        wanted = {each.task for each in in_memory(NETWORKS[name]).played}
        if backend == "errqueue":
            assert {task.method for task in made} <= {"icmp", "udp"}
            wanted = {task for task in wanted if task.method in {"icmp", "udp"}}
            if "needs" in NETWORKS[name]:
                continue
        assert made == wanted, (backend, name)


def without_forgers(text: str) -> str:
    """The same network, in which everybody is who they say."""
    return re.sub(r', forged = "[^"]+"', "", text)


@pytest.mark.parametrize("backend", OPENING)
def test_forged_time_exceeded_changes_no_hop_and_is_counted(
    outcomes: Mapping[tuple[str, str], Outcome], backend: str
) -> None:
    """With the right addresses and a wrong tag nothing gets into a trace, by any method."""
    honest, real = in_memory(without_forgers(NETWORKS["forged"])), outcomes[backend, "forged"]
    assert honest.discarded == {}
    assert differences(honest, real._replace(discarded={})) == []
    # A ping socket is not even told of what quotes another identifier than its own.
    forged = in_memory(NETWORKS["forged"]).discarded["wrong_tag"]
    assert real.discarded.keys() == {"wrong_tag"}
    assert 4 <= real.discarded["wrong_tag"] <= forged
    assert real.discarded["wrong_tag"] == forged or backend == "errqueue"


@pytest.mark.parametrize("backend", OPENING)
def test_a_router_that_claims_to_be_us_is_silent(backend: str) -> None:
    """The kernel lets our own address in as the source of an IPv6 answer; into no trace it gets."""

    def played() -> Outcome:
        enter_own_network()
        allow_ping_sockets()
        return trio.run(_for_real, MIRROR, OPENING[backend])

    with ThreadPoolExecutor(1) as thread:
        outcome = thread.submit(played).result()
    assert len(outcome.played) == (2 if backend == "errqueue" else 4)
    for each in outcome.played:
        seen = [{reply.address for reply in hop.replies} for hop in each.trace.hops]
        assert seen == [{"2001:db8::1"}, {None}, {"2001:db8::3"}, {"2001:db8:7::1"}]
    # From libpcap what has our own address is taken for what other programs sent.
    counted = 0 if backend == "pcap" else 2 * len(outcome.played)
    assert outcome.discarded.get("own_address", 0) == counted
