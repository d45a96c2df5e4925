"""Whose router stands before an interface abroad, as all paths over that link say together.

A border router often answers with an address of its neighbour: the customer's or the carrier's
block numbers the link, or the answer leaves by another interface. The interface behind it does not
suffer from that: a router answers with the address of the link that a probe came in by, so one
interface means one link, and one link has one router at its other end. Where the paths of several
other organisations agree on who that is, a path that shows silence or somebody else there is read
as they say. The idea is that of MAP-IT (Marder and Smith, IMC 2016) and bdrmapIT (Marder et al.,
IMC 2018). Nothing is said of an interface that was not itself measured on the path, and nobody's
own traces convince him that others are in his way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from analysis.owners.numbering import is_commonplace
from analysis.owners.operators import Node, Sight
from analysis.paths.path import Frame, Step
from analysis.policy import Policy


def _names_a_link(step: Step, destination: str) -> bool:
    """Whether the step is an interface abroad at the end of a link between two routers."""
    return (
        step.sight is not None
        and not step.own
        and step.sight.place == "abroad"
        and step.sight.node.kind == "organisation"
        and step.address != destination
    )


def _may_stand_before(sight: Sight) -> bool:
    """Whether whoever answers like this can be the near end of a link that leaves the country."""
    if sight.node.kind == "unmapped":
        return sight.special is not None and not is_commonplace(sight.node.name)
    return sight.node.kind == "organisation" and sight.place == "home"


def far_ends(frame: Frame) -> tuple[tuple[int, str], ...]:
    """The interfaces at the far end of a link, each with the index of the step before it.

    These are the first step abroad and the next, since the first may be the misnumbered one. No
    step but those before them is ever read otherwise than the table has it.
    """
    outer = next((i for i, s in enumerate(frame.steps) if s.sight and s.sight.place == "abroad"), 0)
    return tuple(
        (index, step.address)
        for index, step in enumerate(frame.steps[outer : outer + 2], start=outer - 1)
        if index >= 0 and step.address and _names_a_link(step, frame.destination)
    )


class Sighting(NamedTuple):
    """A frame and the period it was seen in (a number; links are learnt for each by itself)."""

    frame: Frame
    period: int


class Change(NamedTuple):
    """The step of this number, from 0, belongs to whoever is seen there on other paths."""

    step: int
    sight: Sight


class Links:
    """Who stands before each interface abroad, learnt from sightings and how often each was made.

    Networks are rewired, so a link is known for one period only, and an organisation whose traces
    of a period disagree has no vote in it.
    """

    def __init__(self, sightings: Mapping[Sighting, int], policy: Policy) -> None:
        self._policy = policy
        self._sights: dict[Node, Sight] = {}
        self._ends: dict[Frame, tuple[tuple[int, str], ...]] = {}
        # (interface, period) → organisation → node right before it → traces; a silent hop there
        # makes an empty entry.
        shown: dict[tuple[str, int], dict[str, Counter[Node]]] = {}
        for (frame, period), traces in sightings.items():
            for index, interface in self._ends_of(frame):
                seen = shown.setdefault((interface, period), {})
                nodes = seen.setdefault(frame.organisation, Counter())
                step = frame.steps[index]
                if (node := _node_of(step, frame)) is not None:
                    nodes[node] += traces
                if step.sight is not None and _may_stand_before(step.sight):
                    self._sights.setdefault(step.sight.node, step.sight)
        self._votes = {
            link: {name: self._vote(nodes) for name, nodes in seen.items()}
            for link, seen in shown.items()
        }
        self._before: dict[tuple[str, int, str], tuple[Node | None, Node | None]] = {}
        self._changes: dict[Sighting, tuple[Change, ...]] = {}

    def _ends_of(self, frame: Frame) -> tuple[tuple[int, str], ...]:
        ends = self._ends.get(frame)
        if ends is None:
            ends = self._ends[frame] = far_ends(frame)
        return ends

    def _vote(self, nodes: Counter[Node]) -> Node | None:
        share = self._policy.link_vote * nodes.total()
        return next((node for node, traces in nodes.items() if traces >= share), None)

    def before(
        self, interface: str, period: int, organisation: str
    ) -> tuple[Node | None, Node | None]:
        """Whose router the others see right before an interface, and whose the organisation does.

        The others must be ``link_organisations`` at least, ``link_share`` of those that see
        anybody at home there, and more than half of all whose paths pass the interface.
        """
        key = (interface, period, organisation)
        if key not in self._before:
            votes = self._votes.get((interface, period), {})
            others = [node for name, node in votes.items() if name != organisation]
            self._before[key] = self._agreed(others), self._known(votes.get(organisation))
        return self._before[key]

    def _known(self, node: Node | None) -> Node | None:
        return node if node in self._sights else None

    def _agreed(self, others: Sequence[Node | None]) -> Node | None:
        # Somebody abroad there is the carrier's address, or the inside of its network: no vote.
        votes = Counter(node for node in others if node in self._sights)
        if not votes:
            return None
        node, count = min(votes.items(), key=lambda vote: (-vote[1], vote[0]))
        enough = (
            count >= self._policy.link_organisations
            and count >= self._policy.link_share * votes.total()
            and 2 * count > len(others)
        )
        return node if enough else None

    def changes(self, sighting: Sighting) -> tuple[Change, ...]:
        """Where the steps of a frame are to be read otherwise than the table has them."""
        known = self._changes.get(sighting)
        if known is None:
            known = self._changes[sighting] = tuple(self._find(sighting))
        return known

    def _find(self, sighting: Sighting) -> Iterator[Change]:
        frame, period = sighting
        for index, interface in self._ends_of(frame):
            agreed, own = self.before(interface, period, frame.organisation)
            shown = _node_of(frame.steps[index], frame)
            third = own is not None and own != Node("organisation", frame.organisation)
            if third and own != agreed:
                # Its own traces agree on a third network: that is no neighbour's address.
                agreed = None
            node = agreed or (own if shown is None else None)
            if node is not None and node != shown:
                yield Change(index, self._sights[node])


def _node_of(step: Step, frame: Frame) -> Node | None:
    """Whose router a step shows; None where it is silent."""
    if step.own:
        return Node("organisation", frame.organisation)
    return step.sight.node if step.sight is not None else None


def changed_steps(
    steps: Sequence[Step], changes: Iterable[Change], organisation: str
) -> tuple[Step, ...]:
    """An organisation's steps with the changes made; what the table said is kept beside them."""
    changed = list(steps)
    own = Node("organisation", organisation)
    for index, sight in changes:
        step = changed[index]
        changed[index] = step._replace(sight=sight, own=sight.node == own, said=step.sight)
    return tuple(changed)
