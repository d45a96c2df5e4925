"""Traces as RIPE Atlas would have them from one country, as many as wanted, the same every time.

Sixty probes in twelve networks trace to forty destinations once an hour, four of them at home, so
that ten times the traces are ten times the days. What costs a reader time is there: three replies
a hop, noise on every round trip, stars and routers that never answer, MPLS labels, several equally
good ways by flow, and ways that change with the weeks. Addresses are taken from the address table
in use, so that each is somebody's; who reaches whom over what is made up.

Usage: ``python -m scripts.bench.traces COUNT FILE.jsonl.gz [FIRST]`` or ``… FILE.parquet [FIRST]``;
FIRST is the number of the first, so that several runs can make parts of the same. They are made
by all cores, in parts that hang on nothing but their place.
"""

from __future__ import annotations

import functools
import gzip
import io
import ipaddress
import json
import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.origin import Origin

COUNTRY = "KH"
BEGIN = 1_735_689_600  # 1 January 2025
PROBES, NETWORKS, DESTINATIONS = 60, 12, 40
AT_HOME = 4  # of the destinations
INTERVAL = 3600
FLOWS = 16
ROWS = 5000  # of a row group in Parquet
PART = 50_000  # as many as one process makes in one go

_ABROAD = ("SG", "HK", "JP", "US", "DE", "GB", "FR", "AU")
_LABELS = (
    '"icmpext":{"version":2,"rfc4884":0,"obj":[{"class":1,"type":1,'
    '"mpls":[{"exp":0,"label":24015,"s":1,"ttl":1}]}]},'
)
_WEEK = 7 * 86_400


class Router(NamedTuple):
    """One hop of a way: its address ("" where it never answers) and its distance in ms."""

    address: str
    base: float
    labelled: bool = False


class Reply(NamedTuple):
    """What came back for one probe, or a star (no address)."""

    address: str
    rtt: float
    ttl: int
    labelled: bool


class Trace(NamedTuple):
    """One result: three replies at every hop from the first on."""

    probe: int
    source: str
    destination: str
    flow: int
    begin: int
    hops: list[list[Reply]]


class _World:
    """Who stands where, which hangs on nothing but the address table."""

    def __init__(self, table: Origin) -> None:
        home = self._networks(table, COUNTRY, NETWORKS)
        self.transits = home[:3]
        abroad = [self._networks(table, code, 8) for code in _ABROAD]
        self.carriers = [networks[0] for networks in abroad]
        far = [prefix for networks in abroad for prefix in networks[1:]]
        ends = [*far[: DESTINATIONS - AT_HOME], *home[-AT_HOME:]]
        self.destinations = [_at(prefix, 9) for prefix in ends]
        self.probes = [
            (_at(home[i % NETWORKS], 200 + i), home[i % NETWORKS]) for i in range(PROBES)
        ]
        self.mute = 0.08
        self._silent: dict[str, bool] = {}

    def _networks(self, table: Origin, code: str, count: int) -> list[ipaddress.IPv4Network]:
        """The largest IPv4 prefixes of distinct organisations of a country."""
        found: dict[str, ipaddress.IPv4Network] = {}
        for network in table.networks(code):
            prefix = next(
                (
                    p
                    for p in map(ipaddress.ip_network, network.prefixes)
                    if isinstance(p, ipaddress.IPv4Network) and p.prefixlen <= 22
                ),
                None,
            )
            if prefix is None or network.organisation in found:
                continue
            said = table.lookup(_at(prefix, 9))
            if said.organisation == network.organisation and not table.is_anycast(_at(prefix, 9)):
                found[network.organisation] = prefix
            if len(found) == count:
                break
        return list(found.values())

    def _router(self, prefix: ipaddress.IPv4Network, number: int, base: float) -> Router:
        address = _at(prefix, 300 + number)
        if address not in self._silent:
            self._silent[address] = random.Random(address).random() < self.mute
        return Router("" if self._silent[address] else address, base, number % 10 == 3)

    def way(self, probe: int, destination: int, flow: int, week: int) -> list[Router]:
        """The way of one flow in one week; one in ten changes with the week."""
        choice = random.Random(
            f"{probe} {destination} {week if (probe + destination) % 10 == 0 else 0}"
        )
        _, own = self.probes[probe]
        carrier = choice.randrange(len(self.carriers))
        transit = self.transits[choice.randrange(3)] if choice.random() < 0.6 else own
        wide = choice.choice((1, 1, 2, 4))
        lane = flow % wide
        hops = [Router("192.168.1.1", 0.6)]
        hops += [self._router(own, probe % 7, 2.0), self._router(own, 20 + probe % 3, 2.6)]
        if transit != own:
            hops += [self._router(transit, 40 + destination % 4, 3.1)]
        hops += [self._router(transit, 60 + carrier, 3.4)]
        away = 3.0
        if destination < DESTINATIONS - AT_HOME:
            away = 28.0 + 11 * carrier
            hops += [
                self._router(self.carriers[carrier], 10 * lane + nth + (probe % 5), away + 2 * nth)
                for nth in range(choice.randint(2, 4))
            ]
        end = ipaddress.ip_network(f"{self.destinations[destination]}/22", strict=False)
        assert isinstance(end, ipaddress.IPv4Network)
        hops += [
            self._router(end, 20 + lane, away + 31),
            Router(self.destinations[destination], away + 32),
        ]
        return hops


