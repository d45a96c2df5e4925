"""One path → where it left the country, through whose networks, and how sure that is.

Registration proposes where the border is, RTT steps may veto it. Most crossings do not hang on
RTTs: they are worked out once a frame (see `analysis.paths.path`), and again for a single trace
only where its RTTs could say otherwise. What many crossings mean together is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from analysis.owners.operators import Node
from analysis.paths.links import Change, changed_steps
from analysis.paths.path import Frame, Path, Step
from analysis.policy import Policy

State = Literal["resolved", "bracketed", "ambiguous", "none"]

# The states of crossings whose ways are known: of hops that adjoin, and with one between them.
RESOLVED: tuple[State, ...] = ("resolved", "bracketed")


@dataclass(frozen=True, slots=True)
class Crossing:
    """How one trace left the country."""

    state: State
    strict: tuple[Node, ...] = ()
    """The nodes on the domestic part after the vantage point's own organisation, in order of the
    path and without repetition."""
    lenient: tuple[Node, ...] = ()
    """These, and what lies within one hop of the border and cannot be located."""
    exit: Node | None = None
    """The node of the last step that counts strictly, None where the own organisation is its own
    exit."""
    border: tuple[int, int] | None = None
    """The numbers of the last hop that answered before the border, 0 where none did, and of the
    first behind it."""
    first_foreign: str | None = None
    """The interface behind the border; None for an exchange's and for the destination's."""
    upstream: Node | None = None
    """The node behind the border."""
    upstream_asn: int | None = None
    blocks: tuple[tuple[str, bool, str | None], ...] = ()
    """The unmapped blocks among the nodes, each with whether it stands right before the border (a
    silent hop between may be the gateway itself) and the address that answered behind it."""
    behind_exchange: tuple[tuple[str, str], ...] = ()
    """Each exchange among the strict nodes with the first organisation behind it."""
    gap: bool = False
    """Whether a hop between the own network and the border is silent: such a trace cannot say who
    is not on the path."""
    unsaid: tuple[Node, ...] = ()
    """Nodes of which the trace leaves open whether they are on the way out: a silent hop before
    them may be the own network's, which shows itself only behind them."""
    loops: tuple[Node, ...] = ()
    """The nodes at home that the path came back to after another one, its own network among them:
    A → B → A is a detour."""
    by_links: bool = False
    """Whether other paths over a link, not the table, say whose a hop is."""
    at_home: bool = False
    """Whether the destination answered from within the country (a cache)."""
    untold: bool = False
    """Whether it is ambiguous for want of an RTT that hops answered without."""
    unaided: tuple[Node, ...] = ()
    """``strict`` as the table alone has it, whatever other paths over the same links say."""
    unaided_gap: bool = False
    """``gap`` as the table alone has it."""


def _last_home_rtt(steps: Sequence[Step], before: int) -> float | None:
    for step in reversed(steps[:before]):
        if step.rtt is not None and step.place == "home":
            return step.rtt
    return None


def _rise(steps: Sequence[Step], at: int) -> float | None:
    """RTT step in ms from the last domestic hop to this one; None where either is unknown."""
    here, there = _last_home_rtt(steps, at), steps[at].rtt
    return None if here is None or there is None else there - here


def _home_behind_is_far(steps: Sequence[Step], at: int, policy: Policy) -> bool:
    """Whether abroad begins behind a step, though registration puts more hops at home there."""
    here = steps[at].rtt
    home = [step.rtt for step in steps[at + 1 :] if step.rtt is not None and step.place == "home"]
    return here is not None and bool(home) and min(home) - here >= policy.abroad_step_ms


def find_border(steps: Sequence[Step], policy: Policy) -> int | None:
    """The index of the first step abroad, or None.

    A foreign-registered hop with domestic hops behind it is a foreign-numbered link at home,
    unless the RTT rises by what a way abroad and back demands: up to there, or, where the own
    network was left, from there to each domestic hop behind it, whose routers then stand abroad.
    """
    places = [step.place for step in steps]
    last_home = max((i for i, place in enumerate(places) if place == "home"), default=-1)
    last_own = max((i for i, step in enumerate(steps) if step.own), default=-1)
    for i, place in enumerate(places):
        if place != "abroad":
            continue
        if i > last_home:
            return i
        rise = _rise(steps, i)
        if rise is not None and rise >= policy.abroad_step_ms:
            return i
        if i > last_own and _home_behind_is_far(steps, i, policy):
            return i
    return None


