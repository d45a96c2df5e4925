"""The text that one agrees to, as it ships, and the two ways in which it is shown.

Terminals cannot shape Khmer, so both languages also stand on one page for a browser; it loads
nothing and runs nothing. The files are a little Markdown: headings, paragraphs, lists. This
module knows no answer, and not where a page is kept.
"""

from __future__ import annotations

import html
import re
import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from probe.disk.places import shipped
from probe.owner.consent import Permission

if TYPE_CHECKING:
    from collections.abc import Iterator

# The source, which counts, and its translations.
LANGUAGES = {"en": "English", "km": "ភាសាខ្មែរ"}

_ENTRY = "- "

_STYLE = """
:root { color-scheme: light dark; }
html { background: Canvas; color: CanvasText; }
body { max-width: 42rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; line-height: 1.6;
  font-family: system-ui, "Noto Sans", sans-serif; overflow-wrap: break-word; }
[lang=km] { line-height: 1.9; font-family: "Noto Sans Khmer", "Khmer OS Battambang", "Khmer OS",
  "Khmer UI", "Leelawadee UI", "Khmer Sangam MN", sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.5; margin-top: 2rem; }
h2 { font-size: 1.15rem; line-height: 1.6; margin-top: 2rem; }
li { margin: .5rem 0; }
code { white-space: nowrap; padding: .1rem .3rem; border: 1px solid; border-radius: .25rem; }
section + section { border-top: 2px solid; margin-top: 3rem; }
"""

_ANSWERS = {
    "en": "To answer, type this in the terminal; each question is answered by itself with "
    "yes or no:",
    "km": "ដើម្បីឆ្លើយ សូមវាយពាក្យបញ្ជានេះក្នុង terminal។ សំណួរនីមួយៗត្រូវឆ្លើយដាច់ដោយឡែក៖ "
    "វាយ បាទ ឬ ចាស ឬ yes បើយល់ព្រម វាយ ទេ ឬ no បើមិនយល់ព្រម៖",
}


class Part(NamedTuple):
    """A heading and what stands below it: paragraphs, and entries of lists beginning with "- "."""

    heading: str
    paragraphs: tuple[str, ...]


class Notice(NamedTuple):
    """The text in one language: its version, what it tells, and the question of each permission."""

    language: str
    version: int
    parts: tuple[Part, ...]
    questions: dict[Permission, Part]


def notice(language: str) -> Notice:
    """The text in this language, one of `LANGUAGES`."""
    text = shipped("consent").joinpath(f"{language}.md").read_text(encoding="utf-8")
    version, parts, questions = 0, [], {}
    for block in text.removeprefix("# ").replace("\n# ", "\n## ").split("\n## "):
        heading, *paragraphs = filter(None, block.split("\n"))
        name, _, question = heading.partition(": ")
        if paragraphs[0].startswith("Version: "):
            version = int(paragraphs.pop(0).removeprefix("Version: "))
        if name in set(Permission):
            questions[Permission(name)] = Part(question, tuple(paragraphs))
        else:
            parts.append(Part(heading, tuple(paragraphs)))
    return Notice(language, version, tuple(parts), questions)


def lines(parts: tuple[Part, ...], width: int) -> Iterator[str]:
    """Parts of the text for a terminal of so many columns."""
    for number, part in enumerate(parts):
        if number:
            yield ""
        yield from textwrap.wrap(part.heading, width)
        for paragraph in part.paragraphs:
            hanging = "  " if paragraph.startswith(_ENTRY) else ""
            yield from textwrap.wrap(
                paragraph, width, subsequent_indent=hanging, break_on_hyphens=False
            )


def page() -> str:
    """Both languages as one HTML page that needs nothing else."""
    links = " · ".join(
        f'<a href="#{code}" lang="{code}">{name}</a>' for code, name in reversed(LANGUAGES.items())
    )
    sections = "".join(_section(notice(code)) for code in reversed(LANGUAGES))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>gatewatch: consent</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<nav>{links}</nav>\n<main>\n{sections}</main>\n</body>\n</html>\n"
    )


def _section(text: Notice) -> str:
    title, *parts = text.parts
    asked = [
        Part(f"{name}: {part.heading}", part.paragraphs) for name, part in text.questions.items()
    ]
    body = "".join(f"<h2>{_inline(part.heading)}</h2>\n{_body(part)}" for part in (*parts, *asked))
    return (
        f'<section id="{text.language}" lang="{text.language}">\n'
        f"<h1>{_inline(title.heading)}</h1>\n<p>Version {text.version}</p>\n"
        f"{_body(title)}{body}"
        f"<p>{_ANSWERS[text.language]}</p>\n<p><code>gatewatch consent grant</code></p>\n"
        "</section>\n"
    )


def _body(part: Part) -> str:
    body = ""
    for listed, texts in groupby(part.paragraphs, lambda text: text.startswith(_ENTRY)):
        tag = "li" if listed else "p"
        inner = "".join(f"<{tag}>{_inline(text.removeprefix(_ENTRY))}</{tag}>\n" for text in texts)
        body += f"<ul>\n{inner}</ul>\n" if listed else inner
    return body


def _inline(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))
