"""How often a verdict errs: kinds of countries, what was counted of each, and what could be known.

A row of the table of error rates is a `Cell` and what verdicts on countries of its kind said. How
such countries are drawn and judged is not known here, so that a table can be read without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal, NamedTuple

from analysis.policy import Policy
from analysis.shares.intervals import captured_bounds

Question = Literal["diverse", "market", "captured", "quiet", "cut", "switched"]
ALARMS: frozenset[Question] = frozenset({"quiet", "cut", "switched"})
"""What is asked about the alarm, not about the grade."""

# The percentile interval of the share decides nothing; a few draws spare its time.
TRIED = Policy(resamples=2)


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of country: a row of the table of error rates.

    ``diverse``: nobody is captured, and 3 to ``networks`` networks are measured, equally often.
    ``market``: no network leaves by itself; as many transit providers as there is room for have the
    part ``share`` of them each, and another one the rest. ``captured``: each network is with the
    probability ``share``. ``quiet``: a year without a gateway. ``cut``: a market whose largest
    provider is cut off for weeks, and back for at least nine. ``switched``: a gateway is switched
    on over 60 days. ``wanted`` is the rate to reach, at most or at least (``at_most``), None where
    it is only told.
    """

    question: Question
    networks: int
    share: float = 0.0
    wanted: float | None = None
    at_most: bool = True

    @property
    def name(self) -> str:
        """How the cell is called on a command line and in the seeds of its draws."""
        middle = f"{round(100 * self.share)}-" if self.share else ""
        return f"{self.question}-{middle}{self.networks}"


CELLS = (
    Cell("diverse", 20, wanted=0.005),
    Cell("market", 7, 0.7),
    Cell("market", 20, 0.7),
    Cell("market", 7, 1 / 3),
    Cell("market", 20, 1 / 3),
    Cell("captured", 6, 0.6, 0.02),
    Cell("captured", 10, 0.6, 0.05),
    Cell("captured", 20, 0.6, 0.01),
    Cell("captured", 6, 0.97, None, at_most=False),
    Cell("captured", 10, 0.97, 0.80, at_most=False),
    Cell("captured", 15, 0.97, 0.90, at_most=False),
    Cell("captured", 20, 0.97, 0.97, at_most=False),
    Cell("quiet", 6, wanted=0.1),
    Cell("quiet", 12, wanted=0.01),
    Cell("quiet", 20, wanted=0.01),
    Cell("cut", 12, 0.7, 0.01),
    Cell("cut", 20, 0.7, 0.01),
    Cell("switched", 6, wanted=0.95, at_most=False),
    Cell("switched", 12, wanted=0.99, at_most=False),
    Cell("switched", 20, wanted=0.99, at_most=False),
)


class Outcome(NamedTuple):
    """What the verdict on one simulated country said.

    ``networks`` are those measured and ``captured`` those truly behind the gateway. ``said`` is
    whether the verdict was "single gateway", or the alarm was raised and named the gateway (any
    alarm where there is no gateway). ``wrong_name`` tells of a name, in whatever grade, that is not
    the gateway's. ``onset_days`` is the alarm's onset less the first true move, ``in_time`` whether
    the alarm is raised by traces of up to 21 days after half of the networks had moved.
    """

    networks: int
    captured: int
    said: bool
    grade: str
    wrong_name: bool
    onset_days: int | None = None
    in_time: bool | None = None


class Known(NamedTuple):
    """What the alarm says of one simulated country to whoever knows each network's way.

    ``said`` and ``in_time`` as of an `Outcome`, where nothing was silent or misattributed.
    """

    said: bool
    in_time: bool


def market(share: float) -> tuple[float, ...]:
    """The parts of transit providers of which all but the last have this share.

    >>> [round(part, 3) for part in market(1 / 3)], [round(part, 3) for part in market(0.7)]
    ([0.333, 0.333, 0.333], [0.7, 0.3])
    """
    full = int(1 / share + 1e-9)
    rest = 1 - full * share
    return (*[share] * full, rest) if rest > 1e-9 else (share,) * full


def least_captured(of: int, policy: Policy = TRIED) -> int | None:
    """How many of so many organisations must be captured for "single gateway"; None: no number.

    >>> least_captured(6), least_captured(7), least_captured(10), least_captured(20)
    (None, 7, 10, 17)
    """
    enough = (
        k
        for k in range(policy.organisations, of + 1)
        if k >= policy.single_share * of
        and captured_bounds(k, of, policy.confidence)[0] >= policy.single
    )
    return next(enough, None)


