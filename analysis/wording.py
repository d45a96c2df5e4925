"""What is said of a verdict in the same words on a terminal, in a notebook and in a report.

`HEADLINE` sums a grade up in one sentence, `GRADES` names it, `LEFT_OUT` says why traces were not
used.
"""

from __future__ import annotations

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


def headline(verdict: Mapping[str, Any], say: Callable[[str], str] = str) -> str:
    """The verdict in one sentence; ``say`` finds the words in another language.

    >>> headline({"grade": "concentrated", "gateway": {"name": "Telecom"}})
    'Much of the traffic measured passes Telecom.'
    """
    gateway, sentence = verdict["gateway"], HEADLINE[verdict["grade"]]
    return say(sentence).format(gateway=gateway["name"] if gateway else "")
