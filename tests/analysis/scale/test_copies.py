"""A worker cuts its own copy of a file, and only where that is the same to the byte."""

from __future__ import annotations

import gzip
import io
import os
import random
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
import zstandard

from analysis.intake.inputs import InputError
from analysis.intake.load import Input, open_input
from analysis.scale.copies import NoCopy, Reader
from analysis.scale.pieces import Piece, Uncut, cut_up, pieces, uncut
from tests.harness.nobody import holds_for_nobody, needs_root

TEXT = b"".join(b'{"line": %d, "rest": "%s"}\n' % (n, b"x" * (n % 97)) for n in range(3000))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.scale.pieces.LINES", 5000)
    monkeypatch.setattr("analysis.scale.pieces.LARGER", 1)


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


def whole(path: Path) -> Uncut:
    """A file as it is given to workers."""
    ((_, found),) = uncut([str(path)], {})
    assert isinstance(found, Uncut)
    return found


def cut(path: Path) -> list[Piece]:
    """The pieces that it is cut into where it is read."""
    found = [piece for _, piece in pieces([str(path)], {})]
    assert len(found) > 20
    return found


@pytest.mark.parametrize("order", ["as they stand", "every other", "backwards", "any"])
def test_what_is_cut_from_a_copy_is_the_piece(path: Path, order: str) -> None:
    """In whatever order they are asked for, and whoever folds those between."""
    file, given = whole(path), cut(path)
    numbers = list(range(len(given)))
    if order == "every other":
        numbers = numbers[::2]
    elif order == "backwards":
        numbers = numbers[::-1]
    elif order == "any":
        random.Random(1).shuffle(numbers)
    reader = Reader()
    for number in numbers:
        assert reader.piece(file, number) == (given[number], number + 1 < len(given))


def test_files_that_were_left_uncut_have_the_pieces_that_they_have_else(tmp_path: Path) -> None:
    """Each at its own place, of whichever file."""
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(TEXT)
    assert list(cut_up(uncut([str(tmp_path)], {}))) == list(pieces([str(tmp_path)], {}))


def test_it_is_told_where_a_file_ends(path: Path) -> None:
    """Whoever asks does not know how many pieces it has."""
    file, given = whole(path), cut(path)
    reader = Reader()
    for _ in range(2):
        assert reader.piece(file, len(given) + 3) == (None, False)
        assert reader.piece(file, len(given) - 1) == (given[-1], False)


def test_an_empty_file_has_no_piece(tmp_path: Path) -> None:
    """Nor anything that could not be read."""
    path = tmp_path / "empty.jsonl"
    path.touch()
    assert Reader().piece(whole(path), 0) == (None, False)


def test_a_file_is_unpacked_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from its beginning for each piece: that would take a square of its length."""
    file, given = whole(path), cut(path)
    begun: list[str] = []

    def noted(name: str, inputs: dict[str, str], path: str | None) -> AbstractContextManager[Input]:
        begun.append(name)
        return open_input(name, inputs, path)

    monkeypatch.setattr("analysis.scale.pieces.open_input", noted)
    reader = Reader()
    for number in range(len(given)):
        reader.piece(file, number)
    assert begun == [str(path)]


def test_the_next_file_is_read_after_it(path: Path, tmp_path: Path) -> None:
    """And the first one once more."""
    other = tmp_path / "other.jsonl"
    other.write_bytes(TEXT[::-1].replace(b"\n", b"", 1) + b"\n")
    reader = Reader()
    for which, numbers in ((path, (0, 1, 2)), (other, (2, 3)), (path, (3, 4))):
        file, given = whole(which), cut(which)
        assert [reader.piece(file, number)[0] for number in numbers] == [
            given[number] for number in numbers
        ]


def test_a_copy_may_lie_where_its_name_does_not_lead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker was started in another folder; what is said of the file is the analyst's name."""
    (tmp_path / "lines.jsonl").write_bytes(TEXT)
    monkeypatch.chdir(tmp_path)
    file, given = whole(Path("lines.jsonl")), cut(Path("lines.jsonl"))
    monkeypatch.chdir("/")
    assert Reader().piece(file, 1) == (given[1], True)
    assert given[1].name == "lines.jsonl"


