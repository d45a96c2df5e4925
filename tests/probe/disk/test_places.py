"""Where the data folder lies, and what is said of one that is not plugged in."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import platformdirs
import pytest
from click.testing import CliRunner

from probe.cli import main
from probe.disk.places import data_folder
from probe.schedule.here import job
from probe.words.failure import BadInput


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
@pytest.mark.parametrize("command", [["consent", "status"], ["purge", "--yes"], ["show"]])
def test_a_data_folder_that_can_be_none_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str, command: list[str]
) -> None:
    """As for a user whose home is /dev/null: nothing could be kept, and every command says so."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "file" / below))
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 9
    assert f"{tmp_path / 'file'} is no folder" in done.stderr
    assert "set GATEWATCH_HOME to a folder" in done.stderr
    assert CliRunner().invoke(main, ["doctor"]).stdout.count("is no folder") == 1


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


@pytest.mark.skipif(os.name != "posix", reason="there is no sudo")
def test_under_sudo_the_data_folder_is_that_of_who_called_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else root would be asked for consent anew, and pass over the do-not-probe list of the user.

    A timer of root's is not called by sudo, so that it has to be told the folder.
    """
    homes = {0: "/root", 1000: str(tmp_path / "sokha")}
    monkeypatch.setattr("pwd.getpwuid", lambda uid: SimpleNamespace(pw_dir=homes[uid]))
    monkeypatch.setattr("probe.schedule.here.program", lambda: "/usr/bin/gatewatch")
    monkeypatch.setenv("HOME", "/root")
    for variable in ("GATEWATCH_HOME", "XDG_DATA_HOME", "SUDO_UID"):
        monkeypatch.delenv(variable, raising=False)
    assert (data_folder(), job(system=False).chosen) == (ours("/root"), False)
    monkeypatch.setenv("SUDO_UID", "1000")
    assert (data_folder(), job(system=False).chosen) == (ours(homes[1000]), True)
    monkeypatch.setenv("HOME", "/srv/root")
    assert (data_folder(), job(system=False).chosen) == (ours("/srv/root"), False)
    monkeypatch.setenv("HOME", "/root")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert data_folder() == ours(homes[1000])
    for nobody in ("0", "", "me", "4711"):
        monkeypatch.setenv("SUDO_UID", nobody)
        assert data_folder() == ours("/root")


def ours(home: str) -> Path:
    below = Path(platformdirs.user_data_dir("gatewatch", appauthor=False)).relative_to(Path.home())
    return Path(home) / below


@pytest.mark.skipif(os.name != "posix", reason="there are no such variables")
@pytest.mark.parametrize("variable", ["GATEWATCH_HOME", "XDG_DATA_HOME"])
def test_a_timer_is_told_of_a_folder_that_a_shell_names(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither cron nor a service of the user reads what the shell's profile sets."""
    for each in ("GATEWATCH_HOME", "XDG_DATA_HOME", "SUDO_UID"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setattr("probe.schedule.here.program", lambda: "/usr/bin/gatewatch")
    assert not job(system=False).chosen
    monkeypatch.setenv(variable, str(tmp_path / "data"))
    assert job(system=False).chosen
    assert job(system=False).folder.is_relative_to(tmp_path / "data")
