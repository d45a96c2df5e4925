"""Every number the rule uses, in one frozen place that a verdict prints and a user may change.

Nothing here decides; `verdict` does. ``docs/verdict.md`` argues each number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace


class PolicyError(ValueError):
    """A ``key=value`` that is no setting or no sensible one; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the rule. Shares are fractions, times are in the unit their name ends in."""

    confidence: float = 0.95
    organisations: int = 5
    """Organisations besides the candidate, below which nothing is said."""
    resolved: float = 0.6
    """Share of pairs whose crossing must be known."""
    destination_classes: int = 2
    """Classes (operator and continent) that destinations must make before anything is said."""
    continents: int = 2
    """Continents to which most of those captured must pass an operator before it is named."""
    days: int = 7
    """Days on which most of those captured were measured, before "single gateway" is said."""
    keys: int = 3
    """Keys (or vantage points without one) in captured organisations that show the operator before
    it is named."""
    key_organisations: int = 2
    """Organisations in which they must be."""
    key_gap_days: int = 28
    """Days from the last trace of a key to the first of the next that may be its owner's."""
    day_weight: float = 0.15
    """Share of an organisation's votes that one day may have."""
    pair_votes: float = 0.34
    """Votes that a destination needs in an organisation of several keys, as a share of those of
    the destination with the most."""
    unaided_name: float = 0.34
    """Share of the organisations that the address table alone must show to be captured, without
    what others say of links, before an operator is named at all."""
    unaided: float = 0.7
    """The same before "single gateway" is said."""
    pair_shown: float = 0.25
    """Share of a pair's traces that must show a node, however silent the others are."""
    captured: float = 0.8
    """Share of an organisation's pairs that makes it captured."""
    single: float = 0.65
    """Lower bound of the captured share for "single gateway"."""
    single_share: float = 0.8
    """The captured share itself for that."""
    single_covered: float = 0.1
    """Share of the users (or addresses) besides the candidate's that must be covered for that."""
    single_weighed: float = 0.5
    """The captured share for that when organisations are weighed by users (or addresses)."""
    national: float = 0.8
    """Lower bound of the captured share for a single gateway of the nation."""
    national_eyeballs: float = 0.7
    """Share of the users (or addresses) besides the candidate's that must be covered for that."""
    witness: float = 0.8
    """Share of the others' addresses that BGP must show behind a single gateway."""
    witness_days: int = 31
    """Days that may lie between the routing table and the traces."""
    concentrated: float = 0.5
    """The captured share from which on an operator may be named."""
    concentrated_lower: float = 0.3
    """What the lower bound of that share must be above."""
    meeting_share: float = 0.65
    """Share of the organisations that must share an address with another where they pass the
    operator, lest those that share none speak against a name."""
    diverse_upper: float = 0.5
    """What its upper bound must be below for "diverse"."""
    effective_gateways: float = 3.0
    """Equally used gateways that would be as concentrated: so many at least for "diverse"."""
    link_organisations: int = 2
    """Other organisations that must agree on whose router stands before an interface abroad."""
    link_share: float = 0.8
    """Share of them, of those that see anybody at home there."""
    link_vote: float = 0.65
    """Share of one organisation's traces that must agree before it is heard on a link."""
    link_days: int = 14
    """Days for which a link is learnt."""
    peering_members: int = 5
    """Networks that must be met behind addresses of their own, before a node that no list names as
    an exchange is taken for its peering LAN."""
    peering_share: float = 0.34
    """The share from which on some are more than a few: of an organisation's traces over that node,
    of the others who go on to a member, and of the organisations that show it to be no LAN."""
    alarm_organisations: int = 3
    """Organisations that must move to one gateway."""
    alarm_share: float = 0.5
    """The share of those that could be seen to move that they must be; and of those that moved
    that have left once it is over."""
    alarm_within_days: int = 28
    """Days within which they must move."""
    alarm_hold_days: int = 7
    """Days with data, before a move and from it on, that tell of it."""
    alarm_hold: float = 0.8
    """Share of the days from then on that must show the gateway; of those before no more than the
    rest may."""
    alarm_measured: float = 0.34
    """Share of all organisations measured, watched or not: more than these must have moved."""
    timeline_days: int = 14
    """Span of the data below which no alarm is looked for."""
    home_step_ms: float = 1.0
    """An RTT step below this does not leave the country (100 km of fibre is 1 ms)."""
    abroad_step_ms: float = 10.0
    """An RTT step that a detour abroad must show before a domestic path is said to take it."""
    weak_signs: int = 2
    """Signs of different kinds that together set a trace aside as invented."""
    falls_ms: float = 20.0
    """How much sooner than twice the far end must answer than the way to it, to be a sign."""
    agreeing_keys: int = 3
    """Other keys of a network that must agree against a hop that one key alone sees."""
    resamples: int = 2000
    """How often organisations are drawn anew for an interval."""
    seed: int = 20210216
    """What these draws begin with, so that they are the same each time."""

    def changed(self) -> dict[str, float]:
        """The settings that differ from the defaults, by name.

        >>> Policy(days=1).changed()
        {'days': 1}
        """
        defaults = asdict(Policy())
        return {key: value for key, value in asdict(self).items() if value != defaults[key]}


