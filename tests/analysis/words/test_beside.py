"""Two verdicts on the terminal: what may be concluded first, and nothing in a name breaks it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.difference.compare import compare
from analysis.words.beside import comparison_panel, further, plain_comparison, sections

VERDICT = json.loads(
    (Path(__file__).parents[2] / "data/verdicts/kh-simulated-2026-11-30.json").read_text("utf-8")
)


def changed(**figures: Any) -> dict[str, Any]:
    """The verdict with other files, and with these keys of it."""
    fields: dict[str, Any] = copy.deepcopy(VERDICT)
    fields["provenance"]["inputs"] = {"later.jsonl": "0" * 64}
    fields["window"] = ["2022-03-10", "2022-04-01"]
    fields |= figures
    return fields


def printed(comparison: dict[str, Any], width: int) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(comparison_panel(comparison))
    return captured.get()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_the_terminal(width: int) -> None:
    """No line is longer, and what may be concluded stands before the figures."""
    shown = printed(compare(VERDICT, changed(grade="concentrated")), width)
    assert max(map(len, shown.splitlines())) <= width
    told = " ".join(shown.replace("│", " ").split())
    assert "single gateway, Telecom Cambodia → concentrated, Telecom Cambodia" in told
    assert told.index("is of no change between these verdicts") < told.index("finding")


def test_commands_are_whole_lines() -> None:
    """They are there to be copied, so that no frame stands around them."""
    comparison = compare(VERDICT, changed(grade="concentrated"))
    comparison["steps"] = [{"command": f"gatewatch analyze {'x' * 200}", "tells": "tells more"}]
    assert "gatewatch analyze" not in printed(comparison, 80)
    assert f"  gatewatch analyze {'x' * 200}" in further(comparison)
    assert f"\n  gatewatch analyze {'x' * 200}\n" in plain_comparison(comparison)


def test_figures_that_differ_look_different() -> None:
    """In as many digits as that takes."""
    figures = copy.deepcopy(VERDICT["captured"]) | {"lower": 0.7941839}
    rows = dict(sections(compare(VERDICT, changed(captured=figures)))["finding"])
    assert rows["captured"] == ("13 of 13 (0.7941833–1.0000000) → 13 of 13 (0.7941839–1.0000000)")
    rows = dict(sections(compare(VERDICT, changed(effective_gateways=1.02)))["finding"])
    assert rows["effective"] == "1.017 → 1.020"


def test_a_network_that_is_captured_no_more_is_told_as_that() -> None:
    """Though most of its pairs leave by the same gateway."""
    one = {
        "organisation": "Net", "pairs": 9, "of": 9, "share": 0.9, "captured": True,
        "exits": [{"kind": "organisation", "gateway": "Gate", "pairs": 9}],
    }  # fmt: skip
    other = {
        **one,
        "captured": False,
        "exits": [
            {"kind": "organisation", "gateway": "Gate", "pairs": 6},
            {"kind": None, "gateway": None, "pairs": 3},
        ],
    }
    old, new = {**VERDICT, "organisations": [one]}, changed(organisations=[other])
    assert sections(compare(old, new))["networks"] == [
        ("Net", "Gate (9 of 9), captured → Gate (6 of 9), not captured")
    ]


def test_of_many_networks_the_first_are_listed() -> None:
    """And the others counted."""
    rows = [
        {
            "organisation": f"Net {i:02}", "pairs": 1, "of": 1, "share": None,
            "captured": None, "exits": [{"kind": None, "gateway": None, "pairs": 1}],
        }
        for i in range(50)
    ]  # fmt: skip
    old, new = {**VERDICT, "organisations": []}, changed(organisations=rows)
    shown = sections(compare(old, new))["networks"]
    assert shown[0] == ("Net 00", "only in the newer")
    assert shown[-1] == ("and 30 more", "the JSON has them all")


def test_a_hostile_name_neither_colours_nor_ends_anything() -> None:
    """Names come from whoever registered them, and a file from anybody."""
    hostile = {"kind": "organisation", "name": "[/][red]Gate\x1b[2J", "asns": [], "blocks": []}
    comparison = compare(VERDICT, changed(gateway=hostile))
    for shown in (printed(comparison, 80), plain_comparison(comparison)):
        assert "\x1b" not in shown
        assert "[/][red]Gate�[2J" in shown
