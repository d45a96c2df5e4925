"""Which keys are one vantage point's, one after the other.

The probe replaces a key after some months. Whoever goes by keys alone takes its owner for somebody
else from then on: an alarm that compares a vantage point before and after would see nothing
around that day, and one volunteer would soon count as several. What ties the keys together is the
pseudonym, which stays the same in one network. But anybody may give another's pseudonym. So keys
are joined only where they could be one machine's: in one network, without a day on which both
measured but that of the change, and without a long gap. Whoever borrows a pseudonym beside its
owner keeps the owner's keys apart, as they are without this; whoever takes it up after him speaks
for one who is gone, no louder than under a name of his own.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from analysis.intake.told import Speaker


class Heard(NamedTuple):
    """That this one measured in an organisation's network on a day."""

    organisation: str
    speaker: Speaker
    day: dt.date


def first_keys(heard: Iterable[Heard], *, gap: int) -> Mapping[tuple[str, Speaker], Speaker]:
    """Organisation and speaker → who that one was at first, for those who changed their key.

    ``gap`` is the most days from the last of one key to the first of the next. Within an
    organisation a key that gives several pseudonyms is joined to none.

    >>> day, old, new = dt.date(2022, 2, 16), Speaker("aa", "v1"), Speaker("bb", "v1")
    >>> first_keys([Heard("Net", old, day), Heard("Net", new, day)], gap=28)
    {('Net', Speaker(key='bb', pseudonym='v1')): Speaker(key='aa', pseudonym='v1')}
    """
    spans: dict[tuple[str, Speaker], tuple[dt.date, dt.date]] = {}
    for organisation, speaker, day in heard:
        if speaker.key:
            first, last = spans.get((organisation, speaker), (day, day))
            spans[organisation, speaker] = min(first, day), max(last, day)
    pseudonyms: dict[tuple[str, str], set[str]] = defaultdict(set)
    for organisation, speaker in spans:
        pseudonyms[organisation, speaker.key].add(speaker.pseudonym)
    owned: dict[tuple[str, str], list[tuple[dt.date, dt.date, Speaker]]] = defaultdict(list)
    for (organisation, speaker), (first, last) in spans.items():
        if len(pseudonyms[organisation, speaker.key]) == 1:
            owned[organisation, speaker.pseudonym].append((first, last, speaker))
    found: dict[tuple[str, Speaker], Speaker] = {}
    for (organisation, _), keys in owned.items():
        for (_, ended, old), (began, _, new) in pairwise(sorted(keys)):
            if 0 <= (began - ended).days <= gap:
                found[organisation, new] = found.get((organisation, old), old)
    return found
