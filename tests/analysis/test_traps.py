"""Each trap that an analysis of traceroutes has fallen into, laid with traces.

A trap is passed when nobody is named who should not be, or when the one is named who should be.
Where a trap has more sides the others are in ``test_judge`` and ``test_panel``.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from analysis.policy import Policy
from analysis.shares.coverage import Weights
from analysis.words.translation import Words
from probe.record import SCHEMA, SPOILT, Attribution
from tests.analysis.country import HOME, Country, gated, open_country


def name_of(country: Country) -> str | None:
    gateway = country.judge().gateway
    return str(gateway["name"]) if gateway is not None else None


def test_volunteers_in_one_provider() -> None:
    """Forty of fifty volunteers behind one provider's provider are one network's word."""
    country = open_country()
    for vantage in range(1, 41):
        for destination in country.destinations():
            for day in range(8):
                country.trace(1, destination, "lan own gate far7", vantage=vantage, day=day)
    verdict = country.judge()
    assert verdict.grade == "diverse"
    assert verdict.fields["captured"]["organisations"] <= 1


def test_a_single_homed_provider() -> None:
    """Networks that all buy from one provider, themselves unmeasured elsewhere, are four of 12."""
    country = Country(12)
    country.everyone("lan own net12 far6", members=range(1, 5))
    country.everyone("lan own {up}", members=range(5, 13))
    verdict = country.judge()
    assert verdict.gateway is None
    assert verdict.fields["captured"]["organisations"] == 4
    assert verdict.fields["captured"]["of"] == 11


@pytest.mark.parametrize("home", ["lan", "*", "192.168.1.1"])
def test_a_wholesale_network_before_the_own_one(home: str) -> None:
    """It brings all customers to their providers, which leave the country each by themselves."""
    country = Country(12)
    country.everyone(f"{home} net12 net12 own {{up}}", members=range(1, 12))
    verdict = country.judge()
    assert verdict.grade == "diverse"
    assert verdict.gateway is None


@pytest.mark.parametrize("words", ["lan 10.1.{i}.1 net12 own {up}", "lan * net12 own {up}"])
def test_who_stands_before_all_own_routers_may_bring_the_customers(words: str) -> None:
    """Behind private hops or silent ones, which may be his: nobody is named, nor all well."""
    country = Country(12)
    country.everyone(words, members=range(1, 12))
    verdict = country.judge()
    assert verdict.grade == "mixed"
    assert not verdict.fields["strict_and_lenient_agree"]
    assert any("Net 12" in reason for reason in verdict.fields["reasons"])


@pytest.mark.parametrize("before", ["lan *", "lan 10.1.{i}.1", "lan 100.64.7.1"])
def test_a_gateway_right_before_the_border_needs_no_own_network(before: str) -> None:
    """Nothing stands behind it that could be the core of the own network."""
    country = Country(10)
    country.everyone(f"{before} gate {{up}}")
    assert name_of(country) == "Gate"


def test_a_gateway_from_which_the_way_comes_back_is_named() -> None:
    """The own network was left, and that it takes over again makes him no less of a gateway."""
    country = Country(10)
    country.everyone("lan own gate own {up}")
    assert name_of(country) == "Gate"


def test_a_silent_own_network_says_nothing_against_a_gateway_that_it_comes_back_from() -> None:
    """On five days of eight the hop before him is silent: it may be whose it is on the others."""
    country = Country(10)
    country.everyone("lan own gate own {up}", days=range(3))
    country.everyone("lan * gate own {up}", days=range(3, 8))
    assert name_of(country) == "Gate"


def test_a_silent_hop_before_a_wholesale_network_makes_it_no_gateway() -> None:
    """It brings the customers: one day of eight that shows it behind the own network is little."""
    country = Country(12)
    country.everyone("lan own net12 own {up}", days=range(1), members=range(1, 12))
    country.everyone("lan * net12 own {up}", days=range(1, 8), members=range(1, 12))
    assert name_of(country) is None


def test_the_gateways_own_volunteers() -> None:
    """Every volunteer sits in the gateway itself: nobody else was measured."""
    country = Country(10)
    country.table.add("20.9.8.0/24", Attribution(999, "GATE", "Gate", HOME))
    for vantage in range(20):
        for destination in country.destinations():
            for day in range(8):
                country.trace(
                    1,
                    destination,
                    "lan gate far9",
                    day=day,
                    vantage=vantage,
                    source={"from": f"20.9.8.{vantage + 1}"},
                )
    verdict = country.judge()
    assert verdict.grade == "insufficient"
    assert verdict.gateway is None


def test_sibling_numbers_counted_twice() -> None:
    """Four AS numbers of one company are one organisation: too few are left to name anybody."""
    country = Country(8)
    for i in range(1, 5):
        country.table.add(f"20.0.{i}.0/24", Attribution(100 + i, f"N{i}", "One Company", HOME))
    country.everyone("lan own gate {up}")
    verdict = country.judge()
    assert verdict.fields["captured"]["of"] == 5
    assert verdict.grade == "concentrated"


def test_all_targets_in_one_hosting_city() -> None:
    """Three operators in one city may share a cable: mixed, and nobody is named."""
    country = Country(10)
    for i in range(1, 11):
        for destination in ("30.0.2.200", "30.0.7.200", "30.0.12.200"):
            for day in range(8):
                country.trace(i, destination, "lan own gate far9", day=day)
    verdict = country.judge()
    assert verdict.grade == "mixed"
    assert verdict.gateway is None


def test_anycast_targets() -> None:
    """They are answered next door: counted, and no evidence."""
    country = gated()
    country.table.anycast.update(country.destinations())
    verdict = country.judge()
    assert verdict.grade == "insufficient"
    assert verdict.fields["rejected"]["destination_anycast"] == len(country.results)


def test_caches_in_the_country() -> None:
    """A foreign name that answers from the gateway's rack never left: no crossing, counted."""
    country = open_country()
    for i in range(1, 13):
        for day in range(8):
            country.trace(i, "30.0.7.200@2.0", "lan own@1.5 gate@1.8", day=day)
    verdict = country.judge()
    assert verdict.grade == "diverse"
    assert verdict.fields["rejected"]["destination_cached_at_home"] == 96


@pytest.mark.parametrize("access", ["own@2.0", "own@32.0"])
def test_foreign_names_with_a_region_in_the_country(access: str) -> None:
    """Four of five are answered for 3 ms behind one carrier: they are not on another continent."""
    country = Country(12)
    country.table.add("20.5.5.0/24", Attribution(555, "CARRIER", "Carrier", HOME))
    base = float(access.partition("@")[2])
    for i in range(1, 12):
        for destination in ("30.0.1.200", "30.0.3.200", "30.0.6.200", "30.0.8.200", "30.0.9.200"):
            near = destination != "30.0.9.200"
            for day in range(8):
                if near:
                    hops = f"lan {access} 20.5.5.{i}@{base + 0.4}"
                    country.trace(i, f"{destination}@{base + 3}", hops, day=day)
                else:
                    country.trace(
                        i, destination, f"lan {access} far{6 + i % 3}@{base + 80}", day=day
                    )
    verdict = country.judge()
    assert verdict.gateway is None
    assert verdict.fields["captured"]["organisations"] == 0
    assert verdict.fields["rejected"]["destination_next_door"] == 11 * 4 * 8


@pytest.mark.parametrize("edge", ["30.0.{n}.{i}@1.9", "30.0.{n}.{i}@1.9 * 30.0.{n}.99@7.0 *"])
def test_foreign_names_of_which_only_an_edge_in_the_country_answers(edge: str) -> None:
    """Four of five stand behind one carrier's rack, and do not answer: nobody knows who left."""
    country = Country(12)
    country.table.add("20.5.5.0/24", Attribution(555, "CARRIER", "Carrier", HOME))
    for i in range(1, 12):
        for n in (1, 3, 6, 8, 9):
            way = f"20.5.5.{i % 3}@1.4 {edge}" if n < 9 else f"far{6 + i % 3}@80"
            for day in range(8):
                country.trace(i, f"30.0.{n}.200", f"lan own@1.0 {way}".format(n=n, i=i), day=day)
                if n < 9:
                    del country.results[-1]["result"][-1]
    verdict = country.judge()
    assert verdict.gateway is None
    assert verdict.fields["captured"]["organisations"] == 0
    assert verdict.fields["rejected"]["destination_next_door"] == 11 * 4 * 8


