"""Where a path leaves the country, by registration."""

from __future__ import annotations

from probe.origin.border import borders, home_of, leaves
from probe.record import Attribution, Hop, Reply


def path(*countries: str | None) -> list[Hop]:
    return [
        Hop(
            number,
            (Reply("192.0.2.1", 1.0),),
            None if country is None else Attribution(country=country),
        )
        for number, country in enumerate(countries, start=1)
    ]


def found(*countries: str | None) -> list[tuple[int, int, bool]]:
    return [
        (border.before.number, border.after.number, border.outward)
        for border in borders(path(*countries), "KH")
    ]


def test_a_border_lies_between_the_last_hop_at_home_and_the_first_abroad() -> None:
    """Unlocated hops between the two belong to neither side."""
    assert found("KH", "KH", None, "SG", "US") == [(2, 4, True)]


def test_a_path_that_comes_back_has_two_borders() -> None:
    """Leaving and coming back are told apart, and changes abroad are no border."""
    assert found("KH", "SG", "HK", "KH") == [(1, 2, True), (3, 4, False)]


def test_where_no_hop_at_home_is_seen_there_is_no_border() -> None:
    """A first located hop abroad does not tell where the path left."""
    assert found(None, "SG", "US") == []
    assert found("KH", None) == []
    assert found() == []


def test_the_first_way_out_is_the_one_that_counts() -> None:
    """A path that returns and leaves again left at its first border."""
    border = leaves(path("KH", "SG", "KH", "US"), "KH")
    assert border is not None
    assert (border.before.number, border.after.number) == (1, 2)
    assert leaves(path("SG", "KH"), "KH") is None


def test_home_is_the_first_country_on_the_path() -> None:
    """Hops without a country do not say where one is."""
    assert home_of(path(None, "KH", "SG")) == "KH"
    assert home_of(path(None)) is None
