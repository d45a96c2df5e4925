"""Spool → outbox: each line in one bundle, whatever happens in between."""

from __future__ import annotations

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from probe.misdated import Misdated, put_down_misdated
from probe.record import Hop, Reply, Trace, Vantage
from probe.redaction.redact import Redacted
from probe.sharing import shared
from probe.sharing.bundle import public_part, seal, unseal
from probe.sharing.bundling import FULL, bundle_new, unbundled
from probe.sharing.keys import signing_key
from probe.sharing.outbox import DayFile, Outbox, status
from probe.sharing.receipt import Receipt
from probe.spool import Kept, Spool, demand_all, read_day
from probe.words.failure import NotYetSent
from tests.harness.leaving import shorter

TODAY = date(2026, 11, 26)
NOON = 1_795_435_200  # 2026-11-23 12:00 UTC
DAY = 86_400


def trace(number: int, network: int | None = 38623, days: int = 0, note: str = "") -> Redacted:
    return Redacted(
        Trace(
            dst_addr="80.231.1.1",
            af=4,
            proto="ICMP",
            timestamp=NOON + days * DAY + number,
            endtime=NOON + days * DAY + number + 1,
            hops=(Hop(1, (Reply(None, 1.0),)), Hop(2, (Reply("80.231.1.1", 2.0),))),
            paris_id=number,
            vantage=Vantage("5f1c", network, "Viettel", "KH"),
            notes=(note,),
        )
    )


def dated(file: Path) -> str:
    """The time of a file, which copies carry along."""
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat()


def keep(home: Path, *traces: Redacted) -> None:
    with Spool(home / "spool") as spool:
        spool.append(*traces)


def bundled(home: Path) -> tuple[list[bytes], Counter[str]]:
    """What one call bundles: the bytes of each new bundle, and what was left out."""
    with Outbox(home / "outbox") as outbox:
        done = bundle_new(home / "spool", outbox, home / "keys")
        return [outbox.path_of(one.sha256).read_bytes() for one in done.entries], done.left_out


def in_bundles(home: Path) -> list[bytes]:
    """All lines of all bundles that count."""
    with Outbox(home / "outbox") as outbox:
        entries = outbox.entries()
        held = [unseal(outbox.path_of(one.sha256).read_bytes()) for one in entries]
    assert [one.traces for one in entries] == [len(bundle.lines) for bundle in held]
    return [line for bundle in held for line in bundle.lines]


def as_shared(home: Path) -> list[bytes]:
    return [kept.line for kept in shared.lines(home / "spool") if kept.problem is None]


