"""A SQLite file: what is deleted from it is gone from its bytes."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from probe.database import open_database, step


class Forgetful(sqlite3.Connection):
    """As SQLite is built outside Debian: what is deleted lies there until it is written over."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.execute("PRAGMA secure_delete = OFF")


def test_what_is_deleted_is_no_byte_of_the_file_any_more(tmp_path: Path) -> None:
    """A hash of a line that was purged would still tell whose a bundle is."""
    hashes = [os.urandom(16) for _ in range(300)]
    tables = "CREATE TABLE lines (digest BLOB PRIMARY KEY) WITHOUT ROWID"
    with closing(open_database(tmp_path / "some.db", Forgetful, tables, 1)) as db:
        with step(db):
            db.executemany("INSERT INTO lines VALUES (?)", [(one,) for one in hashes])
        with step(db):
            db.execute("DELETE FROM lines")
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(one in left for one in hashes)
