"""One trace → where it left the country, through whose networks, and how sure that is.

A path is read as a row of steps, each with its address, the node it belongs to, the place that
node's registration gives it, and the smallest RTT. Registration proposes where the border is,
RTT steps may veto it. Hops that were inferred from other traces, late answers and duplicates
are no evidence and count as silence. What many crossings mean together is not decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.operators import Gazetteer, Node, Sight
from analysis.policy import Policy
from probe.record import ATLAS_STATUS_HOP, Hop, Trace

State = Literal["resolved", "bracketed", "ambiguous", "none"]

# Special-use blocks that networks number routers from. The others (loopback, multicast,
# documentation) on a path are noise of a lab or a fault; they count as unmapped all the same.
_INTERIOR = frozenset({"private", "cgnat", "ula", "link_local", "reserved", "documentation"})


@dataclass(frozen=True, slots=True)
class Step:
    """One TTL of a path. Silent steps have neither address nor sight; ``rtt`` is in ms."""

    hop: int
    address: str | None = None
    sight: Sight | None = None
    rtt: float | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Crossing:
    """How one trace left the country.

    ``strict`` are the nodes on the domestic part after the vantage point's own organisation, in
    order of the path and without repetition, as the table names them; ``lenient`` adds what lies
    within one hop of the border and cannot be located. ``exit`` is the last strict node, None
    where the own organisation is its own exit. ``border`` are the hop numbers on both sides.
    ``first_foreign`` is the interface behind the border and ``upstream`` its node. ``blocks``
    are the unmapped blocks among the nodes, each with whether it stands right before the border
    (a silent hop between may be the gateway itself) and the address that answered behind it.
    ``at_home`` tells that the destination answered from within the country (a cache).
    """

    state: State
    strict: tuple[Node, ...] = ()
    lenient: tuple[Node, ...] = ()
    exit: Node | None = None
    border: tuple[int, int] | None = None
    first_foreign: str | None = None
    upstream: Node | None = None
    upstream_asn: int | None = None
    blocks: tuple[tuple[str, bool, str | None], ...] = ()
    behind_exchange: tuple[tuple[str, str], ...] = ()
    at_home: bool = False


def _most_heard(hop: Hop) -> tuple[str | None, float | None, bool]:
    """The address most replies came from, its smallest RTT, and whether anything was heard."""
    if not hop.measured:
        return None, None, False
    replies = [reply for reply in hop.replies if reply.late is None and not reply.duplicate]
    counts = Counter(reply.address for reply in replies if reply.address is not None)
    address = counts.most_common(1)[0][0] if counts else None
    rtts = [reply.rtt for reply in replies if reply.rtt is not None and reply.address == address]
    return address, min(rtts, default=None), bool(rtts) or address is not None


def steps_of(trace: Trace, gazetteer: Gazetteer, own: str) -> list[Step]:
    """The path as steps, one for every TTL up to the last answer; the destination comes once.

    ``own`` is the name of the vantage point's organisation. The home network, private hops
    before the first hop of the own organisation and private hops between two of its hops belong
    to it as well; where none of its hops answers, the home router and carrier-grade NAT do.
    """
    own_node = Node("organisation", own)
    steps: list[Step] = []
    reached = False
    for hop in sorted(trace.hops, key=lambda hop: hop.number):
        if hop.number == ATLAS_STATUS_HOP or reached or hop.number < 1:
            continue
        while hop.number > (steps[-1].hop + 1 if steps else 1):
            steps.append(Step(steps[-1].hop + 1 if steps else 1))
        if steps and hop.number == steps[-1].hop:
            continue
        address, rtt, heard = _most_heard(hop)
        if address is None:
            lan = heard and hop.attribution is not None and hop.attribution.special == "lan"
            steps.append(Step(hop.number, rtt=rtt, own=lan))
            continue
        sight = gazetteer.sight(address)
        steps.append(Step(hop.number, address, sight, rtt, own=sight.node == own_node))
        reached = address == trace.dst_addr
    while steps and steps[-1].address is None and not steps[-1].own:
        steps.pop()
    return _with_access_network(steps)


def _with_access_network(steps: list[Step]) -> list[Step]:
    def private(step: Step) -> bool:
        return step.sight is not None and step.sight.special in _INTERIOR

    own_at = [i for i, step in enumerate(steps) if step.own and step.sight is not None]
    marked = list(steps)
    if own_at:
        inside = range(own_at[-1])
        foreign = [
            i
            for i in inside
            if steps[i].sight is not None and not steps[i].own and not private(steps[i])
        ]
        # A loop (own → other → own) leaves private hops beside the other network undecided.
        limit = (
            own_at[-1] if not foreign else max((i for i in own_at if i < foreign[0]), default=-1)
        )
        own_indices = {i for i in range(limit) if private(steps[i])}
        if foreign and limit < 0:
            own_indices = {i for i in range(foreign[0]) if private(steps[i])}
    else:
        # Nothing of the own network shows: its private hops cannot be told from those of a
        # gateway behind it, so only the home router and carrier-grade NAT are taken for it. A
        # block that no other organisation sees falls out later.
        mapped = next(
            (i for i, s in enumerate(steps) if s.sight is not None and not private(s)), len(steps)
        )
        own_indices = {
            i
            for i in range(mapped)
            if private(steps[i]) and (steps[i].hop == 1 or _is_cgnat(steps[i]))
        }
    for i in own_indices:
        step = steps[i]
        marked[i] = Step(step.hop, step.address, step.sight, step.rtt, own=True)
    return marked


def _is_cgnat(step: Step) -> bool:
    return step.sight is not None and step.sight.special == "cgnat"


def _place(step: Step) -> str | None:
    if step.own:
        return "home"
    return step.sight.place if step.sight is not None else None


def _last_home_rtt(steps: Sequence[Step], before: int) -> float | None:
    for step in reversed(steps[:before]):
        if step.rtt is not None and (_place(step) == "home"):
            return step.rtt
    return None


def _rise(steps: Sequence[Step], at: int) -> float | None:
    """RTT step in ms from the last domestic hop to this one; None where either is unknown."""
    here, there = _last_home_rtt(steps, at), steps[at].rtt
    return None if here is None or there is None else there - here


def find_border(steps: Sequence[Step], policy: Policy) -> int | None:
    """The index of the first step abroad, or None.

    A foreign-registered hop with domestic hops behind it is a foreign-numbered link at home,
    unless the RTT rises by what a way abroad and back demands.
    """
    homes = [i for i, step in enumerate(steps) if _place(step) == "home"]
    last_home = homes[-1] if homes else -1
    for i, step in enumerate(steps):
        if _place(step) != "abroad":
            continue
        if i > last_home:
            return i
        rise = _rise(steps, i)
        if rise is not None and rise >= policy.abroad_step_ms:
            return i
    return None


def _successor(steps: Sequence[Step], at: int, destination: str) -> str | None:
    for step in steps[at + 1 :]:
        if step.address == destination:
            return None
        if step.sight is not None and not step.own and step.sight.special is None:
            return step.address
    return None


def _state(steps: Sequence[Step], border: int) -> State:
    states: tuple[State, State] = ("resolved", "bracketed")
    for state, step in zip(states, reversed(steps[:border]), strict=False):
        if step.own or _is_domestic(step):
            return state
    return "ambiguous"


def _is_domestic(step: Step) -> bool:
    sight = step.sight
    return sight is not None and (sight.place == "home" or sight.special is not None)


def _located_by_rtt(steps: Sequence[Step], at: int, policy: Policy) -> bool:
    rise = _rise(steps, at)
    return rise is not None and rise < policy.home_step_ms


def _domestic_part(
    steps: Sequence[Step], border: int, policy: Policy
) -> tuple[list[int], list[int]]:
    """Indices of the steps that count strictly, and of those that count only leniently."""
    strict, unsure = [], []
    for i, step in enumerate(steps[:border]):
        if step.own or step.sight is None:
            continue
        if _is_domestic(step) or (
            step.sight.node.kind == "unmapped" and _located_by_rtt(steps, i, policy)
        ):
            strict.append(i)
        else:
            unsure.append(i)
    return strict, unsure


def _foreign_router_at_home(steps: Sequence[Step], border: int, policy: Policy) -> bool:
    """Whether the RTT shows that the hop behind the border still stands in the country."""
    if not _located_by_rtt(steps, border, policy):
        return False
    base = steps[border].rtt
    return any(
        step.rtt is not None and base is not None and step.rtt - base >= policy.abroad_step_ms
        for step in steps[border + 1 :]
    )


def _cached_at_home(steps: Sequence[Step], border: int, destination: str, policy: Policy) -> bool:
    last = steps[-1]
    if last.address != destination or last.sight is None:
        return False
    if any(s.sight is not None and s.sight.node != last.sight.node for s in steps[border:]):
        return False
    rise = _rise(steps, len(steps) - 1)
    return rise is not None and rise < policy.home_step_ms


def crossing_of(steps: Sequence[Step], destination: str, policy: Policy) -> Crossing:
    """Where a path towards a destination abroad leaves the country.

    State ``resolved``: domestic and foreign hop adjoin; ``bracketed``: one silent or unlocated
    hop stands between; ``ambiguous``: more than one; ``none``: no foreign hop was seen.
    """
    border = find_border(steps, policy)
    if border is None:
        return Crossing("none")
    if _cached_at_home(steps, border, destination, policy):
        return Crossing("none", at_home=True)
    strict, unsure = _domestic_part(steps, border, policy)
    nodes = tuple(dict.fromkeys(_node(steps[i]) for i in strict))
    lenient = dict.fromkeys(_node(steps[i]) for i in sorted({*strict, *unsure}))
    if _foreign_router_at_home(steps, border, policy):
        lenient[_node(steps[border])] = None
    near = [i for i in range(border) if steps[i].sight is not None or steps[i].own]
    outer = steps[border]
    assert outer.sight is not None  # a step abroad has a sight
    interface = (
        outer.address
        if outer.sight.node.kind != "exchange" and outer.address != destination
        else None
    )
    return Crossing(
        state=_state(steps, border),
        strict=nodes,
        lenient=tuple(lenient),
        exit=_node(steps[strict[-1]]) if strict else None,
        border=(steps[near[-1]].hop if near else 0, outer.hop),
        first_foreign=interface,
        upstream=outer.sight.node,
        upstream_asn=outer.sight.asn,
        blocks=tuple(
            (_node(steps[i]).name, i == border - 1, _successor(steps, i, destination))
            for i in sorted({*strict, *unsure})
            if _node(steps[i]).kind == "unmapped"
        ),
        behind_exchange=tuple(
            (_node(steps[i]).name, behind)
            for i in strict
            if _node(steps[i]).kind == "exchange"
            and (behind := _operator_behind(steps, i)) is not None
        ),
    )


def _node(step: Step) -> Node:
    assert step.sight is not None  # callers pick steps that answered
    return step.sight.node


def _operator_behind(steps: Sequence[Step], at: int) -> str | None:
    for step in steps[at + 1 :]:
        if step.sight is not None and step.sight.node.kind == "organisation":
            return step.sight.node.name
    return None
