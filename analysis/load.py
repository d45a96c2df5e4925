"""Files of traces → `Trace` objects, with everything left out counted by reason.

Reads what the probe writes and plain RIPE Atlas results, as JSON lines, JSON arrays or Parquet
of that shape, compressed or not, from files, folders, globs and standard input. Judges nothing
but readability.
"""

from __future__ import annotations

import codecs
import glob
import gzip
import hashlib
import io
import json
import os
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    return list({name if name == "-" else os.path.realpath(name): name for name in found}.values())


class _Chunks(io.RawIOBase):
    """A stream of chunks that ends where making them fails, and remembers why in ``broken``."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""
        self.broken: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and self.broken is None:
            try:
                self._rest = next(self._chunks)
            except StopIteration:
                return 0
            except _BrokenOff as problem:
                self.broken = str(problem)
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


class _BrokenOff(Exception):
    """A compressed file is cut off or damaged from here on."""


_CHUNK = 1 << 16


def _gunzipped(raw: bytes) -> Iterator[bytes]:
    stream = gzip.GzipFile(fileobj=io.BytesIO(raw))
    try:
        while chunk := stream.read1(_CHUNK):
            yield chunk
    except (EOFError, OSError, zlib.error) as problem:
        raise _BrokenOff(problem) from None


def _unzstandard(raw: bytes) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 - only where a file needs it

    frame = None
    rest = b""
    at = 0
    while rest or at < len(raw):
        if not rest:
            rest, at = raw[at : at + _CHUNK], at + _CHUNK
        frame = frame or zstandard.ZstdDecompressor().decompressobj()
        try:
            yield frame.decompress(rest)
        except zstandard.ZstdError as problem:
            raise _BrokenOff(problem) from None
        rest = b""
        if frame.eof:
            rest, frame = frame.unused_data, None
    if frame is not None:
        raise _BrokenOff("the last frame has no end")


def _decompressed(name: str, raw: bytes) -> _Chunks:
    if raw.startswith(b"\x1f\x8b"):
        return _Chunks(_gunzipped(raw))
    if raw.startswith(b"\x28\xb5\x2f\xfd"):
        return _Chunks(_unzstandard(raw))
    if name.endswith((".gz", ".zst")):
        raise InputError(f"{name}: is not compressed as its name says; rename it or fetch it again")
    return _Chunks(iter([raw]))


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
    except (pa.ArrowException, OSError) as problem:
        raise InputError(f"{name}: is not a Parquet file ({problem})") from None
    for number, row in enumerate(table.to_pylist(), start=1):
        yield number, _without_none(row)


_BETWEEN = re.compile(r"[\s,]*")


def _array_rows(text: str, line: int) -> Iterator[tuple[int, object]]:
    """The values of a JSON array with the line each starts on; of a torn one those before."""
    decoder = json.JSONDecoder()
    position = text.index("[") + 1
    counted = 0
    while True:
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]  # may be empty
        line += text.count("\n", counted, position)
        counted = position
        if text.startswith("]", position):
            behind = text[position + 1 :].lstrip()
            if not behind:
                return
            if behind.startswith("["):
                position = text.index("[", position) + 1
                continue
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            yield line, MalformedRecord("the JSON array is damaged or cut off here")
            return
        yield line, value


def _json_rows(chunks: _Chunks) -> Iterator[tuple[int, object]]:
    """Each JSON value with the line it starts on; a `MalformedRecord` where a line is none."""
    number = 0
    told = False
    stream = io.BufferedReader(chunks, _CHUNK)
    for number, line in enumerate(stream, start=1):
        text = line.removeprefix(codecs.BOM_UTF8).strip() if number == 1 else line.strip()
        if not text:
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            if number == 1 and text.startswith(b"["):
                whole = text + b"\n" + stream.read()
                yield from _array_rows(whole.decode(errors="replace"), number)
                told = True
                break
            told = chunks.broken is not None
            torn = "the file breaks off here" if told else "the line is cut off"
            yield number, MalformedRecord("not JSON" if line.endswith(b"\n") else torn)
            continue
        if isinstance(value, list):
            yield from ((number, item) for item in value)
        else:
            yield number, value
    if chunks.broken is not None and not told:
        yield number + 1, MalformedRecord(f"the file breaks off here ({chunks.broken})")


def _key(trace: Trace) -> tuple[object, ...]:
    who = trace.vantage.id if trace.vantage else (trace.prb_id, trace.source)
    # Archives may lack the time; what was heard tells one result from another all the same.
    heard = hash(tuple((h.number, r.address, r.rtt) for h in trace.hops for r in h.replies))
    return who, trace.msm_id, trace.dst_addr, trace.timestamp, trace.paris_id, trace.proto, heard


def _rows(name: str, loaded: Loaded) -> Iterator[tuple[int, object]]:
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as problem:
        raise InputError(f"{name}: cannot be read ({problem.strerror})") from None
    short = name if name == "-" else Path(name).name
    loaded.inputs[name if short in loaded.inputs else short] = hashlib.sha256(raw).hexdigest()
    if name.endswith(".parquet"):
        yield from _parquet_rows(name, raw)
    else:
        yield from _json_rows(_decompressed(name, raw))


def load(paths: Sequence[str]) -> Loaded:
    """Read all records that the paths hold.

    A line that is no traceroute is counted under ``malformed``, a second copy of a record under
    ``duplicate``, a trace that could not be sent under ``not_sent``, a file of which nothing can
    be read under ``unreadable_file``. Raises `InputError` when a path names nothing.
    """
    loaded = Loaded()
    seen: set[tuple[object, ...]] = set()
    for name in find_files(paths):
        try:
            for number, value in _rows(name, loaded):
                _take(value, f"{name}:{number}", loaded, seen)
        except InputError as problem:
            loaded.reject("unreadable_file", f"{problem}; left out")
    return loaded


def _take(value: object, where: str, loaded: Loaded, seen: set[tuple[object, ...]]) -> None:
    try:
        if isinstance(value, MalformedRecord):
            raise value
        trace = from_json(value)
    except MalformedRecord as problem:
        loaded.reject("malformed", f"{where}: {problem}; left out")
        return
    if not trace.hops:
        loaded.reject("not_sent")
        return
    key = _key(trace)
    if key in seen:
        loaded.reject("duplicate")
        return
    seen.add(key)
    loaded.traces.append(trace)
