"""The tables of iptoasn.com: checked, and in place whole or not at all."""

from __future__ import annotations

import gzip
import os
import resource
import time
import tracemalloc
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from probe.origin import open_origin
from probe.update.tables import fetch_tables, install_tables
from probe.words.failure import BadInput
from tests.probe.update.publishing import V4, Site, command, contents, update_tables

if TYPE_CHECKING:
    from probe.origin.snapshot import SnapshotManifest


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
def test_a_disk_without_room_for_them_is_named(site: Site, home: Path) -> None:
    """What was fetched is larger once it is unpacked; what is in use stays, whole."""
    site.publish()
    assert command("update", "--tables-from", site.base).exit_code == 0
    before = sorted((home / "origin").iterdir())
    tables = fetch_tables(site.base, None)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="too large") as raised:
            install_tables(home / "origin", tables)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert raised.value.filename == str(home / "origin")
    assert sorted((home / "origin").iterdir()) == before


@pytest.mark.usefixtures("few")
def test_what_nobody_needs_any_more_goes(site: Site, home: Path) -> None:
    """Two snapshots are kept; older ones, and remains of killed updates, go after a day."""
    made: list[SnapshotManifest] = []
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
def test_who_is_killed_while_it_fetches_leaves_no_file(
    site: Site, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came so far has no name, so that nothing of it is there once the program is gone."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    site.publish()
    there: list[list[Path]] = []
    site.asked = lambda: there.append([*temporary.iterdir(), *home.glob("**/*")])
    command("update", "--exchanges", "--tables-from", site.base, "--exchanges-from", site.base)
    assert there == [[], [], []]


@pytest.mark.usefixtures("few")
def test_the_same_tables_twice(site: Site, home: Path) -> None:
    """Fetching what one has already changes nothing and removes nothing."""
    site.publish()
    update_tables(home / "origin", site.base)
    before = contents(home / "origin")
    update_tables(home / "origin", site.base)
    assert contents(home / "origin") == before


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


def test_a_line_without_end_takes_no_room(site: Site, home: Path) -> None:
    """Packed to almost nothing, it would not fit into the memory of a small machine."""
    size = 16 << 20
    site.publish("0" * size)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="line 1: not of the form"):
            update_tables(home / "origin", site.base)
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


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


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "date", ["", "yesterday", "Wed, 01 Jan 1969 05:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -1400"]
)
def test_without_a_date_from_the_server_today_counts(site: Site, home: Path, date: str) -> None:
    """Last-Modified may be missing or nonsense: before there were such tables, after all years."""
    site.publish()
    site.headers["Last-Modified"] = date
    assert update_tables(home / "origin", site.base).date >= "2026-01-01"
