"""One verdict, whatever reads the traces: all at once, folded here, or by other processes."""

from __future__ import annotations

import gc
import gzip
import json
import os
import random
import re
import signal
import threading
import weakref
from collections import Counter
from dataclasses import replace
from functools import cache
from multiprocessing import active_children
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analysis.intake import convert
from analysis.intake.formats import parquet
from analysis.intake.inputs import InputError
from analysis.intake.load import Loaded, load
from analysis.judgement.judge import judge
from analysis.policy import Policy
from analysis.scale.engine import Digest, Engine, Here, Mapper, Processes, Recipe, digest
from analysis.scale.fold import Folded, Part
from analysis.scale.pieces import Groups, Piece, pieces
from analysis.simulated.simulation import NOW, Simulated, over_time
from analysis.simulated.world import COUNTRY
from probe.record import Trace, to_json, to_line
from probe.sharing.bundle import public_part, seal
from tests.harness.descriptors import open_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess

POLICY = Policy(resamples=50)

# The network of which bundles are.
SIGNED = 64500


@cache
def simulated() -> Simulated:
    """Nine weeks of a country in which a gateway is switched on in the fifth."""
    return over_time(8, "engine", days=64, rollout=range(30, 32))


def noisy(trace: Trace, draw: random.Random) -> Trace:
    return trace._replace(
        timestamp=int(trace.timestamp),
        hops=tuple(
            hop._replace(
                replies=tuple(
                    reply._replace(rtt=round(reply.rtt + draw.random(), 3))
                    if reply.rtt is not None
                    else reply
                    for reply in hop.replies
                )
            )
            for hop in trace.hops
        ),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The traces in three files, with copies in other files and lines that are none."""
    where = tmp_path_factory.mktemp("traces")
    draw = random.Random(1)
    lines = [to_line(noisy(trace, draw)) for trace in simulated().traces]
    third = len(lines) // 3
    (where / "a.jsonl").write_text("\n".join([*lines[:third], "no trace", *lines[:9]]) + "\n")
    with gzip.open(where / "b.jsonl.gz", "wt") as file:
        file.write("\n".join([lines[0], *lines[third : 2 * third]]))
    (where / "c.json").write_text(f"[{','.join(lines[2 * third :])}]")
    return where


def recipe(**changes: Any) -> Recipe:
    return replace(Recipe(simulated().table, COUNTRY, POLICY, NOW), **changes)


def said(loaded: Loaded, found: Digest | None) -> str:
    """The verdict, byte for byte."""
    verdict = judge(
        loaded,
        simulated().table,
        COUNTRY,
        POLICY,
        now=NOW,
        frozen=found.panel if found is not None else None,
    )
    return json.dumps(verdict.fields)


def folded(where: Path, engine: Engine) -> tuple[str, Digest]:
    found = digest([str(where)], recipe(), engine)
    return said(found.loaded, found), found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces so small that there are many."""
    monkeypatch.setattr("analysis.scale.pieces.LINES", 20_000)
    monkeypatch.setattr("analysis.scale.pieces.VALUES", 50)


def claimants(trace: Trace, draw: random.Random) -> list[Trace]:
    """Results that claim to be this one: what they heard, say or are measured in differs."""
    assert trace.vantage is not None
    return [
        trace,
        noisy(trace, draw),
        trace._replace(notes=("vpn",)),
        trace._replace(vantage=trace.vantage._replace(asn=104)),
        trace._replace(hops=trace.hops[:2]),
    ]


@settings(
    max_examples=6,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.randoms(use_true_random=False))
def test_which_of_those_that_claim_to_be_one_counts_is_not_for_their_order_to_say(
    tmp_path: Path, order: random.Random
) -> None:
    """Whichever file or line comes first, and read all at once or folded."""
    draw = random.Random(2)
    lines = [
        to_line(one)
        for trace in simulated().traces[:60]
        for one in claimants(trace, draw)[: draw.randint(1, 5)]
    ]
    lines += lines[::7]

    def outcomes() -> Iterator[dict[str, Any]]:
        for number in range(3):
            (tmp_path / f"{number}.jsonl").write_text("\n".join(lines[number::3]))
        for said_of in (said(load([str(tmp_path)]), None), folded(tmp_path, Here())[0]):
            yield {key: of for key, of in json.loads(said_of).items() if key != "provenance"}

    first, *others = outcomes()
    assert first["rejected"]["repeated_id"] > 20
    assert first["rejected"]["duplicate"] > 0
    order.shuffle(lines)
    for other in (*others, *outcomes()):
        assert other == first


@pytest.mark.usefixtures("small")
def test_reading_in_pieces_changes_no_byte(folder: Path) -> None:
    """Neither of the verdict nor of what is said of lines left out."""
    whole = load([str(folder)])
    verdict, found = folded(folder, Here())
    assert verdict == said(whole, None)
    assert found.loaded.complaints == whole.complaints
    assert found.loaded.rejected == whole.rejected
    assert whole.rejected == {"malformed": 1, "duplicate": 10}
    assert len(found) == len(whole.traces)
    assert json.loads(verdict)["timeline"]["alarm"] is True


SPOILT: dict[int, Callable[[dict[str, Any]], object]] = {
    3: lambda fields: fields["gatewatch"]["vantage"].update(asn=SIGNED + 1),
    4: lambda fields: fields["gatewatch"].pop("vantage"),
    5: lambda fields: fields.pop("gatewatch"),
    6: lambda fields: fields.update(result=[]),
    7: lambda fields: fields.update(dst_addr="nowhere"),
    8: lambda fields: fields["gatewatch"].update(notes=["caf\u00e9"]),
}


def mixed() -> Iterator[bytes]:
    """Lines as a bundle may have them: of its network, and all that may not stand in it."""
    for number, trace in enumerate(simulated().traces[:200]):
        assert trace.vantage is not None
        vantage = trace.vantage._replace(asn=SIGNED)
        fields = to_json(trace._replace(vantage=vantage, msm_id=number))
        SPOILT.get(number % 20, len)(fields)
        yield json.dumps(fields, ensure_ascii=number % 2 == 0).encode() + b"\n"
        if number % 20 == 9:
            yield from (b"\n", b"[]\n", b"no trace\n")


@pytest.mark.parametrize("engine", [Here(), Processes(2)])
def test_bundles_are_folded_as_they_are_read(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may not stand in one is left out with the same words; each trace has its key."""
    monkeypatch.setattr("analysis.scale.pieces.LINES", 20_000)
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)) for n in range(2)]
    for key in keys:
        bundle = seal(
            list(mixed()), key, network=SIGNED, days=["2026-11-23"], made="2026-11-24", program="g"
        )
        (tmp_path / f"{public_part(key)[:4]}.tar").write_bytes(bundle)
    (tmp_path / "forged.tar").write_bytes(bundle.replace(b'"2026', b'"2025'))
    whole = load([str(tmp_path)])
    verdict, found = folded(tmp_path, engine)
    assert verdict == said(whole, None)
    assert found.loaded.complaints == whole.complaints
    assert found.loaded.rejected == whole.rejected
    assert whole.rejected == {"malformed": 140, "not_sent": 20, "bad_signature": 1}
    assert Counter(trace.key for trace in whole.traces) == {public_part(key): 150 for key in keys}


def test_a_bundles_traces_are_not_made_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lines are decoded as those of plain files are, in a tenth of the time."""
    trace = simulated().traces[0]
    assert trace.vantage is not None
    line = to_line(trace).encode() + b"\n"
    network = trace.vantage.asn
    assert network is not None
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    (tmp_path / "a.tar").write_bytes(
        seal([line], key, network=network, days=["2026-11-23"], made="2026-11-24", program="g")
    )
    monkeypatch.delattr("analysis.intake.formats.bundle.from_line")
    assert len(digest([str(tmp_path)], recipe(), Here())) == 1


@pytest.mark.usefixtures("small")
def test_several_processes_change_no_byte(folder: Path) -> None:
    """Two that are started anew, and know nothing but the recipe and the pieces."""
    alone, here = folded(folder, Here())
    together, there = folded(folder, Processes(2))
    assert together == alone
    assert there.loaded == here.loaded
    assert there.voices == here.voices


@pytest.mark.usefixtures("small")
def test_rows_in_files_change_no_byte(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many traces what tells copies apart lies in temporary files."""
    verdict, found = folded(folder, Here())
    monkeypatch.setattr("analysis.scale.shelf._BLOCK", 100)
    again, filed = folded(folder, Here())
    assert again == verdict
    assert filed.loaded == found.loaded
    assert filed.voices == found.voices


def test_temporary_files_that_cannot_be_written_are_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what may be done about it."""
    monkeypatch.setattr("analysis.scale.shelf._BLOCK", 100)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"gone: .* cannot be written there .* in TMPDIR"):
        folded(folder, Here())


def test_parquet_changes_no_byte(folder: Path, tmp_path: Path) -> None:
    """The same traces from the other format, but for the names of the files."""
    out = tmp_path / "parquet"
    convert.convert(iter(load([str(folder)]).traces), str(out), "parquet", lambda _: COUNTRY)
    fields, again = (json.loads(folded(where, Here())[0]) for where in (folder, out))
    for verdict in (fields, again):
        del verdict["provenance"]["inputs"]
        del verdict["rejected"]  # what is no trace is not converted
    assert again == fields


@pytest.mark.parametrize("engine", [Here(), Processes(2)])
def test_how_row_groups_are_put_together_changes_no_byte(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several to a piece, or one that is larger than a piece; all of them, and each once."""
    rows = [parquet.to_row(trace) for trace in simulated().traces[:100]]
    path = tmp_path / "t.parquet"
    pq.write_table(parquet.table_of(rows), path, row_group_size=10)
    whole, _ = folded(path, Here())
    for most, count in ((20, 5), (100, 1), (19, 10), (7, 10)):
        monkeypatch.setattr("analysis.scale.pieces.ROWS", most)
        made = [piece for _, piece in pieces([str(path)], {}) if isinstance(piece, Groups)]
        assert [n for piece in made for n in range(piece.first, piece.end)] == list(range(10))
        assert len(made) == count
        again, found = folded(path, engine)
        assert (again, len(found)) == (whole, 100)


def test_many_small_files_start_no_other_process(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As volunteers keep them, one a day: to start a process takes longer than to fold them all."""
    whole, _ = folded(folder, Here())
    for number, trace in enumerate(load([str(folder)]).traces):
        (tmp_path / f"{number:04}.jsonl").write_text(to_line(trace) + "\n")
    monkeypatch.delattr("analysis.scale.engine.processes")
    again, found = folded(tmp_path, Processes(2))
    assert len(found.loaded.inputs) > 100
    assert json.loads(again)["captured"] == json.loads(whole)["captured"]


@pytest.mark.parametrize(("usable", "count"), [({3}, 1), ({0, 3, 5}, 3)])
def test_no_more_processes_are_started_than_have_a_core(
    usable: set[int], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container, a batch system or `taskset` may leave this one few of a machine's many cores."""
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: usable, raising=False)
    assert Processes().count == count


def test_where_no_core_is_withheld_there_is_a_process_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """macOS and Windows know no affinity; where not even the cores are known, one is sure."""
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    for cores, count in ((64, 64), (None, 1)):
        monkeypatch.setattr("os.cpu_count", lambda found=cores: found)
        assert Processes().count == count


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("engine", [Here(), Processes(2)])
def test_who_wants_to_fail_is_told_the_first_bad_line(folder: Path, engine: Engine) -> None:
    """Whoever reads them, the first in the order of the input is named."""
    number = (folder / "a.jsonl").read_text().splitlines().index("no trace") + 1
    with pytest.raises(InputError, match=rf"a\.jsonl:{number}: not JSON; leave it out"):
        digest([str(folder)], recipe(malformed="fail"), engine)


@pytest.mark.usefixtures("small")
def test_who_fails_leaves_no_temporary_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even as long as somebody holds the traceback, as a notebook does."""
    monkeypatch.setattr("analysis.scale.shelf._BLOCK", 100)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(InputError) as failed:
        digest([str(folder)], recipe(malformed="fail"), Here())
    assert not open_below(tmp_path)
    assert failed.traceback


def test_what_is_said_of_bad_lines_does_not_depend_on_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each kind the first few of the whole file are named, not of each piece."""
    monkeypatch.setattr("analysis.scale.pieces.LINES", 100)
    bad = [b'{"type": "%d"}\n' % (number // 3 % 7) for number in range(300)]
    (tmp_path / "a.jsonl").write_bytes(b"".join(bad))
    read, found = load([str(tmp_path)]), digest([str(tmp_path)], recipe(), Here())
    assert found.loaded.complaints == read.complaints
    assert [said.rsplit(":", 2)[1] for said in read.complaints] == [
        str(number) for number in range(1, 21)
    ]


def test_a_file_that_breaks_off_is_read_so_far(folder: Path, tmp_path: Path) -> None:
    """As it is when all is read at once, with the same complaint."""
    whole = (folder / "b.jsonl.gz").read_bytes()
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    (tmp_path / "none.parquet").write_bytes(b"no such thing")
    read, found = load([str(tmp_path)]), digest([str(tmp_path)], recipe(), Here())
    assert len(found) == len(read.traces) > 10
    assert found.loaded.rejected == read.rejected == {"malformed": 1, "unreadable_file": 1}
    assert found.loaded.complaints == read.complaints


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_rows_of_parquet_cost_themselves_only(tmp_path: Path, packed: bool) -> None:
    """Read all at once or folded: the groups of rows before and after them count."""
    path = tmp_path / "t.parquet"
    rows = [parquet.to_row(trace) for trace in simulated().traces[:30]]
    pq.write_table(parquet.table_of(rows), path, row_group_size=10)
    with pq.ParquetFile(path) as file:
        group = file.metadata.row_group(1)
        starts = [group.column(number).data_page_offset for number in range(group.num_columns)]
    content = bytearray(path.read_bytes())
    content[min(starts) : max(starts)] = b"\xff" * (max(starts) - min(starts))
    path.write_bytes(content)
    if packed:
        path.with_name("t.parquet.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    read, (_, found) = load([str(tmp_path)]), folded(tmp_path, Here())
    assert len(read.traces) == len(found) == 20
    assert found.loaded.rejected == read.rejected == {"unreadable_file": 1}
    (complaint,) = read.complaints
    assert [complaint] == found.loaded.complaints
    assert re.search(r"t\.parquet.*: the rows 11 to 20 are damaged .*; left out$", complaint)


def test_a_mapper_that_stumbled_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that was lost midway takes nothing of the later ones with it."""
    given = list(pieces([str(folder)], {}))
    assert len(given) > 3
    mapper = Mapper(recipe())
    together, whole = Folded(), Folded()
    for place, piece in given:
        whole.add(place, Mapper(recipe()).part(piece))
    together.add(given[0][0], mapper.part(given[0][1]))
    with monkeypatch.context() as patched:

        def stumble(piece: Piece, part: Part) -> None:
            Mapper._fill(mapper, part, piece)
            raise RecursionError

        patched.setattr(mapper, "_fill", lambda part, piece: stumble(piece, part))
        with pytest.raises(RecursionError):
            mapper.part(given[1][1])
    for place, piece in given[1:]:
        together.add(place, mapper.part(piece))
    found, expected = (
        [one._replace(rtts=()) for one in folded.finish()[0]] for folded in (together, whole)
    )
    assert found == expected


@pytest.mark.usefixtures("small")
def test_a_piece_is_let_go_once_it_is_folded(folder: Path, tmp_path: Path) -> None:
    """Processes that fold look for no circles: whatever is read, none holds a piece."""
    bad = [
        b"[" * 100_000 if number % 5 == 0 else line[: 30 * number] if number % 2 else line
        for number, line in enumerate((folder / "a.jsonl").read_bytes().splitlines()[:100])
    ]
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join(bad) + b"\n")
    (tmp_path / "torn.json").write_bytes((folder / "c.json").read_bytes()[:9000])
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    traces = iter(load([str(folder)]).traces)
    convert.convert(traces, str(tmp_path / "whole.parquet"), "parquet", lambda _: COUNTRY)
    held = []
    mapper = Mapper(recipe())
    gc.disable()
    try:
        for _, piece in pieces([str(folder), str(tmp_path)], {}):
            mapper.part(piece)
            held.append((piece, weakref.ref(piece)))
            del piece
        names = [piece.name for piece, _ in held]
        left = [ref for _, ref in held]
        del held
        assert [name for name, ref in zip(names, left, strict=True) if ref() is not None] == []
    finally:
        gc.enable()
    assert len(names) > 5


class Deadly:
    """A table that takes with it whatever process it is sent to, as a want of memory does."""

    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return os._exit, (1,)


@pytest.mark.usefixtures("small")
def test_a_process_that_dies_is_no_fault_of_the_program(folder: Path) -> None:
    """It is said what may be done, in place of a traceback."""
    with pytest.raises(InputError, match=r"a process that read traces died, .*--engine"):
        digest([str(folder)], recipe(table=Deadly()), Processes(2))


def _hears_ctrl_c(_: Piece) -> Part:
    """In a process that reads: whether it would hear Ctrl-C."""
    held_back = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return Part(rejected=Counter({"deaf" if held_back else "hears": 1}))


@pytest.mark.usefixtures("small")
def test_processes_that_read_do_not_hear_ctrl_c(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal sends it to all of them: each would print a traceback over what is said."""
    monkeypatch.setattr("analysis.scale.engine._part", _hears_ctrl_c)
    given = pieces([str(folder)], {})
    parts = [part for _, part in Processes(2).map(recipe(), given)]
    assert {reason for part in parts for reason in part.rejected} == {"deaf"}
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _read_for_long(_: Piece) -> Part:
    threading.Event().wait(20)
    return Part()


@pytest.mark.usefixtures("small")
def test_who_stops_it_does_not_wait_for_the_other_processes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they read is wanted no more."""
    # Those of a cluster, which other tests share.
    others = active_children()
    reading: list[BaseProcess] = []

    def stop(*_: object) -> Iterator[Any]:
        reading.extend(process for process in active_children() if process not in others)
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("analysis.scale.engine._part", _read_for_long)
    monkeypatch.setattr("analysis.scale.engine._done", stop)
    with pytest.raises(KeyboardInterrupt):
        list(Processes(2).map(recipe(), pieces([str(folder)], {})))
    assert {process.exitcode for process in reading} == {-signal.SIGTERM}
