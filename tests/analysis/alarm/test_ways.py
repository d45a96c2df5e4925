"""What the interface behind a silent hop tells of who that hop is."""

from __future__ import annotations

import pytest

from analysis.alarm.ways import InterfacesAbroad, Way, exits
from analysis.owners.operators import Node
from analysis.policy import Policy

GATE = Node("organisation", "Gate")
NET12 = Node("organisation", "Net 12")


def test_no_key_outvotes_the_others_by_its_number_of_traces() -> None:
    """Of a link that fifteen days show behind Gate, a flood of traces on one does not say more."""
    ours = Way((GATE,), gap=False, interface="30.0.7.1")
    flood = Way((NET12,), gap=False, interface="30.0.7.1")
    interfaces = InterfacesAbroad([{ours: 1}] * 15 + [{flood: 300}], Policy())
    silent = Way((), gap=True, interface="30.0.7.1")
    assert not interfaces.elsewhere(silent, GATE)
    assert interfaces.elsewhere(silent, NET12)


@pytest.mark.parametrize(("behind", "past", "elsewhere"), [(1, 4, True), (2, 7, False)])
def test_a_link_that_hardly_any_day_shows_behind_a_node_is_somebody_elses(
    behind: int, past: int, *, elsewhere: bool
) -> None:
    """One day of five is 20%, two of nine are more."""
    over = Way((GATE,), gap=False, interface="30.0.7.1")
    direct = Way((), gap=False, interface="30.0.7.1")
    interfaces = InterfacesAbroad([{over: 1}] * behind + [{direct: 1}] * past, Policy())
    assert interfaces.elsewhere(Way((), gap=True, interface="30.0.7.1"), GATE) is elsewhere


def test_silence_before_a_link_tells_of_nobody() -> None:
    """Nine silent days do not say that Gate, which the tenth shows, is not there."""
    over = Way((GATE,), gap=False, interface="30.0.7.1")
    silent = Way((), gap=True, interface="30.0.7.1")
    nowhere = Way((GATE,), gap=False, interface=None)
    interfaces = InterfacesAbroad([{over: 1}, *[{silent: 1}] * 9, {nowhere: 1}], Policy())
    assert not interfaces.elsewhere(silent, GATE)
    assert not interfaces.elsewhere(silent._replace(interface=None), GATE)
    assert interfaces.known("30.0.7.1")
    assert not interfaces.known(None)
    assert not InterfacesAbroad([{silent: 1}], Policy()).known("30.0.7.1")


def test_by_whom_the_ways_of_a_day_left() -> None:
    """The last node at home, or nobody; what leaves it open is no vote for either."""
    ways = {
        Way((NET12, GATE), gap=False, interface=None): 2,
        Way((), gap=False, interface=None): 4,
        Way((), gap=True, interface=None): 1,
        Way((), gap=False, interface=None, unsaid=(GATE,)): 1,
    }
    assert list(exits(ways, apart=())) == [(GATE, 0.25), (None, 0.5)]
    assert list(exits(ways, apart={GATE})) == [(NET12, 0.25), (None, 0.5)]
