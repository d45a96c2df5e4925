"""Each way to install the program has its own way to add to it and to take it away."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from probe.disk import installation
from probe.disk.installation import adding, removing


@pytest.mark.parametrize(
    ("mark", "adds", "removes"),
    [
        ("pipx_metadata.json", "pipx install --force '.[collect]'", "pipx uninstall gatewatch"),
        ("uv-receipt.toml", "uv tool install --force '.[collect]'", "uv tool uninstall gatewatch"),
        ("pyvenv.cfg", "~/env/bin/pip install '.[collect]'", "~/env/bin/pip uninstall gatewatch"),
    ],
)
def test_who_made_the_environment_changes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str, adds: str, removes: str
) -> None:
    """pip is not even there in one of pipx or uv, and another's would reach another."""
    environment = tmp_path / "env"
    environment.mkdir()
    (environment / mark).touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(environment))
    assert (adding("collect"), removing()) == (adds, removes)


def test_an_environment_that_is_active_has_the_pip_that_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So has Python itself, where there is no environment."""
    pip = tmp_path / "bin" / "pip"
    pip.parent.mkdir()
    pip.touch(0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert adding("collect") == f"{pip} install '.[collect]'"
    monkeypatch.setenv("PATH", str(pip.parent))
    assert adding("collect") == "pip install '.[collect]'"
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setenv("PATH", "")
    assert adding("collect") == "pip install '.[collect]'"


def test_who_has_no_home_is_told_the_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container a user may have a number only; `--help` ended as by a fault of the program."""

    def nameless(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", nameless)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "an env"))
    pip = f"'{tmp_path}/an env/bin/pip'"
    assert (adding("collect"), removing()) == (
        f"{pip} install '.[collect]'",
        f"{pip} uninstall gatewatch",
    )


def test_debian_s_package_goes_by_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no extras; pipx puts a copy with them beside it."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(installation, "_FOLDER", Path("/usr/lib/gatewatch"))
    assert (adding("analysis"), removing()) == (
        "pipx install '.[analysis]'",
        "sudo apt purge gatewatch",
    )
