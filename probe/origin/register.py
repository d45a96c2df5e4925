"""The register of AS numbers: name, registration country, size, and where to find each.

Stands beside the address table because a table answers by address only, while targets, siblings
and tables without names ask by AS number or country. Plain CSV: git and the wheel compress it
anyway, and compressors differ between machines, which a snapshot's sha256 may not. This module
knows nothing of addresses beyond the prefixes that it lists.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from probe.language import _
from probe.origin.errors import OriginError, unreadable
from probe.origin.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Registration(NamedTuple):
    """One AS number.

    ``addresses`` counts the IPv4 addresses it announces; ``prefixes`` are its largest ones,
    largest first, IPv4 before IPv6, and not all of them.
    """

    asn: int
    name: str
    country: str | None
    addresses: int
    prefixes: tuple[str, ...]


def write_register(path: Path, rows: Iterable[Registration]) -> None:
    """Write in order of AS number; equal rows give equal bytes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in sorted(rows):
            writer.writerow(
                (row.asn, row.country or "", row.addresses, " ".join(row.prefixes), row.name)
            )


def read_register(path: Path) -> dict[int, Registration]:
    """All registrations by AS number. Raises `OriginError` when the file is damaged."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {
                int(asn): Registration(
                    int(asn),
                    printable(name),
                    country or None,
                    int(addresses),
                    tuple(prefixes.split()),
                )
                for asn, country, addresses, prefixes, name in csv.reader(file)
            }
    except OSError as problem:
        raise unreadable(path, problem) from None
    except (ValueError, csv.Error):
        raise OriginError(
            _("{path} is damaged; run 'gatewatch data update'").format(path=path)
        ) from None
