"""Files that a command writes: refused in time where they cannot be, and there only once whole.

What was measured cannot be measured again, and what took hours to judge should not be lost for a
mistyped name. What is written into the files is not known here.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analysis.intake.unfinished import hidden_folder
from probe import stop
from probe.disk.mishap import failure_of
from probe.disk.private import give, sync_file, sync_folder
from probe.words.failure import BadInput, Failure


def refuse_what_cannot_be_written(outputs: Iterable[Path]) -> None:
    """`Failure` for a file that cannot be written, before hours of reading are spent on it."""
    for path in outputs:
        if not path.parent.is_dir():
            raise BadInput(f"{path}: cannot be written, since there is no folder {path.parent}")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise unwritten(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def refuse_to_write_over(read: Iterable[str | Path | None], outputs: Iterable[Path]) -> None:
    """No output may be one of these files: traces cannot be measured again."""
    inputs = {_identity(path) for path in read if path is not None} - {None}
    for path in outputs:
        if _identity(path) in inputs:
            raise BadInput(f"{path}: is among what is read; give another name")


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What a file is by any of its names; None where none is to be seen."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of a file once it is whole; until then that stays.

    A device, and a file in a folder that takes no other, is written to as it is. Says it in the
    form of our failures where that cannot be done.
    """
    final = Path(os.path.realpath(path))
    try:
        if final.exists() and not (final.is_file() and os.access(final.parent, os.W_OK)):
            yield path
            return
        with stop.heeded(), hidden_folder(final) as folder:
            unfinished = folder / final.name
            yield unfinished
            if final.exists():
                _keep_owner(final, unfinished)
                shutil.copymode(final, unfinished)
            sync_file(unfinished)
            unfinished.replace(final)
            sync_folder(final.parent)
    except OSError as problem:
        raise unwritten(path, problem) from None


def _keep_owner(old: Path, new: Path) -> None:
    """Give what takes the place of a file to whom that belongs, where this user may."""
    if os.name != "posix":
        return
    owned = old.stat()
    for owner in ((owned.st_uid, -1), (-1, owned.st_gid)):
        with suppress(PermissionError):
            give(new, *owner)


def unwritten(path: str | Path, problem: OSError) -> Failure:
    """How a command ends that cannot write what it was to, by what the system says of it."""
    said = OSError(problem.errno, problem.strerror, str(path))
    # It need not have been there before.
    failure = None if problem.errno == errno.ENOENT else failure_of(said)
    return failure or BadInput(f"{path}: cannot be written ({problem.strerror})")
