"""The tables an analyst works with: their columns, types and units (pandas, nullable).

Missing is not zero. Every column's name carries its unit where it has one. ``make reference``
writes what the columns mean into ``docs/tables.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from analysis.evidence.observation import Observation, by_day
from analysis.owners.operators import Node
from analysis.paths.crossing import Crossing
from probe.record import Hop, Reply, Trace

if TYPE_CHECKING:
    import pandas as pd


class Column(str):
    """The pandas type of a column, and what the column means.

    >>> Column("Int8", "4 or 6"), Column("Int8", "4 or 6").meaning
    ('Int8', '4 or 6')
    """

    __slots__ = ("meaning",)
    meaning: str

    def __new__(cls, kind: str, meaning: str) -> Self:
        made = super().__new__(cls, kind)
        made.meaning = meaning
        return made


TRACES = {
    "start": Column(
        "datetime64[us, UTC]",
        "when the first probe left, by the vantage point's clock; missing where it was never set",
    ),
    "end": Column("datetime64[us, UTC]", "when the trace ended"),
    "vantage": Column("string", "pseudonym of the vantage point; missing in plain Atlas results"),
    "vantage_asn": Column("Int64", "AS of the access network, as the record says"),
    "vantage_organisation": Column("string", "its organisation, as the record says"),
    "vantage_country": Column("string", "its country, as the record says"),
    "source": Column(
        "string",
        "address of the vantage point, which Atlas results and scamper's have; records of "
        "gatewatch never do",
    ),
    "destination": Column("string", "address traced to"),
    "destination_name": Column("string", "what the list of targets calls it"),
    "family": Column("Int8", "4 or 6"),
    "proto": Column("string", "ICMP, UDP or TCP"),
    "flow": Column(
        "Int64",
        "Paris identifier: probes of one flow take one way; missing where none was kept",
    ),
    "size_bytes": Column("Int64", "size of a probe"),
    "msm_id": Column("Int64", "number of the measurement"),
    "prb_id": Column("Int64", "number of the probe"),
    "backend": Column("string", "what sent the packets"),
    "stop": Column("string", "why the trace ended"),
    "reached": Column("boolean", "whether the destination answered"),
    "probes": Column("Int64", "packets sent"),
    "hops": Column("Int16", "number of TTLs asked"),
    "snapshots": Column(
        "string",
        "address tables that the record was attributed by; missing in what others measured",
    ),
    "error": Column("string", "what went wrong, in the record's words"),
}

REPLIES = {
    "trace": Column("Int64", "index of the trace in `data.traces`"),
    "hop": Column("Int16", "TTL of the probe"),
    "probe": Column("Int32", "number of the probe at its hop, from 1"),
    "address": Column("string", "who answered; missing where nobody did or redaction took it out"),
    "rtt_ms": Column("Float64", "round-trip time in milliseconds"),
    "reply_ttl": Column("Int64", "TTL of the answer as it arrived"),
    "quoted_ttl": Column("Int64", "TTL of the probe as the router quoted it"),
    "quoted_tos": Column("Int64", "type of service as quoted"),
    "changed": Column("string", "fields of the probe that were rewritten on the way, by name"),
    "size_bytes": Column("Int64", "size of the answer"),
    "err": Column("string", "letter or code of an ICMP error that ends a trace"),
    "late": Column("Int64", "came after it was given up, so many probes later; no evidence"),
    "duplicate": Column("boolean", "a second answer to one probe; no evidence"),
    "measured": Column(
        "boolean",
        "false where the hop was taken over from another trace; no evidence",
    ),
    "proto": Column("string", "method, where it differs from the trace's"),
    "mpls_labels": Column("string", "labels that the router quoted, outermost first"),
    "asn": Column("Int64", "AS of the hop, as the record says"),
    "organisation": Column("string", "organisation, as the record says"),
    "country": Column("string", "country of registration, as the record says"),
    "exchange": Column("string", "exchange whose LAN the address lies in, as the record says"),
    "special": Column("string", "class of a special-use address, such as `private`"),
}

CROSSINGS = {
    "organisation": Column("string", "vantage organisation"),
    "vantage": Column("string", "vantage point"),
    "family": Column("Int8", "4 or 6"),
    "day": Column("datetime64[s]", "UTC day of the trace"),
    "destination": Column("string", "address traced to"),
    "destination_organisation": Column("string", "whose it is"),
    "destination_operator": Column("string", "operator of its destination class"),
    "destination_continent": Column("string", "continent of its destination class"),
    "state": Column(
        "string",
        "`resolved`, `bracketed` (one silent hop between), `ambiguous`, `none`",
    ),
    "border_from_hop": Column("Int16", "last hop at home"),
    "border_to_hop": Column("Int16", "first hop abroad"),
    "gap": Column(
        "boolean",
        "whether a hop between the own network and the border is silent: such a trace does not "
        "tell who is not on its way; missing where no border was seen",
    ),
    "exit": Column(
        "string",
        "last node seen at home behind the own network; missing where none was: the organisation "
        "is its own exit where the crossing is known and `gap` is false",
    ),
    "first_foreign": Column("string", "first interface abroad"),
    "upstream": Column("string", "its operator"),
    "upstream_asn": Column("Int64", "its AS"),
    "candidates": Column(
        "string",
        "nodes at home behind the own organisation, in the order of the path",
    ),
    "candidates_lenient": Column("string", "the same, with what lies within one hop of the border"),
    "loops": Column("string", "nodes at home that the path came back to"),
}


# So many rows of crossings are held at a time where they are written.
_PORTION = 50_000

# Times that a pandas timestamp of this resolution can hold, in seconds since the epoch.
_LATEST = 2**63 / 1e6


def _microseconds(seconds: float) -> int | None:
    """None where the time was never set, or is none."""
    return round(seconds * 1e6) if 0 < seconds < _LATEST else None


def table_of(rows: list[dict[str, Any]], columns: Mapping[str, Column]) -> pd.DataFrame:
    """Rows as a table of these columns and types; what a row does not say is missing."""
    import pandas as pd  # noqa: PLC0415 - judging needs no table

    table = pd.DataFrame(rows, columns=list(columns))
    for name in (name for name, kind in columns.items() if kind.startswith("datetime64[us")):
        table[name] = pd.to_datetime(table[name].astype("Int64"), unit="us", utc=True)
    return table.astype({name: str(kind) for name, kind in columns.items()})


def records_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each by its columns' names; what is missing stays so."""
    rows = table.astype(object).itertuples(index=False, name=None)
    return [dict(zip(table.columns, row, strict=True)) for row in rows]


