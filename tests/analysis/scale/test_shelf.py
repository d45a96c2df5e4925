"""Rows are tallied as they would be in memory, whatever went to files and whichever came first."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scale import shelf
from analysis.scale.shelf import Shelf, Tally


class Row(NamedTuple):
    """A trace: what it claims to be, what it heard, of which number and day it is."""

    claims: int
    heard: int
    number: int
    day: int


def put(on: Shelf, part: int, rows: list[Row]) -> None:
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    on.put(part, columns[0], columns[1], columns[2].astype(np.uint32), columns[3].astype(np.uint64))


def said(tally: Tally) -> object:
    found = zip(tally.numbers.tolist(), tally.days.tolist(), tally.counts.tolist(), strict=True)
    return list(found), tally.duplicates, tally.repeated


def expected(parts: list[list[Row]]) -> object:
    rows = [row for part in parts for row in part]
    least: dict[int, Row] = {}
    for row in sorted(rows):
        least.setdefault(row.claims, row)
    counts = Counter((row.number, row.day) for row in least.values())
    alike = sum(row.heard == least[row.claims].heard for row in rows)
    left_out = alike - len(least), len(rows) - alike
    return [(*place, count) for place, count in sorted(counts.items())], *left_out


def made_of(claims: int, heard: int) -> Row:
    """What was heard decides of which number and day a row is."""
    return Row(claims, heard, heard % 5, 20_000 + heard % 3)


ROWS = st.builds(made_of, st.integers(-300, 300), st.integers(0, 2**32 - 1) | st.integers(0, 3))


@pytest.mark.parametrize("block", [1, 7, 1 << 17])
@given(st.lists(st.lists(ROWS, max_size=12), max_size=6), st.randoms(use_true_random=False))
def test_one_of_each_result_counts_whichever_came_first(
    block: int, parts: list[list[Row]], order: Random
) -> None:
    """That with the least hash of what was heard, in memory as in files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "_BLOCK", block)
        made = Shelf()
    came = list(range(len(parts)))
    order.shuffle(came)
    for number, part in enumerate(came):
        put(made, number, parts[part])
    tally = made.tally([came.index(part) for part in range(len(parts))])
    made.close()
    assert said(tally) == expected(parts)


def test_a_part_that_was_made_anew_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that are not asked for are as if they had never come."""
    monkeypatch.setattr(shelf, "_BLOCK", 2)
    made = Shelf()
    rows = [Row(number, 0, 1, 20_000) for number in range(5)]
    put(made, 0, rows)
    put(made, 1, rows)
    assert said(made.tally([1])) == ([(1, 20_000, 5)], 0, 0)
    made.close()


def test_nothing_is_tallied_of_nothing() -> None:
    """Neither rows nor parts."""
    assert said(Shelf().tally([])) == ([], 0, 0)
