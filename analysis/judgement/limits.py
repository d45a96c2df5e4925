"""What a verdict cannot know, in sentences: what is always out of sight, and what is so here.

Each limit that hangs on what was measured is a function that gives its sentence where it applies.
No grade rests on any of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from analysis.alarm.last_days import lately
from analysis.candidates.meeting import show_their_own
from analysis.grading.family import Family
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Among, captured_by
from analysis.shares.coverage import Weights
from analysis.shares.late_routers import answers_late
from analysis.shares.own_routers import unshown
from analysis.supplementary.protocols import ways_around
from analysis.words.wording import asked

OUT_OF_SIGHT = (
    "Diverse would mean that no convergence was seen at the IP layer, never that no gateway "
    "exists: MPLS tunnels, taps, layer-2 transport, boxes that keep the TTL, and return paths "
    "are out of sight."
)

LIMITS = (
    OUT_OF_SIGHT,
    "Paths were counted, not how much traffic takes them. Why they meet somewhere, and what is "
    "done there, no path shows.",
    "Countries are those of registration; a router may stand elsewhere.",
)

# So much fibre, there and back, is a millisecond of RTT.
_KM_A_MS = 100

_WEIGHTS = {
    "addresses": "Users are approximated by announced IPv4 addresses, which under-weigh mobile "
    "networks.",
    "users": "Users are estimated from whom advertisements reached: people behind VPNs, and "
    "networks that block advertisements, are counted wrongly.",
}


def limits_of(
    family: Family,
    policy: Policy,
    weights: Weights,
    *,
    detours: int,
    untold: int,
    signed_and_not: int,
    heard: bool,
) -> list[str]:
    """What no such verdict can know.

    ``detours`` counts the ways at home that go abroad, ``untold`` the traces at home whose way is
    not known for want of RTTs, ``signed_and_not`` the vantage points that may count twice;
    ``heard`` says whether there was a witness.
    """
    return [
        *LIMITS,
        _WEIGHTS[weights.unit],
        *_without_weight(family, weights),
        *_detours(detours, policy),
        *_without_rtts(family, untold),
        *_unlisted_lans(family.lans),
        *_read_twice(signed_and_not),
        *_on_the_same_ways(family),
        *_by_protocol(family, policy),
        *_left_lately(family, policy),
        *_first_to_show(family, policy),
        *_by_numbers(family, policy),
        *_far_away(family, policy),
        *_may_be_over(family, policy),
        *_renumbered(family),
        *_after_a_pause(family, policy),
        *_of_the_witness(heard=heard),
        *_changed_rule(policy),
    ]


def _without_weight(family: Family, weights: Weights) -> list[str]:
    """How many of those measured weigh nothing, if any do."""
    count = sum(name not in weights.of for name in family.grouped)
    if not count:
        return []
    return [
        f"Of {count} of the {len(family.grouped)} organisations measured no {weights.unit} are "
        "known: what is weighed by these leaves them out."
    ]


def _detours(detours: int, policy: Policy) -> list[str]:
    """That long ways at home look like detours, if any way was taken for one."""
    if not detours:
        return []
    return [
        f"Ways at home taken to go abroad and back: {detours}, by an RTT step of "
        f"{policy.abroad_step_ms:g} ms at a router registered abroad, or behind it. In a "
        f"country more than {_KM_A_MS * policy.abroad_step_ms:.0f} km across long ways at home "
        "look so, too: raise abroad_step_ms there."
    ]


def _without_rtts(family: Family, at_home: int) -> list[str]:
    """How many traces tell nothing for want of RTTs, if there are any."""
    abroad = sum(
        seen.traces
        for seen in family.observations
        if seen.crossing is not None and seen.crossing.untold
    )
    if not abroad + at_home:
        return []
    return [
        f"Traces whose way is not known because hops answered without an RTT: {abroad} abroad, "
        f"{at_home} at home. Only an RTT tells a router at home from one abroad: load these "
        "measurements in a form that keeps it."
    ]


def _unlisted_lans(lans: Iterable[Node]) -> list[str]:
    """Which nodes were taken for exchanges by their paths alone."""
    return [
        f"{node.name} looks like the peering LAN of an exchange that no list names: fetch the "
        "lists (gatewatch data update --exchanges), or put it into exchanges.toml in the data "
        "folder, and judge again."
        for node in lans
    ]


def _read_twice(vantages: int) -> list[str]:
    """That records may lie beside the bundles that hold them, if any do."""
    if not vantages:
        return []
    return [
        "Vantage points that are told of in signed bundles and in unsigned records of the same "
        f"days: {vantages}. Where these hold the same traces, each counts twice, as of two "
        "volunteers; judge one form of them."
    ]


def _on_the_same_ways(family: Family) -> list[str]:
    """Which others everybody passes who passes the gateway named, if there are any."""
    if family.named is None or not family.on_the_same_ways:
        return []
    others = ", ".join(one.node.name for one in family.on_the_same_ways)
    return [
        f"All that pass {family.named.node.name} pass {others} as well: paths do not tell on "
        "which of them they depend."
    ]


def _by_protocol(family: Family, policy: Policy) -> list[str]:
    """By which protocols organisations go around the gateway named, if by any."""
    if family.named is None:
        return []
    name = family.named.node.name
    return [
        f"By {proto} {around} of the {of} organisations that are counted as passing {name} and "
        f"measured by it do not pass {name} to most of their destinations: what is sent so may go "
        "around it, so judge each protocol by itself."
        for proto, around, of in ways_around(
            family.named, family.observations, family.blocks, policy
        )
    ]


def _left_lately(family: Family, policy: Policy) -> list[str]:
    """That most organisations no longer pass the gateway named, if that is so."""
    if family.named is None:
        return []
    passing = captured_by(family.named.shares, policy)
    still = lately(family.named.node, passing, family.observations, family.blocks, policy)
    if not still.mostly_gone(policy):
        return []
    return [
        f"On the last {policy.alarm_hold_days} days with data {still.passing} of the {still.of} "
        f"organisations that are counted as passing {family.named.node.name} were seen to pass it; "
        "the others left, are silent or are not measured: judge these days apart."
    ]


def _first_to_show(family: Family, policy: Policy) -> list[str]:
    """That organisations may have been measured over lines of the gateway named, if most may.

    Then no router of their own is seen on any way.
    """
    if family.named is None:
        return []
    found = unshown(family.named, family.observations, family.blocks, policy)
    if not found.most:
        return []
    name = family.named.node.name
    return [
        f"No router of their own is seen on any way of {found.networks} of the {found.of} "
        f"organisations that are counted as passing {name}, and it is the first to show there: "
        f"they may be measured over a line of {name}, such as a VPN, or the table may give it "
        "their addresses: look whose the lines are."
    ]


def _by_numbers(family: Family, policy: Policy) -> list[str]:
    """That organisations share only what stands behind the gateway named, if that is so."""
    if family.named is None or not family.blocks.has_one_owner(family.named.node):
        return []
    node = family.named.node
    captured = captured_by(family.named.shares, policy)
    alone = captured & show_their_own(family.blocks.parts(node), family.observations)
    found = Among(len(alone), len(captured))
    if node.kind == "exchange" or not found.most:
        return []
    return [
        f"{found.networks} of the {found.of} organisations that are counted as passing "
        f"{node.name} show addresses of it that no other shows; what they have in common is "
        "right behind: so it is of customers that each come by a link of their own, and of rivals "
        "whose borders it numbered, if these go on over routers that answer all with one address. "
        "Look which they are."
    ]


def _far_away(family: Family, policy: Policy) -> list[str]:
    """That the gateway named answers from as far away as abroad, if it is so to most."""
    if family.named is None:
        return []
    found = answers_late(family.named, family.observations, family.blocks, policy)
    if not found.most:
        return []
    name = family.named.node.name
    return [
        f"To {found.networks} of the {found.of} organisations that are counted as passing {name} "
        f"it answers {policy.abroad_step_ms:g} ms or more later than their own routers do, and so "
        f"does all behind it: it may stand abroad, where networks of many countries meet, or more "
        f"than {_KM_A_MS * policy.abroad_step_ms:.0f} km away at home. Look where its routers are."
    ]


def _may_be_over(family: Family, policy: Policy) -> list[str]:
    """That an alarm may be of a cut, or that most of those that moved pass the node no more."""
    alarm = family.timeline.alarm
    if alarm is None:
        return []
    node = alarm.node
    told = family.named is not None and family.named.node == node
    if not told and all(one.node != node for one in family.figures.apart):
        moved = {name for name, _ in alarm.moved}
        still = lately(node, moved, family.observations, family.blocks, policy)
        if still.mostly_gone(policy):
            return [
                f"On the last {policy.alarm_hold_days} days with data {still.passing} of the "
                f"{still.of} organisations that moved to {node.name} were seen to pass it; the "
                "others left, are silent or are not measured: what the alarm is of may be over."
            ]
    return [
        "A cable cut, or another outage, that sends networks over a backup looks like this alarm "
        f"while it lasts: it is over once {asked(policy.alarm_share)} of those that moved are seen "
        f"to have left for {policy.alarm_hold_days} days with data."
    ]


def _renumbered(family: Family) -> list[str]:
    """That what stands behind the border stayed on most of the paths that moved, if it did."""
    behind = family.timeline.behind
    if behind is None or not behind.mostly_same:
        return []
    return [
        f"Renumbered links look like this alarm, too: on {behind.same} of {behind.of} paths "
        "that moved the same router behind the border answers as far away as before."
    ]


def _after_a_pause(family: Family, policy: Policy) -> list[str]:
    """That some of those that moved may have done so on other days, if they were not measured."""
    alarm, paused = family.timeline.alarm, family.timeline.after_a_pause
    if alarm is None or not paused:
        return []
    return [
        f"Of {paused} of the {len(alarm.moved)} organisations that moved nothing is known of "
        f"the {policy.alarm_within_days} days before: they may have moved on different days of "
        "a longer pause, each for itself."
    ]


def _of_the_witness(*, heard: bool) -> list[str]:
    if not heard:
        return []
    return [
        "The witness counts prefixes to the countries that the address table names, which may "
        "not be those of the day of the routing table."
    ]


def _changed_rule(policy: Policy) -> list[str]:
    changed = policy.changed()
    if not changed:
        return []
    settings = ", ".join(f"{key}={value}" for key, value in changed.items())
    return [f"The rule was changed for this verdict: {settings}."]
