"""What happens to another user: a part of a test in a process of its own, as nobody or apart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_NOBODY = 65534

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="another user can be tried by root only"
)


def holds_for_nobody(asked: Callable[[], bool]) -> bool:
    """Whether this is true for user nobody; what it raises there is no yes."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
            status = 0 if asked() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def in_a_container(code: str, folder: Path) -> None:
    """Have Python run this, which finds ``folder``, as root where no other user has a number.

    So it is in containers that are made without root. Skips where the system makes none.
    """
    finding = f"import sys; from pathlib import Path; folder = Path(sys.argv[1])\n{code}"
    done = subprocess.run(
        ["unshare", "--map-root-user", sys.executable, "-c", finding, folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.stderr.startswith("unshare: "):
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
