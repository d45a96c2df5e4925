"""`gatewatch compare`, as it is typed: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from probe.cli import main
from probe.origin import Origin

pytestmark = pytest.mark.usefixtures("own_home")

OLDER = Path(__file__).parents[2] / "data/verdicts/kh-simulated-2026-11-30.json"


def compare(*arguments: str | Path, given: str | None = None) -> Result:
    done = CliRunner().invoke(main, ["compare", *map(str, arguments)], input=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The same country, said to be of later files and a lower grade."""
    fields = json.loads(OLDER.read_text("utf-8"))
    fields["grade"] = "concentrated"
    fields["provenance"]["inputs"] = {"later.jsonl": "0" * 64}
    path = tmp_path / "newer.json"
    path.write_text(json.dumps(fields), "utf-8")
    return path


def test_it_prints_plain_lines_into_a_pipe(newer: Path) -> None:
    """What may be concluded, then what differs."""
    done = compare(OLDER, newer)
    assert done.exit_code == 0
    first, _, *rest = done.stdout.splitlines()
    assert first == "KH: single gateway, Telecom Cambodia → concentrated, Telecom Cambodia"
    assert rest[0].startswith("  • SIMULATED")
    assert "finding" in rest


def test_one_may_come_over_a_pipe(newer: Path) -> None:
    """As right from `analyze --json`; two cannot."""
    text = newer.read_text("utf-8")
    piped = compare(OLDER, "-", "--json", given=text)
    assert json.loads(piped.stdout) == json.loads(compare(OLDER, newer, "--json").stdout)
    done = compare("-", "-", given=text)
    assert done.exit_code == 2
    assert "only one of OLD and NEW can be standard input" in done.stderr
    done = compare(OLDER, "-", given="")
    assert done.exit_code == 9
    assert done.stderr.startswith("gatewatch: standard input: is no JSON object")


@pytest.mark.parametrize("bad", ["missing", "folder", "page", "plan", "country"])
def test_bad_input_is_one_sentence_and_exit_code_9(bad: str, tmp_path: Path) -> None:
    """It names the file and what is wrong with it."""
    path = tmp_path / "bad.json"
    if bad == "folder":
        path.mkdir()
    elif bad == "page":
        path.write_text("<html>", "utf-8")
    elif bad == "plan":
        path.write_text('{"schema": "gatewatch.plan/1"}', "utf-8")
    elif bad == "country":
        fields = json.loads(OLDER.read_text("utf-8")) | {"country": "TH"}
        path.write_text(json.dumps(fields), "utf-8")
    done = compare(OLDER, path)
    assert done.exit_code == 9
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("gatewatch: ")
    assert ("bad.json: " in sentence) == (bad != "country")


def test_the_command_that_is_named_tells_the_two_apart(
    short_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Origin
) -> None:
    """Files and a number differ; the verdict that it names differs from each in one of them."""
    monkeypatch.chdir(short_demo)
    kept: dict[str, Path] = {}

    def judge(name: str, *words: str) -> None:
        monkeypatch.setattr("sys.argv", ["gatewatch", *words])
        done = CliRunner().invoke(main, list(words))
        assert done.exit_code == 0, done.output
        kept[name] = tmp_path / f"{name}.json"
        kept[name].write_text(done.stdout, "utf-8")

    judge("old", "analyze", "before", "--country", "KH", "--json")
    judge("new", "analyze", "after", "--country", "KH", "--json", "--policy", "days=1")
    both = json.loads(compare(kept["old"], kept["new"], "--json").stdout)
    assert both["differ"] == "both"
    (step,) = both["steps"]
    judge("between", *step["command"].split()[1:])
    apart = [
        json.loads(compare(*(kept[name] for name in names), "--json").stdout)["differ"]
        for names in (("old", "between"), ("between", "new"))
    ]
    assert apart == ["means", "inputs"]
