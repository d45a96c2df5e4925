"""From traces to a verdict: the one place that puts the steps in order.

Loading, crossings, figures, the rule and all sentences live elsewhere. What is decided here is only
which version of IP speaks for the country.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.evidence.panel import Panel, observe
from analysis.grading.family import Family, judge_family
from analysis.grading.nameable import own_names
from analysis.grading.standard import JudgingTable, Standard
from analysis.grading.witness import Recording, Witness, hear
from analysis.home.domestic import DomesticPair
from analysis.home.interconnection import Domestic, judge_domestic
from analysis.intake.load import Loaded
from analysis.judgement.case import Case, Version
from analysis.judgement.contents import contents
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate
from analysis.shares.coverage import Weights, by_addresses
from analysis.shares.pairs import Pair


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
    standard = Standard(country, table, weights or by_addresses(table.networks(country)), policy)
    if frozen is None:
        frozen = observe(loaded.traces, Gazetteer(table, country), table, policy, now)
    panel = frozen if dated is None else dated
    four, six = (_judge_version(number, frozen, panel, standard) for number in (4, 6))
    speaking, other = (four, six) if _four_speaks(four.family, six.family) else (six, four)
    case = Case(
        standard,
        loaded,
        panel,
        speaking,
        other,
        domestic=_judge_home(speaking, panel, standard),
        witness=_hear(recording, speaking, standard) if recording is not None else None,
    )
    return Judgement(contents(case, provenance or {}, supplements=supplements), _evidence(case))


def _judge_version(number: int, frozen: Panel, panel: Panel, standard: Standard) -> Version:
    """Judge one version of IP; the alarm hears ``frozen``, everything else rests on ``panel``."""
    still = [seen for seen in frozen.observations if seen.family == number]
    moving = (
        still if panel is frozen else [seen for seen in panel.observations if seen.family == number]
    )
    family = judge_family(
        moving, still, standard, displaced=panel.displaced_from(number, abroad=True)
    )
    return Version(number, moving, family)


def _four_speaks(four: Family, six: Family) -> bool:
    """Whether IPv4 speaks for the country: the version speaks that more organisations measured.

    Where few sell IPv6, all others buy it from one of them, and are free all the same. So IPv6 that
    names somebody, or has an alarm, does not speak where IPv4 can be judged and has it not.
    """
    if len(four.grouped) >= len(six.grouped):
        return True
    return four.grade != "insufficient" and bool(_accused(six) - _accused(four))


def _accused(family: Family) -> set[tuple[str, Node]]:
    """Who is named by the grade, and of whom the alarm is."""
    found = set()
    if family.named is not None:
        found.add(("grade", family.named.node))
    if family.timeline.alarm is not None:
        found.add(("alarm", family.timeline.alarm.node))
    return found


def _judge_home(speaking: Version, panel: Panel, standard: Standard) -> Domestic:
    return judge_domestic(
        speaking.family,
        standard,
        displaced=panel.displaced_from(speaking.number, abroad=False),
    )


def _hear(recording: Recording, speaking: Version, standard: Standard) -> Witness:
    """What a routing table says to the judgement of one version of IP."""
    family = speaking.family
    named = own_names(family.named.node, standard.table) if family.named else frozenset()
    return hear(
        recording,
        standard.country,
        standard.table,
        standard.policy,
        family=speaking.number,
        grade=family.grade,
        gateway=min(named, default=None),
        days={day for seen in family.observations for day in seen.days},
    )


def _watched(family: Family) -> Node | None:
    """The node whose share over time is of interest."""
    timeline = family.timeline
    for found in (timeline.alarm, family.named, timeline.ended, family.figures.top):
        if found is not None:
            return found.node
    return None


def _evidence(case: Case) -> Evidence:
    family, standard = case.family, case.standard
    watched = _watched(family)
    return Evidence(
        observations=family.observations,
        all_days=tuple(case.speaking.all_days),
        # The alarm, or a wave, may be of a network that no figure of the grade has.
        blocks=family.blocks.without(()),
        pairs=tuple(family.pairs),
        domestic_pairs=tuple(case.domestic.pairs),
        candidate=family.figures.top,
        own=case.own,
        watched=watched,
        own_of_watched=own_names(watched, standard.table) if watched else frozenset(),
        weights=standard.weights,
        policy=standard.policy,
    )
