"""One run at a time in a data folder: two at once would be twice the packets anybody agreed to.

The folder itself is what is locked, so that nothing has to be written for it and nothing is left
behind by a run that was killed.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from probe.disk.belongings import sweep
from probe.disk.presence import is_folder
from probe.disk.private import naming
from probe.words.failure import Failure
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Busy(Failure):
    """Another run holds the folder."""


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold a folder; the lock ends with the process at the latest. Raises `Busy`.

    What was left unfinished in it by who was killed goes.
    Where there is no such folder nothing can be going on in it, and none is made.
    """
    if not is_folder(folder):
        yield
        return
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            with naming(folder):
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                _("another run is going on in {folder}; wait until it has ended").format(
                    folder=folder
                )
            ) from None
        sweep(folder)
        yield
    finally:
        os.close(held)
