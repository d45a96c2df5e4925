"""From traces to a verdict: the one place that puts the steps in order.

Loading, crossings, figures and the rule each live elsewhere; what is decided here is only what
belongs together: one address family at a time, the newest stable period, and the shape of the
verdict that the contract fixes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from analysis.convergence import (
    Blocks,
    Candidate,
    Pair,
    border_distance,
    by_organisation,
    candidate,
    captured_bounds,
    coverage_bounds,
    effective_gateways,
    exit_shares,
    make_pairs,
    nearest_first,
    rank,
    resampled_interval,
    shared_interfaces,
    weighted_share,
)
from analysis.coverage import RegisteredNetwork, Weights, by_addresses, covered
from analysis.domestic import count_ways, domestic_pairs, hub_candidates
from analysis.load import Loaded
from analysis.operators import Gazetteer, Node
from analysis.panel import CountryTable, Observation, Panel, observe
from analysis.policy import Policy
from analysis.ranges import Outcome
from analysis.supplement import supplement
from analysis.timeline import Timeline, find_alarm
from analysis.verdict import (
    LIMITS,
    DomesticGrade,
    Figures,
    domestic_grade,
    grade,
    scope,
    strict_and_lenient_agree,
)
from analysis.witness import Recording, hear

SCHEMA = "gatewatch.verdict/1"
_SHOWN = 10


class Snapshot(Protocol):
    """Names the address table that was used."""

    @property
    def id(self) -> str: ...


class JudgingTable(CountryTable, Protocol):
    """What a verdict asks of an address table besides what observing asks."""

    @property
    def snapshot(self) -> Snapshot: ...

    def networks(self, country: str) -> Sequence[RegisteredNetwork]:
        """Networks registered in the country with the number of their IPv4 addresses."""

    def exchange_operator(self, exchange: str) -> int | None: ...

    def is_watched(self, name: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the figures of a verdict were made of, for whoever wants to see more than figures.

    All of it is of the address family judged; ``observations`` and ``pairs`` are of the period
    judged, ``all_days`` also of the days before. ``own`` are the organisations that the strongest
    candidate is itself, or that run it.
    """

    observations: tuple[Observation, ...]
    all_days: tuple[Observation, ...]
    blocks: Blocks
    pairs: tuple[Pair, ...]
    candidate: Candidate | None
    own: frozenset[str]
    weights: Weights
    policy: Policy


