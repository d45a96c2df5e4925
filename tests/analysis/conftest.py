"""What several tests of the analysis share because it takes long to start."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analysis.cluster import Cluster
from probe.origin import Origin, open_origin


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The address table that ships; what this machine's user has fetched plays no part."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GATEWATCH_HOME", str(tmp_path_factory.mktemp("home")))
        return open_origin()


@pytest.fixture(scope="session")
def tables(table: Origin) -> Callable[[Path | None], Origin]:
    """The tables of paths, each opened once: half a second is spent on reading the register."""
    opened = functools.cache(open_origin)
    return lambda path: table if path is None else opened(path)


@pytest.fixture
def own_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: Callable[[Path | None], Origin]
) -> None:
    """An own data folder for a command, which opens no table that is open already."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("analysis.given.open_origin", tables)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Dask cluster of two workers, processes of this machine, started again when they die.

    Whoever asks for it belongs to the group ``cluster``, so that there are not two beside each
    other.
    """
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as made:
        yield Cluster(made.scheduler_address.removeprefix("tcp://"))
