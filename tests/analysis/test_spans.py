"""A worker reads a piece from its own copy of a file, and only where that says the same."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import zstandard

from analysis.inputs import Stream, opened
from analysis.pieces import Lines, pieces
from analysis.spans import Reader, Span, checksum, span_of
from tests.nobody import holds_for_nobody, needs_root

TEXT = b"".join(b'{"line": %d, "rest": "%s"}\n' % (n, b"x" * (n % 97)) for n in range(3000))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.pieces.LINES", 5000)
    monkeypatch.setattr("analysis.spans._STEP", 1000)


@pytest.fixture(params=["plain", "gzip", "zstandard"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    packed = {
        "plain": lambda: TEXT,
        "gzip": lambda: gzip.compress(TEXT),
        "zstandard": lambda: b"".join(
            zstandard.compress(TEXT[at : at + 20_000]) for at in range(0, len(TEXT), 20_000)
        ),
    }
    ending = {"plain": "", "gzip": ".gz", "zstandard": ".zst"}
    made = tmp_path / f"lines.jsonl{ending[request.param]}"
    made.write_bytes(packed[request.param]())
    return made


def both(path: Path) -> list[tuple[Lines, Span]]:
    """The pieces of a file, and where each stands."""
    found = []
    for _, piece in pieces([str(path)], {}):
        assert isinstance(piece, Lines)
        span = span_of(piece)
        assert span is not None
        found.append((piece, span))
    assert len(found) > 20
    return found


@pytest.mark.parametrize("order", ["as they stand", "every other", "backwards", "any"])
def test_what_is_read_again_is_the_piece(path: Path, order: str) -> None:
    """In whatever order they are asked for, and whoever reads those between."""
    asked = both(path)
    if order == "every other":
        asked = asked[::2]
    elif order == "backwards":
        asked = asked[::-1]
    elif order == "any":
        random.Random(1).shuffle(asked)
    reader = Reader()
    assert [reader.lines(span) for _, span in asked] == [piece for piece, _ in asked]
    reader.close()


def test_a_file_is_unpacked_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from its beginning for each piece: that would take a square of its length."""
    asked = both(path)
    begun: list[str] = []

    def noted(name: str) -> AbstractContextManager[tuple[Stream, Callable[[], str]]]:
        begun.append(name)
        return opened(name)

    monkeypatch.setattr("analysis.spans.opened", noted)
    reader = Reader()
    for _, span in asked:
        reader.lines(span)
    assert begun == [str(path)]


def test_the_next_file_is_read_after_it(path: Path, tmp_path: Path) -> None:
    """And the first one once more."""
    other = tmp_path / "other.jsonl"
    other.write_bytes(TEXT[::-1].replace(b"\n", b"", 1) + b"\n")
    reader = Reader()
    asked = [*both(path)[:3], *both(other)[2:5], *both(path)[3:5]]
    assert [reader.lines(span) for _, span in asked] == [piece for piece, _ in asked]


@pytest.mark.parametrize("now", ["gone", "a folder", "shorter", "another", "damaged"])
def test_a_file_that_is_another_one_gives_nothing(path: Path, now: str) -> None:
    """Neither its lines nor an error: whoever has the right one sends it."""
    (first, early), *_, (_, late) = both(path)
    whole = path.read_bytes()
    path.unlink()
    if now == "a folder":
        path.mkdir()
    elif now == "shorter":
        path.write_bytes(whole[: len(whole) // 2])
    elif now == "another":
        path.write_bytes(gzip.compress(TEXT.replace(b"line", b"nile")))
    elif now == "damaged":
        path.write_bytes(whole[:-40] + bytes(40))
    reader = Reader()
    assert reader.lines(late) is None
    assert reader.lines(early) == (first if now in ("shorter", "damaged") else None)
    assert reader.lines(late) is None


@needs_root
def test_a_file_in_a_folder_of_another_user_gives_nothing(path: Path) -> None:
    """A worker may run as somebody else: it is sent the lines, and does not end the run."""
    (_, span), *_ = both(path)
    path.parent.chmod(0o700)
    assert holds_for_nobody(lambda: Reader().lines(span) is None)


def test_what_has_no_place_in_a_file_has_no_span() -> None:
    """Standard input is over when it was read."""
    assert span_of(Lines("-", b"{}\n", 1, 0)) is None


def test_the_checksum_is_that_of_everybody() -> None:
    """CRC-32 as gzip has it: its check value."""
    assert checksum(b"123456789") == 0xCBF43926
