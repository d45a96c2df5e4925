"""Fetches newer address tables, checks them, and puts them in place in one step.

Tables age: one in a hundred hop addresses maps to another AS after four years. What is fetched
is public, documented, and asked for by the volunteer. Fetching and installing are apart, so that
nothing that is in use changes until all that was asked for has come and is checked. This module
reads no traces and knows no command line.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
import tempfile
import time
import zlib
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probe.deadline import within
from probe.failure import BadInput, Offline, in_words
from probe.language import _
from probe.origin.errors import OriginError
from probe.origin.lists import Exchange, read_continents
from probe.origin.mmdb import write_table
from probe.origin.names import printable
from probe.origin.ranges import V4_END, Range, countries_by_weight, disjoint, registrations
from probe.origin.register import write_register
from probe.origin.snapshot import (
    MANIFEST,
    Manifest,
    manifest_bytes,
    read_manifest,
    sha256_of,
)
from probe.places import shipped
from probe.private import hand_over, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

    import httpx2

TABLES = "https://iptoasn.com/data/"
TABLE_FILES = ("ip2asn-v4.tsv.gz", "ip2asn-v6.tsv.gz")
SOURCE = "iptoasn.com, ip2asn-v4 and ip2asn-v6"
LICENCE = "PDDL 1.0"

EXCHANGES = "https://www.peeringdb.com/api/"
EXCHANGE_FILES = ("ixpfx", "ixlan", "ix")

# Nothing that would tell one machine from another.
_HEADERS = {"User-Agent": "gatewatch", "Accept": "*/*", "Accept-Encoding": "identity"}

# Seconds without a byte after which the other side counts as gone.
TIMEOUT = 30.0
# Seconds in which a file has to be here: 18 kbit/s carry today's in that time.
PATIENCE = 3600.0
# Seconds after which a file that no manifest names belongs to no update under way.
_ABANDONED = 86400.0
# Ten times what the files have today, packed; beyond that it is something else.
_LARGEST = 100 << 20
# Under half of what the Internet announced in 2026, it is not the whole table: 3.3 billion IPv4
# addresses by 84,000 AS numbers, 100,000 IPv6 ranges.
_FEWEST_ADDRESSES = 1_500_000_000
_FEWEST_ASNS = 40_000
_FEWEST_V6_RANGES = 40_000
# PeeringDB lists some 2,500 peering-LAN prefixes.
_FEWEST_LANS = 500


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as it came, and when its server says that it was made, if it says so."""

    path: Path
    made: datetime | None


def fetch(url: str, into: Path, proxy: str | None) -> Fetched:
    """Fetch a file over HTTP, through ``proxy`` or else the system's if one is set.

    Raises `Offline` when it cannot be had whole, `BadInput` when it is far too large or, asked for
    encrypted, would come otherwise.
    """
    try:
        with within(PATIENCE):
            return _fetch(url, into, proxy)
    except TimeoutError as problem:
        raise _broken(url, problem) from problem


def _fetch(url: str, into: Path, proxy: str | None) -> Fetched:
    import httpx2  # noqa: PLC0415 - slow, and only who fetches needs it

    try:
        with (
            httpx2.Client(
                headers=_HEADERS,
                proxy=proxy,
                trust_env=proxy is None,
                timeout=TIMEOUT,
                follow_redirects=True,
                event_hooks={"request": [partial(_demand_encrypted, url)]},
            ) as client,
            client.stream("GET", url) as answer,
        ):
            if not answer.is_success:
                raise Offline(
                    _("{url} is not to be had now (HTTP status {code}); try again later").format(
                        url=url, code=answer.status_code
                    )
                )
            return _kept(answer, url, into)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as problem:
        raise Offline(
            _("{url} cannot be reached ({reason}); check the connection").format(
                url=url, reason=in_words(problem)
            )
        ) from problem
    except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
        raise _broken(url, problem) from problem


def _demand_encrypted(url: str, request: httpx2.Request) -> None:
    """Refuse to be led from an encrypted address to one that is not.

    Another host is no matter: who leads there is who was asked.
    """
    if url.startswith("https:") and request.url.scheme != "https":
        raise BadInput(
            _(
                "{url} leads to {site}, which is not encrypted, so that anybody on the way could "
                "change what comes; what is in use stays, try again later"
            ).format(url=url, site=f"{request.url.scheme}://{request.url.host}")
        )


def _kept(answer: httpx2.Response, url: str, into: Path) -> Fetched:
    with into.open("wb") as file:
        size = 0
        for chunk in answer.iter_raw():
            size += len(chunk)
            if size > _LARGEST:
                raise BadInput(
                    _("{url} is over {most} MiB, which is no such table").format(
                        url=url, most=_LARGEST >> 20
                    )
                )
            file.write(chunk)
    return Fetched(into, _parsed_date(answer.headers.get("Last-Modified")))


def _broken(url: str, problem: Exception) -> Offline:
    return Offline(
        _("{url} broke off ({reason}); try again").format(url=url, reason=in_words(problem))
    )


