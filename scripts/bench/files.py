"""What is read by comparisons that send nothing: records, Atlas results, generated traces, a table.

Made once in the folder of the run and shared. It knows no peer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench import cluster
from scripts.bench.comparison import Missing
from scripts.bench.scene import here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.bench.scene import Scene

ROOT = Path(__file__).resolve().parents[2]

# RIPE Atlas results that the tests read. Another file: set this variable.
ATLAS_VARIABLE = "GATEWATCH_BENCH_ATLAS"
ATLAS = ROOT / "tests" / "data" / "traces" / "atlas_23449934_half.jsonl.gz"

# So many generated traces are judged; where growth is looked at, a tenth of them as well.
TRACES_VARIABLE = "GATEWATCH_BENCH_TRACES"
TRACES = 1_000_000

LONGEST = 60.0


def _made(words: list[str], longest: float = LONGEST) -> None:
    try:
        subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=longest)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        raise Missing(f"its input could not be made ({problem})") from None


@contextmanager
def demo(folder: Path) -> Iterator[Scene]:
    """The folders that ``gatewatch demo`` writes, as ``{records}``."""
    records = folder / "demo"
    if not records.is_dir():
        gatewatch = Path(sys.executable).with_name("gatewatch")
        _made([str(gatewatch), "demo", "--json", "--to", str(records)])
    with here(folder, records=str(records)) as scene:
        yield scene


@contextmanager
def atlas(folder: Path) -> Iterator[Scene]:
    """Results of RIPE Atlas from a file, as ``{records}``. Raises `Missing` without it."""
    path = Path(os.environ.get(ATLAS_VARIABLE, ATLAS))
    if not path.is_file():
        raise Missing(f"there is no file of Atlas results; name one with {ATLAS_VARIABLE}=FILE")
    with here(folder, records=str(path)) as scene:
        yield scene


def _traces(folder: Path, suffix: str, *, share: int = 1) -> str:
    """A file of as many generated traces as ``GATEWATCH_BENCH_TRACES`` says, or of this share."""
    count = int(os.environ.get(TRACES_VARIABLE, TRACES)) // share
    path = folder / f"traces-{count}.{suffix}"
    if not path.is_file():
        # A millisecond each is ample, and what is left of a minute for the address table.
        longest = LONGEST + count / 1000
        _made([sys.executable, "-m", "scripts.bench.traces", str(count), str(path)], longest)
    return str(path)


@contextmanager
def many(folder: Path) -> Iterator[Scene]:
    """Generated traces as ``{records}`` and ``{parquet}``."""
    records, parquet = _traces(folder, "jsonl.gz"), _traces(folder, "parquet")
    with here(folder, records=records, parquet=parquet) as scene:
        yield scene


@contextmanager
def growing(folder: Path) -> Iterator[Scene]:
    """As many traces as ``{more}``, a tenth of them as ``{records}``."""
    records, more = _traces(folder, "jsonl.gz", share=10), _traces(folder, "jsonl.gz")
    with here(folder, records=records, more=more) as scene:
        yield scene


@contextmanager
def clusters(folder: Path, suffix: str = "jsonl.gz") -> Iterator[Scene]:
    """As many as ``{records}``, a tenth as ``{few}``; ``{one}`` and ``{two}`` workers."""
    records, few = _traces(folder, suffix), _traces(folder, suffix, share=10)
    with (
        cluster.running(1) as one,
        cluster.running(2) as two,
        here(folder, records=records, few=few, one=one, two=two) as scene,
    ):
        yield scene


@contextmanager
def table(folder: Path) -> Iterator[Scene]:
    """The address table in use, in pyasn's format, as ``{pyasn}``."""
    path = folder / "origin.dat"
    if not path.is_file():
        _made([sys.executable, "-m", "scripts.bench.work", "write_pyasn", str(path)])
    with here(folder, pyasn=str(path)) as scene:
        yield scene
