"""Whom to trace to: lists that ship, one derived from the snapshot, and a volunteer's own."""

from __future__ import annotations

import os
from collections import Counter
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.disk.places import shipped
from probe.origin import Origin, open_origin
from probe.run.targets import (
    LARGEST,
    TargetError,
    domestic_networks,
    foreign_networks,
    read_targets,
    root_servers,
    target_list,
)
from tests.harness.descriptors import error_without_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEWATCH_HOME", str(tmp_path_factory.mktemp("home")))
        yield open_origin(shipped("origin") / "iplocdb.mmdb")


def test_foreign_networks_are_where_the_list_says(origin: Origin) -> None:
    """Each address lies in the AS that is named for it, on its continent, and is no anycast."""
    import tomllib

    entries = tomllib.loads((shipped("targets") / "foreign.toml").read_text())["target"]
    for entry in entries:
        for address in entry["addresses"]:
            said = origin.lookup(address)
            assert said.asn == entry["asn"], (entry["name"], address, said)
            assert not origin.is_anycast(address)
            assert origin.continent(said.country or "") == entry["continent"], entry["name"]


def test_foreign_networks_span_six_continents() -> None:
    """Any first twelve of the list stand on six continents, with several operators each."""
    listed = foreign_networks()
    continents = {target.continent for target in listed}
    assert continents == {"AF", "AS", "EU", "NA", "OC", "SA"}
    assert {target.continent for target in listed[:12]} == continents
    for continent in continents:
        operators = {target.operator for target in listed if target.continent == continent}
        assert len(operators) >= 4
    assert len({target.address for target in listed}) == len(listed)
    assert all(target.kind == "foreign" and target.why for target in listed)


def test_large_networks_of_every_continent_are_listed(origin: Origin) -> None:
    """Universities alone would follow the paths of research networks: carriers stand beside them.

    On each continent at least one network that announces over two million addresses.
    """

    @cache
    def sizes(country: str) -> dict[int, int]:
        return {network.asn: network.addresses for network in origin.networks(country)}

    large: Counter[str | None] = Counter()
    for target in foreign_networks():
        asn = origin.lookup(target.address).asn
        assert asn is not None
        country = origin.country(asn)
        assert country is not None
        large[target.continent] += sizes(country)[asn] > 2_000_000
    assert set(+large) == {"AF", "AS", "EU", "NA", "OC", "SA"}


def test_root_servers_are_thirteen_and_anycast() -> None:
    """All thirteen, in both versions, are marked so that no verdict rests on them."""
    listed = root_servers()
    assert len({target.name for target in listed}) == 13
    assert [ip_address(target.address).version for target in listed].count(6) == 13
    assert {target.kind for target in listed} == {"anycast"}
    assert {target.continent for target in listed} == {None}


def test_each_domestic_network_is_traced_to_once_a_version(origin: Origin) -> None:
    """One ordinary address in each network that is registered in the country."""
    listed = domestic_networks(origin, "KH").targets
    owners: dict[tuple[int | None, int], str] = {}
    for target in listed:
        said = origin.lookup(target.address)
        assert said.country == "KH"
        assert said.special is None
        assert said.exchange is None
        key = (said.asn, ip_address(target.address).version)
        assert key not in owners
        owners[key] = target.address
    announced = {network.asn for network in origin.networks("KH") if network.addresses}
    assert {asn for asn, version in owners if version == 4} == announced
    assert owners[38623, 4] == "36.37.128.1"
    assert listed[0].name == "Viettel (Metfone) (AS38623)"


def test_of_a_country_of_many_networks_the_largest_are_traced_to(origin: Origin) -> None:
    """Of Brazil's thousands all ways abroad would else be measured once in days."""
    listed, smaller = target_list(origin, "BR")
    home = [target for target in listed if target.kind == "domestic"]
    asns = {origin.lookup(target.address).asn for target in home}
    networks = origin.networks("BR")
    assert asns <= {network.asn for network in networks[:LARGEST]}
    assert len(asns) > LARGEST - 5
    assert smaller == len(networks) - LARGEST > 5_000
    assert target_list(origin, "KH").smaller == 0


def test_networks_inside_the_country_are_not_foreign(origin: Origin) -> None:
    """For Germany, the German time server is not abroad."""
    listed = target_list(origin, "DE").targets
    assert not [
        target
        for target in listed
        if target.kind == "foreign" and origin.lookup(target.address).country == "DE"
    ]
    assert [
        target for target in target_list(origin, "KH").targets if target.name == "ptbtime1.ptb.de"
    ]


