"""A row group of our Parquet → what a verdict needs of its traces, column by column.

Only the columns that are asked for are read, and what is said of a hop is worked out for all hops
of the group at once. A group with a surprise is left to the reader of rows; a test holds both to
the same answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.formats.parquet import LARGEST, damaged, is_address
from analysis.told import LAN, Fingerprint, Numbers, Told, cut, fingerprint, hashable, most_heard
from probe.record import ATLAS_STATUS_HOP, Reply, Vantage

_HOPS = "hops.list.element"
_REPLIES = f"{_HOPS}.replies.list.element"
_COLUMNS = (
    "start_s", "vantage", "source", "dst_addr", "af", "proto", "paris_id", "msm_id", "prb_id",
    "snapshots", "notes", f"{_HOPS}.number", f"{_HOPS}.measured", f"{_HOPS}.attribution.asn",
    f"{_HOPS}.attribution.special", f"{_REPLIES}.address", f"{_REPLIES}.rtt_ms",
    f"{_REPLIES}.late", f"{_REPLIES}.duplicate",
)  # fmt: skip
# Those that say something of the trace, in the order in which `_traces` takes them.
_ROW = (
    "vantage", "source", "prb_id", "dst_addr", "af", "start_s", "snapshots", "notes", "msm_id",
    "paris_id", "proto",
)  # fmt: skip
_NEVER_NULL = ("start_s", "dst_addr", "af", "proto", "paris_id", "snapshots", "notes", "hops")


class Surprise(Exception):
    """The group has to be read by the reader of rows."""


class _Hops(NamedTuple):
    """All hops of a group, in lists of one length.

    ``asns`` are those that the records name, ``only`` the address where one alone answered.
    """

    numbers: npt.NDArray[np.int64]
    addresses: list[str | None]
    rtts: list[float | None]
    asns: list[int | None]
    only: list[str | None]


def _whole(values: pa.Array, kind: Any) -> npt.NDArray[Any]:
    if values.null_count:
        raise Surprise
    return np.asarray(values.to_numpy(zero_copy_only=False), kind)


def _hops(hops: pa.Array) -> _Hops:
    """What is said of every hop; as `analysis.told.way_of` has it."""
    replies = hops.field("replies")
    if replies.null_count or hops.null_count:
        raise Surprise
    heard = replies.flatten()
    ends = np.concatenate(([0], np.cumsum(_whole(pc.list_value_length(replies), np.int64))))
    starts = ends[:-1]
    if not len(starts) or (starts == ends[1:]).any():
        raise Surprise  # a hop that nothing is said of
    texts = heard.field("address").dictionary_encode()
    spoken = heard.field("rtt_ms").drop_null().to_numpy(zero_copy_only=False)
    if not all(map(is_address, texts.dictionary.to_pylist())) or not _are_numbers(spoken):
        raise Surprise
    names: list[str | None] = [*texts.dictionary.to_pylist(), None]
    which = texts.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    rtts = heard.field("rtt_ms").to_numpy(zero_copy_only=False).astype(np.float64)
    highest = np.maximum.reduceat(which, starts)
    all_names = np.minimum.reduceat(np.where(which < 0, len(names), which), starts)
    only = np.where(highest == all_names, highest, -1)
    counts = _counting(heard)
    if not counts.all():
        which, rtts = np.where(counts, which, -1), np.where(counts, rtts, np.nan)
        highest = np.maximum.reduceat(which, starts)
    lowest = np.minimum.reduceat(np.where(which < 0, len(names), which), starts)
    # Of a hop with an address, RTTs of replies without one do not count.
    named = np.repeat(highest >= 0, np.diff(ends))
    nearest = np.fmin.reduceat(np.where(named & (which < 0), np.nan, rtts), starts)
    addresses = [names[i] for i in highest.tolist()]
    found: list[float | None] = [None if rtt != rtt else rtt for rtt in nearest.tolist()]  # noqa: PLR0124 - NaN
    for i in np.nonzero((highest >= 0) & (highest != lowest))[0].tolist():
        addresses[i], found[i] = most_heard(
            [
                Reply(names[which[j]], None if np.isnan(rtts[j]) else float(rtts[j]))
                for j in range(ends[i], ends[i + 1])
            ]
        )
    _evident(hops, addresses, found)
    said = hops.field("attribution")
    asns = pc.if_else(said.is_valid(), said.field("asn"), None).to_pylist()
    numbers = _whole(hops.field("number"), np.int64)
    if not ((numbers >= 0) & (numbers <= ATLAS_STATUS_HOP)).all():
        raise Surprise
    return _Hops(numbers, addresses, found, asns, [names[i] for i in only.tolist()])


def _are_numbers(times: npt.NDArray[Any]) -> bool:
    return bool((np.abs(times) < LARGEST).all())


def _counting(heard: pa.Array) -> npt.NDArray[np.bool_]:
    """Which replies are evidence: neither late nor duplicates."""
    counts: npt.NDArray[np.bool_] = np.logical_and(
        heard.field("late").is_null().to_numpy(zero_copy_only=False),
        ~heard.field("duplicate").fill_null(False).to_numpy(zero_copy_only=False),
    )
    return counts


def _evident(hops: pa.Array, addresses: list[str | None], rtts: list[float | None]) -> None:
    """Silence hops that were not measured, and name those of the home network."""
    measured = _whole(hops.field("measured"), np.bool_)
    for i in np.nonzero(~measured)[0].tolist():
        addresses[i] = rtts[i] = None
    said = hops.field("attribution")
    at_home = pc.if_else(said.is_valid(), pc.equal(said.field("special"), LAN), False)
    for i in np.nonzero(at_home.fill_null(False).to_numpy(zero_copy_only=False))[0].tolist():
        if addresses[i] is None and rtts[i] is not None:
            addresses[i] = LAN


def _ends_of_ways(
    hops: _Hops, bounds: npt.NDArray[np.int64], destinations: Sequence[str]
) -> list[int]:
    """For each trace where its way ends among the hops, cut as `analysis.told.cut` does.

    -1 where its hops are not numbered from 1 on, so that its way is no slice of them. Those of
    trace i are the hops from ``bounds[i]`` to ``bounds[i + 1]``.
    """
    lengths = np.diff(bounds)
    traces = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(bounds[-1])
    straying = hops.numbers != places - bounds[traces] + 1
    arrived = np.array(
        [
            address == destination
            for address, destination in zip(
                hops.addresses, map(destinations.__getitem__, traces.tolist()), strict=True
            )
        ],
        np.bool_,
    )
    ends = bounds[1:].copy()
    np.minimum.at(ends, traces[arrived], places[arrived] + 1)
    spoken = np.array([address is not None for address in hops.addresses], np.bool_)
    spoken &= places < ends[traces]
    cut_off = bounds[:-1].copy()
    np.maximum.at(cut_off, traces[spoken], places[spoken] + 1)
    cut_off[traces[straying]] = -1
    found: list[int] = cut_off.tolist()
    return found


def _way(
    hops: _Hops, start: int, end: int, destination: str
) -> tuple[list[str | None], list[float | None]]:
    """Addresses and RTTs of a trace whose hops, from ``start`` to ``end``, are numbered anyhow."""
    addresses: list[str | None] = []
    rtts: list[float | None] = []
    numbers = hops.numbers[start:end].tolist()
    for i in sorted(range(start, end), key=lambda i: numbers[i - start]):
        silent = numbers[i - start] - 1 - len(addresses)
        if silent and (silent < 0 or numbers[i - start] == ATLAS_STATUS_HOP):
            continue
        addresses += [*[None] * silent, hops.addresses[i]]
        rtts += [*[None] * silent, hops.rtts[i]]
        if hops.addresses[i] == destination:
            break
    return addresses, rtts


def read(name: str, group: int, numbers: Numbers) -> Iterator[tuple[Told, Fingerprint] | None]:
    """The traces of a row group of a file; None for one that could not be sent.

    Raises `Surprise` before the first of them, and `InputError` where the group is damaged.
    """
    try:
        with pq.ParquetFile(name) as file:
            table = file.read_row_group(group, columns=list(_COLUMNS), use_threads=False)
    except (pa.ArrowException, OSError, KeyError, ValueError) as problem:
        raise damaged(name, problem) from None
    columns: dict[str, Any] = {key: table[key].combine_chunks() for key in table.column_names}
    if any(columns[key].null_count for key in _NEVER_NULL):
        raise Surprise
    lists = columns.pop("hops")
    lengths = _whole(pc.list_value_length(lists), np.int64)
    bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    hops = _hops(lists.flatten())
    rows: dict[str, Sequence[Any]] = {key: values.to_pylist() for key, values in columns.items()}
    whither = set(zip(rows["dst_addr"], rows["af"], strict=True))
    if not (
        all(is_address(address) for address in {*rows["source"]} - {None})
        and all(is_address(dst) and af == (6 if ":" in dst else 4) for dst, af in whither)
        and _are_numbers(np.asarray(rows["start_s"], np.float64))
    ):
        raise Surprise
    yield from _traces(rows, hops, bounds, numbers)


def _traces(
    rows: dict[str, Sequence[Any]],
    hops: _Hops,
    bounds: npt.NDArray[np.int64],
    numbers: Numbers,
) -> Iterator[tuple[Told, Fingerprint] | None]:
    vantages: dict[tuple[Any, ...], Vantage] = {}
    ids, times = hashable(hops.addresses, hops.rtts, numbers)
    all_addresses, all_rtts = tuple(hops.addresses), tuple(hops.rtts)
    starts: list[int] = bounds.tolist()
    ends = _ends_of_ways(hops, bounds, rows["dst_addr"])
    for (
        start, over, end, said, source, prb_id, destination, version, timestamp, snapshots,
        notes, msm_id, paris_id, proto,
    ) in zip(starts[:-1], starts[1:], ends, *map(rows.__getitem__, _ROW), strict=True):  # fmt: skip
        if start == over:
            yield None
            continue
        if end >= 0:
            addresses, rtts = all_addresses[start:end], all_rtts[start:end]
            heard = hash((ids[start:end], times[start:end]))
        else:
            addresses, rtts = cut(*_way(hops, start, over, destination))
            heard = hash(hashable(addresses, rtts, numbers))
        vantage = None
        if said is not None:
            key = tuple(said.values())
            vantage = vantages.get(key)
            if vantage is None:
                vantage = vantages[key] = Vantage(**said)
        told = Told(
            vantage,
            source,
            prb_id,
            destination,
            version,
            timestamp,
            addresses,
            rtts,
            tuple(snapshots),
            _said(hops, start, over) if snapshots else (),
            tuple(notes),
        )
        yield (
            told,
            fingerprint(
                told, heard, msm_id=msm_id, paris_id=paris_id, proto=proto, numbers=numbers
            ),
        )


def _said(hops: _Hops, start: int, end: int) -> tuple[tuple[str, int], ...]:
    pairs = zip(hops.only[start:end], hops.asns[start:end], strict=True)
    return tuple((only, asn) for only, asn in pairs if only is not None and asn is not None)
