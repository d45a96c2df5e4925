"""What looks like the peering LAN of an exchange that no list names, and what must not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from analysis.candidates.blocks import Blocks
from analysis.candidates.peering import PeeringLans
from analysis.evidence.panel import observe
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from analysis.words.render import plain
from probe.record import Attribution
from tests.analysis.country import HOME, NOW, Country

POINT = Node("organisation", "Exchange Point")
GATE = Node("organisation", "Gate")

Way = Callable[[int, int], str]
"""The hops before a destination: from network i to destination n abroad, or to network n."""


def abroad(way: Way, days: int = 1) -> Country:
    """Ten networks, each to six destinations abroad."""
    country = Country(10)
    country.table.add("20.5.5.0/24", Attribution(555, "XP", "Exchange Point", HOME))
    for i in range(1, 11):
        for n, destination in enumerate(country.destinations(6)):
            for day in range(days):
                country.trace(i, destination, way(i, n), day=day)
    return country


def at_home(way: Way, out: Way = lambda i, _: f"lan own far{6 + i % 9}", days: int = 1) -> Country:
    """Every network to every other; abroad each leaves by itself unless ``out`` says otherwise."""
    country = abroad(out, days)
    for i in range(1, 11):
        for j in range(1, 11):
            if i != j:
                country.trace(i, f"20.0.{j}.200", way(i, j))
    return country


def lans(country: Country) -> PeeringLans:
    traces = country.traces()
    observations = observe(
        traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW
    ).observations
    return PeeringLans(observations, Blocks(observations), Policy())


def port(lan: str) -> Way:
    """Over a peering LAN: each carrier, and each network, has a port of its own."""
    return lambda i, n: f"lan own {lan}.{100 + n} far{6 + n}"


def member(lan: str) -> Way:
    return lambda i, j: f"lan own {lan}.{j} net{j}"


# ------------------------------------------------------------------------ exchanges


@pytest.mark.parametrize(
    ("lan", "node"), [("20.5.5", POINT), ("45.5.5", Node("unmapped", "45.5.5.0/24"))]
)
def test_carriers_that_are_reached_over_an_exchange_make_no_gateway(lan: str, node: Node) -> None:
    """Whether its LAN belongs to whoever runs it or to nobody in the table."""
    country = abroad(port(lan), days=8)
    verdict = country.judge()
    assert verdict.grade == "mixed"
    assert verdict.gateway is None
    assert list(lans(country)) == [node]
    assert any("looks like the peering LAN" in reason for reason in verdict.fields["reasons"])
    assert any("exchanges.toml in the data folder" in limit for limit in verdict.fields["limits"])


@pytest.mark.parametrize("lan", ["20.5.5", "45.5.5"])
def test_networks_that_meet_at_an_exchange_have_no_hub(lan: str) -> None:
    """They are found in one place, as at one that is listed, and no more is said."""
    fields = at_home(member(lan)).judge().fields
    domestic = fields["domestic"]
    assert (domestic["grade"], domestic["pairs"]["hub"]) == ("concentrated", 0)
    assert "networks meet in one place (" in plain(fields)
    assert any("exchanges.toml in the data folder" in limit for limit in fields["limits"])


@pytest.mark.parametrize("lan", ["20.5.5", "45.5.5", "20.8.8"])
def test_the_way_over_an_exchange_is_one_whether_it_is_listed(lan: str) -> None:
    """Seven of ten networks are met there; before one of these a silent hop may hide a third."""

    def way(i: int, j: int) -> str:
        silent = "*" if j == 1 else ""
        return f"lan own {silent} {lan}.{j} net{j}" if j < 8 else "lan own"

    pairs = at_home(way).judge().fields["domestic"]["pairs"]
    assert (pairs["exchange"], pairs["third_party"], pairs["unknown"]) == (54, 0, 9)


def test_an_alarm_is_not_raised_by_carriers_that_come_to_an_exchange() -> None:
    """All networks begin to reach their carriers there on one day."""
    country = Country(10)
    country.table.add("20.5.5.0/24", Attribution(555, "XP", "Exchange Point", HOME))
    for i in range(1, 11):
        for n, destination in enumerate(country.destinations()):
            for day in range(20):
                over = f"20.5.5.{100 + n}" if day >= 10 else ""
                country.trace(i, destination, f"lan own {over} far{6 + n}", day=day)
    verdict = country.judge()
    assert verdict.fields["timeline"]["alarm"] is False
    assert verdict.gateway is None


@pytest.mark.parametrize("members", [6, 4])
def test_an_exchange_stays_one_when_fewer_of_its_members_are_met(members: int) -> None:
    """After a cut that is over, only the days since are judged, and fewer targets are traced to."""
    country = Country(10)
    country.table.add("20.5.5.0/24", Attribution(555, "XP", "Exchange Point", HOME))
    for i in range(1, 11):
        for n, destination in enumerate(country.destinations(6)):
            backup = f"lan own {'20.0.10.7' if i < 10 else ''} far{6 + n}"
            for day in range(40):
                if day < 29 or n < members:
                    cut = 8 <= day < 29
                    country.trace(i, destination, backup if cut else port("20.5.5")(i, n), day=day)
    verdict = country.judge()
    assert verdict.fields["window"] == ["2026-01-30", "2026-02-09"]
    assert verdict.gateway is None
    assert any("exchanges.toml in the data folder" in limit for limit in verdict.fields["limits"])


def test_members_may_have_two_ports_and_customers_may_stand_before_them() -> None:
    """By a balance of loads, and for four of the networks."""
    country = Country(10)
    country.table.add("20.5.5.0/24", Attribution(555, "XP", "Exchange Point", HOME))
    for i in range(1, 11):
        for j in range(1, 11):
            for day in range(2):
                if i != j:
                    transit = "net1" if i > 6 and j != 1 else ""
                    words = f"lan own {transit} 20.5.5.{j + 100 * day} net{j}"
                    country.trace(i, f"20.0.{j}.200", words, day=day)
    assert POINT in lans(country)


@pytest.mark.parametrize("faulty", [2, 3])
def test_an_exchange_is_recognised_where_some_paths_say_otherwise(faulty: int) -> None:
    """A member's router may answer with any address; of ten networks, three may be misread."""

    def way(i: int, n: int) -> str:
        return f"lan own 20.5.5.{100 + i} far{6 + n}" if i <= faulty else port("20.5.5")(i, n)

    assert POINT in lans(abroad(way))


