"""What a collector's database says, and how its bytes come to tell no order.

SQLite puts a row where there is room, so that rows which came one after the other lie so, and what
one machine sends from several networks comes in a row. Writing all of it anew hides that, but
takes half a minute of everybody's time in the second year. So what came today lies apart, and goes
among the rest when that day is over. What lies in a bundle, and what becomes of its file, is not
known here.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from probe.disk.database import look_into_database, open_database, step
from probe.sharing.receipt import Status

_VERSION = 2

# Numbers of bundles are drawn from so many bits, since counted ones would keep the order.
_NUMBER_BITS = 62


@dataclass(frozen=True, slots=True)
class Held:
    """A bundle that is kept; ``doubled`` of its traces came in an earlier one of the same key."""

    sha256: str
    status: Status
    reason: str | None
    day: str
    network: int
    key: str
    traces: int
    doubled: int
    first_day: str
    last_day: str


_HELD = ", ".join(Held.__slots__)

_BUNDLE = """
    number INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    reason TEXT,
    day TEXT NOT NULL,
    network INTEGER NOT NULL,
    key TEXT NOT NULL,
    traces INTEGER NOT NULL,
    doubled INTEGER NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL
"""
_LINE = "digest BLOB PRIMARY KEY, bundle INTEGER NOT NULL"

_SETTLED = f"SELECT number, {_HELD} FROM bundles"

# ``came`` is the day on which a bundle came, whatever was decided since.
_NEW = f"""
CREATE TABLE new_bundles ({_BUNDLE}, came TEXT NOT NULL);
CREATE TABLE new_lines ({_LINE}) WITHOUT ROWID;
CREATE VIEW held AS {_SETTLED}
    UNION ALL SELECT number, {_HELD} FROM new_bundles
"""

_TABLES = f"""
CREATE TABLE bundles ({_BUNDLE});
CREATE TABLE lines ({_LINE}) WITHOUT ROWID;
CREATE TABLE refusals (
    day TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (day, reason)
);
{_NEW}
"""

# Version 1 wrote all anew at each decision, so that what waits came since.
_CHANGES = [
    f"""{_NEW};
INSERT INTO new_bundles SELECT *, day FROM bundles WHERE status = 'quarantined';
DELETE FROM bundles WHERE status = 'quarantined';
INSERT INTO new_lines SELECT digest, bundle FROM lines JOIN new_bundles ON bundle = number;
DELETE FROM lines WHERE bundle IN (SELECT number FROM new_bundles)
"""
]

# What came in a bundle that was refused did not come, so that another may have it.
_UNLESS_KNOWN = (
    "ON CONFLICT (digest) DO UPDATE SET bundle = excluded.bundle"
    " WHERE EXISTS (SELECT 1 FROM held WHERE number = bundle AND status = 'refused')"
)


def open_rows(path: Path) -> sqlite3.Connection:
    """The database at a path, made where there is none: `probe.disk.database.open_database`."""
    db = open_database(path, sqlite3.Connection, _TABLES, _VERSION, _CHANGES, one_thread=False)
    # Rows that are sorted would go to the disk of temporary files.
    db.execute("PRAGMA temp_store = MEMORY")
    return db


def look_into_rows(path: Path) -> sqlite3.Connection:
    """The database at a path, to be read only: `probe.disk.database.look_into_database`."""
    db, version = look_into_database(path, _VERSION)
    db.execute("PRAGMA temp_store = MEMORY")
    if version == 1:
        db.execute(f"CREATE TEMP VIEW held AS {_SETTLED}")
    db.execute("PRAGMA query_only = ON")
    return db


def held(db: sqlite3.Connection, status: Status | None = None) -> list[Held]:
    """Bundles that are held, by day; only those of one status where it is given."""
    rows = db.execute(
        f"SELECT {_HELD} FROM held WHERE ? IS NULL OR status = ? ORDER BY day, sha256",
        (status, status),
    )
    return [Held(*row) for row in rows]


def one(db: sqlite3.Connection, sha256: str) -> Held | None:
    """The bundle of that name; None where there is none."""
    row = db.execute(f"SELECT {_HELD} FROM held WHERE sha256 = ?", (sha256,)).fetchone()
    return None if row is None else Held(*row)


def statuses(db: sqlite3.Connection) -> dict[str, Status]:
    """What became of each bundle, by its sha256."""
    return dict(db.execute("SELECT sha256, status FROM held"))


def newest_day(db: sqlite3.Connection) -> str:
    """The last day on which anything that is held was measured; empty where nothing is."""
    found = "SELECT max(last_day) FROM held WHERE status != 'refused'"
    (day,) = db.execute(found).fetchone()
    return day or ""


def key_of(db: sqlite3.Connection, digest: bytes) -> str | None:
    """The key under which a line came, in a bundle that was not refused; None where it did not."""
    found = db.execute(
        "SELECT key FROM (SELECT bundle FROM lines WHERE digest = :digest"
        " UNION ALL SELECT bundle FROM new_lines WHERE digest = :digest)"
        " JOIN held ON bundle = number WHERE status != 'refused'",
        {"digest": digest},
    ).fetchone()
    return None if found is None else str(found[0])


def arrive(db: sqlite3.Connection, bundle: Held, digests: Sequence[bytes]) -> None:
    """Add a bundle that came on its ``day``, and its lines."""
    number = secrets.randbits(_NUMBER_BITS)
    values = (number, *astuple(bundle), bundle.day)
    places = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO new_bundles VALUES ({places})", values)
    db.executemany(
        f"INSERT INTO new_lines VALUES (?, ?) {_UNLESS_KNOWN}",
        [(digest, number) for digest in digests],
    )


def decide(
    db: sqlite3.Connection, sha256: str, status: Status, reason: str | None, day: str
) -> bool:
    """Accept a bundle that waits, or refuse one, also one that was accepted; whether that was."""
    said = {"status": status, "reason": reason, "day": day, "sha256": sha256}
    return any(
        db.execute(
            f"UPDATE {table} SET status = :status, reason = :reason, day = :day"
            " WHERE sha256 = :sha256"
            " AND (status = 'quarantined' OR status = 'accepted' AND :status = 'refused')",
            said,
        ).rowcount
        for table in ("bundles", "new_bundles")
    )


def leave_no_order(db: sqlite3.Connection, today: str) -> None:
    """Lay what came lately as if all of a day had come at once.

    What came ``today`` stays apart, since more of that day may come; what came on another day goes
    where it stays. This takes as long as what came lately is much, whatever is held.
    """
    with step(db):
        over = "SELECT number FROM new_bundles WHERE came != ?"
        for statement in (
            f"INSERT INTO lines SELECT * FROM new_lines WHERE bundle IN ({over})"
            f" ORDER BY digest {_UNLESS_KNOWN}",
            f"DELETE FROM new_lines WHERE bundle IN ({over})",
            f"INSERT INTO bundles SELECT number, {_HELD} FROM new_bundles WHERE came != ?"
            " ORDER BY number",
            "DELETE FROM new_bundles WHERE came != ?",
        ):
            db.execute(statement, (today,))
        for table, order in (("new_bundles", "number"), ("new_lines", "digest")):
            db.execute(f"CREATE TEMP TABLE aside AS SELECT * FROM {table}")
            db.execute(f"DELETE FROM {table}")
            db.execute(f"INSERT INTO {table} SELECT * FROM aside ORDER BY {order}")
            db.execute("DROP TABLE aside")
