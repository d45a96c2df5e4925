"""What of a trace may be written: the only way from a measurement to the disk.

A volunteer can be harmed by the address of their own line, the name of their computer, or the
place of their line in the access network. This module takes those out and leaves what is
evidence: the interfaces deeper in the network, and private blocks as blocks. It is pure, it
asks nobody, and it fails closed: where it is not certain what has to go, it refuses. It must
not know of files or sockets; `Redacted` is the type that the spool accepts, and `redact` is what
makes one.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NewType

from probe.origin.attribute import majority
from probe.record import WHEREABOUTS, Attribution, Hop, Reply, Trace, to_json
from probe.redaction.inside import Inside
from probe.redaction.spellings import embedded, is_whole, parsed_address
from probe.words.failure import RefusedToRedact
from probe.words.language import _

if TYPE_CHECKING:
    from probe.origin.attribute import Attributor
    from probe.redaction.premises import Premises

# A trace that has been through `redact`, and may be written and shared.
Redacted = NewType("Redacted", Trace)

# What is left of an address that is cut, in bits.
KEPT_BITS = {4: 24, 6: 48}

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

# Anything that might be an address in a sentence, also behind a word and a colon, and with the
# interface that stands behind it; `ipaddress` then decides.
_MAYBE_IPV6 = re.compile(
    r"(?:(?<![\w:.])|(?<=[A-Za-z_]:))[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}"
    r"(?:(?:\.\d{1,3}){3})?(?:%[\w.@-]*\w)?"
)
_MAYBE_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
_DASHED_IPV4 = re.compile(r"(?<!\d)\d{1,3}([-_])\d{1,3}\1\d{1,3}\1\d{1,3}(?!\d)")
# systemd names an adapter on USB after the address that it was made with, whatever it has now.
_MAC = re.compile(
    r"\b[0-9A-Fa-f]{2}([:_-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}\b"
    r"|\b[0-9A-Fa-f]{4}([.-])[0-9A-Fa-f]{4}\2[0-9A-Fa-f]{4}\b"
    r"|\b(?:en|wl|ww)x[0-9A-Fa-f]{12}\b"
)

# The fields of a record that hold an address, and those whose words come from anywhere. Others
# have only words of the table or the program: a computer may be called as its provider is.
_ADDRESSES = frozenset({"from", "to", "dst_addr", "src_addr"})
_FREE_TEXTS = frozenset({"dst_name", "notes", "error"})


def cut(address: str) -> str:
    """The block an address lies in, /24 or /48, written as the block's first address.

    An IPv4 address inside an IPv6 one is cut to its /24 too, so that it does not slip through.

    >>> cut("203.0.113.77"), cut("2001:db8:1:2::3"), cut("64:ff9b::203.0.113.77")
    ('203.0.113.0', '2001:db8:1::', '64:ff9b::cb00:7100')
    """
    parsed = parsed_address(address)
    inner = embedded(parsed)
    bits = KEPT_BITS[parsed.version] if inner is None else inner[1] + KEPT_BITS[4]
    return str(ipaddress.ip_network(f"{parsed}/{bits}", strict=False).network_address)


def clean(text: str, premises: Premises, keep: str | None = None) -> str:
    """A sentence without names of this machine, and without any address but ``keep``.

    >>> from probe.redaction.premises import Premises
    >>> clean("no route to 192.0.2.7 on pi", Premises(frozenset(), host_names=frozenset({"pi"})))
    'no route to [address] on [host]'
    """

    def without_address(found: re.Match[str]) -> str:
        for token in (found[0], found[0].removesuffix(":")):
            try:
                parsed = parsed_address(token)
            except ValueError:
                continue
            return found[0] if str(parsed) == keep else "[address]" + found[0][len(token) :]
        return found[0]

    marks = premises.marks
    text = _MAYBE_IPV6.sub(without_address, text)
    text = _MAYBE_IPV4.sub(without_address, text)
    text = _MAC.sub("[mac]", text)
    text = _DASHED_IPV4.sub("[address]", text)
    text = marks.spelled.sub("[address]", text)
    return marks.names.sub("[host]", text)


def only_code(err: str | int | None) -> str | int | None:
    """An error as far as it is a letter or the number of an ICMP code."""
    known = 0 <= err < 1 << 8 if isinstance(err, int) else len(err or "") == 1
    return err if known else None


def only_labels(extensions: dict[str, Any] | None) -> dict[str, Any] | None:
    """ICMP extensions as far as they are MPLS label stacks: others name interfaces and addresses.

    >>> only_labels({"version": 2, "obj": [{"class": 1, "type": 1, "mpls": [{"label": 24001}]}]})
    {'version': 2, 'obj': [{'class': 1, 'type': 1, 'mpls': [{'label': 24001}]}]}
    >>> only_labels({"version": 2, "obj": [{"class": 2, "type": 14, "name": "eth0"}]})
    """
    kept = [
        {
            **_integers(entry, {"class": 8, "type": 8}),
            "mpls": [
                _integers(label, {"label": 20, "exp": 3, "s": 1, "ttl": 8})
                for label in entry["mpls"]
                if isinstance(label, dict)
            ],
        }
        for entry in _objects(extensions)
        if isinstance(entry, dict) and isinstance(entry.get("mpls"), list)
    ]
    if extensions is None or not kept:
        return None
    return {**_integers(extensions, {"version": 4, "rfc4884": 1}), "obj": kept}


def _objects(extensions: dict[str, Any] | None) -> list[Any]:
    found = (extensions or {}).get("obj")
    return found if isinstance(found, list) else []


class _Redaction:
    """One trace's redaction: takes out what lies inside, and counts by kind what it took."""

    def __init__(self, inside: Inside, premises: Premises, origin: Attributor) -> None:
        self.taken: Counter[str] = Counter()
        self._inside = inside
        self._premises = premises
        self._origin = origin

    def address(self, address: str, number: int) -> str | None:
        """What may stand for an address at this hop; None where nothing may."""
        if number <= 1 or self._premises.given_away_by(address):
            self.taken["lan"] += 1
            return None
        reason = self._inside.reason_to_cut_at(address, number)
        if reason is None:
            return str(parsed_address(address))
        left = cut(address)
        if self._premises.given_away_by(left) or self._inside.may_be_home(address, number, reason):
            self.taken["lan"] += 1
            return None
        self.taken[reason] += 1
        return left

    def target(self, address: str) -> str:
        """What may stand for the target. Raises `RefusedToRedact` where nothing may."""
        reason = self._inside.reason_to_cut(address)
        left = address if reason is None else cut(address)
        if self._premises.given_away_by(address) or self._premises.given_away_by(left):
            raise RefusedToRedact(
                _("the target is this machine or its own subnet, so nothing is written")
            )
        if reason is not None:
            self.taken[reason] += 1
        return left

    def target_name(self, name: str | None, address: str) -> str | None:
        """A target's name stays when it is public, as the name of a server in a list is.

        A name may spell the address: it goes where that is cut.
        """
        if name is None:
            return None
        lowered = name.rstrip(".").lower()
        is_cut = self._inside.reason_to_cut(address) is not None
        if is_cut or lowered.endswith(LOCAL_SUFFIXES) or self.text(name, address) != name:
            self.taken["name"] += 1
            return None
        return name

    def hop(self, hop: Hop) -> Hop:
        """A hop as it may be written, attributed by the addresses that are left."""
        replies = tuple(self._reply(reply, hop.number) for reply in hop.replies)
        pairs = zip(hop.replies, replies, strict=True)
        shown = majority(old for old, new in pairs if new.address is not None)
        attribution: Attribution | None
        if shown is not None:
            attribution = self._origin.lookup(shown)
        elif any(not reply.is_star for reply in hop.replies):
            attribution = LAN
        else:
            attribution = None
        return hop._replace(replies=replies, attribution=attribution)

    def _reply(self, reply: Reply, number: int) -> Reply:
        return reply._replace(
            address=None if reply.address is None else self.address(reply.address, number),
            err=only_code(reply.err),
            extensions=self._extensions(reply.extensions),
        )

    def _extensions(self, extensions: dict[str, Any] | None) -> dict[str, Any] | None:
        kept = only_labels(extensions)
        self.taken["extension"] += len(_objects(extensions)) - len(_objects(kept))
        return kept

    def text(self, text: str, keep: str | None) -> str:
        """A sentence as `clean` leaves it."""
        if text in WHEREABOUTS:
            return text
        cleaned = clean(text, self._premises, keep)
        if cleaned != text:
            self.taken["text"] += 1
        return cleaned


