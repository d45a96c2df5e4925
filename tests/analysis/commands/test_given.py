"""What all of the analyst's commands are given: here, the time."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from probe.cli import main

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.mark.parametrize(
    "words",
    [
        ["demo", "--json"],
        ["analyze", "TRACES", "--country", "KH"],
        ["plan", "KH", "--panel", "TRACES"],
    ],
)
def test_a_clock_by_which_all_traces_are_of_days_to_come_is_told(
    words: list[str], short_demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were left out, and the demo and each verdict said that evidence does not suffice."""
    monkeypatch.setattr("time.time", lambda: 5.0)
    typed = [str(short_demo) if word == "TRACES" else word for word in words]
    done = CliRunner().invoke(main, typed)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert done.stderr.startswith("gatewatch: the clock of this machine says 1970-01-01, but the")
    assert done.stderr.count("\n") == 1


def test_who_only_asks_whom_to_recruit_needs_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of that is dated."""
    monkeypatch.setattr("time.time", lambda: 5.0)
    assert CliRunner().invoke(main, ["plan", "KH", "--json"]).exit_code == 0
