"""The tables an analyst works with: their columns, types and units (pandas, nullable).

Missing is not zero. Every column's name carries its unit where it has one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from analysis.operators import Node
from analysis.panel import Observation

CROSSINGS = {
    "organisation": "string",
    "vantage": "string",
    "family": "Int8",
    "day": "datetime64[s]",
    "destination": "string",
    "destination_organisation": "string",
    "destination_operator": "string",
    "destination_continent": "string",
    "state": "string",
    "border_from_hop": "Int16",
    "border_to_hop": "Int16",
    "exit": "string",
    "first_foreign": "string",
    "upstream": "string",
    "upstream_asn": "Int64",
    "candidates": "string",
    "candidates_lenient": "string",
}


def _named(nodes: Iterable[Node]) -> str:
    return "; ".join(f"{node.kind}:{node.name}" for node in nodes)


def crossings_table(observations: Iterable[Observation]) -> pd.DataFrame:
    """One row a trace towards abroad, with the columns and types of ``CROSSINGS``.

    ``candidates`` are the nodes on the domestic part after the vantage point's own
    organisation, in order of the path, as ``kind:name`` joined by ``; ``; ``exit`` is missing
    where the organisation is its own.
    """
    rows = [
        {
            "organisation": seen.organisation,
            "vantage": seen.vantage,
            "family": seen.family,
            "day": pd.Timestamp(seen.day),
            "destination": seen.destination,
            "destination_organisation": seen.destination_organisation,
            "destination_operator": seen.destination_class[0] if seen.destination_class else None,
            "destination_continent": seen.destination_class[1] if seen.destination_class else None,
            "state": seen.crossing.state,
            "border_from_hop": seen.crossing.border[0] if seen.crossing.border else None,
            "border_to_hop": seen.crossing.border[1] if seen.crossing.border else None,
            "exit": _named([seen.crossing.exit]) if seen.crossing.exit else None,
            "first_foreign": seen.crossing.first_foreign,
            "upstream": _named([seen.crossing.upstream]) if seen.crossing.upstream else None,
            "upstream_asn": seen.crossing.upstream_asn,
            "candidates": _named(seen.crossing.strict),
            "candidates_lenient": _named(seen.crossing.lenient),
        }
        for seen in observations
        if seen.crossing is not None
    ]
    return pd.DataFrame(rows, columns=list(CROSSINGS)).astype(CROSSINGS)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as .csv or .parquet, by the file's name."""
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
