"""What a measurement may still do while it measures, as the kernel says; and that it gets on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from probe.spool import read
from tests.harness.consenting import agree
from tests.lab.listening import NAME_SERVER
from tests.lab.namespaces import NOBODY, Chain, User, chain, requires_lab

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-privileges")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))
NONE = "0" * 16


@pytest.fixture(scope="module")
def row() -> Iterator[Chain]:
    """Two routers; the second is silent, so that a trace takes its time."""
    with chain(2, silent=(2,)) as built:
        yield built


def statuses(program: subprocess.Popen[str]) -> list[dict[str, str]]:
    """What the kernel says of each thread of a process, which is halted: none of them ends."""
    program.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, program.pid, os.WSTOPPED)
    threads = list(Path(f"/proc/{program.pid}/task").iterdir())
    return [
        dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines())
        for thread in threads
    ]


@pytest.mark.parametrize(
    ("user", "backend"),
    [("root", "raw"), ("net_raw", "raw"), ("nobody", "errqueue"), ("root", "errqueue")],
)
def test_while_it_probes_it_may_do_nothing_more(row: Chain, user: User, backend: str) -> None:
    """With sockets open, no thread has a capability in any set, or could gain one."""
    nobody_there = "193.0.6.141"
    command = [GATEWATCH, "trace", "--backend", backend, nobody_there]
    program = row.vantage.start(command, user=user)
    assert program.stdout is not None
    assert f"through {backend}" in program.stdout.readline()
    found = statuses(program)
    assert found
    for said in found:
        held = {name: said[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
        assert set(held.values()) == {NONE}
        assert said["NoNewPrivs"] == "1"
        # Only who has CAP_SETPCAP may empty it; nothing can be gained from it any more.
        assert said["CapBnd"] == (f"{1 << 13:016x}" if user == "net_raw" else NONE)
    program.kill()


@pytest.mark.parametrize("user", ["root", "net_raw"])
def test_libpcap_keeps_one_capability_and_no_more(row: Chain, user: User) -> None:
    """It opens interfaces as it goes; its reading threads have that one as well, and no other."""
    command = [GATEWATCH, "trace", "--backend", "pcap", "193.0.6.141"]
    program = row.vantage.start(command, user=user)
    assert program.stdout is not None
    assert "through pcap" in program.stdout.readline()
    assert program.stdout.readline().split()[:2] == ["1", row.hops[4][0]]
    found = statuses(program)
    assert len(found) > 1
    for said in found:
        assert {int(said[name], 16) for name in ("CapPrm", "CapEff")} == {1 << 13}
        assert {said[name] for name in ("CapInh", "CapAmb")} == {NONE}
        assert said["NoNewPrivs"] == "1"
    program.kill()


def test_a_name_is_looked_up_by_a_thread_without_privileges(row: Chain) -> None:
    """The resolver's thread starts after the sockets were opened, and has what is left: nothing."""
    server = row.host[4]
    asked = row.target.start([sys.executable, "-c", NAME_SERVER])
    assert asked.stdout is not None
    assert asked.stdout.readline() == "ready\n"
    resolv = row.fabric.file("resolv.conf", f"nameserver {server}\noptions timeout:20\n")
    program = row.vantage.start(
        [
            "/bin/sh",
            "-ec",
            f"mount --bind {resolv} /etc/resolv.conf; exec {GATEWATCH} trace www.example.org",
        ]
    )
    assert asked.stdout.readline() == "asked\n"
    found = statuses(program)
    assert len(found) > 1
    assert {said[name] for said in found for name in ("CapPrm", "CapEff", "CapBnd")} == {NONE}
    assert {said["NoNewPrivs"] for said in found} == {"1"}
    program.kill()


TARGETS = ["193.0.6.137", "193.0.6.139"]