def test_kinds_take_turns(origin: Origin) -> None:
    """The first few of the list already hold every kind."""
    listed = target_list(origin, "KH").targets
    assert [target.kind for target in listed[:3]] == ["foreign", "domestic", "anycast"]
    assert len({target.address for target in listed}) == len(listed)


def test_without_a_country_nothing_is_domestic(origin: Origin) -> None:
    """Not every volunteer says where they are before they measure."""
    assert {target.kind for target in target_list(origin, None).targets} == {"foreign", "anycast"}


def test_an_unknown_country_is_one_sentence(origin: Origin) -> None:
    """It says what a country code is."""
    with pytest.raises(TargetError, match="'XX' is not a country code; use two letters"):
        target_list(origin, "XX")


def resolver(host: str) -> str:
    if host == "www.example.org":
        return "93.184.216.34"
    raise OSError(f"no {host}")


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    """Addresses, host names, names after them, comments and empty lines."""
    path = tmp_path / "mine.txt"
    path.write_text(
        "\ufeff# those that I care about\n"
        "\n"
        "8.8.8.8\n"
        "  2001:DB8::1   the other  one # with a comment\n"
        "www.example.org\tmy host\r\n"
        "8.8.8.8 again\n",
        encoding="utf-8",
    )
    assert [(one.address, one.name, one.kind) for one in read_targets(path, resolver)] == [
        ("8.8.8.8", "8.8.8.8", "listed"),
        ("2001:db8::1", "the other  one", "listed"),
        ("93.184.216.34", "my host", "listed"),
    ]


def test_a_mapped_address_is_the_ipv4_one_to_which_it_would_be_sent(tmp_path: Path) -> None:
    """It is no target of IPv6, and none beside the same in plain text."""
    path = tmp_path / "mine.txt"
    path.write_text("::ffff:8.8.8.8\n8.8.8.8\n", encoding="utf-8")
    assert [one.address for one in read_targets(path, resolver)] == ["8.8.8.8"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("10.0.0.0/8", "'10.0.0.0/8' is not an address; write a single IPv4 or IPv6 one"),
        ("192.168.1.300", "'192.168.1.300' is not an address"),
        ("2001:db8:::1", "'2001:db8:::1' is not an address"),
        ("2001:db8::1%eth0", "'2001:db8::1%eth0' is not an address"),
        (
            "https://example.org/x",
            "'https://example.org/x' is more than a host name or an address; write that alone: "
            "example.org",
        ),
        ("no.such.host", "the host 'no.such.host' could not be looked up; check the name"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, line: str, message: str) -> None:
    """File and line come first."""
    path = tmp_path / "mine.txt"
    path.write_text(f"8.8.8.8\n{line}\n")
    with pytest.raises(TargetError) as problem:
        read_targets(path, resolver)
    assert str(problem.value).startswith(f"{path}:2: {message}")


def test_what_is_no_list(tmp_path: Path) -> None:
    """A missing file, an empty one and one that is no text are told apart."""
    with pytest.raises(TargetError, match="cannot be read: No such file"):
        read_targets(tmp_path / "none.txt", resolver)
    path = tmp_path / "mine.txt"
    path.write_text("# nothing yet\n")
    with pytest.raises(TargetError, match="lists no target"):
        read_targets(path, resolver)
    path.write_bytes(b"\xff\xfe8\x00")
    with pytest.raises(TargetError, match="not a text file"):
        read_targets(path, resolver)


@given(st.text(max_size=80))
def test_any_text_is_a_list_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """Whatever a file holds, reading it ends in targets with addresses or in a `TargetError`."""
    path = tmp_path_factory.mktemp("any") / "list.txt"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        listed = read_targets(path, resolver)
    except TargetError:
        return
    assert all(ip_address(target.address) for target in listed)


@pytest.mark.skipif(os.name != "posix", reason="there is no such limit")
def test_a_list_is_not_to_blame_where_no_more_files_may_be_open(tmp_path: Path) -> None:
    """Another list would not mend it, but another limit: that is said, with its own code."""
    path = tmp_path / "mine.txt"
    path.write_text("193.0.6.139\n")
    told = error_without_descriptors(
        "from probe.run.targets import read_targets", "read_targets(path, str)", path
    )
    assert told == "Too many open files\n"
