"""From an address to who stands behind it: table, siblings, exchanges and special blocks in one.

The one place that both halves of the program ask. Everything it says comes from one snapshot,
which it names. It knows nothing of traces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from probe.disk.places import data_folder, shipped
from probe.origin.errors import OriginError
from probe.origin.holders import holder, registered_as
from probe.origin.lists import (
    Exchange,
    Operator,
    read_anycast,
    read_continents,
    read_exchanges,
    read_operators,
    read_sites,
)
from probe.origin.prefixes import PrefixMap
from probe.origin.register import Register
from probe.origin.snapshot import (
    Snapshot,
    SnapshotManifest,
    current_manifest,
    read_manifest,
    sha256_of,
    state_of,
)
from probe.origin.special import special_class, unwrapped
from probe.origin.tables import open_table
from probe.record import Attribution
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from probe.origin.register import Registration
    from probe.origin.tables import Table

# The list of peering LANs: the one that ships, and in the data folder the one that was fetched.
EXCHANGES_FILE = "exchanges.toml"

# What an organisation of which only the number is known is called.
_BY_NUMBER = re.compile(r"AS(\d{1,10})")

# Addresses whose attribution is remembered.
_REMEMBERED = 1 << 16


@dataclass(frozen=True, slots=True)
class AutonomousSystem:
    """An AS number registered in a country.

    ``addresses`` counts the IPv4 addresses it announces. ``prefixes`` are its largest, not all:
    largest first, IPv4 before IPv6.
    """

    asn: int
    name: str
    organisation: str
    prefixes: tuple[str, ...]
    addresses: int


# In the state of a copy that is sent: the files that are read when they are asked for, by hash.
_READ_ELSEWHERE = "read elsewhere"


class Origin:
    """Answers whose an address is, from one snapshot and the lists kept by hand.

    ``register`` is the file that holds names and countries by AS number, ``targets`` the list of
    hosts of which it is known where they stand; both are read when first asked for. The other
    lists are given as already read; see `open_origin`. ``lists`` are the files of all of these.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        table: Table,
        register: Path,
        *,
        operators: Iterable[Operator],
        exchanges: Iterable[Exchange],
        anycast: PrefixMap[str],
        continents: dict[str, str],
        targets: Path,
        lists: Mapping[str, Path],
    ) -> None:
        self.snapshot = snapshot
        self._table = table
        self._register_path = register
        self._operators = {operator.name: operator for operator in operators}
        self._by_asn = {
            asn: operator for operator in self._operators.values() for asn in operator.asns
        }
        self._by_name = {
            (name, operator.country): operator
            for operator in self._operators.values()
            for name in operator.as_names
        }
        known = list(exchanges)
        # Of two entries for one LAN or one name, the earlier list decides.
        self._exchanges = {exchange.name: exchange for exchange in reversed(known)}
        self._lans = PrefixMap(
            (prefix, exchange) for exchange in reversed(known) for prefix in exchange.prefixes
        )
        self._anycast = anycast
        self._continents = continents
        self._targets_path = targets
        self._lists = lists
        self._merged: Mapping[str, str] = {}
        # Per object: a cache on the class would keep closed tables alive.
        self.lookup = lru_cache(maxsize=_REMEMBERED)(self._lookup)

    def __getstate__(self) -> dict[str, object]:
        """All but the opened table and what is worked out from files: these are opened anew."""
        _ = self.snapshot.sha256  # of what answers here; elsewhere another file may lie
        opened = {"_table", "lookup", "_register", "_sites"}
        kept = {name: value for name, value in vars(self).items() if name not in opened}
        files = (self._register_path, self._targets_path)
        return kept | {_READ_ELSEWHERE: {path: sha256_of(path) for path in files}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Raises `OriginError` where a file is not there, or is another one."""
        lists: dict[Path, str] = state.pop(_READ_ELSEWHERE)
        vars(self).update(state)
        path = self.snapshot.path
        self._table = open_table(path)
        if sha256_of(path) != self.snapshot.sha256:
            raise OriginError(f"{path} is not the table {self.snapshot.id}; copy that one here")
        for path, sha256 in lists.items():
            if not path.is_file() or sha256_of(path) != sha256:
                raise OriginError(
                    f"{path} is not the file that it is where it was sent from; copy that one here"
                )
        self.lookup = lru_cache(maxsize=_REMEMBERED)(self._lookup)

    def _like(self, **changed: object) -> Origin:
        other = Origin.__new__(Origin)  # not a copy, which would open the table anew
        vars(other).update(vars(self) | changed)
        other.lookup = lru_cache(maxsize=_REMEMBERED)(other._lookup)
        return other

    def merged(self, names: Mapping[str, str]) -> Origin:
        """The same tables with some organisations under the name of another, as one with it."""
        return self._like(_merged=dict(names))

    def over(self, path: Path) -> Origin:
        """The same register and lists over another address table, such as that of another day.

        Raises `OriginError` where it cannot be opened.
        """
        table, snapshot, _ = _open(path)
        return self._like(_table=table, snapshot=snapshot)

    @property
    def lists(self) -> dict[str, str]:
        """The sha256 of each file besides the table that answers rest on, by name."""
        return {name: sha256_of(path) for name, path in self._lists.items()}

    @cached_property
    def _sites(self) -> dict[str, str]:
        return read_sites(self._targets_path)

    @cached_property
    def _register(self) -> Register:
        return Register(self._register_path)

    def _lookup(self, address: str) -> Attribution:
        """Whose an address is. Remembered.

        A special-use class beats a peering LAN, which beats the table. On a peering LAN there
        is no AS: the port is a member's, the LAN the exchange's. A table without names or
        countries (pyasn's, GeoLite2-ASN) is completed by AS number from the register of the
        snapshot that is in use otherwise. That names the organisation as well, whatever the table
        calls it: else a network would be another one by its addresses than by its number, and its
        own routers would stand behind it. An IPv4 address inside IPv6 (``::ffff:0:0/96``, or
        ``64:ff9b::/96`` of a NAT64) is looked up as IPv4. Raises ValueError where the text is no
        address and `OriginError` where the table turns out to be damaged.
        """
        parsed = unwrapped(address)
        special = special_class(parsed)
        if special is not None:
            return Attribution(special=special)
        lan = self._lans.get(parsed)
        if lan is not None:
            return Attribution(exchange=lan.name, country=lan.country)
        asn, name, country = self._table.find(str(parsed))
        if country not in self._continents:
            country = None
        name = name and holder(name, None)
        if asn is None:
            return Attribution(country=country)
        registered = self._register.get(asn)
        if registered is None:
            return Attribution(asn, name, self._named(asn, name, country), country)
        name = name or holder(registered.name, None)
        country = country or registered.country
        return Attribution(asn, name, self.organisation(asn), country)

    def _named(self, asn: int, name: str | None, country: str | None) -> str:
        operator = self._by_asn.get(asn)
        if operator is None and name is not None and country is not None:
            operator = self._by_name.get((name, country))
        if operator is not None:
            known = operator.name
        else:
            known = (name and holder(name, country)) or f"AS{asn}"
        return self._merged.get(known, known)

    def organisation(self, asn: int) -> str:
        """The organisation behind an AS number, siblings merged.

        Its name in the list of operators, else the name its AS number is registered under, else
        ``AS123``. AS numbers registered under one name are one organisation, but for the names that
        `probe.origin.holders` knows to be those of many.
        """
        registered = None if asn in self._by_asn else self._register.get(asn)
        if registered is None:
            return self._named(asn, None, None)
        return self._named(asn, registered.name, registered.country)

    def country(self, asn: int) -> str | None:
        """The country an AS number is registered in, None where the register has none for it."""
        registered = self._register.get(asn)
        return registered.country if registered is not None else None

    def asns(self, organisation: str) -> tuple[int, ...]:
        """The AS numbers of an organisation as `organisation` names it, in order; () if none."""
        asked = self._numbers_near(organisation)
        return tuple(sorted(asn for asn in asked if self.organisation(asn) == organisation))

    def _numbers_near(self, organisation: str) -> set[int]:
        """The AS numbers of an organisation, and others that only a look at each tells apart."""
        names = [name for name, other in self._merged.items() if other == organisation]
        found = set[int]()
        for name in {organisation, *names}:
            written = set(registered_as(name))
            operator = self._operators.get(name)
            if operator is not None:
                found.update(operator.asns)
                written.update(operator.as_names)
            for one in written:
                found.update(self._register.asns(one))
            if by_number := _BY_NUMBER.fullmatch(name):
                found.add(int(by_number[1]))
        return found

    def operator(self, organisation: str) -> Operator | None:
        """What the list of operators says about an organisation, None where it is not on it."""
        return self._operators.get(organisation)

    def exchange_operator(self, name: str) -> int | None:
        """The AS number of the one network that stands behind an exchange, None where none is."""
        exchange = self._exchanges.get(name)
        return exchange.operator_asn if exchange else None

    def is_watched(self, name: str) -> bool:
        """Whether this organisation or exchange is a known candidate for a national gateway.

        An exchange is watched as well when the organisation that operates it is.
        """
        operator = self._operators.get(name)
        if operator is not None and operator.watch:
            return True
        exchange = self._exchanges.get(name)
        if exchange is None:
            return False
        return exchange.watch or (
            exchange.operator_asn is not None
            and self.is_watched(self.organisation(exchange.operator_asn))
        )

    def continent(self, country: str) -> str | None:
        """AF, AN, AS, EU, NA, OC or SA for a country code, None for an unknown one."""
        return self._continents.get(country.upper())

    def site(self, address: str) -> str | None:
        """The continent on which a listed host stands, whatever its registration says."""
        return self._sites.get(address)

    def is_anycast(self, address: str) -> bool:
        """Whether the address is known to be announced from many places at once."""
        return self._anycast.get(unwrapped(address)) is not None

    def networks(self, country: str) -> list[AutonomousSystem]:
        """The AS numbers registered in a country that announce anything, largest first.

        From the register of the snapshot in use, whichever table is open. Empty for a country
        without any. Raises KeyError for what is no country code.
        """
        rows = self._register.registered_in(self._code(country))
        return [
            self._network(row) for row in sorted(rows, key=lambda row: (-row.addresses, row.asn))
        ]

    def largest_networks(self, country: str, count: int) -> tuple[list[AutonomousSystem], int]:
        """The first ``count`` of `networks`, and how many more there are."""
        rows, others = self._register.largest_in(self._code(country), count)
        return [self._network(row) for row in rows], others

    def _code(self, country: str) -> str:
        code = country.upper()
        if code not in self._continents:
            raise KeyError(country)
        return code

    def _network(self, row: Registration) -> AutonomousSystem:
        return AutonomousSystem(
            row.asn, row.name, self.organisation(row.asn), row.prefixes, row.addresses
        )


def _described(path: Path) -> SnapshotManifest | None:
    """The manifest beside a table, where the table is one of our own."""
    try:
        manifest = read_manifest(path.parent)
    except (OSError, OriginError):
        return None
    return manifest if manifest.table_path == path else None


def _open(path: Path | None) -> tuple[Table, Snapshot, Path]:
    """An address table, what it is, and the register that completes it."""
    manifest = current_manifest() if path is None else _described(path)
    opened = manifest.table_path if manifest is not None else path
    assert opened is not None
    try:
        table = open_table(opened)
    except OriginError:
        if path is not None:
            raise
        raise OriginError(
            _(
                "the address table {path} is damaged or may not be read; fetch another: gatewatch "
                "data update"
            ).format(path=opened)
        ) from None
    state = state_of(opened)
    if manifest is not None:
        snapshot = Snapshot(
            manifest.name, opened, manifest.date, manifest.source, manifest.licence, state
        )
        register = manifest.register_path
    else:
        stem = opened.name.removesuffix(".gz").removesuffix(".dat").removesuffix(".mmdb")
        snapshot = Snapshot(stem, opened, table.date, table.source, None, state)
        register = current_manifest().register_path
    return table, snapshot, register


def open_origin(path: Path | None = None) -> Origin:
    """Open an address table with the lists that ship.

    Without a path: the volunteer's updated snapshot or the shipped one, whichever is newer. A
    path may name any ``.mmdb`` (ours, MaxMind's, DB-IP's, iptoasn's) or a pyasn ``.dat`` or
    ``.dat.gz``. Peering LANs that ``gatewatch data update --exchanges`` fetched are added to
    those that ship. Raises `OriginError` with one sentence.
    """
    table, snapshot, register = _open(path)
    operators, anycast = shipped("operators.toml"), shipped("anycast.toml")
    exchanges, continents = shipped(EXCHANGES_FILE), shipped("continents.toml")
    targets = shipped("targets/foreign.toml")
    lists = {
        path.name: path for path in (register, operators, exchanges, anycast, continents, targets)
    }
    fetched = data_folder() / EXCHANGES_FILE
    if fetched.is_file():
        lists[f"{EXCHANGES_FILE}, fetched"] = fetched
    lans = [path for path in lists.values() if path.name == EXCHANGES_FILE]
    return Origin(
        snapshot,
        table,
        register,
        operators=read_operators(operators),
        exchanges=[exchange for path in lans for exchange in read_exchanges(path)],
        anycast=read_anycast(anycast),
        continents=read_continents(continents),
        targets=targets,
        lists=lists,
    )
