"""What a worker of a Dask cluster does with a piece, and keeps for the next one of the same run.

Who asks it, and for what, `analysis.scale.cluster` knows.
"""

from __future__ import annotations

import pickle
import platform
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock, get_ident
from typing import NamedTuple

import zstandard

from analysis.scale import edition
from analysis.scale.copies import NoCopy, Reader
from analysis.scale.engine import Mapper, without_circles
from analysis.scale.fold import Part
from analysis.scale.pieces import Groups, Piece, Place, Uncut
from probe import __version__


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

    def piece(self, file: Uncut, number: int) -> tuple[Piece | None, bool]:
        return self.readers[get_ident()].piece(file, number)


_beginning = Lock()

# The names of runs that are over. Pieces of one that failed may still wait for their turn then.
_over: set[bytes] = set()


@lru_cache(maxsize=1)
def run_begun(run: bytes) -> _Run:
    """What this worker keeps of a run, begun with its first piece. Only the newest run is kept."""
    recipe, name = pickle.loads(run)  # noqa: S301 - made by `Cluster.map`, sent by its client
    if name in _over:
        raise ClusterError("this run is over")
    return _Run(Mapper(recipe))


def end(name: bytes) -> None:
    """Forget the run of this name, and never begin it anew: it is over."""
    with _beginning:
        _over.add(name)
        run_begun.cache_clear()


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


class Answer(NamedTuple):
    """What a worker made of a piece, None where its file has no such one; whether one follows."""

    part: Part | None
    more: bool


def part_there(run: bytes, place: Place, given: bytes | Uncut) -> Answer | None:
    """The part of a piece, made by a worker that keeps its mapper for the next one of the run.

    None where the worker does not have the file that the piece stands in as its client has it.
    """
    with _beginning:
        begun = run_begun(run)
    piece: Piece | None
    if isinstance(given, Uncut):
        try:
            piece, more = begun.piece(given, place[1])
        except NoCopy:
            return None
    else:
        piece, more = unpacked(given), False
    if piece is None:
        return Answer(None, more)
    if isinstance(piece, Groups):
        _look_for(piece.name)
    with begun.folding:
        if place in begun.folded:
            # Its part was lost, and with it what that said.
            begun.mapper.begin_anew()
        begun.folded.add(place)
        with without_circles():
            return Answer(begun.mapper.part(piece), more)


def versions() -> tuple[str, str]:
    """Of Python and of gatewatch, which have to be the same on all machines."""
    return platform.python_version(), f"{__version__} (code {edition.code()})"
