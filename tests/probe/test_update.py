"""Fetching newer tables: from a real HTTP server, whole or not at all."""

from __future__ import annotations

import errno
import gzip
import json
import os
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from probe import update as updating
from probe.cli import main
from probe.failure import BadInput, Offline
from probe.origin import open_origin
from probe.origin.snapshot import read_manifest
from probe.update import fetch, fetch_exchanges, fetch_tables, install_tables
from tests.nobody import needs_root
from tests.proxies import certificate, dripping, socks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.origin.snapshot import Manifest

# In the form of iptoasn.com: tabs, gaps as AS 0, country None, names that are handles.
V4 = """\
0.0.0.0\t0.255.255.255\t0\tNone\tNot routed
8.8.4.0\t8.8.4.255\t15169\tUS\tGOOGLE
8.8.8.0\t8.8.8.255\t15169\tUS\tGOOGLE
36.37.128.0\t36.37.255.255\t38623\tKH\tVIETTELCAMBODIA-AS-AP VIETTEL CAMBODIA PTE., LTD.
36.37.200.0\t36.37.200.255\t65001\tNone\tCUSTOMER "quoted"
202.57.208.0\t202.57.208.255\t38235\tKH\tANGKOR
255.0.0.0\t255.255.255.255\t0\tNone\tNot routed
"""
V6 = """\
::\t1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\t0\tNone\tNot routed
2001:4860::\t2001:4860:ffff:ffff:ffff:ffff:ffff:ffff\t15169\tUS\tGOOGLE
2405:8380::\t2405:8380:ffff:ffff:ffff:ffff:ffff:ffff\t38623\tKH\tVIETTEL
"""
GETADDRINFO = socket.getaddrinfo
MADE = "Tue, 24 Nov 2026 05:00:00 GMT"


