"""Folders for what is being written, so that nothing has its name before it is whole.

A process holds such a folder by a lock while it lives. Who is killed leaves one that nobody holds,
with traces of volunteers in it, so whoever writes there next takes it away. What is written is not
known here, and a folder without our lock in it is never touched, whatever its name.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK = "gatewatch.lock"
_HIDDEN = ".gatewatch-"


@contextmanager
def folder_named(folder: Path, *, parents: bool = False) -> Iterator[Path]:
    """Make a folder, and take it away at the end; what is whole has been moved out of it by then.

    One that a killed process left is replaced. Raises FileExistsError, with the name, where a
    living process holds it or something else is there.
    """
    try:
        folder.mkdir(mode=0o700, parents=parents)
    except FileExistsError:
        if not _take_away_abandoned(folder):
            raise
        folder.mkdir(mode=0o700)
    with _held(folder):
        yield folder


@contextmanager
def hidden_folder(beside: Path) -> Iterator[Path]:
    """As `folder_named`, with a name that no other has, in the folder in which ``beside`` lies.

    Those that killed processes left there go.
    """
    with suppress(OSError):
        for left in beside.parent.glob(f"{_HIDDEN}*"):
            _take_away_abandoned(left)
    with _held(type(beside)(tempfile.mkdtemp(prefix=_HIDDEN, dir=beside.parent))) as folder:
        yield folder


def is_unfinished(folder: Path) -> bool:
    """Whether something is written into a folder, or was until a process was killed."""
    return os.path.lexists(folder / _LOCK)


@contextmanager
def _held(folder: Path) -> Iterator[Path]:
    unnamed = folder / f"{_LOCK}.new"
    file = None
    try:
        file = os.open(unnamed, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        # A disk that knows no locks keeps what a killed process leaves, as do other systems.
        with suppress(OSError):
            _lock(file)
        # It gets its name once it is held: nobody takes away what has just been begun.
        unnamed.rename(folder / _LOCK)
        yield folder
    finally:
        _empty(folder)
        if file is not None:
            os.close(file)
        shutil.rmtree(folder, ignore_errors=True)


def _take_away_abandoned(folder: Path) -> bool:
    """Delete a folder that a killed process left; whether it was one, and is gone."""
    if folder.is_symlink():
        return False
    try:
        file = os.open(folder / _LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        if not _lock(file):
            return False
        _empty(folder)
    except OSError:
        return False
    finally:
        os.close(file)
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _lock(file: int) -> bool:
    """Whether nobody else holds a file, which this process does from now on."""
    if os.name != "posix":
        return False
    import fcntl  # noqa: PLC0415 - not on every system

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _empty(folder: Path) -> None:
    """Delete all in a folder but the lock, which tells until then whose it is."""
    for inside in folder.iterdir():
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside, ignore_errors=True)
        elif inside.name != _LOCK:
            with suppress(OSError):
                inside.unlink()
