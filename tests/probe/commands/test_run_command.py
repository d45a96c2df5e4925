"""``gatewatch run``: what is kept of a list of targets, and how it ends."""

from __future__ import annotations

import errno
import functools
import json
import os
import pty
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ripe.atlas.sagan import TracerouteResult

from probe.cli import main
from probe.engine.horizon import Limits
from probe.engine.session import SessionSettings
from probe.owner.consent import Permission, change
from probe.record import VPN, WRONG_CLOCK
from probe.redaction.premises import Premises
from probe.redaction.redact import Redacted
from probe.spool import Spool, read
from probe.vantage.ground import LineEnd, without_way
from probe.vantage.timekeeping import ClockWatch
from tests.harness.confining import confined, needs_seccomp
from tests.harness.consenting import agree
from tests.harness.terminal import shown_on
from tests.probe import paths
from tests.probe.failing import make_unreadable

TARGETS = [paths.TARGET, "193.0.6.138", "193.0.14.129", "203.144.64.1", paths.TARGET_6]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which nothing is but the owner's consent, and a home in Cambodia."""
    folder = agree(tmp_path / "home")
    monkeypatch.setenv("GATEWATCH_HOME", str(folder))
    monkeypatch.setattr("probe.commands.run.read_premises", lambda: paths.HOME)
    # Silence is waited for in real time here.
    impatient = functools.partial(SessionSettings, limits=Limits(timeout_ceiling=0.1))
    monkeypatch.setattr("probe.commands.run.SessionSettings", impatient)
    monkeypatch.setattr("probe.commands.run.without_way", lambda _: frozenset())
    use(monkeypatch, paths.routes)
    return folder


def use(monkeypatch: pytest.MonkeyPatch, ways: object) -> None:
    monkeypatch.setattr("probe.commands.run.open_network", lambda *_, **__: paths.network(ways))


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., str]:
    """Writes a target list and gives its path."""

    def write(*addresses: str) -> str:
        path = tmp_path / "targets.txt"
        path.write_text("".join(f"{address} a server\n" for address in addresses), encoding="utf-8")
        return str(path)

    return write


def kept_in(home: Path) -> list[str]:
    """What lies in the data folder besides consent and the count of the bytes of the day."""
    ours = {"allowance.state", "consent.json"}
    return [path.name for path in home.glob("*") if path.name not in ours]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["run", "--rate", "1000", *arguments])


def summary(*arguments: str) -> dict[str, Any]:
    done = run("--json", *arguments)
    fields: dict[str, Any] = json.loads(done.stdout)
    return fields | {"exit": done.exit_code}


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(kept.line) for kept in read(folder)]


def test_every_target_is_kept_redacted(home: Path, listed: Callable[..., str]) -> None:
    """Behind NAT the first hops tell the access network; home and line are nowhere on the disk."""
    said = summary("--targets", listed(*TARGETS))
    assert (said["exit"], said["kept"], said["failed"], said["left_out"]) == (0, 5, {}, {})
    assert said["access"]["ipv4"] == {
        "asn": 38623,
        "organisation": "Viettel (Metfone)",
        "known_by": "first_hops",
        "instead": None,
    }
    assert (said["country"], said["folder"]) == ("KH", str(home / "spool"))
    found = records(home / "spool")
    assert sorted(record["dst_addr"] for record in found) == sorted(TARGETS)
    for record in found:
        assert record["gatewatch"]["vantage"]["country"] == "KH"
        hops = [hop["result"][0].get("from") for hop in record["result"]]
        assert hops[:-1] == (
            [None, None, paths.ABROAD_6]
            if record["af"] == 6
            else [None, "100.64.7.0", "36.37.130.0", "10.20.1.0", paths.ABROAD]
        )
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for secret in (*paths.HOME.addresses, *paths.HOME.host_names, paths.CARRIER, paths.ACCESS):
        assert secret.encode() not in written


def test_every_line_is_an_atlas_result(home: Path, listed: Callable[..., str]) -> None:
    """Other tools of the Atlas world read what is kept."""
    run("--targets", listed(*TARGETS, paths.DARK_TARGET))
    lines = [kept.line.decode() for kept in read(home / "spool")]
    assert len(lines) == 6
    for line in lines:
        parsed = TracerouteResult(json.loads(line))
        assert not parsed.is_malformed
        assert not parsed.is_error
        assert parsed.total_hops >= 4


