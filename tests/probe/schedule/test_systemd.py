"""Units of systemd: what they say, and what systemd's own checks say of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.schedule import Job, systemd
from probe.schedule.calls import Said
from probe.schedule.systemd import SystemTimer, UserTimer, unit_word
from probe.words.failure import PermissionDenied

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)

# Exposure as `systemd-analyze security` has it, 0 to 10, in tenths: what was reached, kept.
MOST_EXPOSED = {"system": 16, "user": 59}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that a unit can call."""
    path = tmp_path / "bin" / "gatewatch"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n", encoding="ascii")
    path.chmod(0o755)
    return path


@pytest.fixture
def units(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Both services with their timers, each in a folder of its own; by kind, the service."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(systemd, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(systemd, "PACKAGED", tmp_path / "packaged")
    monkeypatch.setattr(systemd, "SYSUSERS", tmp_path / "sysusers.conf")
    written = {}
    for kind, timer in (("user", UserTimer()), ("system", SystemTimer())):
        for path, text in timer.files(Job((str(program),), tmp_path / "data")).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if path.name == "gatewatch.service":
                written[kind] = path
    return written


def lines(unit: Path) -> list[str]:
    return unit.read_text(encoding="utf-8").splitlines()


@needs_analyze
@pytest.mark.parametrize("kind", ["user", "system"])
def test_systemd_finds_no_fault_in_the_units(units: dict[str, Path], kind: str) -> None:
    """Neither a misspelt setting nor a value that it does not take."""
    unit = units[kind]
    scope = ["--user"] if kind == "user" else []
    done = subprocess.run(
        ["systemd-analyze", *scope, "--man=no", "verify", unit, unit.with_suffix(".timer")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Faults of other units on this machine are listed as well.
    about_us = [line for line in done.stderr.splitlines() if "gatewatch" in line]
    assert about_us == []


@needs_analyze
@pytest.mark.parametrize("kind", ["user", "system"])
def test_the_services_are_shut_in(units: dict[str, Path], kind: str) -> None:
    """What `systemd-analyze security` counts as exposed stays below what was reached."""
    unit = units[kind]
    done = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=yes",
            f"--threshold={MOST_EXPOSED[kind]}",
            "--no-pager",
            unit,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "Unknown option" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze does not look at files (--offline)")
    said = re.search(r"exposure level for .*: ([\d.]+)", done.stdout)
    assert said, done.stderr
    assert done.returncode == 0, said[0]


def test_the_systems_service_may_open_raw_sockets_and_nothing_else(units: dict[str, Path]) -> None:
    """One capability, which it cannot add to, and a user of its own that is not root."""
    said = lines(units["system"])
    capabilities = [line for line in said if "Capabilit" in line]
    assert capabilities == ["AmbientCapabilities=CAP_NET_RAW", "CapabilityBoundingSet=CAP_NET_RAW"]
    assert {"User=gatewatch", "NoNewPrivileges=true", "ProtectHome=true"} <= set(said)


def test_the_timers_scatter_and_catch_up(units: dict[str, Path]) -> None:
    """Not all machines begin at the full hour, and a run slept through is made up for."""
    for unit in units.values():
        said = lines(unit.with_suffix(".timer"))
        assert "Persistent=true" in said
        assert any(re.fullmatch(r"RandomizedDelaySec=\d+min", line) for line in said)


def test_the_data_folder_is_all_that_a_users_service_may_write(
    units: dict[str, Path], tmp_path: Path
) -> None:
    """Where GATEWATCH_HOME says so it is told to the service; else it finds it by itself."""
    said = lines(units["user"])
    assert f"ReadWritePaths={tmp_path / 'data'}" in said
    assert not any(line.startswith("Environment") for line in said)
    chosen = UserTimer().files(Job(("/bin/gatewatch",), Path("/a b/data"), chosen=True))
    assert 'Environment="GATEWATCH_HOME=/a b/data"' in "\n".join(chosen.values())


def test_units_of_a_package_are_not_written_again(
    units: dict[str, Path], tmp_path: Path, program: Path
) -> None:
    """What a package put in place the same is switched on, not copied to where it hides updates."""
    job = Job((str(program),), tmp_path / "data")
    shutil.copytree(units["system"].parent, tmp_path / "packaged")
    assert SystemTimer().files(job) == {}
    assert SystemTimer().files(Job(("/elsewhere/gatewatch",), tmp_path / "data"))


def test_the_systems_timer_refuses_a_program_that_it_could_not_see(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A service that is shut out of the homes cannot call what lies in one; said beforehand."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(PermissionDenied, match="pipx install --global"):
        SystemTimer().prepare(Job((str(Path("/home", "sokha", "gatewatch")),), Path("/x")))


def test_the_systems_timer_is_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody else is told the command, with the right code."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(PermissionDenied, match="sudo gatewatch schedule install --system"):
        SystemTimer().prepare(Job(("/usr/bin/gatewatch",), Path("/x")))
    with pytest.raises(PermissionDenied, match="sudo gatewatch schedule remove --system"):
        SystemTimer().remove()


@pytest.mark.parametrize("kept", [False, True])
def test_the_systems_user_goes_once_its_data_are_purged(
    units: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """What purge leaves are the empty folders above the data; while there are data it stays."""
    asked: list[str] = []

    def ask(words: list[str]) -> Said:
        asked.append(words[0])
        return Said(0, "", "")

    home = tmp_path / "home"
    (home / ".local/share").mkdir(parents=True)
    if kept:
        (home / ".local/share/gatewatch").mkdir()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(systemd, "ask", ask)
    monkeypatch.setattr(systemd, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(systemd, "USER_HOME", home)
    monkeypatch.setattr(systemd, "USER_DATA", home / ".local/share/gatewatch")
    assert SystemTimer().remove()
    assert home.exists() is kept
    assert ("userdel" in asked) is not kept
    assert (tmp_path / "sysusers.conf").exists() is kept


@given(st.text(st.characters(min_codepoint=32, exclude_characters="\x7f"), min_size=1))
def test_a_word_means_itself_to_systemd(word: str) -> None:
    """Unescaped as systemd does it, specifiers, variables and quotes are what they were."""
    said = unit_word(word)
    if said.startswith('"'):
        assert said.endswith('"')
        said = re.sub(r"\\(.)", r"\1", said[1:-1])
    else:
        assert not re.search(r"[\s\"'\\;#]", said)
    assert said.replace("%%", "%").replace("$$", "$") == word


def test_a_user_without_a_name_is_told_what_measures_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a container: whoever is not in the list of users cannot be let linger by name."""

    def nobody(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    (hint,) = UserTimer()._hints()
    assert hint.remedy == "sudo gatewatch schedule install --system"