def test_a_silent_destination_far_away_is_evidence() -> None:
    """Its network answers from where it is registered, or somebody else does before it."""
    country = Country(10)
    for i in range(1, 11):
        for n in range(1, 6):
            for day in range(8):
                edge = f"30.0.{n}.9@90" if n % 2 else "far9@3"
                country.trace(i, f"30.0.{n}.200", f"lan own@1.0 gate@1.4 {edge}", day=day)
                del country.results[-1]["result"][-1]
    assert name_of(country) == "Gate"


def test_an_exchange_lan() -> None:
    """All cross one exchange at home towards different peers: a meeting place, not a gateway."""
    country = Country(12)
    country.everyone("lan own homeix {up}")
    verdict = country.judge()
    assert verdict.grade == "mixed"
    assert verdict.gateway is None
    assert any("meeting place" in reason for reason in verdict.fields["reasons"])


@pytest.mark.parametrize(("crossing", "grade"), [(5, "diverse"), (6, "mixed")])
def test_an_exchange_that_few_cross_hides_nothing(crossing: int, grade: str) -> None:
    """Five of twelve networks are no half, six are."""
    country = Country(12)
    country.everyone("lan own homeix {up}", members=range(1, crossing + 1))
    country.everyone("lan own {up}", members=range(crossing + 1, 13))
    assert country.judge().grade == grade


def test_an_exchange_lan_that_no_list_names() -> None:
    """The table has it as its operator's; what else looks so, or must not, is in test_peering."""
    country = Country(12)
    for i in range(1, 13):
        for n, destination in enumerate(country.destinations()):
            for day in range(8):
                country.trace(i, destination, f"lan own 20.9.9.{100 + n} far{6 + n}", day=day)
    verdict = country.judge()
    assert verdict.grade == "mixed"
    assert verdict.gateway is None


@pytest.mark.parametrize(("behind", "grade"), [(3, "mixed"), (4, "single_gateway")])
def test_an_operator_that_some_meet_behind_an_exchange(behind: int, grade: str) -> None:
    """To three of five destinations over one of its members: more than over any other, not most."""
    country = Country(12)
    for i in range(1, 12):
        for n, destination in enumerate(country.destinations()):
            member = "net12" if n < behind else f"net{1 + (i + n) % 11}"
            for day in range(8):
                country.trace(i, destination, f"lan own homeix {member} far{6 + i % 9}", day=day)
    verdict = country.judge()
    assert verdict.grade == grade


@pytest.mark.parametrize(
    ("organisations", "destinations", "name"),
    [(8, 5, "Net 12"), (9, 5, "HomeIX"), (9, 4, "HomeIX")],
)
def test_an_exchange_behind_which_most_organisations_meet_one_operator(
    organisations: int, destinations: int, name: str
) -> None:
    """Where eight of eleven do, less than 80%, it is he alone; where nine do, it is the exchange,
    which all cross. Who does to four of five destinations is one of them."""
    country = Country(12)
    for i, day in product(range(1, 12), range(8)):
        for n, destination in enumerate(country.destinations()):
            met = i <= organisations and n < destinations
            member = 12 if met else 1 + i % 11
            country.trace(i, destination, f"lan own homeix net{member} far{6 + i % 9}", day=day)
    assert name_of(country) == name


def test_whom_a_further_exchange_leads_to_says_nothing_of_the_first() -> None:
    """Behind the one all meet one operator; behind the next, farther on, each meets others."""
    country = Country(12)
    country.table.add("20.6.6.0/24", Attribution(None, None, None, HOME, exchange="NextIX"))
    for i, day in product(range(1, 12), range(8)):
        for n, destination in enumerate(country.destinations()):
            behind = "gate" if i <= 9 else f"net{1 + i % 11}"
            beyond = f"20.6.6.{i} net{1 + (i + n) % 11}"
            country.trace(i, destination, f"lan own homeix {behind} {beyond} far7", day=day)
    assert name_of(country) == "HomeIX"


def test_an_exchange_behind_which_one_operator_stands_since_a_day() -> None:
    """Whom members met there before the alarm says nothing of the days since."""
    country = Country(12)
    for i in range(1, 12):
        for n in range(4):
            met = f"lan own homeix net{1 + (i + n) % 11} {{up}}"
            country.everyone(met, days=range(n, 20, 4), members=[i])
        member = 12 if i <= 9 else 1 + i % 11
        country.everyone(f"lan own homeix net{member} {{up}}", days=range(20, 40), members=[i])
    fields = country.judge().fields
    assert fields["timeline"]["alarm"] is True
    assert fields["gateway"]["name"] == "HomeIX"


def test_a_carrier_abroad_behind_an_exchange() -> None:
    """Whom everybody meets there does not stand at home: the exchange is no gateway for that."""
    country = Country(12)
    country.everyone("lan own homeix far7")
    verdict = country.judge()
    assert verdict.grade == "mixed"
    assert verdict.gateway is None


def test_an_exchange_abroad_that_no_list_names() -> None:
    """All have routers of their own there, and meet three carriers on it; nobody announces it."""
    country = Country(9)
    for i in range(1, 10):
        for k, destination in enumerate(country.destinations()):
            for day in range(8):
                words = f"lan own own@32 45.1.2.{10 + k % 3}@32.3 30.0.{6 + k % 3}.1@32.6"
                country.trace(i, destination, words, day=day)
    assert country.judge().grade == "mixed"


def test_an_exchange_abroad_on_every_path() -> None:
    """Where they meet is abroad, and its LAN is no link of anybody's."""
    country = Country(12)
    country.everyone("lan own farix {up}")
    verdict = country.judge()
    assert verdict.grade == "diverse"
    assert verdict.fields["upstream"]["operator"]["name"] == "FarIX"


def test_a_foreign_numbered_link() -> None:
    """A carrier's address between two hops at home, without an RTT step, is not the border."""
    country = Country(10)
    country.everyone("lan own far3@1.5 gate@1.9 {up}")
    assert country.judge().grade == "single_gateway"
    assert name_of(country) == "Gate"


@pytest.mark.parametrize("silent", [0, 2], ids=["shown", "silent on two days"])
def test_a_carrier_of_the_country_that_others_meet_abroad(silent: int) -> None:
    """Three foreign carriers lead each network to it from 2 ms away, and its routers are 90 ms off.

    Registered at home, it stands where the destinations are: nothing at home is shared.
    """
    country = Country(12)
    for i, day in product(range(1, 13), range(8)):
        near = 6 + i % 3
        for n, destination in enumerate(country.destinations(), start=1):
            inner = "*" if day < silent and i == 1 else f"20.9.9.{10 * near + n}@90"
            hops = f"lan own@1.0 far{near}@2.0 {inner} 20.9.9.{200 + n}@90.4"
            country.trace(i, destination + "@92", hops, day=day)
    verdict = country.judge()
    assert verdict.gateway is None
    assert verdict.fields["captured"]["organisations"] == 0


def test_a_foreign_registered_router_at_home() -> None:
    """Registered abroad, standing at home by its RTT: never named by itself."""
    country = Country(12)
    country.everyone("lan own sea@1.6 {up}@90")
    verdict = country.judge()
    assert verdict.gateway is None
    assert not verdict.fields["strict_and_lenient_agree"]


def test_a_vantage_point_behind_a_vpn() -> None:
    """Its source is abroad: rejected, counted, and nothing changes."""
    country = open_country()
    before = country.judge().fields["captured"]
    for destination in country.destinations():
        country.trace(1, destination, "lan far3 gate far9", source={"from": "30.0.3.7"})
    fields = country.judge().fields
    assert fields["rejected"]["vantage_abroad"] == 5
    assert fields["captured"] == before


@pytest.mark.parametrize("home", ["100.64.7.1", "10.77.7.1"])
def test_carrier_nat(home: str) -> None:
    """Private numbers that everybody has behind the home router belong to the access network."""
    country = Country(12)
    country.table.add("100.64.0.0/10", Attribution(special="cgnat"))
    country.everyone(f"lan {home} own {{up}}")
    verdict = country.judge()
    assert verdict.grade == "diverse"
    assert verdict.fields["candidates"] == []