def _is_untold(steps: Sequence[Step], at: int) -> bool:
    """Whether hops answered here and at home, and yet no RTT tells how far apart they are."""
    if _rise(steps, at) is not None:
        return False
    return _answered_untimed([steps[at]]) or _answered_untimed(
        step for step in steps[:at] if step.place == "home"
    )


def _answered_untimed(steps: Iterable[Step]) -> bool:
    """Whether some of these answered, and none with an RTT."""
    answered = [step for step in steps if step.address is not None]
    return bool(answered) and all(step.rtt is None for step in answered)


def _may_have_left_before(steps: Sequence[Step], border: int) -> bool:
    """Whether a missing RTT leaves open if a hop before the border, not yet abroad, was there.

    What is registered abroad with hops at home behind it is a foreign-numbered link at home only
    where RTTs say so, of the hop and of those behind it.
    """
    last_own = max((i for i, step in enumerate(steps) if step.own), default=-1)
    return any(
        steps[i].place == "abroad"
        and (
            _is_untold(steps, i)
            or (
                i > last_own
                and _answered_untimed(step for step in steps[i + 1 :] if step.place == "home")
            )
        )
        for i in range(border)
    )


def way_on(behind: Iterable[Step], destination: str) -> Step | None:
    """The first of the steps behind a hop that shows a public address of somebody else's.

    None where that is the destination itself, or where there is none.
    """
    for step in behind:
        if step.address == destination:
            return None
        if not step.own and step.is_public:
            return step
    return None


def _successor(behind: Iterable[Step], destination: str) -> str | None:
    on = way_on(behind, destination)
    return on.address if on is not None else None


def _state(steps: Sequence[Step], border: int) -> State:
    for state, step in zip(RESOLVED, reversed(steps[:border]), strict=False):
        silent = step.address is None and not step.own
        if not silent and (step.own or _is_domestic(step)):
            return state
    return "ambiguous"


def _is_domestic(step: Step) -> bool:
    sight = step.sight
    return sight is not None and (sight.place == "home" or sight.special is not None)


def _located_by_rtt(steps: Sequence[Step], at: int, policy: Policy) -> bool:
    rise = _rise(steps, at)
    return rise is not None and rise < policy.home_step_ms


def _soonest_own(steps: Iterable[Step]) -> float | None:
    """The RTT in ms of the soonest public router of the own network; None where none is known."""
    return min(
        (step.rtt for step in steps if step.own and step.is_public and step.rtt is not None),
        default=None,
    )


def _adjoins_home(steps: Sequence[Step], at: int, policy: Policy) -> bool:
    """Whether the RTT puts a hop beside the last at home, and that is no own router abroad."""
    here, own = steps[at].rtt, _soonest_own(steps[:at])
    far = here is not None and own is not None and here - own >= policy.abroad_step_ms
    return not far and _located_by_rtt(steps, at, policy)


def _domestic_part(
    domestic: Sequence[Step], own: int, policy: Policy
) -> tuple[list[int], list[int]]:
    """Indices of the steps that count strictly, and of those that count only leniently.

    ``own`` is where the own network first shows itself, as `_own_network` has it.
    """
    strict, unsure = [], []
    for i, step in enumerate(domestic):
        if step.own or step.sight is None:
            continue
        if i >= own and (
            _is_domestic(step)
            or (step.sight.node.kind == "unmapped" and _adjoins_home(domestic, i, policy))
        ):
            strict.append(i)
        else:
            unsure.append(i)
    return strict, unsure


def _own_network(domestic: Sequence[Step]) -> int:
    """The index of the first public address of the own network, 0 where none is seen.

    Who stands before it may bring the customers to it, and need not be on the way out.
    """
    return next(
        (i for i, step in enumerate(domestic) if step.own and step.said is None and step.is_public),
        0,
    )


