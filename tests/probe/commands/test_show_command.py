"""``gatewatch show``: what is kept, and what would be shared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from probe.cli import main
from probe.origin.attribute import attribute
from probe.record import Hop, Reply, Trace, Vantage
from probe.redaction.redact import redact
from probe.spool import Spool
from tests.probe.failing import make_unreadable
from tests.probe.paths import HOME
from tests.probe.table import PROVIDER, Table

NOON = 1_795_435_200  # 2026-11-23 12:00 UTC


def keep(folder: Path, *targets: str) -> None:
    """Keep a trace to each target, a minute apart: home, access, gateway, abroad."""
    with Spool(folder) as spool:
        for number, target in enumerate(targets):
            hops = ("192.168.1.1", "36.37.9.9", "203.144.64.1", None, "80.231.7.7", target)
            trace = Trace(
                dst_addr=target,
                dst_name="a server" if number == 0 else None,
                af=4,
                proto="ICMP",
                timestamp=NOON + 60 * number,
                endtime=NOON + 60 * number + 1,
                hops=tuple(
                    Hop(ttl, (Reply(address, 1.0) if address else Reply(),))
                    for ttl, address in enumerate(hops, start=1)
                ),
                stop="destination",
                vantage=Vantage("0123456789abcdef", PROVIDER, "Viettel", "KH"),
            )
            table = Table()
            spool.append(
                redact(attribute(trace, table)._replace(), HOME, frozenset({PROVIDER}), table)
            )


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The spool of a data folder, not made yet."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "spool"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["show", *arguments])


def test_nothing_kept_says_what_to_do(spool: Path) -> None:
    """An empty machine is no error, and the next step is named."""
    done = run()
    assert (done.exit_code, done.stderr) == (0, "")
    assert "gatewatch run" in done.stdout
    assert not spool.exists()
    assert run("--json").stdout == run("--as-shared").stdout == ""


def test_each_trace_is_a_line(spool: Path) -> None:
    """Time, target, hops, how it ended, where it left and through whom."""
    keep(spool, "80.231.1.1", "80.231.1.2")
    done = run()
    assert done.exit_code == 0
    first, second = done.stdout.splitlines()
    assert first == (
        "2026-11-23 12:00:00  80.231.1.1       a server   6 hops  reached  "
        "left after hop 3, AS17726 Telecom Cambodia, KH; into AS6453 TATA, US"
    )
    assert second.startswith("2026-11-23 12:01:00  80.231.1.2")


def test_json_is_one_object_a_line(spool: Path) -> None:
    """A script finds the same as a reader, with the line it comes from."""
    keep(spool, "80.231.1.1", "80.231.1.2")
    first, second = (json.loads(line) for line in run("--json").stdout.splitlines())
    assert (first["line"], second["line"]) == (1, 2)
    assert first["time"] == "2026-11-23T12:00:00+00:00"
    assert first["left"]["before"] == {
        "hop": 3,
        "asn": 17726,
        "organisation": "Telecom Cambodia",
        "exchange": None,
        "country": "KH",
    }
    assert first["left"]["after"]["asn"] == 6453
    assert {first["target"], first["method"], first["stop"]} == {
        "80.231.1.1",
        "icmp",
        "destination",
    }


def test_limit_takes_the_newest(spool: Path) -> None:
    """Of many traces the last are shown, still oldest first."""
    keep(spool, "80.231.1.1", "80.231.1.2", "80.231.1.3")
    lines = run("--json", "--limit", "2").stdout.splitlines()
    assert [json.loads(line)["target"] for line in lines] == ["80.231.1.2", "80.231.1.3"]


def test_limit_reads_no_day_that_it_does_not_need(spool: Path) -> None:
    """After a year all days together take minutes on a small board."""
    keep(spool, "80.231.1.1", "80.231.1.2")
    (spool / "2026-11-22.jsonl").write_bytes(b"an older day\n")
    done = run("--limit", "2")
    assert (len(done.stdout.splitlines()), done.stderr) == (2, "")
    done = run("--limit", "3")
    assert len(done.stdout.splitlines()) == 2
    assert "2026-11-22.jsonl:1: " in done.stderr


def test_as_shared_prints_exactly_the_bytes_kept(spool: Path) -> None:
    """What would be shared is the file, byte for byte, and nothing else."""
    keep(spool, "80.231.1.1", "80.231.1.2")
    done = run("--as-shared")
    assert done.stdout_bytes == (spool / "2026-11-23.jsonl").read_bytes()
    assert done.stderr == ""


def test_what_cannot_be_read_is_named_and_counted(spool: Path) -> None:
    """Foreign lines are named by file and number, cut lines counted; the rest is shown."""
    keep(spool, "80.231.1.1")
    day = spool / "2026-11-23.jsonl"
    day.write_bytes(b"{}\n" + day.read_bytes() + b'{"half')
    done = run()
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 1
    assert "2026-11-23.jsonl:1: not a traceroute result: no dst_addr" in done.stderr
    assert "1 line could not be read; it is never shared, and may stay" in done.stderr
    assert "1 cut line set aside after a crash" in done.stderr
    assert run("--as-shared").stdout_bytes == day.read_bytes().splitlines(keepends=True)[1]


def test_a_time_that_is_none_does_not_hide_the_rest(spool: Path) -> None:
    """A foreign record from no possible time is listed like the others."""
    keep(spool, "80.231.1.1")
    day = spool / "2026-11-23.jsonl"
    fields = json.loads(day.read_bytes()) | {"timestamp": 10**15}
    day.write_bytes(day.read_bytes() + json.dumps(fields).encode() + b"\n")
    assert run().stdout.splitlines()[1].startswith("at no time  80.231.1.1")
    assert json.loads(run("--json").stdout.splitlines()[1])["time"] is None


def test_nothing_readable_is_bad_input(spool: Path) -> None:
    """Where lines are there and none can be read, the end is not a good one."""
    spool.mkdir(parents=True)
    (spool / "2026-11-23.jsonl").write_bytes(b"{}\n")
    for option in ("--json", "--as-shared"):
        done = run(option)
        assert done.exit_code == 9
        assert "2026-11-23.jsonl:1: " in done.stderr
        assert "measure something with: gatewatch run" in done.stderr


def test_another_folder_can_be_shown(spool: Path, tmp_path: Path) -> None:
    """What `run --to` wrote elsewhere is shown from there; a folder that is none is a wrong use."""
    keep(tmp_path / "usb", "80.231.1.1")
    assert len(run("--from", str(tmp_path / "usb")).stdout.splitlines()) == 1
    assert run("--from", str(tmp_path / "none")).exit_code == 2


def test_what_would_not_be_shared_is_not_shown_as_shared(spool: Path) -> None:
    """A line that somebody put there by hand is listed, and named when asked what is shared."""
    keep(spool, "80.231.1.1")
    day = spool / "2026-11-23.jsonl"
    whole = day.read_bytes()
    by_hand = json.dumps({**json.loads(whole), "src_addr": "192.168.1.10"})
    day.write_bytes(whole + by_hand.encode() + b"\n")
    assert len(run("--json").stdout.splitlines()) == 2
    done = run("--as-shared")
    assert (done.exit_code, done.stdout_bytes) == (0, whole)
    assert "1 line would not be shared" in done.stderr


@pytest.mark.parametrize("words", [(), ("--limit", "2"), ("--json",), ("--as-shared",)])
def test_a_day_that_the_disk_does_not_give_is_named_once_all_else_is_shown(
    spool: Path, words: tuple[str, ...]
) -> None:
    """Whoever has to save what is on a card sees what there is."""
    keep(spool, "193.0.6.1", "193.0.6.2")
    says = make_unreadable(spool / "2020-01-01.jsonl")
    if "--limit" in words:
        make_unreadable(spool / "2099-01-01.jsonl")
    done = run(*words)
    assert done.exit_code == 6
    assert done.stdout.count("193.0.6.") >= 2
    assert (done.stderr == f"gatewatch: {says}\n") is ("--limit" not in words)
    assert done.stderr.startswith("gatewatch: the disk fails at ")
