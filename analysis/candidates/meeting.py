"""Whether those who pass a network meet there, or go side by side through numbers of its name.

A table names who announces an address. An incumbent announces blocks of which its rivals were given
parts, and its numbers stand on the lines that it leases to them: each then shows numbers of its
own, and leaves over a link of its own. At a router of one operator, or right behind it, customers
come by the same addresses. What becomes of a network where they do not is not decided here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import cache
from itertools import takewhile, zip_longest
from typing import NamedTuple

from analysis.candidates.blocks import Blocks, before
from analysis.candidates.passages import Passage, as_usual, by_themselves, mostly_together
from analysis.evidence.observation import Observation, by_vantage_days
from analysis.owners.numbering import is_cut
from analysis.owners.operators import Node
from analysis.paths.crossing import Crossing, way_on
from analysis.paths.path import Frame, Step

# Where a network stands before so many of those that pass a node, it is no rival of the others.
_NEARLY_ALL = 0.8

# A way that passes a node, and the nodes between the vantage point and the destination on it.
Passing = tuple[Observation, Sequence[Node]]


def meet_there(
    node: Set[Node], observations: Iterable[Observation], others: int, *, owned: bool = True
) -> bool:
    """Whether half of the organisations that pass a node on their ways abroad do so together.

    ``node`` is itself alone, or all the blocks of one operator.

    They do if to half of their destinations they show, on half of the traces that pass the node, an
    address of it, or the one behind it, by which so many ``others`` come as well. Those that come
    through one network are one with it: it is its addresses that they show. But where nearly all
    come through a network from which nothing was measured, that and the node stand in a row, and
    nothing tells of which of them all are customers.

    ``owned`` tells that its numbers have one owner. Of others the addresses tell nothing, since any
    network may have the same: only what is behind does.
    """
    return mostly_together(_abroad(node, observations, owned=owned), others)


def come_by_themselves(
    node: Set[Node], observations: Iterable[Observation], *, owned: bool = True
) -> frozenset[str]:
    """The organisations that pass a node on ways abroad and share no address there with another.

    As `meet_there` has it. Of these the numbers may be all that is on their ways.
    """
    alone = by_themselves(_abroad(node, observations, owned=owned))
    return frozenset(name for name, is_alone in alone.items() if is_alone)


def _abroad(node: Set[Node], observations: Iterable[Observation], *, owned: bool) -> list[Passage]:
    return _comings(
        node,
        [
            (
                seen,
                seen.crossing.strict,
                _addresses(node, seen.path.frame, seen.crossing, owned=owned),
            )
            for seen in observations
            if seen.crossing is not None and not node.isdisjoint(seen.crossing.strict)
        ],
    )


def given_away(
    blocks: Blocks, observations: Sequence[Observation], others: int
) -> Callable[[Node], bool]:
    """What tells whether only numbers are on the ways abroad of those who do not meet there.

    They may be an owner's, or private ones. Of an exchange it is not asked.
    """

    @cache
    def is_given_away(node: Node) -> bool:
        return node.kind != "exchange" and not meet_there(
            blocks.parts(node), observations, others, owned=blocks.has_one_owner(node)
        )

    return is_given_away


def alone_at(
    blocks: Blocks, observations: Sequence[Observation]
) -> Callable[[Node], frozenset[str]]:
    """What tells who comes to a node by itself; nobody to an exchange."""

    @cache
    def found(node: Node) -> frozenset[str]:
        if node.kind == "exchange":
            return frozenset()
        owned = blocks.has_one_owner(node)
        return come_by_themselves(blocks.parts(node), observations, owned=owned)

    return found


def meet_at_home(node: Set[Node], passing: Iterable[Passing], others: int) -> bool:
    """Whether half of the organisations that pass a node on their ways at home do so together.

    As abroad; ``passing`` are those ways, each with the nodes between. The destination's own border
    is no address that tells: everybody comes to it by that one, whoever stands before it.
    """
    ways = [(seen, between, _addresses_at_home(node, seen)) for seen, between in passing]
    return mostly_together(_comings(node, ways), others)


def joins_ways(node: Set[Node], passing: Iterable[Passing], *, ports: bool = False) -> bool:
    """Whether a node at home has addresses over which ways between different networks go.

    A router has: over one interface a customer comes on its way to all others, over another all
    come on their way to one. A line that two networks lease is on the way from the one to the
    other, whoever is behind them. A border of one network that the node's owner numbers does not
    join ways of different networks either, whatever it answers (see `_joining`). It is asked of
    half of the organisations that pass the node, for half of their destinations, on half of the
    traces that pass it to each. ``ports`` tells that its addresses may be the ports of an exchange,
    at which networks are entered.
    """
    ways = [_across(node, between, seen) for seen, between in passing]
    return mostly_together(
        _passages(
            (way.seen, addresses, " > ".join(way.beside))
            for way, addresses in zip(ways, _joining(ways, ports=ports), strict=True)
        )
    )


class _Across(NamedTuple):
    """A way at home across a node: its addresses there and the next one behind, in order.

    ``beside`` are the organisations before and behind the node, ``there`` how many of the addresses
    are its own. ``straight`` tells that a router of the organisation before answered right before.
    """

    seen: Observation
    beside: tuple[str, str]
    addresses: list[str]
    there: int
    straight: bool


def _across(node: Set[Node], between: Sequence[Node], seen: Observation) -> _Across:
    steps, at = _steps_at_home(node, seen)
    beside = _beside(node, between, seen)
    there = list(dict.fromkeys(_shown(steps[i] for i in at)))
    on = way_on(seen.steps[at[-1] + 1 :], seen.destination) if at else None
    behind = [] if on is None or on.address is None else [on.address]
    if on is not None and _is_port(on):
        # It is the peer's port, and ways that go apart at an exchange do not meet before it.
        behind = [f"{address} from {beside[0]}" for address in behind]
    straight = bool(at) and at[0] > 0 and _is_router_of(beside[0], steps[at[0] - 1])
    return _Across(seen, beside, there + behind, len(there), straight)


def _is_router_of(organisation: str, step: Step) -> bool:
    """Whether a step is a router of an organisation; what is inside the own network is its."""
    return step.own or (
        step.sight is not None and step.sight.node == Node("organisation", organisation)
    )


def _joining(ways: Sequence[_Across], *, ports: bool) -> Iterator[list[str]]:
    """The addresses of the node on each of these ways; what joins none goes by its way's name.

    Three kinds of addresses are no operator's router to whom several networks come:

    - Of which all ways are of one network, some from it and some to it: that is a border of its
      own, which answers with one address whoever asks. Routers answer with the interface by which
      a probe came, and a hub's is on the ways of a customer from it alone, or to it alone. What is
      cut to its block is no such address, since both ends of a link are in it.
    - On ways from one network alone, where nobody else comes by the next address on the way,
      though others come to the network behind over the node as well. At a hub ways of different
      networks come together. At a border they part, each over a line of its own.
    - On ways to one network alone of several, straight from the networks before. It is where that
      network is entered: of a hub the router that they come to would have answered before.
    """
    ends: dict[str, set[tuple[str, str]]] = defaultdict(set)
    sources: dict[str, set[str]] = defaultdict(set)
    for way in ways:
        sources[way.beside[1]].add(way.beside[0])
        for address in way.addresses:
            ends[address].add(way.beside)
    comes = {address: {source for source, _ in pairs} for address, pairs in ends.items()}
    goes = {address: {target for _, target in pairs} for address, pairs in ends.items()}
    borders = {
        address
        for address, pairs in ends.items()
        if not is_cut(address) and _are_of_one(pairs, comes[address])
    }
    for _, beside, addresses, there, straight in ways:
        found = []
        for i, (address, on) in enumerate(zip_longest(addresses[:there], addresses[1 : there + 1])):
            parts = (
                len(comes[address]) == 1
                and on is not None
                and len(comes[on]) == 1
                and len(sources[beside[1]]) > 1
            )
            entered = straight and i == 0 and len(goes[address]) == 1 < len(sources) and not ports
            joins = address not in borders and not parts and not entered
            found.append(address if joins else f"{address} of {' > '.join(beside)}")
        yield found


def _are_of_one(pairs: Set[tuple[str, str]], sources: Set[str]) -> bool:
    """Whether one network is an end of all these ways, of some their source."""
    return any(
        all(source in pair for pair in pairs) and any(pair[1] == source for pair in pairs)
        for source in sources
    )


def _comings(
    node: Set[Node], ways: Sequence[tuple[Observation, Sequence[Node], list[str]]]
) -> list[Passage]:
    """``ways`` are those that pass the node: the nodes of each, and the addresses that tell."""
    passed = [(seen, before(node, nodes)) for seen, nodes, _ in ways]
    in_a_row = _in_a_row(passed) - {seen.organisation for seen, _ in passed}
    over = [
        [seen.organisation, *(name for name in names if name not in in_a_row)][-1]
        for seen, names in passed
    ]
    passages = _passages(
        (seen, addresses, name) for (seen, _, addresses), name in zip(ways, over, strict=True)
    )
    return as_usual(passages)


def _passages(ways: Iterable[tuple[Observation, list[str], str]]) -> list[Passage]:
    """``ways`` are those that pass a node: the addresses of each, and who comes over these."""
    telling = [way for way in ways if way[1]]
    weights = by_vantage_days([seen for seen, _, _ in telling])
    return [
        Passage(seen.organisation, seen.destination, tuple(addresses), over, weight)
        for (seen, addresses, over), weight in zip(telling, weights, strict=True)
    ]


def _in_a_row(passed: Iterable[tuple[Observation, list[str]]]) -> set[str]:
    """Who stands before a node on most traces of nearly all that pass it: no rival of others."""
    traces: Counter[str] = Counter()
    over: dict[str, Counter[str]] = defaultdict(Counter)
    for seen, names in passed:
        traces[seen.organisation] += seen.traces
        for name in names:
            over[name][seen.organisation] += seen.traces
    return {
        name
        for name, counts in over.items()
        if sum(2 * counts[one] > traces[one] for one in counts) >= _NEARLY_ALL * len(traces)
    }


def _beside(node: Set[Node], nodes: Sequence[Node], seen: Observation) -> tuple[str, str]:
    """The organisations before and behind a node on a way at home."""
    at = next(i for i, one in enumerate(nodes) if one in node)
    behind = [one.name for one in nodes[at + 1 :] if one.kind == "organisation"]
    return (
        [seen.organisation, *before(node, nodes)][-1],
        [*behind, seen.destination_organisation][0],
    )


def _addresses(node: Set[Node], frame: Frame, crossing: Crossing, *, owned: bool) -> list[str]:
    """The addresses of a node on a path where they are ``owned``, and the one right behind it.

    A port of an exchange is none: it is the peer's, whoever comes. Where it is other paths that say
    that the node stands there, the interface behind is what they have in common.
    """
    at = [
        i
        for i, step in enumerate(frame.steps)
        if step.sight is not None and step.sight.node in node and not step.own
    ]
    if not at:
        return [crossing.first_foreign] if crossing.first_foreign is not None else []
    there = [frame.steps[i] for i in at] if owned else []
    return _shown([*there, *_behind(frame.steps, at[-1], frame.destination)])


def _addresses_at_home(node: Set[Node], seen: Observation) -> list[str]:
    """The addresses of a node between two networks, and the one right behind it, if that is of a
    third."""
    steps, at = _steps_at_home(node, seen)
    return _shown([*(steps[i] for i in at), *_behind(steps, at[-1], seen.destination)])


def _steps_at_home(node: Set[Node], seen: Observation) -> tuple[list[Step], list[int]]:
    """The steps before the destination's network, and which of them are of a node.

    None before the last hop of the own network is: it carries the line of the vantage point to it.
    """
    target = Node("organisation", seen.destination_organisation)
    steps = list(
        takewhile(lambda step: step.sight is None or step.sight.node != target, seen.steps)
    )
    left = max((i for i, step in enumerate(steps) if step.own), default=-1)
    at = [
        i
        for i, step in enumerate(steps)
        if i > left and step.sight is not None and step.sight.node in node
    ]
    return steps, at


def _behind(steps: Sequence[Step], last: int, destination: str) -> list[Step]:
    """The step right behind the ``last`` one of a node, if it is no port.

    Where the own network shows in between, none is right behind: its border stands there.
    """
    on = way_on(takewhile(lambda step: not step.own, steps[last + 1 :]), destination)
    return [on] if on is not None and not _is_port(on) else []


def _shown(steps: Iterable[Step]) -> list[str]:
    return [step.address for step in steps if step.address is not None]


def _is_port(step: Step) -> bool:
    return step.sight is not None and step.sight.node.kind == "exchange"
