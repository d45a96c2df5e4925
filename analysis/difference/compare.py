"""Two verdicts set beside each other: the JSON of ``gatewatch compare``, in its order.

What differs, others find; what may be said of it, `reading` knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.difference.findings import Differing, found, measured, named, untold
from analysis.difference.means import inputs, others
from analysis.difference.networks import Moved, Networks, networks
from analysis.difference.reading import Differences, sentences, steps
from analysis.difference.told import of_one_country, told

SCHEMA = "gatewatch.comparison/1"


def compare(
    old: Mapping[str, Any], new: Mapping[str, Any], names: tuple[str, str] = ("older", "newer")
) -> dict[str, Any]:
    """What differs between two verdicts, and what could have done it, as one JSON object.

    ``names`` are what sentences of an error call the two. Raises
    `analysis.difference.told.VerdictError` for what is no verdict, and for two countries.
    """
    was, now = told(old, names[0]), told(new, names[1])
    of_one_country(was, now)
    between = Differences(
        found(was, now), measured(was, now), networks(was, now), others(was, now), inputs(was, now)
    )
    missing = untold(was, now)
    return {
        "schema": SCHEMA,
        "country": now.country,
        "windows": [list(was.window), list(now.window)],
        "grades": [was.grade, now.grade],
        "gateways": [named(was.gateway), named(now.gateway)],
        "differ": between.differ,
        "finding": _rows(between.found),
        "measured": _rows(between.measured),
        "organisations": _organisations(between.networks),
        "means": [other._asdict() for other in between.means],
        "inputs": between.inputs._asdict(),
        "untold": {"old": missing[0], "new": missing[1]},
        "reading": sentences(was, now, between),
        "steps": [step._asdict() for step in steps(was, now, between)],
    }


def _rows(differing: Sequence[Differing]) -> list[dict[str, Any]]:
    return [one._asdict() for one in differing]


def _organisations(found: Networks) -> dict[str, Any]:
    return {
        "known": found.known,
        "both": found.both,
        **{
            key: [_moved(one) for one in listed]
            for key, listed in (
                ("moved", found.moved),
                ("otherwise", found.otherwise),
                ("silent", found.silent),
            )
        },
        "new": found.new,
        "left": found.left,
    }


def _moved(one: Moved) -> dict[str, Any]:
    ways = {"old": one.old._asdict(), "new": one.new._asdict()}
    return {"organisation": one.organisation, **ways}
