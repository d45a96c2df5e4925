"""The words of a report in another language, and the sentences of a verdict as far as known.

A verdict's JSON is English by contract. Its sentences are recognised by their patterns, which stand
in the catalogue as well; one that is not recognised stays English, and says so to a screen reader.
In English, too, what a sentence tells of days and grades is written as everywhere on the page.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po

from analysis.words.wording import GRADES

LANGUAGES = ("en", "km")
FOLDER = Path(__file__).parents[1] / "locale"
# In the catalogue: what marks a sentence of a verdict, so that no other entry is taken for one.
VERDICT = "verdict"
# In a pattern: what is itself a sentence, or a list of them joined by semicolons.
PARTS = "parts"
# In a pattern: what stands for words that are in the catalogue.
NAMED = {"grade": GRADES, "unit": {"addresses": "addresses", "users": "users"}}
# In a pattern: what stands for a day.
DAYS = frozenset({"day", "first", "last"})

# The numbers by which the Unicode consortium names continents.
_CONTINENTS = {
    "AF": "002", "AN": "AQ", "AS": "142", "EU": "150", "NA": "003", "OC": "009", "SA": "005",
}  # fmt: skip


class Said(NamedTuple):
    """A sentence, and the code of the language that it is in."""

    text: str
    language: str


@cache
def _catalogue(language: str) -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """The words of a language, and its sentences by their patterns.

    English needs no words; its sentences are those that another language translates.
    """
    english = language == "en"
    other = next(one for one in LANGUAGES if one != "en") if english else language
    with (FOLDER / f"{other}.po").open("rb") as file:
        entries = [entry for entry in read_po(file, locale=other) if entry.id and entry.string]
    said = [(str(one.id), str(one.id if english else one.string), one.context) for one in entries]
    words = {message: text for message, text, context in said if context != VERDICT}
    patterns = [(_pattern(message), text) for message, text, context in said if context == VERDICT]
    return words, patterns


def _pattern(message: str) -> re.Pattern[str]:
    """What matches a message whose ``{…}`` were filled in."""
    parts = re.split(r"\{(\w+)\}", message)
    named = (
        f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )
    return re.compile("".join(named))


_FULL_STOP = {"en": ".", "km": "។"}


def _whole(text: str, language: str) -> str:
    """With a capital letter and a full stop.

    >>> _whole("the data span 4 days", "en"), _whole("Yes.", "en")
    ('The data span 4 days.', 'Yes.')
    """
    stop = _FULL_STOP[language]
    return text[:1].upper() + text[1:] + ("" if text.endswith(stop) else stop)


@dataclass(frozen=True)
class Words:
    """Finds words in one language, which is one of `LANGUAGES`; raises ValueError otherwise."""

    language: str

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise ValueError(
                f"{self.language!r} is no language of the report; give one of: {known}"
            )

    def __call__(self, message: str) -> str:
        """The message in this language; in English where nobody has translated it."""
        return _catalogue(self.language)[0].get(message, message)

    def sentence(self, text: str) -> Said:
        """A sentence of a verdict in this language; in English where its pattern is not known."""
        found = self._find(text)
        text, language = (text, "en") if found is None else (found, self.language)
        return Said(_whole(text, language), language)

    def _find(self, text: str) -> str | None:
        """The translation of a sentence whose pattern is known, with all its parts."""
        for pattern, translated in _catalogue(self.language)[1]:
            match = pattern.fullmatch(text)
            if match is None:
                continue
            values = match.groupdict()
            if PARTS in values:
                parts = self._parts(values[PARTS])
                if parts is None:
                    return None
                values[PARTS] = parts
            for name in NAMED.keys() & values.keys():
                values[name] = self(NAMED[name].get(values[name], values[name]))
            for name in DAYS & values.keys():
                values[name] = self._as_day(values[name])
            return translated.format(**values)
        return None

    def _as_day(self, text: str) -> str:
        try:
            return self.day(dt.date.fromisoformat(text))
        except ValueError:
            return text

    def _parts(self, text: str) -> str | None:
        """A sentence, or several, each of which is known."""
        whole = self._find(text)
        if whole is not None or "; " not in text:
            return whole
        parts = [self._find(part) for part in text.split("; ")]
        return None if None in parts else "; ".join(part for part in parts if part is not None)

    def country(self, code: str) -> str:
        """A country's name, from the Unicode consortium's data; its code where it has none."""
        return self._territory(code, code)

    def _territory(self, key: str, otherwise: str) -> str:
        return str(Locale.parse(self.language).territories.get(key, otherwise))

    def continent(self, code: str) -> str:
        """A continent's name by its code of two letters."""
        number = _CONTINENTS.get(code, "")
        return self._territory(number, code)

    def day(self, day: dt.date) -> str:
        """A day as one writes it.

        >>> Words("en").day(dt.date(2022, 2, 16))
        '16 February 2022'
        """
        return format_date(day, "d MMMM y", locale=self.language)

    def short_day(self, day: dt.date) -> str:
        """A day as one writes it where there is little room.

        >>> Words("en").short_day(dt.date(2022, 2, 16))
        '16 Feb 2022'
        """
        return format_date(day, "d MMM y", locale=self.language)
