"""What stands behind the border before and after an alarm: told, never decided by."""

from __future__ import annotations

import datetime as dt

import pytest

from analysis.alarm.beyond_border import Behind, behind_the_border
from analysis.candidates.blocks import Blocks
from analysis.evidence.panel import observe
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from tests.analysis.country import FIRST_DAY, HOME, NOW, Country

LIMIT = (
    "Renumbered links look like this alarm, too: on {same} of {of} paths that moved the same "
    "router behind the border answers as far away as before."
)


def changed(before: str, after: str) -> Country:
    """The ways of six networks to two destinations are others from the eleventh day on."""
    made = Country(12)
    for i in range(1, 7):
        for day in range(20):
            words = (before if day < 10 else after).format(i=i)
            for destination in ("30.0.1.200", "30.0.5.200"):
                made.trace(i, destination, words, day=day)
    return made


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("lan own 20.0.{i}.77 30.0.6.{i} far2", "lan own gate 30.0.6.1{i} far2", 6),
        ("lan own * 30.0.6.{i} far2", "lan own gate 30.0.6.1{i} far2", 6),
        ("lan own 10.201.1.1 30.0.6.{i} far2", "lan own gate 30.0.6.1{i} far2", 6),
        ("lan own net12 20.0.12.77 30.0.6.{i} far2", "lan own net12 gate 30.0.6.1{i} far2", 6),
        ("lan own 20.0.{i}.77 30.0.6.{i}", "lan own gate 30.0.6.1{i}", 6),
        ("lan own 30.0.6.{i} far2", "lan own gate 30.0.6.1{i} far2", 0),
        ("lan own net11 30.0.6.{i} far2", "lan own gate 30.0.6.1{i} far3", 0),
    ],
    ids=[
        "numbered by customers before",
        "the routers answer now",
        "private before",
        "behind a provider",
        "the destination is next",
        "a router more",
        "another network abroad",
    ],
)
def test_a_verdict_tells_what_stands_behind_the_border(before: str, after: str, same: int) -> None:
    """The alarm stands in any case; where nothing behind the border moved, that is a limit."""
    fields = changed(before, after).judge().fields
    assert fields["timeline"]["alarm"] is True
    assert fields["timeline"]["behind"] == {"same": 2 * same, "of": 12}
    limit = LIMIT.format(same=2 * same, of=12)
    assert (limit in fields["limits"]) is (same > 0)


def test_only_paths_of_which_both_sides_tell_are_counted() -> None:
    """Not one that is new or long over, that tells nothing, or of a network that did not move."""
    made = Country(12)
    for day, way in (9, "net11"), (10, "gate"):
        made.trace(1, "30.0.2.200", "lan own *", day=day)
        made.results[-1]["result"].pop()
        made.trace(2, "30.0.2.200", f"lan own {way} 30.0.6.2", day=day)
        made.results[-1]["result"].pop()
        made.trace(3, "30.0.2.200", f"lan own {way} 30.0.6.3 * far2", day=day)
        made.trace(5, "30.0.2.200", f"lan own {way} 30.0.6.5 far2", day=day)
        made.trace(6, "30.0.2.200", f"lan own {way} 30.0.6.6 far2", day=day)
    made.trace(4, "30.0.2.200", "lan own net11 30.0.6.4 far2", day=2)
    made.trace(4, "30.0.2.200", "lan own gate 30.0.6.4 far2", day=10)
    made.trace(5, "30.0.3.200", "lan own gate 30.0.6.5 far2", day=10)
    traces = made.traces()
    seen = observe(traces, Gazetteer(made.table, HOME), made.table, Policy(), NOW).observations
    moved = {f"Net {i}": FIRST_DAY + dt.timedelta(days=10) for i in range(1, 6)}
    gate = Node("organisation", "Gate")
    assert behind_the_border(seen, Blocks(seen), gate, moved, 7) == Behind(same=1, of=1)


def test_without_an_alarm_nothing_is_compared() -> None:
    """The key is there all the same."""
    verdict = changed("lan own gate 30.0.6.{i} far2", "lan own gate 30.0.6.{i} far2").judge()
    assert verdict.fields["timeline"]["behind"] is None


def test_more_than_half_is_most() -> None:
    """Half is not."""
    assert [Behind(same, 4).mostly_same for same in (2, 3)] == [False, True]
    assert not Behind(0, 0).mostly_same
