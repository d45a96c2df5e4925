"""What RTTs say of a destination that is registered on another continent."""

from __future__ import annotations

import pytest

from analysis.evidence.nextdoor import answers_next_door
from analysis.owners.operators import Gazetteer, Node
from analysis.paths.path import Path, Reader
from tests.analysis.country import HOME, Country

FAR_MS = 10.0
NETWORK = Node("organisation", "Far 3")
WAY = ("192.168.1.1", "20.0.1.1", "20.9.9.1", "30.0.3.1", "30.0.3.200")


def path(*addresses: str | None) -> Path:
    reader = Reader(Gazetteer(Country(2).table, HOME))
    return reader.along(addresses, (0.0,) * len(addresses), "Net 1", "30.0.3.200")


@pytest.mark.parametrize(
    ("rtts", "near"),
    [
        ((0.5, 2.0, 2.4, 4.0, 5.0), True),
        ((0.5, 2.0, 2.4, 4.0, 11.9), True),
        ((0.5, 2.0, 2.4, 4.0, 12.0), False),
        ((0.5, 32.0, 32.4, 34.0, 35.0), True),
        ((0.5, 90.0, 2.4, 80.0, 85.0), False),
        ((0.5, 500.0, 500.0, 500.0, 90.0), False),
        ((0.5, None, 2.4, 4.0, 5.0), True),
        ((0.5, None, None, 4.0, 9.0), True),
        ((0.5, None, None, 9.0, 10.0), False),
        ((0.5, None, None, 34.0, 35.0), False),
        ((0.5, 35.0, None, 34.0, 35.0), True),
        ((0.5, 2.0, 2.4, 4.0, None), False),
    ],
    ids=[
        "in the country", "nearly 1,000 km away", "that far away", "behind a radio link",
        "behind a router that answered late", "behind routers that all did", "behind a silent one",
        "all of the country silent", "silent, and that far away", "silent, and a radio link",
        "as late as the country", "no answer",
    ],
)  # fmt: skip
def test_how_much_later_it_answers_than_the_country(
    rtts: tuple[float | None, ...], *, near: bool
) -> None:
    """The soonest public router of the country is what it is held against, else the probe."""
    judge = answers_next_door(path(*WAY), NETWORK, FAR_MS)
    assert judge is not None
    assert judge(rtts) is near


def test_a_silent_hop_on_the_way_tells_nothing() -> None:
    """It has no address that could stand in the country."""
    judge = answers_next_door(path(WAY[0], None, *WAY[2:]), NETWORK, FAR_MS)
    assert judge is not None
    assert judge((0.5, None, 2.4, 4.0, 5.0))
    assert not judge((0.5, None, 2.4, 4.0, 12.4))


def test_nothing_is_asked_of_who_did_not_answer_or_may_be_near() -> None:
    """A path that ends before its network; a destination on the country's own continent."""
    assert answers_next_door(path(*WAY[:-2]), NETWORK, FAR_MS) is None
    assert answers_next_door(path(*WAY[:-2], "30.0.4.1"), NETWORK, FAR_MS) is None
    assert answers_next_door(path("192.168.1.1", None), NETWORK, FAR_MS) is None
    assert answers_next_door(path(*WAY), NETWORK, 0.0) is None


def test_a_router_of_its_network_stands_for_a_destination_that_is_silent() -> None:
    """It is the last that answers, 2 ms or 60 ms behind the country."""
    judge = answers_next_door(path(*WAY[:-1]), NETWORK, FAR_MS)
    assert judge is not None
    assert judge((0.5, 2.0, 2.4, 4.0))
    assert not judge((0.5, 2.0, 2.4, 62.0))
