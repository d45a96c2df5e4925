"""Files of any length → the panel that a verdict is made of, in bounded memory and on all cores.

Puts the steps in order: pieces of the input are folded (the map) in this process, in several, or
on a Dask cluster, and the parts put together here (the reduce). Where the map runs makes no
difference to the outcome. What a fold is, `analysis.scale.fold` knows; what a piece is,
`analysis.scale.pieces`.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Protocol

from analysis.evidence.desk import CountryTable, Desk
from analysis.evidence.panel import Panel
from analysis.intake.formats import jsonvalues
from analysis.intake.formats.typed import Lines as TypedLines
from analysis.intake.formats.typed import Surprise
from analysis.intake.inputs import InputError
from analysis.intake.load import Loaded
from analysis.intake.shortage import unless_short
from analysis.intake.sieve import Malformed, Sieve, keep
from analysis.intake.told import Fingerprint, Told, fingerprint_of, tell
from analysis.owners.operators import Gazetteer
from analysis.policy import Policy
from analysis.scale.fold import Folded, Folder, Part, Voice, by_table, joined, panel_of, voices
from analysis.scale.heap import give_back
from analysis.scale.pieces import (
    Given,
    Groups,
    Lines,
    Piece,
    Place,
    Signed,
    Unreadable,
    cut_up,
    pieces,
    uncut,
)
from analysis.scale.spawning import processes

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    from pyarrow.parquet import ParquetFile

    from analysis.intake.formats.columns import Files

# No more than so many full pieces are folded here: to start other processes would take longer.
_ALONE = 4


@dataclass(frozen=True)
class Recipe:
    """All that folding a piece depends on besides the piece.

    ``other`` is another address table to fold by as well.
    """

    table: CountryTable
    country: str
    policy: Policy
    now: float
    malformed: Malformed = "warn"
    other: CountryTable | None = None

    def desks(self) -> list[Desk]:
        """One for each table."""
        tables = [table for table in (self.table, self.other) if table is not None]
        return [
            Desk(Gazetteer(table, self.country), table, self.policy, self.now) for table in tables
        ]


class Mapper:
    """Folds one piece after the other; what it learns of addresses serves all of them.

    A part that was lost is to be made by another one, or by this one after `begin_anew`.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._sieve = Sieve(recipe.malformed)
        self._folder, *others = (Folder(desk, recipe.policy) for desk in recipe.desks())
        self._other = others[0] if others else None
        self._add = self._folder.add if self._other is None else self._add_to_both
        self._beside = Part()
        self._lines = TypedLines()
        self._files: Files | None = None

    def part(self, piece: Piece) -> Part:
        """What becomes of a piece.

        Raises `InputError` where something cannot be read and the recipe says to fail then.
        """
        part, self._beside = Part(), Part()
        if self._other is not None:
            # Each pattern is joined with its twins.
            self.begin_anew()
        try:
            self._fill(part, piece)
        except BaseException:
            self.begin_anew()
            raise
        return part if self._other is None else joined(part, self._beside)

    def begin_anew(self) -> None:
        """Have the parts that follow say again what was said in those before: one was lost."""
        self._folder.begin_anew()
        if self._other is not None:
            self._other.begin_anew()

    def _add_to_both(self, told: Told, fingerprint: Fingerprint, part: Part) -> None:
        assert self._other is not None
        self._folder.add(told, fingerprint, part)
        self._other.add(told, fingerprint, self._beside)

    def _fill(self, part: Part, piece: Piece) -> None:
        if isinstance(piece, Lines):
            self._add_lines(piece, part)
        elif isinstance(piece, Signed):
            self._add_signed(piece, part)
        elif isinstance(piece, Unreadable):
            self._sieve.blame(piece.name, piece.problem, part)
        elif isinstance(piece, Groups):
            self._add_groups(piece, part)
        else:
            for number, value in piece.rows:
                self._add_value(piece.name, number, value, part)

    def _add_lines(self, piece: Lines, part: Part) -> None:
        read, add = self._lines.read, self._add
        for number, line in enumerate(piece.data.split(b"\n")[:-1], start=piece.first):
            try:
                found = read(line)
            except Surprise:
                for nth, value in jsonvalues.of_line(line + b"\n", number):
                    self._add_value(piece.name, nth, value, part)
                continue
            if found is None:
                part.rejected["not_sent"] += 1
            else:
                add(*found, part)

    def _add_signed(self, piece: Signed, part: Part) -> None:
        seal = piece.seal
        for number, line in enumerate(piece.data.split(b"\n")[:-1], start=1):
            try:
                found = self._lines.read(line, seal.key)
            except Surprise:
                found = None
            if found is None or not seal.covers(found[0].vantage):
                self._add_value(piece.name, number, seal.value(line + b"\n"), part)
            else:
                self._add(*found, part)

    def _add_groups(self, piece: Groups, part: Part) -> None:
        # Inputs of lines do without pyarrow, in each process.
        from analysis.intake.formats import columns  # noqa: PLC0415

        if self._files is None:
            self._files = columns.Files()
        try:
            file = self._files.opened(piece.name)
        except InputError as problem:
            self._sieve.blame(piece.name, problem, part)
            return
        for number in range(piece.first, piece.end):
            try:
                self._add_group(piece.name, file, number, part)
            except InputError as problem:
                self._sieve.blame(piece.name, problem, part)

    def _add_group(self, name: str, file: ParquetFile, number: int, part: Part) -> None:
        from analysis.intake.formats import columns, parquet  # noqa: PLC0415

        try:
            for found in columns.read(name, file, number, self._lines.numbers):
                if found is None:
                    part.rejected["not_sent"] += 1
                else:
                    self._add(*found, part)
        except columns.Surprise:
            for row, trace in parquet.group_rows(name, number):
                self._add_value(name, row, trace, part)

    def _add_value(self, name: str, number: int, value: object, part: Part) -> None:
        trace = self._sieve.trace(name, number, value, part)
        if trace is not None:
            told = tell(trace)
            self._add(told, fingerprint_of(trace, told, self._lines.numbers), part)


