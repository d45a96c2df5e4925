"""The lists that people keep by hand: every entry has its source, and none contradicts another."""

from __future__ import annotations

import tomllib
from collections import Counter
from ipaddress import ip_network
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from probe.disk.places import shipped
from probe.origin import Origin, OriginError
from probe.origin.lists import (
    read_anycast,
    read_continents,
    read_exchanges,
    read_operators,
)
from probe.origin.special import special_class

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

LISTS = {"operators.toml": "operator", "exchanges.toml": "exchange", "anycast.toml": "anycast"}


def entries(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(shipped(name).read_text())[LISTS[name]]
    return found


def prefixes(name: str) -> list[tuple[str, IPv4Network | IPv6Network]]:
    """The name of each entry with each of its prefixes; ValueError where host bits are set."""
    return [
        (entry["name"], ip_network(text)) for entry in entries(name) for text in entry["prefixes"]
    ]


@pytest.mark.parametrize("name", LISTS)
def test_every_entry_has_a_name_of_its_own_and_a_source(name: str) -> None:
    """What a person added to a list can be traced to where it was read."""
    counted = Counter(entry["name"] for entry in entries(name))
    assert [entry for entry, count in counted.items() if count > 1] == []
    assert [entry["name"] for entry in entries(name) if len(entry["source"]) < 8] == []


def test_whoever_is_watched_is_watched_for_a_reason() -> None:
    """Naming a candidate for a national gateway is an accusation of a kind: the entry says why."""
    reasons = ("watched:", "press reports", "sub-decree")
    assert [
        entry["name"]
        for name in ("operators.toml", "exchanges.toml")
        for entry in entries(name)
        if entry.get("watch") and not any(reason in entry["source"] for reason in reasons)
    ] == []


@pytest.mark.parametrize("name", ["exchanges.toml", "anycast.toml"])
def test_prefixes_are_ordinary_and_apart(name: str) -> None:
    """No prefix is of a special block, and of two entries none lies inside the other's."""
    listed = prefixes(name)
    assert [text for _, text in listed if special_class(text.network_address)] == []
    assert [
        (one, other)
        for (name_one, one), (name_other, other) in combinations(listed, 2)
        if name_one != name_other and one.version == other.version and one.overlaps(other)
    ] == [
        # The resolver's /48 lies in the block of the edge; both are anycast.
        (ip_network("2606:4700:4700::/48"), ip_network("2606:4700::/32"))
    ] * (name == "anycast.toml")


def test_countries_and_operators_of_the_lists_exist(origin: Origin) -> None:
    """A code that is no country, or an AS number that nobody holds, is a slip of the pen."""
    for name in ("operators.toml", "exchanges.toml"):
        unknown = [entry for entry in entries(name) if origin.continent(entry["country"]) is None]
        assert unknown == []
    for exchange in read_exchanges(shipped("exchanges.toml")):
        if exchange.operator_asn is not None:
            assert origin.country(exchange.operator_asn) == exchange.country


def test_every_listed_as_number_carries_its_name(origin: Origin) -> None:
    """An AS number that changed hands may not stay merged: the snapshot knows all that are listed.

    Where an operator names the registered names of its AS numbers, each has one of them, but for
    those that the snapshot knows by another name of the same company.
    """
    other_names = {5580, 8218}
    for operator in read_operators(shipped("operators.toml")):
        for asn in operator.asns:
            registered = origin._register.get(asn)
            assert registered, f"AS{asn} of {operator.name} is not in the snapshot"
            name = registered.name
            if operator.as_names and asn not in other_names:
                assert name in operator.as_names, (operator.name, asn, name)


def test_no_as_number_is_listed_twice() -> None:
    """An AS number, and a registered name in a country, belong to one organisation."""
    operators = read_operators(shipped("operators.toml"))
    asns = Counter(asn for operator in operators for asn in operator.asns)
    names = Counter(
        (name, operator.country) for operator in operators for name in operator.as_names
    )
    assert [one for one, count in (asns + names).items() if count > 1] == []


def test_few_exchanges_and_all_countries_ship() -> None:
    """PeeringDB's terms allow a few cited entries; every ISO code has one continent."""
    assert len(entries("exchanges.toml")) <= 25
    continents = read_continents(shipped("continents.toml"))
    assert len(continents) == 250
    assert set(continents.values()) == {"AF", "AN", "AS", "EU", "NA", "OC", "SA"}


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_operators, "[[operator", "is not a list of"),
        (read_operators, "[operators]", "is not a list of"),
        (read_operators, '[[operator]]\nname = "X"\n', "lacks 'asns'"),
        (read_exchanges, '[[exchange]]\nname = "X"\n', "lacks 'prefixes'|lacks 'country'"),
        (
            read_exchanges,
            '[[exchange]]\nname="X"\ncountry="KH"\nsource="s"\nprefixes=["198.32.9.1/24"]\n',
            "has host bits set",
        ),
        (read_anycast, '[[anycast]]\nname = "X"\nprefixes = ["nonsense"]\n', "entry is wrong"),
        (read_anycast, '[[anycast]]\nname = "X"\n', "entry is wrong"),
        (read_continents, "x = 1", "has no table of"),
    ],
)
def test_a_broken_list_is_named(
    tmp_path: Path, read: Callable[[Path], object], content: str, message: str
) -> None:
    """The sentence begins with the file."""
    path = tmp_path / "list.toml"
    path.write_text(content)
    with pytest.raises(OriginError, match=rf"list\.toml.*({message})"):
        read(path)
    path.unlink()
    with pytest.raises(OriginError, match=r"list\.toml cannot be read: No such file"):
        read(path)


def test_every_file_that_ships_is_described() -> None:
    """Whoever opens data/ finds a row about each file in its README."""
    text = shipped("README.md").read_text(encoding="utf-8")
    names = [
        str(path.relative_to(shipped("")))
        for path in sorted(shipped("").rglob("*"))
        if path.is_file() and path.name != "README.md"
    ]
    assert [name for name in names if f"| `{name}` |" not in text] == []
