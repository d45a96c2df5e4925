"""Data sets that others published and that may not be copied into the repository.

They are looked for in the folder that ``GATEWATCH_PUBLISHED_DATA`` names, else in ``shared/data``
beside a folder above the checkout. Tests that need one are skipped, with its name, where it is
not there.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def published(name: str) -> Path:
    """The file of this name, such as ``traces/atlas_88302907.jsonl.gz``; skips without it."""
    given = os.environ.get("GATEWATCH_PUBLISHED_DATA")
    folders = [Path(given)] if given else [above / "shared/data" for above in _ROOT.parents]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    pytest.skip(f"{name} is not here; name its folder in GATEWATCH_PUBLISHED_DATA")
