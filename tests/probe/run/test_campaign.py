"""What becomes of the traces of a run."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path

import pytest

from probe.misdated import misdated
from probe.record import (
    CAPTIVE_PORTAL,
    CARRIER_NAT,
    HOSTED,
    NEW_TTL,
    OTHER_COUNTRY,
    REGISTERED_ABROAD,
    VPN,
    Hop,
    Reply,
    Trace,
)
from probe.redaction.identity import Identity
from probe.redaction.premises import Premises
from probe.run.campaign import Campaign
from probe.run.tally import ELSEWHERE as ELSEWHERE_UNSEEN
from probe.run.tally import FIREWALL, NOWHERE, REFUSED, UNLOCATED
from probe.spool import read
from probe.vantage.locate import Access
from probe.words.failure import Offline, PermissionDenied, RefusedToRedact
from tests.probe.paths import HOME
from tests.probe.table import ABROAD, GATEWAY, PROVIDER, Table

NOON = 1_795_435_200
KNOWN = Access(PROVIDER, "Viettel", "KH", "interface")


def trace(*addresses: str | None, target: str = "80.231.1.1", error: str | None = None) -> Trace:
    return Trace(
        dst_addr=target,
        af=6 if ":" in target else 4,
        proto="ICMP",
        timestamp=NOON,
        endtime=NOON + 1,
        stop="error" if error else "gap",
        error=error,
        hops=tuple(
            Hop(number, (Reply(address, 1.0) if address else Reply(),))
            for number, address in enumerate(addresses, start=1)
        ),
    )


WAY = ("192.168.1.1", "36.37.9.9", "203.144.64.1", "80.231.1.1")
WAY_6 = ("fd00:1::1", "2405:8380:5::9", "2001:5a0::1")


def campaign(
    folder: Path, access: dict[int, Access] | None = None, country: str | None = None
) -> Campaign:
    return Campaign(
        folder=folder / "spool",
        origin=Table(),
        premises=HOME,
        identity=Identity(folder),
        known=access or {},
        country=country,
    )


def kept(folder: Path) -> list[Trace]:
    return [line.trace for line in read(folder / "spool") if line.trace]


def test_where_the_access_network_is_known_each_trace_is_kept_at_once(tmp_path: Path) -> None:
    """When `finished` returns, the trace is on the disk: attributed, redacted, with a vantage."""
    run = campaign(tmp_path, {4: KNOWN})
    run.finished(trace(*WAY))
    (found,) = kept(tmp_path)
    assert [hop.replies[0].address for hop in found.hops] == [None, "36.37.9.0", *WAY[2:]]
    assert found.vantage == run.vantage(4)
    assert (run.vantage(4).asn, run.vantage(4).country) == (PROVIDER, "KH")
    assert (run.tally.kept, run.failures()) == (1, {})


def test_what_was_kept_before_the_clock_was_set_is_known_to_be_misdated(tmp_path: Path) -> None:
    """So are traces that were in flight then; what comes after is dated rightly."""
    run = campaign(tmp_path, {4: KNOWN})
    set_when = [None, None, (NOON - 9, NOON + 9), None, None]
    run.clock_set = lambda: set_when.pop(0)
    for target in ("80.231.1.1", "80.231.1.2", "80.231.1.3", "80.231.1.4"):
        run.finished(trace(*WAY, target=target)._replace(paris_id=run.flow))
    later = trace(*WAY)._replace(timestamp=NOON + 86_400, paris_id=run.flow)
    run.finished(later)
    (span,) = misdated(tmp_path / "spool")
    held = [span.holds(found.paris_id, found.timestamp) for found in kept(tmp_path)]
    assert held == [True] * 4 + [False]
    assert (run.tally.kept, run.tally.misdated) == (5, 4)


def test_until_then_nothing_touches_the_disk(tmp_path: Path) -> None:
    """Traces are held; when they agree on the access network, all are kept."""
    run = campaign(tmp_path)
    for target in ("80.231.1.1", "80.231.1.2"):
        run.finished(trace(*WAY, target=target))
    assert list(tmp_path.iterdir()) == []
    run.locate()
    assert [found.dst_addr for found in kept(tmp_path)] == ["80.231.1.1", "80.231.1.2"]
    assert run.access.country == "KH"
    assert run.access.known[4].known_by == "first_hops"


def test_where_the_traces_disagree_nothing_is_written(tmp_path: Path) -> None:
    """An access network that is not sure is refused, with what the user can do."""
    run = campaign(tmp_path)
    run.finished(trace(*WAY))
    run.finished(trace("192.168.1.1", "203.144.64.1", "80.231.1.1"))
    with pytest.raises(RefusedToRedact, match="--access-as"):
        run.locate()
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_answers_nothing_is_offline(tmp_path: Path) -> None:
    """Silence everywhere, or no route at all, is no question of redaction."""
    silent = campaign(tmp_path)
    silent.finished(trace(None, None))
    with pytest.raises(Offline, match="answered"):
        silent.locate()
    unrouted = campaign(tmp_path)
    unrouted.finished(trace(error="no route"))
    with pytest.raises(Offline, match="route"):
        unrouted.locate()
    assert list(tmp_path.iterdir()) == []


def test_an_ip_version_that_stays_unknown_costs_only_itself(tmp_path: Path) -> None:
    """IPv6 that cannot be located is counted as refused; IPv4 is kept."""
    run = campaign(tmp_path)
    run.finished(trace(*WAY))
    run.finished(trace(*WAY_6, target="2001:5a0::9"))
    run.finished(trace(WAY_6[0], WAY_6[2], target="2001:5a0::a"))
    run.locate()
    run.tally.skipped(6)
    assert [found.af for found in kept(tmp_path)] == [4]
    assert run.failures() == {REFUSED: 3}


@pytest.mark.parametrize("router", ["fd00:1::1", None])
def test_an_ip_version_that_leads_nowhere_is_told_as_that(
    tmp_path: Path, router: str | None
) -> None:
    """As where a provider withdrew its prefix: that is no question of redaction."""
    run = campaign(tmp_path)
    run.finished(trace(*WAY))
    run.finished(trace(router, None, target="2001:5a0::9"))
    run.locate()
    run.tally.skipped(6)
    assert [found.af for found in kept(tmp_path)] == [4]
    assert run.failures() == {NOWHERE: 2}


def test_each_ip_version_has_its_own_access_network(tmp_path: Path) -> None:
    """Both are cut out of every trace, and each names its own vantage."""
    run = campaign(tmp_path, {4: Access(GATEWAY, "Telecom Cambodia", "KH", "said")})
    run.finished(trace(*WAY_6, target="2001:5a0::9"))
    run.locate()
    run.finished(trace("192.168.1.1", "203.144.64.1", "36.37.9.9"))
    six, four = kept(tmp_path)
    assert [hop.replies[0].address for hop in six.hops] == [None, None, WAY_6[2]]
    assert [hop.replies[0].address for hop in four.hops] == [None, "203.144.64.0", "36.37.9.0"]
    assert (six.vantage and six.vantage.asn, four.vantage and four.vantage.asn) == (
        PROVIDER,
        GATEWAY,
    )
    assert six.vantage != four.vantage


def test_a_trace_that_cannot_be_redacted_is_not_written(tmp_path: Path) -> None:
    """A trace towards oneself is refused and counted, the others are kept."""
    run = campaign(tmp_path, {4: KNOWN})
    run.finished(trace(*WAY, target="192.168.1.10"))
    run.finished(trace(*WAY))
    assert (len(kept(tmp_path)), run.failures()) == (1, {REFUSED: 1})


def test_the_users_country_beats_the_registration(tmp_path: Path) -> None:
    """Somebody abroad on a network registered elsewhere says where they are."""
    run = campaign(tmp_path, {4: KNOWN}, country="TH")
    run.finished(trace(*WAY))
    assert kept(tmp_path)[0].vantage == run.vantage(4)
    assert (run.access.country, run.vantage(4).country) == ("TH", "TH")


def test_the_flow_moves_on_only_when_something_was_kept(tmp_path: Path) -> None:
    """The next run takes the next flow; a run that kept nothing does not count."""
    first = campaign(tmp_path, {4: KNOWN})
    assert campaign(tmp_path).flow == first.flow == 1
    first.finished(trace(*WAY))
    assert campaign(tmp_path).flow == 2


ELSEWHERE = Premises(frozenset({"10.64.9.5"}), (ipaddress.ip_network("10.64.9.0/24"),))
WAY_ELSEWHERE = ("10.64.9.1", "203.144.64.9", "36.37.8.8", "80.231.1.1")


def test_after_a_move_nothing_is_written_until_it_is_known_where_one_is(tmp_path: Path) -> None:
    """The new network is learnt from its own traces; the old one is cut out as well."""
    run = campaign(tmp_path, {4: KNOWN})
    run.finished(trace(*WAY))
    assert run.move(4, ELSEWHERE, "10.64.9.5") == []
    run.finished(trace(*WAY_ELSEWHERE))
    assert len(kept(tmp_path)) == 1
    assert run.holding == {4}
    run.locate()
    first, second = kept(tmp_path)
    assert [hop.replies[0].address for hop in second.hops] == [
        None,
        "203.144.64.0",
        "36.37.8.0",
        "80.231.1.1",
    ]
    assert first.vantage != second.vantage
    assert second.vantage
    assert second.vantage.asn == GATEWAY
    assert run.holding == set()


def test_what_was_held_from_the_old_place_is_given_back(tmp_path: Path) -> None:
    """It cannot be told any more where that was: the caller measures it again."""
    run = campaign(tmp_path)
    run.finished(trace(*WAY))
    assert [given.dst_addr for given in run.move(4, ELSEWHERE, "10.64.9.5")] == ["80.231.1.1"]
    assert run.holding == set()
    assert list(tmp_path.iterdir()) == []


def test_a_public_address_tells_the_new_network_at_once(tmp_path: Path) -> None:
    """No witnesses are needed where the interface says it; no address of either place is kept."""
    run = campaign(tmp_path, {4: KNOWN})
    run.move(4, Premises(frozenset({"203.144.64.77"})), "203.144.64.77")
    assert run.access.known[4].asn == GATEWAY
    assert run.access.known[4].known_by == "interface"
    run.finished(trace("192.168.1.1", "203.144.64.77", "192.168.1.10", "80.231.1.1"))
    (found,) = kept(tmp_path)
    assert [hop.replies[0].address for hop in found.hops] == [None, None, None, "80.231.1.1"]


def test_a_first_hop_abroad_is_not_believed_after_a_move(tmp_path: Path) -> None:
    """Who moves seldom crosses a border: the new network may only be silent."""
    run = campaign(tmp_path, {4: KNOWN})
    run.finished(trace(*WAY))
    run.move(4, ELSEWHERE, "10.64.9.5")
    run.finished(trace("10.64.9.1", None, "80.231.0.1", "80.231.1.1"))
    with pytest.raises(RefusedToRedact):
        run.locate()
    assert len(kept(tmp_path)) == 1
    assert run.access.country == "KH"


def test_what_the_firewall_keeps_back_is_counted_by_itself(tmp_path: Path) -> None:
    """It is neither a missing route nor a refusal to redact; where nothing else is, it is said."""
    run = campaign(tmp_path)
    run.finished(trace(error="no"), "the firewall refused")
    assert run.failures() == {FIREWALL: 1}
    with pytest.raises(PermissionDenied, match="the firewall refused"):
        run.locate()


def test_a_line_that_changes_unseen_is_not_written(tmp_path: Path) -> None:
    """Where another network shows as near as the own did, its hops may be those of one's line."""
    run = campaign(tmp_path, {4: Access(PROVIDER, "Viettel", "KH", "first_hops")})
    run.finished(trace("192.168.1.1", "100.64.0.1", "36.37.9.9", "80.231.1.1"))
    run.finished(trace("192.168.1.1", "100.64.0.1", "203.144.64.9", "80.231.0.1", "80.231.1.1"))
    run.finished(trace("192.168.1.1", "203.144.64.9", None, "80.231.0.1", "80.231.1.1"))
    assert (len(kept(tmp_path)), run.failures()) == (1, {ELSEWHERE_UNSEEN: 2})
    assert b"203.144" not in b"".join(path.read_bytes() for path in (tmp_path / "spool").iterdir())


