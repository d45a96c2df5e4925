"""The targets of one run by what has become of them: to do, in flight, put off, settled.

Each target that is not settled stands in exactly one list, and no target is ever counted twice,
whatever comes in between. Why a target is put off or given up, `probe.run.itinerary` decides. This
module knows no network, no budget and no clock.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from probe.run.choice import version_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from probe.run.targets import Target

# How often a target is tried whose traces are interrupted.
TRIES = 3


class Worklist:
    """The targets of one run.

    ``todo`` are the targets still to be traced, by address and in order, those ``in_flight`` among
    them. ``put_off`` wait until their IP version is back. ``unaffordable`` were given up since the
    budget was spent.
    """

    def __init__(self) -> None:
        self.todo: dict[str, Target] = {}
        self.in_flight: dict[str, Target] = {}
        self.put_off: dict[str, Target] = {}
        self.unaffordable: list[Target] = []
        # Measured or given up, the unaffordable ones among them.
        self._settled: dict[str, Target] = {}
        # How many of these were given up before a trace to them began.
        self._skipped = 0
        self._interruptions: Counter[str] = Counter()
        # Of these the trace was made a second time, at the end.
        self._repeated: set[str] = set()

    @property
    def traces(self) -> int:
        """How many traces the run makes in all, as far as is known now."""
        return len(self._settled) + len(self.todo) + len(self.put_off) - self._skipped

    @property
    def unreached(self) -> list[Target]:
        """Those that the run did not come to, in its order: over budget, or when it was ended."""
        return [*self.unaffordable, *self.put_off.values(), *self.todo.values()]

    def replace(self, targets: Iterable[Target]) -> None:
        """Do these instead of what was to be done, as far as they are not settled."""
        self.todo = {
            target.address: target for target in targets if target.address not in self._settled
        }

    def shorten(self, limit: int) -> None:
        """Leave so many targets in all; those settled and put off count."""
        room = max(0, limit - len(self._settled) - len(self.put_off))
        self.todo = dict(list(self.todo.items())[:room])

    def over(self, versions: Collection[int]) -> list[Target]:
        """What is to be done over these IP versions."""
        return [target for target in self.todo.values() if version_of(target) in versions]

    def not_over(self, versions: Collection[int]) -> list[Target]:
        """What is to be done over other IP versions than these."""
        return [target for target in self.todo.values() if version_of(target) not in versions]

    def begin(self, target: Target) -> None:
        """The trace to a target begins."""
        self.in_flight[target.address] = target

    def settle(self, address: str) -> None:
        """A target was measured, or is given up."""
        self.in_flight.pop(address, None)
        self._settled[address] = self.todo.pop(address)

    def skip(self, address: str) -> None:
        """A target is given up before a trace to it began."""
        self.settle(address)
        self._skipped += 1

    def reopen(self, address: str) -> None:
        """Trace to a target after all, or once more, if it is settled."""
        if address in self._settled:
            self.todo[address] = self._settled.pop(address)

    def repeat(self, address: str) -> bool:
        """Trace to a target once more, after all others; False where that was done already."""
        if address in self._repeated:
            return False
        self._repeated.add(address)
        self.in_flight.pop(address, None)
        self.todo[address] = self.todo.pop(address)
        return True

    def drop_in_flight(self) -> tuple[int, int]:
        """Drop all traces in flight. Returns how many begin anew, and how many are given up.

        A target is given up whose traces were interrupted `TRIES` times.
        """
        dropped, self.in_flight = self.in_flight, {}
        self._interruptions.update(dropped.keys())
        hopeless = [address for address in dropped if self._interruptions[address] >= TRIES]
        for address in hopeless:
            self.settle(address)
        return len(dropped) - len(hopeless), len(hopeless)

    def give_up_unaffordable(self) -> int:
        """Give up all that is to be done, what is in flight among it. Returns how many that are."""
        given_up = list(self.todo.values())
        self.unaffordable += given_up
        for target in given_up:
            self.settle(target.address)
        return len(given_up)

    def put_off_over(self, versions: Collection[int]) -> None:
        """Put off what is to be done over these IP versions."""
        for target in self.over(versions):
            self.put_off[target.address] = self.todo.pop(target.address)

    def take_up(self) -> None:
        """Do what was put off."""
        self.todo, self.put_off = self.put_off, {}
