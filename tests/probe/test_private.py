"""Files that are replaced whole."""

from __future__ import annotations

import os
from pathlib import Path

from probe.private import UNFINISHED, replace_file


def test_what_a_crash_left_unfinished_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """In a container the same program has the same process number at each start."""
    path = tmp_path / "schedule.state"
    path.write_text("before")
    left = tmp_path / f"{path.name}.{os.getpid()}{UNFINISHED}"
    left.write_text("aft")
    replace_file(path, "after")
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]
