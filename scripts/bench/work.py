"""Pieces of work inside one process, each done by our code and by a peer's.

Run as a program of its own for each (``python -m scripts.bench.work NAME ARGUMENT``), so that one
library's imports weigh on no other's memory. It prints the seconds that the work itself took and
how many items it did; imports, opening files and making input are outside the clock.
"""

from __future__ import annotations

import gzip
import importlib
import json
import random
import socket
import struct
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from probe.network.packet import Marker

REPLIES = 1000
ROUNDS = {"gatewatch": 40, "scapy": 1}
ADDRESSES = 10_000


def _said(items: int, seconds: float) -> dict[str, float]:
    return {"items": items, "seconds": seconds}


def _timed(work: Callable[[], int]) -> dict[str, float]:
    began = time.perf_counter()
    items = work()
    return _said(items, time.perf_counter() - began)


# -- replies ------------------------------------------------------------------------------------


def _replies() -> tuple[Marker, list[bytes]]:
    """Time Exceeded messages as a raw socket receives them, each with another probe quoted."""
    from probe.network import Method  # noqa: PLC0415
    from probe.network.packet import Marker, Template, checksum  # noqa: PLC0415

    marker = Marker(key=bytes(16), udp_port=40404)
    me, router, target = (
        socket.inet_aton(text) for text in ("192.0.2.1", "198.51.100.1", "203.0.113.9")
    )
    template = Template(Method.ICMP, me, target, 1, marker)
    made = []
    for token in range(1, REPLIES + 1):
        quote = template.probe(1, token)
        message = struct.pack("!BBHI", 11, 0, 0, 0) + quote
        total = checksum(message + b"\0" * (len(message) % 2))
        message = message[:2] + struct.pack("!H", total) + message[4:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(message), 0, 0, 64, 1, 0) + router + me
        made.append(head[:10] + struct.pack("!H", checksum(head)) + head[12:] + message)
    return marker, made


def parse_gatewatch(_: str) -> dict[str, float]:
    from probe.network.incoming import Heard, parse_icmp, payload_start  # noqa: PLC0415

    marker, replies = _replies()

    def work() -> int:
        tokens = 0
        for _ in range(ROUNDS["gatewatch"]):
            for data in replies:
                at = payload_start(data)
                assert at is not None
                heard = parse_icmp(4, data, at, marker.udp_port)
                assert isinstance(heard, Heard)
                tokens += heard.token
        assert tokens == ROUNDS["gatewatch"] * sum(range(1, REPLIES + 1))
        return ROUNDS["gatewatch"] * REPLIES

    return _timed(work)


def parse_scapy(_: str) -> dict[str, float]:
    from scapy.layers.inet import IP, ICMPerror  # noqa: PLC0415

    replies = _replies()[1]

    def work() -> int:
        tokens = 0
        for _ in range(ROUNDS["scapy"]):
            for data in replies:
                tokens += IP(data)[ICMPerror].seq
        assert tokens == ROUNDS["scapy"] * sum(range(1, REPLIES + 1))
        return ROUNDS["scapy"] * REPLIES

    return _timed(work)


# -- records ------------------------------------------------------------------------------------


def _lines(path: str) -> Iterable[bytes]:
    file = Path(path)
    if file.is_dir():
        for inside in sorted(file.rglob("*.jsonl")):
            yield from inside.read_bytes().splitlines()
    elif file.suffix == ".gz":
        with gzip.open(file) as lines:
            yield from lines
    else:
        with file.open("rb") as lines:
            yield from lines


def load_gatewatch(path: str) -> dict[str, float]:
    from analysis.intake.load import load  # noqa: PLC0415

    return _timed(lambda: len(load([path]).traces))


def _decode(path: str, loads: Callable[[bytes], object]) -> dict[str, float]:
    return _timed(lambda: sum(loads(line) is not None for line in _lines(path)))


def load_json(path: str) -> dict[str, float]:
    return _decode(path, json.loads)


def load_orjson(path: str) -> dict[str, float]:
    return _decode(path, importlib.import_module("orjson").loads)


def load_msgspec(path: str) -> dict[str, float]:
    return _decode(path, importlib.import_module("msgspec.json").decode)


