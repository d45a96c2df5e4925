"""Tables of signs: who goes which way, and what was not measured or is not known."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.library.exhibits import DOMESTIC, PAIRS
from analysis.page import matrices
from analysis.tables import table_of

GATE = ("organisation", "Gate")


def pairs(*rows: dict[str, Any]) -> pd.DataFrame:
    plain = {
        "destination_continent": "EU",
        "resolved": True,
        "own_exit": False,
        "traces": 1,
    }
    return table_of([{**plain, **row} for row in rows], PAIRS)


def pair(organisation: str, to: str, gateway: str | None, **said: Any) -> dict[str, Any]:
    return {
        "organisation": organisation,
        "destination": to,
        "destination_organisation": to,
        "gateway_kind": "organisation" if gateway else None,
        "gateway": gateway,
        "resolved": gateway is not None,
        "own_exit": gateway == organisation if gateway else None,
        **said,
    }


def shown(found: matrices.Matrix) -> list[str]:
    return [
        f"{name}: " + "".join("." if cell is None else cell.sign for cell in cells)
        for name, cells in found.rows
    ]


def test_names_stand_as_in_a_list() -> None:
    """Who looks for "akquinet" looks before "Arelion", not behind "Zain"."""
    rows = [pair(name, to, name) for name in ("Zain", "akquinet") for to in ("Telstra", "free")]
    found = matrices.international(pairs(*rows), None, str)
    assert [name for name, _ in found.rows] == ["akquinet", "Zain"]
    assert [heading.name for heading in found.columns] == ["free", "Telstra"]


def test_each_cell_has_the_gateway_of_its_pair() -> None:
    """The named one first, then others by how often; the network itself, unknown, not measured."""
    found = matrices.international(
        pairs(
            pair("N1", "X", "Gate"),
            pair("N1", "Y", "Other"),
            pair("N2", "X", "N2"),
            pair("N3", "X", None),
            pair("N3", "Y", "Other"),
        ),
        GATE,
        str,
    )
    assert shown(found) == ["N1: AB", "N2: ○.", "N3: ?B"]
    assert [(sign.sign, sign.role, sign.words) for sign in found.legend] == [
        ("A", "candidate", "Gate"),
        ("B", "gateway", "Other"),
        ("○", "itself", "the network itself"),
        ("?", "unknown", "unknown: too many silent hops"),
    ]


def test_destinations_of_one_operator_are_one_column() -> None:
    """By majority of those known; unknown only where all are."""
    found = matrices.international(
        pairs(
            *(pair("N1", "X", name, destination=f"{i}") for i, name in enumerate("GGH")),
            pair("N1", "X", None, destination="9"),
            pair("N2", "X", None),
        ),
        None,
        str,
    )
    assert shown(found) == ["N1: A", "N2: ?"]
    assert found.legend[0].words == "G"


def test_a_tie_is_no_sign_of_the_one_who_is_named() -> None:
    """Half of the destinations is not most, and who is accused gets no cell for it."""
    ways = [("x1", "Gate"), ("x2", "Other"), ("x3", "Gate"), ("x4", "Other")]
    found = matrices.international(
        pairs(*(pair("N1", to, by, destination_organisation="X") for to, by in ways)), GATE, str
    )
    assert [(sign.role, sign.words) for sign in found.legend] == [("gateway", "Other")]


def test_columns_stand_by_continent() -> None:
    """Each continent's columns together, with how many there are."""
    found = matrices.international(
        pairs(
            pair("N1", "A", "G"),
            pair("N1", "B", "G", destination_continent="AS"),
            pair("N1", "C", "G"),
        ),
        None,
        str,
    )
    assert [heading.name for heading in found.columns] == ["B", "A", "C"]
    assert found.groups == (("AS", 1), ("EU", 2))


def test_the_candidates_own_network_leaves_by_it() -> None:
    """It is the gateway, not a network of its own besides it."""
    found = matrices.international(pairs(pair("Gate", "X", "Gate")), GATE, str)
    assert shown(found) == ["Gate: A"]


def test_what_is_too_much_is_counted() -> None:
    """Rows and columns with the fewest pairs are left out first, and the page can say how many."""
    many = [pair(f"N{i:03}", "X", "G") for i in range(matrices.ROWS + 5)]
    wide = [pair("N000", f"D{i:03}", "G") for i in range(matrices.COLUMNS + 3)]
    found = matrices.international(pairs(*many, *wide), None, str)
    assert (found.hidden_rows, found.hidden_columns) == (5, 4)
    assert found.rows[0][0] == "N000"
    assert "X" in [heading.name for heading in found.columns]


def test_ways_at_home_have_their_signs() -> None:
    """What passes the hub is one kind, whatever else stands on the way."""
    rows = [
        ("N1", "N2", "third_party", True),
        ("N1", "N3", "third_party", False),
        ("N2", "N1", "direct", False),
        ("N2", "N3", "exchange", False),
        ("N3", "N1", "abroad", False),
        ("N3", "N2", "unknown", False),
    ]
    table = table_of(
        [
            {"organisation": a, "destination": b, "way": way, "over_hub": hub}
            for a, b, way, hub in rows
        ],
        DOMESTIC,
    )
    found = matrices.domestic(table, "Gate", str)
    assert shown(found) == ["N1: .HT", "N2: D.X", "N3: A?."]
    assert found.legend[0].words == "over Gate"


def test_nothing_measured_is_an_empty_table() -> None:
    """No rows, no columns, no legend."""
    found = matrices.international(pairs(), None, str)
    assert (found.rows, found.columns, found.legend) == ((), (), ())
