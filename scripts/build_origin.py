"""Builds the snapshot that ships, ``data/origin``, from published tables. Repeatable.

    python -m scripts.build_origin --tables FOLDER [--out FOLDER]

FOLDER of tables holds what ``data/origin/README.md`` lists. The same tables give the same bytes:
nothing in the output depends on when or where this runs. Takes some 90 s and 900 MiB.

The country of an address is the registration country of the AS that announces it. It is taken
from iptoasn's country table, which follows the AS: the country with the most addresses among
the IPv4 addresses that an AS number announces, or among its IPv6 addresses where iptoasn knows
none of the former. For AS numbers that iptoasn does not know at all, it is the country to which
most of their IPv4 addresses are delegated (the asn-country table, which follows the
*block*, not the AS: it has 16,896 of the addresses of AS131178, EZECOM of Phnom Penh, in the
Seychelles), and nothing where neither knows.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import maxminddb
from mmdb_writer import MMDBWriter
from netaddr import IPNetwork, IPSet

from probe.origin.lists import read_continents
from probe.origin.ranges import (
    V4_END,
    Range,
    blocks,
    countries_by_weight,
    disjoint,
    prefix_text,
    registrations,
)
from probe.origin.register import write_register
from probe.origin.snapshot import MANIFEST, SnapshotManifest, manifest_bytes, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NAME = "iplocdb"
SOURCE = (
    "ip-location-db asn and asn-country (RouteViews, DB-IP, NRO), iptoasn-country (iptoasn.com); "
    "merged by scripts/build_origin.py"
)
LICENCE = "CC BY 4.0"
ATTRIBUTION = (
    "IP to AS data by ip-location-db, from RouteViews, DB-IP (https://db-ip.com) and the NRO, "
    "CC BY 4.0; countries by iptoasn.com, PDDL 1.0"
)


def number(address: str) -> int:
    """The address on the number line of `probe.origin.ranges`."""
    if ":" in address:
        return int.from_bytes(socket.inet_pton(socket.AF_INET6, address), "big")
    return int.from_bytes(socket.inet_pton(socket.AF_INET, address), "big")


def rows(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise SystemExit(f"{folder} holds no {pattern}; name the folder of tables with --tables")
    return found[-1]


def votes(
    ranges: list[Range], countries: list[tuple[int, int, str]]
) -> Iterator[tuple[int, str, int]]:
    """Votes (AS number, country, addresses): both lists in order, walked side by side."""
    at = 0
    for first, last, asn in ranges:
        while at < len(countries) and countries[at][1] < first:
            at += 1
        look = at
        while look < len(countries) and countries[look][0] <= last:
            begin, end, country = countries[look]
            yield asn, country, min(last, end) - max(first, begin) + 1
            look += 1


class _Writer(MMDBWriter):
    """Dates the database by its data; the library dates it by the clock."""

    epoch = 0

    def _build_meta(self) -> dict[str, Any]:
        return super()._build_meta() | {"build_epoch": self.epoch}


class _Blocks(IPSet):  # type: ignore[misc]
    """Prefixes that are known to be disjoint, which saves an hour of sorting them out."""

    __slots__ = ("_prefixes",)

    def __init__(self, prefixes: list[IPNetwork]) -> None:
        self._prefixes = prefixes

    def iter_cidrs(self) -> list[IPNetwork]:
        return self._prefixes


def announced(paths: Iterable[Path]) -> tuple[list[Range], dict[int, str]]:
    """What these tables say is announced, by whom, and the names of the AS numbers."""
    names: dict[int, str] = {}
    published = []
    for path in paths:
        for begin, end, asn_text, name in rows(path):
            published.append(Range(number(begin), number(end), int(asn_text)))
            names.setdefault(int(asn_text), name)
    return disjoint(published), names


def registered(ranges: list[Range], blocks_table: Path, as_table: Path) -> dict[int, str]:
    """The country of each AS number, as the head of this file has it."""
    known = set(read_continents(Path(__file__).parent.parent / "data" / "continents.toml"))
    by_block = [(number(begin), number(end), code) for begin, end, code in rows(blocks_table)]
    with maxminddb.open_database(as_table) as reader:
        by_as = sorted(
            (first := int(network.network_address), first + network.num_addresses - 1, code)
            for network, record in reader
            if isinstance(record, dict) and isinstance(code := record.get("country_code"), str)
        )
    v4_ranges = [one for one in ranges if one.last < V4_END]
    v6_ranges = [one for one in ranges if one.first >= V4_END]
    # The last that knows an AS number decides.
    countries: dict[int, str] = {}
    for of_version, located in ((v4_ranges, by_block), (v6_ranges, by_as), (v4_ranges, by_as)):
        countries |= countries_by_weight(
            vote for vote in votes(of_version, located) if vote[1] in known
        )
    return countries


def write_database(
    path: Path, ranges: list[Range], names: dict[int, str], countries: dict[int, str], date: str
) -> None:
    """Write the address table, of this date (ISO 8601)."""
    writer = _Writer(
        ip_version=6,
        database_type="gatewatch-origin",
        languages=["en"],
        description={"en": ATTRIBUTION},
        ipv4_compatible=True,
        int_type="u32",
    )
    writer.epoch = int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())
    for first, last, asn in ranges:
        record: dict[str, Any] = {
            "autonomous_system_number": asn,
            "autonomous_system_organization": names[asn],
        }
        if asn in countries:
            record["country"] = {"iso_code": countries[asn]}
        prefixes = [IPNetwork(prefix_text(*block)) for block in blocks(first, last)]
        writer.insert_network(_Blocks(prefixes), record)
    writer.to_db_file(str(path))


def build(tables: Path, out: Path) -> SnapshotManifest:
    """Write table, register and manifest into ``out`` and return the manifest."""
    v4, v6 = one(tables, "iplocdb_asn-ipv4_*.csv.gz"), one(tables, "iplocdb_asn-ipv6_*.csv.gz")
    blocks_table = one(tables, "iplocdb_asn-country-ipv4_*.csv.gz")
    as_table = one(tables, "iptoasn-country.mmdb")
    stamp = re.search(r"_(\d{4})(\d\d)(\d\d)", v4.name)
    if stamp is None:
        raise SystemExit(f"{v4.name} does not say its date")
    date = "-".join(stamp.groups())
    ranges, names = announced((v4, v6))
    countries = registered(ranges, blocks_table, as_table)
    out.mkdir(parents=True, exist_ok=True)
    table, register = out / f"{NAME}.mmdb", out / f"{NAME}.asns.csv"
    write_database(table, ranges, names, countries, date)
    write_register(register, registrations(ranges, names, countries))
    manifest = SnapshotManifest(
        folder=out,
        name=NAME,
        date=date,
        source=SOURCE,
        licence=LICENCE,
        table=table.name,
        register=register.name,
        sha256={path.name: sha256_of(path) for path in (table, register)},
    )
    inputs = {path.name: sha256_of(path) for path in sorted((v4, v6, blocks_table, as_table))}
    (out / MANIFEST).write_bytes(
        manifest_bytes(manifest, attribution=ATTRIBUTION, ranges=len(ranges), inputs=inputs)
    )
    return manifest


def main() -> None:
    root = Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description="Build data/origin from published tables.")
    parser.add_argument(
        "--tables",
        type=Path,
        required=True,
        help="the folder with the tables that data/origin/README.md lists",
    )
    parser.add_argument("--out", type=Path, default=root / "data/origin")
    arguments = parser.parse_args()
    for file, sha256 in build(arguments.tables, arguments.out).sha256.items():
        print(f"{sha256}  {file}")


if __name__ == "__main__":
    main()
