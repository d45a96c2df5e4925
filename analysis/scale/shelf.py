"""A row for each trace that was folded, kept until copies can be told: in files once they are many.

Which of several results that claim to be the same one counts is known only when all have been read.
Until then a trace is 22 bytes. Some hundred thousand of them lie in memory; more go to temporary
files without a name, by what they claim to be, so that copies meet in one of them and each can be
looked at by itself. Knows nothing of patterns, and nothing of what a day is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

_ROW = np.dtype(
    [
        ("claims", np.int64),
        ("heard", np.uint32),
        ("number", np.uint32),
        ("day", np.uint16),
        ("part", np.uint32),
    ]
)

# So many rows lie in memory.
_BLOCK = 1 << 17

# In so many files lies what does not: of a hundred million traces each has 40 MB.
_FILES = 64

_DAY_BITS = 16


class Tally(NamedTuple):
    """How many rows there are of each number and day, and how many were left out as copies.

    ``numbers`` and ``days`` are in order, ``counts`` beside them. ``duplicates`` heard the same
    as the one that counts of those that claim to be the same result, ``repeated`` did not.
    """

    numbers: npt.NDArray[np.uint64]
    days: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.int64]
    duplicates: int
    repeated: int


class Shelf:
    """Rows of many parts, which come in any order. Raises OSError where files cannot be written."""

    def __init__(self) -> None:
        self._block = np.empty(_BLOCK, _ROW)
        self._used = 0
        self._files: list[BinaryIO] = []

    def put(
        self,
        part: int,
        claims: npt.NDArray[np.int64],
        heard: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.uint32],
        days: npt.NDArray[np.uint64],
    ) -> None:
        """Put down the rows of a part, in their order."""
        start = 0
        while start < len(claims):
            if self._used == len(self._block):
                self._file()
            end = min(len(claims), start + len(self._block) - self._used)
            rows = self._block[self._used : self._used + end - start]
            rows["claims"] = claims[start:end]
            rows["heard"] = heard[start:end].astype(np.uint32)
            rows["number"] = numbers[start:end]
            rows["day"] = days[start:end]
            rows["part"] = part
            self._used += end - start
            start = end

    def _file(self) -> None:
        """Move what is in memory to the files."""
        if not self._files:
            self._files = [tempfile.TemporaryFile() for _ in range(_FILES)]  # noqa: SIM115 - `close`
        rows = self._block[: self._used]
        files = rows["claims"].astype(np.uint8) % _FILES
        order = np.argsort(files, kind="stable")
        bounds = np.searchsorted(files[order], np.arange(_FILES + 1)).tolist()
        for file, start, end in zip(self._files, bounds, bounds[1:], strict=False):
            file.write(rows[order[start:end]].tobytes())
        self._used = 0

    def _portions(self) -> Iterator[npt.NDArray[np.void]]:
        """All rows, those together that claim to be the same result."""
        if not self._files:
            yield self._block[: self._used]
            return
        self._file()
        for file in self._files:
            file.seek(0)
            yield np.frombuffer(file.read(), _ROW)

    def tally(self, parts: Sequence[int]) -> Tally:
        """Count the traces of these parts; of several with one claim, that with the least hash."""
        asked = np.zeros(max(parts, default=-1) + 1, np.bool_)
        asked[list(parts)] = True
        found, counts = np.empty(0, np.uint64), np.empty(0, np.int64)
        duplicates = repeated = 0
        for portion in self._portions():
            rows = portion[asked[portion["part"]]]
            rows = rows[np.argsort(rows["heard"])]
            _, first, which = np.unique(rows["claims"], return_index=True, return_inverse=True)
            same = int((rows["heard"] == rows["heard"][first][which]).sum()) - len(first)
            duplicates += same
            repeated += len(rows) - len(first) - same
            kept = rows[first]
            places = kept["number"].astype(np.uint64) << np.uint64(_DAY_BITS) | kept["day"]
            found, counts = _together(found, counts, *np.unique(places, return_counts=True))
        days = found.astype(np.uint16)
        return Tally(found >> np.uint64(_DAY_BITS), days, counts, duplicates, repeated)

    def close(self) -> None:
        """Close the files, which are gone then. Safe to call twice."""
        for file in self._files:
            file.close()


def _together(
    known: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.int64],
    others: npt.NDArray[np.uint64],
    more: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Two tallies as one, in order."""
    found, which = np.unique(np.concatenate((known, others)), return_inverse=True)
    total = np.zeros(len(found), np.int64)
    np.add.at(total, which, np.concatenate((counts, more)))
    return found, total
