"""What of a trace may be written: the only way from a measurement to the disk.

A volunteer can be harmed by the address of their own line, the name of their computer, or the
place of their line in the access network. This module takes those out and leaves what is
evidence: the interfaces deeper in the network, and private blocks as blocks. It is pure, it
asks nobody, and it fails closed: where it is not certain what has to go, it refuses. It must
not know of files or sockets; `Redacted` is the type that the spool accepts, and `redact` is what
makes one.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NewType

from probe.attribute import majority
from probe.failure import RefusedToRedact
from probe.language import _
from probe.record import Attribution, Hop, Reply, Trace, to_line

if TYPE_CHECKING:
    from probe.attribute import Attributor

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# A trace that has been through `redact`, and may be written and shared.
Redacted = NewType("Redacted", Trace)

# What is left of an address that is cut, in bits.
KEPT_BITS = {4: 24, 6: 48}

# Blocks that mean nothing outside one network; what stands in them is kept as a block.
CUT_CLASSES = frozenset({"private", "cgnat", "ula", "link_local", "loopback"})

LAN = Attribution(special="lan")

# Names under these are names of computers at home, never of a public target.
LOCAL_SUFFIXES = (
    ".local",
    ".lan",
    ".home",
    ".home.arpa",
    ".internal",
    ".intranet",
    ".localdomain",
    ".in-addr.arpa",
    ".ip6.arpa",
)

# IPv6 blocks whose addresses hold an IPv4 address, and the bit at which it begins.
_HOLDS_IPV4 = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 96),
    (ipaddress.IPv6Network("::ffff:0:0/96"), 96),
    (ipaddress.IPv6Network("2002::/16"), 16),
)

# Anything that might be an address in a sentence; `ipaddress` then decides.
_MAYBE_IPV6 = re.compile(
    r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?(?:%\w+)?"
)
_MAYBE_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
_MAC = re.compile(r"\b[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}\b")


@dataclass(frozen=True)
class Premises:
    """The volunteer's own end of the line: what must never be written.

    ``addresses`` are those of this machine in canonical text, without zone; ``networks`` the
    subnets it sits in; ``host_names`` what it calls itself.
    """

    addresses: frozenset[str]
    networks: tuple[IPNetwork, ...] = ()
    host_names: frozenset[str] = frozenset()

    def holds(self, address: str) -> bool:
        """Whether an address is one's own or lies in one's own subnets."""
        parsed = _parse(address)
        return str(parsed) in self.addresses or any(
            parsed in network for network in self.networks if network.version == parsed.version
        )

    def joined(self, other: Premises) -> Premises:
        """Both ends of the line, as one that moves from one to the other has them."""
        return Premises(
            self.addresses | other.addresses,
            tuple(dict.fromkeys((*self.networks, *other.networks))),
            self.host_names | other.host_names,
        )


@functools.lru_cache(maxsize=1 << 14)
def _parse(address: str) -> IPAddress:
    return ipaddress.ip_address(address.partition("%")[0])


def embedded(address: IPAddress) -> tuple[ipaddress.IPv4Address, int] | None:
    """The IPv4 address inside an IPv6 one and the bit it begins at: NAT64, mapped, 6to4.

    >>> embedded(ipaddress.ip_address("64:ff9b::203.0.113.7"))
    (IPv4Address('203.0.113.7'), 96)
    """
    if isinstance(address, ipaddress.IPv6Address):
        for block, start in _HOLDS_IPV4:
            if address in block:
                bits = int(address) >> (128 - start - 32) & 0xFFFFFFFF
                return ipaddress.IPv4Address(bits), start
    return None


def cut(address: str) -> str:
    """The block an address lies in, /24 or /48, written as the block's first address.

    An IPv4 address inside an IPv6 one is cut to its /24 too, so that it does not slip through.

    >>> cut("203.0.113.77"), cut("2001:db8:1:2::3"), cut("64:ff9b::203.0.113.77")
    ('203.0.113.0', '2001:db8:1::', '64:ff9b::cb00:7100')
    """
    parsed = _parse(address)
    inner = embedded(parsed)
    bits = KEPT_BITS[parsed.version] if inner is None else inner[1] + KEPT_BITS[4]
    return str(ipaddress.ip_network(f"{parsed}/{bits}", strict=False).network_address)


class _Redaction:
    """One trace's redaction: the rules with what they need, and the count of what they took."""

    def __init__(
        self, trace: Trace, premises: Premises, access: frozenset[int], origin: Attributor
    ) -> None:
        self.premises = premises
        self.access = access
        self.organisations = {origin.organisation(asn) for asn in access}
        self.origin = origin
        self.taken: Counter[str] = Counter()
        # The first hop that shows the access network; what comes before lies inside it.
        self.reaches_access = next(
            (
                hop.number
                for hop in trace.hops
                for reply in hop.replies
                if reply.address is not None
                and reply.address != trace.dst_addr
                and self.reason_to_cut(reply.address) == "access"
            ),
            0,
        )
        # Providers write the address of a line into its name with dashes.
        dashed = {re.sub("[.:]", "-", address) for address in premises.addresses}
        own = sorted(premises.host_names | dashed, key=len, reverse=True)
        self.own_name = re.compile(
            "|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in own), re.IGNORECASE
        )

    def is_own(self, address: str) -> bool:
        inner = embedded(_parse(address))
        return self.premises.holds(address) or (
            inner is not None and self.premises.holds(str(inner[0]))
        )

    def reason_to_cut(self, address: str) -> str | None:
        inner = embedded(_parse(address))
        for text in (address, *(() if inner is None else (str(inner[0]),))):
            said = self.origin.lookup(text)
            if said.special in CUT_CLASSES:
                return "private"
            if said.asn in self.access or (
                said.organisation is not None and said.organisation in self.organisations
            ):
                return "access"
        return None

    def address(self, address: str, number: int) -> str | None:
        """What may stand for an address at this hop; None where nothing may."""
        if number <= 1 or self.is_own(address):
            self.taken["lan"] += 1
            return None
        reason = self.reason_to_cut(address)
        if reason is None and number < self.reaches_access:
            # Carriers number their inside from blocks of others that are unused in public.
            reason = "access"
        if reason is None:
            return str(_parse(address))
        left = cut(address)
        if left in self.premises.addresses:
            self.taken["lan"] += 1
            return None
        self.taken[reason] += 1
        return left

    def reply(self, reply: Reply, number: int) -> Reply:
        known_code = isinstance(reply.err, int) or (reply.err is not None and len(reply.err) == 1)
        return reply._replace(
            address=None if reply.address is None else self.address(reply.address, number),
            err=reply.err if known_code else None,
            extensions=self.extensions(reply.extensions),
        )

    def extensions(self, extensions: dict[str, Any] | None) -> dict[str, Any] | None:
        """Only MPLS label stacks stay: other objects can name interfaces and addresses."""
        if extensions is None:
            return None
        kept = []
        for entry in extensions.get("obj") or []:
            labels = entry.get("mpls") if isinstance(entry, dict) else None
            if isinstance(labels, list):
                kept.append(
                    {
                        **_integers(entry, ("class", "type")),
                        "mpls": [
                            _integers(label, ("label", "exp", "s", "ttl"))
                            for label in labels
                            if isinstance(label, dict)
                        ],
                    }
                )
            else:
                self.taken["extension"] += 1
        if not kept:
            return None
        return {**_integers(extensions, ("version", "rfc4884")), "obj": kept}

    def hop(self, hop: Hop) -> Hop:
        replies = tuple(self.reply(reply, hop.number) for reply in hop.replies)
        pairs = zip(hop.replies, replies, strict=True)
        shown = majority(old for old, new in pairs if new.address is not None)
        attribution: Attribution | None
        if shown is not None:
            attribution = self.origin.lookup(shown)
        elif any(not reply.is_star for reply in hop.replies):
            attribution = LAN
        else:
            attribution = None
        return hop._replace(replies=replies, attribution=attribution)

    def text(self, text: str, keep: str) -> str:
        """A sentence without names of this machine, and without any address but ``keep``."""

        def without_address(found: re.Match[str]) -> str:
            for token in (found[0], found[0].removesuffix(":")):
                try:
                    parsed = _parse(token)
                except ValueError:
                    continue
                return found[0] if str(parsed) == keep else "[address]" + found[0][len(token) :]
            return found[0]

        cleaned = _MAC.sub("[mac]", text)
        cleaned = _MAYBE_IPV6.sub(without_address, cleaned)
        cleaned = _MAYBE_IPV4.sub(without_address, cleaned)
        cleaned = self.own_name.sub("[host]", cleaned)
        if cleaned != text:
            self.taken["text"] += 1
        return cleaned

    def target_name(self, name: str | None, address: str) -> str | None:
        """A target's name stays when it is public, as the name of a server in a list is."""
        if name is None or name == address:
            return name
        lowered = name.rstrip(".").lower()
        if lowered.endswith(LOCAL_SUFFIXES) or self.text(name, address) != name:
            self.taken["name"] += 1
            return None
        return name


