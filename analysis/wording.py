"""The sentence that sums up a verdict: the same on a terminal, in a notebook and in a report."""

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


def headline(verdict: Mapping[str, Any], say: Callable[[str], str] = str) -> str:
    """The verdict in one sentence; ``say`` finds the words in another language.

    >>> headline({"grade": "concentrated", "gateway": {"name": "Telecom"}})
    'Much of the traffic measured passes Telecom.'
    """
    gateway, sentence = verdict["gateway"], HEADLINE[verdict["grade"]]
    return say(sentence).format(gateway=gateway["name"] if gateway else "")
