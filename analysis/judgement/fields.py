"""The parts of a verdict's JSON object: names and shape are those of the contract."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from analysis.alarm.timeline import Timeline
from analysis.candidates.blocks import Blocks
from analysis.evidence.desk import CountryTable
from analysis.evidence.observation import Observation, first_and_last
from analysis.evidence.panel import Panel
from analysis.grading.family import Family
from analysis.grading.standard import JudgingTable
from analysis.home.domestic import count_ways
from analysis.home.interconnection import Domestic
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import (
    Candidate,
    candidate,
    captured_by,
    divided,
    rank,
    weighted_share,
)
from analysis.shares.coverage import Weights
from analysis.shares.intervals import (
    captured_bounds,
    coverage_bounds,
    effective_gateways,
    resampled_interval,
)
from analysis.shares.pairs import Pair

# Who a node is, in the shape of the contract: `gateway_fields`, but for the node.
Naming = Callable[[Node], dict[str, Any]]


def asns_at_home(organisation: str, table: CountryTable, country: str) -> list[int]:
    """The AS numbers of an organisation that are registered in a country; all where none is.

    Namesakes of other countries, such as their ministries, are not it.
    """
    asns = sorted(table.asns(organisation))
    return [asn for asn in asns if table.country(asn) in {country, None}] or asns


def gateway_fields(
    node: Node, blocks: Blocks, table: JudgingTable, country: str | None
) -> dict[str, Any]:
    """Who it is, with its AS numbers; ``blocks`` are those of one that no table names.

    ``country`` is where it stands, None for one abroad.
    """
    asns: list[int] = []
    if node.kind == "organisation":
        asns = (
            sorted(table.asns(node.name))
            if country is None
            else asns_at_home(node.name, table, country)
        )
    elif node.kind == "exchange" and (operator := table.exchange_operator(node.name)) is not None:
        asns = [operator]
    return {
        "kind": node.kind,
        "name": node.name,
        "asns": asns,
        "blocks": list(blocks.blocks(node)),
    }


def share_fields(
    shares: Mapping[str, float], weights: Mapping[str, float], policy: Policy
) -> dict[str, float | None]:
    """The mean share of an organisation's pairs, equally and by people, and its interval."""
    values = sorted(shares.values())
    lower, upper = resampled_interval(values, policy)
    return {
        "equal": sum(values) / len(values) if values else 0.0,
        "eyeballs": weighted_share(shares, weights),
        "lower": lower,
        "upper": upper,
    }


def captured_fields(captured: int, of: int, lower: float, upper: float) -> dict[str, Any]:
    """So many of so many organisations, and the bounds of that share."""
    return {"organisations": captured, "of": of, "lower": lower, "upper": upper}


def candidate_fields(found: Candidate, naming: Naming) -> dict[str, Any]:
    """One row of ``candidates``."""
    return {
        **naming(found.node),
        "captured": captured_fields(found.captured, found.of, found.lower, found.upper),
        "share": found.share,
    }


def uncounted_fields(found: Candidate, naming: Naming) -> dict[str, Any]:
    """One row of ``uncounted``: whose hops no figure has, and how many organisations show them."""
    return {
        **naming(found.node),
        "blocks": list(found.blocks),
        "organisations": found.captured,
        "of": found.of,
    }


def upstream_fields(
    family: Family, naming: Naming, weights: Mapping[str, float], policy: Policy
) -> dict[str, Any]:
    """The first foreign operator on the paths, with the figures of a gateway but no grade."""
    grouped = family.grouped
    passes = {
        name: [frozenset({pair.upstream} if pair.upstream else ()) for pair in pairs]
        for name, pairs in grouped.items()
    }
    nodes = sorted({node for sets in passes.values() for nodes in sets for node in nodes})
    found = rank(
        (candidate(node, (), passes, frozenset(), policy) for node in nodes),
        {},
    )
    shares = divided({name: [pair.upstream for pair in pairs] for name, pairs in grouped.items()})
    top = found[0] if found else None
    of = len(grouped)
    lower, upper = captured_bounds(top.captured if top else 0, of, policy.confidence)
    return {
        "operator": naming(top.node) if top else None,
        "captured": captured_fields(top.captured if top else 0, of, lower, upper),
        "share": share_fields(top.shares if top else {}, weights, policy),
        "effective_gateways": effective_gateways(shares.values()),
    }


def domestic_fields(domestic: Domestic, naming: Naming, policy: Policy) -> dict[str, Any]:
    """How the country's organisations reach each other, and whether by one hub."""
    figures, strongest, hub = domestic.figures, domestic.strongest, domestic.hub
    judged = figures.organisations
    return {
        "grade": domestic.grade,
        "hub": naming(hub.node) if hub else None,
        "meeting_place": domestic.meeting_place,
        "pairs": count_ways(
            domestic.pairs, hub.node if hub and not domestic.meeting_place else None
        ),
        "captured": captured_fields(
            strongest.captured, strongest.of, strongest.lower, strongest.upper
        )
        if strongest
        else captured_fields(0, judged, *captured_bounds(0, judged, policy.confidence)),
        "effective_hubs": figures.spread.effective,
        "reason": domestic.reason,
        "criteria": [asdict(one) for one in domestic.criteria],
    }


