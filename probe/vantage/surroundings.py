"""What traces tell of the place they were made in: a captive portal, a new TTL, a carrier's NAT.

Pure: it reads attributed traces, before redaction, and asks nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.network.distance import distance_by_reply
from probe.origin.attribute import majority

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from probe.origin.attribute import Attributor
    from probe.record import Trace

# Nobody else's server stands so few hops away: the first hop is the own router, the second one's
# provider.
NEXT_DOOR = 2

# No farther than this a target may seem to stand that stands elsewhere. Its way back is then longer
# by so many hops as ways there and back through the same networks seldom differ.
_NEAR = 4
_LONGER = 5

# Targets on different continents are not equally far, but for a few milliseconds.
_ALIKE = 0.010
_WITNESSES = 3

# Blocks of addresses that one uses within one's own walls.
_INDOORS = frozenset({"private", "link_local", "ula"})

# By these a router says that it knows no way, as where its own line is down; that is no refusal.
_NO_WAY = frozenset({"N", "H", "h"})


def is_answered_next_door(trace: Trace, organisation: str, origin: Attributor) -> bool:
    """Whether a target of another organisation than the own one was answered for next door.

    So does a gateway that takes packets to whomever for its own, or refuses them: one that first
    wants a login. What a provider refuses is something else, so that only a home's addresses count.
    """
    said = origin.lookup(trace.dst_addr)
    return (
        (trace.reached or _is_refused_indoors(trace))
        and trace.hops[-1].number <= NEXT_DOOR
        and said.special is None
        and said.asn is not None
        and origin.organisation(said.asn) != organisation
    )


def _is_refused_indoors(trace: Trace) -> bool:
    if trace.stop != "unreachable":
        return False
    said = trace.hops[-1].attribution
    codes = {reply.err for reply in trace.hops[-1].replies if reply.err is not None}
    return said is not None and said.special in _INDOORS and bool(codes - _NO_WAY)


def gets_new_ttl(trace: Trace) -> bool:
    """Whether a target only seems to be near, since packets to it get a new TTL on the way.

    A telephone that shares its link may do so, or a router that hides who is behind it. All targets
    then stand right behind it; by the TTL of its answer each is farther. Where a network shows in
    between or a hop is silent, there may be other reasons for that.
    """
    if not trace.reached or trace.hops[-1].number > _NEAR:
        return False
    *before, last = trace.hops
    at_home = all(hop.attribution and hop.attribution.special in _INDOORS for hop in before)
    is_public = last.attribution is not None and last.attribution.special is None
    return (
        at_home
        and is_public
        and any(
            reply.ttl and distance_by_reply(reply.ttl) >= last.number + _LONGER
            for reply in last.replies
        )
    )


def are_answered_alike(traces: Sequence[Trace]) -> bool:
    """Whether all targets answer from one and the same place, with nobody's network in between.

    ``traces`` are the first of a run, to targets spread over the world. A portal may sit farther
    away than next door, as in a hotel or on a campus.
    """
    if len({trace.dst_addr for trace in traces}) < _WITNESSES:
        return False
    distances = {trace.hops[-1].number for trace in traces if trace.reached and trace.hops}
    if len(distances) != 1 or not all(trace.reached for trace in traces):
        return False
    if any(_shows_a_network(trace) for trace in traces):
        return False
    rtts = [rtt for trace in traces if (rtt := _rtt(trace)) is not None]
    return len(rtts) == len(traces) and max(rtts) - min(rtts) <= _ALIKE * 1000


def is_walled_in(traces: Iterable[Trace]) -> bool:
    """Whether nothing answered but addresses of a home, a hotel or an office.

    So it is where packets are dropped, or refused by the gateway, until somebody signs in.
    """
    shown = [
        hop.attribution for trace in traces for hop in trace.hops if hop.attribution is not None
    ]
    return bool(shown) and all(said.special in _INDOORS for said in shown)


def is_cut_off(trace: Trace, nearest: int) -> bool:
    """Whether nothing answered where other paths show the access network first, nor behind it.

    ``nearest`` is the hop at which they do, 0 where none does: then silence there tells nothing.
    """
    return nearest > 0 and all(
        reply.is_star for hop in trace.hops if hop.number >= nearest for reply in hop.replies
    )


def leads_nowhere(traces: Collection[Trace]) -> bool:
    """Whether nothing at all answered, or nothing but the own network."""
    silent = all(reply.is_star for trace in traces for hop in trace.hops for reply in hop.replies)
    return silent or is_walled_in(traces)


def is_behind_carrier_nat(trace: Trace) -> bool:
    """Whether a hop shows the addresses that are set aside for NAT at carriers (RFC 6598)."""
    return any(
        hop.attribution is not None and hop.attribution.special == "cgnat" for hop in trace.hops
    )


def _shows_a_network(trace: Trace) -> bool:
    return any(
        hop.attribution is not None
        and (hop.attribution.asn is not None or hop.attribution.exchange is not None)
        and majority(hop.replies) != trace.dst_addr
        for hop in trace.hops
    )


def _rtt(trace: Trace) -> float | None:
    return min(
        (reply.rtt for reply in trace.hops[-1].replies if reply.rtt is not None), default=None
    )
