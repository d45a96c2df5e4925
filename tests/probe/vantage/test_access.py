"""Which networks a run measures from, and what follows for its traces."""

from __future__ import annotations

from probe.origin.attribute import attribute
from probe.record import Hop, Reply, Trace
from probe.redaction.premises import Premises
from probe.vantage.access import AccessNetworks
from probe.vantage.locate import Access
from tests.probe.table import ABROAD, GATEWAY, PROVIDER, Table

TABLE = Table()
KNOWN = Access(PROVIDER, "Viettel", "KH", "first_hops")


def trace(*addresses: str | None) -> Trace:
    hops = tuple(
        Hop(number, (Reply(address, 1.0) if address else Reply(),))
        for number, address in enumerate(addresses, start=1)
    )
    plain = Trace(
        dst_addr="80.231.1.1", af=4, proto="ICMP", timestamp=0, endtime=0, stop="gap", hops=hops
    )
    return attribute(plain, TABLE)


def test_a_trace_through_another_line_shows_another_network_where_the_own_one_stands() -> None:
    """What shows farther on than the own network ever did only lies behind it.

    Where that showed nowhere yet, or a trace shows nobody, there is nothing to tell it by.
    """
    networks = AccessNetworks({4: KNOWN}, None, TABLE)
    assert not networks.began_elsewhere(trace("203.144.64.1", "80.231.1.1"))
    networks.learn(trace("192.168.1.1", "36.37.9.9", "80.231.1.1"))
    networks.learn(trace("192.168.1.1", None, "36.37.9.9", "80.231.1.1"))
    assert networks.shows_at(4) == 2
    assert networks.began_elsewhere(trace("192.168.1.1", None, "203.144.64.1", "80.231.1.1"))
    assert not networks.began_elsewhere(trace("192.168.1.1", None, None, "203.144.64.1"))
    assert not networks.began_elsewhere(trace("192.168.1.1", None, None))
    assert not networks.began_elsewhere(trace("192.168.1.1", "203.144.64.1", "36.37.9.9"))


def test_another_line_may_begin_with_private_routers() -> None:
    """Its network then shows farther on, but no router that leads to the own network answers.

    Where one does, or one keeps silent, the trace may have gone over the own line.
    """
    networks = AccessNetworks({4: KNOWN}, None, TABLE)
    networks.learn(trace("192.168.1.1", "10.9.0.1", "36.37.9.9", "80.231.1.1"))
    second = ("192.168.1.1", "10.66.0.2", "10.66.0.6", "10.66.0.9", "203.144.64.1", "80.231.0.1")
    assert networks.began_elsewhere(trace(*second))
    assert not networks.began_elsewhere(trace("192.168.1.1", "10.9.0.1", *second[2:]))
    assert not networks.began_elsewhere(trace("192.168.1.1", "10.66.0.2", None, *second[3:]))
    networks.learn(trace("192.168.1.1", "10.66.0.2", "10.66.0.6", "36.37.9.9", "80.231.1.1"))
    assert not networks.began_elsewhere(trace(*second))


def test_a_private_router_where_the_own_network_stands_next_is_of_another_line() -> None:
    """Where that network stands first of all there is no such place: silence is no other line."""
    networks = AccessNetworks({4: KNOWN}, None, TABLE)
    networks.learn(trace("192.168.1.1", "36.37.9.9", "80.231.1.1"))
    assert networks.began_elsewhere(trace("192.168.1.1", "10.66.0.2", "203.144.64.1"))
    networks.learn(trace("36.37.9.9", "80.231.1.1"))
    assert not networks.began_elsewhere(trace(None, None, "203.144.64.1", "80.231.1.1"))


def test_routers_that_led_to_a_network_that_was_left_lead_nowhere() -> None:
    """A line with routers of the same private numbers is another one where the machine is now."""
    networks = AccessNetworks({4: KNOWN}, None, TABLE)
    networks.learn(trace("192.168.1.1", "10.9.0.1", "36.37.9.9", "80.231.1.1"))
    networks.move(4, Premises(frozenset({"203.144.64.77"})), "203.144.64.77")
    networks.learn(trace("192.168.1.1", "10.66.0.1", "203.144.64.1", "80.231.1.1"))
    other = ("192.168.1.1", "10.9.0.1", "10.9.0.5", "36.37.9.9", "80.231.1.1")
    assert networks.began_elsewhere(trace(*other))


def test_the_country_is_known_where_one_ip_version_tells_it() -> None:
    """The table may lack the country of the network that the other is in."""
    nowhere = Access(64500, "AS64500", None, "said")
    assert AccessNetworks({4: nowhere, 6: KNOWN}, None, TABLE).country == "KH"


def test_it_is_said_whether_traces_tell_the_access_network() -> None:
    """Where they do not, it is for the run to say what stands against it."""
    networks = AccessNetworks({}, "KH", TABLE)
    assert not networks.tell(4, [trace("192.168.1.1", None, "80.231.0.1", "80.231.1.1")])
    assert networks.known == {}
    assert networks.tell(4, [trace("192.168.1.1", "36.37.9.9", "80.231.0.1")])
    assert networks.known[4].asn == PROVIDER


def test_a_network_that_the_machine_left_is_cut_as_well() -> None:
    """Both places are the volunteer's; where the access network stood is learnt anew."""
    networks = AccessNetworks({4: KNOWN}, None, TABLE)
    networks.learn(trace("192.168.1.1", "36.37.9.9"))
    networks.move(4, Premises(frozenset({"203.144.64.77"})), "203.144.64.77")
    assert networks.to_cut == {PROVIDER, GATEWAY}
    assert networks.known[4].known_by == "interface"
    assert networks.shows_at(4) == 0
    networks.move(4, Premises(frozenset({"10.64.9.5"})), "10.64.9.5")
    assert (networks.known, networks.country) == ({}, "KH")


