"""Progress of reading, for somebody who waits at a terminal: how many traces were read so far."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.scale.engine import Engine, Recipe
    from analysis.scale.fold import Part
    from analysis.scale.pieces import Given, Place
    from probe.record import Trace

# Traces that are counted one by one are told by so many.
_BY = 1000


@dataclass(frozen=True)
class Watched:
    """An engine that calls ``tell`` after each part with the number of traces read so far."""

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


def watched(traces: Iterable[Trace], tell: Callable[[int], None]) -> Iterator[Trace]:
    """The same traces; ``tell`` is called now and then with the number of them so far."""
    for read, trace in enumerate(traces, start=1):
        if read % _BY == 0:
            tell(read)
        yield trace


@contextmanager
def shown(*, printing: bool = False) -> Iterator[Callable[[int], None]]:
    """Show the number of traces read on a terminal, and wipe it off at the end.

    It goes to the standard error. Nothing is shown where that is a file or a log, or where the
    results are ``printing`` on the same terminal.
    """
    if not sys.stderr.isatty() or (printing and sys.stdout.isatty()):
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

    # Letters that every terminal has.
    with Console(stderr=True).status("reading traces", spinner="line") as status:
        yield lambda read: status.update(f"{read:,} traces read")