def _parsed_date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC) if header else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Tables:
    """What the files of iptoasn.com say, checked and ready to be installed.

    ``ranges`` are disjoint and in order. ``made`` is when the server says that they were made,
    now where it does not say; ``inputs`` are the files' sha256 by name.
    """

    ranges: list[Range]
    names: dict[int, str]
    countries: dict[int, str]
    made: datetime
    inputs: dict[str, str]


class _Reader:
    """Collects what the files say, line by line."""

    def __init__(self, countries: frozenset[str]) -> None:
        self.ranges: list[Range] = []
        self.names: dict[int, str] = {}
        self.votes: dict[tuple[int, str], int] = {}
        self._countries = countries
        # One object for each AS number instead of one a line: 15 MB that a small machine misses.
        self._asns: dict[int, int] = {}

    def read(self, path: Path, url: str, version: int) -> None:
        """Take in one file. Raises `BadInput`, naming the line that is not of the format."""
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        number = 0
        try:
            with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
                for number, line in enumerate(lines, start=1):  # noqa: B007 - told on failure
                    first, last, asn, country, name = line.rstrip("\n").split("\t")
                    self._add(_number(first, family), _number(last, family), asn, country, name)
        except (OSError, EOFError, zlib.error) as problem:
            raise BadInput(
                _("{url} is no whole gzip file ({reason}); try again").format(
                    url=url, reason=problem
                )
            ) from problem
        except ValueError as problem:
            raise BadInput(
                _(
                    "{url}, line {line}: not of the form first address, last address, AS "
                    "number, country, name; the snapshot in use stays"
                ).format(url=url, line=number + (number == 0))
            ) from problem

    def _add(self, first: int, last: int, asn_text: str, country: str, name: str) -> None:
        asn = int(asn_text)
        if last < first or not 0 <= asn < V4_END:
            raise ValueError
        if asn == 0:
            return  # not routed
        asn = self._asns.setdefault(asn, asn)
        self.ranges.append(Range(first, last, asn))
        if asn not in self.names:
            self.names[asn] = printable(name)
        if country in self._countries:
            key = (asn, country)
            # IPv4 addresses decide; IPv6 counts by the range, where there is nothing else.
            weight = (last - first + 1) << 32 if last < V4_END else 1
            self.votes[key] = self.votes.get(key, 0) + weight

    def check(self, base: str) -> None:
        """Raises `BadInput` where this cannot be the whole table."""
        addresses = sum(one.last - one.first + 1 for one in self.ranges if one.last < V4_END)
        v6 = sum(one.first >= V4_END for one in self.ranges)
        for what, found, fewest in (
            ("IPv4 addresses", addresses, _FEWEST_ADDRESSES),
            ("AS numbers", len(self.names), _FEWEST_ASNS),
            ("IPv6 ranges", v6, _FEWEST_V6_RANGES),
        ):
            if found < fewest:
                raise BadInput(
                    _(
                        "{base}: only {found:,} {what}, where the Internet has over "
                        "{fewest:,}; the snapshot in use stays"
                    ).format(base=base, found=found, what=what, fewest=fewest)
                )


def _number(address: str, family: socket.AddressFamily) -> int:
    try:
        return int.from_bytes(socket.inet_pton(family, address), "big")
    except OSError:
        raise ValueError from None


def fetch_tables(base: str, proxy: str | None) -> Tables:
    """Fetch today's tables of iptoasn.com and check them.

    Together with `install_tables` it takes some 15 s on a PC, and 230 MB of memory at most.
    Raises `Offline` or `BadInput`; nothing outlasts the call.
    """
    reader = _Reader(frozenset(read_continents(shipped("continents.toml"))))
    with tempfile.TemporaryDirectory(prefix="gatewatch-") as temporary:
        fetched = [fetch(base + name, Path(temporary) / name, proxy) for name in TABLE_FILES]
        for name, file, version in zip(TABLE_FILES, fetched, (4, 6), strict=True):
            reader.read(file.path, base + name, version)
        inputs = {
            name: sha256_of(file.path) for name, file in zip(TABLE_FILES, fetched, strict=True)
        }
    reader.check(base)
    return Tables(
        ranges=disjoint(reader.ranges),
        names=reader.names,
        countries=countries_by_weight(
            (asn, country, weight) for (asn, country), weight in reader.votes.items()
        ),
        made=fetched[0].made or datetime.now(UTC),
        inputs=inputs,
    )


