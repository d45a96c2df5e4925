"""Whether the traces in flight are still worth finishing: same place, same link, never asleep.

A run begins its traces somewhere. When the link goes, an address changes or the machine sleeps,
what was in flight is no evidence. `Watch` remembers where the traces began and says what has come
in between since. What the run then does, `probe.run.itinerary` decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.redaction.premises import Premises
    from probe.vantage.ground import LineEnd

AWAY = "the link was gone"
CHANGED = "this machine's address or link changed"
ASLEEP = "this machine slept or hung"


class Ground(Protocol):
    """What the system tells of the place: `probe.vantage.ground.Footing` is one."""

    def ends(self) -> dict[int, LineEnd]:
        """This machine's end of the line by IP version, as far as there is a way out."""

    def lapses(self) -> int:
        """How often this machine slept or hung so far."""

    def beat(self) -> None:
        """To be called every `probe.vantage.ground.BEAT` seconds."""


class Watch:
    """The place in which the traces in flight began, and what has come in between since.

    ``began_at`` is this machine's end of the line then, by IP version. ``premises`` reads the
    interfaces as they are now.
    """

    def __init__(self, ground: Ground, premises: Callable[[], Premises]) -> None:
        self.premises = premises
        self.began_at: dict[int, LineEnd] = {}
        self._ground = ground
        self._lapses = 0
        # What a beat noticed: it counts even where all is as it was again.
        self._noticed: str | None = None

    def begin_here(self) -> None:
        """Traces begin now, where this machine is now."""
        self.began_at, self._lapses = self._ground.ends(), self._ground.lapses()
        self._noticed = None

    def ends(self) -> dict[int, LineEnd]:
        """This machine's end of the line now, by IP version."""
        return self._ground.ends()

    def beat(self) -> None:
        """To be called every `probe.vantage.ground.BEAT` seconds."""
        self._ground.beat()
        self._noticed = self.disturbance()

    def disturbance(self) -> str | None:
        """What has come in between since the traces in flight began; None where nothing has."""
        if self._noticed is not None:
            return self._noticed
        ends = self._ground.ends()
        if self.began_at.keys() - ends.keys():
            return AWAY
        if any(ends[version] != end for version, end in self.began_at.items()):
            return CHANGED
        return ASLEEP if self._ground.lapses() != self._lapses else None
