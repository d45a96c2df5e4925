"""Which timer this system has, and what it is to call.

Upgrades must not leave the schedule off: what is called is the path under which the program was
typed, which stays through upgrades, not the file behind it. This module asks for the programs that
are there, not for the name of the system.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from probe.disk.places import data_folder, is_chosen, is_under_sudo
from probe.schedule import Job, Standing, Timer, Trouble
from probe.schedule.beside import Beside
from probe.schedule.cron import Crontab
from probe.schedule.launchd import Launchd
from probe.schedule.systemd import USER_DATA, SystemTimer, UserTimer
from probe.words.failure import Failure
from probe.words.language import _

# There while systemd is what started this system.
BOOTED = Path("/run/systemd/system")

_NAME = "gatewatch"


def timer(*, system: bool) -> Timer:
    """What starts programs here. Raises `Failure` where nothing that is known does."""
    if BOOTED.is_dir():
        if system:
            return SystemTimer()
        return Beside(UserTimer(), Crontab()) if shutil.which("crontab") else UserTimer()
    if system:
        raise Failure(_("--system needs systemd, which did not start this system"))
    if shutil.which("launchctl"):
        return Launchd()
    if shutil.which("crontab"):
        return Crontab()
    raise Failure(
        _(
            "neither systemd nor launchd nor cron is here to begin runs; install cron, or have "
            "`{command}` called once an hour by something else"
        ).format(command=f"{_NAME} run --scheduled")
    )


def unseen() -> Trouble:
    """What is out of sight under sudo: of timers, those of who called it."""
    return Trouble(
        _("under sudo no timer of yours is seen, ask without it"), "gatewatch schedule status"
    )


def in_place(*, system: bool) -> tuple[Timer, Job, Standing] | None:
    """The timer that is installed, and how it stands; None where there is none."""
    try:
        found, what = timer(system=system), job(system=system)
        standing = found.standing(what)
    except Failure:  # nothing here that could call, or nothing that it could call
        return None
    return (found, what, standing) if standing.installed else None


def is_system_wide() -> bool:
    """Whether the system's timer is in place, which has data of its own."""
    return in_place(system=True) is not None


def others() -> tuple[Trouble, ...]:
    """Timers of which a command for one's own tells nothing: they may measure all the same."""
    found = []
    if is_under_sudo():
        found.append(unseen())
    if is_system_wide():
        says = _("the system's timer measures by itself")
        found.append(Trouble(says, "sudo gatewatch schedule status --system"))
    return tuple(found)


def left_on() -> list[str]:
    """What is said of those others where one's own is taken away."""
    said = []
    if is_under_sudo():
        said.append(
            _(
                "A timer that was installed without sudo is not deleted; to remove it, without "
                "sudo: gatewatch schedule remove"
            )
        )
    if is_system_wide():
        said.append(
            _(
                "The system's timer and its own data are not deleted; to delete both: sudo -H -u "
                "gatewatch gatewatch purge, then sudo gatewatch schedule remove --system"
            )
        )
    return said


def job(*, system: bool) -> Job:
    """What a timer has to call. Raises `Failure` where the program has no place that stays."""
    if system:
        return Job((program(),), USER_DATA)
    return Job((program(),), data_folder().absolute(), is_chosen())


def program() -> str:
    """The path of this program as it was typed or as a shell finds it, links not followed.

    Raises `Failure` where it is not installed.
    """
    for candidate in (
        sys.argv[0] if Path(sys.argv[0]).name == _NAME else None,
        shutil.which(_NAME),
        str(Path(sys.executable).with_name(_NAME)),
    ):
        if candidate and os.access(candidate, os.X_OK) and Path(candidate).is_file():
            return str(Path(candidate).absolute())
    raise Failure(
        _(
            "gatewatch is not installed, so no timer could find it; install it: {command} in the "
            "folder of its source"
        ).format(command="pipx install .")
    )
