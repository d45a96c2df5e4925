"""What holds for all tests, whatever started them."""

from __future__ import annotations

import fcntl
import functools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from analysis.scale.cluster import Cluster
    from probe.origin import Origin

# The same examples each time, however slow the machine is just now.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Hear Ctrl-C and a lost terminal, also where nohup or a shell's ``&`` had them ignored.

    Tests send these signals to themselves and to programs that they start, which inherit what is
    ignored, and would wait for ever.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, since tests of real kernels mostly wait.

    Memory sets an end: a worker holds a few hundred megabytes.
    """
    return min((os.cpu_count() or 1) + 1, 8)


# What several tests of the analysis share because it takes long to start. pytest 9.1 would not find
# it in their own folder where that is named twice, with another one in between.


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The address table that ships; what this machine's user has fetched plays no part."""
    from probe.origin import open_origin

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GATEWATCH_HOME", str(tmp_path_factory.mktemp("home")))
        return open_origin()


@pytest.fixture(scope="session")
def tables(table: Origin) -> Callable[[Path | None], Origin]:
    """The tables of paths, each opened once: half a second is spent on reading the register."""
    from probe.origin import open_origin

    opened = functools.cache(open_origin)
    return lambda path: table if path is None else opened(path)


@pytest.fixture
def own_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: Callable[[Path | None], Origin]
) -> None:
    """An own data folder for a command, which opens no table that is open already."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("analysis.commands.given.open_origin", tables)


def _simulated(factory: pytest.TempPathFactory, table: Origin, runs: int | None) -> Path:
    """The demo's traces, ``before`` and ``after``: whichever worker comes first makes them."""
    from probe.demo import simulate

    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / f"demo-{runs or 'whole'}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = factory.mktemp("demo")
            simulate(unfinished, origin=table, runs=runs)
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def whole_demo(tmp_path_factory: pytest.TempPathFactory, table: Origin) -> Path:
    """All weeks of the demo's country, in ``before`` and ``after``; copy it to change it."""
    return _simulated(tmp_path_factory, table, None)


@pytest.fixture(scope="session")
def short_demo(tmp_path_factory: pytest.TempPathFactory, table: Origin) -> Path:
    """One day of that country ``before`` the switch and one ``after``; copy it to change it."""
    return _simulated(tmp_path_factory, table, 1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Dask cluster of two workers, processes of this machine, started again when they die.

    Whoever asks for it belongs to the group ``cluster``, so that there are not two beside each
    other.
    """
    distributed = pytest.importorskip("distributed")
    from analysis.scale.cluster import Cluster

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as made:
        yield Cluster(made.scheduler_address.removeprefix("tcp://"))
