"""The table of error rates: from draws in a file to the page, whichever code made them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from analysis.simulated.error_rates import CELLS, Cell, Known, Outcome, Rate, count, from_json
from analysis.simulated.trials import draw_known
from scripts import roc

SWITCHED = Cell("switched", 6, wanted=0.95, at_most=False)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page with a place for the table, and files beside it instead of those that ship."""
    page = tmp_path / "error-rates.md"
    page.write_text(f"before\n{roc.BEGIN}\nold\n{roc.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(roc, "PAGE", page)
    monkeypatch.setattr(roc, "TABLE", tmp_path / "planning/error-rates.json")
    return page


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["roc", "--processes", "1", *arguments])
    roc.main()


def test_no_more_countries_are_drawn_at_once_than_have_a_core(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `analyze` does: a container or `taskset` may leave few of a machine's many cores."""
    asked = []

    def drawn(_: Cell, numbers: list[int], *, processes: int) -> list[Outcome]:
        asked.append(processes)
        return [Outcome(10, 10, False, "mixed", False) for _ in numbers]

    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3}, raising=False)
    monkeypatch.setattr(roc, "draws", drawn)
    arguments = ["--draws", "1", "--cells", "captured-97-10", "--work", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["roc", *arguments])
    roc.main()
    assert asked == [1]


def test_the_table_is_written_from_draws_that_other_code_made(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's name says which; nothing is drawn, and the limit of its alarms is added."""
    source = tmp_path / "elsewhere/roc-0123456789ab.jsonl"
    source.parent.mkdir()
    drawn = [
        ["captured-97-10", 0, [10, 10, True, "single_gateway", False, None, None]],
        [SWITCHED.name, 18, [6, 6, False, "mixed", False, None, None]],
        [SWITCHED.name, 19, [6, 6, True, "mixed", False, 4, True]],
    ]
    cut_short = '["captured-97-10", 1, [10, 1'
    source.write_text("\n".join([*map(json.dumps, drawn), cut_short]), encoding="utf-8")
    before = source.read_bytes()
    run(monkeypatch, "--work", str(tmp_path / "work"), "--from", str(source))
    assert source.read_bytes() == before
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{roc.BEGIN}\n| truth |")
    assert "| 1 | 0123456789ab |" in text
    fields = json.loads(roc.TABLE.read_text(encoding="utf-8"))
    rows = {row.cell.name: row for row in map(from_json, fields["rows"])}
    assert {row.code for row in rows.values()} == {"0123456789ab"}
    assert rows["captured-97-10"].said == Rate(1, 1)
    assert rows["captured-97-10"].known == Rate(0, 0)
    assert rows[SWITCHED.name].said == Rate(1, 2)
    known = [draw_known(SWITCHED, number) for number in (18, 19)]
    assert rows[SWITCHED.name].known == Rate(sum(one.said for one in known), 2)
    assert rows[SWITCHED.name].known_in_time == Rate(sum(one.in_time for one in known), 2)


def test_draws_and_limits_that_are_there_are_not_made_again(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run goes on where it stood."""
    arguments = ("--work", str(tmp_path), "--draws", "2", "--cells", SWITCHED.name)
    run(monkeypatch, *arguments)
    first = page.read_text(encoding="utf-8")

    def nothing(*_arguments: object, **_named: object) -> None:
        raise AssertionError

    monkeypatch.setattr(roc, "draws", nothing)
    monkeypatch.setattr(roc, "draws_known", nothing)
    run(monkeypatch, *arguments)
    assert page.read_text(encoding="utf-8") == first
    assert f"| 2 | {roc.fingerprint()} |" in first


def test_rows_of_other_cells_stay_as_they_were(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other code counted stands beside what is counted now, each with the code's name."""
    source = tmp_path / "roc-0123456789ab.jsonl"
    line = ["captured-97-10", 0, [10, 10, True, "single_gateway", False, None, None]]
    source.write_text(json.dumps(line) + "\n", encoding="utf-8")
    run(monkeypatch, "--work", str(tmp_path), "--from", str(source), "--cells", "captured-97-10")
    run(monkeypatch, "--work", str(tmp_path), "--draws", "1", "--cells", SWITCHED.name)
    text = page.read_text(encoding="utf-8")
    assert text.index("| 1 | 0123456789ab |") < text.index(f"| 1 | {roc.fingerprint()} |")


def test_a_file_of_draws_that_is_not_there_is_said(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A usage error that names the file; the page stays."""
    before = page.read_bytes()
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--work", str(tmp_path), "--from", str(tmp_path / "roc-none.jsonl"))
    assert ended.value.code == 2
    assert "roc-none.jsonl is not there" in capsys.readouterr().err
    assert page.read_bytes() == before


def test_a_cell_that_there_is_not_is_said(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits for hours for rows that are not counted; the page stays."""
    before = page.read_bytes()
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--work", str(tmp_path), "--cells", "captured-97-11")
    assert ended.value.code == 2
    assert "captured-97-11" in capsys.readouterr().err
    assert page.read_bytes() == before


def test_a_row_shows_what_was_counted_beside_its_limit() -> None:
    """One of two found, where whoever knew every way would have found both."""
    outcomes = [
        Outcome(6, 6, True, "mixed", False, 4, in_time=False),
        Outcome(6, 6, False, "mixed", False),
    ]
    known = [Known(True, True), Known(True, False)]
    (captured,) = (cell for cell in CELLS if cell.name == "captured-97-10")
    rows = [count(captured, []), count(SWITCHED, outcomes, known)]
    lines = roc.page_table(rows).splitlines()
    assert lines[2].startswith("| 97% captured | 10 | ≥ 0.8 | – | 0.737 |")
    assert lines[3].startswith(
        "| switch-on rolled out over 60 days | 6 | ≥ 0.95 | 0.500 (0.012–0.988) | 1.000 | – |"
    )
    assert lines[-1] == "| 6 networks | 4 days | 0.000 (0.000–0.842) | 0.500 |"


def test_the_limit_of_a_market_is_that_of_all_who_are_in_it() -> None:
    """Of 70 to 30 all seven are behind the one in 0.082, behind the other in 0.000."""
    (two,) = (cell for cell in CELLS if cell.name == "market-70-7")
    line = roc.page_table([count(two, [])]).splitlines()[2]
    assert line.startswith("| no gateway, transit providers of 70%, 30% | 7 | told | – | 0.083 |")


def test_a_table_that_is_only_shown_is_written_nowhere(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who compares two rules wants neither in the files that ship."""
    before = page.read_text(encoding="utf-8")
    wanted = ["--cells", "captured-60-6", "--draws", "2", "--show"]
    run(monkeypatch, "--work", str(tmp_path / "work"), *wanted)
    assert "| 60% captured | 6 | ≤ 0.02 | 0.000" in capsys.readouterr().out
    assert page.read_text(encoding="utf-8") == before
    assert not roc.TABLE.exists()