def _foreign_router_at_home(steps: Sequence[Step], border: int, policy: Policy) -> bool:
    """Whether the RTT shows that the hop behind the border still stands in the country."""
    if not _located_by_rtt(steps, border, policy):
        return False
    base = steps[border].rtt
    return any(
        step.rtt is not None and base is not None and step.rtt - base >= policy.abroad_step_ms
        for step in steps[border + 1 :]
    )


def _may_be_a_cache(steps: Sequence[Step], border: int, destination: str) -> bool:
    """Whether the destination answered, and nobody else abroad before it."""
    last = steps[-1]
    if last.address != destination or last.sight is None:
        return False
    return all(s.sight is None or s.sight.node == last.sight.node for s in steps[border:])


def crossing_of(steps: Sequence[Step], destination: str, policy: Policy) -> Crossing:
    """Where a path towards a destination abroad leaves the country.

    State ``resolved``: domestic and foreign hop adjoin; ``bracketed``: one silent or unlocated
    hop stands between; ``ambiguous``: more than one, or hops answered without the RTTs by which a
    cache at home, or a carrier met abroad, is told; ``none``: no foreign hop was seen.
    """
    return _crossing_at(find_border(steps, policy), steps, destination, policy)


def _crossing_at(
    border: int | None, steps: Sequence[Step], destination: str, policy: Policy
) -> Crossing:
    if border is None:
        return Crossing("none")
    last = len(steps) - 1
    cache = _may_be_a_cache(steps, border, destination)
    if cache and _located_by_rtt(steps, last, policy):
        return Crossing("none", at_home=True)
    untold = (cache and _is_untold(steps, last)) or _may_have_left_before(steps, border)
    domestic = steps[:border]
    own = _own_network(domestic)
    strict, unsure = _domestic_part(domestic, own, policy)
    nodes = tuple(dict.fromkeys(_node(steps[i]) for i in strict))
    lenient = dict.fromkeys(_node(steps[i]) for i in sorted({*strict, *unsure}))
    lenient |= {step.said.node: None for step in steps[: border + 1] if step.said is not None}
    if _foreign_router_at_home(steps, border, policy):
        lenient[_node(steps[border])] = None
    near = [i for i in range(border) if steps[i].sight is not None or steps[i].own]
    outer = steps[border]
    assert outer.sight is not None  # a step abroad has a sight
    gap = _has_gap(domestic)
    changed = [step for step in steps if _is_changed(step)]
    interface = (
        outer.address
        if outer.sight.node.kind != "exchange" and outer.address != destination
        else None
    )
    return Crossing(
        state="ambiguous" if untold else _state(steps, border),
        untold=untold,
        strict=nodes,
        lenient=tuple(lenient),
        exit=_node(steps[strict[-1]]) if strict else None,
        border=(steps[near[-1]].hop if near else 0, outer.hop),
        first_foreign=interface,
        upstream=outer.sight.node,
        upstream_asn=outer.sight.asn,
        blocks=tuple(
            (_node(steps[i]).name, i == border - 1, _successor(steps[i + 1 :], destination))
            for i in sorted({*strict, *unsure})
            if _node(steps[i]).kind == "unmapped"
        ),
        gap=gap,
        unsaid=_unsaid(domestic[:own]),
        loops=_loops(steps),
        by_links=bool(changed),
        unaided=_unaided(domestic[own:]) if changed else nodes,
        unaided_gap=gap or any(step.address is None for step in changed),
        behind_exchange=tuple(
            (_node(steps[i]).name, behind)
            for i in strict
            if _node(steps[i]).kind == "exchange"
            and (behind := _operator_behind(steps, i)) is not None
        ),
    )


def _is_changed(step: Step) -> bool:
    """Whether other paths over a link say whose the step is."""
    return step.said is not None or (step.address is None and step.sight is not None)