@pytest.mark.parametrize("user", ["root", "net_raw"])
def test_a_run_keeps_its_traces_in_its_own_folder(row: Chain, user: User) -> None:
    """Without capabilities it still writes where its user may."""
    folder = agree(row.fabric.home(f"own-{user}", user))
    listed = row.fabric.file(f"own-{user}-targets", "\n".join(TARGETS))
    command = [GATEWATCH, "run", "--targets", listed, "--access-as", "AS38623", "--json"]
    done = row.vantage.run(command, user=user, env={"GATEWATCH_HOME": str(folder)})
    assert json.loads(done.stdout)["kept"] == 2
    kept = list(read(folder / "spool"))
    assert {line.trace and line.trace.backend for line in kept} == {"raw"}


def test_root_keeps_the_traces_of_a_user_in_that_users_folder(row: Chain) -> None:
    """Under sudo with the home of a user, the records belong to the user, who can read them."""
    folder = agree(row.fabric.home("of-nobody", "nobody"))
    listed = row.fabric.file("of-nobody-targets", "\n".join(TARGETS))
    command = [GATEWATCH, "run", "--targets", listed, "--access-as", "AS38623", "--json"]
    environment = {"GATEWATCH_HOME": str(folder)}
    done = row.vantage.run(command, uncovered=True, env=environment)
    assert json.loads(done.stdout)["kept"] == 2
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert written
    assert {path.stat().st_uid for path in written} == {NOBODY}
    shown = row.vantage.run([GATEWATCH, "show"], user="nobody", env=environment)
    assert len(shown.stdout.splitlines()) == 2
    again = row.vantage.run([*command, "--limit", "1"], user="nobody", env=environment)
    assert json.loads(again.stdout)["kept"] == 1


def test_root_leaves_nothing_of_its_own_in_a_users_folders(row: Chain) -> None:
    """Under sudo from the first command on: the user goes on with all of it, evidence as well."""
    folder = agree(row.fabric.home("sudo", "nobody"))
    beside = row.fabric.home("sudo-beside", "nobody")
    listed = row.fabric.file("sudo-targets", "\n".join(TARGETS))
    run = ["run", "--targets", listed, "--access-as", "AS38623", "--limit", "1"]
    environment = {"GATEWATCH_HOME": str(folder)}
    for words in (
        ["trace", TARGETS[0], "--pcap", beside / "trace.pcap"],
        [*run, "--pcap", beside / "run.pcap"],
        ["submit", "--leave-at", beside],
        [*run, "--to", beside / "traces"],
        ["bundle", "--to", beside / "bundle.tar"],
        ["consent", "show", "--page"],
        ["purge", "--accepted", "1", "--yes"],
    ):
        row.vantage.run([GATEWATCH, *words], uncovered=True, env=environment)
    written = [path for top in (folder, beside) for path in top.rglob("*")]
    made = {"submitting.lock", "outbox.db", "keys", "traces", "trace.pcap", "run.pcap"}
    assert made <= {path.name for path in written}
    assert [path for path in written if path.stat().st_uid != NOBODY] == []
    assert [path for path in written if path.stat().st_mode & 0o077] == []
    for words in (run, ["bundle"], ["submit", "--leave-at", beside]):
        row.vantage.run([GATEWATCH, *words], user="nobody", env=environment)


def test_a_folder_that_nobody_could_write_is_named_before_anything_is_sent(row: Chain) -> None:
    """A file of root in a user's folder, left by an older run: 4, one sentence, no packet."""
    folder = agree(row.fabric.home("mixed", "nobody"))
    left = folder / "vantage.lock"
    left.touch(0o600)
    os.chown(left, 0, 0)
    listed = row.fabric.file("mixed-targets", "\n".join(TARGETS))
    done = row.vantage.run(
        [GATEWATCH, "run", "--targets", listed],
        uncovered=True,
        env={"GATEWATCH_HOME": str(folder)},
        check=False,
    )
    assert done.returncode == 4
    (sentence,) = done.stderr.splitlines()
    assert f"root cannot use {folder}, nor nobody {left}" in sentence
    assert not (folder / "spool").exists()
