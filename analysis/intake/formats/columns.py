"""A row group of our Parquet → what a verdict needs of its traces, column by column.

Only the columns that are asked for are read, so that damage in another is not seen, and what is
said of a hop is worked out for all hops of the group at once. A group with a surprise is left to
the reader of rows; a test holds both to the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from sys import intern
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.intake.formats.arrow import holds_numbers, plain, present
from analysis.intake.formats.multipath import Graph
from analysis.intake.formats.parquet import LARGEST, damaged_group, is_address, object_of, open_file
from analysis.intake.told import (
    LAN,
    Fingerprint,
    Numbers,
    Rtts,
    Told,
    cut,
    fingerprint,
    hashable_addresses,
    hashable_rtts,
    heard,
    in_place,
    most_heard,
)
from probe.record import ATLAS_STATUS_HOP, MalformedRecord, Reply, Vantage, ip_version

_HOPS = "hops.list.element"
_REPLIES = f"{_HOPS}.replies.list.element"
_ADDRESSES = f"{_REPLIES}.address"
_COLUMNS = (
    "start_s", "end_s", "vantage.id", "vantage.asn", "vantage.organisation", "vantage.country",
    "source", "dst_addr", "af", "proto", "paris_id", "msm_id", "prb_id", "snapshots.list.element",
    "notes.list.element", "redactions_json", "multipath_json", f"{_HOPS}.number",
    f"{_HOPS}.measured", f"{_HOPS}.attribution.asn", f"{_HOPS}.attribution.special", _ADDRESSES,
    f"{_REPLIES}.rtt_ms", f"{_REPLIES}.late", f"{_REPLIES}.duplicate", f"{_REPLIES}.err",
    f"{_REPLIES}.err_code", f"{_REPLIES}.extensions_json",
)  # fmt: skip
# Those that say something of the trace, in the order in which `_traces` takes them.
_ROW = (
    "vantage", "source", "prb_id", "dst_addr", "af", "start_s", "snapshots", "notes", "msm_id",
    "paris_id", "proto",
)  # fmt: skip
_NEVER_NULL = (
    "start_s", "dst_addr", "af", "proto", "paris_id", "snapshots", "notes", "redactions_json",
    "hops",
)  # fmt: skip


class Surprise(Exception):
    """The group has to be read by the reader of rows."""


_GRAPHS = msgspec.json.Decoder(Graph)


class _Hops(NamedTuple):
    """All hops of a group, in arrays of one length.

    ``chosen`` and ``only`` point into ``names``, the last of which is None, and ``numbered`` says
    where one stands: whose answer counts, and who alone answered. ``rtts`` are NaN where there is
    none, ``attributions`` what records say.
    """

    numbers: npt.NDArray[np.int64]
    names: list[str | None]
    numbered: dict[str | None, int]
    chosen: npt.NDArray[np.int64]
    rtts: npt.NDArray[np.float64]
    attributions: pa.Array
    only: npt.NDArray[np.int64]


def _whole(values: pa.Array, kind: Any) -> npt.NDArray[Any]:
    if values.null_count:
        raise Surprise
    return plain(values).astype(kind, copy=False)


class _Replies(NamedTuple):
    """All replies of a group, in arrays of one length; those of hop i lie between two ``bounds``.

    ``which`` points into ``names``, the last two of which are `LAN` and None, and is -1 where no
    address is known; ``rtts`` are NaN where there is none. ``counts`` says which are evidence,
    ``refused`` which are refusals.
    """

    bounds: npt.NDArray[np.int64]
    names: list[str | None]
    which: npt.NDArray[np.int64]
    rtts: npt.NDArray[np.float64]
    counts: npt.NDArray[np.bool_]
    refused: npt.NDArray[np.bool_]

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where the replies of each hop begin."""
        return self.bounds[:-1]

    def evidence(self) -> _Replies:
        """The same, where what is no evidence tells neither an address nor an RTT."""
        if self.counts.all():
            return self
        return self._replace(
            which=np.where(self.counts, self.which, -1),
            rtts=np.where(self.counts, self.rtts, np.nan),
        )

    def extremes(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The lowest and the highest address of each hop, as numbers: equal where it is the only.

        Where none is known the lowest is ``len(names)``, the highest -1.
        """
        known = np.where(self.which < 0, len(self.names), self.which)
        return (
            np.minimum.reduceat(known, self.starts),
            np.maximum.reduceat(self.which, self.starts),
        )

    def of(self, hop: int) -> list[Reply]:
        """Those of one hop, as the reader of rows has them."""
        return [
            Reply(
                self.names[self.which[i]],
                None if np.isnan(self.rtts[i]) else float(self.rtts[i]),
                err="" if self.refused[i] else None,
            )
            for i in range(self.bounds[hop], self.bounds[hop + 1])
        ]


def _replies(listed: pa.Array) -> _Replies:
    """The replies of all hops; there is something in the list of each."""
    heard = listed.flatten()
    if heard.null_count:
        raise Surprise
    bounds = np.concatenate(([0], np.cumsum(_whole(pc.list_value_length(listed), np.int64))))
    if len(bounds) == 1 or (np.diff(bounds) == 0).any():
        raise Surprise  # a hop that nothing is said of
    spoken = present(heard.field("rtt_ms"))
    rtts = np.where(spoken, plain(heard.field("rtt_ms")), np.nan)
    texts = heard.field("address").dictionary_encode()
    # Interned, they are told to be equal without a look at them.
    addresses = list(map(intern, texts.dictionary.to_pylist()))
    if not all(map(is_address, addresses)) or not _are_numbers(rtts[spoken]):
        raise Surprise
    refused = present(heard.field("err")) | present(heard.field("err_code"))
    names = [*addresses, LAN, None]
    return _Replies(bounds, names, _indices(texts), rtts, _counting(heard), refused)


def _hops(hops: pa.Array, bounds: npt.NDArray[np.int64], destinations: Sequence[str]) -> _Hops:
    """What is said of every hop; as `analysis.intake.told.way_of` has it.

    Those of trace i are the hops from ``bounds[i]`` to ``bounds[i + 1]``.
    """
    replies = _replies(hops.field("replies"))
    lowest, highest = replies.extremes()
    only = np.where(lowest == highest, highest, -1)
    evidence = replies.evidence()
    numbers = _whole(hops.field("number"), np.int64)
    if not ((numbers >= 0) & (numbers <= ATLAS_STATUS_HOP)).all():
        raise Surprise
    found = _Hops(
        numbers,
        replies.names,
        {name: number for number, name in enumerate(replies.names)},
        *_most_heard(evidence),
        hops.field("attribution"),
        only,
    )
    unmeasured = ~_whole(hops.field("measured"), np.bool_)
    found.chosen[unmeasured], found.rtts[unmeasured] = -1, np.nan
    _hear_in_place(found, evidence, bounds, destinations)
    _name_home(found)
    return found


def _most_heard(
    replies: _Replies,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The address of each hop, as a number, and its RTT; see `analysis.intake.told.most_heard`."""
    lowest, highest = replies.extremes()
    # Of a hop with an address, RTTs of replies without one do not count.
    named = np.repeat(highest >= 0, np.diff(replies.bounds))
    rtts = np.where(named & (replies.which < 0), np.nan, replies.rtts)
    nearest = np.fmin.reduceat(rtts, replies.starts)
    of_several = np.flatnonzero((highest >= 0) & (highest != lowest))
    numbered = {name: number for number, name in enumerate(replies.names)}
    for hop in of_several.tolist():
        address, rtt = most_heard(replies.of(hop))
        highest[hop] = numbered[address]
        nearest[hop] = np.nan if rtt is None else rtt
    return highest, nearest


def _hear_in_place(
    hops: _Hops,
    replies: _Replies,
    bounds: npt.NDArray[np.int64],
    destinations: Sequence[str],
) -> None:
    """Hear no refusal of who was heard nearer; see `analysis.intake.told.in_place`."""
    chosen = hops.chosen
    traces = np.repeat(np.arange(len(destinations)), np.diff(bounds))
    ends = np.array([hops.numbered.get(end, -2) for end in destinations], np.int64)
    refused = np.maximum.reduceat(replies.refused, replies.starts)
    # A destination may refuse as it likes: nothing comes after it.
    for hop in np.flatnonzero(refused & (chosen >= 0) & (chosen != ends[traces])).tolist():
        start, over = bounds[traces[hop] : traces[hop] + 2]
        if hops.numbers[start] < 1 or (np.diff(hops.numbers[start:over]) < 1).any():
            raise Surprise  # the nearer ones do not stand before it
        before = chosen[start:hop]
        if (before == chosen[hop]).any():
            nearer = {hops.names[i] for i in before.tolist()}
            address, rtt = most_heard(in_place(replies.of(hop), nearer))
            chosen[hop] = -1 if address is None else hops.numbered[address]
            hops.rtts[hop] = np.nan if rtt is None else rtt


def _name_home(hops: _Hops) -> None:
    """Give hops that answer without an address, and are of the home network, its name."""
    classes = hops.attributions.field("special").dictionary_encode()
    of_lan = np.array([name == LAN for name in classes.dictionary.to_pylist()] + [False])
    at_home = present(hops.attributions) & of_lan[_indices(classes)]
    hops.chosen[at_home & (hops.chosen < 0) & ~np.isnan(hops.rtts)] = hops.numbered[LAN]


def _check_texts(texts: pa.Array, read: Callable[[str], object]) -> None:
    """Raise `Surprise` where one of these texts of JSON may not be read.

    They say nothing to a verdict; but a row is none where they are not what they should be.
    """
    try:
        for text in texts.unique().drop_null().to_pylist():
            read(text)
    except (MalformedRecord, msgspec.MsgspecError, RecursionError):
        raise Surprise from None


def _are_numbers(times: npt.NDArray[Any]) -> bool:
    return bool((np.abs(times) < LARGEST).all())


def _counting(heard: pa.Array) -> npt.NDArray[np.bool_]:
    """Which replies are evidence: neither late nor duplicates."""
    doubled = heard.field("duplicate")
    counts: npt.NDArray[np.bool_] = ~(present(doubled) & plain(doubled))
    return counts & ~present(heard.field("late"))


def _indices(values: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Into the dictionary; -1 for null."""
    return np.where(present(values.indices), plain(values.indices), -1).astype(np.int64)


def _ends_of_ways(
    hops: _Hops, bounds: npt.NDArray[np.int64], destinations: Sequence[str]
) -> list[int]:
    """For each trace where its way ends among the hops, cut as `analysis.intake.told.cut` does.

    -1 where its hops are not numbered from 1 on, so that its way is no slice of them. Those of
    trace i are the hops from ``bounds[i]`` to ``bounds[i + 1]``.
    """
    lengths = np.diff(bounds)
    traces = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(bounds[-1])
    straying = hops.numbers != places - bounds[traces] + 1
    sought = np.array([hops.numbered.get(end, -2) for end in destinations], np.int64)
    ends = bounds[1:].copy()
    arrived = np.flatnonzero(hops.chosen == sought[traces])
    np.minimum.at(ends, traces[arrived], arrived + 1)
    cut_off = bounds[:-1].copy()
    spoken = np.flatnonzero((hops.chosen >= 0) & (places < ends[traces]))
    np.maximum.at(cut_off, traces[spoken], spoken + 1)
    cut_off[traces[straying]] = -1
    found: list[int] = cut_off.tolist()
    return found


def _way(
    numbers: Sequence[int], names: Sequence[str | None], times: Sequence[float | None], end: str
) -> tuple[list[str | None], list[float | None]]:
    """Addresses and RTTs of a trace whose hops are numbered anyhow, up to its destination."""
    addresses: list[str | None] = []
    rtts: list[float | None] = []
    for number, name, time in sorted(zip(numbers, names, times, strict=True), key=itemgetter(0)):
        silent = number - 1 - len(addresses)
        if silent and (silent < 0 or number == ATLAS_STATUS_HOP):
            continue
        addresses += [*[None] * silent, name]
        rtts += [*[None] * silent, time]
        if name == end:
            break
    return addresses, rtts


class Files:
    """Opens files for `read`.

    The last one stays open: of a large file it takes as long to read what its groups are as to read
    some of them.
    """

    def __init__(self) -> None:
        self._last: tuple[str, pq.ParquetFile] | None = None

    def opened(self, name: str) -> pq.ParquetFile:
        """A file. Raises `InputError` where it cannot be opened any more."""
        if self._last is None or self._last[0] != name:
            self._last = None
            self._last = name, open_file(name, read_dictionary=[_ADDRESSES])
        return self._last[1]


def _paths(file: pq.ParquetFile, group: int) -> set[str]:
    """The columns of a row group."""
    # Arrow's schema of a file is in a circle with all that is known of its groups, and who folds
    # many pieces looks for no circles.
    found = file.metadata.row_group(group)
    return {found.column(i).path_in_schema for i in range(found.num_columns)}


def read(
    name: str, file: pq.ParquetFile, group: int, numbers: Numbers
) -> Iterator[tuple[Told, Fingerprint] | None]:
    """The traces of a row group of a file of `Files`; None for one that could not be sent.

    Raises `Surprise` before the first of them, and `InputError` where the group is damaged.
    """
    # Arrow leaves out what is not there, without a word.
    if not _paths(file, group).issuperset(_COLUMNS):
        raise Surprise
    try:
        table = file.read_row_group(group, columns=list(_COLUMNS), use_threads=False)
    except (pa.ArrowException, OSError, KeyError, ValueError) as problem:
        raise damaged_group(name, file, group, problem) from None
    columns: dict[str, Any] = {key: table[key].combine_chunks() for key in table.column_names}
    if any(columns[key].null_count for key in _NEVER_NULL):
        raise Surprise
    if not all(map(holds_numbers, (columns["start_s"], columns["end_s"]))):
        raise Surprise  # which NumPy might make numbers of
    _check_texts(columns.pop("redactions_json"), object_of)
    _check_texts(columns.pop("multipath_json"), _GRAPHS.decode)
    if not _are_numbers(np.asarray(columns.pop("end_s").drop_null(), np.float64)):
        raise Surprise
    lists = columns.pop("hops")
    lengths = _whole(pc.list_value_length(lists), np.int64)
    bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    rows: dict[str, Sequence[Any]] = {key: values.to_pylist() for key, values in columns.items()}
    try:
        listed = lists.flatten()
        hops = _hops(listed, bounds, rows["dst_addr"])
        _check_texts(listed.field("replies").flatten().field("extensions_json"), object_of)
    except TypeError:
        raise Surprise from None  # written anew by others, in types of their own
    whither = set(zip(rows["dst_addr"], rows["af"], strict=True))
    if not (
        all(is_address(address) for address in {*rows["source"]} - {None})
        and all(is_address(dst) and af == ip_version(dst) for dst, af in whither)
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
    chosen = hops.chosen.tolist()
    all_addresses = tuple(map(hops.names.__getitem__, chosen))
    all_rtts = _with_none(hops.rtts)
    ids = tuple(map(hashable_addresses(hops.names, numbers).__getitem__, chosen))
    times = hashable_rtts(all_rtts)
    asns = _asns(hops.attributions) if any(rows["snapshots"]) else []
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
            way = hash((ids[start:end], times[start:end]))
        else:
            where = slice(start, over)
            numbered = hops.numbers[where].tolist()
            addresses, rtts = cut(
                *_way(numbered, all_addresses[where], all_rtts[where], destination)
            )
            way = heard(addresses, rtts, numbers)
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
            _said(hops, asns, start, over) if snapshots else (),
            tuple(notes),
            proto=proto,
        )
        yield (
            told,
            fingerprint(told, way, msm_id=msm_id, paris_id=paris_id, numbers=numbers),
        )


def _with_none(rtts: npt.NDArray[np.float64]) -> Rtts:
    """RTTs as traces have them: None for NaN."""
    found = rtts.astype(object)
    found[np.isnan(rtts)] = None
    return tuple(found.tolist())


def _asns(attributions: pa.Array) -> list[int | None]:
    asns = zip(present(attributions).tolist(), attributions.field("asn").to_pylist(), strict=True)
    return [asn if there else None for there, asn in asns]


def _said(
    hops: _Hops, asns: Sequence[int | None], start: int, end: int
) -> tuple[tuple[str, int], ...]:
    only = [hops.names[i] for i in hops.only[start:end].tolist()]
    pairs = zip(only, asns[start:end], strict=True)
    return tuple((name, asn) for name, asn in pairs if name is not None and asn is not None)
