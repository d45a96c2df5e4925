"""Converting: what comes back is what was there, and what does not is counted by its name."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import zstandard
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from ripe.atlas.sagan import TracerouteResult

from analysis.intake import convert as conversion
from analysis.intake.convert import Form, NotAFile, convert, differences, form_of
from analysis.intake.formats import parquet
from analysis.intake.formats.atlas import to_atlas, unkept
from analysis.intake.inputs import find_files
from analysis.intake.load import load
from analysis.tables import write_portions
from probe.cli import main
from probe.graph import Graph, Level, Link, Node
from probe.origin import Origin
from probe.record import Attribution, Hop, Reply, Trace, Vantage, from_json, to_json, to_line
from probe.words.failure import PIPE_CLOSED
from tests.analysis.intake.test_load import OURS, lines, result
from tests.harness.descriptors import file_of, open_below

OUT: dict[Form, str] = {"records": "out.jsonl", "atlas": "out.jsonl.gz", "parquet": "out"}
DATA = Path(__file__).parents[2] / "data/traces"
ROOT = Path(__file__).parents[3]
_ROOTED = os.environ | {"PYTHONPATH": str(ROOT)}

# ------------------------------------------------------------------------- any trace at all

WHOLE = st.none() | st.integers(0, 2**63 - 1)
TEXT = st.none() | st.text(max_size=8)
ADDRESSES = {
    4: ["192.0.2.1", "8.8.8.8", "10.20.1.1", "203.0.113.255"],
    6: ["2001:db8::1", "fe80::1", "2001:67c:2e8:22::c100:68b"],
}
JSON = st.recursive(st.integers(0, 99) | st.text(max_size=3), lambda x: st.lists(x, max_size=2))


def replies(version: int, *, exact: bool) -> st.SearchStrategy[Reply]:
    """Replies; where ``exact``, such as a record can hold: RTTs of three decimals, no odd stars."""
    rtt = st.floats(0, 1e6)
    address = st.sampled_from(ADDRESSES[version])
    answers = st.builds(
        Reply,
        address=address if exact else st.none() | address,
        rtt=st.none() | (rtt.map(lambda ms: round(ms, 3)) if exact else rtt),
        ttl=WHOLE,
        size=WHOLE,
        err=st.none() | st.sampled_from("NHPpA") | st.integers(0, 15),
        quoted_ttl=WHOLE,
        extensions=st.none() | st.fixed_dictionaries({"version": st.just(2), "obj": JSON}),
        late=WHOLE,
        duplicate=st.booleans(),
        proto=st.none() | st.sampled_from(["UDP", "TCP"]),
        quoted_tos=WHOLE,
        changed=st.lists(st.sampled_from(["tos", "flow"]), max_size=2).map(tuple),
    )
    return st.just(Reply()) | answers


def hops(version: int, *, exact: bool) -> st.SearchStrategy[tuple[Hop, ...]]:
    attribution = st.builds(
        Attribution,
        asn=WHOLE, name=TEXT, organisation=TEXT, country=TEXT, exchange=TEXT, special=TEXT,
    )  # fmt: skip
    hop = st.builds(
        Hop,
        number=st.integers(0, 255),
        replies=st.lists(replies(version, exact=exact), max_size=3).map(tuple),
        attribution=attribution if exact else st.none() | attribution,
        measured=st.booleans(),
    )
    listed = st.lists(hop, min_size=1, max_size=3, unique_by=lambda one: one.number)
    return listed.map(tuple)


def graphs(version: int) -> st.SearchStrategy[Graph]:
    address = st.none() | st.sampled_from(ADDRESSES[version])
    flows = st.lists(st.integers(0, 65535), max_size=3).map(tuple)
    nodes = st.lists(st.builds(Node, address, flows), max_size=2).map(tuple)
    ttl = st.integers(1, 30)
    levels = st.lists(st.builds(Level, ttl, nodes, st.booleans(), st.booleans()), max_size=2)
    links = st.lists(st.builds(Link, ttl, address, address, flows), max_size=2)
    return st.builds(
        Graph, levels.map(tuple), links.map(tuple), st.integers(0, 999), st.floats(0, 1)
    )


@st.composite
def traces(draw: st.DrawFn, *, exact: bool = False) -> Trace:
    """Any trace that can be read; where ``exact``, one that a record holds to the last digit."""
    version = draw(st.sampled_from([4, 6]))
    texts = st.lists(st.text(max_size=5), max_size=2).map(tuple)
    vantage = st.builds(Vantage, id=st.text(max_size=5), asn=WHOLE, organisation=TEXT, country=TEXT)
    time = st.integers(1, 2**33) if exact else st.floats(0, 2**33)
    return Trace(
        dst_addr=draw(st.sampled_from(ADDRESSES[version])),
        af=version,
        proto=draw(st.sampled_from(["ICMP", "UDP", "TCP"])),
        timestamp=draw(time),
        endtime=draw(time),
        hops=draw(hops(version, exact=exact)),
        dst_name=draw(st.none() | st.text(min_size=1, max_size=5)),
        source=draw(st.none() | st.sampled_from(ADDRESSES[version])),
        paris_id=draw(st.integers(0, 16)),
        size=draw(WHOLE),
        msm_id=draw(st.integers(1, 99)),
        prb_id=draw(st.integers(1, 99)),
        vantage=draw(vantage if exact else st.none() | vantage),
        backend=draw(TEXT),
        sees=draw(texts),
        stop=draw(st.none() | st.sampled_from(["destination", "gap"])),
        probes=draw(WHOLE),
        snapshots=draw(texts),
        redactions=draw(st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=2)),
        notes=draw(texts),
        error=draw(st.none() | st.text(min_size=1, max_size=5)),
        multipath=draw(st.none() | graphs(version)),
    )


def there_and_back(trace: Trace, form: Form, folder: Path) -> tuple[Trace, Counter[str]]:
    out = folder / OUT[form]
    done = convert([trace], str(out), form)
    assert done.traces == 1
    loaded = load([str(out)])
    assert not loaded.rejected
    (back,) = loaded.traces
    return back, done.lost


properties = settings(max_examples=40)


@properties
@given(traces())
def test_parquet_holds_all_of_any_trace(
    tmp_path_factory: pytest.TempPathFactory, trace: Trace
) -> None:
    """There and back again nothing has changed, not the last digit of a time."""
    back, lost = there_and_back(trace, "parquet", tmp_path_factory.mktemp("parquet"))
    assert back == trace
    assert not lost


@properties
@given(traces(exact=True))
def test_records_hold_all_that_a_record_promises(
    tmp_path_factory: pytest.TempPathFactory, trace: Trace
) -> None:
    """A trace of whole seconds and three decimals survives to the last field."""
    back, lost = there_and_back(trace, "records", tmp_path_factory.mktemp("records"))
    assert back == named(trace)
    assert not lost


@properties
@given(traces(), st.sampled_from(["records", "atlas", "parquet"]))
def test_whatever_does_not_come_back_is_counted(
    tmp_path_factory: pytest.TempPathFactory, trace: Trace, form: Form
) -> None:
    """What a reader finds differs from what was there in the parts that were named only."""
    back, lost = there_and_back(trace, form, tmp_path_factory.mktemp(form))
    assert lost == Counter(differences(trace, back))


@properties
@given(traces(exact=True))
def test_a_round_trip_over_all_forms_loses_only_what_the_atlas_cannot_carry(
    tmp_path_factory: pytest.TempPathFactory, trace: Trace
) -> None:
    """Records → Parquet → records is exact; → Atlas → records loses what was said at that step."""
    folder = tmp_path_factory.mktemp("all")
    convert([trace], str(folder / "a.jsonl"), "records")
    written = load([str(folder / "a.jsonl")]).traces
    convert(written, str(folder / "b"), "parquet")
    convert(load([str(folder / "b")]).traces, str(folder / "c.jsonl"), "records")
    assert (folder / "a.jsonl").read_bytes() == (folder / "c.jsonl").read_bytes()
    said = convert(written, str(folder / "d.jsonl"), "atlas").lost
    convert(load([str(folder / "d.jsonl")]).traces, str(folder / "e.jsonl"), "records")
    (end,) = load([str(folder / "e.jsonl")]).traces
    assert Counter(differences(written[0], end)) == said


@properties
@given(traces())
def test_a_record_of_ours_has_no_field_without_a_place(trace: Trace) -> None:
    """Whatever the record learns to carry, nothing of it is told to be lost when it is read."""
    assert list(unkept(to_json(trace))) == []


def test_each_field_without_a_place_is_named_with_where_it_stands() -> None:
    """Of another firmware, of a later version of ours, and of what could not be sent, too."""
    fields = result(
        fw=4790,
        lts=9,
        gatewatch={**OURS["gatewatch"], "weather": "rain"},
        result=[
            {"hop": 1, "result": [{"from": "20.0.1.1", "rtt": 0.9, "mtu": 1480}], "asked": 3},
            {"error": "connect failed", "result": None, "code": 101},
        ],
    )
    assert from_json(fields).hops
    assert sorted(unkept(fields)) == [
        "fw", "gatewatch.weather", "lts", "result[].asked", "result[].code", "result[].result",
        "result[].result[].mtu", "src_addr",
    ]  # fmt: skip


def test_half_a_character_is_replaced_and_said(tmp_path: Path) -> None:
    """JSON can hold half a surrogate pair, Parquet cannot: it becomes a question mark."""
    trace = from_json(result())._replace(dst_name="caf\ud800")
    back, lost = there_and_back(trace, "parquet", tmp_path)
    assert back.dst_name == "caf?"
    assert lost == {"dst_name": 1}


# ------------------------------------------------------------------------- plain Atlas results


def test_what_the_atlas_has_no_field_for_is_named(tmp_path: Path) -> None:
    """The whole of ``gatewatch``: who measured, how, and whose the hops were."""
    ours = from_json(OURS)
    back, lost = there_and_back(ours, "atlas", tmp_path)
    assert set(lost) == {
        "vantage", "backend", "sees", "stop", "probes", "snapshots", "redactions", "notes",
        "hops[].attribution",
    }  # fmt: skip
    assert back.hops[1:] == ours.hops[1:]


def test_plain_results_are_plain(tmp_path: Path) -> None:
    """No key of ours is in them, the source is ``from``, and the Atlas' own parser reads them."""
    convert([from_json(result())], str(tmp_path / "a.jsonl"), "atlas")
    written = json.loads((tmp_path / "a.jsonl").read_text())
    assert "gatewatch" not in written
    assert written["from"] == "20.0.1.250"
    parsed = TracerouteResult(written)
    assert not parsed.is_malformed
    assert [hop.index for hop in parsed.hops] == [1, 2, 3, 255]


