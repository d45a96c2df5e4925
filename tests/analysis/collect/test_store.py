"""What a collector holds: each bundle once, and the truth in one place."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.collect.checks import check
from analysis.collect.look import Look
from analysis.collect.store import InUse, NotHeld, Store, public_key
from probe.sharing.bundle import Bundle, public_part, sha256_of
from probe.sharing.receipt import Receipt
from tests.analysis.collect.bundles import KEY, NOW, OTHER, line, sealed, trace
from tests.harness.descriptors import file_of
from tests.harness.nobody import needs_root


def put(store: Store, data: bytes) -> Receipt:
    with store.incoming() as file:
        file.write(data)
        return store.take_in(file, sha256_of(data), NOW)


def files(folder: Path) -> dict[str, list[str]]:
    """The bundles that lie in each place, by the beginning of their names."""
    return {
        name: sorted(path.name[:8] for path in (folder / name).iterdir())
        for name in ("incoming", "quarantine", "accepted")
        if any((folder / name).iterdir())
    }


ONE, TWO = sealed([line(trace(1))]), sealed([line(trace(2)), line(trace(3))])
NAME = sha256_of(ONE)

# The folders that change in a collector's folder when a bundle comes.
TOUCHED = ("", "quarantine", "incoming")


def test_a_good_bundle_waits_in_quarantine(tmp_path: Path) -> None:
    """It is kept byte for byte, and its receipt says that it waits."""
    with Store(tmp_path) as store:
        receipt = put(store, ONE)
        assert receipt == Receipt(NAME, "quarantined", 1, "2026-11-24")
        assert store.receipt(NAME) == receipt
    assert files(tmp_path) == {"quarantine": [NAME[:8]]}
    assert (tmp_path / "quarantine" / f"{NAME}.tar").read_bytes() == ONE


def test_neither_hour_nor_order_of_arrival_is_kept(tmp_path: Path) -> None:
    """Bundles that one machine sends from several networks come one after the other."""
    sent = [sealed([line(trace(number))]) for number in range(6)]
    with Store(tmp_path) as store:
        for data in sent:
            put(store, data)
        names = sorted(map(sha256_of, sent))
        assert [held.sha256 for held in store.held()] == names
        store.decide(names[0], "accepted", None, NOW)
        store.settle(NOW)
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    found = [path.stat() for path in tmp_path.glob("*/*.tar")]
    assert {time for one in found for time in (one.st_mtime, one.st_atime)} == {midnight}
    assert_no_order(tmp_path / "collector.db", names)


def test_a_copy_has_no_order_of_arrival(tmp_path: Path) -> None:
    """Nor has one that a timer makes before anything was decided on; its bundles have the day."""
    sent = [sealed([line(trace(number))]) for number in range(6)]
    with Store(tmp_path / "c") as store:
        for data in sent:
            put(store, data)
        assert store.back_up(tmp_path / "copy", NOW) == 6
    assert_no_order(tmp_path / "copy/collector.db", sorted(map(sha256_of, sent)))
    found = [path.stat().st_mtime for path in (tmp_path / "copy").glob("*/*.tar")]
    assert [time % 86_400 for time in found] == [0] * 6


def test_the_bundles_of_a_copy_are_on_the_disk_before_its_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is, and then their folder once: once for each file took half of a first backup."""
    copy = tmp_path / "copy"
    synced: list[str] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        synced.append(str(file_of(handle).relative_to(copy)))
        fsync(handle)

    with Store(tmp_path / "c") as store:
        for number in range(6):
            put(store, sealed([line(trace(number))]))
        monkeypatch.setattr(os, "fsync", note)
        store.back_up(copy, NOW)
    (database,) = (nth for nth, name in enumerate(synced) if name.endswith("/collector.db"))
    before = [name for name in synced[:database] if name.startswith("quarantine")]
    assert [name.partition(".tar")[1] for name in before] == [*[".tar"] * 6, ""]


