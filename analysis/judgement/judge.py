"""From traces to a verdict: the one place that puts the steps in order.

Loading, crossings, figures, the rule and all sentences live elsewhere; what is decided here is only
what belongs together: which address family speaks for the country, and what the verdict is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.evidence.panel import Panel, observe
from analysis.grading.criteria import criteria
from analysis.grading.family import Family, judge_family
from analysis.grading.levels import strict_and_lenient_agree
from analysis.grading.nameable import JudgingTable, own_names
from analysis.grading.scope import scope
from analysis.grading.witness import Recording, Witness, hear
from analysis.home.domestic import DomesticPair
from analysis.home.interconnection import Domestic, judge_domestic
from analysis.intake.load import Loaded
from analysis.judgement.disagreements import further_reasons, measured_abroad
from analysis.judgement.fields import (
    candidate_fields,
    captured_fields,
    coverage_fields,
    domestic_fields,
    gateway_fields,
    measured_fields,
    share_fields,
    timeline_fields,
    uncounted_fields,
    upstream_fields,
    window_of,
)
from analysis.judgement.limits import limits_of
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate
from analysis.shares.coverage import Weights, by_addresses
from analysis.shares.pairs import Pair
from analysis.supplementary.ranges import Outcome
from analysis.supplementary.supplement import supplement

SCHEMA = "gatewatch.verdict/1"
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the figures of a verdict were made of, for whoever wants to see more than figures.

    All of it is of the address family judged; ``observations`` and pairs are of the period judged,
    ``all_days`` also of the days before. ``own`` are the organisations that the strongest candidate
    is itself, or that run it. ``watched`` is the node whose share over time is of interest: the
    alarm's gateway, else whoever is named, else the one to which many moved and that they have left
    again, else the candidate; ``own_of_watched`` are its own organisations.
    """

    observations: tuple[Observation, ...]
    all_days: tuple[Observation, ...]
    blocks: Blocks
    pairs: tuple[Pair, ...]
    domestic_pairs: tuple[DomesticPair, ...]
    candidate: Candidate | None
    own: frozenset[str]
    watched: Node | None
    own_of_watched: frozenset[str]
    weights: Weights
    policy: Policy


