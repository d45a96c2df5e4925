"""One verdict from the command, byte for byte, in whatever form the traces come and whoever reads.

A third of the demo's traces are put into every form in which they reach an analyst: as they lie in
a spool, packed, as an array, in Parquet, and signed in bundles, each by the key of the volunteer
who measured them. What is compared is all that `gatewatch analyze --json` prints, but for the names
and hashes of the files and for what was typed.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections import defaultdict
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import analysis as gw
from analysis.intake.formats import atlas
from analysis.scale.cluster import Cluster
from analysis.scale.engine import Here
from probe.cli import main
from probe.demo import Country
from probe.origin import open_origin
from probe.record import from_line
from tests.harness.consenting import agree

pytestmark = pytest.mark.xdist_group("cluster")

Lines = list[bytes]


def gatewatch(*words: str | Path, home: Path | None = None) -> Result:
    runner = CliRunner(env={"GATEWATCH_HOME": str(home)} if home else {})
    done = runner.invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert (done.exit_code, done.stderr) == (0, "")
    return done


def without_provenance(fields: dict[str, Any]) -> str:
    """A verdict as text, without the files that were read and the command that was typed."""
    assert fields["provenance"].pop("inputs")
    del fields["provenance"]["command"]
    return json.dumps(fields, ensure_ascii=False)


def verdict(where: Path, *more: str) -> str:
    said = gatewatch("analyze", where, "--country", "KH", "--json", *more).stdout
    return without_provenance(json.loads(said))


# ------------------------------------------------------------------------ the forms


def as_lines(lines: Lines, folder: Path) -> None:
    (folder / "traces.jsonl").write_bytes(b"".join(lines))


def as_gzip(lines: Lines, folder: Path) -> None:
    """The newest first."""
    (folder / "traces.jsonl.gz").write_bytes(gzip.compress(b"".join(reversed(lines)), 1))


def as_array(lines: Lines, folder: Path) -> None:
    (folder / "traces.json").write_bytes(b"[%s]" % b",".join(lines))


def converted(lines: Lines, out: Path, *more: str) -> None:
    """What `convert` makes of traces; nothing may be lost on the way."""
    given = out.with_name("given.jsonl")
    given.write_bytes(b"".join(lines))
    said = json.loads(gatewatch("convert", given, out, "--json", *more).stdout)
    assert said["traces"] == len(lines)
    assert not any(said[key] for key in ("not_carried", "not_in_a_record", "rejected"))
    given.unlink()


def as_zstandard(lines: Lines, folder: Path) -> None:
    converted(lines, folder / "traces.jsonl.zst")


def as_parquet(lines: Lines, folder: Path) -> None:
    converted(lines, folder / "parquet")


def bundled(lines: Lines, out: Path) -> Path:
    """What the machine of a volunteer makes of traces that are new there; gives its folder."""
    home = agree(out.parent.parent.with_name("homes") / out.parent.name)
    (home / "spool").mkdir(exist_ok=True)
    (home / "spool" / f"{out.stem}.jsonl").write_bytes(b"".join(lines))
    said = json.loads(gatewatch("bundle", "--to", out, "--json", home=home).stdout)
    assert (said["left_out"], said["bundles"][0]["traces"]) == ({}, len(lines))
    return home


def as_bundle(lines: Lines, folder: Path) -> None:
    bundled(lines, folder / "traces.tar")


def as_bundles_of_two_keys(lines: Lines, folder: Path) -> None:
    """As if the key had become too old midway."""
    half = len(lines) // 2
    shutil.rmtree(bundled(lines[:half], folder / "old.tar") / "keys")
    bundled(lines[half:], folder / "new.tar")


FORMS: list[Callable[[Lines, Path], None]] = [
    as_lines, as_gzip, as_array, as_zstandard, as_parquet, as_bundle,
]  # fmt: skip


class Demo:
    """The demo's traces: where the simulation put them, and by volunteer."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.by_volunteer: defaultdict[str, Lines] = defaultdict(list)
        for file in sorted(spool.rglob("*.jsonl"), key=lambda path: path.name):
            for line in file.read_bytes().splitlines(keepends=True):
                self.by_volunteer[json.loads(line)["gatewatch"]["vantage"]["id"]].append(line)

    def put(self, forms: list[Callable[[Lines, Path], None]], folder: Path) -> Path:
        """Every volunteer's traces in the next of these forms, in a folder of its own."""
        where = folder / "forms"
        for (name, lines), form in zip(self.by_volunteer.items(), cycle(forms), strict=False):
            (where / name).mkdir(parents=True)
            form(lines, where / name)
        return where


def thin(spool: Path) -> None:
    """Leave the traces to every third target, which are enough to name the gateway."""
    for file in spool.rglob("*.jsonl"):
        lines = file.read_bytes().splitlines(keepends=True)
        told = [json.loads(line)["dst_addr"] for line in lines]
        kept = set(sorted(set(told))[::3])
        file.write_bytes(b"".join(line for line, to in zip(lines, told, strict=True) if to in kept))


