"""The lists that people keep by hand: siblings, peering LANs, anycast, continents.

Tables cannot know that two AS numbers are one company, nor that an address stands on an
exchange's LAN; a person has to say so, with a source. This module reads those lists and knows
nothing of tables.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from probe.origin.errors import OriginError, unreadable
from probe.origin.prefixes import PrefixMap
from probe.words.language import _

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Operator:
    """One organisation and its AS numbers.

    An AS number also belongs to it when it is registered in ``country`` under one of
    ``as_names``: so a new number of a ministry is known on the day it appears. ``watch`` marks
    candidates for a national gateway. ``state`` is the country whose state holds most of it, by
    ``state_source``; None where no source says so, which is not the same as "private".
    """

    name: str
    asns: tuple[int, ...]
    country: str
    as_names: tuple[str, ...]
    watch: bool
    source: str
    state: str | None = None
    state_source: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """An Internet exchange and its peering LANs.

    ``operator_asn`` is set where one network stands behind it; ``watch`` where its operator is
    a candidate for a national gateway.
    """

    name: str
    country: str
    city: str
    prefixes: tuple[IPv4Network | IPv6Network, ...]
    operator_asn: int | None
    watch: bool
    source: str


def _read(path: Path, key: str) -> list[dict[str, Any]]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))[key]
    except OSError as problem:
        raise unreadable(path, problem) from None
    except (ValueError, KeyError) as problem:
        raise OriginError(
            _("{path} is not a list of [[{key}]] entries: {reason}").format(
                path=path, key=key, reason=problem
            )
        ) from None
    return list(entries)


def read_operators(path: Path) -> list[Operator]:
    """The siblings list. Raises `OriginError`."""
    try:
        return [
            Operator(
                name=entry["name"],
                asns=tuple(entry["asns"]),
                country=entry["country"],
                as_names=tuple(entry.get("as_names", ())),
                watch=entry.get("watch", False),
                source=entry["source"],
                state=entry.get("state"),
                state_source=entry["state_source"] if "state" in entry else None,
            )
            for entry in _read(path, "operator")
        ]
    except (KeyError, TypeError) as problem:
        raise OriginError(
            _("{path}: an [[operator]] lacks {reason}").format(path=path, reason=problem)
        ) from None


def read_exchanges(path: Path) -> list[Exchange]:
    """The peering LANs. Raises `OriginError`."""
    try:
        return [
            Exchange(
                name=entry["name"],
                country=entry["country"],
                city=entry.get("city", ""),
                prefixes=tuple(ip_network(prefix) for prefix in entry["prefixes"]),
                operator_asn=entry.get("operator_asn"),
                watch=entry.get("watch", False),
                source=entry["source"],
            )
            for entry in _read(path, "exchange")
        ]
    except (KeyError, TypeError) as problem:
        raise OriginError(
            _("{path}: an [[exchange]] lacks {reason}").format(path=path, reason=problem)
        ) from None
    except ValueError as problem:
        raise OriginError(f"{path}: {problem}") from None


def read_anycast(path: Path) -> PrefixMap[str]:
    """Prefixes announced from many places at once, with the service's name.

    Raises `OriginError`.
    """
    try:
        return PrefixMap(
            (ip_network(prefix), str(entry["name"]))
            for entry in _read(path, "anycast")
            for prefix in entry["prefixes"]
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise OriginError(
            _("{path}: an [[anycast]] entry is wrong: {reason}").format(path=path, reason=problem)
        ) from None


def read_sites(path: Path) -> dict[str, str]:
    """The continents on which the targets of a list stand, by address. Raises `OriginError`."""
    try:
        return {
            address: str(entry["continent"])
            for entry in _read(path, "target")
            for address in entry["addresses"]
        }
    except (KeyError, TypeError) as problem:
        raise OriginError(f"{path}: a [[target]] lacks {problem}") from None


def read_continents(path: Path) -> dict[str, str]:
    """Country code to continent: AF, AN, AS, EU, NA, OC or SA. Raises `OriginError`."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))["continents"]
    except OSError as problem:
        raise unreadable(path, problem) from None
    except (ValueError, KeyError) as problem:
        raise OriginError(
            _("{path} has no table of [continents]: {reason}").format(path=path, reason=problem)
        ) from None
    return {country: continent for continent, codes in table.items() for country in codes.split()}