def test_a_day_that_the_disk_does_not_give_keeps_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bad block of a card kept all that was measured since; what it gives later goes then."""
    keep(tmp_path, trace(1), trace(2), trace(3, days=1), trace(4, days=2))
    whole = shared.lines_of_day

    def failing(path: Path) -> Iterator[Kept]:
        lines = whole(path)
        yield next(lines)
        if path.name == "2026-11-23.jsonl":
            raise OSError(errno.EIO, "Input/output error")
        yield from lines

    with Outbox(tmp_path / "outbox") as outbox:
        for made in (1, 0):
            with monkeypatch.context() as patch:
                patch.setattr(shared, "lines_of_day", failing)
                done = bundle_new(tmp_path / "spool", outbox, tmp_path / "keys")
                unread: dict[Path, OSError] = {}
                assert unbundled(tmp_path / "spool", tmp_path / "outbox", unread) == 0
            assert len(done.entries) == made
            bad = tmp_path / "spool" / "2026-11-23.jsonl"
            for left in (done.unread, unread):
                with pytest.raises(OSError, match="Input/output error") as raised:
                    demand_all(left)
                assert (list(left), raised.value.filename) == ([bad], str(bad))
        assert sum(entry.traces for entry in outbox.entries()) == 3
        assert not bundle_new(tmp_path / "spool", outbox, tmp_path / "keys").unread
    assert sorted(in_bundles(tmp_path)) == sorted(as_shared(tmp_path))


def test_what_power_cuts_left_unfinished_goes(tmp_path: Path) -> None:
    """Of keys and of receipts, one more each time; a part of a private key should not lie there."""
    keep(tmp_path, trace(1))
    bundled(tmp_path)
    left = [
        tmp_path / "keys" / "AS38623-2026-11-23.pem.4711.new",
        tmp_path / "outbox" / "receipts" / f"{'0' * 64}.json.4711.new",
    ]
    for path in left:
        path.write_text("some of it", encoding="utf-8")
        os.utime(path, (DAY, DAY))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert bundled(tmp_path) == ([], Counter())
    assert before - {path for path in tmp_path.rglob("*") if path.is_file()} == set(left)


def test_a_bundle_holds_the_bytes_that_are_shown(tmp_path: Path) -> None:
    """Lines of several days of one network make one bundle, byte for byte as shown."""
    keep(tmp_path, trace(1), trace(2, days=1), trace(3))
    (data,), left_out = bundled(tmp_path)
    bundle = unseal(data)
    assert list(bundle.lines) == as_shared(tmp_path)
    assert len(bundle.lines) == 3
    said = bundle.manifest
    assert (said.network, said.days, said.made) == (
        38623,
        ("2026-11-23", "2026-11-24"),
        "2026-11-24",
    )
    assert said.key == public_part(signing_key(tmp_path / "keys", 38623, TODAY))
    assert left_out == {}


def test_what_was_bundled_is_not_bundled_again(tmp_path: Path) -> None:
    """The second call finds nothing new; after two more traces it bundles those two."""
    keep(tmp_path, trace(1), trace(2))
    assert len(bundled(tmp_path)[0]) == 1
    assert bundled(tmp_path)[0] == []
    keep(tmp_path, trace(3), trace(4, days=-1))
    (data,), _ = bundled(tmp_path)
    assert sorted(unseal(data).lines) == sorted(set(as_shared(tmp_path)) - {*in_first(tmp_path)})
    assert sorted(in_bundles(tmp_path)) == sorted(as_shared(tmp_path))


def in_first(home: Path) -> tuple[bytes, ...]:
    with Outbox(home / "outbox") as outbox:
        return unseal(outbox.path_of(outbox.entries()[0].sha256).read_bytes()).lines


def test_no_clock_is_asked_for_keys_and_bundles(tmp_path: Path) -> None:
    """One that is months off while something is bundled deletes no key and dates no bundle.

    What is signed says how old the key is; a bundle of a day to come, or of one before its traces,
    no collector takes, and it would wait for ever.
    """
    keys = []
    for number, days in enumerate((0, 89, 88, 90)):
        keep(tmp_path, trace(number, days=days))
        (data,), _ = bundled(tmp_path)
        said = unseal(data).manifest
        assert (said.made,) == said.days
        keys.append(said.key)
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_an_outbox_made_anew_goes_on_with_the_key(tmp_path: Path) -> None:
    """Traces are bundled again then, in several bundles: none of them is out of its time."""
    text = "x" * (FULL // 3)
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "2026-99-99.jsonl").touch()
    keep(tmp_path, *(trace(number, days=number, note=text) for number in range(2)))
    bundled(tmp_path)
    keep(tmp_path, *(trace(number, days=number, note=text) for number in range(2, 4)))
    (data,), _ = bundled(tmp_path)
    (tmp_path / "outbox").rename(tmp_path / "away")
    again = [unseal(one).manifest for one in bundled(tmp_path)[0]]
    assert len(again) == 2
    assert {said.key for said in again} == {unseal(data).manifest.key}
    assert sorted(in_bundles(tmp_path)) == sorted(as_shared(tmp_path))


def test_no_key_signs_what_one_before_it_signed(tmp_path: Path) -> None:
    """Where the outbox was lost after a key was replaced, what the old one signed stays here.

    A collector would refuse it as another's, with all that is in one bundle with it, and whoever
    keeps what comes would know both keys for one machine's. What the old one never signed goes,
    though it is of days before the new one was made.
    """
    keep(tmp_path, trace(1), trace(2, 9902))
    bundled(tmp_path)
    keep(tmp_path, trace(3, days=89))
    bundled(tmp_path)
    old = set(in_bundles(tmp_path))
    keep(tmp_path, trace(4, days=90), trace(5, days=95))
    (tmp_path / "outbox").rename(tmp_path / "away")
    for touched in (1, 2):
        bundled(tmp_path)
        held = in_bundles(tmp_path)
        assert old.isdisjoint(held)
        assert len(held) == len(set(held)) == 2
        # A file that somebody touched is read anew.
        for day in (tmp_path / "spool").iterdir():
            os.utime(day, (touched, touched))
    keep(tmp_path, trace(6, days=180))
    (data,), left_out = bundled(tmp_path)
    assert unseal(data).manifest.traces == 1
    assert left_out == {"signed_before": 3}


def misdated(home: Path, made: str) -> bytes:
    """Bundle all lines as under a clock that was wrong, and have that refused; the bundle."""
    bundled(home)
    with Outbox(home / "outbox") as outbox:
        (entry,) = outbox.entries()
        said = unseal(outbox.path_of(entry.sha256).read_bytes())
        outbox.give_up(entry.sha256)
        data = seal(
            said.lines,
            signing_key(home / "keys", entry.network, TODAY),
            network=entry.network,
            days=said.manifest.days,
            made=made,
            program="gatewatch 0",
        )
        day = home / "spool" / "2026-11-23.jsonl"
        again = outbox.add(data, unseal(data).manifest, [(day.name, line) for line in said.lines])
        reason = "clock: the bundle says that it was made before its traces, or is not yet"
        outbox.received(Receipt(again.sha256, "refused", 0, "2026-11-26", reason), b"signed")
    return data


@pytest.mark.parametrize("made", ["1970-01-01", "2036-11-26"])
def test_a_bundle_refused_for_its_date_is_made_anew(tmp_path: Path, made: str) -> None:
    """A former version asked the clock when a bundle was made; no collector takes what it said."""
    keep(tmp_path, trace(1), trace(2))
    misdated(tmp_path, made)
    (data,), _ = bundled(tmp_path)
    assert unseal(data).manifest.made == "2026-11-23"
    assert in_bundles(tmp_path) == as_shared(tmp_path)
    with Outbox(tmp_path / "outbox") as outbox:
        assert [entry.state for entry in outbox.entries()] == ["waiting"]
    assert len(list((tmp_path / "outbox").glob("*.tar"))) == 1


@pytest.mark.parametrize("gone", ["keys/AS38623-2026-11-23.pem", "spool/2026-11-23.jsonl"])
def test_a_bundle_that_cannot_be_made_anew_stays(tmp_path: Path, gone: str) -> None:
    """Another key would be tied to the one that signed it; and what it alone holds is not lost."""
    keep(tmp_path, trace(1))
    data = misdated(tmp_path, "1970-01-01")
    (tmp_path / gone).unlink()
    keep(tmp_path, trace(2, 9902, days=1))
    for _time in range(2):
        bundled(tmp_path)
        with Outbox(tmp_path / "outbox") as outbox:
            first, second = outbox.entries()
            assert (first.state, second.state) == ("refused", "waiting")
            assert outbox.path_of(first.sha256).read_bytes() == data


def test_what_a_replaced_key_had_not_signed_yet_is_signed_by_the_next(tmp_path: Path) -> None:
    """As long as the outbox is there it tells which lines those are, whatever their day."""
    keep(tmp_path, trace(1), trace(2, days=80))
    bundled(tmp_path)
    keep(tmp_path, trace(3, days=80), trace(4, days=95))
    (data,), left_out = bundled(tmp_path)
    assert unseal(data).manifest.traces == 2
    assert left_out == {}


@pytest.mark.parametrize("rest", [True, False])
def test_what_a_replaced_key_signed_stays_where_its_file_was_lost(
    tmp_path: Path, rest: bool
) -> None:
    """A copy of it may lie on a stick, or at the collector: another key would be tied to it."""
    if rest:
        keep(tmp_path, trace(1))
        bundled(tmp_path)
    keep(tmp_path, trace(2))
    (data,), _ = bundled(tmp_path)
    with Outbox(tmp_path / "outbox") as outbox:
        lost = outbox.entries()[-1].sha256
        outbox.path_of(lost).unlink()
        keep(tmp_path, trace(3, days=30), trace(4, days=95))
        assert outbox.content(lost) is None
    (later,), left_out = bundled(tmp_path)
    assert unseal(later).manifest.traces == 2
    assert set(unseal(data).lines).isdisjoint(unseal(later).lines)
    assert left_out == {"signed_before": 1}


def test_what_the_present_key_signed_is_bundled_anew_where_its_file_was_lost(
    tmp_path: Path,
) -> None:
    """Under the same key a collector takes each line once."""
    keep(tmp_path, trace(1))
    bundled(tmp_path)
    with Outbox(tmp_path / "outbox") as outbox:
        (entry,) = outbox.entries()
        outbox.path_of(entry.sha256).write_bytes(b"damaged")
        assert outbox.content(entry.sha256) is None
    keep(tmp_path, trace(2))
    bundled(tmp_path)
    assert sorted(in_bundles(tmp_path)) == sorted(as_shared(tmp_path))


@pytest.mark.parametrize("kept_right", [True, False, None])
def test_a_run_by_a_clock_far_ahead_replaces_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_right: bool | None
) -> None:
    """Or the machine would look like three volunteers, once its clock is right again.

    What is not of the day that the clock had shown goes on meanwhile, in bundles that hold nothing
    else.
    """
    monkeypatch.setattr("probe.sharing.bundling.is_set_by_others", lambda: kept_right)
    keep(tmp_path, trace(1))
    keys = [unseal(bundled(tmp_path)[0][0]).manifest.key]
    ahead = tmp_path / "spool" / "2027-12-28.jsonl"
    for number in (2, 3):
        keep(tmp_path, trace(number), trace(10 + number, days=400))
        assert ahead.exists()
        (data,), left_out = bundled(tmp_path)
        keys.append(unseal(data).manifest.key)
        assert unseal(data).manifest.days == ("2026-11-23",)
        assert left_out == {"day_to_come" if kept_right else "doubtful_day": number - 1}
        assert unbundled(tmp_path / "spool", tmp_path / "outbox") == 0
    ahead.unlink()
    keep(tmp_path, trace(4, days=1))
    keys.append(unseal(bundled(tmp_path)[0][0]).manifest.key)
    assert len(set(keys)) == 1
    assert len(list((tmp_path / "keys").glob("*.pem"))) == 1


def test_a_pause_longer_than_a_key_lasts_is_believed_after_three_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that nobody sets may be right all the same, and its owner may have been away.

    Nothing measured is lost, and the key is then replaced as any is.
    """
    monkeypatch.setattr("probe.sharing.bundling.is_set_by_others", lambda: None)
    keep(tmp_path, trace(1), trace(2, days=-365 * 50))
    first = unseal(bundled(tmp_path)[0][0]).manifest.key
    for number in range(2):
        keep(tmp_path, trace(3 + number, days=200 + number))
        assert bundled(tmp_path) == ([], {"doubtful_day": number + 1})
    keep(tmp_path, trace(5, days=202))
    (data,), left_out = bundled(tmp_path)
    assert (unseal(data).manifest.traces, left_out) == (3, {})
    assert unseal(data).manifest.key != first