@pytest.mark.parametrize("times", [0, 1])
def test_a_copy_that_is_broken_off_is_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """As by a full disk: what the copy holds it has files of, and the next call ends it."""
    copy = tmp_path / "copy"

    def full(_look: Look, _name: str, to: Path) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device", str(to))

    with Store(tmp_path / "c") as store:
        put(store, ONE)
        for _ in range(times):
            store.back_up(copy, NOW)
        store.decide(NAME, "accepted", None, NOW)
        store.settle(NOW)
        put(store, TWO)
        with monkeypatch.context() as patch:
            patch.setattr(Look, "_copy", full)
            with pytest.raises(OSError, match="No space"):
                store.back_up(copy, NOW)
        if times:
            with Look(copy) as was:
                assert [(one.sha256, one.status) for one in was.held()] == [(NAME, "quarantined")]
                assert set(was.sizes()) == {NAME}
        for place in ("quarantine", "accepted"):
            left = copy / place / f"{NAME}.tar.4711.new"
            left.write_bytes(ONE[:100])
            os.utime(left, (86_400, 86_400))
        assert store.back_up(copy, NOW) == 2
    assert files(copy) == files(tmp_path / "c")
    assert {path.name for path in copy.iterdir()} == {
        "accepted",
        "collector.db",
        "incoming",
        "key.pem",
        "quarantine",
    }


def assert_no_order(database: Path, names: list[str]) -> None:
    """Rows lie as their numbers, drawn by chance, have them, in the table and in its index."""
    with closing(sqlite3.connect(database)) as db:
        found = [name for (name,) in db.execute("SELECT sha256 FROM held ORDER BY number")]
        (close,) = db.execute("SELECT count(*) FROM held WHERE number < 1000").fetchone()
    lying = [name for name in found if name in names]
    assert sorted(lying) == names
    assert close == 0
    data = database.read_bytes()
    # The table, and behind it the index; SQLite fills pages from their end.
    in_table = sorted(names, key=lambda name: data.find(name.encode()), reverse=True)
    in_index = sorted(names, key=lambda name: data.rfind(name.encode()), reverse=True)
    assert (in_table, in_index) == (lying, lying)


@pytest.mark.parametrize("data", [ONE, ONE[:-1]], ids=["taken", "refused"])
def test_no_folder_tells_when_the_last_bundle_came(tmp_path: Path, data: bytes) -> None:
    """Backups keep times: one a day would tell the second at which that day's sender came."""
    with Store(tmp_path) as store:
        put(store, data)
        assert {(tmp_path / name).stat().st_mtime % 86_400 for name in TOUCHED} == {0}
        put(store, TWO)
        store.settle(NOW)
        assert {(tmp_path / name).stat().st_mtime % 86_400 for name in TOUCHED} == {0}


def test_the_same_bundle_is_kept_once(tmp_path: Path) -> None:
    """Sent any number of times, also after a restart, it gets the same receipt."""
    with Store(tmp_path) as store:
        first = [put(store, ONE), put(store, ONE)]
    with Store(tmp_path) as store:
        store.serve(NOW)
        assert [*first, put(store, ONE)] == [first[0]] * 3
        assert len(store.held()) == 1


def test_receipts_are_given_while_a_bundle_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest takes seconds, of 23 kB sent, and a few of them kept everybody waiting."""
    seen: list[Receipt | None] = []

    def look(bundle: Bundle, now: datetime) -> None:
        check(bundle, now)
        other = Thread(target=lambda: seen.append(store.receipt(NAME)), daemon=True)
        other.start()
        other.join(10)
        assert seen, "it waits for the other bundle"

    with Store(tmp_path) as store:
        waits = put(store, ONE)
        monkeypatch.setattr("analysis.collect.store.check", look)
        assert put(store, TWO).status == "quarantined"
    assert seen == [waits]


def test_a_bundle_that_came_twice_at_once_is_kept_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the server and from a stick: while one is looked at, the other is kept."""

    def look(bundle: Bundle, now: datetime) -> None:
        monkeypatch.setattr("analysis.collect.store.check", check)
        put(store, ONE)
        check(bundle, now)

    with Store(tmp_path) as store:
        monkeypatch.setattr("analysis.collect.store.check", look)
        receipt = put(store, ONE)
        assert receipt == Receipt(NAME, "quarantined", 1, "2026-11-24")
        assert len(store.held()) == 1
    assert files(tmp_path) == {"quarantine": [NAME[:8]]}