@pytest.mark.parametrize("now", ["gone", "a folder", "shorter", "another", "damaged"])
def test_a_file_that_is_another_one_gives_nothing(path: Path, now: str) -> None:
    """Neither its lines nor an error: whoever has the right one sends it."""
    file, packed = whole(path), path.read_bytes()
    path.unlink()
    if now == "a folder":
        path.mkdir()
    elif now == "shorter":
        path.write_bytes(packed[: len(packed) // 2])
    elif now == "another":
        path.write_bytes(gzip.compress(TEXT.replace(b"line", b"nile")))
    elif now == "damaged":
        path.write_bytes(packed[:-40] + bytes(40))
    reader = Reader()
    for number in (12, 0):
        with pytest.raises(NoCopy):
            reader.piece(file, number)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A device may have no end; of this one the hash would be the same."""
    path = tmp_path / "empty.jsonl"
    path.touch()
    file = whole(path)
    path.unlink()
    path.symlink_to(os.devnull)
    with pytest.raises(NoCopy):
        Reader().piece(file, 0)


def test_a_file_that_is_written_to_meanwhile_ends_the_run(path: Path) -> None:
    """Some of its pieces were folded: they would not be those of what lies there now."""
    file = whole(path)
    reader = Reader()
    reader.piece(file, 0)
    before = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(InputError, match=r"was changed while it was read; start the command again"):
        reader.piece(file, 1)


def test_a_file_that_was_written_to_since_is_not_cut_as_if_it_was_not(path: Path) -> None:
    """Its hash is told as that of what was judged."""
    file = whole(path)
    path.write_bytes(gzip.compress(TEXT * 2) if path.suffix == ".gz" else TEXT * 2)
    if path.suffix == ".zst":
        path.write_bytes(zstandard.compress(TEXT * 2))
    with pytest.raises(InputError, match="was changed while it was read"):
        list(file.pieces())


@pytest.mark.parametrize("ending", ["cut off", "a bomb"])
def test_what_is_wrong_with_the_file_itself_is_for_who_asks_to_say(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that breaks off is read to there; one that unpacks to too much is left."""
    monkeypatch.setattr("analysis.intake.inputs._HARMLESS", 1 << 16)
    path = tmp_path / "lines.jsonl.gz"
    whole_text = gzip.compress(TEXT)
    path.write_bytes(
        whole_text[:-1000] if ending == "cut off" else gzip.compress(TEXT + b" " * (1 << 26))
    )
    file, given = whole(path), cut(path)
    reader = Reader()
    found = []
    with pytest.raises(NoCopy) if ending == "a bomb" else nullcontext():
        for number in range(len(given)):
            piece, _ = reader.piece(file, number)
            found.append(piece)
    # Of what is no line an exception is kept, which equals only itself.
    assert repr(found) == repr(given[: len(found)])
    assert (len(found) == len(given)) == (ending == "cut off")
    if ending == "a bomb":
        # Pieces that were asked for before that was known give nothing either.
        with pytest.raises(NoCopy):
            reader.piece(file, len(found) + 1)


@needs_root
def test_a_file_in_a_folder_of_another_user_gives_nothing(path: Path) -> None:
    """A worker may run as somebody else: it is sent the lines, and does not end the run."""
    file = whole(path)
    path.parent.chmod(0o700)

    def lacks_it() -> bool:
        with pytest.raises(NoCopy):
            Reader().piece(file, 0)
        return True

    assert holds_for_nobody(lacks_it)


def test_standard_input_is_never_uncut(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is over when it was read."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
    assert not any(isinstance(piece, Uncut) for _, piece in uncut(["-"], {}))


def test_files_that_are_given_whole_have_the_same_pieces_at_the_same_places(
    path: Path, tmp_path: Path
) -> None:
    """Of lines, of an array, and of nothing that can be read; and the same hashes are noted."""
    (tmp_path / "array.json").write_text('[{"line": 1}, {"line": 2}]')
    (tmp_path / "more.jsonl").write_bytes(TEXT[:20_000])
    (tmp_path / "none.parquet").write_bytes(b"no such thing")
    noted: dict[str, str] = {}
    again: dict[str, str] = {}
    made = list(pieces([str(tmp_path)], noted))
    assert len({place for place, _ in made}) == len(made) > 26
    assert [(at, str(piece)) for at, piece in cut_up(uncut([str(tmp_path)], again))] == [
        (at, str(piece)) for at, piece in made
    ]
    assert again == noted
    assert len(noted) == 3
    assert path.name in noted
