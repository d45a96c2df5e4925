"""How sure a verdict can be of how many networks: error rates, measured on simulated countries.

Countries of which the truth is known are judged by the same code that judges real ones, from
traces to grade, and what it says is counted. Nothing here knows how a country is drawn beyond
what it asks for, and nothing that judges knows that it is tried.
"""

from __future__ import annotations

import datetime as dt
import gc
import math
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from statistics import median
from typing import Any, Literal, NamedTuple, TypeVar

from scipy.special import bdtr

from analysis.hindsight import known_alarm
from analysis.intervals import captured_bounds
from analysis.judge import Verdict, judge
from analysis.load import Loaded
from analysis.policy import Policy
from analysis.simulation import (
    COUNTRY,
    GATEWAY,
    NOW,
    Simulated,
    Truth,
    country,
    over_time,
)

YEAR = 365
ROLLOUT = range(40, 100)
ROLLOUT_DAYS = 160
FOUND_WITHIN = 21

Question = Literal["diverse", "market", "captured", "quiet", "switched"]

# Judged as it stands, not by what changed.
_AT_ONCE = frozenset({"diverse", "market", "captured"})

Drawn = TypeVar("Drawn")

# The percentile interval of the share decides nothing; a few draws spare its time.
TRIED = Policy(resamples=2)


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of country: a row of the table of error rates.

    ``diverse``: nobody is captured, and 3 to ``networks`` networks are measured, equally often.
    ``market``: no network leaves by itself; as many transit providers as there is room for have the
    part ``share`` of them each, and another one the rest. ``captured``: each network is with the
    probability ``share``. ``quiet``: a year without a gateway. ``switched``: a gateway is switched
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
    Cell("switched", 6, wanted=0.95, at_most=False),
    Cell("switched", 12, wanted=0.99, at_most=False),
    Cell("switched", 20, wanted=0.99, at_most=False),
)


class Outcome(NamedTuple):
    """What the verdict on one simulated country said.

    ``networks`` are those measured and ``captured`` those truly behind the gateway. ``said`` is
    whether the verdict was "single gateway", or the alarm was raised and named the gateway (any
    alarm in a quiet year). ``wrong_name`` tells of a name, in whatever grade, that is not the
    gateway's. ``onset_days`` is the alarm's onset less the first true move, ``in_time`` whether
    the alarm is raised by traces of up to 21 days after half of the networks had moved.
    """

    networks: int
    captured: int
    said: bool
    grade: str
    wrong_name: bool
    onset_days: int | None = None
    in_time: bool | None = None


def judge_drawn(simulated: Simulated, policy: Policy, until: dt.date | None = None) -> Verdict:
    """The verdict on a simulated country by its traces, or by those of before a day."""
    traces = simulated.traces
    if until is not None:
        end = dt.datetime.combine(until, dt.time(), dt.UTC).timestamp()
        traces = [trace for trace in traces if trace.timestamp < end]
    loaded = Loaded(traces=traces)
    return judge(loaded, simulated.table, COUNTRY, policy, now=NOW, supplements=False)


def _alarm(fields: Mapping[str, Any]) -> str | None:
    """Whom the alarm names, if there is one."""
    gateway = fields["timeline"]["gateway"]
    return gateway["name"] if gateway is not None else None


class Known(NamedTuple):
    """What the alarm says of one simulated country to whoever knows each network's way.

    ``said`` and ``in_time`` as of an `Outcome`, where nothing was silent or misattributed.
    """

    said: bool
    in_time: bool


def _seed(cell: Cell, number: int) -> str:
    return f"{cell.name} {number}"


def _networks(cell: Cell, number: int) -> int:
    if cell.question == "diverse":
        return random.Random(_seed(cell, number)).randint(3, cell.networks)  # noqa: S311 - repeatable
    return cell.networks


def market(share: float) -> tuple[float, ...]:
    """The parts of transit providers of which all but the last have this share.

    >>> [round(part, 3) for part in market(1 / 3)], [round(part, 3) for part in market(0.7)]
    ([0.333, 0.333, 0.333], [0.7, 0.3])
    """
    full = int(1 / share + 1e-9)
    rest = 1 - full * share
    return (*[share] * full, rest) if rest > 1e-9 else (share,) * full


def redraw(cell: Cell, number: int) -> Simulated:
    """The country of this number, with its traces and its truth."""
    networks, seed = _networks(cell, number), _seed(cell, number)
    if cell.question == "market":
        return country(Truth(networks, market=market(cell.share)), seed)
    if cell.question in _AT_ONCE:
        return country(Truth(networks, cell.share), seed)
    rollout = ROLLOUT if cell.question == "switched" else None
    days = YEAR if rollout is None else ROLLOUT_DAYS
    return over_time(cell.networks, _seed(cell, number), days=days, rollout=rollout)


