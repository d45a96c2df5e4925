"""An agent of launchd, which starts the probe on macOS while its user is logged in.

Nobody has run it on macOS yet; that its file says what launchd's manual asks for is tested, and
that `launchctl` is called as that manual has it.
"""

from __future__ import annotations

import os
import plistlib
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

from probe.schedule import Standing, Trouble, misplaced
from probe.schedule.calls import ask, differs, home, insist, put, take, template
from probe.words.language import _
from probe.words.wallclock import next_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from probe.schedule import Job

LABEL = "org.gatewatch.run"
_FIX = "gatewatch schedule install"


class Launchd:
    """An agent of the user who calls it, once an hour at a minute that chance chose."""

    name = "launchd"

    @property
    def _file(self) -> Path:
        return home() / "Library/LaunchAgents" / f"{LABEL}.plist"

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    def files(self, job: Job) -> Mapping[Path, str]:
        """The agent."""
        agent = plistlib.loads(template("launchd.plist").encode())
        agent["ProgramArguments"] = list(job.command)
        agent["StartCalendarInterval"] = {"Minute": self._minute()}
        if job.chosen:
            agent["EnvironmentVariables"] = {"GATEWATCH_HOME": str(job.folder)}
        return {self._file: plistlib.dumps(agent, sort_keys=False).decode()}

    def commands(self, job: Job) -> Sequence[Sequence[str]]:  # noqa: ARG002 - as `Timer` has it
        """Have the agent loaded."""
        return [["launchctl", "bootstrap", self._domain, str(self._file)]]

    def prepare(self, job: Job) -> None:
        """Nothing has to be there before."""

    def install(self, job: Job) -> None:
        """See `Timer.install`."""
        if not put(self.files(job)) and self._loaded():
            return
        ask(["launchctl", "bootout", f"{self._domain}/{LABEL}"])
        for words in self.commands(job):
            insist(words)

    def standing(self, job: Job) -> Standing:
        """See `Timer.standing`."""
        if not self._file.exists():
            return Standing(installed=False)
        program = tuple(str(word) for word in self._known().get("ProgramArguments", ())[:-2])
        troubles = misplaced(program, same=not differs(self.files(job)), fix=_FIX)
        if not self._loaded():
            troubles.append(Trouble(_("the timer does not run"), _FIX))
        return Standing(
            installed=True,
            program=program,
            next=None if troubles else next_at(self._minute(), time.time()),
            troubles=tuple(troubles),
        )

    def remove(self) -> bool:
        """See `Timer.remove`."""
        ask(["launchctl", "bootout", f"{self._domain}/{LABEL}"])
        return take([self._file])

    def _loaded(self) -> bool:
        return ask(["launchctl", "print", f"{self._domain}/{LABEL}"]).code == 0

    def _known(self) -> dict[str, Any]:
        try:
            known = plistlib.loads(self._file.read_bytes())
        except (OSError, ValueError, ExpatError):
            return {}
        return known if isinstance(known, dict) else {}

    def _minute(self) -> int:
        """The minute that was chosen before, else one by chance."""
        known = self._known().get("StartCalendarInterval")
        minute = known.get("Minute") if isinstance(known, dict) else None
        return minute if isinstance(minute, int) else secrets.randbelow(60)