def load_sagan(path: str) -> dict[str, float]:
    from ripe.atlas.sagan import TracerouteResult  # noqa: PLC0415

    def read(line: bytes) -> object:
        return TracerouteResult(json.loads(line)).hops

    return _decode(path, read)


def scan_duckdb(path: str) -> dict[str, float]:
    """Every value of the columns that a verdict is made from, read and hashed; nothing kept."""
    import duckdb  # noqa: PLC0415

    query = (
        "SELECT count(*), bit_xor(hash(start_s, source, vantage, dst_addr, af, proto, paris_id, "
        "msm_id, prb_id, snapshots, hops)) FROM read_parquet(?)"
    )

    def work() -> int:
        found = duckdb.execute(query, [path]).fetchone()
        return int(found[0]) if found else 0

    return _timed(work)


def fold_dask(where: str) -> dict[str, float]:
    """A file folded by a cluster's workers, ``ADDRESS SMALL PATH``; a small one gets them ready."""
    from analysis.basis.means import open_means  # noqa: PLC0415
    from analysis.scale.cluster import Cluster  # noqa: PLC0415
    from analysis.scale.engine import digest  # noqa: PLC0415
    from scripts.bench.traces import COUNTRY  # noqa: PLC0415

    address, small, path = where.split(" ", 2)
    recipe = open_means(COUNTRY).recipe("warn")

    def fold(path: str) -> int:
        return len(digest([path], recipe, Cluster(address)))

    fold(small)
    return _timed(partial(fold, path))


# -- origin -------------------------------------------------------------------------------------


def _addresses() -> list[str]:
    """Distinct addresses spread over all that may be announced, the same ones every time."""
    chosen = random.Random(1).sample(range(0x01000000, 0xDF000000), ADDRESSES)
    return [socket.inet_ntoa(struct.pack("!I", number)) for number in chosen]


def _lookup(find: Callable[[str], object]) -> dict[str, float]:
    addresses = _addresses()

    def work() -> int:
        for address in addresses:
            find(address)
        return len(addresses)

    return _timed(work)


def origin_gatewatch(_: str) -> dict[str, float]:
    from probe.origin import open_origin  # noqa: PLC0415

    return _lookup(open_origin().lookup)


def origin_again(_: str) -> dict[str, float]:
    from probe.origin import open_origin  # noqa: PLC0415

    origin = open_origin()
    _lookup(origin.lookup)
    return _lookup(origin.lookup)


def origin_maxminddb(_: str) -> dict[str, float]:
    import maxminddb  # noqa: PLC0415

    from probe.origin.snapshot import current_manifest  # noqa: PLC0415

    return _lookup(maxminddb.open_database(current_manifest().table_path).get)


def origin_pyasn(path: str) -> dict[str, float]:
    import pyasn  # noqa: PLC0415

    return _lookup(pyasn.pyasn(path).lookup)


def write_pyasn(path: str) -> dict[str, float]:
    """Not measured: the IPv4 part of the address table in use, as a file of pyasn's."""
    import maxminddb  # noqa: PLC0415

    from probe.origin.snapshot import current_manifest  # noqa: PLC0415

    def work() -> int:
        count = 0
        with (
            maxminddb.open_database(current_manifest().table_path) as table,
            Path(path).open("w", encoding="utf-8") as file,
        ):
            for prefix, record in table:
                number = isinstance(record, dict) and record.get("autonomous_system_number")
                if prefix.version == 4 and number:
                    file.write(f"{prefix}\t{number}\n")
                    count += 1
        return count

    return _timed(work)


WORK: dict[str, Callable[[str], dict[str, float]]] = {
    work.__name__: work
    for work in (
        parse_gatewatch,
        parse_scapy,
        load_gatewatch,
        load_json,
        load_orjson,
        load_msgspec,
        load_sagan,
        scan_duckdb,
        fold_dask,
        origin_gatewatch,
        origin_again,
        origin_maxminddb,
        origin_pyasn,
        write_pyasn,
    )
}

if __name__ == "__main__":
    print(json.dumps(WORK[sys.argv[1]](sys.argv[2])))
