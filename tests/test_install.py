"""The wheel in an environment of its own, as pipx puts it: it starts and has all it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def pip(python: Path, *words: str | Path) -> None:
    """Call pip; skips where what it wants cannot be fetched."""
    done = subprocess.run(
        [python, "-m", "pip", "-qq", "--disable-pip-version-check", "--retries=1", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if any(sign in done.stderr for sign in ("No matching distribution", "onnection")):
        pytest.skip("the pinned libraries cannot be fetched here")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a fresh environment with the wheel and the pinned libraries."""
    folder = tmp_path_factory.mktemp("fresh")
    pip(
        Path(sys.executable),
        *("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, "."),
    )
    venv.create(folder / "venv", with_pip=True)
    commands = folder / "venv" / "bin"
    pip(commands / "python", "install", "--require-hashes", "-r", "requirements/probe.txt")
    (wheel,) = folder.glob("gatewatch-*.whl")
    pip(commands / "python", "install", "--no-deps", wheel)
    return commands


@pytest.mark.xdist_group("install")
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("--version", "gatewatch, version"),
        ("--help", "Needs the analysis extra"),
        ("data status", "files      whole"),
        ("consent status", "run"),
        ("show", "nothing is kept yet"),
        ("schedule --help", "install"),
    ],
)
def test_the_wheel_has_all_that_the_probe_needs(
    installed: Path, tmp_path: Path, words: str, shown: str
) -> None:
    """Without the extra of analysts, outside of the checkout: code, tables, templates."""
    done = subprocess.run(
        [installed / "gatewatch", *words.split()],
        cwd=tmp_path,
        env={**os.environ, "GATEWATCH_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


@pytest.mark.xdist_group("install")
def test_the_templates_of_the_timers_are_in_the_wheel(installed: Path) -> None:
    """A timer is written from files that ship."""
    code = "from probe.schedule.calls import template; print(template('user.service'))"
    done = subprocess.run(
        [installed / "python", "-I", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("[Unit]")