def draw(cell: Cell, number: int, policy: Policy = TRIED) -> Outcome:
    """Draw the country of this number, judge it, and tell what came out; always the same."""
    simulated = redraw(cell, number)
    networks = _networks(cell, number)
    fields = judge_drawn(simulated, policy).fields
    if cell.question in _AT_ONCE:
        named = fields["gateway"]["name"] if fields["gateway"] is not None else None
        return Outcome(
            networks,
            len(simulated.behind),
            said=fields["grade"] == "single_gateway",
            grade=fields["grade"],
            wrong_name=named not in {None, GATEWAY},
        )
    named = _alarm(fields)
    outcome = Outcome(
        networks,
        len(simulated.behind),
        said=_meant(cell, named),
        grade=fields["grade"],
        wrong_name=named not in {None, GATEWAY},
    )
    if named != GATEWAY or simulated.switched is None:
        return outcome
    onset = dt.date.fromisoformat(fields["timeline"]["onset"])
    end = _in_time(simulated)
    in_time = end is not None and _alarm(judge_drawn(simulated, policy, end).fields) == GATEWAY
    return outcome._replace(onset_days=(onset - simulated.switched).days, in_time=in_time)


def _meant(cell: Cell, named: str | None) -> bool:
    """Whether an alarm that names this one is what a row counts: any in a quiet year."""
    return named is not None if cell.question == "quiet" else named == GATEWAY


def _in_time(simulated: Simulated) -> dt.date | None:
    """The day before which an alarm is raised in time; None where half never moved."""
    if simulated.halfway is None:
        return None
    return simulated.halfway + dt.timedelta(days=FOUND_WITHIN)


def draw_known(cell: Cell, number: int, policy: Policy = TRIED) -> Known:
    """What the alarm says of the country of this number to whoever knows every way in it."""
    simulated = redraw(cell, number)

    def said(until: dt.date | None = None) -> bool:
        alarm = known_alarm(simulated, policy, until)
        return _meant(cell, None if alarm is None else alarm.node.name)

    end = _in_time(simulated)
    return Known(said(), in_time=end is not None and said(end))


def draws(
    cell: Cell, numbers: Sequence[int], *, policy: Policy = TRIED, processes: int = 1
) -> Iterator[Outcome]:
    """The outcomes of these draws, in order; how many processes share them changes nothing."""
    yield from _shared(partial(draw, cell, policy=policy), numbers, processes)


def draws_known(
    cell: Cell, numbers: Sequence[int], *, policy: Policy = TRIED, processes: int = 1
) -> Iterator[Known]:
    """The limit of the alarm in these draws, in order."""
    yield from _shared(partial(draw_known, cell, policy=policy), numbers, processes)


def _shared(
    work: Callable[[int], Drawn], numbers: Sequence[int], processes: int
) -> Iterator[Drawn]:
    if processes == 1:
        yield from map(work, numbers)
        return
    # Nothing here makes cycles; the collector would go through all traces again and again.
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=gc.disable
    ) as pool:
        yield from pool.map(work, numbers, chunksize=8)


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


def limit(of: int, share: float, policy: Policy = TRIED) -> float:
    """The chance of "single gateway" for whoever knows each network's way, without any error.

    Each of the networks is captured with this probability, so sometimes too few are, or enough by
    chance: no attribution can do better than to find what is there. The sum of the binomial
    probabilities from `least_captured` on.

    >>> round(limit(10, 0.97), 3), round(limit(20, 0.6), 3)  # 0.97 ** 10 is the first
    (0.737, 0.016)
    >>> limit(6, 0.97)
    0.0
    """
    least = least_captured(of, policy)
    return 0.0 if least is None else float(1.0 - bdtr(least - 1, of, share))


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate that was counted, with its two-sided 95% Clopper–Pearson interval."""

    hits: int
    of: int

    @property
    def rate(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def bounds(self) -> tuple[float, float]:
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
    """How many organisations besides the gateway must take part, and for what.

    ``possible``: before anything is said. ``single``: before "single gateway" can be said at all,
    if every one is captured, and if they are the largest; None where the rule was changed so that
    no number is enough. ``reliable``: the smallest number tried at which a captured country is
    found as often as is wanted while no other is accused more often than is allowed; None where no
    number tried is. ``national``: how many of the largest cover what "national" demands.
    """

    possible: int
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


def needs(
    weights: Mapping[str, float],
    rows: Iterable[Row],
    measured: Collection[str] = (),
    policy: Policy = TRIED,
) -> Needs:
    """What a country needs, by the rule and by the error rates that were counted.

    >>> needs({"A": 8.0, "B": 2.0}, []).single, needs({"A": 8.0, "B": 2.0}, []).national
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

    least = least_for_single(policy)
    return Needs(
        possible=policy.organisations,
        single=None if least is None else max(least, covering(policy.single_covered) or 0),
        reliable=reliable[0] if reliable else None,
        national=covering(policy.national_eyeballs),
    )