def test_a_provider_that_is_silent_once_is_no_other_line(tmp_path: Path) -> None:
    """What shows farther on than the provider did is what lies behind it."""
    run = campaign(tmp_path, {4: Access(PROVIDER, "Viettel", "KH", "first_hops")})
    run.finished(trace("192.168.1.1", "36.37.9.9", "203.144.64.1", "80.231.1.1"))
    run.finished(trace("192.168.1.1", None, "203.144.64.1", "80.231.1.1"))
    run.finished(trace("192.168.1.1", "36.38.0.1", "203.144.64.1", "80.231.1.1"))
    assert (len(kept(tmp_path)), run.failures()) == (3, {})


def test_the_inside_of_a_provider_that_is_silent_once_is_cut_all_the_same(tmp_path: Path) -> None:
    """Carriers number it from anybody's block: other traces tell how far it reaches."""
    run = campaign(tmp_path)
    run.finished(trace("192.168.1.1", "22.7.7.7", None, None, "80.231.1.1"))
    shown = ("192.168.1.1", "22.7.7.7", "36.37.9.9", "203.144.64.1", "80.231.1.1")
    run.finished(trace(*shown, target="80.231.1.2"))
    run.locate()
    run.finished(trace("192.168.1.1", "22.7.7.8", None, "203.144.64.1", "80.231.1.1"))
    assert [[hop.replies[0].address for hop in found.hops[1:4]] for found in kept(tmp_path)] == [
        ["22.7.7.0", None, None],
        ["22.7.7.0", "36.37.9.0", "203.144.64.1"],
        ["22.7.7.0", None, "203.144.64.1"],
    ]


