"""Answers to the probes of parallel paths: each is told once, be it late."""

from __future__ import annotations

from probe.engine.exploring import Exploring
from probe.engine.horizon import Horizon, Limits
from probe.engine.multipath import Enumeration, MultipathLimits
from probe.engine.tracing import Sent, Task
from probe.network import Answer, Kind, Method
from probe.record import Trace


def made(horizon: Horizon) -> Exploring:
    """The search for the first routers on the way to a target."""
    target, flow = "203.0.113.1", 5
    return Exploring(
        Task(target, None, Method.ICMP, flow),
        Trace(target, 4, "ICMP", 0, 1, (), paris_id=flow),
        Enumeration(MultipathLimits(), 1, 1, flow),
        horizon,
    )


def test_an_answer_that_comes_twice_is_told_once() -> None:
    """The other time it would pass for that of the next probe of its flow."""
    exploring = made(Horizon(Limits()))
    wanted = exploring.next()
    assert wanted is not None
    probe = Sent(exploring, wanted, token=1, at=0.0)
    exploring.sent(probe)
    exploring.lost(probe)
    answer = Answer(1, "192.0.2.1", Kind.TIME_EXCEEDED, 0.5)
    assert [exploring.answered(probe, answer) for _time in range(2)] == [True, False]


def test_what_comes_late_is_waited_for_the_next_time() -> None:
    """On a line with a long queue nobody is asked again whose answer is still on its way."""
    horizon = Horizon(Limits())
    exploring = made(horizon)
    wanted = exploring.next()
    assert wanted is not None
    probe = Sent(exploring, wanted, token=1, at=0.0)
    exploring.sent(probe)
    exploring.lost(probe)
    exploring.answered(probe, Answer(1, "192.0.2.1", Kind.TIME_EXCEEDED, 8.0))
    assert exploring.patience(1) == 10.0
    assert made(horizon).patience(1) == 10.0