class Engine(Protocol):
    """Where the map runs; ``whole`` says whether it would rather have files of lines uncut."""

    @property
    def whole(self) -> bool: ...

    def map(self, recipe: Recipe, given: Iterator[Given]) -> Iterator[tuple[Place, Part]]:
        """The part of each piece, in any order; few pieces are held at a time."""


class Here:
    """The map in this process."""

    whole: ClassVar[bool] = False

    def map(self, recipe: Recipe, given: Iterator[Given]) -> Iterator[tuple[Place, Part]]:
        mapper = Mapper(recipe)
        for place, piece in cut_up(given):
            with without_circles():
                part = mapper.part(piece)
            yield place, part


_mapper: Mapper | None = None


def _start(recipe: Recipe) -> None:
    """Make ready a process that will fold pieces."""
    global _mapper  # noqa: PLW0603 - one for the life of the process
    _mapper = Mapper(recipe)
    gc.disable()  # as in `without_circles`


def _part(piece: Piece) -> Part:
    assert _mapper is not None  # the process was started by `_start`
    return _mapper.part(piece)


def usable_cores() -> int:
    """How many cores this process may use; where nothing is withheld, all of the machine."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Processes:
    """The map in several processes, as many as there are cores for it if no number is named.

    Little input, of however many files, is folded in this process: starting others takes longer.
    So is any where processes can share nothing.
    Raises `InputError` where one of them dies.
    """

    count: int = field(default_factory=usable_cores)

    whole: ClassVar[bool] = False

    def map(self, recipe: Recipe, given: Iterator[Given]) -> Iterator[tuple[Place, Part]]:
        # The first line that cannot be read has to be named, so they are read in order.
        if self.count == 1 or recipe.malformed == "fail":
            yield from Here().map(recipe, given)
            return
        first, shares, cut = [], 0.0, cut_up(given)
        for place, piece in cut:
            first.append((place, piece))
            shares += piece.share
            if shares > _ALONE:
                break
        else:
            yield from Here().map(recipe, iter(first))
            return
        give_back()
        pool = processes(self.count, _start, recipe)
        if pool is None:
            yield from Here().map(recipe, chain(first, cut))
            return
        try:
            yield from self._spread(pool, recipe, chain(first, cut))
        except BrokenProcessPool:
            raise InputError(
                "a process that read traces died, as it does where memory runs out; close other "
                "programs, or let the workers of a Dask scheduler read the traces (--engine)"
            ) from None

    def _spread(
        self, pool: ProcessPoolExecutor, recipe: Recipe, given: Iterator[tuple[Place, Piece]]
    ) -> Iterator[tuple[Place, Part]]:
        running: deque[tuple[Place, Piece, Future[Part]]] = deque()
        with pool:
            try:
                for place, piece in given:
                    with _ctrl_c_held_back():
                        part = pool.submit(_part, piece)
                    running.append((place, piece, part))
                    if len(running) > 2 * self.count:
                        yield from _done(recipe, *running.popleft())
                while running:
                    yield from _done(recipe, *running.popleft())
            except BrokenProcessPool:
                _let_go(pool)
                raise
            except BaseException:
                _end(pool)
                raise


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C, which a terminal sends to all of them.

    This process hears it afterwards, and ends them in order. Each of them would print where it was
    just then, and one that is starting can do nothing else.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool at once: what they fold is wanted no more, nor what waits."""
    for process in list(pool._processes.values()):
        process.terminate()
    _let_go(pool)


