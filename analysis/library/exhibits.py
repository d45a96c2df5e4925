"""What a verdict rests on, as tidy tables: pairs, days, changes, domestic pairs, whom to ask next.

Worked out only when somebody looks; no grade rests on anything here, and nothing here decides.
Missing is not zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.evidence.observation import by_day
from analysis.grading.verdict import Grade
from analysis.judgement.judge import Evidence
from analysis.owners.operators import Node
from analysis.shares.convergence import candidate, gateway_of
from analysis.shares.pairs import by_organisation, make_pairs
from analysis.simulated.planning import invitees
from analysis.tables import Column, named, table_of

if TYPE_CHECKING:
    import pandas as pd

PAIRS = {
    "organisation": Column("string", "vantage organisation"),
    "destination": Column("string", "address traced to"),
    "destination_organisation": Column("string", "whose it is"),
    "destination_continent": Column(
        "string",
        "continent of its country of registration, two letters",
    ),
    "traces": Column("Int64", "traces towards it"),
    "resolved": Column("boolean", "whether the crossing of most of them is known"),
    "gateway_kind": Column(
        "string",
        "`organisation`, `exchange` or `unmapped`; missing where unknown",
    ),
    "gateway": Column(
        "string",
        "the strongest candidate where the pair passes it and the grade is neither "
        "`insufficient` nor `diverse`, else the last node at home, else the organisation itself; "
        "missing where unknown",
    ),
    "own_exit": Column(
        "boolean",
        "whether that is the organisation itself; missing where unknown, as where a silent hop "
        "stands before the border on most traces",
    ),
    "passes_candidate": Column(
        "boolean",
        "whether the pair is seen to pass the strongest candidate; missing where `resolved` is "
        "false or where there is none",
    ),
    "upstream_kind": Column(
        "string",
        "`organisation`, `exchange` or `unmapped`; missing where unknown",
    ),
    "upstream": Column("string", "first operator abroad; missing where unknown"),
}

DAYS = {
    "day": Column("datetime64[s]", "UTC day"),
    "organisations": Column(
        "Int64",
        "organisations besides the node watched that have a resolved pair",
    ),
    "captured": Column(
        "Int64",
        "those that pass it; missing where there are none, or nobody is watched",
    ),
    "captured_share": Column("Float64", "the second by the first"),
    "lower": Column("Float64", "one-sided Clopper–Pearson bound of that share"),
    "upper": Column("Float64", "the same from above"),
    "share": Column("Float64", "mean part of an organisation's pairs that passes it"),
}

CHANGES = {
    "organisation": Column("string", "vantage organisation"),
    "since": Column("datetime64[s]", "the day"),
    "gateway_kind": Column("string", "`organisation`, `exchange` or `unmapped`"),
    "gateway": Column("string", "last node at home on most traces from then on"),
    "own_exit": Column("boolean", "whether the organisation is its own; then both are missing"),
}

DOMESTIC = {
    "organisation": Column("string", "from"),
    "destination": Column("string", "to"),
    "way": Column("string", "`direct`, `exchange`, `third_party`, `abroad` or `unknown`"),
    "between": Column("string", "what stands between on most traces"),
    "over_hub": Column(
        "boolean", "whether the verdict's hub is among them, if it is more than a meeting place"
    ),
}

CANDIDATES = {
    "kind": Column("string", "`organisation`, `exchange` or `unmapped`"),
    "name": Column("string", "its name"),
    "asns": Column("string", "AS numbers of the organisation"),
    "blocks": Column("string", "blocks that were merged into an unmapped one"),
    "captured": Column("Int64", "other organisations that pass it"),
    "organisations": Column("Int64", "of how many"),
    "lower": Column("Float64", "one-sided Clopper–Pearson bound of that share"),
    "upper": Column("Float64", "the same from above"),
    "share": Column("Float64", "mean part of an organisation's pairs that passes it"),
}

CRITERIA = {
    "step": Column("string", "`said`, `diverse`, `named`, `single` or `national`"),
    "key": Column(
        "string",
        "the number of the policy that asks, or `meeting_place`, `alike`, `apart`, "
        "`at_times`, `by_weight`, `rival`, "
        "`thin`, `veiled`, `late`, `rivals`, `mostly`, `elsewhere`, `meeting`, `everywhere`, "
        "`mostly_meeting`, `always`, `strict_and_lenient_agree`",
    ),
    "bound": Column(
        "string",
        "where the figure must lie: `at least`, `more than` or `under` what is asked; missing "
        "where there is no figure",
    ),
    "asked": Column("Float64", "the number of the policy; shares are fractions"),
    "found": Column("Float64", "the figure"),
    "met": Column("boolean", "whether it suffices"),
}

RANGES = {
    "without": Column("string", "`organisations` or `destinations`"),
    "left_out": Column("Int64", "how many were left out, each by itself"),
    "of": Column("Int64", "of how many"),
    "same": Column("Int64", "how often grade and gateway were those of the verdict"),
    "lowest_share": Column("Float64", "the lowest `share.equal` that came out"),
    "highest_share": Column("Float64", "the highest"),
    "decisive": Column(
        "string",
        "those without whom grade or gateway would be another; missing where there are none",
    ),
}

RECRUITS = {
    "organisation": Column("string", "an organisation of the country"),
    "asns": Column("string", "its AS numbers"),
    "measured": Column("boolean", "whether the way of one of its paths to abroad is known"),
    "weight": Column("Float64", "its users, or IPv4 addresses where no users are known"),
    "weight_share": Column("Float64", "part of all that these weigh"),
    "coverage_then": Column("Float64", "part that is covered once it and all above it take part"),
}

REJECTED = {
    "reason": Column("string", "one of the reasons"),
    "traces": Column("Int64", "how many"),
}


_NOBODY_FOUND: frozenset[Grade] = frozenset({"insufficient", "diverse"})


def pairs_table(evidence: Evidence, grade: Grade) -> pd.DataFrame:
    """One row for each organisation and destination abroad, with the columns of ``PAIRS``.

    The gateway is missing where the crossing is not resolved, or silence hides who stands before
    it: unknown is not "its own". Where the ``grade`` says that nobody was found, the strongest
    candidate is put on no pair's way out.
    """
    traces: Counter[tuple[str, str]] = Counter()
    for seen in evidence.observations:
        if seen.crossing is not None:
            traces[seen.organisation, seen.destination] += seen.traces
    organisations = {
        seen.destination: seen.destination_organisation for seen in evidence.observations
    }
    top = evidence.candidate.node if evidence.candidate else None
    found = None if grade in _NOBODY_FOUND else top
    rows = []
    for pair in evidence.pairs:
        is_told = pair.resolved and (found in pair.strict or not pair.is_hidden)
        gateway = gateway_of(pair, found) if is_told else None
        upstream = pair.upstream if pair.resolved else None
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
                "passes_candidate": top in pair.strict if pair.resolved and top else None,
                "upstream_kind": upstream.kind if upstream else None,
                "upstream": upstream.name if upstream else None,
            }
        )
    return table_of(rows, PAIRS)


def days_table(evidence: Evidence, node: Node | None) -> pd.DataFrame:
    """How many organisations a node captured on each day, with the columns of ``DAYS``.

    ``node`` is the strongest candidate or the node watched, None where there is neither.

    Each day is judged by itself, by the rule's own majority, and the bounds are one-sided
    Clopper–Pearson ones as in the verdict. Days on which no other organisation has a resolved pair
    are rows without figures. Days before the period judged are among them.
    """
    is_candidate = evidence.candidate is not None and evidence.candidate.node == node
    own = evidence.own if is_candidate or node is None else evidence.own_of_watched
    abroad = (seen for seen in evidence.all_days if seen.crossing is not None)
    rows: list[dict[str, Any]] = []
    for day, observations in by_day(abroad):
        row: dict[str, Any] = {"day": day}
        pairs = make_pairs(observations, evidence.blocks, evidence.policy)
        passes = {
            name: [pair.strict for pair in found] for name, found in by_organisation(pairs).items()
        }
        others = [name for name in passes if name not in own]
        row["organisations"] = len(others)
        if others and node is not None:
            found = candidate(node, (), passes, own, evidence.policy)
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
            "since": change["since"],
            "gateway_kind": change["kind"],
            "gateway": change["gateway"],
            "own_exit": change["gateway"] is None,
        }
        for name, changes in sorted(timeline["gateways"].items())
        for change in changes
    ]
    return table_of(rows, CHANGES)


def domestic_table(evidence: Evidence, hub: Node | None) -> pd.DataFrame:
    """One row for each two domestic organisations measured, with the columns of ``DOMESTIC``.

    ``hub`` is the verdict's hub, if one is named that is more than a meeting place.
    """
    return table_of(
        [
            {
                "organisation": pair.organisation,
                "destination": pair.destination,
                "way": pair.way,
                "between": named(sorted(pair.between)) or None,
                "over_hub": pair.way != "unknown" and hub in pair.between,
            }
            for pair in evidence.domestic_pairs
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


def ranges_table(ranges: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The verdict without one organisation or destination, with the columns of ``RANGES``."""
    rows = []
    for without, found in ranges.items():
        lowest, highest = found["share"] or (None, None)
        rows.append(
            {
                "without": without,
                "left_out": found["left_out"],
                "of": found["of"],
                "same": found["left_out"] - len(found["decisive"]),
                "lowest_share": lowest,
                "highest_share": highest,
                "decisive": "; ".join(found["decisive"]) or None,
            }
        )
    return table_of(rows, RANGES)