def _integers(fields: dict[str, Any], bits: dict[str, int]) -> dict[str, int]:
    """Those of the fields that are whole numbers of so many bits, as they are on the wire."""
    return {
        name: fields[name]
        for name, size in bits.items()
        if isinstance(fields.get(name), int) and 0 <= fields[name] < 1 << size
    }


def _collect(value: dict[str, Any] | list[Any], field: str, texts: dict[str, set[str]]) -> None:
    """Put every text that stands in a part of a record to those of its field.

    What stands in a list belongs to the field that holds the list.
    """
    named = value.items() if isinstance(value, dict) else ((field, inner) for inner in value)
    for name, inner in named:
        if isinstance(inner, str):
            texts[name].add(inner)
        elif isinstance(inner, (dict, list)):
            _collect(inner, name, texts)


def _is_given_away(fields: dict[str, Any], premises: Premises) -> bool:
    """The last look over all that would be written: nothing in it may tell this machine."""
    marks = premises.marks
    texts = defaultdict[str, set[str]](set)
    _collect(fields, "", texts)
    addresses = set().union(*(texts.pop(field, ()) for field in _ADDRESSES))
    free = set().union(*(texts.pop(field, ()) for field in _FREE_TEXTS)) - WHEREABOUTS
    said = "\n".join(free)
    return (
        any(map(premises.given_away_by, addresses))
        or bool(marks.spelled.search(said) or marks.names.search(said))
        or is_whole(marks.spelled, "\n".join(set().union(*texts.values())))
    )


