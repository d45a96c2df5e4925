"""A real Dask cluster of two workers gives the same verdict, though one is killed midway."""

from __future__ import annotations

import gzip
import json
import logging
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analysis.intake.inputs import InputError
from analysis.intake.load import Loaded
from analysis.policy import Policy
from analysis.scale.cluster import Cluster, all_said
from analysis.scale.engine import Digest, Here, Mapper, Recipe, digest, reduce
from analysis.scale.fold import Folded, Part
from analysis.scale.pieces import Given, Groups, Piece, Place, Uncut, Values, pieces, uncut
from analysis.scale.worker import Answer, ClusterError, end, packed, part_there, run_begun, versions
from analysis.simulated.simulation import NOW, Simulated, country
from analysis.simulated.simulation import Truth as Country
from analysis.simulated.world import COUNTRY
from probe.cli import main
from probe.record import to_line
from tests.harness.descriptors import open_files

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.xdist_group("cluster")


def _runs_kept() -> int:
    return run_begun.cache_info().currsize


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return country(Country(8, 0.5), "cluster", days=20)


@pytest.fixture(scope="module")
def path(simulated: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cluster") / "traces.jsonl"
    made.write_text("\n".join(to_line(trace) for trace in simulated.traces) + "\nno trace\n")
    return made


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces so small that there are many."""
    monkeypatch.setattr("analysis.scale.pieces.LINES", 20_000)
    monkeypatch.setattr("analysis.scale.pieces.LARGER", 1)


def recipe(simulated: Simulated) -> Recipe:
    return Recipe(simulated.table, COUNTRY, Policy(), NOW)


def digested(parts: Iterator[tuple[Place, Part]], made: Recipe) -> Digest:
    folded = Folded()
    for place, part in parts:
        folded.add(place, part)
    return reduce(folded, made, Loaded())


def everything(found: Digest) -> tuple[object, ...]:
    seen = [
        (one.vantage, one.destination, one.path.addresses, one.days, one.counts, one.crossing)
        for one in found.panel.observations
    ]
    return seen, found.voices, found.loaded, found.panel.rejected


@pytest.mark.parametrize("read", [uncut, pieces])
def test_two_workers_change_nothing(
    read: Callable[[list[str], dict[str, str]], Iterator[Given]],
    simulated: Simulated,
    path: Path,
    cluster: Cluster,
) -> None:
    """Whoever cuts the file, whoever folds which piece, and whoever is ready first."""
    made = recipe(simulated)
    given = list(pieces([str(path)], {}))
    assert len(given) > 20
    here = digested(Here().map(made, iter(given)), made)
    for _ in range(2):  # the second time, the workers have met all of it
        there = digested(cluster.map(made, read([str(path)], {})), made)
        assert everything(there) == everything(here)
    assert len(here) == len(simulated.traces)


def test_a_worker_killed_midway_changes_nothing(
    simulated: Simulated, path: Path, cluster: Cluster
) -> None:
    """What it had taken is done again, once, by another."""
    made = recipe(simulated)
    with distributed.Client(f"tcp://{cluster.address}", set_as_default=False) as client:
        workers = client.run(os.getpid)
        killed: list[int] = []

        def parts() -> Iterator[tuple[Place, Part]]:
            for nth, part in enumerate(cluster.map(made, uncut([str(path)], {}))):
                if nth == 10:
                    killed.append(min(workers.values()))
                    os.kill(killed[0], signal.SIGKILL)
                yield part

        there = digested(parts(), made)
        client.wait_for_workers(2, timeout=60)
        assert killed[0] not in client.run(os.getpid).values()
    here = digested(Here().map(made, pieces([str(path)], {})), made)
    assert everything(there) == everything(here)


@pytest.mark.parametrize("again", ["at once", "in the end"])
def test_a_worker_that_is_asked_again_says_all_again(
    again: str, simulated: Simulated, path: Path
) -> None:
    """Its first answer was lost, and with it what later ones rely on."""
    made = recipe(simulated)
    given = list(pieces([str(path)], {}))

    def folding(place: Place, piece: Piece) -> tuple[Place, Part]:
        answer = part_there(pickle.dumps((made, again.encode())), place, packed(piece))
        assert answer is not None
        assert answer.part is not None
        return place, answer.part

    folding(*given[0])
    ordered = given if again == "at once" else [*given[1:], given[0]]
    there = digested(iter([folding(*one) for one in ordered]), made)
    here = digested(Here().map(made, iter(given)), made)
    assert everything(there) == everything(here)


def test_two_workers_that_lose_parts_and_swap_the_pieces_change_nothing(
    simulated: Simulated, path: Path
) -> None:
    """Each takes for said what it had said in the part that never came."""
    made = recipe(simulated)
    given = list(pieces([str(path)], {}))
    half = len(given) // 2
    first, second = Mapper(made), Mapper(made)
    for mapper, lost in ((first, given[:half]), (second, given[half:])):
        for _, piece in lost:
            mapper.part(piece)
    swapped = [(second, one) for one in given[:half]] + [(first, one) for one in given[half:]]
    (file,) = uncut([str(path)], {})

    def asked(place: Place, piece: Piece) -> Given:
        """Half of them were cut from the file by whoever folded them."""
        return (place, piece) if place[1] % 2 else (place, file[1])

    parts = ((asked(*one), one[0], mapper.part(one[1])) for mapper, one in swapped)
    there = digested(all_said(parts, made), made)
    here = digested(Here().map(made, iter(given)), made)
    assert everything(there) == everything(here)


def test_a_worker_of_many_threads_changes_nothing(simulated: Simulated, path: Path) -> None:
    """A worker that is started without more ado folds as many pieces at once as it has cores."""
    made = recipe(simulated)
    given = list(pieces([str(path)], {}))
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as threads:
            ((_, file),) = uncut([str(path)], {})
            assert isinstance(file, Uncut)
            answers = threads.map(
                lambda place: part_there(pickle.dumps((made, b"")), place, file),
                [place for place, _ in given],
            )
            parts = [
                (place, answer.part)
                for (place, _), answer in zip(given, answers, strict=True)
                if answer is not None and answer.part is not None
            ]
            there = digested(iter(parts), made)
    finally:
        sys.setswitchinterval(switching)
    here = digested(Here().map(made, iter(given)), made)
    assert everything(there) == everything(here)


@pytest.mark.parametrize("has", ["the same file", "no file", "another file"])
def test_lines_are_sent_only_to_workers_without_the_file(
    has: str, simulated: Simulated, path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has it reads it; who has another of its name must not fold that."""
    made = recipe(simulated)
    there, elsewhere = path.with_name(f"{has}.jsonl"), path.with_name(f"{has} of the analyst.jsonl")
    elsewhere.write_bytes(path.read_bytes())
    ((place, file),) = uncut([str(elsewhere)], {})
    assert isinstance(file, Uncut)
    if has == "the same file":
        there.write_bytes(path.read_bytes())
    elif has == "another file":
        there.write_bytes(path.read_bytes().replace(b'"hops"', b'"hoops"'))
    sent: list[Piece] = []

    def noted(piece: Piece) -> bytes:
        sent.append(piece)
        return packed(piece)

    monkeypatch.setattr("analysis.scale.cluster.packed", noted)
    monkeypatch.setattr(Uncut, "pieces", lambda _: (p for _, p in pieces([str(elsewhere)], {})))
    given: list[Given] = [(place, replace(file, path=str(there)))]
    found = digested(cluster.map(made, iter(given)), made)
    here = digested(Here().map(made, pieces([str(path)], {})), made)
    assert everything(found)[:2] == everything(here)[:2]
    assert len(found) == len(here)
    assert len(sent) == (0 if has == "the same file" else len(list(pieces([str(path)], {}))))


def test_many_files_are_each_read_to_their_end(
    simulated: Simulated, path: Path, cluster: Cluster, tmp_path: Path
) -> None:
    """An empty one, one that breaks off and one that is damaged among them; hashes as well."""
    made = recipe(simulated)
    lines = path.read_bytes().splitlines(keepends=True)
    for nth in range(12):
        (tmp_path / f"{nth:02}.jsonl").write_bytes(b"".join(lines[nth * 40 : (nth + 1) * 40]))
    (tmp_path / "12.jsonl").touch()
    packed_lines = gzip.compress(b"".join(lines[400:]))
    (tmp_path / "13.jsonl.gz").write_bytes(packed_lines[: len(packed_lines) // 2])
    (tmp_path / "14.jsonl").write_bytes(b"".join(lines[:50]) + b"{" * 100_000)
    (tmp_path / "15.jsonl.gz").write_bytes(b"no gzip")
    found = [digest([str(tmp_path)], made, engine) for engine in (Here(), cluster)]
    here, there = [(everything(one), one.loaded.inputs, one.loaded.complaints) for one in found]
    assert there == here
    assert len(here[1]) == 15


def test_workers_keep_nothing_of_a_run_that_is_over(
    simulated: Simulated, path: Path, cluster: Cluster
) -> None:
    """Neither the address table nor an open file."""
    made = recipe(simulated)
    digested(cluster.map(made, uncut([str(path)], {})), made)
    with distributed.Client(f"tcp://{cluster.address}", set_as_default=False) as client:
        assert set(client.run(_runs_kept).values()) == {0}
        for files in client.run(open_files).values():
            assert path not in files


@pytest.mark.parametrize("ends", ["reading fails", "a worker lacks a file", "nobody wants more"])
def test_workers_keep_nothing_of_a_run_that_failed(
    ends: str, simulated: Simulated, path: Path, cluster: Cluster
) -> None:
    """Whatever ended it, and though they are still at pieces of it then."""

    def given() -> Iterator[Given]:
        yield from list(pieces([str(path)], {}))[:12]
        if ends == "reading fails":
            raise InputError("the disk is gone")
        yield (1, 0), Groups("/nowhere/t.parquet", 0, 1, 1)
        yield from (((2, 0), file) for _, file in uncut([str(path)], {}))

    parts = cluster.map(recipe(simulated), given())
    if ends == "nobody wants more":
        next(parts)
        parts.close()  # type: ignore[attr-defined]
    else:
        with pytest.raises((InputError, ClusterError)):
            list(parts)
    with distributed.Client(f"tcp://{cluster.address}", set_as_default=False) as client:
        client.gather([client.submit(os.getpid, pure=False) for _ in range(8)])
        assert set(client.run(_runs_kept).values()) == {0}


def test_a_piece_of_a_run_that_is_over_begins_it_no_more(simulated: Simulated, path: Path) -> None:
    """A worker may come to it only after it was told of the end."""
    place, piece = next(pieces([str(path)], {}))
    run = pickle.dumps((recipe(simulated), b"over"))
    part_there(run, place, packed(piece))
    end(b"over")
    with pytest.raises(ClusterError, match="over"):
        part_there(run, place, packed(piece))
    assert _runs_kept() == 0


def test_a_piece_behind_the_end_is_no_reason_to_send_the_file(
    simulated: Simulated, path: Path
) -> None:
    """A worker that has the file and is asked for too much of it says where it ends."""
    ((_, file),) = uncut([str(path)], {})
    assert isinstance(file, Uncut)
    run = pickle.dumps((recipe(simulated), b"too much"))
    assert part_there(run, (0, 10_000), file) == Answer(None, more=False)


def test_workers_of_another_version_are_named(
    simulated: Simulated, path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their parts would not be those that this one makes."""
    here, ours = os.getpid(), versions()
    monkeypatch.setattr(
        "analysis.scale.cluster.versions", lambda: ours if os.getpid() == here else ("3.0", "0.0")
    )
    with pytest.raises(ClusterError, match=r"runs Python 3\.0 and gatewatch 0\.0, not .* as here"):
        list(cluster.map(recipe(simulated), pieces([str(path)], {})))


def test_a_worker_without_the_file_says_so(simulated: Simulated, cluster: Cluster) -> None:
    """Instead of leaving out what it cannot find, file by file."""
    given = iter([((0, 0), Groups("/nowhere/t.parquet", 0, 1, 1))])
    with pytest.raises(ClusterError, match=r"a worker, cannot read /nowhere/t\.parquet"):
        list(cluster.map(recipe(simulated), given))


def test_what_is_nested_too_deep_to_be_sent_is_read_here(
    simulated: Simulated, path: Path, cluster: Cluster
) -> None:
    """A list in a list in a list, as somebody might send it, ends no verdict."""
    deep: object = []
    for _ in range(100_000):
        deep = [deep]
    made = recipe(simulated)
    given: list[tuple[Place, Piece]] = [((0, 0), Values("deep", [(1, deep)]))]
    given += [((1, number), piece) for (_, number), piece in pieces([str(path)], {})]
    there = digested(cluster.map(made, iter(given)), made)
    assert everything(there) == everything(digested(Here().map(made, iter(given)), made))
    assert there.loaded.rejected["malformed"] == 2


def test_a_scheduler_that_is_not_there_is_named(
    simulated: Simulated, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do about it."""
    monkeypatch.setattr("analysis.scale.cluster._PATIENCE", 0.2)
    with pytest.raises(ClusterError, match=r"dask://127\.0\.0\.1:9: no scheduler .*`dask worker`"):
        list(Cluster("127.0.0.1:9").map(recipe(simulated), pieces([str(path)], {})))


@pytest.fixture
def breakable() -> Iterator[Any]:
    """A cluster of one worker whose death is not forgiven, for whoever breaks it."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=1, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as made,
    ):
        yield made


def test_a_scheduler_that_is_lost_midway_is_named(
    simulated: Simulated, path: Path, breakable: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault of the program, and told with what to do."""
    monkeypatch.setattr("analysis.scale.cluster._PATIENCE", 0.5)
    lost = Cluster(breakable.scheduler_address.removeprefix("tcp://"))

    def given() -> Iterator[tuple[Place, Piece]]:
        for nth, piece in enumerate(pieces([str(path)], {})):
            if nth == 5:
                breakable.close()
            yield piece

    with pytest.raises(ClusterError, match=rf"dask://{lost.address}: .*lost.*command again"):
        list(lost.map(recipe(simulated), given()))


def test_a_file_that_workers_die_of_is_named(
    simulated: Simulated, path: Path, breakable: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by want of memory, with what helps."""
    monkeypatch.setattr("analysis.scale.cluster.part_there", _die)
    deadly = Cluster(breakable.scheduler_address.removeprefix("tcp://"))
    with pytest.raises(ClusterError, match=rf"{path}: .*died.*--memory-limit"):
        list(deadly.map(recipe(simulated), pieces([str(path)], {})))


def test_the_command_takes_a_cluster(path: Path, cluster: Cluster) -> None:
    """`--engine` gives what this machine's own cores give, provenance of the command aside."""
    arguments = ["analyze", str(path), "--country", "KH", "--json"]
    here, there = (
        CliRunner().invoke(main, [*arguments, *more], catch_exceptions=False)
        for more in ([], ["--engine", f"dask://{cluster.address}"])
    )
    assert here.exit_code == there.exit_code == 0, there.stderr
    assert json.loads(there.stdout) == json.loads(here.stdout)


def test_the_command_says_what_is_wrong_with_an_engine(path: Path) -> None:
    """What is none is a usage error; one that cannot be reached is told as such."""
    wrong = CliRunner().invoke(main, ["analyze", str(path), "--country", "KH", "--engine", "spark"])
    assert wrong.exit_code == 2
    assert "write dask://HOST:PORT" in wrong.stderr
