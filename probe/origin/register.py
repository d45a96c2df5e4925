"""The register of AS numbers: name, registration country, size, and where to find each.

Stands beside the address table because a table answers by address only, while targets, siblings
and tables without names ask by AS number or country. Plain CSV: git and the wheel compress it
anyway, and compressors differ between machines, which a snapshot's sha256 may not. This module
knows nothing of addresses beyond the prefixes that it lists.
"""

from __future__ import annotations

import csv
import heapq
import mmap
import os
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from probe.origin.errors import OriginError, unreadable
from probe.origin.names import printable
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


# A name with one in it would be two lines.
_ENDS_OF_LINES = str.maketrans("\r\n", "  ")


# A whole line has these at least; a name may have more.
_COMMAS = 4

# Bytes of the file that are looked through at a time.
_BLOCK = 1 << 16

# After so many looks into the file what was read of it is let go: it counts as memory of this
# process, and would be most of the file in the end.
_LOOKS = 16


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
    """Write in order of AS number, a line each; equal rows give equal bytes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for asn, name, country, addresses, prefixes in sorted(rows):
            one_line = name.translate(_ENDS_OF_LINES)
            writer.writerow((asn, country or "", addresses, " ".join(prefixes), one_line))


class Register:
    """A register in its file, of which no more is read than what is asked for.

    Held whole, it would take more memory than all else of a run. Its lines stand in the order of
    their AS numbers, which is how one is found among them. Raises `OriginError` where the file
    cannot be read, and where what is asked for turns out to be damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[int, Registration | None] = {}
        self._lines: mmap.mmap | bytes = b""
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size:  # of nothing there is no map
                    self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as problem:
            raise unreadable(path, problem) from None

    def get(self, asn: int) -> Registration | None:
        """The registration of an AS number, None where it has none. Remembered."""
        if asn not in self._known:
            start = self._find(asn)
            self._known[asn] = None if start is None else self._parsed(self._line(start))
            if not len(self._known) % _LOOKS:
                self._let_go()
        return self._known[asn]

    def _let_go(self) -> None:
        if isinstance(self._lines, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
            self._lines.madvise(mmap.MADV_DONTNEED)

    def registered_in(self, country: str) -> list[Registration]:
        """The registrations in a country, in order."""
        return [self._parsed(line) for line in self._lines_in(country)]

    def largest_in(self, country: str, count: int) -> tuple[list[Registration], int]:
        """The registrations in a country that announce the most addresses, and how many others.

        Largest first; of equal ones the lower AS number. The others are not parsed.
        """
        lines = list(self._lines_in(country))
        largest = heapq.nsmallest(count, lines, key=self._rank)
        return [self._parsed(line) for line in largest], len(lines) - len(largest)

    def _rank(self, line: bytes) -> tuple[int, int]:
        asn, _, addresses, _ = line.split(b",", 3)
        try:
            return -int(addresses), int(asn)
        except ValueError:
            raise self._damaged() from None

    def _lines_in(self, country: str) -> Iterator[bytes]:
        field = f",{country},".encode()
        try:
            # Not by the map: all of it would count as memory of this process.
            with self._path.open("rb") as file:
                while block := file.read(_BLOCK):
                    block += file.readline()
                    last = block.rfind(b"\n", 0, -1) + 1
                    if block.count(b",", last) < _COMMAS:
                        raise self._damaged()
                    yield from _lines_with(field, block)
        except OSError as problem:
            raise unreadable(self._path, problem) from None

    def asns(self, name: str) -> list[int]:
        """The AS numbers that are registered under a name, in order; whoever asks first waits."""
        first, others = self._by_name
        return [first[name], *others.get(name, ())] if name in first else []

    @cached_property
    def _by_name(self) -> tuple[dict[str, int], dict[str, list[int]]]:
        """The first number of each name, and the others. A list for each would take longer."""
        first: dict[str, int] = {}
        others: dict[str, list[int]] = {}
        try:
            with self._path.open(encoding="utf-8", newline="") as file:
                for number, _, _, _, written in csv.reader(file):
                    asn, name = int(number), printable(written)
                    if first.setdefault(name, asn) != asn:
                        others.setdefault(name, []).append(asn)
        except OSError as problem:
            raise unreadable(self._path, problem) from None
        except (ValueError, csv.Error):
            raise self._damaged() from None
        return first, others

    def _find(self, asn: int) -> int | None:
        """Where the line of an AS number starts."""
        lines = self._lines
        first, end = 0, len(lines)
        while first < end:
            middle = (first + end) // 2
            start = max(first, lines.rfind(b"\n", first, middle) + 1)
            try:
                found = int(lines[start : lines.find(b",", start)])
            except ValueError:
                raise self._damaged() from None
            if found == asn:
                return start
            if found < asn:
                behind = lines.find(b"\n", middle)
                first = end if behind < 0 else behind + 1
            else:
                end = start
        return None

    def _line(self, start: int) -> bytes:
        end = self._lines.find(b"\n", start)
        return self._lines[start : None if end < 0 else end]

    def _parsed(self, line: bytes) -> Registration:
        try:
            asn, country, addresses, prefixes, name = next(csv.reader([line.decode()]))
            return Registration(
                int(asn), printable(name), country or None, int(addresses), tuple(prefixes.split())
            )
        except (ValueError, csv.Error):
            raise self._damaged() from None

    def _damaged(self) -> OriginError:
        return OriginError(
            _("{path} is damaged; run 'gatewatch data update'").format(path=self._path)
        )


def _lines_with(field: bytes, block: bytes) -> Iterator[bytes]:
    """The lines whose second field this is, of whole ones; ``field`` has its commas."""
    end, at = 0, block.find(field)
    while at >= 0:
        start = block.rfind(b"\n", end, at) + 1 or end
        end = block.find(b"\n", at)
        if end < 0:
            end = len(block)
        if block[start:at].isdigit():
            yield block[start:end]
        at = block.find(field, end)
