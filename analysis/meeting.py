"""Whether those who pass a network meet there, or go side by side through numbers of its name.

A table names who announces an address. An incumbent announces blocks of which its rivals were given
parts, and its numbers stand on the lines that it leases to them: each then shows numbers of its
own, and leaves over a link of its own. At a router of one operator, or right behind it, customers
come by the same addresses. What becomes of a network where they do not is not decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile

from analysis.crossing import Crossing, way_on
from analysis.observation import Observation, by_vantage_days
from analysis.operators import Node, Passage, mostly_together
from analysis.path import Frame, Step


def meet_there(node: Node, observations: Iterable[Observation], others: int) -> bool:
    """Whether half of the organisations that pass a node on their ways abroad do so together.

    They do if to half of their destinations they show, on half of the traces that pass the node, an
    address of it, or the one behind it, by which so many ``others`` come as well. An organisation
    that comes to the node through another one of them is no other beside that one: it is that one's
    addresses that it shows.
    """
    return _together(
        node,
        [
            (seen, seen.crossing.strict, _addresses(node, seen.path.frame, seen.crossing))
            for seen in observations
            if seen.crossing is not None and node in seen.crossing.strict
        ],
        others,
    )


def meet_at_home(
    node: Node, passing: Iterable[tuple[Observation, Sequence[Node]]], others: int
) -> bool:
    """Whether half of the organisations that pass a node on their ways at home do so together.

    As abroad; ``passing`` are those ways, each with the nodes between. The destination's own border
    is no address that tells: everybody comes to it by that one, whoever stands before it.
    """
    ways = [(seen, between, _addresses_at_home(node, seen)) for seen, between in passing]
    return _together(node, ways, others)


def _together(
    node: Node, ways: Sequence[tuple[Observation, Sequence[Node], list[str]]], others: int
) -> bool:
    """``ways`` are those that pass the node: the nodes of each, and the addresses that tell."""
    members = {seen.organisation for seen, _, _ in ways}
    telling = [way for way in ways if way[2]]
    weights = by_vantage_days([seen for seen, _, _ in telling])
    return mostly_together(
        [
            Passage(
                seen.organisation,
                seen.destination,
                tuple(addresses),
                _over(node, seen.organisation, nodes, members),
                weight,
            )
            for (seen, nodes, addresses), weight in zip(telling, weights, strict=True)
        ],
        others,
    )


def _over(node: Node, own: str, nodes: Sequence[Node], members: Collection[str]) -> str:
    """The last member before a node: the vantage point's own organisation, or one on its way."""
    before = nodes[: nodes.index(node)]
    over = [one.name for one in before if one.kind == "organisation" and one.name in members]
    return [own, *over][-1]


def _addresses(node: Node, frame: Frame, crossing: Crossing) -> list[str]:
    """The addresses of a node on a path, and the one right behind it.

    A port of an exchange is none: it is the peer's, whoever comes. Where it is other paths that say
    that the node stands there, the interface behind is what they have in common.
    """
    at = [
        i
        for i, step in enumerate(frame.steps)
        if step.sight is not None and step.sight.node == node and not step.own
    ]
    if not at:
        found = [crossing.first_foreign]
    else:
        on = way_on(frame.steps[at[-1] + 1 :], frame.destination)
        found = [
            *(frame.steps[i].address for i in at),
            on.address if on and not _is_port(on) else None,
        ]
    return [address for address in found if address is not None]


def _addresses_at_home(node: Node, seen: Observation) -> list[str]:
    """The addresses of a node between two networks, and the one right behind it, if that is of a
    third."""
    target = Node("organisation", seen.destination_organisation)
    steps = list(
        takewhile(lambda step: step.sight is None or step.sight.node != target, seen.steps)
    )
    at = [i for i, step in enumerate(steps) if step.sight is not None and step.sight.node == node]
    on = way_on(steps[at[-1] + 1 :], seen.destination)
    found = [*(steps[i] for i in at), *([on] if on is not None and not _is_port(on) else [])]
    return [step.address for step in found if step.address is not None]


def _is_port(step: Step) -> bool:
    return step.sight is not None and step.sight.node.kind == "exchange"
