"""The Debian package: installed by dpkg beside a systemd that runs, used, upgraded and purged."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.deb import COMMAND
from tests.lab.booted import HOME, Booted, booted, missing

reason = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(reason is not None, reason=reason or ""),
    pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed"),
    pytest.mark.xdist_group("lab-package"),
]

ROOT = Path(__file__).parents[2]

# What the page on installing tells an administrator, in this order.
LINES = (
    "sudo dpkg -i dist/gatewatch_0.1.0_amd64.deb",
    "sudo apt remove gatewatch",
    "sudo apt purge gatewatch",
)


def build(folder: Path) -> Path:
    """The package, not compressed; skips where the pinned libraries cannot be had."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.deb", "--compression", "none", "--to", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "No matching distribution" in done.stderr or "Connection" in done.stderr:
        pytest.skip("the libraries cannot be fetched here")
    assert done.returncode == 0, done.stderr
    (package,) = folder.glob("*.deb")
    return package


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("deb"))


def test_built_twice_it_is_the_same(package: Path, tmp_path: Path) -> None:
    """Byte for byte, from the same checkout."""
    first, second = (
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (package, build(tmp_path))
    )
    assert first == second


@pytest.fixture
def debian(tmp_path: Path, package: Path) -> Iterator[Booted]:
    """A system with a systemd, whose changes are forgotten with it, and the package in its home."""
    shutil.copy(package, tmp_path)
    setup = "\n".join(
        f"mkdir -p /opt/over{place} /opt/work{place}; mount -t overlay -o "
        f"lowerdir={place},upperdir=/opt/over{place},workdir=/opt/work{place} lab {place}"
        for place in ("/etc", "/var", "/usr")
    )
    setup += f"\ncp {tmp_path}/{package.name} {HOME}"
    setup += "\nrm /opt/bin/gatewatch"
    # As if its question were answered with yes.
    setup += "\nprintf 'APT::Get::Assume-Yes \"true\";\\n' > /etc/apt/apt.conf.d/99-lab"
    with booted(tmp_path, system=True, setup=setup) as systemd:
        yield systemd


def test_it_is_installed_used_upgraded_and_purged(debian: Booted, package: Path) -> None:
    """Switched off at first; an upgrade leaves on what was on; a purge leaves nothing."""
    python = debian.run("/usr/bin/python3", "--version").split()[1]
    if not python.startswith(f"3.{sys.version_info.minor}."):
        pytest.skip(
            f"the package is for Python 3.{sys.version_info.minor}, this system has {python}"
        )
    put_in, remove, purge = (line.removeprefix("sudo ").split() for line in LINES)
    put_in[-1] = f"{HOME}/{package.name}"
    debian.run(*put_in)
    assert debian.run("gatewatch", "--version").startswith("gatewatch, version")
    assert "Needs the analysis extra" in debian.run("gatewatch", "--help")
    assert "files      whole" in debian.run("gatewatch", "data", "status")
    assert "inactive" in debian.run("systemctl", "is-active", "gatewatch.timer", check=False)
    uid = int(debian.run("id", "-u", "gatewatch"))
    grant = ("consent", "grant", "--run", "--keep", "--version-read", "1")
    debian.run("env", "HOME=/var/lib/gatewatch", COMMAND, *grant, user=uid)
    debian.run("gatewatch", "schedule", "install", "--system")
    # The package's own units are used as they are.
    assert debian.run("find", "/etc/systemd/system", "-type", "f") == ""
    debian.run("systemctl", "start", "gatewatch.service")
    said = debian.run("gatewatch", "schedule", "status", "--system")
    assert "exit code 5" in said
    assert "next " in said
    debian.run(*put_in)
    assert debian.run("systemctl", "is-active", "gatewatch.timer") == "active\n"
    assert debian.run("bash", "-c", _COMPLETE) == "schedule\n"
    debian.run(*remove)
    assert debian.run("id", "-u", "gatewatch") == f"{uid}\n"
    assert "inactive" in debian.run("systemctl", "is-active", "gatewatch.timer", check=False)
    debian.run(*purge)
    assert "no such user" in debian.run("id", "gatewatch", check=False)
    places = ("/usr", "/etc", "/var/lib/gatewatch")
    left = debian.run("find", *places, "-name", "*gatewatch*", check=False).splitlines()
    assert [line for line in left if not line.startswith("find:")] == []


_COMPLETE = """
source /usr/share/bash-completion/completions/gatewatch
COMP_WORDS=(gatewatch sched) COMP_CWORD=1
_gatewatch_completion gatewatch
echo "${COMPREPLY[@]}"
"""
