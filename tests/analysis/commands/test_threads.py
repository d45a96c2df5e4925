"""What NumPy and SciPy start beside the work of a command: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_IMPORTED = """
import os
from analysis.commands.analyze import analyze
import numpy.linalg, scipy.linalg, scipy.special
print(len(os.listdir("/proc/self/task")), os.environ.get("OPENBLAS_NUM_THREADS"))
"""


def threads(**environment: str) -> list[str]:
    """How many threads a process has that has imported what a verdict needs, and how it was set."""
    told = {name: value for name, value in os.environ.items() if "_NUM_THREADS" not in name}
    return subprocess.check_output(
        [sys.executable, "-c", _IMPORTED], env={**told, **environment}, text=True
    ).split()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads by Linux' /proc")
@pytest.mark.skipif(os.cpu_count() == 1, reason="with one core OpenBLAS starts none anyway")
def test_a_verdict_starts_no_threads_to_multiply_matrices_with() -> None:
    """It has none to multiply; on a machine of many cores each process would start as many."""
    assert threads() == ["1", "1"]


def test_who_sets_how_many_is_heard() -> None:
    """A cluster's administrator may have reasons."""
    assert threads(OPENBLAS_NUM_THREADS="2")[1] == "2"
