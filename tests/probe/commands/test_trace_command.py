"""``gatewatch trace``: what is seen on the screen, and how it ends."""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from ripe.atlas.sagan import TracerouteResult

from probe.cli import main
from probe.disk.places import shipped
from probe.network import Kind
from probe.network.ways import End, Interface, Way
from probe.record import from_line
from probe.redaction.premises import Premises
from probe.run.resolve import resolve
from probe.words.failure import PermissionDenied
from tests.probe import paths

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that does not exist yet, and a home in Cambodia."""
    folder = tmp_path / "home"
    monkeypatch.setenv("GATEWATCH_HOME", str(folder))
    monkeypatch.setattr("probe.commands.trace.read_premises", lambda: paths.HOME)
    monkeypatch.setattr("probe.commands.trace.open_network", lambda *_, **__: paths.network())
    monkeypatch.setattr("probe.commands.trace.measure", paths.played)
    return folder


def resolver(problem: int) -> Callable[..., Any]:
    """Knows one name; any other is what it is told to say."""

    def getaddrinfo(host: str, *_: Any) -> Any:
        if host == "www.example.org":
            address = (paths.TARGET, 0)
            return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", address)]
        raise socket.gaierror(problem, "it is so")

    return getaddrinfo


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["trace", *arguments])


@pytest.mark.parametrize(
    ("who", "said"),
    [(paths.TARGET, "refused by the target after 3 hops"), (paths.ABROAD, "refused on the way")],
)
def test_a_refusal_is_said_with_whose_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch, who: str, said: str
) -> None:
    """Where the target's own firewall refuses, the whole way there is known."""
    routers = tuple(Interface(address, (0.5,)) for address in (paths.ROUTER, paths.ACCESS))
    way = Way(routers, End(Interface(who, (6.0,)), Kind.UNREACHABLE, "A"))
    network = paths.network(lambda *_: way)
    monkeypatch.setattr("probe.commands.trace.open_network", lambda *_, **__: network)
    done = run(paths.TARGET)
    assert f"\n{said}" in done.stdout


def test_json_is_one_record_with_every_hop(home: Path) -> None:
    """One line on the standard output, of the contract, with all hops and not redacted."""
    done = run(paths.TARGET, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    record = from_line(line)
    assert [hop.replies[0].address for hop in record.hops] == [
        paths.ROUTER,
        paths.CARRIER,
        paths.ACCESS,
        paths.BLOCK,
        paths.ABROAD,
        paths.TARGET,
    ]
    assert record.reached
    assert record.notes == ("shown on screen, not redacted",)
    assert "src_addr" not in json.loads(line)
    assert [hop.attribution and hop.attribution.asn for hop in record.hops[2:]] == [
        38623,
        None,
        3333,
        3333,
    ]
    assert record.snapshots[0].count("@") == 1
    parsed = TracerouteResult(json.loads(line))
    assert (parsed.is_error, parsed.total_hops) == (False, 6)


@pytest.mark.parametrize("method", ["icmp", "udp", "tcp"])
def test_the_method_asked_for_is_used(home: Path, method: str) -> None:
    """The record says how it was measured, and the flow that was followed."""
    record = from_line(run(paths.TARGET_6, "--json", "--method", method, "--flow", "9").stdout)
    assert (record.proto, record.af, record.paris_id) == (method.upper(), 6, 9)
    assert (record.backend, record.dst_addr) == ("simulated", paths.TARGET_6)


def test_the_screen_shows_whose_each_hop_is_and_where_it_leaves(home: Path) -> None:
    """Hops stand in order; the border is between the last known at home and the first abroad."""
    done = run(paths.TARGET)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "to 193.0.6.139: ICMP through simulated, at most 32 hops"
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["1", paths.ROUTER],
        ["2", paths.CARRIER],
        ["3", paths.ACCESS],
        ["4", paths.BLOCK],
    ]
    assert lines[3].endswith("AS38623 Viettel (Metfone), KH")
    assert lines[4].endswith("private address")
    assert "leaves KH (by registration) between hops 3 and 5" in lines[5]
    assert lines[6].split()[:2] == ["5", paths.ABROAD]
    assert lines[8].startswith("reached after 6 hops, ")
    assert lines[9].startswith("no parallel paths at hops 2 to 6 with ")
    assert lines[10] == "measured with ICMP through simulated: nothing was out of sight"
    assert lines[11].startswith("address table: ")
    assert len(lines) == 12


