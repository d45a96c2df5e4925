"""From finished traces to the spool: the part of a run that decides what is kept.

A `Campaign` takes each trace as the session hands it over, attributes it, redacts it and appends
it. Until the access network is known it holds traces in memory, and the disk stays untouched; so it
is again after the machine moved. Which network that is `probe.vantage.access` knows, and
`probe.run.tally` what became of the rest. It knows no socket, no option and no screen.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from probe.misdated import Misdated, put_down_misdated
from probe.origin.attribute import attribute
from probe.record import (
    CAPTIVE_PORTAL,
    CARRIER_NAT,
    HOSTED,
    NEW_TTL,
    OTHER_COUNTRY,
    REGISTERED_ABROAD,
    Trace,
    Vantage,
)
from probe.redaction.redact import redact
from probe.run.tally import ELSEWHERE, REFUSED, UNLOCATED, Tally
from probe.spool import Spool
from probe.vantage.access import AccessNetworks
from probe.vantage.hosting import hosting_networks
from probe.vantage.locate import access_of_traces, in_doubt
from probe.vantage.surroundings import (
    are_answered_alike,
    gets_new_ttl,
    is_answered_next_door,
    is_behind_carrier_nat,
    is_cut_off,
    is_walled_in,
    leads_nowhere,
)
from probe.words.failure import Failure, Offline, PermissionDenied, RefusedToRedact
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from probe.origin.attribute import Attributor
    from probe.redaction.identity import Identity
    from probe.redaction.premises import Premises
    from probe.vantage.locate import Access


class Campaign:
    """What becomes of the traces of one run.

    ``known`` is the access network by IP version, as far as it is known beforehand; `locate`
    adds what the first traces tell. ``country`` is the user's word on where they are, ``usual``
    that of their settings on the provider. ``folder`` is the spool's. ``flow`` is that of the run
    that is resumed; None begins a new one. Nothing is made on the disk before the first trace is
    kept.
    """

    def __init__(
        self,
        *,
        folder: Path,
        origin: Attributor,
        premises: Premises,
        identity: Identity,
        known: Mapping[int, Access],
        country: str | None,
        usual: Access | None = None,
        flow: int | None = None,
    ) -> None:
        self.folder = folder
        self.access = AccessNetworks(known, country, origin, usual)
        self.tally = Tally()
        self.flow = identity.flow() if flow is None else flow
        # The country of the run before, where there was one.
        self.earlier: str | None = None
        # Why the access network of an IP version could not be told.
        self.unlocated: Failure | None = None
        # What is to be noted of a trace to this target that is kept now, see
        # `probe.record.WHEREABOUTS`.
        self.circumstances: Callable[[str], Iterable[str]] = lambda _target: ()
        # From when to when the clock was wrong, once it was set: `ClockWatch.misdated`.
        self.clock_set: Callable[[], tuple[int, int] | None] = lambda: None
        # Day files of which the disk does not give all, with the errors.
        self.unread: dict[Path, OSError] = {}
        self._origin = origin
        self._premises = premises
        self._identity = identity
        self._is_new = flow is None
        self._vantages: dict[int, Vantage] = {}
        # By target, the traces held, the last of which is kept in the end.
        self._held: dict[str, list[Trace]] = {}
        self._spool: Spool | None = None
        self._wrong: Misdated | None = None

    def begin(self) -> None:
        """A run begins: what it keeps is not that of the run before, unless that is resumed."""
        if self._is_new:
            self._identity.begun()

    def finished(self, trace: Trace, firewall: str | None = None) -> None:
        """Take in a finished trace; it is on the disk when this returns, or held, or counted.

        ``firewall`` is what the system said where it was the own firewall that kept a trace from
        being sent. Raises `PartlyDone` when the disk is full.
        """
        if firewall is not None:
            self.tally.held_back(firewall)
            return
        if trace.error is not None:
            self.tally.unrouted(trace.af)
            return
        self.tally.sent(
            trace.af,
            answered=any(not reply.is_star for hop in trace.hops for reply in hop.replies),
        )
        attributed = attribute(trace, self._origin)
        if trace.af in self.access.known:
            self.access.learn(attributed)
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
        hidden: Failure | None = None
        abroad: Access | None = None
        if not self.access.known and not self.tally.answered:
            if self.tally.firewall is not None and not self.tally.routed:
                raise PermissionDenied(self.tally.firewall)
            raise Offline(
                _("no probe was answered; check the connection, nothing was written")
                if self.tally.routed
                else _("there is no route to any target; check the connection")
            )
        newest = [tries[-1] for tries in held.values()]
        for version in sorted({trace.af for trace in newest}):
            of_version = _over(version, held)
            if why := _why_hidden(of_version):
                hidden = why
            elif not self.access.tell(version, of_version):
                abroad = abroad or access_of_traces(of_version, None, self._origin)
        located = [trace for trace in newest if trace.af in self.access.known]
        if not self.access.known or len(located) < len(newest):
            self.unlocated = hidden or self._why_unlocated(newest, abroad)
            if not self.access.known:
                raise self.unlocated
        for version in {trace.af for trace in newest} - self.access.known.keys():
            lost = [trace for trace in newest if trace.af == version]
            if leads_nowhere(lost):
                self.tally.leads_nowhere(version, len(lost))
            else:
                self.tally.failed(REFUSED, len(lost))
        for trace in located:  # what each of them tells is needed for all
            self.access.learn(trace)
        for trace in located:
            self._keep(trace)

    def _why_unlocated(self, held: list[Trace], abroad: Access | None) -> Failure:
        """What stands against the access network of an IP version, with what mends it."""
        if is_walled_in(trace for trace in held if trace.af not in self.access.known):
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
                    "silent), so nothing was written; turn a VPN off if that is safe for you; only "
                    "a provider that keeps silent is to be named, with --access-as ASN, or for "
                    "every run here as access_as in settings.toml"
                ).format(
                    asn=abroad.asn,
                    organisation=abroad.organisation,
                    country=abroad.country,
                    said=self.access.expected_country,
                )
            )
        return RefusedToRedact(
            _(
                "the network you sit in is not known for sure, so nothing was written; "
                "name it with --access-as ASN, or for every run here as access_as in settings.toml"
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
        self.tally.moved(version)
        self.access.move(version, premises, leaving)
        dropped = [tries[-1] for tries in self._held.values() if tries[-1].af == version]
        for trace in dropped:
            del self._held[trace.dst_addr]
        return dropped

    def is_unheard(self, trace: Trace) -> bool:
        """Whether a trace heard nothing from beyond the own line, as others of the run did."""
        return trace.error is None and is_cut_off(trace, self.access.shows_at(trace.af))

    def vantage(self, version: int) -> Vantage:
        """Who measures over an IP version, by pseudonym."""
        access = self.access.known[version]
        if access.asn not in self._vantages:
            self._vantages[access.asn] = Vantage(
                id=self._identity.pseudonym(access.asn),
                asn=access.asn,
                organisation=access.organisation,
                country=self.access.said_country or access.country,
            )
        return self._vantages[access.asn]

    def failures(self) -> Counter[str]:
        """How many targets could not be measured or kept, by reason, what is held among them."""
        return self.tally.failures() + Counter({UNLOCATED: len(self._held)})

    def close(self) -> None:
        """Close the spool. Safe to call twice."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _notes(self, trace: Trace) -> set[str]:
        """What there is to be said of the whereabouts of a trace."""
        access = self.access.known[trace.af]
        noted = set(self.circumstances(trace.dst_addr))
        if gets_new_ttl(trace):
            noted.add(NEW_TTL)
        elif is_answered_next_door(trace, access.organisation, self._origin):
            noted.add(CAPTIVE_PORTAL)
        if is_behind_carrier_nat(trace):
            noted.add(CARRIER_NAT)
        said_country = self.access.said_country
        if said_country and access.country and access.country != said_country:
            noted.add(REGISTERED_ABROAD)
        if None not in {self.earlier, access.country} and access.country != self.earlier:
            noted.add(OTHER_COUNTRY)
        if access.asn in hosting_networks():
            noted.add(HOSTED)
        return noted

    def _keep(self, trace: Trace) -> None:
        if self.access.began_elsewhere(trace):
            self.tally.failed(ELSEWHERE)
            return
        noted = self._notes(trace)
        marked = trace._replace(
            vantage=self.vantage(trace.af), notes=(*trace.notes, *sorted(noted))
        )
        try:
            redacted = redact(
                marked,
                self._premises,
                self.access.to_cut,
                self._origin,
                first_shown=self.access.shows_at(trace.af),
            )
        except RefusedToRedact:
            self.tally.failed(REFUSED)
            return
        if self._spool is None:
            self._spool = Spool(self.folder)
            self.unread |= self._spool.unread
            self._identity.used(self.flow)
        self._doubt(trace)
        self._spool.append(redacted)
        self.tally.keep(noted, latest=_latest(trace), unheard=self.is_unheard(trace))

    def _doubt(self, trace: Trace) -> None:
        """Put down what was kept under a clock that was wrong, once it has been set."""
        if (wrong := self.clock_set()) is not None:
            self._wrong = Misdated(*wrong, self.flow)
            put_down_misdated(self.folder, self._wrong)
            self.tally.misdated = self.tally.kept
        if self._wrong is not None and self._wrong.holds(self.flow, trace.timestamp):
            self.tally.misdated += 1


def _why_hidden(traces: list[Trace]) -> Failure | None:
    """Why no network at all can show in these traces, with what mends it; None where one may."""
    if all(map(gets_new_ttl, traces)):
        return RefusedToRedact(
            _(
                "every target seems to answer from next door, but from far by its answers: a "
                "telephone that shares its link, or a router, gives each packet a new TTL, so "
                "no path shows and nothing was written; measure over another line"
            )
        )
    if are_answered_alike(traces):
        return Offline(
            _(
                "every target seems to answer from next door, as where a captive portal wants a "
                "login: open any page in a browser, sign in, and run again"
            )
        )
    return None


def _latest(trace: Trace) -> float | None:
    """How long the latest answer took that came after it was given up, in ms; None where none."""
    return max(
        (
            reply.rtt
            for hop in trace.hops
            for reply in hop.replies
            if reply.late is not None and reply.rtt is not None
        ),
        default=None,
    )


def _over(version: int, held: Mapping[str, list[Trace]]) -> list[Trace]:
    return [trace for tries in held.values() for trace in tries if trace.af == version]
