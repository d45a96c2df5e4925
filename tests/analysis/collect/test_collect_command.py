"""``gatewatch collect``: what whoever runs a collector types."""

from __future__ import annotations

import contextlib
import errno
import json
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analysis.collect.look import Look
from analysis.collect.store import Store, public_key
from analysis.intake.inputs import InputError, find_files
from probe.cli import main
from probe.sharing.bundle import sha256_of
from probe.sharing.receipt import Status
from tests.analysis.collect.bundles import NOW, line, sealed, trace
from tests.analysis.collect.test_store import OF_THE_FIRST_VERSION, files, put
from tests.harness.collecting import ROOT, collecting
from tests.harness.descriptors import open_files
from tests.harness.nobody import holds_for_nobody, needs_root
from tests.harness.proxies import certificate

BUNDLES = sorted((sealed([line(trace(number))]) for number in range(3)), key=sha256_of)
NAMES = [sha256_of(data) for data in BUNDLES]


def gatewatch(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["collect", *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A collector's folder with three bundles in quarantine, and one that was refused."""
    with Store(tmp_path / "held") as store:
        for data in (*BUNDLES, b"junk"):
            put(store, data)
    return tmp_path / "held"


@pytest.mark.parametrize(
    ("number", "said", "code", "remedy"),
    [
        (errno.EACCES, "Permission denied", 4, "may not listen on port 443; choose a --port from"),
        (errno.EADDRINUSE, "Address in use", 2, "(Address in use); choose another --port"),
        (errno.EMFILE, "Too many open files", 4, "raise the limit in this terminal: ulimit -n"),
        (errno.EADDRNOTAVAIL, "Cannot assign", 2, "(Cannot assign); choose another --host, an"),
        (socket.EAI_NONAME, "Unknown name", 2, "(Unknown name); choose another --host, an address"),
    ],
)
def test_why_it_cannot_listen_is_said_once_with_what_mends_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    said: str,
    code: int,
    remedy: str,
) -> None:
    """Python adds to what the system says; another port is no help where the address is wrong."""

    def fails(*_: object, **__: object) -> None:
        raise OSError(number, f"{said} (while attempting to bind on address …)")

    monkeypatch.setattr("socket.create_server", fails)
    done = gatewatch("--to", str(tmp_path / "held"), "--port", "443")
    assert (done.exit_code, done.stdout) == (code, "")
    assert remedy in done.stderr
    assert "while attempting" not in done.stderr


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")
def test_all_addresses_are_those_of_ipv4_too(tmp_path: Path) -> None:
    """A machine with both kinds could listen on one only, and lost the volunteers of the other."""
    cert, key = certificate(tmp_path, "collect.example.org")
    options = ("--host", "::", "--tls-cert", str(cert), "--tls-key", str(key))
    with collecting(tmp_path / "held", *options) as running:
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, running.port), timeout=30).close()


def test_what_waits_is_listed(folder: Path) -> None:
    """A line a bundle, with what speaks for it, and what was refused at the door."""
    gatewatch("accept", str(folder), NAMES[1][:12])
    lines = gatewatch("review", str(folder)).stdout.splitlines()
    assert [text.split()[:4] for text in lines[:2]] == [
        [name, "quarantined", "AS38623", "1"] for name in (NAMES[0], NAMES[2])
    ]
    assert lines[0].endswith("2026-11-23 – 2026-11-23  key 03a107bff3ce10be, 1 accepted before")
    assert lines[2:] == ["refused at the door: 1 not_a_bundle"]


