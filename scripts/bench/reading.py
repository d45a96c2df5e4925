"""What each tool prints, read into the same form: what it found, or the seconds an item took.

One function a format. Nothing here judges or runs anything.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from probe.record import from_line
from probe.spool import read
from scripts.bench.comparison import Said
from scripts.bench.paths import inferred_in, path, path_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from probe.record import Trace


def _said(traces: Iterable[Trace]) -> Said:
    kept = list(traces)
    return Said(
        {trace.dst_addr: path_of(trace) for trace in kept},
        inferred={trace.dst_addr: frozenset(inferred_in(trace)) for trace in kept},
    )


def gatewatch_trace(printed: str, _: Path) -> Said:
    """``gatewatch trace --json``: one record."""
    return _said([from_line(printed)])


def gatewatch_run(_: str, folder: Path) -> Said:
    """``gatewatch run --to``: the records that were kept, redacted as they are."""
    return _said(one.trace for one in read(folder / "spool") if one.trace is not None)


def engine(printed: str, _: Path) -> Said:
    """`scripts.bench.engine`: a path a line, and a last line that sums up."""
    *found, _summed = (json.loads(line) for line in printed.splitlines())
    return Said(
        {target: tuple(path) for target, path, _ in found},
        inferred={target: frozenset(ttls) for target, _, ttls in found},
    )


def engine_pace(printed: str, folder: Path) -> Said:
    """The same, and the seconds that each probe took, start-up left out."""
    summed = json.loads(printed.splitlines()[-1])
    return engine(printed, folder)._replace(each=summed["seconds"] / summed["probes"])


def ways(printed: str, _: Path) -> Said:
    """`scripts.bench.ways`: links; to and from routers that keep silent there are none."""
    links = json.loads(printed)
    return Said({}, links=frozenset((near, far) for near, far in links if near and far))


def paths(printed: str, _: Path) -> Said:
    """`scripts.bench.peers`: by target, the answering hops by their TTL."""
    return Said(
        {
            target: path({int(ttl): address for ttl, address in hops.items()})
            for target, hops in json.loads(printed).items()
        }
    )


def scamper(printed: str, _: Path) -> Said:
    """``scamper -O json``: one object a line, of which those of type trace count."""
    found = (json.loads(line) for line in printed.splitlines())
    return Said(
        {
            trace["dst"]: path({hop["probe_ttl"]: hop["addr"] for hop in trace.get("hops", ())})
            for trace in found
            if trace["type"] == "trace"
        }
    )


def tracelb(printed: str, _: Path) -> Said:
    """``scamper -O json`` with ``tracelb``: nodes, and under each the links that leave it."""
    found = (json.loads(line) for line in printed.splitlines())
    return Said(
        {},
        links=frozenset(
            (node["addr"], link["addr"])
            for trace in found
            if trace["type"] == "tracelb"
            for node in trace["nodes"]
            for hop in node.get("links", ())
            for link in hop
            if link["addr"] != "*"
        ),
    )


_TRACEROUTE_TARGET = re.compile(r"^traceroute to \S+ \((\S+)\)")
_TRACEROUTE_HOP = re.compile(r"^ *(\d+)  (?:\* )*(\d[\d.]+)  ", re.MULTILINE)


def traceroute(printed: str, _: Path) -> Said:
    """Debian's ``traceroute -n``.

    >>> traceroute('''traceroute to 192.0.2.9 (192.0.2.9), 30 hops max, 60 byte packets
    ...  1  192.0.2.1  0.4 ms
    ...  2  *
    ...  3  192.0.2.9  20.9 ms''', None).paths
    {'192.0.2.9': ('192.0.2.1', None, '192.0.2.9')}
    """
    named = _TRACEROUTE_TARGET.search(printed)
    hops = {int(ttl): address for ttl, address in _TRACEROUTE_HOP.findall(printed)}
    return Said({named[1]: path(hops)} if named else {})


_MTR_HOP = re.compile(r"^ *(\d+)\.\|-- (\d[\d.]+) ", re.MULTILINE)


def mtr(printed: str, _: Path) -> Said:
    """``mtr --report -n``, which does not name its target: the last hop is taken for it.

    >>> mtr('''  1.|-- 192.0.2.1   0.0%  1  0.1  0.1  0.1  0.1  0.0
    ...   2.|-- ???   100.0  1  0.0  0.0  0.0  0.0  0.0
    ...   3.|-- 192.0.2.9   0.0%  1  0.1  0.1  0.1  0.1  0.0''', None).paths
    {'192.0.2.9': ('192.0.2.1', None, '192.0.2.9')}
    """
    met = path({int(ttl): address for ttl, address in _MTR_HOP.findall(printed)})
    return Said({met[-1]: met} if met and met[-1] is not None else {})


def work(printed: str, _: Path) -> float:
    """`scripts.bench.work`: seconds and items; what it took to get ready is not in it."""
    said = json.loads(printed)
    return float(said["seconds"]) / int(said["items"])