# ------------------------------------------------------------------------ gateways


GATEWAYS: dict[str, Way] = {
    # Each customer has a link of its own. A link to a carrier has one address at its far end.
    "one router": lambda i, n: f"lan own 20.9.9.{i} 30.0.{6 + n}.9",
    "one router, one address": lambda i, n: f"lan own gate 30.0.{6 + n}.9",
    "one carrier": lambda i, _: f"lan own 20.9.9.{i} 30.0.6.9",
    # Border routers with one carrier each. A customer is linked to all of them, or to one.
    "three routers, linked": lambda i, n: f"lan own 20.9.9.{20 * (n % 3) + i} 30.0.{6 + n % 3}.9",
    "six routers, linked": lambda i, n: f"lan own 20.9.9.{20 * n + i} 30.0.{6 + n}.9",
    "four routers, sites": lambda i, n: f"lan own 20.9.9.{20 * (i % 4) + i} 30.0.{6 + i % 4}.9",
    "four routers, sites, one address": lambda i, n: f"lan own 20.9.9.{i % 4} 30.0.{6 + i % 4}.9",
    # They answer with one address each, whoever asks.
    "three routers, one address": lambda i, n: f"lan own 20.9.9.{n % 3} 30.0.{6 + n % 3}.9",
    "four routers, one address": lambda i, n: f"lan own 20.9.9.{n % 4} 30.0.{6 + n % 4}.9",
    # Ingress, core and egress: the last hop alone looks like a port.
    "ingress and egress": lambda i, n: f"lan own 20.9.9.{i} 20.9.9.{100 + n} 30.0.{6 + n}.9",
    "silent core": lambda i, n: f"lan own 20.9.9.{i} * 20.9.9.{100 + n} 30.0.{6 + n}.9",
    "silent ingress": lambda i, n: f"lan own * 20.9.9.{100 + n} 30.0.{6 + n}.9",
    "mostly silent ingress": lambda i, n: (
        f"lan own {'own' if (i + n) % 4 == 0 else '*'} 20.9.9.{100 + n} 30.0.{6 + n}.9"
    ),
    # The ingress answers with addresses of its customers, to most of them or on most paths.
    "ingress of customers": lambda i, n: (
        f"lan own {'gate' if i > 6 else 'own'} 20.9.9.{100 + n} 30.0.{6 + n}.9"
    ),
    "ingress of customers at times": lambda i, n: (
        f"lan own {'gate' if (i + n) % 2 else 'own'} 20.9.9.{100 + n} 30.0.{6 + n}.9"
    ),
    # All customers come through one wholesaler, by a link to each border router.
    "one customer": lambda i, n: f"lan own net1 20.9.9.{100 + n} 30.0.{6 + n}.9",
    "private": lambda i, n: f"lan own 10.201.147.{100 + n} 30.0.{6 + n}.9",
    # Numbered by nobody in the table.
    "unannounced": lambda i, n: f"lan own 45.5.5.{i} 30.0.{6 + n}.9",
}


