"""``gatewatch submit``: through real sockets, proxies and TLS, to a real collector."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from probe.cli import main
from probe.doctor.queue import queue
from probe.run.lock import lock
from probe.sharing.bundle import unseal
from probe.sharing.courier import Courier
from probe.sharing.outbox import Outbox
from probe.spool import day_files
from tests.harness.collecting import Collector, collecting, lasting_port
from tests.harness.consenting import agree
from tests.harness.proxies import answering, certificate, dripping, http_proxy, socks
from tests.probe.failing import make_unreadable
from tests.probe.sharing.test_bundling import as_shared, dated, keep, trace

NAME = "collect.example.org"
LATER = b"HTTP/1.1 %s\nContent-Length: 0\nConnection: close\n%s\n"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a call waits between its tries is looked at in the tests of the order of things."""
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two traces whose owner has agreed to share."""
    folder = agree(tmp_path / "home")
    monkeypatch.setenv("GATEWATCH_HOME", str(folder))
    keep(folder, trace(1), trace(2))
    return folder


def gatewatch(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def configure(home: Path, **settings: str) -> None:
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    (home / "settings.toml").write_text(text, encoding="utf-8")


def held(collector: Collector) -> list[bytes]:
    """All lines that a collector holds."""
    paths = sorted(collector.folder.glob("*/*.tar"))
    return [line for path in paths for line in unseal(path.read_bytes()).lines]


def status() -> dict[str, Any]:
    done = gatewatch("submit", "status", "--json")
    assert done.exit_code == 0
    fields: dict[str, Any] = json.loads(done.stdout)
    return fields


def test_from_the_spool_to_the_collector_and_back(home: Path, tmp_path: Path) -> None:
    """Sent, looked at, accepted: each step is said, and the lines arrive as they were shown."""
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        done = gatewatch("submit")
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.endswith("  received; the collector's people will look at it\n")
        assert sorted(held(collector)) == sorted(as_shared(home))
        again = gatewatch("submit")
        assert (again.exit_code, again.stdout) == (
            0,
            "nothing waits to be sent, and nothing was decided since\n",
        )
        assert gatewatch("collect", "accept", str(tmp_path / "held"), "--all").exit_code == 0
        (answer,) = json.loads(gatewatch("submit", "--json").stdout)["answers"]
        assert (answer["status"], answer["traces"]) == ("accepted", 2)
        assert (tmp_path / "held/accepted" / f"{answer['bundle']}.tar").is_file()
    said = status()
    assert (said["accepted"], said["waiting"], said["collector_key"]) == (1, 0, collector.key)
    assert list((home / "outbox").glob("*.tar")) == []
    (receipt,) = (home / "outbox" / "receipts").iterdir()
    assert json.loads(receipt.read_bytes())["receipt"]["status"] == "accepted"


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_day_that_the_disk_does_not_give_is_named_once_all_else_is_told(
    home: Path, words: tuple[str, ...]
) -> None:
    """What became of a year of bundles does not hang on one bad block."""
    says = make_unreadable(home / "spool" / "2026-10-01.jsonl")
    done = gatewatch("submit", "status", *words)
    assert (done.exit_code, done.stderr) == (6, f"gatewatch: {says}\n")
    assert (
        json.loads(done.stdout)["not_bundled"] == 2
        if words
        else "not bundled   2 traces\n" in done.stdout
    )


@contextmanager
def tls_collector(home: Path, tmp_path: Path) -> Iterator[Collector]:
    """A collector with a certificate for a name that only what stands in between can look up."""
    cert, key = certificate(tmp_path, NAME, "localhost")
    shutil.copy(cert, home / "collector.pem")
    tls = ("--tls-cert", str(cert), "--tls-key", str(key))
    with collecting(tmp_path / "held", *tls) as collector:
        assert collector.address.startswith("https://")
        yield collector


def test_a_timer_s_log_ties_no_bundle_to_this_machine(home: Path, tmp_path: Path) -> None:
    """The log outlives a purge: which bundles went where is neither in success nor in failure."""
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        done = gatewatch("submit", "--scheduled")
        assert (done.exit_code, done.output) == (0, "bundles: 1 quarantined\n")
        assert gatewatch("submit", "--scheduled").output == ""
        keep(home, trace(3))
    done = gatewatch("submit", "--scheduled")
    waits = "not all was done; exit code 8, see: gatewatch submit status\n"
    assert (done.exit_code, done.output) == (8, waits)
    configure(home, collector="https://collect.onion")
    done = gatewatch("submit", "--scheduled")
    assert (done.exit_code, done.output) == (9, waits.replace("8", "9"))
    assert gatewatch("submit", "--scheduled", "--json").exit_code == 2


def test_tls_with_a_certificate_of_ones_own(home: Path, tmp_path: Path) -> None:
    """It is believed where the owner set it, and nothing is sent where it is not."""
    with tls_collector(home, tmp_path) as collector:
        configure(home, collector=collector.address)
        done = gatewatch("submit")
        assert done.exit_code == 8
        assert "shows a certificate that cannot be trusted" in done.stderr
        assert "collector_certificate has to be set" in done.stderr
        assert held(collector) == []
        configure(home, collector=collector.address, collector_certificate="collector.pem")
        assert gatewatch("submit", "--now").exit_code == 0
        assert len(held(collector)) == 2


def test_no_file_opens_what_was_sent_to_whoever_recorded_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the environment asks programs for the secrets of their sessions, none is written."""
    asked = tmp_path / "secrets"
    with tls_collector(home, tmp_path) as collector:
        configure(home, collector=collector.address, collector_certificate="collector.pem")
        monkeypatch.setenv("SSLKEYLOGFILE", str(asked))
        assert gatewatch("submit").exit_code == 0
        assert len(held(collector)) == 2
    assert not asked.exists()


