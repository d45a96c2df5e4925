"""Two verdicts set beside each other, as a user of the library holds that: frozen, with tables.

Judges nothing, reads no file, and says what the comparison's JSON says.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from analysis.difference.reading import Differ
from analysis.tables import Column, table_of
from analysis.words.beside import first, sections
from analysis.words.direction import straight

if TYPE_CHECKING:
    import pandas as pd

FINDING = {
    "part": Column("string", "`finding`, or `measured`: what it rests on"),
    "key": Column("string", "the figure, by its key in the JSON of a verdict"),
    "old": Column("string", "in the older verdict, written as in JSON"),
    "new": Column("string", "in the newer one"),
}

NETWORKS = {
    "organisation": Column("string", "an organisation that was measured"),
    "what": Column(
        "string",
        "`moved`: most of its pairs leave another way, or are read so; `otherwise`: the same way, "
        "other counts; `silent`: only one verdict knows a way; `new`, `left`",
    ),
    "old_exit": Column("string", "the last node at home of most pairs, or `own exit`"),
    "new_exit": Column("string", "the same in the newer verdict"),
    "old_pairs": Column("Int64", "pairs of which the way is known"),
    "new_pairs": Column("Int64", "the same in the newer verdict"),
    "old_captured": Column("boolean", "whether the strongest candidate captured it"),
    "new_captured": Column("boolean", "the same in the newer verdict"),
}

MEANS = {
    "means": Column(
        "string",
        "by what they were judged differently: `policy`, `table`, `organisations`, `lists`, "
        "`users`, `routes`, `code`, `libraries`",
    ),
    "key": Column("string", "its key in the verdict, most of them under `provenance`"),
    "old": Column("string", "in the older verdict, written as in JSON; missing where not told"),
    "new": Column("string", "in the newer one"),
}

INPUTS = {
    "file": Column("string", "a file that only one of the verdicts was made of"),
    "what": Column("string", "`gone` or `added`"),
    "sha256": Column("string", "of its bytes"),
}


@dataclass(frozen=True, eq=False)
class Comparison:
    """What differs between two verdicts, and what could have done it.

    Says what ``gatewatch compare`` says; `to_dict` gives its JSON whole.
    """

    _fields: Mapping[str, Any] = field(repr=False)

    @property
    def country(self) -> str:
        """The country's code of two letters."""
        return str(self._fields["country"])

    @property
    def grades(self) -> tuple[str, str]:
        """The grade of the older verdict, and of the newer."""
        old, new = self._fields["grades"]
        return old, new

    @property
    def same(self) -> bool:
        """Whether both find the same; what they rest on may differ all the same."""
        return not self._fields["finding"]

    @property
    def differ(self) -> Differ:
        """What differs besides the finding: ``nothing``, ``inputs``, ``means`` or ``both``."""
        differ: Differ = self._fields["differ"]
        return differ

    @property
    def reading(self) -> tuple[str, ...]:
        """What may be concluded and what not, in sentences."""
        return tuple(self._fields["reading"])

    @property
    def steps(self) -> tuple[dict[str, str], ...]:
        """What tells more: each a ``command``, and what its verdict ``tells``."""
        return tuple(dict(step) for step in self._fields["steps"])

    @property
    def finding(self) -> pd.DataFrame:
        """One row a figure that differs."""
        return table_of(
            [
                {"part": part, "key": key, "old": old, "new": new}
                for part in ("finding", "measured")
                for key, old, new in _figures(self._fields[part])
            ],
            FINDING,
        )

    @property
    def organisations(self) -> pd.DataFrame:
        """One row an organisation that is not as it was."""
        of = self._fields["organisations"]
        rows: list[dict[str, Any]] = [
            {
                "organisation": one["organisation"],
                "what": what,
                **{
                    f"{side}_{name}": one[side][name]
                    for side in ("old", "new")
                    for name in ("exit", "pairs", "captured")
                },
            }
            for what in ("moved", "otherwise", "silent")
            for one in of[what]
        ]
        rows += [
            {"organisation": name, "what": what} for what in ("new", "left") for name in of[what]
        ]
        return table_of(rows, NETWORKS)

    @property
    def means(self) -> pd.DataFrame:
        """One row a thing by which the two were judged differently."""
        rows = [
            {**one, "old": _written(one["old"]), "new": _written(one["new"])}
            for one in self._fields["means"]
        ]
        return table_of(rows, MEANS)

    @property
    def inputs(self) -> pd.DataFrame:
        """One row a file of which only one verdict was made."""
        return table_of(
            [
                {"file": name, "what": what, "sha256": digest}
                for what in ("gone", "added")
                for name, digest in self._fields["inputs"][what].items()
            ],
            INPUTS,
        )

    def to_dict(self) -> dict[str, Any]:
        """A copy of the whole, as ``gatewatch compare --json`` prints it."""
        return copy.deepcopy(dict(self._fields))

    def __repr__(self) -> str:
        return f"<Comparison {self.country} {' → '.join(self.grades)}, differ: {self.differ}>"

    def _repr_html_(self) -> str:
        parts = [
            f"<p><strong>{escape(self.country)}: {escape(first(self._fields))}.</strong></p>",
            f"<ul>{''.join(f'<li>{escape(said)}</li>' for said in self.reading)}</ul>",
            *(_table(heading, rows) for heading, rows in sections(self._fields).items()),
            *(
                f"<p>To tell more: <code>{escape(step['command'])}</code>, "
                f"which {escape(step['tells'])}.</p>"
                for step in self.steps
            ),
        ]
        return straight("".join(parts))


def _figures(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str | None, str | None]]:
    """Each figure by itself, also of those that stand together."""
    for row in rows:
        if isinstance(row["old"], dict) and isinstance(row["new"], dict):
            for name, old in row["old"].items():
                if old != row["new"][name]:
                    yield f"{row['key']}.{name}", _written(old), _written(row["new"][name])
        else:
            yield row["key"], _written(row["old"]), _written(row["new"])


def _written(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _table(heading: str, rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(told)}</td></tr>'
        for name, told in rows
    )
    return f"<p>{escape(heading[:1].upper() + heading[1:])}</p><table>{cells}</table>"
