"""The access network of each IP version, as a run comes to know it and loses it by moving.

What the interfaces or the user say is known beforehand; the first traces tell the rest, and every
trace shows where on the paths the access network stands. From that follows what has to be cut out
of a trace, and whether it left through a line that is not the volunteer's own. It keeps nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.origin.attribute import majority
from probe.vantage.locate import Access, access_of_interfaces, access_of_traces, first_mapped
from probe.vantage.surroundings import NEXT_DOOR, is_walled_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from probe.origin.attribute import Attributor
    from probe.record import Attribution, Trace
    from probe.redaction.premises import Premises
    from probe.vantage.locate import First


class AccessNetworks:
    """The access networks of one run.

    ``known`` are those by IP version, as far as they are known; ``said_country`` is the user's
    word on where they are. ``usual`` is the one that their settings name, for a provider that
    keeps silent; it is not believed where another network shows right behind their router, nor
    where it shows itself behind another, or the other IP version is another provider's.
    ``instead`` is, by IP version, the network that stands first where the one that the user named
    never did: it may be the access network after all.
    """

    def __init__(
        self,
        known: Mapping[int, Access],
        said_country: str | None,
        origin: Attributor,
        usual: Access | None = None,
    ) -> None:
        self.known = dict(known)
        self.said_country = said_country
        self.instead: dict[int, Attribution] = {}
        # The access network of the last day on which was measured, by hop and address at which the
        # next one showed behind it.
        self.behind: Mapping[tuple[int, str], int] = {}
        self._origin = origin
        self._usual = usual
        # AS numbers of networks that this run measured from before the machine moved.
        self._left: set[int] = set()
        # The country of the last of them: who moves seldom crosses a border, and a first hop
        # abroad is then rather that of a network that does not show.
        self._left_in: str | None = None
        # By IP version, the nearest and the farthest hop at which the access network showed first.
        self._shows_at: dict[int, tuple[int, int]] = {}
        # By IP version, the routers on the way to it, behind the own one.
        self._leading_there: dict[int, set[str]] = {}
        # The IP versions over which the one that the user named was the first network to show.
        self._stood_first: set[int] = set()

    @property
    def country(self) -> str | None:
        """The country of the run, as far as it is known: the user's word, or the registration."""
        registered = (access.country for access in self.known.values() if access.country)
        return self.said_country or next(registered, self._left_in)

    @property
    def expected_country(self) -> str | None:
        """Where a network that traces tell has to be registered, to be believed."""
        return self.said_country or self._left_in

    @property
    def to_cut(self) -> frozenset[int]:
        """The AS numbers of which nothing may be written whole."""
        known = {access.asn for access in self.known.values()}
        instead = {said.asn for said in self.instead.values() if said.asn is not None}
        return frozenset(known | self._left | instead)

    def shows_at(self, version: int) -> int:
        """The nearest hop at which the access network showed, 0 where it did not."""
        nearest, _farthest = self._shows_at.get(version, (0, 0))
        return nearest

    def tell(self, version: int, traces: Collection[Trace]) -> bool:
        """Learn which the access network is from traces over an IP version; whether they tell."""
        found = self._usual
        if found is None or self._shows_no_place_for(found, traces):
            found = self._fallen_silent(traces) or access_of_traces(
                traces, self.expected_country, self._origin
            )
        elif self._is_contradicted(found, traces):
            # The first network to show may as well stand behind another silent one.
            found = self._fallen_silent(traces)
        if found is not None:
            self.known[version] = found
        return found is not None

    def _fallen_silent(self, traces: Iterable[Trace]) -> Access | None:
        """The access network of the last day, where paths first show what stood right behind it.

        Its routers may answer nothing for some days. A line of the next network itself would not
        show that one's same interface at the same hop.
        """
        shown = [
            (first.said, self.behind.get((hop.number, majority(hop.replies) or "")))
            for trace in traces
            if (first := first_mapped(trace)) is not None
            for hop in trace.hops
            if hop.number == first.number
        ]
        before = {asn for _said, asn in shown if asn is not None}
        behind = {said.organisation for said, asn in shown if asn is not None}
        if len(before) != 1 or {said.organisation for said, _asn in shown} != behind:
            return None
        (asn,) = before
        organisation, country = self._origin.organisation(asn), self._origin.country(asn)
        return Access(asn, organisation, country, "first_hops")

    def _is_contradicted(self, silent: Access, traces: Collection[Trace]) -> bool:
        """Whether what else is known shows that this is not the line of a network.

        Either the line is another one at home over the other IP version; one abroad is a tunnel's.
        Or that network does answer, and only behind another one. That paths first show other
        networks than before tells nothing: so they do where a gateway is switched on.
        """
        home = {self.said_country, silent.country}
        return any(
            access.organisation != silent.organisation and access.country in home
            for access in self.known.values()
        ) or _shows_behind_others(silent, traces, self._origin)

    def _shows_no_place_for(self, silent: Access, traces: Collection[Trace]) -> bool:
        """Whether no network that keeps silent can stand before the first that shows."""
        firsts = [first for trace in traces if (first := first_mapped(trace)) is not None]
        return is_walled_in(traces) or any(
            first.number <= NEXT_DOOR
            and first.said.asn is not None
            and self._origin.organisation(first.said.asn) != silent.organisation
            for first in firsts
        )

    def move(self, version: int, premises: Premises, leaving: str | None) -> None:
        """Forget which access network an IP version is in: the machine is, or may be, elsewhere.

        Where the address that packets now leave from is public, that tells the new one.
        """
        self._shows_at.pop(version, None)
        self._leading_there.pop(version, None)
        instead = self.instead.pop(version, None)
        if instead is not None and instead.asn is not None:
            self._left.add(instead.asn)
        left = self.known.pop(version, None)
        if left is not None:
            self._left.add(left.asn)
            self._left_in = left.country
        found = access_of_interfaces(premises, version, self._origin, leaving)
        if found is not None:
            self.known[version] = found

    def learn(self, trace: Trace) -> None:
        """Take in where the access network shows, and which network does first."""
        access = self.known[trace.af]
        at, _other = self._first_shown(trace)
        if at is not None:
            nearest, farthest = self._shows_at.get(trace.af, (at, at))
            self._shows_at[trace.af] = min(at, nearest), max(at, farthest)
            self._leading_there.setdefault(trace.af, set()).update(_heard(trace, at).values())
        first = first_mapped(trace)
        if access.known_by != "said" or first is None or trace.af in self._stood_first:
            return
        said = first.said
        if said.asn is not None and self._origin.organisation(said.asn) == access.organisation:
            self._stood_first.add(trace.af)
            self.instead.pop(trace.af, None)
        elif self._may_be_own(trace, first):
            self.instead[trace.af] = said

    def _may_be_own(self, trace: Trace, first: First) -> bool:
        """Whether the first network to show may be the access network, though not as it was named.

        One abroad is not: nobody's line ends there. But which country is home only the wrong name
        may tell, and that is believed where a hop keeps silent behind the own router, as the
        network so named would.
        """
        heard = {hop.number for hop in trace.hops if majority(hop.replies) is not None}
        all_answer = heard.issuperset(range(2, first.number))
        home = self.said_country if all_answer else self.country
        return None in {home, first.said.country} or first.said.country == home

    def began_elsewhere(self, trace: Trace) -> bool:
        """Whether a trace shows another network where the access network should be.

        A router at home with two lines may change over to the other unseen, or use both. Then the
        first hops are those of a line that nobody knows to be the volunteer's own. Private routers
        may stand before that network: then none of those that lead to the access network answers.
        """
        at, other = self._first_shown(trace)
        nearest, farthest = self._shows_at.get(trace.af, (0, 0))
        if at is not None or other is None or not nearest:
            return False
        heard = _heard(trace, nearest)
        all_answer = heard.keys() == set(range(2, nearest + 1))
        leads_there = not self._leading_there[trace.af].isdisjoint(heard.values())
        return other <= farthest or (nearest > 1 and all_answer and not leads_there)

    def _first_shown(self, trace: Trace) -> tuple[int | None, int | None]:
        """The first hop of the access network, and the first of another one before it."""
        access = self.known[trace.af]
        other: int | None = None
        for hop in trace.hops:
            said = hop.attribution
            if said is None or said.asn is None:
                continue
            if self._origin.organisation(said.asn) == access.organisation:
                return hop.number, other
            other = other or hop.number
        return None, other


def _shows_behind_others(access: Access, traces: Iterable[Trace], origin: Attributor) -> bool:
    """Whether a network shows on paths, and always behind another one."""
    stands_first = set()
    for trace in traces:
        shown = [
            origin.organisation(hop.attribution.asn)
            for hop in trace.hops
            if hop.attribution is not None
            and hop.attribution.asn is not None
            and majority(hop.replies) != trace.dst_addr
        ]
        if access.organisation in shown:
            stands_first.add(shown[0] == access.organisation)
    return stands_first == {False}


def _heard(trace: Trace, farthest: int) -> dict[int, str]:
    """The routers that answered behind the own one, by hop, as far as this hop."""
    answered = {hop.number: majority(hop.replies) for hop in trace.hops}
    return {
        number: address
        for number, address in answered.items()
        if address is not None and 1 < number <= farthest
    }
