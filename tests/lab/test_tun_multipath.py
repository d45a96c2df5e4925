"""The networks in ``tests/scenarios-multipath`` with real packets, many flows to a target."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import trio

from probe.engine.multipath import Enumeration, MultipathLimits
from probe.graph import Graph
from probe.network import Method, Network
from probe.network.errqueue import open_errqueue
from probe.network.raw import open_raw
from tests.harness.enumerating import SCENARIOS, drive, links_of, nodes_of, stated_links
from tests.lab.namespaces import requires_lab
from tests.lab.tun import Internet, allow_ping_sockets, enter_own_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-tun")]

WAYS: dict[str, tuple[Callable[[], Network], Method]] = {
    "raw udp": (open_raw, Method.UDP),
    "raw tcp": (open_raw, Method.TCP),
    "errqueue icmp": (open_errqueue, Method.ICMP),
}
AT_ONCE = 24

# Seconds between two probes: 250 a second, so that a busy machine keeps up.
INTERVAL = 0.004


async def _explore(expected: dict[str, Any], text: str, way: str) -> Graph:
    opening, method = WAYS[way]
    internet, network = Internet(text), opening()
    first = expected.get("first", 1)
    last = expected.get("last", len(expected["nodes"]) + first - 1)
    path = Enumeration(MultipathLimits(), first, last, expected.get("flow", 0))
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(internet.serve)
            await drive(network, path, expected["target"], INTERVAL, method)
            nursery.cancel_scope.cancel()
        return path.graph()
    finally:
        network.close()
        internet.close()


def explored(name: str, way: str) -> list[Graph]:
    """What an enumeration finds of each target of a scenario."""
    graphs = []
    for expected in tomllib.loads(SCENARIOS[name])["trace"]:
        enter_own_network()
        allow_ping_sockets()
        graphs.append(trio.run(_explore, expected, SCENARIOS[name], way))
    return graphs


@pytest.fixture(scope="module")
def found() -> Iterator[Mapping[tuple[str, str], list[Graph]]]:
    """All networks explored, by way of probing and name."""
    keys = [(way, name) for name in SCENARIOS for way in WAYS]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        graphs = threads.map(lambda key: explored(key[1], key[0]), keys)
        yield dict(zip(keys, graphs, strict=True))


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("way", WAYS)
def test_real_packets_find_the_same_nodes_and_links(
    found: Mapping[tuple[str, str], list[Graph]], way: str, name: str
) -> None:
    """A file's nodes and links are found by each kind of probe, and none else."""
    for expected, graph in zip(
        tomllib.loads(SCENARIOS[name])["trace"], found[way, name], strict=True
    ):
        assert nodes_of(graph) == [sorted(level) for level in expected["nodes"]]
        assert links_of(graph) == stated_links(expected.get("first", 1), expected["links"])
        spread = [level.ttl for level in graph.levels if level.per_packet]
        assert spread == expected.get("per_packet", [])
