"""When one vantage point moved to a node, and what looks like a move and is none."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.alarm.moves import Stay, Watch, days_moved, left_by_its_paths, spans_held, steadied
from analysis.alarm.ways import InterfacesAbroad, Way
from analysis.owners.operators import Node
from analysis.policy import Policy


def held(days: str) -> list[bool]:
    """``.`` a day elsewhere, ``#`` a day at the node."""
    return [day == "#" for day in days]


@pytest.mark.parametrize(
    ("days", "moved"),
    [
        (".......#######", 7),
        ("..........##########", 10),
        # 6 of 7 after (0.86), and at most 1 of 7 before (0.14).
        (".......######.", 7),
        (".......#####..", None),
        ("#......#######", 7),
        # A day too early to have seven before it: the next one meets the definition.
        ("......#######.", 7),
        ("##.....#######", None),
        # Days away right before the move make no second beginning.
        (".......#.######", 7),
        (".......##..###########", None),
        # The first day on which it held, not the day before.
        (".........#######", 9),
        ("......#..#######", 9),
        # Flapping, always there, never there, there and gone.
        ("#.#.#.#.#.#.#.#.#.#.", None),
        ("##############", None),
        ("..............", None),
        ("#######.......", None),
        # Too few days on one side.
        ("......#######", None),
        (".......######", None),
        ("", None),
    ],
)
def test_the_day_a_vantage_point_moved(days: str, moved: int | None) -> None:
    """80% of the 7 days from then on and at most 20% of the 7 before, that day itself held."""
    assert next(days_moved(held(days), Policy()), None) == moved


@pytest.mark.parametrize(
    ("days", "moved"),
    [("#....####.", 5), ("##...####.", None), ("#....###..", None)],
)
def test_shares_are_met_exactly(days: str, moved: int | None) -> None:
    """Of five days one is 20% and four are 80%, whatever a computer makes of 1 − 0.8."""
    assert next(days_moved(held(days), Policy(alarm_hold_days=5)), None) == moved


@settings(max_examples=200)
@given(st.lists(st.booleans(), max_size=40))
def test_the_days_that_are_found_are_all_that_meet_the_definition(days: list[bool]) -> None:
    """Redone by counting, day by day."""
    meets = [
        day
        for day in range(7, len(days) - 6)
        if days[day] and sum(days[day : day + 7]) >= 6 and sum(days[day - 7 : day]) <= 1
    ]
    assert list(days_moved(days, Policy())) == meets


@given(st.lists(st.sampled_from([True, False, None]), max_size=25))
def test_steadying_moves_no_lasting_change(values: list[bool | None]) -> None:
    """What lasts two told days stays, and so do both ends; nothing is told where nothing was."""
    steady = steadied(values)
    assert len(steady) == len(values)
    told = [i for i, value in enumerate(values) if value is not None]
    for before, at in pairwise(told):
        if values[before] == values[at]:
            assert steady[before] == steady[at] == values[at]
    first, last = (told[0], told[-1]) if told else (len(values), -1)
    assert all(value is None for value in (*steady[:first], *steady[last + 1 :]))
    assert [steady[i] for i in told[:1] + told[-1:]] == [values[i] for i in told[:1] + told[-1:]]


@pytest.mark.parametrize(
    ("days", "spans"),
    [
        (".......#######", [(7, 14)]),
        ("#######.......", [(0, 7)]),
        # One slip in each week, and the first day is one on which it is so.
        ("..#.######.#..#....", [(2, 12)]),
        # Flapping ends nothing and begins nothing.
        ("#######.#.#.#.#.#.#", [(0, 19)]),
        (".#.#.#.#.#.#.#.#.#.", []),
        ("#######.#.#.#.......", [(0, 11)]),
        # Too few days on either side of the end.
        ("#######......", [(0, 13)]),
        ("######.......", [(0, 6)]),
        ("#####........", []),
        # There, and back, and there again.
        ("#######.......#######", [(0, 7), (14, 21)]),
        ("######", []),
    ],
)
def test_from_when_until_when_a_node_is_held(days: str, spans: list[tuple[int, int]]) -> None:
    """From six of seven days on, until at most one of seven."""
    assert list(spans_held(held(days), Policy())) == spans


def test_four_days_of_five_hold_a_node() -> None:
    """Which is the share asked for, met exactly."""
    policy = Policy(alarm_hold_days=5)
    assert list(spans_held(held("####......"), policy)) == [(0, 4)]
    assert list(spans_held(held("###......."), policy)) == []


@pytest.mark.parametrize(
    ("sides", "left"),
    [
        # Four of five passed before, and two of the four do no longer: both shares, met exactly.
        (["#>.", "#>.", "#>#", "#>#", ".>."], True),
        (["#>.", "#>#", "#>#", "#>#", ".>."], False),
        (["#>.", "#>.", "#>.", ".>.", ".>."], False),
    ],
)
def test_half_of_what_passed_has_to_have_left(sides: list[str], left: bool) -> None:
    """And four fifths of the destinations have to have passed before."""
    monday, tuesday = dt.date(2026, 1, 5), dt.date(2026, 1, 6)
    told = {
        (f"192.0.2.{number}", "ICMP"): {monday: side[0] == "#", tuesday: side[2] == "#"}
        for number, side in enumerate(sides)
    }
    assert left_by_its_paths(told, [monday], [tuesday], 0.8) is left


def stays(days: str) -> list[tuple[int, int | None]]:
    """Of a vantage point with one destination: from which day it holds the node, until which."""
    node = Node("organisation", "Gate")
    by_day = {
        dt.date(2026, 1, 1) + dt.timedelta(number): {
            ("192.0.2.1", "ICMP"): {Way((node,) if day == "#" else (), False, "198.51.100.1"): 1}
        }
        for number, day in enumerate(days)
    }
    interfaces = InterfacesAbroad(
        [ways for day in by_day.values() for ways in day.values()], Policy()
    )
    dates = sorted(by_day)
    found: list[Stay] = list(Watch(by_day, interfaces, Policy()).stays(node))
    return [
        (dates.index(stay.first), None if stay.left is None else dates.index(stay.left))
        for stay in found
    ]


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (".......#######.......", [(7, 14)]),
        # Nobody knows yet whether it stays away.
        (".......#######......", [(7, None)]),
        (".......########......", [(7, None)]),
        # A day of its neighbours, as if it had been misread.
        (".......#######..#....", [(7, 14)]),
        (".......#######.#.....", [(7, None)]),
        (".......#######", [(7, None)]),
    ],
)
def test_a_node_is_left_once_a_week_without_it_was_seen(
    days: str, found: list[tuple[int, int | None]]
) -> None:
    """On the first of its days."""
    assert stays(days) == found


# In stretches: hardly any days drawn one by one hold a node for a week.
stretches = st.lists(st.tuples(st.booleans(), st.integers(1, 12)), max_size=8).map(
    lambda drawn: [value for value, days in drawn for _ in range(days)]
)


@settings(max_examples=200)
@given(stretches)
def test_whoever_moved_holds_the_node_from_then_on(days: list[bool]) -> None:
    """Each day of a move lies in a span, and spans do not touch."""
    spans = list(spans_held(days, Policy()))
    moves = list(days_moved(days, Policy()))
    assert all(any(first <= move < end for first, end in spans) for move in moves)
    assert all(end < again for (_, end), (again, _) in pairwise(spans))