def test_roaming() -> None:
    """A SIM card of this country used abroad leaves from its home network but stands elsewhere:
    our records say so themselves, and are rejected."""
    country = open_country()
    for destination in country.destinations():
        country.trace(1, destination, "lan own gate far9")
        country.results[-1]["gatewatch"] = {
            "schema": "gatewatch.trace/1",
            "vantage": {"id": "roamer", "asn": 101, "country": "DE"},
        }
    fields = country.judge().fields
    assert fields["rejected"]["vantage_abroad"] == 5
    assert fields["grade"] == "diverse"


def test_a_stale_address_table() -> None:
    """A block that changed hands shows an old owner on two networks' paths: others go elsewhere."""
    country = Country(12)
    country.table.add("20.0.99.0/24", Attribution(199, "OLD", "Old Owner", HOME))
    country.everyone("lan own 20.0.99.{i} {up}", members=range(1, 4))
    country.everyone("lan own {up}", members=range(4, 13))
    verdict = country.judge()
    assert verdict.gateway is None
    assert verdict.fields["captured"]["organisations"] == 3


def test_one_router_of_a_thin_gateway() -> None:
    """It is numbered from its customers' links, but all go on over its carrier's interface."""
    country = Country(12)
    country.everyone("lan own 30.0.9.9")
    verdict = country.judge()
    assert verdict.grade == "mixed"
    assert any("foreign interfaces" in reason for reason in verdict.fields["reasons"])


def test_a_gateway_seen_on_a_part_of_its_links() -> None:
    """Numbered from its customers' links for two of ten, seen by eight: one link, one router."""
    country = Country(10)
    country.everyone("lan own 20.0.{i}.77 30.0.9.9", members=range(1, 3))
    country.everyone("lan own gate 30.0.9.9", members=range(3, 11))
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert verdict.fields["captured"]["organisations"] == 10


def test_ipv6_merged_with_ipv4() -> None:
    """IPv4 through the gateway, IPv6 around it: two verdicts, and IPv6 adds nothing to IPv4."""
    country = gated()
    country.around_in_ipv6()
    fields = country.judge().fields
    assert fields["families"] == {"ipv4": "single_gateway", "ipv6": "diverse"}
    assert fields["captured"]["of"] == 10


def test_licensed_but_plural_gateways() -> None:
    """Six licensed gateways, as Bangladesh has some 25, are not one."""
    country = Country(24)
    for i in range(7, 25):
        for destination in country.destinations():
            for day in range(8):
                country.trace(i, destination, f"lan own net{1 + i % 6} far{6 + i % 6}", day=day)
    assert country.judge().grade == "diverse"


def test_phones_that_translate_ipv6_are_no_gateway() -> None:
    """Android's 464XLAT shows an IPv6 hop as 255.0.0.n, n its TTL: everybody's are alike."""
    country = Country(12)
    country.table.add("255.0.0.0/8", Attribution(special="reserved"))
    country.everyone("192.168.43.1 255.0.0.3 255.0.0.4 255.0.0.6 30.0.9.9")
    verdict = country.judge()
    assert verdict.fields["candidates"] == []
    assert verdict.gateway is None


@pytest.mark.parametrize("shown", ["lan 192.0.0.1", "* 192.0.0.1", "lan 192.0.0.0 *"])
def test_the_far_end_of_ds_lite_is_the_own_networks(shown: str) -> None:
    """It translates for its customers, at the address that RFC 6333 has for all; nobody else is
    seen, and three carriers take everybody over at one address each."""
    country = Country(10)
    country.table.add("192.0.0.0/24", Attribution(special="reserved"))
    for i in range(1, 11):
        country.everyone(f"{shown} 30.0.{6 + i % 3}.77", members=[i])
    verdict = country.judge()
    assert verdict.fields["candidates"] == []
    assert verdict.grade == "mixed"


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255"])
def test_an_address_that_no_router_can_have_is_silence(address: str) -> None:
    """A fault or a joke of somebody's; behind it all go on over one carrier's router."""
    country = Country(10)
    special = {"127": "loopback", "224": "multicast"}.get(address[:3], "reserved")
    country.table.add(f"{address}/32", Attribution(special=special))
    country.everyone(f"lan own {address} 30.0.7.77")
    verdict = country.judge()
    assert verdict.fields["candidates"] == []
    assert verdict.grade == "mixed"
    country = Country(10)
    country.everyone(f"lan own {address} {{up}}")
    assert country.judge().grade == "mixed"


@pytest.mark.parametrize(
    ("address", "special"),
    [
        ("64:ff9b::a14:701", "private"),
        ("64:ff9b::e100:1", "multicast"),
        ("fec0::1", "reserved"),
        ("100::1", "reserved"),
        ("5f00:0:1::1", "reserved"),
        ("2002:c058:6301::1", None),
    ],
)
def test_addresses_that_every_network_may_write_are_no_gateway(
    address: str, special: str | None
) -> None:
    """A NAT64 writes its network's private hops behind one prefix, whichever network it is."""
    country = Country(9)
    country.table.add(f"{address}/128", Attribution(special=special))
    country.around_in_ipv6(address)
    verdict = country.judge()
    assert verdict.fields["candidates"] == []
    assert verdict.gateway is None


@pytest.mark.parametrize("prefix", ["::ffff:", "64:ff9b::"])
def test_private_numbers_within_ipv6_ones_are_those_of_each_network(prefix: str) -> None:
    """As routers of 6PE, or behind a NAT64, show them: where all buy IPv6 from one carrier, too."""
    country = Country(9)
    for i in range(1, 10):
        country.table.add(f"{prefix}10.3{i}.7.1/128", Attribution(special="private"))
    country.around_in_ipv6(prefix + "10.3{i}.7.1", upstream="2030:7::9")
    verdict = country.judge()
    assert verdict.fields["candidates"] == []
    assert verdict.gateway is None
    assert not any(prefix in reason for reason in verdict.fields["reasons"])


@pytest.mark.parametrize("prefix", ["::ffff:", "64:ff9b::"])
def test_a_private_gateway_is_found_by_its_numbers_within_ipv6_ones(prefix: str) -> None:
    """All pass the same ones, and go on over the same router."""
    country = Country(9)
    country.table.add(f"{prefix}10.20.1.1/128", Attribution(special="private"))
    country.around_in_ipv6(prefix + "10.20.1.1", upstream="2030:7::9")
    gateway = country.judge().gateway
    assert gateway is not None
    assert gateway["blocks"] == ["10.20.1.0/24"]


@pytest.mark.parametrize(
    ("block", "candidates", "grade"),
    [
        ("10.254.254.1", 0, "mixed"),
        ("10.0.{j}.1", 0, "mixed"),
        ("10.20.{i}.1", 0, "mixed"),
        ("172.31.255.{i}", 0, "mixed"),
        ("10.10.10.{i}", 0, "diverse"),
        # Numbers of defence departments, unannounced for decades, are everybody's.
        ("11.11.11.{i}", 0, "mixed"),
        ("25.25.{j}.1", 0, "mixed"),
        # Public numbers are one owner's, announced or not, who may have given them to others.
        ("20.6.6.{i}", 0, "mixed"),
        ("20.6.6.1", 1, "single_gateway"),
    ],
)
def test_private_numbers_that_networks_have_in_common(
    block: str, candidates: int, grade: str
) -> None:
    """Each numbers its own border so; all share a carrier's interface for one of five places."""
    country = Country(10)
    country.table.add("172.16.0.0/12", Attribution(special="private"))
    for i in range(1, 11):
        for k, destination in enumerate(country.destinations()):
            up = "30.0.15.1" if k == 0 else f"30.0.{6 + (i * 3 + k) % 9}.{100 + i}"
            hops = f"lan own {block.format(i=i, j=i + 1)} {up}"
            for day in range(8):
                country.trace(i, destination, hops, day=day)
    verdict = country.judge()
    assert len(verdict.fields["candidates"]) == candidates
    assert verdict.grade == grade