def test_a_clock_that_is_set_while_a_run_goes_on_is_told(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it dated before stays as it is, and comes into no bundle."""
    looks = []

    def wall() -> float:
        looks.append(1)
        return time.time() + (7200 if len(looks) > 3 else 0)

    watch = ClockWatch(wall, time.monotonic, lambda: False)
    monkeypatch.setattr("probe.commands.expedition.ClockWatch", lambda: watch)
    said = run("--targets", listed(*TARGETS)).stdout
    (told,) = (line for line in said.splitlines() if "misdated: the clock was set" in line)
    change(home, {Permission.SHARE: True}, date(2026, 11, 2))
    done = json.loads(CliRunner().invoke(main, ["bundle", "--json"]).stdout)
    assert done["left_out"] == {"misdated": int(told.split()[0])}


def test_a_day_that_the_disk_does_not_give_ends_no_run_and_is_named(
    home: Path, listed: Callable[..., str]
) -> None:
    """What is measured today does not hang on a card's old block."""
    says = make_unreadable(home / "spool" / "2020-01-01.jsonl")
    for words in (("--dry-run",), (), ("--resume",)):
        done = run("--targets", listed(*TARGETS), *words)
        assert done.exit_code == 0
        assert words or done.stdout.count(says) == 1
    said = summary("--targets", listed(*TARGETS))
    assert (said["exit"], said["kept"]) == (0, len(TARGETS))


def test_damaged_pseudonyms_come_back_from_the_spool(
    home: Path, listed: Callable[..., str]
) -> None:
    """A power cut made one volunteer two, once somebody had deleted what stopped every run."""
    run("--targets", listed(*TARGETS))
    before = (home / "vantage.state").read_bytes()
    (home / "vantage.state").write_bytes(bytes(len(before)))
    assert run("--targets", listed(*TARGETS), "--resume").exit_code == 0
    assert json.loads((home / "vantage.state").read_bytes())["vantages"]
    assert run("--targets", listed(*TARGETS)).exit_code == 0
    names = {record["gatewatch"]["vantage"]["id"] for record in records(home / "spool")}
    assert len(names) == 1
    assert {record["paris_id"] for record in records(home / "spool")} == {1, 2}


def test_the_flow_rotates_and_the_pseudonym_stays(home: Path, listed: Callable[..., str]) -> None:
    """A second run follows the next flow, from the same vantage point."""
    for _ in range(2):
        assert run("--targets", listed(paths.TARGET)).exit_code == 0
    first, second = records(home / "spool")
    assert (first["paris_id"], second["paris_id"]) == (1, 2)
    assert first["gatewatch"]["vantage"] == second["gatewatch"]["vantage"]


@pytest.mark.parametrize("place", ["home/raw.pcap", "home/spool/raw.pcap", "results/raw.pcap"])
def test_raw_packets_are_not_put_among_the_results(
    home: Path, tmp_path: Path, listed: Callable[..., str], place: str
) -> None:
    """Neither in the data folder nor where --to says; nothing is measured, and nothing made."""
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    results = tmp_path / "results"
    done = run(
        "--targets", listed(paths.TARGET), "--to", str(results), "--pcap", str(tmp_path / place)
    )
    assert (done.exit_code, done.stdout) == (2, "")
    assert "may be shared, and raw packets may not" in done.stderr
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"targets.txt", "consent.json"}


def test_a_dry_run_makes_no_file_of_raw_packets(
    home: Path, tmp_path: Path, listed: Callable[..., str]
) -> None:
    """Nothing is sent, so there is nothing to keep."""
    path = tmp_path / "raw.pcap"
    assert run("--targets", listed(paths.TARGET), "--dry-run", "--pcap", str(path)).exit_code == 0
    assert not path.exists()


def test_without_a_list_the_shipped_one_is_traced(home: Path) -> None:
    """Root servers and the country's own networks, as soon as the country is known."""
    said = summary("--limit", "4")
    assert (said["exit"], said["kept"]) == (0, 4)
    assert {record["dst_addr"] for record in records(home / "spool")}


