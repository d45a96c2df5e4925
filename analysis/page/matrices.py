"""Who reaches whom how, as a table that a page can show: short signs, and what each of them means.

Every cell has a sign and whole words, so that neither a colour nor a hover is needed. What was not
measured is an empty cell, what was measured and is not known has a sign of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice, product
from itertools import count as naturals
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, NamedTuple

from analysis.tables import records_of
from analysis.words.wording import Say, called

if TYPE_CHECKING:
    import pandas as pd

# More than this is read by nobody; the page says how many are left out.
ROWS = 60
COLUMNS = 40


class Sign(NamedTuple):
    """What a cell shows. ``role`` is ``candidate``, ``gateway``, ``itself`` or ``unknown``."""

    sign: str
    role: str
    words: str


class Heading(NamedTuple):
    """A column, and the group it stands in."""

    name: str
    group: str


@dataclass(frozen=True)
class Matrix:
    """Rows of cells; None is a pair that was not measured."""

    columns: tuple[Heading, ...]
    groups: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str, tuple[Sign | None, ...]], ...]
    legend: tuple[Sign, ...]
    hidden_rows: int
    hidden_columns: int


def signs(count: int) -> list[str]:
    """So many different signs: A to Z, then AA, AB and so on.

    >>> signs(28)[-3:], signs(703)[-2:]
    (['Z', 'AA', 'AB'], ['ZZ', 'AAA'])
    """
    of_length = (product(ascii_uppercase, repeat=length) for length in naturals(1))
    return ["".join(letters) for letters in islice(chain.from_iterable(of_length), count)]


def international(pairs: pd.DataFrame, candidate: tuple[str, str] | None, say: Say) -> Matrix:
    """Networks by the operators of their destinations abroad, with the gateway in each cell.

    Of several destinations of one operator the majority counts. ``candidate`` is kind and name of
    the strongest.
    """
    cells: dict[tuple[str, Heading], Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in records_of(pairs):
        heading = Heading(row["destination_organisation"], row["destination_continent"])
        if not isinstance(row["gateway"], str):
            what = ("unknown", "")
        elif (row["gateway_kind"], row["gateway"]) == candidate:
            what = ("candidate", called(*candidate, say))
        elif row["own_exit"]:
            what = ("itself", "")
        else:
            what = ("gateway", called(row["gateway_kind"], row["gateway"], say))
        cells[row["organisation"], heading][what] += 1
    said = {key: _most(counts) for key, counts in cells.items()}
    weight = Counter(what for what in said.values() if what[0] in {"candidate", "gateway"})
    named = sorted(weight, key=lambda what: (what[0] != "candidate", -weight[what], what[1]))
    meaning = {
        what: Sign(sign, what[0], what[1])
        for what, sign in zip(named, signs(len(named)), strict=True)
    }
    meaning["itself", ""] = Sign("○", "itself", say("the network itself"))
    meaning["unknown", ""] = Sign("?", "unknown", say("unknown: too many silent hops"))
    return _matrix(said, meaning)


def domestic(pairs: pd.DataFrame, hub: str | None, say: Say) -> Matrix:
    """Networks by networks, with the way between them in each cell."""
    meaning = {
        ("hub", ""): Sign("H", "candidate", say("over {hub}").format(hub=hub or "")),
        ("direct", ""): Sign("D", "itself", say("directly")),
        ("exchange", ""): Sign("X", "gateway", say("at an exchange")),
        ("third_party", ""): Sign("T", "gateway", say("over a third network")),
        ("abroad", ""): Sign("A", "gateway", say("abroad and back")),
        ("unknown", ""): Sign("?", "unknown", say("unknown: too many silent hops")),
    }
    said = {
        (row["organisation"], Heading(row["destination"], "")): (
            "hub" if row["over_hub"] else row["way"],
            "",
        )
        for row in records_of(pairs)
    }
    return _matrix(said, meaning)


def _most(counts: Mapping[tuple[str, str], int]) -> tuple[str, str]:
    """What most say; unknown only where all do, and of two that are level not the candidate."""
    known = {what: count for what, count in counts.items() if what[0] != "unknown"}
    return min(known or counts, key=lambda what: (-counts[what], what[0] == "candidate", what))


def _kept(counts: Counter[Any], most: int) -> set[Any]:
    return set(sorted(counts, key=lambda key: (-counts[key], key))[:most])


def _as_in_a_list(name: str) -> tuple[str, str]:
    """Where a reader looks for a name, in capitals or not.

    >>> sorted(["Zeta", "alpha", "Beta"], key=_as_in_a_list)
    ['alpha', 'Beta', 'Zeta']
    """
    return name.casefold(), name


def _matrix(
    said: Mapping[tuple[str, Heading], tuple[str, str]],
    meaning: Mapping[tuple[str, str], Sign],
) -> Matrix:
    rows, columns = Counter(row for row, _ in said), Counter(column for _, column in said)
    shown_rows = sorted(_kept(rows, ROWS), key=_as_in_a_list)
    shown_columns = sorted(
        _kept(columns, COLUMNS), key=lambda heading: (heading.group, _as_in_a_list(heading.name))
    )
    used: Sequence[tuple[str, str]] = [what for what in meaning if what in set(said.values())]
    return Matrix(
        columns=tuple(shown_columns),
        groups=tuple(
            (group, len(list(found)))
            for group, found in groupby(shown_columns, key=lambda heading: heading.group)
        ),
        rows=tuple(
            (
                row,
                tuple(
                    meaning[said[row, column]] if (row, column) in said else None
                    for column in shown_columns
                ),
            )
            for row in shown_rows
        ),
        legend=tuple(meaning[what] for what in used),
        hidden_rows=len(rows) - len(shown_rows),
        hidden_columns=len(columns) - len(shown_columns),
    )
