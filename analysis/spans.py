"""Pieces that are not sent to whoever folds them, but read there from a copy of the same file.

What is read is the piece only where its checksum says so: a copy may be older, cut short or another
file altogether. Where pieces are folded, `analysis.cluster` knows.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass

from analysis.inputs import InputError, Stream, opened
from analysis.pieces import Lines, Piece

# So much is passed over at once.
_STEP = 1 << 20


@dataclass(frozen=True)
class Span:
    """Lines of a file by where they stand in it, ``start`` and ``length`` in bytes, unpacked.

    ``path`` leads to the file from anywhere; ``name`` is what the analyst calls it.
    """

    name: str
    path: str
    first: int
    start: int
    length: int
    checksum: int


def checksum(data: bytes) -> int:
    """CRC-32, which tells a file from another by accident, not one that was made to pass."""
    # A tenth of the time that zlib takes.
    from isal import isal_zlib  # noqa: PLC0415 - only a cluster needs it

    return isal_zlib.crc32(data)


def span_of(piece: Piece) -> Span | None:
    """Where a piece can be read again; None for what is no lines, or came by standard input."""
    if not isinstance(piece, Lines) or piece.name == "-":
        return None
    path = os.path.realpath(piece.name)
    return Span(piece.name, path, piece.first, piece.start, len(piece.data), checksum(piece.data))


class Reader:
    """Reads spans again; a file is unpacked once as long as each lies behind the one before."""

    def __init__(self) -> None:
        self._opened = ExitStack()
        self._path: str | None = None
        self._stream: Stream | None = None
        self._at = 0

    def lines(self, span: Span) -> Lines | None:
        """The lines of a span; None where the file is not here, or has something else there."""
        try:
            stream = self._stream_at(span)
            data = stream.bytes.read(span.length)
        except InputError:
            self.close()
            return None
        self._at += len(data)
        if len(data) != span.length or checksum(data) != span.checksum:
            return None
        return Lines(span.name, data, span.first, span.start)

    def _stream_at(self, span: Span) -> Stream:
        """Raises `InputError` where the file cannot be read."""
        if self._stream is None or self._path != span.path or self._at > span.start:
            self.close()
            if not os.path.isfile(span.path):  # noqa: PTH113 - the other raises where it may not look
                raise InputError(f"{span.path}: no such file")
            self._stream, _ = self._opened.enter_context(opened(span.path))
            self._path = span.path
        while passed := self._stream.bytes.read(min(_STEP, span.start - self._at)):
            self._at += len(passed)
        return self._stream

    def close(self) -> None:
        """Let go of the file that is open."""
        self._opened.close()
        self._stream, self._at = None, 0
