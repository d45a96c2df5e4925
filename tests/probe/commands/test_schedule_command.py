"""``gatewatch schedule``: what it says and how it ends, over a timer that is played."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from probe.cli import main
from probe.owner.consent import Permission, change
from probe.run.allowance import Allowance, allowance_file
from probe.schedule import Job, Standing, Trouble
from probe.schedule.circumstances import BATTERY
from probe.schedule.diary import Diary
from probe.schedule.here import program
from probe.words.failure import Failure
from tests.harness.consenting import agree

JOB = Job(("/usr/local/bin/gatewatch",), Path("/nowhere"))


class Played:
    """A timer that is a list of what was done to it."""

    name = "played timer"

    def __init__(self) -> None:
        self.did: list[str] = []
        self.troubles: tuple[Trouble, ...] = ()

    def files(self, job: Job) -> Mapping[Path, str]:
        return {Path("/etc/played"): f"call {' '.join(job.command)}"}

    def commands(self, job: Job) -> Sequence[Sequence[str]]:
        return [["played", "on"]]

    def prepare(self, job: Job) -> None:
        self.did.append("prepared")

    def install(self, job: Job) -> None:
        self.did.append("installed")

    def standing(self, job: Job) -> Standing:
        if "installed" not in self.did:
            return Standing(installed=False)
        return Standing(True, job.program, next=1.9e9, troubles=self.troubles)

    def remove(self) -> bool:
        self.did.append("removed")
        return "installed" in self.did


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played()
    job = Job(JOB.program, tmp_path / "home")
    monkeypatch.setattr("probe.schedule.here.timer", lambda *, system: played)
    monkeypatch.setattr("probe.schedule.here.job", lambda *, system: job)
    monkeypatch.setattr("probe.schedule.here.is_system_wide", lambda: False)
    return played


def schedule(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["schedule", *arguments])


def test_nothing_is_installed_that_could_keep_nothing(
    clock: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a card whose switch is on, each run would end with 4, and nobody would hear of it."""
    agree(tmp_path / "home")

    def refuse(dir: Path) -> None:  # noqa: A002 - the library's name
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(dir / "tmp"))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    done = schedule("install")
    assert (done.exit_code, done.stdout) == (4, "")
    assert f"{tmp_path / 'home'} cannot be written: its file system is read-only" in done.stderr
    assert "installed" not in clock.did


def test_nothing_is_installed_without_consent(clock: Played) -> None:
    """Exit code 3, with how to give it."""
    done = schedule("install")
    assert done.exit_code == 3
    assert "gatewatch consent grant" in done.stderr
    assert "installed" not in clock.did


def test_who_installs_is_told_what_a_timer_needs_to_know(clock: Played, tmp_path: Path) -> None:
    """It calls without --country; a run that takes a network abroad for one's own cuts wrongly."""
    agree(tmp_path / "home")
    settings = tmp_path / "home" / "settings.toml"
    advice = f'write country = "CC", with the code of yours, into {settings}\n'
    assert advice in schedule("install").stdout
    settings.write_text('country = "KH"\n')
    assert "country" not in schedule("install").stdout


def test_nothing_is_installed_that_each_run_would_refuse(clock: Played, tmp_path: Path) -> None:
    """What a timer's run says of damaged settings nobody hears."""
    agree(tmp_path / "home")
    (tmp_path / "home" / "settings.toml").write_text("county = 1\n")
    done = schedule("install")
    assert (done.exit_code, done.stdout) == (9, "")
    assert "there is no setting 'county'" in done.stderr
    assert "installed" not in clock.did


