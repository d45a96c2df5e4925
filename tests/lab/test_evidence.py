"""``--pcap FILE``: the packets of a measurement as they were on the wire, read by other tools."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6TimeExceeded, IPv6
from scapy.utils import rdpcap

from tests.harness.consenting import agree
from tests.lab.namespaces import Chain, chain, requires_lab

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-evidence")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))
CHECKED = [
    option for name in ("ip", "udp", "tcp") for option in ("-o", f"{name}.check_checksum:TRUE")
]
BAD = "_ws.malformed || " + " || ".join(
    f"{name}.checksum.status == 0" for name in ("ip", "udp", "tcp", "icmp", "icmpv6")
)


@pytest.fixture(scope="module")
def row() -> Iterator[Chain]:
    with chain(3) as built:
        yield built


def tshark(path: Path, show: str) -> list[str]:
    """What tshark prints for the packets that fit a display filter, checksums checked."""
    if shutil.which("tshark") is None:
        pytest.skip("there is no tshark here")
    done = subprocess.run(
        # By its tag a payload may look like one of many a protocol, and like a damaged one.
        ["tshark", "-r", str(path), *CHECKED, "-d", "udp.port==33434-33449,data", "-Y", show],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("method", ["icmp", "udp", "tcp"])
@pytest.mark.parametrize("backend", ["raw", "pcap"])
def test_it_holds_every_probe_and_every_answer(
    row: Chain, backend: str, method: str, version: int
) -> None:
    """Probe by probe what the screen says, with right checksums and in the order of their times."""
    path = row.fabric.home(f"{backend}-{method}-{version}", "root") / "evidence.pcap"
    command = [
        GATEWATCH,
        "trace",
        "--multipath",
        "off",
        "--backend",
        backend,
        "--method",
        method,
        "--pcap",
        path,
    ]
    done = row.vantage.run([*command, row.host[version]])
    packets = rdpcap(str(path))
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"{path} holds the {len(packets)} packets")
    assert "not redacted" in said
    kind, hop_limit = (IP, "ttl") if version == 4 else (IPv6, "hlim")
    assert all(type(packet) is kind for packet in packets)
    ours = row.source[version]
    probes = [packet for packet in packets if packet.src == ours]
    answers = [packet for packet in packets if packet.dst == ours]
    assert len(probes) + len(answers) == len(packets)
    assert {1, 2, 3, 4} <= {getattr(packet, hop_limit) for packet in probes}
    assert {packet.dst for packet in probes} == {row.host[version]}
    exceeded = [
        packet.src
        for packet in answers
        if ICMPv6TimeExceeded in packet or (ICMP in packet and packet[ICMP].type == 11)
    ]
    assert sorted(exceeded) == sorted(row.hops[version][:3])
    assert row.host[version] in {packet.src for packet in answers}
    assert len(tshark(path, "frame")) == len(packets)
    # veth leaves the checksum of the host's TCP segments to a card that is not there.
    assert tshark(path, f"({BAD}) && !(tcp.srcport == 443)") == []


def test_a_run_keeps_it_apart_from_its_results(row: Chain) -> None:
    """All packets of the run are in the file, and none of it is in the data folder."""
    home = agree(row.fabric.home("kept", "root"))
    path = row.fabric.folder / "run.pcap"
    listed = row.fabric.file("targets", f"{row.host[4]}\n193.0.6.137\n")
    command = [GATEWATCH, "run", "--targets", listed, "--access-as", "AS38623", "--pcap"]
    environment = {"GATEWATCH_HOME": str(home)}
    done = row.vantage.run([*command, path], env=environment)
    assert f"{path} holds the" in done.stderr
    probed = {packet.dst for packet in rdpcap(str(path)) if packet.src == row.source[4]}
    assert probed == {row.host[4], "193.0.6.137"}
    own = row.source[4].encode()
    assert [file for file in home.rglob("*") if file.is_file() and own in file.read_bytes()] == []
    again = row.vantage.run([*command, path], env=environment, check=False)
    assert (again.returncode, again.stdout) == (2, "")
    assert "is not overwritten" in again.stderr


@pytest.mark.parametrize("place", ["evidence.pcap", "spool/evidence.pcap"])
def test_a_run_refuses_to_place_it_among_its_results(row: Chain, place: str) -> None:
    """What may be shared and what may not lie apart; nothing is sent before that is clear."""
    home = agree(row.fabric.home(f"refused-{len(place)}", "root"))
    listed = row.fabric.file("one", f"{row.host[4]}\n")
    command = [GATEWATCH, "run", "--targets", listed, "--pcap", home / place]
    done = row.vantage.run(command, env={"GATEWATCH_HOME": str(home)}, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "may be shared" in done.stderr
    assert [file.name for file in home.iterdir()] == ["consent.json"]


@pytest.mark.parametrize("backend", ["auto", "errqueue"])
def test_without_raw_packets_it_says_so(row: Chain, backend: str) -> None:
    """The error queue gives no packets: 2, one sentence, no empty file."""
    path = row.fabric.home(f"nothing-{backend}", "nobody") / "evidence.pcap"
    command = [
        GATEWATCH,
        "trace",
        "--multipath",
        "off",
        "--backend",
        backend,
        "--pcap",
        path,
        row.host[4],
    ]
    done = row.vantage.run(command, user="nobody", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "sudo" in done.stderr
    assert not path.exists()


def test_without_the_option_no_packet_is_kept(row: Chain) -> None:
    """Nothing is written by a trace that was not asked for it."""
    home = row.fabric.home("plain", "root")
    row.vantage.run([GATEWATCH, "trace", row.host[4]], env={"GATEWATCH_HOME": str(home)})
    assert {path.name for path in home.iterdir()} <= {"allowance.state"}
