"""What may be written, and above all what may not."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probe.redaction.redact
from probe.origin.attribute import attribute
from probe.record import WHEREABOUTS, Attribution, Hop, Reply, Trace, Vantage, from_line, to_line
from probe.redaction.premises import Premises
from probe.redaction.redact import cut, redact
from probe.words.failure import RefusedToRedact
from tests.probe.table import ABROAD, GATEWAY, PROVIDER, SIBLING, Table

TABLE = Table()
HOME = Premises(
    frozenset({"192.168.1.10", "fe80::1c2b:3aff:fe4d:5e6f", "2405:8380:1:2::10"}),
    (ipaddress.ip_network("192.168.1.0/24"), ipaddress.ip_network("2405:8380:1:2::/64")),
    frozenset({"sokha-laptop"}),
)
ACCESS = frozenset({PROVIDER})


def trace(*addresses: str | None, target: str = "80.231.1.1") -> Trace:
    hops = tuple(
        Hop(number, (Reply(address, 1.5, ttl=60) if address else Reply(),))
        for number, address in enumerate(addresses, start=1)
    )
    plain = Trace(
        dst_addr=target,
        dst_name="k.root-servers.net",
        af=6 if ":" in target else 4,
        proto="ICMP",
        timestamp=1_790_000_000,
        endtime=1_790_000_001,
        hops=hops,
        source="192.168.1.10",
        stop="destination",
    )
    return attribute(plain, TABLE)


def addresses(trace: Trace) -> list[str | None]:
    return [hop.replies[0].address for hop in trace.hops]


def test_each_part_of_a_path_gets_what_it_needs() -> None:
    """Home is a class, the access network and private blocks are cut, deeper hops stay whole."""
    found = redact(
        trace(
            "192.168.1.1",
            "192.168.1.254",
            "100.64.3.77",
            "36.37.9.9",
            None,
            "10.20.1.30",
            "203.144.65.1",
            "80.231.1.1",
        ),
        HOME,
        ACCESS,
        TABLE,
    )
    assert addresses(found) == [
        None,
        None,
        "100.64.3.0",
        "36.37.9.0",
        None,
        "10.20.1.0",
        "203.144.65.1",
        "80.231.1.1",
    ]
    assert [hop.attribution and hop.attribution.special for hop in found.hops] == [
        "lan",
        "lan",
        "cgnat",
        None,
        None,
        "private",
        None,
        None,
    ]
    assert [hop.attribution and hop.attribution.asn for hop in found.hops[3:]] == [
        PROVIDER,
        None,
        None,
        GATEWAY,
        ABROAD,
    ]
    assert found.redactions == {"access": 1, "lan": 2, "private": 2, "source": 1}


def test_times_and_ttls_of_hidden_hops_stay() -> None:
    """What a hidden hop measured is evidence and betrays nobody."""
    found = redact(trace("192.168.1.1"), HOME, ACCESS, TABLE)
    assert found.hops[0].replies[0] == Reply(None, 1.5, ttl=60)
    assert not found.hops[0].replies[0].is_star


def test_the_first_hop_is_hidden_whatever_it_is() -> None:
    """A first hop with a public address outside the access network is hidden like any other."""
    assert addresses(redact(trace("80.231.7.7"), HOME, ACCESS, TABLE)) == [None]


def test_siblings_of_the_access_network_are_cut_too() -> None:
    """One organisation with two AS numbers is one access network."""
    found = redact(trace(None, "36.38.1.2"), HOME, ACCESS, TABLE)
    assert addresses(found) == [None, "36.38.1.0"]
    assert SIBLING not in ACCESS


def test_what_comes_before_the_access_network_lies_inside_it() -> None:
    """A carrier that numbers its inside from somebody else's block is cut there as well."""
    found = redact(trace(None, "80.231.5.77", "36.37.9.9", "80.231.5.77"), HOME, ACCESS, TABLE)
    assert addresses(found) == [None, "80.231.5.0", "36.37.9.0", "80.231.5.77"]
    assert found.redactions["access"] == 2