def install_tables(folder: Path, tables: Tables) -> Manifest:
    """Put these tables in the place of the snapshot in ``folder``, in one step.

    They are written beside the old ones; the manifest, which names the files, is replaced last,
    so that a reader at any moment sees one whole snapshot. Raises OSError where the folder cannot
    be written, after which the old snapshot is still in use.
    """
    make_folder(folder)
    try:
        before: Manifest | None = read_manifest(folder)
    except (FileNotFoundError, OriginError):
        before = None
    date = tables.made.date().isoformat()
    with tempfile.TemporaryDirectory(prefix=".update-", dir=folder) as staging:
        table, register = Path(staging) / "table", Path(staging) / "register"
        with table.open("wb") as file:
            write_table(
                file,
                tables.ranges,
                lambda asn: (tables.names[asn], tables.countries.get(asn)),
                kind="gatewatch-origin",
                description=SOURCE,
                epoch=int(tables.made.timestamp()),
            )
        write_register(register, registrations(tables.ranges, tables.names, tables.countries))
        sha256 = sha256_of(table)
        # Named by content: no update writes over a file that somebody has open.
        stem = f"iptoasn-{date}-{sha256[:12]}"
        manifest = Manifest(
            folder=folder,
            name="iptoasn",
            date=date,
            source=SOURCE,
            licence=LICENCE,
            table=f"{stem}.mmdb",
            register=f"{stem}.asns.csv",
            sha256={f"{stem}.mmdb": sha256, f"{stem}.asns.csv": sha256_of(register)},
        )
        _move(table, manifest.table_path)
        _move(register, manifest.register_path)
        staged = Path(staging) / MANIFEST
        staged.write_bytes(manifest_bytes(manifest, inputs=tables.inputs))
        _move(staged, folder / MANIFEST)
    _sweep(manifest, before)
    return manifest


def _sweep(now: Manifest, before: Manifest | None) -> None:
    """Remove what is neither in use nor replaced just now, once it is a day old.

    The snapshot that was replaced stays until the next update: a run under way has its table open
    and may yet open its register. Younger files may belong to an update beside this one.
    """
    kept = {MANIFEST, now.table, now.register}
    if before is not None:
        kept |= {before.table, before.register}
    for path in now.folder.iterdir():
        # Windows keeps what a reader has open; it goes next time.
        with suppress(OSError):
            if path.name not in kept and time.time() - path.stat().st_mtime > _ABANDONED:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def _move(staged: Path, final: Path) -> None:
    """Put a finished file in its place so that it survives a power cut, whole or not at all."""
    with staged.open("rb+") as file:
        os.fsync(file.fileno())
        hand_over(file.fileno(), final.parent)
    staged.replace(final)
    if os.name == "posix":
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def fetch_exchanges(base: str, proxy: str | None) -> list[Exchange]:
    """Fetch the peering LANs that PeeringDB lists, by exchange.

    Its terms allow this use, and no redistribution. Raises `Offline` or `BadInput`; nothing
    outlasts the call.
    """
    with tempfile.TemporaryDirectory(prefix="gatewatch-") as temporary:
        prefixes, lans, exchanges = (
            _objects(fetch(base + name, Path(temporary) / name, proxy).path, base + name)
            for name in EXCHANGE_FILES
        )
    source = f"PeeringDB, {datetime.now(UTC).date().isoformat()}"
    try:
        exchange_of = {lan["id"]: lan["ix_id"] for lan in lans}
        networks: defaultdict[int, set[IPv4Network | IPv6Network]] = defaultdict(set)
        for prefix in prefixes:
            networks[exchange_of.get(prefix["ixlan_id"], 0)].add(
                ip_network(prefix["prefix"], strict=False)
            )
        found = [
            Exchange(
                name=_text(one["name"]),
                country=_text(one["country"]),
                city=_text(one["city"]),
                prefixes=tuple(sorted(networks[one["id"]], key=str)),
                operator_asn=None,
                watch=False,
                source=source,
            )
            for one in sorted(exchanges, key=lambda one: int(one["id"]))
            if one["id"] in networks
        ]
    except (KeyError, TypeError, ValueError) as problem:
        raise BadInput(
            _(
                "{base} does not answer in PeeringDB's form ({reason}); the list in use stays"
            ).format(base=base, reason=problem)
        ) from problem
    count = sum(len(one.prefixes) for one in found)
    if count < _FEWEST_LANS:
        raise BadInput(
            _(
                "{base}: only {count} peering LANs, where there are over "
                "{fewest_lans}; the list in use stays"
            ).format(base=base, count=count, fewest_lans=_FEWEST_LANS)
        )
    return found


def _objects(path: Path, url: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(path.read_bytes())["data"])
    except (ValueError, KeyError, TypeError) as problem:
        raise BadInput(
            _("{url} is not PeeringDB's JSON; the list in use stays").format(url=url)
        ) from problem


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no name")
    return printable(value)


def install_exchanges(path: Path, exchanges: Iterable[Exchange]) -> None:
    """Put these exchanges in the place of the list at ``path``; the list that ships goes before it.

    Raises OSError where it cannot be written, after which the old list is still in use.
    """
    make_folder(path.parent)
    with tempfile.TemporaryDirectory(prefix=".update-", dir=path.parent) as staging:
        staged = Path(staging) / path.name
        staged.write_text("".join(map(_toml, exchanges)), encoding="utf-8")
        _move(staged, path)


def _toml(exchange: Exchange) -> str:
    fields = {
        "name": _quoted(exchange.name),
        "country": _quoted(exchange.country),
        "city": _quoted(exchange.city),
        "prefixes": f"[{', '.join(_quoted(str(prefix)) for prefix in exchange.prefixes)}]",
        "source": _quoted(exchange.source),
    }
    return "[[exchange]]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items()) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string; of printable text it is as JSON has it."""
    return json.dumps(text, ensure_ascii=False)
