"""Where a run is worth nothing, on real kernels; and that nothing written tells who made it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from probe.record import CAPTIVE_PORTAL, NEW_TTL
from probe.spool import read
from tests.harness.consenting import agree
from tests.lab.namespaces import HOST_NAME, Chain, User, chain, requires_lab
from tests.lab.test_consent import COUNTER, arrived

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))
HOSTS = [f"193.0.20.{number}" for number in range(1, 13)]
USERS: list[User] = ["root", "nobody"]


@pytest.fixture
def home() -> Iterator[Chain]:
    """A home behind NAT, whose router counts what comes in, and hosts abroad."""
    with chain(4, nat=True, local=("193.0.20.0/24",)) as built:
        for router, gateway in zip(built.routers, built.hops[4][1:], strict=True):
            router.run(["ip", "route", "replace", "193.0.20.0/24", "via", gateway])
        built.routers[0].run(["nft", "-f", "-"], stdin=COUNTER)
        yield built


def run(home: Chain, folder: Path, *options: str, user: User = "root") -> tuple[int, str, str]:
    """How ``gatewatch run`` over the hosts ends, and what it says."""
    listed = home.fabric.folder / "targets"
    if not listed.exists():
        home.fabric.file("targets", "\n".join(HOSTS) + "\n")
    command = [GATEWATCH, "run", "-4", "--targets", listed, "--rate", "200", *options]
    done = home.vantage.run(
        command, user=user, check=False, env={"GATEWATCH_HOME": str(folder)}, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(kept.line) for kept in read(folder / "spool")]


@pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="the lab needs /dev/net/tun")
@pytest.mark.parametrize("user", USERS)
def test_a_tunnel_that_has_the_default_route(home: Chain, user: User) -> None:
    """The run is refused before a packet leaves, and the doctor says the same."""
    folder = agree(home.fabric.home("tunnelled", user))
    home.vantage.run(
        ["ip", "-batch", "-"],
        stdin="tuntap add dev vpn0 mode tun\naddr add 10.8.0.2/24 dev vpn0\n"
        "link set vpn0 up\nroute replace default dev vpn0\n",
    )
    before = arrived(home)
    code, said, complaint = run(home, folder, user=user)
    assert (code, said) == (2, "")
    assert "the way out by IPv4 leads through a tunnel (vpn0)" in complaint
    assert (arrived(home), list(folder.glob("spool"))) == (before, [])
    done = home.vantage.run([GATEWATCH, "doctor", "--json"], user=user, check=False)
    found = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert found["vpn"]["state"] == "failed"
    home.vantage.run(["ip", "route", "replace", "default", "via", "192.168.1.1"])
    assert run(home, folder, user=user)[0] == 0
    assert len(records(folder)) == len(HOSTS)


@pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="the lab needs /dev/net/tun")
def test_a_tunnel_that_has_the_way_to_some_targets_alone(home: Chain) -> None:
    """The others are evidence; what went through the tunnel says that it is none."""
    folder = agree(home.fabric.home("split", "root"))
    home.vantage.run(
        ["ip", "-batch", "-"],
        stdin="tuntap add dev vpn0 mode tun\naddr add 10.8.0.2/24 dev vpn0\n"
        f"link set vpn0 up\nroute add {HOSTS[4]} dev vpn0\nroute add {HOSTS[7]} dev vpn0\n",
    )
    code, said, complaint = run(home, folder)
    assert code == 0, complaint
    assert "2 traces: measured through a VPN, so no evidence" in said
    noted = {record["dst_addr"] for record in records(folder) if record["gatewatch"].get("notes")}
    assert noted == {HOSTS[4], HOSTS[7]}
    assert len(records(folder)) == len(HOSTS)


@pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="the lab needs /dev/net/tun")
@pytest.mark.parametrize("mode", ["tun", "tap"])
def test_a_tunnel_whose_files_are_out_of_sight(home: Chain, mode: str) -> None:
    """Who put a program into the namespace of a VPN sees the files of another's interfaces."""
    folder = agree(home.fabric.home("entered", "root"))
    device = "as-sokha-says"
    home.vantage.run(
        ["ip", "-batch", "-"],
        stdin=f"tuntap add dev {device} mode {mode}\naddr add 10.8.0.2/24 dev {device}\n"
        f"link set {device} up\nroute replace default dev {device}\n",
    )
    own = home.vantage.run(["cat", "/sys/class/net/east/address"]).stdout.strip()
    before = arrived(home)

    def entered(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["nsenter", f"--net=/run/netns/{home.vantage.name}", *command],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "GATEWATCH_HOME": str(folder)},
        )

    assert not Path("/sys/class/net", device).exists()
    done = entered(GATEWATCH, "run", "-4", "--access-as", "38623", "--limit", "3")
    assert done.returncode == 2, done.stdout
    assert "the way out by IPv4 leads through a tunnel ([device])" in done.stderr
    assert (arrived(home), list(folder.glob("spool"))) == (before, [])
    told = "from probe.vantage.locate import read_premises; print(*read_premises().hardware)"
    assert own.replace(":", "") in entered(sys.executable, "-c", told).stdout.split()