def _at(prefix: ipaddress.IPv4Network, number: int) -> str:
    return str(prefix.network_address + number % prefix.num_addresses)


@functools.cache
def _world() -> _World:
    from probe.origin import open_origin  # noqa: PLC0415

    return _World(open_origin())


def traces(count: int, first: int = 0) -> Iterator[Trace]:
    """So many traces in order of their time, from this number on."""
    world = _world()
    noise = np.random.default_rng(20210216 + first)
    ways: dict[tuple[int, int, int, int], list[Router]] = {}
    for number in range(first, first + count):
        hour, pair = divmod(number, PROBES * DESTINATIONS)
        probe, destination = divmod(pair, DESTINATIONS)
        begin = BEGIN + hour * INTERVAL + 11 * pair % INTERVAL
        flow = (hour + probe) % FLOWS + 1
        key = (probe, destination, flow, hour * INTERVAL // _WEEK)
        way = ways.get(key)
        if way is None:
            way = ways[key] = world.way(*key)
        yield Trace(
            6000 + probe,
            world.probes[probe][0],
            world.destinations[destination],
            flow,
            begin,
            list(_heard(way, noise)),
        )


def _heard(way: Sequence[Router], noise: np.random.Generator) -> Iterator[list[Reply]]:
    """What is heard on a way: one end in twenty keeps silent, one probe in fifty is lost."""
    lost = (noise.random(3 * len(way)) < 0.02).tolist()
    queued = noise.gamma(1.2, 0.25, 3 * len(way)).tolist()
    dark = lost[-1]
    for nth, router in enumerate(way):
        if dark and nth == len(way) - 1:
            yield from [[Reply("", 0.0, 0, False)] * 3] * 5
            return
        yield [
            Reply("", 0.0, 0, False)
            if not router.address or lost[i]
            else Reply(
                router.address, round(router.base + queued[i], 3), 255 - nth, router.labelled
            )
            for i in range(3 * nth, 3 * nth + 3)
        ]


def _reply(reply: Reply) -> str:
    if not reply.address:
        return '{"x":"*"}'
    labels = _LABELS if reply.labelled else ""
    return f'{{"from":"{reply.address}",{labels}"rtt":{reply.rtt},"size":28,"ttl":{reply.ttl}}}'


def line(trace: Trace) -> str:
    """The result as Atlas' API sends it."""
    hops = ",".join(
        f'{{"hop":{number},"result":[{",".join(map(_reply, replies))}]}}'
        for number, replies in enumerate(trace.hops, start=1)
    )
    return (
        f'{{"af":4,"dst_addr":"{trace.destination}","dst_name":"{trace.destination}",'
        f'"endtime":{trace.begin + 4},"from":"{trace.source}","fw":5080,"group_id":23449934,'
        f'"lts":17,"msm_id":23449934,"msm_name":"Traceroute","mver":"2.6.2",'
        f'"paris_id":{trace.flow},"prb_id":{trace.probe},"proto":"ICMP","result":[{hops}],'
        f'"size":48,"src_addr":"192.168.1.77","stored_timestamp":{trace.begin + 40},'
        f'"timestamp":{trace.begin},"type":"traceroute"}}\n'
    )


def _row(trace: Trace) -> dict[str, Any]:
    """The same as a row of `analysis.intake.formats.parquet.SCHEMA`."""
    return {
        "start_s": float(trace.begin),
        "end_s": float(trace.begin + 4),
        "source": trace.source,
        "dst_addr": trace.destination,
        "dst_name": trace.destination,
        "af": 4,
        "proto": "ICMP",
        "paris_id": trace.flow,
        "size_bytes": 48,
        "msm_id": 23449934,
        "prb_id": trace.probe,
        "sees": [],
        "snapshots": [],
        "redactions_json": "{}",
        "notes": [],
        "hops": [
            {
                "number": number,
                "measured": True,
                "replies": [_reply_row(reply) for reply in replies],
            }
            for number, replies in enumerate(trace.hops, start=1)
        ],
    }


def _reply_row(reply: Reply) -> dict[str, Any]:
    if not reply.address:
        return {"changed": [], "duplicate": False}
    return {
        "address": reply.address,
        "rtt_ms": reply.rtt,
        "ttl": reply.ttl,
        "size_bytes": 28,
        "changed": [],
        "duplicate": False,
        "extensions_json": json.dumps(json.loads(f"{{{_LABELS[:-1]}}}")["icmpext"])
        if reply.labelled
        else None,
    }


def _lines(count: int, first: int) -> bytes:
    """So many results as JSON lines, as one member of a gzip file."""
    text = "".join(map(line, traces(count, first)))
    return gzip.compress(text.encode(), compresslevel=4, mtime=0)


def _rows(count: int, first: int) -> bytes:
    """The same as a Parquet file."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    from analysis.intake.formats import parquet  # noqa: PLC0415

    made = traces(count, first)
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, parquet.SCHEMA, compression="zstd") as file:
        while rows := [_row(trace) for _, trace in zip(range(ROWS), made, strict=False)]:
            file.write_table(parquet.table_of(rows))
    return buffer.getvalue()


def _parts(
    make: Callable[[int, int], bytes], count: int, first: int, processes: int
) -> Iterator[bytes]:
    starts = range(first, first + count, PART)
    counts = [min(PART, first + count - start) for start in starts]
    if len(starts) == 1:
        yield make(count, first)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(make, counts, starts)


def write(count: int, path: Path, first: int = 0, processes: int | None = None) -> None:
    """Write so many traces, as JSON lines or as Parquet by the name of the file.

    The same are written whatever the number of processes (by default, one a core).
    """
    from analysis.scale.engine import usable_cores  # noqa: PLC0415 - who only reads needs none of it

    processes = processes or usable_cores()
    if path.suffix != ".parquet":
        with path.open("wb") as lines:
            lines.writelines(_parts(_lines, count, first, processes))
        return
    import pyarrow.parquet as pq  # noqa: PLC0415

    from analysis.intake.formats import parquet  # noqa: PLC0415

    with pq.ParquetWriter(path, parquet.SCHEMA, compression="zstd") as whole:
        for part in _parts(_rows, count, first, processes):
            read = pq.ParquetFile(io.BytesIO(part))
            for group in range(read.num_row_groups):
                whole.write_table(read.read_row_group(group))


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
