"""Files in the data folder that are replaced or go whole, and are for their owner's eyes only.

This module knows nothing of what stands in them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from probe.disk.presence import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator


# How the name of a file ends that is not finished; a crash may leave one.
UNFINISHED = ".new"

# The names that `replace_file` gives to them, and the seconds after which nobody is at one.
_LEFT = re.compile(rf"(.+)\.\d+{re.escape(UNFINISHED)}")
_ABANDONED = 86_400.0

# By what the system says that a disk, or what a user may have of it, is full.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

# By what it says that somebody has no number in this container (user_namespaces(7)).
_HAS_NO_NUMBER = errno.EINVAL

# By what it says that a disk does not give what lies on it; not every system has the last.
NOT_GIVEN = frozenset({errno.EIO, errno.EBADMSG, getattr(errno, "EUCLEAN", errno.EIO)})


def replace_file(
    path: Path, content: str | bytes, *, dated: float | None = None, one_of_many: bool = False
) -> bool:
    """Put a file in place in one step, its folder too where there is none.

    Its time is ``dated``, in seconds since the epoch, or else that of now: False where the disk
    takes no other, as a stick that is mounted as another user's. It is on the disk when this
    returns, of ``one_of_many`` its content alone: who writes those calls `sync_folder` in the end.
    A crash before leaves what was there. Under root both belong to the owner of the folder that
    they are in, who has to read them without root.
    """
    make_folder(path.parent)
    fresh = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED}")
    fresh.unlink(missing_ok=True)  # a crash may have left it, of a process with the same number
    has_time = True
    try:
        with naming(path), open(fresh, "wb", opener=open_new) as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            if dated is not None:
                try:
                    os.utime(fresh, (dated, dated))
                except OSError:
                    has_time = False
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        # What went wrong before is what is told.
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    if not one_of_many:
        sync_folder(path.parent)
    return has_time


def sweep_unfinished(folder: Path, *names: str) -> None:
    """Delete what was left unfinished in a folder by who was killed, once it is a day old.

    Only what was to have one of these ``names``, where others keep their files in the folder too;
    what is younger may belong to somebody who is at it. The folder need not be there.
    """
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            left = _LEFT.fullmatch(path.name)
            if (
                left
                and (not names or left[1] in names)
                and time.time() - path.lstat().st_mtime > _ABANDONED
            ):
                path.unlink(missing_ok=True)


def move_into_place(staged: Path, final: Path) -> None:
    """Put a finished file in its place so that it survives a power cut, whole or not at all.

    Both lie on one disk. Under root it belongs to the owner of the folder that it comes into.
    """
    with naming(final), staged.open("rb+") as file:
        os.fsync(file.fileno())
        hand_over(file.fileno(), final.parent)
    staged.replace(final)
    sync_folder(final.parent)


def remove_file(path: Path) -> None:
    """Delete a file, where there is one; the disk has heard of it when this returns."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)


def read_kept(path: Path) -> bytes:
    """What stands in a file; raises OSError as `open_kept` does."""
    with open_kept(path) as file:
        return file.read()


def open_kept(path: Path) -> BinaryIO:
    """A file, to be read.

    Raises OSError (ENXIO) for a pipe, a socket or a device: whoever reads one may wait for ever.
    """
    return open(path, "rb", opener=_open_at_once)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file to read it, and nothing else; a pipe is not waited for."""
    return _only_file(path, os.open(path, flags | getattr(os, "O_NONBLOCK", 0)))


def _only_file(path: str | Path, opened: int) -> int:
    """What was opened, where that is a file or a folder; or nothing, where that was asked for."""
    kind = os.fstat(opened).st_mode
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind) or str(path) == os.devnull:
        return opened
    os.close(opened)
    raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), str(path))


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have errors of the system name this file that name none, as a write without room does."""
    try:
        yield
    except OSError as problem:
        if problem.filename is None:
            problem.filename = str(path)
        raise


def open_private(path: Path, flags: int = os.O_RDWR) -> int:
    """Open a file, made where there is none, as `os.open` does.

    One that root makes belongs to the owner of its folder; one that was there stays whose it was.
    Raises OSError (ENXIO) for a pipe, a socket or a device: what goes into one is kept nowhere.
    """
    try:
        return open_new(path, flags)
    except FileExistsError:
        flags |= os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        return _only_file(path, os.open(path, flags, 0o600))


def open_new(path: str | Path, flags: int) -> int:
    """Make a file, as `open_private` does, where there is none and no link.

    Raises FileExistsError where there is one.
    """
    flags |= os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    file = os.open(path, flags, 0o600)
    try:
        hand_over(file, Path(path).parent)
    except OSError:
        os.close(file)
        raise
    return file


def make_folder(folder: Path) -> None:
    """Make a folder where it is missing; what root makes belongs to whose home it is in."""
    above = folder.absolute()
    new = []
    while not above.exists():
        new.append(above)
        above = above.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for made in reversed(new):
        hand_over(made, made.parent)


def try_to_write(folder: Path) -> None:
    """Find out whether a folder, there or not, can be written to; nothing is left of the attempt.

    Raises what the system says, with the name of the folder.
    """
    import tempfile  # noqa: PLC0415 - needed where something is measured, not by an hourly call

    try:
        tempfile.TemporaryFile(dir=nearest(folder)).close()
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(folder)) from problem


def hand_over(made: Path | int, folder: Path) -> None:
    """Give what root has made, a path or an open file, to the owner of the folder it is in."""
    owner = folder.stat()
    if os.name == "posix" and os.geteuid() == 0 and owner.st_uid != 0:
        give(made, owner.st_uid, owner.st_gid)


def give(made: Path | int, user: int, group: int) -> None:
    """Make a path or an open file a user's and a group's, by their numbers; -1 leaves one as it is.

    It stays whose it is where they have no number here, as in a container that was made without
    root: nobody of it is kept out. Raises OSError where else it cannot be given.
    """
    try:
        os.chown(made, user, group, follow_symlinks=isinstance(made, int))
    except OSError as problem:
        if problem.errno != _HAS_NO_NUMBER:
            raise


def sync_file(path: Path) -> None:
    """Bring a finished file to the disk: what it cannot take, it may not say before."""
    with naming(path), path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring to the disk which files a folder has, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with naming(folder):
                os.fsync(handle)
        finally:
            os.close(handle)
