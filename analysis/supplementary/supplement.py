"""The figures on which no grade rests, as they stand in the verdict's JSON.

They let a reader check the grade from other sides: what hegemony says, whom one would have to take
over, how it looks by interfaces, what hangs on one organisation. Each is computed elsewhere; only
names and shape are decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import exit_shares
from analysis.shares.coverage import Weights
from analysis.shares.intervals import effective_interval, resampled
from analysis.shares.pairs import Pair, by_organisation
from analysis.supplementary.chokepoint import dominators, minimum_cut, smallest_cover, ways_abroad
from analysis.supplementary.hegemony import ALPHA, FEWEST, dependences, hegemony, trimmed
from analysis.supplementary.interfaces import Interfaces, first_abroad, interfaces_of
from analysis.supplementary.ranges import Outcome, Range, leave_one_out
from analysis.words.wording import many

_SHOWN = 10


def supplement(
    pairs: Sequence[Pair],
    observations: Sequence[Observation],
    blocks: Blocks,
    policy: Policy,
    *,
    candidate: Node | None,
    left_out: Collection[str],
    weights: Weights,
    judged: Callable[[Sequence[Pair]], Outcome],
) -> dict[str, Any]:
    """``hegemony``, ``chokepoints``, ``interfaces``, ``intervals`` and ``ranges`` of the family.

    ``candidate`` is the strongest node and ``left_out`` the organisations that it is itself.
    """
    grouped = by_organisation(pairs)
    organisations, destinations = leave_one_out(pairs, judged)
    seen = [one for one in observations if one.crossing is not None]
    return {
        "hegemony": _hegemony(grouped, weights),
        "chokepoints": _chokepoints(seen, blocks, grouped),
        "interfaces": {
            "gateway": _interfaces(
                interfaces_of(candidate, seen, blocks, grouped, policy, left_out=left_out)
            )
            if candidate
            else None,
            "first_abroad": _interfaces(first_abroad(grouped, policy, left_out=left_out)),
        },
        "intervals": _intervals(grouped, candidate, frozenset(left_out), policy),
        "ranges": {"organisations": _range(organisations), "destinations": _range(destinations)},
    }


def _hegemony(grouped: dict[str, list[Pair]], weights: Weights) -> dict[str, Any]:
    viewpoints = len(grouped)
    return {
        "alpha": ALPHA,
        "viewpoints": viewpoints,
        "trimmed": trimmed(viewpoints),
        "warning": f"{many(viewpoints, 'viewpoint')}, too few to trim ({FEWEST} are needed): "
        "one of them can move the mean."
        if viewpoints < FEWEST
        else None,
        "nodes": [
            {**_named(one.node), "panel": one.panel, "country": one.country}
            for one in dependences(grouped, weights.of)[:_SHOWN]
        ],
    }


def _intervals(
    grouped: dict[str, list[Pair]], candidate: Node | None, left_out: frozenset[str], policy: Policy
) -> dict[str, list[float] | None]:
    others = {name: pairs for name, pairs in grouped.items() if name not in left_out}
    # In an order of what they do, so that no name decides which ones are drawn.
    together = exit_shares(others, candidate, left_out)
    exits = sorted(
        (exit_shares({name: pairs}, candidate, left_out) for name, pairs in others.items()),
        key=lambda parts: sorted((-part, -together[node]) for node, part in parts.items()),
    )
    passing = sorted(
        sum(candidate in pair.strict for pair in pairs) / len(pairs) for pairs in others.values()
    )
    found = {
        "effective_gateways": effective_interval(exits, policy),
        "hegemony": resampled(passing, hegemony, policy) if candidate else None,
    }
    return {name: list(interval) if interval else None for name, interval in found.items()}


def _named(node: Node) -> dict[str, str]:
    return {"kind": node.kind, "name": node.name}


def _chokepoints(
    observations: Sequence[Observation], blocks: Blocks, grouped: dict[str, list[Pair]]
) -> dict[str, Any]:
    ways = ways_abroad(observations, blocks, grouped)
    cover = smallest_cover(ways)
    return {
        "dominators": [
            {**_named(node), "organisations": len(cut_off)}
            for node, cut_off in list(dominators(ways).items())[:_SHOWN]
        ],
        "cut": [_named(node) for node in minimum_cut(ways)],
        "see_90": {
            "nodes": [_named(node) for node in cover.nodes],
            "share": cover.share,
            "exact": cover.exact,
        },
    }


def _interfaces(found: Interfaces) -> dict[str, Any]:
    return {
        "count": found.count,
        "effective": found.effective,
        "busiest": found.busiest,
        "captured": {
            "organisations": found.captured,
            "of": found.of,
            "lower": found.lower,
            "upper": found.upper,
        },
    }


def _range(found: Range) -> dict[str, Any]:
    fields = asdict(found)
    return {
        **fields,
        "share": list(found.share) if found.share else None,
        "decisive": list(found.decisive),
    }
