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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from scripts.bench.scene import Scene

# By target the address that answered at each TTL, from 1 on; "" where its address is withheld,
# None where nothing answered.
Paths = dict[str, tuple[str | None, ...]]

# Pairs of neighbours, where several paths lead to one target.
Links = frozenset[tuple[str, str]]


class Said(NamedTuple):
    """What a tracer found: paths, or links where it looked for all ways to one target.

    ``inferred`` are the TTLs of hops that were taken over from other traces. ``each`` is how many
    seconds one probe took, where that and not the whole process is measured.
    """

    paths: Paths
    links: Links = frozenset()
    inferred: Mapping[str, frozenset[int]] = MappingProxyType({})
    each: float | None = None


# What a command printed, and the folder it may have written to, turned into what it found or
# into the seconds that one item took.
Reader = Callable[[str, Path], Said | float]

Figure = Literal["packets", "seconds", "cpu", "memory"]

UNITS: dict[Figure, str] = {"packets": "", "seconds": "s", "cpu": "s", "memory": "MiB"}

# What there is to be found: hops of all paths; those of them that were measured, not inferred; the
# routers and links that they consist of; paths of which every hop around the border was measured.
Thing = Literal["hops", "measured", "routers", "links", "border"]


TIME_OVER = "the time for the whole run was over"


class Missing(Exception):
    """Why a comparison cannot be made here."""


@dataclass(frozen=True)
class Side:
    """One command of a comparison.

    Words of ``command`` may hold fields of the scene, such as ``{host}``. ``program`` and
    ``module`` must be installed for it. ``cannot`` says why the tool has no part in this work at
    all, or not yet. ``user`` "nobody" has no privileges. ``most`` bounds the repetitions of a
    slow one.
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
class Goal:
    """What one of ours is to reach.

    ``most`` is what its costs may be at most: times the peer's, or in the figure's own unit where
    no peer is named. ``least`` is the share of what there is that so large a share of the
    ``runs`` is to find, with nothing wrong; ``like`` names that of which each run is to find as
    much as the peer.
    """

    ours: Side
    peer: Side | None = None
    most: dict[Figure, float] = field(default_factory=dict)
    least: dict[Thing, float] = field(default_factory=dict)
    runs: float = 1.0
    like: tuple[Thing, ...] = ()


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
    goals: tuple[Goal, ...] = ()


class Found(NamedTuple):
    """How many were found that are there, and how many that are not."""

    right: int
    wrong: int = 0


@dataclass(frozen=True)
class Run:
    """One run of one side: costs by figure, and what it found where there is something to find."""

    costs: dict[Figure, float]
    found: dict[Thing, Found] = field(default_factory=dict)


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

    def found(self, thing: Thing) -> Found | None:
        """The fewest that a run found right, and the most that one found wrong."""
        found = [run.found[thing] for run in self.runs if thing in run.found]
        if not found:
            return None
        return Found(min(one.right for one in found), max(one.wrong for one in found))

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
    # How much there is to be found in a run, where there is something to find.
    there: dict[Thing, int] = field(default_factory=dict)
    # How long all of it took, making the scene included.
    seconds: float = 0.0

    @property
    def sides(self) -> list[Measured]:
        return [*self.ours, *self.peers]

    def pairs(self) -> Iterator[tuple[Measured, Measured | None]]:
        """Each of ours that ran with each peer that ran, or by itself where none did."""
        ran = [peer for peer in self.peers if peer.runs]
        peers: list[Measured | None] = [*ran] if ran else [None]
        for ours in self.ours:
            if ours.runs:
                for peer in peers:
                    yield ours, peer


def ratio(ours: Measured, peer: Measured, figure: Figure) -> Spread | None:
    """Our cost over the peer's, round by round; None where one of them was not measured.

    In rounds that a slow peer left out its median stands for it. A peer's cost of 0, below what
    the clock resolves, gives no ratio.
    """
    median = peer.cost(figure)
    if median is None:
        return None
    theirs = [run.costs.get(figure) for run in peer.runs]
    both = [
        (mine.costs[figure], theirs[nth] if nth < len(theirs) else median.median)
        for nth, mine in enumerate(ours.runs)
        if figure in mine.costs
    ]
    ratios = [mine / their for mine, their in both if their]
    return Spread.of(ratios) if ratios else None


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
    absent = [ours.absent for ours in result.ours if ours.absent is not None]
    if remaining() <= 0 or len(absent) == len(result.ours):
        # A peer alone has nothing to be compared with.
        result.skipped = absent[0] if remaining() > 0 else TIME_OVER
        return result
    try:
        with comparison.scene(folder) as scene:
            result.there = scene.truth.there()
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