@pytest.mark.parametrize("way", GATEWAYS.values(), ids=GATEWAYS)
def test_a_gateway_is_no_exchange(way: Way) -> None:
    """What is one network's between customers and carriers is named, however it is built."""
    country = abroad(way, days=8)
    assert list(lans(country)) == []
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert verdict.gateway is not None


@pytest.mark.parametrize(
    "way",
    [
        lambda i, j: f"lan own 20.9.9.{i} net{j}",
        lambda i, j: f"lan own gate net{j}",
        lambda i, j: f"lan own 20.9.9.{i} 20.9.9.{100 + j} net{j}",
        lambda i, j: f"lan own 20.9.9.{20 * (j % 4) + i} net{j}",
        lambda i, j: f"lan own 20.9.9.{j % 4} net{j}",
    ],
    ids=["one router", "one address", "two hops", "four routers", "four addresses"],
)
def test_a_hub_is_no_exchange(way: Way) -> None:
    """A network that all others buy from, or the site through which a decree sends them."""
    country = at_home(way)
    assert list(lans(country)) == []
    assert country.judge().fields["domestic"]["grade"] == "single_hub"


def test_who_runs_an_exchange_may_run_a_gateway() -> None:
    """At home a LAN, abroad a router with links to customers: both are named, by one name.

    However many traces stay at home.
    """
    country = at_home(member("20.9.9"), out=GATEWAYS["one router"], days=8)
    for day in range(1, 16):
        for i in range(1, 11):
            for j in range(1, 11):
                if i != j:
                    country.trace(i, f"20.0.{j}.200", member("20.9.9")(i, j), day=day)
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert verdict.fields["domestic"]["grade"] == "single_hub"


def test_an_operator_on_the_watch_list_may_be_named_whatever_it_looks_like() -> None:
    """The exchange of a decree is what one watches for."""
    country = at_home(member("20.5.5"), out=port("20.5.5"), days=8)
    assert country.judge().gateway is None
    country.table.watched.add("Exchange Point")
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert verdict.fields["domestic"]["grade"] == "single_hub"


def blurred(way: Way, seed: int) -> Way:
    """One hop in ten is silent, and one in ten answers with the address of some network."""
    draw = random.Random(seed)

    def blur(word: str) -> str:
        chance = draw.random()
        if word == "lan" or chance > 0.2:
            return word
        return "*" if chance > 0.1 else f"20.0.{draw.randint(1, 10)}.77"

    return lambda i, n: " ".join(map(blur, way(i, n).split()))


@pytest.mark.parametrize("way", GATEWAYS.values(), ids=GATEWAYS)
@pytest.mark.parametrize("seed", range(2))
def test_silence_and_misnumbered_hops_make_no_exchange_of_a_gateway(way: Way, seed: int) -> None:
    """What they take away is no evidence."""
    assert list(lans(abroad(blurred(way, seed), days=4))) == []


@pytest.mark.parametrize("seed", range(4))
def test_silence_and_misnumbered_hops_do_not_hide_an_exchange(seed: int) -> None:
    """Neither from paths abroad nor from those at home."""
    assert POINT in lans(abroad(blurred(port("20.5.5"), seed), days=4))
    assert POINT in lans(at_home(blurred(member("20.5.5"), seed)))


@pytest.mark.parametrize("way", GATEWAYS.values(), ids=GATEWAYS)
def test_liars_do_not_make_an_exchange_of_a_gateway(way: Way) -> None:
    """Three of ten networks show it as a LAN, over the addresses that the honest ones show too."""
    lan = next(block for block in ("20.9.9", "10.201.147", "45.5.5", "gate") if block in way(1, 1))
    liars = port(lan.replace("gate", "20.9.9"))
    country = abroad(lambda i, n: liars(i, n) if i <= 3 else way(i, n))
    for i in range(1, 4):
        for honest in range(4, 11):
            for n, destination in enumerate(country.destinations(6)):
                country.trace(i, destination, way(honest, n), day=n)
    assert list(lans(country)) == []


def test_liars_do_not_make_a_gateway_of_an_exchange() -> None:
    """Three of ten networks show links of their own to it, and several hops in a row."""

    def way(i: int, n: int) -> str:
        return f"lan own 20.5.5.{i} 20.5.5.9 far{6 + n}" if i <= 3 else port("20.5.5")(i, n)

    assert POINT in lans(abroad(way))
