"""The manual page: complete, and roff that man takes without a word."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import click
import pytest

from probe.cli import main
from scripts.manual import commands, page

ROOT = Path(__file__).parents[2]
WHEN = date(2026, 11, 26)


def test_every_command_and_option_stands_in_it() -> None:
    """As they are typed."""
    text = page(WHEN).replace("\\-", "-")
    for typed, command in commands(main, "gatewatch"):
        assert f".SS {typed} " in text
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert any(option in text for option in parameter.opts)


def test_it_has_every_exit_code_that_the_documentation_has() -> None:
    """And no other: a script is written by either."""
    documented = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    of_docs = re.findall(r"^\| (\d[\d, ]*) \|", documented, re.MULTILINE)
    codes = page(WHEN).partition(".SH EXIT STATUS")[2].partition(".SH")[0]
    assert re.findall(r"\\fB(\d[\d, ]*)\\fR", codes) == of_docs
    assert {"0", "1", "9"} <= set(of_docs)


def test_it_depends_on_the_month_alone() -> None:
    """Made twice it is the same, so that a package is."""
    assert page(WHEN) == page(date(2026, 11, 2))
    assert page(WHEN).startswith('.TH GATEWATCH 1 "November 2026"')


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_roff_has_nothing_to_warn_of(tmp_path: Path) -> None:
    """All warnings on, as lintian runs it."""
    written = tmp_path / "gatewatch.1"
    written.write_text(page(WHEN), encoding="utf-8")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-K", "utf8", "-ww", "-rLL=100n", written],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    assert "gatewatch schedule install [OPTIONS]" in shown