@pytest.fixture(scope="module")
def demo(whole_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    spool = tmp_path_factory.mktemp("demo")
    shutil.copytree(whole_demo, spool, dirs_exist_ok=True)
    thin(spool)
    return Demo(spool)


@pytest.fixture(scope="module")
def plain(demo: Demo) -> str:
    """The verdict on the spool as it is, read by one process."""
    said = verdict(demo.spool)
    assert json.loads(said)["grade"] == "single_gateway"
    return said


@pytest.mark.parametrize("form", FORMS)
def test_the_form_changes_no_byte(
    form: Callable[[Lines, Path], None], demo: Demo, plain: str, tmp_path: Path
) -> None:
    """Nor does the order of the traces, nor whether a pseudonym or a key stands for a volunteer."""
    assert verdict(demo.put([form], tmp_path)) == plain


def test_a_replaced_key_changes_no_byte(demo: Demo, plain: str, tmp_path: Path) -> None:
    """Each volunteer's second key is taken for the first, midway in a switch-on."""
    assert verdict(demo.put([as_bundles_of_two_keys], tmp_path)) == plain


def test_the_library_says_the_same(demo: Demo, plain: str) -> None:
    """It keeps the traces, and asks them one by one."""
    judged = gw.judge(gw.load(demo.spool), country="KH")
    assert without_provenance(judged.to_dict()) == plain


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces so small that there are many, and none may be folded in this process."""
    monkeypatch.setattr("analysis.scale.pieces.LINES", 100_000)
    monkeypatch.setattr("analysis.scale.pieces.VALUES", 50)
    monkeypatch.setattr(Here, "map", None)


@pytest.mark.usefixtures("small")
def test_two_processes_change_no_byte(
    demo: Demo, plain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a folder in which the traces of each volunteer have another form."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert verdict(demo.put(FORMS, tmp_path)) == plain


@pytest.mark.usefixtures("small")
def test_a_cluster_changes_no_byte(
    demo: Demo, plain: str, tmp_path: Path, cluster: Cluster
) -> None:
    """Two Dask workers, the same folder."""
    where = demo.put(FORMS, tmp_path)
    assert verdict(where, "--engine", f"dask://{cluster.address}") == plain


# ------------------------------------------------------------------------ another address table


@pytest.fixture(scope="module")
def other_table(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of all addresses met, by which one network in five is nobody's or its neighbour's."""
    origin = open_origin()
    traces = (from_line(line) for lines in demo.by_volunteer.values() for line in lines)
    met = {
        address
        for trace in traces
        for address in (trace.dst_addr, *(r.address for hop in trace.hops for r in hop.replies))
        if address is not None and ":" not in address
    }
    blocks = {}
    for address in sorted(met):
        if (asn := origin.lookup(address).asn) is not None:
            blocks[address.rpartition(".")[0] + ".0/24"] = asn
    for number, block in enumerate(sorted(blocks)):
        if number % 10 == 3:
            del blocks[block]
        elif number % 10 == 7:
            blocks[block] = 38623
    path = tmp_path_factory.mktemp("tables") / "ipasn_20220301.dat"
    path.write_text("".join(f"{block}\t{asn}\n" for block, asn in blocks.items()))
    return path


@pytest.mark.usefixtures("small")
def test_by_two_tables_traces_are_folded_as_they_are_asked_one_by_one(
    demo: Demo, other_table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command reads them once and keeps none, the library keeps all; both say the same."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    kept = gw.judge(gw.load(demo.spool), country="KH", compared=other_table).to_dict()
    crossings = kept["comparison"]["crossings"]
    assert min(crossings[key] for key in ("changed", "only_used")) > 100
    assert len(crossings["examples"]) == 20
    assert verdict(demo.spool, "--compare-table", str(other_table)) == without_provenance(kept)


# ------------------------------------------------------------------------ results of the Atlas


@pytest.fixture(scope="module")
def results(demo: Demo) -> Lines:
    """The same paths as RIPE Atlas would tell them: by a probe's address, and nothing of ours."""
    addresses = {
        f"simulated-{one.line.name}": (number, one.line.address)
        for number, one in enumerate(Country().volunteers(), start=1)
    }
    made = []
    for name, lines in demo.by_volunteer.items():
        probe, source = addresses[name]
        for line in lines:
            trace = from_line(line)._replace(source=source, msm_id=1, prb_id=probe)
            made.append(json.dumps(atlas.to_atlas(trace)).encode() + b"\n")
    return made


@pytest.mark.parametrize("form", ["records", "atlas", "parquet"])
def test_converting_results_of_the_atlas_changes_no_byte(
    form: str, results: Lines, tmp_path: Path
) -> None:
    """Nothing of a result is lost, whatever it is turned into."""
    for name in ("given", "made"):
        (tmp_path / name).mkdir()
    as_lines(results, tmp_path / "given")
    out = tmp_path / "made" / ("parquet" if form == "parquet" else "traces.jsonl.gz")
    converted(results, out, "--format", form)
    assert verdict(tmp_path / "made") == verdict(tmp_path / "given")
