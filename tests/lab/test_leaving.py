"""The whole way in a network of kernels: a home behind NAT, routers, a collector abroad.

Measured, redacted, bundled and sent over TLS while either end is killed again and again. Neither
the address of the home, which only the collector's kernel sees, nor the name of the machine is in
anything that either end wrote or printed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.collecting import ROOT, collecting
from tests.consenting import agree
from tests.lab.namespaces import HOST_NAME, chain, requires_lab
from tests.leaving import Machine, check_nothing_lost_nothing_doubled, cut_off_at_random
from tests.proxies import certificate
from tests.searching import found_in, told_by_files

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

PORT = 8443
HOSTS = [f"193.0.20.{number}" for number in range(1, 200)]


def sending_to(address: str, home: Path, folder: Path) -> tuple[str, ...]:
    """Have a home send to a collector at an address, whose certificate is made in a folder.

    Returns the options with which the collector listens there.
    """
    cert, key = certificate(folder, addresses=(address,))
    shutil.copy(cert, home / "collector.pem")
    (home / "settings.toml").write_text(
        f"collector = {json.dumps(f'https://{address}:{PORT}')}\n"
        'collector_certificate = "collector.pem"\n',
        encoding="utf-8",
    )
    return ("--host", address, "--tls-cert", str(cert), "--tls-key", str(key))


def test_from_a_home_behind_nat_to_a_collector_abroad(tmp_path: Path) -> None:
    """Nothing is lost, nothing doubled, every receipt is there, and nobody's address is."""
    with chain(4, nat=True, local=("193.0.20.0/24",)) as row:
        for router, gateway in zip(row.routers, row.hops[4][1:], strict=True):
            router.run(["ip", "route", "replace", "193.0.20.0/24", "via", gateway])
        home = agree(tmp_path / "home")
        machine = Machine(home, row.vantage.entered)
        options = sending_to(row.host[4], home, tmp_path)
        targets = tmp_path / "targets.txt"

        def measure(number: int) -> None:
            hosts = HOSTS[4 * number : 4 * number + 4]
            targets.write_text("\n".join(hosts) + "\n", encoding="utf-8")
            words = ["run", "--targets", str(targets), "--rate", "500"]
            code, said = machine.finish(*words)
            assert code == 0, said

        with cut_off_at_random(
            machine, tmp_path / "held", measure, options, PORT, within=row.target.entered
        ) as collector:
            check_nothing_lost_nothing_doubled(machine, collector)
        router = json.loads(row.routers[0].run(["ip", "-j", "addr", "show", "east"]).stdout)
    (outside,) = (one["local"] for one in router[0]["addr_info"] if one["family"] == "inet")
    secrets = [outside, row.source[4], HOST_NAME]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 30
    for secret in secrets:
        found = subprocess.run(
            ["grep", "-rlF", "--", secret, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.stdout == "", secret


HARDWARE = "1e:2b:3a:4d:5e:6f"
# What the address above makes of a prefix (EUI-64, RFC 4291).
EUI_64 = "2405:8380:0:1:1c2b:3aff:fe4d:5e6f"
LINK_LOCAL = "fe80::1c2b:3aff:fe4d:5e6f"
HALVES = {"2405:8380:0:1:", EUI_64.rpartition("0:1:")[2]}


def test_neither_files_nor_packets_tell_who_measured(tmp_path: Path) -> None:
    """The whole chain once: each secret in every spelling, in all that is written and sent.

    Only the raw packets of --pcap, which are asked for, show the own addresses: the search finds
    them there.
    """
    with chain(4, nat=True) as row:
        row.vantage.run(
            [
                "/bin/sh",
                "-ec",
                f"ip link set east down; ip link set east address {HARDWARE}; ip link set east up\n"
                f"ip addr add {EUI_64}/64 dev east nodad\n"
                f"ip route add default via {row.hops[4][0]}\n"
                f"ip -6 route replace default via {row.hops[6][0]}",
            ]
        )
        watching = [sys.executable, "-m", "tests.lab.payloads", "west"]
        first = row.routers[0]
        watch = first.start(watching, stdin=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)})
        assert watch.stdout is not None
        assert watch.stdout.readline() == "ready\n"
        home = agree(tmp_path / "home")
        options = sending_to(row.host[4], home, tmp_path)
        targets = tmp_path / "targets.txt"
        targets.write_text("\n".join([row.host[4], row.host[6], "193.0.6.137"]), encoding="utf-8")
        machine = Machine(home, row.vantage.entered)
        run = ["run", "--targets", str(targets), "--rate", "500"]
        collector = tmp_path / "held"
        with collecting(collector, *options, port=PORT, within=row.target.entered):
            for words in (
                [*run, "--multipath", "full", "--pcap", str(tmp_path / "raw.pcap")],
                [*run, "--economical", "--method", "tcp"],
                ["submit", "--now"],
                ["convert", str(home / "spool"), str(tmp_path / "parquet")],
            ):
                code, said = machine.finish(*words)
                assert code == 0, said
        sent, _ = watch.communicate(timeout=10)
        (outside,) = (
            one["local"]
            for one in json.loads(first.run(["ip", "-j", "addr", "show", "east"]).stdout)[0][
                "addr_info"
            ]
            if one["family"] == "inet"
        )
        router = json.loads(first.run(["ip", "-j", "link", "show", "west"]).stdout)[0]["address"]
    payloads = [bytes.fromhex(line) for line in sent.split()]
    assert any(b"gatewatch: measures Internet paths" in payload for payload in payloads)
    own = {row.source[4], EUI_64}
    secrets = {*own, *HALVES, outside, LINK_LOCAL, row.hops[4][0], HARDWARE, router, HOST_NAME}
    assert found_in(secrets, payloads) == set()
    told = told_by_files(secrets, tmp_path)
    assert told.pop("raw.pcap") >= own
    assert told == {}
    names = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert names >= {".jsonl", ".tar", ".db", ".parquet", ".state"}