def test_looking_more_thoroughly_takes_more_packets(home: Path) -> None:
    """The 99% rule needs 8 flows where the 95% rule needs 6, and the record says which it was."""
    usual, sure = (
        from_line(run(paths.TARGET, "--json", "--confidence", said).stdout) for said in ("95", "99")
    )
    assert usual.multipath is not None
    assert sure.multipath is not None
    assert (usual.multipath.failure, sure.multipath.failure) == (0.05, 0.01)
    assert (sure.probes or 0) > (usual.probes or 0)


def test_the_country_one_says_decides_what_leaving_is(home: Path) -> None:
    """Somebody in the Netherlands sees a path come home where others see it leave."""
    done = run(paths.TARGET, "--country", "nl")
    assert "is back in NL (by registration) between hops 3 and 5" in done.stdout


def test_nothing_of_a_trace_is_stored(home: Path) -> None:
    """All that a trace leaves behind is how many bytes were sent today and this month."""
    record = from_line(run(paths.TARGET, "--json").stdout)
    (left,) = home.iterdir()
    day = datetime.fromtimestamp(record.timestamp, UTC).strftime("%Y-%m-%d")
    sent = (record.probes or 0) * (record.size or 0)
    assert left.read_text(encoding="ascii") == f"{day} {sent:018}\n{day[:-3]} {sent:018}\n"


def test_the_budget_of_the_day_holds_for_traces(home: Path) -> None:
    """Traces count against the same budget as runs do; when it is spent, nothing is sent."""
    assert run(paths.TARGET).exit_code == 0
    done = run(paths.TARGET, "--budget", "0.0001")
    assert (done.exit_code, done.stdout) == (6, "")
    assert "the budget of the day, 0.0001 MB, is spent" in done.stderr


@pytest.mark.parametrize(
    ("host", "code", "said"),
    [
        ("224.0.0.1", 2, "multicast"),
        ("255.255.255.255", 2, "broadcast"),
        ("192.168.1.255", 2, "broadcast"),
        ("0.0.0.0", 2, "unspecified"),
        ("::", 2, "unspecified"),
        ("ff02::1", 2, "multicast"),
        ("10.1.2.3", 2, "private address"),
        ("100.64.3.4", 2, "CGNAT"),
        ("127.0.0.1", 2, "this machine"),
        ("::1", 2, "this machine"),
        ("169.254.7.7", 2, "link-local"),
        ("fd12::5", 2, "private address"),
        ("fe80::7", 2, "link-local"),
        ("192.0.2.1", 2, "documentation"),
        ("198.18.0.1", 2, "reserved"),
        ("240.0.0.1", 2, "reserved"),
        (
            paths.UNROUTED,
            5,
            f"no route to {paths.UNROUTED}; check the connection: gatewatch doctor",
        ),
    ],
)
def test_what_cannot_be_traced_is_said(home: Path, host: str, code: int, said: str) -> None:
    """A target that is no single host is a wrong use; one without a route is offline."""
    done = run(host, "--json")
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_of_what_was_never_sent_no_sight_is_claimed(home: Path) -> None:
    """Without a route no probe leaves, and whether anything was out of sight is not known."""
    done = run(paths.UNROUTED)
    assert done.exit_code == 5
    assert "0 probes" in done.stdout
    assert "measured" not in done.stdout


@pytest.mark.parametrize(
    ("host", "reason"),
    [("0.0.0.0", "unspecified"), ("224.0.0.1", "multicast"), ("255.255.255.255", "broadcast")],
)
def test_what_is_no_hosts_address_is_said_in_good_english(
    home: Path, host: str, reason: str
) -> None:
    """Whatever word stands for the reason, no article has to fit it."""
    said = f"gatewatch: {host} is not the address of one host ({reason}); a trace needs one\n"
    assert run(host).stderr == said