@pytest.mark.parametrize("name", ["atlas_23449934_half.jsonl.gz", "scamper_lab.jsonl"])
def test_the_parser_of_the_atlas_reads_every_real_result(name: str) -> None:
    """Those of the Atlas itself and those that scamper measured, MPLS labels and errors too."""
    traces = load([str(DATA / name)]).traces
    hop = traces[0].hops[0]
    labels = {"version": 2, "obj": [{"class": 1, "type": 1, "mpls": [{"label": 7, "ttl": 1}]}]}
    labelled = hop._replace(replies=(hop.replies[0]._replace(extensions=labels),))
    traces.append(traces[0]._replace(hops=(labelled,), error="connect failed"))
    for trace in traces:
        parsed = TracerouteResult(to_atlas(trace))
        assert not parsed.is_malformed
        assert not parsed.is_error or trace.error is not None
        assert [one.index for one in parsed.hops if one.index] == [one.number for one in trace.hops]


def test_an_error_stands_where_the_atlas_has_it() -> None:
    """At the hop that speaks of the whole trace, or beside the hops: none of them has failed."""
    said = {"error": "connect failed: Network is unreachable"}
    for end in ({"hop": 255, "result": []} | said, said):
        entries = [*result()["result"][:3], end]
        assert to_atlas(from_json(result(result=entries)))["result"] == entries


