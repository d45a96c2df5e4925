"""What is said of a verdict in the same words on a terminal, in a notebook and in a report.

`HEADLINE` sums a grade up in one sentence, `HUB` stands beside it where the ways at home have one,
`GRADES` and `grade_at_home` name a grade, `LEFT_OUT` says why traces were not used, `beside` writes
a figure so that nobody takes it for a bound that it misses, `part` so that nobody takes it for
nothing or for all, and `outward` and `captured_between` bounds so that they claim no more than is
known.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from probe.record import SIMULATED

Say = Callable[[str], str]
"""Finds a message in another language; `str` leaves it in English."""

HEADLINE = {
    "insufficient": "The evidence does not suffice for a verdict.",
    "diverse": "Paths leave by several gateways; no convergence was seen.",
    "mixed": "Neither convergence nor diversity can be claimed.",
    "concentrated": "Many of the networks measured reach abroad through {gateway}.",
    "single_gateway": "The great majority of the networks measured reach abroad through one "
    "gateway: {gateway}.",
}

HUB = "Between networks at home the ways measured pass one hub: {hub}."

GRADES = {
    "insufficient": "insufficient evidence",
    "diverse": "diverse",
    "mixed": "mixed",
    "concentrated": "concentrated",
    "single_gateway": "single gateway",
    "single_hub": "single hub",
}

MEETING = "networks meet in one place"
"""Stands for the grade of the ways at home where all that it tells is a meeting place."""

LEFT_OUT = {
    "malformed": "lines that are no traceroute",
    "unreadable_file": "files, or parts of them, that cannot be read",
    "bomb": "files that unpack to far more than they should",
    "bad_signature": "bundles whose signature does not fit",
    "altered_bundle": "bundles that are not what was signed",
    "duplicate": "the same record again",
    "repeated_id": "another result that claims the same measurement, probe and time",
    "bookkeeping": "lines that tell of a run, not of a path",
    "not_sent": "nothing could be sent",
    "vpn": "measured through a VPN",
    "captive_portal": "a captive portal answered",
    "new_ttl": "packets got a new TTL near the vantage point",
    "wrong_clock": "the clock was wrong",
    "no_timestamp": "no time is given",
    "implausible_time": "a time that cannot be",
    "access_network_unknown": "the network it was measured in is not known",
    "no_source_address": "no public source address",
    "source_unmapped": "the source belongs to no known network",
    "source_unlocated": "the source's network has no country",
    "vantage_abroad": "measured from abroad",
    "key_in_other_network": "a key that speaks for another network already",
    "faster_than_light": "answered faster than light could",
    "implausible": "several signs of invention",
    "destination_anycast": "the destination is announced from many places at once",
    "destination_unmapped": "the destination belongs to no known network",
    "destination_in_own_network": "the destination is in the own network",
    "destination_cached_at_home": "the destination answered from a cache at home",
    "destination_next_door": "the destination is nearer than where it is registered",
    "no_answers": "no hop answered",
}


# No figure of a verdict is good for more digits, nor any bound of a policy.
_DIGITS = 9


def down(value: float, form: str) -> str:
    """A figure in this format, rounded down.

    >>> down(0.4286, ".0%"), down(0.688, ".2f"), down(0.1 + 0.2, ".1f")
    ('42%', '0.68', '0.3')
    """
    return _rounded(value, form, math.floor)


def up(value: float, form: str) -> str:
    """A figure in this format, rounded up.

    >>> up(0.8512, ".0%"), up(0.221, ".2f"), up(0.1 + 0.2, ".1f")
    ('86%', '0.23', '0.3')
    """
    return _rounded(value, form, math.ceil)


def _rounded(value: float, form: str, whole: Callable[[float], int]) -> str:
    scale = 10 ** int(form[1:-1]) * (100 if form[-1] == "%" else 1)
    return format(whole(round(value * scale, _DIGITS)) / scale, form)


def part(share: float) -> str:
    """A part in percent: what is not nothing is not 0%, and what is not all is not 100%.

    >>> part(0.5), part(1 / 3), part(0.025), part(0.0004), part(0.9996), part(1.0)
    ('50%', '33%', '2.5%', '0.04%', '99.96%', '100%')
    """
    share = round(share, _DIGITS)
    texts = [f"{share:.{digits}%}" for digits in range(0 if share >= 0.1 else 1, _DIGITS - 1)]
    shown = (text for text in texts if share in {0, 1} or _read(text) not in {0, 1})
    return next(shown).replace(".0%", "%")


def many(count: int, thing: str) -> str:
    """So many of a thing.

    >>> many(1, "trace"), many(0, "trace"), many(2, "vantage point")
    ('1 trace', '0 traces', '2 vantage points')
    """
    return f"{count} {thing}{'' if count == 1 else 's'}"


def counted(counts: Mapping[str, int]) -> str:
    """Numbers with what they count, in the order of the words.

    >>> counted({"vpn": 1, "malformed": 2})
    '2 malformed, 1 vpn'
    """
    return ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))


def simulated(notes: Mapping[str, int]) -> str | None:
    """What stands before the headline where traces come from a simulation.

    >>> simulated({"simulated: nothing here was measured": 3})
    'SIMULATED: what 3 traces show was never measured.'
    >>> simulated({"simulated: nothing here was measured": 1})
    'SIMULATED: what 1 trace shows was never measured.'
    """
    count = notes.get(SIMULATED, 0)
    if not count:
        return None
    show = "shows" if count == 1 else "show"
    return f"SIMULATED: what {many(count, 'trace')} {show} was never measured."


def outward(low: float, high: float, form: str = ".0%") -> tuple[str, str]:
    """Two bounds in this format, the lower rounded down and the upper up: never closer than known.

    >>> outward(0.4266, 0.8512), outward(0.4266, 0.8512, ".2f")
    (('42%', '86%'), ('0.42', '0.86'))
    """
    return down(low, form), up(high, form)


def beside(
    value: float,
    bound: float,
    form: str = ".0%",
    holds: Callable[[float, float], bool] = operator.ge,
    written: Callable[[float, str], str] = format,
) -> str:
    """A figure in this format, in as many digits as show on which side of a bound it is.

    ``written`` rounds it: to the nearest, or as `down` and `up` do.

    >>> beside(0.646, 0.65), beside(0.5996, 0.6), beside(0.6004, 0.6)
    ('64.6%', '59.96%', '60%')
    >>> beside(13.0, 3, ".0f"), beside(4.21, 3, ".1f"), beside(2.96, 3, ".1f")
    ('13', '4.2', '2.96')
    >>> beside(0.6493, 0.65, ".2f"), beside(0.3496, 0.35, ".2f", operator.lt)
    ('0.649', '0.3496')
    >>> beside(0.6493, 0.65, ".2f", written=down), beside(0.497, 0.5, ".2f", operator.lt, up)
    ('0.64', '0.497')
    """
    kind, least = form[-1], int(form[1:-1])
    texts = [written(value, f".{digits}{kind}") for digits in range(least, _DIGITS + 1)]
    met, bound = holds(value, bound), round(bound, _DIGITS)
    shown = (text for text in texts if holds(_read(text), bound) == met)
    return next(shown, texts[-1])


def _read(text: str) -> float:
    # 0.7 / 100 is not 0.007: the figure that the text names has to be found again.
    value = float(text.rstrip("%"))
    return round(value / 100, _DIGITS + 2) if text.endswith("%") else value


def captured_between(
    lower: float, upper: float, *, single: float, diverse_upper: float, form: str = ".2f"
) -> tuple[str, str]:
    """The bounds of a captured share, rounded outward, beside those that the rule asks for.

    >>> captured_between(0.6493, 1.0, single=0.65, diverse_upper=0.5)
    ('0.64', '1.00')
    >>> captured_between(0.028, 0.497, single=0.65, diverse_upper=0.5, form=".0%")
    ('2%', '49.7%')
    """
    return (
        beside(lower, single, form, written=down),
        beside(upper, diverse_upper, form, operator.lt, up),
    )


def captured_range(verdict: Mapping[str, Any], form: str = ".2f") -> tuple[str, str]:
    """The bounds of the captured share of a verdict, as `captured_between` has them."""
    captured, policy = verdict["captured"], verdict["provenance"]["policy"]
    bars = {key: policy[key] for key in ("single", "diverse_upper")}
    return captured_between(captured["lower"], captured["upper"], form=form, **bars)


def effective(verdict: Mapping[str, Any]) -> str:
    """The effective gateways of a verdict, beside how many "diverse" asks for; of nobody none.

    >>> rule = {"policy": {"effective_gateways": 3.0}}
    >>> effective({"effective_gateways": 2.96, "captured": {"of": 5}, "provenance": rule})
    '2.96'
    >>> effective({"effective_gateways": 0.0, "captured": {"of": 0}, "provenance": rule})
    '–'
    """
    if not verdict["captured"]["of"]:
        return "–"
    needed = verdict["provenance"]["policy"]["effective_gateways"]
    return beside(verdict["effective_gateways"], needed, ".1f")


def asked(bound: float, form: str = ".0%") -> str:
    """A bound in this format, in as many digits as it has.

    >>> asked(0.6), asked(0.6049), asked(0.8, ".2f"), asked(0.804, ".2f"), asked(0.646)
    ('60%', '60.49%', '0.80', '0.804', '64.6%')
    """
    return beside(bound, bound, form, operator.eq)


def called(kind: str, name: str, say: Say = str) -> str:
    """A gateway's name beside others; an exchange is called one, since an operator may share it.

    >>> called("organisation", "MekongIX"), called("exchange", "MekongIX")
    ('MekongIX', 'MekongIX (exchange)')
    """
    return say("{name} (exchange)").format(name=name) if kind == "exchange" else name


def counted_in(verdict: Mapping[str, Any]) -> str:
    """What the weights of the organisations are, in the word for people.

    >>> counted_in({"coverage": {"weights": "eyeballs"}})
    'users'
    """
    weights: str = verdict["coverage"]["weights"]
    return "users" if weights == "eyeballs" else weights


def not_judged(verdict: Mapping[str, Any]) -> int:
    """How many traces are evidence, but of other days or of the other IP version.

    With those judged and those left out they are all that was read.

    >>> not_judged({"measured": {"traces": 8, "traces_of_both_families_and_all_days": 20}})
    12
    """
    measured = verdict["measured"]
    return int(measured["traces_of_both_families_and_all_days"] - measured["traces"])


def some_asns(asns: Sequence[str], most: int) -> str:
    """The first AS numbers of an organisation, and a sign where it has more.

    >>> some_asns(["AS1", "AS2"], 2), some_asns(["AS1", "AS2", "AS3"], 2)
    ('AS1, AS2', 'AS1, AS2, …')
    """
    return ", ".join([*asns[:most], *(["…"] if len(asns) > most else [])])


def headline(verdict: Mapping[str, Any], say: Say = str) -> str:
    """The verdict in one sentence; ``say`` finds the words in another language.

    >>> headline({"grade": "concentrated", "gateway": {"name": "Telecom"}})
    'Many of the networks measured reach abroad through Telecom.'
    """
    gateway, sentence = verdict["gateway"], HEADLINE[verdict["grade"]]
    return say(sentence).format(gateway=gateway["name"] if gateway else "")


def grade_at_home(domestic: Mapping[str, Any], say: Say = str) -> str:
    """The grade of the ways at home in words: where networks only meet, nobody concentrates them.

    >>> grade_at_home({"grade": "concentrated", "meeting_place": True})
    'networks meet in one place'
    >>> grade_at_home({"grade": "single_hub", "meeting_place": False})
    'single hub'
    """
    words = MEETING if domestic["meeting_place"] else GRADES[domestic["grade"]]
    return say(words)


def at_home(verdict: Mapping[str, Any], say: Say = str) -> str | None:
    """What belongs beside the headline, which tells of ways abroad, where ways at home have a hub.

    >>> hub = {"kind": "organisation", "name": "Telecom"}
    >>> at_home({"domestic": {"grade": "single_hub", "hub": hub}})
    'Between networks at home the ways measured pass one hub: Telecom.'
    >>> at_home({"domestic": {"grade": "diverse", "hub": None}}) is None
    True
    """
    domestic = verdict["domestic"]
    if domestic["grade"] != "single_hub":
        return None
    hub = domestic["hub"]
    return say(HUB).format(hub=called(hub["kind"], hub["name"], say))
