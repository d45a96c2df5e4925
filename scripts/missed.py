"""Why captured countries and switch-ons were missed: `python -m scripts.missed FILE`.

Reads a work file of `scripts.roc`, draws the countries again that were missed, and holds what the
verdict saw of each network against the truth. What is counted here is on `docs/error-rates.md`;
nothing that judges knows of it.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis.policy import Policy
from analysis.simulated.error_rates import CELLS, TRIED, Cell, Outcome
from analysis.simulated.hindsight import known_alarm
from analysis.simulated.simulation import Simulated
from analysis.simulated.trials import judge_drawn, redraw
from analysis.simulated.world import GATEWAY, SimulatedTable
from probe.record import Trace
from scripts.roc import WorkFile

# Names every network that is seen to move to the gateway, however few they are.
EACH_MOVE = Policy(
    resamples=2,
    alarm_organisations=1,
    alarm_share=0.0,
    alarm_measured=0.0,
    alarm_within_days=365,
)
_SOON = dt.timedelta(days=7)
_HALF = 0.5

# Why a network that is behind the gateway does not count, by what its traces show in its place.
SILENT = "its routers of the gateway, or half of them, never answer"
LYING = "all its links have a neighbour's address"
PARTLY = "one or more of its destinations have a neighbour's address throughout"
CHANCE = "errors of single traces, a vacant place, or nothing seen before the move"

# Why a country is missed though its networks count.
UNKNOWABLE = "the true ways raise no alarm either"
IN_PIECES = "each move was seen within a week, but too few of them as one wave"
OPEN = "too few crossings are known"
UNAIDED = "too few networks show the gateway without the reading of links"
WEIGHED = "most of what was measured, by weight, is not seen to pass it"


def _at_border(trace: Trace, table: SimulatedTable) -> str | None:
    """Whose address the last router at home answered with; None where it is silent."""
    address = trace.hops[-4].replies[0].address
    return None if address is None else table.lookup(address).organisation


def why_unseen(traces: Iterable[Trace], table: SimulatedTable) -> str:
    """Why a network does not count of which these are the traces that left by the gateway."""
    shown: dict[str, Counter[str | None]] = defaultdict(Counter)
    for trace in traces:
        shown[trace.dst_addr][_at_border(trace, table)] += 1
    all_shown = sum(shown.values(), Counter[str | None]())
    if all_shown[None] > _HALF * all_shown.total():
        return SILENT
    never = [seen for seen in shown.values() if GATEWAY not in seen]
    if not never:
        return CHANCE
    return LYING if len(never) == len(shown) else PARTLY


def _behind(simulated: Simulated) -> dict[str, list[Trace]]:
    """The traces that truly left by the gateway, by network."""
    since = dict.fromkeys(simulated.behind, 0.0)
    for seen in reversed(simulated.departures):
        if seen.operator == GATEWAY:
            midnight = dt.datetime.combine(seen.day, dt.time(), dt.UTC)
            since[seen.organisation] = midnight.timestamp()
    found: dict[str, list[Trace]] = {name: [] for name in since}
    for trace in simulated.traces:
        assert trace.vantage is not None
        name = simulated.table.organisation(trace.vantage.asn or 0)
        if name in since and trace.timestamp >= since[name]:
            found[name].append(trace)
    return found


def _unseen_moves(simulated: Simulated) -> list[str] | None:
    """The networks that moved and were not seen to within a week; None where no alarm can be."""
    known = known_alarm(simulated, TRIED)
    if known is None or known.node.name != GATEWAY:
        return None
    timeline = judge_drawn(simulated, EACH_MOVE).fields["timeline"]
    named = timeline["gateway"] is not None and timeline["gateway"]["name"] == GATEWAY
    seen = {
        move["organisation"]: dt.date.fromisoformat(move["day"])
        for move in (timeline["moved"] if named else ())
    }
    return [name for name, day in known.moved if name not in seen or seen[name] > day + _SOON]


def causes(cell: Cell, number: int) -> list[str]:
    """Why one country was missed: of each network that should count and does not, or of all."""
    simulated = redraw(cell, number)
    behind = _behind(simulated)
    if cell.question == "switched":
        unseen = _unseen_moves(simulated)
        if unseen is None:
            return [UNKNOWABLE]
    else:
        verdict = judge_drawn(simulated, TRIED)
        if verdict.grade == "insufficient":
            return [OPEN]
        if verdict.fields["captured"]["lower"] >= TRIED.single:
            unmet = {one["key"] for one in verdict.fields["criteria"] if not one["met"]}
            return [WEIGHED if "single_weighed" in unmet else UNAIDED]
        top = verdict.evidence.candidate
        shares = top.shares if top is not None and top.node.name == GATEWAY else {}
        unseen = [name for name in sorted(behind) if shares.get(name, 0.0) < TRIED.captured]
    return [why_unseen(behind[name], simulated.table) for name in unseen] or [IN_PIECES]


def missed(cell: Cell, outcomes: dict[int, Outcome]) -> Iterator[int]:
    """The draws in which the gateway was missed although just the stated share was captured."""
    for number, outcome in sorted(outcomes.items()):
        fair = cell.question == "switched" or outcome.captured == round(cell.share * cell.networks)
        if fair and not outcome.said:
            yield number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="the work file, roc-CODE.jsonl")
    parser.add_argument(
        "--cells",
        nargs="+",
        choices=[cell.name for cell in CELLS],
        default=[cell.name for cell in CELLS if not cell.at_most],
        metavar="CELL",
        help="which cells",
    )
    parser.add_argument("--most", type=int, default=12, help="how many countries of a cell")
    given = parser.parse_args()
    if not given.file.is_file():
        parser.error(f"{given.file} is not there; name a file roc-CODE.jsonl of a run")
    work = WorkFile(given.file, Outcome)
    for cell in (cell for cell in CELLS if cell.name in given.cells):
        numbers = list(missed(cell, work.drawn[cell.name]))
        found = {number: causes(cell, number) for number in numbers[: given.most]}
        print(f"{cell.name}: {len(numbers)} missed, {len(found)} looked at")
        networks = Counter(cause for each in found.values() for cause in each)
        countries = Counter(Counter(each).most_common(1)[0][0] for each in found.values())
        for cause, count in networks.most_common():
            print(f"  {countries[cause]:>4} countries, {count:>4} networks: {cause}", flush=True)


if __name__ == "__main__":
    main()
