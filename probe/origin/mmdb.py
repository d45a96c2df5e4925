"""Writes a table in MaxMind's format on a machine as small as a Raspberry Pi.

The snapshot that ships is written with a library, mmdb_writer. On the real table (515,158 ranges)
that takes 65 s and 590 MiB beyond the ranges, and brings 10 MB of netaddr along; this writer
takes 4 s and 40 MiB, since it walks sorted ranges once and keeps the tree in two flat arrays. An
update on a volunteer's machine can afford the second only. A test holds the two writers to the
same answers. Format: https://maxmind.github.io/MaxMind-DB/ (version 2.0). It knows nothing of
where ranges come from.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

    from probe.origin.ranges import Range

_MARKER = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR = bytes(16)

# Data types of the format that are used here.
_STRING, _UINT16, _UINT32, _MAP, _UINT64, _ARRAY = 2, 5, 6, 7, 9, 11

# Records in the tree under construction: an AS number's data is stored as its complement.
_EMPTY = -1 << 33


class TooLarge(ValueError):
    """More than the format's largest pointers can reach; no table of the Internet is."""


def _control(kind: int, size: int) -> bytes:
    if size < 29:
        low, extra = size, b""
    elif size < 285:
        low, extra = 29, bytes((size - 29,))
    else:
        low, extra = 30, struct.pack(">H", size - 285)
    return bytes((kind << 5 | low,) if kind < 8 else (low, kind - 7)) + extra


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _control(_STRING, len(encoded)) + encoded


def _number(kind: int, value: int) -> bytes:
    encoded = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(encoded)) + encoded


def _pointer(offset: int) -> bytes:
    if offset < 2048:
        return struct.pack(">H", 0x2000 | offset)
    if offset < 526336:
        return (0x280000 | offset - 2048).to_bytes(3, "big")
    return (0x30000000 | offset - 526336).to_bytes(4, "big")


class _Data:
    """The data section: equal strings are stored once and pointed to."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self._stored: dict[bytes, bytes] = {}

    def shared(self, encoded: bytes) -> bytes:
        """A pointer to these bytes, storing them if they are new."""
        pointer = self._stored.get(encoded)
        if pointer is None:
            pointer = self._stored[encoded] = _pointer(len(self.bytes))
            self.bytes += encoded
        return pointer

    def add(self, asn: int, name: str | None, country: str | None) -> int:
        """Store one AS number's record and return its offset."""
        fields = [self.shared(_text("autonomous_system_number")), _number(_UINT32, asn)]
        if name:
            fields += [
                self.shared(_text("autonomous_system_organization")),
                self.shared(_text(name)),
            ]
        if country:
            code = _control(_MAP, 1) + self.shared(_text("iso_code")) + _text(country)
            fields += [self.shared(_text("country")), self.shared(code)]
        offset = len(self.bytes)
        self.bytes += _control(_MAP, len(fields) // 2) + b"".join(fields)
        return offset


def _tree(ranges: Sequence[Range]) -> tuple[array[int], array[int]]:
    """The two records of each node: a node number, `_EMPTY`, or the complement of an AS number."""
    lefts, rights = array("q"), array("q")

    def grow(first: int, free: int, begin: int, end: int) -> int:
        """The record for the block at ``first``, which ``ranges[begin:end]`` touch."""
        if begin == end:
            return _EMPTY
        if end - begin == 1 and ranges[begin].first <= first:
            only = ranges[begin]
            if only.last >= first + (1 << free) - 1:
                return ~only.asn
        node = len(lefts)
        lefts.append(0)
        rights.append(0)
        middle = first + (1 << (free - 1))
        low, high = begin, end
        while low < high:
            probe = (low + high) // 2
            if ranges[probe].last < middle:
                low = probe + 1
            else:
                high = probe
        spans = low < end and ranges[low].first < middle
        lefts[node] = grow(first, free - 1, begin, low + spans)
        rights[node] = grow(middle, free - 1, low, end)
        return node

    if grow(0, 128, 0, len(ranges)) != 0:
        # Nothing at all, or everything in one range: the format still wants one node.
        lefts.append(~ranges[0].asn if ranges else _EMPTY)
        rights.append(lefts[0])
    return lefts, rights


def write_table(
    file: BinaryIO,
    ranges: Sequence[Range],
    describe: Callable[[int], tuple[str | None, str | None]],
    *,
    kind: str,
    description: str,
    epoch: int,
) -> None:
    """Write disjoint, sorted ranges (see `probe.origin.ranges.disjoint`) as one database.

    ``describe`` gives name and registration country of an AS number. ``kind`` is the database
    type, ``epoch`` the build time in seconds. Equal arguments give equal bytes. Raises
    `TooLarge`.
    """
    lefts, rights = _tree(ranges)
    nodes = len(lefts)
    data = _Data()
    offsets = {asn: data.add(asn, *describe(asn)) for asn in sorted({one.asn for one in ranges})}
    largest = nodes + len(_SEPARATOR) + len(data.bytes)
    size = 24 if largest < 1 << 24 else 32
    if largest >= 1 << 32:
        raise TooLarge(f"{nodes} nodes do not fit into the format")

    def resolved(record: int) -> int:
        if record >= 0:
            return record
        return nodes if record == _EMPTY else nodes + len(_SEPARATOR) + offsets[~record]

    width = size // 8
    chunk = bytearray()
    for left, right in zip(lefts, rights, strict=True):
        chunk += resolved(left).to_bytes(width, "big") + resolved(right).to_bytes(width, "big")
        if len(chunk) > 1 << 16:
            file.write(chunk)
            chunk.clear()
    file.write(chunk)
    file.write(_SEPARATOR)
    file.write(data.bytes)
    metadata = {
        "node_count": _number(_UINT32, nodes),
        "record_size": _number(_UINT16, size),
        "ip_version": _number(_UINT16, 6),
        "database_type": _text(kind),
        "languages": _control(_ARRAY, 1) + _text("en"),
        "binary_format_major_version": _number(_UINT16, 2),
        "binary_format_minor_version": _number(_UINT16, 0),
        "build_epoch": _number(_UINT64, epoch),
        "description": _control(_MAP, 1) + _text("en") + _text(description),
    }
    file.write(_MARKER + _control(_MAP, len(metadata)))
    file.writelines(_text(key) + value for key, value in metadata.items())
