"""The alarm: many organisations moved to one gateway and are still there, and since when.

What is a wave of moves and when it is over, `analysis.alarm.waves` says. Of those that stand the
newest is the alarm; of those that follow each other within weeks the largest. A wave that is over
is none, but its end is a change as well: what is judged begins there, or at the onset if that is
later. The address table is one and the same on all days.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.alarm.beyond_border import Behind, behind_the_border
from analysis.alarm.moves import Watch
from analysis.alarm.waves import Wave, waves_to
from analysis.alarm.ways import Days, InterfacesAbroad, days_of_vantages, exits
from analysis.candidates.blocks import Blocks
from analysis.candidates.meeting import given_away
from analysis.evidence.observation import Observation, first_and_last
from analysis.evidence.votes import most_common
from analysis.owners.operators import Node
from analysis.policy import Policy


@dataclass(frozen=True, slots=True)
class Timeline:
    """Whether an alarm was raised, and in one sentence why or why not.

    ``gateways`` has for each organisation the days on which its gateway changed, and to what: the
    last node at home by most votes of a day, or None where the organisation is its own. A network
    that only lends its numbers to routers on the ways of half of the organisations is nobody's
    gateway. It is empty where the data span too few days for an alarm. ``behind`` tells of an alarm
    whether what stands behind the border is as before. ``after_a_pause`` counts the organisations
    that moved and of which nothing is known in the weeks before. ``waves`` are all that were found,
    by onset.
    """

    alarm: Wave | None
    reason: str
    gateways: Mapping[str, tuple[tuple[dt.date, Node | None], ...]] = field(default_factory=dict)
    behind: Behind | None = None
    waves: tuple[Wave, ...] = ()
    after_a_pause: int = 0

    @property
    def since(self) -> dt.date | None:
        """The first day of the newest stable period, None where there was no change."""
        changes = [wave.over for wave in self.waves if wave.over is not None]
        if self.alarm is not None:
            changes.append(self.alarm.onset)
        return max(changes, default=None)

    @property
    def ended(self) -> Wave | None:
        """The wave that was over last, of several the one in which most moved."""
        return _last_over(self.waves)


def _gateways(
    daily: Mapping[str, Mapping[str, Days]], apart: Collection[Node] = ()
) -> dict[str, tuple[tuple[dt.date, Node | None], ...]]:
    found: dict[str, tuple[tuple[dt.date, Node | None], ...]] = {}
    for organisation, vantages in sorted(daily.items()):
        votes: dict[dt.date, dict[Node | None, float]] = defaultdict(lambda: defaultdict(float))
        for days in vantages.values():
            for date, day in days.items():
                for ways in day.values():
                    for node, share in exits(ways, apart):
                        votes[date][node] += share
        changes: list[tuple[dt.date, Node | None]] = []
        for date in sorted(votes):
            gateway = most_common(votes[date])
            if not changes or changes[-1][1] != gateway:
                changes.append((date, gateway))
        found[organisation] = tuple(changes)
    return found


def _of_most(
    gateways: Mapping[str, tuple[tuple[dt.date, Node | None], ...]], policy: Policy
) -> list[Node]:
    """The nodes that were the gateway of as many organisations, at any time, as an alarm needs."""
    leaving = Counter(
        node
        for changes in gateways.values()
        for node in {node for _, node in changes}
        if node is not None
    )
    least = max(policy.alarm_organisations, policy.concentrated * len(gateways))
    return [node for node, many in leaving.items() if many >= least]


def find_alarm(
    observations: Sequence[Observation],
    blocks: Blocks,
    nodes: Mapping[Node, Collection[str]],
    policy: Policy,
    counts: Callable[[Wave], bool] = lambda _: True,
    *,
    displaced: Collection[str] = (),
) -> Timeline:
    """Look for the day a gateway was switched on, among the nodes that may be named.

    ``nodes`` come best first: of nodes to which as many moved, the first is meant. Each has the
    organisations that it is or that run it, which say nothing about it. Where only the numbers of
    an owner appear on ways, and networks do not meet there, nobody moved to it. Nor did they in a
    wave that does not count. The ``displaced`` were measured as well, and nothing is known of them.
    """
    days = first_and_last([seen for seen in observations if seen.kind == "international"])
    if days is None:
        return Timeline(None, "no path to abroad was measured by which an alarm could be told")
    span = (days[1] - days[0]).days + 1
    if span < policy.timeline_days:
        return Timeline(
            None, f"the data span {span} of the {policy.timeline_days} days that an alarm needs"
        )
    daily = days_of_vantages(observations, blocks)
    is_given_away = given_away(blocks, observations, others=1)
    gateways = _gateways_to_meet_in(daily, is_given_away, policy)
    watches = _watches(daily, policy)
    if not watches:
        return Timeline(
            None,
            f"no vantage point has data on {2 * policy.alarm_hold_days} days, as an alarm needs",
            gateways,
        )
    measured = {seen.organisation for seen in observations if seen.kind == "international"}
    measured |= set(displaced)
    found = [
        wave
        for node, own in nodes.items()
        for wave in waves_to(node, own, watches, measured, policy)
        if not is_given_away(wave.node)
    ]
    waves = list(filter(counts, found))
    alarm = _standing(waves, policy)
    return Timeline(
        alarm,
        _reason(alarm, waves, found, len(watches)),
        gateways,
        _behind(alarm, observations, blocks, policy),
        tuple(sorted(waves, key=lambda wave: wave.onset)),
        _after_a_pause(alarm, daily, policy),
    )


def _gateways_to_meet_in(
    daily: Mapping[str, Mapping[str, Days]], is_given_away: Callable[[Node], bool], policy: Policy
) -> dict[str, tuple[tuple[dt.date, Node | None], ...]]:
    """The gateways; of those of most only such as networks meet in."""
    gateways = _gateways(daily)
    apart = set(filter(is_given_away, _of_most(gateways, policy)))
    return _gateways(daily, apart) if apart else gateways


def _watches(daily: Mapping[str, Mapping[str, Days]], policy: Policy) -> dict[str, list[Watch]]:
    """Who has data on days enough, before a move and after it, that one would be seen."""
    every_day = (
        ways
        for vantages in daily.values()
        for days in vantages.values()
        for day in days.values()
        for ways in day.values()
    )
    interfaces = InterfacesAbroad(every_day, policy)
    found = {
        name: [
            Watch(days, interfaces, policy)
            for days in vantages.values()
            if len(days) >= 2 * policy.alarm_hold_days
        ]
        for name, vantages in daily.items()
    }
    return {name: watches for name, watches in found.items() if watches}


def _reason(alarm: Wave | None, waves: Sequence[Wave], found: Sequence[Wave], watched: int) -> str:
    """Why there is an alarm or none, and what wave was over last.

    Waves that were found but do not count are told of without a name, as by the grade.
    """
    last = _last_over(waves)
    ended = _told_over(last) if last else None
    if alarm is not None:
        return "; ".join(filter(None, (_told(alarm), ended)))
    if ended is None and found:
        most = max(len(wave.moved) for wave in found)
        return (
            f"{most} of {watched} organisations moved to one operator, but only for destinations "
            "on one continent or of one class, which is no switch-on"
        )
    return ended or f"no move of many organisations to one gateway ({watched} could be watched)"


def _behind(
    alarm: Wave | None, observations: Sequence[Observation], blocks: Blocks, policy: Policy
) -> Behind | None:
    if alarm is None:
        return None
    return behind_the_border(
        observations, blocks, alarm.node, dict(alarm.moved), policy.timeline_days
    )


def _after_a_pause(
    alarm: Wave | None, daily: Mapping[str, Mapping[str, Days]], policy: Policy
) -> int:
    """How many moved on a day before which nothing is known of as many days as moves may span."""
    if alarm is None:
        return 0
    within = dt.timedelta(days=policy.alarm_within_days)
    return sum(
        not any(day - within <= known < day for days in daily[name].values() for known in days)
        for name, day in alarm.moved
    )


def _standing(waves: Sequence[Wave], policy: Policy) -> Wave | None:
    """The newest wave that stands; the largest of those that follow each other within weeks."""
    within = dt.timedelta(days=policy.alarm_within_days)
    standing = [wave for wave in waves if wave.over is None]
    begun = last = dt.date.min
    for wave in sorted(standing, key=lambda wave: wave.onset):
        if wave.onset > last + within:
            begun = wave.onset
        last = max(last, wave.last)
    newest = [wave for wave in standing if wave.onset >= begun]
    return max(newest, key=lambda wave: len(wave.moved), default=None)


def _told(alarm: Wave) -> str:
    moved, watched, name = len(alarm.moved), alarm.watched, alarm.node.name
    if alarm.onset == alarm.last:
        return f"{moved} of {watched} organisations moved to {name} on {alarm.onset}"
    return (
        f"{moved} of {watched} organisations moved to {name} between {alarm.onset} and {alarm.last}"
    )


def _last_over(waves: Sequence[Wave]) -> Wave | None:
    ended = [(wave.over, len(wave.moved), wave) for wave in waves if wave.over is not None]
    return max(ended, key=lambda one: one[:2])[2] if ended else None


def _told_over(wave: Wave) -> str:
    """The sentence about a wave that is over."""
    return (
        f"{len(wave.moved)} of {wave.watched} organisations moved to {wave.node.name} from "
        f"{wave.onset} on, and {wave.left} had left by {wave.over}"
    )
