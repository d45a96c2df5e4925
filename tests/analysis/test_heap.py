"""Memory that is given back."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

_PEAKS = """
import sys
from analysis.heap import give_back

if sys.argv[1] == "give back":
    give_back()

def resident():
    with open("/proc/self/statm") as said:
        return int(said.read().split()[1]) * 4096

bytearray(8 << 20)
kept = []
for _ in range(20):
    block = bytearray(8 << 20)
    kept.append([bytes(1000) for _ in range(20)])
    del block
print(resident())
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc has what is set here"
)
def test_large_blocks_leave_the_process() -> None:
    """Small blocks that stay hold no large ones back that were let go."""
    found = {}
    for how in ("give back", "as it is"):
        done = subprocess.run(
            [sys.executable, "-c", _PEAKS, how], capture_output=True, text=True, check=True
        )
        found[how] = int(done.stdout)
    assert found["give back"] + (4 << 20) < found["as it is"]


def test_another_c_library_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no such function nothing happens."""
    from analysis import heap

    def nothing(_: object) -> object:
        return object()

    monkeypatch.setattr(ctypes, "CDLL", nothing)
    heap.give_back()
