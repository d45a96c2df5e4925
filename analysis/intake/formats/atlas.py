"""Results of RIPE Atlas and records of ours, which have their shape: from JSON and back.

`probe.record` is the contract of both. What stands here is what a change of format may lose: the
fields of a result that a record has no place for, and the parts of a record for which a plain
Atlas result has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from probe.record import (
    ATLAS_FORMAT,
    ATLAS_STATUS_HOP,
    Hop,
    MalformedRecord,
    Reply,
    Trace,
    from_json,
    to_json,
)

_TRACE = frozenset(
    {
        "fw", "type", "msm_id", "prb_id", "af", "proto", "dst_addr", "dst_name", "src_addr", "from",
        "paris_id", "size", "timestamp", "endtime", "result", "gatewatch",
    }
)  # fmt: skip
_HOP = frozenset({"hop", "result", "error"})
_REPLY = frozenset(
    {"x", "from", "rtt", "ttl", "size", "err", "ittl", "itos", "icmpext", "late", "dup"}
)
_OURS = frozenset(
    {
        "schema", "vantage", "method", "flow", "stop", "probes", "snapshots", "hops", "inferred",
        "protos", "changed", "multipath", "redactions", "notes", "error",
    }
)  # fmt: skip


def read(fields: dict[str, Any]) -> Trace:
    """Read one result.

    Raises `MalformedRecord`; see `probe.record.from_json`. What else the Atlas sends is told apart:

    >>> read({"id": 5001, "type": "traceroute", "target": "192.0.2.1", "status": {}})
    Traceback (most recent call last):
      ...
    probe.record.MalformedRecord: describes measurement 5001 and holds no result of it; fetch \
these from https://atlas.ripe.net/api/v2/measurements/5001/results/
    """
    if "dst_addr" not in fields:
        if isinstance(fields.get("results"), list):
            raise MalformedRecord(
                'an object around a list of results; give the list itself (jq ".results[]")'
            )
        if isinstance(fields.get("id"), int) and {"target", "status"} <= fields.keys():
            number = fields["id"]
            raise MalformedRecord(
                f"describes measurement {number} and holds no result of it; fetch these from "
                f"https://atlas.ripe.net/api/v2/measurements/{number}/results/"
            )
    return from_json(fields)


def is_unresolved(fields: dict[str, Any]) -> bool:
    """Whether a probe could not look the target's name up: an error, and nowhere to send to.

    >>> is_unresolved({"dst_name": "a.example", "result": [{"error": "name resolution failed: …"}]})
    True
    """
    said = fields.get("result")
    return (
        fields.get("type", "traceroute") == "traceroute"
        and fields.get("dst_addr") is None
        and isinstance(said, list)
        and len(said) == 1
        and isinstance(said[0], dict)
        and said[0].keys() == {"error"}
    )


def unkept(fields: dict[str, Any]) -> Iterator[str]:
    """The fields of a result that was read which a trace has no place for.

    >>> list(unkept({"lts": 9, "result": [{"hop": 1, "result": [{"x": "*"}, {"mtu": 8}]}]}))
    ['lts', 'result[].result[].mtu']
    """
    yield from (key for key in fields if key not in _TRACE)
    if fields.get("fw", ATLAS_FORMAT) != ATLAS_FORMAT:
        yield "fw"
    if fields.get("from") and fields.get("src_addr", fields["from"]) != fields["from"]:
        yield "src_addr"
    yield from (f"gatewatch.{key}" for key in fields.get("gatewatch") or {} if key not in _OURS)
    for hop in fields["result"]:
        if "hop" not in hop:
            # No hop, whatever it holds: only an error is read of it.
            yield from (f"result[].{key}" for key in hop if key != "error")
            continue
        yield from (f"result[].{key}" for key in hop if key not in _HOP)
        for reply in hop.get("result", ()):
            kept = {"x"} if "x" in reply else _REPLY
            yield from (f"result[].result[].{key}" for key in reply if key not in kept)


def _silent_where_inferred(hop: Hop) -> Hop:
    """A hop without the addresses that were taken over from another trace."""
    return hop if hop.measured else hop._replace(replies=(Reply(),))


def to_atlas(trace: Trace) -> dict[str, Any]:
    """The trace as a plain Atlas result: no field but those of the Atlas.

    Inferred hops become stars: a result without the mark would make evidence of them.
    """
    hops = tuple(_silent_where_inferred(hop) for hop in trace.hops)
    fields = to_json(trace._replace(hops=hops))
    del fields["gatewatch"]
    if trace.source is not None:
        fields["from"] = trace.source
    if trace.error is not None:
        # Where the Atlas has it: beside the hops, or at the one that speaks of the whole trace.
        about = (hop for hop in fields["result"] if hop["hop"] == ATLAS_STATUS_HOP)
        status = next(about, None)
        if status is None:
            fields["result"].append({"error": trace.error})
        else:
            status["error"] = trace.error
    return fields
