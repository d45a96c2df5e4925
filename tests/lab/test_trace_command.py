"""The commands a volunteer types, on real kernels: every hop is seen, nothing of home is kept."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ripe.atlas.sagan import TracerouteResult

from probe.record import from_line
from probe.spool import Spool, read
from tests.harness.consenting import agree
from tests.lab.namespaces import HOST_NAME, Chain, User, chain, requires_lab

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))


@pytest.fixture(scope="module")
def row() -> Iterator[Chain]:
    """Six routers and a host, ping sockets allowed."""
    with chain(6) as built:
        yield built


@pytest.fixture(scope="module")
def row_without_ping_sockets() -> Iterator[Chain]:
    """The same where the system denies ping sockets."""
    with chain(6, ping_sockets=False) as built:
        yield built


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("user", "method", "backend"),
    [
        ("root", "icmp", "raw"),
        ("root", "udp", "raw"),
        ("root", "tcp", "raw"),
        ("nobody", "icmp", "errqueue"),
        ("nobody", "udp", "errqueue"),
        ("root", "icmp", "pcap"),
        ("net_raw", "tcp", "pcap"),
    ],
)
def test_all_seven_hops_are_in_one_record(
    row: Chain, version: int, user: User, method: str, backend: str
) -> None:
    """A host behind six routers: one line, seven hops, by each backend, method and IP version."""
    command = [GATEWATCH, "trace", "--json", "--method", method, row.host[version]]
    if backend == "pcap":
        command += ["--backend", "pcap"]
    done = row.vantage.run(command, user=user)
    (line,) = done.stdout.splitlines()
    record = from_line(line)
    assert tuple(hop.replies[0].address for hop in record.hops) == row.hops[version]
    assert record.stop == "destination"
    assert (record.backend, record.proto, record.af) == (backend, method.upper(), version)
    assert [hop.attribution and hop.attribution.asn for hop in record.hops] == [
        38623,
        38623,
        38623,
        3333,
        3333,
        3333,
        3333,
    ]
    parsed = TracerouteResult(json.loads(line))
    assert (parsed.total_hops, parsed.is_error, parsed.destination_ip_responded) == (7, False, True)


@pytest.mark.parametrize("version", [4, 6])
def test_where_ping_sockets_are_denied_auto_takes_udp(
    row_without_ping_sockets: Chain, version: int
) -> None:
    """Nobody on a hardened machine traces over UDP; asking for ICMP names what allows it."""
    row = row_without_ping_sockets
    command = [GATEWATCH, "trace", "--json", row.host[version]]
    record = from_line(row.vantage.run(command, user="nobody").stdout)
    assert tuple(hop.replies[0].address for hop in record.hops) == row.hops[version]
    assert (record.backend, record.proto) == ("errqueue", "UDP")
    denied = row.vantage.run([*command, "--method", "icmp"], user="nobody", check=False)
    assert (denied.returncode, denied.stdout) == (4, "")
    assert "sysctl -w net.ipv4.ping_group_range" in denied.stderr
    raw = row.vantage.run([*command, "--backend", "raw"], user="nobody", check=False)
    assert (raw.returncode, raw.stdout) == (4, "")
    assert len(raw.stderr.splitlines()) == 1


def test_a_count_that_may_not_be_kept_is_said(row: Chain) -> None:
    """Where this user may not write, one trace is made all the same, and one line says so."""
    closed = row.fabric.home("not-theirs", "root")
    closed.chmod(0o755)
    command = [GATEWATCH, "trace", "--json", row.host[4]]
    done = row.vantage.run(command, user="nobody", env={"GATEWATCH_HOME": str(closed)})
    assert from_line(done.stdout).reached
    (line,) = done.stderr.splitlines()
    assert line.startswith("what this trace sends is not counted for the day")
    assert list(closed.iterdir()) == []


def test_the_screen_marks_the_border(row: Chain) -> None:
    """A reader sees seven hops in order, and where the path leaves the country."""
    done = row.vantage.run([GATEWATCH, "trace", row.host[4]], user="nobody")
    hops = [line.split()[1] for line in done.stdout.splitlines() if line[:3].strip().isdigit()]
    assert tuple(hops) == row.hops[4]
    assert "leaves KH (by registration) between hops 3 and 4" in done.stdout
    assert "could not see the TTL that routers saw in our probes" in done.stdout


def test_no_way_out_is_offline(row: Chain) -> None:
    """A target without a route and a name without a resolver end with 5, in one sentence."""
    without = row.fabric["host"]
    for host in ("8.8.8.8", "www.example.org"):
        done = without.run([GATEWATCH, "trace", "--json", host], check=False)
        assert (done.returncode, done.stdout) == (5, "")
        assert len(done.stderr.splitlines()) == 1


def test_ctrl_c_ends_at_once(row: Chain) -> None:
    """An interrupt in the middle of silence ends within a second, with 130."""
    nobody_there = "193.0.6.141"
    program = row.vantage.start([GATEWATCH, "trace", nobody_there])
    assert program.stdout is not None
    program.stdout.readline()
    began = time.monotonic()
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=60)
    assert time.monotonic() - began < 1.0
    assert program.returncode == 130


@pytest.fixture(scope="module")
def home() -> Iterator[Chain]:
    """A home behind NAT: two routers of the provider, two abroad, hosts for a /24."""
    with chain(4, nat=True, local=("193.0.20.0/24",)) as built:
        for router in built.routers:
            router.run(
                ["ip", "route", "replace", "193.0.20.0/24", "via", _next(built, router.name)]
            )
        yield built


def _next(row: Chain, name: str) -> str:
    """The address of the hop after a router."""
    names = [router.name for router in row.routers]
    return row.hops[4][names.index(name) + 1]


HOSTS = [f"193.0.20.{number}" for number in range(1, 201)]


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_a_run_from_home_keeps_nothing_of_home(home: Chain, user: User) -> None:
    """All targets are kept as Atlas results; own addresses and host name are in no file."""
    folder = agree(home.fabric.home(f"{user}-kept", user))
    listed = home.fabric.file(f"{user}-targets", "\n".join([*HOSTS[:20], home.host[4]]) + "\n")
    command = [GATEWATCH, "run", "--targets", str(listed), "--rate", "400", "--json"]
    done = home.vantage.run(command, user=user, env={"GATEWATCH_HOME": str(folder)})
    said = json.loads(done.stdout)
    assert (said["kept"], said["failed"], said["country"]) == (21, {}, "KH")
    assert said["access"]["ipv4"]["known_by"] == "first_hops"
    for kept in read(folder / "spool"):
        assert kept.trace is not None
        assert kept.trace.stop == "destination"
        assert kept.trace.hops[0].replies[0].address is None
        assert kept.trace.hops[1].replies[0].address == "36.37.130.0"
        assert not TracerouteResult(json.loads(kept.line)).is_error
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    secrets = [home.source[4], home.hops[4][0], "36.37.130.1", "36.37.130.2", HOST_NAME]
    assert [secret for secret in secrets if secret.encode() in written] == []
    shown = home.vantage.run([GATEWATCH, "show"], user=user, env={"GATEWATCH_HOME": str(folder)})
    assert len(shown.stdout.splitlines()) == 21


def test_kill_9_on_real_sockets_loses_only_what_was_in_flight(home: Chain) -> None:
    """Whatever was said to be finished is on the disk and can be read, and a new run goes on."""
    folder = agree(home.fabric.home("killed", "nobody"))
    listed = home.fabric.file("many", "\n".join(HOSTS) + "\n")
    command = [GATEWATCH, "run", "--targets", str(listed), "--rate", "300"]
    said = 0
    for finished in (3, 4, 20):
        program = home.vantage.start(command, user="nobody", env={"GATEWATCH_HOME": str(folder)})
        assert program.stderr is not None
        for _ in range(finished):
            assert program.stderr.readline().startswith("[")
        program.kill()
        program.communicate(timeout=60)
        # The last trace that ended in the time of the three witnesses is said before it is kept.
        said += finished if finished > 3 else 0
        assert len(list(read(folder / "spool"))) >= said
    Spool(folder / "spool").close()
    assert all(kept.trace is not None for kept in read(folder / "spool"))
    assert program.returncode == -signal.SIGKILL


def test_a_full_disk_is_said_and_costs_nothing(home: Chain) -> None:
    """On a file system without room the run ends with 6; every line that was kept is whole."""
    folder = home.fabric.home("full", "root")
    listed = home.fabric.file("full-targets", "\n".join(HOSTS) + "\n")
    mount = "mount -t tmpfs -o size=64k gatewatch-lab"
    agreed = f"{GATEWATCH} consent grant --run --keep --version-read 1 > /dev/null"
    run = f"{GATEWATCH} run --targets {listed} --rate 1000 --json"
    done = home.vantage.run(
        [
            "/bin/sh",
            "-ec",
            f"{mount} {folder}; {agreed}; set +e; {run}; echo $?; cat {folder}/spool/*.jsonl",
        ],
        env={"GATEWATCH_HOME": str(folder)},
    )
    summary, code, *lines = done.stdout.splitlines()
    assert code == "6"
    assert "disk full" in done.stderr
    assert json.loads(summary)["kept"] == len(lines) > 10
    assert all(from_line(line).stop for line in lines)


def test_without_any_link_a_run_is_offline(home: Chain) -> None:
    """No way out: 5, one sentence, and nothing on the disk."""
    folder = agree(home.fabric.home("offline", "root"))
    listed = home.fabric.file("one", "8.8.8.8\n2001:4860:4860::8888\n")
    done = home.target.run(
        [GATEWATCH, "run", "--targets", str(listed)],
        env={"GATEWATCH_HOME": str(folder)},
        check=False,
    )
    assert done.returncode == 5
    assert [file.name for file in folder.iterdir()] == ["consent.json"]
