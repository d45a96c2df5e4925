"""Whether redaction takes out what it must, tried with this machine's own addresses and names.

A trace is made up in memory in which they stand wherever something could put them, as hops, in a
quote, in a name, in a remark, there in every spelling. The bytes that would be written are then
searched for each of them.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from probe.doctor import Finding, State
from probe.graph import Graph, Level, Node
from probe.origin import open_origin
from probe.record import Hop, Reply, Trace, to_line
from probe.redaction.redact import redact
from probe.redaction.spellings import spellings, spellings_of_hardware
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.origin.attribute import Attributor
    from probe.redaction.premises import Premises

# A root server of the DNS as the target, its operator's network as the access network.
_TARGET = "193.0.14.129"
_BEFORE = "193.0.6.139"
# Of somebody else near by.
_HARDWARE = "02:00:5e:10:4f:a7"


def redaction(here: Premises) -> Iterator[Finding]:
    """Redact such a trace, and search what is left."""
    if not here.addresses:
        yield Finding(
            State.WARNING,
            _("this machine has no address now; try again when it is connected"),
            "gatewatch doctor",
        )
        return
    left = left_over(here, open_origin(None))
    if left:
        yield Finding(
            State.FAILED,
            ngettext(
                "{count} own address or name was left in what would be written: do not measure, "
                "withdraw your consent and report it",
                "{count} own addresses or names were left in what would be written: do not "
                "measure, withdraw your consent and report it",
                len(left),
            ).format(count=len(left)),
            "gatewatch consent withdraw",
        )
        return
    count = len(secrets(here))
    yield Finding(
        State.OK,
        ngettext(
            "tried with {count} own address or name: it is nowhere in what would be written",
            "tried with {count} own addresses and names: none is in what would be written",
            count,
        ).format(count=count),
    )


def secrets(here: Premises) -> list[frozenset[str]]:
    """What must not be written: addresses, names and hardware addresses, each in every spelling."""
    return [
        *(frozenset(spellings(ipaddress.ip_address(text))) for text in sorted(here.addresses)),
        *(frozenset({name}) for name in sorted(here.host_names | here.users)),
        *(frozenset(spellings_of_hardware(text)) for text in sorted(here.hardware)),
        frozenset({_HARDWARE}),
    ]


def left_over(here: Premises, origin: Attributor) -> list[frozenset[str]]:
    """The secrets that stand in what would be written of the trace.

    Raises `RefusedToRedact` where redaction lets nothing through at all.
    """
    asn = origin.lookup(_BEFORE).asn
    assert asn is not None
    access = frozenset({asn})
    written = to_line(redact(made_up(here), here, access, origin))
    # A computer may be called like a word that stands in every record.
    plain = to_line(redact(_trace(()), here, access, origin))
    return [
        secret
        for secret in secrets(here)
        if any(stands_in(one, written) and not stands_in(one, plain) for one in secret)
    ]


def stands_in(secret: str, text: str) -> bool:
    """Whether a secret is written somewhere in a text, in whatever case."""
    whole = rf"(?<![\w.:]){re.escape(secret)}(?!\w|:\w|\.\d)"
    return re.search(whole, text, re.IGNORECASE) is not None


def made_up(here: Premises) -> Trace:
    """A trace that tells all of it, in every field that could."""
    own = sorted(here.addresses)
    spelled = [text for secret in secrets(here) for text in sorted(secret)]
    hops = [Hop(1, (Reply(own[0], 0.4),))]
    for number, address in enumerate(own, start=2):
        extensions = {"version": 2, "obj": [{"class": 2, "type": 1, "interface": address}]}
        hops.append(Hop(number, (Reply(address, 1.0, extensions=extensions), Reply(_BEFORE, 1.0))))
    told = f"{' '.join(spelled)}: it failed"
    return _trace(
        tuple(hops),
        source=own[0],
        name=f"line-{own[0].replace('.', '-').replace(':', '-')}.example.net",
        told=told,
        multipath=Graph(
            (Level(1, tuple(Node(address, (1,)) for address in own), True, False),), (), 6, 0.05
        ),
    )


def _trace(
    hops: tuple[Hop, ...],
    *,
    source: str | None = None,
    name: str | None = None,
    told: str | None = None,
    multipath: Graph | None = None,
) -> Trace:
    target = Hop(len(hops) + 1, (Reply(_TARGET, 9.0),))
    return Trace(
        dst_addr=_TARGET,
        dst_name=name,
        source=source,
        af=4,
        proto="ICMP",
        timestamp=0.0,
        endtime=1.0,
        hops=(*hops, target),
        stop="destination",
        notes=() if told is None else (told,),
        error=told,
        multipath=multipath,
    )
