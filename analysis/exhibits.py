"""What a verdict rests on, as tidy tables: pairs, days, changes, domestic pairs, whom to ask next.

Worked out only when somebody looks; no grade rests on anything here, and nothing here decides.
`docs/tables.md` explains every column. Missing is not zero.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.convergence import by_organisation, candidate, gateway_of, make_pairs
from analysis.domestic import domestic_pairs
from analysis.judge import Evidence
from analysis.operators import Node
from analysis.panel import Observation
from analysis.tables import table_of

PAIRS = {
    "organisation": "string",
    "destination": "string",
    "destination_organisation": "string",
    "destination_continent": "string",
    "traces": "Int64",
    "resolved": "boolean",
    "gateway_kind": "string",
    "gateway": "string",
    "own_exit": "boolean",
    "passes_candidate": "boolean",
    "upstream": "string",
}

DAYS = {
    "day": "datetime64[s]",
    "organisations": "Int64",
    "captured": "Int64",
    "captured_share": "Float64",
    "lower": "Float64",
    "upper": "Float64",
    "share": "Float64",
}

CHANGES = {
    "organisation": "string",
    "since": "datetime64[s]",
    "gateway": "string",
    "own_exit": "boolean",
}

DOMESTIC = {
    "organisation": "string",
    "destination": "string",
    "way": "string",
    "between": "string",
    "over_hub": "boolean",
}

CANDIDATES = {
    "kind": "string",
    "name": "string",
    "asns": "string",
    "blocks": "string",
    "captured": "Int64",
    "organisations": "Int64",
    "lower": "Float64",
    "upper": "Float64",
    "share": "Float64",
}

CRITERIA = {
    "step": "string",
    "key": "string",
    "bound": "string",
    "asked": "Float64",
    "found": "Float64",
    "met": "boolean",
}

RECRUITS = {
    "organisation": "string",
    "asns": "string",
    "measured": "boolean",
    "weight": "Float64",
    "weight_share": "Float64",
    "coverage_then": "Float64",
}

REJECTED = {"reason": "string", "traces": "Int64"}


def pairs_table(evidence: Evidence) -> pd.DataFrame:
    """One row for each organisation and destination abroad, with the columns of ``PAIRS``.

    The gateway is missing where the crossing is not resolved: unknown is not "its own".
    """
    traces: Counter[tuple[str, str]] = Counter()
    for seen in evidence.observations:
        if seen.crossing is not None:
            traces[seen.organisation, seen.destination] += seen.traces
    organisations = {
        seen.destination: seen.destination_organisation for seen in evidence.observations
    }
    top = evidence.candidate.node if evidence.candidate else None
    rows = []
    for pair in evidence.pairs:
        gateway = gateway_of(pair, top) if pair.resolved else None
        rows.append(
            {
                "organisation": pair.organisation,
                "destination": pair.destination,
                "destination_organisation": organisations[pair.destination],
                "destination_continent": pair.destination_class[1],
                "traces": traces[pair.organisation, pair.destination],
                "resolved": pair.resolved,
                "gateway_kind": gateway.kind if gateway else None,
                "gateway": gateway.name if gateway else None,
                "own_exit": gateway == Node("organisation", pair.organisation) if gateway else None,
                "passes_candidate": top in pair.strict if gateway and top else None,
                "upstream": pair.upstream.name if pair.resolved and pair.upstream else None,
            }
        )
    return table_of(rows, PAIRS)


def days_table(evidence: Evidence, node: Node | None) -> pd.DataFrame:
    """How many organisations a node captured on each day, with the columns of ``DAYS``.

    Each day is judged by itself, by the rule's own majority, and the bounds are one-sided
    Clopper–Pearson ones as in the verdict. Days on which no other organisation has a resolved pair
    are rows without figures. Days before the period judged are among them.
    """
    by_day: dict[dt.date, list[Observation]] = defaultdict(list)
    for seen in evidence.all_days:
        if seen.crossing is not None:
            by_day[seen.day].append(seen)
    rows: list[dict[str, Any]] = []
    for day in sorted(by_day):
        row: dict[str, Any] = {"day": pd.Timestamp(day)}
        pairs = make_pairs(by_day[day], evidence.blocks, evidence.policy)
        passes = {
            name: [pair.strict for pair in found] for name, found in by_organisation(pairs).items()
        }
        others = [name for name in passes if name not in evidence.own]
        row["organisations"] = len(others)
        if others and node is not None:
            found = candidate(node, (), passes, evidence.own, evidence.policy)
            row |= {
                "captured": found.captured,
                "captured_share": found.captured_share,
                "lower": found.lower,
                "upper": found.upper,
                "share": found.share,
            }
        rows.append(row)
    return table_of(rows, DAYS)


def changes_table(timeline: Mapping[str, Any]) -> pd.DataFrame:
    """The days on which an organisation's gateway changed, with the columns of ``CHANGES``."""
    rows = [
        {
            "organisation": name,
            "since": pd.Timestamp(change["since"]),
            "gateway": change["gateway"],
            "own_exit": change["gateway"] is None,
        }
        for name, changes in sorted(timeline["gateways"].items())
        for change in changes
    ]
    return table_of(rows, CHANGES)


