"""What was found of a load-balanced path: its nodes, hop by hop, and the links between them.

The form in which multipath probing hands it on and records carry it. Nothing here knows how it was
found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Node(NamedTuple):
    """An interface that answers at a TTL, and the flows that showed it.

    Without an address it stands for the routers there that keep silent, one or several.
    """

    address: str | None
    flows: tuple[int, ...]


class Link(NamedTuple):
    """Flows met `near` at this TTL and `far` at the next one."""

    ttl: int
    near: str | None
    far: str | None
    flows: tuple[int, ...]


class Level(NamedTuple):
    """What stands at one TTL.

    `complete` where the rule was met for each node before this hop, and at all hops before.
    `per_packet` where one flow met different nodes: a balancer on the way spreads packets, not
    flows (or the route changed meanwhile), and nothing can be said on what a flow meets here.
    """

    ttl: int
    nodes: tuple[Node, ...]
    complete: bool
    per_packet: bool


class Graph(NamedTuple):
    """What was found, hop by hop; links that start where packets are spread are not claimed.

    `failure` is the probability allowed of missing a next hop of one node.
    """

    levels: tuple[Level, ...]
    links: tuple[Link, ...]
    probes: int
    failure: float

    def renamed(self, rename: Callable[[str, int], str | None]) -> Graph:
        """The graph with other addresses; those that become one are one node.

        ``rename`` gets address and TTL; where it gives None the node and its links are left out.

        >>> nodes = Node("a1", (1,)), Node("a2", (2,))
        >>> graph = Graph((Level(3, nodes, True, False),), (), 9, 0.05)
        >>> graph.renamed(lambda address, ttl: address[0]).levels[0].nodes
        (Node(address='a', flows=(1, 2)),)
        """

        def named(address: str | None, ttl: int) -> tuple[str | None, bool]:
            new = None if address is None else rename(address, ttl)
            return new, address is None or new is not None

        levels = []
        for level in self.levels:
            nodes: dict[str | None, set[int]] = {}
            for node in level.nodes:
                address, kept = named(node.address, level.ttl)
                if kept:
                    nodes.setdefault(address, set()).update(node.flows)
            found = tuple(Node(address, tuple(sorted(flows))) for address, flows in nodes.items())
            levels.append(Level(level.ttl, found, level.complete, level.per_packet))
        links: dict[tuple[int, str | None, str | None], set[int]] = {}
        for link in self.links:
            near, near_kept = named(link.near, link.ttl)
            far, far_kept = named(link.far, link.ttl + 1)
            if near_kept and far_kept:
                links.setdefault((link.ttl, near, far), set()).update(link.flows)
        return Graph(
            tuple(level for level in levels if level.nodes),
            tuple(Link(*ends, tuple(sorted(flows))) for ends, flows in links.items()),
            self.probes,
            self.failure,
        )


def to_json(graph: Graph) -> dict[str, Any]:
    """The graph as a JSON object, as it stands in records."""
    return {
        "failure": graph.failure,
        "probes": graph.probes,
        "levels": [
            {
                "hop": level.ttl,
                "complete": level.complete,
                "per_packet": level.per_packet,
                "nodes": [
                    {"from": node.address, "flows": list(node.flows)} for node in level.nodes
                ],
            }
            for level in graph.levels
        ],
        "links": [
            {"hop": link.ttl, "from": link.near, "to": link.far, "flows": list(link.flows)}
            for link in graph.links
        ],
    }


def from_json(said: dict[str, Any], address: Callable[[object, str], str]) -> Graph:
    """Read what `to_json` wrote; ``address`` checks one, given where it stands.

    Raises KeyError, TypeError, ValueError, AttributeError or what ``address`` raises where it is
    not that.
    """

    def named(value: object) -> str | None:
        return None if value is None else address(value, "multipath")

    def numbers(values: Iterable[object]) -> tuple[int, ...]:
        return tuple(int(str(value)) for value in values)

    return Graph(
        tuple(
            Level(
                int(level["hop"]),
                tuple(Node(named(node["from"]), numbers(node["flows"])) for node in level["nodes"]),
                bool(level["complete"]),
                bool(level["per_packet"]),
            )
            for level in said["levels"]
        ),
        tuple(
            Link(int(link["hop"]), named(link["from"]), named(link["to"]), numbers(link["flows"]))
            for link in said["links"]
        ),
        int(said["probes"]),
        float(said["failure"]),
    )