class Site:
    """A web site of a few files, on loopback."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.cut = False
        self.headers: dict[str, str] = {"Last-Modified": MADE}
        self.agents: list[str | None] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.agents.append(self.headers["User-Agent"])
                if self.path in site.moved:
                    self.send_response(302)
                    self.send_header("Location", site.moved[self.path])
                    self.end_headers()
                    return
                content = site.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                for name, value in site.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if site.cut else content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def encrypt(self, certificate: Path, key: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = self.base.replace("http:", "https:")

    def publish(self, v4: str = V4, v6: str = V6) -> None:
        self.files["/ip2asn-v4.tsv.gz"] = gzip.compress(v4.encode())
        self.files["/ip2asn-v6.tsv.gz"] = gzip.compress(v6.encode())


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with served(Site()) as site:
        yield site


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Another site, whose certificate this machine trusts."""
    site = Site()
    cert, key = certificate(tmp_path)
    site.encrypt(cert, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    with served(site):
        yield site


@contextmanager
def served(site: Site) -> Iterator[Site]:
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A volunteer's data folder that is not there yet."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a table of a few rows pass for the Internet's."""
    monkeypatch.setattr(updating, "_FEWEST_ADDRESSES", 1000)
    monkeypatch.setattr(updating, "_FEWEST_ASNS", 3)
    monkeypatch.setattr(updating, "_FEWEST_V6_RANGES", 2)
    monkeypatch.setattr(updating, "_FEWEST_LANS", 2)


def update_tables(folder: Path, base: str) -> Manifest:
    return install_tables(folder, fetch_tables(base, None))


def numbers_only(host: str, port: int, family: int = 0, type: int = 0, **_: int) -> object:  # noqa: A002
    """A resolver that must not be asked for a name."""
    return GETADDRINFO(host, port, family, type, flags=socket.AI_NUMERICHOST)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["data", *arguments])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("few")
def test_an_update_is_used_from_then_on(site: Site, home: Path) -> None:
    """What was fetched answers lookups, IPv4 and IPv6, with siblings and LANs as before."""
    site.publish()
    done = command("update", "--tables-from", site.base)
    assert (done.exit_code, done.stderr) == (0, "")
    origin = open_origin()
    assert origin.snapshot.id.startswith("iptoasn@2026-11-24+")
    assert origin.snapshot.licence == "PDDL 1.0"
    assert origin.lookup("8.8.8.8").name == "GOOGLE"
    assert origin.lookup("36.37.128.1").organisation == "Viettel (Metfone)"
    assert origin.lookup("36.37.200.9").asn == 65001
    assert origin.lookup("36.37.200.9").country is None
    assert origin.lookup("36.37.201.9").asn == 38623
    assert origin.lookup("2001:4860:4860::8888").country == "US"
    assert origin.lookup("9.9.9.9").asn is None
    assert origin.lookup("202.57.208.1").exchange == "MekongIX"
    assert [network.asn for network in origin.networks("KH")] == [38623, 38235]
    assert origin.networks("KH")[0].prefixes[0] == "36.37.128.0/18"
    assert sorted(path.suffix for path in (home / "origin").iterdir()) == [".csv", ".json", ".mmdb"]
    assert set(site.agents) == {"gatewatch"}


@pytest.mark.usefixtures("few")
def test_a_proxy_that_was_set_carries_it(
    site: Site, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who submits through Tor is not shown to the site, nor the site's name to the resolver."""
    site.publish()
    name = "tables.example.org"
    where = site.base.replace("127.0.0.1", name)
    home.mkdir()
    with socks({name: "127.0.0.1"}) as proxy:
        (home / "settings.toml").write_text(f'proxy = "socks5h://127.0.0.1:{proxy.port}"\n')
        monkeypatch.setattr("socket.getaddrinfo", numbers_only)
        done = command("update", "--tables-from", where)
        assert (done.exit_code, done.stderr) == (0, "")
        assert len(proxy.asked) == 2
        assert {said.rpartition(":")[0] for said in proxy.asked} == {f"name {name}"}
    done = command("update", "--tables-from", where)
    assert done.exit_code == 5
    assert "cannot be reached" in done.stderr


@pytest.mark.usefixtures("few")
def test_a_folder_that_it_makes_is_for_its_owner_alone(site: Site, home: Path) -> None:
    """Who updates before anything else shows nobody what is in the data folder from then on."""
    site.publish()
    assert command("update", "--tables-from", site.base).exit_code == 0
    assert home.stat().st_mode & 0o777 == 0o700


@needs_root
@pytest.mark.usefixtures("few")
def test_under_sudo_the_tables_belong_to_whose_folder_it_is(
    site: Site, home: Path, tmp_path: Path
) -> None:
    """Else the same command without sudo could not put newer ones in their place."""
    os.chown(tmp_path, 65534, 65534)
    site.publish()
    assert command("update", "--tables-from", site.base).exit_code == 0
    made = [home, *home.rglob("*")]
    assert len(made) > 4
    assert {path.stat().st_uid for path in made} == {65534}


@pytest.mark.usefixtures("few")
def test_the_next_update_replaces_it(site: Site, home: Path) -> None:
    """The newest answers from then on; a run that began before keeps what it had, whole."""
    site.publish()
    update_tables(home / "origin", site.base)
    before = open_origin()
    site.publish(V4.replace("15169", "65002"))
    site.headers["Last-Modified"] = "Wed, 25 Nov 2026 05:00:00 GMT"
    second = update_tables(home / "origin", site.base)
    assert open_origin().lookup("8.8.8.8").asn == 65002
    assert second.date == "2026-11-25"
    assert before.lookup("8.8.8.8").asn == 15169
    # The register is read when it is first asked for, which may be after an update.
    assert [network.asn for network in before.networks("US")] == [15169]


@pytest.mark.usefixtures("few")
def test_what_nobody_needs_any_more_goes(site: Site, home: Path) -> None:
    """Two snapshots are kept; older ones, and remains of killed updates, go after a day."""
    made: list[Manifest] = []
    for day in range(24, 27):
        site.publish(V4.replace("15169", f"650{day}"))
        site.headers["Last-Modified"] = f"Tue, {day} Nov 2026 05:00:00 GMT"
        if day == 26:
            dead, alive = home / "origin" / ".update-dead", home / "origin" / ".update-alive"
            for folder in (dead, alive):
                folder.mkdir()
            long_ago = time.time() - 10 * 86400
            for path in (dead, made[0].table_path, made[0].register_path, made[1].table_path):
                os.utime(path, (long_ago, long_ago))
        made.append(update_tables(home / "origin", site.base))
    assert not made[0].table_path.exists()
    assert not made[0].register_path.exists()
    assert made[1].table_path.exists()
    assert not dead.exists()
    assert alive.exists()


@pytest.mark.usefixtures("few")
def test_the_same_tables_twice(site: Site, home: Path) -> None:
    """Fetching what one has already changes nothing and removes nothing."""
    site.publish()
    update_tables(home / "origin", site.base)
    before = contents(home / "origin")
    update_tables(home / "origin", site.base)
    assert contents(home / "origin") == before


def test_offline_touches_nothing(home: Path, site: Site) -> None:
    """Where nobody listens the command ends with 5 and one sentence, and makes no folder."""
    site.server.shutdown()
    site.server.server_close()
    done = command("update", "--tables-from", site.base)
    assert done.exit_code == 5
    assert "cannot be reached (Connection refused); check the connection" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not home.exists()


def test_a_name_that_does_not_resolve_is_offline(home: Path) -> None:
    """Names under .invalid never exist; that looks like no connection, and is treated alike."""
    done = command("update", "--tables-from", "http://gatewatch.invalid/")
    assert done.exit_code == 5
    assert not home.exists()


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("fault", ["not found", "cut"])
def test_what_cannot_be_had_whole(site: Site, home: Path, fault: str) -> None:
    """A server error or a connection that breaks off is a 5, and the old snapshot stays."""
    site.publish()
    update_tables(home / "origin", site.base)
    before = contents(home / "origin")
    if fault == "cut":
        site.cut = True
    else:
        del site.files["/ip2asn-v6.tsv.gz"]
    done = command("update", "--tables-from", site.base)
    assert done.exit_code == 5
    assert ("broke off" if fault == "cut" else "HTTP status 404") in done.stderr
    assert contents(home / "origin") == before


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>log in to the hotel's network</html>", "no whole gzip file"),
        (gzip.compress(V4.encode())[:-20], "no whole gzip file"),
        (gzip.compress(V4.encode())[:-8] + b"\0" * 8, "no whole gzip file"),
        (gzip.compress(V4.encode() + b"8.8.8.0\t8.8.8.255\n"), "line 8: not of the form"),
        (gzip.compress(V4.replace("36.37.200.0", "36.37.400.0").encode()), "line 5: not of"),
        (gzip.compress(b"8.8.8.9\t8.8.8.0\t15169\tUS\tX\n"), "line 1: not of the form"),
        (gzip.compress(b"8.8.8.0\t8.8.8.9\tAS15169\tUS\tX\n"), "line 1: not of the form"),
        (gzip.compress(b"\xff\xfe\n"), "line 1: not of the form"),
        (gzip.compress(b""), "only 0 IPv4 addresses"),
    ],
    ids=[
        "a hotel's page",
        "cut short",
        "wrong checksum",
        "missing fields",
        "no address",
        "backwards",
        "AS in front",
        "not UTF-8",
        "empty",
    ],
)
def test_what_is_not_the_table(site: Site, home: Path, content: bytes, message: str) -> None:
    """Bad content is a 9 that names file and line, and the old snapshot stays in use."""
    site.publish()
    update_tables(home / "origin", site.base)
    before = contents(home / "origin")
    site.files["/ip2asn-v4.tsv.gz"] = content
    done = command("update", "--tables-from", site.base)
    assert done.exit_code == 9
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert contents(home / "origin") == before


