"""What a trace of ours found, in the form in which all tools are compared.

Apart from the other formats, so that a program that is measured loads nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probe.record import Trace


def path(answers: dict[int, str]) -> tuple[str | None, ...]:
    """Addresses by TTL as a path; None where nothing answered.

    >>> path({1: "192.0.2.1", 3: "192.0.2.3"})
    ('192.0.2.1', None, '192.0.2.3')
    """
    return tuple(answers.get(ttl) for ttl in range(1, max(answers, default=0) + 1))


def path_of(trace: Trace) -> tuple[str | None, ...]:
    """The first address that answered at each TTL of one of our own traces."""
    answers: dict[int, str] = {}
    for hop in trace.hops:
        for reply in hop.replies:
            if not reply.is_star:
                answers[hop.number] = reply.address or ""
                break
    return path(answers)


def inferred_in(trace: Trace) -> list[int]:
    """The TTLs at which one of our own traces took over what another had measured."""
    return [hop.number for hop in trace.hops if not hop.measured]