SAID = Access(GATEWAY, "Telecom Cambodia", "KH", "said")


def test_where_the_named_provider_shows_nowhere_the_first_network_is_cut_as_well(
    tmp_path: Path,
) -> None:
    """Behind a NAT nothing tells a wrong --access-as: the first that shows may be the own one."""
    run = campaign(tmp_path, {4: SAID})
    run.finished(trace("192.168.1.1", "36.37.9.9", "36.38.1.1", "80.231.0.1"))
    (found,) = kept(tmp_path)
    assert [hop.replies[0].address for hop in found.hops] == [
        None,
        "36.37.9.0",
        "36.38.1.0",
        "80.231.0.1",
    ]
    assert run.access.instead == {4: Table().lookup("36.37.9.9")}


def test_where_it_has_stood_first_the_networks_behind_it_stay_whole(tmp_path: Path) -> None:
    """Then it was named rightly, and keeps silent at times."""
    run = campaign(tmp_path, {4: SAID})
    run.finished(trace("192.168.1.1", None, "36.37.9.9", "80.231.0.1"))
    run.finished(trace("192.168.1.1", "203.144.64.1", "36.37.9.9", "80.231.0.1"))
    run.finished(trace("192.168.1.1", None, "36.37.9.9", "80.231.0.1"))
    shown = [found.hops[2].replies[0].address for found in kept(tmp_path)]
    assert shown == ["36.37.9.0", "36.37.9.9", "36.37.9.9"]
    assert run.access.instead == {}


