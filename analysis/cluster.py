"""The map of `analysis.engine` on a Dask cluster: for data that one machine takes too long for.

Lines are read by the workers themselves where they have the same file, and go to them with their
tasks where they do not, so but for Parquet workers need no common disk. A task whose worker died is
done again by another. What becomes of a piece is not known here.
"""

from __future__ import annotations

import pickle
import platform
import secrets
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock, get_ident
from typing import Any

import zstandard

from analysis import edition
from analysis.engine import Here, Mapper, Recipe, without_circles
from analysis.fold import Part
from analysis.pieces import Groups, Piece, Place
from analysis.spans import Reader, Span, span_of
from probe import __version__

SCHEME = "dask://"

# Seconds until a scheduler that does not answer is given up.
_PATIENCE = 10


class ClusterError(Exception):
    """The cluster cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class _Run:
    """What a worker keeps for the next piece of a run.

    Its threads share the mapper, and one interpreter runs one of them at a time. Each has a reader
    of its own, since what a thread is given comes in the order of the files.
    """

    mapper: Mapper
    folding: Lock = field(default_factory=Lock)
    folded: set[Place] = field(default_factory=set)
    readers: defaultdict[int, Reader] = field(default_factory=lambda: defaultdict(Reader))

    def read(self, span: Span) -> Piece | None:
        return self.readers[get_ident()].lines(span)


_beginning = Lock()

# The names of runs that are over. Pieces of one that failed may still wait for their turn then.
_over: set[bytes] = set()


@lru_cache(maxsize=1)
def _begun(run: bytes) -> _Run:
    recipe, name = pickle.loads(run)  # noqa: S301 - made by `Cluster.map`, sent by its client
    if name in _over:
        raise ClusterError("this run is over")
    return _Run(Mapper(recipe))


def _end(name: bytes) -> None:
    """Forget the run of this name, and never begin it anew: it is over."""
    with _beginning:
        _over.add(name)
        _begun.cache_clear()


def _look_for(name: str) -> None:
    """Raise `ClusterError` where this worker cannot read a file."""
    try:
        Path(name).open("rb").close()
    except OSError as problem:
        raise ClusterError(
            f"{platform.node()}, a worker, cannot read {name} ({problem.strerror}): workers read "
            "Parquet themselves, so it has to lie at the same place on each; or give JSON, which "
            "is sent"
        ) from None


def packed(piece: Piece) -> bytes:
    """A piece as it is sent: lines are a tenth of what they were.

    To pack and unpack them takes less than to send them twice as they are, over the scheduler.
    """
    return zstandard.ZstdCompressor(level=1).compress(pickle.dumps(piece))


def unpacked(sent: bytes) -> Piece:
    """The piece that was packed."""
    piece: Piece = pickle.loads(zstandard.decompress(sent))  # noqa: S301 - sent by the run's client
    return piece


def part_there(run: bytes, place: Place, given: bytes | Span) -> tuple[Place, Part | None]:
    """The part of a piece, made by a worker that keeps its mapper for the next one of the run.

    None where the worker does not have the file that the piece stands in as its client has it.
    """
    with _beginning:
        begun = _begun(run)
    piece = begun.read(given) if isinstance(given, Span) else unpacked(given)
    if piece is None:
        return place, None
    if isinstance(piece, Groups):
        _look_for(piece.name)
    with begun.folding:
        if place in begun.folded:
            # Its part was lost, and with it what that said.
            begun.mapper.begin_anew()
        begun.folded.add(place)
        with without_circles():
            return place, begun.mapper.part(piece)


def _versions() -> tuple[str, str]:
    return platform.python_version(), f"{__version__} (code {edition.code()})"


@dataclass(frozen=True)
class Cluster:
    """The map on the workers of the scheduler at this address (``host:port``)."""

    address: str

    def map(
        self, recipe: Recipe, given: Iterator[tuple[Place, Piece]]
    ) -> Iterator[tuple[Place, Part]]:
        """The part of each piece, as they become ready.

        Raises `ClusterError` where no scheduler answers, where it has no workers, or where they
        run another version than this one or lack a file.
        """
        if recipe.malformed == "fail":
            # The first line that cannot be read has to be named, so they are read in order.
            yield from Here().map(recipe, given)
            return
        # Of another run no worker has heard what was said.
        name = secrets.token_bytes(8)
        with self._client() as client:
            most = 2 * self._threads(client)
            try:
                yield from all_said(_parts(client, recipe, name, given, most), recipe)
            except CancelledError:
                raise ClusterError(
                    f"{SCHEME}{self.address}: the scheduler was lost or restarted before all was "
                    "read; see that it runs, and start the command again"
                ) from None
            finally:
                # Without its scheduler nobody can be told.
                with suppress(OSError):
                    client.run(_end, name, on_error="ignore")

    def _client(self) -> Any:
        try:
            from distributed import Client  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            raise ClusterError(
                f"{SCHEME}{self.address} needs Dask: pip install '.[analysis,scale]' in the folder "
                "of gatewatch's source"
            ) from None
        try:
            return Client(  # type: ignore[no-untyped-call]
                f"tcp://{self.address}", timeout=_PATIENCE, set_as_default=False
            )
        except (OSError, ValueError) as problem:
            raise ClusterError(
                f"{SCHEME}{self.address}: no scheduler answers ({problem}); start one with "
                "`dask scheduler` and workers with `dask worker`, or leave --engine out"
            ) from None

    def _threads(self, client: Any) -> int:
        """How many pieces the workers can fold at a time."""
        threads = sum(client.nthreads().values())
        if not threads:
            raise ClusterError(
                f"{SCHEME}{self.address} has no workers; start some with `dask worker`"
            )
        for worker, versions in client.run(_versions).items():
            if versions != _versions():
                raise ClusterError(
                    f"{worker} runs Python {versions[0]} and gatewatch {versions[1]}, not "
                    f"{' and '.join(_versions())} as here; install the same on all machines"
                )
        return int(threads)


class _Asking:
    """The pieces that workers of a client are at."""

    def __init__(self, client: Any, run: bytes) -> None:
        import distributed  # noqa: PLC0415 - an extra

        self._client = client
        self._run = run
        self._asked: dict[str, Piece] = {}
        self._elsewhere: set[str] = set()
        self._running: Any = distributed.as_completed(loop=client.loop)  # type: ignore[no-untyped-call]

    def ask(self, place: Place, piece: Piece) -> None:
        """Have a piece folded.

        Raises RecursionError for what is nested too deep to be sent.
        """
        span = None if piece.name in self._elsewhere else span_of(piece)
        given = span or packed(piece)
        # Never taken for an earlier one: two pieces may be equal, and both count.
        future = self._client.submit(part_there, self._run, place, given, pure=False)
        self._asked[future.key] = piece
        self._running.add(future)

    def parts(self, most: int) -> Iterator[tuple[Piece, Place, Part]]:
        """What is made of pieces, until no more than so many are under way."""
        while self._running.count() > most:
            done = next(self._running)
            piece = self._asked.pop(done.key)
            place, part = self._folded(done, piece)
            if part is None:
                self._elsewhere.add(piece.name)
                self.ask(place, piece)
            else:
                yield piece, place, part

    def _folded(self, done: Any, piece: Piece) -> tuple[Place, Part | None]:
        """What a worker made of a piece; raises `ClusterError` where workers die of it."""
        import distributed  # noqa: PLC0415 - an extra

        try:
            made: tuple[Place, Part | None] = done.result()
        except distributed.KilledWorker as problem:
            died = problem.allowed_failures + 1
            raise ClusterError(
                f"{piece.name}: workers that read the same part of it died, {died} in turn; give "
                "them more memory (`dask worker --memory-limit`) or leave --engine out"
            ) from None
        return made


def _parts(
    client: Any, recipe: Recipe, name: bytes, given: Iterator[tuple[Place, Piece]], most: int
) -> Iterator[tuple[Piece, Place, Part]]:
    asking = _Asking(client, pickle.dumps((recipe, name)))
    for place, piece in given:
        try:
            asking.ask(place, piece)
        except RecursionError:
            # What is nested too deep to be sent can still be read here.
            yield from ((piece, *made) for made in Here().map(recipe, iter([(place, piece)])))
        yield from asking.parts(most - 1)
    yield from asking.parts(0)


def all_said(
    parts: Iterator[tuple[Piece, Place, Part]], recipe: Recipe
) -> Iterator[tuple[Place, Part]]:
    """The parts of pieces; the last one says also what no other part does that came.

    When workers lose their connections, parts are lost that had said what patterns are, and each
    of these workers takes it for said also in the pieces that another had lost.
    """
    said: set[bytes] = set()
    unsaid: dict[bytes, Piece] = {}
    last: tuple[Place, Part] | None = None
    for piece, place, part in parts:
        said.update(part.patterns)
        for name in part.patterns:
            unsaid.pop(name, None)
        for name in part.names:
            if name not in said:
                unsaid.setdefault(name, piece)
        if last is not None:
            yield last
        last = place, part
    if last is None:
        return
    mapper = Mapper(recipe)
    while unsaid:
        mapper.begin_anew()
        patterns = mapper.part(next(iter(unsaid.values()))).patterns
        for name in patterns.keys() & unsaid.keys():
            last[1].patterns[name] = patterns[name]
            del unsaid[name]
    yield last
