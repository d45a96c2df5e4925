"""The notebooks as they are committed; `make notebooks` executes them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

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
