"""A SQLite file: what is deleted from it is gone from its bytes, and what its troubles are."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from probe.disk.database import open_database, step, trouble_of


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


def refused(path: Path, statement: str) -> sqlite3.Error:
    """What SQLite raises where a statement cannot be carried out."""
    address = f"{path.as_uri()}?mode=rw"
    with (
        pytest.raises(sqlite3.Error) as raised,
        closing(sqlite3.connect(address, timeout=0.0, isolation_level=None, uri=True)) as db,
    ):
        db.execute(statement)
    return raised.value


def test_an_error_tells_what_the_trouble_with_the_file_is(tmp_path: Path) -> None:
    """Held, full, forbidden and damaged have remedies of their own; the rest is our own fault."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE one (number INTEGER)")
        other.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.Error) as full:
            other.execute("INSERT INTO one VALUES (zeroblob(9000))")
        other.execute("BEGIN IMMEDIATE")
        held = refused(path, "INSERT INTO one VALUES (1)")
    forbidden = refused(tmp_path / "nowhere.db", "SELECT 1")
    ours = refused(path, "SELECT 1 FROM other")
    path.write_bytes(b"not SQLite" * 1000)
    damaged = refused(path, "SELECT 1 FROM one")
    found = [trouble_of(problem) for problem in (held, full.value, forbidden, damaged, ours)]
    assert found == ["held", "full", "forbidden", "damaged", None]