def timeline_fields(timeline: Timeline, naming: Naming) -> dict[str, Any]:
    """The alarm, and the gateway of each organisation with the day since when."""
    alarm = timeline.alarm
    return {
        "alarm": alarm is not None,
        "onset": alarm.onset.isoformat() if alarm else None,
        "gateway": naming(alarm.node) if alarm else None,
        "moved": [{"organisation": name, "day": day.isoformat()} for name, day in alarm.moved]
        if alarm
        else [],
        "reason": timeline.reason,
        "behind": timeline.behind._asdict() if timeline.behind else None,
        "waves": [
            {
                "gateway": wave.node.name,
                "onset": wave.onset.isoformat(),
                "organisations": len(wave.moved),
                "of": wave.watched,
                "left": wave.left,
                "over": wave.over.isoformat() if wave.over else None,
            }
            for wave in timeline.waves
        ],
        "gateways": {
            name: [
                {
                    "since": day.isoformat(),
                    "kind": node.kind if node else None,
                    "gateway": node.name if node else None,
                }
                for day, node in changes
            ]
            for name, changes in timeline.gateways.items()
        },
    }


def organisations_fields(family: Family, policy: Policy) -> list[dict[str, Any]]:
    """Who was measured in the period judged, by name, and how each leaves.

    Of ``of`` pairs the way of ``pairs`` is known; ``exits`` are how these divide over the last node
    at home, most first, without a name where that is the organisation itself; pairs of which
    silence hides that are in none of them. ``share`` is the part of all ``pairs`` that passes the
    strongest candidate, None where the organisation says nothing of one.
    How many vantage points each has is not told: it would show where a network is one person.
    """
    measured = {seen.organisation for seen in family.observations if seen.crossing is not None}
    of = Counter(pair.organisation for pair in family.pairs)
    shares = family.figures.top.shares if family.figures.top else {}
    captured = captured_by(shares, policy)
    return [
        {
            "organisation": name,
            "pairs": len(family.grouped.get(name, ())),
            "of": of[name],
            "share": shares.get(name),
            "captured": name in captured if name in shares else None,
            "exits": _exits(family.grouped.get(name, ())),
        }
        for name in sorted(measured)
    ]


def _exits(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    exits = Counter(pair.exit for pair in pairs if not pair.is_hidden)
    return [
        {"kind": node.kind if node else None, "gateway": node.name if node else None, "pairs": many}
        for node, many in sorted(exits.items(), key=lambda one: (-one[1], one[0] or ("", "")))
    ]


def window_of(observations: Sequence[Observation]) -> list[str | None]:
    """First and last day of the period judged."""
    days = first_and_last(observations)
    return [day.isoformat() for day in days] if days else [None, None]


def coverage_fields(
    family: Family, weights: Weights, share: dict[str, float | None]
) -> dict[str, Any]:
    """How much of the country was seen, and between which bounds the national share lies."""
    eyeballs = family.figures.covered
    weighed = share["eyeballs"] if share["eyeballs"] is not None else share["equal"]
    return {
        "organisations": len(family.grouped),
        "organisations_known": len(weights.of.keys() | family.grouped.keys()),
        "eyeballs": eyeballs,
        "weights": "eyeballs" if weights.unit == "users" else weights.unit,
        "unweighed": sum(name not in weights.of for name in family.grouped),
        "bounds": list(coverage_bounds(weighed or 0.0, eyeballs)),
    }


def measured_fields(family: Family, panel: Panel) -> dict[str, int]:
    """What the verdict rests on, counted."""
    measured = {
        (seen.organisation, seen.destination)
        for seen in family.observations
        if seen.crossing is not None
    }
    vantages: defaultdict[str, set[str]] = defaultdict(set)
    for seen in family.observations:
        vantages[seen.organisation].add(seen.vantage)
    return {
        "traces": sum(seen.traces for seen in family.observations),
        "vantages": len({seen.vantage for seen in family.observations}),
        "organisations": len(family.grouped),
        "organisations_of_one_vantage": sum(len(those) == 1 for those in vantages.values()),
        "destinations": len({seen.destination for seen in family.observations}),
        "pairs": len(family.pairs),
        "pairs_of_few_keys": len(measured) - len(family.pairs),
        "keys_behind_candidate": family.figures.support.keys,
        "days": len({day for seen in family.observations for day in seen.days}),
        "traces_read_by_links": sum(
            seen.traces
            for seen in family.observations
            if seen.crossing is not None and seen.crossing.by_links
        ),
        "traces_of_both_families_and_all_days": panel.traces,
    }
