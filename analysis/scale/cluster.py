"""The map of `analysis.scale.engine` on a Dask cluster: for data too large for one machine's time.

Files of lines are cut by the workers themselves where they have the same file, and go to them piece
by piece where they do not, so but for Parquet workers need no common disk. A task whose worker died
is done again by another. What a worker makes of a piece, `analysis.scale.worker` knows.
"""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from analysis.scale.asking import Cutting
from analysis.scale.copies import NoCopy, Reader
from analysis.scale.engine import Here, Mapper, Recipe
from analysis.scale.fold import Part
from analysis.scale.pieces import Given, Piece, Place, Uncut
from analysis.scale.worker import Answer, ClusterError, end, packed, part_there, versions
from probe.disk.installation import adding

SCHEME = "dask://"

# Seconds until a scheduler that does not answer is given up.
_PATIENCE = 10


@dataclass(frozen=True)
class Cluster:
    """The map on the workers of the scheduler at this address (``host:port``)."""

    address: str

    whole: ClassVar[bool] = True

    def map(self, recipe: Recipe, given: Iterator[Given]) -> Iterator[tuple[Place, Part]]:
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
                asking = _Asking(client, pickle.dumps((recipe, name)), most)
                yield from all_said(asking.parts(recipe, given), recipe)
            except CancelledError:
                raise ClusterError(
                    f"{SCHEME}{self.address}: the scheduler was lost or restarted before all was "
                    "read; see that it runs, and start the command again"
                ) from None
            finally:
                # Without its scheduler nobody can be told.
                with suppress(OSError):
                    client.run(end, name, on_error="ignore")

    def _client(self) -> Any:
        try:
            from distributed import Client  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            raise ClusterError(
                f"{SCHEME}{self.address} needs Dask: {adding('analysis,scale')} in the folder of "
                "gatewatch's source"
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
        for worker, found in client.run(versions).items():
            if found != versions():
                raise ClusterError(
                    f"{worker} runs Python {found[0]} and gatewatch {found[1]}, not "
                    f"{' and '.join(versions())} as here; install the same on all machines"
                )
        return int(threads)


class _Asking:
    """The pieces that workers of a client are at, no more than ``most`` of them."""

    def __init__(self, client: Any, run: bytes, most: int) -> None:
        import distributed  # noqa: PLC0415 - an extra

        self._client = client
        self._run = run
        self._most = most
        self._asked: dict[str, Given] = {}
        # Files that workers cut, by their numbers, in order.
        self._cutting: dict[int, Cutting] = {}
        self._running: Any = distributed.as_completed(loop=client.loop)  # type: ignore[no-untyped-call]

    def parts(self, recipe: Recipe, given: Iterator[Given]) -> Iterator[tuple[Given, Place, Part]]:
        """Each part that workers made of the input, with what they had been given for it."""
        for asked in self._to_ask(given):
            if asked is None:
                yield from self._heard(self._running.count() - 1)
                continue
            try:
                self._ask(*asked)
            except RecursionError:
                # What is nested too deep to be sent can still be read here.
                yield from ((asked, *made) for made in Here().map(recipe, iter([asked])))
            yield from self._heard(self._most - 1)
        yield from self._heard(0)

    def _to_ask(self, given: Iterator[Given]) -> Iterator[Given | None]:
        """What to ask for, None where that hangs on what is answered first."""
        for place, piece in given:
            if isinstance(piece, Uncut):
                self._cutting[place[0]] = Cutting(place[0], piece, self._most)
            else:
                yield place, piece
            yield from self._of_files()
        while self._cutting:
            yield None
            yield from self._of_files()

    def _of_files(self) -> Iterator[Given]:
        """What to ask for of files that are being cut, as far as their answers have come."""
        for number, cutting in list(self._cutting.items()):
            while (asked := cutting.next()) is not None:
                yield asked
            if cutting.over:
                del self._cutting[number]

    def _ask(self, place: Place, piece: Piece | Uncut) -> None:
        """Have a piece folded.

        Raises RecursionError for what is nested too deep to be sent.
        """
        given = piece if isinstance(piece, Uncut) else packed(piece)
        # Never taken for an earlier one: two pieces may be equal, and both count.
        future = self._client.submit(part_there, self._run, place, given, pure=False)
        self._asked[future.key] = place, piece
        self._running.add(future)

    def _heard(self, most: int) -> Iterator[tuple[Given, Place, Part]]:
        """What is made of pieces, until no more than so many are under way."""
        while self._running.count() > most:
            done = next(self._running)
            asked = self._asked.pop(done.key)
            place, piece = asked
            answer = self._answer(done, piece)
            if isinstance(piece, Uncut):
                self._note(place, answer)
            if answer is not None and answer.part is not None:
                yield asked, place, answer.part

    def _note(self, place: Place, answer: Answer | None) -> None:
        """Learn from an answer how many pieces a file has."""
        cutting = self._cutting[place[0]]
        if answer is None:
            cutting.refused()
        else:
            cutting.heard(place[1], found=answer.part is not None, more=answer.more)

    def _answer(self, done: Any, piece: Piece | Uncut) -> Answer | None:
        """What a worker made of a piece; raises `ClusterError` where workers die of it."""
        import distributed  # noqa: PLC0415 - an extra

        try:
            made: Answer | None = done.result()
        except distributed.KilledWorker as problem:
            died = problem.allowed_failures + 1
            raise ClusterError(
                f"{piece.name}: workers that read the same part of it died, {died} in turn; give "
                "them more memory (`dask worker --memory-limit`) or leave --engine out"
            ) from None
        return made


def all_said(
    parts: Iterator[tuple[Given, Place, Part]], recipe: Recipe
) -> Iterator[tuple[Place, Part]]:
    """The parts of pieces; the last one says also what no other part does that came.

    When workers lose their connections, parts are lost that had said what patterns are, and each
    of these workers takes it for said also in the pieces that another had lost.
    """
    said: set[bytes] = set()
    unsaid: dict[bytes, Given] = {}
    last: tuple[Place, Part] | None = None
    for asked, place, part in parts:
        said.update(part.patterns)
        for name in part.patterns:
            unsaid.pop(name, None)
        for name in part.names:
            if name not in said:
                unsaid.setdefault(name, asked)
        if last is not None:
            yield last
        last = place, part
    if last is None:
        return
    mapper, reader = Mapper(recipe), Reader()
    while unsaid:
        mapper.begin_anew()
        patterns = mapper.part(_piece(*next(iter(unsaid.values())), reader)).patterns
        for name in patterns.keys() & unsaid.keys():
            last[1].patterns[name] = patterns[name]
            del unsaid[name]
    yield last


def _piece(place: Place, given: Piece | Uncut, reader: Reader) -> Piece:
    """A piece that was asked for; raises `InputError` where its file was changed since."""
    if not isinstance(given, Uncut):
        return given
    try:
        piece, _ = reader.piece(given, place[1])
    except NoCopy:
        piece = None
    if piece is None:
        raise given.changed()
    return piece
