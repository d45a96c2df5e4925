"""Error rates, counted: verdicts on simulated countries of which the truth is known.

The countries are judged by the same code that judges real ones, from traces to grade. Nothing here
knows how a country is drawn beyond what it asks for, and nothing that judges knows that it is
tried. What is asked and how it is counted, `analysis.simulated.error_rates` says.
"""

from __future__ import annotations

import datetime as dt
import gc
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from analysis.intake.load import Loaded
from analysis.judgement.judge import Judgement, judge
from analysis.policy import Policy
from analysis.scale import spawning
from analysis.simulated.error_rates import ALARMS, TRIED, Cell, Known, Outcome, market
from analysis.simulated.hindsight import known_alarm
from analysis.simulated.simulation import NOW, Churn, Simulated, Truth, country, over_time
from analysis.simulated.world import COUNTRY, GATEWAY

YEAR = 365
ROLLOUT = range(40, 100)
ROLLOUT_DAYS = 160
CUT_BEGINS, CUT_LASTS = range(60, 90), range(7, 43)
CUT_DAYS = 200
FOUND_WITHIN = 21

Drawn = TypeVar("Drawn")


def judge_drawn(simulated: Simulated, policy: Policy, until: dt.date | None = None) -> Judgement:
    """The verdict on a simulated country by its traces, or by those of before a day."""
    traces = simulated.traces
    if until is not None:
        end = dt.datetime.combine(until, dt.time(), dt.UTC).timestamp()
        traces = [trace for trace in traces if trace.timestamp < end]
    loaded = Loaded(traces=traces)
    return judge(loaded, simulated.table, COUNTRY, policy, now=NOW, supplements=False)


def _named(said: Mapping[str, Any]) -> str | None:
    """Whom a verdict names, or its ``timeline``: there is an alarm where that names somebody."""
    gateway = said["gateway"]
    return gateway["name"] if gateway is not None else None


def _seed(cell: Cell, number: int) -> str:
    return f"{cell.name} {number}"


def _networks(cell: Cell, number: int) -> int:
    if cell.question == "diverse":
        return random.Random(_seed(cell, number)).randint(3, cell.networks)  # noqa: S311 - repeatable
    return cell.networks


def redraw(cell: Cell, number: int) -> Simulated:
    """The country of this number, with its traces and its truth."""
    networks, seed = _networks(cell, number), _seed(cell, number)
    if cell.question == "market":
        return country(Truth(networks, market=market(cell.share)), seed)
    if cell.question not in ALARMS:
        return country(Truth(networks, cell.share), seed)
    if cell.question == "cut":
        return _cut_off(networks, cell.share, seed)
    rollout = ROLLOUT if cell.question == "switched" else None
    days = YEAR if rollout is None else ROLLOUT_DAYS
    return over_time(networks, seed, days=days, rollout=rollout)


def _cut_off(networks: int, share: float, seed: str) -> Simulated:
    """A market whose largest provider loses its customers for a time, and nothing else happens."""
    draw = random.Random(f"{seed} cut")  # noqa: S311 - repeatable
    begins = draw.choice(CUT_BEGINS)
    return over_time(
        networks,
        seed,
        days=CUT_DAYS,
        market=market(share),
        cut=range(begins, begins + draw.choice(CUT_LASTS)),
        churn=Churn(failures=0.0, outages=0.0),
    )


def draw(cell: Cell, number: int, policy: Policy = TRIED) -> Outcome:
    """Draw the country of this number, judge it, and tell what came out; always the same."""
    simulated = redraw(cell, number)
    fields = judge_drawn(simulated, policy).fields
    at_once = cell.question not in ALARMS
    named = _named(fields if at_once else fields["timeline"])
    outcome = Outcome(
        _networks(cell, number),
        len(simulated.behind),
        said=fields["grade"] == "single_gateway" if at_once else _meant(cell, named),
        grade=fields["grade"],
        wrong_name=named not in {None, GATEWAY},
    )
    if at_once or named != GATEWAY or simulated.switched is None:
        return outcome
    onset = dt.date.fromisoformat(fields["timeline"]["onset"])
    end = _in_time(simulated)
    in_time = end is not None and (
        _named(judge_drawn(simulated, policy, end).fields["timeline"]) == GATEWAY
    )
    return outcome._replace(onset_days=(onset - simulated.switched).days, in_time=in_time)


def _meant(cell: Cell, named: str | None) -> bool:
    """Whether an alarm that names this one is what a row counts: any where there is no gateway."""
    return named == GATEWAY if cell.question == "switched" else named is not None


def _in_time(simulated: Simulated) -> dt.date | None:
    """The day before which an alarm is raised in time; None where half never moved."""
    if simulated.halfway is None:
        return None
    return simulated.halfway + dt.timedelta(days=FOUND_WITHIN)


def draw_known(cell: Cell, number: int) -> Known:
    """What the alarm says of the country of this number to whoever knows every way in it."""
    simulated = redraw(cell, number)

    def said(until: dt.date | None = None) -> bool:
        alarm = known_alarm(simulated, TRIED, until)
        return _meant(cell, None if alarm is None else alarm.node.name)

    end = _in_time(simulated)
    return Known(said(), in_time=end is not None and said(end))


def draws(
    cell: Cell, numbers: Sequence[int], *, policy: Policy = TRIED, processes: int = 1
) -> Iterator[Outcome]:
    """The outcomes of these draws, in order; how many processes share them changes nothing."""
    yield from _shared(partial(draw, cell, policy=policy), numbers, processes)


def draws_known(cell: Cell, numbers: Sequence[int], *, processes: int) -> Iterator[Known]:
    """The limit of the alarm in these draws, in order."""
    yield from _shared(partial(draw_known, cell), numbers, processes)


def _shared(
    work: Callable[[int], Drawn], numbers: Sequence[int], processes: int
) -> Iterator[Drawn]:
    # Nothing here makes cycles; the collector would go through all traces again and again.
    pool = None if processes == 1 else spawning.processes(processes, gc.disable)
    if pool is None:
        yield from map(work, numbers)
        return
    with pool:
        yield from pool.map(work, numbers, chunksize=8)