@pytest.mark.parametrize(
    ("addresses_met", "left"),
    [
        ((None, "11.22.33.44", "203.144.65.1", "7.8.9.10"), "203.144.65.1 7.8.9.10"),
        ((None, "11.22.33.44", "103.7.144.9", "7.8.9.10"), "103.7.144.9 7.8.9.10"),
        ((None, "11.22.33.44", "80.231.1.1", "7.8.9.10"), "80.231.1.1 7.8.9.10"),
        ((None, "11.22.33.44", None, "7.8.9.10"), "None 7.8.9.0"),
        ((None, "11.22.33.44", "9.9.9.9", "7.8.9.10"), "9.9.9.9 7.8.9.10"),
    ],
)
def test_where_the_access_network_is_silent_what_nobody_owns_may_lie_inside_it(
    addresses_met: tuple[str | None, ...], left: str
) -> None:
    """Blocks that the table does not know are cut up to the first network, exchange or target."""
    target = "9.9.9.9" if "9.9.9.9" in addresses_met else "80.231.1.1"
    found = redact(trace(*addresses_met, target=target), HOME, ACCESS, TABLE)
    assert addresses(found)[1] == "11.22.33.0"
    assert " ".join(map(str, addresses(found)[2:])) == left
    assert found.redactions["access"] in {1, 2}


def test_the_network_of_an_own_public_address_is_cut_whatever_is_said() -> None:
    """A wrong AS number, mistyped or of a parent company, leaves no neighbour of the line whole."""
    here = Premises(frozenset({"36.37.9.77", "2001:5a0:9::7"}))
    found = redact(
        trace(None, "36.37.10.5", "203.144.65.1", "80.231.5.77", target="80.231.1.1"),
        here,
        frozenset({65551}),
        TABLE,
    )
    assert addresses(found) == [None, "36.37.10.0", "203.144.65.1", "80.231.5.77"]


def test_an_own_public_address_that_no_table_knows_cuts_nobody_else() -> None:
    """Its network has no number, and neither has any other that the table does not know."""
    here = Premises(frozenset({"11.22.33.44"}))
    found = redact(trace(None, "36.37.9.9", "7.8.9.10"), here, ACCESS, TABLE)
    assert addresses(found) == [None, "36.37.9.0", "7.8.9.10"]


def test_a_table_of_numbers_alone_is_enough_to_cut_the_access_network() -> None:
    """Where it names no organisation, the AS number tells whose an address is."""

    class Numbers(Table):
        def lookup(self, address: str) -> Attribution:
            return super().lookup(address)._replace(name=None, organisation=None)

    assert addresses(redact(trace(None, "36.37.9.9"), HOME, ACCESS, Numbers())) == [
        None,
        "36.37.9.0",
    ]


def test_ipv6_is_cut_to_48_bits() -> None:
    """An IPv6 hop of the access network keeps its /48, a deeper one everything."""
    found = redact(
        trace(
            None, "2405:8380:77:ffff::9", "fd00:1:2:ffff::4", "2001:5a0::5", target="2001:5a0::9"
        ),
        HOME,
        ACCESS,
        TABLE,
    )
    assert addresses(found) == [None, "2405:8380:77::", "fd00:1:2::", "2001:5a0::5"]


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("64:ff9b::36.37.9.77", "64:ff9b::2425:900"),
        ("::ffff:36.37.9.77", "::ffff:36.37.9.0"),
        ("2002:2425:9ff::1", "2002:2425:900::"),
        ("64:ff9b::192.168.1.10", None),
        ("64:ff9b::192.168.1.77", None),
        ("64:ff9b::80.231.1.5", "64:ff9b::50e7:105"),
    ],
)
def test_an_ipv4_address_does_not_slip_through_inside_an_ipv6_one(
    address: str, left: str | None
) -> None:
    """NAT64, mapped and 6to4 addresses are judged by the IPv4 address they hold."""
    path = (None, "36.37.1.1", address)
    found = addresses(redact(trace(*path, target="2001:5a0::9"), HOME, ACCESS, TABLE))
    assert found[2] == (left and str(ipaddress.ip_address(left)))


@pytest.mark.parametrize(
    "address",
    [
        "2001:0:5a0:1:0:1234:dbda:f68e",
        "2001:5a0:1:1:0:5efe:36.37.9.113",
        "2001:5a0:1:1:200:5efe:36.37.9.113",
        "::36.37.9.113",
        "64:ff9b:1::36.37.9.113",
        "2001:5a0:64::36.37.9.113",
        "2001:5a0:64::10.9.9.113",
    ],
)
def test_no_form_of_an_address_carries_one_of_the_access_network_along(address: str) -> None:
    """Teredo, ISATAP, compatible and NAT64, in a block of somebody else or of nobody."""
    found = redact(trace(None, "2405:8380:9::1", address), HOME, ACCESS, TABLE)
    assert addresses(found)[2] == cut(address)
    given = redact(trace(None, target=address), HOME, ACCESS, TABLE)
    assert (given.dst_addr, given.dst_name) == (cut(address), None)


