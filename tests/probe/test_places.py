"""Where the data folder lies, and what is said of one that is not plugged in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from probe.cli import main
from probe.failure import BadInput
from probe.places import data_folder


@pytest.mark.skipif(os.name != "posix", reason="a home is found by HOME and by pwd(5)")
def test_who_has_no_home_is_asked_for_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container's user that is a number, where nothing sets HOME: no fault, but a remedy."""

    def homeless(_: str) -> str:
        raise KeyError("uid not found: 54321")

    for variable in ("HOME", "GATEWATCH_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", homeless)
    done = CliRunner().invoke(main, ["show"])
    assert done.exit_code == 9
    assert "set GATEWATCH_HOME to a folder" in done.stderr
    done = CliRunner().invoke(main, ["doctor"])
    assert done.stdout.count("set GATEWATCH_HOME to a folder") == 1
    assert "withheld" not in done.stdout


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


def test_a_chosen_folder_on_a_stick_that_is_away_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place goes with the stick; a new folder beside others is made as before."""
    stick = tmp_path / "stick of mine"
    monkeypatch.setenv("GATEWATCH_HOME", str(stick / "gatewatch"))
    for command in ("show", "purge", "run"):
        done = CliRunner().invoke(main, [command])
        assert (done.exit_code, done.stdout) == (9, "")
        assert f"{stick / 'gatewatch'}, which GATEWATCH_HOME names, would lie" in done.stderr
        assert 'mkdir -p "$(dirname "$GATEWATCH_HOME")"' in done.stderr
    done = CliRunner().invoke(main, ["doctor"])
    assert done.stdout.count("plug in or mount the disk") == 1
    assert "stick" not in done.stdout
    stick.mkdir()
    assert data_folder() == stick / "gatewatch"
    monkeypatch.delenv("GATEWATCH_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "new" / "share"))
    assert data_folder() == tmp_path / "new" / "share" / "gatewatch"
