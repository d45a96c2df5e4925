"""The parts of a verdict's JSON object: names and shape are those of the contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.convergence import Candidate, candidate, divided, rank, weighted_share
from analysis.coverage import Weights
from analysis.desk import CountryTable
from analysis.domestic import count_ways
from analysis.family import Family, JudgingTable
from analysis.interconnection import Domestic
from analysis.intervals import (
    captured_bounds,
    coverage_bounds,
    effective_gateways,
    resampled_interval,
)
from analysis.lately import lately
from analysis.observation import Observation, first_and_last
from analysis.operators import Node
from analysis.pairs import Blocks
from analysis.panel import Panel
from analysis.policy import Policy
from analysis.timeline import Timeline
from analysis.unshown import unshown
from analysis.verdict import LIMITS


def asns_at_home(organisation: str, table: CountryTable, country: str) -> list[int]:
    """The AS numbers of an organisation that are registered in a country; all where none is.

    Namesakes of other countries, such as their ministries, are not it.
    """
    asns = sorted(table.asns(organisation))
    return [asn for asn in asns if table.country(asn) in {country, None}] or asns


def gateway_fields(
    node: Node, blocks: Blocks, table: JudgingTable, country: str | None = None
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


def candidate_fields(
    found: Candidate, blocks: Blocks, table: JudgingTable, country: str
) -> dict[str, Any]:
    """One row of ``candidates``."""
    return {
        **gateway_fields(found.node, blocks, table, country),
        "captured": captured_fields(found.captured, found.of, found.lower, found.upper),
        "share": found.share,
    }


def upstream_fields(
    family: Family, table: JudgingTable, weights: Mapping[str, float], policy: Policy
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
        "operator": gateway_fields(top.node, family.blocks, table) if top else None,
        "captured": captured_fields(top.captured if top else 0, of, lower, upper),
        "share": share_fields(top.shares if top else {}, weights, policy),
        "effective_gateways": effective_gateways(shares.values()),
    }


def domestic_fields(
    domestic: Domestic, blocks: Blocks, table: JudgingTable, country: str, policy: Policy
) -> dict[str, Any]:
    """How the country's organisations reach each other, and whether by one hub."""
    strongest, hub, judged = domestic.strongest, domestic.hub, domestic.organisations
    return {
        "grade": domestic.grade,
        "hub": gateway_fields(hub.node, blocks, table, country) if hub else None,
        "pairs": count_ways(domestic.pairs, hub.node if hub else None),
        "captured": captured_fields(
            strongest.captured, strongest.of, strongest.lower, strongest.upper
        )
        if strongest
        else captured_fields(0, judged, *captured_bounds(0, judged, policy.confidence)),
        "effective_hubs": domestic.effective_hubs,
        "reason": domestic.reason,
    }


def timeline_fields(
    timeline: Timeline, blocks: Blocks, table: JudgingTable, country: str
) -> dict[str, Any]:
    """The alarm, and the gateway of each organisation with the day since when."""
    alarm = timeline.alarm
    return {
        "alarm": alarm is not None,
        "onset": alarm.onset.isoformat() if alarm else None,
        "gateway": gateway_fields(alarm.node, blocks, table, country) if alarm else None,
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
                {"since": day.isoformat(), "gateway": node.name if node else None}
                for day, node in changes
            ]
            for name, changes in timeline.gateways.items()
        },
    }


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
        "weights": weights.unit,
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
        "keys_behind_candidate": family.figures.keys,
        "days": len({day for seen in family.observations for day in seen.days}),
        "traces_read_by_links": sum(
            seen.traces
            for seen in family.observations
            if seen.crossing is not None and seen.crossing.by_links
        ),
        "traces_of_both_families_and_all_days": panel.traces,
    }


# So much fibre, there and back, is a millisecond of RTT.
_KM_A_MS = 100

_WEIGHTS = {
    "addresses": "Eyeballs are approximated by registered IPv4 addresses, which under-weigh mobile "
    "networks.",
    "eyeballs": "Eyeballs are estimated from whom advertisements reached: people behind VPNs, and "
    "networks that block advertisements, are counted wrongly.",
}


def _left_lately(family: Family, policy: Policy) -> list[str]:
    """That most of those counted as passing whoever is named do so no more, if it is so."""
    if family.named is None:
        return []
    still = lately(family.named, family.observations, family.blocks, policy)
    if not still.mostly_gone(policy):
        return []
    return [
        f"On the last {policy.alarm_hold_days} days with data {still.passing} of the {still.of} "
        f"organisations that are counted as passing {family.named.node.name} were seen to pass it; "
        "the others left, are silent or are not measured: judge these days apart."
    ]


def _first_to_show(family: Family, policy: Policy) -> list[str]:
    """That those counted as passing whoever is named may be measured over its lines, if most may.

    Then no router of their own is seen on any way.
    """
    if family.named is None:
        return []
    found = unshown(family.named, family.observations, family.blocks, policy)
    if not found.most:
        return []
    name = family.named.node.name
    return [
        f"No router of their own is seen on any way of {found.networks} of the {found.of} "
        f"organisations that are counted as passing {name}, and it is the first to show there: "
        f"they may be measured over a line of {name}, such as a VPN, or the table may give it "
        "their addresses: look whose the lines are."
    ]


def limits_of(
    family: Family, policy: Policy, weights: Weights, *, detours: int, heard: bool
) -> list[str]:
    """What no such verdict can know.

    ``detours`` counts the ways at home that go abroad, ``heard`` says whether there was a witness.
    """
    limits = [*LIMITS, _WEIGHTS[weights.unit]]
    if detours:
        limits.append(
            f"Ways at home taken to go abroad and back: {detours}, by an RTT step of "
            f"{policy.abroad_step_ms:g} ms at a router registered abroad, or behind it. In a "
            f"country more than {_KM_A_MS * policy.abroad_step_ms:.0f} km across long ways at home "
            "look so, too: raise abroad_step_ms there."
        )
    limits += [
        f"{node.name} looks like the peering LAN of an exchange that no list names: fetch the "
        "lists (gatewatch data update --exchanges), or put it into exchanges.toml in the data "
        "folder, and judge again."
        for node in family.lans
    ]
    if family.named is not None and family.on_the_same_ways:
        others = ", ".join(one.node.name for one in family.on_the_same_ways)
        limits.append(
            f"All that pass {family.named.node.name} pass {others} as well: paths do not tell on "
            "which of them they depend."
        )
    limits += _left_lately(family, policy)
    limits += _first_to_show(family, policy)
    behind = family.timeline.behind
    if behind is not None and behind.mostly_same:
        limits.append(
            f"Renumbered links look like this alarm, too: on {behind.same} of {behind.of} paths "
            "that moved the same router behind the border answers as far away as before."
        )
    alarm, paused = family.timeline.alarm, family.timeline.after_a_pause
    if alarm is not None and paused:
        limits.append(
            f"Of {paused} of the {len(alarm.moved)} organisations that moved nothing is known of "
            f"the {policy.alarm_within_days} days before: they may have moved on different days of "
            "a longer pause, each for itself."
        )
    if heard:
        limits.append(
            "The witness counts prefixes to the countries that the address table names, which may "
            "not be those of the day of the routing table."
        )
    changed = policy.changed()
    if changed:
        settings = ", ".join(f"{key}={value}" for key, value in changed.items())
        limits.append(f"The rule was changed for this verdict: {settings}.")
    return limits
