"""What the shipped snapshot and the lists kept by hand say together."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.origin import Origin, OriginError, Snapshot, open_origin
from probe.origin.lists import Exchange, Operator
from probe.origin.prefixes import PrefixMap
from probe.origin.register import Registration, write_register
from probe.origin.snapshot import current_manifest, sha256_of
from probe.origin.tables import TableEntry
from probe.record import Attribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@pytest.mark.parametrize(
    ("address", "asn", "country"),
    [
        ("8.8.8.8", 15169, "US"),
        ("1.1.1.1", 13335, "US"),
        ("193.0.6.139", 3333, "NL"),
        ("203.144.64.1", 17976, "KH"),
        ("36.37.128.1", 38623, "KH"),
        ("2001:4860:4860::8888", 15169, "US"),
        ("2405:8380::1", 38623, "KH"),
    ],
)
def test_well_known_addresses(origin: Origin, address: str, asn: int, country: str) -> None:
    """Addresses whose networks are common knowledge are attributed to them."""
    said = origin.lookup(address)
    assert (said.asn, said.country, said.special, said.exchange) == (asn, country, None, None)


@pytest.mark.parametrize(
    ("address", "exchange"),
    [
        ("202.57.208.7", "MekongIX"),
        ("218.100.71.3", "HTN-IX"),
        ("103.7.144.5", "CNX"),
        ("2001:de8:1d::1", "CNX"),
        ("2001:deb:4000::9", "MekongIX"),
    ],
)
def test_peering_lans_beat_the_table(origin: Origin, address: str, exchange: str) -> None:
    """A port on an exchange is the exchange's, although the table names a member."""
    assert origin.lookup(address) == Attribution(exchange=exchange, country="KH")


def test_the_lan_ends_where_it_ends(origin: Origin) -> None:
    """CNX is a /26: the address after it is not on the exchange."""
    assert origin.lookup("103.7.144.63").exchange == "CNX"
    assert origin.lookup("103.7.144.64").exchange is None


def test_m247_is_not_cambodian(origin: Origin) -> None:
    """Geofeeds place thousands of AS9009's addresses in Cambodia; it is registered elsewhere."""
    asns = {network.asn for network in origin.networks("KH")}
    assert asns
    assert 9009 not in asns
    said = origin.lookup("2.56.16.1")
    assert (said.asn, said.country) == (9009, "RO")


def test_country_follows_the_as_not_the_block(origin: Origin) -> None:
    """EZECOM leases blocks delegated in the Seychelles; it stays a Cambodian network."""
    assert origin.lookup("45.201.176.1") == Attribution(
        asn=131178, name="EZECOM CO., LTD.", organisation="EZECOM", country="KH"
    )


@pytest.mark.parametrize(
    ("organisation", "asns"),
    [
        ("EZECOM", (38901, 131178)),
        ("NeocomISP", (9902, 133200, 137966)),
        ("Smart Axiata", (38600, 45498)),
        ("Viettel (Metfone)", (38623,)),
    ],
)
def test_siblings_are_one_organisation(
    origin: Origin, organisation: str, asns: tuple[int, ...]
) -> None:
    """Each AS number of an operator gives its name, and the name gives them all."""
    assert origin.asns(organisation) == asns
    assert {origin.organisation(asn) for asn in asns} == {organisation}


def test_parent_and_subsidiary_stay_apart(origin: Origin) -> None:
    """Viettel abroad is not Metfone in Cambodia, nor Beltelecom the NTEC."""
    assert origin.organisation(7552) != origin.organisation(38623)
    assert origin.organisation(6697) != origin.organisation(60280)
    assert origin.organisation(12880) != origin.organisation(49666)


def test_unlisted_organisations_fall_back_to_the_registered_name(origin: Origin) -> None:
    """Without an entry the name in the register serves, and without a name the number."""
    assert origin.organisation(3333).startswith("Reseaux IP Europeens")
    assert origin.organisation(64512) == "AS64512"
    assert origin.asns("AS64512") == (64512,)
    assert origin.asns("No Such Company") == ()


def test_register_and_table_name_alike(origin: Origin) -> None:
    """By address or by AS number an organisation has one name, also where it ends in a space."""
    for asn in (38623, 3194, 6517, 8286):
        registered = origin._register.get(asn)
        assert registered is not None
        for prefix in registered.prefixes:
            said = origin.lookup(str(ip_network(prefix).network_address))
            assert said.organisation == origin.organisation(asn)


