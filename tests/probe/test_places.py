"""Where the data folder lies, and what is said of one that is not plugged in."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from probe.cli import main
from probe.failure import BadInput
from probe.places import data_folder


@pytest.mark.parametrize("below", [".", "gatewatch"])
def test_a_data_folder_on_a_disk_that_is_away_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    """Moved to a stick, with a link in its place, it is missed by name."""
    link, stick = tmp_path / "link", tmp_path / "stick"
    link.symlink_to(stick)
    monkeypatch.setenv("GATEWATCH_HOME", str(link / below))
    with pytest.raises(BadInput, match=f"{link} leads to {stick}, which is not there"):
        data_folder()
    for command in ("show", "purge"):
        done = CliRunner().invoke(main, [command])
        assert done.exit_code == 9
        assert "plug in" in done.stderr
    done = CliRunner().invoke(main, ["doctor"])
    assert done.stdout.count("which is not there; plug in") == 1
    assert "withheld" not in done.stdout
    stick.mkdir()
    assert data_folder() == link / below