def test_tls_for_another_name_is_not_believed(home: Path, tmp_path: Path) -> None:
    """A certificate of somebody else opens nothing."""
    with tls_collector(home, tmp_path) as collector, socks({"other.example": "127.0.0.1"}) as proxy:
        configure(
            home,
            collector=f"https://other.example:{collector.port}",
            collector_certificate="collector.pem",
            proxy=f"socks5h://127.0.0.1:{proxy.port}",
        )
        done = gatewatch("submit")
        assert (done.exit_code, held(collector)) == (8, [])
        assert "shows a certificate that cannot be trusted" in done.stderr


@pytest.fixture
def no_resolver(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that this machine's resolver was asked for, and it knows none."""
    asked: list[str] = []
    original = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, family: int = 0, type: int = 0, **_: int) -> object:  # noqa: A002
        try:
            return original(host, port, family, type, flags=socket.AI_NUMERICHOST)
        except OSError:
            asked.append(str(host))
            raise

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    return asked


def test_tor_is_asked_for_the_name(home: Path, tmp_path: Path, no_resolver: list[str]) -> None:
    """Through SOCKS the collector is reached by name, and the resolver here is never asked."""
    with tls_collector(home, tmp_path) as collector, socks({NAME: "127.0.0.1"}) as proxy:
        configure(
            home,
            collector=f"https://{NAME}:{collector.port}",
            collector_certificate="collector.pem",
            proxy=f"socks5h://127.0.0.1:{proxy.port}",
        )
        done = gatewatch("submit")
        assert (done.exit_code, done.stderr) == (0, "")
        assert len(held(collector)) == 2
        assert set(proxy.asked) == {f"name {NAME}:{collector.port}"}
        assert no_resolver == []


def test_an_http_proxy_sees_the_name_and_no_more(
    home: Path, tmp_path: Path, no_resolver: list[str]
) -> None:
    """Through an HTTP proxy TLS goes from end to end; the proxy is asked to connect."""
    with tls_collector(home, tmp_path) as collector, http_proxy({NAME: "127.0.0.1"}) as proxy:
        configure(
            home,
            collector=f"https://{NAME}:{collector.port}",
            collector_certificate="collector.pem",
            proxy=f"http://127.0.0.1:{proxy.port}",
        )
        assert gatewatch("submit").exit_code == 0
        assert len(held(collector)) == 2
        assert set(proxy.asked) == {f"CONNECT {NAME}:{collector.port}"}
        assert no_resolver == []


