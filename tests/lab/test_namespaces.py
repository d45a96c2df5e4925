"""The lab itself: networks of kernels stand, are what they say, and leave nothing behind."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.lab.namespaces import Fabric, Namespace, chain, missing_for_lab, requires_lab
from tests.lab.path import Heard, paths_seen

pytestmark = [pytest.mark.lab, requires_lab]


def path_heard(vantage: Namespace, address: str) -> list[Heard]:
    return paths_seen([vantage], [address], patience=3.5)[vantage.name][address]


def path_seen(vantage: Namespace, address: str) -> list[str | None]:
    return [who for who, _ in path_heard(vantage, address)]


def namespaces(prefix: str) -> list[Path]:
    return list(Path("/run/netns").glob(f"{prefix}-*"))


@pytest.mark.parametrize("version", [4, 6])
def test_a_chain_shows_every_router_and_the_host(version: int) -> None:
    """A path over six routers has seven hops, each answering from the address it is said to."""
    with chain(6) as row:
        assert path_seen(row.vantage, row.host[version]) == list(row.hops[version])
        assert len(row.hops[version]) == 7


def test_silent_routers_and_nat() -> None:
    """A silent router is a gap, and a vantage point behind NAT sees the same path beyond it."""
    with chain(4, silent=[2, 3], nat=True) as row:
        assert row.source[4] == "192.168.1.10"
        for version in (4, 6):
            expected = [
                None if hop in (2, 3) else address
                for hop, address in enumerate(row.hops[version], start=1)
            ]
            assert path_seen(row.vantage, row.host[version]) == expected


def test_a_host_can_stand_for_a_whole_prefix() -> None:
    """Every address of a local prefix is answered from that address."""
    with chain(1, local=["198.18.0.0/22"]) as row:
        assert path_seen(row.vantage, "198.18.3.77") == [row.hops[4][0], "198.18.3.77"]


def test_a_delay_adds_to_every_round_trip_beyond_it() -> None:
    """A delayed link slows what lies behind it and nothing before it, and loses nothing."""
    with chain(3, delay_ms=300.0) as row:
        for version in (4, 6):
            seen = path_heard(row.vantage, row.host[version])
            assert tuple(heard for heard, _ in seen) == row.hops[version]
            near, far = [took for _, took in seen[:2]], [took for _, took in seen[2:]]
            # The stamp of a probe is taken after it left, at times by milliseconds.
            assert max(near) < 250.0 < min(far)


def test_each_hop_can_be_farther_than_the_one_before() -> None:
    """One slow link can stand for many: an answer takes longer by so much for each hop it came."""
    with chain(3, hop_ms=150.0) as row:
        for version in (4, 6):
            seen = path_heard(row.vantage, row.host[version])
            assert tuple(heard for heard, _ in seen) == row.hops[version]
            assert [round(took / 150.0) for _, took in seen] == [1, 2, 3, 4], seen


def test_nobody_has_no_capability_and_still_finds_the_project() -> None:
    """As nobody there is no capability left to use or to gain, yet the project can be imported."""
    code = "import os, probe, trio; print(os.geteuid(), open('/proc/self/status').read())"
    with chain(1) as row:
        said = row.vantage.run([sys.executable, "-c", code], user="nobody").stdout
    assert said.startswith("65534 ")
    sets = [line.split() for line in said.splitlines() if line.startswith("Cap")]
    assert {name for name, _ in sets} == {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"}
    assert {int(value, 16) for _, value in sets} == {0}


@pytest.mark.parametrize("allowed", [True, False])
def test_ping_sockets_are_on_or_off(allowed: bool) -> None:
    """A vantage point lets nobody open a ping socket exactly when it was built so."""
    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)"
    with chain(1, ping_sockets=allowed) as row:
        done = row.vantage.run([sys.executable, "-c", code], user="nobody", check=False)
    assert (done.returncode == 0) is allowed
    assert allowed or "PermissionError" in done.stderr


def test_a_failure_leaves_nothing_behind() -> None:
    """Namespaces, the programs in them and their files go, also when a test fails inside."""
    fabrics: list[Fabric] = []
    programs: list[subprocess.Popen[str]] = []

    def fail_inside() -> None:
        with chain(2) as row:
            fabrics.append(row.fabric)
            programs.append(row.vantage.start(["sleep", "600"]))
            assert namespaces(row.fabric.prefix)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert [program.returncode for program in programs] == [-9]
    assert not namespaces(fabrics[0].prefix)
    assert not fabrics[0].folder.exists()


def test_leftovers_of_a_killed_run_are_removed() -> None:
    """A run killed with SIGKILL leaves namespaces and programs; the next one removes both."""
    code = (
        "import os, signal\n"
        "from tests.lab.namespaces import chain\n"
        "from tests.lab.test_namespaces import namespaces\n"
        "with chain(1) as row:\n"
        "    prefix = row.fabric.prefix\n"
        "    program = row.vantage.start(['sh', '-c', 'echo inside; exec sleep 600'])\n"
        "    assert program.stdout.readline() == 'inside\\n'\n"
        "    print(prefix, program.pid, len(namespaces(prefix)), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert killed.returncode == -9
    prefix, pid, left = killed.stdout.split()
    assert int(left) == 3
    # From here on any fabric of another test may remove them as well.
    with Fabric():
        assert not list(Path(tempfile.gettempdir()).glob(f"{prefix}-*"))
        assert not namespaces(prefix)
        status = Path(f"/proc/{pid}/status")
        assert not status.exists() or "zombie" in status.read_text(encoding="ascii")


def test_where_no_lab_can_stand_the_reason_is_given() -> None:
    """What is missing is named: a tool, or root."""
    assert missing_for_lab("no-such-tool") == "the lab needs no-such-tool, which is not installed"
    code = "from tests.lab.namespaces import missing_for_lab; print(missing_for_lab())"
    with chain(1) as row:
        said = row.vantage.run([sys.executable, "-c", code], user="nobody").stdout
    assert said == "the lab needs root\n"