def test_an_own_address_tells_the_access_network(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a public address nothing has to be found out, and that address is kept nowhere."""
    public = Premises(frozenset({"36.37.200.7"}))
    monkeypatch.setattr("probe.commands.run.read_premises", lambda: public)
    line = LineEnd("36.37.200.7", None, "ppp0", 1)
    monkeypatch.setattr("probe.vantage.ground._end_towards", lambda *_: line)
    said = summary("--targets", listed(paths.TARGET))
    assert said["access"]["ipv4"]["known_by"] == "interface"
    assert said["kept"] == 1


def test_the_access_network_can_be_said(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the first hops are silent it is refused, until the user names the provider."""
    use(monkeypatch, paths.silent_access)
    done = run("--targets", listed(paths.TARGET))
    assert done.exit_code == 7
    assert "--access-as" in done.stderr
    assert kept_in(home) == []
    said = summary("--targets", listed(paths.TARGET), "--access-as", "AS38623")
    assert (said["exit"], said["kept"], said["country"]) == (0, 1, "KH")


def test_another_network_than_the_one_that_was_said_is_named(
    home: Path, listed: Callable[..., str]
) -> None:
    """Behind a NAT a wrong number shows in the paths alone; its owner is asked about it."""
    wrong = ("--targets", listed(paths.TARGET), "--access-as", "AS17726")
    assert summary(*wrong)["access"]["ipv4"]["instead"] == 38623
    done = run(*wrong)
    assert done.exit_code == 0
    assert "AS38623 Viettel (Metfone), and never AS17726, which you named: " in done.stdout
    right = ("--targets", listed(paths.TARGET), "--access-as", "AS38623")
    assert summary(*right)["access"]["ipv4"]["instead"] is None


def test_a_first_hop_abroad_is_not_believed(home: Path, listed: Callable[..., str]) -> None:
    """Who says to be elsewhere than the first network is registered has to name the provider."""
    done = run("--targets", listed(paths.TARGET), "--country", "TH")
    assert done.exit_code == 7
    assert kept_in(home) == []


def test_what_may_not_be_probed_is_counted(home: Path, listed: Callable[..., str]) -> None:
    """Private, multicast and own targets are left out by reason; the rest is traced."""
    said = summary(
        "--targets", listed(paths.TARGET, "10.1.1.1", "10.1.1.2", "224.0.0.1", "192.168.1.7")
    )
    assert (said["exit"], said["kept"]) == (0, 1)
    assert said["left_out"] == {"private": 3, "multicast": 1}
    only = run("--targets", listed("10.1.1.1"))
    assert only.exit_code == 9
    assert "1 private" in only.stderr


def test_a_home_without_ipv6_has_failed_nothing(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Targets of an IP version that is not there are left out; one without a route failed."""
    use(monkeypatch, paths.only_ipv4)
    said = summary("--targets", listed(*TARGETS))
    assert (said["exit"], said["kept"], said["left_out"]) == (0, 4, {"no IPv6 here": 1})
    said = summary("--targets", listed(paths.TARGET, paths.UNROUTED))
    assert (said["exit"], said["kept"], said["failed"]) == (6, 1, {"no route": 1})


@pytest.mark.parametrize("ways", [paths.all_dark, lambda target, flow: None])
def test_without_a_network_it_is_offline(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch, ways: object
) -> None:
    """No route or no answer at all ends with 5, and nothing is written."""
    use(monkeypatch, ways)
    assert run("--targets", listed(paths.TARGET)).exit_code == 5
    assert kept_in(home) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--rate", "5000"], 2, "1000 at most"),
        (["--to", ""], 2, "name of the folder is empty"),
        (["--rate", "nan"], 2, "'nan' is no number"),
        (["--budget", "NaN"], 2, "'NaN' is no number"),
        (["--country", "XX"], 2, "XX"),
        (["--access-as", "Viettel"], 2, "AS number"),
        (["--access-as", "AS0"], 2, "AS number"),
        (["--limit", "0"], 2, "limit"),
    ],
)
def test_wrong_options_are_said(
    home: Path, listed: Callable[..., str], arguments: list[str], code: int, said: str
) -> None:
    """Nothing is sent and nothing written for options that cannot be."""
    done = run("--targets", listed(paths.TARGET), *arguments)
    assert done.exit_code == code
    assert said in done.stderr
    assert [path.name for path in home.iterdir()] == ["consent.json"]


def test_a_line_that_is_no_target_is_named(home: Path, listed: Callable[..., str]) -> None:
    """A mistake in the list is bad input, with file and line, before anything is sent."""
    done = run("--targets", listed(paths.TARGET, "193.0.6.999"))
    assert done.exit_code == 9
    assert "targets.txt:2" in done.stderr


@pytest.mark.parametrize(
    ("address", "wanted", "other"), [(paths.TARGET, 6, 4), (paths.TARGET_6, 4, 6)]
)
def test_a_list_of_the_other_ip_version_is_said(
    home: Path, listed: Callable[..., str], address: str, wanted: int, other: int
) -> None:
    """It is not empty: it is the option that leaves nothing of it."""
    done = run("--targets", listed(address), f"-{wanted}")
    assert done.exit_code == 9
    said = f"the list has IPv{other} addresses only, and you asked for -{wanted}"
    assert said in done.stderr


def test_a_faster_rate_is_for_ones_own_network(home: Path, listed: Callable[..., str]) -> None:
    """Who runs the network may go faster and reach private targets."""
    said = summary(
        "--targets",
        listed("10.1.1.1"),
        "--rate",
        "5000",
        "--i-run-this-network",
        "--access-as",
        "38623",
    )
    assert (said["exit"], said["kept"]) == (0, 1)


def test_the_results_can_go_elsewhere(
    home: Path, tmp_path: Path, listed: Callable[..., str]
) -> None:
    """--to takes the spool to another folder; the pseudonym stays in the data folder."""
    assert run("--targets", listed(paths.TARGET), "--to", str(tmp_path / "usb")).exit_code == 0
    assert len(records(tmp_path / "usb")) == 1
    assert not (home / "spool").exists()


def test_a_full_disk_keeps_what_was_measured(home: Path, listed: Callable[..., str]) -> None:
    """When no more fits, the run says so, counts what is kept, and ends with 6."""
    run("--targets", listed(paths.TARGET))
    (day,) = (home / "spool").glob("*.jsonl")
    size = day.stat().st_size
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size * 2.5), hard))
    try:
        done = run("--targets", listed(*TARGETS[:4]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert done.exit_code == 6
    assert done.stderr.splitlines()[-1].startswith("gatewatch: disk full")
    assert done.stdout.startswith("kept 1 trace in ")
    assert len(records(home / "spool")) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="/proc lets not even root make a folder")
def test_a_folder_that_cannot_be_made_is_found_before_anything_is_sent(
    home: Path, listed: Callable[..., str]
) -> None:
    """What had been measured until something was to be kept would be lost."""
    done = run("--targets", listed(*TARGETS), "--to", "/proc/kept")
    assert (done.exit_code, done.stdout) == (9, "")
    assert done.stderr.startswith("gatewatch: /proc/kept is not there")
    assert not (home / "allowance.state").exists()


def test_looking_whether_a_folder_can_be_leaves_nothing(
    home: Path, listed: Callable[..., str], tmp_path: Path
) -> None:
    """Neither the folder nor those above it are made for a run that keeps nothing."""
    run("--targets", listed(paths.TARGET), "--to", str(tmp_path / "a" / "b"), "--country", "TH")
    assert not (tmp_path / "a").exists()


def test_the_reader_is_told_what_to_do_next(home: Path, listed: Callable[..., str]) -> None:
    """The summary names the folder and the next command; progress is one line a trace."""
    done = run("--targets", listed(*TARGETS[:2]))
    assert done.stdout.splitlines()[0].startswith(f"kept 2 traces in {home / 'spool'}")
    assert done.stdout.splitlines()[-1] == "next: gatewatch show"
    assert done.stderr == "[1/2] reached, 6 hops\n[2/2] reached, 6 hops\n"


def test_what_was_kept_elsewhere_is_shown_from_there(
    home: Path, listed: Callable[..., str], tmp_path: Path
) -> None:
    """`show` alone looks into the data folder. The command can be pasted whatever the name."""
    folder = tmp_path / "a stick"
    done = run("--targets", listed(*TARGETS[:2]), "--to", str(folder))
    said = done.stdout.splitlines()[-1]
    assert said == f"next: gatewatch show --from '{folder}'"
    shown = CliRunner().invoke(main, shlex.split(said.removeprefix("next: gatewatch ")))
    assert len(shown.stdout.splitlines()) == 2


@pytest.mark.parametrize("spoilt", ["vpn", "clock"])
def test_what_would_be_no_evidence_is_refused_unless_wanted_anyway(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    """Through a tunnel, or with a clock before the table's day: nothing is sent, or all marked."""
    if spoilt == "vpn":
        monkeypatch.setattr("probe.vantage.tunnel.is_tunnel", lambda _: True)
        monkeypatch.setattr(
            "probe.vantage.ground._end_towards", lambda *_: LineEnd("10.8.0.2", None, "t", 1)
        )
    else:
        monkeypatch.setattr("probe.run.spoiling.impossible", lambda *_: date(2026, 6, 17))
        monkeypatch.setattr("probe.commands.expedition.is_set_by_others", lambda: False)
    wanted = "--targets", listed(*TARGETS[:2])
    done = run(*wanted)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--anyway" in done.stderr
    assert not list(home.rglob("*.jsonl"))
    assert run(*wanted, "--anyway").exit_code == 0
    note = {"vpn": VPN, "clock": WRONG_CLOCK}[spoilt]
    assert [note in record["gatewatch"]["notes"] for record in records(home / "spool")] == [
        True
    ] * 2


def test_whoever_takes_consent_back_ends_a_run(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From then on nothing is measured or kept; what was kept before stays, exit code 3."""
    monkeypatch.setattr("probe.commands.expedition._LOOK", 0.0)
    append = Spool.append

    def and_withdraw(spool: Spool, *traces: Redacted) -> None:
        append(spool, *traces)
        change(home, {Permission.RUN: False}, date(2026, 11, 2))

    monkeypatch.setattr(Spool, "append", and_withdraw)
    done = run("--targets", listed(*TARGETS))
    assert done.exit_code == 3
    assert "has not agreed to: run" in done.stderr
    assert 0 < len(records(home / "spool")) < len(TARGETS)


def test_a_terminal_gets_a_bar(tmp_path: Path, listed: Callable[..., str]) -> None:
    """On a terminal the progress is one bar that counts, not a line a trace."""
    ours, theirs = pty.openpty()
    process = start(tmp_path / "home", "--targets", listed(*TARGETS), "--rate", "1000", err=theirs)
    os.close(theirs)
    shown = "".join(shown_on(ours))
    os.close(ours)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.startswith("kept 5 traces")
    assert "5/5" in shown
    assert "[5/5]" not in shown


# --- killed ---------------------------------------------------------------------------------

_RUN = """
import sys
import probe.commands.run as command
from tests.probe import paths
from tests.probe.failing import make_unreadable
command.read_premises = lambda: paths.HOME
command.open_network = lambda *_, **__: paths.network()
from probe.cli import main
main(["run", *sys.argv[1:]])
"""


def start(folder: Path, *arguments: str, err: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, *arguments],
        stdout=subprocess.PIPE,
        stderr=err,
        text=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "GATEWATCH_HOME": str(agree(folder))},
    )


def wait_for(process: subprocess.Popen[str], finished: int) -> None:
    """Until so many traces are said to be finished."""
    assert process.stderr is not None
    for _ in range(finished):
        assert process.stderr.readline().startswith("[")


MANY = [f"193.0.{number // 250}.{number % 250 + 1}" for number in range(2000)]


@pytest.mark.parametrize("finished", [4, 9])
def test_kill_9_loses_only_what_was_in_flight(
    tmp_path: Path, listed: Callable[..., str], finished: int
) -> None:
    """Each trace that was said to be finished is kept, each line can be read, a new run goes on."""
    process = start(tmp_path / "home", "--targets", listed(*MANY), "--rate", "100")
    wait_for(process, finished)
    process.kill()
    process.communicate()
    spool = tmp_path / "home" / "spool"
    Spool(spool).close()
    kept = list(read(spool))
    assert len(kept) >= finished
    assert all(line.trace is not None for line in kept)


def test_ctrl_c_keeps_what_was_finished(tmp_path: Path, listed: Callable[..., str]) -> None:
    """An interrupt ends the run with a summary and 130."""
    process = start(tmp_path / "home", "--targets", listed(*MANY), "--rate", "100", "--json")
    wait_for(process, 5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    said = json.loads(out)
    assert said["stopped"]
    assert said["kept"] == len(records(tmp_path / "home" / "spool")) >= 5


def test_whoever_stops_a_run_is_told_how_to_go_on(
    tmp_path: Path, listed: Callable[..., str]
) -> None:
    """The rest waits for the same command; a run that came to its end has none."""
    process = start(tmp_path / "home", "--targets", listed(*MANY), "--rate", "100")
    wait_for(process, 5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out.splitlines()[-2:] == [
        "to go on where it stopped: the same command with --resume",
        "next: gatewatch show",
    ]


def test_a_dry_run_sends_and_writes_nothing_and_foretells_the_run(
    home: Path, listed: Callable[..., str]
) -> None:
    """The second time it knows each target, and is right about packets, bytes and time."""
    targets = listed(*TARGETS)
    done = run("--dry-run", "--targets", targets)
    assert done.exit_code == 0
    assert re.match(r"would trace to 5 targets: \d+ to \d+ packets, at most ", done.stdout)
    assert "too few paths from here are known" in done.stdout
    assert "a guess for 5 of them" in done.stdout
    assert "budget of the day" not in done.stdout
    assert [path.name for path in home.iterdir()] == ["consent.json"]
    short = run("--dry-run", "--targets", targets, "--budget", "0.001")
    assert "the budget of the day has 1 kB left: not all would be measured" in short.stdout
    guess = json.loads(run("--dry-run", "--json", "--targets", targets).stdout)
    between = (guess["at_least"]["bytes"] + guess["bytes"]) / 2e6
    perhaps = run("--dry-run", "--targets", targets, "--budget", str(between))
    assert re.search(r"the budget of the day has \d+ kB left, which may not do", perhaps.stdout)
    run("--targets", targets)
    foreseen = json.loads(run("--dry-run", "--json", "--targets", targets).stdout)
    before = [kept.trace for kept in read(home / "spool")]
    spent = (home / "allowance.state").read_text(encoding="ascii")
    run("--targets", targets)
    after = [kept.trace for kept in read(home / "spool")][len(before) :]
    packets = sum(trace.probes or 0 for trace in after if trace)
    assert (foreseen["known"], foreseen["at_least"]) == (5, None)
    assert foreseen["packets"] == pytest.approx(packets, rel=0.15)
    took = int((home / "allowance.state").read_text(encoding="ascii").split()[1])
    assert foreseen["bytes"] == pytest.approx(took - int(spent.split()[1]), rel=0.15)


def test_a_dry_run_says_where_parallel_paths_were_never_looked_for(
    home: Path, listed: Callable[..., str]
) -> None:
    """They cannot be foretold before a run has found them; after it they are."""
    targets = listed(*TARGETS)
    full = "--targets", targets, "--multipath", "full"
    run("--targets", targets)
    assert "counted without parallel paths for 4 of them" in run("--dry-run", *full).stdout
    assert "parallel" not in run("--dry-run", "--targets", targets).stdout
    run(*full)
    assert "parallel" not in run("--dry-run", *full).stdout
    foreseen = json.loads(run("--dry-run", "--json", *full).stdout)
    assert foreseen["unexplored"] == 0
    before = len(list(read(home / "spool")))
    run(*full)
    after = [kept.trace for kept in read(home / "spool")][before:]
    packets = sum(trace.probes or 0 for trace in after if trace)
    assert foreseen["packets"] == pytest.approx(packets, rel=0.15)


@pytest.mark.parametrize("option", ["--resume", "--dry-run"])
def test_what_was_kept_in_years_is_not_held_in_memory(
    home: Path, listed: Callable[..., str], option: str
) -> None:
    """A small machine that goes on, or foretells a run, reads one trace after the other."""
    targets = listed(*TARGETS)
    run("--targets", targets)
    (day,) = (home / "spool").iterdir()
    before = peak(option, "--targets", targets)
    old = home / "spool" / "2020-01-01.jsonl"
    old.write_bytes(day.read_bytes() * 200)
    assert peak(option, "--targets", targets) < before + old.stat().st_size


def test_a_dry_run_reads_the_newest_days_alone(home: Path, listed: Callable[..., str]) -> None:
    """After a year there would be minutes to wait for; what is as old tells of other ways."""
    targets = listed(*TARGETS)
    run("--targets", targets)
    (day,) = (home / "spool").iterdir()
    first, *_ = day.read_bytes().splitlines(keepends=True)
    day.rename(home / "spool" / "2020-01-01.jsonl")

    def known() -> int:
        foreseen = json.loads(run("--dry-run", "--json", "--targets", targets).stdout)
        return int(foreseen["known"])

    for number in range(2, 8):
        (home / "spool" / f"2020-01-0{number}.jsonl").write_bytes(first)
    assert known() == 5
    (home / "spool" / "2020-01-08.jsonl").write_bytes(first)
    assert known() == 1


def peak(*arguments: str) -> int:
    """The most memory that a run has taken at once, in bytes."""
    tracemalloc.start()
    try:
        assert run(*arguments).exit_code == 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_budget_of_the_day_holds_over_runs(home: Path, listed: Callable[..., str]) -> None:
    """What does not fit is left, counted, and said; the next run sends nothing at all."""
    targets = listed(*TARGETS)
    said = summary("--budget", "0.002", "--targets", targets)
    assert said["exit"] == 6
    assert said["failed"]["over the budget of the day"] + said["kept"] == 5
    assert said["kept"] >= 1
    spent = int((home / "allowance.state").read_text(encoding="ascii").split()[1])
    traces = [kept.trace for kept in read(home / "spool")]
    assert sum((trace.probes or 0) * (trace.size or 0) for trace in traces if trace) == spent
    assert 0 < spent <= 2000
    done = run("--budget", str(spent / 1e6), "--targets", targets)
    assert done.exit_code == 6
    assert "budget of the day, " in done.stderr
    assert "is spent" in done.stderr
    assert len(records(home / "spool")) == said["kept"]


def test_what_was_not_kept_is_paid_as_well(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traces that could not be redacted count against the day, though nothing of them is kept."""
    use(monkeypatch, paths.silent_access)
    assert run("--targets", listed(paths.TARGET)).exit_code == 7
    assert int((home / "allowance.state").read_text(encoding="ascii").split()[1]) > 300


def test_a_trace_that_takes_more_than_usual_does_not_break_the_budget(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one packet leaves beyond the budget, also when that cuts a trace short."""
    use(monkeypatch, paths.all_dark)
    said = summary("--budget", "0.0009", "--access-as", "AS38623", "--targets", listed(*TARGETS))
    assert said["exit"] == 6
    assert int((home / "allowance.state").read_text(encoding="ascii").split()[1]) <= 900


def test_the_do_not_probe_list_holds(home: Path, listed: Callable[..., str]) -> None:
    """A listed target is left out and counted; a list with a fault sends nothing."""
    (home / "do-not-probe.txt").write_text("193.0.6.0/24\n", encoding="utf-8")
    said = summary("--targets", listed(*TARGETS))
    assert said["left_out"] == {"do not probe": 2}
    assert said["kept"] == 3
    (home / "do-not-probe.txt").write_text("everyone\n", encoding="utf-8")
    done = run("--targets", listed(*TARGETS))
    assert done.exit_code == 9
    assert "do-not-probe.txt:1" in done.stderr


def test_what_a_large_country_has_besides_is_counted(home: Path) -> None:
    """Whoever wants all of its networks learns that the list has not."""
    foreseen = json.loads(run("--dry-run", "--json", "--country", "BR", "--limit", "1").stdout)
    assert foreseen["left_out"]["smaller networks of the country"] > 5_000


def test_a_run_is_gone_on_with(home: Path, listed: Callable[..., str]) -> None:
    """With the same flow, and nothing that was kept is traced again."""
    first = summary("--limit", "3", "--targets", listed(*TARGETS))
    rest = summary("--resume", "--targets", listed(*TARGETS))
    assert (first["kept"], rest["kept"]) == (3, 2)
    assert rest["left_out"] == {"measured before": 3}
    assert rest["flow"] == first["flow"]
    found = [record["dst_addr"] for record in records(home / "spool")]
    assert sorted(found) == sorted(TARGETS)
    done = run("--resume", "--targets", listed(*TARGETS))
    assert done.exit_code == 0
    assert "measured all its targets; nothing was sent" in done.stdout
    again = summary("--targets", listed(*TARGETS))
    assert (again["kept"], again["flow"]) == (5, first["flow"] + 1)


def test_a_run_of_which_nothing_is_left_is_told_to_scripts_as_well(
    home: Path, listed: Callable[..., str]
) -> None:
    """What reads the summary, or what a run would take, gets it with zeros in it."""
    targets = "--targets", listed(*TARGETS)
    first = summary(*targets)
    again = summary("--resume", *targets)
    assert again.keys() == first.keys()
    assert (again["exit"], again["kept"], again["failed"]) == (0, 0, {})
    assert again["flow"] == first["flow"]
    assert again["left_out"] == {"measured before": len(TARGETS)}
    foreseen = json.loads(run("--resume", "--dry-run", "--json", *targets).stdout)
    assert foreseen.keys() == json.loads(run("--dry-run", "--json", *targets).stdout).keys()
    assert (foreseen["targets"], foreseen["packets"], foreseen["at_least"]) == (0, 0, None)
    assert foreseen["left_out"] == {"measured before": len(TARGETS)}


def test_targets_of_an_ip_version_that_is_not_here_are_no_rest_of_a_run(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has no IPv6 and goes on with a run that is done is not told to be offline."""
    assert summary("--targets", listed(*TARGETS), "-4")["kept"] == 4
    monkeypatch.setattr("probe.commands.run.without_way", lambda _: frozenset({6}))
    done = run("--resume", "--targets", listed(*TARGETS))
    assert done.exit_code == 0
    assert "measured all its targets; nothing was sent" in done.stdout


def test_an_ip_version_that_is_not_here_is_said_once(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No target of it is traced or called failed; all are counted, also beside a limit."""
    monkeypatch.setattr("probe.commands.run.without_way", lambda _: frozenset({6}))
    more = ["2001:500:2::c", "2001:500:2d::d"]
    done = run("--targets", listed(*more, *TARGETS), "--limit", "2")
    assert done.exit_code == 0
    assert done.stderr.splitlines()[:2] == [
        "this machine has no IPv6: targets with such addresses are left out",
        "[1/2] reached, 6 hops",
    ]
    assert "failed" not in done.output
    assert "left out: 3 no IPv6 here\n" in done.stdout


@pytest.mark.parametrize("dry", [(), ("--dry-run",), ("--dry-run", "--json")])
@pytest.mark.parametrize(
    ("only", "targets", "remedy"),
    [
        (["-6"], TARGETS, "leave out -6"),
        ([], [paths.TARGET_6], "list targets with IPv4 addresses"),
    ],
)
def test_where_all_targets_are_of_an_ip_version_that_is_not_here_it_says_so(
    home: Path,
    listed: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    dry: tuple[str, ...],
    only: list[str],
    targets: list[str],
    remedy: str,
) -> None:
    """A connection is there, so that nobody is sent to check it; nothing is foretold either."""
    monkeypatch.setattr("probe.vantage.ground._end_towards", _only_ipv4)
    monkeypatch.setattr("probe.commands.run.without_way", without_way)
    done = run(*only, *dry, "--targets", listed(*targets))
    assert (done.exit_code, done.stdout) == (5, "")
    assert done.stderr == (
        "gatewatch: this machine has no IPv6, so that all targets are left out (1 no IPv6 here); "
        f"{remedy}\n"
    )
    assert kept_in(home) == []


def _only_ipv4(address: str, version: int) -> LineEnd | None:
    return LineEnd("192.168.1.10", None, "wlan0", 1) if version == 4 else None


def test_a_dry_run_counts_no_target_of_an_ip_version_that_is_not_here(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are left out, as the run itself leaves them out."""
    monkeypatch.setattr("probe.commands.run.without_way", lambda _: frozenset({6}))
    foreseen = json.loads(run("--dry-run", "--json", "--targets", listed(*TARGETS)).stdout)
    assert (foreseen["targets"], foreseen["left_out"]) == (4, {"no IPv6 here": 1})


def test_without_a_run_before_resuming_begins_one(home: Path, listed: Callable[..., str]) -> None:
    """Who always says --resume loses nothing."""
    assert summary("--resume", "--targets", listed(*TARGETS))["kept"] == 5


def test_a_target_is_not_measured_by_another_in_its_block(
    home: Path, listed: Callable[..., str]
) -> None:
    """Both are in the access network, where records are cut to /24."""
    targets = "--targets", listed("36.37.200.7", "36.37.200.77", paths.TARGET)
    assert summary("--limit", "1", *targets)["kept"] == 1
    assert summary("--resume", *targets)["kept"] == 2
    found = [record["dst_addr"] for record in records(home / "spool")]
    assert sorted(found) == [paths.TARGET, "36.37.200.0", "36.37.200.0"]


def test_a_run_that_kept_nothing_is_gone_on_with_from_its_beginning(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the run before it measured was measured then; its own rest is not done by that."""
    targets = "--targets", listed(paths.TARGET)
    first = summary(*targets)
    use(monkeypatch, paths.all_dark)
    assert run(*targets).exit_code == 5
    assert run("--resume", *targets).exit_code == 5
    use(monkeypatch, paths.routes)
    rest = summary("--resume", *targets)
    assert (rest["kept"], rest["flow"]) == (1, first["flow"] + 1)
    assert "measured all its targets" in run("--resume", *targets).stdout


def test_going_on_in_vain_leaves_the_run_that_it_goes_on_with(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept before the link went away is not measured again once it is back."""
    targets = "--targets", listed(paths.TARGET, "193.0.6.138")
    assert summary("--limit", "1", *targets)["kept"] == 1
    use(monkeypatch, paths.all_dark)
    assert run("--resume", *targets).exit_code == 5
    use(monkeypatch, paths.routes)
    assert summary("--resume", *targets)["left_out"] == {"measured before": 1}


def test_a_dry_run_says_that_names_were_looked_up(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver was asked for them, so it may not say that nothing was sent."""
    monkeypatch.setattr("probe.commands.choosing.address_of", lambda host: paths.TARGET)
    done = run("--dry-run", "--targets", listed("www.example.org"))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].startswith("no probe was sent, but the names")


@pytest.mark.parametrize(("number", "code"), [("EAI_NONAME", 9), ("EAI_AGAIN", 5)])
def test_a_name_is_wrong_only_where_a_resolver_says_so(
    home: Path,
    listed: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    number: str,
    code: int,
) -> None:
    """A machine without a network is offline, whatever the list holds, as for `trace`.

    Either way the line is named: a word of a sentence there may have been taken for a host.
    """

    def address_of(_: str) -> str:
        raise socket.gaierror(getattr(socket, number), "it is so")

    monkeypatch.setattr("probe.commands.choosing.address_of", address_of)
    targets = listed("8.8.8.8", "www.example.org")
    done = run("--targets", targets)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith(f"gatewatch: {targets}:2: the ")
    assert "www.example.org" in done.stderr


@pytest.mark.parametrize("address", [paths.TARGET, "10.0.0.1"])
def test_a_resolver_that_gives_all_names_one_address_is_not_believed(
    home: Path, listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A captive portal's, or a provider's; two names may well be one host's."""
    monkeypatch.setattr("probe.commands.choosing.address_of", lambda host: address)
    names = ("www.example.org", "www.example.net", "www.example.com")
    targets = listed("8.8.8.8", *names)
    done = run("--targets", targets)
    assert (done.exit_code, done.stdout) == (5, "")
    assert done.stderr.startswith(f"gatewatch: all 3 host names of {targets} lead to one address")
    assert not (home / "spool").exists()
    assert run("--targets", listed("8.8.8.8", *names[:2])).exit_code != 5


def test_where_no_target_may_be_probed_a_way_out_is_named(
    home: Path, listed: Callable[..., str]
) -> None:
    """The reasons, and what to do instead."""
    done = run("--json", "--targets", listed("10.0.0.1", "127.0.0.1"))
    assert (done.exit_code, done.stdout) == (9, "")
    assert done.stderr == (
        "gatewatch: no target may be probed: 1 loopback, 1 private; list others with --targets, "
        "or say with --i-run-this-network that the network is yours\n"
    )


def test_whom_nobody_may_probe_no_option_lets_in(home: Path, listed: Callable[..., str]) -> None:
    """As whom the own list names, and multicast: that the network is one's own changes nothing."""
    (home / "do-not-probe.txt").write_text("203.0.113.0/24\n", encoding="utf-8")
    for options, targets, reasons in (
        ([], ["203.0.113.7", "224.0.0.1"], "1 do not probe, 1 multicast"),
        (["--i-run-this-network"], ["203.0.113.7"], "1 do not probe"),
    ):
        done = run("--json", *options, "--targets", listed(*targets))
        assert (done.exit_code, done.stdout) == (9, "")
        assert done.stderr == (
            f"gatewatch: no target may be probed: {reasons}; list others with --targets\n"
        )


@needs_seccomp
@pytest.mark.parametrize("refusal", [errno.EAFNOSUPPORT, errno.EACCES, errno.EPERM])
def test_addresses_that_a_sandbox_hides_end_it(tmp_path: Path, refusal: int) -> None:
    """Nobody could tell then what must not be kept; the sentence names what has to be allowed."""
    command = [sys.executable, "-m", "probe", "run", "--dry-run"]
    done = subprocess.run(
        confined(command, socket.AF_NETLINK, refusal),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GATEWATCH_HOME": str(agree(tmp_path / "home"))},
    )
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert "cannot be read" in done.stderr
    assert "netlink" in done.stderr
    assert done.stderr.count("\n") == 1
