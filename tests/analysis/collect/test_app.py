"""A collector over real sockets: what it takes, what it answers, and what it does not know."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from analysis.collect.app import application
from analysis.collect.store import Store
from probe.sharing.bundle import LARGEST, LARGEST_FILE, sha256_of
from probe.sharing.receipt import Receipt, read_receipt
from tests.analysis.collect.bundles import line, sealed, trace
from tests.harness.collecting import Collector, collecting
from tests.probe.sharing.test_bundle import bomb, repacked

TODAY = datetime.now(UTC).date().isoformat()
ONE = sealed([line(trace(1))])
BAD = sealed([line(trace(1, source="203.0.113.9"))])


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with collecting(tmp_path_factory.mktemp("collector") / "held") as running:
        yield running


@pytest.fixture
def client(collector: Collector) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=collector.address, trust_env=False, timeout=30) as client:
        yield client


def put(client: httpx2.Client, data: bytes, name: str | None = None) -> httpx2.Response:
    return client.put(f"/v1/bundles/{name or sha256_of(data)}", content=data)


def receipt(answer: httpx2.Response, data: bytes, collector: Collector) -> Receipt:
    return read_receipt(answer.content, sha256_of(data), collector.key)


def test_a_bundle_is_taken_once_however_often_it_comes(
    client: httpx2.Client, collector: Collector
) -> None:
    """The first and every later PUT, and GET, give the same signed receipt."""
    name = sha256_of(ONE)
    assert client.get(f"/v1/bundles/{name}").status_code == 404
    answers = [put(client, ONE), put(client, ONE), client.get(f"/v1/bundles/{name}")]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert {receipt(answer, ONE, collector) for answer in answers} == {
        Receipt(name, "quarantined", 1, TODAY)
    }
    assert (collector.folder / "quarantine" / f"{name}.tar").read_bytes() == ONE


def test_a_refusal_is_signed_and_says_why(client: httpx2.Client, collector: Collector) -> None:
    """The volunteer learns what is wrong, and nothing of it is kept."""
    answer = put(client, BAD)
    assert answer.status_code == 422
    assert receipt(answer, BAD, collector).reason == (
        "unredacted: line 1 has the address that it was measured from"
    )
    assert client.get(f"/v1/bundles/{sha256_of(BAD)}").status_code == 404


def sent(store: Store, method: str, content: bytes | None = None) -> httpx2.Response:
    """The answer of a collector without a socket, on the bundle `ONE`."""
    return asked(application(store, lambda: datetime.now(UTC), pytest.fail), method, content)


def asked(app: Starlette, method: str, content: bytes | None = None) -> httpx2.Response:
    name = sha256_of(content or ONE)

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://collector") as client:
            return await client.request(method, f"/v1/bundles/{name}", content=content)

    return asyncio.run(ask())


def test_a_disk_without_room_sends_everybody_away_for_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a byte is taken in; what waits at the volunteer's is sent then. The log says so."""
    monkeypatch.setattr("analysis.collect.look.ROOM", 1 << 70)
    told: list[str] = []
    with Store(tmp_path) as store:
        answer = asked(application(store, lambda: datetime.now(UTC), told.append), "PUT", ONE)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "3600")
        assert store.held() == []
    assert [text.partition(", so")[0] for text in told] == [
        f"warning: {tmp_path} cannot be used (less than 256 MiB are free)"
    ]


