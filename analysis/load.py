"""Files of traces → `Trace` objects, with everything left out counted by reason.

Reads what the probe writes, bundles, results of RIPE Atlas, scamper's JSON and warts, and Parquet,
from files, folders, globs and standard input, compressed or not. The formats live in
`analysis.formats`; what is decided here is which of them a file has, what counts as a copy, and
what happens to what cannot be read. Judges nothing but readability.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from analysis.formats import atlas, bundle, jsonvalues, parquet, scamper, warts
from analysis.inputs import InputError, Stream, find_files, opened
from probe.bundle import SUFFIX, BadBundle
from probe.record import MalformedRecord, Trace

Malformed = Literal["warn", "fail", "ignore"]


@dataclass
class Loaded:
    """What was read: traces, what was left out by reason, where, and the inputs' hashes.

    ``complaints`` are sentences that name file and line, at most ``COMPLAINTS`` of them.
    ``inputs`` maps a file's name to the sha256 of its bytes. ``unkept`` counts, where it is set,
    the fields of the inputs that a trace has no place for.
    """

    traces: list[Trace] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    unkept: Counter[str] | None = None

    def reject(self, reason: str, complaint: str | None = None) -> None:
        self.rejected[reason] += 1
        if complaint is not None and len(self.complaints) < COMPLAINTS:
            self.complaints.append(complaint)


COMPLAINTS = 20


class _Copies:
    """Tells a second copy of a result, and a second result that claims to be the same one.

    Only hashes of 64 bits are held: of ten million results two are taken for one with a chance of
    one in 370,000.
    """

    def __init__(self) -> None:
        self._heard: dict[int, int] = {}

    def alike(self, trace: Trace) -> bool | None:
        """Whether an earlier result of this id heard the same; None where this is the first."""
        who = trace.vantage.id if trace.vantage else (trace.prb_id, trace.source)
        key: tuple[object, ...] = (
            who, trace.msm_id, trace.dst_addr, trace.timestamp, trace.paris_id, trace.proto,
        )  # fmt: skip
        heard = hash(tuple((h.number, r.address, r.rtt) for h in trace.hops for r in h.replies))
        if not trace.timestamp or trace.msm_id is None:
            # Archives may lack the time; what was heard tells one result from another all the same.
            key = (*key, heard)
        number = hash(key)
        if number not in self._heard:
            self._heard[number] = heard
            return None
        return self._heard[number] == heard


def _trace_of(value: object, loaded: Loaded) -> Trace | None:
    """The trace that a JSON value is; None where it is left out, and counted, for a good reason."""
    if isinstance(value, MalformedRecord):
        raise value
    if not isinstance(value, dict):
        raise MalformedRecord("not a JSON object")
    if scamper.is_bookkeeping(value):
        loaded.reject("bookkeeping")
        return None
    return scamper.read(value) if scamper.is_measurement(value) else atlas.read(value)


def _unkept(value: object) -> Iterator[str]:
    """The fields of a value that was read which a trace has no place for."""
    if isinstance(value, dict):
        yield from scamper.unkept(value) if scamper.is_measurement(value) else atlas.unkept(value)


def _values(name: str, stream: Stream) -> Iterator[tuple[int, object]]:
    if warts.is_warts(stream):
        stream = warts.as_json(name, stream)
    return jsonvalues.rows(stream)


def _rows(name: str, loaded: Loaded) -> Iterator[tuple[int, object]]:
    """Every value of a file with its line, or its row in Parquet."""
    with opened(name) as (stream, sha256):
        if parquet.is_parquet(stream):
            yield from parquet.rows(name, stream)
        elif name.endswith(".parquet"):
            raise InputError(f"{name}: is not a Parquet file, or it is empty; fetch it again")
        elif bundle.claims_to_be(stream):
            yield from bundle.rows(name, stream)
        elif name.endswith(SUFFIX):
            raise InputError(f"{name}: is no bundle of gatewatch")
        else:
            yield from _values(name, stream)
        short = name if name == "-" else Path(name).name
        loaded.inputs[name if short in loaded.inputs else short] = sha256()


def read(paths: Sequence[str], loaded: Loaded, *, malformed: Malformed = "warn") -> Iterator[Trace]:
    """Yield one trace after the other; what is left out is counted in ``loaded``.

    Nothing but the keys of what was read is held, however long the files are. A line that is no
    traceroute is counted under ``malformed``, a second copy of a record under ``duplicate``, a
    second, different result with the same measurement, probe and time under ``repeated_id``, a
    trace that could not be sent under ``not_sent``, a file of which nothing can be read under
    ``unreadable_file``, and what scamper writes of a run under ``bookkeeping``. A bundle that is
    not what its key signed counts once, under ``bad_signature`` or ``altered_bundle``: how many
    traces it had, nobody knows. Raises `InputError` when a path names nothing, and with
    ``malformed="fail"`` at the first line or file that cannot be read; with ``"ignore"`` they are
    counted without a complaint.
    """
    copies = _Copies()

    def leave_out(reason: str, complaint: str) -> None:
        if malformed == "fail":
            raise InputError(f"{complaint}; leave it out with --malformed warn, or mend it")
        loaded.reject(reason, f"{complaint}; left out" if malformed == "warn" else None)

    for name in find_files(paths):
        rows = _rows(name, loaded)
        while True:
            try:
                number, value = next(rows)
            except StopIteration:
                break
            except InputError as problem:
                leave_out("unreadable_file", str(problem))
                break
            except BadBundle as problem:
                forged = problem.reason == "bad_signature"
                leave_out("bad_signature" if forged else "altered_bundle", f"{name}: {problem}")
                break
            try:
                trace = value if isinstance(value, Trace) else _trace_of(value, loaded)
            except MalformedRecord as problem:
                leave_out("malformed", f"{name}:{number}: {problem}")
                continue
            if trace is None:
                continue
            if not trace.hops:
                loaded.reject("not_sent")
            elif (alike := copies.alike(trace)) is not None:
                loaded.reject("duplicate" if alike else "repeated_id")
            else:
                if loaded.unkept is not None:
                    loaded.unkept.update(_unkept(value))
                yield trace


def load(paths: Sequence[str], *, malformed: Malformed = "warn") -> Loaded:
    """Read all records that the paths hold; see `read`."""
    loaded = Loaded()
    loaded.traces.extend(read(paths, loaded, malformed=malformed))
    return loaded
