"""Memory that is given back."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from analysis.scale import heap

# What is asked for once more comes from the heap, unless large blocks never do. The struct is that
# of malloc.h; its fifth field counts the bytes of blocks that are the system's.
_AGAIN = """
import ctypes, sys
from analysis.scale.heap import give_back

class Said(ctypes.Structure):
    _fields_ = [(str(nth), ctypes.c_size_t) for nth in range(10)]

if sys.argv[1] == "give back":
    give_back()
bytearray(8 << 20)
block = bytearray(8 << 20)
mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Said
print(getattr(mallinfo(), "4"))
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only a glibc from 2.33 on tells"
)
def test_large_blocks_are_the_systems() -> None:
    """Also those that are asked for once more after some were let go."""
    found = {}
    # Whoever sets one of these has fixed the threshold; Dask leaves one to all processes after it.
    untouched = {name: said for name, said in os.environ.items() if not name.startswith("MALLOC_")}
    for how in ("give back", "as it is"):
        done = subprocess.run(
            [sys.executable, "-c", _AGAIN, how],
            capture_output=True,
            text=True,
            check=True,
            env=untouched,
        )
        found[how] = int(done.stdout)
    assert found["give back"] - found["as it is"] >= 8 << 20


def test_another_c_library_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no such function nothing happens."""

    def nothing(_: object) -> object:
        return object()

    monkeypatch.setattr(ctypes, "CDLL", nothing)
    heap.give_back()
