"""The demo's verdicts: those of the command for analysts, whatever it prints of them."""

from __future__ import annotations

import errno
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analysis.judgement.limits import LIMITS
from probe.cli import main
from probe.demo import simulate


def said(*arguments: str) -> Any:
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_demo_judges_as_analyze_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its JSON lacks no key of a verdict, and says in the same words that nothing was measured."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("analysis.demo.simulate", partial(simulate, runs=1))
    verdicts = said("demo", "--to", str(tmp_path / "traces"))
    assert list(verdicts) == ["before", "after"]
    for name, verdict in verdicts.items():
        asked = said("analyze", str(tmp_path / "traces" / name), "--country", "KH")
        assert verdict["provenance"].pop("simulated")
        for one in (verdict, asked):
            del one["provenance"]["command"]
        assert verdict == asked


def test_where_its_traces_may_not_lie_it_ends_with_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder of somebody else's."""

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    done = CliRunner().invoke(main, ["demo", "--to", str(tmp_path / "traces")])
    assert (done.exit_code, done.stdout) == (4, "")
    assert f"{tmp_path / 'traces'} may not be written or read by this user" in done.stderr


def test_into_a_pipe_go_plain_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No frames, no line broken for a terminal's width, and the folder's name as it is."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("analysis.demo.simulate", partial(simulate, runs=1))
    folder = tmp_path / "a folder [red] whose name is longer than a line of a terminal is wide"
    done = CliRunner().invoke(main, ["demo", "--to", str(folder)])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].endswith("nothing here was measured")
    assert lines[1] == "before 2022-02-16: diverse"
    assert "captured    1 of 13 organisations" in lines
    assert lines[-1] == f"  gatewatch analyze '{folder}/after' --country KH"
    # What every verdict says: what is out of sight, and what may be so of the nation.
    assert f"limits: {LIMITS[0]}" in lines
    assert sum(line.startswith("nationally  a share of 0.") for line in lines) == 2
    assert not set(done.stdout) & set("╭│╰")


@pytest.mark.parametrize("name", ["-x", "-"])
def test_a_folder_that_is_spelt_as_an_option_is_not_suggested_as_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said of it can be typed as it stands."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("analysis.demo.simulate", partial(simulate, runs=1))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["demo", "--to", name])
    assert done.stdout.splitlines()[-2:] == [
        f"  gatewatch analyze ./{name} --country KH",
        f"  gatewatch analyze ./{name}/after --country KH",
    ]
