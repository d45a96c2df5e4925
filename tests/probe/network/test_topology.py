from __future__ import annotations

import itertools
from ipaddress import IPv4Network

from hypothesis import given, settings
from hypothesis import strategies as st

from probe.network.topology import Host, Internet, Line, Numbering, Site, System
from probe.network.ways import DARK, Way

LAN = IPv4Network("203.0.113.0/24")


def block(nth: int) -> IPv4Network:
    return IPv4Network(f"10.{nth}.0.0/22")


def system(
    name: str,
    nth: int,
    *,
    up: tuple[str, ...] = (),
    peers: tuple[str, ...] = (),
    meets: bool = False,
    numbers: tuple[str, ...] = (),
) -> System:
    return System(
        name,
        64500 + nth,
        {"": Site(block(nth), float(nth))},
        upstreams=up,
        peers=peers,
        exchanges=("ix",) if meets else (),
        numbers_link_to=numbers,
        cores=1,
    )


def internet(*systems: System, silence: float = 0.0) -> Internet:
    return Internet(systems, {"ix": LAN}, Numbering(), silence=silence)


# A country of two providers at one exchange; "small" buys from the second; "top" is abroad.
TOP = system("top", 1)
FIRST = system("first", 2, up=("top",), meets=True)
SECOND = system("second", 3, up=("top",), meets=True)
SMALL = system("small", 4, up=("second",))
LINE = Line("first", "first-1", "192.168.0.1", "10.2.2.9", 5.0)


def test_customers_before_peers_before_upstreams() -> None:
    """A longer way through a customer beats a shorter one through a peer or an upstream."""
    target = system("target", 9, up=("small", "top"))
    net = internet(TOP, FIRST, SECOND, SMALL, target)
    assert net.path("second", "target") == ("second", "small", "target")
    assert net.path("first", "target") == ("first", "second", "small", "target")
    assert net.path("top", "target") == ("top", "target")


def test_nobody_carries_strangers_for_a_peer() -> None:
    """What was learnt from a peer or an upstream is told to customers only."""
    lonely = system("lonely", 7, peers=("first",))
    net = internet(TOP, FIRST, SECOND, SMALL, lonely)
    assert net.path("lonely", "first") == ("lonely", "first")
    assert net.path("lonely", "second") is None
    assert net.path("top", "lonely") is None


def test_equal_routes_are_chosen_by_season() -> None:
    """Ties break by chance: the same within a season, over many seasons each gets its turn."""
    other = system("other", 5)
    target = system("target", 9, up=("top", "other"))
    both = system("both", 8, up=("top", "other"))
    net = internet(TOP, other, target, both)
    taken = [net.path("both", "target", season=season) for season in range(40)]
    assert taken == [net.path("both", "target", season=season) for season in range(40)]
    assert 10 < taken.count(("both", "top", "target")) < 30


def relation(net: Internet, here: str, there: str) -> str:
    if there in net.systems[here].upstreams:
        return "up"
    return "down" if here in net.systems[there].upstreams else "across"


@settings(max_examples=60)
@given(st.data())
def test_every_route_is_one_that_operators_would_tell(data: st.DataObject) -> None:
    """Up any number of times, across at most once, then only down; and no network twice."""
    count = data.draw(st.integers(2, 9))
    names = [f"as{n}" for n in range(count)]
    systems = [
        system(
            name,
            n,
            up=tuple(data.draw(st.sets(st.sampled_from(names[:n]), max_size=2))) if n else (),
            peers=tuple(data.draw(st.sets(st.sampled_from(names), max_size=2)) - {name}),
        )
        for n, name in enumerate(names)
    ]
    # Two networks that are customer and provider are not peers as well.
    related = {frozenset((s.name, up)) for s in systems for up in s.upstreams}
    systems = [
        system(
            s.name,
            n,
            up=s.upstreams,
            peers=tuple(p for p in s.peers if frozenset((s.name, p)) not in related),
        )
        for n, s in enumerate(systems)
    ]
    net = internet(*systems)
    for source, destination in itertools.permutations(names, 2):
        path = net.path(source, destination, season=data.draw(st.integers(0, 3)))
        if path is None:
            continue
        assert len(set(path)) == len(path)
        steps = "".join(relation(net, a, b)[0] for a, b in itertools.pairwise(path))
        assert steps.lstrip("u").removeprefix("a").lstrip("d") == ""


def addresses(way: Way | None) -> list[str | None]:
    assert way is not None
    return [hop.address for hop in way.hops]


