"""What is kept now and said later: a sentence whose language is chosen where it is said.

Whoever keeps one keeps what the catalogues know it by, and what stands in its gaps: the words
themselves would be those of whoever happened to call, a timer or a script for example.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from probe.words.language import _


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence to be said in the language that is wanted then.

    ``message`` is its English, ``named`` what stands where that has braces.

    >>> str(Sentence("{host} is busy (status {status})", {"host": "a.example", "status": 503}))
    'a.example is busy (status 503)'
    """

    message: str
    named: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        return _(self.message).format(**self.named)


def as_it_is(words: str) -> Sentence:
    """The words of somebody else, which are said as they are in every language.

    >>> str(as_it_is("no {room} at all"))
    'no {room} at all'
    """
    return Sentence(_WORDS, {"words": words})


_WORDS = "{words}"