def traces_table(traces: Iterable[Trace]) -> pd.DataFrame:
    """One row a trace, with the columns and types of ``TRACES``; its index is the trace's number.

    ``vantage_…`` is what the record says of itself, not what an address table does. ``hops`` is
    the number of TTLs asked. A time that was never set is missing, as is a flow that was not kept.
    """
    return table_of(
        [
            {
                "start": _microseconds(trace.timestamp),
                "end": _microseconds(trace.endtime),
                "vantage": trace.vantage.id if trace.vantage else None,
                "vantage_asn": trace.vantage.asn if trace.vantage else None,
                "vantage_organisation": trace.vantage.organisation if trace.vantage else None,
                "vantage_country": trace.vantage.country if trace.vantage else None,
                "source": trace.source,
                "destination": trace.dst_addr,
                "destination_name": trace.dst_name,
                "family": trace.af,
                "proto": trace.proto,
                "flow": trace.paris_id or None,
                "size_bytes": trace.size,
                "msm_id": trace.msm_id,
                "prb_id": trace.prb_id,
                "backend": trace.backend,
                "stop": trace.stop,
                "reached": trace.reached,
                "probes": trace.probes,
                "hops": len(trace.hops),
                "snapshots": "; ".join(trace.snapshots) or None,
                "error": trace.error,
            }
            for trace in traces
        ],
        TRACES,
    )


def replies_table(traces: Iterable[Trace]) -> pd.DataFrame:
    """One row a probe, with the columns and types of ``REPLIES``; a star is a row.

    ``trace`` is the number of the trace in the order given, ``probe`` that of the probe at its
    hop from 1. The last five columns are what the record says of the hop, missing where it says
    nothing; ``mpls_labels`` has those that the router quoted, outermost first; ``changed`` names
    the fields of the probe that were rewritten on the way to it.
    """
    return table_of(
        [
            _reply_row(number, hop, probe, reply)
            for number, trace in enumerate(traces)
            for hop in trace.hops
            for probe, reply in enumerate(hop.replies, start=1)
        ],
        REPLIES,
    )


def _reply_row(number: int, hop: Hop, probe: int, reply: Reply) -> dict[str, Any]:
    said = hop.attribution
    return {
        "trace": number,
        "hop": hop.number,
        "probe": probe,
        "address": reply.address,
        "rtt_ms": reply.rtt,
        "reply_ttl": reply.ttl,
        "quoted_ttl": reply.quoted_ttl,
        "quoted_tos": reply.quoted_tos,
        "changed": " ".join(reply.changed) or None,
        "size_bytes": reply.size,
        "err": None if reply.err is None else str(reply.err),
        "late": reply.late,
        "duplicate": reply.duplicate,
        "measured": hop.measured,
        "proto": reply.proto,
        "mpls_labels": _labels(reply),
        "asn": said.asn if said else None,
        "organisation": said.organisation if said else None,
        "country": said.country if said else None,
        "exchange": said.exchange if said else None,
        "special": said.special if said else None,
    }


