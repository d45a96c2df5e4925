"""What this process has open, by Linux's list of descriptors; and one that may open no more."""

from __future__ import annotations

import subprocess
import sys
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


def error_without_descriptors(imports: str, call: str, path: Path) -> str:
    """What the system says where Python makes a ``call`` after ``imports`` and may open no file.

    ``call`` finds ``path`` as ``path``; empty where it raises no OSError.
    """
    code = (
        f"import os, resource, sys; from pathlib import Path\n{imports}\n"
        "path = Path(sys.argv[1])\n"
        "free = os.dup(0); os.close(free)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))\n"
        f"try: {call}\n"
        "except OSError as problem: print(problem.strerror)"
    )
    return subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    ).stdout
