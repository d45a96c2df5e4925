"""What the interface behind a silent hop tells of who that hop is."""

from __future__ import annotations

from analysis.operators import Node
from analysis.policy import Policy
from analysis.ways import Links, Way

GATE = Node("organisation", "Gate")


def test_no_key_outvotes_the_others_by_its_number_of_traces() -> None:
    """Of a link that fifteen days show behind Gate, a flood of traces on one does not say more."""
    ours = Way((GATE,), gap=False, interface="30.0.7.1")
    flood = Way((Node("organisation", "Net 12"),), gap=False, interface="30.0.7.1")
    links = Links([{ours: 1}] * 15 + [{flood: 300}], Policy())
    silent = Way((), gap=True, interface="30.0.7.1")
    assert not links.elsewhere(silent, GATE)
    assert links.elsewhere(silent, Node("organisation", "Net 12"))
