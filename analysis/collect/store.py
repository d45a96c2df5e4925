"""Where a collector keeps what it was sent: bundles as plain files, and one SQLite database.

``FOLDER/quarantine`` holds bundles that passed the checks and wait for a decision,
``FOLDER/accepted`` those to be judged by, ``FOLDER/collector.db`` what became of which. The
database is the truth: a bundle counts from the moment on at which it is in there, and only then
there is a receipt. Killed at any moment, a start puts the files where the database says. Nothing
in here knows who sent what, or from where, at which hour, or after which other bundle: what one
machine sends from several networks comes in a row.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.collect import rows
from analysis.collect.checks import FIRST, SLACK, Refused, check
from analysis.collect.look import ACCEPTED, INCOMING, QUARANTINE, Damaged, Look, read_key
from analysis.collect.rows import Held
from probe.disk.database import step
from probe.disk.private import (
    make_folder,
    naming,
    open_new,
    open_private,
    sweep_unfinished,
    sync_folder,
)
from probe.sharing.bundle import SUFFIX, BadBundle, Bundle, digest_of, public_part, unseal
from probe.sharing.keys import make_key
from probe.sharing.receipt import Receipt, Status

# Seconds after which nobody takes in any more what lies in ``incoming``: some of them are of the
# day before, since what comes bears the day alone.
_ABANDONED = 2 * 86_400

_DAY_NS = 86_400 * 10**9


# What mends a clock that is behind, or seems so.
MEND_CLOCK = (
    "set the clock right (timedatectl), or refuse what was measured in days to come "
    "(gatewatch collect review --all)"
)


class InUse(Exception):
    """Another collector keeps its bundles in this folder."""


class ClockBehind(Exception):
    """This machine's clock says a time that has been; the message says how that is known."""


class NotHeld(KeyError):
    """There is no such bundle, or it was decided on otherwise."""