@pytest.mark.parametrize(
    ("where", "problem", "said"),
    [
        ("incoming", OSError(errno.EDQUOT, "Disk quota exceeded"), "Disk quota exceeded"),
        ("incoming", OSError(errno.EROFS, "Read-only file system"), "Read-only file system"),
        ("take_in", OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        ("take_in", sqlite3.OperationalError("database is locked"), "database is locked"),
        ("take_in", sqlite3.DatabaseError("disk image is malformed"), "disk image is malformed"),
    ],
)
def test_what_cannot_be_kept_waits_at_its_senders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, problem: Exception, said: str
) -> None:
    """A quota, no inode, a disk gone read-only: no receipt, and one sentence for the keeper.

    It was a traceback of forty lines for each try of each volunteer, and no word of a remedy.
    """

    def fails(*_: object) -> None:
        raise problem

    told: list[str] = []
    with Store(tmp_path) as store:
        app = application(store, lambda: datetime.now(UTC), told.append)
        with monkeypatch.context() as patched:
            patched.setattr(store, where, fails)
            answers = [asked(app, "PUT", ONE) for _ in range(3)]
        assert [(one.status_code, one.headers["retry-after"]) for one in answers] == [
            (503, "3600")
        ] * 3
        assert len(told) == 1
        assert told[0].startswith(f"warning: {tmp_path} cannot be used ({said}), so that whoever")
        assert store.held() == []
        assert asked(app, "PUT", ONE).status_code == 202
        monkeypatch.setattr(store, "receipt", fails)
        assert [asked(app, "GET").status_code for _ in range(2)] == [503] * 2
        assert len(told) == 2, "it is told anew once it had been well"


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01, before there was gatewatch"),
        (
            datetime(2026, 10, 30, tzinfo=UTC),
            "2026-10-30, and what is held was measured until 2026-11-23",
        ),
    ],
)
def test_a_clock_that_is_behind_costs_no_sender_a_bundle(
    tmp_path: Path, clock: datetime, said: str
) -> None:
    """As of a board without a battery: all were refused, and each had to be told to send again."""
    told: list[str] = []
    now = [datetime.now(UTC)]
    other = sealed([line(trace(9))])
    with Store(tmp_path) as store:
        app = application(store, lambda: now[0], told.append)
        assert asked(app, "PUT", other).status_code == 202
        if clock.year == 1970:
            store.decide(sha256_of(other), "refused", "operator: a test", now[0])
        now.insert(0, clock)
        answers = [asked(app, "PUT", ONE) for _ in range(2)]
        assert [(one.status_code, one.headers["retry-after"]) for one in answers] == [
            (503, "3600")
        ] * 2
        (warning,) = told
        assert warning.startswith(f"warning: the clock of this machine says {said}")
        assert "timedatectl" in warning
        assert store.refusals() == {}
        now.pop(0)
        assert asked(app, "PUT", ONE).status_code == 202


def test_a_trace_of_days_to_come_that_was_taken_can_be_refused(tmp_path: Path) -> None:
    """Where this clock and a sender's were ahead alike; then the others' bundles come again."""
    ahead = sealed([line(trace(86_400 * 60))], days=["2027-01-22"], made="2027-01-23")
    now, told = [datetime(2027, 1, 23, tzinfo=UTC)], list[str]()
    with Store(tmp_path) as store:
        app = application(store, lambda: now[0], told.append)
        assert asked(app, "PUT", ahead).status_code == 202
        now[0] = datetime(2026, 11, 24, tzinfo=UTC)
        assert asked(app, "PUT", ONE).status_code == 503
        assert "or refuse what was measured in days to come" in told[0]
        store.decide(sha256_of(ahead), "refused", "operator: a wrong clock", now[0])
        assert asked(app, "PUT", ONE).status_code == 202


def test_whoever_asks_again_hears_of_the_decision(tmp_path: Path) -> None:
    """By a status of its own: a volunteer's program knows these three alone."""
    with Store(tmp_path) as store:
        assert sent(store, "PUT", ONE).status_code == 202
        store.decide(sha256_of(ONE), "accepted", None, datetime.now(UTC))
        assert [sent(store, method, ONE).status_code for method in ("PUT", "GET")] == [200, 200]
        store.decide(sha256_of(ONE), "refused", "operator: a test", datetime.now(UTC))
        assert [sent(store, method, ONE).status_code for method in ("PUT", "GET")] == [422, 422]


def test_a_bundle_is_not_believed_under_another_name(
    client: httpx2.Client, collector: Collector
) -> None:
    """Nobody can have a bundle refused that they do not have."""
    name = sha256_of(sealed([line(trace(5))]))
    answer = put(client, b"something else", name)
    assert answer.status_code == 400
    assert answer.json() == {"error": "what came is not the bundle that the address names"}
    assert client.get(f"/v1/bundles/{name}").status_code == 404


@pytest.mark.parametrize("name", ["..", "ABCD" * 16, "0" * 63, "%2e%2e%2fkey.pem"])
def test_names_that_are_none(client: httpx2.Client, name: str) -> None:
    """Only the hexadecimal digits of a sha256 name a bundle."""
    assert client.get(f"/v1/bundles/{name}").status_code == 404
    assert put(client, b"x", name).status_code == 404


def test_its_key_is_told(client: httpx2.Client, collector: Collector) -> None:
    """The key is the one that it printed at its start."""
    assert client.get("/v1/key").json() == {"schema": "gatewatch.collector/1", "key": collector.key}