# What is no whole number is a share, but for times and these.
_NO_SHARES = frozenset({"confidence", "effective_gateways"})
_SHARES = frozenset(
    name
    for name, default in asdict(Policy()).items()
    if isinstance(default, float) and not name.endswith("_ms") and name not in _NO_SHARES
)
# A century; and draws that take some minutes, which tell more than any country has.
_MOST_DAYS = 36_500
_MOST_DRAWS = 1_000_000
_AT_LEAST_ONE = frozenset(
    {
        "alarm_hold_days",
        "alarm_organisations",
        "alarm_within_days",
        "link_days",
        "peering_members",
        "link_organisations",
        "resamples",
        "timeline_days",
        "weak_signs",
    }
)
# Nothing is captured that sends nothing that way; and who holds a gateway on half of the days has
# moved to it every day.
_ABOVE = {"captured": 0.0, "alarm_hold": 0.5}
# The first of two may not be above the second, or one and the same thing is called by two names.
_IN_ORDER = (
    ("concentrated_lower", "concentrated"),
    ("diverse_upper", "concentrated"),
    ("concentrated", "single"),
    ("home_step_ms", "abroad_step_ms"),
)


def _demand(key: str, value: float) -> str | None:
    """What a setting must be and this value is not."""
    if key == "confidence":
        # Below a half the lower bound would lie above the upper one.
        return None if 0.5 <= value < 1 else "from 0.5 to 1, and not 1 itself"
    if key in _ABOVE:
        return None if _ABOVE[key] < value <= 1 else f"above {_ABOVE[key]:g} and up to 1"
    if key in _SHARES:
        return None if 0 <= value <= 1 else "from 0 to 1"
    least = 1 if key in _AT_LEAST_ONE else 0
    most = _MOST_DRAWS if key == "resamples" else _MOST_DAYS if key.endswith("days") else math.inf
    if value > most:
        return f"of {most} at most"
    return None if least <= value < math.inf else f"of {least} or more"


def _contradiction(policy: Policy, changed: Iterable[str]) -> str | None:
    """What one of the settings changed must be lest it contradict another."""
    for low, high in _IN_ORDER:
        least, most = getattr(policy, low), getattr(policy, high)
        if least > most:
            if high in changed:
                return f"{high} wants a number of {low}, {least:g}, or more, not {most:g}"
            return f"{low} wants a number of {high}, {most:g}, at most, not {least:g}"
    return None


def with_overrides(policy: Policy, overrides: Iterable[str]) -> Policy:
    """The policy with ``key=value`` settings applied.

    Raises `PolicyError`, also where two settings contradict each other.

    >>> with_overrides(Policy(), ["days=1", "single=0.7"]).days
    1
    """
    types = {entry.name: type(getattr(policy, entry.name)) for entry in fields(policy)}
    changes: dict[str, float] = {}
    for override in overrides:
        key, separator, text = override.partition("=")
        key = key.strip()
        if not separator or key not in types:
            raise PolicyError(
                f"no setting {override!r}; write key=value, key one of: {', '.join(types)}"
            )
        try:
            changes[key] = types[key](text)
        except ValueError:
            raise PolicyError(
                f"{key} wants {'a whole ' if types[key] is int else 'a '}number, not {text!r}"
            ) from None
        demand = _demand(key, changes[key])
        if demand is not None:
            raise PolicyError(f"{key} wants a number {demand}, not {text!r}")
    changed = replace(policy, **changes)  # type: ignore[arg-type]  # each value has its field's type
    contradiction = _contradiction(changed, changes)
    if contradiction is not None:
        raise PolicyError(f"{contradiction}; change one of the two, or both")
    return changed
