"""What to say beside a verdict whose other IP version is judged differently.

It belongs beside the headline: a reader who stops there must not take one version for all traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def of_the_other(verdict: Mapping[str, Any]) -> str | None:
    """The sentence of the verdict's reasons that says so, if there is one.

    >>> says = "IPv6 is judged apart, and is diverse."
    >>> of_the_other({"family": 4, "reasons": ["Because.", says]}) == says
    True
    """
    other = f"IPv{10 - verdict['family']}"
    says = (f"{other} is judged apart, and is ", f"Judged apart, {other} is ")
    return next((reason for reason in verdict["reasons"] if reason.startswith(says)), None)
