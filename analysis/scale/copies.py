"""Pieces that are not sent to whoever folds them, but cut there from a copy of the same file.

A copy may be older, cut short or another file altogether: it counts only where its hash says that
it is the same. Which pieces are asked for, `analysis.scale.asking` knows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from analysis.scale.pieces import Piece, Uncut, Unreadable


class NoCopy(Exception):
    """A file is not here as it is where it was asked for."""


# What tells whether a file was written to: when, its number, and how long it is.
_State = tuple[int, int, int]


class Reader:
    """Cuts copies of files; each is cut once, as long as later pieces are asked for later."""

    def __init__(self) -> None:
        self._file: Uncut | None = None
        self._state: _State | None = None
        self._pieces: Iterator[Piece] = iter(())
        # The piece that comes next and its number; None at the end.
        self._next: Piece | None = None
        self._number = 0

    def piece(self, file: Uncut, number: int) -> tuple[Piece | None, bool]:
        """The piece of this number, None where a file has fewer, and whether one follows.

        Raises `NoCopy`, and `InputError` where the copy is written to meanwhile.
        """
        if file != self._file or number < self._number:
            self._open(file)
        elif _state(file) != self._state:
            raise file.changed()
        while self._next is not None and self._number < number:
            self._go_on()
        found = self._next
        if found is not None:
            self._go_on()
        return found, self._next is not None

    def _open(self, file: Uncut) -> None:
        self._file = None
        state = _state(file)
        if _sha256(file) != file.sha256:
            raise NoCopy
        self._pieces, self._number = file.pieces(), -1
        self._go_on()
        self._file, self._state = file, state

    def _go_on(self) -> None:
        self._next = next(self._pieces, None)
        self._number += 1
        if isinstance(self._next, Unreadable):
            # What is wrong with the file itself, whoever asks will find as well.
            self._file = None
            raise NoCopy


def _state(file: Uncut) -> _State:
    try:
        found = Path(file.path).stat()
    except OSError:
        raise NoCopy from None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _sha256(file: Uncut) -> str:
    # Whatever else has this name may have no end.
    if not os.path.isfile(file.path):  # noqa: PTH113 - the other raises where it may not look
        raise NoCopy
    try:
        with Path(file.path).open("rb") as copy:
            return hashlib.file_digest(copy, "sha256").hexdigest()
    except OSError:
        raise NoCopy from None