def limit(of: int, share: float) -> float:
    """The chance of "single gateway" for whoever knows each network's way, without any error.

    Each of the networks is captured with this probability, so sometimes too few are, or enough by
    chance: no attribution can do better than to find what is there. The sum of the binomial
    probabilities from `least_captured` on.

    >>> round(limit(10, 0.97), 3), round(limit(20, 0.6), 3)  # 0.97 ** 10 is the first
    (0.737, 0.016)
    >>> limit(6, 0.97)
    0.0
    """
    # As in `analysis.shares.intervals`: who only reads a table does without it.
    from scipy.special import bdtr  # noqa: PLC0415

    least = least_captured(of, TRIED)
    return 0.0 if least is None else float(1.0 - bdtr(least - 1, of, share))


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate that was counted, with its two-sided 95% Clopper–Pearson interval."""

    hits: int
    of: int

    @property
    def rate(self) -> float | None:
        """The fraction of hits, None where nothing was drawn."""
        return self.hits / self.of if self.of else None

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval; 0 and 1 where nothing was drawn."""
        return captured_bounds(self.hits, self.of, 0.975)


@dataclass(frozen=True, slots=True)
class Row:
    """What was counted for one cell.

    ``said`` is the rate the cell asks for; ``exactly`` the same among the draws in which just the
    stated share was captured (rounded); ``wrong_name`` how often somebody else was named, in
    whatever grade; ``in_time`` how often the alarm was raised within 21 days after half had moved;
    ``onset_days`` the median of the alarm's onset less the first true move. ``known`` and
    ``known_in_time`` are ``said`` and ``in_time`` of whoever knows each network's way in the same
    draws: the limit of an alarm, counted where the question is one. ``code`` names the code that
    made the draws.
    """

    cell: Cell
    said: Rate
    exactly: Rate
    wrong_name: Rate
    in_time: Rate
    onset_days: float | None
    known: Rate = Rate(0, 0)
    known_in_time: Rate = Rate(0, 0)
    code: str | None = None


def count(cell: Cell, outcomes: Iterable[Outcome], known: Iterable[Known] = ()) -> Row:
    """Fold the outcomes of a cell into its row, and what could be known of the same draws."""
    seen, limits = list(outcomes), list(known)
    exact = [one for one in seen if one.captured == round(cell.share * one.networks)]
    found = [one.onset_days for one in seen if one.onset_days is not None]
    return Row(
        cell,
        said=Rate(sum(one.said for one in seen), len(seen)),
        exactly=Rate(sum(one.said for one in exact), len(exact)),
        wrong_name=Rate(sum(one.wrong_name for one in seen), len(seen)),
        in_time=Rate(
            sum(bool(one.in_time) for one in seen),
            len(seen) if cell.question == "switched" else 0,
        ),
        onset_days=median(found) if found else None,
        known=Rate(sum(one.said for one in limits), len(limits)),
        known_in_time=Rate(
            sum(one.in_time for one in limits),
            len(limits) if cell.question == "switched" else 0,
        ),
    )


def as_json(row: Row) -> dict[str, Any]:
    """A row as it is kept in a file; `from_json` reads it back."""
    return {
        "cell": asdict(row.cell),
        "said": [row.said.hits, row.said.of],
        "exactly": [row.exactly.hits, row.exactly.of],
        "wrong_name": [row.wrong_name.hits, row.wrong_name.of],
        "in_time": [row.in_time.hits, row.in_time.of],
        "onset_days": row.onset_days,
        "known": [row.known.hits, row.known.of],
        "known_in_time": [row.known_in_time.hits, row.known_in_time.of],
        "code": row.code,
    }


def from_json(fields: Mapping[str, Any]) -> Row:
    """Read a row back."""
    return Row(
        Cell(**fields["cell"]),
        said=Rate(*fields["said"]),
        exactly=Rate(*fields["exactly"]),
        wrong_name=Rate(*fields["wrong_name"]),
        in_time=Rate(*fields["in_time"]),
        onset_days=fields["onset_days"],
        known=Rate(*fields["known"]),
        known_in_time=Rate(*fields["known_in_time"]),
        code=fields["code"],
    )
