"""The agent of launchd, as its own format is read; `launchctl` is played, there is none here."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

from probe.schedule import Job, launchd
from probe.schedule.calls import Said
from probe.schedule.launchd import Launchd


@pytest.fixture
def loaded() -> set[str]:
    """The agents that launchd has loaded."""
    return set()


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded: set[str]) -> list[str]:
    """A home, and a `launchctl` that notes what it is called with and knows what is loaded."""
    monkeypatch.setenv("HOME", str(tmp_path))
    calls: list[str] = []

    def ask(words: list[str], told: str | None = None) -> Said:
        calls.append(words[1])
        if words[1] == "print":
            return Said(0 if loaded else 113, "", "")
        if words[1] == "bootstrap":
            assert Path(words[3]).is_file()
            loaded.add(words[3])
        else:
            loaded.clear()
        return Said(0, "", "")

    monkeypatch.setattr(launchd, "ask", ask)
    monkeypatch.setattr(launchd, "insist", ask)
    return calls


@pytest.fixture
def job(tmp_path: Path) -> Job:
    program = tmp_path / "bin & co" / "gatewatch"
    program.parent.mkdir()
    program.touch(mode=0o755)
    return Job((str(program),), tmp_path / "data", chosen=True)


def test_the_agent_is_what_launchd_reads(called: list[str], job: Job, tmp_path: Path) -> None:
    """The words of the call, once an hour, with the data folder that was chosen."""
    Launchd().install(job)
    (path,) = (tmp_path / "Library/LaunchAgents").iterdir()
    agent = plistlib.loads(path.read_bytes())
    assert agent["Label"] == path.stem
    assert agent["ProgramArguments"] == [*job.program, "run", "--scheduled"]
    assert agent["EnvironmentVariables"] == {"GATEWATCH_HOME": str(tmp_path / "data")}
    assert list(agent["StartCalendarInterval"]) == ["Minute"]
    assert 0 <= agent["StartCalendarInterval"]["Minute"] < 60
    assert agent["Umask"] == 0o077


def test_installing_twice_loads_once(called: list[str], job: Job) -> None:
    """And the minute stays the one that chance chose."""
    Launchd().install(job)
    Launchd().install(job)
    assert called.count("bootstrap") == 1
    standing = Launchd().standing(job)
    assert (standing.installed, standing.program, standing.troubles) == (True, job.program, ())


def test_nothing_is_left(called: list[str], job: Job, tmp_path: Path) -> None:
    """The agent is unloaded and its file gone."""
    Launchd().install(job)
    assert Launchd().remove()
    assert called[-1] == "bootout"
    assert list((tmp_path / "Library/LaunchAgents").iterdir()) == []
    assert not Launchd().standing(job).installed


def test_an_agent_that_was_unloaded_is_noticed(
    called: list[str], loaded: set[str], job: Job
) -> None:
    """Installing again mends it."""
    Launchd().install(job)
    loaded.clear()
    (trouble,) = Launchd().standing(job).troubles
    assert "does not run" in trouble.what
    Launchd().install(job)
    assert Launchd().standing(job).troubles == ()


@pytest.mark.parametrize("text", ["", '<?xml version="1.0"?><plist><dict>', "<plist></plist>"])
def test_an_agent_that_cannot_be_read_is_noticed(
    called: list[str], job: Job, tmp_path: Path, text: str
) -> None:
    """As after a crash while it was written; installing again mends it."""
    Launchd().install(job)
    (path,) = (tmp_path / "Library/LaunchAgents").iterdir()
    path.write_text(text)
    standing = Launchd().standing(job)
    assert (standing.installed, standing.program, standing.next) == (True, (), None)
    assert standing.troubles[0].remedy == "gatewatch schedule install"
    Launchd().install(job)
    assert Launchd().standing(job).troubles == ()