def numbered_by_the_incumbent(words: str) -> Country:
    """Net 13 announces a block of which each of the other networks was given a part."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone(words, members=range(1, 13))
    return country


@pytest.mark.parametrize(
    "words",
    [
        "lan own 20.64.{i}.1 {up}",
        "lan own 20.64.{i}.1 20.64.{i}.9 {up}",
        "lan own 20.64.{i}.1 own {up}",
        "lan own 20.64.{i}.1 homeix {up}",
        "lan own homeix 20.64.{i}.1 {up}",
        "lan 20.64.{i}.1 10.{i}.1.1 {up}",
        "lan 20.64.{i}.1 * {up}",
        "20.64.{i}.1 {up}",
    ],
)
def test_numbers_that_the_incumbent_gave_to_its_rivals(words: str) -> None:
    """Their borders, or the lines to their customers, stand in its block; they leave apart."""
    verdict = numbered_by_the_incumbent(words).judge()
    assert verdict.grade == "mixed"
    assert any("12 of 12" in reason and "Net 13" in reason for reason in verdict.fields["reasons"])


@pytest.mark.parametrize(("showing", "of", "told"), [(6, 12, True), (5, 12, False), (5, 5, True)])
def test_numbers_of_the_incumbent_are_told_of_where_half_show_them(
    showing: int, of: int, *, told: bool
) -> None:
    """So from five networks on, of which anybody could be named at all."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own 20.64.{i}.1 {up}", members=range(1, showing + 1))
    country.everyone("lan own {up}", members=range(showing + 1, of + 1))
    said = f"{showing} of {of} organisations show addresses of Net 13"
    assert any(said in reason for reason in country.judge().fields["reasons"]) is told


@pytest.mark.parametrize(
    ("border", "grade"),
    [
        ("own 30.0.15.1", "mixed"),
        ("own * 30.0.15.1", "mixed"),
        ("10.{i}.1.1 30.0.15.1", "single_gateway"),
    ],
)
def test_leased_lines_within_a_network_meet_nowhere(border: str, grade: str) -> None:
    """Each goes on to a border of its own, behind which one carrier's router is shown to all."""
    assert numbered_by_the_incumbent(f"lan own 20.64.{{i}}.1 {border}").judge().grade == grade


def test_a_network_that_few_pass_is_shown_though_nobody_can_meet_there() -> None:
    """Who measures alone sees whom the ways pass; that is a candidate, and no name."""
    country = Country(3)
    country.everyone("lan own gate {up}", members=[1], days=range(15))
    fields = country.judge().fields
    assert fields["grade"] == "insufficient"
    assert fields["candidates"][0]["name"] == "Gate"
    assert fields["captured"]["organisations"] == 1
    assert {one["gateway"] for one in fields["timeline"]["gateways"]["Net 1"]} == {"Gate"}


def test_all_figures_leave_out_of_whom_only_the_numbers_are_on_the_ways() -> None:
    """Whoever is not named is no chokepoint either, and does not make twelve ways out one."""
    country = numbered_by_the_incumbent("lan own 20.64.{i}.1 {up}")
    fields = country.judge().fields
    assert fields["effective_gateways"] == pytest.approx(12)
    assert fields["intervals"]["effective_gateways"][1] == 12
    assert "Net 13" not in {one["name"] for one in fields["candidates"]}
    assert "Net 13" not in {one["name"] for one in fields["hegemony"]["nodes"]}
    points = fields["chokepoints"]
    assert "Net 13" not in {one["name"] for one in points["dominators"] + points["cut"]}
    assert not any("effective gateways" in reason for reason in fields["reasons"])
    assert fields["reasons"][0] == (
        "None of 12 organisations passes another domestic network on most of its traces to any "
        "destination abroad whose crossing is known, but for addresses of Net 13."
    )
    assert "count the ways as if Net 13 were not there" in fields["reasons"][1]
    assert fields["uncounted"] == [
        {
            "kind": "organisation",
            "name": "Net 13",
            "asns": [113],
            "blocks": [],
            "organisations": 12,
            "of": 12,
        }
    ]


def test_leaving_one_out_leaves_the_numbers_out_as_well() -> None:
    """Six of twelve show them: without one of these it is five of eleven, and no share either."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own 20.64.{i}.1 {up}", members=range(1, 7))
    country.everyone("lan own {up}", members=range(7, 13))
    fields = country.judge().fields
    assert fields["share"]["equal"] == 0.0
    assert fields["ranges"]["organisations"]["share"] == [0.0, 0.0]


def test_numbers_that_half_show_once_one_is_left_out_are_left_out_then() -> None:
    """Six of thirteen show them, and six of twelve without one that does not."""
    country = Country(14)
    country.table.add("20.64.0.0/16", Attribution(114, "N14", "Net 14", HOME))
    country.everyone("lan own 20.64.{i}.1 {up}", members=range(1, 7))
    country.everyone("lan own {up}", members=range(7, 14))
    fields = country.judge().fields
    assert fields["share"]["equal"] == pytest.approx(6 / 13)
    assert fields["ranges"]["organisations"]["share"] == [0.0, pytest.approx(5 / 12)]


def test_a_gateway_is_named_beside_numbers_that_more_show() -> None:
    """All borders stand in a block of Net 13: why nine count and twelve do not is said."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own 20.64.{i}.1 20.9.9.{i} 20.9.9.250 {up}", members=range(1, 10))
    country.everyone("lan own 20.64.{i}.1 {up}", members=range(10, 13))
    verdict = country.judge()
    assert (verdict.grade, name_of(country)) == ("concentrated", "Gate")
    assert any(
        "12 of 12 organisations show addresses of Net 13" in reason
        for reason in verdict.fields["reasons"]
    )


def test_a_network_on_just_half_of_the_traces_is_not_denied() -> None:
    """Nobody passes Gate on most of the traces, and all do on half of them: no more is denied."""
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(4))
    country.everyone("lan own {up}", days=range(4, 8))
    fields = country.judge().fields
    assert fields["candidates"] == []
    assert fields["reasons"][0] == (
        "None of 10 organisations passes another domestic network on most of its traces to any "
        "destination abroad whose crossing is known."
    )


def test_numbers_of_two_networks_on_the_ways_are_both_told() -> None:
    """Borders stand in a block of Net 13, and the lines behind them in one of Net 14."""
    country = Country(14)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.table.add("20.65.0.0/16", Attribution(114, "N14", "Net 14", HOME))
    country.everyone("lan own 20.64.{i}.1 20.65.{i}.1 {up}", members=range(1, 13))
    verdict = country.judge()
    assert verdict.grade == "mixed"
    assert verdict.fields["effective_gateways"] == pytest.approx(12)
    for name in ("Net 13", "Net 14"):
        said = f"12 of 12 organisations show addresses of {name}"
        assert any(said in reason for reason in verdict.fields["reasons"])


def test_an_alarm_of_numbers_that_come_two_by_two_is_not_left_beside_a_refusal() -> None:
    """An alarm is content with one other who comes by the same address, a name is not."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    members = range(1, 13)
    country.everyone("lan own {up}", days=range(10), members=members)
    for day, i, destination in product(range(10, 20), members, country.destinations()):
        country.trace(i, destination, f"lan own 20.64.{(i + 1) // 2}.1 far{6 + i % 9}", day=day)
    fields = country.judge().fields
    assert (fields["grade"], fields["timeline"]["alarm"]) == ("mixed", True)
    assert (
        "The alarm is of Net 13, which the grade does not name: that one other comes by the same "
        "addresses suffices for an alarm, and not for a name."
    ) in fields["reasons"]
    assert not any("each its own" in reason for reason in fields["reasons"])


@pytest.mark.parametrize(
    "words",
    [
        "lan own 20.64.{i}.1 30.0.9.9",
        "lan own 20.64.{i}.1 20.64.0.1 {up}",
        "lan own 20.64.{i}.1 * 20.64.0.1 {up}",
        "lan own 20.64.0.1 {up}",
    ],
)
def test_a_gateway_that_numbers_its_customers_links(words: str) -> None:
    """Each customer has an address there of its own, and beside or behind it they meet."""
    assert numbered_by_the_incumbent(words).judge().grade == "single_gateway"


def test_numbers_of_the_incumbent_hide_no_gateway_behind_them() -> None:
    """All borders stand in its block, and nine of twelve networks go on over Gate."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own 20.64.{i}.1 20.9.9.{i} 20.9.9.250 {up}", members=range(1, 10))
    country.everyone("lan own 20.64.{i}.1 {up}", members=range(10, 13))
    assert name_of(country) == "Gate"


