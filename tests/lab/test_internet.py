"""The lab's Internet: diverse by itself, through one network once the gateway is switched on."""

from __future__ import annotations

import fcntl
import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from tests.lab.internet import LOCK, internet
from tests.lab.namespaces import needs
from tests.lab.path import paths_seen
from tests.lab.topology import CAMBODIA, VERSIONS, read_topology

if TYPE_CHECKING:
    from tests.lab.internet import Internet
    from tests.lab.topology import Block

# For each vantage network and target: the keys of the networks and exchanges on the way, and the
# first interface abroad.
Ways = dict[tuple[str, str, int], tuple[list[str | None], str | None]]


def ways(net: Internet) -> Ways:
    """All volunteers' paths to all hosts, in both families, as names of networks."""
    topology = net.topology
    blocks: list[tuple[Block, str, bool]] = []
    for network in topology.networks.values():
        blocks += [(prefix, network.key, network.foreign) for prefix in network.prefixes]
    for exchange in topology.exchanges.values():
        blocks += [(lan, exchange.key, False) for lan in exchange.lan]
    hosts = {
        network.address(version): (network.key, version)
        for network in topology.networks.values()
        for version in VERSIONS
    }
    found: Ways = {}
    seen = paths_seen([volunteer.namespace for volunteer in net.volunteers], hosts)
    for volunteer in net.volunteers:
        for address, path in seen[volunteer.namespace.name].items():
            names: list[str | None] = []
            first_abroad = None
            for who, _ in path:
                ip = ipaddress.ip_address(who) if who else None
                name, foreign = next(
                    ((key, abroad) for block, key, abroad in blocks if ip and ip in block),
                    (None, False),
                )
                names.append(name)
                if foreign and first_abroad is None:
                    first_abroad = who
            assert path[-1][0] == address, f"{volunteer.network.key} to {address}: {path}"
            found[volunteer.network.key, *hosts[address]] = names, first_abroad
    return found


def test_the_topology_is_large_enough_to_judge_by() -> None:
    """Ten domestic networks and four foreign ones at least; volunteers in eight of the others."""
    topology = read_topology(CAMBODIA)
    volunteers = {network.key for network in topology.domestic if network.volunteer}
    assert len(topology.domestic) >= 10
    assert len(topology.foreign) >= 4
    assert len(volunteers - {topology.gateway.key}) >= 8
    assert {network.volunteer for network in topology.domestic} >= {"raw", "ping", "udp"}
    assert topology.gateway.asn == 17726


@pytest.mark.lab
@needs("bird")
@pytest.mark.xdist_group("lab-internet")
def test_the_gateway_is_switched_on_and_off_again() -> None:
    """Before, no network is on most ways; switched on, the gateway is on all; off, as before.

    Meanwhile no other Internet may be built.
    """
    with internet() as net:
        with LOCK.open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gateway = net.topology.gateway.key
        before = ways(net)
        net.switch_on()
        during = ways(net)
        net.switch_off()
        after = ways(net)
    foreign = {network.key for network in net.topology.foreign}

    for version in VERSIONS:
        abroad = {
            (here, there): way
            for (here, there, family), way in before.items()
            if family == version and there in foreign and here != gateway
        }
        carried = defaultdict(set)
        interfaces = defaultdict(set)
        for (here, _), (names, first_abroad) in abroad.items():
            for name in names:
                if name not in foreign and name != here:
                    carried[name].add(here)
            interfaces[first_abroad].add(here)
        # Two buy from a domestic network; nobody shares anything else on the way out.
        assert max(len(users) for users in carried.values()) == 1
        assert gateway not in carried
        assert len(interfaces) >= 10

    moved = [
        gateway in names
        for (here, there, _), (names, _) in during.items()
        if len({here, there, gateway}) == 3
    ]
    assert sum(moved) >= 0.95 * len(moved)
    assert {key: names for key, (names, _) in after.items()} == {
        key: names for key, (names, _) in before.items()
    }
