"""The unit on the page for collectors, under a real systemd: it starts, keeps private and ends."""

from __future__ import annotations

import re

import pytest

from tests.harness.pages import ROOT, blocks
from tests.lab.booted import Booted, missing
from tests.lab.namespaces import needs

reason = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(reason is not None, reason=reason or ""),
    needs("curl", "useradd"),
    pytest.mark.xdist_group("lab-schedule"),
]

KEPT = "/var/lib/collector/kh-bundles"


def start(system: Booted, unit: str) -> None:
    """Do what the page says: a user, the program, the unit."""
    system.run("useradd", "--system", "--home-dir", "/var/lib/collector", "collector")
    system.run("mkdir", "-p", "/opt/gatewatch/bin")
    system.run("cp", "/opt/bin/gatewatch", "/opt/gatewatch/bin/gatewatch")
    system.run("sh", "-c", 'printf %s "$1" > /etc/systemd/system/collector.service', "sh", unit)
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "start", "collector")


def asked(system: Booted, address: str) -> str:
    """What is answered, once it listens."""
    waits = ("--retry", "30", "--retry-connrefused", "--retry-delay", "1")
    return system.run("curl", "-sk", *waits, address)


def test_a_collector_runs_by_the_unit_on_its_page(system: Booted) -> None:
    """As a user of its own, in a folder that nobody else may read; stopped, it has not failed."""
    (block,) = blocks(ROOT / "docs/collector.md", "ini")
    start(system, block.text)
    assert '"gatewatch.collector/1"' in asked(system, "http://127.0.0.1:8443/v1/key")
    uid = int(system.run("id", "-u", "collector"))
    assert system.run("stat", "-c", "%U %a", "/var/lib/collector", KEPT, f"{KEPT}/key.pem") == (
        "collector 700\ncollector 700\ncollector 600\n"
    )
    said = system.run("/opt/gatewatch/bin/gatewatch", "collect", "status", KEPT, user=uid)
    assert said.startswith("waiting: 0 bundles\n")
    system.run("systemctl", "stop", "collector")
    assert system.run("systemctl", "is-failed", "collector", check=False) == "inactive\n"


def test_the_unit_may_have_the_port_of_https(system: Booted) -> None:
    """With the line that the page has for it."""
    (block,) = blocks(ROOT / "docs/collector.md", "ini")
    line = re.search(r"^# (AmbientCapabilities=.*)$", block.text, re.MULTILINE)
    assert line is not None
    there = block.text.replace(f"{KEPT}\n", f"{KEPT} --host ::1 --port 443\n")
    start(system, there.replace(line[0], line[1]))
    assert '"gatewatch.collector/1"' in asked(system, "http://[::1]:443/v1/key")
