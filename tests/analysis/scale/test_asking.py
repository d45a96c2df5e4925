"""Every piece of a file is folded once, though nobody knows beforehand how many there are."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intake.inputs import InputError
from analysis.scale.asking import Cutting
from analysis.scale.pieces import Piece, Uncut, pieces, uncut

TEXT = b"".join(b'{"line": %d}\n' % n for n in range(600))


def file_of(size: int, lines: int = 1000) -> Uncut:
    """A file that is only asked for."""
    return Uncut("t.jsonl", "/t.jsonl", "", size, lines)


def asked(cutting: Cutting) -> list[int]:
    """The numbers of all that may be asked for before the next answer."""
    found = []
    while (one := cutting.next()) is not None:
        found.append(one[0][1])
    return found


@given(
    count=st.integers(0, 40),
    size=st.integers(0, 40_000),
    most=st.integers(1, 12),
    seed=st.integers(0, 1000),
)
def test_all_pieces_are_folded_once(count: int, size: int, most: int, seed: int) -> None:
    """Whatever its size promises, and in whatever order the answers come."""
    cutting, order = Cutting(0, file_of(size), most), random.Random(seed)
    running, folded, sure = asked(cutting), [], 1
    while running:
        assert sum(number >= sure for number in running) <= most
        number = running.pop(order.randrange(len(running)))
        if number < count:
            folded.append(number)
        if number + 1 < count:
            sure = max(sure, number + 2)
        cutting.heard(number, found=number < count, more=number + 1 < count)
        running += asked(cutting)
    assert cutting.over
    assert sorted(folded) == list(range(count))


@pytest.mark.parametrize(
    ("size", "lines", "usual"),
    [(0, 8, 1), (30 << 20, 8, 46), (100 << 20, 18.75, 65), (1 << 30, 32, 385)],
)
def test_a_large_file_is_cut_into_larger_pieces(size: int, lines: float, usual: int) -> None:
    """Of 8 to 32 MB, as long as they keep many workers busy."""
    file = Uncut.of("t.jsonl", size, "")
    assert file.lines == lines * (1 << 20)
    assert file.usual == usual


def test_of_a_small_file_no_more_is_asked_for_than_its_piece() -> None:
    """A thousand days of a collector are a thousand files."""
    cutting = Cutting(0, file_of(80), 200)
    assert asked(cutting) == [0]
    assert not cutting.over
    cutting.heard(0, found=True, more=False)
    assert asked(cutting) == []
    assert cutting.over


def test_of_a_large_file_as_much_is_asked_for_as_can_be_folded() -> None:
    """And the next piece with each answer."""
    cutting = Cutting(3, file_of(1_000_000), 4)
    assert asked(cutting) == [0, 1, 2, 3]
    cutting.heard(1, found=True, more=True)
    assert asked(cutting) == [4, 5]
    cutting.heard(0, found=True, more=True)
    assert asked(cutting) == []


def test_where_the_end_is_known_nothing_behind_it_is_asked_for() -> None:
    """Though answers from before it, which come later, let more be asked for."""
    cutting = Cutting(0, file_of(1_000_000), 4)
    assert asked(cutting) == [0, 1, 2, 3]
    cutting.heard(3, found=True, more=False)
    cutting.heard(2, found=True, more=True)
    assert asked(cutting) == []


@pytest.mark.parametrize("folded", [(), (0, 2)])
def test_who_lacks_the_file_leaves_it_to_who_asked(
    folded: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its beginning, but for what was folded: not before the last answer has come."""
    monkeypatch.setattr("analysis.scale.pieces.LINES", 1000)
    monkeypatch.setattr("analysis.scale.pieces.LARGER", 1)
    path = tmp_path / "t.jsonl"
    path.write_bytes(TEXT)
    ((_, file),) = uncut([str(path)], {})
    assert isinstance(file, Uncut)
    cutting = Cutting(7, file, 3)
    assert asked(cutting) == [0, 1, 2]
    cutting.refused()
    assert asked(cutting) == []
    for number in folded:
        cutting.heard(number, found=True, more=True)
    for _ in range(2 - len(folded)):
        assert asked(cutting) == []
        assert not cutting.over
        cutting.refused()
    sent: list[tuple[tuple[int, int], Piece | Uncut]] = []
    while (one := cutting.next()) is not None:
        sent.append(one)
    assert cutting.over
    expected = [((7, n), piece) for (_, n), piece in pieces([str(path)], {}) if n not in folded]
    assert sent == expected


def test_a_file_that_was_changed_before_it_is_cut_here_is_named(tmp_path: Path) -> None:
    """Its hash was told already."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(TEXT)
    ((_, file),) = uncut([str(path)], {})
    assert isinstance(file, Uncut)
    cutting = Cutting(0, file, 1)
    asked(cutting)
    cutting.refused()
    path.write_bytes(TEXT[:-1])
    with pytest.raises(InputError, match=r"t\.jsonl: was changed while it was read"):
        asked(cutting)
