"""A SQLite file of which nothing is half done, at whatever moment the machine is switched off.

This module knows no table and no sentence: whoever opens one says what stands in it, and what mends
its troubles.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

from probe.disk.private import open_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Seconds that one process waits for another to finish a step.
_PATIENCE = 30.0

Connection = TypeVar("Connection", bound=sqlite3.Connection)

Trouble = Literal["held", "full", "forbidden", "damaged"]
"""Another process is at work on a file for too long; its disk is full or fails; this user may not
write it; it is no whole database."""


class OfNewerVersion(Exception):
    """A later version of the program has made it, with other tables."""


def open_database(
    path: Path,
    factory: type[Connection],
    tables: str,
    version: int,
    changes: Sequence[str] = (),
    *,
    one_thread: bool = True,
) -> Connection:
    """Open a file for its owner's eyes only; it and its tables are made where there are none.

    ``tables`` are statements between semicolons, ``version`` is theirs; ``changes`` make tables of
    version 2 out of those of version 1, and so on. ``one_thread`` is False where the caller sees to
    it that threads use it one after the other. Raises `OfNewerVersion`
    where those that are there have a greater version, and what `factory` raises; nothing is left
    open then.
    """
    os.close(open_private(path))
    db = sqlite3.connect(
        path,
        timeout=_PATIENCE,
        isolation_level=None,
        factory=factory,
        check_same_thread=one_thread,
    )
    try:
        _set_up(db, tables, version, changes)
    except BaseException:
        db.close()
        raise
    return db


def look_into_database(path: Path, version: int) -> tuple[sqlite3.Connection, int]:
    """Open a file that is there to read it, with the version of its tables, and change nothing.

    It needs no leave to write, except where whoever wrote last was killed. Raises `OfNewerVersion`
    where the tables have a greater version than the given one; nothing is left open then.
    """
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE, isolation_level=None
    )
    try:
        (found,) = db.execute("PRAGMA user_version").fetchone()
        if found > version:
            raise OfNewerVersion
    except BaseException:
        db.close()
        raise
    return db, found


def _set_up(db: sqlite3.Connection, tables: str, version: int, changes: Sequence[str]) -> None:
    db.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten; Debian's SQLite does so by itself, others do not.
    db.execute("PRAGMA secure_delete = ON")
    with step(db):
        (found,) = db.execute("PRAGMA user_version").fetchone()
        if found > version:
            raise OfNewerVersion
        if found < version:
            for text in [tables] if found == 0 else changes[found - 1 :]:
                for statement in text.split(";"):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {version}")


@contextmanager
def step(db: sqlite3.Connection) -> Iterator[None]:
    """Changes that are made together or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # Where the disk is full SQLite has gone back by itself.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def trouble_of(problem: sqlite3.Error) -> Trouble | None:
    """What an error of SQLite says of the file; None where it says nothing of it.

    Source: https://www.sqlite.org/rescode.html, of which an extended code has the plain one in its
    lowest byte.
    """
    match getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "held"
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return "full"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "forbidden"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return "damaged"
        case _:
            return None
