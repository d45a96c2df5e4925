"""The owner's consent for tests that measure, given as a script gives it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from probe.consent import Capability, change

if TYPE_CHECKING:
    from pathlib import Path


def agree(folder: Path, *capabilities: Capability) -> Path:
    """Put down in a data folder that its owner agrees to these, or to all; returns the folder."""
    change(folder, dict.fromkeys(capabilities or Capability, True), date(2026, 11, 1))
    return folder
