"""Where the commands of a comparison run, and what they find there.

A scene fills the fields of a command, runs it under the stopwatch, and has what it found judged
by the truth. It knows no tool: what a command printed is read by the command's own reader.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.comparison import TIME_OVER, Missing, Run, Said
from scripts.bench.truth import Truth, judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scripts.bench.comparison import Figure, Side

STOPWATCH = Path(__file__).with_name("stopwatch.py")

# Seconds that one command may take, and those in which a stopped one must be gone.
LONGEST = 120.0
GRACE = 10.0


@dataclass
class Scene:
    """``start`` starts words as a side's user, ``fresh`` makes that user an empty folder.

    Of a command's fields ``{fresh}`` is that folder and ``{nth}`` a number that no other run has.
    ``packets`` counts what left the vantage point so far. ``truth`` is what
    there is to be found.
    """

    words: dict[str, str]
    start: Callable[[Sequence[str], Side, Path], subprocess.Popen[str]]
    fresh: Callable[[Side], Path]
    packets: Callable[[], int] | None = None
    truth: Truth = field(default_factory=Truth)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, side: Side, seconds: float) -> Run:
        """Run a side once. Raises `Missing` with what a command said that failed."""
        folder = self.fresh(side)
        nth = next(self.numbers)
        words = [word.format(**self.words, fresh=folder, nth=nth) for word in side.command]
        limit = min(LONGEST, seconds)
        before = self.packets() if self.packets else 0
        process = self.start([sys.executable, str(STOPWATCH), str(limit), *words], side, folder)
        try:
            out, err = process.communicate(timeout=limit + GRACE)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if process.returncode != 0:
            raise Missing(f"did not run: {_last_line(err)}")
        said = json.loads(out)
        if said["code"] is None:
            raise Missing(f"was stopped after {limit:.0f} s" if seconds > LONGEST else TIME_OVER)
        if said["code"] != 0:
            raise Missing(f"ended with {said['code']}: {_last_line(said['err'] or said['out'])}")
        costs: dict[Figure, float] = {"seconds": said["seconds"], "cpu": said["cpu"]}
        if said["memory"] is not None:
            costs["memory"] = said["memory"]
        if self.packets:
            costs["packets"] = self.packets() - before
        answer = side.reader(said["out"], folder) if side.reader else None
        if isinstance(answer, float):
            costs["seconds"] = answer
        if not isinstance(answer, Said):
            return Run(costs)
        if answer.each is not None:
            costs["seconds"] = answer.each
        return Run(costs, judged(answer, self.truth))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]


@contextmanager
def here(folder: Path, **words: str) -> Iterator[Scene]:
    """This machine as it is, with a folder for what the commands write."""

    def fresh(_: Side) -> Path:
        return Path(tempfile.mkdtemp(prefix="run-", dir=folder))

    def start(command: Sequence[str], _: Side, home: Path) -> subprocess.Popen[str]:
        beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": beside, "GATEWATCH_HOME": str(home)},
        )

    yield Scene({"python": sys.executable, **words}, start, fresh)
