"""`gatewatch analyze`, as it is typed: what it prints, and every way in which it ends."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from probe import __version__
from probe.cli import main
from probe.disk.places import shipped
from probe.origin import open_origin
from probe.record import SIMULATED
from tests.analysis import mrt

pytestmark = pytest.mark.usefixtures("own_home")

CONTRACT: dict[str, type | tuple[type, ...]] = {
    "schema": str,
    "country": str,
    "window": list,
    "grade": str,
    "scope": str,
    "gateway": (dict, type(None)),
    "captured": dict,
    "share": dict,
    "effective_gateways": float,
    "coverage": dict,
    "strict_and_lenient_agree": bool,
    "domestic": dict,
    "upstream": dict,
    "timeline": dict,
    "rejected": dict,
    "reasons": list,
    "limits": list,
    "provenance": dict,
}
INSIDE = {
    "captured": {"organisations", "of", "lower", "upper"},
    "share": {"equal", "eyeballs", "lower", "upper"},
    "coverage": {"organisations", "eyeballs", "bounds"},
    "domestic": {"grade", "hub", "pairs"},
    "timeline": {"alarm", "onset", "gateway", "moved", "reason"},
}


def result(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A path from Metfone in Cambodia over Singapore's Singtel to RIPE's network."""
    hops = ["192.168.1.1", "36.37.128.1", "203.208.177.1", "193.0.6.139"]
    return {
        "fw": 5080,
        "type": "traceroute",
        "msm_id": 1,
        "prb_id": 7,
        "from": "36.37.128.9",
        "af": 4,
        "proto": "ICMP",
        "dst_addr": hops[-1],
        "timestamp": 1767268800 + number,
        "paris_id": 1,
        "result": [
            {"hop": n, "result": [{"from": address, "rtt": 1.0 if n < 3 else 60.0}]}
            for n, address in enumerate(hops, start=1)
        ],
        **changes,
    }


def lines(count: int) -> str:
    return "".join(json.dumps(result(n)) + "\n" for n in range(count))


def analyze(*arguments: str | Path, country: str = "KH", **options: Any) -> Result:
    typed = ["analyze", *map(str, arguments), "--country", country]
    done = CliRunner().invoke(main, typed, **options)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    path = tmp_path / "traces.jsonl"
    path.write_text(lines(3))
    return path


# ------------------------------------------------------------------------ what it prints


def well_formed(fields: dict[str, Any]) -> None:
    for key, kind in CONTRACT.items():
        assert isinstance(fields[key], kind), key
    for key, inner in INSIDE.items():
        assert fields[key].keys() >= inner, key
    assert fields["schema"] == "gatewatch.verdict/1"
    assert set(fields["domestic"]["pairs"]) == {
        "direct", "exchange", "third_party", "hub", "abroad", "unknown",
    }  # fmt: skip
    assert all(isinstance(sentence, str) for sentence in fields["reasons"] + fields["limits"])
    assert fields["reasons"]
    assert fields["limits"]


