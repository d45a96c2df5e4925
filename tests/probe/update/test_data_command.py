"""``gatewatch data``: newer tables, and which are in use."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path

import pytest

from probe.origin.snapshot import read_manifest
from tests.harness.nobody import needs_root
from tests.harness.proxies import socks
from tests.probe.update.publishing import Site, command, update_tables

GETADDRINFO = socket.getaddrinfo


def numbers_only(host: str, port: int, family: int = 0, type: int = 0, **_: int) -> object:  # noqa: A002
    """A resolver that must not be asked for a name."""
    return GETADDRINFO(host, port, family, type, flags=socket.AI_NUMERICHOST)


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


def test_offline_touches_nothing(home: Path, site: Site) -> None:
    """Where nobody listens the command ends with 5 and one sentence, and makes no folder."""
    site.server.shutdown()
    site.server.server_close()
    done = command("update", "--tables-from", site.base)
    assert done.exit_code == 5
    assert "cannot be reached (Connection refused); check the connection" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not home.exists()


def test_a_name_that_does_not_resolve_is_offline(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names under .invalid never exist; that looks like no connection, and is treated alike."""
    monkeypatch.setattr("socket.getaddrinfo", numbers_only)
    done = command("update", "--tables-from", "http://gatewatch.invalid/")
    assert done.exit_code == 5
    assert not home.exists()


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
    monkeypatch.setattr("probe.update.tables.move_into_place", refuse)
    done = command("update", "--tables-from", site.base)
    assert done.exit_code == 4
    assert f"may not be written; make it yours: sudo chown -R $USER {home}" in done.stderr
    assert list((home / "origin").iterdir()) == []


def test_other_schemes_are_refused() -> None:
    """file:// would read any file of the machine."""
    assert command("update", "--tables-from", "file:///etc/").exit_code == 2


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
    monkeypatch.setattr("probe.commands.data.age", lambda *_: -200)
    assert command("status").stdout.splitlines()[1] == (
        "age        of 2026-06-17, which the clock of this machine has yet to reach; set it, as "
        "with sudo timedatectl set-ntp true"
    )


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
