"""Installed as the page says, in an environment of its own: it starts and has all it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


# What the page on installing tells, by who installs.
PINNED = (
    "python3 -m venv gatewatch-probe",
    "gatewatch-probe/bin/python -m pip install --require-hashes -r requirements/probe.txt",
    "gatewatch-probe/bin/python -m pip install --no-deps .",
)
TOOLS = {"pipx": ("pipx install .", "pipx uninstall gatewatch"), "uv": ("uv tool install .",)}
LINES = (*PINNED, *(line for lines in TOOLS.values() for line in lines))


def type_in(line: str, checkout: Path) -> None:
    """Type a line of the page in a checkout; skips where what it wants cannot be fetched."""
    bin_ = checkout / "bin"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=checkout,
        env={
            **os.environ,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            **dict.fromkeys(("PIPX_BIN_DIR", "UV_TOOL_BIN_DIR"), str(bin_)),
            **{f"{name}_DIR": str(checkout / name) for name in ("UV_TOOL", "PIPX_MAN")},
            "PIPX_HOME": str(checkout / "pipx"),
            "PIP_RETRIES": "1",
            # pip's way to say --no-compile, which spares half a minute.
            "PIP_NO_COMPILE": "no",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = done.stdout + done.stderr
    if done.returncode and any(sign in said for sign in ("No matching distribution", "onnect")):
        pytest.skip("the libraries cannot be fetched here")
    assert done.returncode == 0, said


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a volunteer has fetched, as far as installing reads it."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("probe", "analysis", "data", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def installed(checkout: Path) -> Path:
    """The folder of commands of an environment made as the page says, with the pinned libraries."""
    for line in PINNED:
        type_in(line, checkout)
    return checkout / "gatewatch-probe" / "bin"


@pytest.mark.xdist_group("install")
@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_installs_the_command(tool: str, checkout: Path) -> None:
    """In an environment of its own; it starts, and names that tool; uninstalled, it is gone."""
    install, *uninstall = TOOLS[tool]
    command = checkout / "bin" / "gatewatch"
    type_in(install, checkout)
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("gatewatch, version")
    said = subprocess.run([command, "plan"], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert f": {install.removesuffix(' .')} --force '.[analysis]' in the folder" in said.stderr
    for line in uninstall or ("uv tool uninstall gatewatch",):
        type_in(line, checkout)
    assert not command.exists()


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


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(),
    reason="what is in the repository, git tells",
)
def test_the_source_distribution_is_the_repository(tmp_path: Path) -> None:
    """What one unpacks is tested, packaged and cited from as a clone is."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    there = {name for name in listed.stdout.decode().split("\0") if (ROOT / name).is_file()}
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist"]
    subprocess.run(
        [*build, "--directory", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=True,
    )
    (packed,) = tmp_path.iterdir()
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert there <= names


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
