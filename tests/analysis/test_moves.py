"""When one vantage point moved to a node, and what looks like a move and is none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.moves import days_moved, spans_held, steadied
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
