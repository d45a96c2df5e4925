"""What several tests of the analysis share because it takes long to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analysis.cluster import Cluster


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
