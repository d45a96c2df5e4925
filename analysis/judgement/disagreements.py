"""What a verdict says besides the reasons of its grade, where two of its parts do not say the same.

An alarm and a grade may name different gateways, and so may the two versions of IP. Each is told in
a sentence of its own, since whoever reads one part alone would take it for the whole. Nothing is
decided here.
"""

from __future__ import annotations

from collections.abc import Mapping

from analysis.grading.family import Family


def measured_abroad(family: Family, rejected: Mapping[str, int], country: str) -> list[str]:
    """That all was measured in other countries, if it was: perhaps another one was meant.

    ``rejected`` counts the traces that were left out, by reason.
    """
    abroad = rejected.get("vantage_abroad", 0)
    if family.observations or not abroad:
        return []
    return [f"No trace was measured in {country}, {abroad} in other countries."]


def further_reasons(family: Family, other: Family, *, other_version: int) -> list[str]:
    """What stands behind the reasons of the grade; ``other`` is of the other version of IP."""
    return [
        *_two_named(family),
        *_alarm_not_named(family),
        *_of_other_version(other_version, other, family),
    ]


def _two_named(family: Family) -> list[str]:
    """That the alarm and the grade name different gateways, if they do.

    Where organisations moved to the one of the grade and stayed, since when.
    """
    alarm, named = family.timeline.alarm, family.named
    if alarm is None or named is None or alarm.node == named.node:
        return []
    return [
        f"The alarm is of {alarm.node.name}, to which organisations moved last; the grade is of "
        f"{named.node.name}, which leads in the days judged.",
        *(
            f"{len(wave.moved)} of {wave.watched} organisations moved to {wave.node.name} from "
            f"{wave.onset} on, and that is not over."
            for wave in family.timeline.waves
            if wave.node == named.node and wave.over is None
        ),
    ]


def _alarm_not_named(family: Family) -> list[str]:
    """That the alarm is of a network of which the grade has the numbers alone, if it is."""
    alarm = family.timeline.alarm
    if alarm is None or alarm.node not in {one.node for one in family.figures.apart}:
        return []
    return [
        f"The alarm is of {alarm.node.name}, which the grade does not name: that one other comes "
        "by the same addresses suffices for an alarm, and not for a name."
    ]


def _of_other_version(version: int, other: Family, family: Family) -> list[str]:
    """That the other IP version has another verdict, or another alarm, if it has one."""
    found = []
    if other.grouped and (other.grade, other.name) != (family.grade, family.name):
        found.append(
            f"IPv{version} is judged apart, and is {other.grade}."
            if other.name is None
            else f"Judged apart, IPv{version} is {other.grade}, and names {other.name}."
        )
    alarm, own = other.timeline.alarm, family.timeline.alarm
    if alarm is not None and (own is None or own.node != alarm.node):
        found.append(f"Over IPv{version} there is an alarm: {other.timeline.reason}.")
    return found
