"""Plays the networks in ``tests/scenarios`` over any `Network`, and writes down what was measured.

The same files are played in memory and with real packets, and both must give the same: so the
playing, the notation of the files and what "the same" means stand here, once. What a network
layer cannot see is left out of the comparison by asking the object, never by its name.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probe.engine.measuring import measure
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Answer, Capability, Kind, Method, Network, Probe
from probe.network.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.record import Reply, Trace

SCENARIOS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[1] / "scenarios").glob("*.toml"))
}


class Overheard(Relay):
    """A `Network` that lets all through to another, and remembers what answers meant."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.sent: list[Probe] = []
        self.kinds: dict[int, Kind] = {}
        """By the number of the probe, what its first answer meant."""
        self._number: dict[int, int] = {}

    def send(self, probe: Probe) -> None:
        super().send(probe)
        self._number[probe.token] = len(self.sent)
        self.sent.append(probe)

    def drain(self) -> list[Answer]:
        answers = super().drain()
        for answer in answers:
            self.kinds.setdefault(self._number[answer.token], answer.kind)
        return answers


@dataclass(frozen=True)
class Heard:
    """One reply of a trace, and what it meant; that of stars and duplicates is not noted."""

    reply: Reply
    kind: Kind | None = None

    def __str__(self) -> str:
        """As scenario files write it.

        An address or a star; ``!`` and the code of an unreachable; in brackets ``late``, ``dup``,
        another method than the trace's, and what a router saw or said that is not usual.
        """
        reply = self.reply
        marks = [reply.proto.lower()] if reply.proto else []
        if reply.is_star:
            return "*" + "".join(f"({mark})" for mark in marks)
        marks += ["late"] if reply.late else []
        marks += ["dup"] if reply.duplicate else []
        marks += _oddities(reply)
        err = "" if reply.err is None else f"!{reply.err}"
        return f"{reply.address}{err}" + "".join(f"({mark})" for mark in marks)


def _oddities(reply: Reply) -> Iterator[str]:
    if reply.quoted_ttl == 0:
        yield "quoted ttl 0"
    if reply.quoted_tos:
        yield f"tos {reply.quoted_tos}"
    rewritten = [name for name in reply.changed if name != "tos"]
    if rewritten:
        yield f"changed {' '.join(rewritten)}"
    for found in (reply.extensions or {}).get("obj", ()):
        if "mpls" in found:
            yield "mpls " + " ".join(str(entry["label"]) for entry in found["mpls"])
        else:
            yield f"extension {found['class']}/{found['type']}"


@dataclass(frozen=True)
class Played:
    """One trace of a scenario, as a network layer gave it, and what the file says of it."""

    task: Task
    expected: dict[str, Any]
    trace: Trace
    hops: list[list[Heard]]
    sees: frozenset[Capability]

    def comparable(self, seen: frozenset[Capability]) -> dict[str, Any]:
        """All that must be the same however it was measured, of what both could see."""
        return {
            "stop": self.trace.stop,
            "probes": self.trace.probes,
            "failed": self.trace.error is not None,
            "hops": [[_comparable(heard, seen) for heard in hop] for hop in self.hops],
        }

    def rtts(self) -> dict[tuple[int, int], float]:
        """Milliseconds, by hop and number of the reply."""
        return {
            (hop, nth): heard.reply.rtt
            for hop, replies in enumerate(self.hops, 1)
            for nth, heard in enumerate(replies)
            if heard.reply.rtt is not None
        }


def _comparable(heard: Heard, seen: frozenset[Capability]) -> dict[str, Any]:
    reply = heard.reply
    fields: dict[str, Any] = {
        "address": reply.address,
        "err": reply.err,
        "size": reply.size,
        "late": reply.late is not None,
        "duplicate": reply.duplicate,
        "proto": reply.proto,
        "kind": heard.kind,
    }
    if Capability.REPLY_TTL in seen:
        fields["reply_ttl"] = reply.ttl
    if Capability.QUOTED_TTL in seen:
        fields["quoted_ttl"] = reply.quoted_ttl
    if Capability.QUOTED_TOS in seen:
        fields["quoted_tos"] = reply.quoted_tos
    if Capability.QUOTE in seen:
        fields["changed"] = reply.changed
    if Capability.EXTENSIONS in seen:
        fields["extensions"] = reply.extensions
    return fields


def tasks(text: str) -> Iterator[tuple[Task, dict[str, Any]]]:
    """The traces that a scenario asks for, with what it says of each.

    A ``[[trace]]`` has `target`, and perhaps `method` (by default icmp) and `flow` (0): each may
    be a list, where all combinations are to give the same. `needs` lists capabilities without
    which the trace cannot come out so. What must come out are `hops`, in the notation of `Heard`,
    `stop`, and perhaps `probes`, their number.
    """
    for expected in tomllib.loads(text)["trace"]:
        for flow in _listed(expected.get("flow", 0)):
            for method in _listed(expected.get("method", "icmp")):
                yield Task(expected["target"], None, Method(method), flow), expected


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


async def play(network: Network, text: str) -> list[Played]:
    """Make the traces of a scenario one after the other.

    Left out are those by a method that the network layer does not have, and those that it cannot
    make without the capabilities that `needs` names in the file.
    """
    played = []
    for task, expected in tasks(text):
        method, version = task.method, 6 if ":" in task.target else 4
        if method not in network.methods(version):
            continue
        sees = network.sees(method, version)
        if not sees >= {Capability(name) for name in expected.get("needs", ())}:
            continue
        traces: list[Trace] = []
        overheard = Overheard(network)
        await measure(Session(overheard, [task], SessionSettings(), finished=traces.append))
        [trace] = traces
        played.append(Played(task, expected, trace, _hops(trace, overheard), sees))
    return played


def _hops(trace: Trace, overheard: Overheard) -> list[list[Heard]]:
    """The replies of each hop, in order of their probes, then duplicates."""
    kinds: dict[int, list[Kind | None]] = {}
    for number, probe in enumerate(overheard.sent):
        kinds.setdefault(probe.ttl, []).append(overheard.kinds.get(number))
    return [
        [
            Heard(reply, None if reply.is_star or reply.duplicate else kinds[hop.number][nth])
            for nth, reply in enumerate(hop.replies)
        ]
        for hop in trace.hops
    ]
