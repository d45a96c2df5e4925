"""The report in Khmer: nothing is forgotten, no figure is lost, and what stays English says so."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from analysis import figures
from analysis.translation import FOLDER, LANGUAGES, VERDICT, Said, Words
from analysis.wording import HEADLINE
from tests.analysis.country import Country

ROOT = Path(__file__).parents[2]
# What is looked up by a name and not by a literal.
BY_NAME = {*HEADLINE.values(), *figures.WAYS.values()}


def messages_in_code() -> set[str]:
    """All that the pages and the pictures say, as Babel finds it."""
    found = extract_from_dir(
        ROOT / "analysis",
        [("**.py", "python"), ("**/templates/**.html", "jinja2")],
        {},
        {"_": None, "say": None, "words": None},
    )
    return {str(message) for _, _, message, _, _ in found} | BY_NAME


def catalogue(language: str) -> dict[tuple[str | None, str], str]:
    with (FOLDER / f"{language}.po").open("rb") as file:
        return {(m.context, str(m.id)): str(m.string) for m in read_po(file) if m.id}


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    """A page in two languages by accident would be read wrongly."""
    known = {message for context, message in catalogue(language) if context is None}
    assert messages_in_code() - known == set()
    assert known - messages_in_code() == set()


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_a_translation_keeps_every_figure(language: str) -> None:
    """The same names in braces on both sides, and no empty translation."""
    for (_, message), translated in catalogue(language).items():
        assert translated
        assert sorted(re.findall(r"\{\w*\}", message)) == sorted(re.findall(r"\{\w*\}", translated))


def test_sentences_of_a_verdict_are_recognised() -> None:
    """Those of the common grades, with their figures and names in place."""
    countries = []
    for words, days in (("lan own {up}", 8), ("lan own gate {up}", 8), ("lan own gate {up}", 20)):
        country = Country(10)
        country.everyone(words, days=range(days))
        countries.append(country)
    for country in (*countries, Country(3)):
        fields = country.judge().fields
        spoken = (fields["timeline"]["reason"], fields["domestic"]["reason"])
        for sentence in (*fields["reasons"], *fields["limits"], *spoken):
            said = Words("km").sentence(sentence)
            assert said.language == "km", sentence
            assert sorted(re.findall("[0-9]+", said.text)) == sorted(re.findall("[0-9]+", sentence))


def test_a_sentence_that_is_not_known_stays_english() -> None:
    """And a screen reader is told."""
    sentence = "Something that no verdict has said yet"
    assert Words("km").sentence(sentence) == Said(f"{sentence}.", "en")
    assert Words("en").sentence(sentence) == Said(f"{sentence}.", "en")


def test_a_name_with_braces_is_a_name() -> None:
    """What a pattern finds is put in as it is."""
    sentence = "{x} is held by the state of KH (a {source})."
    said = Words("km").sentence(sentence)
    assert said.language == "km"
    assert "{x}" in said.text
    assert "a {source}" in said.text


def test_words_without_a_translation_are_english() -> None:
    """A page is never empty for want of one."""
    assert Words("km")("a word of tomorrow") == "a word of tomorrow"
    assert Words("en")("traces") == "traces"


def test_days_and_places_are_written_as_one_writes_them() -> None:
    """From the data of the Unicode consortium."""
    day = dt.date(2022, 2, 16)
    assert (Words("en").day(day), Words("km").day(day)) == ("16 February 2022", "16 កុម្ភៈ 2022")
    assert (Words("en").country("KH"), Words("km").country("KH")) == ("Cambodia", "កម្ពុជា")
    assert (Words("en").continent("AS"), Words("en").continent("SA")) == ("Asia", "South America")
    assert Words("en").country("QX") == "QX"


def test_sentences_are_marked_as_such() -> None:
    """So that no other entry of the catalogue is taken for one."""
    assert {context for context, _ in catalogue("km")} == {None, VERDICT}
