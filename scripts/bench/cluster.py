"""A Dask cluster of so many workers on this machine, for as long as its standard input is open.

It prints the scheduler's address once the workers are there. Each worker has one thread, as one
core can do no more.

Usage: ``python -m scripts.bench.cluster WORKERS``
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scripts.bench.comparison import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds in which a cluster whose input was closed must be gone.
_GRACE = 30.0


@contextmanager
def running(workers: int) -> Iterator[str]:
    """Start a cluster; ``host:port`` of its scheduler. Raises `Missing` where it does not start."""
    words = [sys.executable, "-m", "scripts.bench.cluster", str(workers)]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            if not address:
                raise Missing("the cluster did not start")
            yield address
        finally:
            process.stdin.close()
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()


def _serve(workers: int) -> None:
    from distributed import LocalCluster  # noqa: PLC0415

    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        print(cluster.scheduler_address.removeprefix("tcp://"), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
