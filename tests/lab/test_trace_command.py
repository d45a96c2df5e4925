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
from tests.lab.namespaces import Chain, User, chain, requires_lab

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

GATEWATCH = Path(sys.executable).with_name("gatewatch")


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
    ],
)
def test_all_seven_hops_are_in_one_record(
    row: Chain, version: int, user: User, method: str, backend: str
) -> None:
    """A host behind six routers: one line, seven hops, by each backend, method and IP version."""
    command = [GATEWATCH, "trace", "--json", "--method", method, row.host[version]]
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
    program.communicate(timeout=10)
    assert time.monotonic() - began < 1.0
    assert program.returncode == 130
