"""What scheduled runs remember from one to the next: how the last ended, when the next is due.

A timer calls once an hour and knows nothing; this decides whether it is time. After a measurement
the next is due some six hours later, after a failed one soon, then ever later, so that a machine
without a network does not try for nothing all day and one that is back does not wait till
tomorrow. It also keeps the place in the list of targets where a small budget ended, so that the
next run begins there and the whole list comes round over the days. It names no target, no network
and no address.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from probe.disk.private import read_kept, replace_file
from probe.schedule import EVERY, JITTER
from probe.words.failure import BadInput
from probe.words.language import _
from probe.words.sentence import Sentence, as_it_is

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FILE = "schedule.state"

# In seconds since the epoch, a time that no run sees: the year 2242.
_END = 1 << 33

# Seconds until the first try after a failed one, and at most.
SOON = 3600.0
LATEST = 86_400.0


@dataclass(frozen=True)
class DiaryEntry:
    """What is remembered. Times are seconds since the epoch, None for never.

    ``begun`` is when one began that has not ended. ``ended`` is when the last measurement ended,
    with ``code`` (an exit code) and ``kept`` traces, ``unheard`` of which heard nothing from beyond
    the own line; ``slow_ms`` is how long its answers took where the line was slow. ``skipped`` is
    when one was last left out since then, and ``why``. ``due`` is when the next may begin;
    ``failures`` counts those in a row that measured nothing. ``place`` is where in the list the
    next begins.
    """

    begun: float | None = None
    ended: float | None = None
    code: int | None = None
    kept: int = 0
    unheard: int = 0
    slow_ms: int | None = None
    skipped: float | None = None
    why: Sentence | None = None
    due: float = 0.0
    failures: int = 0
    place: int = 0


_KNOWN = frozenset(field.name for field in fields(DiaryEntry))


def delay(failures: int, chance: float) -> float:
    """Seconds until a run is due, after so many failed ones; ``chance`` is from 0 to 1.

    >>> [delay(failures, 0.0) / 3600 for failures in range(7)]
    [6.0, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0]
    >>> delay(0, 1.0) / 3600, delay(2, 1.0) / 3600
    (7.0, 3.0)
    """
    if not failures:
        return EVERY + chance * JITTER
    return min(LATEST, SOON * 2.0 ** (min(failures, 10) - 1)) * (1.0 + chance / 2)


def _entry(said: dict[str, Any]) -> DiaryEntry:
    """What a file says; former versions kept the words of why a run was left out.

    What newer ones keep besides is not for this one.
    """
    entry = DiaryEntry(**{name: value for name, value in said.items() if name in _KNOWN})
    if entry.why is None:
        return entry
    kept: Any = entry.why
    why = Sentence(**kept) if isinstance(kept, dict) else as_it_is(str(kept))
    str(why)  # what has no words is damaged
    return replace(entry, why=why)


def _is_sound(entry: DiaryEntry) -> bool:
    """Whether what should be numbers and times can be such."""
    past = (moment for moment in (entry.begun, entry.ended, entry.skipped) if moment is not None)
    numbers = (
        *(entry.kept, entry.unheard, entry.failures, entry.place),
        *(entry.code or 0, entry.slow_ms or 0),
    )
    return all(
        type(moment) in {int, float} and 0 <= moment < _END for moment in (entry.due, *past)
    ) and all(type(number) is int for number in numbers)


class Diary:
    """The memory in one data folder. ``clock`` gives seconds since the epoch, ``chance`` 0 to 1."""

    def __init__(
        self, folder: Path, clock: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self.path = folder / _FILE
        self._clock = clock
        self._chance = chance

    def read(self) -> DiaryEntry:
        """What is remembered; nothing before the first run. Raises `BadInput` for what is none."""
        try:
            entry = _entry(self._kept())
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            entry = None
        if entry is None or not _is_sound(entry):
            raise BadInput(
                _(
                    "{path} cannot be read; the schedule begins anew with its next run, and "
                    "nothing that was measured is lost"
                ).format(path=self.path)
            )
        return entry

    def begin_anew(self) -> bool:
        """Forget what cannot be read, as after a power cut; whether there was such.

        At worst a run begins early, within the budgets, and at the head of the list.
        """
        try:
            self.read()
        except BadInput:
            replace_file(self.path, "{}\n")
            return True
        return False

    def due(self) -> bool:
        """Whether it is time; also where the clock was set back behind the last run."""
        entry, now = self.read(), self._clock()
        return now >= entry.due or (entry.ended is not None and now < entry.ended)

    def skipped(self, why: Sentence) -> None:
        """Remember that a run was left out; the next is due when this one was."""
        self._write(replace(self.read(), skipped=self._clock(), why=why))

    def begun(self, place: int) -> None:
        """Remember that a run begins, and where in the list: it may never come to its end."""
        self._write(replace(self.read(), begun=self._clock(), place=place))

    def ended(
        self,
        code: int,
        kept: int,
        place: int,
        *,
        failed: bool,
        unheard: int = 0,
        slow_ms: int | None = None,
    ) -> None:
        """Remember how a run ended, and make out when the next is due."""
        before, now = self.read(), self._clock()
        failures = before.failures + 1 if failed else 0
        self._write(
            replace(
                before,
                begun=None,
                ended=now,
                code=code,
                kept=kept,
                unheard=unheard,
                slow_ms=slow_ms,
                skipped=None,
                why=None,
                due=now + delay(failures, self._chance()),
                failures=failures,
                place=place,
            )
        )

    def _kept(self) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(read_kept(self.path))
        except FileNotFoundError:
            return {}
        return kept

    def _write(self, entry: DiaryEntry) -> None:
        replace_file(self.path, json.dumps(self._kept() | asdict(entry)) + "\n")
