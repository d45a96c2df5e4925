"""What one organisation or one destination decides: the verdict again without each of them.

Which organisations took part and which targets were traced to is chance or choice. A grade that
turns when one of them is left out rests on that one. Blocks and period stay those of the whole
verdict: the question is what one pair of eyes adds, not what the tables would have been.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.shares.pairs import Pair

# Beyond so many organisations or destinations no single one decides much, and each costs a
# verdict: of more, a fixed sample is left out.
AT_MOST = 30
_SEED = 30


class Outcome(NamedTuple):
    """What a verdict comes to: the headline share (each organisation weighing the same), the
    grade, and the gateway's name where the grade names one."""

    share: float
    grade: str
    gateway: str | None


@dataclass(frozen=True, slots=True)
class Range:
    """The outcomes with one thing at a time left out, ``left_out`` times ``of`` so many.

    ``share`` is the lowest and the highest headline share; None where nothing can be left out,
    since without the only one nothing would be left. ``grades`` and ``gateways`` count outcomes,
    ``decisive`` are those whose absence changes grade or gateway.
    """

    left_out: int
    of: int
    share: tuple[float, float] | None
    grades: dict[str, int]
    gateways: dict[str, int]
    decisive: tuple[str, ...]


def _range(
    pairs: Sequence[Pair],
    named: Callable[[Pair], str],
    judged: Callable[[Sequence[Pair]], Outcome],
    whole: Outcome,
) -> Range:
    names = sorted({named(pair) for pair in pairs})
    sample = names if len(names) > 1 else []
    if len(names) > AT_MOST:
        draw = random.Random(_SEED)  # noqa: S311 - a repeatable sample, not a secret
        sample = sorted(draw.sample(names, AT_MOST))
    without = {name: judged([pair for pair in pairs if named(pair) != name]) for name in sample}
    shares = [outcome.share for outcome in without.values()]
    return Range(
        left_out=len(without),
        of=len(names),
        share=(min(shares), max(shares)) if shares else None,
        grades=dict(sorted(Counter(o.grade for o in without.values()).items())),
        gateways=dict(sorted(Counter(o.gateway for o in without.values() if o.gateway).items())),
        decisive=tuple(name for name, outcome in without.items() if outcome[1:] != whole[1:]),
    )


def leave_one_out(
    pairs: Sequence[Pair], judged: Callable[[Sequence[Pair]], Outcome]
) -> tuple[Range, Range]:
    """The ranges without each organisation, and without each destination.

    ``judged`` is the rule itself. Leaving out one of few may well end in "insufficient": that is
    an outcome like any other.
    """
    whole = judged(pairs)
    return (
        _range(pairs, lambda pair: pair.organisation, judged, whole),
        _range(pairs, lambda pair: pair.destination, judged, whole),
    )