def test_where_it_keeps_silent_what_lies_abroad_stays_whole(tmp_path: Path) -> None:
    """Nobody's line ends in another country; nor is a target that answers alone a provider."""
    run = campaign(tmp_path, {4: SAID})
    run.finished(trace("192.168.1.1", None, "80.231.0.1", "80.231.1.1"))
    alone = trace("192.168.1.1", None, "36.37.200.1", target="36.37.200.1")
    run.finished(alone._replace(stop="destination"))
    abroad, domestic = kept(tmp_path)
    assert abroad.hops[2].replies[0].address == "80.231.0.1"
    assert domestic.dst_addr == "36.37.200.1"
    assert run.access.instead == {}


@pytest.mark.parametrize("silent", [None, 1])
def test_where_nobody_keeps_silent_the_first_network_is_cut_in_whatever_country(
    tmp_path: Path, silent: int | None
) -> None:
    """A mistyped --access-as may be of another country; a silent router of home hides nobody."""
    run = campaign(tmp_path, {4: Access(ABROAD, "TATA", "US", "said")})
    way = ["192.168.1.1", "100.71.13.58", "36.37.200.78", "80.231.0.1", "36.37.200.77"]
    run.finished(trace(*(None if at == silent else one for at, one in enumerate(way, start=1))))
    (found,) = kept(tmp_path)
    assert [hop.replies[0].address for hop in found.hops] == [
        None,
        "100.71.13.0",
        "36.37.200.0",
        "80.231.0.0",
        "36.37.200.0",
    ]
    assert run.access.instead == {4: Table().lookup("36.37.200.78")}


def test_what_lies_outside_the_country_that_was_named_stays_whole(tmp_path: Path) -> None:
    """Who says where they are says, too, that a network abroad is not their line's."""
    run = campaign(tmp_path, {4: SAID}, country="KH")
    run.finished(trace("192.168.1.1", "10.5.5.5", "80.231.0.1"))
    (found,) = kept(tmp_path)
    assert found.hops[2].replies[0].address == "80.231.0.1"
    assert run.access.instead == {}


def test_what_is_still_held_at_the_end_is_counted(tmp_path: Path) -> None:
    """Stopped before it was known where this machine is: dropped, and said."""
    run = campaign(tmp_path)
    run.finished(trace(*WAY))
    assert run.failures() == {UNLOCATED: 1}


def test_a_captive_portal_is_no_network_and_nothing_is_written(tmp_path: Path) -> None:
    """Where the first targets all answer from next door, the user is told to sign in."""
    run = campaign(tmp_path)
    for target in ("80.231.1.1", "80.231.1.2", "203.144.64.1"):
        run.finished(trace(target, target=target)._replace(stop="destination"))
    with pytest.raises(Offline, match="captive portal wants a login"):
        run.locate()
    assert list(tmp_path.iterdir()) == []