@dataclass(frozen=True)
class Verdict:
    """A judged country. ``fields`` is the JSON object of the contract, ``evidence`` what it rests
    on."""

    fields: dict[str, Any]
    evidence: Evidence = field(repr=False)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The traces it rests on, of the family and the period judged."""
        return self.evidence.observations

    @property
    def grade(self) -> str:
        return str(self.fields["grade"])

    @property
    def gateway(self) -> dict[str, Any] | None:
        gateway: dict[str, Any] | None = self.fields["gateway"]
        return gateway


@dataclass(frozen=True, slots=True)
class _Family:
    """Everything computed for one address family in the period judged."""

    observations: tuple[Observation, ...]
    blocks: Blocks
    pairs: list[Pair]
    grouped: dict[str, list[Pair]]
    candidates: list[Candidate]
    figures: Figures
    timeline: Timeline
    grade: str
    reasons: list[str]
    again: Callable[[Sequence[Pair]], _Family] = field(repr=False)
    """The same with other pairs; blocks, period and timeline stay."""

    @property
    def named(self) -> Candidate | None:
        return self.figures.top if self.grade in {"concentrated", "single_gateway"} else None


def _own_names(node: Node, table: JudgingTable) -> frozenset[str]:
    """Organisations that a candidate is, or that run it: they say nothing about it."""
    if node.kind == "organisation":
        return frozenset({node.name})
    if node.kind == "exchange" and (operator := table.exchange_operator(node.name)) is not None:
        return frozenset({table.organisation(operator)})
    return frozenset()


def _candidates(
    grouped: Mapping[str, Sequence[Pair]],
    blocks: Blocks,
    nearness: Mapping[Node, float],
    table: JudgingTable,
    policy: Policy,
    *,
    lenient: bool = False,
) -> list[Candidate]:
    passes = {
        name: [pair.lenient if lenient else pair.strict for pair in pairs]
        for name, pairs in grouped.items()
    }
    nodes = sorted({node for sets in passes.values() for nodes in sets for node in nodes})
    found = [
        candidate(node, blocks.blocks(node), passes, _own_names(node, table), policy)
        for node in nodes
    ]
    return rank((c for c in found if c.shares), nearness)


def _one_operator_behind(
    exchange: Node, observations: Iterable[Observation], policy: Policy
) -> bool:
    """Whether nearly every organisation meets the same domestic operator behind an exchange."""
    behind: dict[str, Counter[str]] = defaultdict(Counter)
    for seen in observations:
        for name, operator in seen.crossing.behind_exchange if seen.crossing else ():
            if name == exchange.name:
                behind[seen.organisation][operator] += seen.traces
    operators = Counter(
        min(counts, key=lambda name: (-counts[name], name)) for counts in behind.values()
    )
    if not operators:
        return False
    operator, organisations = min(operators.items(), key=lambda item: (-item[1], item[0]))
    at_home = any(
        step.sight is not None
        and step.sight.node == Node("organisation", operator)
        and step.sight.place == "home"
        for frame in {seen.path.frame for seen in observations}
        for step in frame.steps
    )
    return at_home and organisations >= policy.captured * len(behind)


def _judge_family(
    observations: Sequence[Observation],
    frozen: Sequence[Observation],
    table: JudgingTable,
    policy: Policy,
) -> _Family:
    """``frozen`` are the same traces under one table: the alarm must not hear a table change."""
    dated, observations = observations, frozen
    blocks = Blocks(observations)
    nearness = border_distance(observations, blocks)

    def nameable(node: Node) -> bool:
        return (
            node.kind != "exchange"
            or table.is_watched(node.name)
            or _one_operator_behind(node, observations, policy)
        )

    # A gateway that was switched on late is on few of all traces: every node is looked at.
    nodes = [node for node in nearest_first(nearness) if nameable(node)]
    timeline = find_alarm(observations, blocks, nodes, policy)
    if dated is not frozen:
        observations = dated
        blocks = Blocks(observations)
        nearness = border_distance(observations, blocks)
    if timeline.alarm is not None:
        observations = [seen for seen in observations if seen.day >= timeline.alarm.onset]
    pairs = make_pairs(observations, blocks, policy)
    return _judge_pairs(
        pairs,
        table,
        policy,
        observations=observations,
        blocks=blocks,
        nearness=nearness,
        nameable=nameable,
        timeline=timeline,
    )


def _judge_pairs(
    pairs: Sequence[Pair],
    table: JudgingTable,
    policy: Policy,
    *,
    observations: Sequence[Observation],
    blocks: Blocks,
    nearness: Mapping[Node, float],
    nameable: Callable[[Node], bool],
    timeline: Timeline,
) -> _Family:
    grouped = by_organisation(pairs)
    candidates = _candidates(grouped, blocks, nearness, table, policy)
    top = next((c for c in candidates if nameable(c.node)), None)
    left_out = _own_names(top.node, table) if top else frozenset()
    of = len([name for name in grouped if name not in left_out])
    captured = top.captured if top else 0
    lower, upper = captured_bounds(captured, of, policy.confidence)
    considered = [pair for pair in pairs if pair.organisation not in left_out]
    classes = {p.destination_class for p in considered if p.resolved}
    by_table = {name: [pair.unaided for pair in pairs] for name, pairs in grouped.items()}
    unaided = candidate(top.node, (), by_table, left_out, policy) if top else None
    behind = {name for name, share in top.shares.items() if share >= policy.captured} if top else ()
    meeting = next((c for c in candidates if not nameable(c.node)), None)
    generous: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.resolved or pair.lenient:
            generous[pair.organisation].append(pair)
    loose = _candidates(generous, blocks, nearness, table, policy, lenient=True)
    lenient = next((c for c in loose if top and c.node == top.node), None)
    strict_nodes = {c.node for c in candidates}
    best_loose = next((c for c in loose if c.node not in strict_nodes), None)
    threshold = lenient.captured_share if lenient else 0.0
    rival = best_loose if best_loose and best_loose.captured_share > threshold else None
    international = [seen for seen in observations if seen.kind == "international"]
    figures = Figures(
        top=top,
        of=of,
        captured=captured,
        lower=lower,
        upper=upper,
        keys=len({seen.vantage for seen in international if seen.organisation in behind}),
        unaided=unaided.captured_share if unaided else 0.0,
        pairs=len(considered),
        resolved=_resolved(considered),
        destination_classes=len(classes),
        continents=len({continent for _, continent in classes}),
        days=len({seen.day for seen in international}),
        effective_gateways=effective_gateways(
            exit_shares(grouped, top.node if top else None, left_out).values()
        ),
        meeting_place=meeting
        if meeting and meeting.captured_share >= policy.concentrated
        else None,
        thin=shared_interfaces(grouped, policy),
        lenient=lenient,
        rival=rival,
    )
    verdict, reasons = grade(figures, policy)
    return _Family(
        tuple(observations),
        blocks,
        list(pairs),
        grouped,
        candidates,
        figures,
        timeline,
        verdict,
        reasons,
        again=lambda others: _judge_pairs(
            others,
            table,
            policy,
            observations=observations,
            blocks=blocks,
            nearness=nearness,
            nameable=nameable,
            timeline=timeline,
        ),
    )


def _resolved(pairs: Iterable[Pair]) -> float:
    """The share of pairs whose crossing is known, as the mean over organisations.

    An organisation with thousands of silent destinations cannot drown all others.
    """
    known: dict[str, list[bool]] = defaultdict(list)
    for pair in pairs:
        known[pair.organisation].append(pair.resolved)
    return sum(sum(some) / len(some) for some in known.values()) / len(known) if known else 0.0


def _gateway(node: Node, blocks: Blocks, table: JudgingTable) -> dict[str, Any]:
    asns: list[int] = []
    if node.kind == "organisation":
        asns = sorted(table.asns(node.name))
    elif node.kind == "exchange" and (operator := table.exchange_operator(node.name)) is not None:
        asns = [operator]
    return {
        "kind": node.kind,
        "name": node.name,
        "asns": asns,
        "blocks": list(blocks.blocks(node)),
    }


def _share_fields(
    shares: Mapping[str, float], weights: Mapping[str, float], policy: Policy
) -> dict[str, float | None]:
    values = sorted(shares.values())
    lower, upper = resampled_interval(values, policy)
    return {
        "equal": sum(values) / len(values) if values else 0.0,
        "eyeballs": weighted_share(shares, weights),
        "lower": lower,
        "upper": upper,
    }


def _captured_fields(captured: int, of: int, lower: float, upper: float) -> dict[str, Any]:
    return {"organisations": captured, "of": of, "lower": lower, "upper": upper}


def _candidate_fields(found: Candidate, blocks: Blocks, table: JudgingTable) -> dict[str, Any]:
    return {
        **_gateway(found.node, blocks, table),
        "captured": _captured_fields(found.captured, found.of, found.lower, found.upper),
        "share": found.share,
    }


def _upstream(
    family: _Family, table: JudgingTable, weights: Mapping[str, float], policy: Policy
) -> dict[str, Any]:
    """The first foreign operator on the paths, with the figures of a gateway but no grade."""
    passes = {
        name: [frozenset({pair.upstream} if pair.upstream else ()) for pair in pairs]
        for name, pairs in family.grouped.items()
    }
    nodes = sorted({node for sets in passes.values() for nodes in sets for node in nodes})
    found = rank(
        (candidate(node, (), passes, frozenset(), policy) for node in nodes),
        {},
    )
    shares: dict[Node, float] = defaultdict(float)
    for sets in passes.values():
        for nodes_of_pair in sets:
            for node in nodes_of_pair:
                shares[node] += 1.0 / len(sets) / len(passes)
    top = found[0] if found else None
    of = len(family.grouped)
    lower, upper = captured_bounds(top.captured if top else 0, of, policy.confidence)
    return {
        "operator": _gateway(top.node, family.blocks, table) if top else None,
        "captured": _captured_fields(top.captured if top else 0, of, lower, upper),
        "share": _share_fields(top.shares if top else {}, weights, policy),
        "effective_gateways": effective_gateways(shares.values()),
    }


def _domestic(family: _Family, table: JudgingTable, policy: Policy) -> dict[str, Any]:
    pairs = domestic_pairs(family.observations, family.blocks, policy)
    hubs = hub_candidates(pairs, family.blocks, lambda node: _own_names(node, table), policy)
    known = [pair for pair in pairs if pair.way != "unknown"]
    judged = len({pair.organisation for pair in known})
    abroad_too = {c.node for c in family.candidates if c.captured_share >= policy.concentrated}

    def may_be_hub(node: Node) -> bool:
        return node.kind != "exchange" or node in abroad_too or table.is_watched(node.name)

    def graded(hub: Candidate | None) -> tuple[DomesticGrade, str]:
        return domestic_grade(
            hub,
            judged,
            len(known) / len(pairs) if pairs else 0.0,
            may_be_hub=hub is not None and may_be_hub(hub.node),
            policy=policy,
        )

    top = hubs[0] if hubs else None
    says, reason = graded(top)
    # A meeting place that more organisations cross hides no hub that stands beside it.
    second = next((hub for hub in hubs if may_be_hub(hub.node)), None)
    if second is not None and graded(second)[0] == "single_hub":
        top, (says, reason) = second, graded(second)
    named = top if says in {"concentrated", "single_hub"} else None
    return {
        "grade": says,
        "hub": _gateway(named.node, family.blocks, table) if named else None,
        "pairs": count_ways(pairs, named.node if named else None),
        "captured": _captured_fields(top.captured, top.of, top.lower, top.upper)
        if top
        else _captured_fields(
            0, len({p.organisation for p in known}), *captured_bounds(0, 0, 0.95)
        ),
        "reason": reason,
    }


def _timeline_fields(timeline: Timeline, blocks: Blocks, table: JudgingTable) -> dict[str, Any]:
    alarm = timeline.alarm
    return {
        "alarm": alarm is not None,
        "onset": alarm.onset.isoformat() if alarm else None,
        "gateway": _gateway(alarm.node, blocks, table) if alarm else None,
        "moved": [{"organisation": name, "day": day.isoformat()} for name, day in alarm.moved]
        if alarm
        else [],
        "reason": timeline.reason,
        "gateways": {
            name: [
                {"since": day.isoformat(), "gateway": node.name if node else None}
                for day, node in changes
            ]
            for name, changes in timeline.gateways.items()
        },
    }


def _window(observations: Sequence[Observation]) -> list[str | None]:
    days = [seen.day for seen in observations]
    return [min(days).isoformat(), max(days).isoformat()] if days else [None, None]


def _coverage(
    family: _Family, weights: Weights, share: dict[str, float | None], left_out: frozenset[str]
) -> dict[str, Any]:
    eyeballs = covered(family.grouped, left_out, weights)
    weighed = share["eyeballs"] if share["eyeballs"] is not None else share["equal"]
    return {
        "organisations": len(family.grouped),
        "organisations_known": len(weights.of),
        "eyeballs": eyeballs,
        "weights": weights.unit,
        "unweighed": sum(name not in weights.of for name in family.grouped),
        "bounds": list(coverage_bounds(weighed or 0.0, eyeballs)),
    }


def _headline(family: _Family) -> Mapping[str, float]:
    """Shares of the candidate by organisation; without a candidate nobody passes it."""
    top = family.figures.top
    return top.shares if top else dict.fromkeys(family.grouped, 0.0)


def _outcome(family: _Family) -> Outcome:
    shares = _headline(family).values()
    return Outcome(
        sum(shares) / len(shares) if shares else 0.0,
        family.grade,
        family.named.node.name if family.named else None,
    )


def judge(
    loaded: Loaded,
    table: JudgingTable,
    country: str,
    policy: Policy,
    *,
    now: float,
    provenance: Mapping[str, Any] | None = None,
    frozen: Panel | None = None,
    dated: Panel | None = None,
    weights: Weights | None = None,
    recording: Recording | None = None,
    supplements: bool = True,
) -> Verdict:
    """Judge a country by the traces loaded.

    IPv4 and IPv6 are judged apart; the verdict is of the family in which more organisations
    were measured (IPv4 where equal), and ``families`` tells both grades. ``now`` is epoch
    seconds. ``frozen`` is what the traces are under ``table``, where that was found out while they
    were read. ``dated`` is what they are under the tables of their days: then the figures are of
    that, and only the alarm is of ``table``. ``weights`` are users by organisation, if there is an
    estimate; ``recording`` is a routing table, the witness. Without ``supplements`` the figures
    are left out on which neither grade nor scope rests: whoever judges thousands of simulated
    countries needs none.
    """
    if frozen is None:
        frozen = observe(loaded.traces, Gazetteer(table, country), table, policy, now)
    panel = frozen if dated is None else dated
    families, seen_by = {}, {}
    for version in (4, 6):
        still = [seen for seen in frozen.observations if seen.family == version]
        moving = [seen for seen in panel.observations if seen.family == version]
        seen_by[version] = still if dated is None else moving
        families[version] = _judge_family(seen_by[version], still, table, policy)
    version = max(families, key=lambda v: (len(families[v].grouped), v == 4))
    family = families[version]
    weights = weights or by_addresses(table.networks(country))
    figures = family.figures
    top, named = figures.top, family.named
    left_out = _own_names(top.node, table) if top else frozenset()
    share = _share_fields(_headline(family), weights.of, policy)
    coverage = _coverage(family, weights, share, left_out)
    witness = (
        hear(
            recording,
            country,
            table,
            policy,
            family=version,
            grade=family.grade,
            gateway=next(iter(sorted(_own_names(named.node, table))), None) if named else None,
            days={seen.day for seen in family.observations},
        )
        if recording is not None
        else None
    )
    extent, scope_reasons = scope(
        family.grade,
        figures.lower,
        policy,
        covered=coverage["eyeballs"],
        unit=weights.unit,
        witness=witness.speaks if witness else None,
    )
    other = families[10 - version]
    both = other.grouped and other.grade != family.grade
    rejected = loaded.rejected + panel.rejected
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "country": country,
        "family": version,
        "families": {f"ipv{v}": f.grade if f.observations else None for v, f in families.items()},
        "window": _window(family.observations),
        "grade": family.grade,
        "scope": extent,
        "gateway": _gateway(named.node, family.blocks, table) if named else None,
        "captured": _captured_fields(figures.captured, figures.of, figures.lower, figures.upper),
        "share": share,
        "effective_gateways": figures.effective_gateways,
        "coverage": coverage,
        "strict_and_lenient_agree": strict_and_lenient_agree(figures, policy),
        "domestic": _domestic(family, table, policy),
        "upstream": _upstream(family, table, weights.of, policy),
        "timeline": _timeline_fields(family.timeline, family.blocks, table),
        "candidates": [
            _candidate_fields(found, family.blocks, table) for found in family.candidates[:_SHOWN]
        ],
        "measured": _measured(family, panel),
        "witness": {**witness.fields, "table": table.snapshot.id} if witness else None,
        **(
            supplement(
                family.pairs,
                family.observations,
                family.blocks,
                policy,
                candidate=top.node if top else None,
                left_out=left_out,
                weights=weights,
                judged=lambda pairs: _outcome(family.again(pairs)),
            )
            if supplements
            else {}
        ),
        "rejected": dict(sorted(rejected.items())),
        "signs": dict(sorted(panel.signs.items())),
        "reasons": [
            *family.reasons,
            *scope_reasons,
            *([f"IPv{10 - version} is judged apart, and is {other.grade}."] if both else []),
        ],
        "limits": _limits(policy, weights, heard=witness is not None),
        "provenance": {
            "inputs": dict(loaded.inputs),
            "snapshots": [table.snapshot.id],
            "policy": asdict(policy),
            "policy_changed": policy.changed(),
            **(provenance or {}),
        },
    }
    return Verdict(
        fields,
        Evidence(
            observations=family.observations,
            all_days=tuple(seen_by[version]),
            blocks=family.blocks,
            pairs=tuple(family.pairs),
            candidate=top,
            own=left_out,
            weights=weights,
            policy=policy,
        ),
    )


def _measured(family: _Family, panel: Panel) -> dict[str, int]:
    measured = {
        (seen.organisation, seen.destination)
        for seen in family.observations
        if seen.crossing is not None
    }
    return {
        "traces": sum(seen.traces for seen in family.observations),
        "vantages": len({seen.vantage for seen in family.observations}),
        "organisations": len(family.grouped),
        "destinations": len({seen.destination for seen in family.observations}),
        "pairs": len(family.pairs),
        "pairs_of_few_keys": len(measured) - len(family.pairs),
        "keys_behind_candidate": family.figures.keys,
        "days": family.figures.days,
        "traces_read_by_links": sum(
            seen.traces
            for seen in family.observations
            if seen.crossing is not None and seen.crossing.by_links
        ),
        "traces_of_both_families_and_all_days": panel.traces,
    }


_WEIGHTS = {
    "addresses": "Eyeballs are approximated by registered IPv4 addresses, which under-weigh mobile "
    "networks.",
    "eyeballs": "Eyeballs are estimated from whom advertisements reached: people behind VPNs, and "
    "networks that block advertisements, are counted wrongly.",
}


def _limits(policy: Policy, weights: Weights, *, heard: bool) -> list[str]:
    limits = [*LIMITS, _WEIGHTS[weights.unit]]
    if heard:
        limits.append(
            "The witness counts prefixes to the countries that the address table names, which may "
            "not be those of the day of the routing table."
        )
    changed = policy.changed()
    if changed:
        settings = ", ".join(f"{key}={value:g}" for key, value in changed.items())
        limits.append(f"The rule was changed for this verdict: {settings}.")
    return limits