def test_a_trace_that_comes_by_two_ways_at_once_is_of_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server and `take` each had looked before the other kept it, and both kept it."""
    fsync = os.fsync
    with Store(tmp_path) as store, Store(tmp_path) as stick:

        def sync(file: int) -> None:
            monkeypatch.setattr("os.fsync", fsync)
            assert put(stick, sealed([line(trace(1))], OTHER)).status == "quarantined"
            fsync(file)

        monkeypatch.setattr("os.fsync", sync)
        assert str(put(store, ONE).reason).startswith("replay: ")
        assert len(store.held()) == 1


def test_a_database_of_the_first_version_is_brought_to_the_second(tmp_path: Path) -> None:
    """What it holds, what it refuses as a replay, and what was decided stay; order goes."""
    sent = [sealed([line(trace(number))]) for number in range(8)]
    names = list(map(sha256_of, sent))
    with Store(tmp_path) as store:
        for data in sent:
            put(store, data)
        store.decide(names[0], "accepted", None, NOW)
        store.decide(names[1], "refused", "operator: a test", NOW)
        store.settle(NOW)
        before = store.held()
    with closing(sqlite3.connect(tmp_path / "collector.db")) as db:
        db.executescript(OF_THE_FIRST_VERSION)
    with Store(tmp_path) as store:
        store.serve(NOW)
        assert store.held() == before
        assert_no_order(tmp_path / "collector.db", sorted(names[2:]))
        assert store.receipt(names[0]) == Receipt(names[0], "accepted", 1, "2026-11-24")
        for number in (0, 5):
            stolen = sealed([line(trace(number))], OTHER)
            assert str(put(store, stolen).reason).startswith("replay: ")
        assert put(store, sealed([line(trace(1))], OTHER)).status == "quarantined"


# What makes the tables of today into those that were written first.
OF_THE_FIRST_VERSION = """
INSERT INTO bundles SELECT number, sha256, status, reason, day, network, key, traces, doubled,
    first_day, last_day FROM new_bundles;
INSERT INTO lines SELECT * FROM new_lines;
DROP VIEW held;
DROP TABLE new_bundles;
DROP TABLE new_lines;
PRAGMA user_version = 1;
"""


def test_what_the_database_has_no_room_for_is_not_half_kept(tmp_path: Path) -> None:
    """A file without a row filled the full disk further, and nobody could refuse it."""
    large = sealed([line(trace(number)) for number in range(200)])
    with Store(tmp_path) as store:
        put(store, ONE)
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            put(store, large)
        assert files(tmp_path) == {"quarantine": [NAME[:8]]}
        store._db.execute("PRAGMA max_page_count = 1000000")
        assert put(store, large).traces == 199
        assert files(tmp_path)["quarantine"] == sorted([NAME[:8], sha256_of(large)[:8]])


def test_a_decision_is_seen_by_the_sender(tmp_path: Path) -> None:
    """Accepted bundles move to their folder, refused ones go; the receipts say so and why."""
    with Store(tmp_path) as store:
        put(store, ONE)
        put(store, TWO)
        later = NOW + timedelta(days=1)
        store.decide(NAME, "accepted", None, later)
        store.decide(sha256_of(TWO), "refused", "operator: a test", later)
        store.settle(NOW)
        assert store.receipt(NAME) == Receipt(NAME, "accepted", 1, "2026-11-25")
        assert store.receipt(sha256_of(TWO)) == Receipt(
            sha256_of(TWO), "refused", 0, "2026-11-25", "operator: a test"
        )
        assert files(tmp_path) == {"accepted": [NAME[:8]]}
        assert put(store, TWO).status == "refused"
        with pytest.raises(NotHeld):
            store.decide(sha256_of(TWO), "accepted", None, later)
        with pytest.raises(NotHeld):
            store.decide(NAME, "accepted", None, later)


def test_what_is_refused_is_not_kept(tmp_path: Path) -> None:
    """No file and no row stays of it, only the count of its reason."""
    bad = sealed([line(trace(1, source="203.0.113.9"))])
    with Store(tmp_path) as store:
        for data, word in ((bad, "unredacted"), (ONE[:-1], "altered_bundle"), (b"", "not_a_bun")):
            receipt = put(store, data)
            assert (receipt.status, receipt.traces) == ("refused", 0)
            assert receipt.reason is not None
            assert receipt.reason.startswith(word)
            assert store.receipt(sha256_of(data)) is None
        put(store, bad)
        assert store.refusals() == {"altered_bundle": 1, "not_a_bundle": 1, "unredacted": 2}
    assert files(tmp_path) == {}
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"203.0.113.9" not in kept


def test_traces_that_came_before_count_once(tmp_path: Path) -> None:
    """Bundled anew by the same key they are taken, and the receipt counts the new ones only."""
    again = sealed([line(trace(1)), line(trace(-86_400))], days=["2026-11-22", "2026-11-23"])
    with Store(tmp_path) as store:
        put(store, ONE)
        receipt = put(store, again)
        assert receipt == Receipt(sha256_of(again), "quarantined", 1, "2026-11-24")
        assert store.receipt(sha256_of(again)) == receipt
        (held,) = (one for one in store.held() if one.traces == 2)
        assert (held.doubled, held.first_day, held.last_day) == (1, "2026-11-22", "2026-11-23")


def test_traces_of_another_key_are_a_replay(tmp_path: Path) -> None:
    """Nobody can sign what somebody else sent before."""
    stolen = sealed([line(trace(1)), line(trace(4))], OTHER)
    with Store(tmp_path) as store:
        put(store, ONE)
        receipt = put(store, stolen)
        assert receipt.status == "refused"
        assert receipt.reason == "replay: a trace of the bundle came before under another key"


def test_what_a_refused_bundle_held_came_from_nobody(tmp_path: Path) -> None:
    """Who copied another's traces, and was refused, keeps the other from sending them no longer."""
    stolen, again = sealed([line(trace(1)), line(trace(4))], OTHER), sealed([line(trace(4))])
    with Store(tmp_path) as store:
        put(store, stolen)
        assert put(store, ONE).status == "refused"
        store.decide(sha256_of(stolen), "refused", "operator: copied", NOW)
        store.settle(NOW)
        assert put(store, ONE) == Receipt(NAME, "quarantined", 1, "2026-11-24")
        assert put(store, again) == Receipt(sha256_of(again), "quarantined", 1, "2026-11-24")
        once_more = sealed([line(trace(1)), line(trace(5))], OTHER)
        assert str(put(store, once_more).reason).startswith("replay: ")