def weights_of_others(evidence: Evidence) -> dict[str, float]:
    """What each organisation weighs that may tell of the candidate: all but the candidate's own."""
    weights = evidence.weights.of
    return {name: of for name, of in weights.items() if name not in evidence.own}


def measured_others(evidence: Evidence) -> set[str]:
    """The organisations of `weights_of_others` with a path abroad whose way is known."""
    return by_organisation(evidence.pairs).keys() & weights_of_others(evidence).keys()


def recruits_table(evidence: Evidence, asns: Callable[[str], Sequence[int]]) -> pd.DataFrame:
    """Whom to recruit next, with the columns of ``RECRUITS``; those measured come first.

    What `gatewatch plan` says, but for the strongest candidate's own organisations, which tell
    nothing of it: nothing is known of who was not measured, so the largest narrows the bounds of
    the national share most.
    """
    weights = weights_of_others(evidence)
    rows: Iterator[dict[str, Any]] = (
        {
            "organisation": one.organisation,
            "asns": " ".join(f"AS{asn}" for asn in asns(one.organisation)) or None,
            "measured": one.measured,
            "weight": one.weight,
            "weight_share": one.share,
            "coverage_then": one.coverage,
        }
        for one in invitees(weights, measured_others(evidence))
    )
    return table_of(list(rows), RECRUITS)


def rejected_table(rejected: Mapping[str, int]) -> pd.DataFrame:
    """How many traces were left out for which reason, most first."""
    rows = [
        {"reason": reason, "traces": count}
        for reason, count in sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    ]
    return table_of(rows, REJECTED)
