"""The whole way in a network of kernels: a home behind NAT, routers, a collector abroad.

Measured, redacted, bundled and sent over TLS while either end is killed again and again. Neither
the address of the home, which only the collector's kernel sees, nor the name of the machine is in
anything that either end wrote or printed.
"""

from __future__ import annotations

import ipaddress
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from probe.record import from_line
from probe.spool import read
from tests.harness.collecting import ROOT, collecting
from tests.harness.consenting import agree
from tests.harness.leaving import Machine, check_nothing_lost_nothing_doubled, cut_off_at_random
from tests.harness.proxies import certificate
from tests.harness.searching import found_in, told_by_files
from tests.lab.namespaces import HOST_NAME, Chain, User, chain, requires_lab

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))
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
        outside = outside_address(row)
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


def number_by_hardware(row: Chain) -> None:
    """Give the home's machine that hardware address, and the IPv6 address made of it."""
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


def outside_address(row: Chain) -> str:
    """The home's public address, which only its router has."""
    router = json.loads(row.routers[0].run(["ip", "-j", "addr", "show", "east"]).stdout)
    (outside,) = (one["local"] for one in router[0]["addr_info"] if one["family"] == "inet")
    return str(outside)


def test_neither_files_nor_packets_tell_who_measured(tmp_path: Path) -> None:
    """The whole chain once: each secret in every spelling, in all that is written and sent.

    Only the raw packets of --pcap, which are asked for, show the own addresses: the search finds
    them there.
    """
    with chain(4, nat=True) as row:
        number_by_hardware(row)
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
        sent, _ = watch.communicate(timeout=60)
        outside = outside_address(row)
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


# A router abroad whose answers name the line that they go to: as an interface with its address and
# name (RFC 5837), as bare bytes in place of labels, and in an object that nobody knows.
_TELLING = """
[[path]]
to = "193.0.20.0/24"
hops = [
  {{ address = "193.0.0.9", rtt = 1, mpls = 24001, extensions = [
    {{ class = 2, type = 15, data = "{interface}" }},
    {{ class = 1, type = 2, data = "{packed}" }},
    {{ class = 247, type = 9, data = "{name}" }},
  ] }},
  {{ address = "{outside}", rtt = 2 }},
  {{ address = "{beside}", rtt = 3 }},
  {{ address = "192.168.1.77", rtt = 4 }},
]
end = {{ rtt = 5 }}

[[path]]
to = "2001:67c:2e8:20::/64"
hops = [
  {{ address = "{eui_64}", rtt = 1, extensions = [{{ class = 2, type = 15, data = "{name}" }}] }},
  {{ address = "2405:8380:0:77::1", rtt = 2 }},
  {{ address = "2001:67c:2e8:9:1c2b:3aff:fe4d:5e6f", rtt = 3 }},
  {{ address = "2002:{halves}::1", rtt = 4 }},
  {{ address = "64:ff9b::192.168.1.10", rtt = 5 }},
]
end = {{ rtt = 6 }}
"""


def telling(outside: str) -> str:
    """The network behind the last router, as `tests.lab.tun` reads it."""
    packed = ipaddress.IPv4Address(outside).packed
    name = f"line-of-{HOST_NAME}-{outside}".encode()
    length = (len(name) + 1 + 3) // 4 * 4
    named = (bytes((length,)) + name).ljust(length, b"\0")
    interface = (7).to_bytes(4) + b"\0\1\0\0" + packed + named + (1500).to_bytes(4)
    return _TELLING.format(
        interface=interface.hex(),
        packed=packed.hex(),
        name=named.hex(),
        outside=outside,
        beside=str(ipaddress.IPv4Address(outside) + 76),
        eui_64=EUI_64,
        halves=packed.hex(":", 2),
    )


@pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="the lab needs /dev/net/tun")
@pytest.mark.parametrize(("user", "named"), [("root", ("--access-as", "AS15169")), ("nobody", ())])
def test_what_routers_tell_of_the_line_is_neither_kept_nor_sent(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, user: User, named: tuple[str, ...]
) -> None:
    """A run that is stopped and resumed, and what it hands over; also under a wrong --access-as.

    Answers come from the home's public address and beside it, from its own subnets, and with its
    name and addresses in them. What is on the screen shows them: the search would find them.
    """
    with chain(3, nat=True) as row:
        number_by_hardware(row)
        outside = outside_address(row)
        # A kernel throws away what seems to come from itself, many a router at home does not.
        row.routers[0].run(["sysctl", "-qw", "net.ipv4.conf.all.accept_local=1"])
        row.target.run(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
        for router, next_4, next_6 in zip(
            row.routers, row.hops[4][1:], row.hops[6][1:], strict=True
        ):
            router.run(["ip", "route", "replace", "193.0.20.0/24", "via", next_4])
            router.run(["ip", "route", "replace", "2001:67c:2e8:20::/64", "via", next_6])
        network = tmp_path_factory.mktemp("network") / "telling.toml"
        network.write_text(telling(outside), encoding="utf-8")
        internet = row.target.start(
            [sys.executable, "-m", "tests.lab.tun", network], env={"PYTHONPATH": str(ROOT)}
        )
        assert internet.stdout is not None
        assert internet.stdout.readline() == "ready\n", internet.communicate()[1]

        home = agree(row.fabric.home("measured", user))
        options = sending_to(row.host[4], home, tmp_path)
        row.vantage.run(["chown", "-R", "--reference", home, home])
        hosts = ["193.0.20.5", "193.0.20.6", "2001:67c:2e8:20::5", "2001:67c:2e8:20::6"]
        listed = row.fabric.file("targets", "\n".join((*hosts, row.host[4])) + "\n")
        environment = {"GATEWATCH_HOME": str(home), "TMPDIR": str(home)}

        def gatewatch(*words: object) -> str:
            command = [GATEWATCH, *words]
            return row.vantage.run(command, user=user, env=environment, timeout=120).stdout

        shown = gatewatch("trace", "--json", "--multipath", "off", hosts[0])
        assert found_in({outside, "192.168.1.77"}, [shown.encode()]) == {outside, "192.168.1.77"}
        told = from_line(shown).hops[4].replies[0].extensions
        assert told is not None
        assert {"class": 2, "type": 15} in told["obj"]
        run = ("run", "--targets", listed, "--multipath", "full", *named)
        stopped = row.vantage.start([GATEWATCH, *run, "--rate", "20"], user=user, env=environment)
        assert stopped.stderr is not None
        while not stopped.stderr.readline().startswith("[1/"):
            assert stopped.poll() is None
        stopped.send_signal(signal.SIGINT)
        said = "".join(stopped.communicate(timeout=60))
        assert stopped.returncode == 130, said
        said += gatewatch(*run, "--rate", "500", "--resume")
        held = tmp_path / "held"
        with collecting(held, *options, port=PORT, within=row.target.entered):
            said += gatewatch("submit", "--now")
        kept = list(read(home / "spool"))
        assert len(kept) == len(hosts) + 1
        assert len(list((held / "quarantine").glob("*.tar"))) == 1
        secrets = {outside, row.source[4], EUI_64, LINK_LOCAL, HARDWARE, HOST_NAME, "192.168.1.77"}
        assert found_in(secrets | HALVES, [said.encode()]) == set()
        assert told_by_files(secrets | HALVES, tmp_path) == {}
        assert told_by_files(secrets | HALVES, row.fabric.folder) == {}
