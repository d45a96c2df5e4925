"""Whether a bundle may be kept: everything that can be seen from the bundle alone.

A collector is where a volunteer's mistake would become everybody's to read, and where somebody
will try to plant traces. So a line has to be what the program writes and nothing more, redacted, of
the bundle's network, of a time that has been. It is pure: what came before and what the operator
thinks is not known here.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from probe.origin import special_class
from probe.origin.attribute import majority
from probe.record import Hop, MalformedRecord, Trace, from_json, moment, to_json
from probe.redaction.inside import CUT_CLASSES
from probe.redaction.redact import LOCAL_SUFFIXES, cut, only_code, only_labels
from probe.redaction.spellings import embedded
from probe.sharing.bundle import Bundle

# Before this day there was no gatewatch: a clock that was never set.
FIRST = datetime(2026, 1, 1, tzinfo=UTC)

# How far the clocks of a volunteer and of the collector may be apart.
SLACK = timedelta(hours=1)
LONGEST = timedelta(days=1)

_PSEUDONYM = re.compile("[0-9a-f]{4,64}")
_HARDWARE = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f])")
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_WITH_COLONS = re.compile(r"[0-9A-Fa-f:.]{3,}")


class Refused(ValueError):
    """Not to be kept; ``word`` is the reason to count it by, the message a sentence."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(f"{word}: {message}")
        self.word = word


def check(bundle: Bundle, now: datetime) -> None:
    """Raise `Refused` for a bundle that may not be kept, naming the line and what is wrong."""
    said = bundle.manifest
    days = set()
    if len(set(bundle.lines)) != len(bundle.lines):
        raise Refused("repeated", "the bundle holds the same trace twice")
    for number, line in enumerate(bundle.lines, start=1):
        try:
            trace = _record(line)
            _check_vantage(trace, said.network)
            days.add(_check_clock(trace, now))
            for problem in _unredacted(trace, said.network):
                raise Refused("unredacted", problem)
        except Refused as problem:
            raise Refused(
                problem.word, f"line {number} {str(problem).partition(': ')[2]}"
            ) from None
    if tuple(sorted(days)) != said.days:
        raise Refused("malformed", "the manifest names other days than its traces")
    if not max(said.days) <= said.made <= (now + SLACK).date().isoformat():
        raise Refused("clock", "the bundle says that it was made before its traces, or is not yet")


def _record(line: bytes) -> Trace:
    """The trace that a line is; refused where anything stands in it that is not looked through.

    That is whatever a trace has no field for, and what could hide in the writing: spaces, or a key
    twice. Fields may be missing: volunteers do not update on the same day as a collector.
    """
    try:
        fields = json.loads(line)
        trace = from_json(fields)
        known = to_json(trace)
        written = json.dumps(fields, separators=(",", ":")).encode() + b"\n"
        is_known = _within(fields, known)
    except (MalformedRecord, OverflowError, ValueError, RecursionError) as problem:
        raise Refused("malformed", f"is no trace: {problem}") from None
    if written != line:
        raise Refused("malformed", "is not written as gatewatch does it")
    if not is_known:
        raise Refused(
            "malformed",
            "has fields that this version of gatewatch does not know; the collector may need an "
            "update",
        )
    return trace


def _within(said: object, known: object) -> bool:
    """Whether all that is said is known, in the same place with the same value.

    >>> _within({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "c": 3}], "d": 4})
    True
    >>> _within({"a": 1, "who": "me"}, {"a": 1}), _within({"a": True}, {"a": 1})
    (False, False)
    """
    if isinstance(said, dict) and isinstance(known, dict):
        return all(key in known and _within(value, known[key]) for key, value in said.items())
    if isinstance(said, list) and isinstance(known, list):
        return len(said) == len(known) and all(map(_within, said, known))
    return type(said) is type(known) and said == known


def _check_vantage(trace: Trace, network: int) -> None:
    vantage = trace.vantage
    if vantage is None or not _PSEUDONYM.fullmatch(vantage.id):
        raise Refused("malformed", "has no pseudonym")
    if vantage.asn != network:
        raise Refused("malformed", f"is of another network than the bundle, AS{network}")


def _check_clock(trace: Trace, now: datetime) -> str:
    """The UTC day of a trace; refused for one that cannot have been."""
    start, end = moment(trace.timestamp), moment(trace.endtime)
    if start is None or end is None:
        raise Refused("clock", "begins at no time")
    if start < FIRST:
        raise Refused("clock", f"begins on {start:%Y-%m-%d}, before there was gatewatch")
    if max(start, end) > now + SLACK:
        raise Refused("clock", "is of a time that has not come yet; set the clock right")
    if not timedelta(0) <= end - start <= LONGEST:
        raise Refused("clock", "ends before it begins, or took longer than a day")
    return start.date().isoformat()


def _unredacted(trace: Trace, network: int) -> Iterator[str]:
    """What of a trace should not have left the volunteer's machine."""
    if trace.source is not None:
        yield "has the address that it was measured from"
    if _whole_private(trace.dst_addr):
        yield "has a private target that should have been cut"
    organisation = trace.vantage.organisation if trace.vantage else None
    for hop in trace.hops:
        yield from _in_hop(hop, network, organisation)
    if trace.multipath is not None:
        levels = trace.multipath.levels
        links = trace.multipath.links
        for number, address in (
            *((level.ttl, node.address) for level in levels for node in level.nodes),
            *((link.ttl, end) for link in links for end in (link.near, link.far)),
        ):
            if address is not None and (number <= 1 or _whole_private(address)):
                yield f"has an address at hop {number} that should have been cut"
    texts = (trace.dst_name or "", trace.error or "", *trace.notes, *trace.snapshots)
    if any(_names_somebody(text, trace.dst_addr) for text in texts):
        yield "has a text with an address or a local name in it"


def _in_hop(hop: Hop, network: int, organisation: str | None) -> Iterator[str]:
    said = hop.attribution
    heard = [reply.address for reply in hop.replies if reply.address is not None]
    if heard and (hop.number <= 1 or (said is not None and said.special == "lan")):
        yield f"has an address at hop {hop.number}, in the volunteer's own network"
    if any(map(_whole_private, heard)):
        yield f"has a private address at hop {hop.number} that should have been cut"
    shown = majority(hop.replies)
    if (
        shown is not None
        and said is not None
        and cut(shown) != shown
        and (
            said.asn == network or (organisation is not None and said.organisation == organisation)
        )
    ):
        yield f"has an address of the access network at hop {hop.number} that should have been cut"
    if any(only_labels(reply.extensions) != reply.extensions for reply in hop.replies):
        yield f"has an ICMP extension at hop {hop.number} that is no MPLS label"
    if any(only_code(reply.err) != reply.err for reply in hop.replies):
        yield f"has an error at hop {hop.number} that is no ICMP code"


def _whole_private(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    inner = embedded(parsed)
    special = special_class(parsed) or (inner and special_class(inner[0]))
    return special in CUT_CLASSES and cut(address) != address


def _names_somebody(text: str, target: str) -> bool:
    if text == target:
        return False
    if text.rstrip(".").lower().endswith(LOCAL_SUFFIXES) or _HARDWARE.search(text):
        return True
    maybe = [*_DOTTED.findall(text), *(one for one in _WITH_COLONS.findall(text) if ":" in one)]
    return any(_is_address(one, target) for one in maybe)


def _is_address(text: str, target: str) -> bool:
    if not text.endswith("::"):
        text = text.removesuffix(":")
    try:
        return str(ipaddress.ip_address(text.strip("."))) != target
    except ValueError:
        return False