def test_a_table_that_is_too_small(site: Site, home: Path) -> None:
    """A well-formed table of three networks is not the Internet's."""
    site.publish()
    with pytest.raises(BadInput, match="where the Internet has over"):
        update_tables(home / "origin", site.base)
    assert not home.exists()


def test_a_table_of_the_internets_size_passes(site: Site, home: Path) -> None:
    """With as many networks and addresses as the checks ask for, they all let it through."""
    v4 = "".join(
        f"{IPv4Address((1 << 24) + (n << 15))}\t{IPv4Address((1 << 24) + (n << 15) + 32767)}"
        f"\t{n + 1}\tUS\tN{n}\n"
        for n in range(46_000)
    )
    v6 = "".join(
        f"2400:{n:x}::\t2400:{n:x}:{':'.join(['ffff'] * 6)}\t{n + 1}\tUS\tN{n}\n"
        for n in range(40_000)
    )
    site.publish(v4, v6)
    manifest = update_tables(home / "origin", site.base)
    assert open_origin(manifest.table_path).lookup("1.0.128.1").asn == 2


def test_far_too_large(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may not fill the disk."""
    monkeypatch.setattr(updating, "_LARGEST", 1000)
    site.files["/big"] = bytes(100_000)
    with pytest.raises(BadInput, match="which is no such table"):
        fetch(site.base + "big", tmp_path / "big", None)


def test_what_is_encrypted_does_not_lead_to_what_is_not(
    site: Site, encrypted: Site, tmp_path: Path
) -> None:
    """Anybody on the way could change what comes then; where both are encrypted it may move."""
    site.files["/there"] = encrypted.files["/there"] = b"the table"
    encrypted.moved = {"/down": site.base + "there", "/on": encrypted.base + "there"}
    with pytest.raises(BadInput, match=r"leads to http://127\.0\.0\.1, which is not encrypted"):
        fetch(encrypted.base + "down", tmp_path / "down", None)
    assert not site.agents
    assert fetch(encrypted.base + "on", tmp_path / "on", None).path.read_bytes() == b"the table"
    site.moved = {"/on": site.base + "there"}
    assert fetch(site.base + "on", tmp_path / "plain", None).path.read_bytes() == b"the table"


def test_a_server_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is accepted and never answered ends by the timeout."""
    monkeypatch.setattr(updating, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/x"
        with pytest.raises(Offline, match="timed out"):
            fetch(url, tmp_path / "x", None)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 fine\nX-", b"HTTP/1.1 200 fine\n\n"])
def test_a_server_that_only_drips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    """Each byte comes in time and the file never does: it ends all the same."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(updating, "PATIENCE", 0.1)
    with dripping(head) as site, pytest.raises(Offline, match="not done within 0 minutes"):
        fetch(f"http://127.0.0.1:{site.port}/", tmp_path / "x", None)


def test_a_connection_that_dies_on_the_way(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the system calls it, a route that goes away while reading means offline."""
    site.files["/x"] = bytes(1000)

    def die(*_: object, **__: object) -> bytes:
        raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))

    monkeypatch.setattr("socket.socket.recv", die)
    with pytest.raises(Offline, match="No route to host"):
        fetch(site.base + "x", tmp_path / "x", None)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_not_a_lost_connection(site: Site) -> None:
    """What the disk refuses is told as such by the command line, not as a bad connection."""
    site.files["/x"] = bytes(100_000)
    with pytest.raises(OSError, match="No space left"):
        fetch(site.base + "x", Path("/dev/full"), None)


