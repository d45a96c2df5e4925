"""Without consent no packet leaves: counted by the first router's own kernel."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.namespaces import Chain, User, chain, requires_lab

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))

# All that a program could send, and nothing of what the kernel says to its neighbours.
COUNTER = """
table inet watch {
  counter arrived { }
  chain in {
    type filter hook prerouting priority -300
    iifname "west" meta l4proto { icmp, udp, tcp } counter name arrived
    iifname "west" icmpv6 type echo-request counter name arrived
  }
}
"""


@pytest.fixture(scope="module")
def row() -> Iterator[Chain]:
    """Two routers, the first of which counts what comes from the vantage point."""
    with chain(2) as built:
        built.routers[0].run(["nft", "-f", "-"], stdin=COUNTER)
        yield built


def arrived(row: Chain) -> int:
    done = row.routers[0].run(["nft", "--json", "list", "counter", "inet", "watch", "arrived"])
    (packets,) = (
        entry["counter"]["packets"]
        for entry in json.loads(done.stdout)["nftables"]
        if "counter" in entry
    )
    return int(packets)


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_a_run_without_consent_sends_and_writes_nothing(row: Chain, user: User) -> None:
    """Exit 3 with zero packets and no data folder; agreed to, the same command sends some."""
    folder = row.fabric.home(f"{user}-above", user) / "home"
    listed = row.fabric.file(f"{user}-targets", f"{row.host[4]}\n{row.host[6]}\nwww.example.org\n")
    # Names would have to be asked of a server beyond the router.
    resolver = row.fabric.file(f"{user}-resolv", f"nameserver {row.host[4]}\n")
    resolving = f"mount --bind {resolver} /etc/resolv.conf;" if user == "root" else ""
    environment = {"GATEWATCH_HOME": str(folder)}
    before = arrived(row)
    done = row.vantage.run(
        [
            "sh",
            "-c",
            f"{resolving} exec {GATEWATCH} run --targets {listed}",
        ],
        user=user,
        env=environment,
        check=False,
    )
    assert done.returncode == 3
    assert "gatewatch consent grant" in done.stderr
    assert arrived(row) == before
    assert not folder.exists()
    row.vantage.run(
        [GATEWATCH, "consent", "grant", "--run", "--keep", "--version-read", "1"],
        user=user,
        env=environment,
    )
    addresses = row.fabric.file(f"{user}-addresses", f"{row.host[4]}\n{row.host[6]}\n")
    command = [GATEWATCH, "run", "--targets", addresses, "--access-as", "AS38623"]
    row.vantage.run(command, user=user, env=environment)
    assert arrived(row) > before
