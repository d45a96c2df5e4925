"""No router is asked much at once, as the routers themselves count it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from probe.spool import read
from tests.harness.consenting import agree
from tests.lab.namespaces import Chain, chain, requires_lab
from tests.lab.path import paths_seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.namespaces import Namespace

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))

TWO_HOPS_FAR = """
import socket, sys
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probe.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
probe.sendto(b"lab", (sys.argv[1], 33434))
"""

RATE = "100"
WINDOW = 0.1
MOST = 3


def counting(router: Namespace) -> subprocess.Popen[str]:
    """Let a router note when probes end at it."""
    command = [sys.executable, "-m", "tests.lab.arrivals", "west"]
    program = router.start(command, stdin=subprocess.PIPE)
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    return program


def most_at_once(times: list[float]) -> int:
    """The most arrivals in any `WINDOW` that begins with one."""
    ordered = sorted(times)
    return max(sum(start <= time < start + WINDOW for time in ordered) for start in ordered)


def test_arrivals_are_counted_in_every_window() -> None:
    """Windows begin anywhere, also across whole tenths, and hold what lies within them."""
    assert most_at_once([0.05, 0.09, 0.12, 0.14, 0.16]) == 4
    assert most_at_once([0.0, 0.25, 0.5]) == 1


def arrivals(row: Chain, command: list[str]) -> list[list[float]]:
    """By router, when probes ended at it while this command ran."""
    programs = [counting(router) for router in row.routers]
    row.vantage.run(command, env={"GATEWATCH_HOME": str(row.fabric.folder / "spool")})
    return [json.loads(program.communicate()[0]) for program in programs]


@pytest.fixture(scope="module")
def row() -> Iterator[Chain]:
    """Ten routers in a row, each 4 ms from the one before."""
    with chain(10, hop_ms=4.0, local=["198.18.0.0/24"]) as built:
        yield built


@pytest.fixture(scope="module")
def home(row: Chain) -> Path:
    """The data folder of an owner who agrees."""
    return agree(row.fabric.home("spool", "root"))


@pytest.fixture(scope="module")
def targets(row: Chain) -> Path:
    """A list of 32 targets, of which the last quarter is silent and so asked about again."""
    answering = [f"198.18.0.{number}" for number in range(1, 25)]
    dark = [f"198.19.0.{number}" for number in range(1, 9)]
    return row.fabric.file("targets", "\n".join([*answering, *dark]))


@pytest.mark.parametrize("options", [[], ["--multipath", "full", "--limit", "8"]])
def test_no_router_gets_a_burst(row: Chain, home: Path, targets: Path, options: list[str]) -> None:
    """At 100 packets a second no router gets more than 3 probes in any 100 ms.

    If all targets were asked at the same TTL one after the other, ten would come to one router.
    """
    spool = home / f"kept-{len(options)}"
    command = [GATEWATCH, "run", "--i-run-this-network", "--rate", RATE, "--targets", str(targets)]
    arrived = arrivals(row, [*command, "--to", str(spool), *options])
    probes = sum(one.trace.probes or 0 for one in read(spool) if one.trace is not None)
    assert min(map(len, arrived)) >= 32
    assert sum(map(len, arrived)) < probes
    assert max(map(most_at_once, arrived)) <= MOST


def test_nor_where_all_paths_are_asked_from_their_ends(row: Chain, targets: Path) -> None:
    """So it must be when paths are measured backward, until they join others, and at the border."""
    command = [sys.executable, "-m", "scripts.bench.engine", "raw", "icmp", RATE, str(targets)]
    arrived = arrivals(row, [*command, "KH"])
    assert min(map(len, arrived[3:7])) >= 32
    assert max(map(most_at_once, arrived)) <= MOST


def test_no_probe_waits_for_the_program_that_delays_answers(row: Chain) -> None:
    """Else the lab itself would send bursts whenever that program got no processor for a while."""
    host, behind = row.host[4], row.routers[1]
    path = paths_seen([row.vantage], [host])[row.vantage.name][host]
    assert path[1][0] == row.hops[4][1]
    program = counting(behind)
    delays = _sh(["ip", "netns", "pids", row.fabric["distance"].name]).split()
    _sh(["kill", "-STOP", *delays])
    try:
        row.vantage.run([sys.executable, "-c", TWO_HOPS_FAR, host])
        arrived = json.loads(program.communicate()[0])
    finally:
        _sh(["kill", "-CONT", *delays])
    assert len(arrived) == 1


def _sh(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