def test_a_trace_of_a_day_to_come_waits_for_that_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector would refuse the whole bundle for it, and all that was measured in it."""
    monkeypatch.setattr("probe.sharing.bundling.is_set_by_others", lambda: True)
    keep(tmp_path, trace(1), trace(2, days=365 * 200))
    for made in (1, 0):
        bundles, left_out = bundled(tmp_path)
        assert [unseal(data).manifest.traces for data in bundles] == [1] * made
        assert left_out == {"day_to_come": 1}
        assert unbundled(tmp_path / "spool", tmp_path / "outbox") == 0
    keep(tmp_path, trace(3))
    assert unbundled(tmp_path / "spool", tmp_path / "outbox") == 1
    assert unbundled(tmp_path / "spool", tmp_path / "elsewhere") == 2
    monkeypatch.setattr("probe.sharing.bundling.is_set_by_others", lambda: None)
    (data,), left_out = bundled(tmp_path)
    assert (unseal(data).manifest.traces, left_out) == (1, {"doubtful_day": 1})


def test_a_trace_of_an_hour_to_come_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that takes its local time for UTC is seven hours ahead in Cambodia after a start.

    What was refused for that is sent again only when somebody types it.
    """
    keep(tmp_path, trace(1), trace(7 * 3600))
    for hours, made, left in ((1, 1, {"day_to_come": 1}), (6, 0, {"day_to_come": 1}), (8, 1, {})):
        at(NOON + hours * 3600, monkeypatch)
        waiting = unbundled(tmp_path / "spool", tmp_path / "outbox")
        bundles, left_out = bundled(tmp_path)
        assert ([unseal(data).manifest.traces for data in bundles], left_out) == ([1] * made, left)
        assert waiting == made