def test_a_port_at_an_exchange_is_no_translated_address() -> None:
    """AS44048 has the hexadecimal number ac10, which looks like the beginning of 172.16.0.1."""
    port = "2001:7f8:4::ac10:1"
    found = redact(trace(None, "2405:8380:9::1", port, target="2001:5a0::9"), HOME, ACCESS, TABLE)
    assert addresses(found)[2] == port


@pytest.mark.parametrize(
    "own", ["2002:2425:971::7", "2001:0:5a0:1:0:1234:dbda:f68e", "2001:5a0:1:1:0:5efe:36.37.9.113"]
)
def test_a_public_address_that_an_own_ipv6_one_tells_is_own(own: str) -> None:
    """Behind NAT the interfaces do not have it, and 6to4, Teredo and ISATAP do."""
    here = Premises(frozenset({"192.168.1.10", str(ipaddress.ip_address(own))}))
    met = trace(None, "36.37.9.113", "2001:5a0:22:33::36.37.9.113", "203.144.65.1")
    assert addresses(redact(met, here, ACCESS, TABLE)) == [None, None, None, "203.144.65.1"]
    with pytest.raises(RefusedToRedact):
        redact(trace(None, target="36.37.9.113"), here, ACCESS, TABLE)
    noted = met._replace(dst_name=None, notes=("from 113-9-37-36.dyn", "by 606407025"))
    assert redact(noted, here, ACCESS, TABLE).notes == ("from [address].dyn", "by [address]")


def test_behind_translated_ipv6_a_block_of_home_is_hidden() -> None:
    """A machine that has only local addresses does not know which /48 is its line's."""
    here = Premises(frozenset({"fd00:1::7", "fe80::7"}), (ipaddress.ip_network("fd00:1::/64"),))
    path = ("fd00:1::1", "fd12:3456:789a::1", "2405:8380:abcd:1::1", "2001:dc0::1", "fd99::1")
    found = redact(trace(*path, target="2001:5a0::9"), here, ACCESS, TABLE)
    assert addresses(found) == [None, None, None, "2001:dc0::1", "fd99::"]
    silent = redact(trace(*path[:2], *path[3:], target="2001:5a0::9"), here, ACCESS, TABLE)
    assert addresses(silent) == [None, None, "2001:dc0::1", "fd99::"]


@pytest.mark.parametrize("path", [("203.144.65.9",), (None, "203.144.65.9"), (None, "192.168.0.1")])
def test_a_target_that_answers_at_home_is_cut_whoever_has_its_number(path: tuple[str, ...]) -> None:
    """Behind NAT it may be the public address of this line, out of a block of another network."""
    found = redact(trace(*path, target="203.144.65.9"), HOME, ACCESS, TABLE, first_shown=3)
    assert (found.dst_addr, found.dst_name) == ("203.144.65.0", None)
    assert "203.144.65.9" not in to_line(found)


def test_a_target_that_answers_at_the_first_hop_is_at_home_whatever_else_shows() -> None:
    """No trace of the run has shown the access network yet, and it is this line all the same."""
    found = redact(trace("203.144.65.9", target="203.144.65.9"), HOME, ACCESS, TABLE)
    assert (found.dst_addr, found.dst_name, addresses(found)) == ("203.144.65.0", None, [None])
    assert "203.144.65.9" not in to_line(found)


def test_a_target_behind_a_silent_access_network_stays_whole() -> None:
    """Whose hops are all silent may be anywhere: what answers at the second is not home."""
    found = redact(trace(None, "203.144.65.9", target="203.144.65.9"), HOME, ACCESS, TABLE)
    assert (found.dst_addr, addresses(found)) == ("203.144.65.9", [None, "203.144.65.9"])


@pytest.mark.parametrize("elsewhere", ["2001:5a0:7::7", "200:1234::7"])
def test_an_ipv6_address_of_another_network_does_not_tell_the_own_line(elsewhere: str) -> None:
    """That of a VPN or an overlay beside a translated line says nothing of the line's own /48."""
    here = Premises(frozenset({"fd00:1::7", elsewhere}))
    path = ("fd00:1::1", "fd12:3456:789a::1", "2405:8380:abcd:1::1", "2001:dc0::1")
    found = redact(trace(*path, target="2001:5a0::9"), here, ACCESS, TABLE)
    assert addresses(found) == [None, None, None, "2001:dc0::1"]


