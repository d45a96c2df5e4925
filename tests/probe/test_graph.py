"""What becomes of parallel paths when their addresses are written in another way."""

from __future__ import annotations

from probe.graph import Graph, Level, Link, Node


def test_silent_routers_stay_and_those_that_may_not_be_named_are_left_out() -> None:
    """Who is left out takes the links with it, and an empty hop; who become one share flows."""
    hidden, silent = Node("10.0.0.9", (1,)), Node(None, (1,))
    near, nearer = Node("a", (9,)), Node("aa", (3,))
    graph = Graph(
        (
            Level(2, (hidden,), True, False),
            Level(3, (silent, hidden, near, nearer), False, True),
            Level(4, (Node("b", (1, 3, 9)),), False, False),
        ),
        (
            Link(2, hidden.address, silent.address, (1,)),
            Link(3, silent.address, "b", (1,)),
            Link(3, hidden.address, "b", (1,)),
            Link(3, near.address, "b", (9,)),
            Link(3, nearer.address, "b", (3,)),
        ),
        9,
        0.05,
    )

    def rename(address: str, ttl: int) -> str | None:
        return None if address == hidden.address else f"{address[0]}{ttl}"

    assert graph.renamed(rename) == Graph(
        (
            Level(3, (silent, Node("a3", (3, 9))), False, True),
            Level(4, (Node("b4", (1, 3, 9)),), False, False),
        ),
        (Link(3, None, "b4", (1,)), Link(3, "a3", "b4", (3, 9))),
        9,
        0.05,
    )
