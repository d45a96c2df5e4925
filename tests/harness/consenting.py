"""The owner's consent for tests that measure, given as a script gives it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from probe.owner.consent import Permission, change

if TYPE_CHECKING:
    from pathlib import Path


def agree(folder: Path, *permissions: Permission) -> Path:
    """Put down in a data folder that its owner agrees to these, or to all; returns the folder."""
    change(folder, dict.fromkeys(permissions or Permission, True), date(2026, 11, 1))
    return folder
