"""The picture of the paths: names have the room that they need."""

from __future__ import annotations

from analysis.sankey import Shape


def test_a_telephone_leaves_common_words_and_addresses_whole() -> None:
    """ "Communications" is in the name of every other carrier."""
    shape = Shape.of(326)
    assert [shape.lines(column, "Communications") for column in (0, 2)] == [["Communications"]] * 2
    assert shape.lines(1, "10.20.40.0/24") == ["10.20.40.0/24"]
