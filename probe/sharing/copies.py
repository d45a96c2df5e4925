"""Copies of bundles that are left in a folder, for whoever carries them: on a stick, or by mail.

This module knows neither keys nor collectors.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from probe.disk.presence import is_folder
from probe.disk.private import UNFINISHED, replace_file
from probe.sharing.bundle import SUFFIX
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


def write_copy(data: bytes, target: Path, entry: OutboxEntry) -> bool:
    """Write a copy of a bundle for somebody else; False where its time tells when.

    Its time is midnight before its newest trace: a stick carries that along, and the hour at which
    it was handed over is nobody's business.
    """
    midnight = datetime.fromisoformat(entry.last_day).replace(tzinfo=UTC).timestamp()
    return replace_file(target, data, dated=midnight)


def warn_of_times(folder: Path) -> str:
    """What is said where a copy could not be dated."""
    return _(
        "{folder} takes no times of files from us, so its files tell when they were copied there; "
        "use another stick where nobody should know"
    ).format(folder=folder)


def sweep(folder: Path, name: str | None = None) -> None:
    """Delete what earlier copies left in a folder that were cut midway.

    Copies there have the names that bundles have in the outbox; one may have had another ``name``.
    """
    names = rf"[0-9a-f]{{64}}{re.escape(SUFFIX)}" + (f"|{re.escape(name)}" if name else "")
    half = re.compile(rf"(?:{names})\.\d+{re.escape(UNFINISHED)}")
    for path in folder.iterdir():
        if half.fullmatch(path.name):
            path.unlink(missing_ok=True)
