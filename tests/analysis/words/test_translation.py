"""The report in Khmer: nothing is forgotten, no figure is lost, and what stays English says so."""

from __future__ import annotations

import ast
import datetime as dt
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from analysis.words.translation import FOLDER, LANGUAGES, VERDICT, Said, Words
from analysis.words.wording import GRADES, HEADLINE, HUB, LEFT_OUT, MEETING
from tests.analysis.country import Country

ROOT = Path(__file__).parents[3]
# What is looked up by a name and not by a literal.
BY_NAME = {
    *HEADLINE.values(),
    *GRADES.values(),
    MEETING,
    *LEFT_OUT.values(),
    HUB,
}
# Where the sentences of a verdict are written.
SPEAKERS = (
    "alarm/timeline", "basis/assessment", "basis/comparison", "basis/remarks", "grading/scope",
    "grading/verdict", "grading/witness", "home/hub", "judgement/disagreements",
    "judgement/limits", "owners/attribution", "owners/ownership",
)  # fmt: skip
# Sentences that a page shows in English, though it is in another language, each with why.
ENGLISH: set[str] = set()


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


@pytest.mark.parametrize("alarm", ["", "4 of 5 organisations moved to Gate on 2026-02-10; "])
@pytest.mark.parametrize("sentence", ["{}", "Over IPv6 there is an alarm: {}."])
def test_a_wave_that_is_over_is_told_apart_from_the_alarm(alarm: str, sentence: str) -> None:
    """Alone and beside an alarm, of this family and of the other."""
    over = (
        "6 of 7 organisations moved to Sea Cable from 2026-01-11 on, and 3 had left by 2026-01-31"
    )
    said = Words("km").sentence(sentence.format(f"{alarm}{over}"))
    assert said.language == "km"
    assert "organisations" not in said.text
    assert "left" not in said.text


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (
            "4 of 5 organisations moved to Gate 2026-01-01 on 2026-02-10",
            "4 of 5 organisations moved to Gate 2026-01-01 on 10 February 2026.",
        ),
        (
            "Over IPv6 there is an alarm: 4 of 5 organisations moved to Gate on 2026-02-10.",
            "Over IPv6 there is an alarm: 4 of 5 organisations moved to Gate on 10 February 2026.",
        ),
        ("Nobody says this of 2026-02-10", "Nobody says this of 2026-02-10."),
    ],
)
def test_days_are_written_in_words_in_english_as_well(sentence: str, said: str) -> None:
    """One style on a page; what is part of a name, or of no sentence that is known, stays."""
    assert Words("en").sentence(sentence) == (said, "en")


def sentences_in(module: str) -> set[str]:
    """What a module can say: each text of three words or more, with a 7 for what is filled in."""
    tree = ast.parse((ROOT / f"analysis/{module}.py").read_text(encoding="utf-8"))
    not_said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            not_said |= {id(part) for part in ast.walk(node) if part is not node}
    said = set()
    for node in ast.walk(tree):
        if id(node) in not_said:
            continue
        if isinstance(node, ast.JoinedStr):
            said.add(
                "".join(str(v.value) if isinstance(v, ast.Constant) else "7" for v in node.values)
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            said.add(node.value)
    return {text for text in said if text.count(" ") >= 2}


def known(sentence: str) -> bool:
    """Whether it has a form in Khmer; what is filled in may be a sentence itself."""
    part = "No AS number stands for the gateway: BGP cannot show it."
    forms = (sentence, re.sub(r"(?<=[:.] )7$|(?<=: )7(?=[.]$)", part, sentence))
    return any(Words("km").sentence(form).language == "km" for form in forms)


@pytest.mark.parametrize("module", SPEAKERS)
def test_whatever_a_verdict_can_say_has_a_form_in_khmer(module: str) -> None:
    """Each sentence that the code holds, or it is on the list of those that stay English."""
    found = sentences_in(module)
    assert found
    assert {one for one in found if not known(one)} == ENGLISH & found


def test_every_reason_of_a_rejection_has_words() -> None:
    """All that the page on verdicts explains, and no other."""
    page = (ROOT / "docs/verdict.md").read_text(encoding="utf-8")
    table = page.partition("| reason | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(LEFT_OUT)


def test_no_other_module_speaks_in_reasons_or_limits() -> None:
    """Who adds a sentence to a verdict is on the list above."""
    for path in sorted((ROOT / "analysis").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        speaks = re.search(r'fields\["(?:reasons|limits)"\] ?(?:\+=|\.append)', text)
        module = path.relative_to(ROOT / "analysis").with_suffix("").as_posix()
        assert not speaks or module in SPEAKERS, path


def test_a_grade_in_a_sentence_is_translated() -> None:
    """And so is what the country was weighed by."""
    said = Words("km").sentence("IPv6 is judged apart, and is single_gateway.")
    assert "single" not in said.text
    said = Words("km").sentence("Judged apart, IPv6 is single_gateway, and names Rival.")
    assert (said.language, "single" in said.text, "Rival" in said.text) == ("km", False, True)
    said = Words("km").sentence("5% of the country's users were covered, 70% are needed")
    assert Words("km")("users") in said.text
    assert said.text.endswith("70%។")


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


def test_a_day_in_a_sentence_is_written_like_the_others_of_the_page() -> None:
    """Khmer knows no "2022-02-16"; what a network is called stays as it is."""
    moved = "9 of 9 organisations moved to 2022-01-01 between 2022-02-16 and 2022-02-19"
    said = Words("km").sentence(moved).text
    assert "2022-01-01" in said
    assert "16 កុម្ភៈ 2022" in said
    assert "19 កុម្ភៈ 2022" in said


def test_sentences_are_marked_as_such() -> None:
    """So that no other entry of the catalogue is taken for one."""
    assert {context for context, _ in catalogue("km")} == {None, VERDICT}