def test_under_sudo_no_timer_of_roots_is_put_over_the_data_of_another(
    clock: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever called sudo would see none when asking for it; one that is there can be taken out."""
    homes = {0: str(Path.home()), 1000: "/home/sokha"}
    monkeypatch.setattr("pwd.getpwuid", lambda uid: SimpleNamespace(pw_dir=homes[uid]))
    monkeypatch.setenv("SUDO_UID", "1000")
    done = schedule("install")
    assert done.exit_code == 2
    assert "leave out sudo, or add --system" in done.stderr
    assert not clock.did
    assert schedule("install", "--system", "--dry-run").exit_code == 0
    assert schedule("remove").exit_code == 0


def test_under_sudo_a_timer_of_who_called_it_is_said_to_be_out_of_sight(
    clock: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever hears that there is none, or that none is left, would take theirs to be off."""
    monkeypatch.setattr("probe.schedule.here.is_under_sudo", lambda: True)
    said = schedule("status").stdout
    assert "under sudo no timer of yours is seen" in said
    assert "schedule install" not in said
    (hint,) = json.loads(schedule("status", "--json").stdout)["hints"]
    assert hint["remedy"] == "gatewatch schedule status"
    stays = "A timer that was installed without sudo is not deleted"
    assert stays in schedule("remove").stdout
    assert stays not in schedule("remove", "--system").stdout
    assert "under sudo" not in schedule("status", "--system").stdout


def test_the_systems_timer_is_told_of_where_ones_own_is_asked_for(
    clock: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It measures on, whatever becomes of the other."""
    assert "system's timer" not in schedule("status").stdout + schedule("remove").stdout
    monkeypatch.setattr("probe.schedule.here.is_system_wide", lambda: True)
    said = schedule("status").stdout
    assert "the system's timer measures by itself; sudo gatewatch schedule status --system" in said
    assert "schedule install" not in said
    still = "sudo gatewatch schedule remove --system"
    assert still in schedule("remove").stdout
    assert still not in schedule("remove", "--system").stdout


def test_how_runs_of_the_systems_timer_ended_is_for_root_to_see(
    clock: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are told how, and not to change permissions."""

    def refused(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/var/lib/gatewatch")

    monkeypatch.setattr(Diary, "read", refused)
    done = schedule("status", "--system")
    assert done.exit_code == 4
    assert done.stderr.endswith("root's business: sudo gatewatch schedule status --system\n")
    assert "mend its permissions" in schedule("status").stderr


def test_a_dry_run_shows_all_and_does_nothing(clock: Played) -> None:
    """Each file and each command, also to who has not agreed yet."""
    done = schedule("install", "--dry-run")
    assert done.exit_code == 0
    assert "/etc/played" in done.stdout
    assert f"call {JOB.program[0]} run --scheduled" in done.stdout
    assert "  played on" in done.stdout
    assert clock.did == []


def test_a_script_reads_how_the_timer_stands_then(clock: Played, tmp_path: Path) -> None:
    """What the status prints, and nothing else; before anything is done what would be."""
    agree(tmp_path / "home")
    foretold = json.loads(schedule("install", "--dry-run", "--json").stdout)
    assert foretold["commands"] == [["played", "on"]]
    assert list(foretold["files"]) == ["/etc/played"]
    assert clock.did == []
    done = schedule("install", "--json")
    assert (done.exit_code, done.stdout) == (0, schedule("status", "--json").stdout)
    assert json.loads(done.stdout)["installed"] is True
    done = schedule("remove", "--json")
    assert (done.exit_code, clock.did[-1]) == (0, "removed")
    assert json.loads(done.stdout)["timer"] == "played timer"


def test_it_is_installed_looked_at_and_removed(clock: Played, tmp_path: Path) -> None:
    """Each step says what is next."""
    agree(tmp_path / "home")
    assert "gatewatch schedule install" in schedule("status").stdout
    done = schedule("install")
    assert (done.exit_code, clock.did) == (0, ["prepared", "installed"])
    assert "gatewatch schedule status" in done.stdout
    said = schedule("status").stdout
    assert "calls      /usr/local/bin/gatewatch" in said
    assert "last       never" in said
    assert schedule("remove").exit_code == 0
    assert clock.did[-1] == "removed"


def test_the_status_tells_how_the_last_run_ended(clock: Played, tmp_path: Path) -> None:
    """To people on a few lines, to scripts with every field; of the folder that the timer uses."""
    agree(tmp_path / "home")
    schedule("install")
    diary = Diary(tmp_path / "home", lambda: 1.6e9, lambda: 0.0)
    diary.ended(6, 12, 3, failed=False)
    Diary(tmp_path / "home", lambda: 1.7e9, lambda: 0.0).skipped(BATTERY)
    (tmp_path / "home" / "settings.toml").write_text("daily_megabytes = 2\n", encoding="utf-8")
    allowance = Allowance(allowance_file(tmp_path / "home"), 2e6, time.time)
    allowance.spend(700)
    allowance.settle()
    said = schedule("status").stdout
    assert "12 traces kept, exit code 6" in said
    assert "on battery" in said
    fields = json.loads(schedule("status", "--json").stdout)
    assert fields["exit_code"] == 6
    assert fields["kept"] == 12
    assert fields["last"].startswith("2020-09-1")
    assert fields["skipped_because"] == "on battery"
    assert fields["next_call"].startswith("2030-03-17")
    assert fields["budget"] == {
        "day": {"sent": 700, "allowed": 2_000_000},
        "month": {"sent": 700, "allowed": 60_000_000},
    }


def test_a_run_left_out_is_told_whatever_the_clock_says(clock: Played, tmp_path: Path) -> None:
    """A clock that was ahead when it measured, and is right since, hides nothing."""
    agree(tmp_path / "home")
    schedule("install")
    Diary(tmp_path / "home", lambda: 2.2e9, lambda: 0.0).ended(0, 12, 3, failed=False)
    assert "waited" not in schedule("status").stdout
    Diary(tmp_path / "home", lambda: 1.7e9, lambda: 0.0).skipped(BATTERY)
    assert "waited     2023-11-1" in schedule("status").stdout


def test_a_timer_without_consent_measures_nothing_and_says_so(
    clock: Played, tmp_path: Path
) -> None:
    """Whoever took it back reads of no next run, and how to be rid of the timer as well."""
    agree(tmp_path / "home")
    schedule("install")
    assert "next  " in schedule("status").stdout
    change(tmp_path / "home", {Permission.RUN: False}, date(2026, 11, 2))
    done = schedule("status")
    assert done.exit_code == 0
    assert "next  " not in done.stdout
    assert done.stdout.endswith(
        "you have not agreed to: run; so nothing is measured; gatewatch consent grant, or "
        "gatewatch schedule remove\n"
    )
    (hint,) = json.loads(schedule("status", "--json").stdout)["hints"]
    assert hint["what"].startswith("you have not agreed to: run")


def test_a_timer_that_will_not_call_is_no_success(clock: Played, tmp_path: Path) -> None:
    """Exit code 6, and the sentence ends with what mends it."""
    agree(tmp_path / "home")
    schedule("install")
    clock.troubles = (Trouble("the timer does not run", "gatewatch schedule install"),)
    done = schedule("status")
    assert done.exit_code == 6
    assert done.stderr == "gatewatch: the timer does not run; gatewatch schedule install\n"
    assert json.loads(schedule("status", "--json").stdout)["troubles"][0]["remedy"]


def test_a_program_that_is_not_installed_is_installed_from_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No index has it: whoever took its name there could give volunteers another program."""
    monkeypatch.setattr("sys.argv", ["-m"])
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failure, match=r"pipx install \. in the folder of its source$"):
        program()
