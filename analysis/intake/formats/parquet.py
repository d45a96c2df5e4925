"""Parquet: a row a trace, with its hops and their replies inside, in columns that name their units.

Holds all of a `Trace`, so nothing is lost on the way there and back; a folder partitioned by
country and day can be asked with DuckDB or Spark without us. Parquet files in the shape of Atlas
results, which others make from their JSON, are read as well. Where files lie is not known here.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.intake.inputs import InputError, Stream
from analysis.intake.told import whole
from probe import graph
from probe.record import (
    ATLAS_STATUS_HOP,
    Attribution,
    Hop,
    MalformedRecord,
    Reply,
    Trace,
    Vantage,
    canonical,
    ip_version,
)

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA_KEY, _SCHEMA_NAME = b"gatewatch.schema", b"gatewatch.traces/1"
_BATCH = 1024

# What a JSON text raises that holds something else than what is read.
_MISSHAPEN = (
    AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
)  # fmt: skip

# Times are smaller than this, in s and in ms, as in records.
LARGEST = 2.0**63

# Fields of results of RIPE Atlas and of scamper, which say of a row what it is.
_RESULT = {"dst_addr", "result", "type"}

# So many of a foreign table's columns are named.
_SHOWN = 6

_REPLY = pa.struct(
    [
        ("address", pa.string()),
        ("rtt_ms", pa.float64()),
        ("ttl", pa.int64()),
        ("size_bytes", pa.int64()),
        ("err", pa.string()),
        ("err_code", pa.int64()),
        ("quoted_ttl", pa.int64()),
        ("quoted_tos", pa.int64()),
        ("changed", pa.list_(pa.string())),
        ("extensions_json", pa.string()),
        ("late", pa.int64()),
        ("duplicate", pa.bool_()),
        ("proto", pa.string()),
    ]
)
_ATTRIBUTION = pa.struct(
    [
        ("asn", pa.int64()),
        ("name", pa.string()),
        ("organisation", pa.string()),
        ("country", pa.string()),
        ("exchange", pa.string()),
        ("special", pa.string()),
    ]
)
_HOP = pa.struct(
    [
        ("number", pa.int16()),
        ("measured", pa.bool_()),
        ("attribution", _ATTRIBUTION),
        ("replies", pa.list_(_REPLY)),
    ]
)
_VANTAGE = pa.struct(
    [
        ("id", pa.string()),
        ("asn", pa.int64()),
        ("organisation", pa.string()),
        ("country", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("vantage", _VANTAGE),
        ("source", pa.string()),
        ("dst_addr", pa.string()),
        ("dst_name", pa.string()),
        ("af", pa.int8()),
        ("proto", pa.string()),
        ("paris_id", pa.int64()),
        ("size_bytes", pa.int64()),
        ("msm_id", pa.int64()),
        ("prb_id", pa.int64()),
        ("backend", pa.string()),
        ("sees", pa.list_(pa.string())),
        ("stop", pa.string()),
        ("probes", pa.int64()),
        ("snapshots", pa.list_(pa.string())),
        ("redactions_json", pa.string()),
        ("notes", pa.list_(pa.string())),
        ("error", pa.string()),
        ("multipath_json", pa.string()),
        ("hops", pa.list_(_HOP)),
    ],
    metadata={_SCHEMA_KEY: _SCHEMA_NAME},
)


def _text(value: str | None) -> str | None:
    """A text that Parquet can hold: it has no place for half a surrogate pair."""
    return None if value is None else whole(value)


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value)


def _reply_to_row(reply: Reply) -> dict[str, Any]:
    return {
        "address": reply.address,
        "rtt_ms": reply.rtt,
        "ttl": reply.ttl,
        "size_bytes": reply.size,
        "err": _text(reply.err) if isinstance(reply.err, str) else None,
        "err_code": reply.err if isinstance(reply.err, int) else None,
        "quoted_ttl": reply.quoted_ttl,
        "quoted_tos": reply.quoted_tos,
        "changed": [_text(one) for one in reply.changed],
        "extensions_json": _json(reply.extensions),
        "late": reply.late,
        "duplicate": reply.duplicate,
        "proto": _text(reply.proto),
    }


_T = TypeVar("_T")


def _of_json(text: str, read: Callable[[Any], _T]) -> _T:
    try:
        return read(json.loads(text))
    except _MISSHAPEN as problem:
        raise MalformedRecord(f"a JSON text has the wrong shape ({problem})") from None


def object_of(text: str) -> dict[str, Any]:
    """The object that a JSON text holds; raises `MalformedRecord` where it holds none.

    >>> object_of('{"lan": 1}')
    {'lan': 1}
    """
    value: Any = _of_json(text, lambda value: value)
    if not isinstance(value, dict):
        raise MalformedRecord("a JSON text holds no object")
    return value


def _graph_of(said: Any) -> graph.Graph:
    return graph.from_json(said, lambda address, _: str(address))


def _reply_of_row(row: dict[str, Any]) -> Reply:
    return Reply(
        address=row["address"],
        rtt=row["rtt_ms"],
        ttl=row["ttl"],
        size=row["size_bytes"],
        err=row["err"] if row["err"] is not None else row["err_code"],
        quoted_ttl=row["quoted_ttl"],
        quoted_tos=row["quoted_tos"],
        changed=tuple(row["changed"] or ()),
        extensions=None if row["extensions_json"] is None else object_of(row["extensions_json"]),
        late=row["late"],
        duplicate=row["duplicate"],
        proto=row["proto"],
    )


def _hop_to_row(hop: Hop) -> dict[str, Any]:
    said = hop.attribution
    return {
        "number": hop.number,
        "measured": hop.measured,
        "attribution": None
        if said is None
        else {
            "asn": said.asn,
            "name": _text(said.name),
            "organisation": _text(said.organisation),
            "country": _text(said.country),
            "exchange": _text(said.exchange),
            "special": _text(said.special),
        },
        "replies": [_reply_to_row(reply) for reply in hop.replies],
    }


def _hop_of_row(row: dict[str, Any]) -> Hop:
    said = row["attribution"]
    return Hop(
        number=row["number"],
        replies=tuple(_reply_of_row(reply) for reply in row["replies"]),
        attribution=None if said is None else Attribution(**said),
        measured=row["measured"],
    )


def to_row(trace: Trace) -> dict[str, Any]:
    """The trace as a row of ``SCHEMA``."""
    vantage = trace.vantage
    return {
        "start_s": float(trace.timestamp),
        "end_s": float(trace.endtime),
        "vantage": None
        if vantage is None
        else {
            "id": _text(vantage.id),
            "asn": vantage.asn,
            "organisation": _text(vantage.organisation),
            "country": _text(vantage.country),
        },
        "source": trace.source,
        "dst_addr": trace.dst_addr,
        "dst_name": _text(trace.dst_name),
        "af": trace.af,
        "proto": _text(trace.proto),
        "paris_id": trace.paris_id,
        "size_bytes": trace.size,
        "msm_id": trace.msm_id,
        "prb_id": trace.prb_id,
        "backend": _text(trace.backend),
        "sees": [_text(one) for one in trace.sees],
        "stop": _text(trace.stop),
        "probes": trace.probes,
        "snapshots": [_text(one) for one in trace.snapshots],
        "redactions_json": json.dumps(trace.redactions),
        "notes": [_text(one) for one in trace.notes],
        "error": _text(trace.error),
        "multipath_json": None
        if trace.multipath is None
        else _json(graph.to_json(trace.multipath)),
        "hops": [_hop_to_row(hop) for hop in trace.hops],
    }


def is_address(text: str) -> bool:
    """Whether a text is an address: types hold a file to no more than that it is a text.

    >>> is_address("2001:db8::1"), is_address("2001:db8::x")
    (True, False)
    """
    try:
        canonical(text)
    except ValueError:
        return False
    return True


def _check(trace: Trace) -> None:
    """Raise `MalformedRecord` where something is no address, no TTL or no number."""
    replies = [reply for hop in trace.hops for reply in hop.replies]
    for address in (trace.dst_addr, trace.source, *(reply.address for reply in replies)):
        if address is not None and not is_address(address):
            raise MalformedRecord(f"not an address: {address!r:.40}")
    if trace.af != ip_version(trace.dst_addr):
        raise MalformedRecord(f"af is {trace.af}, but dst_addr is {trace.dst_addr}")
    for number in (hop.number for hop in trace.hops):
        if not 0 <= number <= ATLAS_STATUS_HOP:
            raise MalformedRecord(f"no TTL can be {number}")
    times = (trace.endtime, *(reply.rtt for reply in replies))
    if not all(map(_is_number, (trace.timestamp, *(time for time in times if time is not None)))):
        raise MalformedRecord("a time is no number")


def _is_number(time: object) -> bool:
    return isinstance(time, int | float | Decimal) and -LARGEST < time < LARGEST


def of_row(row: dict[str, Any]) -> Trace:
    """The trace that a row of ``SCHEMA`` holds; raises `MalformedRecord` where it is none."""
    vantage = row["vantage"]
    trace = Trace(
        dst_addr=row["dst_addr"],
        dst_name=row["dst_name"],
        af=row["af"],
        proto=row["proto"],
        timestamp=row["start_s"],
        endtime=row["end_s"],
        hops=tuple(_hop_of_row(hop) for hop in row["hops"]),
        source=row["source"],
        paris_id=row["paris_id"],
        size=row["size_bytes"],
        msm_id=row["msm_id"],
        prb_id=row["prb_id"],
        vantage=None if vantage is None else Vantage(**vantage),
        backend=row["backend"],
        sees=tuple(row["sees"] or ()),
        stop=row["stop"],
        probes=row["probes"],
        snapshots=tuple(row["snapshots"]),
        redactions=object_of(row["redactions_json"]),
        notes=tuple(row["notes"]),
        error=row["error"],
        multipath=None
        if row["multipath_json"] is None
        else _of_json(row["multipath_json"], _graph_of),
    )
    _check(trace)
    return trace


def _read(row: dict[str, Any]) -> Trace | MalformedRecord:
    try:
        return of_row(row)
    except MalformedRecord as problem:
        return problem


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of `to_row` as an Arrow table with the types of ``SCHEMA``."""
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value