def test_inferred_hops_do_not_become_evidence(tmp_path: Path) -> None:
    """The Atlas knows no inferred hop: it becomes a star, which is said."""
    hop = Hop(1, (Reply("192.0.2.1", 1.0),), Attribution(asn=1), measured=False)
    trace = from_json(result())._replace(hops=(hop,))
    back, lost = there_and_back(trace, "atlas", tmp_path)
    assert back.hops[0].replies == (Reply(),)
    assert lost["hops[].measured"] == 1
    assert lost["hops[].replies[].address"] == 1


def test_inferred_hops_stay_inferred_in_records() -> None:
    """Also one that no table says anything of."""
    hop = Hop(1, (Reply("192.0.2.1", 1.0),), measured=False)
    trace = from_json(result())._replace(hops=(hop,))
    assert not from_json(json.loads(to_line(trace))).hops[0].measured


# ------------------------------------------------------------------------- files


def named(trace: Trace) -> Trace:
    """As a record has it: a destination without a name is called by its address."""
    return trace._replace(dst_name=trace.dst_name or trace.dst_addr)


def unzstandard(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(packed)


def test_names_say_how_a_file_is_packed(tmp_path: Path) -> None:
    """.gz and .zst, readable by anybody's tools; equal traces make equal bytes."""
    trace = from_json(result())
    for name, unpack in (
        ("a.jsonl", bytes),
        ("a.jsonl.gz", gzip.decompress),
        ("a.jsonl.zst", unzstandard),
    ):
        out = tmp_path / name
        assert form_of(str(out)) == "records"
        convert([trace], str(out), "records")
        assert from_json(json.loads(unpack(out.read_bytes()))) == named(trace)
        again = out.read_bytes()
        out.unlink()
        convert([trace], str(out), "records")
        assert out.read_bytes() == again


def test_parquet_is_partitioned_by_country_and_day(tmp_path: Path) -> None:
    """Pandas, DuckDB and Spark see both as columns; ZZ is no country, 1970-01-01 no time."""
    day = 86_400
    listed = [
        from_json(OURS)._replace(
            timestamp=1767268800 + n * day, vantage=Vantage("v", 1, "Net", country)
        )
        for n, country in ((0, "KH"), (1, "KH"), (0, "TH"), (0, None))
    ]
    unset = listed[0]._replace(timestamp=0)
    done = convert([*listed, unset], str(tmp_path / "out"), "parquet")
    assert done.files == 5
    assert {str(p.parent.relative_to(tmp_path / "out")) for p in tmp_path.rglob("*.parquet")} == {
        "country=KH/day=2026-01-01", "country=KH/day=2026-01-02", "country=TH/day=2026-01-01",
        "country=ZZ/day=2026-01-01", "country=KH/day=1970-01-01",
    }  # fmt: skip
    table = pd.read_parquet(tmp_path / "out")
    assert sorted(table["country"].astype(str)) == ["KH", "KH", "KH", "TH", "ZZ"]


@pytest.mark.parametrize("said", ["../../kh", "/kh", "\x00", "kh", "KHM", "K=H", ""])
def test_what_a_record_says_names_no_folder(said: str, tmp_path: Path) -> None:
    """Records come from strangers: only a code of two letters becomes part of a path."""
    trace = from_json(OURS)._replace(vantage=Vantage("v", 1, "Net", said))
    convert([trace], str(tmp_path / "out"), "parquet")
    (file,) = tmp_path.rglob("*.parquet")
    assert str(file.relative_to(tmp_path / "out")).startswith("country=ZZ/day=2026-01-01/")
    assert load([str(tmp_path / "out")]).traces == [trace]


def test_few_files_are_open_and_few_rows_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred days in any order cost neither file handles nor memory, and lose no trace."""
    monkeypatch.setattr(conversion, "_OPEN", 2)
    monkeypatch.setattr(conversion, "_WAITING", 10)
    monkeypatch.setattr(conversion, "_GROUP", 4)
    open_now: set[int] = set()
    most = 0

    class Counting(parquet.Writer):
        def __init__(self, *args: Any, **more: Any) -> None:
            nonlocal most
            super().__init__(*args, **more)
            open_now.add(id(self))
            most = max(most, len(open_now))

        def close(self) -> None:
            open_now.discard(id(self))
            super().close()

    monkeypatch.setattr(parquet, "Writer", Counting)
    listed = [from_json(result(n, timestamp=1767268800 + n * 7919 * 977)) for n in range(100)]
    listed += [from_json(result(n, timestamp=1767268800 + n)) for n in range(1, 20)]
    done = convert(iter(listed), str(tmp_path / "out"), "parquet")
    assert most == 2
    assert not open_now
    back = load([str(tmp_path / "out")]).traces
    assert sorted(trace.timestamp for trace in back) == sorted(t.timestamp for t in listed)
    assert done.files == len(list(tmp_path.rglob("*.parquet")))


@pytest.mark.parametrize(
    ("name", "form", "mode"),
    [
        ("kh.jsonl", "records", 0o600),
        ("kh.jsonl.zst", "atlas", 0o600),
        ("kh.parquet", "parquet", 0o700),
    ],
)
def test_traces_are_for_their_owner_alone(name: str, form: Form, mode: int, tmp_path: Path) -> None:
    """Whoever shares the machine has no business with what volunteers measured."""
    convert([from_json(result())], str(tmp_path / name), form)
    assert (tmp_path / name).stat().st_mode & 0o777 == mode


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """Neither a file nor a folder that is there is touched."""
    (tmp_path / "out.jsonl").write_text("mine")
    (tmp_path / "out").mkdir()
    for name, form in (("out.jsonl", "records"), ("out", "parquet")):
        with pytest.raises(FileExistsError):
            convert([from_json(result())], str(tmp_path / name), form)  # type: ignore[arg-type]
    assert (tmp_path / "out.jsonl").read_text() == "mine"


@pytest.mark.parametrize("form", ["records", "atlas", "parquet"])
def test_what_fails_midway_leaves_nothing(
    tmp_path: Path, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file that looks whole, nor one that is open, and so on the disk, without a name."""
    monkeypatch.setattr(conversion, "_GROUP", 1)

    def failing() -> Iterator[Trace]:
        yield from_json(result())
        raise RuntimeError("the disk of the input")

    with pytest.raises(RuntimeError, match="of the input") as failed:
        convert(failing(), str(tmp_path / OUT[form]), form)
    assert list(tmp_path.iterdir()) == []
    assert not open_below(tmp_path)
    assert failed.traceback


@pytest.mark.parametrize("form", ["records", "atlas", "parquet"])
def test_what_the_disk_has_not_taken_has_no_name(
    tmp_path: Path, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails, or a full one over a network, may say so only at the end."""

    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(OSError, match="Input/output error"):
            convert([from_json(result())], str(tmp_path / OUT[form]), form)
    assert list(tmp_path.iterdir()) == []
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(file_of(file)))
    convert([from_json(result())], str(tmp_path / OUT[form]), form)
    written = {path for path in tmp_path.rglob("*") if path != tmp_path}
    unfinished = f"{OUT[form]}.part/unfinished"
    named = [Path(str(path).replace(unfinished, OUT[form])) for path in synced]
    assert set(named) == written | {tmp_path}
    assert synced[-1] == tmp_path


_MIDWAY = """
import json, sys
from analysis.intake.convert import convert
from probe.record import from_json

def traces():
    yield from_json(json.loads(sys.argv[3]))
    print("midway", flush=True)
    sys.stdin.read()

convert(traces(), sys.argv[1], sys.argv[2])
"""


@pytest.mark.parametrize("form", ["records", "atlas", "parquet"])
def test_what_a_killed_call_left_is_replaced_and_what_a_live_one_writes_is_not(
    form: Form, inputs: Path
) -> None:
    """The same command works when it is called again; two at once do not take turns at a file."""
    arguments = ("in.jsonl", OUT[form], "--format", form, "--malformed", "ignore")
    told = [sys.executable, "-c", _MIDWAY, OUT[form], form, json.dumps(result())]
    with subprocess.Popen(told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_ROOTED) as live:
        assert live.stdout is not None
        assert live.stdout.readline() == b"midway\n"
        refused = run(*arguments)
        assert refused.exit_code == 2
        assert f"{OUT[form]}.part is being written by another call" in refused.stderr
        assert find_files(["."]) == ["in.jsonl"]
        live.kill()
    assert Path(f"{OUT[form]}.part").is_dir()
    assert find_files(["."]) == ["in.jsonl"]
    assert run(*arguments).exit_code == 0
    assert {path.name for path in inputs.iterdir()} == {"in.jsonl", OUT[form]}
    assert len(load([OUT[form]]).traces) == len(load(["in.jsonl"]).traces)


def test_a_file_that_only_sounds_unfinished_is_not_taken_away(inputs: Path) -> None:
    """Other programs call so what they fetch."""
    fetched = Path("out.jsonl.part")
    fetched.write_text("half")
    done = run("in.jsonl", "out.jsonl")
    assert done.exit_code == 2
    assert "out.jsonl.part is there already; choose another name" in done.stderr
    assert fetched.read_text() == "half"


@pytest.mark.parametrize("name", ["x.parquet", "x.tar", "x.warts"])
@pytest.mark.parametrize("form", ["records", "atlas"])
def test_lines_do_not_get_the_name_of_something_else(name: str, form: Form, tmp_path: Path) -> None:
    """`analyze` would refuse the file that was written."""
    out = tmp_path / name
    with pytest.raises(NotAFile, match=r"call it \.jsonl, \.jsonl\.gz or \.jsonl\.zst"):
        convert([], str(out), form, lambda _: "KH")
    assert not out.exists()


@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x.warts", "x.tar", "x.gz", "x.jsonl.bz2"])
def test_a_folder_of_parquet_does_not_get_the_name_of_a_file(name: str, tmp_path: Path) -> None:
    """Who asks for a table by its name would look into a folder of something else."""
    out = tmp_path / name
    with pytest.raises(NotAFile, match=r"a folder of Parquet files: call it \.parquet, or \.jsonl"):
        convert([from_json(result())], str(out), form_of(name))
    assert not out.exists()


def test_parquet_needs_a_folder(tmp_path: Path) -> None:
    """Neither standard output nor a name that says lines can be one."""
    for out in ("-", str(tmp_path / "a.jsonl")):
        with pytest.raises(NotAFile, match="folder"):
            convert([from_json(result())], out, "parquet")


# ------------------------------------------------------------------------- as it is typed


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Origin) -> Path:
    monkeypatch.setattr("analysis.commands.given.open_origin", lambda _: table)
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_bytes(lines(3) + lines(1) + b"{\n")
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["convert", *arguments])


def test_it_says_what_was_written_left_out_and_lost(inputs: Path) -> None:
    """Text for people: one line a kind of thing."""
    done = run("in.jsonl", "out.jsonl.zst")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "3 traces written to out.jsonl.zst",
        "left out: 1 duplicate, 1 malformed",
        "fields of the input that a record has no place for: 3 src_addr",
    ]
    assert "warning: in.jsonl:5: not JSON; left out" in done.stderr


def test_it_says_the_same_as_json(inputs: Path) -> None:
    """Every count by its name."""
    done = run("in.jsonl", "out", "--json", "--malformed", "ignore")
    said = json.loads(done.stdout)
    assert not done.stderr
    assert said["format"] == "parquet"
    assert (said["traces"], said["files"]) == (3, 1)
    assert said["rejected"] == {"duplicate": 1, "malformed": 1}
    assert said["not_in_a_record"] == {"src_addr": 3}
    assert said["not_carried"] == {}
    assert set(said["inputs"]) == {"in.jsonl"}


@pytest.mark.parametrize("out", ["out.jsonl", "out"])
@pytest.mark.parametrize("turned", [False, True])
def test_of_results_that_claim_to_be_one_the_same_counts_before_and_after(
    turned: bool, out: str, inputs: Path
) -> None:
    """Each of them is written, since the analysis chooses by what all of them say."""
    other = result()
    other["result"] = other["result"][:1]
    said = [json.dumps(one) for one in (result(), other, result(1), other)]
    Path("both.jsonl").write_text("\n".join(said[::-1] if turned else said))
    done = run("both.jsonl", out, "--json")
    assert json.loads(done.stdout)["traces"] == 3
    assert json.loads(done.stdout)["rejected"] == {"duplicate": 1}
    before, after = load(["both.jsonl"]), load([out])
    assert sorted(map(to_line, after.traces)) == sorted(map(to_line, before.traces))
    assert before.rejected["repeated_id"] > 0 < after.rejected["repeated_id"]


def test_records_go_to_standard_output_and_words_do_not(inputs: Path) -> None:
    """``gatewatch convert in -`` can be piped on."""
    done = run("in.jsonl", "-", "--format", "atlas")
    assert [from_json(json.loads(line)) for line in done.stdout.splitlines()] == [
        named(from_json(result(n))) for n in range(3)
    ]
    assert "3 traces written to standard output" in done.stderr


def test_who_reads_may_have_seen_enough(inputs: Path) -> None:
    """Piped into ``head``: no message, and the code of a closed pipe, as of any command."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "probe", "convert", "in.jsonl", "-", "--malformed", "ignore"]
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            command,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    assert (done.returncode, done.stderr) == (PIPE_CLOSED, "")


@pytest.mark.parametrize("out", ["out.jsonl", "out"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_to_stop_leaves_nothing_unfinished(
    number: int, out: str, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a service manager or a closed terminal: the same command works when it is called again."""

    def stopped(*_: Trace) -> list[str]:
        os.kill(os.getpid(), number)
        return []

    monkeypatch.setattr(conversion, "differences", stopped)
    done = run("in.jsonl", out, "--malformed", "ignore")
    assert (done.exit_code, done.stdout) == (128 + number, "")
    assert [path.name for path in inputs.iterdir()] == ["in.jsonl"]


def test_several_inputs_and_standard_input(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that `analyze` reads can be converted."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(lines(2, 10))))
    assert load(["-"]).traces
    done = CliRunner().invoke(main, ["convert", "in.jsonl", "-", "out.jsonl"], input=lines(2, 10))
    assert done.exit_code == 0
    assert len(load(["out.jsonl"]).traces) == 5


def test_countries_of_atlas_results_come_from_the_address_table(inputs: Path) -> None:
    """Their source's registration; a private one says nothing."""
    cambodian = result(0, **{"from": "36.37.128.9"})
    private = {key: value for key, value in result(1).items() if key != "from"}
    Path("kh.jsonl").write_text("\n".join(json.dumps(r) for r in (cambodian, private)))
    assert run("kh.jsonl", "out").exit_code == 0
    assert {p.name for p in Path("out").iterdir()} == {
        "country=KH",
        "country=ZZ",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("in.jsonl", "in.jsonl"), 2, "there already"),
        (("in.jsonl", "out.jsonl", "--format", "parquet"), 2, "folder of files"),
        (("in.jsonl", "out.csv"), 2, "out.csv would be a folder of Parquet files"),
        (("absent.jsonl", "out.jsonl"), 9, "absent.jsonl: no such file"),
        (("empty.jsonl", "out.jsonl"), 9, "the input is empty"),
        (("in.jsonl", "out.jsonl", "--malformed", "fail"), 9, "in.jsonl:5: not JSON"),
        (("in.jsonl",), 2, "Missing argument"),
        (("in.jsonl", ""), 2, "'' names no file: it is empty, as of a variable that is not set"),
        (("in.jsonl", "nowhere/out.jsonl"), 9, "nowhere/out.jsonl: cannot be written"),
        (("in.jsonl", "left"), 2, "left.part is there already"),
    ],
)
def test_what_cannot_be_done_is_said(
    inputs: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    """One sentence, the right code, and no file."""
    Path("empty.jsonl").touch()
    Path("left.part").mkdir()
    done = run(*arguments)
    assert done.exit_code == code
    assert says in done.stderr
    assert not list(inputs.glob("out*"))
    assert Path("left.part").is_dir(), "what was there before is nobody's to take away"


@pytest.mark.parametrize(
    ("number", "code", "says"),
    [
        (errno.EACCES, 4, "out.jsonl may not be written or read by this user (Permission denied)"),
        (errno.ENOSPC, 6, "disk full at out.jsonl"),
        (errno.ENAMETOOLONG, 9, "out.jsonl cannot be used (File name too long)"),
        (errno.EINVAL, 9, "out.jsonl: cannot be written (Invalid argument)"),
    ],
)
def test_the_code_tells_why_a_file_could_not_be_written(
    inputs: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int, says: str
) -> None:
    """A script that meets 4 asks for permissions, and one that meets 6 makes room."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "touch", refuse)
    done = run("in.jsonl", "out.jsonl")
    assert (done.exit_code, done.stdout) == (code, "")
    assert says in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are texts")
def test_a_folder_whose_name_is_no_text_holds_parquet_too(inputs: Path) -> None:
    """As on a stick that a system with other letters wrote; Arrow alone opens no file there."""
    folder = Path(os.fsdecode(b"b\xe9b\xe9"))
    folder.mkdir()
    assert run("in.jsonl", str(folder / "out")).exit_code == 0
    assert load([str(folder / "out")]).traces == load(["in.jsonl"]).traces
    table = folder / "rows.parquet"
    frame = pd.DataFrame({"a": [1]})
    write_portions([frame], table)
    with table.open("rb") as file:
        assert pd.read_parquet(file).equals(frame)
    done = CliRunner().invoke(main, ["analyze", str(folder / "out"), "--country", "KH", "--json"])
    assert (done.exit_code, done.stderr) == (0, "")


def test_real_results_survive_the_way_to_parquet_and_back(tmp_path: Path) -> None:
    """All 478 results of a published measurement, and all of scamper's."""
    for number, name in enumerate(("atlas_23449934_half.jsonl.gz", "scamper_lab.jsonl")):
        before = load([str(DATA / name)]).traces
        convert(before, str(tmp_path / f"{number}"), "parquet")
        after = load([str(tmp_path / f"{number}")]).traces
        assert sorted(after, key=to_line) == sorted(before, key=to_line)
