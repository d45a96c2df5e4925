"""What waits to leave this machine, and what became of what left: files, and one small database.

Each bundle is a file named by its sha256, each receipt another; ``outbox.db`` (SQLite) knows which
lines of the spool were bundled and how far each bundle has come. A bundle and the knowledge that
its lines are in it come to be in one step, so a machine that is switched off at any moment
neither loses a trace nor sends one twice. This module neither makes bundles nor sends them.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from probe.disk.database import step
from probe.disk.places import data_folder
from probe.disk.presence import is_file
from probe.disk.private import (
    UNFINISHED,
    make_folder,
    naming,
    open_private,
    replace_file,
    sweep_unfinished,
)
from probe.sharing.bundle import SUFFIX, digest_of, sha256_of
from probe.sharing.ledger import open_ledger
from probe.words.language import _, mark
from probe.words.sentence import Sentence, as_it_is

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from probe.sharing.bundle import Manifest
    from probe.sharing.receipt import Receipt

_DATABASE = "outbox.db"
_RECEIPTS = "receipts"
_VERSION = 3

# From version 1 on: where a copy was left may name whoever got it. From version 2 on: a sentence of
# ours was kept in the language of whoever called.
_CHANGES = (
    """
    ALTER TABLE bundles ADD COLUMN copied INTEGER NOT NULL DEFAULT 0;
    UPDATE bundles SET copied = left_at IS NOT NULL, left_at = NULL
    """,
    """
    ALTER TABLE bundles ADD COLUMN named TEXT;
    ALTER TABLE collectors ADD COLUMN named TEXT
    """,
)

_TABLES = """
CREATE TABLE bundles (
    number INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    network INTEGER NOT NULL,
    key TEXT NOT NULL,
    traces INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    unsure INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    copied INTEGER NOT NULL DEFAULT 0,
    named TEXT
);
CREATE TABLE lines (
    digest BLOB PRIMARY KEY, day TEXT NOT NULL, bundle TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE days (name TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL);
CREATE TABLE collectors (
    address TEXT PRIMARY KEY,
    key TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    named TEXT
);
"""


def outbox_folder() -> Path:
    """The folder of bundles and receipts in this volunteer's data folder."""
    return data_folder() / "outbox"


def is_outbox(folder: Path) -> bool:
    """Whether anything was ever bundled into a folder; a full disk leaves an empty file."""
    database = folder / _DATABASE
    return is_file(database) and database.stat().st_size > 0


def damaged(*files: Path) -> str:
    """What is said of bundles that were given up."""
    return _(
        "the file of a bundle is damaged or was deleted: {file}; its traces are bundled anew next "
        "time, or stay here where the key that signed them was replaced since"
    ).format(file=", ".join(map(str, files)))


_OCCUPIED = {
    "bundling": mark("another gatewatch is making bundles; try again in a moment"),
    "submitting": mark("another gatewatch is sending; try again in a moment"),
}


def occupied(what: str) -> str:
    """What is said where another process is at ``what``, see `locked`."""
    return _(_OCCUPIED[what])


@contextmanager
def locked(folder: Path, what: str) -> Iterator[bool]:
    """Keep other processes from ``what`` in an outbox; False where another one is at it."""
    file = open_private(folder / f"{what}.lock")
    try:
        try:
            with naming(folder):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(file)


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A bundle and how far it has come.

    ``state`` is ``waiting`` until a receipt says ``quarantined``, ``accepted`` or ``refused``.
    ``unsure`` is set from before it is sent until the answer is known. ``reason`` says why it
    was refused, or what kept it from being sent the last time, in the language wanted when this was
    read; ``copied`` says whether a copy lies in a folder outside.
    """

    sha256: str
    network: int
    key: str
    traces: int
    bytes: int
    first_day: str
    last_day: str
    state: str
    unsure: bool
    reason: str | None
    copied: bool


@dataclass(frozen=True, slots=True)
class Attempts:
    """How it went with a collector: its key, and when it may be tried again.

    ``not_before`` is in seconds since the epoch; ``told`` says that the collector itself named it.
    ``problem`` is why the last try failed.
    """

    key: str | None = None
    failures: int = 0
    not_before: float = 0.0
    told: bool = False
    problem: Sentence | None = None


@dataclass(frozen=True, slots=True)
class DayFile:
    """What a day file of the spool was like when all its lines were known."""

    name: str
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """What a day file is like now."""
        found = path.stat()
        return cls(path.name, found.st_size, found.st_mtime_ns)


_ENTRY = ", ".join(OutboxEntry.__slots__)
_ATTEMPTS = ", ".join(Attempts.__slots__)


class Outbox:
    """The outbox in a folder, made where there is none. A context manager.

    Raises `BadInput` where it is damaged or of a newer version, and the other failures that an
    error of the disk amounts to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.receipts = folder / _RECEIPTS
        for made in (folder.parent, folder, self.receipts):
            make_folder(made)
        self._db = open_ledger(folder / _DATABASE, _TABLES, _VERSION, _CHANGES)

    def close(self) -> None:
        """Close the database. Safe to call twice."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def locked(self, what: str) -> AbstractContextManager[bool]:
        """Keep other processes from ``what`` meanwhile; False where another one is at it."""
        return locked(self.folder, what)

    # What was bundled.

    def bundled(self, line: bytes) -> bool:
        """Whether a line of the spool is in a bundle already."""
        found = self._db.execute(
            "SELECT 1 FROM lines JOIN bundles ON bundles.sha256 = lines.bundle WHERE digest = ?",
            (digest_of(line),),
        )
        return found.fetchone() is not None

    def signed_by(self, line: bytes) -> str | None:
        """The key of the bundle that held a line of the spool and was given up; else None."""
        found = self._db.execute(
            "SELECT bundle FROM lines WHERE digest = ?"
            " AND bundle NOT IN (SELECT sha256 FROM bundles)",
            (digest_of(line),),
        ).fetchone()
        return None if found is None else str(found[0])

    def accepted(self, line: bytes) -> bool:
        """Whether a line of the spool is in a bundle that a collector has accepted."""
        found = self._db.execute(
            "SELECT 1 FROM lines JOIN bundles ON bundles.sha256 = lines.bundle"
            " WHERE digest = ? AND state = 'accepted'",
            (digest_of(line),),
        )
        return found.fetchone() is not None

    def known(self, day: DayFile) -> bool:
        """Whether a day file is as it was when all its lines were known."""
        found = self._db.execute(
            "SELECT 1 FROM days WHERE name = ? AND size = ? AND changed = ?",
            (day.name, day.size, day.changed),
        )
        return found.fetchone() is not None

    def days_begun(self) -> set[str]:
        """The names of day files of which any line is or was in a bundle."""
        return {name for (name,) in self._db.execute("SELECT DISTINCT day FROM lines")}

    def know(self, days: Iterable[DayFile]) -> None:
        """All lines of these day files are in bundles or never will be."""
        with step(self._db):
            self._db.executemany(
                "INSERT OR REPLACE INTO days VALUES (?, ?, ?)",
                [(day.name, day.size, day.changed) for day in days],
            )

    def forget_days_but(self, names: Iterable[str]) -> None:
        """Forget the lines of day files that are no more."""
        gone = self.days_begun() - set(names)
        with step(self._db):
            for name in gone:
                self._db.execute("DELETE FROM lines WHERE day = ?", (name,))
                self._db.execute("DELETE FROM days WHERE name = ?", (name,))

    def add(
        self, data: bytes, manifest: Manifest, lines: Iterable[tuple[str, bytes]]
    ) -> OutboxEntry:
        """Take a bundle in; ``lines`` are those in it, each with the name of its day file.

        The file is on the disk first; it counts only from the moment on at which the database
        knows it and its lines.
        """
        name = sha256_of(data)
        replace_file(self.path_of(name), data)
        with step(self._db):
            self._db.execute(
                "INSERT OR IGNORE INTO bundles"
                " (sha256, network, key, traces, bytes, first_day, last_day)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    name,
                    manifest.network,
                    manifest.key,
                    manifest.traces,
                    len(data),
                    min(manifest.days),
                    max(manifest.days),
                ),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO lines VALUES (?, ?, ?)",
                [(digest_of(line), day, name) for day, line in lines],
            )
        (entry,) = self.entries("sha256 = ?", name)
        return entry

    def sweep(self) -> None:
        """Remove what crashes left: bundles not counted, whose lines are bundled anew, or done.

        Only for who holds the lock of bundling.
        """
        counted = {entry.sha256 for entry in self.entries("state != 'accepted'")}
        for path in self.folder.iterdir():
            if path.name.endswith(UNFINISHED) or (
                path.suffix == SUFFIX and path.stem not in counted
            ):
                path.unlink(missing_ok=True)  # who submits removes what is accepted, too
        sweep_unfinished(self.receipts)

    # How far bundles have come.

    def path_of(self, sha256: str) -> Path:
        """Where a bundle lies until it is accepted."""
        return self.folder / f"{sha256}{SUFFIX}"

    def content(self, sha256: str) -> bytes | None:
        """A bundle's bytes; None where they are damaged, and then it is given up.

        Only for who holds the lock of submitting.
        """
        try:
            data = self.path_of(sha256).read_bytes()
        except FileNotFoundError:
            data = b""
        if sha256_of(data) == sha256:
            return data
        self.give_up(sha256)
        return None

    def receipt_of(self, sha256: str) -> Path:
        """Where the last receipt for a bundle lies, if there is one."""
        return self.receipts / f"{sha256}.json"

    def entries(self, where: str = "1", *values: str) -> list[OutboxEntry]:
        """Bundles, oldest first."""
        rows = self._db.execute(
            f"SELECT named, {_ENTRY} FROM bundles WHERE {where} ORDER BY number",  # noqa: S608 - ours
            values,
        )
        return [_entry(named, row) for named, *row in rows]

    def unfinished(self) -> list[OutboxEntry]:
        """Bundles that are to be sent, or whose collector has not yet decided."""
        return self.entries("state IN ('waiting', 'quarantined')")

    def unrefused(self) -> list[OutboxEntry]:
        """Bundles of which a collector may have more to say: also those that it accepted."""
        return self.entries("state != 'refused'")

    def begin(self, sha256: str) -> None:
        """A bundle is about to be sent; from now on nobody knows whether it came."""
        self._db.execute("UPDATE bundles SET unsure = 1 WHERE sha256 = ?", (sha256,))

    def stayed(self, sha256: str, reason: Sentence, *, unsure: bool) -> None:
        """A bundle was not taken now, and why; ``unsure`` says whether it may have been before."""
        self._db.execute(
            "UPDATE bundles SET unsure = ?, reason = ?, named = ? WHERE sha256 = ?",
            (unsure, *_kept(reason), sha256),
        )

    def received(self, receipt: Receipt, signed: bytes) -> None:
        """Keep a receipt, then what it says; an accepted bundle needs no place here any more."""
        replace_file(self.receipt_of(receipt.bundle), signed)
        self._db.execute(
            "UPDATE bundles SET state = ?, reason = ?, named = NULL, unsure = 0 WHERE sha256 = ?",
            (receipt.status, receipt.reason, receipt.bundle),
        )
        if receipt.status == "accepted":
            self.path_of(receipt.bundle).unlink(missing_ok=True)

    def give_up(self, sha256: str) -> None:
        """Forget a bundle that is of no use; its lines may be bundled anew.

        Which key signed them is not forgotten, since a copy of it may be anywhere: see `signed_by`.
        """
        with step(self._db):
            self._db.execute(
                "DELETE FROM days WHERE name IN (SELECT day FROM lines WHERE bundle = ?)", (sha256,)
            )
            self._db.execute(
                "UPDATE lines SET bundle = (SELECT key FROM bundles WHERE sha256 = lines.bundle)"
                " WHERE bundle = ?",
                (sha256,),
            )
            self._db.execute("DELETE FROM bundles WHERE sha256 = ?", (sha256,))

    def refused(self) -> list[OutboxEntry]:
        """Refused bundles that could be sent again.

        Not those that were accepted before, of which no file is left: they were taken back.
        """
        return [
            entry
            for entry in self.entries("state = 'refused'")
            if self.path_of(entry.sha256).exists()
        ]

    def wait_again(self) -> None:
        """Refused bundles wait again."""
        there = [(entry.sha256,) for entry in self.refused()]
        with step(self._db):
            self._db.executemany(
                "UPDATE bundles SET state = 'waiting', reason = NULL, named = NULL"
                " WHERE sha256 = ?",
                there,
            )

    def left(self, sha256: str) -> None:
        """A copy of a bundle lies in a folder outside, of which nothing is kept."""
        self._db.execute("UPDATE bundles SET copied = 1 WHERE sha256 = ?", (sha256,))

    # How it went with collectors.

    def attempts(self, address: str) -> Attempts:
        """What is known of a collector; nothing before the first try."""
        row = self._db.execute(
            f"SELECT named, {_ATTEMPTS} FROM collectors WHERE address = ?",  # noqa: S608 - ours
            (address,),
        ).fetchone()
        if row is None:
            return Attempts()
        named, *columns = row
        found = dict(zip(Attempts.__slots__, columns, strict=True))
        problem = _sentence(found["problem"], named)
        return Attempts(**found | {"told": bool(found["told"]), "problem": problem})

    def remember(self, address: str, attempts: Attempts) -> None:
        """Remember how it went with a collector."""
        self._db.execute(
            f"INSERT OR REPLACE INTO collectors (address, {_ATTEMPTS}, named)"  # noqa: S608 - ours
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                address,
                attempts.key,
                attempts.failures,
                attempts.not_before,
                attempts.told,
                *_kept(attempts.problem),
            ),
        )


def _entry(named: str | None, row: list[Any]) -> OutboxEntry:
    one = dict(zip(OutboxEntry.__slots__, row, strict=True))
    reason = _sentence(one["reason"], named)
    return OutboxEntry(
        **one
        | {
            "unsure": bool(one["unsure"]),
            "copied": bool(one["copied"]),
            "reason": None if reason is None else str(reason),
        }
    )


def _kept(sentence: Sentence | None) -> tuple[str | None, str | None]:
    """A sentence as two columns: what the catalogues know it by, and what stands in its gaps."""
    if sentence is None:
        return None, None
    return sentence.message, json.dumps(dict(sentence.named))


def _sentence(words: str | None, named: str | None) -> Sentence | None:
    """What two columns keep; words without the second are those of a collector, or of version 2."""
    if words is None:
        return None
    return as_it_is(words) if named is None else Sentence(words, json.loads(named))


@dataclass(frozen=True, slots=True)
class Status:
    """The outbox at a glance: bundles, and how it went with the collector asked for.

    ``refused`` are those of the bundles that could be sent again, see `Outbox.refused`.
    """

    entries: tuple[OutboxEntry, ...] = ()
    refused: tuple[OutboxEntry, ...] = ()
    attempts: Attempts = Attempts()

    def count(self, state: str) -> int:
        """How many bundles are in a state."""
        return sum(entry.state == state for entry in self.entries)


def status(folder: Path, collector: str | None = None) -> Status:
    """What is in the outbox of a folder; nothing is made where there is none."""
    if not is_outbox(folder):
        return Status()
    with closing(Outbox(folder)) as outbox:
        attempts = outbox.attempts(collector) if collector else Attempts()
        return Status(tuple(outbox.entries()), tuple(outbox.refused()), attempts)
