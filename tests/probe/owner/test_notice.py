"""The text that one agrees to: that it ships, says what it must, and can be shown anywhere."""

from __future__ import annotations

import hashlib
import re
import shutil
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import sync_playwright

from probe.disk.places import shipped
from probe.network.packet import CONTACT
from probe.owner.consent import VERSION, Permission
from probe.owner.notice import LANGUAGES, lines, notice, page

# What each version of the text was. Who changes what is agreed to raises
# `probe.owner.consent.VERSION`, so that everybody is asked again, and adds a line.
TEXTS = {1: "8e1d80a918d0e6a8"}


def test_a_changed_text_is_a_new_version() -> None:
    """Nobody is taken to have agreed to words that they have not seen."""
    text = shipped("consent").joinpath("en.md").read_bytes()
    assert hashlib.sha256(text).hexdigest()[:16] == TEXTS[VERSION]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_whole_text(language: str) -> None:
    """The same version, parts, questions and entries as in English, and the same commands."""
    ours, source = notice(language), notice("en")
    assert ours.version == VERSION
    assert list(ours.questions) == list(Permission)
    assert [shape(part.paragraphs) for part in ours.parts[1:]] == [
        shape(part.paragraphs) for part in source.parts[1:]
    ]
    texts = [
        shipped("consent").joinpath(f"{name}.md").read_text("utf-8") for name in (language, "en")
    ]
    named = [sorted(set(re.findall("`[^`]+`", text))) for text in texts]
    assert named[0] == named[1]


def shape(paragraphs: tuple[str, ...]) -> list[bool]:
    return [paragraph.startswith("- ") for paragraph in paragraphs]


def test_the_khmer_text_says_that_it_awaits_review() -> None:
    """Nobody takes a draft for the words of somebody who speaks the language."""
    title, *_ = notice("km").parts
    assert "awaits review by a native speaker" in title.paragraphs[0]


def test_the_words_in_the_packets_are_quoted_as_they_are() -> None:
    """Who reads what can be seen on the wire reads what is there."""
    for language in LANGUAGES:
        text = shipped("consent").joinpath(f"{language}.md").read_text("utf-8")
        assert f'"{CONTACT.decode().strip(". ")}"' in text


@pytest.mark.parametrize("width", [20, 80])
def test_a_terminal_gets_every_word_within_its_width(width: int) -> None:
    """No line is longer than the terminal, as long as no word is."""
    text = notice("en")
    shown = list(lines(text.parts, width))
    assert max(map(len, shown)) <= width
    words = " ".join(shown).split()
    written = " ".join([part.heading + " " + " ".join(part.paragraphs) for part in text.parts])
    assert words == written.split()


class Reader(HTMLParser):
    """What a browser would be asked to load or run, and whether every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "action"}]
        assert [name for name, _ in attrs if name.startswith("on")] == []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_by_itself() -> None:
    """Both languages, no script, and nothing that a browser would fetch."""
    reader = Reader()
    reader.feed(page())
    assert reader.open == []
    assert reader.links == ["#km", "#en"]
    assert reader.tags & {"script", "img", "link", "iframe", "form"} == set()
    assert "url(" not in page()
    for language in LANGUAGES:
        assert f'<section id="{language}" lang="{language}">' in page()
        for question in notice(language).questions.values():
            assert question.heading in page()


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium is installed")
def test_a_browser_shows_the_page_to_everybody(tmp_path: Path) -> None:
    """No fault that axe knows, in light and dark; nothing is cut off on a phone; nothing loaded."""
    from axe_playwright_python.sync_playwright import Axe

    path = tmp_path / "consent.html"
    path.write_text(page(), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        shown = browser.new_page()
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url))
        for width, scheme in product((360, 1200), SCHEMES):
            shown.set_viewport_size({"width": width, "height": 800})
            shown.emulate_media(color_scheme=scheme)
            asked.clear()
            shown.goto(path.as_uri())
            # The page forbids scripts; axe comes through the browser's own tools.
            found = Axe().run(shown)
            assert found.violations_count == 0, (width, scheme, found.generate_report())
            assert asked == [path.as_uri()]
            assert shown.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
