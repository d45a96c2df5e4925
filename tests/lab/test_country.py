"""A country of real kernels is measured by volunteers and judged, before and after the switch.

Everything here is what a user runs: ``gatewatch run`` from inside the networks, some volunteers
as root, some as nobody with ping sockets and some without, and ``gatewatch analyze`` over what
they kept. Only the days are shortened, since a lab cannot wait a week.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from analysis.words.render import plain
from tests.harness.consenting import agree
from tests.lab.internet import internet
from tests.lab.namespaces import needs
from tests.lab.topology import VERSIONS

if TYPE_CHECKING:
    from tests.lab.internet import Internet, Volunteer

pytestmark = [pytest.mark.lab, needs("bird"), pytest.mark.xdist_group("lab-internet")]

GATEWATCH = Path(sys.executable).with_name("gatewatch")
RATE = 400
METHODS = {"raw": ("raw", "ICMP"), "ping": ("errqueue", "ICMP"), "udp": ("errqueue", "UDP")}


class Campaign:
    """The volunteers of a lab at work; keeps each measurement apart by its label."""

    def __init__(self, net: Internet) -> None:
        self.net = net
        self.volunteers = net.volunteers
        self.homes = {
            volunteer.network.key: agree(
                net.fabric.home(f"{volunteer.network.key}-home", volunteer.user)
            )
            for volunteer in self.volunteers
        }
        self.targets = net.fabric.file(
            "targets",
            "".join(
                f"{network.address(version)} {network.key}\n"
                for network in net.topology.networks.values()
                for version in VERSIONS
            ),
        )

    def spool(self, volunteer: Volunteer, label: str) -> Path:
        return self.homes[volunteer.network.key] / label

    def measure(self, label: str, version: int) -> None:
        """Let every volunteer trace to all hosts, all at once; each run has to succeed."""
        started = [self._start(volunteer, label, version) for volunteer in self.volunteers]
        for volunteer, program in zip(self.volunteers, started, strict=True):
            out, err = program.communicate(timeout=120)
            assert program.returncode == 0, f"{volunteer.network.key}: {err}{out}"

    def _start(self, volunteer: Volunteer, label: str, version: int) -> subprocess.Popen[str]:
        options = {
            "--targets": self.targets,
            "--rate": RATE,
            "--country": "KH",
            "--access-as": volunteer.network.asn,
            "--to": self.spool(volunteer, label),
        }
        words = [str(word) for option in options.items() for word in option]
        return volunteer.namespace.start(
            [GATEWATCH, "run", f"-{version}", "--i-run-this-network", *words],
            user=volunteer.user,
            env={"GATEWATCH_HOME": str(self.homes[volunteer.network.key])},
        )

    def records(self, volunteer: Volunteer, label: str) -> list[dict[str, Any]]:
        """The records that one volunteer kept."""
        lines = [
            line
            for path in sorted(self.spool(volunteer, label).rglob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
        return [json.loads(line) for line in lines]

    def verdicts(self, *labels: str) -> list[dict[str, Any]]:
        """What ``gatewatch analyze`` says of these measurements, each by itself."""
        command: list[str | Path] = [
            GATEWATCH,
            "analyze",
            "--json",
            "--country",
            "KH",
            "--policy",
            "days=1",
        ]
        analyses = [
            self.net.fabric.started(
                subprocess.Popen(
                    [*command, *(self.spool(volunteer, label) for volunteer in self.volunteers)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "GATEWATCH_HOME": str(self.net.fabric.folder / "analyst")},
                )
            )
            for label in labels
        ]
        verdicts = []
        for label, analysis in zip(labels, analyses, strict=True):
            out, err = analysis.communicate(timeout=120)
            assert analysis.returncode == 0, err
            verdicts.append(json.loads(out))
            click.echo(f"\n--- {label}\n{plain(verdicts[-1])}")
        return verdicts


def test_a_country_is_judged_before_and_after_the_switch() -> None:
    """Diverse at first; one gateway, rightly named, once BGP has moved all paths to it."""
    with internet() as net:
        campaign = Campaign(net)
        for version in VERSIONS:
            campaign.measure(f"before, IPv{version}", version)
        took = net.switch_on()
        click.echo(f"\nthe gateway was switched on; routes settled in {took:.1f} s")
        for version in VERSIONS:
            campaign.measure(f"after, IPv{version}", version)

        gateway = net.topology.gateway
        others = {one.network.asn for one in campaign.volunteers} - {gateway.asn}
        for version in VERSIONS:
            before, after = campaign.verdicts(f"before, IPv{version}", f"after, IPv{version}")
            assert before["grade"] == "diverse"
            assert before["gateway"] is None
            assert before["effective_gateways"] >= 3
            assert before["domestic"]["grade"] == "diverse"
            assert after["grade"] == "single_gateway"
            assert gateway.asn in after["gateway"]["asns"]
            assert after["gateway"]["kind"] == "organisation"
            assert after["captured"]["organisations"] == after["captured"]["of"] == len(others)
            assert after["strict_and_lenient_agree"]
            assert after["domestic"]["grade"] == "single_hub"
            assert gateway.asn in after["domestic"]["hub"]["asns"]
        for volunteer in campaign.volunteers:
            _check_kept(campaign, volunteer)


def _check_kept(campaign: Campaign, volunteer: Volunteer) -> None:
    """All targets but one's own were traced, with the method allowed, and one is not in it."""
    network = volunteer.network
    for version in VERSIONS:
        for label in (f"before, IPv{version}", f"after, IPv{version}"):
            records = campaign.records(volunteer, label)
            hosts = {one.address(version) for one in campaign.net.topology.networks.values()}
            assert {record["dst_addr"] for record in records} == hosts - {network.address(version)}
            used = {(r["gatewatch"]["method"]["backend"], r["proto"]) for r in records}
            assert used == {METHODS[volunteer.backend]}, network.key
            assert network.address(version) not in json.dumps(records)
