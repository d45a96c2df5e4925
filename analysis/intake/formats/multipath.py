"""Parallel paths as records have them, decoded straight into fields of fixed types.

They say nothing to a verdict; but a line or a row is none where they are not what
`probe.graph.to_json` writes. What they mean is known there.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class _Node(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    flows: list[int]
    address: str | None = msgspec.field(name="from")


class _Level(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    hop: int
    complete: bool
    per_packet: bool
    nodes: list[_Node]


class _Link(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    hop: int
    flows: list[int]
    near: str | None = msgspec.field(name="from")
    far: str | None = msgspec.field(name="to")


class Graph(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The parallel paths of one record."""

    failure: float
    probes: int
    levels: list[_Level]
    links: list[_Link]

    def addresses(self) -> Iterator[str]:
        """The text of each address in it, as often as it stands there."""
        named = [node.address for level in self.levels for node in level.nodes]
        named += [end for link in self.links for end in (link.near, link.far)]
        return (address for address in named if address is not None)
