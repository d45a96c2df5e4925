"""The outbox itself: whose fault is told of which file, and what is closed and swept."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from probe.sharing.bundle import SUFFIX, Manifest
from probe.sharing.outbox import Attempts, Outbox
from probe.sharing.receipt import Receipt
from probe.words.failure import BadInput, NotYetSent, PartlyDone, PermissionDenied
from probe.words.language import for_scripts
from probe.words.sentence import Sentence
from tests.harness.descriptors import open_files

MANIFEST = Manifest("", 38623, ("2026-11-26",), "2026-11-26", "", 1, 1, "", "")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder that has nothing to do with the outboxes of these tests."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An outbox with its database."""
    with Outbox(tmp_path / "outbox") as outbox:
        return outbox.folder


@pytest.fixture(autouse=True)
def closed(tmp_path: Path) -> Iterator[None]:
    """However a test ends, no outbox leaves its database open."""
    yield
    assert tmp_path / "outbox" / "outbox.db" not in open_files()


def test_a_damaged_database_is_named_wherever_it_lies(folder: Path) -> None:
    """With what mends it; and nobody holds it open, so that it can be moved away at once."""
    database = folder / "outbox.db"
    database.write_bytes(b"not SQLite" * 1000)
    with pytest.raises(BadInput, match=f"{database} is damaged; move {folder} away"):
        Outbox(folder)


def test_a_database_that_cannot_be_opened_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite asks the system for it as soon as it opens it, when it may have become another."""
    database = folder / "outbox.db"
    database.unlink()
    database.mkdir()
    monkeypatch.setattr("probe.disk.database.open_private", lambda _: os.open(folder, os.O_RDONLY))
    with pytest.raises(PermissionDenied, match=f"{database} may not be written"):
        Outbox(folder)


def test_damage_that_shows_only_while_rows_are_read_is_named(folder: Path) -> None:
    """Opening it, and beginning to read, look at the first pages only."""
    database = folder / "outbox.db"
    with closing(sqlite3.connect(database)) as other, other:
        names = [column[1] for column in other.execute("PRAGMA table_info(bundles)")]
        for number in range(1, 400):
            row = [number if name == "number" else f"{number:0200}" for name in names]
            row[names.index("named")] = "{}"
            other.execute(f"INSERT INTO bundles VALUES ({','.join('?' * len(row))})", row)
        size = other.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(database.read_bytes())
    content[len(content) // 2 // size * size :] = bytes(
        len(content) - len(content) // 2 // size * size
    )
    database.write_bytes(content)
    with (
        Outbox(folder) as outbox,
        pytest.raises(BadInput, match=f"{database} is damaged; move {folder} away"),
    ):
        outbox.entries()


def test_why_a_bundle_stayed_is_said_in_the_language_of_who_asks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever had it sent, as a timer; the words of a collector are in no catalogue."""
    stayed = Sentence("{host} is busy (status {status})", {"host": "a.example", "status": 503})
    with Outbox(folder) as outbox:
        name = outbox.add(b"bundle", MANIFEST, []).sha256
        monkeypatch.setenv("LANGUAGE", "km")
        outbox.stayed(name, stayed, unsure=False)
        assert [entry.reason for entry in outbox.entries()] == ["a.example រវល់ (status 503)"]
        with for_scripts():
            assert [entry.reason for entry in outbox.entries()] == [
                "a.example is busy (status 503)"
            ]
        outbox.received(Receipt(name, "refused", 0, "2026-11-26", "no {host}"), b"")
        assert [entry.reason for entry in outbox.entries()] == ["no {host}"]


def test_a_database_of_a_newer_version_is_named_and_closed(folder: Path) -> None:
    """A newer gatewatch may be about to use it."""
    database = folder / "outbox.db"
    with closing(sqlite3.connect(database)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(BadInput, match=f"{database} is of a newer gatewatch"):
        Outbox(folder)


def test_an_outbox_that_is_deleted_while_it_is_used_is_named(folder: Path) -> None:
    """As by a purge beside it."""
    with Outbox(folder) as outbox:
        shutil.rmtree(folder)
        with pytest.raises(PartlyDone, match=f"{folder} was deleted while it was used"):
            outbox.remember("https://collect.example.org", Attempts())


def test_what_another_process_is_at_waits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than anybody waits for a step: nothing is lost, and it is to be tried again."""
    monkeypatch.setattr("probe.disk.database._PATIENCE", 0.0)
    with closing(sqlite3.connect(folder / "outbox.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(NotYetSent, match=f"at work on {folder / 'outbox.db'}"):
            Outbox(folder)


def test_what_goes_while_it_is_swept_is_no_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may be sending meanwhile: what is accepted just then, it removes itself."""
    gone = folder / f"{'0' * 64}{SUFFIX}"
    with Outbox(folder) as outbox, monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", lambda _: iter([gone]))
        outbox.sweep()
