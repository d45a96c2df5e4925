"""Writes MRT routing tables (RFC 6396, RFC 8050), so that reading them can be tried on any."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from typing import NamedTuple

TAKEN = 1_767_268_800  # 2026-01-01 12:00 UTC


class Entry(NamedTuple):
    """A peer's path. AS sets are tuples within it: ``[3356, 100, (1, 2)]``."""

    peer: int
    path: Sequence[int | tuple[int, ...]]


def record(kind: int, subtype: int, body: bytes) -> bytes:
    return struct.pack(">IHHI", TAKEN, kind, subtype, len(body)) + body


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", 0x50, kind, len(value)) + value


def as_path(path: Sequence[int | tuple[int, ...]], number: str = "I") -> bytes:
    """Sequences and sets as segments of an AS_PATH attribute."""
    segments: list[tuple[int, list[int]]] = []
    for hop in path:
        if isinstance(hop, tuple):
            segments.append((1, list(hop)))
        elif segments and segments[-1][0] == 2:
            segments[-1][1].append(hop)
        else:
            segments.append((2, [hop]))
    value = b"".join(
        struct.pack(f">BB{len(members)}{number}", kind, len(members), *members)
        for kind, members in segments
    )
    return attribute(2, value)


def peers(count: int) -> bytes:
    entries = b"".join(struct.pack(">BIII", 2, i, (10 << 24) + i, 64500 + i) for i in range(count))
    return record(13, 1, struct.pack(">IHH", 1, 0, count) + entries)


def rib(prefix: str, entries: Sequence[Entry], *, additional: bool = False) -> bytes:
    """One prefix in TABLE_DUMP_V2; ``additional`` writes path identifiers (RFC 8050)."""
    network = ipaddress.ip_network(prefix)
    packed = network.network_address.packed[: (network.prefixlen + 7) // 8]
    body = struct.pack(">IB", 0, network.prefixlen) + packed + struct.pack(">H", len(entries))
    for number, entry in enumerate(entries):
        attributes = attribute(1, b"\0") + as_path(entry.path)
        identifier = struct.pack(">I", number) if additional else b""
        body += struct.pack(">HI", entry.peer, TAKEN) + identifier
        body += struct.pack(">H", len(attributes)) + attributes
    plain = 2 if network.version == 4 else 4
    return record(13, plain + 6 if additional else plain, body)


def old_rib(prefix: str, entry: Entry) -> bytes:
    """One prefix of one peer in TABLE_DUMP, whose AS numbers have 16 bits."""
    network = ipaddress.ip_network(prefix)
    attributes = as_path(entry.path, "H")
    body = struct.pack(">HH", 0, 0) + network.network_address.packed
    body += struct.pack(">BBI", network.prefixlen, 1, TAKEN)
    body += bytes([10, 0, 0, entry.peer]).ljust(len(network.network_address.packed), b"\0")
    body += struct.pack(">HH", 64500, len(attributes)) + attributes
    return record(12, 1 if network.version == 4 else 2, body)
