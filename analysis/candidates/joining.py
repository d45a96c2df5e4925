"""Whether a node at home joins the ways of different networks, as a router of one operator does.

An incumbent's numbers stand on lines that two of its rivals lease, and at their borders: over these
go ways as well, each of one network alone or between the same two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import zip_longest
from typing import NamedTuple

from analysis.candidates.addresses import is_port, shown, steps_at_home
from analysis.candidates.blocks import before
from analysis.candidates.passages import Passing, mostly_together, passages_of
from analysis.evidence.observation import Observation
from analysis.owners.numbering import is_cut
from analysis.owners.operators import Node
from analysis.paths.crossing import way_on
from analysis.paths.path import Step


def joins_ways(node: Set[Node], passing: Iterable[Passing], *, ports: bool = False) -> bool:
    """Whether ways between different networks go over the same addresses of a node at home.

    Over a router they do: over one interface a customer comes on its way to all others, over
    another all come on their way to one. A line that two networks lease is on the ways between
    these two alone, and a border that the node's owner numbers is on the ways of one network alone,
    whatever it answers (see `_joining`).

    It must be so for half of the organisations that pass the node, to half of their destinations,
    on half of the traces that pass it to each. ``ports`` says that the node's addresses may be the
    ports of an exchange, at which networks are entered.
    """
    ways = [_across(node, between, seen) for seen, between in passing]
    return mostly_together(
        passages_of(
            (way.seen, addresses, " > ".join(way.beside))
            for way, addresses in zip(ways, _joining(ways, ports=ports), strict=True)
        )
    )


class _Across(NamedTuple):
    """A way at home across a node: its addresses there and the next one behind, in order.

    ``beside`` are the organisations before and behind the node, ``there`` is how many of the
    addresses are the node's. ``straight`` says that a router of the organisation before the node is
    the hop right before it.
    """

    seen: Observation
    beside: tuple[str, str]
    addresses: list[str]
    there: int
    straight: bool


def _across(node: Set[Node], between: Sequence[Node], seen: Observation) -> _Across:
    steps, at = steps_at_home(node, seen)
    beside = _beside(node, between, seen)
    there = list(dict.fromkeys(shown(steps[i] for i in at)))
    on = way_on(seen.steps[at[-1] + 1 :], seen.destination) if at else None
    behind = [] if on is None or on.address is None else [on.address]
    if on is not None and is_port(on):
        # It is the peer's port, and ways that go apart at an exchange do not meet before it.
        behind = [f"{address} from {beside[0]}" for address in behind]
    straight = bool(at) and at[0] > 0 and _is_router_of(beside[0], steps[at[0] - 1])
    return _Across(seen, beside, there + behind, len(there), straight)


def _is_router_of(organisation: str, step: Step) -> bool:
    """Whether a step is a router of an organisation, as all of the vantage point's own are."""
    return step.own or (
        step.sight is not None and step.sight.node == Node("organisation", organisation)
    )


def _joining(ways: Sequence[_Across], *, ports: bool) -> Iterator[list[str]]:
    """The node's addresses on each of these ways; those that join no ways are made the way's own.

    Three kinds of addresses belong to no router at which ways of several networks join:

    - One whose ways are all of one network, some from it and some to it, is that network's border,
      which answers with one address whoever asks. A hub's router answers with the interface by
      which the probe came, so that a customer's interface is on ways from it alone, or on ways to
      it alone. An address that was cut to its block is not judged so, since both ends of a link are
      in the block.
    - One on ways from one network alone, where nobody else comes by the next address either, though
      others reach the network behind over the node as well. At a hub the ways of different networks
      come together; at a border each goes on over a line of its own.
    - One on ways to one network alone, of several that are reached over the node, right behind a
      router of the network before. That is where the one network is entered: of a hub the router
      that the others come to would have answered before it.
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
    """Whether one network is an end of all these ways: of some the source, of others the target."""
    return any(
        all(source in pair for pair in pairs) and any(pair[1] == source for pair in pairs)
        for source in sources
    )


def _beside(node: Set[Node], nodes: Sequence[Node], seen: Observation) -> tuple[str, str]:
    """The organisations before and behind a node on a way at home."""
    at = next(i for i, one in enumerate(nodes) if one in node)
    behind = [one.name for one in nodes[at + 1 :] if one.kind == "organisation"]
    return (
        [seen.organisation, *before(node, nodes)][-1],
        [*behind, seen.destination_organisation][0],
    )
