"""A line in the user's crontab, for systems that start nothing by systemd or launchd.

A crontab belongs to its user and may hold anything, so only what stands between two marks of ours
is ever changed, and all else is given back byte for byte.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

from probe.schedule import Standing, Trouble, misplaced
from probe.schedule.calls import ask, insist, refusal, template
from probe.words.language import _, mark
from probe.words.wallclock import next_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from probe.schedule import Job

_BLOCK = re.compile(
    r"^# BEGIN gatewatch[^\n]*\n(.*?)^# END gatewatch *(?:\n|\Z)", re.MULTILINE | re.DOTALL
)
_ENTRY = re.compile(r"^(\d+) \* \* \* \* (.*)$", re.MULTILINE)
_FIX = "gatewatch schedule install"

_NO_CRON = mark("no cron runs on this system, so that no run begins by itself")
_START = "sudo service cron start"

_PROCESSES = Path("/proc")

# How `crontab -l` ends where there is none.
_NONE = 1


class Crontab:
    """An entry of the user who calls it, once an hour at a minute that chance chose."""

    name = "crontab"

    def files(self, job: Job) -> Mapping[Path, str]:  # noqa: ARG002 - as `Timer` has it
        """None: the crontab is `crontab`'s own file."""
        return {}

    def commands(self, job: Job) -> Sequence[Sequence[str]]:
        """Give `crontab` what was there, with our lines."""
        return [["crontab", "-"], *([line] for line in self._block(job).splitlines())]

    def prepare(self, job: Job) -> None:
        """Nothing has to be there before."""

    def install(self, job: Job) -> None:
        """See `Timer.install`."""
        before = read()
        after = with_block(before, self._block(job))
        if after != before:
            insist(["crontab", "-"], after)

    def standing(self, job: Job) -> Standing:
        """See `Timer.standing`."""
        block = _BLOCK.search(read())
        if block is None:
            return Standing(installed=False)
        entry = _ENTRY.search(block[1])
        program = _program(entry[2]) if entry else ()
        troubles = misplaced(program, same=block[0] == self._block(job), fix=_FIX)
        hints = () if _runs() else (Trouble(_(_NO_CRON), _START),)
        calls = entry if not (troubles or hints) else None
        return Standing(
            installed=True,
            program=program,
            next=next_at(int(calls[1]), time.time()) if calls else None,
            troubles=tuple(troubles),
            hints=hints,
        )

    def remove(self) -> bool:
        """See `Timer.remove`. A crontab in which nothing else stands goes as well."""
        before = read()
        after = without_block(before)
        if after == before:
            return False
        if after.strip():
            insist(["crontab", "-"], after)
        else:
            insist(["crontab", "-r"])
        return True

    def _block(self, job: Job) -> str:
        known = _BLOCK.search(read())
        entry = _ENTRY.search(known[1]) if known else None
        minute = int(entry[1]) if entry else secrets.randbelow(60)
        command = shlex.join(job.command)
        if job.chosen:
            command = f"GATEWATCH_HOME={shlex.quote(str(job.folder))} {command}"
        # To cron a percent sign is the end of a line. Nobody wants a mail every hour.
        command = command.replace("%", r"\%") + " >/dev/null 2>&1"
        return template("crontab").format(minute=minute, command=command)


def _runs() -> bool:
    """Whether any cron reads crontabs; so it is taken to be where others' processes are hidden."""
    names = {number: _name(number) for number in _PROCESSES.glob("[0-9]*")}
    if not names.get(_PROCESSES / "1"):
        return True
    return any("cron" in name or name == "busybox" for name in names.values())


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # it has ended, or is hidden
        return ""


def read() -> str:
    """The crontab of this user; empty where there is none.

    Raises `PermissionDenied` where that cannot be told, since what is written goes in its place.
    """
    words = ["crontab", "-l"]
    said = ask(words)
    if said.code not in {0, _NONE}:
        raise refusal(words, said)
    return said.out if said.code == 0 else ""


def with_block(crontab: str, block: str) -> str:
    """A crontab with our lines where they were, else at its end.

    >>> with_block("@daily backup", "# BEGIN gatewatch\\n# END gatewatch\\n")
    '@daily backup\\n# BEGIN gatewatch\\n# END gatewatch\\n'
    """
    if _BLOCK.search(crontab):
        return _BLOCK.sub(lambda _: block, crontab, count=1)
    gap = "\n" if crontab and not crontab.endswith("\n") else ""
    return f"{crontab}{gap}{block}"


def without_block(crontab: str) -> str:
    """A crontab without our lines."""
    return _BLOCK.sub("", crontab)


def _program(command: str) -> tuple[str, ...]:
    """The first words of what an entry calls."""
    try:
        words = shlex.split(command.replace(r"\%", "%"))
    except ValueError:
        return ()
    if words and words[0].startswith("GATEWATCH_HOME="):
        words = words[1:]
    return tuple(words[: words.index("run")]) if "run" in words else ()
