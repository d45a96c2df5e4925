"""What goes with a data folder for whoever holds it: what killed commands left there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from probe.run.lock import lock

if TYPE_CHECKING:
    from pathlib import Path


def test_what_others_left_unfinished_stays(tmp_path: Path) -> None:
    """Whoever runs in a data folder that holds files of somebody else deletes none of theirs."""
    for name in ("consent.json.4711.new", "thesis.tex.4711.new"):
        (tmp_path / name).write_text("1")
        os.utime(tmp_path / name, (86_400, 86_400))
    with lock(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex.4711.new"]
