"""Copies of bundles that are left in a folder, for whoever carries them: on a stick, or by mail.

This module knows neither keys nor collectors.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from probe.disk.presence import is_folder
from probe.disk.private import UNFINISHED, replace_file
from probe.words.failure import BadInput
from probe.words.language import _

if TYPE_CHECKING:
    from pathlib import Path

    from probe.sharing.outbox import OutboxEntry


def demand_folder(folder: Path) -> None:
    """Raise `BadInput` where a folder that bundles are to be left in is not there."""
    if not is_folder(folder):
        raise BadInput(
            _("{folder} is not there; plug the stick in, or make the folder").format(folder=folder)
        )


def write_copy(data: bytes, target: Path, entry: OutboxEntry) -> None:
    """Write a copy of a bundle for somebody else.

    Its time is midnight before its newest trace: a stick carries that along, and the hour at which
    it was handed over is nobody's business. What an earlier copy to the same name left that was cut
    midway goes.
    """
    _sweep(target)
    replace_file(target, data)
    midnight = datetime.fromisoformat(entry.last_day).replace(tzinfo=UTC).timestamp()
    os.utime(target, (midnight, midnight))


def _sweep(target: Path) -> None:
    for path in target.parent.iterdir():
        writer = path.name.removeprefix(f"{target.name}.").removesuffix(UNFINISHED)
        if writer.isdigit() and path.name == f"{target.name}.{writer}{UNFINISHED}":
            path.unlink(missing_ok=True)
