"""What of a trace lies inside the access network, or at home, so that it must be cut or go.

The access network is known by its AS numbers, by those of this machine's own public addresses, and
by where on the path it shows: what comes before that belongs to it, however it is numbered. This
module decides and takes nothing out: `probe.redaction.redact` does.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Literal

from probe.record import ATLAS_STATUS_HOP
from probe.redaction.premises import whose_are_own
from probe.redaction.spellings import embedded, parsed_address, told_by, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.origin.attribute import Attributor
    from probe.record import Attribution, Trace
    from probe.redaction.premises import Premises

# Blocks that mean nothing outside one network; what stands in them is kept as a block.
CUT_CLASSES = frozenset({"private", "cgnat", "ula", "link_local", "loopback"})

# Set aside for each network's own translators (RFC 8215): as private as 10/8.
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")

_ULA = ipaddress.IPv6Network("fc00::/7")

Reason = Literal["private", "access"]
"""Why an address is cut: it is private, or in the access network."""


class Inside:
    """What of one trace lies inside.

    ``access`` are AS numbers of the access network. ``first_shown`` is the hop at which other
    traces met that network first, 0 where none did.
    """

    def __init__(
        self,
        trace: Trace,
        premises: Premises,
        access: frozenset[int],
        origin: Attributor,
        *,
        first_shown: int,
    ) -> None:
        self._origin = origin
        # What somebody says, or traces tell, may be wrong; whose one's own addresses are is sure.
        sits_in = {
            own.asn for own in whose_are_own(premises, trace.af, origin) if own.asn is not None
        }
        self._access = access | sits_in
        self._organisations = {origin.organisation(asn) for asn in self._access}
        # Of an address of another network, as of a VPN, the line's own /48 is not known.
        providers = {origin.organisation(asn) for asn in access}
        self._knows_site = any(
            own.asn is not None and origin.organisation(own.asn) in providers
            for own in whose_are_own(premises, 6, origin)
        )
        heard = [
            (hop.number, reply.address)
            for hop in trace.hops
            for reply in hop.replies
            if reply.address is not None
        ]
        # A target that answers inside may be this line, numbered by another network: it is known
        # only when it is known where the path shows the access network.
        self._target_inside: str | None = None
        # What comes before this hop is known to lie inside the access network, or at home …
        self._shows_access = max(self._first_in_access(trace, heard), first_shown)
        # … and what comes before this one may.
        self._reaches_access = self._shows_access or self._first_of_any(trace, heard)
        if self._target_answers_inside(trace, heard):
            self._target_inside = str(parsed_address(trace.dst_addr))

    def reason_to_cut(self, address: str) -> Reason | None:
        """Why an address is cut wherever it stands; None where it stays."""
        if parsed_address(address) in _LOCAL_NAT64:
            return "private"
        if str(parsed_address(address)) == self._target_inside:
            return "access"
        reasons = map(self._reason_of, [*self._said_of(address), *self._translated(address)])
        return next(filter(None, reasons), None)

    def reason_to_cut_at(self, address: str, number: int) -> Reason | None:
        """Why an address is cut at this hop; None where it stays."""
        reason = self.reason_to_cut(address)
        if reason is None and number < self._reaches_access:
            # Carriers number their inside from blocks of others that are unused in public.
            return "access"
        return reason

    def may_be_home(self, address: str, number: int, reason: Reason) -> bool:
        """Whether the /48 of a hop, behind another router of home, may be this line's alone."""
        parsed = parsed_address(address)
        if parsed in _ULA:
            known = self._shows_access if self._knows_site else self._reaches_access
            return number < known
        return parsed.version == 6 and reason == "access" and not self._knows_site

    def _first_in_access(self, trace: Trace, heard: list[tuple[int, str]]) -> int:
        """The first hop that shows the access network, 0 where none does."""
        return next(
            (
                number
                for number, address in heard
                if address != trace.dst_addr and self.reason_to_cut(address) == "access"
            ),
            0,
        )

    def _first_of_any(self, trace: Trace, heard: list[tuple[int, str]]) -> int:
        """The first hop that shows any network at all, or the target."""
        for number, address in heard:
            if address == trace.dst_addr or any(
                said.asn is not None or said.exchange is not None for said in self._said_of(address)
            ):
                return number
        return ATLAS_STATUS_HOP + 1

    def _target_answers_inside(self, trace: Trace, heard: list[tuple[int, str]]) -> bool:
        """Whether the target answers at the first hop, or nearer than the access network shows."""
        answered = {number for number, address in heard if address == trace.dst_addr}
        if trace.stop == "destination" and trace.hops:
            answered.add(trace.hops[-1].number)
        return any(number < max(2, self._shows_access) for number in answered)

    def _reason_of(self, said: Attribution) -> Reason | None:
        if said.special in CUT_CLASSES:
            return "private"
        if said.asn in self._access or (
            said.organisation is not None and said.organisation in self._organisations
        ):
            return "access"
        return None

    def _said_of(self, address: str) -> Iterator[Attribution]:
        """Whose an address is, and the one that it may hold."""
        yield self._origin.lookup(address)
        parsed = parsed_address(address)
        inner = embedded(parsed)
        held = told_by(parsed) if inner is None else inner[0]
        if held is not None:
            yield self._origin.lookup(str(held))

    def _translated(self, address: str) -> Iterator[Attribution]:
        """Whose the address is that a translator with a prefix of its own may have put there.

        Exchanges write the AS number of a member in the same place.
        """
        inner = translated(parsed_address(address))
        if inner is not None and self._origin.lookup(address).exchange is None:
            yield self._origin.lookup(str(inner))