@dataclass(frozen=True)
class Judgement:
    """A judged country, before anybody looks at it: `analysis.library.statement.Verdict` shows it.

    ``fields`` is the JSON object of the contract, ``evidence`` what it rests on.
    """

    fields: dict[str, Any]
    evidence: Evidence = field(repr=False)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The traces it rests on, of the family and the period judged."""
        return self.evidence.observations

    @property
    def grade(self) -> str:
        """What the evidence amounts to, by the rule."""
        return str(self.fields["grade"])

    @property
    def gateway(self) -> dict[str, Any] | None:
        """Who is named, in the shape of the contract; None where nobody is."""
        gateway: dict[str, Any] | None = self.fields["gateway"]
        return gateway


def _headline(family: Family) -> Mapping[str, float]:
    """Shares of the candidate by organisation; without a candidate nobody passes it."""
    top = family.figures.top
    return top.shares if top else dict.fromkeys(family.grouped, 0.0)


def _outcome(family: Family) -> Outcome:
    shares = _headline(family).values()
    return Outcome(sum(shares) / len(shares) if shares else 0.0, family.grade, family.name)


def _speaking(four: Family, six: Family) -> int:
    """Which version of IP speaks for the country: that in which more organisations were measured.

    Where few sell IPv6, all others buy it from one of them, and are free all the same. So IPv6 that
    names somebody, or has an alarm, does not speak where IPv4 can be judged and has it not.
    """
    if len(four.grouped) >= len(six.grouped):
        return 4
    return 4 if four.grade != "insufficient" and _accused(six) - _accused(four) else 6


def _accused(family: Family) -> set[tuple[str, Node]]:
    """Who is named by the grade, and of whom the alarm is."""
    found = set()
    if family.named is not None:
        found.add(("grade", family.named.node))
    if family.timeline.alarm is not None:
        found.add(("alarm", family.timeline.alarm.node))
    return found


class _Version(NamedTuple):
    """What was measured over one version of IP: the observations of all days, and the judgement."""

    all_days: list[Observation]
    family: Family


def _judge_version(
    frozen: Panel,
    dated: Panel | None,
    table: JudgingTable,
    weights: Weights,
    policy: Policy,
    *,
    version: int,
) -> _Version:
    still = [seen for seen in frozen.observations if seen.family == version]
    moving = (
        still if dated is None else [seen for seen in dated.observations if seen.family == version]
    )
    displaced = (dated or frozen).displaced_from(version, abroad=True)
    return _Version(
        moving, judge_family(moving, still, table, weights, policy, displaced=displaced)
    )


def _hear(
    recording: Recording | None,
    family: Family,
    table: JudgingTable,
    country: str,
    policy: Policy,
    *,
    version: int,
) -> Witness | None:
    """What a routing table says to the judgement of one version of IP, if there is a table."""
    if recording is None:
        return None
    named = own_names(family.named.node, table) if family.named else frozenset()
    return hear(
        recording,
        country,
        table,
        policy,
        family=version,
        grade=family.grade,
        gateway=min(named, default=None),
        days={day for seen in family.observations for day in seen.days},
    )


def _supplement(
    family: Family, left_out: frozenset[str], weights: Weights, policy: Policy
) -> dict[str, Any]:
    top = family.figures.top
    return supplement(
        family.pairs,
        family.observations,
        family.blocks,
        policy,
        candidate=top.node if top else None,
        left_out=left_out,
        weights=weights,
        judged=lambda pairs: _outcome(family.again(pairs)),
    )


def _provenance(loaded: Loaded, table: JudgingTable, policy: Policy) -> dict[str, Any]:
    return {
        "inputs": dict(loaded.inputs),
        "snapshots": [table.snapshot.id],
        "policy": asdict(policy),
        "policy_changed": policy.changed(),
    }


def _watched(family: Family) -> Node | None:
    """The node whose share over time is of interest."""
    timeline = family.timeline
    for found in (timeline.alarm, family.named, timeline.ended, family.figures.top):
        if found is not None:
            return found.node
    return None


def _evidence(
    version: _Version,
    table: JudgingTable,
    policy: Policy,
    *,
    domestic: Domestic,
    own: frozenset[str],
    weights: Weights,
) -> Evidence:
    family = version.family
    watched = _watched(family)
    return Evidence(
        observations=family.observations,
        all_days=tuple(version.all_days),
        # The alarm, or a wave, may be of a network that no figure of the grade has.
        blocks=family.blocks.without(()),
        pairs=tuple(family.pairs),
        domestic_pairs=tuple(domestic.pairs),
        candidate=family.figures.top,
        own=own,
        watched=watched,
        own_of_watched=own_names(watched, table) if watched else frozenset(),
        weights=weights,
        policy=policy,
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
) -> Judgement:
    """Judge a country by the traces loaded.

    IPv4 and IPv6 are judged apart; the verdict is of the family in which more organisations were
    measured (IPv4 where equal, or where it clears whom IPv6 accuses), and ``families`` tells both
    grades. ``now`` is epoch seconds. ``frozen`` is what the traces are under ``table``, where that
    was found out while they were read. ``dated`` is what they are under the tables of their days:
    then the figures are of that, and only the alarm is of ``table``. ``weights`` are users by
    organisation, if there is an estimate; ``recording`` is a routing table, the witness. Without
    ``supplements`` the figures are left out on which neither grade nor scope rests: whoever judges
    thousands of simulated countries needs none.
    """
    if frozen is None:
        frozen = observe(loaded.traces, Gazetteer(table, country), table, policy, now)
    panel = frozen if dated is None else dated
    weights = weights or by_addresses(table.networks(country))
    versions = {
        version: _judge_version(frozen, dated, table, weights, policy, version=version)
        for version in (4, 6)
    }
    version = _speaking(versions[4].family, versions[6].family)
    other_version = 10 - version
    family, other = versions[version].family, versions[other_version].family
    figures = family.figures
    top, named = figures.top, family.named
    left_out = own_names(top.node, table) if top else frozenset()
    share = share_fields(_headline(family), weights.of, policy)
    witness = _hear(recording, family, table, country, policy, version=version)
    extent, scope_reasons = scope(
        family.grade,
        figures.lower,
        policy,
        covered=figures.covered,
        unit=weights.unit,
        witness=witness.speaks if witness else None,
    )
    domestic = judge_domestic(
        family, table, weights, policy, displaced=panel.displaced_from(version, abroad=False)
    )
    at_home = domestic_fields(domestic, family.blocks, table, country, policy)
    rejected = loaded.rejected + panel.rejected
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "country": country,
        "family": version,
        "families": {
            f"ipv{v}": one.family.grade if one.family.observations else None
            for v, one in versions.items()
        },
        "window": window_of(family.observations),
        "grade": family.grade,
        "scope": extent,
        "gateway": gateway_fields(named.node, family.blocks, table, country) if named else None,
        "captured": captured_fields(figures.captured, figures.of, figures.lower, figures.upper),
        "share": share,
        "effective_gateways": figures.effective_gateways,
        "coverage": coverage_fields(family, weights, share),
        "strict_and_lenient_agree": strict_and_lenient_agree(figures, policy),
        "domestic": at_home,
        "upstream": upstream_fields(family, table, weights.of, policy),
        "timeline": timeline_fields(family.timeline, family.blocks, table, country),
        "candidates": [
            candidate_fields(found, family.blocks, table, country)
            for found in family.candidates[:_SHOWN]
        ],
        "uncounted": [
            uncounted_fields(found, family.blocks, table, country) for found in figures.uncounted
        ],
        "measured": measured_fields(family, panel),
        "criteria": [
            asdict(one)
            for one in criteria(
                figures, policy, witness=witness.statement.says if witness else None
            )
        ],
        "witness": {**witness.fields, "table": table.snapshot.id} if witness else None,
        **(_supplement(family, left_out, weights, policy) if supplements else {}),
        "rejected": dict(sorted(rejected.items())),
        "signs": dict(sorted(panel.signs.items())),
        "reasons": [
            *measured_abroad(family, rejected, country),
            *family.reasons,
            *scope_reasons,
            *further_reasons(family, other, other_version=other_version),
        ],
        "limits": limits_of(
            family,
            policy,
            weights,
            detours=at_home["pairs"]["abroad"],
            untold=domestic.untold,
            heard=witness is not None,
        ),
        "provenance": _provenance(loaded, table, policy) | dict(provenance or {}),
    }
    evidence = _evidence(
        versions[version], table, policy, domestic=domestic, own=left_out, weights=weights
    )
    return Judgement(fields, evidence)
