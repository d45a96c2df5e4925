"""Files → pieces of the input that can be folded anywhere, in whatever order.

A piece is some whole lines of a file, all of a bundle's, row groups of Parquet, or values that were
read from another format already. One reader takes compression off and hashes; that is a fifth of
the work, so it keeps several processes busy. What a line means is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np

from analysis.formats import jsonvalues
from analysis.formats.bundle import Seal
from analysis.inputs import InputError, Stream, find_files
from analysis.load import Input, open_input
from probe.bundle import BadBundle

# Bytes of lines, rows of whole groups, and values, of a piece.
LINES = 8 << 20
ROWS = 20_000
VALUES = 1000

_END_OF_LINE = ord("\n")

Place = tuple[int, int]


@dataclass(frozen=True)
class _Text:
    name: str
    data: bytes

    @property
    def share(self) -> float:
        """How much of a full piece this is; a full one of any kind takes about as long."""
        return len(self.data) / LINES


@dataclass(frozen=True)
class Lines(_Text):
    """Whole lines of JSON; ``first`` is the number of the first of them.

    ``start`` is how many bytes of the file, unpacked, stand before them; fewer where a line before
    was longer than any result, since its rest is passed over uncounted.
    """

    first: int
    start: int


@dataclass(frozen=True)
class Signed(_Text):
    """All lines of a bundle, which is what was signed."""

    seal: Seal


@dataclass(frozen=True)
class Groups:
    """Row groups of Parquet of ours, ``end`` left out, read where they are folded.

    ``rows`` are those of all of them.
    """

    name: str
    first: int
    end: int
    rows: int

    @property
    def share(self) -> float:
        """As of `Lines`."""
        return self.rows / ROWS


@dataclass(frozen=True)
class Values:
    """What was read by the reader of a format, each with its line or row."""

    name: str
    rows: list[tuple[int, object]]

    @property
    def share(self) -> float:
        """As of `Lines`."""
        return len(self.rows) / VALUES


@dataclass(frozen=True)
class Unreadable:
    """Why there is no more of a file."""

    name: str
    problem: InputError | BadBundle

    share: ClassVar[float] = 0.0


Piece = Lines | Signed | Groups | Values | Unreadable


def pieces(paths: Sequence[str], inputs: dict[str, str]) -> Iterator[tuple[Place, Piece]]:
    """The pieces of all files, each with its place; ``inputs`` gets the hashes of the files.

    Raises `InputError` when a path names nothing.
    """
    for file, name in enumerate(find_files(paths)):
        number = 0
        try:
            for piece in _of_file(name, inputs):
                yield (file, number), piece
                number += 1
        except (InputError, BadBundle) as problem:
            yield (file, number), Unreadable(name, problem)


def _of_file(name: str, inputs: dict[str, str]) -> Iterator[Piece]:
    with open_input(name, inputs) as source:
        if source.lines is not None:
            yield from _lines(name, source.lines)
        elif source.groups is not None:
            yield from _groups(str(Path(name).absolute()), source.groups)
        elif source.signed is not None:
            seal, lines = source.signed()
            yield Signed(name, b"".join(lines), seal)
        else:
            yield from _values(name, source)


def _groups(name: str, rows: Sequence[int]) -> Iterator[Groups]:
    """Pieces of a file whose groups have so many rows each."""
    first = held = 0
    for number, more in enumerate(rows):
        if number > first and held + more > ROWS:
            yield Groups(name, first, number, held)
            first, held = number, 0
        held += more
    if rows:
        yield Groups(name, first, len(rows), held)


def _values(name: str, source: Input) -> Iterator[Piece]:
    rows = source.rows()
    while batch := list(islice(rows, VALUES)):
        yield Values(name, batch)


def _lines(name: str, stream: Stream) -> Iterator[Piece]:
    first, start = 1, 0
    while data := stream.bytes.read(LINES):
        # The rest of the last line, which is the file's last where it has no end.
        data += jsonvalues.end_of_line(stream.bytes)
        whole = data.rfind(b"\n") + 1
        if whole:
            yield Lines(name, data[:whole], first, start)
            # Five times as fast as `bytes.count`.
            first += int(np.count_nonzero(np.frombuffer(data, np.uint8) == _END_OF_LINE))
        start += len(data)
        if jsonvalues.is_endless(data[whole:]):
            yield Values(name, list(jsonvalues.of_line(data[whole:], first)))
            first += 1
            continue
        if whole < len(data) or stream.broken is not None:
            break
    else:
        data, whole = b"", 0
    rest = list(jsonvalues.lines([data[whole:]] if whole < len(data) else [], stream, first))
    if rest:
        yield Values(name, rest)
