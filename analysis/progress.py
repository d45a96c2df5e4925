"""How far reading is, for who waits before a terminal: traces read so far, while they are read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from analysis.engine import Engine, Recipe
from analysis.fold import Part
from analysis.pieces import Given, Place


@dataclass(frozen=True)
class Watched:
    """An engine of which ``tell`` is told after each part how many traces were read."""

    engine: Engine
    tell: Callable[[int], None]

    @property
    def whole(self) -> bool:
        """As of the engine."""
        return self.engine.whole

    def map(self, recipe: Recipe, given: Iterator[Given]) -> Iterator[tuple[Place, Part]]:
        """The parts that the engine makes."""
        read = 0
        for place, part in self.engine.map(recipe, given):
            read += len(part.places)
            self.tell(read)
            yield place, part


@contextmanager
def shown() -> Iterator[Callable[[int], None]]:
    """Say how many traces were read where the standard error is a terminal, and take it back then.

    A file or a log is told nothing.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

    # Letters that every terminal has.
    with Console(stderr=True).status("reading traces", spinner="line") as status:
        yield lambda read: status.update(f"{read:,} traces read")
