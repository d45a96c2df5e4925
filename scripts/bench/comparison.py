"""What a comparison is, and how repeated runs become one ratio.

A comparison sets what gatewatch does beside what others do for the same work. Runs of both are
interleaved (A B A B), so that what else the machine does in a minute falls on all alike, and a
ratio is formed within each round before the median is taken. This module knows no tool, no
network and no screen.
"""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from scripts.bench.scene import Scene

# By target the address that answered at each TTL, from 1 on; "" where its address is withheld,
# None where nothing answered.
Paths = dict[str, tuple[str | None, ...]]

# What a command printed, and the folder it may have written to, turned into paths or into the
# seconds that one item took.
Reader = Callable[[str, Path], Paths | float]

Figure = Literal["packets", "seconds", "cpu", "memory"]

UNITS: dict[Figure, str] = {"packets": "", "seconds": "s", "cpu": "s", "memory": "MiB"}


TIME_OVER = "the time for the whole run was over"


class Missing(Exception):
    """Why a comparison cannot be made here."""


@dataclass(frozen=True)
class Side:
    """One command of a comparison.

    Words of ``command`` may hold fields of the scene, such as ``{host}``. ``program`` and
    ``module`` must be installed for it. ``cannot`` says why the tool has no part in this work at
    all. ``user`` "nobody" has no privileges. ``most`` bounds the repetitions of a slow one.
    """

    name: str
    command: tuple[str, ...] = ()
    program: str | None = None
    module: str | None = None
    cannot: str | None = None
    user: Literal["root", "nobody"] = "root"
    reader: Reader | None = None
    most: int = 99

    def absent(self) -> str | None:
        """Why it does not take part, or None where it does."""
        if self.cannot is not None:
            return self.cannot
        if self.program is not None and shutil.which(self.program) is None:
            return f"{self.program} is not installed"
        if self.module is not None and importlib.util.find_spec(self.module) is None:
            return f"the Python package {self.module} is not installed"
        return None


@dataclass(frozen=True)
class Comparison:
    """The same work, done by gatewatch and by its peers.

    ``measures`` is a sentence for the reader. ``scene`` makes what the commands need, given a
    folder for files, and raises `Missing`. Every ratio is a cost of ours over the peer's: below 1
    gatewatch needs less.
    """

    name: str
    measures: str
    scene: Callable[[Path], AbstractContextManager[Scene]]
    ours: tuple[Side, ...]
    peers: tuple[Side, ...]
    figures: tuple[Figure, ...] = ("seconds",)
    repetitions: int = 5


@dataclass(frozen=True)
class Run:
    """One run of one side: costs by figure; hops found right, and wrong, where there are paths."""

    costs: dict[Figure, float]
    right: int | None = None
    wrong: int | None = None


class Spread(NamedTuple):
    """A median with the least and the greatest.

    >>> Spread.of([3.0, 1.0, 8.0])
    Spread(median=3.0, low=1.0, high=8.0)
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass
class Measured:
    """What became of one side: why it is absent or failed, or its runs in order of rounds."""

    side: Side
    absent: str | None = None
    runs: list[Run] = field(default_factory=list)

    def rounds(self, comparison: Comparison) -> int:
        """How often it was to run."""
        return min(comparison.repetitions, self.side.most)

    def cost(self, figure: Figure) -> Spread | None:
        """The spread of a figure over all runs, None where it was not measured."""
        values = [run.costs[figure] for run in self.runs if figure in run.costs]
        return Spread.of(values) if values else None


@dataclass
class Result:
    """A comparison with what was measured, or with the reason why nothing was."""

    comparison: Comparison
    skipped: str | None = None
    ours: list[Measured] = field(default_factory=list)
    peers: list[Measured] = field(default_factory=list)
    # How many hops there are to be found in a run, where there are paths.
    hops: int | None = None
    # How long all of it took, making the scene included.
    seconds: float = 0.0

    @property
    def sides(self) -> list[Measured]:
        return [*self.ours, *self.peers]

    def pairs(self) -> Iterator[tuple[Measured, Measured]]:
        """Each of ours that ran with each peer that ran."""
        for ours in self.ours:
            for peer in self.peers:
                if ours.runs and peer.runs:
                    yield ours, peer


def ratio(ours: Measured, peer: Measured, figure: Figure) -> Spread | None:
    """Our cost over the peer's, round by round; None where one of them was not measured.

    A side that ran fewer rounds bounds the number of ratios. A peer's cost of 0, below what the
    clock resolves, gives no ratio.
    """
    both = [
        (mine.costs[figure], theirs.costs[figure])
        for mine, theirs in zip(ours.runs, peer.runs, strict=False)
        if figure in mine.costs and theirs.costs.get(figure)
    ]
    return Spread.of([mine / theirs for mine, theirs in both]) if both else None


def compare(comparison: Comparison, folder: Path, remaining: Callable[[], float]) -> Result:
    """Make a comparison: all sides once a round, as often as it says and time ``remaining`` allows.

    What fails is named in the result; the others go on.
    """
    result = Result(
        comparison,
        ours=[Measured(side, side.absent()) for side in comparison.ours],
        peers=[Measured(side, side.absent()) for side in comparison.peers],
    )
    began = time.monotonic()
    if remaining() <= 0:
        result.skipped = TIME_OVER
        return result
    try:
        with comparison.scene(folder) as scene:
            result.hops = scene.answering
            for done in range(comparison.repetitions):
                for measured in result.sides:
                    wanted = measured.absent is None and done < measured.rounds(comparison)
                    if wanted and remaining() > 0:
                        _once(measured, scene, remaining())
    except Missing as reason:
        result.skipped = str(reason)
    result.seconds = time.monotonic() - began
    return result


def _once(measured: Measured, scene: Scene, seconds: float) -> None:
    try:
        measured.runs.append(scene.run(measured.side, seconds))
    except Missing as reason:
        measured.absent = str(reason)
