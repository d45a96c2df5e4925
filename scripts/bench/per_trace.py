"""The per-trace route of the Internet Health Report's tools, made anew: one result after the other.

Its steps are theirs (Fontugne et al., "The (thin) bridges of AS connectivity", PAM 2018, and
"Pinpointing delay and forwarding anomalies", IMC 2017), in plain Python as they are there: decode a
line, look every answering address up in a prefix tree, build the path of ASes, count by vantage
point which ASes are on it, and score each AS by the mean over vantage points with the highest and
lowest tenth cut off. No code of theirs is used; the tree is libmaxminddb's, in C as theirs is. What
theirs does besides is left out, to its advantage: it asks a second tree for exchanges at every hop,
keeps the path of addresses too, and hands paths through a message queue to what scores them.

Usage: ``python -m scripts.bench.per_trace FILE.jsonl.gz``
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Protocol

import maxminddb

from probe.origin.snapshot import current_manifest

ALPHA = 0.1


class Table(Protocol):
    """A prefix tree of AS numbers (`maxminddb.Reader` is one)."""

    def get(self, address: str, /) -> Any: ...


def _asn(table: Table, address: str) -> int | None:
    found = table.get(address)
    return None if found is None else found.get("autonomous_system_number")


def as_path(result: dict[str, Any], table: Table) -> list[int]:
    """The ASes on the way of a result, from the vantage point's on, each once in a row."""
    path: list[int] = []
    first = _asn(table, result["from"])
    if first is not None:
        path.append(first)
    for hop in result["result"]:
        for reply in hop.get("result", ()):
            if "from" in reply and "err" not in reply:
                asn = _asn(table, reply["from"])
                if asn is not None and (not path or path[-1] != asn):
                    path.append(asn)
    return path


def trimmed_mean(values: list[float]) -> float:
    """The mean without the highest and the lowest tenth.

    >>> trimmed_mean([0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    0.875
    """
    cut = int(ALPHA * len(values))
    kept = sorted(values)[cut : len(values) - cut]
    return sum(kept) / len(kept)


def scores(path: Path) -> dict[int, float]:
    """The score of every AS that any result of a file passes."""
    passed: dict[int, Counter[int]] = defaultdict(Counter)
    traces: Counter[int] = Counter()
    with maxminddb.open_database(current_manifest().table_path) as table, gzip.open(path) as lines:
        for line in lines:
            result = json.loads(line)
            probe = result["prb_id"]
            traces[probe] += 1
            passed[probe].update(set(as_path(result, table)))
    return {
        asn: trimmed_mean([passed[probe][asn] / traces[probe] for probe in traces])
        for asn in set().union(*passed.values())
    }


if __name__ == "__main__":
    found = scores(Path(sys.argv[1]))
    print(json.dumps(dict(sorted(found.items(), key=lambda item: -item[1])[:10])))
