"""The picture of the paths: names have the room that they need."""

from __future__ import annotations

from unicodedata import category

import pytest

from analysis.page import lettering
from analysis.page.sankey import Shape


def test_a_telephone_leaves_common_words_and_addresses_whole() -> None:
    """ "Communications" is in the name of every other carrier."""
    shape = Shape.of(326)
    assert [shape.lines(column, "Communications") for column in (0, 2)] == [["Communications"]] * 2
    assert shape.lines(1, "10.20.40.0/24") == ["10.20.40.0/24"]


@pytest.mark.parametrize("room", [3.0, 4.0, 5.0, 6.0])
def test_a_letter_keeps_its_signs(room: float) -> None:
    """Khmer writes vowels around a letter and others below it; a dotted circle is no word."""
    for line in lettering.lines("អង្គការសម្រាប់ការអភិវឌ្ឍន៍បណ្ដាញអ៊ីនធឺណិតជាតិ", room, most=40):
        assert not category(line[0]).startswith("M")
        assert line.removesuffix("-")[-1] != "\u17d2"
