"""BGP as a witness: its figures by hand and beside published ones, and when it is believed."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from analysis.grading.witness import (
    Statement,
    Transit,
    compare,
    days_apart,
    hear,
    informed,
    transits,
)
from analysis.intake.rib import Rib, Route, read_rib
from analysis.policy import Policy
from probe.origin import Origin

FILE = Path(__file__).parents[2] / "data" / "bgp" / "rib.20140523.0600_firstMB.bz2"
DAY = dt.date(2026, 1, 1)


def route(prefix: str, path: str, peer: str = "1") -> Route:
    return Route(ipaddress.ip_network(prefix), peer, tuple(map(int, path.split())))


def own(asn: int) -> int:
    return asn


# ------------------------------------------------------------------------ figures


def test_transit_by_hand() -> None:
    """One peer, 1024 addresses: 512 are the gateway's own, 256 of the other 512 pass it.

    Share: (512 + 256) / 1024. Of the others': 256 / 512.
    """
    found = transits(
        [
            route("20.0.0.0/23", "701 9"),
            route("20.0.2.0/24", "701 9 100"),
            route("20.0.3.0/24", "701 200"),
        ],
        own,
    )
    assert found[9] == Transit(0.75, 0.5, 2)
    assert found[100] == Transit(0.25, 0.0, 2)
    assert found[701] == Transit(1.0, 1.0, 3)


def test_each_peer_weighs_the_same() -> None:
    """A peer that knows one prefix more does not count for more: (1 + 0) / 2."""
    found = transits(
        [
            route("20.0.0.0/24", "701 9 100", "1"),
            route("20.0.1.0/24", "701 9 100", "1"),
            route("20.0.0.0/24", "702 100", "2"),
        ],
        own,
    )
    assert found[9].share == 0.5


def test_sibling_numbers_are_one_network() -> None:
    """Numbers 9 and 10 are one organisation: what one announces is no other's."""
    found = transits(
        [route("20.0.0.0/24", "701 9 10"), route("20.0.1.0/24", "701 10 100")],
        lambda asn: "G" if asn in {9, 10} else str(asn),
    )
    assert found["G"] == Transit(1.0, 1.0, 1)
    assert found["100"] == Transit(0.5, 0.0, 1)


def test_a_network_that_announces_everything_has_no_others() -> None:
    """Nothing is known of what nobody else announces."""
    assert transits([route("20.0.0.0/24", "701 9")], own)[9] == Transit(1.0, None, 0)


def test_peers_that_know_less_than_half_are_not_heard() -> None:
    """10 of 10, 5 of 10, 4 of 10 prefixes."""
    routes = [
        route(f"20.0.{i}.0/24", "701 9", peer)
        for peer, count in (("full", 10), ("half", 5), ("customer", 4))
        for i in range(count)
    ]
    assert informed(routes) == {"full", "half"}
    assert informed([]) == set()


# ------------------------------------------------------------------------ statement


def said(
    grade: str,
    gateway: str | None = None,
    apart: int = 0,
    organisations: Mapping[str, Transit] | None = None,
    policy: Policy | None = None,
) -> str:
    heard = {
        "G": Transit(0.9, 0.8, 5),
        "H": Transit(0.2, 0.1, 9),
        "I": Transit(1.0, None, 0),
        "J": Transit(1.0, 1.0, 4),
    }
    return compare(
        heard if organisations is None else organisations,
        grade,
        gateway,
        apart,
        policy or Policy(),
    ).says


@pytest.mark.parametrize(
    ("grade", "gateway", "says"),
    [
        ("single_gateway", "G", "agrees"),
        ("single_gateway", "H", "disagrees"),
        ("concentrated", "G", "agrees"),
        ("concentrated", "H", "disagrees"),
        # Not on any path: nobody is reached through it.
        ("single_gateway", "absent", "disagrees"),
        ("single_gateway", "I", "silent"),
        ("single_gateway", "J", "silent"),
        ("single_gateway", None, "silent"),
        ("insufficient", None, "silent"),
        ("diverse", None, "disagrees"),
        ("mixed", None, "disagrees"),
    ],
)
def test_what_the_witness_says(grade: str, gateway: str | None, says: str) -> None:
    """80% of the others' addresses behind G, 10% behind H; besides I nobody announces anything,
    and besides J four do, which are too few."""
    assert said(grade, gateway) == says


def test_concentrated_needs_half_and_single_four_fifths() -> None:
    """60% of the others' addresses agree with the weaker grade only."""
    sixty = {"G": Transit(0.9, 0.6, 5)}
    assert said("concentrated", "G", organisations=sixty) == "agrees"
    assert said("single_gateway", "G", organisations=sixty) == "disagrees"
    assert said("single_gateway", "G", organisations=sixty, policy=Policy(witness=0.6)) == "agrees"
    assert said("diverse", organisations=sixty) == "agrees"


def test_an_old_table_is_no_witness() -> None:
    """31 days are allowed, 32 are not, and a policy may allow more."""
    assert said("single_gateway", "G", apart=31) == "agrees"
    assert said("single_gateway", "G", apart=32) == "silent"
    assert said("single_gateway", "G", apart=32, policy=Policy(witness_days=32)) == "agrees"