def test_a_local_block_before_the_access_network_is_home() -> None:
    """Its 40 random bits are one home's alone; behind the access network it may be a gateway's."""
    path = (None, "fd12:3456:789a::1", "2405:8380:abcd:1::1", "fd99::1", "2001:dc0::1")
    found = redact(trace(*path, target="2001:5a0::9"), HOME, ACCESS, TABLE)
    assert addresses(found) == [None, None, "2405:8380:abcd::", "fd99::", "2001:dc0::1"]
    assert found.redactions == {"access": 1, "lan": 1, "private": 1, "source": 1}
    inside = redact(trace(*path[:2], target="2001:5a0::9"), HOME, ACCESS, TABLE, first_shown=3)
    assert addresses(inside) == [None, None]
    silent = redact(trace(None, None, *path[3:], target="2001:5a0::9"), HOME, ACCESS, TABLE)
    assert addresses(silent) == [None, None, "fd99::", "2001:dc0::1"]


def test_a_block_whose_name_is_an_own_address_is_hidden() -> None:
    """Where cutting would spell the own address, nothing is left of it."""
    home = Premises(frozenset({"36.37.9.0"}))
    assert addresses(redact(trace(None, "36.37.9.77"), home, ACCESS, TABLE)) == [None, None]


@pytest.mark.parametrize(
    ("target", "left"),
    [("36.37.9.77", "36.37.9.0"), ("36.38.9.77", "36.38.9.0"), ("10.20.1.30", "10.20.1.0")],
)
def test_a_target_within_the_access_network_is_cut_and_loses_its_name(
    target: str, left: str
) -> None:
    """Behind NAT the own public address is not known, and somebody may trace to it by its name."""
    whole = trace(None, None, "203.144.65.1", target, target=target)
    whole = whole._replace(dst_name="9-77.metfone.example", notes=(f"{target} refused",))
    found = redact(whole, HOME, ACCESS, TABLE)
    assert (found.dst_addr, found.dst_name) == (left, None)
    assert addresses(found) == [None, None, "203.144.65.1", left]
    assert found.notes == ("[address] refused",)
    assert found.redactions["name"] == 1
    assert json.loads(to_line(found))["dst_name"] == left
    by_number = redact(whole._replace(dst_name=target), HOME, ACCESS, TABLE)
    assert by_number.dst_name is None
    assert target not in to_line(by_number)


@pytest.mark.parametrize(
    ("address", "hidden"),
    [
        ("2405:8380:1:9::1", True),
        ("2405:8380:2:9::1", False),
        ("2001:5a0::1c2b:3aff:fe4d:5e6f", True),
        ("2001:5a0::1c2b:3aff:fe4d:5e60", False),
        ("2001:5a0:c0a8:10a::", True),
    ],
)
def test_what_would_tell_the_own_address_is_hidden(address: str, hidden: bool) -> None:
    """One's own /48, one's own interface identifier elsewhere, and one's IPv4 address within."""
    found = redact(trace(None, address, target="2001:5a0::9"), HOME, ACCESS, TABLE)
    assert (addresses(found)[1] is None) == hidden
    if hidden:
        with pytest.raises(RefusedToRedact):
            redact(trace(None, target=address), HOME, ACCESS, TABLE)


def test_only_mpls_labels_are_left_of_extensions() -> None:
    """Interface objects (RFC 5837) hold addresses and names, so they go; label stacks stay."""
    mpls = {"class": 1, "type": 1, "mpls": [{"label": 24001, "exp": 0, "s": 1, "ttl": 1}]}
    extensions = {
        "version": 2,
        "rfc4884": 1,
        "obj": [mpls, {"class": 2, "type": 10, "address": "192.168.1.10", "name": "sokha-laptop"}],
    }
    whole = trace(None, "203.144.65.1")
    whole = whole._replace(hops=(Hop(2, (Reply("203.144.65.1", 2.0, extensions=extensions),)),))
    found = redact(whole, HOME, ACCESS, TABLE)
    assert found.hops[0].replies[0].extensions == {"version": 2, "rfc4884": 1, "obj": [mpls]}
    assert found.redactions["extension"] == 1
    only = whole._replace(hops=(Hop(2, (Reply("203.144.65.1", 2.0, extensions={"obj": [{}]}),)),))
    assert redact(only, HOME, ACCESS, TABLE).hops[0].replies[0].extensions is None
    none = whole._replace(hops=(Hop(2, (Reply("203.144.65.1", 2.0, extensions={"version": 2}),)),))
    assert redact(none, HOME, ACCESS, TABLE).hops[0].replies[0].extensions is None