@needs_root
def test_whoever_only_looks_needs_no_leave_to_write() -> None:
    """A keeper's deputy, or a backup on a read-only disk; not even the key need be readable."""
    with tempfile.TemporaryDirectory() as street:  # others may not pass through pytest's
        folder, copy = Path(street, "held"), Path(street, "copies", "copy")
        with Store(folder) as store:
            for data in BUNDLES:
                put(store, data)
        copy.parent.mkdir()
        copy.parent.chmod(0o777)
        for path in (Path(street), folder, *folder.iterdir(), *folder.glob("*/*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        before = {path: path.stat().st_mtime_ns for path in Path(street).rglob("*")}

        def looks() -> bool:
            found = [
                gatewatch("review", str(folder), "--json"),
                gatewatch("status", str(folder), "--json"),
                gatewatch("backup", str(folder), str(copy), "--json"),
            ]
            assert [done.exit_code for done in found] == [0] * 3
            said = [json.loads(done.stdout) for done in found]
            assert {one["sha256"] for one in said[0]["bundles"]} == set(NAMES)
            assert (said[1]["waiting"], said[2]["bundles"]) == (3, 3)
            decided = gatewatch("accept", str(folder), "--all")
            assert decided.exit_code == 4
            return True

        assert holds_for_nobody(looks)
        assert files(copy) == files(folder)
        after = {path: path.stat().st_mtime_ns for path in Path(street).rglob("*")}
        assert {path: after[path] for path in before if path != copy.parent} == {
            path: time for path, time in before.items() if path != copy.parent
        }
        (folder / "key.pem").chmod(0o600)
        assert holds_for_nobody(lambda: gatewatch("review", str(folder)).exit_code == 0)


def test_looking_changes_nothing(folder: Path) -> None:
    """Not the version of a backup that an older gatewatch made; and no key is made up."""
    with contextlib.closing(sqlite3.connect(folder / "collector.db")) as db:
        db.executescript(OF_THE_FIRST_VERSION)
    (folder / "key.pem").unlink()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = json.loads(gatewatch("review", str(folder), "--json").stdout)
    assert [one["sha256"] for one in found["bundles"]] == NAMES
    assert found["refusals"] == {"not_a_bundle": 1}
    assert gatewatch("status", str(folder)).exit_code == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_full_disk_is_said_to_whoever_keeps_the_collector(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Senders are told to come back, and else nobody would notice: at the start, and in review."""
    start = ("--to", str(folder), "--tls-cert", "no.pem", "--tls-key", "no.pem")
    assert "warning" not in gatewatch(*start).stderr + gatewatch("review", str(folder)).stderr
    monkeypatch.setattr("analysis.collect.look.ROOM", 1 << 70)
    for words in (start, ("review", str(folder))):
        said = gatewatch(*words).stderr
        assert f"MiB are free on the disk of {folder}, so that whoever sends is told" in said


def test_a_script_gets_all_of_it(folder: Path) -> None:
    """--json has each bundle with its fields; --all also those that were decided on."""
    gatewatch("refuse", str(folder), NAMES[0], "--reason", "a test of ours")
    found = json.loads(gatewatch("review", str(folder), "--all", "--json").stdout)
    bundles = {one["sha256"]: one for one in found["bundles"]}
    assert [bundles[name]["status"] for name in NAMES] == ["refused", "quarantined", "quarantined"]
    assert bundles[NAMES[0]]["reason"] == "operator: a test of ours"
    assert found["refusals"] == {"not_a_bundle": 1}


def test_a_script_reads_what_was_decided(folder: Path, tmp_path: Path) -> None:
    """Each bundle by its whole sha256, what a receipt says, and how many a copy holds."""
    held, stick = str(folder), tmp_path / "1.tar"
    stick.write_bytes(BUNDLES[0][:-1])
    done = gatewatch("take", held, str(stick), "--json")
    (taken,) = json.loads(done.stdout)["bundles"]
    assert (done.exit_code, taken["file"], taken["status"]) == (6, str(stick), "refused")
    assert taken["reason"].startswith("altered_bundle")
    for words, status, bundles in (
        (["accept", held, NAMES[0][:8]], "accepted", [NAMES[0]]),
        (["refuse", held, NAMES[0][:8], "--reason", "a test of ours"], "refused", [NAMES[0]]),
        (["refuse", held, "--before", "2020-01-01", "--reason", "old"], "refused", []),
    ):
        found = json.loads(gatewatch(*words, "--json").stdout)
        assert found == {"status": status, "bundles": bundles}
    copy = json.loads(gatewatch("backup", held, str(tmp_path / "copy"), "--json").stdout)
    assert copy == {"to": str(tmp_path / "copy"), "bundles": 2}


def test_all_may_be_accepted(folder: Path) -> None:
    """What was accepted lies where analyze finds it; then nothing waits any more."""
    assert gatewatch("accept", str(folder), "--all").stdout == "accepted: 3 bundles\n"
    assert files(folder) == {"accepted": sorted(name[:8] for name in NAMES)}
    assert gatewatch("review", str(folder)).stdout.startswith("nothing waits for a decision\n")


def test_what_was_accepted_is_deleted_when_its_sender_asks(folder: Path) -> None:
    """No file of it stays; the receipt says so and why, and it does not come in again."""
    gatewatch("accept", str(folder), "--all")
    done = gatewatch("refuse", str(folder), NAMES[1][:8], "--reason", "deleted as asked")
    assert done.stdout == "refused: 1 bundle\n"
    assert files(folder) == {"accepted": sorted(name[:8] for name in (NAMES[0], NAMES[2]))}
    with Store(folder) as store:
        receipt = put(store, BUNDLES[1])
        assert (receipt.status, receipt.reason) == ("refused", "operator: deleted as asked")
        assert store.held("accepted")[0].sha256 == NAMES[0]
    again = gatewatch("accept", str(folder), NAMES[1][:8])
    assert again.exit_code == 9


def test_what_is_too_old_is_deleted_in_one_go(tmp_path: Path) -> None:
    """A study keeps nothing beyond what it promised; a bundle with one newer trace stays."""
    day = 86_400
    old = sealed([line(trace(-3 * day))], days=["2026-11-20"])
    mixed = sealed([line(trace(-2 * day)), line(trace(1))], days=["2026-11-21", "2026-11-23"])
    with Store(tmp_path / "held") as store:
        for data in (old, mixed):
            put(store, data)
        store.decide(sha256_of(old), "accepted", None, NOW)
        store.settle(NOW)
    words = ("--before", "2026-11-22", "--reason", "its time is over")
    done = gatewatch("refuse", str(tmp_path / "held"), *words)
    assert (done.exit_code, done.stdout) == (0, "refused: 1 bundle\n")
    assert files(tmp_path / "held") == {"quarantine": [sha256_of(mixed)[:8]]}
    assert gatewatch("refuse", str(tmp_path / "held"), *words).stdout == "refused: 0 bundles\n"


def test_a_backup_is_a_collector_that_knows_the_same(folder: Path, tmp_path: Path) -> None:
    """Made while another holds it open, and served from after the disk was lost."""
    gatewatch("accept", str(folder), NAMES[0])
    copy = tmp_path / "copy"
    with Store(folder) as running:
        running.serve(NOW)
        done = gatewatch("backup", str(folder), str(copy))
        before = [running.receipt(name) for name in NAMES]
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{copy} holds 3 bundles, as {folder} does; keep it as private\n"
    assert files(copy) == files(folder)
    for path in (copy, *copy.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert {path.stat().st_mtime % 86_400 for path in copy.rglob("*.tar")} == {0}
    with Store(copy) as restored:
        restored.serve(NOW)
        assert [restored.receipt(name) for name in NAMES] == before
        assert public_key(restored) == public_key(running)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_first_backup_that_was_killed_is_made_anew(
    folder: Path, tmp_path: Path, call: str
) -> None:
    """Its folder was taken for somebody else's, since there was no key in it yet."""
    program = f"""
import os, pathlib, signal
name = {call!r}
killed = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
setattr(os if name == "fsync" else pathlib.Path, name, killed)
from probe.cli import main
main(["collect", "backup", {str(folder)!r}, {str(tmp_path / "copy")!r}])
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert any((tmp_path / "copy").iterdir())
    again = gatewatch("backup", str(folder), str(tmp_path / "copy"))
    assert (again.exit_code, again.stderr) == (0, "")
    assert files(tmp_path / "copy") == files(folder)


def test_a_backup_says_of_what_there_is_no_file(folder: Path, tmp_path: Path) -> None:
    """It said that it held them all. What an earlier one has stays, and is all that there is."""
    words = ("backup", str(folder), str(tmp_path / "copy"))
    (folder / "quarantine" / f"{NAMES[0]}.tar").rename(tmp_path / "away")
    done = gatewatch(*words)
    assert (done.exit_code, done.stdout) == (6, "")
    assert f"of 1 bundle that is held there is no file in {folder}" in done.stderr
    assert files(tmp_path / "copy") == files(folder)
    (tmp_path / "away").rename(folder / "quarantine" / f"{NAMES[0]}.tar")
    assert gatewatch(*words).exit_code == 0
    (folder / "quarantine" / f"{NAMES[0]}.tar").unlink()
    assert gatewatch(*words).exit_code == 0
    assert len(files(tmp_path / "copy")["quarantine"]) == 3


def test_what_a_sender_had_deleted_goes_from_the_backup(folder: Path, tmp_path: Path) -> None:
    """With the next call, which else copies only what is new; so it may be called each night."""
    words = ("backup", str(folder), str(tmp_path / "copy"))
    gatewatch(*words)
    kept = (tmp_path / "copy/quarantine" / f"{NAMES[2]}.tar").stat().st_ino
    gatewatch("refuse", str(folder), NAMES[0], "--reason", "deleted as asked")
    gatewatch("accept", str(folder), NAMES[1])
    assert gatewatch(*words).exit_code == 0
    assert files(tmp_path / "copy") == files(folder)
    assert (tmp_path / "copy/quarantine" / f"{NAMES[2]}.tar").stat().st_ino == kept


def test_what_waits_is_not_judged_by_whoever_names_the_whole_folder(folder: Path) -> None:
    """It was, unsaid: nobody had decided on it. What is named alone is meant."""
    gatewatch("accept", str(folder), NAMES[0])
    waiting = folder / "quarantine"
    for given, refused in (
        ([folder], folder),
        ([folder.parent], folder),
        ([folder / "*"], waiting),
        ([folder / "accepted", waiting], waiting),
        ([waiting / f"{NAMES[1]}.tar", folder / "accepted"], waiting),
    ):
        with pytest.raises(InputError) as problem:
            find_files([str(path) for path in given])
        assert str(problem.value) == (
            f"{refused}: here lie bundles that a collector holds and nobody has accepted; name "
            f"{folder / 'accepted'}"
        )
    for place, names in (("accepted", NAMES[:1]), ("quarantine", NAMES[1:])):
        found = find_files([str(folder / place)])
        assert found == [str(folder / place / f"{name}.tar") for name in names]


@pytest.mark.parametrize("where", ["inside", "other", "served", "same"])
def test_a_backup_overwrites_nothing_else(folder: Path, tmp_path: Path, where: str) -> None:
    """A mistyped folder, another collector, or both names the wrong way round."""
    to = {"inside": folder / "copy", "same": folder}.get(where, tmp_path / where)
    if where == "other":
        to.mkdir()
        (to / "thesis.tex").write_text("mine", encoding="utf-8")
    if where == "served":
        with Store(to) as store:
            store.serve(NOW)
    before = sorted(tmp_path.rglob("*"))
    done = gatewatch("backup", str(folder), str(to))
    assert (done.exit_code, done.stdout) == (9, "")
    assert "; name" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_how_it_fares_is_said_in_a_few_lines(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held, who measures, what was refused, how long the disk lasts; no warning."""
    monkeypatch.setattr("analysis.collect.store.now_utc", lambda: NOW)
    monkeypatch.setattr(Look, "free", lambda _: 50_000_000)
    gatewatch("accept", str(folder), NAMES[1])
    done = gatewatch("status", str(folder))
    assert (done.exit_code, done.stderr) == (0, "")
    *lines, disk = done.stdout.splitlines()
    assert lines == [
        "waiting: 2 bundles, the oldest since 2026-11-24",
        "accepted: 1 bundle; refused by you: 0",
        "held: 3 traces, 2026-11-23 – 2026-11-23",
        "in the last 30 days measured: 1 key in 1 network",
        "in the last 30 days refused at the door: 1 not_a_bundle",
    ]
    assert re.fullmatch(
        r"disk: 0\.\d MB taken, 0\.\d MB more a day, room for 50 MB, for \d+ days as the last",
        disk,
    )
    found = json.loads(gatewatch("status", str(folder), "--json").stdout)
    assert (found["waiting"], found["accepted"], found["active_keys"]) == (2, 1, 1)


def test_what_is_due_is_said_where_a_timer_hears_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month later, with its output thrown away: the warnings alone."""
    later = NOW + timedelta(days=31)
    monkeypatch.setattr("analysis.collect.store.now_utc", lambda: later)
    said = gatewatch("status", str(folder)).stderr.splitlines()
    assert [text.partition(";")[0] for text in said] == [
        "warning: bundles wait since 2026-11-24",
        "warning: nothing was measured after 2026-11-23",
    ]


def test_the_command_that_lists_bundles_can_be_typed(tmp_path: Path) -> None:
    """Also where the folder has a blank in its name, as on many a disk."""
    folder = tmp_path / "bundles of ours"
    with Store(folder):
        pass
    done = gatewatch("accept", str(folder), "ffffffff")
    assert f"list them: gatewatch collect review --all '{folder}'" in done.stderr


def test_all_that_name_no_bundle_are_named_at_once(folder: Path) -> None:
    """A volunteer's list may have a hundred, of which some never came; the others wait."""
    words = ("--reason", "deleted as asked")
    done = gatewatch("refuse", str(folder), "e" * 64, NAMES[0], "f" * 64, *words)
    assert done.exit_code == 9
    for name in ("e" * 64, "f" * 64):
        assert f"{name} names 0 quarantined or accepted bundles" in done.stderr
    assert "nothing was decided" in done.stderr
    assert len(files(folder)["quarantine"]) == 3


def test_a_beginning_that_several_have_names_none(tmp_path: Path) -> None:
    """Of seventeen two begin with the same digit."""
    with Store(tmp_path / "held") as store:
        for number in range(17):
            put(store, sealed([line(trace(number))]))
        names = [held.sha256 for held in store.held()]
    digit, several = Counter(name[0] for name in names).most_common(1)[0]
    done = gatewatch("refuse", str(tmp_path / "held"), digit, "--reason", "a test of ours")
    assert done.exit_code == 9
    assert f"{digit} names {several} quarantined or accepted bundles" in done.stderr
    assert len(files(tmp_path / "held")["quarantine"]) == 17


@pytest.mark.parametrize("reason", ["", " "])
def test_a_refusal_has_a_reason(tmp_path: Path, reason: str) -> None:
    """The volunteer would read "refused: operator: ", and the bundle would be gone."""
    with Store(tmp_path / "held") as store:
        put(store, BUNDLES[0])
    done = gatewatch("refuse", str(tmp_path / "held"), NAMES[0], "--reason", reason)
    assert done.exit_code == 2
    assert "--reason: it is empty; write the sentence that the volunteer" in done.stderr
    assert files(tmp_path / "held") == {"quarantine": [NAMES[0][:8]]}


@pytest.mark.parametrize("words", [["accept"], ["refuse", "--reason", "a test of ours"]])
def test_an_empty_name_is_no_bundle(tmp_path: Path, words: list[str]) -> None:
    """Not even the only one there is: it is a variable that is not set."""
    with Store(tmp_path / "held") as store:
        put(store, BUNDLES[0])
    done = gatewatch(*words, str(tmp_path / "held"), "")
    assert done.exit_code == 9
    assert "'' names no bundle: it is empty, as of a variable that is not set" in done.stderr
    assert files(tmp_path / "held") == {"quarantine": [NAMES[0][:8]]}


def test_a_bundle_that_is_named_twice_is_decided_on_once(folder: Path) -> None:
    """And no file of it stays."""
    done = gatewatch("refuse", str(folder), NAMES[0], NAMES[0][:12], "--reason", "a test of ours")
    assert (done.exit_code, done.stdout) == (0, "refused: 1 bundle\n")
    assert files(folder) == {"quarantine": sorted(name[:8] for name in NAMES[1:])}


def test_what_was_decided_stays_decided_where_another_bundle_is_gone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a refused bundle no file is kept, though somebody else decided on the next one."""
    decide = Store.decide

    def decide_after_another(
        store: Store, sha256: str, status: Status, reason: str | None, now: datetime
    ) -> None:
        if sha256 == NAMES[1]:
            decide(store, sha256, status, "by somebody else", now)
        decide(store, sha256, status, reason, now)

    monkeypatch.setattr(Store, "decide", decide_after_another)
    done = gatewatch("refuse", str(folder), *NAMES, "--reason", "a test of ours")
    assert done.exit_code == 9
    assert f"{NAMES[1]} was decided on meanwhile" in done.stderr
    assert files(folder) == {"quarantine": [NAMES[2][:8]]}


def test_what_came_on_a_stick_is_taken_in(tmp_path: Path) -> None:
    """Each file is checked as if it had been sent; exit code 6 where one was refused."""
    stick = [tmp_path / f"{number}.tar" for number in range(3)]
    for path, data in zip(stick, (BUNDLES[0], BUNDLES[0], BUNDLES[1][:-1]), strict=True):
        path.write_bytes(data)
    done = gatewatch("take", "--new", str(tmp_path / "held"), *map(str, stick))
    assert done.exit_code == 6
    assert done.stdout.splitlines() == [
        f"{stick[0]}: quarantined",
        f"{stick[1]}: quarantined",
        f"{stick[2]}: refused: altered_bundle: the tar file is not as gatewatch makes it",
    ]
    assert done.stderr == ("gatewatch: 1 file refused; ask whoever gave it for another copy\n")
    assert files(tmp_path / "held") == {"quarantine": [NAMES[0][:8]]}
    assert [path.exists() for path in stick] == [True] * 3


def test_a_clock_that_is_behind_takes_nothing_from_a_stick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be refused, and counted so."""
    stick = tmp_path / "mine.tar"
    stick.write_bytes(BUNDLES[0])
    monkeypatch.setattr("analysis.collect.store.now_utc", lambda: datetime(1970, 1, 2, tzinfo=UTC))
    done = gatewatch("take", "--new", str(tmp_path / "held"), str(stick))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the clock of this machine says 1970-01-02, before there was gatewatch" in done.stderr
    assert "timedatectl" in done.stderr
    assert files(tmp_path / "held") == {}


@pytest.mark.parametrize(
    "words",
    [
        ["take", "{other}", "{stick}"],
        ["review", "{other}"],
        ["accept", "{other}", "--all"],
        ["refuse", "{other}", "3f9a0c", "--reason", "a test"],
    ],
)
@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_was_mistyped_becomes_no_collectors(
    tmp_path: Path, words: list[str], there: bool
) -> None:
    """What came on a stick would lie where nobody looks for it; nothing is made."""
    stick, other = tmp_path / "mine.tar", tmp_path / "kh-bundels"
    stick.write_bytes(BUNDLES[0])
    if there:
        other.mkdir()
    done = gatewatch(*(word.format(other=other, stick=stick) for word in words))
    assert (done.exit_code, done.stdout) == (9, "")
    assert done.stderr.startswith(f"gatewatch: {other} is no folder of a collector; ")
    assert ("take --new" in done.stderr) == (words[0] == "take")
    assert other.exists() == there
    assert not there or list(other.iterdir()) == []


def test_a_collector_without_a_server_begins_with_what_came_on_a_stick(tmp_path: Path) -> None:
    """A second time the folder is there, and what lies in it stays."""
    stick = tmp_path / "mine.tar"
    for data in BUNDLES[:2]:
        stick.write_bytes(data)
        done = gatewatch("take", "--new", str(tmp_path / "held"), str(stick))
        assert (done.exit_code, done.stdout) == (0, f"{stick}: quarantined\n")
    assert files(tmp_path / "held") == {"quarantine": sorted(name[:8] for name in NAMES[:2])}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--to", "x", "--tls-cert", "no.pem", "--tls-key", "no.pem", "--port", "0"], 9, "in PEM"),
        ([], 2, "say where to keep the bundles: gatewatch collect --to FOLDER"),
        (["--to", "x", "--host", "0.0.0.0"], 2, "without TLS everybody in between could read"),
        (["--to", "x", "--tls-cert", "{file}"], 2, "go together"),
        (["--to", "x", "--port", "{taken}"], 2, "choose another --port"),
        (["--to", "x", "--tls-cert", "{file}", "--tls-key", "{file}", "--port", "0"], 9, "in PEM"),
        (["review", "."], 9, "is no folder of a collector; `gatewatch collect --to` makes one"),
        (["accept", "{folder}"], 2, "name bundles by their sha256, or --all"),
        (
            ["accept", "{folder}", "ffffffff"],
            9,
            "list them: gatewatch collect review --all {folder}",
        ),
        (["refuse", "{folder}", ""], 2, "--reason"),
        (["refuse", "{folder}", "--reason", "a test"], 2, "or --before a day"),
        (["refuse", "{folder}", "ab", "--before", "2026-01-01", "--reason", "a"], 2, "or --before"),
    ],
)
def test_wrong_use_is_said(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: int,
    said: str,
) -> None:
    """Each mistake ends in one sentence with its remedy, and the right exit code."""
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        places = {
            "{file}": str(folder / "key.pem"),
            "{folder}": str(folder),
            "{taken}": str(taken.getsockname()[1]),
        }
        done = gatewatch(*(places.get(word, word) for word in words))
    assert done.exit_code == code
    assert said.replace("{folder}", str(folder)) in done.stderr.replace("\n", " ")
    assert "listening" not in done.stdout


@pytest.mark.parametrize("damage", ["not SQLite", "newer", "behind the first page"])
def test_a_database_that_cannot_be_used_is_said(folder: Path, damage: str) -> None:
    """Damaged, or of a later version: exit code 9, and the bundles are not touched."""
    path = folder / "collector.db"
    if damage == "newer":
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA user_version = 99")
    elif damage == "behind the first page":
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    else:
        path.write_bytes(b"not SQLite" * 1000)
    done = gatewatch("review", str(folder))
    assert done.exit_code == 9
    assert "restore it from your backup" in done.stderr
    assert path not in open_files(), "it is open"
    assert len(files(folder)["quarantine"]) == 3


def test_a_database_that_another_process_holds_is_no_damaged_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is sent to the backup; where all is waited for in vain it is said what holds it up."""
    monkeypatch.setattr("probe.disk.database._PATIENCE", 0.0)
    with contextlib.closing(sqlite3.connect(folder / "collector.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        done = gatewatch("accept", str(folder), "--all")
    assert done.exit_code == 2
    assert "cannot be used now (database is locked)" in done.stderr
    assert "backup" not in done.stderr
    assert gatewatch("accept", str(folder), "--all").stdout == "accepted: 3 bundles\n"


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(sqlite3.SQLITE_FULL, 6), (sqlite3.SQLITE_IOERR, 6), (sqlite3.SQLITE_READONLY, 4)],
)
def test_a_disk_without_room_and_a_file_of_somebody_else_have_their_codes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, trouble: int, code: int
) -> None:
    """What ends other commands with 6 or 4 is no wrong use of this one."""

    def fails(*_: object, **__: object) -> None:
        problem = sqlite3.OperationalError("it is so")
        problem.sqlite_errorcode = trouble
        raise problem

    monkeypatch.setattr("analysis.collect.rows.open_rows", fails)
    done = gatewatch("accept", str(folder), "--all")
    assert done.exit_code == code
    assert "cannot be used now (it is so)" in done.stderr


@pytest.mark.parametrize("content", [None, b""])
def test_a_database_that_is_lost_costs_no_bundle(folder: Path, content: bytes | None) -> None:
    """A new one would know of none, and its start would sweep away what nobody knows of."""
    (folder / "collector.db").unlink()
    if content is not None:
        (folder / "collector.db").write_bytes(content)
    before = sorted(folder.rglob("*.tar"))
    done = gatewatch("--to", str(folder), "--port", "0")
    assert done.exit_code == 9
    assert "cannot be used (it is not there, and bundles are); restore it" in done.stderr
    assert sorted(folder.rglob("*.tar")) == before != []


@pytest.mark.parametrize("content", [b"", b"no key"])
def test_a_key_that_cannot_be_read_is_said(folder: Path, content: bytes) -> None:
    """No other is made in its place: volunteers believe the one that they know."""
    (folder / "key.pem").write_bytes(content)
    done = gatewatch("review", str(folder))
    assert done.exit_code == 9
    assert f"{folder / 'key.pem'} is no key of a collector; restore it" in done.stderr
    assert (folder / "key.pem").read_bytes() == content


def test_without_its_extra_it_is_named() -> None:
    """On a volunteer's machine, without the web server, the command says which extra it needs."""
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from probe.cli import main; main(['collect', '--to', 'x'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert re.fullmatch(
        r"gatewatch: needs the collect extra: \S*pip install '\.\[collect\]' in the folder of its "
        r"source\n",
        done.stderr,
    )