def _why(problem: Exception) -> str:
    return " ".join(str(problem).split())  # in one line


def damaged(name: str, problem: Exception) -> InputError:
    """What to say of a file that cannot be read, or not to its end."""
    return InputError(f"{name}: is not a Parquet file, or damaged ({_why(problem)})")


_DAMAGE = (pa.ArrowException, OSError, KeyError, TypeError, ValueError)


def _is_ours(file: pq.ParquetFile) -> bool:
    return (file.schema_arrow.metadata or {}).get(_SCHEMA_KEY) == _SCHEMA_NAME


def _is_ours_again(file: pq.ParquetFile) -> bool:
    """Whether another tool took rows of ours and wrote them anew, without saying what they are."""
    return set(SCHEMA.names) <= set(file.schema_arrow.names)


def _check_columns(name: str, file: pq.ParquetFile) -> None:
    """Raise `InputError` for a table in which no row can be a result, whatever it holds."""
    names = file.schema_arrow.names
    if not _RESULT & set(names):
        shown = ", ".join(names[:_SHOWN]) + (", …" if names[_SHOWN:] else "")
        raise InputError(
            f"{name}: has no columns of traceroutes (but {shown}); give what `gatewatch convert` "
            "writes, or results of RIPE Atlas with their fields as columns"
        )


