"""What BGP says of the same country: a witness that no volunteer and no traceroute can sway.

Peers of a route collector abroad see by which networks a country's prefixes are reached. That is
the control plane and the way in, where traces show the data plane and the way out; where both say
the same, neither method's faults explain it. The witness is heard here; what its
word changes is decided in `analysis.grading.scope`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from analysis.policy import Policy
from analysis.supplementary.hegemony import hegemony
from analysis.words.wording import asked, beside

Says = Literal["agrees", "disagrees", "silent"]
Entity = TypeVar("Entity", bound=Hashable)


class Route(Protocol):
    """One peer's way to one prefix; ``path`` are AS numbers from the peer to the origin."""

    @property
    def prefix(self) -> IPv4Network | IPv6Network: ...

    @property
    def peer(self) -> str: ...

    @property
    def path(self) -> tuple[int, ...]: ...


@dataclass(frozen=True, slots=True)
class Transit:
    """How much of a country's address space is reached through one network.

    ``share`` is its hegemony over all announced addresses of the country, its own among them;
    ``others`` that over the addresses which ``origins`` other networks announce, None where there
    are none.
    """

    share: float
    others: float | None
    origins: int


def informed(routes: Iterable[Route]) -> set[str]:
    """The peers whose view is one of the whole country.

    A peer that knows fewer than half as many of its prefixes as the best informed one sends no
    full table; what it leaves out is its policy, not the country's ways.
    """
    known: dict[str, set[object]] = defaultdict(set)
    for route in routes:
        known[route.peer].add(route.prefix)
    most = max(map(len, known.values()), default=0)
    return {peer for peer, prefixes in known.items() if 2 * len(prefixes) >= most}


def transits(routes: Sequence[Route], entity: Callable[[int], Entity]) -> dict[Entity, Transit]:
    """The transit of everything on the paths; ``entity`` merges AS numbers, or leaves them.

    Each peer weighs the same, each prefix as many addresses as it has; prefixes within prefixes
    count apart, as they are announced. Additional paths of a peer count as so many routes.
    """
    total: Counter[str] = Counter()
    own: dict[Entity, Counter[str]] = defaultdict(Counter)
    through: dict[Entity, Counter[str]] = defaultdict(Counter)
    for route in routes:
        size = route.prefix.num_addresses
        total[route.peer] += size
        origin = entity(route.path[-1])
        own[origin][route.peer] += size
        for one in {entity(asn) for asn in route.path} - {origin}:
            through[one][route.peer] += size
    found = {}
    origins = set(own)
    for one in {**own, **through}:
        mine, passing = own.get(one, Counter()), through.get(one, Counter())
        rest = {peer: total[peer] - mine[peer] for peer in total}
        found[one] = Transit(
            share=hegemony([(mine[peer] + passing[peer]) / total[peer] for peer in total]),
            others=hegemony([passing[peer] / left for peer, left in rest.items() if left])
            if any(rest.values())
            else None,
            origins=len(origins - {one}),
        )
    return found


@dataclass(frozen=True, slots=True)
class Statement:
    """Whether the witness says what the traces say, and why."""

    says: Says
    reason: str


def days_apart(taken: dt.date, first: dt.date, last: dt.date) -> int:
    """Days between a recording and a period, 0 within it.

    >>> days_apart(dt.date(2026, 1, 9), dt.date(2026, 1, 1), dt.date(2026, 1, 8))
    1
    """
    return max((first - taken).days, (taken - last).days, 0)


def compare(
    organisations: Mapping[str, Transit],
    grade: str,
    gateway: str | None,
    apart: int,
    policy: Policy,
) -> Statement:
    """Compare a verdict with the transit of domestic organisations.

    ``gateway`` is the organisation that the verdict names (None for a gateway that no AS number
    stands for), ``apart`` the days between routing table and traces.
    """
    if apart > policy.witness_days:
        return Statement(
            "silent",
            f"The routing table was recorded {apart} days away from the traces; "
            f"{policy.witness_days} are allowed.",
        )
    if not organisations:
        return Statement("silent", "No route to a prefix of the country is in the routing table.")
    if grade == "insufficient":
        return Statement("silent", "The traces say nothing that it could agree with.")
    if grade in {"concentrated", "single_gateway"}:
        if gateway is None:
            return Statement("silent", "No AS number stands for the gateway: BGP cannot show it.")
        needed = policy.witness if grade == "single_gateway" else policy.concentrated
        transit = organisations.get(gateway)
        others = (transit.others or 0.0) if transit is not None else 0.0
        origins = (transit or max(organisations.values(), key=lambda one: one.origins)).origins
        if origins < policy.organisations:
            return Statement(
                "silent",
                f"Besides {gateway}, addresses are announced by {origins} of the "
                f"{policy.organisations} organisations needed.",
            )
        return Statement(
            "agrees" if others >= needed else "disagrees",
            f"In BGP {beside(others, needed)} of the others' addresses are reached through "
            f"{gateway}; {asked(needed)} would agree.",
        )
    enough = [
        (one.others or 0.0, name)
        for name, one in organisations.items()
        if one.origins >= policy.organisations
    ]
    if not enough:
        return Statement("silent", "Too few organisations announce addresses to tell.")
    most, name = max(enough)
    return Statement(
        "disagrees" if most >= policy.witness else "agrees",
        f"In BGP {beside(most, policy.witness)} of the others' addresses are reached through "
        f"{name}, more than through any other; {asked(policy.witness)} would speak of one gateway.",
    )