def test_organisations_can_be_merged_without_touching_the_table(origin: Origin) -> None:
    """By address, by AS number and by name; the table that was given keeps its answers."""
    merged = origin.merged({"Google LLC": "Alphabet", "ZTNET": "Alphabet"})
    assert merged.lookup("8.8.8.8").organisation == "Alphabet"
    assert merged.organisation(15169) == merged.organisation(138160) == "Alphabet"
    assert {15169, 138160} <= set(merged.asns("Alphabet"))
    assert merged.lookup("8.8.8.8").name == origin.lookup("8.8.8.8").name
    assert "Alphabet" in {network.organisation for network in merged.networks("KH")}
    assert origin.lookup("8.8.8.8").organisation == origin.organisation(15169) == "Google LLC"
    assert origin.asns("Alphabet") == ()


def test_an_as_number_nobody_knows_can_be_merged(origin: Origin) -> None:
    """A file of siblings may name one that the register lacks."""
    assert origin.merged({"AS64512": "Lab"}).organisation(64512) == "Lab"


def test_another_table_under_the_same_lists(origin: Origin, tmp_path: Path) -> None:
    """Addresses by the other table, names, siblings and mergers as before."""
    path = tmp_path / "ipasn_20140523.dat"
    path.write_text("8.8.8.0/24\t38901\n")
    other = origin.merged({"EZECOM": "Eze"}).over(path)
    assert other.lookup("8.8.8.8").organisation == "Eze"
    assert other.lookup("1.1.1.1").asn is None
    assert other.snapshot.path == path
    assert other.is_anycast("8.8.8.8")
    assert origin.lookup("8.8.8.8").asn == 15169


def test_state_ownership_has_a_source(origin: Origin) -> None:
    """Telecom Cambodia is the state's, Metfone another state's, and EZECOM is not said to be."""
    for name, state in (("Telecom Cambodia", "KH"), ("Viettel (Metfone)", "VN"), ("EZECOM", None)):
        operator = origin.operator(name)
        assert operator is not None
        assert operator.state == state
        assert (operator.state_source is None) == (state is None)


def test_reserved_is_no_organisation(origin: Origin) -> None:
    """A hundred AS numbers named "-Reserved AS-" are not one operator with a hundred networks."""
    assert origin.asns("-Reserved AS-") == ()


def test_a_registry_is_not_whoever_another_one_knows(origin: Origin) -> None:
    """A large carrier of Finland and two networks of Estonia are not one, nor RIPE NCC."""
    assert [origin.organisation(asn) for asn in (719, 3130, 3927)] == ["AS719", "AS3130", "AS3927"]
    assert origin.organisation(3333).endswith("(RIPE NCC)")


@pytest.mark.parametrize(
    "asns",
    [
        (17440, 63880), (2522, 131971), (131356, 135970), (55991, 63570), (58964, 58966),
        (138910, 149170), (402562, 151343), (24405, 132251),
    ],
    ids=str,
)  # fmt: skip
def test_members_of_a_national_registry_are_not_one(origin: Origin, asns: tuple[int, ...]) -> None:
    """APNIC writes the registry's name, or that of a block of numbers, and knows no holder."""
    for asn in asns:
        assert origin.organisation(asn) == f"AS{asn}"
        assert origin.asns(f"AS{asn}") == (asn,)
    assert origin.lookup("103.209.248.1").organisation == "AS17440"
    assert origin.lookup("103.119.204.1").organisation == "AS63880"


@pytest.mark.parametrize(
    ("own", "name", "members"),
    [
        (4621, "UniNet (Thailand)", (9546, 17479)),
        (2200, "Renater", (776, 1307)),
        (1103, "SURF", (1128, 1161)),
        (7575, "AARNet", (23719, 23859)),
        (293, "ESnet", (3428, 3443)),
        (2515, "Japan Network Information Center", (2522, 131971)),
        (4622, "Indonesia Network Information Center", (17440, 63880)),
    ],
)
def test_universities_are_not_the_network_that_registered_their_numbers(
    origin: Origin, own: int, name: str, members: tuple[int, ...]
) -> None:
    """Each announces addresses of its own, under the name of the network that it buys from."""
    assert origin.organisation(own) == name
    assert origin.asns(name) == (own,)
    assert [origin.organisation(asn) for asn in members] == [f"AS{asn}" for asn in members]


