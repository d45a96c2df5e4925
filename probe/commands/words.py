"""How hops, networks and what could not be seen are put into words, alike in every command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.network import Capability
from probe.origin.attribute import majority
from probe.words.language import _, mark, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from probe.graph import Graph
    from probe.origin.border import Border
    from probe.record import Attribution, Hop, Trace

_UNSEEN = {
    Capability.REPLY_TTL: mark("the TTL of the answers"),
    Capability.QUOTED_TTL: mark("the TTL that routers saw in our probes"),
    Capability.QUOTED_TOS: mark("the type of service that routers saw in our probes"),
    Capability.QUOTE: mark("what was rewritten on the way"),
    Capability.EXTENSIONS: mark("MPLS labels"),
    Capability.KERNEL_TIME: mark("when the kernel received an answer, so RTTs are less exact"),
    Capability.PARIS: mark("which path a flow takes, so hops of several paths may be mixed"),
    Capability.TAG: mark("whether an answer was forged"),
}

_SPECIAL = {
    "private": "private address",
    "cgnat": "carrier's private address (CGNAT)",
    "link_local": "link-local address",
    "ula": "private address (ULA)",
    "documentation": "documentation address",
    "multicast": "multicast address",
    "loopback": "this machine",
    "reserved": "reserved address",
    "lan": "your own network",
}

# The longest text of an address, by IP version.
_WIDTH = {4: 15, 6: 39}

_STOPS = {
    "destination": "reached",
    "unreachable": "refused on the way",
    "gap": "silent from there on",
    "max_ttl": "not reached: no more hops allowed",
    "loop": "not reached: the path is a loop",
    "cancelled": "stopped",
    "error": "failed",
}


def deleted_days(count: int) -> str:
    """What is said where old days of the spool were deleted."""
    return ngettext(
        "deleted {count} day of traces that a collector has accepted",
        "deleted {count} days of traces that a collector has accepted",
        count,
    ).format(count=count)


def left_out(reasons: Mapping[str, int]) -> list[str]:
    """What is said of traces that came into no bundle, by reason; nothing where all did."""
    why = {
        "signed_before": _(
            "signed before: a key that was replaced since may have signed these; if another "
            "signed them too, it would show that both keys are one machine's, so they stay here"
        ),
        "day_to_come": _(
            "day to come: the clock was ahead when these were measured; they are bundled once "
            "the time that it showed has come"
        ),
        "misdated": _(
            "misdated: the clock was set while a run went on, by more than an hour, and what "
            "it dated before is of another time; these stay here"
        ),
        "doubtful_day": _(
            "doubtful day: these are dated months after all before, by a clock that nobody "
            "sets; they are bundled once three days were measured since, or once it is set: "
            "sudo timedatectl set-ntp true"
        ),
    }
    said = [_("left out: {reasons}").format(reasons=counts(reasons))] if reasons else []
    return [*said, *(sentence for reason, sentence in why.items() if reasons.get(reason))]


def network(said: Attribution | None) -> str:
    """Whose a hop is, on one line.

    >>> from probe.record import Attribution
    >>> network(Attribution(asn=38623, organisation="Viettel (Cambodia)", country="KH"))
    'AS38623 Viettel (Cambodia), KH'
    >>> network(Attribution(exchange="CNX", country="KH"))
    'exchange CNX, KH'
    """
    if said is None:
        return ""
    if said.special is not None:
        return special(said.special)
    parts = []
    if said.exchange is not None:
        parts.append(f"exchange {said.exchange}")
    if said.asn is not None:
        parts.append(" ".join(filter(None, (f"AS{said.asn}", said.organisation or said.name))))
    if not parts:
        return "not in the address table"
    return ", ".join([*parts, *filter(None, (said.country,))])


def special(name: str) -> str:
    """A class of special addresses in words.

    >>> special("ula"), special("own subnet")
    ('private address (ULA)', 'own subnet')
    """
    return _SPECIAL.get(name, name)


def round_trip(hop: Hop) -> str:
    """The shortest RTT of a hop, in milliseconds, and the code of a refusal as in traceroute."""
    rtts = [reply.rtt for reply in hop.replies if reply.rtt is not None]
    codes = sorted({f"!{reply.err}" for reply in hop.replies if reply.err is not None})
    return " ".join([*([f"{min(rtts):.1f} ms"] if rtts else []), *codes])


def hop_line(hop: Hop, version: int) -> str:
    """A hop of an IPv4 or IPv6 path as one line: number, address, RTT, network."""
    address = majority(hop.replies) or next((r.address for r in hop.replies if r.address), "*")
    shown = f"{hop.number:3}  {address:<{_WIDTH[version]}} {round_trip(hop):>10}"
    return f"{shown}  {network(hop.attribution)}".rstrip()


def border_line(border: Border, home: str) -> str:
    """The mark where a path leaves or enters the country; says what it rests on."""
    verb = "leaves" if border.outward else "is back in"
    return (
        f"     ---- {verb} {home} (by registration) between hops "
        f"{border.before.number} and {border.after.number} ----"
    )


def stop(trace: Trace) -> str:
    """How a trace ended."""
    last = trace.hops[-1].replies if trace.hops else ()
    if trace.stop == "unreachable" and majority(last) == trace.dst_addr:
        return "refused by the target"
    return _STOPS.get(trace.stop or "", trace.stop or "unknown")


def unseen(sees: Iterable[str]) -> list[str]:
    """What the network layer could not observe, in words."""
    seen = set(sees)
    return [_(words) for capability, words in _UNSEEN.items() if capability not in seen]


def parallel(graph: Graph) -> list[str]:
    """What was found of parallel paths, a line a hop that has several routers.

    >>> from probe.graph import Graph, Level, Node
    >>> two = Node("192.0.2.1", (1, 3)), Node("192.0.2.2", (2,))
    >>> for line in parallel(Graph((Level(4, two, True, False),), (), 9, 0.05)): print(line)
    parallel paths at hop 4: 192.0.2.1, 192.0.2.2
    looked for at hop 4 with 9 probes; a next hop may be missed in 5% of cases
    """
    lines = []
    for level in graph.levels:
        if len(level.nodes) > 1:
            routers = ", ".join(node.address or "silent" for node in level.nodes)
            spread = "; packets of one flow are spread here" if level.per_packet else ""
            lines.append(f"parallel paths at hop {level.ttl}: {routers}{spread}")
    if graph.levels:
        first, last = graph.levels[0].ttl, graph.levels[-1].ttl
        span = f"hop {first}" if first == last else f"hops {first} to {last}"
        whole = "" if all(level.complete for level in graph.levels) else ", more where cut short"
        lines.append(
            f"{'looked for' if lines else 'no parallel paths'} at {span} with "
            f"{many(graph.probes, 'probe')}; a next hop may be missed in {graph.failure:.0%} "
            f"of cases{whole}"
        )
    return lines


def counts(counted: Mapping[str, int]) -> str:
    """Counts by reason, on one line.

    >>> counts({"wrong_tag": 2, "foreign": 1})
    '1 foreign, 2 wrong tag'
    """
    return ", ".join(
        f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(counted.items())
    )


def many(count: int, thing: str) -> str:
    """A count with its noun.

    >>> many(1, "line"), many(2, "line")
    ('1 line', '2 lines')
    """
    return f"{count} {thing}{'' if count == 1 else 's'}"