class Recording(Protocol):
    """A routing table as `analysis.intake.rib` reads it: routes towards the country's prefixes."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def taken(self) -> dt.datetime | None: ...

    @property
    def complete(self) -> bool: ...

    @property
    def prefixes(self) -> int: ...

    @property
    def routes(self) -> Sequence[Route]: ...

    @property
    def left_out(self) -> Mapping[str, int]: ...


class Register(Protocol):
    """What the witness asks of an address table."""

    def organisation(self, asn: int) -> str: ...

    def country(self, asn: int) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Witness:
    """What was heard: the fields of the verdict's ``witness``, and the statement alone."""

    fields: dict[str, Any]
    statement: Statement


_SHOWN = 10


class _View(NamedTuple):
    """What the peers abroad with a full table see of a country, over one version of IP.

    ``routes`` are all of that version, ``heard`` those of the peers in ``full``; ``inside`` are the
    peers in the country. ``at_home`` are the AS numbers of the country that stand on a path.
    """

    routes: list[Route]
    heard: list[Route]
    inside: set[str]
    full: set[str]
    by_asn: dict[int, Transit]
    at_home: set[int]


def _view(recording: Recording, country: str, register: Register, family: int) -> _View:
    routes = [route for route in recording.routes if route.prefix.version == family]
    inside = {route.peer for route in routes if register.country(route.path[0]) == country}
    full = informed(route for route in routes if route.peer not in inside)
    heard = [route for route in routes if route.peer in full]
    by_asn = transits(heard, lambda asn: asn)
    at_home = {asn for asn in by_asn if register.country(asn) == country}
    return _View(routes, heard, inside, full, by_asn, at_home)


def _organisations(view: _View, register: Register) -> dict[str, Transit]:
    """The transit of the country's organisations."""
    names = {register.organisation(asn) for asn in view.at_home}
    found = transits(view.heard, register.organisation)
    return {name: transit for name, transit in found.items() if name in names}


def hear(
    recording: Recording,
    country: str,
    register: Register,
    policy: Policy,
    *,
    family: int,
    grade: str,
    gateway: str | None,
    days: Collection[dt.date],
) -> Witness:
    """Ask a routing table whether it says what the traces of one address family say.

    Peers inside the country are not heard: they need no way in. ``gateway`` is the organisation
    that the named gateway is, ``days`` are those with traces.
    """
    view = _view(recording, country, register, family)
    taken = recording.taken
    apart = days_apart(taken.date(), min(days), max(days)) if taken is not None and days else 0
    statement = compare(_organisations(view, register), grade, gateway, apart, policy)
    if statement.says == "agrees" and not recording.complete:
        statement = Statement(
            "silent",
            f"The routing table ends in the middle, so it is no witness. {statement.reason}",
        )
    return Witness(_fields(recording, view, statement, register), statement)


def _fields(
    recording: Recording, view: _View, statement: Statement, register: Register
) -> dict[str, Any]:
    """The verdict's ``witness``."""
    by_asn, taken = view.by_asn, recording.taken
    strongest = sorted(view.at_home, key=lambda asn: (-by_asn[asn].share, asn))[:_SHOWN]
    return {
        "kind": "bgp",
        "source": recording.name,
        "sha256": recording.sha256,
        "taken": taken.isoformat() if taken is not None else None,
        "complete": recording.complete,
        "says": statement.says,
        "reason": statement.reason,
        "transit": [
            {
                "asn": asn,
                "organisation": register.organisation(asn),
                "share": by_asn[asn].share,
                "others": by_asn[asn].others,
            }
            for asn in strongest
        ],
        "peers": len(view.full),
        "peers_inside": len(view.inside),
        "peers_with_less": len({route.peer for route in view.routes} - view.full - view.inside),
        "prefixes": len({route.prefix for route in view.heard}),
        "prefixes_of_all_countries": recording.prefixes,
        "routes": len(view.heard),
        "left_out": dict(sorted(recording.left_out.items())),
    }
