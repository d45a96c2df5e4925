"""Files of the system that are put in their place in one step."""

from __future__ import annotations

from pathlib import Path

import pytest

from probe.schedule.calls import put


def test_a_file_that_cannot_be_written_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """What stood there stands, and no half of the new one is in a folder that others read."""
    unit = tmp_path / "gatewatch.timer"
    unit.write_text("before", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        put({unit: "x" * 100_000 + "\udcff"})
    assert [path.name for path in tmp_path.iterdir()] == ["gatewatch.timer"]
    assert unit.read_text(encoding="utf-8") == "before"
