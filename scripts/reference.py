"""``make reference``: writes the columns of every table into docs/tables.md, from the code.

A column's type and meaning stand once, where the table is made; what the page says of a table as a
whole is written by hand and kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from analysis import tables
from analysis.library import comparison, exhibits
from analysis.tables import Column

PAGE = Path(__file__).parent.parent / "docs" / "tables.md"

TABLES = {
    "data.traces": tables.TRACES,
    "data.replies": tables.REPLIES,
    "verdict.crossings": tables.CROSSINGS,
    "verdict.pairs": exhibits.PAIRS,
    "verdict.days": exhibits.DAYS,
    "verdict.changes": exhibits.CHANGES,
    "verdict.domestic_pairs": exhibits.DOMESTIC,
    "verdict.candidates": exhibits.CANDIDATES,
    "verdict.criteria": exhibits.CRITERIA,
    "verdict.ranges": exhibits.RANGES,
    "verdict.recruits": exhibits.RECRUITS,
    "verdict.rejected, data.rejected": exhibits.REJECTED,
    "comparison.finding": comparison.FINDING,
    "comparison.organisations": comparison.NETWORKS,
    "comparison.means": comparison.MEANS,
    "comparison.inputs": comparison.INPUTS,
}


def listed(columns: Mapping[str, Column]) -> str:
    """The columns of one table as rows of Markdown."""
    rows = [f"| `{name}` | `{column}` | {column.meaning} |" for name, column in columns.items()]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *rows, ""])


def written(page: str) -> str:
    """The page with the columns that there are; raises `ValueError` where a table has no place."""
    for name, columns in TABLES.items():
        section = rf"(?<=^### {re.escape(name)}\n).*?^(\| column .*?)(?=^\n|\Z)"
        found = re.search(section, page, re.DOTALL | re.MULTILINE)
        if found is None:
            raise ValueError(f"{PAGE.name} has no place for {name}; write a heading and a table")
        page = page[: found.start(1)] + listed(columns) + page[found.end(1) :]
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
