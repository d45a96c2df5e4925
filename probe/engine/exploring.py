"""Looking for the parallel paths of a trace that is finished: its `Work` for the session.

Joins an `Enumeration`, which decides by TTL and flow, with the answers. It is told of time, and
knows no clock, no socket and no pace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.record import Reply

if TYPE_CHECKING:
    from probe.engine.horizon import Horizon
    from probe.engine.multipath import Enumeration
    from probe.engine.tracing import Seen, Sent, Task, Wanted
    from probe.network import Answer
    from probe.record import Trace


class Exploring:
    """The `Work` of enumerating the nodes and links of a path; ``traced`` is the trace of it.

    ``horizon`` is that of the run: hops near by are on all paths, and left alone by their TTL; of
    those farther on each router by its address.
    """

    __slots__ = ("due", "enumeration", "horizon", "open", "probes", "queued", "task", "traced")

    def __init__(
        self, task: Task, traced: Trace, enumeration: Enumeration, horizon: Horizon
    ) -> None:
        self.task = task
        self.traced = traced
        self.enumeration = enumeration
        self.horizon = horizon
        self.probes: list[Sent] = []
        self.open: list[Sent] = []
        self.queued = False
        self.due: float | None = None

    @property
    def over(self) -> bool:
        return self.enumeration.done

    def next(self) -> Wanted | None:
        wanted = self.enumeration.next_probe(self.asked_at)
        return None if wanted is None else (*wanted, self.task.method)

    def sent(self, probe: Sent) -> None:
        self.probes.append(probe)
        self.horizon.searched(probe.ttl, self.enumeration.heard_at(probe.ttl))
        self.enumeration.sent(probe.ttl, probe.flow)

    def asked_at(self, ttl: int) -> int:
        horizon = self.horizon
        if ttl < self.enumeration.alone_from:
            return horizon.asked[ttl]
        traced = horizon.traced[ttl]
        heard = self.enumeration.heard_at(ttl)
        return max([traced, *(horizon.asked_of.get(address, traced) for address in heard)])

    def patience(self, ttl: int) -> float:
        return max(self.enumeration.patience(ttl), self.horizon.lateness)

    def answered(self, probe: Sent, answer: Answer) -> bool:
        if probe.reply is not None:
            if not probe.reply.is_star:
                return False
            self.horizon.came_late(answer.rtt)
        probe.reply = Reply(answer.address, answer.rtt * 1000.0)
        self.enumeration.answered(probe.ttl, probe.flow, answer.address, answer.kind, answer.rtt)
        return True

    def lost(self, probe: Sent) -> None:
        probe.reply = Reply()
        self.enumeration.lost(probe.ttl, probe.flow)

    def trace(self, _: Seen, *, began: float, ended: float, error: str | None) -> Trace:
        """The trace with what was found; an ``error`` on the way ends the search, not the trace."""
        traced = self.traced
        notes = traced.notes
        if error is not None:
            self.enumeration.when_broken_off()
            notes = (*notes, f"multipath: {error}")
        return traced._replace(
            endtime=traced.endtime + ended - began,
            probes=(traced.probes or 0) + len(self.probes),
            multipath=self.enumeration.graph(),
            notes=notes,
        )
