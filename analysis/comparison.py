"""Two address tables, the same traces: which crossings differ, and whether the grade does.

A verdict that hangs on one table's word for a few addresses is worth less than one that stands
under both. Works on tables of crossings, so it knows neither traces nor how they are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

_WHICH = ["vantage", "family", "day", "destination"]
_WHAT = [
    "organisation",
    "destination_organisation",
    "destination_continent",
    "state",
    "exit",
    "upstream",
    "candidates",
    "candidates_lenient",
]
_EXAMPLES = 20


def _numbered(crossings: pd.DataFrame) -> pd.DataFrame:
    """With a number for each of the traces of one vantage point to one destination on one day."""
    nth = crossings.groupby(_WHICH, dropna=False).cumcount()
    return crossings.assign(nth=nth)[[*_WHICH, "nth", *_WHAT]]


def compare_crossings(used: pd.DataFrame, other: pd.DataFrame) -> dict[str, Any]:
    """What differs between two tables of crossings of the same traces (see `analysis.tables`).

    ``compared`` counts the traces that have a crossing in both, ``only_used`` and ``only_other``
    those that have one in one of them only, ``changed`` those compared that differ in any column
    of ``columns``; ``examples`` are up to 20 of them.
    """
    both = _numbered(used).merge(
        _numbered(other),
        on=[*_WHICH, "nth"],
        how="outer",
        suffixes=("_used", "_other"),
        indicator=True,
    )
    common = both[both["_merge"] == "both"]
    differs = {
        name: common[f"{name}_used"].fillna("") != common[f"{name}_other"].fillna("")
        for name in _WHAT
    }
    differing = pd.DataFrame(differs, index=common.index)
    changed = common[differing.any(axis=1)]
    examples = [
        {
            "vantage": row["vantage"],
            "destination": row["destination"],
            "day": row["day"].date().isoformat(),
            **{
                name: [_or_none(row[f"{name}_used"]), _or_none(row[f"{name}_other"])]
                for name in _WHAT
                if _or_none(row[f"{name}_used"]) != _or_none(row[f"{name}_other"])
            },
        }
        for row in changed.head(_EXAMPLES).to_dict("records")
    ]
    return {
        "compared": len(common),
        "only_used": int((both["_merge"] == "left_only").sum()),
        "only_other": int((both["_merge"] == "right_only").sum()),
        "changed": len(changed),
        "columns": {name: int(found.sum()) for name, found in differs.items() if found.any()},
        "examples": examples,
    }


def _or_none(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def compare_verdicts(used: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two verdicts on the same traces say differently: [under the one, under the other].

    ``rejected`` has the reasons whose counts differ.
    """
    counts = Counter(used["rejected"]), Counter(other["rejected"])
    return {
        "tables": [used["provenance"]["snapshots"], other["provenance"]["snapshots"]],
        "grade": [used["grade"], other["grade"]],
        "gateway": [_named(used["gateway"]), _named(other["gateway"])],
        "captured": [used["captured"], other["captured"]],
        "domestic": [used["domestic"]["grade"], other["domestic"]["grade"]],
        "alarm": [used["timeline"]["onset"], other["timeline"]["onset"]],
        "rejected": {
            reason: [counts[0][reason], counts[1][reason]]
            for reason in sorted(counts[0] | counts[1])
            if counts[0][reason] != counts[1][reason]
        },
    }


def _named(gateway: Mapping[str, Any] | None) -> str | None:
    return None if gateway is None else f"{gateway['kind']}:{gateway['name']}"


def sentence(comparison: Mapping[str, Any]) -> str:
    """What a reader must know of it."""
    used, other = comparison["grade"]
    crossings = comparison["crossings"]
    table = ", ".join(comparison["tables"][1])
    counted = (
        f"{crossings['changed']} of {crossings['compared']} crossings differ, "
        f"{crossings['only_used'] + crossings['only_other']} are seen under one table only."
    )
    if used == other:
        return f"Under the table {table} the grade is the same: {counted}"
    return f"Under the table {table} the grade is {other}: {counted}"
