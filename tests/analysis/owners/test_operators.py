"""What can be a gateway: whose an address is, and where it counts as standing."""

from __future__ import annotations

import pytest

from analysis.owners.operators import Gazetteer, Node
from probe.record import Attribution
from tests.analysis.country import HOME, Table


def table() -> Table:
    made = Table()
    made.add("20.0.1.0/24", Attribution(101, "N1", "Net 1", HOME))
    made.add("20.0.2.0/24", Attribution(102, "N2", "Net 1", HOME))
    made.add("20.8.8.0/24", Attribution(None, None, None, HOME, exchange="HomeIX"))
    made.add("20.8.9.0/24", Attribution(None, None, None, None, exchange="NowhereIX"))
    made.add("20.6.6.0/24", Attribution(106, "N6", "Net 6", None))
    made.add("20.5.5.0/24", Attribution(65000, "AS65000", "AS65000", HOME))
    made.add("30.0.1.0/24", Attribution(3001, "F1", "Far 1", "US"))
    made.add("100.64.0.0/10", Attribution(special="cgnat"))
    return made


@pytest.mark.parametrize(
    ("address", "node", "place"),
    [
        ("20.0.1.7", Node("organisation", "Net 1"), "home"),
        ("20.0.2.7", Node("organisation", "Net 1"), "home"),
        ("30.0.1.7", Node("organisation", "Far 1"), "abroad"),
        ("20.8.8.7", Node("exchange", "HomeIX"), "home"),
        ("20.8.9.7", Node("exchange", "NowhereIX"), "unlocated"),
        ("20.6.6.7", Node("organisation", "Net 6"), "unlocated"),
        ("20.5.5.7", Node("unmapped", "20.5.5.0/24"), "unlocated"),
        ("10.20.7.9", Node("unmapped", "10.20.7.0/24"), "unlocated"),
        ("100.64.9.1", Node("unmapped", "100.64.9.0/24"), "unlocated"),
        ("45.1.2.3", Node("unmapped", "45.1.2.0/24"), "unlocated"),
        ("2a00:1:2:3::4", Node("unmapped", "2a00:1:2::/48"), "unlocated"),
    ],
)
def test_an_address_is_a_node_at_a_place(address: str, node: Node, place: str) -> None:
    """Siblings are one organisation; what the table does not know is nowhere, as is what it has
    under a number that any network may show."""
    sight = Gazetteer(table(), HOME).sight(address)
    assert sight.node == node
    assert sight.place == place


def test_home_is_the_country_that_is_judged() -> None:
    """The same router is abroad when another country is judged."""
    assert Gazetteer(table(), "US").sight("20.0.1.7").place == "abroad"
    assert Gazetteer(table(), "US").sight("30.0.1.7").place == "home"


def test_an_address_is_looked_up_once() -> None:
    """A million traces over the same routers ask the table for each router once."""
    asked: list[str] = []

    class Counting:
        def lookup(self, address: str) -> Attribution:
            asked.append(address)
            return Attribution()

    gazetteer = Gazetteer(Counting(), HOME)
    for _ in range(3):
        gazetteer.sight("20.0.1.1")
    assert asked == ["20.0.1.1"]
