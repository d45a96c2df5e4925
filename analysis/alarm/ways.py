"""What the paths of each day tell of the nodes at home: by whom they left, and whose silence it is.

A silent hop may be anybody. The interface abroad that a path goes on over tells: behind some nodes
it is seen, and behind others never. What leaves it open says nothing. When a vantage point moved is
not known here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Container, Hashable, Iterable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.evidence.votes import TOLERANCE
from analysis.owners.operators import Node
from analysis.paths.crossing import RESOLVED
from analysis.policy import Policy

Place = TypeVar("Place", bound=Hashable)


class Way(NamedTuple):
    """What a known crossing tells: the nodes it passes, whether a hop at home is silent, the first
    interface abroad, and the nodes of which it leaves open whether they are on the way out."""

    nodes: tuple[Node, ...]
    gap: bool
    interface: str | None
    unsaid: tuple[Node, ...] = ()


# A destination and the protocol by which it was traced to: another one may go another way.
End = tuple[str, str]

# Of one vantage point: day → end → way → traces.
Days = dict[dt.date, dict[End, dict[Way, int]]]


def days_of_vantages(
    observations: Iterable[Observation], blocks: Blocks
) -> dict[str, dict[str, Days]]:
    """Organisation → vantage → its days."""
    grouped: dict[str, dict[str, list[tuple[Observation, int]]]] = {}
    numbers: dict[int, int] = {}
    known: dict[Way, int] = {}
    for seen in observations:
        crossing = seen.crossing
        if crossing is None or crossing.state not in RESOLVED:
            continue
        number = numbers.get(id(crossing))
        if number is None:
            nodes = tuple(blocks.nodes(crossing.strict))
            unsaid = tuple(blocks.nodes(crossing.unsaid))
            way = Way(nodes, crossing.gap, crossing.first_foreign, unsaid)
            number = numbers[id(crossing)] = known.setdefault(way, len(known))
        of_vantages = grouped.setdefault(seen.organisation, {})
        of_vantages.setdefault(seen.vantage, []).append((seen, number))
    ways = _Shared(known)
    return {
        organisation: {
            vantage: _days(of_vantage, ways) for vantage, of_vantage in of_vantages.items()
        }
        for organisation, of_vantages in grouped.items()
    }


class _Shared:
    """What traces of a day passed, one object for all that are equal: most days are like others."""

    def __init__(self, numbers: Iterable[Way]) -> None:
        self._ways = list(numbers)
        self._known: dict[tuple[tuple[int, int], ...], dict[Way, int]] = {}

    def counted(self, traces: Mapping[int, int]) -> dict[Way, int]:
        """How many traces each way has, of how many each number has."""
        said = tuple(traces.items())
        found = self._known.get(said)
        if found is None:
            found = self._known[said] = {self._ways[number]: count for number, count in said}
        return found


def _days(of_vantage: Iterable[tuple[Observation, int]], ways: _Shared) -> Days:
    counted: dict[dt.date, dict[End, dict[int, int]]] = {}
    for seen, number in of_vantage:
        for day, traces in seen.daily():
            there = counted.setdefault(day, {}).setdefault((seen.destination, seen.proto), {})
            there[number] = there.get(number, 0) + traces
    return {
        day: {end: ways.counted(there) for end, there in ends.items()}
        for day, ends in counted.items()
    }


def exits(ways: Mapping[Way, int], apart: Collection[Node]) -> Iterator[tuple[Node | None, float]]:
    """By whom those ways left that tell it, None for the organisation itself, and their share.

    ``ways`` are those of one key, day and destination: it has one vote, however many traces. Of
    those ``apart`` only the numbers are on the ways: nobody leaves by them.
    """
    cast = sum(ways.values())
    for way, traces in ways.items():
        nodes = [node for node in way.nodes if node not in apart]
        if nodes or not (way.gap or way.unsaid):
            yield nodes[-1] if nodes else None, traces / cast


def otherwise(policy: Policy) -> float:
    """The share of days that may say otherwise; 1 − 0.8 is less than 1/5 in binary."""
    return round(1 - policy.alarm_hold, 9)


class _Seen(Generic[Place]):
    """Which nodes are seen at places, and what tells that others are not."""

    def __init__(self) -> None:
        self._shown: dict[Place, dict[Node, float]] = defaultdict(lambda: defaultdict(float))
        # What tells who is not there, and of that what says nothing of a node.
        self._telling: dict[Place, float] = defaultdict(float)
        self._not_against: dict[Place, dict[Node, float]] = defaultdict(lambda: defaultdict(float))

    def show(self, place: Place, node: Node, share: float) -> None:
        self._shown[place][node] += share

    def tell(self, place: Place, share: float, but: Iterable[Node]) -> None:
        """That nobody is there, ``but`` perhaps these."""
        self._telling[place] += share
        for node in but:
            self._not_against[place][node] += share

    def hardly(self, place: Place, node: Node, most: float) -> bool:
        """Whether at most the share ``most`` of what tells of a node there shows it."""
        shown = self._shown.get(place, {}).get(node, 0.0)
        not_against = self._not_against.get(place, {}).get(node, 0.0)
        against = self._telling.get(place, 0.0) - not_against
        return shown <= most * (shown + against) + TOLERANCE


class InterfacesAbroad:
    """Which interfaces abroad are seen behind which nodes, over the whole time."""

    def __init__(self, counted: Iterable[Mapping[Way, int]], policy: Policy) -> None:
        self._most = otherwise(policy)
        self._known: set[str] = set()
        # The last node before an interface; and those that ways show besides certain others.
        self._last: _Seen[str] = _Seen()
        self._besides: _Seen[tuple[str, tuple[Node, ...]]] = _Seen()
        for ways in counted:
            cast = sum(ways.values())
            for way, traces in ways.items():
                if way.interface is not None and (way.nodes or not way.gap):
                    self._add(way, way.interface, traces / cast)

    def _add(self, way: Way, interface: str, share: float) -> None:
        self._known.add(interface)
        last = way.nodes[-1:]
        for node in last:
            self._last.show(interface, node, share)
        self._last.tell(interface, share, but={*last, *way.unsaid})
        for node in way.nodes:
            others = tuple(other for other in way.nodes if other != node)
            self._besides.show((interface, others), node, share)
        if not way.gap:
            self._besides.tell((interface, way.nodes), share, but=way.unsaid)

    def elsewhere(self, way: Way, node: Node) -> bool:
        """Whether a silent hop of a way is somebody else, by the interface it goes on over.

        That is at no time seen behind the node; nor, where the way shows others, behind these and
        the node.
        """
        if way.interface is None:
            return False
        place = way.interface, way.nodes
        return self._last.hardly(way.interface, node, self._most) and (
            not way.nodes or self._besides.hardly(place, node, self._most)
        )

    def known(self, interface: str | None) -> bool:
        """Whether anybody was ever seen before an interface."""
        return interface in self._known


def passes_node(
    ways: Mapping[Way, int],
    node: Node,
    interfaces: InterfacesAbroad,
    former: Container[str | None] | None,
) -> bool | None:
    """Whether most traces of a day to one destination pass a node; None where all leave it open.

    A silent hop may be the node, unless the path goes on over a link of somebody else's. A link
    before which nobody was ever seen is not the node's as long as that was not passed. Afterwards
    it may be, for the node may have routers that never answer, unless paths to the destination went
    over it before. ``former`` are the interfaces abroad of these paths, None as long as the node
    was not passed.
    """
    shown = told = 0
    for way, traces in ways.items():
        if node in way.nodes:
            shown += traces
            told += traces
        elif node in way.unsaid:
            continue
        elif not way.gap or (
            interfaces.elsewhere(way, node)
            and (former is None or way.interface in former or interfaces.known(way.interface))
        ):
            told += traces
    return 2 * shown > told if told else None
