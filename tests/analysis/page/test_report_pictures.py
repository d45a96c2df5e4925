"""The whole report, with pictures: what they say, and that no name breaks out of its text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import analysis as gw
from analysis.page import palette
from analysis.page.report import asked_by_step
from probe.cli import main
from tests.analysis.country import Country
from tests.analysis.verdicts import HOSTILE, behind_a_gateway, text_of, verdict_of
from tests.harness.pages import ROOT


@pytest.fixture(scope="module")
def page() -> str:
    return gw.report(verdict_of(behind_a_gateway()))


def test_the_words_of_the_rule_are_explained_and_each_figure_can_be_traced(page: str) -> None:
    """What a pair is, before the first picture; and where every figure has its page."""
    first = text_of(page.partition("<figure>")[0])
    assert "A pair is one network and one destination" in first
    (named,) = re.findall(r"docs/[\w.]+", first)
    assert (ROOT / named).is_file()


def test_without_data_it_is_honest() -> None:
    """No picture is drawn of nothing; what is missing is named."""
    page = gw.report(verdict_of(Country(3)))
    said = text_of(page)
    assert "The evidence does not suffice for a verdict." in said
    assert "What is missing" in said
    assert "No path from this country to abroad was measured." in said
    assert 'role="img"' not in page
    assert "✓ met" not in page


def test_every_picture_has_words(page: str) -> None:
    """A title and a description each, named by the picture, and unique on the page."""
    pictures = re.findall(r"<svg [^>]*role=\"img\"[^>]*>.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 6  # three, each for a page and for a telephone
    for picture in pictures:
        title, words = re.findall(r"<(?:title|desc) id=\"([^\"]+)\">[^<]{8,}</", picture)
        assert f'aria-labelledby="{title} {words}"' in picture
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))


def test_the_page_allows_itself_nothing(page: str) -> None:
    """No script, no style attribute, no address to fetch; its one style sheet is named by hash."""
    assert "<script" not in page
    assert not re.search(r"\sstyle=", page)
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (allowed,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert allowed.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")


def test_names_are_text_wherever_they_stand() -> None:
    """An organisation may be registered under any name; it is shown and does nothing."""
    verdict = verdict_of(behind_a_gateway(HOSTILE))
    assert verdict.gateway is not None
    assert verdict.gateway.name == HOSTILE
    for language in ("en", "km"):
        page = gw.report(verdict, language=language)
        assert "<script" not in page
        assert "<img" not in page
        assert page.count("</style>") == 1
        assert HOSTILE in text_of(page)


def test_nobody_wears_the_colour_of_a_gateway_unless_named(page: str) -> None:
    """In a diverse country the strongest candidate is one network among others."""
    country = Country(12)
    country.everyone("lan own {up}", members=[1, *range(3, 13)])
    country.everyone("lan own net1 {up}", members=[2])
    verdict = verdict_of(country)
    assert verdict.grade == "diverse"
    assert verdict.strongest is not None
    body = gw.report(verdict).partition("</style>")[2]
    assert 'class="candidate"' not in body
    assert palette.GATEWAY.light not in body
    assert palette.GATEWAY.light in page.partition("</style>")[2]


@pytest.mark.parametrize("language", ["en", "km"])
def test_a_picture_writes_days_as_the_page_does(language: str) -> None:
    """On its axis and in its words, so that "1/2/2026" is not read as another day."""
    (words, shown) = {
        "en": ("11 Jan 2026", "1 Jan 2026"),
        "km": ("11 មករា 2026", "1 មករា 2026"),
    }[language]
    country = Country(10)
    country.everyone("lan own {up}", days=range(10))
    country.everyone("lan own gate {up}", days=range(10, 20))
    page = gw.report(verdict_of(country), language=language)
    picture = page.partition('id="days-wide-title"')[2].partition("</svg>")[0]
    assert f">{shown}</text>" in picture
    assert words in picture.partition("</desc>")[0]
    assert re.findall(r"\d+/\d+/2026|2026-\d\d-\d\d", picture) == []


def test_one_day_is_no_history() -> None:
    """A picture over time with a single mark tells nothing that the bounds do not."""
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(1))
    assert "on each day" not in text_of(gw.report(verdict_of(country)))
    country.everyone("lan own gate {up}", days=range(1, 3))
    assert "on each day" in text_of(gw.report(verdict_of(country)))


def test_the_command_writes_the_page_and_says_the_verdict(short_demo: Path, tmp_path: Path) -> None:
    """`analyze --report` prints what it prints anyway; the page tells with what to redo it."""
    out = tmp_path / "report.html"
    arguments = ["analyze", str(short_demo / "after"), "--country", "KH", "--json"]
    done = CliRunner().invoke(main, [*arguments, "--report", str(out)], catch_exceptions=False)
    assert (done.exit_code, done.stderr) == (0, "")
    fields = json.loads(done.stdout)
    page = out.read_text(encoding="utf-8")
    said = text_of(page)
    for name, sha256 in fields["provenance"]["inputs"].items():
        assert f"{name} {sha256}" in said
    assert fields["provenance"]["snapshots"][0] in said
    for name, sha256 in fields["provenance"]["lists"].items():
        assert f"{name} {sha256[:12]}" in said
    for known in ("version", "code"):
        assert fields["provenance"][known] in said
    shown = html.unescape(page.rpartition("<pre tabindex")[2].partition("<code>")[2])
    assert json.loads(shown.partition("</code>")[0]) == fields
    assert len(page.encode()) < 3_000_000


def test_the_page_rounds_all_bounds_outward() -> None:
    """In the figures, in what is told of the picture, and where the rule's demands are listed."""
    verdict = verdict_of(behind_a_gateway())
    verdict._fields["captured"].update(lower=0.688, upper=0.9101)
    verdict._fields["intervals"]["effective_gateways"] = [1.06, 2.31]
    for one in verdict._fields["criteria"]:
        if one["key"] in {"single", "diverse_upper"}:
            one["found"] = {"single": 0.688, "diverse_upper": 0.9101}[one["key"]]
    page = gw.report(verdict)
    assert "68%–92%, 95% bounds" in page
    assert "the bounds reach from 68% to 92%" in page
    assert "1.0–2.4" in page
    rule = {
        row.key: row.found
        for rows in asked_by_step(verdict.to_dict()["criteria"]).values()
        for row in rows
    }
    assert (rule["single"], rule["diverse_upper"]) == ("68%", "92%")


def test_who_stands_in_the_middle_is_told() -> None:
    """The candidate, wherever on the way it is passed; nobody is where there is no candidate."""
    country = Country(12)
    for i in range(5, 13):
        country.everyone(f"lan own gate net{1 + i % 4} {{up}}", members=[i])
    text = text_of(gw.report(verdict_of(country)))
    assert (
        "In the middle stands the last network at home before the border, or Gate where a path "
        "passes it."
    ) in text