def at(now: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is so many seconds since the epoch, by a clock that others keep right."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Then:
            return cls.fromtimestamp(now, tz)

    monkeypatch.setattr("probe.sharing.bundling.datetime", Then)
    monkeypatch.setattr("probe.sharing.bundling.is_set_by_others", lambda: True)


def test_a_trace_by_a_clock_that_was_never_set_keeps_back_no_other(tmp_path: Path) -> None:
    """A board that begins in 1970 dates what it measures by a day that no collector takes."""
    keep(tmp_path, trace(1), trace(2, days=-365 * 50))
    (data,), left_out = bundled(tmp_path)
    assert (unseal(data).manifest.traces, left_out) == (1, {"at_no_time": 1})
    assert unbundled(tmp_path / "spool", tmp_path / "outbox") == 0


def test_what_was_dated_before_the_clock_was_set_stays(tmp_path: Path) -> None:
    """Nobody knows of which day it is, and an alarm goes by days; the rest of the run goes."""
    keep(tmp_path, trace(1), trace(2), trace(3))
    put_down_misdated(tmp_path / "spool", Misdated(NOON + 1, NOON + 1, 1))
    (data,), left_out = bundled(tmp_path)
    assert (unseal(data).manifest.traces, left_out) == (2, {"misdated": 1})
    assert unbundled(tmp_path / "spool", tmp_path / "outbox") == 0


def test_each_network_has_bundle_and_key_of_its_own(tmp_path: Path) -> None:
    """Two places are not tied together: neither by a bundle nor by a key."""
    keep(tmp_path, trace(1), trace(2, 9902), trace(3))
    held = [unseal(data) for data in bundled(tmp_path)[0]]
    assert [(one.manifest.network, one.manifest.traces) for one in held] == [(38623, 2), (9902, 1)]
    assert held[0].manifest.key != held[1].manifest.key


def test_the_same_traces_make_the_same_file(tmp_path: Path) -> None:
    """With the same key two machines would write the same bytes, on any day."""
    for home in (tmp_path / "a", tmp_path / "b"):
        keep(home, trace(1), trace(2))
    signing_key(tmp_path / "a" / "keys", 38623, TODAY)
    (tmp_path / "a" / "keys").rename(tmp_path / "b" / "keys")
    (tmp_path / "b" / "keys").mkdir(exist_ok=True)
    (tmp_path / "a" / "keys").symlink_to(tmp_path / "b" / "keys")
    assert bundled(tmp_path / "a") == bundled(tmp_path / "b")


def test_much_is_put_into_several_bundles(tmp_path: Path) -> None:
    """No bundle is larger than a slow line carries in one go, and none of it is lost."""
    keep(tmp_path, *(trace(number, note="x" * (FULL // 3)) for number in range(5)))
    held = [unseal(data) for data in bundled(tmp_path)[0]]
    assert [one.manifest.traces for one in held] == [2, 2, 1]
    assert all(one.manifest.size <= FULL for one in held)
    assert in_bundles(tmp_path) == as_shared(tmp_path)


def test_what_cannot_be_shared_is_counted(tmp_path: Path) -> None:
    """Lines that are none of ours, of no network, of no time, or far too long stay here."""
    keep(tmp_path, trace(1), trace(2, None), trace(3, note="x" * FULL))
    day = tmp_path / "spool" / "2026-11-23.jsonl"
    never = as_shared(tmp_path)[0].replace(b'"timestamp":1795435201', b'"timestamp":1e17')
    day.write_bytes(day.read_bytes() + b"not a trace\n" + never + as_shared(tmp_path)[0])
    (data,), left_out = bundled(tmp_path)
    assert unseal(data).manifest.traces == 1
    assert left_out == {"unreadable": 1, "no_network": 1, "too_long": 1, "at_no_time": 1}


def test_a_day_file_that_somebody_edited_is_read_anew(tmp_path: Path) -> None:
    """Lines taken out by hand do no harm to the others: each goes once, and those are gone."""
    keep(tmp_path, trace(1), trace(2), trace(3))
    bundled(tmp_path)
    day = tmp_path / "spool" / "2026-11-23.jsonl"
    day.write_bytes(b"".join(day.read_bytes().splitlines(keepends=True)[1:]))
    assert bundled(tmp_path)[0] == []
    keep(tmp_path, trace(4))
    (data,), _ = bundled(tmp_path)
    assert unseal(data).manifest.traces == 1


def test_a_bundle_that_does_not_count_yet_is_made_anew(tmp_path: Path) -> None:
    """What a crash left between the file and the database is removed, its lines are not lost."""
    keep(tmp_path, trace(1))
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    (outbox / f"{'a' * 64}.tar").write_bytes(b"half done")
    (outbox / f"{'b' * 64}.tar.new").write_bytes(b"half written")
    bundled(tmp_path)
    assert in_bundles(tmp_path) == as_shared(tmp_path)
    assert len(list(outbox.glob("*.tar*"))) == 1


def test_an_accepted_bundle_leaves_its_place_and_is_remembered(tmp_path: Path) -> None:
    """The file goes, the receipt stays, and its lines are not bundled again."""
    keep(tmp_path, trace(1))
    bundled(tmp_path)
    with Outbox(tmp_path / "outbox") as outbox:
        (entry,) = outbox.entries()
        outbox.received(Receipt(entry.sha256, "accepted", 1, "2026-11-26"), b"signed")
        assert not outbox.path_of(entry.sha256).exists()
        assert outbox.receipt_of(entry.sha256).read_bytes() == b"signed"
        outbox.path_of(entry.sha256).write_bytes(b"a crash came before it was removed")
    assert bundled(tmp_path)[0] == []
    assert list((tmp_path / "outbox").glob("*.tar")) == []


def test_lines_of_days_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    """Whoever deletes a day file deletes what was known of its lines, too."""
    keep(tmp_path, trace(1), trace(2, days=1))
    bundled(tmp_path)
    (tmp_path / "spool" / "2026-11-23.jsonl").unlink()
    bundled(tmp_path)
    with Outbox(tmp_path / "outbox") as outbox:
        assert not outbox.bundled(trace_line(1))
    keep(tmp_path, trace(1))
    assert len(bundled(tmp_path)[0]) <= 1


def test_a_day_that_begins_meanwhile_is_bundled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run keeps its first trace of the new day while the days before are being looked through."""
    keep(tmp_path, trace(1))
    known = Outbox.known

    def as_midnight_strikes(outbox: Outbox, day: DayFile) -> bool:
        keep(tmp_path, trace(2, days=1))
        return known(outbox, day)

    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "known", as_midnight_strikes)
        bundled(tmp_path)
    bundled(tmp_path)
    assert sorted(in_bundles(tmp_path)) == sorted(as_shared(tmp_path))


def trace_line(number: int) -> bytes:
    from probe.record import to_line

    return to_line(trace(number)).encode() + b"\n"


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Every file and folder of the outbox is closed to everybody else."""
    keep(tmp_path, trace(1))
    bundled(tmp_path)
    for path in (tmp_path / "outbox", *(tmp_path / "outbox").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    """While one makes bundles another is told to come back, exit code 8."""
    with Outbox(tmp_path / "outbox") as outbox, outbox.locked("bundling") as free:
        assert free
        with pytest.raises(NotYetSent, match="another gatewatch is making bundles"):
            bundled(tmp_path)


def test_what_was_never_bundled_is_counted_without_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three hundred days that took a minute; only the last day, and what is begun, is read."""
    parsed = []

    def counted(path: Path) -> Iterator[Kept]:
        parsed.append(path.name)
        return read_day(path)

    keep(tmp_path, trace(1))
    bundled(tmp_path)
    keep(tmp_path, trace(2), *(trace(number, days=number) for number in range(1, 9)), trace(9))
    keep(tmp_path, trace(10, days=-365 * 50))
    monkeypatch.setattr("probe.sharing.shared.read_day", counted)
    monkeypatch.setattr("probe.sharing.bundling.is_set_by_others", lambda: None)
    assert unbundled(tmp_path / "spool", tmp_path / "outbox") == 10
    assert parsed == ["2026-11-23.jsonl", "2026-12-01.jsonl"]
    parsed.clear()
    assert unbundled(tmp_path / "spool", tmp_path / "elsewhere") == 11
    assert parsed == ["2026-12-01.jsonl"]
    assert sum(unseal(data).manifest.traces for data in bundled(tmp_path)[0]) == 10


def test_asking_makes_nothing(tmp_path: Path) -> None:
    """Where nothing was ever bundled the status is empty, and no file comes of the question."""
    assert status(tmp_path / "outbox").entries == ()
    assert list(tmp_path.iterdir()) == []


_BUNDLER = """
import sys
from pathlib import Path
from probe.sharing.bundling import bundle_new
from probe.sharing.outbox import Outbox
home = Path(sys.argv[1])
print("begin", flush=True)
with Outbox(home / "outbox") as outbox:
    bundle_new(home / "spool", outbox, home / "keys")
"""


def test_kill_9_at_any_moment_neither_loses_nor_doubles_a_line(tmp_path: Path) -> None:
    """Killed at ten moments while bundles come to be, in the end each line is in one bundle."""
    moments = random.Random(1)
    duration = 0.0
    killed = 0
    # The first one lives to its end and shows how long that takes, as do others that come to it.
    for number in range(11):
        keep(tmp_path, *(trace(10 * number + i, 100 + i, note="x" * 900) for i in range(4)))
        child = subprocess.Popen(
            [sys.executable, "-c", _BUNDLER, str(tmp_path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"begin\n"
        began = time.monotonic()
        kill_after(child, moments.uniform(0, 0.8 * duration) if duration else 60)
        took = time.monotonic() - began
        if child.returncode == -signal.SIGKILL:
            killed += 1
        else:
            duration = shorter(duration, took) if duration else took
    assert killed >= 2
    bundled(tmp_path)
    assert Counter(in_bundles(tmp_path)) == Counter(as_shared(tmp_path))
    assert len(as_shared(tmp_path)) == 44


def kill_after(child: subprocess.Popen[bytes], seconds: float) -> None:
    """End a process at a moment of its life, as hard as can be."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    child.wait(60)
    assert child.stdout is not None
    child.stdout.close()


class Machine(RuleBasedStateMachine):
    """A volunteer's machine over weeks: measures, moves, bundles, loses days, is cut off."""

    @initialize(folder=st.just(None))
    def begin(self, folder: None) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.home = Path(self.folder.name)
        self.number = 0
        self.today = TODAY
        self.gone: set[bytes] = set()

    @rule(network=st.sampled_from([38623, 9902]), count=st.integers(1, 3))
    def measure(self, network: int, count: int) -> None:
        for _ in range(count):
            self.number += 1
            days = (self.today - TODAY).days
            keep(self.home, trace(self.number, network, days))

    @rule()
    def bundle_all(self) -> None:
        bundled(self.home)
        assert set(as_shared(self.home)) <= set(in_bundles(self.home))

    @rule(days=st.integers(1, 60))
    def wait(self, days: int) -> None:
        self.today += timedelta(days)

    @rule()
    def crash_before_it_counts(self) -> None:
        (self.home / "outbox").mkdir(exist_ok=True)
        (self.home / "outbox" / f"{'c' * 64}.tar").write_bytes(b"not counted")

    @invariant()
    def nothing_twice(self) -> None:
        if hasattr(self, "home"):
            held = in_bundles(self.home) if (self.home / "outbox" / "outbox.db").exists() else []
            assert len(held) == len(set(held))

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=15, stateful_step_count=12)