def test_a_table_without_the_country_is_silent() -> None:
    """No route, no word."""
    assert said("diverse", organisations={}) == "silent"
    assert said("diverse", organisations={"J": Transit(1.0, 1.0, 4)}) == "silent"
    assert said("single_gateway", "G", organisations={"J": Transit(1.0, 1.0, 4)}) == "silent"


@pytest.mark.parametrize(
    ("taken", "apart"),
    [(dt.date(2025, 12, 30), 2), (DAY, 0), (dt.date(2026, 1, 5), 0), (dt.date(2026, 1, 9), 1)],
)
def test_days_between_the_table_and_the_traces(taken: dt.date, apart: int) -> None:
    """Zero within the period, on either side the distance to its nearer end."""
    assert days_apart(taken, DAY, dt.date(2026, 1, 8)) == apart


# ------------------------------------------------------------------------ the whole hearing


class Register:
    """AS numbers from 100 to 199 are of KH, each its own organisation."""

    def organisation(self, asn: int) -> str:
        return f"Net {asn}"

    def country(self, asn: int) -> str | None:
        return "KH" if 100 <= asn < 200 else "US"


def recording(*routes: Route, complete: bool = True, day: dt.date = DAY) -> Rib:
    taken = dt.datetime.combine(day, dt.time(6), dt.UTC)
    return Rib("rib", "0" * 64, taken, complete, len(routes), list(routes))


ALL_BEHIND = (
    route("20.0.0.0/24", "701 100"),
    *(route(f"20.0.{i}.0/24", f"701 100 {100 + i}") for i in range(1, 6)),
    *(route(f"2020:{i}::/32", f"702 {100 + i}") for i in range(6)),
)


def heard(rib: Rib, family: int = 4, days: Collection[dt.date] = (DAY,)) -> Statement:
    return hear(
        rib,
        "KH",
        Register(),
        Policy(),
        family=family,
        grade="single_gateway",
        gateway="Net 100",
        days=days,
    ).statement


def test_only_domestic_networks_are_candidates() -> None:
    """AS701 is on every path and stands abroad: it is neither listed nor compared."""
    found = hear(
        recording(*ALL_BEHIND),
        "KH",
        Register(),
        Policy(),
        family=4,
        grade="single_gateway",
        gateway="Net 100",
        days={DAY},
    )
    assert found.fields["says"] == "agrees"
    assert [(one["asn"], one["share"], one["others"]) for one in found.fields["transit"]] == [
        (100, 1.0, 1.0),
        *((100 + i, pytest.approx(1 / 6), 0.0) for i in range(1, 6)),
    ]
    assert found.fields["routes"] == 6
    assert found.fields["peers"] == 1


def test_peers_inside_the_country_are_not_heard() -> None:
    """They need no way in: from where Net 150 stands nobody is behind Net 100."""
    inside = [route(f"20.0.{i}.0/24", f"150 {100 + i}", "inside") for i in range(6)]
    found = hear(
        recording(*ALL_BEHIND, *inside),
        "KH",
        Register(),
        Policy(),
        family=4,
        grade="single_gateway",
        gateway="Net 100",
        days={DAY},
    ).fields
    assert (found["peers"], found["peers_inside"], found["peers_with_less"]) == (1, 1, 0)
    assert found["says"] == "agrees"
    assert found["transit"][0]["others"] == 1.0


def test_families_are_heard_apart() -> None:
    """In IPv6 nobody needs Net 100: the witness of IPv4 says nothing about it."""
    assert heard(recording(*ALL_BEHIND)).says == "agrees"
    assert heard(recording(*ALL_BEHIND), family=6).says == "disagrees"
    assert heard(recording(*ALL_BEHIND[:6]), family=6).says == "silent"


def test_a_table_that_ends_in_the_middle_may_disagree_but_not_agree() -> None:
    """What is missing might speak against, never against what was seen to be otherwise."""
    assert heard(recording(*ALL_BEHIND, complete=False)).says == "silent"
    ways = [route(f"20.0.{i}.0/24", f"701 {100 + i}") for i in range(6)]
    other_ways = recording(*ways, complete=False)
    assert heard(other_ways).says == "disagrees"


def test_a_table_of_another_time_is_silent() -> None:
    """Forty days before the traces, or behind them; but not in the midst of them."""
    early, late = DAY - dt.timedelta(40), DAY + dt.timedelta(40)
    for day in (early, late):
        assert heard(recording(*ALL_BEHIND, day=day)).says == "silent"
    assert heard(recording(*ALL_BEHIND), days={early, late}).says == "agrees"


# ------------------------------------------------------------------------ published figures


@pytest.mark.parametrize(
    ("country", "asn", "published"),
    [
        ("SY", 29386, 1.00),
        ("KZ", 9198, 0.94),
        ("BY", 60280, 0.75),
        ("TH", 38040, 0.67),
        ("IR", 12880, 0.58),
    ],
)
def test_transit_shares_of_2014(country: str, asn: int, published: float, table: Origin) -> None:
    """Five countries in a real table, computed before by others: within 0.02.

    Prefixes are sorted into countries by the table that ships, of 2026.
    """
    rib = read_rib(FILE, lambda address: table.lookup(address).country == country)
    found = hear(
        rib, country, table, Policy(), family=4, grade="diverse", gateway=None, days=()
    ).fields["transit"]
    shares = {one["asn"]: one["share"] for one in found}
    assert shares[asn] == pytest.approx(published, abs=0.02)
