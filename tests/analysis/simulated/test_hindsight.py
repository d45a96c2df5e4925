"""What the alarm could say at best: the rule on the truth of a country."""

from __future__ import annotations

import datetime as dt

import pytest

from analysis.policy import Policy
from analysis.simulated.hindsight import known_alarm
from analysis.simulated.simulation import FIRST_DAY, Churn, Departure, Simulated
from analysis.simulated.simulation import over_time as simulate
from analysis.simulated.world import GATEWAY, SimulatedTable

CALM = Churn(moves=1e-9, failures=1e-9, outages=1e-9, quits=1e-9)


def told(ways: dict[int, list[tuple[int, str | None]]]) -> Simulated:
    """A country of networks by number, each with what it left by on days since the first."""
    return Simulated(
        [],
        SimulatedTable(len(ways)),
        frozenset(),
        departures=tuple(
            Departure(f"Network {i}", f"v{i}.0", FIRST_DAY + dt.timedelta(day), operator)
            for i, days in ways.items()
            for day, operator in days
        ),
    )


def moving(day: int) -> list[tuple[int, str | None]]:
    """Measured on each of forty days, behind the gateway from this one on."""
    return [(d, GATEWAY if d >= day else None) for d in range(40)]


def test_who_knows_every_way_names_each_move_on_its_day() -> None:
    """Three of five move within the weeks; the onset is the first move."""
    alarm = known_alarm(
        told({1: moving(40), 2: moving(40), 3: moving(12), 4: moving(20), 5: moving(15)}), Policy()
    )
    assert alarm is not None
    assert alarm.node.name == GATEWAY
    assert [(name, (day - FIRST_DAY).days) for name, day in alarm.moved] == [
        ("Network 3", 12),
        ("Network 5", 15),
        ("Network 4", 20),
    ]
    assert alarm.watched == 5


def test_two_moves_raise_no_alarm_even_for_who_knows() -> None:
    """The rule stays the rule."""
    ways = {1: moving(40), 2: moving(40), 3: moving(12), 4: moving(20)}
    assert known_alarm(told(ways), Policy()) is None


def test_what_nobody_measured_nobody_knows() -> None:
    """A place that was vacant in the week before its move cannot be seen to move."""
    ways = {1: moving(40), 2: moving(40), 3: moving(12), 4: moving(20), 5: moving(15)}
    ways[5] = [(day, operator) for day, operator in ways[5] if day >= 10]
    assert known_alarm(told(ways), Policy()) is None


def test_what_comes_later_is_not_known_yet() -> None:
    """Before the third network held the gateway for seven days there is no alarm."""
    ways = {1: moving(40), 2: moving(40), 3: moving(12), 4: moving(20), 5: moving(15)}
    days = [
        day
        for day in range(41)
        if known_alarm(told(ways), Policy(), FIRST_DAY + dt.timedelta(day)) is not None
    ]
    assert days == list(range(27, 41))


@pytest.mark.parametrize("rollout", [None, range(40, 60)])
def test_the_truth_of_a_simulated_country_is_what_was_drawn(rollout: range | None) -> None:
    """Without churn: an alarm for all that moved at the first true move, or none at all."""
    simulated = simulate(8, "truth", days=100, rollout=rollout, churn=CALM)
    alarm = known_alarm(simulated, Policy())
    if rollout is None:
        assert alarm is None
    else:
        assert alarm is not None
        assert alarm.node.name == GATEWAY
        assert {name for name, _ in alarm.moved} == simulated.behind
        assert simulated.switched is not None
        assert 0 <= (alarm.onset - simulated.switched).days <= 1  # measured every other day