def assert_switched_on(name: str, country: Country, alarm: bool) -> None:
    """An alarm, somebody named, and networks that leave by this one; or nothing of the three."""
    verdict = country.judge()
    timeline = verdict.fields["timeline"]
    left_by = {change["gateway"] for changes in timeline["gateways"].values() for change in changes}
    assert timeline["alarm"] is alarm
    assert (verdict.gateway is not None) is alarm
    assert (name in left_by) is alarm


@pytest.mark.parametrize(
    ("words", "alarm"),
    [("lan own 20.64.{i}.1 {up}", False), ("lan own 20.64.{i}.1 20.64.0.1 {up}", True)],
)
def test_numbers_that_come_to_all_borders_are_no_alarm(words: str, *, alarm: bool) -> None:
    """Lines leased from the incumbent on one day; a switch-on leads them over his router as well.

    Before, three of them had such numbers already.
    """
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own {up}", days=range(10), members=range(4, 13))
    country.everyone("lan own 20.64.{i}.1 {up}", days=range(10), members=range(1, 4))
    country.everyone(words, days=range(10, 20), members=range(1, 13))
    assert_switched_on("Net 13", country, alarm)


def behind_a_block_that_nobody_announces(*borders: str, days: range = range(8)) -> Country:
    """Twelve networks; to each destination they go over one after the other of these hops."""
    country = Country(12)
    for i, day in product(range(1, 13), days):
        for n, destination in enumerate(country.destinations()):
            border = borders[n % len(borders)].format(i=i, up=f"far{6 + i % 9}")
            country.trace(i, destination, f"lan own {border}", day=day)
    return country


@pytest.mark.parametrize(
    "borders",
    [
        ["45.5.5.{i} {up}"],
        ["45.5.5.{i} homeix {up}"],
        ["45.5.{i}.1 30.0.9.9", "45.5.{i}.1 {up}", "45.5.{i}.1 {up}"],
        ["45.5.5.{i} {up}", "10.20.7.{i} {up}"],
    ],
    ids=["one block", "an exchange behind", "a block each", "private ones beside"],
)
def test_lines_numbered_from_a_block_that_nobody_announces(borders: list[str]) -> None:
    """Its owner leases a line to each network and its carrier: they leave apart."""
    verdict = behind_a_block_that_nobody_announces(*borders).judge()
    assert (verdict.grade, verdict.gateway) == ("mixed", None)


def test_whose_lines_are_numbered_from_one_block_is_told() -> None:
    """And all figures count the ways as if it were not there."""
    fields = behind_a_block_that_nobody_announces("45.5.5.{i} {up}").judge().fields
    assert "12 of 12 organisations show addresses of 45.5.5.0/24" in fields["reasons"][1]
    assert "45.5.5.0/24" not in {one["name"] for one in fields["candidates"]}
    assert fields["effective_gateways"] > 8


@pytest.mark.parametrize(
    "border",
    ["45.5.5.1 {up}", "45.5.5.{i} 30.0.9.9", "45.5.{i}.1 30.0.9.9"],
    ids=["one address", "a carrier", "a block each"],
)
def test_a_gateway_in_a_block_that_nobody_announces(border: str) -> None:
    """Networks meet there, or right behind."""
    country = behind_a_block_that_nobody_announces(border)
    assert country.judge().grade == "single_gateway"


@pytest.mark.parametrize("block", ["10.200.5.{i}", "45.5.5.{i}"], ids=["private", "unannounced"])
@pytest.mark.parametrize(
    ("together", "grade"),
    [((2,) * 6, "mixed"), ((3,) * 4, "single_gateway"), ((6,), "mixed"), ((9,), "concentrated")],
    ids=["in twos", "in threes", "half", "three by themselves"],
)
def test_networks_numbered_alike_go_on_together(
    block: str, together: tuple[int, ...], grade: str
) -> None:
    """Groups of so many go on over one interface each, and the rest by themselves."""
    groups = [group for group, size in enumerate(together) for _ in range(size)]
    country = Country(12)
    for i, day in product(range(1, 13), range(8)):
        up = f"30.0.9.{groups[i - 1]}" if i <= len(groups) else f"far{i % 9 + 1}"
        for destination in country.destinations():
            country.trace(i, destination, f"lan own {block.format(i=i)} {up}", day=day)
    verdict = country.judge()
    assert verdict.grade == grade
    assert (verdict.gateway is None) == (grade == "mixed")
    reasons = " ".join(verdict.fields["reasons"])
    alike, lent = "may number themselves alike", "may have numbers or lines of it"
    expected = {alike if block.startswith("10.") else lent} if together == (2,) * 6 else set()
    assert {said for said in (alike, lent) if said in reasons} == expected


@pytest.mark.parametrize(
    ("border", "alarm"), [("45.5.5.{i} {up}", False), ("45.5.5.{i} 30.0.9.9", True)]
)
def test_lines_of_one_block_that_come_on_one_day_are_no_alarm(border: str, *, alarm: bool) -> None:
    """A switch-on leads all to the same carrier."""
    country = behind_a_block_that_nobody_announces(border, days=range(10, 20))
    country.everyone("lan own {up}", days=range(10))
    assert_switched_on("45.5.5.0/24", country, alarm)


@pytest.mark.parametrize("border", ["20.64.{i}.1", "10.20.7.{i}"], ids=["incumbent", "private"])
def test_a_hop_that_is_lost_now_and_then_makes_no_gateway_of_numbers(border: str) -> None:
    """Behind the carriers' edges, which each have a link, stand cores that many are seen to pass.

    To each destination the edge is silent on one day of eight, and the core looks right behind.
    """
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    for i, day in product(range(1, 13), range(8)):
        carrier = 6 + i % 3
        for n, destination in enumerate(country.destinations()):
            edge = "*" if day == (i + n) % 8 else f"far{carrier}"
            words = f"lan own {border.format(i=i)} {edge} 30.0.{carrier}.99"
            country.trace(i, destination, words, day=day)
    assert country.judge().grade == "mixed"


@pytest.mark.parametrize("customers", [1, 3, 6])
def test_customers_of_rivals_make_no_gateway_of_the_incumbents_numbers(customers: int) -> None:
    """A rival and who buys from it show the same number of the incumbent: the rival's."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    rivals = range(1, 13 - customers)
    country.everyone("lan own {up}", days=range(10), members=range(1, 13))
    country.everyone("lan own 20.64.{i}.1 {up}", days=range(10, 20), members=rivals)
    for day, destination in product(range(10, 20), country.destinations()):
        for customer in range(1, customers + 1):
            words = f"lan own net{customer} 20.64.{customer}.1 far{6 + customer}"
            country.trace(12 - customers + customer, destination, words, day=day)
    verdict = country.judge()
    assert (verdict.gateway, verdict.fields["timeline"]["alarm"]) == (None, False)


@pytest.mark.parametrize("customers", [4, 6, 8])
def test_a_rival_that_was_not_measured_makes_no_gateway_of_the_incumbents_numbers(
    customers: int,
) -> None:
    """Its customers show the incumbent's number at its border, where all of them come together."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own {up}", days=range(10), members=range(1, 12))
    for i, day, destination in product(range(1, 12), range(10, 20), country.destinations()):
        words = f"net12 20.64.12.1 far{6}" if i <= customers else f"20.64.{i}.1 far{6 + i % 9}"
        country.trace(i, destination, f"lan own {words}", day=day)
    fields = country.judge().fields
    named = {one["name"] for one in (fields["gateway"], fields["timeline"]["gateway"]) if one}
    assert named <= {"Net 12"}


@pytest.mark.parametrize("block", ["10.20.7", "11.0.5", "10.0.0"])
@pytest.mark.parametrize("rival", [1, 12])
def test_customers_of_a_rival_make_no_gateway_of_numbers_that_all_use(
    rival: int, block: str
) -> None:
    """Networks number their borders alike; that of one all of its customers come by."""
    country = Country(12)
    country.everyone("lan own {up}", days=range(10), members=range(1, 12))
    for i, day, destination in product(range(1, 12), range(10, 20), country.destinations()):
        before = "" if i == rival else "* " if (i + day) % 6 == 0 else f"net{rival} "
        words = f"{before}{block}.99 30.0.6.99" if i <= 6 else f"{block}.{i} far{6 + i % 9}"
        country.trace(i, destination, f"lan own {words}", day=day)
    fields = country.judge().fields
    named = {one["name"] for one in (fields["gateway"], fields["timeline"]["gateway"]) if one}
    assert named <= {f"Net {rival}"}


