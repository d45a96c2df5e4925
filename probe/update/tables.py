"""The address tables of iptoasn.com: fetched, checked line by line, and made the snapshot in use.

This module knows nothing of exchanges.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import socket
import tempfile
import time
import zlib
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

from probe.disk.places import shipped
from probe.disk.private import make_folder, move_into_place, naming
from probe.origin.errors import OriginError
from probe.origin.lists import read_continents
from probe.origin.mmdb import write_table
from probe.origin.names import printable
from probe.origin.ranges import V4_END, Range, countries_by_weight, disjoint, registrations
from probe.origin.register import write_register
from probe.origin.snapshot import (
    MANIFEST,
    SnapshotManifest,
    manifest_bytes,
    read_manifest,
    sha256_of,
)
from probe.update.download import fetch, set_aside
from probe.words.failure import BadInput
from probe.words.language import _

TABLES = "https://iptoasn.com/data/"
TABLE_FILES = ("ip2asn-v4.tsv.gz", "ip2asn-v6.tsv.gz")
SOURCE = "iptoasn.com, ip2asn-v4 and ip2asn-v6"
LICENCE = "PDDL 1.0"

# Seconds after which a file that no manifest names belongs to no update under way.
_ABANDONED = 86400.0
# Characters, several times what the longest line has today. A longer one comes in pieces, which are
# no lines of a table: packed, one of gigabytes is small.
_LONGEST_LINE = 2048
# Under half of what the Internet announced in 2026, it is not the whole table: 3.3 billion IPv4
# addresses by 84,000 AS numbers, 100,000 IPv6 ranges.
_FEWEST_ADDRESSES = 1_500_000_000
_FEWEST_ASNS = 40_000
_FEWEST_V6_RANGES = 40_000


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

    def read(self, packed: IO[bytes], url: str, version: int) -> None:
        """Take in one file. Raises `BadInput`, naming the line that is not of the format."""
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        number = 0
        try:
            with gzip.open(packed, "rt", encoding="utf-8", newline="\n") as file:
                lines = iter(partial(file.readline, _LONGEST_LINE), "")
                for number, line in enumerate(lines, start=1):  # noqa: B007 - told on failure
                    first, last, asn, country, name = line.rstrip("\n").split("\t")
                    self._add(_number(first, family), _number(last, family), asn, country, name)
        except (gzip.BadGzipFile, EOFError, zlib.error) as problem:
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
    """Fetch today's tables of iptoasn.com from below ``base``, as `fetch` does, and check them.

    Together with `install_tables` it takes some 15 s on a PC, and 230 MB of memory at most.
    Raises `Offline` or `BadInput`; nothing outlasts the call.
    """
    reader = _Reader(frozenset(read_continents(shipped("continents.toml"))))
    with ExitStack() as stack:
        files = [stack.enter_context(set_aside()) for _name in TABLE_FILES]
        made = [
            fetch(base + name, file, proxy) for name, file in zip(TABLE_FILES, files, strict=True)
        ]
        inputs = {
            name: hashlib.file_digest(file, "sha256").hexdigest()
            for name, file in zip(TABLE_FILES, files, strict=True)
        }
        for name, file, version in zip(TABLE_FILES, files, (4, 6), strict=True):
            file.seek(0)
            reader.read(file, base + name, version)
    reader.check(base)
    return Tables(
        ranges=disjoint(reader.ranges),
        names=reader.names,
        countries=countries_by_weight(
            (asn, country, weight) for (asn, country), weight in reader.votes.items()
        ),
        made=made[0] or datetime.now(UTC),
        inputs=inputs,
    )


def install_tables(folder: Path, tables: Tables) -> SnapshotManifest:
    """Put these tables in the place of the snapshot in ``folder``, in one step.

    They are written beside the old ones; the manifest, which names the files, is replaced last,
    so that a reader at any moment sees one whole snapshot. Raises OSError where the folder cannot
    be written, after which the old snapshot is still in use.
    """
    make_folder(folder)
    try:
        before: SnapshotManifest | None = read_manifest(folder)
    except (FileNotFoundError, OriginError):
        before = None
    date = tables.made.date().isoformat()
    with (
        naming(folder),
        # What cannot be tidied up goes with the next update: see `_sweep`.
        tempfile.TemporaryDirectory(
            prefix=".update-", dir=folder, ignore_cleanup_errors=True
        ) as staging,
    ):
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
        manifest = SnapshotManifest(
            folder=folder,
            name="iptoasn",
            date=date,
            source=SOURCE,
            licence=LICENCE,
            table=f"{stem}.mmdb",
            register=f"{stem}.asns.csv",
            sha256={f"{stem}.mmdb": sha256, f"{stem}.asns.csv": sha256_of(register)},
        )
        move_into_place(table, manifest.table_path)
        move_into_place(register, manifest.register_path)
        staged = Path(staging) / MANIFEST
        staged.write_bytes(manifest_bytes(manifest, inputs=tables.inputs))
        move_into_place(staged, folder / MANIFEST)
    _sweep(manifest, before)
    return manifest


def _sweep(now: SnapshotManifest, before: SnapshotManifest | None) -> None:
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
