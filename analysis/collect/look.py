"""What a collector holds, for whoever only looks: at its folder, or at a backup of it.

Nothing is made or written, so a folder that may only be read will do. What is decided and taken in
is not known here.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.collect import rows
from analysis.collect.rows import Held
from probe.disk.database import OfNewerVersion, trouble_of
from probe.disk.private import (
    make_folder,
    move_into_place,
    open_private,
    replace_file,
    sweep_unfinished,
    sync_folder,
)
from probe.sharing.bundle import SUFFIX
from probe.sharing.receipt import Status

QUARANTINE, ACCEPTED, INCOMING = "quarantine", "accepted", "incoming"

# Bytes that have to be free on the disk before a bundle is taken in.
ROOM = 256 << 20

# How the folder's name begins in which the database of a copy is made.
_STAGING = ".backup-"


class Damaged(Exception):
    """The database cannot be read; the message says why."""


class WithoutFile(Exception):
    """Of so many bundles that are held, the first argument, there is no file to be copied."""


class NoKey(Exception):
    """The key that receipts are signed with cannot be read."""


class Look:
    """The bundles in a folder that is a collector's. A context manager.

    Raises `NoKey` and `Damaged` where its key or its database cannot be used; who may not read the
    key looks without. Whatever is asked of it, sqlite3.OperationalError is raised where others hold
    the database for too long, and another sqlite3.DatabaseError where a part of it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with _telling_damage():
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        with suppress(FileNotFoundError, PermissionError):
            read_key(self.folder / "key.pem")
        database = self.folder / "collector.db"
        if not database.stat().st_size:
            raise Damaged("it is empty")
        return rows.look_into_rows(database)

    def close(self) -> None:
        """Close it. Safe to call twice."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def has_room(self) -> bool:
        """Whether enough is free on the disk for what is sent."""
        return self.free() > 0

    def free(self) -> int:
        """Bytes that may still be taken in."""
        return max(0, shutil.disk_usage(self.folder).free - ROOM)

    def sizes(self) -> dict[str, int]:
        """The bytes of each bundle's file, by its sha256."""
        found = {}
        for place in (QUARANTINE, ACCEPTED):
            for path in _bundles(self.folder / place):
                with suppress(FileNotFoundError):  # it was decided on meanwhile
                    found[path.stem] = path.stat().st_size
        return found

    def back_up(self, to: Path, now: datetime) -> int:
        """Make a folder a whole copy of this one, or bring one that was in step, while it is used.

        Gives the number of bundles that the copy holds. Only what is not there yet is copied, and
        what is held no more goes there too: a bundle that was deleted as its sender asked would
        come back with the backup. Broken off, the next call brings it to an end, and the copy is
        whole meanwhile as it was. Raises `WithoutFile` once all else is copied. A copy is as
        private, and tells as little of hours and order, as what it was made of.
        """
        # First, since by it a folder is known for a copy again, whatever became of this call.
        replace_file(to / "key.pem", (self.folder / "key.pem").read_bytes())
        for made in (to / QUARANTINE, to / ACCEPTED, to / INCOMING):
            make_folder(made)
        for left in to.glob(f"{_STAGING}*"):
            shutil.rmtree(left)
        # What cannot be tidied up goes with the next call.
        with tempfile.TemporaryDirectory(
            prefix=_STAGING, dir=to, ignore_cleanup_errors=True
        ) as staging:
            said = self._copy_database(Path(staging) / "collector.db", now)
            held = {
                place: {f"{sha256}{SUFFIX}" for sha256, one in said.items() if one == status}
                for status, place in (("quarantined", QUARANTINE), ("accepted", ACCEPTED))
            }
            for place in held:
                sweep_unfinished(to / place)
            there = {place: {path.name for path in _bundles(to / place)} for place in held}
            missing = sum(
                not self._copy(name, to / place / name)
                for place, names in held.items()
                for name in names - there[place]
            )
            for place in held:
                sync_folder(to / place)
            # Up to here the copy is what it was, and from here on what this folder is.
            move_into_place(Path(staging) / "collector.db", to / "collector.db")
        for place, names in held.items():
            for name in there[place] - names:
                (to / place / name).unlink()
            sync_folder(to / place)
        if missing:
            raise WithoutFile(missing)
        return sum(one != "refused" for one in said.values())

    def _copy_database(self, to: Path, now: datetime) -> dict[str, Status]:
        """Copy the database; what became of each bundle that the copy knows."""
        os.close(open_private(to))
        with closing(sqlite3.connect(to)) as copy:
            self._db.backup(copy)
        with closing(rows.open_rows(to)) as copy:
            # As in `settle`: what came after what is nobody's to read, not in a copy either.
            rows.leave_no_order(copy, now.date().isoformat())
            return rows.statuses(copy)

    def _copy(self, name: str, to: Path) -> bool:
        """Copy a bundle, wherever it lies by now; False where it has no file and should."""
        for place in (QUARANTINE, ACCEPTED):
            with suppress(FileNotFoundError):
                found = self.folder / place / name
                dated = found.stat().st_mtime
                replace_file(to, found.read_bytes(), dated=dated, one_of_many=True)
                return True
        now = rows.one(self._db, name.removesuffix(SUFFIX))
        return now is None or now.status == "refused"  # meanwhile

    def database_size(self) -> int:
        """The bytes of the database."""
        return (self.folder / "collector.db").stat().st_size

    def held(self, status: Status | None = None) -> list[Held]:
        """Bundles that are held, by day; only those of one status where it is given."""
        return rows.held(self._db, status)

    def refusals(self, since: str = "") -> dict[str, int]:
        """How many bundles were refused at the door, by reason; only from a day on if given."""
        return dict(
            self._db.execute(
                "SELECT reason, sum(count) FROM refusals WHERE day >= ? GROUP BY reason ORDER BY 1",
                (since,),
            )
        )


def _bundles(folder: Path) -> Iterator[Path]:
    return folder.glob(f"*{SUFFIX}")


@contextmanager
def _telling_damage() -> Iterator[None]:
    """Raise `Damaged` for a database that is, or that is of a newer version."""
    try:
        yield
    except sqlite3.DatabaseError as problem:
        if trouble_of(problem) != "damaged":
            raise
        raise Damaged(str(problem)) from problem
    except OfNewerVersion:
        raise Damaged("it is of a newer version") from None


def read_key(path: Path) -> Ed25519PrivateKey:
    """The key that receipts are signed with; raises `NoKey` for a file that is none."""
    try:
        key: Any = serialization.load_pem_private_key(path.read_bytes(), None)
    except (TypeError, ValueError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise NoKey
    return key