@pytest.mark.usefixtures("few")
def test_without_a_date_from_the_server_today_counts(site: Site, home: Path) -> None:
    """Last-Modified may be missing or nonsense."""
    site.publish()
    site.headers["Last-Modified"] = "yesterday"
    assert update_tables(home / "origin", site.base).date >= "2026-01-01"


@pytest.mark.usefixtures("few")
def test_tables_older_than_those_that_ship(site: Site) -> None:
    """They are not used, and the command says so instead of naming another table only."""
    site.publish()
    site.headers["Last-Modified"] = "Wed, 01 Jan 2020 05:00:00 GMT"
    done = command("update", "--tables-from", site.base)
    assert done.exit_code == 0
    assert done.stderr == "the tables fetched are of 2020-01-01, so a newer one stays in use\n"
    assert done.stdout.startswith("in use: iplocdb@2026-06-17+")


@pytest.mark.usefixtures("few")
def test_a_folder_that_may_not_be_written(
    site: Site, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the file and how to make the folder one's own; exit code 4."""
    site.publish()

    def refuse(staged: Path, final: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(final))

    # Root may write everywhere, and tests may run as root.
    monkeypatch.setattr(updating, "_move", refuse)
    done = command("update", "--tables-from", site.base)
    assert done.exit_code == 4
    assert f"may not be written; make it yours: sudo chown -R $USER {home}" in done.stderr
    assert list((home / "origin").iterdir()) == []


def test_other_schemes_are_refused() -> None:
    """file:// would read any file of the machine."""
    assert command("update", "--tables-from", "file:///etc/").exit_code == 2


IXPFX = [
    {"ixlan_id": 1, "prefix": "198.32.9.0/24", "protocol": "IPv4"},
    {"ixlan_id": 1, "prefix": "2001:de8:99::/64", "protocol": "IPv6"},
    {"ixlan_id": 2, "prefix": "202.57.208.0/24", "protocol": "IPv4"},
    {"ixlan_id": 9, "prefix": "198.32.10.0/24", "protocol": "IPv4"},
]
IXLAN = [{"id": 1, "ix_id": 11}, {"id": 2, "ix_id": 12}, {"id": 9, "ix_id": 99}]
IX = [
    {"id": 11, "name": 'A "quoted"\\ Ünïx\x7f', "country": "NZ", "city": "Wellington"},
    {"id": 12, "name": "Mekong by another name", "country": "KH", "city": "Phnom Penh"},
]


@pytest.mark.usefixtures("few")
def test_peering_lans_are_fetched(site: Site, home: Path) -> None:
    """PeeringDB's LANs are added to those that ship, whose names stay."""
    site.publish()
    for name, objects in (("ixpfx", IXPFX), ("ixlan", IXLAN), ("ix", IX)):
        site.files[f"/{name}"] = json.dumps({"data": objects, "meta": {}}).encode()
    done = command(
        "update", "--exchanges", "--tables-from", site.base, "--exchanges-from", site.base
    )
    assert (done.exit_code, done.stderr) == (0, "")
    assert "peering LANs: 3 at 2 exchanges" in done.stdout
    origin = open_origin()
    assert origin.lookup("198.32.9.1").exchange == 'A "quoted"\\ Ünïx'
    assert origin.lookup("2001:de8:99::1").country == "NZ"
    assert origin.lookup("202.57.208.1").exchange == "MekongIX"
    assert origin.lookup("198.32.10.1").exchange is None
    assert json.loads(command("status", "--json").stdout)["exchanges"] == str(
        home / "exchanges.toml"
    )


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"[]",
        b'{"data": 3}',
        b'{"data": [{"id": 1}]}',
        b'{"data": []}',
        b'{"data": [3]}',
    ],
)
def test_what_is_not_peeringdb(site: Site, home: Path, content: bytes) -> None:
    """An answer of another shape is a 9, and neither list nor tables are replaced."""
    site.publish()
    site.files |= {"/ixpfx": content, "/ixlan": content, "/ix": content}
    done = command(
        "update", "--exchanges", "--tables-from", site.base, "--exchanges-from", site.base
    )
    assert done.exit_code == 9
    assert not home.exists()


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("country", [None, 7, ["NZ"]])
def test_a_name_that_is_none(site: Site, country: object) -> None:
    """A list that could not be read back is never written."""
    for name, objects in (
        ("ixpfx", IXPFX),
        ("ixlan", IXLAN),
        ("ix", [IX[0] | {"country": country}]),
    ):
        site.files[f"/{name}"] = json.dumps({"data": objects}).encode()
    with pytest.raises(BadInput, match="PeeringDB's form"):
        fetch_exchanges(site.base, None)


