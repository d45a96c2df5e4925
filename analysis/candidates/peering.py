"""Which nodes look like the peering LAN of an exchange that no list names, by the paths alone.

A router answers with the address of the link that a probe came in by. On a peering LAN that is the
port of the member who is next, whoever hands over to him. At a gateway, as at any network with
customers, it is the link of the customer who hands over, whoever is next. So a node is taken for
a peering LAN where its addresses tell who is next, others who go on to the same member come in by
the same address, and hardly anybody's paths say otherwise. A network of several hops in a row is no
LAN. What becomes of such a node is not decided here.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.evidence.votes import most_common
from analysis.owners.operators import Node
from analysis.paths.path import Frame, Step
from analysis.policy import Policy


class Handover(NamedTuple):
    """One address of a node between two networks: who hands over to it, and who is next."""

    sender: str
    address: str
    next: str


_Shown = Handover | Literal["several hops", "unclear"]
"""What a path shows of a node; ``unclear`` where a hop beside it does not tell whose it is."""

_Traces = Counter[_Shown]


def _may_be_unlisted(step: Step) -> bool:
    """Whether the step may stand for an exchange at home that a list could name."""
    return (
        step.sight is not None
        and not step.own
        and step.sight.node.kind != "exchange"
        and step.sight.special is None
        and step.sight.place != "abroad"
    )


def _handover(before: Node | None, address: str, after: Node | None) -> _Shown:
    if before is None or after is None or before == after:
        return "unclear"
    if before.kind != "organisation" or after.kind != "organisation":
        return "unclear"
    return Handover(before.name, address, after.name)


def _shown(frame: Frame, blocks: Blocks) -> Iterator[tuple[Node, _Shown]]:
    """The nodes of a path that may be exchanges, and what it shows of them."""
    own = Node("organisation", frame.organisation)
    nodes: list[Node | None] = []
    for step in frame.steps:
        node = own if step.own else step.sight.node if step.sight is not None else None
        nodes.append(node and (blocks.node(node) or node))
    for at, step in enumerate(frame.steps):
        node = nodes[at]
        if node is None or step.address is None or not _may_be_unlisted(step):
            continue
        if node == next(filter(None, nodes[at + 1 :]), None):
            yield node, "several hops"
        elif node != next(filter(None, reversed(nodes[:at])), None):
            before = nodes[at - 1] if at else None
            after = nodes[at + 1] if at + 1 < len(nodes) else None
            yield node, _handover(before, step.address, after)


class _Ports:
    """Whose ports the addresses of a node are, if they are ports: what its organisations show."""

    def __init__(self, shown: Iterable[_Traces], share: float) -> None:
        self._share = share
        votes: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
        # How many organisations go on to a network; and over one address, by who hands over.
        self._going: Counter[str] = Counter()
        self._senders: defaultdict[tuple[str, str], Counter[str | None]] = defaultdict(Counter)
        for traces in shown:
            behind: defaultdict[str, Counter[str]] = defaultdict(Counter)
            before: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
            for handover, count in traces.items():
                if isinstance(handover, Handover):
                    behind[handover.address][handover.next] += count
                    before[handover.next, handover.address][handover.sender] += count
            for address, members in behind.items():
                votes[address][most_common(members)] += 1
            for way, senders in before.items():
                self._senders[way][most_common(senders)] += 1
            self._going.update({member for member, _ in before})
        self._owners = {address: most_common(members) for address, members in votes.items()}
        self._coming = {way: senders.total() for way, senders in self._senders.items()}

    def agrees(self, handover: _Shown) -> bool | None:
        """Whether the address is the port of the next network; None where that cannot be told.

        It is if ``share`` of the other organisations that go there come in by it as well, from
        somebody else: a link between two networks has one address too.
        """
        if handover == "unclear":
            return None
        if handover == "several hops" or self._owners[handover.address] != handover.next:
            return False
        others = self._going[handover.next] - 1
        if not others:
            return None
        way = handover.next, handover.address
        elsewhere = self._coming[way] - self._senders[way][handover.sender]
        return elsewhere >= self._share * others


def _met_without(few: int, showing: Collection[set[str]]) -> set[str]:
    """The members that organisations met, without those few that met the most unusual ones.

    Who invents ports to make a gateway look like an exchange is among these.
    """
    meeting = Counter(member for members in showing for member in members)

    def oddity(members: set[str]) -> tuple[float, list[str]]:
        return math.fsum(1 / meeting[member] for member in members), sorted(members)

    return set().union(*sorted(showing, key=oddity)[: max(len(showing) - few, 0)])


class PeeringLans:
    """The nodes that look like the peering LAN of an exchange, of all that was observed.

    ``told`` are those that a longer time tells to be one: few members may be met in a shorter one.
    """

    def __init__(
        self,
        observations: Iterable[Observation],
        blocks: Blocks,
        policy: Policy,
        told: Collection[Node] = (),
    ) -> None:
        self._policy = policy
        self._told = frozenset(told)
        self._known: dict[Node, bool] = {}
        # Of each node, what an organisation's traces to each kind of destination show.
        self._shown: defaultdict[Node, defaultdict[tuple[str, str], _Traces]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        frames: Counter[tuple[str, Frame]] = Counter()
        for seen in observations:
            frames[seen.kind, seen.path.frame] += seen.traces
        for (kind, frame), traces in frames.items():
            for node, shown in _shown(frame, blocks):
                self._shown[node][frame.organisation, kind][shown] += traces

    def __contains__(self, node: Node) -> bool:
        known = self._known.get(node)
        if known is None:
            known = self._known[node] = node in self._told or self._looks_so(
                self._shown.get(node, {})
            )
        return known

    def __iter__(self) -> Iterator[Node]:
        return (node for node in sorted(self._shown) if node in self)

    def _looks_so(self, shown: Mapping[tuple[str, str], _Traces]) -> bool:
        """Whether the organisations meet ``peering_members``, and few show that it is no LAN.

        An organisation shows that if ``peering_share`` of its traces that tell, abroad or at home,
        do; fewer than that share of all may. As many may lie about members, and are not counted.
        """
        together: defaultdict[str, _Traces] = defaultdict(Counter)
        for (organisation, _), traces in shown.items():
            together[organisation] += traces
        ports = _Ports(together.values(), self._policy.peering_share)
        against = {
            organisation
            for (organisation, _), traces in shown.items()
            if self._is_against(ports, traces)
        }
        met = (
            self._met(ports, traces)
            for organisation, traces in together.items()
            if organisation not in against
        )
        showing = [members for members in met if len(members) > 1]
        enough = self._policy.peering_share * len(together)
        members = _met_without(int(enough), showing)
        return len(against) < enough and len(members) >= self._policy.peering_members

    def _met(self, ports: _Ports, traces: _Traces) -> set[str]:
        """The members that an organisation meets at their ports; none where few traces tell."""
        if traces.total() - traces["unclear"] < self._policy.peering_share * traces.total():
            return set()
        return {
            handover.next
            for handover in traces
            if isinstance(handover, Handover) and ports.agrees(handover)
        }

    def _is_against(self, ports: _Ports, traces: _Traces) -> bool:
        votes: Counter[bool | None] = Counter()
        for handover, count in traces.items():
            votes[ports.agrees(handover)] += count
        telling = votes[True] + votes[False]
        return votes[False] > 0 and votes[False] >= self._policy.peering_share * telling