def test_json_is_one_object_with_the_keys_of_the_contract(traces: Path) -> None:
    """On one line of the standard output, nothing beside it."""
    done = analyze(traces, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    fields = json.loads(done.stdout)
    well_formed(fields)
    assert fields["country"] == "KH"
    assert fields["grade"] == "insufficient"
    assert fields["measured"]["traces"] == 3
    assert fields["window"] == ["2026-01-01", "2026-01-01"]


def test_nothing_in_a_record_speaks_to_the_terminal_or_ends_the_program(tmp_path: Path) -> None:
    """What a record calls its table and remarks may be anything that JSON can hold."""
    path = tmp_path / "traces.jsonl"
    said = "\ud83d \x1b]0;owned\x07 Believe nothing of this."
    ours = {
        "schema": "gatewatch.trace/1",
        "vantage": {"id": f"v{said}", "asn": 38623, "country": "KH"},
        "snapshots": [said],
        "notes": [said],
    }
    path.write_text(json.dumps(result(gatewatch=ours)) + "\n")
    page, rows = tmp_path / "page.html", tmp_path / "rows.csv"
    shown = analyze(path, "--report", page, "--crossings", rows).stdout
    assert "\x1b" not in shown
    assert "Believe" not in shown
    assert "by 1 without a proper name, was not used" in shown
    assert "owned" in rows.read_text()
    fields = json.loads(analyze(path, "--json").stdout)
    assert fields["provenance"]["notes"] == {said.replace("\ud83d", "?"): 1}
    assert analyze(path, "--crossings", tmp_path / "rows.parquet").exit_code == 0


def test_no_record_makes_the_verdict_longer_and_longer(tmp_path: Path) -> None:
    """Of what records say freely the most frequent texts are told, none whole that is a book."""
    path = tmp_path / "traces.jsonl"
    with path.open("w") as file:
        for number in range(1000):
            book = f"{number} " + "x" * 1000
            ours = {
                "schema": "gatewatch.trace/1",
                "vantage": {"id": "v", "asn": 38623, "country": "KH"},
                "snapshots": [book],
                "notes": [book, SIMULATED] if number else [SIMULATED],
            }
            file.write(json.dumps(result(number, gatewatch=ours)) + "\n")
    said = analyze(path, "--json").stdout
    assert len(said) < 120_000
    provenance = json.loads(said)["provenance"]
    assert provenance["notes"][SIMULATED] == 1000
    assert sum(provenance["notes"].values()) == 1999
    assert provenance["notes"]["others"] > 0
    assert sum(provenance["attribution"]["records"].values()) == 1000


def test_the_verdict_says_what_it_was_made_from(traces: Path) -> None:
    """The hash of each input, the table, the version and the command."""
    found = json.loads(analyze(traces, "--json").stdout)["provenance"]
    digest = hashlib.sha256(traces.read_bytes()).hexdigest()
    assert found["inputs"] == {"traces.jsonl": digest}
    assert found["snapshots"] == [open_origin().snapshot.id]
    assert found["version"] == __version__
    assert found["command"].startswith("gatewatch")
    assert found["policy_changed"] == {}


def test_without_json_it_prints_plain_lines_into_a_pipe(traces: Path) -> None:
    """Grade first, no colours, no frames."""
    done = analyze(traces)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("KH: insufficient\n")
    assert "\x1b" not in done.stdout
    assert "│" not in done.stdout


def test_the_country_may_be_written_small(traces: Path) -> None:
    """kh is KH."""
    small = json.loads(analyze(traces, "--json", country="kh").stdout)
    assert small["country"] == "KH"
    assert small["measured"]["traces"] == 3


def test_a_whole_spool_is_judged(short_demo: Path) -> None:
    """What the real probe wrote in a simulated country: diverse before, one gateway after."""
    for folder, grade in (("before", "diverse"), ("after", "single_gateway")):
        fields = json.loads(analyze(short_demo / folder, "--json", "--policy", "days=1").stdout)
        well_formed(fields)
        assert fields["grade"] == grade
        assert (fields["gateway"] is not None) == (grade == "single_gateway")
        assert not {"malformed", "duplicate", "not_sent"} & fields["rejected"].keys()
        # Made from the table itself, so nothing changed hands since.
        assert not any("days from the traces" in limit for limit in fields["limits"])


# ------------------------------------------------------------------------ broken lines


def test_broken_and_foreign_lines_are_named_and_the_rest_is_judged(tmp_path: Path) -> None:
    """File and line on the standard error, the count in the verdict, exit 0."""
    path = tmp_path / "mixed.jsonl"
    good = lines(3).splitlines()
    ping = json.dumps({"type": "ping", "af": 4, "dst_addr": "193.0.6.139"})
    path.write_text("\n".join([good[0], "not json", good[1], ping, "[1]", good[2], good[0][:90]]))
    done = analyze(path, "--json")
    assert done.exit_code == 0
    fields = json.loads(done.stdout)
    assert fields["rejected"]["malformed"] == 4
    assert fields["measured"]["traces"] == 3
    complaints = done.stderr.splitlines()
    assert len(complaints) == 4
    for number, complaint in zip((2, 4, 5, 7), complaints, strict=True):
        assert complaint.startswith(f"warning: {path}:{number}: ")
        assert complaint.endswith("; left out")


def test_a_truncated_file_is_judged_as_far_as_it_goes(tmp_path: Path) -> None:
    """A download that broke off: what was whole counts, and the break is named."""
    path = tmp_path / "torn.jsonl.gz"
    path.write_bytes(gzip.compress(lines(400).encode(), mtime=0)[:-40])
    done = analyze(path, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["measured"]["traces"] > 100
    assert "breaks off here" in done.stderr


def test_a_good_file_beside_a_broken_one_is_judged(traces: Path, tmp_path: Path) -> None:
    """One file of which nothing can be read costs itself only."""
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    done = analyze(traces, tmp_path / "broken.parquet", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["rejected"]["unreadable_file"] == 1
    assert "broken.parquet" in done.stderr


def test_a_flood_of_broken_lines_is_summed_up(tmp_path: Path) -> None:
    """Three that say the same are named, the rest is a number; all are counted."""
    path = tmp_path / "flood.jsonl"
    path.write_text("garbage\n" * 50 + lines(1))
    done = analyze(path, "--json")
    assert done.exit_code == 0
    assert len(done.stderr.splitlines()) == 4
    last = done.stderr.splitlines()[-1]
    assert last == "warning: further lines or files that could not be read: 47"
    assert json.loads(done.stdout)["rejected"]["malformed"] == 50


def test_what_is_not_named_is_counted_whatever_it_is(traces: Path, tmp_path: Path) -> None:
    """Bundles that were altered as well, and no complaint is longer than a sentence."""
    long = json.dumps(result(dst_addr="9" * 100_000, result=[["y" * 100_000]]))
    traces.write_text(lines(1) + long + "\n" + long.replace("9" * 100_000, "192.0.2.1") + "\n")
    damaged = [tmp_path / f"{number:02}.tar" for number in range(21)]
    for path in damaged:
        path.write_bytes(b"manifest.json\0 and no more")
    said = analyze(traces, *damaged, "--json").stderr.splitlines()
    assert said[-1] == "warning: further lines or files that could not be read: 3"
    assert max(map(len, said)) < 500


def test_a_value_too_deep_for_another_process_is_read_here(tmp_path: Path) -> None:
    """What an ICMP extension holds may be nested some hundred deep, in an array of many files."""
    deep: dict[str, Any] = {}
    for _ in range(700):
        deep = {"a": deep}
    for number in range(3):
        one = result(number)
        one["result"][0]["result"][0]["icmpext"] = deep
        (tmp_path / f"{number}.json").write_text(json.dumps([one]))
    assert json.loads(analyze(tmp_path, "--json").stdout)["measured"]["traces"] == 3


def test_traces_that_say_nothing_are_no_error(tmp_path: Path) -> None:
    """Readable but all from abroad: an honest "insufficient", with the count."""
    path = tmp_path / "abroad.jsonl"
    path.write_text(json.dumps(result() | {"from": "193.0.6.9"}))
    done = analyze(path, "--json")
    assert done.exit_code == 0
    fields = json.loads(done.stdout)
    well_formed(fields)
    assert fields["grade"] == "insufficient"
    assert fields["window"] == [None, None]
    assert fields["rejected"] == {"vantage_abroad": 1}


# ------------------------------------------------------------------------ exit 9: bad input


def nothing(path: Path) -> Path:
    return path / "nowhere.jsonl"


def empty_folder(path: Path) -> Path:
    folder = path / "empty"
    folder.mkdir()
    return folder


def folder_of_other_things(path: Path) -> Path:
    folder = path / "photos"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


def pipe(path: Path) -> Path:
    os.mkfifo(path / "traces.jsonl")
    return path / "traces.jsonl"


def written(content: bytes, name: str = "input.jsonl") -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        (path / name).write_bytes(content)
        return path / name

    return write


UNUSABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (nothing, "no such file or folder; check the name"),
    "glob without match": (
        lambda path: path / "*.nothing",
        "no such file or folder; check the name",
    ),
    "a pipe with a name": (pipe, "is a pipe or a device, not a file; read it with -, "),
    "empty folder": (empty_folder, "holds no measurements"),
    "folder of other things": (folder_of_other_things, "holds no measurements"),
    "empty file": (written(b""), "the input is empty"),
    "blank lines": (written(b"\n\n \n"), "the input is empty"),
    "prose": (written(b"Dear all,\nplease find attached\n"), "2 malformed"),
    "another kind of JSON": (written(b'{"a": 1}\n'), "1 malformed"),
    "an empty array": (written(b"[]"), "the input is empty"),
    "truncated at once": (written(lines(1).encode()[:50]), "1 malformed"),
    "garbage": (written(bytes(range(128, 256)) * 3), "1 malformed"),
    "no gzip": (written(b"plain", "input.jsonl.gz"), "1 unreadable_file"),
    "no Parquet": (written(b"plain", "input.parquet"), "1 unreadable_file"),
    "never sent": (written(json.dumps(result(result=[])).encode()), "1 not_sent"),
}


def test_a_folder_that_may_not_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in it is missing from the verdict, which nobody would see."""
    (tmp_path / "mine.jsonl").write_text(lines(3), encoding="utf-8")
    shut = tmp_path / "of-sokha"
    shut.mkdir()
    scandir = os.scandir

    def refuse(path: str | Path = ".") -> Any:
        if Path(path) == shut:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    done = analyze(str(tmp_path))
    assert (done.exit_code, done.stdout) == (9, "")
    assert f"{shut}: the folder cannot be read (Permission denied)" in done.stderr


def test_who_publishes_is_told_of_those_who_stand_alone(traces: Path, tmp_path: Path) -> None:
    """A network that one person measured in names that person to those who know who could."""
    alone = (
        "warning: 1 network was measured from one vantage point alone, and naming it may name a "
        "person: ask first, or leave it out (docs/data-policy.md)\n"
    )
    assert analyze(traces, "--report", tmp_path / "page.html").stderr == alone
    assert analyze(traces, "--crossings", tmp_path / "rows.csv").stderr == alone
    assert analyze(traces).stderr == ""


@pytest.mark.parametrize("as_json", [True, False])
def test_a_disk_that_is_full_takes_the_page_and_not_the_verdict(
    as_json: bool, traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours may have been spent on it."""

    def full(*_: Any, **__: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    how = ["--json"] if as_json else []
    wanted = analyze(traces, *how)
    monkeypatch.setattr(Path, "write_text", full)
    done = analyze(traces, *how, "--report", tmp_path / "page.html")
    assert done.exit_code == 6
    assert f"gatewatch: disk full at {tmp_path / 'page.html'}; " in done.stderr
    if as_json:
        assert json.loads(done.stdout)["grade"] == json.loads(wanted.stdout)["grade"]
    else:
        assert done.stdout == wanted.stdout


@pytest.mark.parametrize("option", ["--report", "--crossings"])
def test_where_one_may_not_write_is_said_before_anything_is_read(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder of somebody else's; the file that could not be read either is not named."""
    (tmp_path / "in.jsonl").write_text("{}\n")
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    out = tmp_path / ("out.html" if option == "--report" else "out.csv")
    done = analyze(tmp_path / "in.jsonl", option, out)
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr == (
        f"gatewatch: {out} may not be written or read by this user (Permission denied); mend its "
        "permissions, or name another\n"
    )


@pytest.mark.parametrize("option", ["--report", "--crossings"])
def test_where_nothing_can_be_written_is_said_before_anything_is_read(
    option: str, tmp_path: Path
) -> None:
    """A verdict over millions of traces is not lost to a misspelt folder."""
    name = "page.html" if option == "--report" else "crossings.csv"
    done = analyze(str(tmp_path / "nothing.jsonl"), option, str(tmp_path / "fodler" / name))
    assert done.exit_code == 9
    assert f"there is no folder {tmp_path / 'fodler'}" in done.stderr


def test_a_language_without_a_page_is_an_error(tmp_path: Path) -> None:
    """Only the page is translated; whoever asks for Khmer is not given English in silence."""
    done = analyze(str(tmp_path / "nothing.jsonl"), "--language", "km")
    assert done.exit_code == 2
    assert "--language goes with --report" in done.stderr


@pytest.mark.parametrize("name", UNUSABLE)
def test_nothing_usable_is_exit_9(name: str, tmp_path: Path) -> None:
    """One sentence that names the path and what was wrong; nothing on the standard output."""
    make, says = UNUSABLE[name]
    path = make(tmp_path)
    done = analyze(path, "--json")
    assert done.exit_code == 9
    assert done.stdout == ""
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith(f"gatewatch: {path}: ")
    assert says in sentence
    assert "Traceback" not in done.stderr


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    """The remedy stands in the sentence."""
    assert "gatewatch run" in analyze(empty_folder(tmp_path)).stderr


def test_an_empty_name_is_exit_9(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a variable that is not set: it was the folder one happened to be in."""
    (tmp_path / "others.jsonl").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["analyze", "", "--country", "KH"])
    assert result.exit_code == 9
    assert "is no path" in result.output


def test_empty_standard_input_is_exit_9() -> None:
    """A pipe from which nothing came."""
    done = analyze("-", input=io.BytesIO(b""))
    assert done.exit_code == 9
    assert done.stderr.startswith("gatewatch: -: no usable trace (the input is empty)")


def test_standard_input_is_judged() -> None:
    """`cat … | gatewatch analyze -`."""
    done = analyze("-", "--json", input=lines(2))
    assert done.exit_code == 0
    assert json.loads(done.stdout)["measured"]["traces"] == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"no table at all\n", b"\x00" * 4096, b"\xab\xcd\xefMaxMind.com"],
    ids=["empty", "prose", "zeros", "a marker and nothing more"],
)
@pytest.mark.parametrize("suffix", [".mmdb", ".dat"])
def test_a_table_that_is_none_is_exit_9(
    content: bytes, suffix: str, traces: Path, tmp_path: Path
) -> None:
    """An .mmdb or .dat that is not what its name says: named, and nothing is judged."""
    table = tmp_path / f"table{suffix}"
    table.write_bytes(content)
    done = analyze(traces, "--origin", table)
    assert done.exit_code == 9
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("gatewatch: ")
    assert str(table) in sentence


def test_a_table_that_is_not_there_is_named(traces: Path, tmp_path: Path) -> None:
    """A path mistyped."""
    done = analyze(traces, "--origin", tmp_path / "nowhere.mmdb")
    assert done.exit_code == 9
    assert "nowhere.mmdb" in done.stderr


# ------------------------------------------------------------------------ exit 2: usage


@pytest.mark.parametrize("country", ["XX", "KHM", "Cambodia", "", "K", "1"])
def test_an_unknown_country_is_exit_2(country: str, traces: Path) -> None:
    """Not "insufficient", which would be an answer."""
    done = analyze(traces, "--json", country=country)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert f"{country!r} is no country code; use two letters of ISO 3166, such as KH" in done.stderr


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("days", "no setting 'days'"),
        ("dayz=1", "no setting 'dayz=1'"),
        ("days=soon", "days wants a whole number, not 'soon'"),
        ("single=2", "single wants a number from 0 to 1, not '2'"),
    ],
)
def test_a_setting_that_is_none_is_exit_2(override: str, says: str, traces: Path) -> None:
    """Before anything is read."""
    done = analyze(traces, "--json", "--policy", override)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert says in done.stderr


def test_a_changed_rule_is_said_in_the_verdict(traces: Path) -> None:
    """For scripts and for readers, on the terminal as well."""
    options = ["--policy", "days=1", "--policy", "single=0.6"]
    fields = json.loads(analyze(traces, "--json", *options).stdout)
    assert fields["provenance"]["policy_changed"] == {"days": 1, "single": 0.6}
    said = "The rule was changed for this verdict: days=1, single=0.6."
    assert said in fields["limits"]
    assert said in analyze(traces, *options).stdout


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["analyze", "--country", "KH"], "PATH"),
        (["analyze", "x.jsonl"], "--country"),
        (["analyze", "x.jsonl", "--country", "KH", "--jsno"], "--jsno"),
    ],
    ids=["no path", "no country", "no such option"],
)
def test_what_is_missing_or_mistyped_is_exit_2(typed: list[str], says: str) -> None:
    """Usage, as for every command."""
    done = CliRunner().invoke(main, typed)
    assert done.exit_code == 2
    assert says in done.stderr


# ------------------------------------------------------------------------ --crossings


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_crossings_are_written_beside_the_verdict(
    suffix: str, traces: Path, tmp_path: Path
) -> None:
    """One row a trace; the verdict is printed all the same."""
    target = tmp_path / f"crossings{suffix}"
    done = analyze(traces, "--json", "--crossings", target)
    assert done.exit_code == 0
    well_formed(json.loads(done.stdout))
    table = pd.read_csv(target) if suffix == ".csv" else pd.read_parquet(target)
    assert len(table) == 3
    assert set(table["state"]) == {"resolved"}
    assert set(table["border_to_hop"]) == {3}


def test_crossings_of_an_unknown_kind_are_exit_2(traces: Path, tmp_path: Path) -> None:
    """The name decides the format; nothing is written."""
    done = analyze(traces, "--crossings", tmp_path / "crossings.xlsx")
    assert done.exit_code == 2
    assert ".csv or a .parquet" in done.stderr
    assert not (tmp_path / "crossings.xlsx").exists()


@pytest.mark.parametrize("option", ["--report", "--crossings"])
def test_nothing_is_written_over_what_is_read(option: str, tmp_path: Path) -> None:
    """Traces cannot be measured again; also where they lie in a folder, or behind a link."""
    path = tmp_path / ("traces.html" if option == "--report" else "traces.csv")
    path.write_text(lines(3))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.jsonl").symlink_to(path)
    for given in (path, tmp_path / "folder"):
        done = analyze(given, option, path)
        assert done.exit_code == 9
        assert f"{path}: is among what is read; give another name" in done.stderr
        assert path.read_text() == lines(3)


def test_what_is_read_is_known_by_any_name(tmp_path: Path) -> None:
    """As a hard link, or another spelling where the system knows no capitals."""
    path, other = tmp_path / "traces.jsonl", tmp_path / "traces.csv"
    path.write_text(lines(3))
    other.hardlink_to(path)
    done = analyze(path, "--crossings", other)
    assert (done.exit_code, path.read_text()) == (9, lines(3))


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--eyeballs", "AS,CC,Users\n38623,KH,9\n"),
        ("--organisations", '{"asn": 38623, "org_id": 1}\n'),
        ("--rib", "a routing table"),
    ],
)
def test_nothing_is_written_over_what_traces_are_judged_by(
    option: str, given: str, traces: Path, tmp_path: Path
) -> None:
    """It may be had nowhere else either, as the users of a past day."""
    path = tmp_path / "given.csv"
    path.write_text(given)
    done = analyze(traces, option, path, "--crossings", path)
    assert done.exit_code == 9
    assert f"{path}: is among what is read" in done.stderr
    assert path.read_text() == given


def test_crossings_that_cannot_be_written_are_an_error(traces: Path, tmp_path: Path) -> None:
    """A folder that is not there: a sentence with the name, never exit 0."""
    target = tmp_path / "nowhere" / "crossings.csv"
    done = analyze(traces, "--crossings", target)
    assert done.exit_code == 9
    assert str(target) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full to be a full disk")
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_full_disk_is_an_error(suffix: str, traces: Path, tmp_path: Path) -> None:
    """A table that could not be written whole is never exit 0."""
    target = tmp_path / f"full{suffix}"
    target.symlink_to("/dev/full")
    done = analyze(traces, "--crossings", target)
    assert done.exit_code == 6
    assert f"disk full at {target}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
@pytest.mark.parametrize("older", [None, "an older one"])
@pytest.mark.parametrize(("option", "name"), [("--crossings", "rows.csv"), ("--report", "p.html")])
def test_no_half_of_a_file_is_left_where_a_disk_is_full(
    option: str, name: str, older: str | None, traces: Path, tmp_path: Path
) -> None:
    """A table without its last rows reads like a whole one; what was there before stays."""
    import resource

    folder, limits = tmp_path / "out", resource.getrlimit(resource.RLIMIT_FSIZE)
    folder.mkdir()
    target = folder / name
    if older is not None:
        target.write_text(older)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        done = analyze(traces, option, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert done.exit_code == 6
    assert f"disk full at {target}" in done.stderr
    assert {path.name: path.read_text() for path in folder.iterdir()} == (
        {} if older is None else {name: older}
    )


@pytest.mark.parametrize(("option", "name"), [("--crossings", "rows.csv"), ("--report", "p.html")])
def test_a_file_is_replaced_where_it_lies(
    option: str, name: str, traces: Path, tmp_path: Path
) -> None:
    """Where a link leads to it that stays, and who may read it stays as it was."""
    (tmp_path / "out").mkdir()
    target, link = tmp_path / "out" / name, tmp_path / name
    target.write_text("an older one")
    target.chmod(0o640)
    link.symlink_to(target)
    assert analyze(traces, option, link).exit_code == 0
    assert link.is_symlink()
    assert "an older one" not in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in target.parent.iterdir()] == [name]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_to_stop_while_a_file_is_written_keeps_the_older_one(
    number: int, traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a service manager or a closed terminal."""

    def stopped(*_: object, **__: object) -> int:
        os.kill(os.getpid(), number)
        return 0

    monkeypatch.setattr(Path, "write_text", stopped)
    (tmp_path / "out").mkdir()
    page = tmp_path / "out/page.html"
    page.write_bytes(b"an older one")
    assert analyze(traces, "--report", page).exit_code == 128 + number
    assert [path.read_text() for path in page.parent.iterdir()] == ["an older one"]


# ------------------------------------------------------------------------ users and witness


def aspop(folder: Path, users: int = 900) -> Path:
    path = folder / "aspop.json"
    rows = [{"AS": 38623, "CC": "KH", "Users": users}, {"AS": 17726, "CC": "KH", "Users": 100}]
    path.write_text(json.dumps({"Date": "25/11/2026", "Data": rows}))
    return path


def test_users_weigh_the_organisations(traces: Path, tmp_path: Path) -> None:
    """Metfone has 900 of 1000 users; the file's hash and date are part of the verdict."""
    path = aspop(tmp_path)
    done = analyze(traces, "--json", "--eyeballs", path)
    assert (done.exit_code, done.stderr) == (0, "")
    fields = json.loads(done.stdout)
    assert fields["coverage"]["weights"] == "eyeballs"
    assert fields["coverage"]["eyeballs"] == pytest.approx(0.9)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert fields["provenance"]["eyeballs"] == {
        "file": "aspop.json",
        "sha256": digest,
        "date": "25/11/2026",
    }
    assert "90% of users" in analyze(traces, "--eyeballs", path).stdout


def test_the_lists_that_a_verdict_rests_on_are_named(traces: Path) -> None:
    """With others another verdict may come out."""
    lists = json.loads(analyze(traces, "--json").stdout)["provenance"]["lists"]
    assert list(lists) == [
        "iplocdb.asns.csv", "operators.toml", "exchanges.toml", "anycast.toml", "continents.toml",
        "foreign.toml",
    ]  # fmt: skip
    for name in ("operators.toml", "exchanges.toml"):
        assert lists[name] == hashlib.sha256(shipped(name).read_bytes()).hexdigest()


def test_a_routing_table_is_heard(traces: Path, tmp_path: Path) -> None:
    """Metfone's block behind Telecom Cambodia, recorded a day before the traces."""
    path = tmp_path / "rib"
    path.write_bytes(mrt.peers(1) + mrt.rib("36.37.128.0/17", [mrt.Entry(0, [3356, 17726, 38623])]))
    fields = json.loads(analyze(traces, "--json", "--rib", path).stdout)
    witness = fields["witness"]
    assert witness["source"] == "rib"
    assert witness["says"] == "silent"
    assert "say nothing that it could agree with" in witness["reason"]
    assert witness["table"] == fields["provenance"]["snapshots"][0]
    assert {one["asn"]: one["others"] for one in witness["transit"]} == {17726: 1.0, 38623: None}
    assert "BGP of 2026-01-01 is silent" in analyze(traces, "--rib", path).stdout


def test_without_them_both_keys_are_null(traces: Path) -> None:
    """Every key is always there."""
    fields = json.loads(analyze(traces, "--json").stdout)
    assert fields["witness"] is None
    assert fields["provenance"]["eyeballs"] is None


@pytest.mark.parametrize(
    ("option", "content", "says"),
    [
        ("--eyeballs", b"AS,CC,Users\n1,KH,many\n", "line 2 is no row of AS, CC and Users"),
        ("--eyeballs", b"AS,CC,Users\n1,VN,5\n", "no users in KH"),
        ("--rib", b"nonsense", "no MRT dump of a routing table"),
    ],
)
def test_files_that_are_something_else_are_exit_9(
    option: str, content: bytes, says: str, traces: Path, tmp_path: Path
) -> None:
    """Named, with the remedy; nothing is judged."""
    path = tmp_path / "other"
    path.write_bytes(content)
    done = analyze(traces, "--json", option, path)
    assert (done.exit_code, done.stdout) == (9, "")
    assert done.stderr.startswith(f"gatewatch: {path}: ")
    assert says in done.stderr


# ------------------------------------------------------------------------ tables and organisations


def dat(folder: Path, name: str, **networks: int) -> Path:
    """A pyasn table of three networks: ``home``, ``carrier`` and ``far`` by AS number."""
    numbers = {"home": 38623, "carrier": 7473, "far": 3333} | networks
    blocks = {"home": "36.37.128.0/17", "carrier": "203.208.128.0/17", "far": "193.0.0.0/21"}
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("".join(f"{blocks[key]}\t{asn}\n" for key, asn in numbers.items()))
    return path


def test_malformed_input_may_end_it_or_be_silent(traces: Path) -> None:
    """Warned of by default, exit 9 with ``fail``, only counted with ``ignore``."""
    traces.write_text(lines(2) + "{\n")
    warned = analyze(traces, "--json")
    assert (warned.exit_code, warned.stderr.count("warning:")) == (0, 1)
    failed = analyze(traces, "--json", "--malformed", "fail")
    assert failed.exit_code == 9
    assert f"{traces}:3: not JSON" in failed.stderr
    assert not failed.stdout
    silent = analyze(traces, "--json", "--malformed", "ignore")
    assert (silent.exit_code, silent.stderr) == (0, "")
    assert json.loads(silent.stdout)["rejected"] == {"malformed": 1}


def test_the_verdict_says_whose_attribution_it_rests_on(traces: Path) -> None:
    """The table's; Atlas results bring none of their own."""
    told = json.loads(analyze(traces, "--json").stdout)["provenance"]["attribution"]
    assert told["table"].startswith("iplocdb@")
    assert told | {"table": ""} == {"table": "", "records": {"none": 3}, "hops": 0, "differ": 0}


def test_state_ownership_is_told_with_its_source(traces: Path) -> None:
    """Singtel, the first operator abroad, is held by a state; it changes no grade."""
    fields = json.loads(analyze(traces, "--json").stdout)
    assert fields["ownership"]["Singtel"]["state"] == "SG"
    assert any("Singtel is held by the state of SG" in reason for reason in fields["reasons"])


def test_tables_of_days_are_used_and_named(traces: Path, tmp_path: Path) -> None:
    """The first trace is read by the older table, those after the fifth day by the newer one."""
    later = json.dumps(result(5 * 86_400))
    traces.write_text(lines(1) + later)
    days = tmp_path / "days"
    dat(days, "ipasn_20251201.dat", carrier=6453)
    dat(days, "ipasn_20260103.dat")
    out = tmp_path / "crossings.csv"
    done = analyze(traces, "--tables", days, "--crossings", out, "--json")
    fields = json.loads(done.stdout)
    assert [count for _, count in sorted(fields["provenance"]["tables"]["traces"].items())] == [
        1,
        1,
    ]
    assert fields["provenance"]["tables"]["older"] == 0
    assert len(fields["provenance"]["snapshots"]) == 3
    assert any("by the table of its day (tables: 2)" in limit for limit in fields["limits"])
    assert pd.read_csv(out)["upstream_asn"].tolist() == [6453, 7473]


def test_traces_older_than_all_tables_are_told_of(traces: Path, tmp_path: Path) -> None:
    """The oldest table reads them: "the table of its day" would not be true."""
    days = tmp_path / "days"
    dat(days, "ipasn_20260103.dat")
    fields = json.loads(analyze(traces, "--tables", days, "--json").stdout)
    older = fields["provenance"]["tables"]["older"]
    says = f"Traces older than all of these tables: {older} of 3, read by the oldest."
    assert older > 0
    assert says in fields["limits"]


@pytest.mark.parametrize(("years", "told"), [(0, False), (3, True), (-3, True)])
def test_a_table_that_is_far_from_the_traces_is_told_of(
    years: int, told: bool, traces: Path, tmp_path: Path
) -> None:
    """Whichever is the older one: what changed hands in between is read wrongly."""
    table = dat(tmp_path / "one", "one.dat")
    table.write_text(f"; CONVERTED FROM rib.{2026 + years}0101.0000.bz2\n{table.read_text()}")
    days = tmp_path / "days"
    dat(days, f"ipasn_{2026 + years}0101.dat")
    for options in (("--origin", table), ("--tables", days)):
        fields = json.loads(analyze(traces, *options, "--json").stdout)
        far = [limit for limit in fields["limits"] if "days from the traces" in limit]
        assert bool(far) == told


@pytest.mark.parametrize(("between", "told"), [(1000, True), (100, False)])
def test_a_gap_between_two_tables_is_told_of_where_traces_fall_into_it(
    between: int, told: bool, traces: Path, tmp_path: Path
) -> None:
    """Though the first day that is judged and the last one have tables of their own."""
    days = tmp_path / "days"
    for table in ("20230101", "20260103"):
        dat(days, f"ipasn_{table}.dat")
    start = 1672531200  # 2023-01-01
    listed = [result(timestamp=start + 86_400 * day) for day in (0, between, 1100)]
    traces.write_text("\n".join(map(json.dumps, listed)))
    limits = json.loads(analyze(traces, "--tables", days, "--json").stdout)["limits"]
    says = f"The address table is up to {between} days from the traces"
    assert any(limit.startswith(says) for limit in limits) == told


def test_another_table_is_judged_by_as_well(traces: Path, tmp_path: Path) -> None:
    """What changes is said: here whose the first foreign router is, in all three crossings."""
    other = dat(tmp_path, "other.dat", carrier=6453)
    fields = json.loads(analyze(traces, "--compare-table", other, "--json").stdout)
    found = fields["comparison"]
    assert found["grade"] == ["insufficient", "insufficient"]
    assert found["tables"][1][0].startswith("other@undated+")
    assert found["crossings"]["compared"] == found["crossings"]["changed"] == 3
    assert found["crossings"]["columns"] == {"upstream": 3}
    assert "crossings that differ: 3 of 3" in fields["reasons"][-1]
    assert "comparison" not in json.loads(analyze(traces, "--json").stdout)


def test_organisations_of_a_file_are_merged(traces: Path, tmp_path: Path) -> None:
    """A file that makes the vantage's network and the destination's one leaves no path to judge."""
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"data": [{"org_id": 1, "asn": n} for n in (38623, 3333)]}))
    fields = json.loads(analyze(traces, "--organisations", path, "--json").stdout)
    assert fields["rejected"] == {"destination_in_own_network": 3}
    told = fields["provenance"]["organisations"]
    assert told["merged"] == 1
    assert told["kept_apart"] == []
    assert told["files"] == {"net.json": hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.mark.parametrize(("joined", "told"), [([38209, 24441], True), ([38209, 3333], False)])
def test_a_file_that_joins_rivals_is_told_of_where_both_are_named(
    joined: list[int], told: bool, tmp_path: Path
) -> None:
    """Eight networks buy from one of two, four from each; only a file says that these are one."""
    home = [139628, 137551, 58424, 139285, 132730, 135375, 55636, 151622]
    rivals = [38209, 24441]
    blocks = {f"103.100.{n}.0/24": asn for n, asn in enumerate([*home, *rivals])}
    far = {f"185.50.{n}.0/24": asn for n, asn in enumerate([7473, 3333, 22548, 33764])}
    table = tmp_path / "table.dat"
    table.write_text("".join(f"{block}\t{asn}\n" for block, asn in (blocks | far).items()))
    listed = []
    for n in range(8):
        for target in (1, 2, 3):
            over = 8 + n % 2
            hops = [f"103.100.{n}.1", f"103.100.{over}.1", f"185.50.0.{over}", f"185.50.{target}.9"]
            replies = zip(hops, (1.0, 2.0, 60.0, 90.0), strict=True)
            listed += [
                result(
                    **dict[str, Any]({"from": f"103.100.{n}.9"}),
                    prb_id=n,
                    msm_id=target,
                    dst_addr=hops[-1],
                    timestamp=1767268800 + 86_400 * day,
                    result=[
                        {"hop": hop, "result": [{"from": address, "rtt": rtt}]}
                        for hop, (address, rtt) in enumerate(replies, start=1)
                    ],
                )
                for day in range(7)
            ]
    traces = tmp_path / "traces.jsonl"
    traces.write_text("\n".join(map(json.dumps, listed)))
    siblings = tmp_path / "net.json"
    siblings.write_text(json.dumps({"data": [{"org_id": 1, "asn": asn} for asn in joined]}))
    done = analyze(traces, "--origin", table, "--organisations", siblings, "--json")
    fields = json.loads(done.stdout)
    assert (fields["gateway"] is not None) == told
    says = (
        "Camintel S.A is one organisation by the files of --organisations alone, which join "
        "Camintel S.A, CityLink Corporation, LTD: rivals that a file joins are no one gateway, so "
        "judge without the files as well."
    )
    assert (says in fields["limits"]) == told


@pytest.mark.parametrize(
    ("option", "name", "says"),
    [
        ("--organisations", "traces.jsonl", "holds no AS numbers; give CAIDA's"),
        ("--compare-table", "absent.dat", "is not there"),
        ("--compare-table", "traces.jsonl", "is not a MaxMind database"),
        ("--tables", "empty", "holds no address table"),
    ],
)
def test_tables_and_files_that_are_none_are_exit_9(
    option: str, name: str, says: str, traces: Path, tmp_path: Path
) -> None:
    """With the name and what it should be."""
    (tmp_path / "empty").mkdir()
    done = analyze(traces, option, tmp_path / name)
    assert done.exit_code == 9
    assert f"{tmp_path / name}" in done.stderr
    assert says in done.stderr


def test_a_damaged_table_of_a_day_is_exit_9(traces: Path, tmp_path: Path) -> None:
    """It is opened when its day comes, and told then."""
    days = tmp_path / "days"
    days.mkdir()
    (days / "ipasn_20251201.dat").write_text("hello\n")
    done = analyze(traces, "--tables", days)
    assert done.exit_code == 9
    assert "ipasn_20251201.dat is not a pyasn table" in done.stderr
