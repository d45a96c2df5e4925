"""Two verdicts in a notebook: frozen, tidy, and the same words as on the command line."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import pytest

import analysis as gw
from analysis.library import comparison as columns
from analysis.policy import Policy
from tests.analysis.country import Country
from tests.analysis.verdicts import HOSTILE, behind_a_gateway, verdict_of


def verdicts() -> tuple[gw.Verdict, gw.Verdict]:
    """Nine of ten pass one; later one of these leaves by itself, and one is measured no longer."""
    later = Country(10)
    later.everyone("lan own gate {up}", members=range(2, 9))
    later.everyone("lan own {up}", members=[1, 10])
    return verdict_of(behind_a_gateway()), verdict_of(later, Policy(captured=0.9))


@pytest.fixture(scope="module")
def pair() -> tuple[gw.Verdict, gw.Verdict]:
    return verdicts()


def test_verdicts_dicts_and_files_are_compared_alike(
    pair: tuple[gw.Verdict, gw.Verdict], tmp_path: Path
) -> None:
    """What a notebook holds beside what was kept of last month."""
    old, new = pair
    kept = tmp_path / "old.json"
    kept.write_text(json.dumps(old.to_dict()), "utf-8")
    expected = gw.compare(old, new).to_dict()
    given: list[Any] = [old.to_dict(), kept, str(kept)]
    assert [gw.compare(one, new).to_dict() for one in given] == [expected] * 3


def test_its_tables_are_tidy(pair: tuple[gw.Verdict, gw.Verdict]) -> None:
    """One row a thing, with the columns and types that are documented."""
    comparison = gw.compare(*pair)
    tables = {
        "finding": columns.FINDING,
        "organisations": columns.NETWORKS,
        "means": columns.MEANS,
        "inputs": columns.INPUTS,
    }
    for name, wanted in tables.items():
        table = getattr(comparison, name)
        assert {column: str(table[column].dtype) for column in table} == wanted
    assert comparison.means[["key", "old", "new"]].to_numpy().tolist() == [
        ["policy.captured", "0.8", "0.9"]
    ]
    networks = {row["organisation"]: row for row in comparison.organisations.to_dict("records")}
    said = [networks["Net 1"][key] for key in ("what", "old_exit", "new_exit")]
    assert said == ["moved", "organisation:Gate", "own exit"]
    assert networks["Net 9"]["what"] == "left"
    assert networks["Net 10"]["what"] == "silent"
    assert "captured.organisations" in set(comparison.finding["key"])
    assert comparison.finding.query("old == new").empty


def test_of_a_verdict_and_itself_the_tables_are_empty(
    pair: tuple[gw.Verdict, gw.Verdict],
) -> None:
    """With their columns all the same."""
    comparison = gw.compare(pair[0], pair[0])
    assert (comparison.same, comparison.differ) == (True, "nothing")
    for table in (
        comparison.finding, comparison.organisations, comparison.means, comparison.inputs,
    ):  # fmt: skip
        assert len(table) == 0
        assert len(table.columns) > 2


def test_it_shows_itself(pair: tuple[gw.Verdict, gw.Verdict]) -> None:
    """Its sentences first; no name becomes part of the page."""
    comparison = gw.compare(*pair)
    page = comparison._repr_html_()
    assert all(escape(sentence) in page for sentence in comparison.reading)
    assert page.index(comparison.reading[0][:20]) < page.index("<table>")
    assert repr(comparison) == "<Comparison KH single_gateway → concentrated, differ: means>"
    hostile = gw.compare(verdict_of(behind_a_gateway(HOSTILE)), pair[1])._repr_html_()
    assert "<script" not in hostile
    assert "<img" not in hostile


def test_nothing_in_it_can_be_changed(pair: tuple[gw.Verdict, gw.Verdict]) -> None:
    """What is taken out is a copy."""
    comparison = gw.compare(*pair)
    comparison.to_dict()["reading"].clear()
    assert comparison.reading
    with pytest.raises(AttributeError):
        comparison.country = "TH"  # type: ignore[misc]


def test_what_is_no_verdict_is_refused(pair: tuple[gw.Verdict, gw.Verdict], tmp_path: Path) -> None:
    """By the error that the reference names, each with a sentence."""
    with pytest.raises(TypeError, match="int is no verdict"):
        gw.compare(pair[0], 7)  # type: ignore[arg-type]
    with pytest.raises(gw.InputError, match=r"missing\.json: cannot be read"):
        gw.compare(pair[0], tmp_path / "missing.json")
    with pytest.raises(gw.VerdictError, match="the newer: is no verdict"):
        gw.compare(pair[0], {"schema": "gatewatch.plan/1"})