def _as_ours(name: str, batch: pa.RecordBatch) -> pa.Table:
    """Rows with our columns in the types of ``SCHEMA``; `InputError` where they cannot be so."""
    table = pa.Table.from_batches([batch]).select(SCHEMA.names)
    try:
        return table.cast(SCHEMA)
    except pa.ArrowException as problem:
        raise InputError(
            f"{name}: has the columns that `gatewatch convert` writes, in other types "
            f"({_why(problem)}); keep the types"
        ) from None


def _file(name: str | Path, mode: Literal["r", "w"] = "r") -> pa.OSFile:
    """A file for Arrow, which by itself opens none whose name is no text. Raises OSError.

    Such names lie on sticks that another system wrote.
    """
    return pa.OSFile(os.fsencode(name), mode)


class Writer(pq.ParquetWriter):  # type: ignore[misc]  # pyarrow has no types
    """Writes a file, whatever its name is. Raises OSError where it cannot be made."""

    def __init__(self, path: Path, schema: pa.Schema, *, compression: str = "snappy") -> None:
        self._file = _file(path, "w")
        super().__init__(self._file, schema, compression=compression)

    def close(self) -> None:
        """Write what is left, and close the file. Safe to call twice."""
        super().close()
        self._file.close()


def open_file(name: str, *, read_dictionary: Sequence[str] = ()) -> pq.ParquetFile:
    """A file that was one of Parquet when its groups were counted. Raises `InputError`.

    Columns of ``read_dictionary`` are read as dictionaries, where they are texts.
    """
    try:
        return pq.ParquetFile(_file(name), read_dictionary=list(read_dictionary))
    except _DAMAGE as problem:
        raise damaged(name, problem) from None


