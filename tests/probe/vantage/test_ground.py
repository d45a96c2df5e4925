"""Whether this machine still stands where it stood."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from probe.vantage.ground import LAPSE, Footing, LineEnd, without_way
from tests.lab.namespaces import requires_lab
from tests.probe.kernel import OnlyIPv4

HOME = LineEnd("192.168.1.10", ipaddress.ip_network("192.168.1.0/24"), "wlan0", 3)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (HOME, True),
        (replace(HOME, address="192.168.1.77"), True),
        (replace(HOME, carrier=5), False),
        (replace(HOME, device="wlan1"), False),
        (replace(HOME, network=ipaddress.ip_network("192.168.0.0/16")), False),
    ],
)
def test_only_an_unbroken_link_to_one_subnet_is_surely_one_place(
    other: LineEnd, same: bool
) -> None:
    """A new address there is a new lease; a link that went and came may be another's."""
    assert HOME.same_place(other) is same


def test_an_end_without_a_subnet_is_never_surely_the_same() -> None:
    """What the interfaces do not tell is a doubt."""
    lost = replace(HOME, network=None)
    assert not lost.same_place(lost)
    uncounted = replace(HOME, carrier=None)
    assert not uncounted.same_place(uncounted)


def test_a_pause_between_two_beats_is_a_lapse() -> None:
    """A second is none, a few are one, and it is counted once."""
    now = [100.0]
    footing = Footing(["127.0.0.1"], lambda: now[0])
    for _ in range(5):
        now[0] += 1.0
        footing.beat()
    assert footing.lapses() == 0
    now[0] += LAPSE + 1
    assert (footing.lapses(), footing.lapses()) == (1, 1)
    footing.close()
    footing.close()


def test_the_machine_has_an_end_towards_itself() -> None:
    """Loopback is a line as well: address, subnet, interface."""
    footing = Footing(["127.0.0.1"])
    end = footing.ends()[4]
    assert (end.address, end.network, end.device) == (
        "127.0.0.1",
        ipaddress.ip_network("127.0.0.0/8"),
        "lo",
    )
    footing.close()


def test_an_ip_version_that_the_kernel_lacks_has_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where Linux was started with ipv6.disable=1: that is no fault, and IPv4 has its end."""

    monkeypatch.setattr("probe.vantage.ground.socket.socket", OnlyIPv4)
    with closing(Footing(["127.0.0.1", "::1"])) as footing:
        assert footing.ends().keys() == {4}
    assert without_way(["127.0.0.1", "::1"]) == {6}


def test_where_the_kernel_can_say_nothing_more_the_ground_is_read_each_time() -> None:
    """A socket that fails for good is no reason to wait for what it will never say."""
    footing = Footing(["127.0.0.1"])
    before = footing.ends()
    footing.close()
    assert footing.ends() == before
    assert footing.ends() is not footing.ends()


# Run in a network namespace of its own: what the kernel tells of each change.
_CHANGES = """
import json, subprocess, sys
from probe.vantage.ground import Footing
def ip(line): subprocess.run(["ip", *line.split()], check=True)
def seen(): return {v: [e.address, e.device] for v, e in footing.ends().items()}
ip("link add dev east type veth peer name west")
ip("link set dev lo up"); ip("link set dev west up"); ip("link set dev east up")
footing = Footing(["198.51.100.1", "2001:db8::1"])
said = [seen()]
ip("addr add 192.0.2.7/24 dev east"); ip("route add default via 192.0.2.1")
said.append(seen())
before = footing.ends()[4]
ip("addr add 192.0.2.9/24 dev east"); ip("route replace default via 192.0.2.1 src 192.0.2.9")
said.append(seen() | {"same": before.same_place(footing.ends()[4])})
ip("link set dev east down")
said.append(seen())
ip("link set dev east up"); ip("route replace default via 192.0.2.1 src 192.0.2.9")
said.append(seen() | {"same": before.same_place(footing.ends()[4])})
ip("link add dev vpn0 type veth peer name far"); ip("addr add 10.8.0.2/24 dev vpn0")
ip("link set dev far up"); ip("link set dev vpn0 up")
ip("route add default dev vpn0 table 51820")
said.append(seen())
ip("rule add not fwmark 51820 table 51820")
said.append(seen())
ip("rule delete not fwmark 51820 table 51820")
said.append(seen())
print(json.dumps(said))
"""


@requires_lab
def test_every_change_is_seen() -> None:
    """Addresses that come and go, a link that is down, and one that was down in between.

    And a VPN that takes all packets by nothing but a rule, as wg-quick has it.
    """
    # Else /sys tells of the interfaces outside.
    inside = 'mount -t sysfs sysfs /sys && exec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "--net", "--mount", "/bin/sh", "-c", inside, sys.executable, _CHANGES],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    if done.stderr.startswith("unshare: "):
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        {},
        {"4": ["192.0.2.7", "east"]},
        {"4": ["192.0.2.9", "east"], "same": True},
        {},
        {"4": ["192.0.2.9", "east"], "same": False},
        {"4": ["192.0.2.9", "east"]},
        {"4": ["10.8.0.2", "vpn0"]},
        {"4": ["192.0.2.9", "east"]},
    ]


@pytest.mark.parametrize(
    ("ways", "lacking"), [({4, 6}, frozenset()), ({4}, frozenset({6})), (set(), frozenset())]
)
def test_an_ip_version_is_absent_only_where_another_has_a_way(
    monkeypatch: pytest.MonkeyPatch, ways: set[int], lacking: frozenset[int]
) -> None:
    """A machine without any network has lost its link, not an IP version."""
    monkeypatch.setattr(
        "probe.vantage.ground._end_towards",
        lambda address, version: LineEnd(address, None, None, None) if version in ways else None,
    )
    assert without_way(["192.0.2.1", "2001:db8::1", "198.51.100.1"]) == lacking


def test_one_address_without_a_route_is_no_ip_version_that_is_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another of the same version has a way, so the version is there."""
    monkeypatch.setattr(
        "probe.vantage.ground._end_towards",
        lambda address, version: (
            None if address == "2001:db8::1" else LineEnd(address, None, None, None)
        ),
    )
    assert without_way(["192.0.2.1", "2001:db8::2", "2001:db8::1"]) == frozenset()