def behind_a_new_ttl(target: str, rtt: float) -> Trace:
    """A trace through a telephone that gives each packet a new TTL."""
    measured = trace("192.168.1.1", target, target=target)._replace(stop="destination")
    first, last = measured.hops
    answers = tuple(reply._replace(ttl=51, rtt=rtt) for reply in last.replies)
    return measured._replace(hops=(first, last._replace(replies=answers)))


def test_a_telephone_that_gives_packets_a_new_ttl_shows_no_network(tmp_path: Path) -> None:
    """To name the provider would not help, and is not advised; where it is known it is noted."""
    targets = {"80.231.1.1": 180.0, "80.231.1.2": 260.0, "203.144.64.1": 20.0}
    run = campaign(tmp_path)
    for target, rtt in targets.items():
        run.finished(behind_a_new_ttl(target, rtt))
    with pytest.raises(RefusedToRedact, match="gives each packet a new TTL") as refused:
        run.locate()
    assert "--access-as" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    run = campaign(tmp_path, {4: KNOWN})
    for target, rtt in targets.items():
        run.finished(behind_a_new_ttl(target, rtt))
    assert {found.notes for found in kept(tmp_path)} == {(NEW_TTL,)}


def test_where_nothing_answers_but_home_it_is_a_login_that_is_missing(tmp_path: Path) -> None:
    """Naming the provider would not help, and is not advised."""
    run = campaign(tmp_path)
    for target in ("80.231.1.1", "80.231.1.2", "203.144.64.1"):
        run.finished(trace("192.168.1.1", None, None, target=target))
    with pytest.raises(
        Offline, match="nothing answers but your own network: where it wants a login"
    ):
        run.locate()
    assert list(tmp_path.iterdir()) == []


def test_what_is_odd_about_the_place_is_noted(tmp_path: Path) -> None:
    """A target answered next door, a carrier's NAT, a provider registered elsewhere, a VPN."""
    run = campaign(tmp_path, {4: KNOWN}, country="TH")
    run.circumstances = lambda _: [VPN]
    run.finished(trace("192.168.1.1", "80.231.1.1")._replace(stop="destination"))
    run.circumstances = lambda _: []
    run.finished(trace("192.168.1.1", "100.64.3.4", "36.37.9.9"))
    first, second = kept(tmp_path)
    assert first.notes == tuple(sorted((CAPTIVE_PORTAL, REGISTERED_ABROAD, VPN)))
    assert second.notes == tuple(sorted((CARRIER_NAT, REGISTERED_ABROAD)))
    assert run.tally.noted == {VPN: 1, CAPTIVE_PORTAL: 1, CARRIER_NAT: 1, REGISTERED_ABROAD: 2}


def test_another_country_than_before_and_a_network_of_servers_are_noted(tmp_path: Path) -> None:
    """Signs of a VPN in the router that no interface shows; the first run has no run before."""
    run = campaign(tmp_path, {4: Access(9009, "M247", "RO", "said")})
    run.finished(trace(*WAY))
    run.earlier = "KH"
    run.finished(trace(*WAY))
    run.earlier = "RO"
    run.finished(trace(*WAY))
    assert [found.notes for found in kept(tmp_path)] == [
        (HOSTED,),
        (HOSTED, OTHER_COUNTRY),
        (HOSTED,),
    ]


def test_a_note_stays_whole_whatever_the_machine_is_called(tmp_path: Path) -> None:
    """A computer named vpn must not hide that it measured through one."""
    named = replace(HOME, host_names=frozenset({"vpn", "captive-portal", "measured"}))
    run = Campaign(
        folder=tmp_path / "spool",
        origin=Table(),
        premises=named,
        identity=Identity(tmp_path),
        known={4: KNOWN},
        country=None,
    )
    run.circumstances = lambda _: [VPN]
    run.finished(trace(*WAY))
    assert [found.notes for found in kept(tmp_path)] == [(VPN,)]


def test_a_first_network_abroad_is_named(tmp_path: Path) -> None:
    """The user learns what was seen, and the three things that it can be.

    Who is behind a VPN should not name the provider: its paths would then be taken for his.
    """
    run = campaign(tmp_path, country="KH")
    run.finished(trace("192.168.1.1", None, "80.231.0.1", "80.231.1.1"))
    with pytest.raises(RefusedToRedact, match=r"AS6453 TATA in US, not in KH \(a VPN") as refused:
        run.locate()
    assert "only a provider that keeps silent is to be named" in refused.value.message