def test_a_timer_behind_a_provider_that_keeps_silent(home: Chain) -> None:
    """Told the country, no run takes the foreign network behind it for the access network.

    Told the provider, too, or where it answered the day before, runs are kept as its.
    """
    home.vantage.run(["ip", "-6", "address", "flush", "scope", "global"])
    folder = agree(home.fabric.home("told", "root"))
    (folder / "settings.toml").write_text('country = "KH"\n', encoding="utf-8")
    code, said, _ = run(home, folder, "--scheduled")
    assert (code, said.partition(";")[0]) == (0, "kept 12 traces")
    silence = (
        "table ip hush { chain out { type filter hook output priority 0;\nicmp type 11 drop\n}\n}"
    )
    for router in home.routers[:2]:
        router.run(["nft", "-f", "-"], stdin=f"{silence}\n")
    (folder / "schedule.state").unlink()
    code, said, _ = run(home, folder, "--scheduled")
    assert (code, said.partition(";")[0]) == (0, "kept 12 traces")
    (folder / "spool").rename(folder.with_name("before"))
    (folder / "schedule.state").unlink()
    code, said, _ = run(home, folder, "--scheduled")
    assert (code, said.partition(";")[0]) == (7, "kept 0 traces")
    (folder / "settings.toml").write_text('country = "KH"\naccess_as = "AS38623"\n')
    (folder / "schedule.state").unlink()
    code, said, _ = run(home, folder, "--scheduled")
    assert (code, said.partition(";")[0]) == (0, "kept 12 traces")
    (folder / "spool").rename(folder.with_name("after"))
    for place in ("before", "after"):
        (folder.parent / place).rename(folder / "spool")
        assert {record["gatewatch"]["vantage"]["asn"] for record in records(folder)} == {38623}
        (folder / "spool").rename(folder.with_name(f"{place}, read"))


@pytest.mark.parametrize("verdict", ["drop", "reject with icmp admin-prohibited"])
def test_a_gateway_that_lets_nobody_out(home: Chain, verdict: str) -> None:
    """Whether it keeps silent or refuses, the user is told to sign in, and nothing is written."""
    home.vantage.run(["ip", "-6", "route", "delete", "default"])
    home.vantage.run(["ip", "-6", "address", "flush", "scope", "global"])
    rules = (
        f"table ip wall {{ chain on {{ type filter hook forward priority 0;\n{verdict}\n}}\n}}\n"
    )
    home.routers[0].run(["nft", "-f", "-"], stdin=rules)
    folder = agree(home.fabric.home("walled", "root"))
    code, _, complaint = run(home, folder)
    assert (code, list(folder.glob("spool"))) == (5, []), complaint
    assert "nothing answers but your own network" in complaint


@pytest.mark.parametrize("user", USERS)
def test_a_captive_portal(home: Chain, user: User) -> None:
    """The gateway answers for everybody: exit code 5, nothing written; where it is, it is noted."""
    home.routers[0].run(
        ["nft", "-f", "-"],
        stdin="table ip portal { chain in { type nat hook prerouting priority -100;\n"
        'iifname "west" redirect\n}\n}\n',
    )
    folder = agree(home.fabric.home("portal", user))
    code, said, complaint = run(home, folder, user=user)
    assert code == 5, complaint
    assert "kept 0 traces" in said
    assert "captive portal wants a login" in complaint
    assert list(folder.glob("spool")) == []
    assert run(home, folder, "--access-as", "38623", user=user)[0] == 0
    assert [record["gatewatch"]["notes"] for record in records(folder)] == [[CAPTIVE_PORTAL]] * len(
        HOSTS
    )