def raw(collector: Collector, head: str, body: bytes = b"") -> tuple[int, float]:
    """Send a request by hand; the status of the answer, and the seconds until it came."""
    with socket.create_connection(("127.0.0.1", collector.port), timeout=30) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
        began = time.monotonic()
        answer = connection.recv(100)
    return int(answer.split()[1]), time.monotonic() - began


def test_size_is_looked_at_before_anything_is_read(collector: Collector) -> None:
    """Too much, or of unknown length, is answered at once, although nothing of it has come."""
    put_ = f"PUT /v1/bundles/{'0' * 64} HTTP/1.1\nHost: c\n"
    assert raw(collector, f"{put_}Content-Length: {LARGEST_FILE + 1}\n")[0] == 413
    assert raw(collector, f"{put_}Content-Length: {10**30}\n")[0] in {400, 411}
    assert raw(collector, f"{put_}Transfer-Encoding: chunked\n")[0] == 411


def test_what_breaks_off_leaves_nothing(client: httpx2.Client, collector: Collector) -> None:
    """A sender who goes away in the middle costs neither a file nor the next one's turn."""
    data = sealed([line(trace(6))])
    head = f"PUT /v1/bundles/{sha256_of(data)} HTTP/1.1\nHost: c\nContent-Length: {len(data)}\n"
    with socket.create_connection(("127.0.0.1", collector.port), timeout=30) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n" + data[:1000])
    assert put(client, data).status_code == 202
    deadline = time.monotonic() + 10
    while list((collector.folder / "incoming").iterdir()):
        assert time.monotonic() < deadline


def test_other_requests_are_turned_away(client: httpx2.Client) -> None:
    """There is nothing else to be had."""
    assert client.get("/").status_code == 404
    assert client.delete(f"/v1/bundles/{sha256_of(ONE)}").status_code == 405
    assert client.post("/v1/key").status_code == 405


def test_nothing_is_known_of_who_sent_it(tmp_path: Path) -> None:
    """Neither a file nor anything printed has the sender's address, whatever was sent."""
    with collecting(tmp_path / "held", "--host", "127.0.0.1") as running:
        # All of 127/8 is this machine, so the sender has an address that is nobody else's.
        transport = httpx2.HTTPTransport(local_address="127.77.66.55")
        headers = {"X-Forwarded-For": "198.51.100.77", "User-Agent": "mark-of-sokha"}
        with httpx2.Client(
            base_url=running.address, transport=transport, trust_env=False, headers=headers
        ) as client:
            assert put(client, ONE).status_code == 202
            assert put(client, BAD).status_code == 422
            assert put(client, b"junk").status_code == 422
            assert put(client, b"junk", "0" * 64).status_code == 400
            assert client.get("/nothing").status_code == 404
        with socket.create_connection(
            ("127.0.0.1", running.port), timeout=30, source_address=("127.77.66.55", 0)
        ) as connection:
            connection.sendall(b"no HTTP at all\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
    held = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(held) >= 4
    for secret in (b"127.77.66.55", b"198.51.100.77", b"mark-of-sokha"):
        assert not any(secret in content for content in held)


def test_a_start_after_a_kill_knows_what_was_taken(tmp_path: Path) -> None:
    """Every receipt that was given before still holds after a kill -9 and a start."""
    with collecting(tmp_path / "held") as running:
        with httpx2.Client(base_url=running.address, trust_env=False) as client:
            before = [put(client, sealed([line(trace(n))])).content for n in range(3)]
        running.kill()
    with (
        collecting(tmp_path / "held") as running,
        httpx2.Client(base_url=running.address, trust_env=False) as client,
    ):
        names = [json.loads(one)["receipt"]["bundle"] for one in before]
        assert [client.get(f"/v1/bundles/{name}").content for name in names] == before


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see its memory")
def test_a_bomb_costs_the_collector_no_memory(client: httpx2.Client, collector: Collector) -> None:
    """Of 4 GiB in a small file nothing is unpacked beyond what a bundle may have."""
    put(client, sealed([line(trace(7))]))
    before = peak(collector)
    data = repacked(bomb(4 << 30), b"a\n", size=LARGEST)
    assert len(data) < 1 << 20
    answer = put(client, data)
    assert answer.status_code == 422
    assert receipt(answer, data, collector).reason == (
        f"altered_bundle: the traces do not unpack to {LARGEST} bytes"
    )
    assert peak(collector) - before < 4 * LARGEST


def peak(collector: Collector) -> int:
    """The most memory that a collector ever had, in bytes."""
    said = Path(f"/proc/{collector.process.pid}/status").read_text(encoding="utf-8")
    return int(said.partition("VmHWM:")[2].split()[0]) * 1024
