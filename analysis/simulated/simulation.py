"""Countries of which the truth is known, measured as traces: what the rule is tried on.

Draws by whom each network leaves, who measures in it and on which days; hands out `Trace` objects
and an address table, as if a real panel had measured. How they are judged is unknown here, and
whoever judges does not know the numbers below. What is drawn, and what is left out, is argued in
``docs/error-rates.md``.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.simulated.world import (
    COUNTRY,
    CROWDED,
    DESTINATIONS,
    GATEWAY,
    TRANSITS,
    USUAL_FAULTS,
    Faults,
    SimulatedTable,
    Uplink,
    World,
)
from probe.record import Trace, Vantage

FIRST_DAY = dt.date(2026, 1, 1)
NOW = dt.datetime(2027, 6, 1, tzinfo=dt.UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Truth:
    """What a country is: how many networks are measured, and which part of them is captured.

    ``independently``: each of them is with that probability, as when a few are drawn from many;
    else exactly that part of them is, rounded. In a ``market`` none of the others leaves by itself:
    so large is the part of the first transit provider, of the second, and so on.
    """

    networks: int
    captured: float = 0.0
    independently: bool = True
    market: tuple[float, ...] = ()


class Departure(NamedTuple):
    """By whose network a volunteer's traces of one day truly left; None: by the own network."""

    organisation: str
    vantage: str
    day: dt.date
    operator: str | None


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated panel. ``behind`` names the networks that truly leave through the gateway;
    ``switched`` is the first day on which any of them did, where it was switched on, and
    ``halfway`` the day by which half of them did. ``departures`` is the truth of a country over
    time, for each day on which a volunteer measured."""

    traces: list[Trace]
    table: SimulatedTable
    behind: frozenset[str]
    switched: dt.date | None = None
    halfway: dt.date | None = None
    departures: tuple[Departure, ...] = ()


def _vantage(i: int, who: int) -> Vantage:
    return Vantage(f"v{i}.{who}", 100 + i, None, COUNTRY)


def _operator(uplink: Uplink) -> str | None:
    if uplink == "gateway":
        return GATEWAY
    return None if uplink == "own" else f"Transit {uplink}"


_NOON = dt.datetime.combine(FIRST_DAY, dt.time(12), dt.UTC).timestamp()


def _moment(day: int) -> float:
    return _NOON + 86_400 * day


def _date(day: int) -> dt.date:
    return FIRST_DAY + dt.timedelta(day)


def _crowd(networks: int, faults: Faults) -> int:
    """How many volunteers the crowded network has, when all others have one each."""
    return max(1, round(faults.crowd / (1 - faults.crowd) * (networks - 1)))


def country(truth: Truth, seed: str, *, faults: Faults = USUAL_FAULTS, days: int = 14) -> Simulated:
    """One country as it stands, measured on ``days`` days.

    Each network's volunteer measures on each day, those of the crowd on one day each.
    """
    draw = random.Random(seed)  # noqa: S311 - a repeatable experiment, not a secret
    world = World(truth.networks, faults, draw)
    numbers = range(1, truth.networks + 1)
    if truth.independently:
        behind = {i for i in numbers if draw.random() < truth.captured}
    else:
        behind = set(draw.sample(numbers, round(truth.captured * truth.networks)))
    uplinks: dict[int, Uplink] = {
        i: "gateway" if i in behind else world.settle(truth.market) for i in numbers
    }
    traces = []
    for i in numbers:
        volunteers = _crowd(truth.networks, faults) if i == CROWDED else 1
        for who in range(volunteers):
            measured = range(days) if volunteers == 1 else [draw.randrange(days)]
            vantage = _vantage(i, who)
            traces += [
                world.trace(i, uplinks[i], vantage, d, _moment(day))
                for day in measured
                for d in range(DESTINATIONS)
            ]
    return Simulated(traces, world.table, frozenset(f"Network {i}" for i in behind))


@dataclass(frozen=True, slots=True)
class Churn:
    """What changes in a country within a year though nobody switches a gateway on.

    ``moves`` a year is how often a network changes its way; ``failures`` a year is how often a
    transit provider loses all of its customers within a fortnight; ``outages`` a year is how often
    half of all networks, for ``outage_days`` at most, leave over the largest transit provider;
    ``quits`` a year is how often a volunteer gives up and another one takes over, after
    ``vacant_days`` at most.
    """

    moves: float = 0.5
    failures: float = 0.3
    outages: float = 6.0
    outage_days: int = 4
    quits: float = 0.5
    vacant_days: int = 20


_DAYS_APART = 2  # everybody measures every other day


def _events(draw: random.Random, per_year: float, days: int) -> list[int]:
    """The days of a Poisson process, in order."""
    if not per_year:
        return []
    found = []
    at = draw.expovariate(per_year / 365.0)
    while at < days:
        found.append(int(at))
        at += draw.expovariate(per_year / 365.0)
    return found


def _histories(
    world: World, churn: Churn, days: int, market: Sequence[float]
) -> dict[int, list[tuple[int, Uplink]]]:
    """For each network the days on which it took another way, without the gateway."""
    draw = world.draw
    numbers = range(1, world.networks + 1)
    uplinks: dict[int, list[tuple[int, Uplink]]] = {i: [(0, world.settle(market))] for i in numbers}
    changes = [(day, i) for i in numbers for day in _events(draw, churn.moves, days)]
    failures = [
        (day, -transit)
        for transit in range(1, TRANSITS + 1)
        for day in _events(draw, churn.failures, days)
    ]
    for day, who in sorted(changes + failures):
        if who > 0:
            uplinks[who].append((day, world.settle(market)))
            continue
        for i in numbers:
            if uplinks[i][-1][1] == -who:
                uplinks[i].append((day + draw.randrange(14), world.settle(market)))
    return {i: sorted(changed, key=lambda change: change[0]) for i, changed in uplinks.items()}


def _volunteers(world: World, i: int, churn: Churn, days: int) -> Iterator[tuple[Vantage, range]]:
    """Who measures in a network, and on which days."""
    draw = world.draw
    quits = _events(draw, churn.quits, days)
    start = draw.randrange(_DAYS_APART)
    for who, end in enumerate([*quits, days]):
        yield _vantage(i, who), range(start, end, _DAYS_APART)
        start = end + draw.randrange(churn.vacant_days)
    if i == CROWDED:
        for who in range(_crowd(world.networks, world.faults)):
            day = draw.randrange(days)
            yield _vantage(i, 1000 + who), range(day, day + 1)


class _Switch:
    """When each network is put behind the gateway, for good; those not in ``moved`` never are."""

    def __init__(
        self, networks: range, rollout: range | None, captured: float, draw: random.Random
    ) -> None:
        self.moved = {
            i: draw.choice(rollout)
            for i in networks
            if rollout is not None and draw.random() < captured
        }
        order = sorted(self.moved.values())
        half = order[(len(networks) - 1) // 2 :]
        self.first = _date(order[0]) if order else None
        self.halfway = _date(half[0]) if half else None

    def is_behind(self, i: int, day: int) -> bool:
        """Whether a network is behind the gateway on a day."""
        return i in self.moved and day >= self.moved[i]


class _Outages:
    """The days on which half of all networks leave over the largest transit provider."""

    def __init__(self, networks: range, churn: Churn, days: int, draw: random.Random) -> None:
        self._hit = [
            (
                range(day, day + draw.randint(1, churn.outage_days)),
                set(draw.sample(networks, len(networks) // 2)),
            )
            for day in _events(draw, churn.outages, days)
        ]

    def hits(self, i: int, day: int) -> bool:
        """Whether a network is one of those on a day."""
        return any(day in days and i in networks for days, networks in self._hit)


def over_time(
    networks: int,
    seed: str,
    *,
    days: int,
    rollout: range | None = None,
    captured: float = 0.97,
    market: tuple[float, ...] = (),
    cut: range = range(0),
    faults: Faults = USUAL_FAULTS,
    churn: Churn = Churn(),
) -> Simulated:
    """One country over some time, measured every other day.

    With ``rollout`` a gateway is switched on: each network is put behind it, for good, on a day
    of that range, but for the few that never are. In a ``market`` no network leaves by itself, as
    in `Truth`; on the days of ``cut`` the customers of its first provider leave over the second,
    and have their own back afterwards. The crowd measures once each.
    """
    draw = random.Random(seed)  # noqa: S311 - a repeatable experiment, not a secret
    world = World(networks, faults, draw)
    numbers = range(1, networks + 1)
    histories = _histories(world, churn, days, market)
    switch = _Switch(numbers, rollout, captured, draw)
    outages = _Outages(numbers, churn, days, draw)

    def uplink(i: int, day: int) -> Uplink:
        if switch.is_behind(i, day):
            return "gateway"
        if outages.hits(i, day):
            return 1
        settled = next(uplink for since, uplink in reversed(histories[i]) if since <= day)
        return 2 if settled == 1 and day in cut else settled

    traces = []
    departures = []
    for i in numbers:
        for vantage, measured in _volunteers(world, i, churn, days):
            for day in measured:
                today, when = uplink(i, day), _moment(day)
                departures.append(
                    Departure(f"Network {i}", vantage.id, _date(day), _operator(today))
                )
                traces += [world.trace(i, today, vantage, d, when) for d in range(DESTINATIONS)]
    return Simulated(
        traces,
        world.table,
        frozenset(f"Network {i}" for i in switch.moved),
        switched=switch.first,
        halfway=switch.halfway,
        departures=tuple(departures),
    )
