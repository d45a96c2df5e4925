"""Warts: scamper's own converter reads them, or a sentence says what is missing."""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.intake.formats import warts
from analysis.intake.inputs import InputError, Stream
from analysis.intake.load import load
from tests.harness.published import published

LAB = Path(__file__).parents[3] / "data/traces/scamper_lab.warts"
needs_converter = pytest.mark.skipif(
    shutil.which(warts.CONVERTER) is None, reason=f"{warts.CONVERTER} is missing: install scamper"
)


@needs_converter
def test_warts_read_as_the_json_that_scamper_writes() -> None:
    """The same measurements in both of scamper's formats are the same traces."""
    assert load([str(LAB)]).traces == load([str(LAB.with_suffix(".jsonl"))]).traces


@needs_converter
def test_compressed_and_misnamed_warts_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    """Archives compress them, and name them as they please."""
    packed = tmp_path / "day.warts.gz"
    packed.write_bytes(gzip.compress(LAB.read_bytes()))
    bare = tmp_path / "no-suffix"
    bare.write_bytes(LAB.read_bytes())
    assert len(load([str(tmp_path)]).traces) == 6
    assert len(load([str(bare)]).traces) == 6


@needs_converter
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_torn_warts_keep_what_was_whole(tmp_path: Path, keep: float) -> None:
    """The converter ends well whatever it met: the tear is told all the same."""
    whole = LAB.read_bytes()
    torn = tmp_path / "torn.warts"
    torn.write_bytes(whole[: int(keep * len(whole))])
    loaded = load([str(torn)])
    assert 1 <= len(loaded.traces) < 6
    assert loaded.rejected["malformed"] == 1
    assert loaded.complaints[0].startswith(f"{torn}:")


@needs_converter
@pytest.mark.parametrize(("missing", "count"), [(20, 5), (4, 6)])
def test_a_torn_compressed_file_of_warts_is_told(tmp_path: Path, missing: int, count: int) -> None:
    """What is told is the tear of the outer file, also where no trace is lost by it."""
    torn = tmp_path / "torn.warts.gz"
    torn.write_bytes(gzip.compress(LAB.read_bytes())[:-missing])
    loaded = load([str(torn)])
    assert len(loaded.traces) == count
    assert loaded.rejected["malformed"] == 1
    assert "the end of the packed data is missing" in loaded.complaints[0]


def stand_in(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a program in Python in the place of the converter."""
    converter = folder / warts.CONVERTER
    converter.write_text(f"#!{sys.executable} -ISE\nimport sys\n{program}\n")
    converter.chmod(0o700)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("print('no such object\\nline two', file=sys.stderr)", "no such object"),
        ("sys.exit(3)", "3"),
    ],
)
def test_what_the_converter_says_of_damage_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, said: str
) -> None:
    """Its first line or, where it says nothing, its exit code."""
    stand_in(f"sys.stdin.buffer.read(); {end}", tmp_path, monkeypatch)
    (complaint,) = load([str(LAB)]).complaints
    assert f"({warts.CONVERTER} says: {said})" in complaint


def test_a_file_that_cannot_be_read_on_does_not_end_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing disk and a bomb end the reading of warts as of any other file."""
    stand_in("sys.stdin.buffer.read()", tmp_path, monkeypatch)

    def failing() -> Iterator[bytes]:
        yield LAB.read_bytes()
        raise InputError("a.warts: cannot be read (Input/output error)")

    with pytest.raises(InputError, match="Input/output error"):
        warts.as_json("a.warts", Stream(failing())).bytes.read()


def test_who_has_seen_enough_waits_for_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The converter is stopped, and the rest of the file, however long, is not read."""
    program = "sys.stdout.buffer.write(bytes(1 << 17))\nwhile sys.stdin.buffer.read(1 << 16): pass"
    stand_in(program, tmp_path, monkeypatch)
    pieces = iter([bytes(1 << 16)] * 20_000)
    json = warts.as_json("a.warts", Stream(pieces))
    assert json.bytes.read(1)
    del json
    assert next(pieces, None) is not None


@needs_converter
def test_bytes_that_only_begin_like_warts_are_told(tmp_path: Path) -> None:
    """Garbage is a damaged file, not an empty one."""
    bad = tmp_path / "a.warts"
    bad.write_bytes(b"\x12\x05" + bytes(range(256)))
    loaded = load([str(bad)])
    assert not loaded.traces
    assert loaded.rejected["malformed"] == 1


def test_without_the_converter_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is counted and the others are read."""
    monkeypatch.setenv("PATH", str(tmp_path))
    loaded = load([str(LAB), str(LAB.with_suffix(".jsonl"))])
    assert loaded.rejected["unreadable_file"] == 1
    assert "apt install scamper" in loaded.complaints[0]
    assert len(loaded.traces) == 6


@needs_converter
def test_a_thousand_published_traces_are_read() -> None:
    """Warts that another tool made: no start times, addresses wrapped in IPv6."""
    loaded = load([str(published("traces/pantrace_trace.warts.gz"))])
    assert len(loaded.traces) == 1000
    assert loaded.rejected == {"bookkeeping": 2}
    assert {trace.af for trace in loaded.traces} == {4}
    assert all(trace.timestamp > 1_600_000_000 for trace in loaded.traces)
