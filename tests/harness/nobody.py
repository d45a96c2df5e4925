"""What happens to another user: a part of a test that runs as nobody, in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable

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