def test_what_each_state_has_is_one_in_each_country(origin: Origin) -> None:
    """Ministries of three countries share a name, and no network."""
    ministries = [f"Ministry of Interior ({country})" for country in ("KH", "SA", "TH")]
    assert [len(origin.asns(name)) for name in ministries] == [1, 1, 1]
    assert origin.asns("Ministry of Interior") == ()


def test_a_registrys_own_networks_are_one(origin: Origin) -> None:
    """Where nothing else has its name: these are its name servers, offices and exchanges."""
    for asns in ((28000, 28001), (33764, 37177), (23899, 23902), (10906, 22548), (4608, 18366)):
        assert len({origin.organisation(asn) for asn in asns}) == 1


@pytest.mark.parametrize(
    ("address", "special"),
    [
        ("10.20.7.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "cgnat"),
        ("100.127.255.254", "cgnat"),
        ("169.254.3.4", "link_local"),
        ("fe80::1", "link_local"),
        ("fd12:3456::1", "ula"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("2001:db8::1", "documentation"),
        ("3fff:fff::1", "documentation"),
        ("224.0.0.5", "multicast"),
        ("ff02::1", "multicast"),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "reserved"),
        ("198.18.0.1", "reserved"),
        ("198.19.255.255", "reserved"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "reserved"),
        ("192.0.0.1", "reserved"),
        ("64:ff9b:1::1", "reserved"),
        ("100::1", "reserved"),
        ("2001:2::1", "reserved"),
        ("5f00::1", "reserved"),
        ("fec0::1", "reserved"),
        ("64:ff9b::10.0.0.1", "private"),
        ("::ffff:10.0.0.1", "private"),
    ],
)
def test_special_classes(origin: Origin, address: str, special: str) -> None:
    """A special-use address has its class and nothing else."""
    assert origin.lookup(address) == Attribution(special=special)


@pytest.mark.parametrize(
    "address",
    [
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "100:0:0:1::",
        "2001:2:1::",
    ],
)
def test_neighbours_of_special_blocks_are_ordinary(origin: Origin, address: str) -> None:
    """The blocks end where the registries say."""
    assert origin.lookup(address).special is None


def test_mapped_addresses_are_looked_up_as_ipv4(origin: Origin) -> None:
    """Some systems report IPv4 hops as ::ffff:a.b.c.d, a NAT64 as 64:ff9b::a.b.c.d."""
    for wrapped in ("::ffff:8.8.8.8", "64:ff9b::8.8.8.8"):
        assert origin.lookup(wrapped) == origin.lookup("8.8.8.8")
        assert origin.is_anycast(wrapped)


def test_no_address_is_a_value_error(origin: Origin) -> None:
    """What is no address is the caller's mistake, not an unknown address."""
    with pytest.raises(ValueError, match="example"):
        origin.lookup("example.org")


@settings(max_examples=300)
@given(st.ip_addresses())
def test_any_address_has_an_answer(origin: Origin, address: object) -> None:
    """Every address is answered, and never with a name but no AS number."""
    said = origin.lookup(str(address))
    assert said.asn is not None or (said.name is None and said.organisation is None)
    assert (said.special is None) or said == Attribution(special=said.special)


def test_networks_of_a_country(origin: Origin) -> None:
    """They come largest first, each with prefixes of its own, and every name merged."""
    networks = origin.networks("kh")
    assert [network.addresses for network in networks] == sorted(
        (network.addresses for network in networks), reverse=True
    )
    first = networks[0]
    assert (first.asn, first.organisation) == (38623, "Viettel (Metfone)")
    assert first.addresses == 87_296
    assert first.prefixes[0] == "36.37.128.0/17"
    assert len(networks) > 80
    assert origin.largest_networks("kh", 10) == (networks[:10], len(networks) - 10)


def test_every_prefix_in_the_register_is_its_networks(origin: Origin) -> None:
    """Register and table were made from the same rows."""
    listed = [(one.asn, prefix) for one in origin.networks("KH") for prefix in one.prefixes]
    assert listed
    for asn, prefix in listed:
        said = origin.lookup(str(ip_network(prefix).network_address))
        assert said.asn == asn or said.exchange is not None


def test_unknown_country_code(origin: Origin) -> None:
    """A code that is none is told apart from a country without networks."""
    with pytest.raises(KeyError):
        origin.networks("XX")
    with pytest.raises(KeyError):
        origin.largest_networks("XX", 1)
    assert origin.continent("XX") is None
    assert origin.networks("AQ") == origin.networks("aq")


def test_watch_list(origin: Origin) -> None:
    """The gateway's candidates are watched; their competitors and meeting places are not."""
    assert origin.is_watched("Telecom Cambodia")
    assert origin.is_watched(origin.organisation(132599))
    assert not origin.is_watched("EZECOM")
    assert not origin.is_watched("MekongIX")
    assert not origin.is_watched("nobody knows")


def test_exchange_operators(origin: Origin) -> None:
    """CNX is run by a network; MekongIX is a meeting place."""
    assert origin.exchange_operator("CNX") == 7712
    assert origin.exchange_operator("MekongIX") is None
    assert origin.exchange_operator("no such exchange") is None


@pytest.mark.parametrize("address", ["170.247.170.2", "199.9.14.201", "2001:500:200::b"])
def test_a_root_server_is_anycast_by_its_former_address_too(origin: Origin, address: str) -> None:
    """RIPE Atlas traced to that of the day: B's was another one until the end of 2023."""
    assert origin.is_anycast(address)


def test_anycast_addresses_are_known(origin: Origin) -> None:
    """Public resolvers are announced from many places; ordinary and private addresses are not."""
    assert origin.is_anycast("8.8.8.8")
    assert not origin.is_anycast("193.0.6.139")
    assert not origin.is_anycast("36.37.128.1")
    assert not origin.is_anycast("10.0.0.1")


def test_the_continent_of_an_address_is_that_of_its_as(origin: Origin) -> None:
    """By the country of registration, where the table has one."""
    continents = {
        address: origin.continent(origin.lookup(address).country or "")
        for address in ("193.0.6.139", "36.37.128.1", "10.0.0.1")
    }
    assert continents == {"193.0.6.139": "EU", "36.37.128.1": "AS", "10.0.0.1": None}


def test_every_root_server_is_anycast(origin: Origin) -> None:
    """The list of anycast prefixes covers all root servers' addresses."""
    from probe.run.targets import root_servers

    assert [one.address for one in root_servers() if not origin.is_anycast(one.address)] == []


class _Table:
    """A table in memory."""

    def __init__(self, entries: Mapping[str, TableEntry]) -> None:
        self.entries = entries
        self.asked = 0

    date = None
    source = None

    def find(self, address: str) -> TableEntry:
        self.asked += 1
        return self.entries.get(address, TableEntry(None, None, None))


MINISTRY = Operator(
    name="Ministry",
    asns=(132599,),
    country="KH",
    as_names=("Ministry of Post",),
    watch=True,
    source="test",
)


REGISTERED = (
    Registration(132599, "Ministry of Post", "KH", 2048, ()),
    Registration(4200000001, "Ministry of Post", "KH", 256, ()),
    Registration(4200000002, "Ministry of Post", "LA", 256, ()),
)


def _origin(
    folder: Path,
    entries: Mapping[str, TableEntry],
    *exchanges: Exchange,
    registered: Iterable[Registration] = REGISTERED,
) -> Origin:
    register = folder / "register.csv"
    write_register(register, registered)
    return Origin(
        Snapshot("test", folder, None, None, None, ()),
        _Table(entries),
        register,
        operators=[MINISTRY],
        exchanges=exchanges,
        anycast=PrefixMap([]),
        continents={"KH": "AS", "LA": "AS"},
        targets=folder / "targets.toml",
        lists={},
    )


def test_a_new_number_of_a_known_operator_is_known_by_name(tmp_path: Path) -> None:
    """The ministry's next AS number belongs to it at once; its namesake abroad does not."""
    origin = _origin(tmp_path, {})
    assert origin.organisation(4200000001) == "Ministry"
    assert origin.organisation(4200000002) == "Ministry of Post (LA)"
    assert origin.asns("Ministry") == (132599, 4200000001)


# Names of one, of many and of nobody, of what each state has, and one that looks like a number.
NAMES = [
    "Ministry of Post", "Ministry of Post (LA)", "Net One", "Net (KH)", "N/A", "Renater", "AS7",
    "-Reserved AS-", " Net One ",
]  # fmt: skip


@given(
    st.lists(
        st.builds(
            Registration,
            st.integers(1, 12),
            st.sampled_from(NAMES),
            st.sampled_from(["KH", "LA", None]),
            st.just(256),
            st.just(()),
        ),
        unique_by=lambda row: row.asn,
    ),
    st.dictionaries(
        st.sampled_from(["Ministry", "Net One", "AS7", "AS8", "Ministry of Post (LA)"]),
        st.sampled_from(["Ministry", "Net (KH)", "AS9", "Group"]),
    ),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_number_is_found_under_the_name_of_its_organisation(
    tmp_path: Path, registered: list[Registration], merged: dict[str, str]
) -> None:
    """And under no other, whatever is registered and merged."""
    origin = _origin(tmp_path, {}, registered=registered).merged(merged)
    known = {row.asn for row in registered} | {*MINISTRY.asns, 7, 8, 9}
    named = {origin.organisation(asn) for asn in known}
    found = {name: origin.asns(name) for name in named}
    assert found == {
        name: tuple(asn for asn in sorted(known) if origin.organisation(asn) == name)
        for name in named
    }


def test_a_table_without_names_is_completed_from_the_register(tmp_path: Path) -> None:
    """What a pyasn table or GeoLite2-ASN does not say is looked up by AS number."""
    origin = _origin(tmp_path, {"36.37.128.1": TableEntry(132599, None, None)})
    assert origin.lookup("36.37.128.1") == Attribution(
        asn=132599, name="Ministry of Post", organisation="Ministry", country="KH"
    )


@pytest.mark.parametrize("merged", [{}, {"Ministry of Post": "Post"}])
def test_a_table_with_names_of_its_own_has_the_organisations_of_the_register(
    tmp_path: Path, merged: dict[str, str]
) -> None:
    """By address or by AS number a network is one; else it would be one that its own paths pass."""
    entry = TableEntry(4200000002, "POST-AS-AP", "LA")
    origin = _origin(tmp_path, {"36.37.128.1": entry}).merged(merged)
    said = origin.lookup("36.37.128.1")
    assert (said.name, said.organisation) == ("POST-AS-AP", origin.organisation(4200000002))


def test_a_number_that_is_newer_than_the_register_has_the_name_of_the_table(tmp_path: Path) -> None:
    """The ministry's next number is known by that name on the day it appears."""
    entries = {
        "1.2.3.4": TableEntry(4200000003, "Ministry of Post", "KH"),
        "1.2.3.5": TableEntry(4200000004, "Somebody", "KH"),
    }
    origin = _origin(tmp_path, entries)
    assert [origin.lookup(address).organisation for address in entries] == ["Ministry", "Somebody"]


def test_codes_that_are_no_country_are_not_passed_on(tmp_path: Path) -> None:
    """iptoasn writes EU and AP for what is no country."""
    origin = _origin(
        tmp_path, {"1.2.3.4": TableEntry(7, "A", "EU"), "1.2.3.5": TableEntry(None, None, "ZZ")}
    )
    assert origin.lookup("1.2.3.4").country is None
    assert origin.lookup("1.2.3.5") == Attribution()


def test_special_blocks_beat_a_leak_in_the_table(tmp_path: Path) -> None:
    """Somebody announcing 10.0.0.0/8 does not own what others use inside."""
    assert _origin(tmp_path, {"10.0.0.1": TableEntry(7, "Leaker", "KH")}).lookup("10.0.0.1") == (
        Attribution(special="private")
    )


def test_lookups_are_remembered(tmp_path: Path) -> None:
    """The same address is asked of the table once."""
    origin = _origin(tmp_path, {})
    origin.lookup("1.2.3.4")
    origin.lookup("1.2.3.4")
    table = origin._table
    assert isinstance(table, _Table)
    assert table.asked == 1


def test_an_exchange_is_watched_with_its_operator(tmp_path: Path) -> None:
    """A domestic exchange that the gateway's candidate runs is a candidate too."""
    lan = (ip_network("198.32.1.0/24"),)
    run_by_ministry = Exchange("DIX", "KH", "", lan, 132599, watch=False, source="test")
    marked = Exchange("Marked", "KH", "", (), None, watch=True, source="test")
    origin = _origin(tmp_path, {}, run_by_ministry, marked)
    assert origin.is_watched("DIX")
    assert origin.is_watched("Marked")
    assert origin.lookup("198.32.1.9") == Attribution(exchange="DIX", country="KH")


def test_the_list_that_ships_decides(tmp_path: Path) -> None:
    """Of two entries for one LAN the earlier list's is taken, and of nested LANs the inner."""
    wide, narrow = ip_network("198.32.0.0/16"), ip_network("198.32.1.0/24")
    origin = _origin(
        tmp_path,
        {},
        Exchange("ours", "KH", "", (narrow,), None, watch=False, source="test"),
        Exchange("fetched", "LA", "", (wide, narrow), None, watch=False, source="test"),
    )
    assert origin.lookup("198.32.1.1").exchange == "ours"
    assert origin.lookup("198.32.2.1").exchange == "fetched"


def test_fetched_lans_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A LAN that `data update --exchanges` wrote is known, its list by hash; a bad one is named."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path))
    (tmp_path / "exchanges.toml").write_text(
        '[[exchange]]\nname = "X"\ncountry = "NZ"\nprefixes = ["198.32.9.0/24"]\nsource = "s"\n'
    )
    with_fetched = open_origin()
    assert with_fetched.lookup("198.32.9.1").exchange == "X"
    assert with_fetched.lists["exchanges.toml, fetched"] == sha256_of(tmp_path / "exchanges.toml")
    (tmp_path / "exchanges.toml").write_text('[[exchange]]\nname = "X"\n')
    with pytest.raises(OriginError, match=r"exchanges\.toml: an \[\[exchange\]\] lacks"):
        open_origin()


def test_snapshot_names_itself(origin: Origin) -> None:
    """The id has name, date and the beginning of the hash, which records carry."""
    snapshot = origin.snapshot
    assert snapshot.id == f"iplocdb@2026-06-17+{snapshot.sha256[:12]}"
    assert (snapshot.date, snapshot.licence) == ("2026-06-17", "CC BY 4.0")
    assert snapshot.sha256 == sha256_of(snapshot.path)


@pytest.mark.parametrize("replaced", [True, False])
def test_a_table_that_was_replaced_is_not_taken_for_the_one_in_use(
    tmp_path: Path, replaced: bool
) -> None:
    """Its hash is that of what answered; where that is gone it says so, and names no other."""
    path = tmp_path / "ipasn_20140523.dat"
    path.write_text("8.8.8.0/24\t38901\n")
    opened = open_origin(path)
    if replaced:
        other = tmp_path / "other"
        other.write_text("8.8.8.0/24\t38902\n")
        other.replace(path)
    else:
        path.unlink()
    with pytest.raises(OriginError, match="replaced while it was in use"):
        _ = opened.snapshot.id


def test_importing_loads_nothing_heavy() -> None:
    """A volunteer's machine has neither pandas nor pyasn, and scapy is slow to load."""
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, probe.origin;"
            "print(*{'pandas', 'scapy', 'pyasn', 'numpy'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == ""


def test_a_copy_sent_elsewhere_answers_alike(tmp_path: Path) -> None:
    """Pickled and back it is the same table, merged names too; another file there is refused."""
    manifest = current_manifest()
    path = tmp_path / "table.mmdb"
    shutil.copy(manifest.table_path, path)
    origin = open_origin(path).merged({"Google LLC": "Alphabet"})
    sent = pickle.dumps(origin)
    again = pickle.loads(sent)
    assert again.lookup("8.8.8.8") == origin.lookup("8.8.8.8")
    assert again.lookup("8.8.8.8").organisation == "Alphabet"
    assert again.asns("Alphabet") == origin.asns("Alphabet") != ()
    with path.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(OriginError, match=r"is not the table table@.*; copy that one here"):
        pickle.loads(sent)


@pytest.mark.parametrize("file", ["_register_path", "_targets_path"])
def test_a_copy_elsewhere_answers_from_no_other_list(tmp_path: Path, file: str) -> None:
    """Names, countries and places of hosts are read there; as here, or not at all."""
    origin = open_origin()
    path = tmp_path / "list"
    shutil.copy(vars(origin)[file], path)
    sent = pickle.dumps(origin._like(**{file: path}))
    assert pickle.loads(sent).lookup("8.8.8.8") == origin.lookup("8.8.8.8")
    with path.open("ab") as there:
        there.write(b"\n")
    with pytest.raises(OriginError, match=r"list is not the file that it is where it was sent"):
        pickle.loads(sent)
    path.unlink()
    with pytest.raises(OriginError, match=r"list is not the file that it is where it was sent"):
        pickle.loads(sent)
