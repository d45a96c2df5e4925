"""What a system error about a file means: a sentence with its remedy, and an exit code.

Any command can meet a full disk, files that belong to somebody else, or a folder in the place of a
file, so these are explained in one place. This module knows nothing of what was being done.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from probe.disk.places import chosen_folder
from probe.disk.private import NO_ROOM, NOT_GIVEN
from probe.disk.readonly import read_only
from probe.words.failure import BadInput, PartlyDone, PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from probe.words.failure import Failure

_TOO_MANY = frozenset({errno.EMFILE, errno.ENFILE})

# What no other file would mend, whichever it was that could not be opened.
SHORTAGE = _TOO_MANY | {errno.ENOMEM}

_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM})

# A file of another kind than is needed has the name.
_IN_THE_WAY = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST})

# No file can have the name.
_NO_NAME = frozenset({errno.ENAMETOOLONG, errno.ELOOP})


# What Python says in the place of a path where no folder takes a temporary file.
_NO_TEMPORARY = "No usable temporary directory"


def is_short(problem: OSError) -> bool:
    """Whether the system is short of something, so that no other file would mend it."""
    return problem.errno in SHORTAGE or _has_no_temporary(problem)


def _has_no_temporary(problem: OSError) -> bool:
    return problem.filename is None and (problem.strerror or "").startswith(_NO_TEMPORARY)


def failure_of(problem: OSError) -> Failure | None:
    """The failure that an error amounts to; None for one that only a fault of ours explains."""
    return (
        _of_the_disk(problem)
        or _of_the_system(problem)
        or (_of_the_path(problem) if problem.filename else _of_the_working_folder(problem))
    )


def _of_the_disk(problem: OSError) -> Failure | None:
    if problem.errno in NO_ROOM:
        return PartlyDone(
            _("disk full at {path}; what was kept before is safe, make room and run again").format(
                path=problem.filename
            )
            if problem.filename
            else _("disk full; what was kept before is safe, make room and run again")
        )
    if problem.errno == errno.EROFS:
        return read_only(problem.filename or _("a file"))
    if problem.errno in NOT_GIVEN:
        return PartlyDone(
            _(
                "the disk fails at {path} ({reason}); save what is on it, and go on with another"
            ).format(path=problem.filename or _("a file"), reason=problem.strerror)
        )
    return None


def _of_the_system(problem: OSError) -> Failure | None:
    """What the system refuses: memory, more open files, or this user."""
    if problem.errno == errno.ENOMEM:
        return no_memory()
    if _has_no_temporary(problem):
        return PartlyDone(
            _(
                "no folder takes a temporary file, neither /tmp nor /var/tmp: their disk is full "
                "or read-only; make room, or name a folder elsewhere with TMPDIR"
            )
        )
    if problem.errno in _TOO_MANY:
        return PermissionDenied(
            _(
                "the system lets no more files and sockets be open at once ({reason}); close other "
                "programs, or raise the limit in this terminal: ulimit -n 1024"
            ).format(reason=problem.strerror)
        )
    if problem.errno == errno.ENOLCK:
        return PermissionDenied(
            _(
                "{path} cannot be locked ({reason}), as on some disks over a network; keep it on a "
                "disk of this machine (the data folder by GATEWATCH_HOME)"
            ).format(path=problem.filename or _("a file"), reason=problem.strerror)
        )
    if problem.errno in _NOT_ALLOWED:
        return PermissionDenied(
            (
                _(
                    "{path} may not be written or read by this user ({reason}); choose "
                    "another data folder with GATEWATCH_HOME, or mend its permissions"
                )
                if _is_kept(problem.filename)
                else _(
                    "{path} may not be written or read by this user ({reason}); mend its "
                    "permissions, or name another"
                )
            ).format(path=problem.filename or _("a file"), reason=problem.strerror)
        )
    return None


def _of_the_path(problem: OSError) -> Failure | None:
    """What is amiss with the file or folder that the error names."""
    if problem.errno in _IN_THE_WAY:
        said = _(
            "{path} cannot be used ({reason}): a file lies where a folder has to be, or a "
            "folder where a file has to be; move it away, or name another"
        )
    elif problem.errno in _NO_NAME:
        said = _(
            "{path} cannot be used ({reason}): the name is longer than the file system allows, "
            "or links lead in a circle; name another"
        )
    elif problem.errno == errno.ENXIO:
        said = _(
            "{path} cannot be used: a pipe, a socket or a device lies where a file has to be; "
            "move it away, or name another"
        )
    elif problem.errno == errno.ENOENT:
        said = _(
            "{path} is not there (any more): it, or what it leads to, was moved, deleted or "
            "pulled out; put it back, or try again"
        )
    else:
        return None
    return BadInput(said.format(path=problem.filename, reason=problem.strerror))


def _of_the_working_folder(problem: OSError) -> Failure | None:
    if problem.errno == errno.ENOENT and _is_nowhere():
        return BadInput(
            _(
                "the folder that this command was called in is not there any more; go to another "
                "with cd, and call it again"
            )
        )
    return None


def _is_nowhere() -> bool:
    """Whether the working folder is gone, of which the system says no name."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def no_memory() -> Failure:
    """The failure where the system gives no more memory."""
    return PartlyDone(
        _(
            "the system gives no more memory; what was kept before is safe, close other programs "
            "or raise the limit (ulimit -v), and run again"
        )
    )


def _is_kept(path: object) -> bool:
    """Whether another data folder would mend it: a path in this one, on the way to it, or none."""
    if not isinstance(path, str):
        return True
    try:
        there, folder = Path(path).absolute(), chosen_folder().absolute()
    except BadInput:
        return False
    return there.is_relative_to(folder) or folder.is_relative_to(there)
