"""What is said of a verdict in the same words on a terminal, in a notebook and in a report.

`HEADLINE` sums a grade up in one sentence, `GRADES` names it, `LEFT_OUT` says why traces were not
used, `beside` writes a figure so that nobody takes it for a bound that it misses, and `outward`
bounds so that they claim no more than is known.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

HEADLINE = {
    "insufficient": "The evidence does not suffice for a verdict.",
    "diverse": "Paths leave by several gateways; no convergence was seen.",
    "mixed": "Neither convergence nor diversity can be claimed.",
    "concentrated": "Much of the traffic measured passes {gateway}.",
    "single_gateway": "The traffic measured passes one gateway: {gateway}.",
}


GRADES = {
    "insufficient": "insufficient evidence",
    "diverse": "diverse",
    "mixed": "mixed",
    "concentrated": "concentrated",
    "single_gateway": "single gateway",
    "single_hub": "single hub",
}

LEFT_OUT = {
    "malformed": "lines that are no traceroute",
    "unreadable_file": "files that cannot be read",
    "bomb": "files that unpack to far more than they should",
    "bad_signature": "bundles whose signature does not fit",
    "altered_bundle": "bundles that are not what was signed",
    "duplicate": "the same record again",
    "repeated_id": "another result that claims the same measurement, probe and time",
    "bookkeeping": "lines that tell of a run, not of a path",
    "not_sent": "nothing could be sent",
    "vpn": "measured through a VPN",
    "captive_portal": "a captive portal answered",
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
    "no_answers": "no hop answered",
}


# No figure of a verdict is good for more digits, nor any bound of a policy.
_DIGITS = 9


def beside(
    value: float,
    bound: float,
    form: str = ".0%",
    holds: Callable[[float, float], bool] = operator.ge,
) -> str:
    """A figure in this format, in as many digits as show on which side of a bound it is.

    >>> beside(0.646, 0.65), beside(0.5996, 0.6), beside(0.6004, 0.6)
    ('64.6%', '59.96%', '60%')
    >>> beside(13.0, 3, ".0f"), beside(4.21, 3, ".1f"), beside(2.96, 3, ".1f")
    ('13', '4.2', '2.96')
    >>> beside(0.6493, 0.65, ".2f"), beside(0.3496, 0.35, ".2f", operator.lt)
    ('0.649', '0.3496')
    """
    kind, least = form[-1], int(form[1:-1])
    scale = 100 if kind == "%" else 1
    texts = [f"{value:.{digits}{kind}}" for digits in range(least, _DIGITS + 1)]
    met, bound = holds(value, bound), round(bound, _DIGITS)
    shown = (text for text in texts if holds(float(text.rstrip("%")) / scale, bound) == met)
    return next(shown, texts[-1])


def outward(low: float, high: float, form: str = ".0%") -> tuple[str, str]:
    """Two bounds in this format, the lower rounded down and the upper up: never closer than known.

    >>> outward(0.4266, 0.8512), outward(0.4266, 0.8512, ".2f"), outward(0.3, 0.1 + 0.2, ".1f")
    (('42%', '86%'), ('0.42', '0.86'), ('0.3', '0.3'))
    """
    kind, digits = form[-1], int(form[1:-1])
    scale = 10**digits * (100 if kind == "%" else 1)
    down = math.floor(round(low * scale, _DIGITS)) / scale
    up = math.ceil(round(high * scale, _DIGITS)) / scale
    return f"{down:{form}}", f"{up:{form}}"


def asked(bound: float, form: str = ".0%") -> str:
    """A bound in this format, in as many digits as it has.

    >>> asked(0.6), asked(0.6049), asked(0.8, ".2f"), asked(0.804, ".2f")
    ('60%', '60.49%', '0.80', '0.804')
    """
    return beside(bound, bound, form, operator.eq)


def headline(verdict: Mapping[str, Any], say: Callable[[str], str] = str) -> str:
    """The verdict in one sentence; ``say`` finds the words in another language.

    >>> headline({"grade": "concentrated", "gateway": {"name": "Telecom"}})
    'Much of the traffic measured passes Telecom.'
    """
    gateway, sentence = verdict["gateway"], HEADLINE[verdict["grade"]]
    return say(sentence).format(gateway=gateway["name"] if gateway else "")
