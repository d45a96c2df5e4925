"""Files of traces → `Trace` objects, with everything left out counted by reason.

Reads what the probe writes, bundles, results of RIPE Atlas, scamper's JSON and warts, and Parquet,
from files, folders, globs and standard input, compressed or not. The formats live in
`analysis.intake.formats`; what is decided here is which of them a file has, and what counts as a
copy. What becomes of what is no trace, `analysis.intake.sieve` decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from analysis.intake.formats import atlas, bundle, jsonvalues, scamper, warts
from analysis.intake.inputs import Bomb, InputError, Stream, find_files, opened, short_name
from analysis.intake.misdated import noted, spans_beside
from analysis.intake.sieve import Fault, Malformed, Sieve
from analysis.intake.told import Numbers, fingerprint_of, tell
from probe.record import Trace
from probe.sharing.bundle import SUFFIX, BadBundle


@dataclass
class Loaded:
    """What was read: traces, what was left out by reason, where, and the inputs' hashes.

    ``inputs`` maps a file's name to the sha256 of its bytes. ``unkept`` counts, where it is set,
    the fields of the inputs that a trace has no place for. ``faults`` are what was kept of what
    cannot be read (`analysis.intake.sieve.keep`).
    """

    traces: list[Trace] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    inputs: dict[str, str] = field(default_factory=dict)
    unkept: Counter[str] | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """Sentences that name file and line."""
        return [f"{one.sentence}; left out" for one in self.faults]


class _Chosen:
    """Of results that claim to be the same one the one that counts, whichever came first."""

    def __init__(self) -> None:
        self._numbers = Numbers()
        # By what they claim: the place of the one that counts so far, and what it heard.
        self._places: dict[int, tuple[int, int]] = {}
        self._copies: dict[int, Counter[int]] = {}
        self.traces: list[Trace] = []

    def add(self, trace: Trace) -> None:
        claims, heard = fingerprint_of(trace, tell(trace), self._numbers)
        known = self._places.get(claims)
        if known is None:
            self._places[claims] = len(self.traces), heard
            self.traces.append(trace)
            return
        place, least = known
        self._copies.setdefault(claims, Counter({least: 1}))[heard] += 1
        if heard < least:
            self._places[claims] = place, heard
            self.traces[place] = trace

    def left_out(self) -> Counter[str]:
        """How many were the one that counts once more, and how many another."""
        found: Counter[str] = Counter()
        for claims, copies in self._copies.items():
            alike = copies[self._places[claims][1]]
            found["duplicate"] += alike - 1
            found["repeated_id"] += copies.total() - alike
        return +found


def _unkept(value: object) -> Iterator[str]:
    """The fields of a value that was read which a trace has no place for."""
    if isinstance(value, dict):
        yield from scamper.unkept(value) if scamper.is_measurement(value) else atlas.unkept(value)


@dataclass(frozen=True)
class Input:
    """One file: its bytes where they are lines of JSON, and how to read it in any case.

    ``rows`` gives every value with its line, or its row in Parquet. ``groups`` are how many
    rows each row group has where it is Parquet of ours. ``signed`` gives the seal of a bundle, and
    its lines.
    """

    lines: Stream | None
    rows: Callable[[], Iterator[tuple[int, object]]]
    groups: list[int] | None = None
    signed: Callable[[], tuple[bundle.Seal, tuple[bytes, ...]]] | None = None


_PARQUET = b"PAR1"

# How files begin that hold others, or are packed in a way that is not read. A tar file says it
# further on, in its first header.
_UNREAD_FORMS = {
    b"PK\x03\x04": "is a zip archive",
    b"BZh": "is packed by bzip2, which is not read",
    b"\xfd7zXZ\x00": "is packed by xz, which is not read",
}
_TAR_AT, _TAR = 257, b"ustar"


def _unread_form(stream: Stream) -> str | None:
    """What a file is that has to be unpacked before it can be read, if it is such a one."""
    start = stream.bytes.peek(_TAR_AT + len(_TAR))
    if start.startswith(_TAR, _TAR_AT):
        return "is a tar archive and no bundle of gatewatch"
    return next((what for magic, what in _UNREAD_FORMS.items() if start.startswith(magic)), None)


def input_of(name: str, stream: Stream) -> Input:
    """What a file is by what it begins with; raises `InputError` where it is nothing to read."""
    if stream.bytes.peek(len(_PARQUET)).startswith(_PARQUET):
        # Inputs of lines do without pyarrow, and with less memory.
        from analysis.intake.formats import parquet  # noqa: PLC0415

        return Input(None, lambda: parquet.rows(name, stream), parquet.groups(name))
    if name.endswith(".parquet"):
        raise InputError(f"{name}: is not a Parquet file, or it is empty; fetch it again")
    if bundle.claims_to_be(stream):
        return Input(
            None, lambda: bundle.rows(name, stream), signed=lambda: bundle.opened(name, stream)
        )
    if what := _unread_form(stream):
        raise InputError(f"{name}: {what}; unpack it first")
    if name.endswith(SUFFIX):
        raise InputError(f"{name}: is no bundle of gatewatch")
    if warts.is_warts(stream):
        converted = warts.as_json(name, stream)
        return Input(None, lambda: jsonvalues.rows(converted))
    if spans := spans_beside(name):
        return Input(None, lambda: noted(jsonvalues.rows(stream), spans))
    alone = stream if not jsonvalues.is_spread(stream) else None
    return Input(alone, lambda: jsonvalues.rows(stream))


@contextmanager
def open_input(name: str, inputs: dict[str, str], path: str | None = None) -> Iterator[Input]:
    """Open a file by what it begins with; its hash is put into ``inputs`` once it was read.

    So it is where the rest cannot be read, since what came before counts; but for a `Bomb` that
    comes by standard input, which may have no end. ``path`` is where the file lies if not where its
    name says. Raises `InputError`.
    """
    with opened(name, path) as (stream, sha256):
        source = input_of(name, stream)
        try:
            yield source
        except InputError as problem:
            if not (isinstance(problem, Bomb) and name == "-"):
                inputs[short_name(name, inputs)] = sha256()
            raise
        inputs[short_name(name, inputs)] = sha256()


def _rows(name: str, loaded: Loaded) -> Iterator[tuple[int, object]]:
    """Every value of a file with its line; the last is why there is no more of it, if so."""
    try:
        with open_input(name, loaded.inputs) as source:
            yield from source.rows()
    except (InputError, BadBundle) as problem:
        yield 0, problem


def read(paths: Sequence[str], loaded: Loaded, *, malformed: Malformed = "warn") -> Iterator[Trace]:
    """Yield one trace after the other; what is left out is counted in ``loaded``.

    Nothing but the keys of what was read is held, however long the files are. A line that is no
    traceroute is counted under ``malformed``, a second copy of a record under ``duplicate``, a
    trace that could not be sent under ``not_sent``, a file that cannot be read, or rows of Parquet
    that are damaged, under ``unreadable_file``, one that unpacks to far more than measurements do
    under ``bomb``, and what scamper writes of a run under ``bookkeeping``. Different results that
    claim to be the same one come all of them: `load` chooses. A bundle that is not what its key
    signed counts once, under ``bad_signature`` or ``altered_bundle``: how many traces it had,
    nobody knows.
    Raises `InputError` when a path names nothing, and with ``malformed="fail"`` at the first line
    or file that cannot be read; with ``"ignore"`` they are counted without a complaint.
    """
    numbers = Numbers()
    known: set[int] = set()
    for trace, value in _results(paths, loaded, Sieve(malformed)):
        number = fingerprint_of(trace, tell(trace), numbers).number
        if number in known:
            loaded.rejected["duplicate"] += 1
        else:
            known.add(number)
            if loaded.unkept is not None:
                loaded.unkept.update(_unkept(value))
            yield trace


def _results(paths: Sequence[str], loaded: Loaded, sieve: Sieve) -> Iterator[tuple[Trace, object]]:
    """Every trace with the value that it was read from, copies among them; see `read`."""
    for name in find_files(paths):
        for number, value in _rows(name, loaded):
            trace = sieve.trace(name, number, value, loaded)
            if trace is not None:
                yield trace, value


def load(paths: Sequence[str], *, malformed: Malformed = "warn") -> Loaded:
    """Read all records that the paths hold; see `read`.

    Of results that claim to be the same one the one is taken that `analysis.scale.fold` takes, in
    whatever order they come; the others are counted under ``repeated_id``.
    """
    loaded, chosen = Loaded(), _Chosen()
    for trace, _ in _results(paths, loaded, Sieve(malformed)):
        chosen.add(trace)
    loaded.traces = chosen.traces
    loaded.rejected += chosen.left_out()
    return loaded