@pytest.mark.parametrize(
    ("customers", "grade"),
    [(6, "mixed"), (7, "concentrated"), (9, "concentrated"), (10, "single_gateway")],
)
def test_whose_numbers_alone_are_there_is_no_customer(customers: int, grade: str) -> None:
    """Some of twelve buy from Net 13, all others have its numbers at borders of their own."""
    country = Country(13)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    country.everyone("lan own net13 {up}", members=range(1, customers + 1))
    country.everyone("lan own 20.64.{i}.1 {up}", members=range(customers + 1, 13))
    verdict = country.judge()
    assert verdict.grade == grade
    told = [reason for reason in verdict.fields["reasons"] if "nobody else comes" in reason]
    assert len(told) == (grade != "single_gateway")
    for reason in told:
        assert f" {12 - customers} of those captured" in reason
        assert Words("km").sentence(reason).language == "km"


@pytest.mark.parametrize(
    "before",
    ["net13", "20.64.{i}.1", "20.0.{transit}.1", "20.0.14.1"],
    ids=["one provider", "numbers of one", "three transits", "one that was not measured"],
)
def test_a_gateway_of_private_numbers_is_named_behind_others(before: str) -> None:
    """Of the one whom all pass before it, it is the gateway, or that one itself is."""
    country = Country(17)
    country.table.add("20.64.0.0/16", Attribution(113, "N13", "Net 13", HOME))
    for i, day, destination in product(range(1, 13), range(8), country.destinations()):
        words = f"{before.format(i=i, transit=15 + i % 3)} 10.20.7.{i} 30.0.6.99"
        country.trace(i, destination, f"lan own {words}", day=day)
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert verdict.gateway is not None
    assert verdict.gateway["name"] in {"10.20.7.0/24", "Net 13", "Net 14"}


def test_one_liar_makes_no_gateway_of_the_incumbents_numbers() -> None:
    """He shows the borders of all others as if they were on his ways."""
    country = numbered_by_the_incumbent("lan own 20.64.{i}.1 {up}")
    for day, n in product(range(8), range(1, 12)):
        for destination in country.destinations():
            country.trace(12, destination, f"lan own 20.64.{n}.1 far{6 + n % 9}", day=day)
    assert country.judge().gateway is None


def test_who_of_two_in_a_row_is_the_gateway_is_left_open() -> None:
    """All buy from Net 13, which buys from Gate, or Gate is what a decree sends them through."""
    country = Country(13)
    country.everyone("lan own net13 20.9.9.{i} 20.9.9.250 {up}", members=range(1, 13))
    said = "All that pass Gate pass Net 13 as well"
    verdict = country.judge()
    assert name_of(country) == "Gate"
    assert any(said in limit for limit in verdict.fields["limits"])
    country.results.clear()
    country.everyone("lan own net13 gate {up}", members=range(1, 12))
    country.everyone("lan own gate {up}", members=range(12, 13))
    assert name_of(country) == "Gate"
    assert not any(said in limit for limit in country.judge().fields["limits"])


def test_numbers_and_exchanges_on_the_way_leave_nothing_open() -> None:
    """Who has numbers at the borders, a meeting place and private hops are no second gateway."""
    words = "lan own 20.64.{i}.1 homeix 10.2.3.4 20.9.9.{i} 20.9.9.250 {up}"
    country = numbered_by_the_incumbent(words)
    verdict = country.judge()
    assert name_of(country) == "Gate"
    assert not any("All that pass" in limit for limit in verdict.fields["limits"])


def test_two_large_operators_are_not_one() -> None:
    """Three quarters of a large sample bound the share above two thirds; the rest has its own."""
    country = Country(102)
    country.everyone("lan own net101 {up}", members=range(1, 78))
    country.everyone("lan own net102 {up}", members=range(78, 101))
    verdict = country.judge()
    assert verdict.fields["captured"]["lower"] >= Policy().single
    assert verdict.grade == "concentrated"


def test_the_first_of_three_equal_operators() -> None:
    """Seven of twelve by chance: somebody has most of any sample."""
    country = Country(15)
    country.everyone("lan own net13 {up}", members=range(1, 8))
    country.everyone("lan own net14 {up}", members=range(8, 11))
    country.everyone("lan own net15 {up}", members=range(11, 13))
    verdict = country.judge()
    assert verdict.fields["captured"]["organisations"] == 7
    assert verdict.fields["captured"]["lower"] > Policy().concentrated_lower
    assert verdict.gateway is None
    assert any("divide between 3 operators" in reason for reason in verdict.fields["reasons"])


def test_small_networks_are_not_the_country() -> None:
    """Eleven of twelve share a way, and nearly all users are in the network that does not."""
    country = Country(12)
    country.everyone("lan own gate {up}", members=range(1, 12))
    country.everyone("lan own {up}", members=range(12, 13))
    users = {f"Net {i}": 1_000.0 for i in range(1, 12)} | {"Net 12": 1_000_000.0}
    assert country.judge().grade == "single_gateway"
    verdict = country.judge(weights=Weights(users, "users"))
    assert verdict.grade == "concentrated"
    assert any("Weighed by users, 1%" in reason for reason in verdict.fields["reasons"])


def test_a_research_network_is_not_the_country() -> None:
    """Ten universities behind one operator, of whom few of the country's users are."""
    country = gated()
    users = {f"Net {i}": 1_000.0 for i in range(1, 11)} | {"Everybody else": 1_000_000.0}
    verdict = country.judge(weights=Weights(users, "users"))
    assert verdict.grade == "concentrated"
    reasons = verdict.fields["reasons"]
    assert "1% of the country's users were covered; 10% are needed." in reasons


def test_a_gateway_in_the_middle_with_four_different_last_hops() -> None:
    """Each path ends at home in one of four carriers, but all came through Gate."""
    country = Country(14)
    for i in range(5, 15):
        for n, destination in enumerate(country.destinations()):
            for day in range(8):
                country.trace(i, destination, f"lan own gate net{1 + n % 4} far{6 + n}", day=day)
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert name_of(country) == "Gate"


@pytest.mark.parametrize("router", ["{i}", "1"], ids=["a port for each", "one address"])
def test_one_private_block_seen_from_many_organisations(router: str) -> None:
    """A /24 of no AS right before everybody's border is the very thing looked for."""
    country = Country(10)
    country.everyone(f"lan own 10.201.147.{router} 30.0.9.9")
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert verdict.gateway is not None
    assert verdict.gateway["kind"] == "unmapped"
    assert verdict.gateway["blocks"] == ["10.201.147.0/24"]


@pytest.mark.parametrize(
    "words",
    [
        "lan own 10.20.1.1 own! 30.0.9.9",
        "lan own 10.20.1.1 30.0.9.9 own! 30.0.9.9",
        "lan own 10.20.1.1 own!",
    ],
)
def test_a_firewall_that_refuses_what_was_to_go_farther(words: str) -> None:
    """It stands where it was heard first: no hop of it behind the exit makes the exit its own."""
    country = Country(10)
    country.everyone("lan own 10.20.1.1 30.0.9.9", members=range(1, 6))
    country.everyone(words, members=range(6, 11))
    country.everyone("lan own 10.20.1.1 30.0.9.9", members=range(6, 11), days=range(1))
    verdict = country.judge()
    assert name_of(country) == "10.20.1.0/24"
    assert verdict.fields["captured"]["organisations"] == 10


def test_a_router_that_does_nothing_but_refuse_is_on_the_path() -> None:
    """The packet got to it, and nobody heard it nearer."""
    country = Country(10)
    country.everyone("lan own gate! {up}")
    assert name_of(country) == "Gate"


@pytest.mark.parametrize("source", [{}, {"src_addr": "10.1.1.1"}], ids=["none", "private"])
def test_a_record_without_a_source_address(source: dict[str, str]) -> None:
    """Nobody knows whose path it is: rejected and counted."""
    country = open_country()
    for destination in country.destinations():
        country.trace(1, destination, "lan own gate far9", source=source)
    assert country.judge().fields["rejected"]["no_source_address"] == 5


