"""What two verdicts find, figure by figure: what differs, and what only one of them tells.

A figure is called by its key in the verdict's JSON. Why it differs is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from analysis.difference.told import Captured, Node, Share, Told

# No figure of a verdict is good for more digits.
_DIGITS = 9


class Differing(NamedTuple):
    """A figure by its key, in the older verdict and in the newer."""

    key: str
    old: Any
    new: Any


def named(node: Node | None) -> str | None:
    """A node as ``kind:name``, None for nobody."""
    return None if node is None else f"{node.kind}:{node.name}"


def _whole(figures: Captured | Share) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in msgspec.structs.asdict(figures).items()}


def _rounded(value: Any) -> Any:
    return round(value, _DIGITS) if isinstance(value, float) else value


def _of_other(verdict: Told) -> Any:
    """The grade of the other IP version."""
    if verdict.families is UNSET or verdict.family is UNSET:
        return UNSET
    return verdict.families.get(f"ipv{10 - verdict.family}")


def _measured(verdict: Told) -> Any:
    return verdict.measured


# What a verdict finds.
_FOUND: Mapping[str, Callable[[Told], Any]] = {
    "grade": lambda v: v.grade,
    "gateway": lambda v: named(v.gateway),
    "scope": lambda v: v.scope,
    "captured": lambda v: _whole(v.captured),
    "share": lambda v: _whole(v.share),
    "effective_gateways": lambda v: _rounded(v.effective_gateways),
    "coverage.bounds": lambda v: [_rounded(bound) for bound in v.coverage.bounds],
    "strict_and_lenient_agree": lambda v: v.strict_and_lenient_agree,
    "timeline.alarm": lambda v: v.timeline.alarm,
    "timeline.onset": lambda v: v.timeline.onset,
    "timeline.gateway": lambda v: named(v.timeline.gateway),
    "domestic.grade": lambda v: v.domestic.grade,
    "domestic.hub": lambda v: named(v.domestic.hub),
    "domestic.meeting_place": lambda v: v.domestic.meeting_place,
    "domestic.captured": lambda v: (
        UNSET if v.domestic.captured is UNSET else _whole(v.domestic.captured)
    ),
    "upstream.operator": lambda v: named(v.upstream.operator),
    "witness.says": lambda v: (
        UNSET if v.witness is UNSET else None if v.witness is None else v.witness.says
    ),
    "families": _of_other,
}  # fmt: skip

# What it was measured on.
_MEASURED: Mapping[str, Callable[[Told], Any]] = {
    "family": lambda v: v.family,
    "window": lambda v: list(v.window),
    "coverage.eyeballs": lambda v: _rounded(v.coverage.eyeballs),
}

# Counts by name, of which one that is not listed is 0.
_COUNTED: Mapping[str, Callable[[Told], Mapping[str, int]]] = {
    "domestic.pairs": lambda v: v.domestic.pairs,
    "rejected": lambda v: v.rejected,
}


def found(old: Told, new: Told) -> list[Differing]:
    """The figures in which the findings differ, in the order in which a reader asks for them."""
    return [
        *_differing(_FOUND, old, new),
        *_differing(_counts("domestic.pairs", old, new), old, new),
    ]


def measured(old: Told, new: Told) -> list[Differing]:
    """What differs of what the findings rest on: days, counts, and what was left out."""
    return [
        *_differing(_MEASURED, old, new),
        *_differing(_counted_in_both(old, new), old, new),
        *_differing(_counts("rejected", old, new), old, new),
    ]


def untold(old: Told, new: Told) -> tuple[list[str], list[str]]:
    """The keys that only the newer verdict tells, and those that only the older does."""
    ways = {**_FOUND, **_MEASURED, "measured": _measured}
    missing = [{key for key, of in ways.items() if of(one) is UNSET} for one in (old, new)]
    return sorted(missing[0] - missing[1]), sorted(missing[1] - missing[0])


def _differing(ways: Mapping[str, Callable[[Told], Any]], old: Told, new: Told) -> list[Differing]:
    both = (Differing(key, of(old), of(new)) for key, of in ways.items())
    return [
        one for one in both if one.old is not UNSET and one.new is not UNSET and one.old != one.new
    ]


def _counts(key: str, old: Told, new: Told) -> dict[str, Callable[[Told], Any]]:
    of = _COUNTED[key]
    names = sorted(of(old).keys() | of(new).keys())
    return {f"{key}.{name}": partial(_count, name=name, of=of) for name in names}


def _counted_in_both(old: Told, new: Told) -> dict[str, Callable[[Told], Any]]:
    if old.measured is UNSET or new.measured is UNSET:
        return {}
    # A count that only one has is one that the other's version did not know yet.
    names = [name for name in old.measured if name in new.measured]
    return {f"measured.{name}": partial(_count, name=name, of=_measured) for name in names}


def _count(verdict: Told, name: str, of: Callable[[Told], Any]) -> int:
    counted: int = of(verdict).get(name, 0)
    return counted
