"""No router is asked much at once, as the routers themselves count it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from probe.spool import read
from tests.lab.namespaces import Namespace, chain, requires_lab

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))

RATE = 100
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


def test_no_router_gets_a_burst(tmp_path: Path) -> None:
    """At 100 packets a second no router gets more than 3 probes in any 100 ms.

    Some 400 probes, a quarter of the targets silent and so asked about again. If all targets were
    asked at the same TTL one after the other, ten would come to one router.
    """
    answering = [f"198.18.0.{number}" for number in range(1, 25)]
    dark = [f"198.19.0.{number}" for number in range(1, 9)]
    with chain(10, hop_ms=4.0, local=["198.18.0.0/24"]) as row:
        targets = row.fabric.file("targets", "\n".join([*answering, *dark]))
        spool = row.fabric.home("spool", "root")
        programs = [counting(router) for router in row.routers]
        row.vantage.run(
            [
                *(GATEWATCH, "run", "--i-run-this-network", "--rate", RATE),
                *("--targets", targets, "--to", spool),
            ]
        )
        arrived = [json.loads(program.communicate()[0]) for program in programs]
        probes = sum(one.trace.probes or 0 for one in read(spool) if one.trace is not None)
    assert min(map(len, arrived)) >= len(answering) + len(dark)
    assert sum(map(len, arrived)) < probes
    assert max(map(most_at_once, arrived)) <= MOST
