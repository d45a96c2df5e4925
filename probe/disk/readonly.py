"""A file system that can only be read, which no owner and no permission mends.

Cards have a switch, sticks and live systems are made so, and Linux makes one so that has faults.
This module knows nothing of what was to be written.
"""

from __future__ import annotations

import os
from pathlib import Path

from probe.disk.presence import nearest
from probe.words.failure import PermissionDenied
from probe.words.language import _


def is_read_only(path: Path) -> bool:
    """Whether a path lies on a file system that can only be read, or would if it were there.

    >>> is_read_only(Path("/proc/no/such/file"))
    False
    """
    if not hasattr(os, "statvfs"):
        return False
    return bool(os.statvfs(nearest(path)).f_flag & os.ST_RDONLY)


def read_only(path: object) -> PermissionDenied:
    """The failure where something was to be written there."""
    return PermissionDenied(
        _(
            "{path} cannot be written: its file system is read-only, by a switch of the card, as "
            "it was mounted, or since it has faults; make it writable, or choose a folder "
            "elsewhere (for the data folder with GATEWATCH_HOME)"
        ).format(path=path)
    )
