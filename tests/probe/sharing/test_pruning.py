"""Old days go once a collector has accepted all of them, and nothing else ever does."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from probe.sharing.bundling import bundle_new
from probe.sharing.outbox import Outbox
from probe.sharing.pruning import accepted_days, by_fate, prune
from probe.sharing.receipt import Receipt, Status
from probe.spool import day_files
from tests.probe.failing import make_unreadable
from tests.probe.sharing.test_bundling import keep, trace

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FIRST = date(2026, 11, 23)
LATER = FIRST + timedelta(days=100)


def bundle(home: Path) -> None:
    with Outbox(home / "outbox") as outbox:
        bundle_new(home / "spool", outbox, home / "keys")


def answer(home: Path, status: Status) -> None:
    """The collector comes to this status with all that it has not decided on."""
    with Outbox(home / "outbox") as outbox:
        for entry in outbox.entries("state != 'accepted'"):
            receipt = Receipt(entry.sha256, status, entry.traces, "2026-11-26")
            outbox.received(receipt, receipt.signed(KEY))


def old(home: Path, days: int = 30, today: date = LATER) -> list[str]:
    with Outbox(home / "outbox") as outbox:
        return [path.stem for path in accepted_days(home / "spool", outbox, today, days)]


def pruned(home: Path) -> list[str]:
    """Prune; the days that are left."""
    with Outbox(home / "outbox") as outbox:
        prune(home / "spool", outbox, accepted_days(home / "spool", outbox, LATER, 30))
    return [path.stem for path in day_files(home / "spool")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three days of two networks, all accepted; the newest is never old."""
    keep(tmp_path, trace(1), trace(2, 17976), trace(3, days=1), trace(4, days=2))
    bundle(tmp_path)
    answer(tmp_path, "accepted")
    return tmp_path


def test_days_that_were_accepted_whole_go(home: Path) -> None:
    """They are neither bundled again nor missed afterwards; their receipts stay."""
    receipts = sorted((home / "outbox" / "receipts").iterdir())
    assert old(home) == ["2026-11-23", "2026-11-24"]
    assert pruned(home) == ["2026-11-25"]
    assert sorted((home / "outbox" / "receipts").iterdir()) == receipts
    bundle(home)
    with Outbox(home / "outbox") as outbox:
        assert outbox.unfinished() == []
    assert old(home) == []


def test_only_days_longer_ago_than_said(home: Path) -> None:
    """A day is old from the day on that comes after so many."""
    assert old(home, days=5, today=FIRST + timedelta(days=5)) == []
    assert old(home, days=5, today=FIRST + timedelta(days=6)) == ["2026-11-23"]
    assert old(home, days=5, today=FIRST - timedelta(days=900)) == []


@pytest.mark.parametrize("status", ["quarantined", "refused", None])
def test_a_day_stays_of_which_anything_was_not_accepted(home: Path, status: Status | None) -> None:
    """Undecided, refused or only bundled: one such line keeps its day."""
    keep(home, trace(9))
    bundle(home)
    if status:
        answer(home, status)
    assert pruned(home) == ["2026-11-23", "2026-11-25"]


@pytest.mark.parametrize("line", [b"not a record\n", b'{"cut short'])
def test_a_day_stays_that_holds_what_cannot_be_read(home: Path, line: bytes) -> None:
    """Nobody has it elsewhere, whatever it is."""
    with (home / "spool" / "2026-11-23.jsonl").open("ab") as file:
        file.write(line)
    assert pruned(home) == ["2026-11-23", "2026-11-25"]


def test_a_day_stays_that_the_disk_does_not_give_and_keeps_no_other(home: Path) -> None:
    """Nobody knows what stands there; one bad block kept a year of accepted days for good."""
    make_unreadable(home / "spool" / "2020-01-01.jsonl")
    unread: dict[Path, OSError] = {}
    with Outbox(home / "outbox") as outbox:
        gone, stays, final = by_fate(home / "spool", outbox, LATER, 30, unread)
    assert [path.stem for path in gone] == ["2026-11-23", "2026-11-24"]
    assert (stays, list(unread), final) == (list(unread), stays, [])
    assert pruned(home) == ["2020-01-01", "2026-11-25"]


def left(home: Path) -> tuple[list[str], list[str]]:
    with Outbox(home / "outbox") as outbox:
        _, open_, final = by_fate(home / "spool", outbox, LATER, 30, {})
    return [path.stem for path in open_], [path.stem for path in final]


def test_days_that_stay_are_told_by_whether_they_may_be_accepted_yet(home: Path) -> None:
    """What no bundle takes never is; what was not bundled yet, or is undecided, may be."""
    assert left(home) == ([], [])
    keep(home, trace(9), trace(10, None, days=1))
    assert left(home) == (["2026-11-23", "2026-11-24"], [])
    bundle(home)
    assert left(home) == (["2026-11-23"], ["2026-11-24"])
    answer(home, "accepted")
    assert left(home) == ([], ["2026-11-24"])


def test_what_a_former_key_signed_stays_for_good(home: Path) -> None:
    """Its outbox was lost: nobody knows here what became of it, and no other key may sign it."""
    (home / "outbox").rename(home / "away")
    keep(home, trace(5, days=50), trace(6, days=95))
    bundle(home)
    answer(home, "accepted")
    assert left(home) == ([], ["2026-11-23", "2026-11-24", "2026-11-25"])


def test_what_is_no_day_stays(home: Path) -> None:
    """A file of another name is its owner's own."""
    (home / "spool" / "copy.jsonl").write_bytes((home / "spool" / "2026-11-23.jsonl").read_bytes())
    assert "copy" in pruned(home)


def test_a_day_that_grew_after_it_was_listed_stays(home: Path) -> None:
    """Between the list and the yes a trace may have come to it."""
    with Outbox(home / "outbox") as outbox:
        listed = accepted_days(home / "spool", outbox, LATER, 30)
        keep(home, trace(9))
        prune(home / "spool", outbox, listed)
    assert [path.stem for path in day_files(home / "spool")] == ["2026-11-23", "2026-11-25"]


def test_killed_after_the_first_file_nothing_is_sent_twice(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was deleted is forgotten by the next bundling, what was not is known."""
    with Outbox(home / "outbox") as outbox:
        (home / "spool" / "2026-11-23.jsonl").unlink()
    bundle(home)
    with Outbox(home / "outbox") as outbox:
        assert outbox.unfinished() == []
    assert pruned(home) == ["2026-11-25"]