def test_links_bear_the_addresses_that_custom_gives_them() -> None:
    """To the provider and to the customer: the provider's; between peers: the exchange's."""
    net = internet(TOP, FIRST, SECOND, SMALL)
    abroad = addresses(net.way(LINE, Host("top", "10.1.2.9")))
    assert abroad[0] == "192.168.0.1"
    assert [address and address.split(".")[1] for address in abroad[1:]] == ["2", "2", "1", "1"]
    at_home = addresses(net.way(LINE, Host("small", "10.4.2.9")))
    # first, first, the LAN, second, then small's router by second's number, small's core.
    assert [address and address.split(".")[0:2] for address in at_home[1:]] == [
        ["10", "2"],
        ["10", "2"],
        ["203", "0"],
        ["10", "3"],
        ["10", "3"],
        ["10", "4"],
    ]


def test_a_link_against_custom_hides_the_provider_for_one_hop() -> None:
    """Numbered by the customer, the provider's first router looks like the customer's own."""
    odd = system("first", 2, up=("top",), numbers=("top",))
    abroad = addresses(internet(TOP, odd).way(LINE, Host("top", "10.1.2.9")))
    assert [address and address.split(".")[1] for address in abroad[1:]] == ["2", "2", "2", "1"]


def test_a_network_of_several_sites_shows_the_sites_it_uses() -> None:
    """In at one site, over the core, out at another; where the core's site does, no more."""
    sites = {
        "core": Site(block(20), 0.0),
        "coast": Site(block(21), 4.0),
        "border": Site(IPv4Network("172.16.5.0/24"), 6.0),
    }
    gateway = System(
        "gateway",
        64520,
        sites,
        upstreams=("top",),
        ports={"first": "coast", "top": "border"},
        cores=1,
    )
    customer = system("first", 2, up=("gateway",))
    near = system("near", 6, up=("gateway",))
    net = internet(TOP, gateway, customer, near)
    way = addresses(net.way(LINE, Host("top", "10.1.2.9")))
    assert way[3:] == ["10.21.0.1", "10.20.0.1", "172.16.5.1", "10.1.0.1", "10.1.0.5"]
    assert addresses(net.way(LINE, Host("near", "10.6.2.9")))[3:] == [
        "10.21.0.1",
        "10.20.0.1",
        "10.20.0.5",
        "10.6.0.1",
    ]


def test_a_line_behind_a_carriers_translator_has_another_private_hop() -> None:
    """Between the home and the network stands one hop of 100.64.0.0/10."""
    line = Line("first", "first-1", "192.168.0.1", "10.2.2.9", 5.0, nat=True)
    way = addresses(internet(TOP, FIRST).way(line, Host("top", "10.1.2.9")))
    assert way[:3] == ["192.168.0.1", "100.64.0.1", "10.2.2.1"]


def test_round_trips_grow_with_every_hop_and_jump_where_the_distance_does() -> None:
    """RTTs never fall along a path, and a network 50 ms away is seen 50 ms later."""
    far = system("far", 50, up=("top",))
    way = internet(TOP, FIRST, far).way(LINE, Host("far", "10.50.2.9"))
    assert way is not None
    rtts = [hop.rtt[0] or 0.0 for hop in way.hops]
    assert rtts == sorted(rtts)
    assert rtts[1] >= 5.0
    assert rtts[-1] - rtts[2] > 45.0


def test_silence_falls_on_routers_not_on_probes() -> None:
    """A silent router is silent for everybody, always; about as many are as was said."""
    others = [system(f"n{n}", 30 + n, up=("top",)) for n in range(60)]
    net = internet(TOP, FIRST, *others, silence=0.3)
    ways = [net.way(LINE, Host(f"n{n}", f"10.{30 + n}.2.9")) for n in range(60)]
    again = [net.way(LINE, Host(f"n{n}", f"10.{30 + n}.2.9"), flow=5) for n in range(60)]
    assert [addresses(way) for way in ways] == [addresses(way) for way in again]
    last = [addresses(way)[-1] for way in ways]
    assert 10 <= last.count(None) <= 27
    assert all(addresses(way)[0] == "192.168.0.1" for way in ways)


def test_a_dark_host_has_a_way_but_no_answer() -> None:
    """What a firewall hides is reached by nothing."""
    way = internet(TOP, FIRST).way(LINE, Host("top", "10.1.2.9", dark=True))
    assert way is not None
    assert way.end is DARK
