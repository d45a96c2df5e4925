"""Plays the networks in ``tests/scenarios-multipath``: enumerates the paths of many flows at once.

As with single traces (`tests.harness.playing`) the same files are played in memory and with real
packets, so driving an enumeration and reading what a file states of nodes and links stand here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import trio

from probe.network import Method, Network, Probe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe.engine.multipath import Enumeration
    from probe.graph import Graph

SCENARIOS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[1] / "scenarios-multipath").glob("*.toml"))
}

Step = tuple[int, str | None, str | None]


async def drive(
    network: Network,
    path: Enumeration,
    target: str,
    interval: float = 0.001,
    method: Method = Method.UDP,
) -> list[tuple[float, int, int]]:
    """Play an enumeration over a network, one probe an interval; says when what was sent."""
    sent: dict[int, tuple[int, int, float]] = {}
    log: list[tuple[float, int, int]] = []
    due = trio.current_time()
    while not path.done:
        now = trio.current_time()
        for token, (ttl, flow, deadline) in list(sent.items()):
            if deadline <= now:
                del sent[token]
                network.forget(token)
                path.lost(ttl, flow)
        while due <= now and (probe := path.next_probe()) is not None:
            ttl, flow = probe
            log.append((now, ttl, flow))
            network.send(Probe(target, ttl, flow, method, len(log)))
            path.sent(ttl, flow)
            sent[len(log)] = (ttl, flow, now + path.patience(ttl))
            due = now + interval
        wake = min((deadline for _, _, deadline in sent.values()), default=now + interval)
        with trio.move_on_at(min(wake, due) if path.next_probe() else wake):
            await network.wait()
        for answer in network.drain():
            ttl, flow, _ = sent.pop(answer.token)
            path.answered(ttl, flow, answer.address, answer.kind, answer.rtt)
    return log


def nodes_of(graph: Graph) -> list[list[str]]:
    """The addresses found, hop by hop, as scenario files write them."""
    return [[node.address or "*" for node in level.nodes] for level in graph.levels]


def links_of(graph: Graph) -> set[Step]:
    return {(link.ttl, link.near, link.far) for link in graph.links}


def stated_links(first: int, steps: Iterable[Iterable[str]]) -> set[Step]:
    """Links of a scenario file: each of the nodes before ``>`` to each of those behind it."""

    def read(names: str) -> list[str | None]:
        return [None if name == "*" else name for name in names.split()]

    return {
        (ttl, near, far)
        for ttl, step in enumerate(steps, first)
        for stated in step
        for near in read(stated.partition(">")[0])
        for far in read(stated.partition(">")[2])
    }
