"""Traces → how many there are of each likeness and day: the map, and the reduce.

The map (`Folder`) turns a piece of the input into a `Part`, wherever it runs; the reduce (`Folded`)
puts parts together, in whatever order they come. Nothing of a trace is kept but its likeness, its
day and its fingerprint (`analysis.scale.shelf`); what a likeness is, a folder seldom says twice.
Copies are told at the very end, when all is there, and which of them counts is for their
fingerprints to say: so the outcome hangs neither on the order of the input, nor on how it was cut,
nor on who was ready first. Reads no input and starts no process.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.evidence.desk import Desk, Reading, Track, Unusable
from analysis.evidence.observation import date_of, day_of
from analysis.evidence.panel import Panel, cross
from analysis.evidence.plausibility import Sign, signs_of_times, signs_of_way
from analysis.intake.sieve import Fault
from analysis.intake.told import Fingerprint, Rtts, Speaker, Told
from analysis.paths.path import Path
from analysis.policy import Policy
from analysis.scale.likeness import Likeness, Likenesses
from analysis.scale.shelf import Shelf, Tally

_DAY_BITS = 16

_TIMES = {"timestamp", "rtts"}

# All that a trace says but its times.
_common = itemgetter(*(Told._fields.index(name) for name in Told._fields if name not in _TIMES))

# So many ways are remembered with the patterns of their traces: a guard of the memory.
_REMEMBERED = 50_000


class Pattern(NamedTuple):
    """What traces have in common. ``reason`` says why they are none, "" where they are usable.

    ``addresses`` has "" for silence, so that patterns can be put in order. ``snapshots``, ``said``
    and ``notes`` are what the records say, as in `analysis.intake.told.Told`, ``signs`` what speaks
    against each by itself (see `analysis.evidence.plausibility`). ``twin`` is what they have in
    common under another address table, where they are folded by two.
    """

    reason: str
    organisation: str
    speaker: Speaker
    family: int
    proto: str
    destination: str
    addresses: tuple[str, ...]
    decisions: bytes
    snapshots: tuple[str, ...]
    said: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    signs: tuple[Sign, ...]
    twin: tuple[Pattern, ...] = ()


_NONE = Pattern("", "", Speaker("", ""), 0, "", "", (), b"", (), (), (), ())

# So many bytes that nobody can make a pattern that is taken for another's.
_NAME_BYTES = 16


def name_of(pattern: Pattern) -> bytes:
    """What a pattern is called in every process."""
    said = repr(pattern).encode("utf-8", "surrogatepass")
    return blake2b(said, digest_size=_NAME_BYTES).digest()


@dataclass
class Part:
    """What became of one piece of the input.

    ``names`` are those of its patterns, some twice. ``patterns`` says what they are, if not of all,
    then of those of which its folder had not said it yet, each with one row of RTTs that decide as
    all of its traces' do. ``places`` has for each trace the number of its pattern among the names
    and its day, packed; ``claims`` and ``heard`` its fingerprint. ``rejected`` counts what was left
    out while reading, ``faults`` are those of them that have a sentence.
    """

    names: list[bytes] = field(default_factory=list)
    patterns: dict[bytes, tuple[Pattern, Rtts]] = field(default_factory=dict)
    claims: array[int] = field(default_factory=lambda: array("q"))
    heard: array[int] = field(default_factory=lambda: array("q"))
    places: array[int] = field(default_factory=lambda: array("Q"))
    rejected: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def numbers_and_days(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """For each trace the number of its pattern, and its day."""
        places = np.array(self.places, np.uint64)
        return places >> np.uint64(_DAY_BITS), places & np.uint64((1 << _DAY_BITS) - 1)


# What tells the patterns of kin apart: why they are no traces, or how many addresses count, how
# comparisons of RTTs come out, and the signs of their times.
_Difference = str | tuple[int, bytes, tuple[Sign, ...]]


class Voice(NamedTuple):
    """What traces say of themselves, as patterns have it."""

    snapshots: tuple[str, ...]
    said: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


class _Course(NamedTuple):
    """What traces have in common that differ in nothing but their times.

    ``likeness`` is that of one with these RTTs, ``signs`` are those of their way, ``arrived`` says
    whether that ends with their destination.
    """

    track: Track
    likeness: Callable[[Rtts], Likeness]
    signs: tuple[Sign, ...]
    arrived: bool


@dataclass(slots=True, eq=False)
class _Met:
    """A pattern that was met, and what was said of it: to hash one takes as long as all the rest.

    ``number`` is its number among the names of the last part that had it, the folder's
    ``part``-th. ``name`` is empty until it is asked for, ``telling`` the last one in which it was
    said what the pattern is.
    """

    pattern: Pattern
    name: bytes = b""
    part: int = 0
    number: int = 0
    telling: int = -1


class _Kin(NamedTuple):
    """Traces that differ in nothing but their times: who they are, or why they are not usable.

    ``patterns`` are those that were met. The reason is no exception, which would hold all that was
    at hand when it was raised, the piece of the input too.
    """

    course: _Course | str
    patterns: dict[_Difference, _Met]


class Folder:
    """The map: folds traces of one country under one table and one policy.

    What does not hang on times is found out once for all traces that have it in common. What a
    pattern is, is said in the first part only that has it. A part that is lost may have said it: so
    another folder has to fold that piece again, which says then what it had not said before. Or
    this one, once it has been told to `begin_anew`.
    """

    def __init__(self, desk: Desk, policy: Policy) -> None:
        self._desk = desk
        self._policy = policy
        self._likenesses = Likenesses(policy)
        self._kin: dict[tuple[object, ...], _Kin] = {}
        self._patterns: dict[Pattern, _Met] = {}
        self._part: Part | None = None
        self._parts = 0
        self._telling = 0

    def add(self, told: Told, fingerprint: Fingerprint, part: Part) -> None:
        """Add one trace to a part. Parts are filled one after the other."""
        if part is not self._part:
            self._part = part
            self._parts += 1
        common = _common(told)
        kin = self._kin.get(common)
        if kin is None:
            kin = self._meet(common, told)
        met, rtts, day = self._sorted(kin, told)
        if met.part != self._parts:
            self._mention(met, rtts, part)
        part.places.append(met.number << _DAY_BITS | day)
        part.claims.append(fingerprint.claims)
        part.heard.append(fingerprint.heard)

    def begin_anew(self) -> None:
        """Say again what each pattern is."""
        self._telling += 1

    def _mention(self, met: _Met, rtts: Rtts, part: Part) -> None:
        """Give a pattern that this part has not had yet its number there."""
        if not met.name:
            met.name = name_of(met.pattern)
        if met.telling != self._telling:
            met.telling = self._telling
            part.patterns[met.name] = met.pattern, rtts
        met.part, met.number = self._parts, len(part.names)
        part.names.append(met.name)

    def _meet(self, common: tuple[object, ...], told: Told) -> _Kin:
        if len(self._kin) >= _REMEMBERED:
            self._kin.clear()
            self._patterns.clear()
        kin = self._kin[common] = _Kin(self._course(told), {})
        return kin

    def _course(self, told: Told) -> _Course | str:
        try:
            track = self._desk.track(told)
        except Unusable as problem:
            return str(problem)
        path = Path(track.path.frame, told.addresses, told.rtts, track.path.reader)
        return _Course(
            track,
            self._likenesses.along(path, abroad=track.target.abroad),
            signs_of_way(told.addresses, told.dst_addr),
            told.addresses[-1] == told.dst_addr,
        )

    def _sorted(self, kin: _Kin, told: Told) -> tuple[_Met, Rtts, int]:
        """The pattern of a trace, RTTs that decide as its own do, and its day."""
        course = kin.course
        objection = self._desk.objection(told)
        if objection is not None or isinstance(course, str):
            return self._rejected(kin, objection if objection is not None else str(course), told)
        track = course.track
        objection = track.objection(told.rtts)
        if objection is not None:
            return self._rejected(kin, objection, told)
        signs = signs_of_times(
            told.rtts, track.target.least_rtt, self._policy, arrived=course.arrived
        )
        addresses, rtts, decisions = course.likeness(told.rtts)
        difference = (len(addresses), decisions, signs)
        met = kin.patterns.get(difference)
        if met is None:
            shown = tuple([address or "" for address in addresses])
            pattern = _NONE._replace(
                organisation=track.organisation,
                speaker=track.speaker,
                family=track.family,
                proto=track.proto,
                destination=track.destination,
                addresses=shown,
                decisions=decisions,
                signs=(*signs, *course.signs),
            )
            met = self._keep(kin, difference, pattern, told)
        return met, rtts, day_of(told.timestamp)

    def _rejected(self, kin: _Kin, reason: str, told: Told) -> tuple[_Met, Rtts, int]:
        met = kin.patterns.get(reason)
        if met is None:
            met = self._keep(kin, reason, _NONE._replace(reason=reason), told)
        return met, (), 0

    def _keep(self, kin: _Kin, difference: _Difference, pattern: Pattern, told: Told) -> _Met:
        """The pattern with what the record says, one object for all that are equal."""
        pattern = pattern._replace(snapshots=told.snapshots, said=told.said, notes=told.notes)
        met = self._patterns.get(pattern)
        if met is None:
            met = self._patterns[pattern] = _Met(pattern)
        kin.patterns[difference] = met
        return met


class Counted(NamedTuple):
    """How many traces of one pattern there are on each of these days (since 1970, in order).

    Rows of days that are equal, as most are, are one object, and so are those of counts.
    """

    pattern: Pattern
    rtts: Rtts
    days: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def traces(self) -> int:
        """How many there are on all days."""
        return sum(self.counts)


class Folded:
    """The reduce: takes parts in any order, each with the place of its piece in the input."""

    def __init__(self) -> None:
        # By name: of those that were mentioned, their number, and of those that were said, what.
        self._numbers: dict[bytes, int] = {}
        self._patterns: dict[bytes, tuple[Pattern, Rtts]] = {}
        # What patterns are made of, each once: another process has sent it anew with each of them.
        self._common: dict[object, Any] = {}
        # By the place of a part: how many had come before it.
        self._came: dict[tuple[int, ...], int] = {}
        self._shelf = Shelf()
        self._parts = 0
        self._rejected: Counter[str] = Counter()
        self._faults: dict[tuple[int, ...], list[Fault]] = {}

    def add(self, place: tuple[int, ...], part: Part) -> None:
        """Take in a part. ``place`` orders the pieces as they lie in the input.

        Raises OSError where temporary files cannot be written.
        """
        numbers = [self._numbers.setdefault(name, len(self._numbers)) for name in part.names]
        for name, (pattern, rtts) in part.patterns.items():
            if name not in self._patterns:
                self._patterns[name] = self._of_common(pattern), rtts
        which, days = part.numbers_and_days()
        claims, heard = (np.array(column, np.int64) for column in (part.claims, part.heard))
        self._shelf.put(self._parts, claims, heard, np.array(numbers, np.uint32)[which], days)
        self._came[place] = self._parts
        self._parts += 1
        self._rejected += part.rejected
        if part.faults:
            self._faults[place] = part.faults

    def _of_common(self, pattern: Pattern) -> Pattern:
        common = self._common.setdefault
        addresses = tuple([common(address, address) for address in pattern.addresses])
        twin = tuple(map(self._of_common, pattern.twin))
        fields = pattern._replace(addresses=addresses, twin=twin)
        return Pattern._make([common(field, field) for field in fields])

    def faults(self) -> Iterator[Fault]:
        """All faults in the order of the input."""
        for _, faults in sorted(self._faults.items()):
            yield from faults

    def finish(self) -> tuple[list[Counted], Counter[str]]:
        """How many traces of each pattern and day there are, in order, and what was left out.

        Of results that claim to be the same one a single one counts
        (`analysis.intake.told.Fingerprint`); the others are ``duplicate`` where they heard the same
        as it, else ``repeated_id``. To be asked once.
        """
        tally = self._shelf.tally(list(self._came.values()))
        self.close()
        copies = {"duplicate": tally.duplicates, "repeated_id": tally.repeated}
        return self._in_order(tally), +(self._rejected + Counter(copies))

    def close(self) -> None:
        """Let go of the temporary files. Safe to call twice."""
        self._shelf.close()

    def _in_order(self, tally: Tally) -> list[Counted]:
        if self._numbers.keys() - self._patterns:
            raise RuntimeError("a part was lost that said what others are made of")
        known = [self._patterns[name] for name in self._numbers]
        numbers, first = np.unique(tally.numbers, return_index=True)
        spans = pairwise([*first.tolist(), len(tally.numbers)])
        rows: dict[tuple[int, ...], tuple[int, ...]] = {}
        counted = []
        for number, (start, end) in zip(numbers.tolist(), spans, strict=True):
            pattern, rtts = known[number]
            days, counts = (tuple(row[start:end].tolist()) for row in (tally.days, tally.counts))
            shared = rows.setdefault(days, days), rows.setdefault(counts, counts)
            counted.append(Counted(pattern, rtts, *shared))
        return sorted(counted, key=lambda one: one.pattern)


def joined(used: Part, other: Part) -> Part:
    """Of what two tables make of the same traces one part: the patterns of the other are twins.

    Both have to say what all of their patterns are. A pattern's RTTs are followed by those of its
    twin; see `by_table`.
    """
    (mine, my_days), (theirs, their_days) = used.numbers_and_days(), other.numbers_and_days()
    pairs, which = np.unique(mine << np.uint64(32) | theirs, return_inverse=True)
    places = which.astype(np.uint64) << np.uint64(_DAY_BITS) | np.maximum(my_days, their_days)
    part = Part(
        claims=used.claims,
        heard=used.heard,
        places=array("Q", places.tobytes()),
        rejected=used.rejected,
        faults=used.faults,
    )
    for pair in pairs.tolist():
        pattern, rtts = used.patterns[used.names[pair >> 32]]
        twin, its = other.patterns[other.names[pair & 0xFFFFFFFF]]
        both = pattern._replace(twin=(twin,))
        part.names.append(name_of(both))
        part.patterns[part.names[-1]] = both, rtts + its
    return part


def by_table(counted: Sequence[Counted]) -> tuple[list[Counted], list[Counted]]:
    """What was counted by two tables, by each of them: the same traces at the same place."""
    used, other = [], []
    for pattern, rtts, days, counts in counted:
        (twin,) = pattern.twin
        own = len(pattern.addresses)
        used.append(Counted(pattern._replace(twin=()), rtts[:own], days, counts))
        other.append(Counted(twin, rtts[own:], days, counts))
    return used, other


def panel_of(counted: Sequence[Counted], desk: Desk, policy: Policy) -> Panel:
    """The panel of what was counted; an observation's number is that of its pattern."""
    usable = [number for number, one in enumerate(counted) if not one.pattern.reason]
    panel = cross(list(readings(counted, desk)), unusable(counted), policy)
    panel.numbers = [usable[number] for number in panel.numbers]
    return panel


def readings(counted: Iterable[Counted], desk: Desk) -> Iterator[Reading]:
    """The usable ones as readings that each stand for many traces."""
    dates: dict[int, dt.date] = {}
    rows: dict[tuple[int, ...], tuple[dt.date, ...]] = {}
    for pattern, rtts, days, counts in counted:
        if not pattern.reason:
            row = rows.get(days)
            if row is None:
                row = rows[days] = tuple([dates.setdefault(day, date_of(day)) for day in days])
            yield desk.read_again(pattern, rtts, row, counts)


def voices(counted: Iterable[Counted]) -> list[tuple[Voice, int]]:
    """What the traces say of themselves, and how many say it."""
    found: Counter[Voice] = Counter()
    for one in counted:
        pattern = one.pattern
        found[Voice(pattern.snapshots, pattern.said, pattern.notes)] += one.traces
    return list(found.items())


def unusable(counted: Sequence[Counted]) -> Counter[str]:
    """How many traces are left out for each reason."""
    found: Counter[str] = Counter()
    for one in counted:
        if one.pattern.reason:
            found[one.pattern.reason] += one.traces
    return found
