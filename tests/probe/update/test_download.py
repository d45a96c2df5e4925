"""A file over HTTP, from servers that do not do what they should."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import pytest

from probe.update.download import FRUITLESS, fetch
from probe.update.tables import fetch_tables
from probe.words.failure import BadInput, Offline
from tests.harness.proxies import dripping
from tests.probe.update.publishing import MADE, Site


def test_far_too_large(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may not fill the disk."""
    monkeypatch.setattr("probe.update.download._LARGEST", 1000)
    site.files["/big"] = bytes(100_000)
    with pytest.raises(BadInput, match="which is no such table"):
        fetch(site.base + "big", BytesIO(), None)


def test_what_is_encrypted_does_not_lead_to_what_is_not(
    site: Site, encrypted: Site, tmp_path: Path
) -> None:
    """Anybody on the way could change what comes then; where both are encrypted it may move."""
    site.files["/there"] = encrypted.files["/there"] = b"the table"
    encrypted.moved = {"/down": site.base + "there", "/on": encrypted.base + "there"}
    with pytest.raises(BadInput, match=r"leads to http://127\.0\.0\.1, which is not encrypted"):
        fetch(encrypted.base + "down", BytesIO(), None)
    assert not site.agents
    for one in (encrypted, site):
        one.moved["/on"] = one.base + "there"
        came = BytesIO()
        fetch(one.base + "on", came, None)
        assert came.read() == b"the table"


@pytest.mark.parametrize("proxy", ["socks://127.0.0.1:1080", "socks4://me:secret@192.0.2.7"])
def test_a_proxy_of_an_unknown_kind_in_the_environment_is_named(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """Some desktops set ``socks://``; what stands in it may hold a password."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(BadInput, match="ALL_PROXY in the environment names a proxy") as refused:
        fetch(f"{site.base}table", BytesIO(), None)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_of_the_environment_that_cannot_be_read_are_named(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """As of a profile that was written for another system."""
    if content is not None:
        (tmp_path / "ca.pem").write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(BadInput, match="the certificates that SSL_CERT_FILE names cannot be read"):
        fetch(f"{site.base}table", BytesIO(), None)


def test_a_server_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is accepted and never answered ends by the timeout."""
    monkeypatch.setattr("probe.update.download.TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/x"
        with pytest.raises(Offline, match="timed out"):
            fetch(url, BytesIO(), None)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 fine\nX-",
        b"HTTP/1.1 200 fine\n\n",
        b'HTTP/1.1 200 fine\nAccept-Ranges: bytes\nETag: "a"\n\n',
    ],
)
def test_a_server_that_only_drips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    """Each byte comes in time and the file never does: it ends all the same."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("probe.update.download.PATIENCE", 0.1)
    with dripping(head) as site, pytest.raises(Offline) as slow:
        fetch(f"http://127.0.0.1:{site.port}/", BytesIO(), None)
    assert "came too slowly (not done within 0 minutes); fetch it over a faster" in str(slow.value)


def test_a_connection_that_dies_on_the_way(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the system calls it, a route that goes away while reading means offline."""
    site.files["/x"] = bytes(1000)

    def die(*_: object, **__: object) -> bytes:
        raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))

    monkeypatch.setattr("socket.socket.recv", die)
    with pytest.raises(Offline, match="No route to host"):
        fetch(site.base + "x", BytesIO(), None)


FILE = bytes(range(256)) * 100
RANGES = {"Accept-Ranges": "bytes", "ETag": '"one"'}


@pytest.mark.parametrize("known_by", [{"ETag": '"one"'}, {"Last-Modified": MADE}])
def test_a_line_that_breaks_off_costs_only_what_is_missing(
    site: Site, known_by: dict[str, str]
) -> None:
    """As one by radio does all the time; the whole began anew, and never came."""
    site.files["/x"] = FILE
    site.headers, site.breath = {"Accept-Ranges": "bytes", **known_by}, 4000
    came = BytesIO()
    fetch(site.base + "x", came, None)
    assert came.read() == FILE
    assert site.sent == len(FILE)


