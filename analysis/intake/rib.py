"""A routing table that others recorded → the routes towards one country.

Reads MRT dumps (RFC 6396, with the additional paths of RFC 8050) as RouteViews and RIPE RIS
publish them. A dump holds tens of millions of paths and parsing one costs some 65 µs, so records
are told apart by their prefix first, and only those of the country are parsed, by mrtparse. What
the routes mean is not decided here.
"""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import hashlib
import io
import signal
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import groupby
from pathlib import Path
from typing import IO, Any, NamedTuple

from analysis.intake.shortage import unless_short

Network = IPv4Network | IPv6Network

_HEADER = struct.Struct(">IHHI")  # time, type, subtype, length (RFC 6396, 2)
_TABLE_DUMP, _TABLE_DUMP_V2 = 12, 13
_PEERS = 1
# Subtypes of TABLE_DUMP_V2 that hold unicast routes, plain and with additional paths.
_UNICAST = {2: 4, 8: 4, 4: 6, 10: 6}
_AS_PATH, _AS_SEQUENCE = 2, 2
_BYTES = {4: 4, 6: 16}


class RibError(ValueError):
    """A file from which no routing table can be read; the message says what to do."""


class Route(NamedTuple):
    """One peer's way to one prefix: AS numbers from the peer to the origin, each once in a row."""

    prefix: Network
    peer: str
    path: tuple[int, ...]


@dataclass
class Rib:
    """The routes towards a country in one recorded routing table.

    ``taken`` is when it was recorded (UTC). ``complete`` is False for a file that ends in the
    middle. ``prefixes`` counts those of all countries. ``left_out`` counts by reason what was
    not read: ``default_route``, ``origin_is_a_set``, ``no_path``, ``unsupported_record``,
    ``malformed_record``.
    """

    name: str
    sha256: str
    taken: dt.datetime | None = None
    complete: bool = True
    prefixes: int = 0
    routes: list[Route] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read_rib(path: Path, wanted: Callable[[str], bool]) -> Rib:
    """Read the routes to prefixes whose first address is ``wanted``.

    The file may be compressed by bzip2 or gzip. Raises `RibError` where it is no MRT dump of a
    routing table.
    """
    try:
        with path.open("rb") as file:
            rib = Rib(path.name, hashlib.file_digest(file, "sha256").hexdigest())
        with _opened(path) as file:
            for header, body in _records(file, rib):
                _take(header, body, rib, wanted)
    except OSError as problem:
        blame = RibError(f"{path}: cannot be read ({problem.strerror or problem})")
        raise unless_short(problem, blame) from None
    if not rib.prefixes:
        raise RibError(
            f"{path}: no MRT dump of a routing table; give a RIB of RouteViews (rib.*.bz2) or "
            "RIPE RIS (bview.*.gz)"
        )
    return rib


def _opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    with path.open("rb") as file:
        magic = file.read(3)
    if magic == b"BZh":
        return bz2.open(path)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(path)
    return path.open("rb")


def _records(file: IO[bytes] | gzip.GzipFile, rib: Rib) -> Iterator[tuple[bytes, bytes]]:
    """Headers and bodies; ends, and says so in ``rib``, where the file is cut off."""
    while True:
        try:
            header = file.read(_HEADER.size)
            body = file.read(_HEADER.unpack(header)[3]) if len(header) == _HEADER.size else b""
        except (EOFError, zlib.error):
            rib.complete = False
            return
        if not header:
            return
        if len(header) < _HEADER.size or len(body) < _HEADER.unpack(header)[3]:
            rib.complete = False
            return
        yield header, body


def _prefix_of(kind: int, subtype: int, body: bytes) -> Network | None:
    """The prefix that a record is about, None where it is about none.

    >>> _prefix_of(13, 2, bytes([0, 0, 0, 0, 16, 31, 9]))
    IPv4Network('31.9.0.0/16')
    """
    if kind == _TABLE_DUMP and subtype in {1, 2}:
        size = _BYTES[4 if subtype == 1 else 6]
        packed, length = body[4 : 4 + size], body[4 + size]
    elif kind == _TABLE_DUMP_V2 and subtype in _UNICAST:
        size, length = _BYTES[_UNICAST[subtype]], body[4]
        packed = body[5 : 5 + (length + 7) // 8].ljust(size, b"\0")
    else:
        return None
    return ip_network((packed, length), strict=False)


def _take(header: bytes, body: bytes, rib: Rib, wanted: Callable[[str], bool]) -> None:
    seconds, kind, subtype, _ = _HEADER.unpack(header)
    if kind == _TABLE_DUMP_V2 and subtype == _PEERS:
        rib.taken = dt.datetime.fromtimestamp(seconds, dt.UTC)
        return
    try:
        prefix = _prefix_of(kind, subtype, body)
    except (IndexError, ValueError):
        rib.left_out["malformed_record"] += 1
        return
    if prefix is None:
        rib.left_out["unsupported_record"] += 1
        return
    rib.taken = rib.taken or dt.datetime.fromtimestamp(seconds, dt.UTC)
    rib.prefixes += 1
    if prefix.prefixlen == 0:
        rib.left_out["default_route"] += 1
    elif wanted(str(prefix.network_address)):
        for peer, attributes in _entries(header + body, rib):
            path = _path(attributes)
            if isinstance(path, str):
                rib.left_out[path] += 1
            else:
                rib.routes.append(Route(prefix, peer, path))


@cache
def _reader() -> Any:
    """The reader of mrtparse, without what the import of it does to the whole program.

    It has writing to a closed connection end the program from then on, a notebook's as well.
    """
    pipe = getattr(signal, "SIGPIPE", None)  # not on Windows
    before = None if pipe is None else signal.getsignal(pipe)
    from mrtparse import Reader  # noqa: PLC0415 - see above; and few give a routing table

    if pipe is not None and before is not None:
        signal.signal(pipe, before)
    return Reader


def _entries(record: bytes, rib: Rib) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Peers and path attributes of a record."""
    try:
        parsed = next(_reader()(io.BytesIO(record)))
    except (IndexError, KeyError, ValueError, struct.error):
        rib.left_out["malformed_record"] += 1
        return
    if parsed.err:
        rib.left_out["malformed_record"] += 1
    elif "rib_entries" in parsed.data:
        for entry in parsed.data["rib_entries"]:
            yield str(entry["peer_index"]), entry["path_attributes"]
    else:
        yield parsed.data["peer_ip"], parsed.data["path_attributes"]


def _path(attributes: list[dict[str, Any]]) -> tuple[int, ...] | str:
    """The AS path without prepending, or the reason why there is none.

    A set of one AS is that AS (aggregation by its own origin); a larger one within the path
    counts for none of its members, and as the origin it leaves the origin unknown.
    """
    segments = next((a["value"] for a in attributes if _AS_PATH in a["type"]), None)
    if not segments:
        return "no_path"
    path: list[int] = []
    for segment in segments:
        members = [int(asn) for asn in segment["value"]]
        if _AS_SEQUENCE in segment["type"] or len(set(members)) == 1:
            path += members
        elif segment is segments[-1]:
            return "origin_is_a_set"
    return tuple(asn for asn, _ in groupby(path)) or "no_path"
