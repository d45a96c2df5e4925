"""Which traces cannot have been measured as they are told: signs of invention, weighed together.

Real networks do odd things: routers answer late, lie about their clocks, count backwards and come
back by another continent. So only what no network can do sets a trace aside by itself; anything
else is a weak sign, and needs another one of a different kind. What the signs cannot show is a
careful forgery: against that stand the caps on what a key, a network and a day may weigh, and the
number of organisations that a name needs. Nothing here knows who may be a gateway.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from analysis.intake.told import LAN, Addresses, Rtts, Told
from analysis.owners.numbering import is_cut
from analysis.owners.operators import Node
from analysis.paths.path import Frame
from analysis.policy import Policy

Sign = Literal["faster_than_light", "rtts_fall", "goes_in_circles", "seen_by_nobody_else"]

STRONG: frozenset[Sign] = frozenset({"faster_than_light"})

# Light in vacuum goes there and back over so many km in a millisecond; in fibre over two thirds.
KM_PER_MS = 149.9

# The least distance in km between two continents, where there is an ocean between them: from the
# nearest land that a server stands on, islands included, rounded down. Great circles.
_APART = {
    frozenset({"AS", "SA"}): 7_500,
    frozenset({"EU", "OC"}): 9_000,
    frozenset({"EU", "SA"}): 4_000,
    frozenset({"AF", "NA"}): 3_000,
    frozenset({"AF", "SA"}): 2_500,
    frozenset({"AF", "OC"}): 4_000,
}


def least_rtt(here: str | None, there: str | None) -> float:
    """The RTT in ms below which nothing can have come from another continent and back.

    0.0 where the continents touch, or are not known.

    >>> round(least_rtt("AS", "SA"), 1)  # 7,500 km there and as many back, in vacuum
    50.0
    """
    if here is None or there is None:
        return 0.0
    return _APART.get(frozenset({here, there}), 0) / KM_PER_MS


_MANY = 3  # routers; what one or two of them do is no sign


def _falls(heard: Sequence[float], policy: Policy) -> bool:
    """Whether the far end answers so much sooner than the way to it that no detour explains it.

    Single routers that answer slowly, or whose answers take a detour, are common: it takes most of
    five hops or more. The nearer of the last two answers counts.
    """
    if len(heard) < _MANY + 2:
        return False
    late = 2 * min(heard[-2], heard[-1]) + policy.falls_ms
    if max(heard) <= late:
        return False
    slower = sum(rtt > late for rtt in heard[:-2])
    return slower >= _MANY and 2 * slower > len(heard) - 2


def _circles(addresses: Addresses, destination: str) -> bool:
    """Whether a path arrived though a router comes again on it after others.

    Routers send the same packet the same way each time, so a path that has come back once comes
    back for ever; that it was rerouted while it was being measured, or balanced over ways of
    unequal length, is rare. An address that may be what the probe left of others is many routers'.
    """
    if addresses[-1] != destination:
        return False
    heard = [address for address in addresses if address is not None and address != LAN]
    if len(set(heard)) == len(heard):
        return False
    rows = [
        address for address, before in zip(heard, [None, *heard], strict=False) if address != before
    ]
    whole = [address for address in rows if not is_cut(address)]
    return len(set(whole)) < len(whole)


def signs_of_way(addresses: Addresses, destination: str) -> tuple[Sign, ...]:
    """What the addresses of a trace show by themselves, whatever its times.

    >>> signs_of_way(("a", "b", "a", "d"), "d")
    ('goes_in_circles',)
    """
    return ("goes_in_circles",) if _circles(addresses, destination) else ()


def signs_of_times(
    rtts: Rtts, least_ms: float, policy: Policy, *, arrived: bool
) -> tuple[Sign, ...]:
    """What the RTTs of a trace show by themselves; ``arrived`` where the last is its destination's.

    ``least_ms`` is what light needs to the destination and back.

    >>> signs_of_times((1.0, 2.0, 3.0, 4.0), 5.0, Policy(), arrived=True)
    ('faster_than_light',)
    """
    heard = [rtt for rtt in rtts if rtt is not None]
    if not heard:
        return ()
    last = rtts[-1]
    soon = arrived and last is not None and last < least_ms
    falls = _falls(heard, policy)
    if soon or min(heard) < 0:
        return ("faster_than_light", "rtts_fall") if falls else ("faster_than_light",)
    return ("rtts_fall",) if falls else ()


def signs_of(told: Told, least_ms: float, policy: Policy) -> tuple[Sign, ...]:
    """What a trace shows by itself; ``least_ms`` is what light needs to its destination and back.

    >>> told = Told(None, None, None, "d", 4, 0.0, ("a", "b", "a", "d"), (1.0, 2.0, 3.0, 4.0))
    >>> signs_of(told, 0.0, Policy()), signs_of(told, 5.0, Policy())
    (('goes_in_circles',), ('faster_than_light', 'goes_in_circles'))
    """
    arrived = told.addresses[-1] == told.dst_addr
    return (
        *signs_of_times(told.rtts, least_ms, policy, arrived=arrived),
        *signs_of_way(told.addresses, told.dst_addr),
    )


class Account(NamedTuple):
    """What of a trace is compared with others: who measured it, to which destination, which way."""

    organisation: str
    key: str
    destination: str
    frame: Frame


class Others:
    """What all traces together say, so that one of them can be held against the others."""

    def __init__(self, accounts: Iterable[Account], policy: Policy) -> None:
        self._policy = policy
        frames: dict[tuple[str, str], dict[str, set[Frame]]] = {}
        for organisation, key, destination, frame in accounts:
            of_keys = frames.setdefault((organisation, destination), {})
            of_keys.setdefault(key, set()).add(frame)
        compared = {
            pair: of_keys for pair, of_keys in frames.items() if len(of_keys) > policy.agreeing_keys
        }
        self._agreed = {pair: self._agree(of_keys) for pair, of_keys in compared.items()}
        self._seen: dict[str, set[str]] = defaultdict(set)
        for of_keys in frames.values() if compared else ():
            for key, some in of_keys.items():
                for address in {a for frame in some for a, _ in _at_home(frame)}:
                    self._seen[address].add(key)

    def _agree(self, of_keys: Mapping[str, set[Frame]]) -> frozenset[Node] | None:
        """The nodes at home that nearly all of a network's keys see on the way, if they agree."""
        told = Counter(
            frozenset(node for frame in some for _, node in _at_home(frame))
            for some in of_keys.values()
        )
        nodes, count = max(told.items(), key=lambda item: (item[1], sorted(item[0])))
        enough = max(self._policy.agreeing_keys, self._policy.captured * (len(of_keys) - 1))
        return nodes if count >= enough else None

    def signs(self, account: Account) -> tuple[Sign, ...]:
        """What a trace shows beside the others."""
        agreed = self._agreed.get((account.organisation, account.destination))
        if agreed is not None and any(
            node not in agreed and self._seen[address] == {account.key}
            for address, node in _at_home(account.frame)
        ):
            return ("seen_by_nobody_else",)
        return ()


def _at_home(frame: Frame) -> Iterator[tuple[str, Node]]:
    """The addresses on the way through the country behind the own network, and whose they are."""
    for step in frame.steps:
        if (
            step.address is not None
            and step.sight is not None
            and not step.own
            and (step.sight.place == "home" or step.sight.special is not None)
        ):
            yield step.address, step.sight.node


def verdict_on(signs: Collection[Sign], policy: Policy) -> str | None:
    """Why a trace is set aside by its signs; None where it stays.

    >>> verdict_on(["rtts_fall"], Policy()), verdict_on(["faster_than_light"], Policy())
    (None, 'faster_than_light')
    >>> verdict_on(["rtts_fall", "goes_in_circles"], Policy())
    'implausible'
    """
    strong = next((sign for sign in signs if sign in STRONG), None)
    if strong is not None:
        return strong
    return "implausible" if len(set(signs)) >= policy.weak_signs else None
