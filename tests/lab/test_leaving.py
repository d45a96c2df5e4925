"""The whole way in a network of kernels: a home behind NAT, routers, a collector abroad.

Measured, redacted, bundled and sent over TLS while either end is killed again and again. Neither
the address of the home, which only the collector's kernel sees, nor the name of the machine is in
anything that either end wrote or printed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.consenting import agree
from tests.lab.namespaces import HOST_NAME, chain, requires_lab
from tests.leaving import Machine, check_nothing_lost_nothing_doubled, cut_off_at_random
from tests.proxies import certificate

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

PORT = 8443
HOSTS = [f"193.0.20.{number}" for number in range(1, 200)]


def test_from_a_home_behind_nat_to_a_collector_abroad(tmp_path: Path) -> None:
    """Nothing is lost, nothing doubled, every receipt is there, and nobody's address is."""
    with chain(4, nat=True, local=("193.0.20.0/24",)) as row:
        for router, gateway in zip(row.routers, row.hops[4][1:], strict=True):
            router.run(["ip", "route", "replace", "193.0.20.0/24", "via", gateway])
        home = agree(tmp_path / "home")
        machine = Machine(home, row.vantage.entered)
        cert, key = certificate(tmp_path, addresses=(row.host[4],))
        shutil.copy(cert, home / "collector.pem")
        (home / "settings.toml").write_text(
            f"collector = {json.dumps(f'https://{row.host[4]}:{PORT}')}\n"
            'collector_certificate = "collector.pem"\n',
            encoding="utf-8",
        )
        targets = tmp_path / "targets.txt"

        def measure(number: int) -> None:
            hosts = HOSTS[4 * number : 4 * number + 4]
            targets.write_text("\n".join(hosts) + "\n", encoding="utf-8")
            words = ["run", "--targets", str(targets), "--rate", "500"]
            code, said = machine.finish(*words)
            assert code == 0, said

        options = ("--host", row.host[4], "--tls-cert", str(cert), "--tls-key", str(key))
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