@pytest.mark.usefixtures("few")
def test_peeringdb_out_of_reach(site: Site, home: Path) -> None:
    """All that was asked for comes, or nothing is replaced: the tables neither."""
    site.publish()
    done = command(
        "update", "--exchanges", "--tables-from", site.base, "--exchanges-from", site.base
    )
    assert done.exit_code == 5
    assert "HTTP status 404" in done.stderr
    assert not home.exists()


def test_status_of_what_ships() -> None:
    """It names the snapshot, its age and licence, and that its files are whole."""
    done = command("status", "--json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert said["id"].startswith("iplocdb@2026-06-17+")
    assert said["intact"] is True
    assert said["updated"] is False
    assert said["licence"] == "CC BY 4.0"
    assert said["age_days"] > 100


def test_status_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """A volunteer reads first which table is in use, how old it is, and when to fetch another."""
    said = json.loads(command("status", "--json").stdout)
    lines = command("status").stdout.splitlines()
    assert lines[:4] == [
        f"in use     {said['id']}",
        lines[1],
        "came with  gatewatch itself",
        "files      whole",
    ]
    assert lines[1].startswith(f"age        of 2026-06-17, {said['age_days']} days old")
    monkeypatch.setattr("probe.commands.data.OLD", said["age_days"])
    assert "for a newer one: gatewatch data update" in command("status").stdout
    monkeypatch.setattr("probe.commands.data.OLD", said["age_days"] + 1)
    assert "for a newer one" not in command("status").stdout


@pytest.mark.usefixtures("few")
def test_status_of_a_damaged_snapshot(site: Site, home: Path) -> None:
    """A file that is not what the manifest says is named, with the remedy, and exit code 9."""
    site.publish()
    update_tables(home / "origin", site.base)
    manifest = read_manifest(home / "origin")
    with manifest.register_path.open("a") as file:
        file.write("x")
    done = command("status", "--json")
    assert done.exit_code == 9
    assert json.loads(done.stdout)["intact"] is False
    assert f"{manifest.register} in" in done.stderr
    assert "gatewatch data update" in done.stderr
    manifest.table_path.unlink()
    assert manifest.table in command("status").stderr


def test_a_broken_manifest_of_ones_own(home: Path) -> None:
    """It is named; the shipped snapshot does not step in without a word."""
    (home / "origin").mkdir(parents=True)
    (home / "origin" / "manifest.json").write_text("{}")
    done = command("status")
    assert done.exit_code == 9
    assert "manifest.json is not a snapshot's manifest" in done.stderr
