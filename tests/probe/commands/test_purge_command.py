"""``gatewatch purge``: what it lists, what it deletes, and what it leaves alone."""

from __future__ import annotations

import errno
import fcntl
import functools
import json
import os
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from probe.cli import main
from probe.disk.belongings import belongings, strangers, take_away
from probe.engine.horizon import Limits
from probe.engine.session import SessionSettings
from probe.run.lock import lock
from probe.sharing.outbox import Outbox
from probe.sharing.receipt import Receipt
from probe.words.failure import PartlyDone
from tests.harness.consenting import agree
from tests.probe import paths
from tests.probe.sharing.test_bundling import keep, trace


class Played:
    """A timer that can be switched off."""

    name = "played timer"
    installed = True

    def standing(self, job: object) -> Played:
        return self

    def remove(self) -> bool:
        self.installed = False
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played()
    monkeypatch.setattr("probe.schedule.here.timer", lambda *, system: played)
    monkeypatch.setattr("probe.schedule.here.job", lambda *, system: None)
    monkeypatch.setattr("probe.schedule.here.is_system_wide", lambda: False)
    return played


@pytest.fixture
def home(tmp_path: Path, clock: Played, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which there is all that commands leave there."""
    folder = agree(tmp_path / "home")
    monkeypatch.setenv("GATEWATCH_HOME", str(folder))
    monkeypatch.setattr("probe.commands.run.read_premises", lambda: paths.HOME)
    monkeypatch.setattr("probe.commands.run.without_way", lambda _: frozenset())
    monkeypatch.setattr("probe.commands.run.open_network", lambda *_, **__: paths.network())
    monkeypatch.setattr("probe.commands.unattended.reason_to_wait", lambda: None)
    impatient = functools.partial(SessionSettings, limits=Limits(timeout_ceiling=0.1))
    monkeypatch.setattr("probe.commands.run.SessionSettings", impatient)
    targets = tmp_path / "targets.txt"
    targets.write_text(f"{paths.TARGET}\n193.0.6.138\n193.0.14.129\n", encoding="utf-8")
    for name in ("settings.toml", "do-not-probe.txt", "consent.html"):
        (folder / name).write_text("", encoding="utf-8")
    gatewatch("run", "--scheduled", "--rate", "1000", "--targets", str(targets))
    gatewatch("bundle")
    return folder


def gatewatch(*arguments: str) -> Result:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done


def test_nothing_of_ours_is_left(home: Path, clock: Played) -> None:
    """After a run and a bundle: each kind is listed, and then the folder and the timer are gone."""
    assert {one.kind for one in belongings(home)} >= {
        "consent",
        "keys",
        "names of this vantage point",
        "traces",
        "bundles and receipts",
        "counts and schedule",
    }
    assert strangers(home) == []
    done = gatewatch("purge", "--yes")
    assert "traces                               1 file " in done.stdout
    assert "the timer: played timer" in done.stdout
    assert "The system's log keeps a line, with the time, of each run" in done.stdout
    assert "on SSDs" in done.stdout
    assert not home.exists()
    assert not clock.installed
    clock.installed = False
    assert gatewatch("purge").stdout.startswith("nothing of gatewatch is kept")


def test_a_script_reads_what_there_is_and_what_became_of_it(home: Path, clock: Played) -> None:
    """Without the word it is a look: nobody is asked, and nothing goes."""
    (home / "notes").touch()
    looked = json.loads(gatewatch("purge", "--json").stdout)
    found = {one["kind"]: (one["files"], one["bytes"]) for one in looked["found"]}
    assert found["traces"] == (1, next((home / "spool").iterdir()).stat().st_size)
    assert (looked["folder"], looked["timer"]) == (str(home), "played timer")
    assert looked["not_ours"] == [str(home / "notes")]
    assert any("cannot be undone" in sentence for sentence in looked["limits"])
    assert (looked["deleted"], clock.installed) == (False, True)
    done = json.loads(gatewatch("purge", "--json", "--yes").stdout)
    assert done == {**looked, "deleted": True}
    assert [path.name for path in home.iterdir()] == ["notes"]
    clock.installed = False
    nothing = json.loads(gatewatch("purge", "--json", "--yes").stdout)
    assert (nothing["found"], nothing["deleted"]) == ([], False)


@pytest.mark.skipif(os.name != "posix", reason="there is no sudo")
def test_under_sudo_a_timer_of_who_called_it_is_said_to_stay(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root sees its own timers alone, and deletes the data of the other user."""
    homes = {0: str(Path.home()), 1000: "/home/sokha"}
    monkeypatch.setattr("pwd.getpwuid", lambda uid: SimpleNamespace(pw_dir=homes[uid]))
    stays = "A timer that was installed without sudo is not deleted"
    assert stays not in CliRunner().invoke(main, ["purge"]).stdout
    monkeypatch.setenv("SUDO_UID", "1000")
    assert stays in CliRunner().invoke(main, ["purge"]).stdout


def test_the_systems_timer_is_told_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on measuring, also where nothing is kept of one's own."""
    monkeypatch.setattr("probe.schedule.here.is_system_wide", lambda: True)
    still = "The system's timer and its own data are not deleted"
    assert still in gatewatch("purge", "--yes").stdout
    assert still in gatewatch("purge").stdout


def test_what_lies_elsewhere_is_told(home: Path, tmp_path: Path) -> None:
    """That there are copies is said before it asks, and that nobody knows the rest."""
    stick = tmp_path / "stick"
    stick.mkdir()
    gatewatch("submit", "--leave-at", str(stick))
    said = gatewatch("purge", "--yes").stdout
    assert "1 bundle was copied to a folder that you named\n" in said
    assert "run --to, --pcap, bundle --to or submit --leave-at" in said
    assert len(list(stick.iterdir())) == 1


def test_what_is_deleted_does_not_come_back_with_the_power(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consent and keys are gone from the disk before the many traces go, and the folder at last."""
    synced: list[set[str]] = []

    def sync(folder: Path) -> None:
        assert folder in {home, home.parent}
        synced.append({path.name for path in home.iterdir()} if home.exists() else set())

    monkeypatch.setattr("probe.disk.belongings.sync_folder", sync)
    gatewatch("purge", "--yes")
    assert "consent.json" not in synced[0]
    assert {"keys", "spool"} <= synced[0]
    assert "keys" not in synced[1]
    assert synced[-1] == set()


def test_without_a_terminal_it_wants_the_word(home: Path, clock: Played) -> None:
    """A script that did not mean it deletes nothing."""
    done = CliRunner().invoke(main, ["purge"])
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert (home / "spool").is_dir()
    assert clock.installed


@pytest.mark.parametrize(("typed", "left"), [("\n", True), ("n\n", True), ("y\n", False)])
def test_enter_alone_deletes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, typed: str, left: bool
) -> None:
    """The default of the question is no."""
    monkeypatch.setattr("probe.commands.deleting._on_terminal", lambda: True)
    done = CliRunner().invoke(main, ["purge"], input=typed)
    assert done.exit_code == 0
    assert home.exists() is left


@pytest.mark.parametrize("words", [("--yes",), ("--yes", "--json")])
@pytest.mark.parametrize("listener", ["full disk", "nobody"])
def test_who_cannot_be_told_loses_it_all_the_same(
    home: Path,
    clock: Played,
    words: tuple[str, ...],
    listener: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What it lists or says at the end goes to a full disk or a closed pipe: all is gone."""
    with ExitStack() as stack:
        if listener == "nobody":
            reader, writer = os.pipe()
            os.close(reader)
            there = stack.enter_context(open(writer, "w", encoding="utf-8"))  # noqa: PTH123 - number
        else:
            there = stack.enter_context(Path("/dev/full").open("w", encoding="utf-8"))
        monkeypatch.setattr("sys.stdout", there)
        with pytest.raises(SystemExit) as ended:
            main(["purge", *words])
    assert not home.exists()
    assert not clock.installed
    said = capfd.readouterr().err
    if listener == "nobody":
        assert (ended.value.code, said) == (141, "")
    else:
        assert ended.value.code == 6
        assert said.startswith("gatewatch: all of it is deleted; only what is said of it could not")
        assert said.count("\n") == 1


def test_who_cannot_be_asked_loses_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody says yes to a list that went to a full disk."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(SystemExit) as ended:
            main(["purge"])
    assert (ended.value.code, home.exists()) == (6, True)


def test_what_is_not_ours_stays_and_is_named(tmp_path: Path, home: Path) -> None:
    """A data folder may be any folder; a link is taken away, not what it leads to."""
    elsewhere = tmp_path / "usb"
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").write_text("years of work", encoding="utf-8")
    (home / "letters").mkdir()
    (home / "letters" / "one").touch()
    spool = home / "spool"
    take_away(home, [one for one in belongings(home) if one.kind == "traces"])
    spool.symlink_to(elsewhere)
    done = gatewatch("purge", "--yes")
    assert f"left, since it is not gatewatch's: {home / 'letters'}" in done.stdout
    assert [path.name for path in home.iterdir()] == ["letters"]
    assert (elsewhere / "thesis.txt").exists()


@pytest.mark.parametrize("stuck", ["consent.json", "one.pem", "one.jsonl", "vantage.state"])
def test_what_cannot_be_deleted_keeps_nothing_else(
    home: Path, monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    """A card with one bad block kept all that came after it; who purges may be in a hurry."""
    for name in ("keys/one.pem", "spool/one.jsonl"):
        (home / name).touch()
    remove = os.unlink

    def failing(path: str | Path, *, dir_fd: int | None = None) -> None:
        if Path(path).name == stuck:
            raise OSError(errno.EIO, "Input/output error", path)
        remove(path, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", failing)
        done = CliRunner().invoke(main, ["purge", "--yes"])
    (left,) = [path for path in home.rglob("*") if path.is_file()]
    assert left.name == stuck
    assert done.exit_code == 6
    assert f"the disk fails at {left} (Input/output error)" in done.stderr
    gatewatch("purge", "--yes")
    assert not home.exists()


@pytest.mark.skipif(os.name != "posix", reason="everybody has a home there")
def test_who_has_no_home_loses_it_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor a name, as in a container: there is no place for a timer, and `schedule` says so."""

    def nameless(_: int) -> None:
        raise KeyError

    folder = agree(tmp_path / "kept")
    monkeypatch.setenv("GATEWATCH_HOME", str(folder))
    monkeypatch.setenv("PATH", "")
    for variable in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nameless)
    monkeypatch.setattr("probe.schedule.here.BOOTED", tmp_path)
    asked = CliRunner().invoke(main, ["schedule", "status"])
    assert (asked.exit_code, asked.stdout) == (9, "")
    assert asked.stderr.startswith("gatewatch: this user has no home folder, in which timers")
    gatewatch("purge", "--yes")
    assert not folder.exists()


@pytest.mark.parametrize("fault", ["locks", "folder"])
def test_a_disk_that_fails_keeps_nobody_from_deleting(
    home: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Without locks nobody else can be at work; what cannot be listed is not counted."""
    listed = os.listdir

    def without(_file: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    def failing(path: str | Path) -> list[str]:
        if Path(path).name == "spool":
            raise OSError(errno.EIO, "Input/output error", str(path))
        return listed(path)

    with monkeypatch.context() as patch:
        if fault == "locks":
            patch.setattr(fcntl, "flock", without)
        else:
            patch.setattr(os, "listdir", failing)
        done = CliRunner().invoke(main, ["purge", "--yes"])
    assert done.exit_code == 0, done.stderr
    assert not home.exists()


def test_what_a_crash_left_unfinished_is_ours_too(tmp_path: Path) -> None:
    """The halves of files that were being replaced go with them."""
    (tmp_path / "consent.json.4711.new").touch()
    (tmp_path / "plans.new").touch()
    (one,) = belongings(tmp_path)
    assert (one.kind, one.files) == ("consent", 1)
    assert strangers(tmp_path) == [tmp_path / "plans.new"]


@pytest.mark.parametrize("what", ["bundling", "submitting", "a run"])
def test_who_does_not_end_is_not_waited_for(
    home: Path, clock: Played, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a program that hangs: all goes, and that it may write some of it anew is said."""
    monkeypatch.setattr("probe.commands.purge._PATIENCE", 0.0)
    with (
        Outbox(home / "outbox") as outbox,
        lock(home) if what == "a run" else outbox.locked(what),
    ):
        done = CliRunner().invoke(main, ["purge", "--yes"])
    assert done.exit_code == PartlyDone.exit_code
    assert "another gatewatch is at work here" in done.stderr
    assert "call `gatewatch purge` again" in done.stderr
    assert not home.exists()
    assert not clock.installed


def test_whoever_is_at_work_ends_first(
    home: Path, clock: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consent goes before all else, which ends it; what it wrote until then goes as well."""
    with ExitStack() as at_work:
        at_work.enter_context(lock(home))

        def end(_: float) -> None:
            assert not (home / "consent.json").exists()
            (home / "schedule.state").write_text("ended")
            at_work.close()

        monkeypatch.setattr("probe.commands.purge.time.sleep", end)
        done = gatewatch("purge", "--yes")
    assert done.stderr.count("another gatewatch is at work here") == 1
    assert not home.exists()


def test_what_came_while_it_asked_goes_too(
    tmp_path: Path, clock: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timer may go off while somebody thinks the question over."""
    home = agree(tmp_path / "home")
    monkeypatch.setenv("GATEWATCH_HOME", str(home))

    def long_thought() -> bool:
        for made in ("spool", "keys", "outbox"):
            (home / made).mkdir()
            (home / made / "file").touch()
        return True

    monkeypatch.setattr("probe.commands.purge.agreed", long_thought)
    gatewatch("purge")
    assert not home.exists()


def test_an_outbox_that_cannot_be_read_goes_too(home: Path) -> None:
    """Nobody has to mend what they want to be rid of."""
    (home / "outbox" / "outbox.db").write_bytes(b"no database, but long enough to look like one")
    gatewatch("purge", "--yes")
    assert not home.exists()


def test_only_what_was_accepted_goes_where_that_is_asked(home: Path, clock: Played) -> None:
    """Days of long ago are listed and deleted after a yes; all else stays."""
    assert "nothing was deleted" in gatewatch("purge", "--accepted", "30", "--yes").stdout
    keep(home, trace(1, days=-400), trace(2, days=-399))
    gatewatch("bundle")
    key = Ed25519PrivateKey.generate()
    with Outbox(home / "outbox") as outbox:
        for entry in outbox.entries():
            receipt = Receipt(entry.sha256, "accepted", entry.traces, "2026-11-26")
            outbox.received(receipt, receipt.signed(key))
    before = files(home)
    assert CliRunner().invoke(main, ["purge", "--accepted", "30"]).exit_code == 2
    with lock(home):
        assert CliRunner().invoke(main, ["purge", "--accepted", "30", "--yes"]).exit_code == 2
    assert files(home) == before
    looked = json.loads(gatewatch("purge", "--accepted", "30", "--json").stdout)
    assert (looked["days"], looked["deleted"]) == (["2025-10-19", "2025-10-20"], False)
    assert files(home) == before
    done = gatewatch("purge", "--accepted", "30", "--yes")
    assert "deleted 2 days of traces that a collector has accepted\n" in done.stdout
    assert before - files(home) == {"2025-10-19.jsonl", "2025-10-20.jsonl"}
    assert clock.installed


def test_more_days_than_there_were_are_refused(home: Path) -> None:
    """No date lies so far back; the setting `keep_accepted_days` has the same bound."""
    gatewatch("bundle")
    done = CliRunner().invoke(main, ["purge", "--accepted", "99999999999"])
    assert done.exit_code == 2
    assert "36500" in done.stderr


def test_days_that_stay_are_said_with_what_keeps_them(home: Path) -> None:
    """What waits may go once it is accepted; what no bundle takes is its owner's to delete."""
    keep(home, trace(1, days=-400), trace(2, None, days=-399))
    gatewatch("bundle")
    done = gatewatch("purge", "--accepted", "30", "--yes")
    kept = home / "spool" / "2025-10-20.jsonl"
    assert done.stdout.splitlines() == [
        "1 day as old stays, since not all of it was accepted so far; see: gatewatch submit status",
        "1 day as old stays for good: it holds traces that no bundle takes, as those of a key that "
        "was replaced since; delete it by hand where you do not need it:",
        f"  {kept}",
        "no day lies here that is so old and was accepted; nothing was deleted",
    ]
    looked = json.loads(gatewatch("purge", "--accepted", "30", "--json", "--yes").stdout)
    assert (looked["days"], looked["bytes"], looked["deleted"]) == ([], 0, False)
    assert (looked["stay"], looked["stay_for_good"]) == (["2025-10-19"], ["2025-10-20"])
    kept.unlink()
    assert "for good" not in gatewatch("purge", "--accepted", "30", "--yes").stdout


def files(home: Path) -> set[str]:
    return {path.name for path in home.rglob("*") if path.is_file()}
