"""Who was measured in both of two verdicts, who is new, who left, and who leaves another way.

What a network is held to is what both files tell of it: how its pairs divided over the last node at
home in the days judged, or, where an older verdict has not that, which one the alarm saw last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import UNSET

from analysis.difference.told import Exit, Organisation, Told

OWN = "own exit"
"""Stands for the gateway of an organisation that is its own."""


class Way(NamedTuple):
    """How one organisation left.

    ``exit`` is the gateway of most of its pairs, None where none is known; ``captured`` whether
    the strongest candidate captured it, None where nothing is said of that.
    """

    exit: str | None
    pairs: int | None
    captured: bool | None
    exits: Mapping[str, int]


class Moved(NamedTuple):
    """An organisation measured both times, and how it left."""

    organisation: str
    old: Way
    new: Way


class Networks(NamedTuple):
    """The organisations of two verdicts by name, each list sorted.

    ``known`` is False where one of the files tells nothing of single organisations. ``both`` counts
    those of whose ways both tell something, ``moved`` are those among them of which most pairs
    leave by another gateway, or that are captured in one verdict only; of ``otherwise`` only the
    counts of pairs differ. Of the ``silent`` only one verdict knows a way, though both measured
    them.
    """

    known: bool
    both: int
    moved: list[Moved]
    otherwise: list[Moved]
    silent: list[Moved]
    new: list[str]
    left: list[str]


def _label(kind: str | None, gateway: str | None) -> str:
    return OWN if gateway is None else f"{kind or ''}:{gateway}"


def _most(exits: list[Exit]) -> str | None:
    if not exits:
        return None
    return _label(exits[0].kind, exits[0].gateway)


def _way(told: Organisation) -> Way:
    divided = {_label(one.kind, one.gateway): one.pairs for one in told.exits}
    return Way(_most(told.exits), told.pairs, told.captured, divided)


def _told(verdict: Told) -> dict[str, Way] | None:
    listed = verdict.organisations
    return None if listed is UNSET else {one.organisation: _way(one) for one in listed}


def _kinds_told(verdict: Told) -> bool:
    heard = verdict.timeline.gateways
    return heard is not UNSET and all(
        one.kind is not UNSET for changes in heard.values() for one in changes
    )


def _heard(verdict: Told, *, kinds: bool) -> dict[str, Way] | None:
    """By whom each left when the alarm saw it last."""
    heard = verdict.timeline.gateways
    if heard is UNSET or not heard:
        return None
    last = {name: changes[-1] for name, changes in heard.items() if changes}
    labels = {
        name: _label(one.kind if kinds and one.kind is not UNSET else None, one.gateway)
        for name, one in last.items()
    }
    return {name: Way(labels.get(name), None, None, {}) for name in heard}


def networks(old: Told, new: Told) -> Networks:
    """Hold the organisations of two verdicts against each other."""
    if UNSET in (old.organisations, new.organisations):
        kinds = _kinds_told(old) and _kinds_told(new)
        was, are = _heard(old, kinds=kinds), _heard(new, kinds=kinds)
    else:
        was, are = _told(old), _told(new)
    if was is None or are is None:
        return Networks(False, 0, [], [], [], [], [])
    both = [Moved(name, was[name], are[name]) for name in sorted(was.keys() & are.keys())]
    known = [one for one in both if one.old.exit is not None and one.new.exit is not None]
    # Who the candidate was where nobody is named, no file tells.
    same_candidate = old.gateway is not None and old.gateway == new.gateway
    moved = [one for one in known if _has_moved(one, same_candidate=same_candidate)]
    return Networks(
        True,
        len(known),
        moved,
        [one for one in known if one not in moved and one.old != one.new],
        [one for one in both if (one.old.exit is None) != (one.new.exit is None)],
        sorted(are.keys() - was.keys()),
        sorted(was.keys() - are.keys()),
    )


def _has_moved(one: Moved, *, same_candidate: bool) -> bool:
    if one.old.exit != one.new.exit:
        return True
    both = one.old.captured is not None and one.new.captured is not None
    return same_candidate and both and one.old.captured != one.new.captured