@pytest.mark.skipif(shutil.which("microsocks") is None, reason="microsocks is not here")
def test_through_a_socks_server_of_others(home: Path, tmp_path: Path) -> None:
    """Debian's microsocks carries it as well as ours."""
    port = lasting_port()
    server = subprocess.Popen(
        ["microsocks", "-i", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert server.poll() is None
        with tls_collector(home, tmp_path) as collector:
            configure(
                home,
                collector=f"https://localhost:{collector.port}",
                collector_certificate="collector.pem",
                proxy=f"socks5h://127.0.0.1:{port}",
            )
            assert gatewatch("submit").exit_code == 0
            assert len(held(collector)) == 2
    finally:
        server.terminate()
        server.wait(10)


def test_the_environment_s_proxy_is_not_used(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the settings say through what: a proxy of the environment may log, or leak the name."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        assert gatewatch("submit").exit_code == 0


def test_a_request_says_nothing_of_who_sends_it(home: Path) -> None:
    """No header tells one volunteer, machine or version from another."""
    key = json.dumps({"key": "00" * 32}).encode()
    shown = b"HTTP/1.1 200 fine\nConnection: close\nSet-Cookie: who=you\n\n" + key
    with answering(shown, LATER % (b"503 busy", b"")) as site:
        configure(home, collector=f"http://127.0.0.1:{site.port}")
        gatewatch("submit")
        requests = [request.splitlines() for request in site.asked]
    methods = [lines[0].split()[0] for lines in requests]
    assert methods == ["GET", "PUT", "GET", "GET"]
    for method, lines in zip(methods, requests, strict=True):
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        said = {name.lower(): value for name, value in headers.items()}
        assert (said.pop("content-length", None) is not None) == (method == "PUT")
        assert said == {
            "host": f"127.0.0.1:{site.port}",
            "user-agent": "gatewatch",
            "accept": "application/json",
            "accept-encoding": "identity",
        }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (LATER % (b"503 busy", b""), "is busy (status 503); the next try is "),
        (LATER % (b"301 moved", b"Location: /\n"), "has moved; ask for the new address and set"),
        (LATER % (b"404 nothing", b""), "does not answer as a collector does (status 404)"),
        (b"HTTP/1.1 200 fine\nContent-Length: 5\n\nhello", "does not answer as a collector does;"),
        (b"HTTP/1.1 200 fine\n\n" + b"x" * 99999, "does not answer as a collector does;"),
        (b"no HTTP", "cannot be reached"),
    ],
)
def test_what_answers_otherwise_gets_nothing(home: Path, answer: bytes, said: str) -> None:
    """Exit code 8, what is wrong, when it is tried again; and no bundle went there."""
    with answering(answer) as site:
        configure(home, collector=f"http://127.0.0.1:{site.port}")
        done = gatewatch("submit")
        assert not any(request.startswith("PUT") for request in site.asked)
    assert done.exit_code == 8
    assert done.stderr.startswith("gatewatch: 1 bundle waits to be sent: ")
    assert said in done.stderr
    assert "or at once with --now" in done.stderr
    assert status()["waiting"] == 1


def test_no_haste_is_suggested_where_the_collector_asks_to_wait(home: Path) -> None:
    """`--now` would ask nobody: neither the failure, nor the status, nor the doctor names it."""
    with answering(LATER % (b"503 busy", b"Retry-After: 3600\n")) as site:
        configure(home, collector=f"http://127.0.0.1:{site.port}")
        for haste in ((), ("--now",)):
            done = gatewatch("submit", *haste)
            assert done.exit_code == 8
            assert "is busy (status 503); it asks to wait until " in done.stderr
            assert "--now" not in done.stderr
        assert len(site.asked) == 1
    (advice,) = status()["advice"]
    assert advice.startswith(
        "the collector asks to wait; to send what waits: gatewatch submit, aft"
    )
    (finding,) = queue()
    assert finding.remedy == "gatewatch submit"


def test_what_does_not_encrypt_is_told_as_what_may_sit_in_between(home: Path) -> None:
    """As where a hotel's Wi-Fi answers for everybody until one has signed in."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)  # for whoever asks less than three times

        def answer() -> None:
            for _ in range(3):
                with server.accept()[0] as there:
                    there.sendall(b"HTTP/1.1 302 Sign in\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        configure(home, collector=f"https://127.0.0.1:{server.getsockname()[1]}")
        done = gatewatch("submit")
        thread.join()
    assert done.exit_code == 8
    assert "127.0.0.1 does not answer over TLS as it should (" in done.stderr
    assert "if the Wi-Fi wants a login, sign in with a browser" in done.stderr


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 fine\nX-", b"HTTP/1.1 200 fine\n\n"])
def test_who_only_drips_does_not_hold_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    """Each byte comes in time and the answer never does: the request ends, and is tried later."""
    monkeypatch.setattr("probe.sharing.courier.PATIENCE", 0.1)
    with dripping(head) as site:
        configure(home, collector=f"http://127.0.0.1:{site.port}")
        done = gatewatch("submit")
    assert done.exit_code == 8
    assert "127.0.0.1 cannot be reached (not done within 0 minutes)" in done.stderr


@pytest.mark.parametrize("answer", [LATER % (b"404 nothing", b""), b"HTTP/1.1 200 fine\n\nno key"])
def test_a_password_in_the_address_is_not_said(home: Path, answer: bytes) -> None:
    """What is shown to somebody who helps, or stands in a log, would open the collector to them."""
    with answering(answer) as site:
        configure(home, collector=f"http://me:secret@127.0.0.1:{site.port}")
        done = gatewatch("submit")
    assert done.exit_code == 8
    assert f"http://…@127.0.0.1:{site.port} does not answer as a collector does" in done.stderr
    shown = gatewatch("submit", "status").stdout
    assert f"http://…@127.0.0.1:{site.port}\n" in shown
    told = gatewatch("submit", "status", "--json").stdout
    assert json.loads(told)["collector"] == f"http://…@127.0.0.1:{site.port}"
    assert "secret" not in done.stderr + shown + told


def test_nobody_there_is_tried_later(home: Path) -> None:
    """Without a connection everything stays, and the status says since when and what to do."""
    port = lasting_port()
    configure(home, collector=f"http://127.0.0.1:{port}")
    done = gatewatch("submit")
    assert done.exit_code == 8
    assert "127.0.0.1 cannot be reached" in done.stderr
    lines = gatewatch("submit", "status").stdout.splitlines()
    assert lines[0] == f"collector     http://127.0.0.1:{port}"
    assert "waiting       1 bundle, 2 traces" in lines
    assert lines[-1].startswith("to send now: gatewatch submit --now; else it is tried again")


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("socks5h://u:secret@127.0.0.1:1", "socks5h://…@127.0.0.1:1"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_a_proxy_that_is_not_there_is_named_without_its_password(
    home: Path, proxy: str, said: str
) -> None:
    """As the settings have it; an IPv6 address in its brackets, or its port would be part of it."""
    configure(home, collector="https://c.example.org", proxy=proxy)
    done = gatewatch("submit")
    assert done.exit_code == 8
    assert f"cannot be reached through {said} (Connection refused)" in done.stderr
    assert "secret" not in done.stderr


def test_a_refusal_is_said_with_its_reason(home: Path, tmp_path: Path) -> None:
    """Exit code 6, and the status has the reason and the way back."""
    keep(home, trace(3, note="from 198.51.100.7"))
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        done = gatewatch("submit")
        assert done.exit_code == 6
        assert "refused: unredacted: line 3 has a text with an address" in done.stdout
        assert "see: gatewatch submit status" in done.stderr
        shown = gatewatch("submit", "status").stdout
        assert "refused: unredacted: line 3 has a text with an address" in shown
        assert "gatewatch submit --again" in shown
        assert gatewatch("submit").exit_code == 0
        assert gatewatch("submit", "--again").exit_code == 6


def test_a_refusal_of_what_was_accepted_is_told_to_who_asks(home: Path, tmp_path: Path) -> None:
    """As after its owner wanted it deleted there; unasked no place is tied to another."""
    folder = tmp_path / "held"
    with collecting(folder) as collector:
        configure(home, collector=collector.address)
        gatewatch("submit")
        gatewatch("collect", "accept", str(folder), "--all")
        gatewatch("submit")
        (bundle,) = status()["bundles"]
        refused = gatewatch("collect", "refuse", str(folder), bundle["sha256"], "--reason", "gone")
        assert refused.exit_code == 0
        assert "nothing was decided since" in gatewatch("submit").stdout
        done = gatewatch("submit", "--ask-all")
        assert (done.exit_code, "refused: operator: gone" in done.stdout) == (6, True)
    shown = gatewatch("submit", "status").stdout
    assert "operator: gone" in shown
    assert "--again" not in shown


def test_the_sums_of_what_was_accepted_are_shown_to_who_asks(home: Path, tmp_path: Path) -> None:
    """Who wants them deleted has to name them to the collector's people, and purges after that."""
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        gatewatch("submit")
        gatewatch("collect", "accept", str(tmp_path / "held"), "--all")
        gatewatch("submit")
    (bundle,) = status()["bundles"]
    assert bundle["sha256"][:16] not in gatewatch("submit", "status").stdout
    line = f"{bundle['sha256'][:16]}  AS38623  2026-11-23  accepted\n"
    assert gatewatch("submit", "status", "--all").stdout.endswith(line)
    said = "; to have it deleted there you need what is shown by: gatewatch submit status --all"
    assert said in CliRunner().invoke(main, ["purge"], input="no\n").stdout


def test_what_could_not_be_asked_is_said(home: Path, tmp_path: Path) -> None:
    """Nothing waits and nobody answers: that is not the end of what was to be done."""
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        gatewatch("submit")
    done = gatewatch("submit")
    assert (done.exit_code, done.stdout) == (8, "")
    assert "127.0.0.1 cannot be reached (Connection refused); the next try" in done.stderr


def test_what_kept_it_before_an_update_is_said_as_it_was(home: Path) -> None:
    """The second form of the tables had the words themselves."""
    configure(home, collector="https://collect.example.org")
    assert gatewatch("bundle").exit_code == 0
    with closing(sqlite3.connect(home / "outbox" / "outbox.db")) as db, db:
        make_version_2(db)
        db.execute("UPDATE bundles SET reason = 'no {room}'")
        db.execute(
            "INSERT INTO collectors (address, problem) VALUES (?, ?)",
            ("https://collect.example.org", "{host} was away"),
        )
    said = status()
    assert (said["problem"], said["bundles"][0]["reason"]) == ("{host} was away", "no {room}")


def test_a_folder_takes_what_waits(home: Path, tmp_path: Path) -> None:
    """For a USB stick or mail: the files as they are, once, and nothing is sent."""
    stick = tmp_path / "stick"
    stick.mkdir()
    for _ in range(2):
        done = gatewatch("submit", "--leave-at", str(stick))
        assert (done.exit_code, done.stderr) == (0, "")
        (file,) = stick.iterdir()
        assert done.stdout.splitlines() == [
            str(file),
            f"1 bundle lies in {stick}; hand it over as it is",
        ]
        assert sorted(unseal(file.read_bytes()).lines) == sorted(as_shared(home))
        assert dated(file) == "2026-11-23T00:00:00+00:00"
    (bundle,) = status()["bundles"]
    assert bundle["copied"] is True
    assert "waits to be sent; it was copied to a folder\n" in gatewatch("submit", "status").stdout
    file.write_bytes(b"broken off")
    assert gatewatch("submit", "--leave-at", str(stick), "--json").exit_code == 0
    assert unseal(file.read_bytes()).manifest.traces == 2


def test_a_copy_that_was_cut_midway_leaves_nothing_on_the_stick(home: Path, tmp_path: Path) -> None:
    """As by a stick pulled out: whoever gets it finds the bundle alone once it was copied anew."""
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "notes.4711.new").write_text("of somebody else", encoding="utf-8")
    leave = ["submit", "--leave-at", str(stick)]
    assert gatewatch("bundle").exit_code == 0
    code = (
        "import os, signal; from probe.cli import main\n"
        "os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"main({leave!r})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert len(list(stick.iterdir())) == 2
    assert gatewatch(*leave).exit_code == 0
    assert sorted(path.suffix for path in stick.iterdir()) == [".new", ".tar"]
    assert (stick / "notes.4711.new").is_file()


@pytest.mark.parametrize("by", ["submit", "bundle"])
def test_what_was_cut_midway_goes_though_its_bundle_is_copied_no_more(
    home: Path, tmp_path: Path, by: str
) -> None:
    """As of one that was sent meanwhile; what only looks like it is somebody else's."""
    stick = tmp_path / "stick"
    stick.mkdir()
    others = {"notes.4711.new", "backup.tar.20240101.new", f"{'0' * 64}.tar", f"{'0' * 64}.tar.new"}
    for name in (f"{'a' * 64}.tar.4711.new", *others):
        (stick / name).write_text("some of it", encoding="utf-8")
    copy = stick / "mine.tar"
    words = (
        ["submit", "--leave-at", str(stick)] if by == "submit" else ["bundle", "--to", str(copy)]
    )
    assert gatewatch(*words).exit_code == 0
    there = {path.name for path in stick.iterdir()}
    assert others <= there
    assert f"{'a' * 64}.tar.4711.new" not in there


def test_the_folder_of_a_copy_is_not_put_down(home: Path, tmp_path: Path) -> None:
    """Its name may be that of whoever got the stick: the outbox knows that there is a copy."""
    stick = tmp_path / "stick-of-sokha"
    stick.mkdir()
    assert gatewatch("bundle", "--to", str(stick / "one.tar")).exit_code == 0
    assert gatewatch("submit", "--leave-at", str(stick)).exit_code == 0
    assert [bundle["copied"] for bundle in status()["bundles"]] == [True]
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"stick-of-sokha" not in kept


def make_version_2(db: sqlite3.Connection) -> None:
    """Make the tables of an outbox those of the second form."""
    for table in ("bundles", "collectors"):
        db.execute(f"ALTER TABLE {table} DROP COLUMN named")
    db.execute("PRAGMA user_version = 2")


@pytest.mark.parametrize("left_at", ["/media/sokha/stick", None])
def test_an_outbox_forgets_the_folders_that_it_knew(home: Path, left_at: str | None) -> None:
    """The first form of its tables had a place for them; that there is a copy stays known."""
    assert gatewatch("bundle").exit_code == 0
    database = home / "outbox" / "outbox.db"
    with closing(sqlite3.connect(database)) as db, db:
        make_version_2(db)
        db.execute("ALTER TABLE bundles DROP COLUMN copied")
        db.execute("ALTER TABLE bundles ADD COLUMN left_at TEXT")
        db.execute("UPDATE bundles SET left_at = ?", (left_at,))
        db.execute("PRAGMA user_version = 1")
    assert (b"sokha" in database.read_bytes()) is (left_at is not None)
    for _ in range(2):
        assert [bundle["copied"] for bundle in status()["bundles"]] == [left_at is not None]
    assert b"sokha" not in database.read_bytes()


@pytest.mark.parametrize("words", [("submit", "--leave-at"), ("bundle", "--to")])
def test_a_stick_that_takes_no_times_is_written_to_and_told_of(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    """One that is mounted as another user's refused each copy, and nothing could be handed over."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    stick = tmp_path / "stick"
    stick.mkdir()
    monkeypatch.setattr(os, "utime", refuse)
    done = gatewatch(*words, str(stick / "out.tar" if "--to" in words else stick))
    assert done.exit_code == 0
    assert done.stderr.startswith(f"{stick} takes no times of files from us")
    (file,) = stick.iterdir()
    assert sorted(unseal(file.read_bytes()).lines) == sorted(as_shared(home))


@pytest.mark.parametrize("damage", [b"damaged", None])
def test_a_damaged_bundle_is_not_handed_over(
    home: Path, tmp_path: Path, damage: bytes | None
) -> None:
    """It is said, exit code 6, and the next call hands over what it held."""
    assert gatewatch("bundle").exit_code == 0
    (kept,) = (home / "outbox").glob("*.tar")
    kept.unlink()
    if damage is not None:
        kept.write_bytes(damage)
    done = gatewatch("submit", "--leave-at", str(tmp_path))
    assert done.exit_code == 6
    assert (
        f"is damaged or was deleted: {kept}; its traces are bundled anew next time" in done.stderr
    )
    assert not list(tmp_path.glob("*.tar"))
    assert gatewatch("submit", "--leave-at", str(tmp_path)).exit_code == 0
    (file,) = tmp_path.glob("*.tar")
    assert sorted(unseal(file.read_bytes()).lines) == sorted(as_shared(home))


def test_nothing_is_handed_over_while_it_is_sent(home: Path, tmp_path: Path) -> None:
    """What the collector accepts in this moment is deleted here."""
    with Outbox(home / "outbox") as outbox, outbox.locked("submitting"):
        done = gatewatch("submit", "--leave-at", str(tmp_path))
    assert done.exit_code == 8
    assert "another gatewatch is sending" in done.stderr


@pytest.mark.parametrize(
    ("settings", "words", "code", "said"),
    [
        ({}, [], 2, 'nobody to send to: set collector = "https://…" in '),
        ({"colector": "x"}, [], 9, "settings.toml:1: there is no setting 'colector'"),
        ({"collector": "http://abc.onion"}, [], 9, "can be reached through Tor only; start Tor"),
        ({"collector": "https://abc.onion."}, [], 9, "can be reached through Tor only; start Tor"),
        ({"collector": "https://abc.\uff4fnion"}, [], 9, "can be reached through Tor only"),
        (
            {"collector": "https://c.org", "collector_certificate": "no.pem"},
            [],
            9,
            "no.pem is no certificate in PEM; set collector_certificate to one",
        ),
        ({}, ["--leave-at", "/nowhere/stick"], 9, "is not there; plug the stick in"),
    ],
)
def test_wrong_settings_are_said(
    home: Path, settings: dict[str, str], words: list[str], code: int, said: str
) -> None:
    """Each mistake ends in one sentence with its remedy, and the right exit code."""
    configure(home, **settings)
    done = gatewatch("submit", *words)
    assert done.exit_code == code
    assert said in done.stderr


def test_what_was_not_bundled_yet_is_said(home: Path) -> None:
    """Traces that nobody has tried to send are seen, with what sends them; asking makes nothing."""
    shown = gatewatch("submit", "status").stdout.splitlines()
    assert "not bundled   2 traces" in shown
    assert shown[-1].startswith("nobody to send to: set collector = ")
    configure(home, collector="http://127.0.0.1:1")
    assert status()["advice"] == ["to send what waits: gatewatch submit"]
    assert not (home / "outbox").exists()
    gatewatch("bundle")
    keep(home, trace(3))
    assert (status()["not_bundled"], status()["waiting"]) == (1, 1)


def test_many_undecided_bundles_are_told_by_the_month(home: Path) -> None:
    """Whose collector decides nothing for months finds what to do without turning pages."""
    for days in range(60):
        keep(home, trace(3, days=days))
        gatewatch("bundle")
    few = gatewatch("submit", "status").stdout.splitlines()
    listed = [line for line in few if "AS38623" in line]
    assert listed == [
        "2026-11           AS38623  8 bundles, 10 traces  waits to be sent",
        "2026-12           AS38623  31 bundles, 31 traces  waits to be sent",
        "2027-01           AS38623  21 bundles, 21 traces  waits to be sent",
    ]
    assert "to see each bundle: gatewatch submit status --all" in few
    everything = gatewatch("submit", "status", "--all").stdout
    bundles = status()["bundles"]
    assert len(bundles) == 60
    assert all(bundle["sha256"][:16] in everything for bundle in bundles)
    assert "to see each bundle" not in everything


def test_what_a_former_key_may_have_signed_is_said_to_stay(home: Path, tmp_path: Path) -> None:
    """Whoever counts what arrives must not wonder where the rest is."""
    today = home / "spool" / "2026-11-23.jsonl"
    today.rename(home / today.name)
    keep(home, trace(3, days=-100), trace(4, days=-100))
    gatewatch("bundle")
    (home / "outbox").rename(home / "away")
    (home / today.name).rename(today)
    keep(home, trace(5, days=-50))
    stick = tmp_path / "stick"
    stick.mkdir()
    done = gatewatch("submit", "--leave-at", str(stick))
    assert done.stdout.splitlines()[2] == "left out: 2 signed before"
    assert "it would show that both keys are one machine's" in done.stdout
    (home / "outbox").rename(tmp_path / "away again")
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        done = gatewatch("submit", "--json")
        assert json.loads(done.stdout)["left_out"] == {"signed_before": 2}
        assert len(held(collector)) == 3


def test_what_a_clock_far_ahead_may_have_dated_is_said_to_wait(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what mends it, where its owner counts what was handed over."""
    monkeypatch.setattr("probe.sharing.bundling.is_set_by_others", lambda: False)
    keep(home, trace(3, days=400))
    stick = tmp_path / "stick"
    stick.mkdir()
    done = gatewatch("submit", "--leave-at", str(stick))
    assert done.stdout.splitlines()[2] == "left out: 1 doubtful day"
    assert done.stdout.splitlines()[3].endswith("sudo timedatectl set-ntp true")


def test_an_outbox_that_cannot_be_used_is_said(home: Path) -> None:
    """Damaged, or of a later version: exit code 9, and what to do; then nothing is lost."""
    configure(home, collector="http://127.0.0.1:1")
    gatewatch("bundle")
    path = home / "outbox" / "outbox.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    done = gatewatch("submit")
    assert (done.exit_code, "update gatewatch" in done.stderr) == (9, True)
    path.write_bytes(b"not SQLite" * 1000)
    for words in (["submit"], ["bundle"], ["submit", "status"]):
        done = gatewatch(*words)
        assert done.exit_code == 9
        assert f"move {home / 'outbox'} away" in done.stderr
    (home / "outbox").rename(home / "away")
    assert json.loads(gatewatch("bundle", "--json").stdout)["bundles"][0]["traces"] == 2


@pytest.mark.parametrize("room", [100, 4000, 6000, 20_000])
def test_a_full_disk_is_said(home: Path, room: int) -> None:
    """In the key, the bundle or the database: exit code 6, and with room all is bundled, once."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    with Outbox(home / "outbox"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        done = gatewatch("bundle")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert (done.exit_code, "disk full" in done.stderr) == (6, True)
    assert gatewatch("bundle").exit_code == 0
    said = status()
    assert (said["waiting"], said["not_bundled"]) == (1, 0)
    assert said["bundles"][0]["traces"] == 2


def test_an_outbox_that_a_full_disk_left_empty_is_none(home: Path) -> None:
    """Whoever looks what waits is told, as long as there is no room for a database either."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        assert gatewatch("bundle").exit_code == 6
        assert (home / "outbox" / "outbox.db").stat().st_size == 0
        said = status()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert (said["not_bundled"], said["waiting"]) == (2, 0)


def test_without_consent_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, and no file is made; asking for the status needs no consent."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    assert gatewatch("submit").exit_code == 3
    shown = gatewatch("submit", "status")
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (0, "collector     none")
    assert not (tmp_path / "home").exists()


def test_what_waits_without_consent_is_not_said_to_be_tried_again(home: Path) -> None:
    """Whoever took it back reads of no next try."""
    configure(home, collector="https://127.0.0.1:9")
    assert gatewatch("submit").exit_code == 8
    assert "it is tried again after" in gatewatch("submit", "status").stdout
    assert gatewatch("consent", "withdraw", "--share").exit_code == 0
    said = gatewatch("submit", "status").stdout
    assert said.endswith(
        "you have not agreed to share, so nothing is sent and nobody is asked; to agree: gatewatch "
        "consent grant --share\n"
    )
    assert "tried again" not in said


def test_what_asks_at_once_is_named_while_a_pause_lasts(home: Path, tmp_path: Path) -> None:
    """Without `--now` nobody is asked within hours of a failure."""
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        assert gatewatch("submit").exit_code == 0
        said = gatewatch("submit", "status").stdout
        assert said.endswith("to ask what was decided: gatewatch submit\n")
    assert gatewatch("submit").exit_code == 8
    said = gatewatch("submit", "status").stdout
    assert said.endswith("to ask what was decided: gatewatch submit --now\n")


def test_consent_taken_back_while_it_sends_ends_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundle under way is the last that leaves, and the command ends as without consent."""
    keep(home, trace(3, 17976))
    send = Courier.send

    def and_withdraw(courier: Courier, sha256: str, data: bytes) -> bytes:
        assert gatewatch("consent", "withdraw", "--share").exit_code == 0
        return send(courier, sha256, data)

    monkeypatch.setattr(Courier, "send", and_withdraw)
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        done = gatewatch("submit")
        assert (done.exit_code, done.stdout) == (3, "")
        assert "has not agreed to: share" in done.stderr
        assert len(list(collector.folder.glob("*/*.tar"))) == 1
    assert (status()["waiting"], status()["quarantined"]) == (1, 1)


class Ahead(datetime):
    """A clock that shows 2036."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Ahead:
        return cls(2036, 1, 1, tzinfo=tz)


def test_old_days_go_by_themselves_where_their_owner_has_set_that(
    home: Path, tmp_path: Path
) -> None:
    """Once accepted; not before, not while a run is going on, and not without the setting."""
    keep(home, trace(3, days=-20))
    old = home / "spool" / "2026-11-03.jsonl"
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        gatewatch("submit")
        gatewatch("collect", "accept", str(tmp_path / "held"), "--all")
        assert gatewatch("submit").stdout.endswith("  accepted\n")
        assert old.exists()
        with (home / "settings.toml").open("a", encoding="utf-8") as file:
            file.write("keep_accepted_days = 1\n")
        with lock(home):
            assert json.loads(gatewatch("submit", "--json").stdout)["deleted_days"] == 0
        done = gatewatch("submit")
        assert "deleted 1 day of traces that a collector has accepted\n" in done.stdout
    assert not old.exists()
    assert len(as_shared(home)) == 2
    assert (status()["accepted"], status()["not_bundled"]) == (1, 0)


def test_a_clock_that_is_ahead_lets_no_day_go(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long ago a day was measured is told by the last one, as the age of a key is."""
    keep(home, trace(3, days=-20), trace(4, days=-40))
    with collecting(tmp_path / "held") as collector:
        configure(home, collector=collector.address)
        gatewatch("submit")
        gatewatch("collect", "accept", str(tmp_path / "held"), "--all")
        with (home / "settings.toml").open("a", encoding="utf-8") as file:
            file.write("keep_accepted_days = 30\n")
        monkeypatch.setattr("probe.commands.submit.datetime", Ahead)
        assert json.loads(gatewatch("submit", "--json").stdout)["deleted_days"] == 1
    oldest, *_ = day_files(home / "spool")
    assert oldest.stem == "2026-11-03"