def _labels(reply: Reply) -> str | None:
    """The MPLS labels of a reply, as text."""
    objects = (reply.extensions or {}).get("obj")
    if not isinstance(objects, list):
        return None
    labels = [
        str(label.get("label"))
        for one in objects
        if isinstance(one, dict) and isinstance(one.get("mpls"), list)
        for label in one["mpls"]
        if isinstance(label, dict)
    ]
    return " ".join(labels) or None


def named(nodes: Iterable[Node]) -> str:
    """Nodes with their kinds, as a column has them."""
    return "; ".join(f"{node.kind}:{node.name}" for node in nodes)


def crossing_row(seen: Observation, crossing: Crossing) -> dict[str, Any]:
    """What a table of crossings says of an observation; None is missing."""
    operator, continent = seen.destination_class or (None, None)
    return {
        "organisation": seen.organisation,
        "vantage": seen.vantage,
        "family": seen.family,
        "destination": seen.destination,
        "destination_organisation": seen.destination_organisation,
        "destination_operator": operator,
        "destination_continent": continent,
        "state": crossing.state,
        "border_from_hop": crossing.border[0] if crossing.border else None,
        "border_to_hop": crossing.border[1] if crossing.border else None,
        "gap": crossing.gap if crossing.border else None,
        "exit": named([crossing.exit]) if crossing.exit else None,
        "first_foreign": crossing.first_foreign,
        "upstream": named([crossing.upstream]) if crossing.upstream else None,
        "upstream_asn": crossing.upstream_asn,
        "candidates": named(crossing.strict),
        "candidates_lenient": named(crossing.lenient),
        "loops": named(crossing.loops),
    }


def crossings_table(observations: Iterable[Observation]) -> pd.DataFrame:
    """One row a trace towards abroad, with the columns and types of ``CROSSINGS``.

    ``candidates`` are the nodes on the domestic part after the vantage point's own
    organisation, in order of the path, as ``kind:name`` joined by ``; ``; ``exit`` is missing
    where the organisation is its own, and where silence (``gap``) hides who it is.
    """
    rows = []
    for seen in observations:
        if seen.crossing is not None:
            said = crossing_row(seen, seen.crossing)
            for day, traces in seen.daily():
                rows += [said | {"day": day}] * traces
    return table_of(rows, CROSSINGS)


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows in an order that is their own, not that in which they were read."""
    return table.sort_values(list(table.columns), ignore_index=True, na_position="first")


def _whose(seen: Observation) -> tuple[str, str, int]:
    """What crossings are put in order by before their day, in the order of the columns."""
    return seen.organisation, seen.vantage, seen.family


def crossings_in_portions(observations: Iterable[Observation]) -> Iterator[pd.DataFrame]:
    """The rows of `crossings_table`, put in order, in tables that are small however many there are.

    A portion ends between two days of a vantage point. There is always one, if need be without
    rows.
    """
    abroad = sorted((seen for seen in observations if seen.crossing is not None), key=_whose)
    portion: list[Observation] = []
    rows = 0
    for _, of_one in groupby(abroad, key=_whose):
        for _, of_day in by_day(of_one):
            if rows >= _PORTION:
                yield in_order(crossings_table(portion))
                portion, rows = [], 0
            portion += of_day
            rows += sum(seen.traces for seen in of_day)
    yield in_order(crossings_table(portion))


def write_portions(portions: Iterable[pd.DataFrame], path: Path) -> None:
    """Write the rows of one or more tables of the same columns as .csv or .parquet, by the name.

    A new file is for its owner alone: rows say who measured when. In .csv a text that a spreadsheet
    would run as a formula has a ``'`` before it.
    """
    path.touch(mode=0o600)
    (_write_parquet if path.suffix == ".parquet" else _write_csv)(portions, path)


# What a text begins with that a spreadsheet takes for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def _as_text(text: str) -> str:
    """A text that no spreadsheet runs: whoever measured chose his pseudonym.

    A carriage return, which is written as it is and begins a row for some, becomes a space.

    >>> _as_text("=1+1"), _as_text("v7")
    ("'=1+1", 'v7')
    """
    return ("'" if text.startswith(_FORMULA) else "") + text.replace("\r", " ")


def _write_csv(portions: Iterable[pd.DataFrame], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, portion in enumerate(portions):
            texts: list[str] = list(portion.select_dtypes("string"))
            shown = portion.assign(
                **{name: portion[name].map(_as_text, na_action="ignore") for name in texts}
            )
            shown.to_csv(file, index=False, header=number == 0)


def _write_parquet(portions: Iterable[pd.DataFrame], path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only where it is written

    from analysis.intake.formats.parquet import Writer  # noqa: PLC0415

    tables = (pa.Table.from_pandas(portion, preserve_index=False) for portion in portions)
    first = next(tables)
    with Writer(path, first.schema) as file:
        for table in chain([first], tables):
            file.write_table(table)
