"""What the alarm says to whoever knows every network's way: the limit of its error rates.

The rule of the alarm is applied to the truth of a simulated country instead of to its traces:
nothing is silent and nobody misattributed, but a day on which nobody measured stays empty. No
attribution can do better by the same rule. Knows nothing of packets and reads no trace.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from analysis.alarm.timeline import find_alarm
from analysis.alarm.waves import Wave
from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.owners.operators import Gazetteer, Node
from analysis.paths.crossing import Crossing
from analysis.paths.path import Reader
from analysis.policy import Policy
from analysis.simulated.simulation import Simulated
from analysis.simulated.world import COUNTRY

_DESTINATION = "abroad"  # all destinations are reached by one way, so one stands for them


def _crossings(operators: Iterable[str | None]) -> dict[str | None, Crossing]:
    """The crossing that each operator's network makes, when nothing hides it."""
    nodes = {name: () if name is None else (Node("organisation", name),) for name in set(operators)}
    return {
        name: Crossing("resolved", strict=through, lenient=through, unaided=through)
        for name, through in nodes.items()
    }


def known_alarm(simulated: Simulated, policy: Policy, until: dt.date | None = None) -> Wave | None:
    """The alarm that the true ways of a country raise, by what was known before a day."""
    departures = [seen for seen in simulated.departures if until is None or seen.day < until]
    crossings = _crossings(seen.operator for seen in departures)
    reader = Reader(Gazetteer(simulated.table, COUNTRY))
    observations = [
        Observation(
            kind="international",
            organisation=seen.organisation,
            vantage=seen.vantage,
            family=4,
            proto="ICMP",
            days=(seen.day,),
            counts=(1,),
            destination=_DESTINATION,
            destination_organisation=_DESTINATION,
            destination_class=None,
            path=reader.along((), (), seen.organisation, _DESTINATION),
            crossing=crossings[seen.operator],
        )
        for seen in departures
    ]
    found = sorted({node for crossing in crossings.values() for node in crossing.strict})
    nodes = {node: {node.name} for node in found}
    return find_alarm(observations, Blocks(observations), nodes, policy).alarm
