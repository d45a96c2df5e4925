"""The notebooks as they are committed; `make notebooks` executes them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import probe.demo

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


def test_there_are_four() -> None:
    """In the order in which one reads them."""
    assert [path.name[:2] for path in NOTEBOOKS] == ["1-", "2-", "3-", "4-"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_committed(path: Path) -> None:
    """What a notebook prints is what it prints today, on the reader's machine."""
    for cell in cells(path, "code"):
        assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_says_that_it_is_simulated_and_checks_itself(path: Path) -> None:
    """The reader knows that nothing was measured; the last cell asserts the demo's truth."""
    assert any("**simulated**" in "".join(cell["source"]) for cell in cells(path, "markdown"))
    last = "".join(cells(path, "code")[-1]["source"])
    assert last.count("assert ") >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_who_stops_the_simulation_is_left_no_half_of_a_country(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cell that was run again took what lay there for all, and another verdict came out."""
    simulate = probe.demo.simulate

    def stopped_midway(folder: Path) -> None:
        def stop(_what: str, done: float) -> None:
            if done > 0 and any(folder.rglob("*.jsonl")):
                raise KeyboardInterrupt

        simulate(folder, progress=stop, runs=1)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(probe.demo, "simulate", stopped_midway)
    with pytest.raises(KeyboardInterrupt):
        exec("".join(cells(path, "code")[0]["source"]), {})
    assert any(tmp_path.rglob("*.jsonl"))
    assert not (tmp_path / "gatewatch-demo").exists()
    monkeypatch.setattr(probe.demo, "simulate", lambda folder: simulate(folder, runs=1))
    exec("".join(cells(path, "code")[0]["source"]), {})
    found = sorted((tmp_path / "gatewatch-demo").rglob("*.jsonl"))
    assert [file.parent.name for file in found] == ["after", "before"]
    assert not (tmp_path / "gatewatch-demo-half").exists()


@pytest.mark.parametrize(
    "path", [*NOTEBOOKS[:3], ROOT / "docs" / "analysts.md"], ids=lambda path: path.stem
)
def test_the_truth_is_told_with_what_went_wrong(path: Path) -> None:
    """Who followed late and who kept a link: else numbers just below all stay unexplained."""
    gateway = tomllib.loads((ROOT / "data/demo/cambodia.toml").read_text("utf-8"))["gateway"]
    assert {**gateway["late"], **gateway["forgotten"]} == {"sinet": 3, "smart": ["starhub"]}
    told = path.read_text("utf-8")
    assert "SINET follows three days later" in told
    assert "forgets one link" in told
