"""A timer, and an entry that an older one may have left: both would call, and one be overlooked.

Where systemd was switched on later, as in WSL, or a disk was put into another machine, the user's
crontab still has the entry of before. Whoever looks, installs or removes means all of it. This
module knows neither of the two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from probe.schedule import Standing, Trouble
from probe.words.failure import PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from probe.schedule import Job, Timer


class Beside:
    """The ``timer`` of this system, beside an ``older`` one of which at most an entry is left."""

    def __init__(self, timer: Timer, older: Timer) -> None:
        self._timer = timer
        self._older = older
        self.name = timer.name

    def files(self, job: Job) -> Mapping[Path, str]:
        """See `Timer.files`."""
        return self._timer.files(job)

    def commands(self, job: Job) -> Sequence[Sequence[str]]:
        """See `Timer.commands`."""
        return self._timer.commands(job)

    def prepare(self, job: Job) -> None:
        """See `Timer.prepare`."""
        self._timer.prepare(job)

    def install(self, job: Job) -> None:
        """See `Timer.install`. What is left of the older one goes: one is enough."""
        self._timer.install(job)
        self._take_older()

    def standing(self, job: Job) -> Standing:
        """See `Timer.standing`."""
        standing, older = self._timer.standing(job), self._of_older(job)
        if not older.installed:
            return standing
        left = Trouble(
            _("an entry in your {name} begins runs, too").format(name=self._older.name),
            "gatewatch schedule install",
        )
        if standing.installed:
            return replace(standing, hints=(*standing.hints, left))
        return replace(older, hints=(*older.hints, left))

    def remove(self) -> bool:
        """See `Timer.remove`."""
        removed = self._timer.remove()
        return self._take_older() or removed

    def _of_older(self, job: Job) -> Standing:
        try:
            return self._older.standing(job)
        except PermissionDenied:  # this user may have none
            return Standing(installed=False)

    def _take_older(self) -> bool:
        try:
            return self._older.remove()
        except PermissionDenied:
            return False
