"""The library's types reach whoever uses it: a script of theirs is checked, strictly, as theirs."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

RIGHT = """
from typing import assert_type

import pandas as pd

import analysis as gw

data = gw.load(["before.jsonl", "after.jsonl"])
verdict: gw.Verdict = gw.judge(data, country="KH", policy={"days": 1})
assert_type(verdict.headline, str)
assert_type(verdict.captured.lower, float)
assert_type(verdict.pairs, pd.DataFrame)
assert_type(gw.crossings(data, country="KH"), pd.DataFrame)
named = verdict.gateway.name if verdict.gateway else "nobody"
page: str = gw.report(verdict, language="km")
gw.figures.paths(verdict, width=600).save("paths.svg")
"""

WRONG = """
import analysis as gw

data = gw.load("after.jsonl")
verdict = gw.judge(data, land="KH")
print(verdict.capturd, verdict.gateway.name)
verdict.grade = "diverse"
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the packages installed, in a folder that knows nothing of ours."""
    folder = tmp_path_factory.mktemp("theirs")
    venv.create(folder / "venv", symlinks=True)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    installed = f"{ROOT}\n{sysconfig.get_path('purelib')}\n"
    (packages / "installed.pth").write_text(installed, encoding="utf-8")
    return folder


def checked(folder: Path, script: str) -> list[str]:
    """What mypy says of a user's script."""
    (folder / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--python-executable",
         "venv/bin/python", "script.py"],
        cwd=folder, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_users_script_is_checked_and_right(elsewhere: Path) -> None:
    """Every function and attribute that it uses has a type, none of which is Any."""
    assert checked(elsewhere, RIGHT) == []


def test_a_users_mistakes_are_told(elsewhere: Path) -> None:
    """A name misspelt, an argument that is not there, nobody named, a verdict changed."""
    found = checked(elsewhere, WRONG)
    for word in ("land", "capturd", "name", "read-only"):
        assert any(word in line for line in found), found