def domestic_table(evidence: Evidence, hub: str | None) -> pd.DataFrame:
    """One row for each two domestic organisations measured, with the columns of ``DOMESTIC``.

    ``hub`` is the name of the verdict's hub, if one is named.
    """
    pairs = domestic_pairs(evidence.observations, evidence.blocks, evidence.policy)
    return table_of(
        [
            {
                "organisation": pair.organisation,
                "destination": pair.destination,
                "way": pair.way,
                "between": "; ".join(sorted(node.name for node in pair.between)) or None,
                "over_hub": pair.way != "unknown" and hub in {node.name for node in pair.between},
            }
            for pair in pairs
        ],
        DOMESTIC,
    )


def candidates_table(candidates: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The strongest candidates of a verdict, best first, with the columns of ``CANDIDATES``."""
    rows = [
        {
            "kind": one["kind"],
            "name": one["name"],
            "asns": " ".join(f"AS{asn}" for asn in one["asns"]) or None,
            "blocks": " ".join(one["blocks"]) or None,
            "captured": one["captured"]["organisations"],
            "organisations": one["captured"]["of"],
            "lower": one["captured"]["lower"],
            "upper": one["captured"]["upper"],
            "share": one["share"],
        }
        for one in candidates
    ]
    return table_of(rows, CANDIDATES)


def criteria_table(criteria: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """What the rule asks for beside what was found, with the columns of ``CRITERIA``."""
    return table_of([dict(one) for one in criteria], CRITERIA)


def recruits_table(evidence: Evidence, asns: Callable[[str], Sequence[int]]) -> pd.DataFrame:
    """Whom to recruit next, with the columns of ``RECRUITS``; those measured come first.

    What `gatewatch plan` says: nothing is known of who was not measured, so the largest narrows
    the bounds of the national share most.
    """
    from analysis.planning import invitees  # noqa: PLC0415 - few ask, and it brings the simulator

    weights = {name: weight for name, weight in evidence.weights.of.items() if weight}
    measured = {seen.organisation for seen in evidence.observations} & set(weights)
    rows: Iterator[dict[str, Any]] = (
        {
            "organisation": one.organisation,
            "asns": " ".join(f"AS{asn}" for asn in asns(one.organisation)) or None,
            "measured": one.measured,
            "weight": one.weight,
            "weight_share": one.share,
            "coverage_then": one.coverage,
        }
        for one in invitees(weights, measured)
    )
    return table_of(list(rows), RECRUITS)


def rejected_table(rejected: Mapping[str, int]) -> pd.DataFrame:
    """How many traces were left out for which reason, most first."""
    rows = [
        {"reason": reason, "traces": count}
        for reason, count in sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    ]
    return table_of(rows, REJECTED)