def _integers(fields: dict[str, Any], names: tuple[str, ...]) -> dict[str, int]:
    return {name: fields[name] for name in names if isinstance(fields.get(name), int)}


def _own_address_in(text: str, premises: Premises) -> bool:
    """The last look over all that would be written: no own address may stand anywhere in it."""
    return any(
        address in text
        and re.search(
            rf"(?<![0-9a-f:]){address}(?![0-9a-f:])"
            if ":" in address
            else rf"(?<![\d.]){re.escape(address)}(?!\d|\.\d)",
            text,
        )
        for address in premises.addresses
    )


def redact(
    trace: Trace, premises: Premises, access: frozenset[int], origin: Attributor
) -> Redacted:
    """What of a trace may be written and shared.

    The first hop and whatever lies in one's own subnets becomes the class ``lan`` without an
    address. Addresses of the access network are cut to /24 or /48 (``access`` are its AS
    numbers; all of its organisation count, and what comes before its first hop that shows), and
    private ones anywhere; deeper hops stay. ICMP extensions lose all but MPLS labels. Texts lose
    addresses and names of this machine.
    ``redactions`` counts what was taken, by kind.

    Raises `RefusedToRedact` when the own addresses or the access network are not known, or when
    the target is one's own.
    """
    if not premises.addresses:
        raise RefusedToRedact(
            _("this machine's own addresses are not known, so nothing is written")
        )
    if not access:
        raise RefusedToRedact(
            _(
                "the network you sit in is not known for sure, so nothing is written; "
                "name it with --access-as ASN"
            )
        )
    redaction = _Redaction(trace, premises, access, origin)
    target = str(_parse(trace.dst_addr))
    if redaction.is_own(target):
        raise RefusedToRedact(
            _("the target is this machine or its own subnet, so nothing is written")
        )
    if trace.source is not None:
        redaction.taken["source"] += 1
    redacted = replace(
        trace,
        dst_addr=target,
        dst_name=redaction.target_name(trace.dst_name, target),
        source=None,
        hops=tuple(redaction.hop(hop) for hop in trace.hops),
        multipath=None if trace.multipath is None else trace.multipath.renamed(redaction.address),
        notes=tuple(redaction.text(note, target) for note in trace.notes),
        error=None if trace.error is None else redaction.text(trace.error, target),
        snapshots=tuple(redaction.text(name, target) for name in trace.snapshots),
    )
    counted = Counter(trace.redactions) + redaction.taken
    redacted = replace(redacted, redactions=dict(sorted(counted.items())))
    if _own_address_in(to_line(redacted), premises):
        raise RefusedToRedact(_("an own address was left in the trace, so nothing is written"))
    return Redacted(redacted)
