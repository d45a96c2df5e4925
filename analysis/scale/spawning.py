"""Other processes to share work with, where the system lets processes share anything.

They hand each other work by semaphores, which Linux keeps in /dev/shm. Some containers and
services have none, or one that is full or cannot be written to, and Android has no such
semaphores: work is then done in the process that has it. This module knows nothing of the work.
"""

from __future__ import annotations

import errno
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# How the system says that there is nothing to share, or no room for it. What it may be short of
# besides, such as files that may be open, keeps the work itself from being done.
_NOTHING_SHARED = frozenset(
    {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.ENOSYS}
)


def processes(
    count: int, initializer: Callable[..., object], *given: Any
) -> ProcessPoolExecutor | None:
    """So many processes, each begun anew with ``initializer(*given)``; None where none can be.

    Raises OSError where the system is short of something else.
    """
    try:
        return ProcessPoolExecutor(count, get_context("spawn"), initializer, given)
    except NotImplementedError:  # where Python was built without them
        return None
    except OSError as problem:
        if problem.errno in _NOTHING_SHARED:
            return None
        raise