def _unaided(domestic: Sequence[Step]) -> tuple[Node, ...]:
    """The nodes at home that the table names on the steps before the border."""
    sights = (
        step.said if _is_changed(step) else step.sight
        for step in domestic
        if not step.own or step.said is not None
    )
    return tuple(
        dict.fromkeys(
            sight.node
            for sight in sights
            if sight is not None and (sight.place == "home" or sight.special is not None)
        )
    )


def _has_gap(domestic: Sequence[Step]) -> bool:
    """Whether a hop behind the last one of the own network is silent, whoever is said to be it."""
    for step in reversed(domestic):
        if step.own and step.address is not None:
            return False
        if step.sight is None and not step.own:
            return True
    return False


def _unsaid(before: Sequence[Step]) -> tuple[Node, ...]:
    """Who stands behind a silent hop, of the steps before the own network shows itself."""
    silent = next((i for i, step in enumerate(before) if step.address is None), len(before))
    behind = (step for step in before[silent:] if step.sight is not None and not step.own)
    return tuple(dict.fromkeys(_node(step) for step in behind))


def _loops(steps: Sequence[Step]) -> tuple[Node, ...]:
    """The nodes at home that come again after another one, in order of their return."""
    seen: dict[Node | None, None] = {}
    back: dict[Node, None] = {}
    last: Node | None = None
    for step in steps:
        if step.sight is None:
            continue
        # All of the own network is one, whatever its hops are called.
        node = None if step.own else step.sight.node
        if seen and node != last and node in seen and (step.own or step.sight.place == "home"):
            back[step.sight.node] = None
        seen[node] = None
        last = node
    return tuple(back)


def _node(step: Step) -> Node:
    assert step.sight is not None  # callers pick steps that answered
    return step.sight.node


def _operator_behind(steps: Sequence[Step], at: int) -> str | None:
    for step in steps[at + 1 :]:
        if step.sight is not None and step.sight.node.kind == "organisation":
            return step.sight.node.name
    return None


class _Known(NamedTuple):
    """A frame's crossing when RTTs say nothing, and where they might.

    ``home`` are the steps at home before the border, the nearest to it first.
    """

    crossing: Crossing
    border: int | None
    home: tuple[int, ...]
    depends: bool


def _depends_on_rtts(steps: Sequence[Step], border: int | None, destination: str) -> bool:
    """Whether RTTs may decide more than on which side of the border its outer router stands."""
    if border is None:
        return any(step.place == "abroad" for step in steps)
    return (
        any(step.place == "abroad" for step in steps[:border])
        or _may_be_a_cache(steps, border, destination)
        or any(
            step.sight is not None
            and not step.own
            and not _is_domestic(step)
            and step.sight.node.kind == "unmapped"
            for step in steps[:border]
        )
    )


class Crossings:
    """Crossings of paths, at links as `analysis.paths.links` has them."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._known: dict[tuple[Frame, tuple[Change, ...]], _Known] = {}

    def _look(self, frame: Frame, changes: tuple[Change, ...]) -> _Known:
        steps = changed_steps(frame.steps, changes, frame.organisation)
        border = find_border(steps, self._policy)
        return _Known(
            _crossing_at(border, steps, frame.destination, self._policy),
            border,
            tuple(i for i in range((border or 0) - 1, -1, -1) if steps[i].place == "home"),
            _depends_on_rtts(steps, border, frame.destination),
        )

    def of(self, path: Path, destination: str, changes: tuple[Change, ...] = ()) -> Crossing:
        """Where this path leaves the country; as `crossing_of` has it."""
        frame = path.frame
        known = self._known.get((frame, changes))
        if known is None:
            known = self._known[frame, changes] = self._look(frame, changes)
        if not known.depends and (
            known.border is None or self._far(known, known.border, path.rtts)
        ):
            return known.crossing
        steps = changed_steps(path.steps, changes, frame.organisation)
        return crossing_of(steps, destination, self._policy)

    def _far(self, known: _Known, border: int, rtts: Sequence[float | None]) -> bool:
        """Whether the RTTs leave the first router abroad where its registration puts it."""
        there = rtts[border]
        if there is None:
            return True
        for i in known.home:
            here = rtts[i]
            if here is not None:
                return there - here >= self._policy.home_step_ms
        return True