@pytest.mark.parametrize("excess", [0, 1])
def test_a_number_of_an_extension_has_no_more_bits_than_on_the_wire(excess: int) -> None:
    """A longer one could carry an address along."""
    most = {"label": 20, "exp": 3, "s": 1, "ttl": 8}
    label = {name: (1 << bits) - 1 + excess for name, bits in most.items()}
    extensions = {
        "version": 15 + excess,
        "rfc4884": 1 + excess,
        "obj": [{"class": 255 + excess, "type": 255 + excess, "mpls": [label]}],
    }
    whole = trace()._replace(
        hops=(Hop(2, (Reply("203.144.65.1", 2.0, extensions=extensions),)),),
    )
    left = redact(whole, HOME, ACCESS, TABLE).hops[0].replies[0].extensions
    assert left == ({"obj": [{"mpls": [{}]}]} if excess else extensions)


def test_sentences_lose_addresses_names_and_macs() -> None:
    """Error texts and notes keep their sense and the target, and nothing of this machine."""
    whole = trace()._replace(
        error="80.231.1.1: 192.168.1.10 (sokha-laptop, fe80::1c2b:3aff:fe4d:5e6f%wlan0): no route",
        notes=("Sokha-Laptop via aa:bb:cc:dd:ee:ff at 12:30:45", "from 2405:8380:1:2::10: denied"),
    )
    found = redact(whole, HOME, ACCESS, TABLE)
    assert found.error == "80.231.1.1: [address] ([host], [address]): no route"
    assert found.notes == ("[host] via [mac] at 12:30:45", "from [address]: denied")
    assert found.redactions["text"] == 3


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("via:2001:db8:9::1, to:2001:db8:9:0:0:0:0:1", "via:[address], to:[address]"),
        ("fe80::9%br-sokha is down", "[address] is down"),
        ("fe80::9%eth0.sokha.", "[address]."),
        ("the interface enx1c2b3a4d5e70 is down", "the interface [mac] is down"),
        ("wlx1C2B3A4D5E70: is down", "[mac]: is down"),
        ("aa_bb_cc_dd_ee_ff", "[mac]"),
        ("settings.toml:1:5: at 12:30:45", "settings.toml:1:5: at 12:30:45"),
    ],
)
def test_what_sticks_to_an_address_hides_nothing(said: str, left: str) -> None:
    """Neither a word before it, nor the name of an interface behind it or around it."""
    assert redact(trace()._replace(error=said), HOME, ACCESS, TABLE).error == left


@pytest.mark.parametrize(
    "name", ["sokha-laptop.example.org", "nas.local", "192-168-1-10.example.net", "router.lan."]
)
def test_a_name_of_home_is_dropped(name: str) -> None:
    """A target's name stays only when it is a public one."""
    found = redact(trace()._replace(dst_name=name), HOME, ACCESS, TABLE)
    assert found.dst_name is None
    assert redact(trace(), HOME, ACCESS, TABLE).dst_name == "k.root-servers.net"


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("Bopha.example.org", "[host].example.org"),
        ("bophas-site.example", "[host]s-site.example"),
        ("ly.example.org", "[host].example.org"),
        ("lyon.example.org", "lyon.example.org"),
    ],
)
def test_the_name_of_whoever_measures_is_dropped(name: str, left: str) -> None:
    """People call their servers after themselves; a short name counts as a word of its own."""
    here = Premises(HOME.addresses, HOME.networks, users=frozenset({"bopha", "ly"}))
    found = redact(trace()._replace(dst_name=name, notes=(name,)), here, ACCESS, TABLE)
    assert found.dst_name == (name if name == left else None)
    assert found.notes == (left,)


def test_unknown_error_codes_are_dropped() -> None:
    """Only the one-letter and numeric codes of Atlas can stand as an error code."""
    codes = ("sokha-laptop", "H", -1, 0, 255, 256)
    hop = Hop(2, tuple(Reply("203.144.65.1", 1.0, err=code) for code in codes))
    found = redact(trace()._replace(hops=(hop,)), HOME, ACCESS, TABLE)
    assert [reply.err for reply in found.hops[0].replies] == [None, "H", None, 0, 255, None]


