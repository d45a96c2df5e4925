"""What each tool prints, read into the same form: paths, or the seconds that one item took.

One function a format. Nothing here judges or runs anything.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from probe.record import from_line
from probe.spool import read

if TYPE_CHECKING:
    from pathlib import Path

    from probe.record import Trace
    from scripts.bench.comparison import Paths


def _path(answers: dict[int, str]) -> tuple[str | None, ...]:
    return tuple(answers.get(ttl) for ttl in range(1, max(answers, default=0) + 1))


def path_of(trace: Trace) -> tuple[str | None, ...]:
    """The first address that answered at each TTL of one of our own traces."""
    return _path(
        {
            hop.number: reply.address or ""
            for hop in trace.hops
            for reply in reversed(hop.replies)
            if not reply.is_star
        }
    )


def gatewatch_trace(printed: str, _: Path) -> Paths:
    """``gatewatch trace --json``: one record."""
    trace = from_line(printed)
    return {trace.dst_addr: path_of(trace)}


def gatewatch_run(_: str, folder: Path) -> Paths:
    """``gatewatch run --to``: the records that were kept, redacted as they are."""
    kept = (one.trace for one in read(folder / "spool"))
    return {trace.dst_addr: path_of(trace) for trace in kept if trace is not None}


def engine(printed: str, _: Path) -> Paths:
    """`scripts.bench.engine`: paths as they are."""
    return {target: tuple(path) for target, path in json.loads(printed).items()}


def scamper(printed: str, _: Path) -> Paths:
    """``scamper -O json``: one object a line, of which those of type trace count."""
    found = (json.loads(line) for line in printed.splitlines())
    return {
        trace["dst"]: _path({hop["probe_ttl"]: hop["addr"] for hop in trace.get("hops", ())})
        for trace in found
        if trace["type"] == "trace"
    }


_TRACEROUTE_TARGET = re.compile(r"^traceroute to \S+ \((\S+)\)")
_TRACEROUTE_HOP = re.compile(r"^ *(\d+)  (?:\* )*(\d[\d.]+)  ", re.MULTILINE)


def traceroute(printed: str, _: Path) -> Paths:
    """Debian's ``traceroute -n``.

    >>> traceroute('''traceroute to 192.0.2.9 (192.0.2.9), 30 hops max, 60 byte packets
    ...  1  192.0.2.1  0.4 ms
    ...  2  *
    ...  3  192.0.2.9  20.9 ms''', None)
    {'192.0.2.9': ('192.0.2.1', None, '192.0.2.9')}
    """
    named = _TRACEROUTE_TARGET.search(printed)
    hops = {int(ttl): address for ttl, address in _TRACEROUTE_HOP.findall(printed)}
    return {named[1]: _path(hops)} if named else {}


_MTR_HOP = re.compile(r"^ *(\d+)\.\|-- (\d[\d.]+) ", re.MULTILINE)


def mtr(printed: str, _: Path) -> Paths:
    """``mtr --report -n``, which does not name its target: the last hop is taken for it.

    >>> mtr('''  1.|-- 192.0.2.1   0.0%  1  0.1  0.1  0.1  0.1  0.0
    ...   2.|-- ???   100.0  1  0.0  0.0  0.0  0.0  0.0
    ...   3.|-- 192.0.2.9   0.0%  1  0.1  0.1  0.1  0.1  0.0''', None)
    {'192.0.2.9': ('192.0.2.1', None, '192.0.2.9')}
    """
    path = _path({int(ttl): address for ttl, address in _MTR_HOP.findall(printed)})
    return {path[-1]: path} if path and path[-1] is not None else {}


def work(printed: str, _: Path) -> float:
    """`scripts.bench.work`: seconds and items; what it took to get ready is not in it."""
    said = json.loads(printed)
    return float(said["seconds"]) / int(said["items"])
