"""Who waits before a terminal sees how far reading is; what is printed stays as it is."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from analysis.commands.progress import Watched, shown, watched
from analysis.policy import Policy
from analysis.scale.engine import Here, Recipe, digest
from analysis.scale.fold import Part
from analysis.scale.pieces import Given, Place, Uncut
from analysis.simulated.simulation import NOW, Truth, country
from analysis.simulated.world import COUNTRY
from probe.record import to_line
from tests.harness.terminal import shown_on

SIMULATED = country(Truth(6, 0.5), "progress", days=10)


class Terminal(io.StringIO):
    """What is written on a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "traces.jsonl"
    made.write_text("".join(f"{to_line(trace)}\n" for trace in SIMULATED.traces))
    return made


def test_every_trace_is_counted_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More after each piece, all of them at the end; nothing of them is lost."""
    monkeypatch.setattr("analysis.scale.pieces.LINES", 20_000)
    told: list[int] = []
    made = Recipe(SIMULATED.table, COUNTRY, Policy(), NOW)
    counted = digest([str(path)], made, Watched(Here(), told.append))
    assert len(told) > 5
    assert told == sorted(told)
    assert told[-1] == len(SIMULATED.traces) == len(counted)
    assert counted.voices == digest([str(path)], made, Here()).voices


class Elsewhere(Here):
    """An engine that would rather have files uncut, and notes what it is given."""

    whole: ClassVar[bool] = True

    def __init__(self) -> None:
        self.given: list[Given] = []

    def map(self, recipe: Recipe, given: Iterator[Given]) -> Iterator[tuple[Place, Part]]:
        self.given = list(given)
        return super().map(recipe, iter(self.given))


def test_files_stay_uncut_for_an_engine_that_cuts_them_itself(path: Path) -> None:
    """Counting must not have all lines sent to a cluster that has the file."""
    engine = Elsewhere()
    made = Recipe(SIMULATED.table, COUNTRY, Policy(), NOW)
    digest([str(path)], made, Watched(engine, lambda _: None))
    assert [type(what) for _, what in engine.given] == [Uncut]


def test_traces_that_pass_one_by_one_are_counted_now_and_then() -> None:
    """And all of them pass."""
    told: list[int] = []
    given = SIMULATED.traces * 5
    assert list(watched(given, told.append)) == given
    assert told == list(range(1000, len(given) + 1, 1000))
    assert told


@pytest.mark.parametrize("columns", [40, 200])
def test_a_terminal_shows_the_count_and_is_left_as_it_was(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, in letters that every terminal has."""
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", Terminal())
    with shown() as tell:
        tell(1_234_567)
    assert terminal.getvalue().isascii()
    lines = re.sub(r"\x1b\[[?\d;]*\w", "", terminal.getvalue()).replace("\n", "\r").split("\r")
    assert any("1,234,567 traces read" in line for line in lines)
    assert max(map(len, lines)) <= columns


def test_a_log_is_told_nothing_whatever_the_environment_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where colours are forced, as build machines do, a file is taken for a terminal by rich."""
    log = io.StringIO()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys, "stderr", log)
    with shown() as tell:
        tell(1000)
    assert log.getvalue() == ""


def test_what_is_printed_on_the_same_terminal_is_not_disturbed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Into a pipe it may go while the terminal shows the count."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    with shown(printing=True) as tell:
        tell(1000)
    assert terminal.getvalue() == ""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with shown(printing=True) as tell:
        tell(1000)
    assert "1,000 traces read" in terminal.getvalue()


def test_the_verdict_on_standard_output_stays_alone(path: Path, tmp_path: Path) -> None:
    """The count goes to the terminal of the standard error only, and not into a file."""
    command = [sys.executable, "-m", "probe", "analyze", str(path), "--country", "KH", "--json"]
    ours, theirs = pty.openpty()
    with (tmp_path / "verdict.json").open("wb") as printed:
        there = subprocess.Popen(command, stdout=printed, stderr=theirs)
    os.close(theirs)
    seen = "".join(shown_on(ours))
    os.close(ours)
    assert there.wait(60) == 0
    assert "traces read" in seen
    quiet = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert b"traces read" not in quiet.stderr
    first = json.loads((tmp_path / "verdict.json").read_bytes())
    second = json.loads(quiet.stdout)
    assert first | {"provenance": None} == second | {"provenance": None}