def test_one_hop_is_no_hops(home: Path) -> None:
    """What is counted is in the singular where there is one."""
    lines = run(paths.TARGET, "--max-ttl", "1").stdout.splitlines()
    assert lines[0].endswith("at most 1 hop")
    assert " after 1 hop, " in "".join(lines)


@pytest.mark.parametrize("host", ["10.1.2.3", "127.0.0.1", "fd00:1::5", "192.168.1.7", "::1"])
def test_ones_own_network_may_be_traced_by_whoever_runs_it(home: Path, host: str) -> None:
    """Private and loopback addresses and the own subnet need the word that it is one's own."""
    refused = run(host, "--json")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--i-run-this-network" in refused.stderr
    assert from_line(run(host, "--json", "--i-run-this-network").stdout).reached


def test_a_public_neighbour_is_in_ones_own_subnet(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A neighbour's address would tell where one lives; whoever looks on sees it asked for."""
    public = Premises(
        frozenset({"36.37.200.7"}), (ipaddress.ip_network("36.37.200.0/24"),), frozenset()
    )
    monkeypatch.setattr("probe.commands.trace.read_premises", lambda: public)
    done = run("36.37.200.9")
    assert done.exit_code == 2
    assert "own subnet" in done.stderr


@pytest.mark.parametrize("rate", ["1001", "5000"])
def test_a_faster_rate_is_for_ones_own_network(home: Path, rate: str) -> None:
    """More than 1,000 packets a second are a wrong use, unless one runs the network."""
    refused = run(paths.TARGET, "--rate", rate)
    assert refused.exit_code == 2
    assert "1000 at most" in refused.stderr
    assert run(paths.TARGET, "--rate", rate, "--i-run-this-network").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["193.0.6.139", "-6"], "IPv4 address"),
        (["193.0.6.139", "--country", "XX"], "XX"),
        (["193.0.6.139", "--country", "Cambodia"], "two letters"),
        ([], "HOST"),
    ],
)
def test_a_wrong_use_ends_with_2(home: Path, arguments: list[str], said: str) -> None:
    """Options that contradict each other or mean nothing are said, and nothing is sent."""
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_file_that_is_no_address_table_is_bad_input(home: Path, tmp_path: Path) -> None:
    """The file is named, in one sentence, with 9."""
    wrong = tmp_path / "wrong.mmdb"
    wrong.write_bytes(b"not a table" * 100)
    done = run(paths.TARGET, "--origin", str(wrong))
    assert done.exit_code == 9
    assert "wrong.mmdb" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_snapshot_that_is_none_is_told_before_anything_is_sent(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence that says what mends it, with 9."""
    monkeypatch.setattr("probe.commands.trace.open_network", lambda *_, **__: pytest.fail("sent"))
    (home / "origin").mkdir(parents=True)
    (home / "origin" / "manifest.json").write_text("{}", "utf-8")
    done = run(paths.TARGET)
    assert done.exit_code == 9
    assert "run 'gatewatch data update'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_damaged_table_is_bad_input(home: Path, form: tuple[str, ...]) -> None:
    """It is opened while the first answers come; who has it is told all the same."""
    (home / "origin").mkdir(parents=True)
    (home / "origin" / "manifest.json").write_bytes(shipped("origin/manifest.json").read_bytes())
    (home / "origin" / "iplocdb.mmdb").write_bytes(b"no table")
    done = run(paths.TARGET, *form)
    assert done.exit_code == 9
    assert "iplocdb.mmdb" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_denied_socket_ends_with_4(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system refused, and the command that grants it, is one sentence."""

    def denied(*_: object, **__: object) -> None:
        raise PermissionDenied("ping sockets are denied; `sudo sysctl …` allows them")

    monkeypatch.setattr("probe.commands.trace.open_network", denied)
    done = run(paths.TARGET)
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr == "gatewatch: ping sockets are denied; `sudo sysctl …` allows them\n"


# --- names ----------------------------------------------------------------------------------


def test_a_name_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name gives its address, an address itself, a mapped one the IPv4 address in it."""
    monkeypatch.setattr(socket, "getaddrinfo", resolver(socket.EAI_NONAME))
    assert resolve("www.example.org", None) == paths.TARGET
    assert resolve("[2001:DB8::1]", 6) == "2001:db8::1"
    assert resolve("::ffff:192.0.2.1", 4) == "192.0.2.1"


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (socket.EAI_NONAME, 9),
        (socket.EAI_NODATA, 9),
        (socket.EAI_AGAIN, 5),
        (socket.EAI_FAIL, 5),
    ],
)
def test_a_missing_name_and_a_missing_resolver_are_told_apart(
    home: Path, monkeypatch: pytest.MonkeyPatch, problem: int, code: int
) -> None:
    """A resolver that says no is bad input; one that is not reached is offline."""
    monkeypatch.setattr(socket, "getaddrinfo", resolver(problem))
    done = run("no.such.example.org")
    assert done.exit_code == code
    assert "no.such.example.org" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("typed", ["", " "])
def test_an_empty_name_is_said_to_be_one(typed: str, home: Path) -> None:
    """A variable that a script left empty asks no resolver."""
    done = run(typed)
    assert done.exit_code == 9
    assert done.stderr == "gatewatch: the name of the host is empty; give a name or an address\n"


@pytest.mark.parametrize(
    ("typed", "remedy"),
    [
        ("https://example.org/x", "give that alone: example.org"),
        ("example.org/x", "give that alone: example.org"),
        ("example.org:443", "give that alone: example.org"),
        ("http://[2001:db8::1]:80/", "give that alone: 2001:db8::1"),
        ("193.0.6.0/24", "give one of them alone, such as www.example.org"),
        ("193.0.6", "give one of them alone, such as www.example.org"),
        ("193.0.6.1391", "give one of them alone, such as www.example.org"),
        ("3238004363", "give one of them alone, such as www.example.org"),
        ("2001:db8:::1", "give one of them alone, such as www.example.org"),
        ("https://", "give one of them alone, such as www.example.org"),
    ],
)
def test_what_is_more_than_a_host_is_told_which_part_is_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, typed: str, remedy: str
) -> None:
    """Nothing is cut off in silence, no resolver is asked, and what is wanted is said."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("looked up"))
    done = run(typed)
    assert (done.exit_code, done.stdout) == (9, "")
    assert done.stderr.startswith(f"gatewatch: {typed} is ")
    assert done.stderr.endswith(f"{remedy}\n")


# --- the loop -------------------------------------------------------------------------------

_REAL = """
import atexit, sys
from probe.cli import main
atexit.register(lambda: print("trio" in sys.modules, file=sys.stderr))
main(["trace", *sys.argv[1:]])
"""


def test_a_real_trace_does_without_trio(tmp_path: Path) -> None:
    """Over sockets of this machine to itself: half of a start is spared."""
    process = start(
        _REAL,
        *("127.0.0.1", "--i-run-this-network", "--backend", "errqueue", "--method", "udp"),
        "--json",
        environment={"GATEWATCH_HOME": str(tmp_path)},
    )
    out, said = process.communicate()
    assert (process.returncode, said) == (0, "False\n")
    record = from_line(out)
    assert (record.stop, record.hops[0].replies[0].address) == ("destination", "127.0.0.1")


# --- signals --------------------------------------------------------------------------------


def start(code: str, *arguments: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, **environment},
    )


_DARK = """
import sys
import probe.commands.trace as command
from tests.probe import paths
command.open_network = lambda *_, **__: paths.Silent()
from probe.cli import main
main(["trace", *sys.argv[1:]])
"""


def test_ctrl_c_ends_within_a_second(tmp_path: Path) -> None:
    """Whatever the trace waits for, an interrupt ends it at once, quietly, with 130."""
    process = start(_DARK, paths.TARGET, environment={"GATEWATCH_HOME": str(tmp_path)})
    assert process.stdout is not None
    assert process.stdout.readline().startswith("to 193.0.6.139")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert time.monotonic() - began < 1.0
    assert process.returncode == 130
    assert said == "gatewatch: stopped; what was finished is kept\n"
