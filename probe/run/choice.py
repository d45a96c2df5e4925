"""Which targets may be probed from here, which come first, and which a run has measured already.

Courtesy and safety stand between a list and the wire: nobody is sent to addresses that mean
nothing outside one network, and the volunteer's own subnets would betray them. This module sends
nothing and knows no list by where it came from.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv6Network
from typing import TYPE_CHECKING, TypeVar

from probe.origin.special import special_class, unwrapped
from probe.record import ip_version
from probe.redaction.redact import cut
from probe.redaction.spellings import embedded
from probe.run.exclusions import LISTED
from probe.run.resolve import unfit
from probe.vantage.locate import WITNESSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from probe.record import Trace
    from probe.redaction.premises import Premises
    from probe.run.exclusions import Exclusions
    from probe.run.targets import Target

OWN_SUBNET = "own subnet"

# All of IPv6 that is given out to hosts whom everybody can reach (RFC 4291, section 2.4).
_GIVEN_OUT = IPv6Network("2000::/3")

# Seconds after which an interrupted run is too old to be resumed.
RESUMABLE = 86_400.0

T = TypeVar("T")


def version_of(target: Target) -> int:
    """The IP version of a target's address."""
    return ip_version(target.address)


def fit(
    targets: Iterable[Target],
    premises: Premises,
    excluded: Exclusions,
    *,
    own_network: bool,
) -> tuple[list[Target], Counter[str]]:
    """The targets that may be probed, and how many are left out by reason.

    Left out is what `objection` objects to. What would tell one's own address, as targets in one's
    own subnets do, is left out even with ``own_network``: its trace could not be kept.
    """
    chosen: list[Target] = []
    left_out: Counter[str] = Counter()
    for target in targets:
        reason = objection(target.address, premises, excluded, own_network=own_network)
        if reason is None and premises.given_away_by(target.address):
            reason = OWN_SUBNET
        if reason is None:
            chosen.append(target)
        else:
            left_out[reason] += 1
    return chosen, left_out


def objection(
    address: str,
    premises: Premises,
    excluded: Exclusions,
    *,
    own_network: bool,
) -> str | None:
    """Why an address may not be probed, in a word or two; None where it may.

    Multicast, broadcast and what is ``excluded`` never; private, loopback, reserved and other
    special addresses and one's own subnets only with ``own_network``.
    """
    reason = unfit(address, premises)
    if reason is not None:
        return reason
    if excluded.holds(address):
        return LISTED
    if own_network:
        return None
    host = unwrapped(address)
    inner = embedded(host)
    special = special_class(host) or (None if inner is None else special_class(inner[0]))
    if special is not None:
        return special
    if host.version == 6 and host not in _GIVEN_OUT:
        return "reserved"
    return OWN_SUBNET if premises.holds(address) else None


def measured(traces: Iterable[Trace], flow: int, now: float) -> Counter[str]:
    """How many traces the last run with this flow kept, in `RESUMABLE` seconds to now.

    By target as it stands in the records, which come in the order in which they were kept: see
    `unmeasured`.
    """
    found: Counter[str] = Counter()
    before: int | None = flow
    for trace in traces:
        if trace.paris_id == flow != before:
            found.clear()  # flows come round
        if trace.paris_id == flow and trace.timestamp > now - RESUMABLE:
            found[trace.dst_addr] += 1
        before = trace.paris_id
    return found


def unmeasured(targets: Sequence[Target], kept: Counter[str]) -> list[Target]:
    """The targets without those that were kept; ``kept`` counts traces by target as recorded.

    Records of targets in the access network have no more than the block. Of each block the first
    so many targets count as those that were kept: which ones they were nobody is to know.
    """
    cut_ones = kept - Counter(target.address for target in targets)
    left = []
    for target in targets:
        if target.address in kept:
            continue
        block = cut(target.address)
        if cut_ones[block]:
            cut_ones[block] -= 1
        else:
            left.append(target)
    return left


def witnesses(targets: Sequence[T]) -> list[T]:
    """A few targets, spread over the list, whose first hops are to tell the access network.

    >>> witnesses("abcdefghi"), witnesses("ab")
    (['a', 'e', 'i'], ['a', 'b'])
    """
    count = min(WITNESSES, len(targets))
    last = len(targets) - 1
    return [targets[index * last // max(1, count - 1)] for index in range(count)]
