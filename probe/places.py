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
