"""The peering LANs of PeeringDB, beside those that ship."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from probe.disk.belongings import belongings, strangers
from probe.origin import open_origin
from probe.update.exchanges import fetch_exchanges
from probe.words.failure import BadInput
from tests.probe.update.publishing import Site, command

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
        b"[" * 100_000,
        b'{"data": 3}',
        b'{"data": [{"id": 1}]}',
        b'{"data": []}',
        b'{"data": [3]}',
    ],
    ids=lambda content: repr(content[:20]),
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


def test_what_a_crash_left_of_them_is_known_as_ours(tmp_path: Path) -> None:
    """A purge deletes it, and the folder with it, which a stranger in it would keep."""
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from probe.update.exchanges import install_exchanges\n"
        "os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "install_exchanges(Path(sys.argv[1]) / 'exchanges.toml', [])"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert strangers(tmp_path) == []
    assert [one.files for one in belongings(tmp_path)] == [1]
