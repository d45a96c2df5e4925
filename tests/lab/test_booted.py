"""The systemd that tests start: what it may not reach."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.lab.booted import booted, missing

reason = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.xdist_group("lab-schedule"),
    pytest.mark.skipif(reason is not None, reason=reason or ""),
]


def test_the_temporary_files_of_the_machine_are_out_of_its_reach(tmp_path: Path) -> None:
    """A system that starts empties /tmp: of the machine, it sees what it was given and no more."""
    with (
        tempfile.NamedTemporaryFile(prefix="gatewatch-lab-") as outside,
        booted(tmp_path, system=False) as systemd,
    ):
        inside = systemd.run("sh", "-c", f"ls {tempfile.gettempdir()} /var/tmp {tmp_path}")
    assert Path(outside.name).name not in inside
    assert "systemd.log" in inside