def groups(name: str) -> list[int] | None:
    """How many rows each row group of a file of ours has; None for any other file."""
    if not name.endswith(".parquet"):
        return None
    try:
        with _file(name) as source, pq.ParquetFile(source) as file:
            counts = map(file.metadata.row_group, range(file.num_row_groups))
            return [int(group.num_rows) for group in counts] if _is_ours(file) else None
    except _DAMAGE:
        return None


_Numbered = list[tuple[int, Trace | MalformedRecord]]


def damaged_group(name: str, file: pq.ParquetFile, group: int, problem: Exception) -> InputError:
    """What to say of a row group that cannot be read; those beside it can."""
    first, count = _first_row(file, group), file.metadata.row_group(group).num_rows
    return InputError(
        f"{name}: the rows {first} to {first + count - 1} are damaged ({_why(problem)})"
    )


def _first_row(file: pq.ParquetFile, group: int) -> int:
    return 1 + sum(int(file.metadata.row_group(before).num_rows) for before in range(group))


def _of_group(name: str, file: pq.ParquetFile, group: int) -> _Numbered:
    """All traces of a row group or, where any of it is damaged, `InputError`."""
    try:
        batches = file.iter_batches(batch_size=_BATCH, row_groups=[group])
        listed = chain.from_iterable(batch.to_pylist() for batch in batches)
        return list(enumerate(map(_read, listed), start=_first_row(file, group)))
    except _DAMAGE as problem:
        raise damaged_group(name, file, group, problem) from None


def group_rows(name: str, group: int) -> _Numbered:
    """Each trace of one row group of a file of ours with its row in the file.

    Raises `InputError` where it is damaged.
    """
    with open_file(name) as file:
        return _of_group(name, file, group)


def _all_groups(name: str, file: pq.ParquetFile) -> Iterator[tuple[int, object]]:
    for group in range(file.num_row_groups):
        try:
            yield from _of_group(name, file, group)
        except InputError as problem:
            yield _first_row(file, group), problem


def rows(name: str, stream: Stream) -> Iterator[tuple[int, object]]:
    """Each row with its number: a `Trace` (or why it is none) where the file is ours, else a
    JSON value. A damaged row group of ours is an `InputError` in the place of its rows.

    Raises `InputError` where another file is damaged; the rows before that have been yielded.
    """
    # Parquet is read from its end; what comes through a pipe has to be held for that.
    try:
        whole = name.endswith(".parquet")
        file = pq.ParquetFile(_file(name) if whole else io.BytesIO(stream.bytes.read()))
        if _is_ours(file):
            yield from _all_groups(name, file)
            return
        again = _is_ours_again(file)
        if not again:
            _check_columns(name, file)
        # Group by group, so that damage in one costs those before it nothing.
        batches = (
            file.iter_batches(batch_size=_BATCH, row_groups=[group])
            for group in range(file.num_row_groups)
        )
        one_by_one = chain.from_iterable(batches)
        typed = (_as_ours(name, batch) for batch in one_by_one) if again else one_by_one
        listed = chain.from_iterable(table.to_pylist() for table in typed)
        yield from enumerate(map(_read if again else _without_none, listed), start=1)
    except InputError:
        raise
    except _DAMAGE as problem:
        raise damaged(name, problem) from None