@pytest.mark.parametrize("user", USERS)
def test_a_telephone_that_gives_each_packet_a_new_ttl(user: User) -> None:
    """Nobody is advised to name the provider, which would not help; who does is told so."""
    with chain(9, nat=True, local=("193.0.20.0/24",)) as far:
        for router, gateway in zip(far.routers, far.hops[4][1:], strict=True):
            router.run(["ip", "route", "replace", "193.0.20.0/24", "via", gateway])
        far.routers[0].run(
            ["nft", "-f", "-"],
            stdin="table ip hide { chain out { type filter hook postrouting priority 0;\n"
            'oifname "east" ip ttl set 65\n}\n}\n',
        )
        folder = agree(far.fabric.home("shared", user))
        code, _, complaint = run(far, folder, user=user)
        assert (code, list(folder.glob("spool"))) == (7, []), complaint
        assert "gives each packet a new TTL" in complaint
        assert "--access-as" not in complaint
        code, said, _ = run(far, folder, "--access-as", "38623", user=user)
        assert code == 0
        assert "12 traces: a telephone that shares its link" in said
        assert [record["gatewatch"]["notes"] for record in records(folder)] == [[NEW_TTL]] * 12


def unpacked(path: Path) -> bytes:
    """The trace lines of a bundle; nothing where the file is none."""
    if not tarfile.is_tarfile(path):
        return b""
    with tarfile.open(path) as bundle:
        (packed,) = [name for name in bundle.getnames() if name.endswith(".zst")]
        member = bundle.extractfile(packed)
        assert member is not None
        return zstandard.ZstdDecompressor().decompressobj().decompress(member.read())


@pytest.mark.parametrize("user", USERS)
def test_nothing_that_is_written_tells_who_measured(home: Chain, user: User) -> None:
    """Run, show and bundle, with their logs: in no byte anywhere the address, name or hardware.

    Neither the address behind the NAT nor that of the line before it, of either IP version.
    """
    place = home.fabric.home("place", user)
    folder = agree(home.fabric.home("measured", user))
    if user != "root":
        home.vantage.run(["chown", "-R", "65534", folder])
    targets = [*HOSTS, home.host[4], home.host[6], "36.37.130.2"]
    listed = home.fabric.file("listed", "\n".join(targets) + "\n")
    gatewatch = shlex.quote(GATEWATCH)
    script = "\n".join(
        (
            f"cd {place}",
            f"{gatewatch} run --targets {listed} --rate 200 >out.log 2>err.log; echo $? >code",
            f"{gatewatch} show --as-shared >shared.jsonl 2>>err.log",
            f"{gatewatch} bundle >>out.log 2>>err.log; echo $? >>code",
            f"{gatewatch} doctor >doctor.log 2>&1",
            "true",
        )
    )
    environment = {"GATEWATCH_HOME": str(folder), "TMPDIR": str(place), "HOME": str(place)}
    home.vantage.run(["/bin/sh", "-c", script], user=user, env=environment, timeout=180)
    assert (place / "code").read_text().split() == ["0", "0"], (place / "err.log").read_text()
    device = home.vantage.run(["cat", "/sys/class/net/east/address"]).stdout.strip()
    secrets = [home.source[4], home.source[6], "36.37.129.1", device, device.replace(":", "")]
    secrets += ["2405:8380:0", "2405:8380::", HOST_NAME]
    files = [path for top in (place, folder) for path in top.rglob("*") if path.is_file()]
    assert {"out.log", "err.log", "shared.jsonl"} < {path.name for path in files}
    assert any(path.suffix == ".jsonl" and path.parent.name == "spool" for path in files)
    for path in files:
        content = (path.read_bytes() + path.name.encode() + unpacked(path)).lower()
        assert [secret for secret in secrets if secret.lower().encode() in content] == [], path
    bundles = [path for path in files if tarfile.is_tarfile(path)]
    assert [unpacked(path) for path in bundles] == [(place / "shared.jsonl").read_bytes()]
    modes = {path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0}