def test_what_was_broken_off_goes_where_nobody_serves(tmp_path: Path) -> None:
    """Bundles that come by stick are taken in without a server, which would sweep at its start."""
    with Store(tmp_path) as store:
        put(store, ONE)
    for name in ("key.pem.4711.new", "thesis.4711.new", "incoming/0123", "incoming/4567"):
        (tmp_path / name).write_bytes(ONE[:100])
        if name != "incoming/4567":
            os.utime(tmp_path / name, (86_400, 86_400))
    with Store(tmp_path):
        assert {path.name for path in tmp_path.glob("*.new")} == {"thesis.4711.new"}
        assert files(tmp_path) == {"incoming": ["4567"], "quarantine": [NAME[:8]]}


def test_a_start_puts_right_what_a_crash_left(tmp_path: Path) -> None:
    """Half-received files and bundles without a row go; a decision that was made is carried out."""
    with Store(tmp_path) as store:
        put(store, ONE)
        put(store, TWO)
        store.decide(NAME, "accepted", None, NOW)
        store.decide(sha256_of(TWO), "refused", "operator: a test", NOW)
    (tmp_path / "incoming" / "0123").write_bytes(ONE[:100])
    (tmp_path / "quarantine" / f"{'e' * 64}.tar").write_bytes(ONE)
    (tmp_path / "quarantine" / "notes.md").write_text("Of the keeper's own.", encoding="utf-8")
    with Store(tmp_path) as store:
        store.serve(NOW)
        assert files(tmp_path) == {"accepted": [NAME[:8]], "quarantine": ["notes.md"]}


def test_one_collector_a_folder(tmp_path: Path) -> None:
    """A second one that would receive into the same folder is turned away; looking is allowed."""
    with Store(tmp_path) as store, Store(tmp_path) as second:
        store.serve(NOW)
        put(store, ONE)
        assert len(second.held("quarantined")) == 1
        with pytest.raises(InUse):
            second.serve(NOW)


def test_its_key_stays(tmp_path: Path) -> None:
    """The key of receipts is made once, for the collector's eyes only, as all that it keeps."""
    with Store(tmp_path / "c") as store:
        first = public_key(store)
        put(store, ONE)
    with Store(tmp_path / "c") as store:
        assert public_key(store) == first != public_part(KEY)
    for path in (tmp_path / "c", *(tmp_path / "c").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@needs_root
def test_what_root_takes_in_can_be_read_by_whose_collector_it_is(tmp_path: Path) -> None:
    """Under sudo: a bundle of root's was left out of the verdict, and the service did not start."""
    os.chown(tmp_path, 65534, 65534)
    with Store(tmp_path / "c") as store:
        store.serve(NOW)
        put(store, ONE)
        store.back_up(tmp_path / "copy", NOW)
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {65534}


def test_a_changed_bundle_is_never_accepted(tmp_path: Path) -> None:
    """Whatever was changed in a bundle, it is refused with a reason."""

    @settings(max_examples=150)
    @given(st.integers(0, len(ONE)), st.binary(max_size=3), st.integers(0, 3))
    def change(at: int, byte: bytes, gone: int) -> None:
        changed = ONE[:at] + byte + ONE[at + gone :]
        receipt = put(store, changed)
        assert receipt.status == ("quarantined" if changed == ONE else "refused")
        assert changed == ONE or receipt.reason

    with Store(tmp_path) as store:
        change()