def redact(
    trace: Trace,
    premises: Premises,
    access: frozenset[int],
    origin: Attributor,
    *,
    first_shown: int = 0,
) -> Redacted:
    """What of a trace may be written and shared.

    - The first hop, what lies in one's own subnets and what else would tell one's own address
      lose their address and become the class ``lan``.
    - Addresses in the access network, and private ones anywhere, are cut to /24 or /48. So is the
      target where it is one of them, or answers nearer than the access network shows; it then
      loses its name, too.
    - Deeper hops stay as they are.
    - ICMP extensions lose all but MPLS labels; texts lose addresses and names of this machine.

    ``access`` are the AS numbers of the access network; those of one's own public addresses are
    added. All AS numbers of the same organisations count as in it, and so does every hop before
    the first that shows it. Where none does, every hop counts that comes before the first of any
    network. Hops before number ``first_shown`` count in any case: that is where other traces show
    the access network first. ``redactions`` counts what was taken, by kind.

    Raises `RefusedToRedact` when the own addresses or the access network are not known, when the
    target is one's own, or when something of this machine is left in the end.
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
    inside = Inside(trace, premises, access, origin, first_shown=first_shown)
    redaction = _Redaction(inside, premises, origin)
    target = str(parsed_address(trace.dst_addr))
    left = redaction.target(target)
    keep = target if inside.reason_to_cut(target) is None else None
    if trace.source is not None:
        redaction.taken["source"] += 1
    redacted = trace._replace(
        dst_addr=left,
        dst_name=redaction.target_name(trace.dst_name, target),
        source=None,
        # Others may have made these numbers from an address.
        msm_id=None,
        prb_id=None,
        hops=tuple(redaction.hop(hop) for hop in trace.hops),
        multipath=None if trace.multipath is None else trace.multipath.renamed(redaction.address),
        notes=tuple(redaction.text(note, keep) for note in trace.notes),
        error=None if trace.error is None else redaction.text(trace.error, keep),
        snapshots=tuple(redaction.text(name, keep) for name in trace.snapshots),
    )
    counted = Counter(trace.redactions) + redaction.taken
    redacted = redacted._replace(redactions=dict(sorted(counted.items())))
    if _is_given_away(to_json(redacted), premises):
        raise RefusedToRedact(_("something of this machine was left, so nothing is written"))
    return Redacted(redacted)
