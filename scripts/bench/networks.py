"""The networks on which tracers are compared, each with its truth: a row, a tree, a diamond.

Built from real kernels by the lab of the tests. Near routers have addresses of a Cambodian
network, those farther on of a Dutch one, so that there is a border to be found. Every hop adds
`HOP_MS` of round trip. Packets are counted by the first router, not by those who send them.
This module knows no tool.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.bench.comparison import Missing
from scripts.bench.reflector import DEVICE
from scripts.bench.truth import Truth
from tests.lab.namespaces import Fabric, chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scripts.bench.comparison import Paths
    from tests.lab.namespaces import Namespace

_COUNTER = """
table inet bench {
  counter probes { }
  chain arriving {
    type filter hook prerouting priority -300;
    iifname "west" meta l4proto { icmp, udp, tcp } counter name probes
  }
}
"""

# A row of so many routers has one hop more, the host's.
ROUTERS = 11

HOP_MS = 2.0

# The host answers for all of these; what else is traced to ends at it unanswered.
ANSWERED = "198.18.0.0/22"

# What the reflector answers for.
REFLECTED = "198.18.0.0/16"

# How many each router of a level has behind it: 1, 2, 4, 20, 40 and 40 routers, then as many hosts.
FAN_OUT = (2, 2, 5, 2, 1, 1)
HOSTS = math.prod(FAN_OUT)

# So many routers of a row, and levels of the tree, are in the country: the border is mid-path.
ROW_DOMESTIC = 6
TREE_DOMESTIC = 3

# Drops five of a hundred probes on their way onward, and no answer.
LOSS = """
table inet loss {
  chain onward {
    type filter hook forward priority 0;
    iifname "west" numgen random mod 1000 < 50 drop
  }
}
"""


@dataclass(frozen=True)
class Network:
    """What stands: where tracers run, whom they trace to, in this order, and what is true.

    ``packets`` counts how many have come from the vantage point so far.
    """

    fabric: Fabric
    vantage: Namespace
    targets: Sequence[str]
    truth: Truth
    packets: Callable[[], int]


def counted_by(router: Namespace) -> Callable[[], int]:
    """Let a router count what comes to it by its interface ``west``."""
    router.run(["nft", "-f", "-"], stdin=_COUNTER)

    def packets() -> int:
        said = json.loads(router.run(["nft", "--json", "list", "counters"]).stdout)
        return sum(entry["counter"]["packets"] for entry in said["nftables"] if "counter" in entry)

    return packets


def addresses(count: int, dark: int) -> tuple[list[str], list[str]]:
    """So many addresses of which the last ``dark`` do not answer.

    >>> addresses(3, 1)
    (['198.18.0.1', '198.18.0.2'], ['198.19.0.1'])
    """
    return (
        [f"198.18.{number // 250}.{number % 250 + 1}" for number in range(count - dark)],
        [f"198.19.{number // 250}.{number % 250 + 1}" for number in range(dark)],
    )


def mixed(answering: Sequence[str], dark: Sequence[str]) -> list[str]:
    """Dark ones between the others, as evenly as they go.

    >>> mixed(["a", "b", "c"], ["x", "y"])
    ['a', 'x', 'b', 'y', 'c']
    """
    at = sorted(
        [((nth + 0.5) / len(answering), target) for nth, target in enumerate(answering)]
        + [((nth + 0.5) / len(dark), target) for nth, target in enumerate(dark)]
    )
    return [target for _, target in at]


@contextmanager
def row(
    *,
    count: int = 1,
    silent: Sequence[int] = (),
    dark: int = 0,
    lossy: bool = False,
    domestic: int = ROW_DOMESTIC,
) -> Iterator[Network]:
    """A row of `ROUTERS` routers: ``silent`` hops do not answer, the middle one may lose probes."""
    with chain(
        ROUTERS, silent=silent, local=(ANSWERED,), hop_ms=HOP_MS, domestic=domestic
    ) as built:
        if lossy:
            built.routers[ROUTERS // 2].run(["nft", "-f", "-"], stdin=LOSS)
        routers = tuple(
            None if hop in silent else address
            for hop, address in enumerate(built.hops[4][:-1], start=1)
        )
        answering, unanswered = addresses(count, dark)
        paths: Paths = {target: (*routers, target) for target in answering}
        paths.update(dict.fromkeys(unanswered, routers))
        yield Network(
            built.fabric,
            built.vantage,
            mixed(answering, unanswered),
            Truth(paths, border=domestic + 1),
            counted_by(built.routers[0]),
        )


class _Links:
    """Numbers links one after another: near ones in the country, the others abroad."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.domestic = (f"36.37.{128 + nth // 64}.{4 * (nth % 64)}" for nth in itertools.count())
        self.foreign = (f"193.0.{nth // 64}.{4 * (nth % 64)}" for nth in itertools.count())

    def join(self, near: str, far: str, *, abroad: bool) -> tuple[str, str]:
        """Join two nodes; their addresses on the link. From the vantage point it is slow."""
        prefix, _, last = next(self.foreign if abroad else self.domestic).rpartition(".")
        ends = f"{prefix}.{int(last) + 1}", f"{prefix}.{int(last) + 2}"
        first = near == "vantage"
        self.fabric.link(
            near,
            far,
            [f"{ends[0]}/30"],
            [f"{ends[1]}/30"],
            far_device="west" if first else None,
            hop_ms=HOP_MS if first else 0.0,
        )
        return ends


@contextmanager
def tree(*, count: int, domestic: int = TREE_DOMESTIC) -> Iterator[Network]:
    """107 routers in six levels; hosts behind the 40 last ones share ``count`` targets evenly."""
    with Fabric() as fabric:
        links = _Links(fabric)
        vantage = fabric.node("vantage", ping_sockets=True)
        paths: Paths = {}
        leaves = 0

        def grow(near: str, name: str, level: int, above: tuple[str, ...]) -> list[str]:
            """Add a router with all that is behind it; the prefixes that it leads to."""
            nonlocal leaves
            is_host = level > len(FAN_OUT)
            fabric.node(name, router=not is_host)
            before, address = links.join(near, name, abroad=level > domestic)
            fabric.route(name, "default", before)
            behind: list[str] = []
            if is_host:
                third = leaves
                leaves += 1
                behind.append(f"198.18.{third}.0/24")
                fabric.configure(name, f"route add local {behind[0]} dev lo")
                for number in range(third, count, HOSTS):
                    target = f"198.18.{third}.{number // HOSTS + 1}"
                    paths[target] = (*above, target)
            else:
                for nth in range(FAN_OUT[level - 1]):
                    behind += grow(name, f"{name}{'abcde'[nth]}", level + 1, (*above, address))
            for prefix in behind:
                fabric.route(near, prefix, address)
            return behind

        grow("vantage", "t", 1, ())
        fabric.build()
        # One behind each leaf, then the next behind each: neighbours in the list share little.
        listed = sorted(paths, key=lambda target: tuple(map(int, target.split(".")[:1:-1])))
        truth = Truth(paths, border=domestic + 1)
        yield Network(fabric, vantage, listed, truth, counted_by(fabric["t"]))


@contextmanager
def diamond(*, width: int) -> Iterator[Network]:
    """Two routers, so many side by side between which the second spreads flows, one, a host."""
    with Fabric() as fabric:
        links = _Links(fabric)
        vantage = fabric.node("vantage", ping_sockets=True)
        fabric.node("first", router=True)
        # Spread by addresses, protocol and ports, alike for all packets of a flow.
        spread = {"policy": "3", "fields": "55", "seed": "2021"}
        fabric.node(
            "fork",
            router=True,
            settings={f"ipv4/fib_multipath_hash_{key}": value for key, value in spread.items()},
        )
        # One address, whichever way a probe came in.
        fabric.node("join", router=True, settings={"ipv4/icmp_errors_use_inbound_ifaddr": "0"})
        fabric.node("host")
        _, first = links.join("vantage", "first", abroad=False)
        back, fork = links.join("first", "fork", abroad=False)
        fabric.route("first", "default", fork)
        fabric.route("vantage", "default", first)
        fabric.route("fork", "default", back)
        sides = []
        ways_back = []
        joins = []
        for nth in range(width):
            name = f"side{nth}"
            fabric.node(name, router=True)
            back, side = links.join("fork", name, abroad=True)
            way_back, join = links.join(name, "join", abroad=True)
            fabric.route(name, "36.37.0.0/16", back)
            fabric.route(name, "default", join)
            sides.append(side)
            ways_back.append(way_back)
            joins.append(join)
        back, host = links.join("join", "host", abroad=True)
        fabric.route("host", "default", back)
        # All that the join sends home goes by its first link, from whose address it speaks.
        join = joins[0]
        fabric.route("join", "36.37.0.0/16", ways_back[0])
        nexthops = " ".join(f"nexthop via {side}" for side in sides)
        fabric.configure("fork", f"route add {host}/32 {nexthops}")
        fabric.build()
        spread_out = {(fork, side) for side in sides} | {(side, join) for side in sides}
        truth = Truth(links=frozenset({(first, fork), *spread_out, (join, host)}))
        yield Network(fabric, vantage, [host], truth, counted_by(fabric["first"]))


@contextmanager
def reflection(*, count: int, everywhere: bool = False) -> Iterator[Network]:
    """A row without kernels, for what is faster than they are: one process answers for all.

    ``everywhere`` that is for any address, not for those of the targets alone.
    """
    with Fabric() as fabric:
        # Without IPv6 nothing but probes goes to the device.
        settings = {"ipv6/conf/default/disable_ipv6": "1"}
        vantage = fabric.node("vantage", ping_sockets=True, settings=settings)
        fabric.build()
        routers = tuple(
            f"36.37.128.{hop}" if hop <= ROW_DOMESTIC else f"193.0.0.{hop}"
            for hop in range(1, ROUTERS + 1)
        )
        behind = "default" if everywhere else REFLECTED
        command = [sys.executable, "-m", "scripts.bench.reflector", behind, *routers]
        process = vantage.start(command)
        assert process.stdout is not None  # a pipe
        if process.stdout.readline() != "ready\n":
            raise Missing(f"no TUN device: {process.communicate()[1].strip()}")
        targets, _ = addresses(count, 0)

        def packets() -> int:
            said = vantage.run(["ip", "-json", "-statistics", "link", "show", DEVICE]).stdout
            return int(json.loads(said)[0]["stats64"]["tx"]["packets"])

        truth = Truth({target: (*routers, target) for target in targets})
        yield Network(fabric, vantage, targets, truth, packets)
