"""What a day may weigh among the votes of an organisation."""

from __future__ import annotations

from collections.abc import Hashable

from hypothesis import given
from hypothesis import strategies as st

from analysis.evidence.votes import day_weights


@given(st.dictionaries(st.integers(), st.integers(1, 1000), min_size=1), st.floats(0.05, 1.0))
def test_no_day_weighs_more_than_its_share(votes: dict[Hashable, int], most: float) -> None:
    """Unless there are too few days for that, and then all weigh alike; none weighs nothing."""
    weights = day_weights(votes, most)
    totals = {day: weights[day] * count for day, count in votes.items()}
    allowed = max(most * sum(totals.values()), min(votes.values()))
    assert all(0 < weight <= 1 for weight in weights.values())
    assert max(totals.values()) <= allowed * (1 + 1e-6)


def test_the_fullest_day_is_cut_to_its_share_and_no_further() -> None:
    """Beside days of one and two votes half of all is three: nine votes weigh a third each."""
    assert day_weights({1: 1, 2: 2, 3: 9}, 0.5) == {1: 1.0, 2: 1.0, 3: 3 / 9}
