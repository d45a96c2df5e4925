"""Which steps of a path between two networks at home stand abroad, by what RTTs demand.

A registration alone puts no router abroad. What stands between the networks, and what many paths
say together, is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate

from analysis.owners.operators import Node
from analysis.paths.path import Step
from analysis.policy import Policy


def detour(steps: Sequence[Step], policy: Policy) -> frozenset[int] | None:
    """Which steps of a detour abroad stand there by their RTTs alone, by their index.

    None where a path makes no detour. It makes one if a foreign-registered hop lies as far above
    the last domestic one as abroad does. A router that answers slowly looks so too, but what lies
    behind it answers sooner: of the foreign hop and all behind it the nearest counts, since a
    packet cannot come back earlier than it was there. The last domestic one may be a router that
    the own network has abroad: then the foreign hop is as far from both ends, from the soonest of
    the own network and from where the path ends.

    A carrier that is registered at home and met abroad proves one as well. A foreign router stands
    before it, and it is as far as abroad from both ends at home: from the last domestic hop before
    that router or the soonest of the own network, and from the network in which the path ends. Far
    from one end alone may be whoever has slow lines.

    By RTTs alone these carriers stand abroad, and on a detour public hops that no table names.
    """
    nearest = list(accumulate((_rtt(step) for step in reversed(steps)), min))[::-1]
    own = (_rtt(step) if step.own and step.is_public else math.inf for step in steps)
    soonest = list(accumulate(own, min))
    away = _met_abroad(steps, nearest, soonest, policy)
    if not away and not _passes_abroad(steps, nearest, soonest, policy):
        return None
    return away | _unnamed_abroad(steps, nearest, soonest, policy)


def put_at_home(steps: Sequence[Step], policy: Policy) -> frozenset[int]:
    """Which steps registered abroad stand at home by their RTTs, by their index.

    They, or what answers behind them, lie no farther above the last domestic hop than what does not
    leave the country.
    """
    nearest = list(accumulate((_rtt(step) for step in reversed(steps)), min))[::-1]
    found = set()
    base: float | None = None
    for i, (step, rtt) in enumerate(zip(steps, nearest, strict=True)):
        if step.place == "home":
            base = step.rtt if step.rtt is not None else base
        elif step.place == "abroad" and base is not None and rtt - base < policy.home_step_ms:
            found.add(i)
    return frozenset(found)


def _passes_abroad(
    steps: Sequence[Step], nearest: Sequence[float], soonest: Sequence[float], policy: Policy
) -> bool:
    end = _rtt(steps[-1]) if _is_carrier(steps[-1]) and steps[-1].place == "home" else math.inf
    base: float | None = None
    left = False
    for step, rtt, own in zip(steps, nearest, soonest, strict=True):
        if step.place == "home":
            base = step.rtt if step.rtt is not None else base
            left = not step.own
        elif step.place == "abroad" and step.rtt is not None:
            both_ends = not left and _is_far(own, rtt, policy) and _is_far(step.rtt, end, policy)
            if both_ends or _is_far(base, rtt, policy):
                return True
    return False


def _unnamed_abroad(
    steps: Sequence[Step], nearest: Sequence[float], soonest: Sequence[float], policy: Policy
) -> frozenset[int]:
    return frozenset(
        i
        for i, step in enumerate(steps)
        if step.place == "unlocated" and step.is_public and _is_far(soonest[i], nearest[i], policy)
    )


def _met_abroad(
    steps: Sequence[Step], nearest: Sequence[float], soonest: Sequence[float], policy: Policy
) -> frozenset[int]:
    end = next(
        (step.sight.node for step in reversed(steps) if step.place == "home" and step.sight), None
    )
    found = set()
    base: float | None = None
    behind_foreign = False
    for i, (step, rtt) in enumerate(zip(steps, nearest, strict=True)):
        if step.place == "abroad":
            behind_foreign = True
        elif step.place == "home":
            if (
                behind_foreign
                and _is_carrier(step)
                and not _is_of(step, end)
                and (_is_far(base, rtt, policy) or _is_far(soonest[i], rtt, policy))
                and _is_far(step.rtt, _nearest_of(end, steps[i:]), policy)
            ):
                found.add(i)
            else:
                behind_foreign = False
                base = step.rtt if step.rtt is not None else base
    return frozenset(found)


def first_untold(steps: Sequence[Step]) -> int | None:
    """The first step of which no RTT tells whether it is abroad, though hops answered; else None.

    That is one registered abroad, where it or all hops at home before it answered without an RTT,
    and a carrier behind one that may be met abroad. What comes after it may be there as well.
    """
    timed = untimed = behind_foreign = False
    for i, step in enumerate(steps):
        lacks = step.address is not None and step.rtt is None
        if step.place == "abroad":
            if lacks or (untimed and not timed):
                return i
            behind_foreign = True
        elif step.place == "home":
            if lacks and behind_foreign and _is_carrier(step):
                return i
            timed = timed or step.rtt is not None
            untimed = untimed or lacks
    return None


def _is_far(here: float | None, there: float, policy: Policy) -> bool:
    return here is not None and math.isfinite(there) and there - here >= policy.abroad_step_ms


def _nearest_of(node: Node | None, steps: Iterable[Step]) -> float:
    return min((_rtt(step) for step in steps if _is_of(step, node)), default=math.inf)


def _is_carrier(step: Step) -> bool:
    return not step.own and step.sight is not None and step.sight.node.kind == "organisation"


def _is_of(step: Step, node: Node | None) -> bool:
    return step.sight is not None and step.sight.node == node


def _rtt(step: Step) -> float:
    return math.inf if step.rtt is None else step.rtt
