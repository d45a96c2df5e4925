"""The map of `analysis.engine` on a Dask cluster: for data that one machine takes too long for.

Pieces go to the workers with their tasks, so but for Parquet workers need no common disk, and a
task whose worker died is done again by another. What becomes of a piece is not known here.
"""

from __future__ import annotations

import pickle
import platform
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import zstandard

from analysis.engine import Here, Mapper, Recipe
from analysis.fold import Part
from analysis.pieces import Groups, Piece, Place
from probe import __version__

SCHEME = "dask://"

# Seconds until a scheduler that does not answer is given up.
_PATIENCE = 10


class ClusterError(Exception):
    """The cluster cannot be used; the message says why and what to do."""


# A worker may have threads; they share its mapper, and one interpreter runs one of them at a time.
_folding = Lock()


@lru_cache(maxsize=1)
def _mapper(run: bytes) -> tuple[Mapper, set[Place]]:
    recipe, _ = pickle.loads(run)  # noqa: S301 - made by `Cluster.map`, sent by its client
    return Mapper(recipe), set()


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


def part_there(run: bytes, place: Place, sent: bytes) -> tuple[Place, Part]:
    """The part of a piece, made by a worker that keeps its mapper for the next one of the run."""
    piece: Piece = pickle.loads(zstandard.decompress(sent))  # noqa: S301 - as above
    if isinstance(piece, Groups):
        _look_for(piece.name)
    with _folding:
        mapper, folded = _mapper(run)
        if place in folded:
            # Its part was lost, and with it what that said.
            mapper.begin_anew()
        folded.add(place)
        return place, mapper.part(piece)


def _versions() -> tuple[str, str]:
    return platform.python_version(), __version__


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
        with self._client() as client:
            most = 2 * self._threads(client)
            yield from all_said(_parts(client, recipe, given, most), recipe)

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


def _parts(
    client: Any, recipe: Recipe, given: Iterator[tuple[Place, Piece]], most: int
) -> Iterator[tuple[Piece, Place, Part]]:
    import distributed  # noqa: PLC0415 - an extra

    # Of another run nobody there has heard what was said.
    run = pickle.dumps((recipe, secrets.token_bytes(8)))
    asked: dict[str, Piece] = {}
    running: Any = distributed.as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
    for place, piece in given:
        try:
            sent = packed(piece)
        except RecursionError:
            # What is nested too deep to be sent can still be read here.
            yield from ((piece, *made) for made in Here().map(recipe, iter([(place, piece)])))
            continue
        # Never taken for an earlier one: two pieces may be equal, and both count.
        future = client.submit(part_there, run, place, sent, pure=False)
        asked[future.key] = piece
        running.add(future)
        if running.count() >= most:
            done = next(running)
            yield asked.pop(done.key), *done.result()
    for done in running:
        yield asked.pop(done.key), *done.result()


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
