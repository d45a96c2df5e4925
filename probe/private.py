"""Small files in the data folder that are replaced whole and are for their owner's eyes only.

This module knows nothing of what stands in them.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Put a file in place in one step, its folder too where there is none.

    A crash leaves the old one or the new one. Under root both belong to the owner of the folder
    that they are in, who has to read them without root.
    """
    _make(path.parent)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(fresh, "w", encoding="utf-8", opener=_private) as file:
            _hand_over(fresh, path.parent)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()


def _make(folder: Path) -> None:
    """Make the data folder where it is missing; what root makes belongs to whose home it is in."""
    above = folder.absolute()
    new = []
    while not above.exists():
        new.append(above)
        above = above.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for made in reversed(new):
        _hand_over(made, made.parent)


def _hand_over(path: Path, folder: Path) -> None:
    owner = folder.stat()
    if os.name == "posix" and os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