def _let_go(pool: ProcessPoolExecutor) -> None:
    """Free what still writes to processes that died: before Python 3.11.5 nothing else does.

    The pool would be waited for without end (CPython issue 94777).
    """
    if sys.version_info < (3, 11, 5):
        pool._call_queue._reader.close()  # type: ignore[attr-defined]


def _done(
    recipe: Recipe, place: Place, piece: Piece, part: Future[Part]
) -> Iterator[tuple[Place, Part]]:
    try:
        made = part.result()
    except RecursionError:
        # What is nested too deep to be handed to another process can still be read in this one.
        yield from Here().map(recipe, iter([(place, piece)]))
    else:
        yield place, made


@dataclass(frozen=True)
class Digest:
    """What is left of traces that were folded while they were read.

    ``loaded`` has everything but the traces themselves. Its length is how many there were.
    ``voices`` are what the traces say of themselves, and how many say it. ``other`` is the panel
    under the other table of the recipe, if it has one; of the same traces the numbers of both
    panels are the same.
    """

    loaded: Loaded
    panel: Panel
    voices: Sequence[tuple[Voice, int]]
    other: Panel | None = None

    def __len__(self) -> int:
        return sum(traces for _, traces in self.voices)


def digest(paths: Sequence[str], recipe: Recipe, engine: Engine) -> Digest:
    """Read the traces of all paths and fold them.

    Raises `InputError` as `analysis.intake.load.read` does, and where temporary files have no room.
    """
    loaded = Loaded()
    read = uncut if engine.whole else pieces
    with closing(Folded()) as folded:
        for place, part in engine.map(recipe, read(paths, loaded.inputs)):
            with _temporary_files():
                folded.add(place, part)
        return reduce(folded, recipe, loaded)


@contextmanager
def _temporary_files() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        blame = InputError(
            f"{tempfile.gettempdir()}: what is kept of each trace cannot be written there "
            f"({problem.strerror}); name a folder with room (22 bytes a trace) in TMPDIR"
        )
        raise unless_short(problem, blame) from None


@contextmanager
def without_circles() -> Iterator[None]:
    """Do not look for circles of objects: what is made of a piece has none.

    Looking for them takes a third of the time.
    """
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked:
            gc.enable()


def reduce(folded: Folded, recipe: Recipe, loaded: Loaded) -> Digest:
    """The digest of all parts; what was left out is counted in ``loaded``."""
    for fault in folded.faults():
        keep(loaded.faults, fault)
    with _temporary_files():
        counted, rejected = folded.finish()
    loaded.rejected = rejected
    if recipe.other is None:
        (desk,) = recipe.desks()
        return Digest(loaded, panel_of(counted, desk, recipe.policy), voices(counted))
    both = by_table(counted)
    panel, other = (
        panel_of(one, desk, recipe.policy) for one, desk in zip(both, recipe.desks(), strict=True)
    )
    return Digest(loaded, panel, voices(both[0]), other)