@pytest.mark.parametrize(
    ("premises", "access", "target"),
    [
        (Premises(frozenset()), ACCESS, "80.231.1.1"),
        (HOME, frozenset(), "80.231.1.1"),
        (HOME, ACCESS, "192.168.1.10"),
        (HOME, ACCESS, "192.168.1.77"),
        (HOME, ACCESS, "2405:8380:1:2::77"),
        (HOME, ACCESS, "64:ff9b::192.168.1.10"),
    ],
)
def test_it_refuses_where_it_is_not_sure(
    premises: Premises, access: frozenset[int], target: str
) -> None:
    """Without own addresses or access network, or towards oneself, nothing may be written."""
    with pytest.raises(RefusedToRedact):
        redact(trace("80.231.1.1", target=target), premises, access, TABLE)


def test_an_own_address_in_an_unforeseen_place_is_refused() -> None:
    """The last look finds an own address that no rule has reached."""
    marked = trace()._replace(vantage=Vantage("x", 1, "Office 192.168.1.10", "KH"))
    with pytest.raises(RefusedToRedact):
        redact(marked, HOME, ACCESS, TABLE)
    longer = marked._replace(vantage=Vantage("x", 1, "Office 192.168.1.101", "KH"))
    assert redact(longer, HOME, ACCESS, TABLE).vantage == longer.vantage


@pytest.mark.parametrize(
    "kept",
    [
        {"hops": (Hop(2, (Reply("203.144.65.1"), Reply("2405:8380:1:2::10"))),)},
        {"hops": (Hop(2, (Reply("2001:5a0::1c2b:3aff:fe4d:5e6f"),)),)},
        {"notes": ("refused", "by sokha-laptop")},
        {"notes": ("from 192-168-1-10.example.net",)},
        {"error": "sokha-laptop: no route"},
        {"snapshots": ("192.168.1.10",)},
    ],
)
def test_what_a_broken_rule_lets_through_is_refused(
    kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last look does not rest on the rules that come before it."""
    rules = probe.redaction.redact._Redaction
    monkeypatch.setattr(rules, "address", lambda _self, address, _number: address)
    monkeypatch.setattr(rules, "text", lambda _self, text, _keep: text)
    redact(trace(None, "203.144.65.1"), HOME, ACCESS, TABLE)
    with pytest.raises(RefusedToRedact, match="something of this machine was left"):
        redact(trace(None, "203.144.65.1")._replace(**kept), HOME, ACCESS, TABLE)


def test_how_a_place_is_told_is_no_name_of_a_machine() -> None:
    """A computer that is called as one of the words for that does not lose them."""
    said = min(WHEREABOUTS)
    here = Premises(HOME.addresses, host_names=frozenset(said.replace(".", " ").split()))
    assert redact(trace()._replace(notes=(said,)), here, ACCESS, TABLE).notes == (said,)


def test_the_result_is_read_back_as_it_was() -> None:
    """A redacted record goes through its line of JSON unchanged."""
    found = redact(trace("192.168.1.1", "36.37.9.9", "80.231.1.1"), HOME, ACCESS, TABLE)
    read = from_line(to_line(found))
    assert read._replace(msm_id=None, prb_id=None) == found


def test_redaction_adds_up_and_is_idempotent() -> None:
    """Redacting what is redacted changes no address, and counts stand."""
    once = redact(trace("192.168.1.1", "36.37.9.9", "80.231.1.1"), HOME, ACCESS, TABLE)
    assert addresses(redact(once, HOME, ACCESS, TABLE)) == addresses(once)


# --- properties -----------------------------------------------------------------------------

_BLOCKS = [
    "36.37.8.0/23",
    "192.168.0.0/22",
    "10.0.0.0/29",
    "100.64.0.0/30",
    "80.231.0.0/30",
    "203.144.64.0/30",
    "103.7.144.0/29",
    "2405:8380::/125",
    "2001:5a0::/126",
    "fe80::/126",
    "64:ff9b::2425:800/120",
    "2002:2425:800::/126",
]


def _within(block: str) -> st.SearchStrategy[str]:
    network = ipaddress.ip_network(block)
    return st.integers(0, network.num_addresses - 1).map(lambda index: str(network[index]))


any_address = st.sampled_from(_BLOCKS).flatmap(_within)


@given(any_address)
def test_cutting_twice_is_cutting_once(address: str) -> None:
    """A block is its own block, and never longer than /24 or /48 of what it hides."""
    assert cut(cut(address)) == cut(address)
