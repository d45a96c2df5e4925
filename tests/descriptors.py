"""What this process has open, by Linux's list of descriptors."""

from __future__ import annotations

from pathlib import Path

_OPEN = Path("/proc/self/fd")


def file_of(handle: int) -> Path:
    """The file or folder that a descriptor stands for."""
    return (_OPEN / str(handle)).readlink()


def open_files() -> list[Path]:
    """All that this process has open; of a file that is gone, the name that the kernel gives it."""
    return [link.resolve() for link in _OPEN.iterdir()]


def open_below(folder: Path) -> list[Path]:
    """What of a folder this process has open, also what was deleted meanwhile."""
    return [path for path in open_files() if path.is_relative_to(folder)]
