"""Where things lie: what ships with the program, and what this volunteer's machine keeps."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).parent


def shipped(name: str) -> Path:
    """A file or folder of ``data/``, in an installed package as well as in a checkout."""
    installed = _PACKAGE / "_data"
    return (installed if installed.is_dir() else _PACKAGE.parent / "data") / name


def data_folder() -> Path:
    """The folder that holds all a volunteer's machine keeps; ``GATEWATCH_HOME`` overrides it."""
    chosen = os.environ.get("GATEWATCH_HOME")
    return (
        Path(chosen) if chosen else Path(platformdirs.user_data_dir("gatewatch", appauthor=False))
    )


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, with those above it that are missing.

    What root makes in somebody's home, as through sudo, belongs to whom the home belongs: else
    the same person could not go on without sudo.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700 if path == folder else 0o777, exist_ok=True)
        give_to_owner(path)


def give_to_owner(path: Path) -> None:
    """Let something that root made belong to whom the folder belongs that it lies in."""
    above = path.parent.stat()
    if os.geteuid() == 0 and above.st_uid != 0:
        os.chown(path, above.st_uid, above.st_gid)
