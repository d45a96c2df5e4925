"""A file that a disk does not give, without a disk that fails."""

from __future__ import annotations

from pathlib import Path


def make_unreadable(path: Path) -> str:
    """Put a file here whose reading fails as on a bad block; what commands say of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A process has nothing at the first of its addresses, and the kernel says EIO of that.
    path.symlink_to("/proc/self/mem")
    return (
        f"the disk fails at {path} (Input/output error); save what is on it, and go on with another"
    )
