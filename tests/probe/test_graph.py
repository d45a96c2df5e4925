"""What becomes of parallel paths when their addresses are written in another way."""

from __future__ import annotations

from probe.graph import Graph, Level, Link, Node


def test_silent_routers_stay_and_those_that_may_not_be_named_are_left_out() -> None:
    """Silence has nothing to hide; who is left out takes the links with it, and an empty hop."""
    graph = Graph(
        (
            Level(2, (Node("10.0.0.9", (1,)),), True, False),
            Level(3, (Node(None, (1,)), Node("10.0.0.9", (2,)), Node("a", (3,))), False, True),
            Level(4, (Node("b", (1, 2, 3)),), False, False),
        ),
        (
            Link(2, "10.0.0.9", None, (1,)),
            Link(3, None, "b", (1,)),
            Link(3, "10.0.0.9", "b", (2,)),
            Link(3, "a", "b", (3,)),
        ),
        9,
        0.05,
    )
    named = graph.renamed(lambda address, ttl: None if address == "10.0.0.9" else f"{address}{ttl}")
    assert named == Graph(
        (
            Level(3, (Node(None, (1,)), Node("a3", (3,))), False, True),
            Level(4, (Node("b4", (1, 2, 3)),), False, False),
        ),
        (Link(3, None, "b4", (1,)), Link(3, "a3", "b4", (3,))),
        9,
        0.05,
    )