def test_a_network_that_stood_first_where_the_machine_was_is_cut_ever_after() -> None:
    """The one that was named there by mistake stood on no path; what did may be the own line's."""
    networks = AccessNetworks({4: Access(GATEWAY, "Telecom Cambodia", "KH", "said")}, None, TABLE)
    networks.learn(trace("192.168.1.1", "36.37.9.9", "80.231.1.1"))
    assert networks.to_cut == {GATEWAY, PROVIDER}
    networks.move(4, Premises(frozenset({"10.64.9.5"})), "10.64.9.5")
    assert networks.to_cut == {GATEWAY, PROVIDER}
    assert networks.instead == {}


def test_only_a_network_that_was_named_is_doubted_where_another_stands_first() -> None:
    """What traces told keeps silent at times: the gateway behind it stays whole, as evidence."""
    networks = AccessNetworks({4: KNOWN}, None, TABLE)
    networks.learn(trace("192.168.1.1", None, "203.144.64.1", "80.231.1.1"))
    assert networks.to_cut == {PROVIDER}


def test_a_wrong_name_that_was_left_does_not_tell_where_home_is() -> None:
    """Named for both IP versions, left over one: over the other its country is no better known."""
    wrong = Access(ABROAD, "TATA", "US", "said")
    networks = AccessNetworks({4: wrong, 6: wrong}, None, TABLE)
    networks.move(4, Premises(frozenset({"10.64.9.5"})), "10.64.9.5")
    over_6 = trace("fd00:1::1", "2405:8380:5::9", "2001:5a0::1")._replace(af=6)
    networks.learn(over_6)
    assert networks.to_cut == {ABROAD, PROVIDER}


BEHIND = {(4, "203.144.64.1"): PROVIDER}


def test_a_provider_that_falls_silent_is_known_by_what_stands_behind_it() -> None:
    """Its routers may answer nothing for some days; the next network is not the volunteer's then.

    So it is where that one shows at the same hop, by the same address, as it did the day before.
    """
    networks = AccessNetworks({}, None, TABLE)
    networks.behind = BEHIND
    silent = trace("192.168.1.1", None, None, "203.144.64.1", "80.231.0.1")
    other = trace("192.168.1.1", None, None, "203.144.64.9", "80.231.0.1")
    assert networks.tell(4, [silent, other])
    assert (networks.known[4].asn, networks.known[4].country) == (PROVIDER, "KH")
    assert networks.known[4].known_by == "first_hops"


def test_at_another_place_nothing_is_concluded_from_the_day_before() -> None:
    """The next network's own line shows it elsewhere; and where paths are at odds nobody knows."""
    for paths, known in (
        ([("192.168.1.1", "203.144.64.1", "80.231.0.1")], GATEWAY),
        ([("192.168.1.1", None, None, "203.144.64.9", "80.231.0.1")], GATEWAY),
        ([("192.168.1.1", "36.37.9.9", None, "203.144.64.1")], PROVIDER),
        ([("192.168.1.1", None, None, "203.144.64.1"), ("192.168.1.1", "80.231.0.9", None)], None),
    ):
        networks = AccessNetworks({}, None, TABLE)
        networks.behind = BEHIND
        assert networks.tell(4, [trace(*path) for path in paths]) is (known is not None)
        assert {access.asn for access in networks.known.values()} == {known} - {None}


SILENT = ("192.168.1.1", None, None, "203.144.64.1", "80.231.0.1")
USUAL = Access(PROVIDER, "Viettel", "KH", "said")


def usual(known: dict[int, Access] | None = None) -> AccessNetworks:
    return AccessNetworks(known or {}, "KH", TABLE, USUAL)


def test_the_usual_network_is_believed_where_nothing_shows_that_it_is_another() -> None:
    """Other networks behind it than the day before are no sign: a gateway may be switched on."""
    networks = usual()
    networks.behind = {(4, "80.231.7.7"): PROVIDER}
    assert networks.tell(4, [trace(*SILENT), trace(*SILENT[:3], "80.231.0.1")])
    assert networks.known == {4: USUAL}
    at_target = trace(*SILENT, "36.37.9.9")._replace(dst_addr="36.37.9.9")
    assert usual().tell(4, [at_target])
    assert usual().tell(4, [trace(*SILENT, "36.37.9.9"), trace("192.168.1.1", None, "36.37.9.9")])
    tunnel = Access(ABROAD, "TATA", "US", "interface")
    assert usual({6: tunnel}).tell(4, [trace(*SILENT)])
    assert usual({6: USUAL}).tell(4, [trace(*SILENT)])


def test_the_usual_network_is_not_believed_against_what_else_is_known() -> None:
    """A laptop at a friend's, whose provider keeps silent as well, was taken to be at home.

    So was one whose other IP version tells another provider, or whose own provider shows far away.
    """
    here = Access(GATEWAY, "Telecom Cambodia", "KH", "interface")
    for networks, path in ((usual({6: here}), SILENT), (usual(), (*SILENT[:4], "36.37.9.9"))):
        assert not networks.tell(4, [trace(*path), trace(*path)])
        assert 4 not in networks.known
    next_door = ("192.168.1.1", "203.144.64.1", "80.231.0.1")
    networks = usual({6: here})
    assert networks.tell(4, [trace(*next_door)])
    assert networks.known[4].asn == GATEWAY, "what shows right behind the router is believed"