class Store(Look):
    """The bundles in a folder, made where there is none. A context manager, for many threads.

    Raises `NoKey` and `Damaged` where its key or its database cannot be used. A new database is not
    made beside bundles: it would know of none, and what nobody knows of is swept away. Whatever is
    asked of it, sqlite3.OperationalError is raised where others hold the database for too long, or
    where it cannot be written, and another sqlite3.DatabaseError where a part of it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._serving = -1
        self._measured = ""
        super().__init__(folder)

    def _open(self) -> sqlite3.Connection:
        for name in ("", QUARANTINE, ACCEPTED, INCOMING):
            make_folder(self.folder / name)
        self._sweep()
        self.key = _own_key(self.folder / "key.pem")
        database = self.folder / "collector.db"
        if not (database.exists() and database.stat().st_size) and self._bundles():
            raise Damaged("it is not there, and bundles are")
        db = rows.open_rows(database)
        self._measured = rows.newest_day(db)
        return db

    def _sweep(self) -> None:
        """Delete what was broken off while it was taken in, or written, more than a day ago."""
        sweep_unfinished(self.folder, "key.pem")
        for path in (self.folder / INCOMING).iterdir():
            with suppress(FileNotFoundError):  # it was taken in, or swept by another
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()

    def close(self) -> None:
        """Close it. Safe to call twice."""
        super().close()
        if self._serving >= 0:
            os.close(self._serving)
        self._serving = -1

    def serve(self, now: datetime) -> None:
        """Be the one that receives, and put right what a crash left; raises `InUse`."""
        self._serving = open_private(self.folder / "collector.lock")
        try:
            with naming(self.folder):
                fcntl.flock(self._serving, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse from None
        for path in (self.folder / INCOMING).iterdir():
            path.unlink()
        with step(self._db):
            known = rows.statuses(self._db)
            for path in (self.folder / QUARANTINE).iterdir():
                if path.suffix == SUFFIX and path.stem not in known:
                    path.unlink()
        self.settle(now)

    def settle(self, now: datetime) -> None:
        """Put each file where the database says; of a refused bundle no file is kept."""
        with self._lock:
            with step(self._db):
                said = rows.statuses(self._db)
                for place in (QUARANTINE, ACCEPTED):
                    for path in (self.folder / place).iterdir():
                        status = said.get(path.stem)
                        if status == "accepted" and place != ACCEPTED:
                            path.replace(self.folder / ACCEPTED / path.name)
                        if status == "refused":
                            path.unlink()
                    sync_folder(self.folder / place)
            with suppress(sqlite3.OperationalError):  # without room, or in use: the next time
                rows.leave_no_order(self._db, now.date().isoformat())
            self._forget_the_hour()

    @contextmanager
    def incoming(self) -> Iterator[IO[bytes]]:
        """A file for what is being received; it is gone afterwards unless it was taken in."""
        name = os.urandom(8).hex()
        path = self.folder / INCOMING / name
        with open(path, "xb", opener=open_new) as file:
            try:
                with naming(path):
                    yield file
            finally:
                path.unlink(missing_ok=True)
                self._forget_the_hour()

    def take_in(self, file: IO[bytes], sha256: str, now: datetime) -> Receipt:
        """Check what was received and keep it, in quarantine; its receipt says which, or why not.

        ``file`` is one of `incoming`, whose sha256 was found to be ``sha256``. The same bundle may
        come any number of times; it is kept once. What is refused is not kept, and looked at anew
        when it comes again. Raises `ClockBehind` rather than refuse what every sender has.
        """
        known = self.receipt(sha256)
        if known is not None:
            return known
        self._require_clock(now)
        file.flush()
        day = now.date().isoformat()
        try:
            bundle = unseal(Path(file.name).read_bytes())
            # Seconds for a large one, in which others want their receipts.
            check(bundle, now)
            return self._keep(file, sha256, bundle, now)
        except (BadBundle, Refused) as problem:
            word = problem.word if isinstance(problem, Refused) else problem.reason
            text = str(problem) if isinstance(problem, Refused) else f"{word}: {problem}"
            with self._lock:
                self._count(day, word)
            return Receipt(sha256, "refused", 0, day, text)

    def _require_clock(self, now: datetime) -> None:
        latest = (now + SLACK).date().isoformat()
        said = f"the clock of this machine says {now.date()}"
        if now + SLACK < FIRST:
            raise ClockBehind(f"{said}, before there was gatewatch")
        if latest >= self._measured:
            return
        with self._lock:
            self._measured = rows.newest_day(self._db)
        if latest < self._measured:
            raise ClockBehind(f"{said}, and what is held was measured until {self._measured}")

    def _keep(self, file: IO[bytes], sha256: str, bundle: Bundle, now: datetime) -> Receipt:
        """Keep what passed the checks; raises `Refused` for a replay."""
        with self._lock:
            day = now.date().isoformat()
            began = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
            os.utime(file.name, (began, began))
            os.fsync(file.fileno())
            # Asked within the step: the server and `take` may have the same bundle, or a copy of
            # its traces under another key, at once.
            with self._or_no_file(sha256), step(self._db):
                known = self._receipt(sha256)
                if known is not None:
                    return known
                doubled = self._doubled(bundle)
                Path(file.name).replace(self._path(QUARANTINE, sha256))
                sync_folder(self.folder / QUARANTINE)
                self._insert(sha256, bundle, doubled, day)
            self._measured = max(self._measured, *bundle.manifest.days)
            return Receipt(sha256, "quarantined", bundle.manifest.traces - doubled, day)

    @contextmanager
    def _or_no_file(self, sha256: str) -> Iterator[None]:
        """Keep no file of a bundle whose row could not be written: nobody could refuse it."""
        try:
            yield
        except (OSError, sqlite3.Error):
            with suppress(OSError, sqlite3.Error), step(self._db):
                if self._receipt(sha256) is None:
                    self._path(QUARANTINE, sha256).unlink(missing_ok=True)
            raise

    def _forget_the_hour(self) -> None:
        """Have the folders that a coming bundle changes bear the day alone: backups keep times.

        The database keeps its own, by which backups see that it changed; a decision or a start
        is then the last that changed it.
        """
        for name in ("", QUARANTINE, INCOMING):
            path = self.folder / name
            with suppress(OSError):  # it may be another user's, who lets this one write
                changed = path.stat().st_mtime_ns
                day = changed - changed % _DAY_NS
                os.utime(path, ns=(day, day))

    def receipt(self, sha256: str) -> Receipt | None:
        """What has become of a bundle; None for one that is not held."""
        with self._lock:
            return self._receipt(sha256)

    def decide(self, sha256: str, status: Status, reason: str | None, now: datetime) -> None:
        """Accept a bundle in quarantine, or refuse one, also one that was accepted; then `settle`.

        Raises `NotHeld`.
        """
        with self._lock, step(self._db):
            if not rows.decide(self._db, sha256, status, reason, now.date().isoformat()):
                raise NotHeld(sha256)

    def _bundles(self) -> bool:
        """Whether bundles lie here, known or not."""
        return any(
            any((self.folder / place).glob(f"*{SUFFIX}")) for place in (QUARANTINE, ACCEPTED)
        )

    def _path(self, place: str, sha256: str) -> Path:
        return self.folder / place / f"{sha256}{SUFFIX}"

    def _receipt(self, sha256: str) -> Receipt | None:
        held = rows.one(self._db, sha256)
        if held is None:
            return None
        taken = 0 if held.status == "refused" else held.traces - held.doubled
        return Receipt(sha256, held.status, taken, held.day, held.reason)

    def _doubled(self, bundle: Bundle) -> int:
        """How many lines came before under the same key; refused where it was another's.

        What came in a bundle that was refused did not come.
        """
        doubled = 0
        for line in bundle.lines:
            key = rows.key_of(self._db, digest_of(line))
            if key is not None and key != bundle.manifest.key:
                raise Refused("replay", "a trace of the bundle came before under another key")
            doubled += key is not None
        return doubled

    def _insert(self, sha256: str, bundle: Bundle, doubled: int, day: str) -> None:
        said = bundle.manifest
        held = Held(
            sha256=sha256,
            status="quarantined",
            reason=None,
            day=day,
            network=said.network,
            key=said.key,
            traces=said.traces,
            doubled=doubled,
            first_day=min(said.days),
            last_day=max(said.days),
        )
        rows.arrive(self._db, held, [digest_of(line) for line in bundle.lines])

    def _count(self, day: str, word: str) -> None:
        self._db.execute(
            "INSERT INTO refusals VALUES (?, ?, 1)"
            " ON CONFLICT (day, reason) DO UPDATE SET count = count + 1",
            (day, word),
        )


def public_key(store: Store) -> str:
    """The key that receipts are signed with, in hexadecimal digits."""
    return public_part(store.key)


def now_utc() -> datetime:
    """The collector's clock."""
    return datetime.now(UTC)


def _own_key(path: Path) -> Ed25519PrivateKey:
    """The collector's key, made at its first start; raises `NoKey` for a file that is none."""
    try:
        return read_key(path)
    except FileNotFoundError:
        return make_key(path)
