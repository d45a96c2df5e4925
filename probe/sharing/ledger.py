"""The database of an outbox, whose troubles are sentences that say what mends them.

SQLite tells of trouble wherever it is asked, and as late as when rows are read. So those who ask
need no care of their own. What stands in it is not known here.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from probe.disk.database import OfNewerVersion, open_database, trouble_of
from probe.words.failure import BadInput, NotYetSent, PartlyDone, PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class Ledger(sqlite3.Connection):
    """Says what went wrong as the rest of the program does: in a sentence, with its remedy."""

    def __init__(self, path: Path, *arguments: Any, **options: Any) -> None:
        with _told_of(path):
            super().__init__(path, *arguments, **options)
        self.path = path

    def execute(self, *arguments: Any) -> _Cursor:
        return _Cursor(self).execute(*arguments)

    def executemany(self, *arguments: Any) -> _Cursor:
        return _Cursor(self).executemany(*arguments)


class _Cursor(sqlite3.Cursor):
    """Damage may show when it is asked, and as late as when its rows are read."""

    def __init__(self, db: Ledger) -> None:
        super().__init__(db)
        self._path = db.path

    def execute(self, *arguments: Any) -> Self:
        with _told_of(self._path):
            return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> Self:
        with _told_of(self._path):
            return super().executemany(*arguments)

    def fetchone(self) -> Any:
        with _told_of(self._path):
            return super().fetchone()

    def __next__(self) -> Any:
        with _told_of(self._path):
            return super().__next__()


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as problem:
        raise _failure(problem, path) from problem


def _failure(problem: sqlite3.Error, path: Path) -> Exception:
    if not path.exists():
        return PartlyDone(
            _(
                "{folder} was deleted while it was used; traces that are still kept are bundled "
                "anew next time, and a collector takes each of them once"
            ).format(folder=path.parent)
        )
    match trouble_of(problem):
        case "full":
            return PartlyDone(
                _(
                    "disk full or failing: {path} cannot be written; what was there is safe, make "
                    "room and try again"
                ).format(path=path)
            )
        case "held":
            return NotYetSent(
                _("another gatewatch is at work on {path}; try again in a moment").format(path=path)
            )
        case "forbidden":
            return PermissionDenied(
                _("{path} may not be written by this user; mend its permissions").format(path=path)
            )
        case "damaged":
            return BadInput(
                _(
                    "{path} is damaged; move {folder} away, and the traces are bundled and sent "
                    "anew, and the collector takes each of them once; traces that were signed with "
                    "a key that was replaced since stay here"
                ).format(path=path, folder=path.parent)
            )
        case None:
            return problem


def open_ledger(path: Path, tables: str, version: int, changes: Sequence[str]) -> Ledger:
    """Open the database at a path, made where there is none: `probe.disk.database.open_database`.

    Raises `BadInput` where it is damaged or of a newer version, and the other failures that an
    error of the disk amounts to; and so does whatever is asked of it later.
    """
    try:
        return open_database(path, Ledger, tables, version, changes)
    except OfNewerVersion:
        raise BadInput(
            _("{path} is of a newer gatewatch than this one; update gatewatch").format(path=path)
        ) from None
