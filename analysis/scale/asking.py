"""Which pieces of a file to ask workers for next, where they cut it and their number is unknown.

Pieces are asked for before it is known that they are there, in no larger number than a file of its
size may have: an answer says whether another piece follows. Whoever lacks the file says so; what
was not folded by then is cut here. Asks nobody itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analysis.scale.pieces import Given, Uncut


@dataclass
class Cutting:
    """One file that is being cut by others; ``number`` is its own among the files.

    At most ``most`` pieces are asked for that may not be there.
    """

    number: int
    file: Uncut
    most: int
    _asked: int = 0
    _running: int = 0
    _folded: set[int] = field(default_factory=set)
    # So many pieces there are at least.
    _least: int = 1
    # Whether an answer told the end: every piece before it was asked for then.
    _ended: bool = False
    _here: Iterator[Given] | None = None

    @property
    def over(self) -> bool:
        """Whether all is answered; where nothing is to be asked next, that is all of the file."""
        return not self._running

    def next(self) -> Given | None:
        """What to ask for next, if anything before another answer has come.

        Raises `InputError` where the file is cut here and was changed.
        """
        if self._here is not None:
            # Whoever is at a piece may still fold it.
            return None if self._running else next(self._here, None)
        if self._ended or self._asked >= self._allowed():
            return None
        self._asked += 1
        self._running += 1
        return (self.number, self._asked - 1), self.file

    def _allowed(self) -> int:
        """How many pieces may be asked for so far."""
        return self._least - 1 + min(self.most, self.file.usual)

    def heard(self, number: int, *, found: bool, more: bool) -> None:
        """A piece was folded, unless there was none; whether others follow."""
        self._running -= 1
        if found:
            self._folded.add(number)
        if more:
            self._least = max(self._least, number + 2)
        else:
            self._ended = True

    def refused(self) -> None:
        """Whoever was asked does not have the file."""
        self._running -= 1
        if self._here is None:
            self._here = self._unfolded()

    def _unfolded(self) -> Iterator[Given]:
        for number, piece in enumerate(self.file.pieces()):
            if number not in self._folded:
                yield (self.number, number), piece
