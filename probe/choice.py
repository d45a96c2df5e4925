"""Which of the listed targets may be probed from here, and which come first.

Courtesy and safety stand between a list and the wire: nobody is sent to addresses that mean
nothing outside one network, and the volunteer's own subnets would betray them. This module sends
nothing and knows no list by where it came from.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from probe.exclusions import LISTED
from probe.locate import WITNESSES
from probe.resolve import unfit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from probe.attribute import Attributor
    from probe.exclusions import Exclusions
    from probe.redact import Premises
    from probe.targets import Target

OWN_SUBNET = "own subnet"

T = TypeVar("T")


def version_of(target: Target) -> int:
    """The IP version of a target's address."""
    return 6 if ":" in target.address else 4


def fit(
    targets: Iterable[Target],
    premises: Premises,
    origin: Attributor,
    excluded: Exclusions,
    *,
    own_network: bool,
) -> tuple[list[Target], Counter[str]]:
    """The targets that may be probed, and how many are left out by reason.

    Multicast, broadcast, one's own subnets and what is ``excluded`` never; private, loopback,
    reserved and other special addresses only with ``own_network``.
    """
    chosen: list[Target] = []
    left_out: Counter[str] = Counter()
    for target in targets:
        special = origin.lookup(target.address).special
        if (reason := unfit(target.address, premises)) is not None:
            left_out[reason] += 1
        elif excluded.holds(target.address):
            left_out[LISTED] += 1
        elif special is not None and not own_network:
            left_out[special] += 1
        elif premises.holds(target.address):
            left_out[OWN_SUBNET] += 1
        else:
            chosen.append(target)
    return chosen, left_out


def witnesses(targets: Sequence[T]) -> list[T]:
    """A few targets, spread over the list, whose first hops are to tell the access network.

    >>> witnesses("abcdefghi"), witnesses("ab")
    (['a', 'e', 'i'], ['a', 'b'])
    """
    count = min(WITNESSES, len(targets))
    last = len(targets) - 1
    return [targets[index * last // max(1, count - 1)] for index in range(count)]