@pytest.mark.parametrize("days", [365, -365], ids=["ahead", "behind"])
def test_a_clock_that_is_wrong_by_a_year(days: int) -> None:
    """Ahead is impossible and counted; behind is old data, which convicts and alarms nobody."""
    country = open_country()
    for destination in country.destinations():
        for day in range(8):
            country.trace(1, destination, "lan own gate far9", day=day + days, vantage=1)
    fields = country.judge().fields
    assert fields["grade"] == "diverse"
    assert fields["timeline"]["alarm"] is False
    assert fields["window"][1] == "2026-01-08"
    assert fields["rejected"].get("implausible_time", 0) == (40 if days > 0 else 0)


def test_two_snapshots_that_disagree() -> None:
    """The records say Gate on every path, by a table of theirs; one table judges all of them."""
    country = open_country()
    for result in country.results:
        said: dict[str, Any] = {"hop": 2, "asn": 999, "organisation": "Gate", "country": HOME}
        result["gatewatch"] = {
            "schema": "gatewatch.trace/1",
            "vantage": {"id": str(result["prb_id"]), "asn": 100 + result["prb_id"] // 1000},
            "snapshots": ["another@2020-01-01+0"],
            "hops": [said],
        }
    verdict = country.judge()
    assert verdict.grade == "diverse"
    assert verdict.fields["provenance"]["snapshots"] == ["synthetic@2026-01-01+0"]


def test_a_change_of_table_is_no_alarm() -> None:
    """Half of the records were attributed before a block changed hands: nobody moved."""
    country = Country(12)
    country.everyone("lan own {up}", days=range(20))
    for result in country.results:
        late = result["timestamp"] >= country.results[0]["timestamp"] + 10 * 86_400
        said = {"hop": 2, "asn": 999, "organisation": "Gate", "country": HOME} if late else None
        result["gatewatch"] = {
            "schema": "gatewatch.trace/1",
            "vantage": {"id": str(result["prb_id"]), "asn": 100 + result["prb_id"] // 1000},
            "hops": [said] if said else [],
        }
    assert country.judge().fields["timeline"]["alarm"] is False


def test_a_gateway_that_begins_to_answer_is_no_alarm() -> None:
    """It stood there before and was silent: the links behind it are the same."""
    country = Country(10)
    country.everyone("lan own * 30.0.9.9", days=range(10))
    country.everyone("lan own gate 30.0.9.9", days=range(10, 20))
    assert country.judge().fields["timeline"]["alarm"] is False


def test_vantages_that_say_that_they_are_no_evidence() -> None:
    """VPN, portal, new TTL, wrong clock: a gateway seen from there alone convicts nobody."""
    country = open_country()
    honest = len(country.results)
    before = country.judge()
    for note, reason in SPOILT.items():
        country.everyone("lan own gate {up}")
        for result in country.results[honest:]:
            result["gatewatch"] = {"schema": SCHEMA, "notes": [note]}
        verdict = country.judge()
        assert verdict.grade == before.grade == "diverse"
        assert verdict.fields["rejected"] == {reason: len(country.results) - honest}
        del country.results[honest:]
    country.everyone("lan own gate {up}")
    assert country.judge().grade != "diverse"


# ------------------------------------------------------------------------ silence of some


def partly_silent(silent: int, seen: int) -> Country:
    """Eight networks behind Gate; of ``silent`` ones only so many of ten ways are seen."""
    country = Country(8)
    for i in range(1, 9):
        for n, destination in enumerate(country.destinations(10)):
            unseen = i <= silent and n >= seen
            for day in range(8):
                words = "lan own * * " if unseen else "lan own gate "
                country.trace(i, destination, f"{words}far{6 + i % 9}", day=day)
    return country


@pytest.mark.parametrize(
    ("silent", "seen", "grade"),
    [(4, 2, "mixed"), (4, 5, "mixed"), (4, 6, "single_gateway"), (1, 2, "single_gateway")],
)
def test_a_network_is_not_captured_by_the_few_ways_that_it_shows(
    silent: int, seen: int, grade: str
) -> None:
    """Eight of ten ways of half of all networks are silent: they may leave anywhere else."""
    verdict = partly_silent(silent, seen).judge()
    assert verdict.grade == grade
    assert verdict.fields["captured"]["organisations"] == 8


@pytest.mark.parametrize("block", ["192.0.0.1", "169.254.1.1", "198.18.0.1", "203.0.113.1"])
def test_an_address_that_standards_give_to_everybody_is_no_gateway(block: str) -> None:
    """Every DS-Lite tunnel ends at 192.0.0.1: networks that show no own hop have that in common."""
    country = Country(8)
    country.table.add(f"{block}/32", Attribution(special="reserved"))
    country.everyone(f"lan {block} {{up}}")
    verdict = country.judge()
    assert verdict.gateway is None
    assert verdict.fields["candidates"] == []
    # One carrier behind all of them is another matter.
    country.results.clear()
    country.everyone(f"lan {block} 30.0.9.9")
    assert country.judge().grade != "diverse"


# ------------------------------------------------------------------------ one destination for most


@pytest.mark.parametrize(
    ("single", "grade"), [(9, "mixed"), (6, "mixed"), (5, "concentrated"), (0, "single_gateway")]
)
def test_a_single_destination_of_most_networks_names_nobody(single: int, grade: str) -> None:
    """Built-in measurements to one host, and a volunteer with a list: two data sets in one."""
    country = Country(10)
    for i in range(1, 11):
        for destination in country.destinations(1 if i <= single else 5):
            for day in range(8):
                words = f"lan own gate far{6 + i % 9}"
                country.trace(i, destination, words, day=day)
    verdict = country.judge()
    assert verdict.grade == grade
    assert verdict.fields["captured"]["organisations"] == 10


def test_a_destination_of_each_network_is_as_good_as_many() -> None:
    """Eight networks, each measured to another operator, all behind Gate."""
    country = Country(8)
    for i in range(1, 9):
        for day in range(8):
            country.trace(i, f"30.0.{i}.200", f"lan own gate far{6 + i % 9}", day=day)
    assert country.judge().grade == "single_gateway"


@pytest.mark.parametrize(
    ("passing", "grade"), [(0, "mixed"), (3, "mixed"), (4, "single_gateway"), (8, "single_gateway")]
)
def test_the_way_to_one_continent_alone_names_nobody(passing: int, grade: str) -> None:
    """Most destinations stand in one region, and who sells the way there is met on it.

    To the only one elsewhere each network goes by itself, or so many of eight over Gate.
    """
    country = Country(8)
    near = [f"31.0.{i}.200" for i in range(1, 6)]
    for i, destination in enumerate(near, start=1):
        host = Attribution(4000 + i, f"H{i}", f"Host {i}", "SG")
        country.table.add(f"{destination.removesuffix('200')}0/24", host)
    country.table.add("31.1.0.0/24", Attribution(4100, "EU", "Host in Europe", "DE"))
    for i in range(1, 9):
        out = f"far{6 + i % 9}"
        for day in range(8):
            for destination in near:
                country.trace(i, destination, f"lan own gate {out}", day=day)
            words = f"lan own gate {out}" if i <= passing else f"lan own {out}"
            country.trace(i, "31.1.0.200", words, day=day)
    verdict = country.judge()
    assert verdict.fields["captured"]["organisations"] == 8
    assert verdict.grade == grade
    if grade == "mixed":
        assert any("on 1 of the 2 continents needed" in one for one in verdict.fields["reasons"])


@pytest.mark.parametrize(("days", "grade"), [(1, "concentrated"), (7, "single_gateway")])
def test_one_network_makes_no_week_of_a_day_of_all_others(days: int, grade: str) -> None:
    """All were measured while everybody was on a backup, and one network for two months."""
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(60), members=[1])
    country.everyone("lan own gate {up}", days=range(30, 30 + days), members=range(2, 11))
    found = country.judge()
    assert found.grade == grade
    needed = (
        "Most of those captured were measured on 1 of the 7 days needed, not counting days on "
        "which they mostly went elsewhere."
    )
    assert (needed in found.fields["reasons"]) is (days == 1)


@pytest.mark.parametrize(
    ("before", "cut", "grade"),
    [(3, 4, "concentrated"), (5, 6, "concentrated"), (6, 7, "single_gateway")],
)
def test_a_cut_of_some_days_makes_no_week(before: int, cut: int, grade: str) -> None:
    """All are on a backup on most days of a campaign that is too short for an alarm."""
    country = Country(9)
    country.everyone("lan own {up}", days=range(before))
    country.everyone("lan own gate far15", days=range(before, before + cut))
    found = country.judge()
    assert found.grade == grade
    sentence = (
        f"Most of those captured were measured on {cut} of the 7 days needed, not counting days on "
        "which they mostly went elsewhere."
    )
    assert (sentence in found.fields["reasons"]) is (grade == "concentrated")


@pytest.mark.parametrize(
    ("destinations", "alarm"),
    [
        # Two thirds of them stand in one region, to which somebody sells a new way.
        (["30.0.2.200", "30.0.7.200", "30.0.12.200", "30.0.2.201"], False),
        (["30.0.2.200", "30.0.3.200", "30.0.5.200", "30.0.5.201"], True),
    ],
)
def test_a_new_way_to_one_region_is_no_alarm(destinations: list[str], *, alarm: bool) -> None:
    """What would not be named is no alarm either: all else goes on over each network's own way."""
    country = Country(10)
    for i in range(1, 11):
        for day in range(28):
            own = f"lan own far{6 + i % 9}"
            country.trace(i, "30.0.1.200", own, day=day)
            for destination in destinations:
                words = f"lan own gate far{6 + i % 9}" if day >= 14 and i <= 8 else own
                country.trace(i, destination, words, day=day)
    found = country.judge().fields
    assert found["timeline"]["alarm"] is alarm
    assert (found["gateway"] is not None) is alarm
    told = (
        "8 of 10 organisations moved to one operator, but only for destinations on one continent "
        "or of one class, which is no switch-on"
    )
    assert (found["timeline"]["reason"] == told) is not alarm


@pytest.mark.parametrize(("many", "alarm"), [(1, False), (3, True)])
def test_a_new_way_to_one_destination_is_no_alarm(many: int, *, alarm: bool) -> None:
    """Most are measured to one host, which changes who brings it its visitors; few to more."""
    country = Country(10)
    for i in range(1, 11):
        for destination in ["30.0.2.200", "30.0.3.200"][: 2 if i <= many else 1]:
            for day in range(28):
                words = "lan own gate far7" if day >= 14 and i <= 8 else f"lan own far{6 + i % 9}"
                country.trace(i, destination, words, day=day)
    assert country.judge().fields["timeline"]["alarm"] is alarm


@pytest.mark.parametrize(("gone", "last", "named"), [(9, 20, False), (3, 20, True), (9, -30, True)])
def test_who_is_measured_no_more_since_an_alarm_is_not_forgotten(
    gone: int, last: int, *, named: bool
) -> None:
    """Seven networks that stayed moved to one carrier; of the others nobody knows since when."""
    country = Country(7 + gone)
    country.everyone("lan own {up}", days=range(20), members=range(1, 8))
    country.everyone("lan own gate {up}", days=range(20, 30), members=range(1, 8))
    country.everyone("lan own {up}", days=range(last - 20, last), members=range(8, 8 + gone))
    found = country.judge()
    assert found.fields["timeline"]["alarm"]
    assert (found.gateway is not None) is named
    sentence = (
        "Known to send most of all their pairs that way: 7 of 16 organisations, those counted that "
        "were measured in the 28 days before and not since (9); of the others too many ways are "
        "not known."
    )
    assert (sentence in found.fields["reasons"]) is not named


@pytest.mark.parametrize(
    ("behind", "themselves", "silent", "grade"),
    [
        (8, 0, 2, "single_gateway"),
        (8, 0, 3, "concentrated"),
        (9, 8, 0, "concentrated"),
        (9, 8, 11, "mixed"),
    ],
)
def test_networks_whose_borders_are_silent_are_not_forgotten(
    behind: int, themselves: int, silent: int, grade: str
) -> None:
    """Gate's routers alone answer: whoever buys from others shows no way at all."""
    country = Country(behind + themselves + silent)
    known = behind + themselves
    country.everyone("lan own gate {up}", members=range(1, behind + 1))
    country.everyone("lan own {up}", members=range(behind + 1, known + 1))
    country.everyone("lan own * * {up}", members=range(known + 1, country.size + 1))
    found = country.judge()
    assert found.grade == grade
    sentence = {
        3: "With those of which no way is known (3) the share is 0.73; 0.80 is needed before one "
        "gateway is said to carry all.",
        11: "Known to send most of all their pairs that way: 9 of 28 organisations, those counted "
        "of which no way is known in the days judged (11); of the others too many ways are not "
        "known.",
    }
    for number, said in sentence.items():
        assert (said in found.fields["reasons"]) is (number == silent)


@pytest.mark.parametrize(
    ("gate", "other", "grade"),
    [
        ("0123456789", "", "single_gateway"),
        ("02345679", "18", "single_gateway"),
        ("0235679", "148", "concentrated"),
        ("012345", "6789", "concentrated"),
        ("3456789", "012", "single_gateway"),
    ],
)
def test_the_larger_of_two_that_take_turns_is_no_single_gateway(
    gate: str, other: str, grade: str
) -> None:
    """It is on most traces of every pair; who moved to it once and stayed takes no turns."""
    country = Country(12)
    country.table.add("20.9.7.0/24", Attribution(998, "OTHER", "Other", HOME))
    country.everyone("lan own gate {up}", days=list(map(int, gate)))
    country.everyone("lan own 20.9.7.1 {up}", days=list(map(int, other)))
    found = country.judge()
    assert found.grade == grade
    sentence = (
        "Passed by turns, with more than 20% of the traces over somebody else at home or straight "
        "abroad: 12 of those captured."
    )
    assert (sentence in found.fields["reasons"]) is (grade == "concentrated")


@pytest.mark.parametrize(
    "words", ["lan own {up}", "lan own * {up}", "lan own net12 {up}", "lan * net12 own {up}"]
)
def test_a_way_that_shows_nobody_else_is_no_turn(words: str) -> None:
    """A border that answers with an address of its customer or its carrier, or not at all."""
    country = Country(12)
    country.everyone("lan own net12 gate {up}", days=range(6), members=range(1, 12))
    country.everyone(words, days=range(6, 10), members=range(1, 12))
    assert country.judge().grade == "single_gateway"


@pytest.mark.parametrize(("days", "grade"), [(2, "single_gateway"), (3, "concentrated")])
def test_the_own_border_beside_an_operator_is_a_turn(days: int, grade: str) -> None:
    """Each goes abroad by itself as well, over a carrier that no way over the operator comes to."""
    country = Country(12)
    country.everyone("lan own gate {up}", days=range(10 - days))
    country.everyone("lan own far15", days=range(10 - days, 10))
    assert country.judge().grade == grade


@pytest.mark.parametrize("days", [0, 14])
def test_who_takes_others_pseudonyms_names_nobody(days: int) -> None:
    """One network of twenty claims the pseudonyms of all that do not pass Gate, on more days."""
    country = Country(20)
    country.everyone("lan own gate {up}", days=range(10), members=range(1, 8))
    country.everyone("lan own {up}", days=range(10), members=range(8, 21))
    theirs = [result["prb_id"] for result in country.results if result["prb_id"] >= 8000]
    for pseudonym in sorted(set(theirs)):
        for day in range(days):
            country.trace(7, "30.0.1.200", "lan own gate far15", day=day)
            country.results[-1]["prb_id"] = pseudonym
    found = country.judge()
    assert found.fields["rejected"].get("key_in_other_network", 0) == (650 if days else 0)
    assert found.grade == "mixed"


@pytest.mark.parametrize(("displaced", "alarm"), [(5, True), (6, False)])
def test_whose_pseudonyms_are_taken_was_measured_all_the_same(
    displaced: int, *, alarm: bool
) -> None:
    """Three moved, of eight or nine; all traces of the others are left out as another network's."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(14), members=range(1, 4))
    country.everyone("lan own gate far15", days=range(14, 28), members=range(1, 4))
    country.everyone("lan own {up}", days=range(20, 28), members=range(4, 4 + displaced))
    for pseudonym in range(4000, 4000 + 1000 * displaced, 1000):
        for day in range(9):
            country.trace(1, "20.0.10.200", "lan own", day=day)
            country.results[-1]["prb_id"] = pseudonym
    assert country.judge().fields["timeline"]["alarm"] is alarm
