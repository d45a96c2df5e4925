"""How many networks a country needs before a verdict, and which to recruit next.

The rule says how many are needed at all, the error rates that were counted from how many on a
verdict is reliable. No country is simulated here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from analysis.policy import Policy
from analysis.simulated.error_rates import Row


@dataclass(frozen=True, slots=True)
class Invitee:
    """One organisation of a country, in the order in which to ask: the widest gap first.

    ``share`` is its part of the country's weight (addresses, or people where they were given),
    ``coverage`` what is covered when it and all before it take part, so that the national share
    is known to within ``1 - coverage``.
    """

    organisation: str
    weight: float
    share: float
    coverage: float
    measured: bool


def invitees(weights: Mapping[str, float], measured: Collection[str] = ()) -> list[Invitee]:
    """Whom to recruit, those that take part already first, then by weight.

    Nothing is known of what is not measured, so each organisation narrows the bounds of the
    national share by its own weight, whichever way it leaves: the largest first.

    >>> [(i.organisation, i.coverage) for i in invitees({"A": 3.0, "B": 5.0, "C": 2.0}, {"C"})]
    [('C', 0.2), ('B', 0.7), ('A', 1.0)]
    """
    total = sum(weights.values())
    found = []
    covered = 0.0
    for name in sorted(weights, key=lambda name: (name not in measured, -weights[name], name)):
        covered += weights[name]
        found.append(
            Invitee(name, weights[name], weights[name] / total, covered / total, name in measured)
        )
    return found


@dataclass(frozen=True, slots=True)
class Needs:
    """How many organisations besides the candidate must take part, and for what.

    ``possible``: before anything is said. ``single``: before "single gateway" can be said at all,
    if every one is captured, and if they are the largest; ``named``: before anybody can be named,
    if every one is captured; None where the rule was changed so that no number is enough.
    ``reliable``: the smallest number tried at which a captured country is found as often as is
    wanted while no other is accused more often than is allowed; None where no number tried is.
    ``national``: how many of the largest cover what "national" demands.
    """

    possible: int
    named: int | None
    single: int | None
    reliable: int | None
    national: int | None


RELIABLE = 0.9
_ACCUSED = 0.05


def least_for_single(policy: Policy) -> int | None:
    """How many organisations suffice for "single gateway" if each is captured; None: no number.

    With n of n captured the lower bound is ``(1 - confidence) ** (1 / n)``, which nears 1 and never
    is 1.

    >>> least_for_single(Policy())  # 0.05 ** (1 / 6) is 0.61, and 0.05 ** (1 / 7) is 0.652
    7
    """
    if policy.single == 1.0:
        return None
    least = math.log(1.0 - policy.confidence) / math.log(policy.single) if policy.single else 1.0
    return max(policy.organisations, math.ceil(least))


def least_for_name(policy: Policy) -> int | None:
    """How many organisations suffice for a name if each is captured; None: no number.

    >>> least_for_name(Policy())  # 0.05 ** (1 / 3) is 0.37 already
    5
    """
    bar = policy.concentrated_lower
    if bar == 1.0:
        return None
    least = math.floor(math.log(1.0 - policy.confidence) / math.log(bar)) + 1 if bar else 1
    return max(policy.organisations, policy.key_organisations, least)


def needs(
    weights: Mapping[str, float],
    rows: Iterable[Row],
    policy: Policy,
    measured: Collection[str] = (),
) -> Needs:
    """What a country needs, by the rule and by the error rates that were counted.

    >>> found = needs({"A": 8.0, "B": 2.0}, [], Policy())
    >>> found.single, found.national
    (7, 1)
    """
    found = [row for row in rows if row.cell.question == "captured" and row.said.rate is not None]
    accused = {row.cell.networks: row.said.rate or 0.0 for row in found if row.cell.at_most}
    reliable = sorted(
        row.cell.networks
        for row in found
        if not row.cell.at_most
        and (row.said.rate or 0.0) >= RELIABLE
        and all(rate <= _ACCUSED for n, rate in accused.items() if n >= row.cell.networks)
    )
    asked = invitees(weights, measured)

    def covering(share: float) -> int | None:
        return next((n for n, one in enumerate(asked, 1) if one.coverage >= share), None)

    named, least = least_for_name(policy), least_for_single(policy)
    return Needs(
        possible=policy.organisations,
        named=named,
        single=None
        if named is None or least is None
        else max(named, least, covering(policy.single_covered) or 0),
        reliable=reliable[0] if reliable else None,
        national=covering(policy.national_eyeballs),
    )
