"""Files of traces → `Trace` objects, with everything left out counted by reason.

Reads what the probe writes and plain RIPE Atlas results, as JSON lines, JSON arrays or Parquet
of that shape, compressed or not, from files, folders, globs and standard input. Judges nothing
but readability.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from probe.record import MalformedRecord, Trace, from_json

READABLE = (".jsonl", ".json", ".gz", ".zst", ".parquet")


class InputError(ValueError):
    """Nothing can be read from a path; the message names it and says what to do."""


@dataclass
class Loaded:
    """What was read: traces, what was left out by reason, where, and the inputs' hashes.

    ``complaints`` are sentences that name file and line, at most ``COMPLAINTS`` of them.
    ``inputs`` maps a file's name to the sha256 of its bytes.
    """

    traces: list[Trace] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)

    def reject(self, reason: str, complaint: str | None = None) -> None:
        self.rejected[reason] += 1
        if complaint is not None and len(self.complaints) < COMPLAINTS:
            self.complaints.append(complaint)


COMPLAINTS = 20


def find_files(paths: Sequence[str]) -> list[str]:
    """The files that paths, folders and globs name, in a fixed order; ``-`` is standard input.

    Raises `InputError` for a path that names nothing.
    """
    found: list[str] = []
    for given in paths:
        if given == "-":
            found.append(given)
            continue
        path = Path(given)
        if path.is_dir():
            inside = sorted(str(p) for p in path.rglob("*") if p.is_file() and p.suffix in READABLE)
            if not inside:
                raise InputError(
                    f"{given}: the folder holds no measurements ({', '.join(READABLE)}); "
                    "make some with `gatewatch run` or `gatewatch demo`"
                )
            found += inside
        elif path.is_file():
            found.append(given)
        else:
            matched = sorted(
                match
                for match in glob.glob(given, recursive=True)  # noqa: PTH207 - absolute patterns too
                if Path(match).is_file()
            )
            if not matched:
                raise InputError(f"{given}: no such file or folder")
            found += matched
    return list(dict.fromkeys(found))


def _decompressed(name: str, raw: bytes) -> BinaryIO:
    if raw.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=io.BytesIO(raw))  # type: ignore[return-value]
    if raw.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard  # noqa: PLC0415 - only where a file needs it

        reader = zstandard.ZstdDecompressor().stream_reader(
            io.BytesIO(raw), read_across_frames=True
        )
        return io.BufferedReader(reader)
    if name.endswith((".gz", ".zst")):
        raise InputError(f"{name}: is not compressed as its name says; rename it or fetch it again")
    return io.BytesIO(raw)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value


def _parquet_rows(name: str, raw: bytes) -> Iterator[tuple[int, object]]:
    import pyarrow as pa  # noqa: PLC0415 - half a second that JSON does not need
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(io.BytesIO(raw))
    except (pa.ArrowInvalid, OSError) as problem:
        raise InputError(f"{name}: is not a Parquet file ({problem})") from None
    for number, row in enumerate(table.to_pylist(), start=1):
        yield number, _without_none(row)


def _json_rows(stream: BinaryIO) -> Iterator[tuple[int, object]]:
    """Each JSON value with the line it starts on; a `MalformedRecord` where a line is none."""
    number = 0
    try:
        for number, line in enumerate(stream, start=1):
            text = line.strip()
            if not text:
                continue
            if number == 1 and text.startswith(b"["):
                whole = text + stream.read()
                try:
                    values = json.loads(whole)
                except ValueError as problem:
                    yield 1, MalformedRecord(f"not a JSON array ({problem})")
                    return
                yield from enumerate(values, start=1)
                return
            try:
                yield number, json.loads(text)
            except ValueError:
                torn = "the line is cut off" if not line.endswith(b"\n") else "not JSON"
                yield number, MalformedRecord(torn)
    except (EOFError, OSError) as problem:
        yield number + 1, MalformedRecord(f"the file breaks off here ({problem})")
    except Exception as problem:  # zstandard raises its own error type, imported only when used
        if type(problem).__name__ != "ZstdError":
            raise
        yield number + 1, MalformedRecord(f"the file breaks off here ({problem})")


def _key(trace: Trace) -> tuple[object, ...]:
    who = trace.vantage.id if trace.vantage else (trace.prb_id, trace.source)
    return who, trace.msm_id, trace.dst_addr, trace.timestamp, trace.paris_id, trace.proto


def load(paths: Sequence[str]) -> Loaded:
    """Read all records that the paths hold.

    A line that is no traceroute is counted under ``malformed``, a second copy of a record under
    ``duplicate``, a trace that could not be sent under ``not_sent``. Raises `InputError` when a
    path names nothing or a file cannot be read at all.
    """
    loaded = Loaded()
    seen: set[tuple[object, ...]] = set()
    for name in find_files(paths):
        try:
            raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as problem:
            raise InputError(f"{name}: cannot be read ({problem.strerror})") from None
        loaded.inputs[name if name == "-" else Path(name).name] = hashlib.sha256(raw).hexdigest()
        rows = (
            _parquet_rows(name, raw)
            if name.endswith(".parquet")
            else _json_rows(_decompressed(name, raw))
        )
        for number, value in rows:
            try:
                if isinstance(value, MalformedRecord):
                    raise value
                trace = from_json(value)
            except MalformedRecord as problem:
                loaded.reject("malformed", f"{name}:{number}: {problem}; left out")
                continue
            if not trace.hops:
                loaded.reject("not_sent")
                continue
            key = _key(trace)
            if key in seen:
                loaded.reject("duplicate")
                continue
            seen.add(key)
            loaded.traces.append(trace)
    return loaded
