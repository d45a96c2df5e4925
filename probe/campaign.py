"""From finished traces to the spool: the part of a run that decides what is kept.

A `Campaign` takes each trace as the session hands it over, attributes it, redacts it, appends it
and counts what became of it. Until the access network is known it holds traces in memory, and
the disk stays untouched; so it is again after the machine moved. It knows no socket, no option
and no screen.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from probe.attribute import attribute
from probe.failure import Failure, Offline, PermissionDenied, RefusedToRedact
from probe.hosting import hosting_networks
from probe.language import _
from probe.locate import (
    Access,
    access_of_interfaces,
    access_of_traces,
    first_mapped,
    in_doubt,
)
from probe.record import (
    CAPTIVE_PORTAL,
    CARRIER_NAT,
    HOSTED,
    OTHER_COUNTRY,
    REGISTERED_ABROAD,
    Trace,
    Vantage,
)
from probe.redact import redact
from probe.spool import Spool
from probe.surroundings import (
    are_answered_alike,
    is_answered_next_door,
    is_behind_carrier_nat,
    is_walled_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from probe.attribute import Attributor
    from probe.identity import Identity
    from probe.premises import Premises
    from probe.record import Attribution

NO_ROUTE = "no route"
UNLOCATED = "dropped before it was known where this machine is"
FIREWALL = "kept back by this machine's firewall"
INTERRUPTED = "interrupted too often"
REFUSED = "refused to redact"
ELSEWHERE = "left through another network than the rest"
OVER_BUDGET = "over the budget of the day"


class Campaign:
    """What becomes of the traces of one run.

    ``access`` is the access network by IP version, as far as it is known beforehand; `locate`
    adds what the first traces tell. ``country`` is the user's word on where they are. ``folder``
    is the spool's. ``flow`` is that of the run gone on with; None begins a new one. Nothing is
    made on the disk before the first trace is kept.
    """

    def __init__(
        self,
        *,
        folder: Path,
        origin: Attributor,
        premises: Premises,
        identity: Identity,
        access: dict[int, Access],
        country: str | None,
        flow: int | None = None,
    ) -> None:
        self.folder = folder
        self.access = dict(access)
        self.flow = identity.flow() if flow is None else flow
        self.kept = 0
        self.answered = False
        self.refused = 0
        # Traces that began in another network than the others, although no interface changed.
        self.elsewhere = 0
        # The country of the run before, where there was one.
        self.earlier: str | None = None
        # Why the access network of an IP version could not be told.
        self.unlocated: Failure | None = None
        # By IP version, the network that stands first where the one that the user named never did:
        # it may be the access network after all.
        self.instead: dict[int, Attribution] = {}
        # What is to be noted of a trace over this IP version that is kept now, see
        # `probe.record.WHEREABOUTS`.
        self.circumstances: Callable[[int], Iterable[str]] = lambda _version: ()
        # What the kept traces say of the whereabouts, and how many of them.
        self.noted: Counter[str] = Counter()
        # Targets that the own firewall kept back, and what the system said of the last.
        self.held_back = 0
        self.firewall: str | None = None
        # Targets given up because something came in between each time.
        self.given_up = 0
        # What came in between, and how many traces had to be begun anew for it.
        self.interruptions: Counter[str] = Counter()
        self.begun_anew = 0
        # How many targets had to be left for want of budget.
        self.unaffordable = 0
        # How many traces could not and could be sent, by IP version.
        self.unrouted: Counter[int] = Counter()
        self.routed: Counter[int] = Counter()
        # IP versions over which a trace could be sent from where this machine is now.
        self._left_by: set[int] = set()
        # IP versions that had a way out where this machine was before.
        self._had: set[int] = set()
        self._origin = origin
        self._premises = premises
        self._identity = identity
        self._country = country
        self._vantages: dict[int, Vantage] = {}
        # By target, the traces held, the last of which is kept in the end.
        self._held: dict[str, list[Trace]] = {}
        # AS numbers of networks that this run measured from before the machine moved.
        self._left: set[int] = set()
        # The country of the last of them: who moves seldom crosses a border, and a first hop
        # abroad is then rather that of a network that does not show.
        self._left_in: str | None = None
        self._spool: Spool | None = None
        # By IP version, the nearest and the farthest hop at which the access network showed first.
        self._shows_at: dict[int, tuple[int, int]] = {}
        # The IP versions over which it was the first network to show.
        self._stood_first: set[int] = set()

    def finished(self, trace: Trace, firewall: str | None = None) -> None:
        """Take in a finished trace; it is on the disk when this returns, or held, or counted.

        ``firewall`` is what the system said where it was the own firewall that kept a trace from
        being sent. Raises `PartlyDone` when the disk is full.
        """
        if firewall is not None:
            self.held_back += 1
            self.firewall = firewall
            return
        if trace.error is not None:
            self.unrouted[trace.af] += 1
            return
        self.routed[trace.af] += 1
        self._left_by.add(trace.af)
        self.answered |= any(not reply.is_star for hop in trace.hops for reply in hop.replies)
        attributed = attribute(trace, self._origin)
        if trace.af in self.access:
            self._learn(attributed)
            self._keep(attributed)
        else:
            self._held.setdefault(trace.dst_addr, []).append(attributed)

    def locate(self) -> None:
        """Learn the access network from the traces held, and keep them.

        Raises `Offline` where nothing was answered, or all by one that stands next door,
        `PermissionDenied` where nothing could even be sent, `RefusedToRedact` where the traces do
        not tell the access network of any IP version for sure; those of a version that stays
        unknown beside a known one are counted as refused. Nothing of them is written.
        """
        held, self._held = self._held, {}
        portal, abroad = False, None
        if not self.access and not self.answered:
            if self.firewall is not None and not self.routed:
                raise PermissionDenied(self.firewall)
            raise Offline(
                _("no probe was answered; check the connection, nothing was written")
                if self.routed
                else _("there is no route to any target; check the connection")
            )
        newest = [tries[-1] for tries in held.values()]
        for version in sorted({trace.af for trace in newest}):
            of_version = _over(version, held)
            if are_answered_alike(of_version):
                portal = True
                continue
            country = self._country or self._left_in
            found = access_of_traces(of_version, country, self._origin)
            if found is not None:
                self.access[version] = found
            else:
                abroad = abroad or access_of_traces(of_version, None, self._origin)
        if not self.access or any(trace.af not in self.access for trace in newest):
            self.unlocated = self._why_unlocated(newest, abroad, portal=portal)
            if not self.access:
                raise self.unlocated
        located = [trace for trace in newest if trace.af in self.access]
        self.refused += len(newest) - len(located)
        for trace in located:  # what each of them tells is needed for all
            self._learn(trace)
        for trace in located:
            self._keep(trace)

    def _why_unlocated(self, held: list[Trace], abroad: Access | None, *, portal: bool) -> Failure:
        """What stands against the access network of an IP version, with what mends it."""
        if portal:
            return Offline(
                _(
                    "every target seems to answer from next door, as where a captive portal wants "
                    "a login: open any page in a browser, sign in, and run again"
                )
            )
        if is_walled_in(trace for trace in held if trace.af not in self.access):
            return Offline(
                _(
                    "nothing answers but your own network: where it wants a login, open any page "
                    "in a browser, sign in, and run again; else try --method udp or tcp"
                )
            )
        if abroad is not None:
            return RefusedToRedact(
                _(
                    "the first network that shows is AS{asn} {organisation} in {country}, not in "
                    "{said} (a VPN in the router, a SIM that roams, or a provider that keeps "
                    "silent), so nothing was written; name your provider with --access-as ASN"
                ).format(
                    asn=abroad.asn,
                    organisation=abroad.organisation,
                    country=abroad.country,
                    said=self._country or self._left_in,
                )
            )
        return RefusedToRedact(
            _(
                "the network you sit in is not known for sure, so nothing was written; "
                "name it with --access-as ASN"
            )
        )

    @property
    def holding(self) -> set[int]:
        """IP versions of which traces are held until the access network is known."""
        return {tries[-1].af for tries in self._held.values()}

    @property
    def held(self) -> Collection[str]:
        """The targets of which traces are held."""
        return self._held.keys()

    @property
    def in_doubt(self) -> list[str]:
        """The targets, of those held, to be traced to again before it is told where this is."""
        return [
            target
            for version in sorted(self.holding)
            for target in in_doubt(_over(version, self._held), self._origin)
        ]

    def stand(self, premises: Premises) -> None:
        """Learn what the interfaces have now. What was one's own stays so for the whole run."""
        self._premises = self._premises.joined(premises)

    def move(self, version: int, premises: Premises, leaving: str | None) -> list[Trace]:
        """Forget which access network an IP version is in: the machine is, or may be, elsewhere.

        Where the address that packets now leave from is public, that tells the new one. Returns
        the traces held from the old place: where that was is not to be found out any more.
        """
        self.stand(premises)
        self._had.add(version)
        self._shows_at.pop(version, None)
        self._left_by.discard(version)
        self._stood_first.discard(version)
        self.instead.pop(version, None)
        left = self.access.pop(version, None)
        if left is not None:
            self._left.add(left.asn)
            self._left_in = left.country
        found = access_of_interfaces(premises, version, self._origin, leaving)
        if found is not None:
            self.access[version] = found
        dropped = [tries[-1] for tries in self._held.values() if tries[-1].af == version]
        for trace in dropped:
            del self._held[trace.dst_addr]
        return dropped

    def skip(self, version: int) -> None:
        """Count a target that is not traced, since the first ones of its version failed."""
        if version in self._left_by:
            self.refused += 1
        else:
            self.unrouted[version] += 1

    def vantage(self, version: int) -> Vantage:
        """Who measures over an IP version, by pseudonym."""
        access = self.access[version]
        if access.asn not in self._vantages:
            self._vantages[access.asn] = Vantage(
                id=self._identity.pseudonym(access.asn),
                asn=access.asn,
                organisation=access.organisation,
                country=self._country or access.country,
            )
        return self._vantages[access.asn]

    @property
    def country(self) -> str | None:
        """The country of the run, as far as it is known: the user's word, or the registration."""
        registered = (access.country for access in self.access.values() if access.country)
        return self._country or next(registered, self._left_in)

    def failed(self) -> Counter[str]:
        """How many targets could not be measured or kept, by reason.

        Where an IP version has no route at all and the other has, that is no failure: see
        `absent`.
        """
        failed = Counter(
            {
                REFUSED: self.refused,
                UNLOCATED: len(self._held),
                OVER_BUDGET: self.unaffordable,
                ELSEWHERE: self.elsewhere,
                FIREWALL: self.held_back,
                INTERRUPTED: self.given_up,
            }
        )
        for version, count in self.unrouted.items():
            if version not in self.absent():
                failed[NO_ROUTE] += count
        return +failed

    def absent(self) -> dict[int, int]:
        """IP versions that this place does not have, and how many targets that leaves out."""
        return {
            version: count
            for version, count in self.unrouted.items()
            if not self.routed[version] and self.routed and version not in self._had
        }

    def close(self) -> None:
        """Close the spool. Safe to call twice."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _first_shown(self, trace: Trace) -> tuple[int | None, int | None]:
        """The first hop of the access network, and the first of another one before it."""
        access = self.access[trace.af]
        other: int | None = None
        for hop in trace.hops:
            said = hop.attribution
            if said is None or said.asn is None or said.special is not None:
                continue
            if self._origin.organisation(said.asn) == access.organisation:
                return hop.number, other
            other = other or hop.number
        return None, other

    def _learn(self, trace: Trace) -> None:
        """Take in where the access network shows, and which network does first."""
        access = self.access[trace.af]
        at, _other = self._first_shown(trace)
        if at is not None:
            nearest, farthest = self._shows_at.get(trace.af, (at, at))
            self._shows_at[trace.af] = min(at, nearest), max(at, farthest)
        first = first_mapped(trace)
        if access.known_by != "said" or first is None or trace.af in self._stood_first:
            return
        said = first.said
        if said.asn is not None and self._origin.organisation(said.asn) == access.organisation:
            self._stood_first.add(trace.af)
            self.instead.pop(trace.af, None)
        elif None in {self.country, said.country} or said.country == self.country:
            self.instead[trace.af] = said

    def _began_elsewhere(self, trace: Trace) -> bool:
        """Whether a trace shows another network where the access network should be.

        A router at home with two lines may change over to the other unseen. Then the first hops
        are those of a line that nobody knows to be the volunteer's own.
        """
        at, other = self._first_shown(trace)
        _nearest, farthest = self._shows_at.get(trace.af, (0, 0))
        return at is None and other is not None and other <= farthest

    def _notes(self, trace: Trace) -> set[str]:
        """What there is to be said of the whereabouts of a trace."""
        access = self.access[trace.af]
        noted = set(self.circumstances(trace.af))
        if is_answered_next_door(trace, access.organisation, self._origin):
            noted.add(CAPTIVE_PORTAL)
        if is_behind_carrier_nat(trace):
            noted.add(CARRIER_NAT)
        if self._country and access.country and access.country != self._country:
            noted.add(REGISTERED_ABROAD)
        if None not in {self.earlier, access.country} and access.country != self.earlier:
            noted.add(OTHER_COUNTRY)
        if access.asn in hosting_networks():
            noted.add(HOSTED)
        return noted

    def _keep(self, trace: Trace) -> None:
        if self._began_elsewhere(trace):
            self.elsewhere += 1
            return
        noted = self._notes(trace)
        networks = frozenset(access.asn for access in self.access.values()) | self._left
        networks |= {said.asn for said in self.instead.values() if said.asn is not None}
        marked = trace._replace(
            vantage=self.vantage(trace.af), notes=(*trace.notes, *sorted(noted))
        )
        try:
            inside, _farthest = self._shows_at.get(trace.af, (0, 0))
            redacted = redact(marked, self._premises, networks, self._origin, inside=inside)
        except RefusedToRedact:
            self.refused += 1
            return
        if self._spool is None:
            self._spool = Spool(self.folder)
            self._identity.used(self.flow)
        self._spool.append(redacted)
        self.noted.update(noted)
        self.kept += 1


def _over(version: int, held: Mapping[str, list[Trace]]) -> list[Trace]:
    return [trace for tries in held.values() for trace in tries if trace.af == version]