def test_of_a_file_that_was_changed_meanwhile_the_old_part_is_not_used(site: Site) -> None:
    """Of two tables half each is none."""
    site.files["/x"] = FILE
    site.headers, site.breath = dict(RANGES), 20_000

    def change() -> None:
        if len(site.agents) == 2:
            site.files["/x"], site.headers["ETag"] = FILE[::-1], '"two"'
            site.breath = len(FILE)

    site.asked = change
    came = BytesIO()
    fetch(site.base + "x", came, None)
    assert came.getvalue() == FILE[::-1]


@pytest.mark.parametrize(
    "headers", [{}, {"ETag": '"one"'}, {"Accept-Ranges": "bytes"}, RANGES | {"ETag": 'W/"one"'}]
)
def test_where_a_server_gives_no_parts_nothing_is_fetched_twice(
    site: Site, headers: dict[str, str]
) -> None:
    """Somebody may pay for each megabyte."""
    site.files["/x"] = FILE
    site.headers, site.cut = headers, True
    with pytest.raises(Offline, match="broke off"):
        fetch(site.base + "x", BytesIO(), None)
    assert len(site.agents) == 1


def test_a_server_that_says_each_time_that_it_was_changed_is_asked_twice(site: Site) -> None:
    """As one of several machines that mark the same file differently: each time costs the whole."""
    site.files["/x"] = FILE
    site.headers, site.breath = dict(RANGES), 4000

    def change() -> None:
        assert site.breath
        site.headers["ETag"] = f'"{len(site.agents)}"'
        site.breath += 1000

    site.asked = change
    with pytest.raises(Offline, match="broke off"):
        fetch(site.base + "x", BytesIO(), None)
    assert len(site.agents) == 2


def test_a_line_that_stays_away_is_not_asked_for_ever(site: Site) -> None:
    """A few times in a row without a byte, and it is told."""
    site.files["/x"] = FILE
    site.headers, site.breath = dict(RANGES), 4000

    def leave() -> None:
        if len(site.agents) > 1:
            site.breath = -len(FILE)

    site.asked = leave
    with pytest.raises(Offline, match="broke off"):
        fetch(site.base + "x", BytesIO(), None)
    assert len(site.agents) == 2 + FRUITLESS


def test_a_part_that_begins_elsewhere_is_none(site: Site) -> None:
    """A server, or a cache before it, that gives other bytes than were asked for."""
    site.files["/x"] = FILE
    site.headers, site.breath, site.off = dict(RANGES), 4000, 7
    with pytest.raises(Offline, match="not the part that was asked for"):
        fetch(site.base + "x", BytesIO(), None)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_not_a_lost_connection(site: Site) -> None:
    """What the disk refuses is told as such by the command line, not as a bad connection."""
    site.files["/x"] = bytes(100_000)
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(OSError, match="No space left"),
    ):
        fetch(site.base + "x", full, None)


@pytest.mark.parametrize("room", [100, 0])
def test_where_temporary_files_have_no_room_is_said(site: Site, home: Path, room: int) -> None:
    """As on the one disk of a small board that is full; what is in use stays."""
    site.publish()
    code = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "from probe.cli import main\n"
        f"main(['data', 'update', '--tables-from', {site.base!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == (
        f"gatewatch: disk full at {tempfile.gettempdir()}; what was kept before is safe, make room "
        "and run again\n"
        if room
        else "gatewatch: no folder takes a temporary file, neither /tmp nor /var/tmp: their disk "
        "is full or read-only; make room, or name a folder elsewhere with TMPDIR\n"
    )
    assert not home.exists()


def test_a_disk_that_fails_is_no_damaged_table(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """To fetch it once more would not mend it."""
    site.publish()

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("probe.update.tables.gzip.open", failing)
    with pytest.raises(OSError, match="Input/output error") as raised:
        fetch_tables(site.base, None)
    assert raised.value.filename == tempfile.gettempdir()
