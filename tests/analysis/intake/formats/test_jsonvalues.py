"""Arrays are read piece by piece as if they had been read whole, wherever the pieces end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intake.formats import jsonvalues
from analysis.intake.inputs import BrokenOff, Stream
from probe.record import MalformedRecord

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def read(content: bytes, size: int = 7) -> list[tuple[int, Any]]:
    return list(jsonvalues.rows(Stream(pieces(content, size))))


@settings(max_examples=300)
@given(
    st.lists(JSON, max_size=5),
    st.integers(1, 9),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
)
def test_an_array_read_in_pieces_is_the_array(
    values: list[Any], size: int, indent: int | None, ascii_only: bool
) -> None:
    """Numbers, escapes and characters of several bytes may be cut anywhere."""
    content = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonvalues, "_CHUNK", size)
        found = read(content, size)
    assert [value for _, value in found] == values
    lines = [number for number, _ in found]
    assert lines == sorted(lines)
    assert lines[-1:] <= [content.count(b"\n") + 1]


@settings(max_examples=200)
@given(st.lists(st.dictionaries(st.text(max_size=4), JSON, max_size=3), max_size=4), st.data())
def test_a_torn_array_gives_what_was_whole_and_one_complaint(
    values: list[Any], data: st.DataObject
) -> None:
    """Whatever is cut off: a prefix of the values, then the complaint, and nothing else."""
    content = json.dumps(values).encode()
    cut = data.draw(st.integers(1, len(content) - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonvalues, "_CHUNK", 4)
        *whole, (_, last) = read(content[:cut], 3)
    assert isinstance(last, MalformedRecord)
    assert [value for _, value in whole] == values[: len(whole)]


@settings(max_examples=200)
@given(
    st.lists(st.dictionaries(st.text(max_size=6), JSON, min_size=1, max_size=3), max_size=4),
    st.integers(3, 9),
    st.sampled_from(["\n", "\r\n", ",\n"]),
)
def test_objects_over_several_lines_read_in_pieces_are_the_objects(
    values: list[Any], size: int, between: str
) -> None:
    """As jq prints them, and as an editor leaves them."""
    content = between.join(json.dumps(value, indent=1) for value in values).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonvalues, "_CHUNK", size)
        found = read(content, size)
    assert [value for _, value in found] == values
    starts = [n for n, line in enumerate(content.split(b"\n"), 1) if line.startswith(b"{")]
    assert [number for number, _ in found] == starts


@pytest.mark.parametrize(
    "torn",
    ['{\n "a": [1,\n', '{\n "a": tru\n}\n', '{\n "a": {\n  "b": 1,\n }\n}\n', "{\n"],
)
@pytest.mark.parametrize("size", [3, 1 << 16])
def test_a_torn_object_over_several_lines_costs_itself_only(torn: str, size: int) -> None:
    """One complaint, however many lines it has; the one behind it is read, also if in one line."""
    for good, value in (('{\n "c": 2\n}\n', {"c": 2}), ('{"c": 2}\n', {"c": 2})):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jsonvalues, "_CHUNK", size)
            (first, problem), *rest = read((torn + good * 2).encode(), size)
        assert (first, str(problem)) == (1, "the JSON object is damaged or cut off here")
        start = 1 + torn.count("\n")
        assert rest == [(start, value), (start + good.count("\n"), value)]


def test_an_object_that_the_file_ends_in_is_one_complaint() -> None:
    """The last sign of what is left of it is no line of its own, though it could be a value."""
    ((number, problem),) = read(b'{\n "a": 1')
    assert (number, str(problem)) == (1, "the JSON object is damaged or cut off here")


def test_an_array_may_follow_objects_over_several_lines() -> None:
    """As where results of two sources were put together."""
    assert read(b'{\n"a": 1}\n[2,\n3]\n{"b": 4}\n') == [
        (1, {"a": 1}),
        (3, 2),
        (4, 3),
        (5, {"b": 4}),
    ]


def test_lines_are_those_of_the_file() -> None:
    """The line on which a value starts, blank lines before it counted."""
    assert read(b'\n\n[\n{"a": 1},\n\n{"b":\n2}]\n') == [(4, {"a": 1}), (6, {"b": 2})]


def test_arrays_may_follow_each_other_and_be_empty() -> None:
    """As pages of an API that were put together, one of which had no result."""
    assert read(b"[1]\n[]\n[2][\n3]\n4\n") == [(1, 1), (3, 2), (4, 3), (5, 4)]


@pytest.mark.parametrize(
    ("before", "complaints"),
    [
        (b"", [(1, "the file breaks off here (bits turned over)")]),
        (b'{"a": 1}\n', [(2, "the file breaks off here (bits turned over)")]),
        (b'[1]\nx\n{"a": 1}\n{"b', [(2, "not JSON"), (4, "the file breaks off here")]),
    ],
)
def test_where_a_stream_breaks_off_is_told_once(
    before: bytes, complaints: list[tuple[int, str]]
) -> None:
    """By the line that could not be read to its end; a bad line before it is another matter."""

    def breaking() -> Iterator[bytes]:
        yield before
        raise BrokenOff("bits turned over")

    found = list(jsonvalues.rows(Stream(breaking())))
    assert [(n, str(one)) for n, one in found if isinstance(one, MalformedRecord)] == complaints


def test_a_line_of_nothing_but_a_byte_order_mark_is_blank() -> None:
    """As empty files of Windows are, also where others were put behind them."""
    mark = b"\xef\xbb\xbf\n"
    assert read(mark + b'{"a": 1}\n' + mark + b"2\n") == [(2, {"a": 1}), (4, 2)]


def test_a_long_result_is_no_damage() -> None:
    """Of one of some megabytes, as of many parallel paths, no piece is taken for its end."""
    long = ["x" * 1000] * 3000
    assert read(json.dumps([long, 1]).encode(), 1 << 16) == [(1, long), (1, 1)]


def test_damage_far_from_the_end_does_not_read_the_rest_first() -> None:
    """What is not JSON is told where it stands; the rest of a long file is not kept for it."""
    wanted: list[int] = []

    def long() -> Iterator[bytes]:
        yield b'[{"a": 1}, {"a" 2},'
        for number in range(10_000):
            wanted.append(number)
            yield b'{"a": 3},' * 100

    reading = jsonvalues.rows(Stream(long()))
    assert next(reading) == (1, {"a": 1})
    _, problem = next(reading)
    assert isinstance(problem, MalformedRecord)
    assert len(wanted) < 5000
    assert list(reading) == []


def test_no_more_of_an_array_is_read_than_its_values_need() -> None:
    """However long it is, a little of it is in memory at a time."""
    piece = b'{"a": "' + b"x" * 1000 + b'"},'
    read_on: list[int] = []

    def long() -> Iterator[bytes]:
        yield b"["
        for number in range(3000):
            read_on.append(number)
            yield piece
        yield b"{}]"

    ahead = [
        len(read_on) - count for count, _ in enumerate(jsonvalues.rows(Stream(long())), start=1)
    ]
    assert len(ahead) == 3001
    assert max(ahead) * len(piece) < 1 << 18
