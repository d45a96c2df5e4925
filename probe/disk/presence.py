"""Whether something is there: what may not be looked at is not taken for absent.

`pathlib` says so too up to Python 3.13; from 3.14 on it answers no for whatever it may not look at.
Who would then say that nothing is there to delete, or that a file does not exist, asks here.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP})


def _mode(path: Path) -> int:
    """The kind of what a path leads to; 0 where nothing is there."""
    try:
        return path.stat().st_mode
    except ValueError:  # no file has such a name
        return 0
    except OSError as problem:
        if problem.errno in _ABSENT:
            return 0
        raise


def is_there(path: Path) -> bool:
    """Whether anything is there, links followed. Raises OSError where that cannot be known."""
    return _mode(path) != 0


def is_folder(path: Path) -> bool:
    """Whether a folder is there, links followed. Raises OSError where that cannot be known."""
    return stat.S_ISDIR(_mode(path))


def is_file(path: Path) -> bool:
    """Whether a regular file is there, links followed. Raises OSError as `is_there` does."""
    return stat.S_ISREG(_mode(path))


def nearest(path: Path) -> Path:
    """What a path leads to; where nothing is there, or nobody may look, the nearest folder above.

    >>> nearest(Path("/no/such/folder"))
    PosixPath('/')
    """
    above = path.absolute().parents
    # pathlib raises where it may not look.
    return next(each for each in (path, *above) if os.path.exists(each))  # noqa: PTH110
