"""Files → pieces of the input that can be folded anywhere, in whatever order.

A piece is some whole lines of a file, all of a bundle's, row groups of Parquet, or values that were
read from another format already. One reader takes compression off and hashes; that is a fifth of
the work, so it keeps several processes busy. Where other machines fold, files of lines can stay
uncut, and each of them cuts its own copy. What a line means is not known here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np

from analysis.intake.formats import jsonvalues
from analysis.intake.formats.bundle import Seal
from analysis.intake.inputs import InputError, Stream, find_files, opened, short_name
from analysis.intake.load import Input, input_of, open_input
from probe.sharing.bundle import BadBundle

# Bytes of lines, rows of whole groups, and values, of a piece.
LINES = 8 << 20
ROWS = 20_000
VALUES = 1000

# Traces are so many times as large as they are packed, usually.
_UNPACKED = 12

# Where others cut a large file its pieces are up to so many times as large, as long as there are so
# many of them: to ask for one and hear of it takes as long as a MB of lines.
LARGER = 4
_SHARES = 64

_END_OF_LINE = ord("\n")

# So much is read at once: larger ones the system takes back between one and the next.
_CHUNK = 1 << 16

Place = tuple[int, int]


@dataclass(frozen=True)
class Lines:
    """Whole lines of JSON, as they were read; ``first`` is the number of the first of them."""

    name: str
    chunks: tuple[bytes, ...]
    first: int

    @property
    def data(self) -> bytes:
        """All of them."""
        return b"".join(self.chunks)

    @property
    def share(self) -> float:
        """How much of a full piece this is; a full one of any kind takes about as long."""
        return sum(map(len, self.chunks)) / LINES


@dataclass(frozen=True)
class Signed:
    """All lines of a bundle, which is what was signed."""

    name: str
    data: bytes
    seal: Seal

    @property
    def share(self) -> float:
        """As of `Lines`."""
        return len(self.data) / LINES


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


@dataclass(frozen=True)
class Uncut:
    """A file of lines as it is, for whoever has the same one to cut.

    ``name`` is what the analyst calls it, ``path`` leads to it from anywhere, ``size`` is in bytes
    as they lie on the disk. ``lines`` is how many bytes of lines a piece has.
    """

    name: str
    path: str
    sha256: str
    size: int
    lines: int

    @classmethod
    def of(cls, name: str, size: int, sha256: str) -> Uncut:
        """A file of lines, whose pieces are the larger the larger it is."""
        lines = min(max(LINES, _UNPACKED * size // _SHARES), LARGER * LINES)
        return cls(name, os.path.realpath(name), sha256, size, lines)

    @property
    def usual(self) -> int:
        """How many pieces a file of this size has, usually no more."""
        return 1 + _UNPACKED * self.size // self.lines

    def pieces(self) -> Iterator[Piece]:
        """The pieces of the file, which are the same wherever it is cut.

        Raises `InputError` at the end where it was another file.
        """
        inputs: dict[str, str] = {}
        yield from _of_file(self.name, inputs, self.path, self.lines)
        if inputs != {short_name(self.name, {}): self.sha256}:
            raise self.changed()

    def changed(self) -> InputError:
        """What is to be said when the file is another one by now."""
        return InputError(
            f"{self.name}: was changed while it was read; start the command again once nothing is "
            "written to it"
        )


# What is given to whoever folds it, with its place.
Given = tuple[Place, Piece | Uncut]


def pieces(paths: Sequence[str], inputs: dict[str, str]) -> Iterator[tuple[Place, Piece]]:
    """The pieces of all files, each with its place; ``inputs`` gets the hashes of the files.

    Raises `InputError` when a path names nothing.
    """
    for file, name in enumerate(find_files(paths)):
        yield from _placed(file, _of_file(name, inputs))


def uncut(paths: Sequence[str], inputs: dict[str, str]) -> Iterator[Given]:
    """As `pieces`, with files of lines as they are, each at the place of its first piece."""
    for file, name in enumerate(find_files(paths)):
        whole = _uncut(name, inputs)
        if whole is not None:
            yield (file, 0), whole
        else:
            yield from _placed(file, _of_file(name, inputs))


def cut_up(given: Iterator[Given]) -> Iterator[tuple[Place, Piece]]:
    """As `uncut`, with the pieces of what was not cut."""
    for place, piece in given:
        if isinstance(piece, Uncut):
            yield from _placed(place[0], piece.pieces())
        else:
            yield place, piece


def _placed(file: int, given: Iterator[Piece]) -> Iterator[tuple[Place, Piece]]:
    for number, piece in enumerate(given):
        yield (file, number), piece


def _uncut(name: str, inputs: dict[str, str]) -> Uncut | None:
    """A file as it is; None for standard input, and for what has no lines or cannot be read."""
    if name == "-":
        return None
    with suppress(InputError, OSError), opened(name) as (stream, sha256):
        if input_of(name, stream).lines is not None:
            whole = Uncut.of(name, Path(name).stat().st_size, sha256())
            inputs[short_name(name, inputs)] = whole.sha256
            return whole
    return None


def _of_file(
    name: str, inputs: dict[str, str], path: str | None = None, lines: int | None = None
) -> Iterator[Piece]:
    try:
        with open_input(name, inputs, path) as source:
            yield from _of_input(name, source, lines or LINES)
    except (InputError, BadBundle) as problem:
        yield Unreadable(name, problem)


def _of_input(name: str, source: Input, lines: int) -> Iterator[Piece]:
    if source.lines is not None:
        yield from _lines(name, source.lines, lines)
    elif source.groups is not None:
        yield from _groups(str(Path(name).absolute()), source.groups)
    elif source.signed is not None:
        seal, signed = source.signed()
        yield Signed(name, b"".join(signed), seal)
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


def _lines(name: str, stream: Stream, size: int) -> Iterator[Piece]:
    first, rest = 1, b""
    while chunks := _whole_lines(stream, size):
        if chunks[-1].endswith(b"\n"):
            yield Lines(name, chunks, first)
            first += sum(map(_ends, chunks))
            continue
        # The file's last line, which has no end, or one that is longer than any result.
        data = b"".join(chunks)
        whole = data.rfind(b"\n") + 1
        if whole:
            yield Lines(name, (data[:whole],), first)
            first += _ends(data)
        rest = data[whole:]
        if not jsonvalues.is_endless(rest):
            break
        yield Values(name, list(jsonvalues.of_line(rest, first)))
        first, rest = first + 1, b""
    values = list(jsonvalues.lines([rest] if rest else [], stream, first))
    if values:
        yield Values(name, values)


def _whole_lines(stream: Stream, size: int) -> tuple[bytes, ...]:
    """So many of the next bytes, and the rest of the last line."""
    chunks, wanted = [], size
    while wanted and (chunk := stream.bytes.read1(min(wanted, _CHUNK))):
        chunks.append(chunk)
        wanted -= len(chunk)
    if chunks and (end := jsonvalues.end_of_line(stream.bytes)):
        chunks.append(end)
    return tuple(chunks)


def _ends(data: bytes) -> int:
    # Five times as fast as `bytes.count`.
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == _END_OF_LINE))
