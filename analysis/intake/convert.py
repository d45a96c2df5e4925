"""Traces into files: lines of records, plain Atlas results, or Parquet by country and day.

Every trace that is written is read back from what was written, and each part of it that did not
come back is counted: what a format cannot carry is said, and never guessed from a list. Where
traces come from is not known here.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol, cast

from analysis.intake.formats import atlas, parquet
from analysis.intake.unfinished import folder_named
from probe.disk.private import sync_file, sync_folder
from probe.record import Hop, Reply, Trace, from_json, moment, to_json

Form = Literal["records", "atlas", "parquet"]

# How the names of files of lines end; ``-`` is standard output.
LINES = ("-", ".jsonl", ".json", ".jsonl.gz", ".json.gz", ".jsonl.zst", ".json.zst")

# Names of other files, none of which is written here: a folder under one of them would mislead.
OTHERS = (".bz2", ".csv", ".gz", ".tar", ".tsv", ".txt", ".warts", ".xz", ".zip", ".zst")

# Partitions of traces without a country, by the code that is kept free for it, and without a time.
# (Hive has a name for "no value", but Arrow cannot read it beside values.)
NO_COUNTRY = "ZZ"
NO_DAY = "1970-01-01"

# Files of partitions that are open at once, and rows that wait for theirs to be worth writing.
_OPEN = 64
_WAITING = 8192
_GROUP = 4096


class NotAFile(ValueError):
    """The form asked for cannot be written under this name; the message says why."""


@dataclass
class Converted:
    """What was written: traces, files, and the parts of traces that the form has no place for."""

    traces: int = 0
    files: int = 0
    lost: Counter[str] = field(default_factory=Counter)


def form_of(out: str) -> Form:
    """The form that a name asks for: a folder or ``.parquet`` is Parquet, all else is lines.

    >>> form_of("kh.jsonl.zst"), form_of("-"), form_of("kh.parquet"), form_of("kh/")
    ('records', 'records', 'parquet', 'parquet')
    """
    return "records" if out.endswith(LINES) else "parquet"


_OF_TRACE = tuple(name for name in Trace._fields if name != "hops")
_OF_HOP = tuple(name for name in Hop._fields if name != "replies")


def _changed(before: Any, after: Any, names: Iterable[str], where: str) -> Iterator[str]:
    for name in names:
        said = getattr(before, name)
        # What was not known cannot be lost: a number that Atlas wants is made up for it.
        if said is not None and said != getattr(after, name):
            yield f"{where}{name}"


def differences(before: Trace, after: Trace) -> Iterator[str]:
    """The parts of a trace that another one does not have as they were.

    >>> trace = Trace("192.0.2.1", 4, "ICMP", 1.5, 2.0, (Hop(1, (Reply("192.0.2.1", 3.0),)),))
    >>> list(differences(trace, trace._replace(timestamp=1)))
    ['timestamp']
    """
    if before == after:
        return
    yield from _changed(before, after, _OF_TRACE, "")
    for hop, other in zip(before.hops, after.hops, strict=True):
        if hop == other:
            continue
        yield from _changed(hop, other, _OF_HOP, "hops[].")
        if len(hop.replies) != len(other.replies):
            yield "hops[].replies"
            continue
        for reply, answer in zip(hop.replies, other.replies, strict=True):
            yield from _changed(reply, answer, Reply._fields, "hops[].replies[].")


class _Writer(Protocol):
    """Takes traces one by one; ``files`` is how many it has made."""

    files: int

    def write(self, trace: Trace) -> Trace:
        """Write a trace; what a reader will see of it is given back."""


class _Lines:
    """One JSON object a line."""

    files = 1

    def __init__(self, file: IO[bytes], to_fields: Callable[[Trace], dict[str, Any]]) -> None:
        self._file = file
        self._to_fields = to_fields

    def write(self, trace: Trace) -> Trace:
        written = self._to_fields(trace)
        self._file.write(json.dumps(written, separators=(",", ":")).encode() + b"\n")
        return from_json(written)


class _Partitions:
    """Parquet files under ``country=XX/day=YYYY-MM-DD``; a few are open, and few rows wait."""

    def __init__(self, folder: Path, country: Callable[[Trace], str | None]) -> None:
        self.files = 0
        self._folder = folder
        self._country = country
        self._open: OrderedDict[str, parquet.Writer] = OrderedDict()
        self._rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._waiting = 0

    def write(self, trace: Trace) -> Trace:
        row = parquet.to_row(trace)
        country = self._country(trace) or NO_COUNTRY
        # A record may say anything; what names a folder is a code.
        code = country if re.fullmatch("[A-Z]{2}", country) else NO_COUNTRY
        partition = f"country={code}/day={_day(trace)}"
        rows = self._rows[partition]
        rows.append(row)
        self._waiting += 1
        if len(rows) >= _GROUP:
            self._flush(partition)
        elif self._waiting >= _WAITING:
            self._flush(max(self._rows, key=lambda name: len(self._rows[name])))
        return parquet.of_row(row)

    def _flush(self, partition: str) -> None:
        rows = self._rows.pop(partition)
        self._waiting -= len(rows)
        self._writer(partition).write_table(parquet.table_of(rows))

    def _writer(self, partition: str) -> parquet.Writer:
        if partition not in self._open:
            while len(self._open) >= _OPEN:
                self._open.popitem(last=False)[1].close()
            path = self._folder / partition / f"part-{self.files}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[partition] = parquet.Writer(path, parquet.SCHEMA, compression="zstd")
            self.files += 1
        self._open.move_to_end(partition)
        return self._open[partition]

    def finish(self) -> None:
        """Write the rows that wait."""
        for partition in list(self._rows):
            self._flush(partition)

    def close(self) -> None:
        """Close the files, finished or not."""
        for writer in self._open.values():
            writer.close()


def _day(trace: Trace) -> str:
    """The UTC day on which a trace began."""
    began = moment(trace.timestamp)
    return NO_DAY if began is None else began.date().isoformat()


def _packed(file: IO[bytes], name: str) -> AbstractContextManager[IO[bytes]]:
    """What to write to, so that the file is compressed as its name says."""
    if name.endswith(".gz"):
        return cast("IO[bytes]", gzip.GzipFile("", "wb", fileobj=file, mtime=0))
    if name.endswith(".zst"):
        import zstandard  # noqa: PLC0415 - only where a file needs it

        return cast("IO[bytes]", zstandard.ZstdCompressor().stream_writer(file))
    return nullcontext(file)


@contextmanager
def _writer(out: str, form: Form, country: Callable[[Trace], str | None]) -> Iterator[_Writer]:
    to_fields = atlas.to_atlas if form == "atlas" else to_json
    if out == "-":
        yield _Lines(sys.stdout.buffer, to_fields)
        sys.stdout.buffer.flush()
        return
    path = Path(out)
    with folder_named(path.with_name(f"{path.name}.part"), parents=form == "parquet") as folder:
        # Under a name by which nobody takes it for traces.
        unfinished = folder / "unfinished"
        if form == "parquet":
            unfinished.mkdir(mode=0o700)
            with closing(_Partitions(unfinished, country)) as partitions:
                yield partitions
                partitions.finish()
        else:
            unfinished.touch(mode=0o600)
            with unfinished.open("wb") as plain, _packed(plain, path.name) as file:
                yield _Lines(file, to_fields)
        _bring_to_disk(unfinished)
        unfinished.rename(path)
        sync_folder(path.parent)


def _bring_to_disk(written: Path) -> None:
    """Return once a file, or all of a folder, is on the disk."""
    if not written.is_dir():
        sync_file(written)
        return
    for inside in written.iterdir():
        _bring_to_disk(inside)
    sync_folder(written)


def convert(
    traces: Iterable[Trace],
    out: str,
    form: Form,
    country: Callable[[Trace], str | None] = lambda trace: (
        trace.vantage.country if trace.vantage else None
    ),
) -> Converted:
    """Write traces to a file, or ``-`` for standard output, or a folder of Parquet.

    File and folder are for their owner alone, since traces are those of volunteers.
    ``country`` says in which country a trace was measured. What is unfinished has another name
    and is taken away when it fails, or by the next call where this one is killed. Raises
    FileExistsError rather than write over anything, and `NotAFile` for Parquet where only a file
    can be, for lines or Parquet under the name of another form, and for a name that is empty.
    """
    if not out:
        raise NotAFile("'' names no file: it is empty, as of a variable that is not set")
    if form == "parquet" and out.endswith(LINES):
        raise NotAFile(f"Parquet is a folder of files, which {out} does not name")
    if form == "parquet" and out.endswith(OTHERS):
        raise NotAFile(
            f"{out} would be a folder of Parquet files: call it .parquet, or .jsonl for JSON lines"
        )
    if form != "parquet" and out.endswith((".parquet", ".tar", ".warts")):
        raise NotAFile(f"{out} would hold lines of JSON; call it .jsonl, .jsonl.gz or .jsonl.zst")
    if out != "-" and os.path.lexists(out):
        raise FileExistsError(out)
    done = Converted()
    with _writer(out, form, country) as writer:
        for trace in traces:
            done.lost.update(differences(trace, writer.write(trace)))
            done.traces += 1
    done.files = writer.files
    return done
