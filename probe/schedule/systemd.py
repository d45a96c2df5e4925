"""A timer of systemd: one of the user's own, or one of the system with a user of its own.

The user's needs no privileges and measures with what any user may send. The system's runs whether
anybody is logged in or not, and has of all that root may do the one thing that raw sockets take.
Both are shut in as far as their kind of unit can be; `systemd-analyze security` gives a number
to that, and a test holds it down. This module knows nothing of what is called.
"""

from __future__ import annotations

import json
import os
import pwd
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from probe.disk.private import make_folder
from probe.schedule import Standing, Trouble, misplaced
from probe.schedule.calls import ask, differs, home, insist, put, take, template
from probe.words.failure import PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from probe.schedule import Job

SERVICE = "gatewatch.service"
TIMER = "gatewatch.timer"

# The system's user, and where it is at home; its data lies there as anybody's does at home.
USER = "gatewatch"
USER_HOME = Path("/var/lib/gatewatch")
USER_DATA = USER_HOME / ".local/share/gatewatch"

# Where a package puts units, where an administrator does, and who may stay without being there.
PACKAGED = Path("/usr/lib/systemd/system")
SYSTEM = Path("/etc/systemd/system")
SYSUSERS = Path("/etc/sysusers.d/gatewatch.conf")
LINGER = Path("/var/lib/systemd/linger")
STAMPS = Path("/var/lib/systemd/timers")

# What a unit of the system cannot see, so that no program may lie there.
_HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"))

_MICROSECONDS = 1e6


class UserTimer:
    """A timer of the user who calls it."""

    name = "systemd, user timer"
    _manager: tuple[str, ...] = ("systemctl", "--user")
    _fix = "gatewatch schedule install"

    @property
    def _folder(self) -> Path:
        configured = os.environ.get("XDG_CONFIG_HOME")
        return (Path(configured) if configured else home() / ".config") / "systemd/user"

    @property
    def _stamps(self) -> Path:
        data = os.environ.get("XDG_DATA_HOME")
        return (Path(data) if data else home() / ".local/share") / "systemd/timers"

    def files(self, job: Job) -> Mapping[Path, str]:
        """The service and its timer."""
        environment = (
            f"Environment={unit_word(f'GATEWATCH_HOME={job.folder}')}\n" if job.chosen else ""
        )
        service = template("user.service").format(
            command=" ".join(map(unit_word, job.command)),
            environment=environment,
            private_users="true" if self._can_have_private_users() else "false",
            folder=unit_word(str(job.folder), variables=False),
        )
        return {self._folder / SERVICE: service, self._folder / TIMER: template(TIMER)}

    def commands(self, job: Job) -> Sequence[Sequence[str]]:  # noqa: ARG002 - as `Timer` has it
        """Have the units read, and the timer switched on now and at each start."""
        return [
            [*self._manager, "daemon-reload"],
            [*self._manager, "enable", TIMER],
            # A changed timer counts from now on only where it is started anew.
            [*self._manager, "restart", TIMER],
        ]

    def prepare(self, job: Job) -> None:
        """Make the data folder: what is not there cannot be made writable."""
        make_folder(job.folder)

    def install(self, job: Job) -> None:
        """See `Timer.install`."""
        self.prepare(job)
        if not put(self.files(job)) and not self._off():
            return
        for words in self.commands(job):
            insist(words)

    def standing(self, job: Job) -> Standing:
        """See `Timer.standing`."""
        if not self._installed():
            return Standing(installed=False)
        program = self._calls()
        troubles = misplaced(program, same=not differs(self.files(job)), fix=self._fix)
        off = self._off()
        if off is not None:
            troubles.append(Trouble(off, self._fix))
        return Standing(
            installed=True,
            program=program,
            next=None if off else self._next(),
            troubles=tuple(troubles),
            hints=self._hints(),
        )

    def remove(self) -> bool:
        """See `Timer.remove`."""
        there = self._installed()
        if there:
            ask([*self._manager, "disable", "--now", TIMER])
        wants = self._folder / "timers.target.wants" / TIMER
        there |= take([self._folder / SERVICE, self._folder / TIMER, wants])
        # When it last went off, which systemd keeps for itself.
        take([self._stamps / f"stamp-{TIMER}"])
        for folder in (wants.parent, self._folder):
            with suppress(OSError):  # kept where others have something in it, too
                folder.rmdir()
        if there:
            ask([*self._manager, "daemon-reload"])
            ask([*self._manager, "reset-failed", SERVICE, TIMER])
        return there

    def _installed(self) -> bool:
        return (self._folder / TIMER).exists()

    def _service(self) -> Path:
        return self._folder / SERVICE

    def _calls(self) -> tuple[str, ...]:
        """The first words of what the service calls, as far as they can be read."""
        with suppress(OSError, ValueError):
            for line in self._service().read_text(encoding="utf-8").splitlines():
                if line.startswith("ExecStart="):
                    said = line.partition("=")[2].replace("%%", "%").replace("$$", "$")
                    return tuple(shlex.split(said))[:-2]
        return ()

    def _can_have_private_users(self) -> bool:
        """Whether services of users may be shut in by name spaces; some kernels forbid it."""
        trial = ["systemd-run", "--user", "--quiet", "--wait", "--collect"]
        wanted = ("PrivateUsers=true", "ProtectSystem=strict", "PrivateTmp=true")
        return ask([*trial, *(f"--property={one}" for one in wanted), "true"]).code == 0

    def _shown(self, *names: str) -> dict[str, str]:
        said = ask([*self._manager, "show", *(f"-p{name}" for name in names), TIMER])
        return dict(line.partition("=")[::2] for line in said.out.splitlines())

    def _off(self) -> str | None:
        """Why the timer will not go off, in words; None where it will."""
        shown = self._shown("UnitFileState", "ActiveState")
        if not shown:
            return _("systemd does not answer ({command})").format(command=" ".join(self._manager))
        if shown.get("ActiveState") != "active":
            return _("the timer does not run")
        if shown.get("UnitFileState") != "enabled":
            return _("the timer will not be there after the next start")
        return None

    def _next(self) -> float | None:
        said = ask([*self._manager, "list-timers", "--all", "--output=json", TIMER]).out
        try:
            return float(json.loads(said)[0]["next"]) / _MICROSECONDS
        except (ValueError, LookupError, TypeError):
            return None

    def _hints(self) -> tuple[Trouble, ...]:
        try:
            user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # not in the list of users, and only who is there may linger
            remedy = SystemTimer._fix
        else:
            if (LINGER / user).exists():
                return ()
            remedy = 'sudo loginctl enable-linger "$USER"'
        return (Trouble(_("it measures only while you are logged in"), remedy),)


class SystemTimer(UserTimer):
    """A timer of the system, which runs as a user that has nothing else to do."""

    name = "systemd, system timer"
    _manager = ("systemctl",)
    _fix = "sudo gatewatch schedule install --system"

    @property
    def _folder(self) -> Path:
        return SYSTEM

    @property
    def _stamps(self) -> Path:
        return STAMPS

    def files(self, job: Job) -> Mapping[Path, str]:
        """The service, its timer and its user, without what a package has put in place."""
        units = system_units(job)
        if not differs({PACKAGED / name: text for name, text in units.items()}):
            return {}
        return {
            SYSUSERS: template("sysusers.conf"),
            **{SYSTEM / name: text for name, text in units.items()},
        }

    def prepare(self, job: Job) -> None:
        """Have the user made, and its home.

        Raises `PermissionDenied` for who is not root, and where the service could not see the
        program.
        """
        if os.geteuid() != 0:
            raise PermissionDenied(
                _("a timer of the system is root's business: {command}").format(command=self._fix)
            )
        place = Path(job.program[0])
        if any(hidden in (*place.parents, *place.resolve().parents) for hidden in _HIDDEN):
            raise PermissionDenied(
                _(
                    "the system's timer cannot reach {path}; install gatewatch for all users (the "
                    ".deb, or pipx install --global), or leave out --system"
                ).format(path=place)
            )
        if SYSUSERS in self.files(job):
            put({SYSUSERS: template("sysusers.conf")})
            insist(["systemd-sysusers", str(SYSUSERS)])
        owner = pwd.getpwnam(USER)
        if not USER_HOME.exists():
            USER_HOME.mkdir(mode=0o700)
            os.chown(USER_HOME, owner.pw_uid, owner.pw_gid)

    def remove(self) -> bool:
        """See `Timer.remove`. Its user goes with it, unless data or a package still needs it."""
        if os.geteuid() != 0:
            raise PermissionDenied(
                _("a timer of the system is root's business: {command}").format(
                    command="sudo gatewatch schedule remove --system"
                )
            )
        there = super().remove()
        if SYSUSERS.exists():
            for folder in (USER_DATA.parent, USER_DATA.parent.parent, USER_HOME):
                with suppress(OSError):
                    folder.rmdir()
            if not USER_HOME.exists():
                ask(["userdel", USER])
                take([SYSUSERS])
            there = True
        return there

    def _installed(self) -> bool:
        """A package brings its units switched off; those are none until somebody wants them."""
        return (SYSTEM / TIMER).exists() or (SYSTEM / "timers.target.wants" / TIMER).is_symlink()

    def _service(self) -> Path:
        own = super()._service()
        return own if own.exists() else PACKAGED / SERVICE

    def _hints(self) -> tuple[Trouble, ...]:
        return ()


def system_units(job: Job) -> dict[str, str]:
    """The units of the system by name, for whoever puts them in place: `install` or a package."""
    service = template("system.service").format(command=" ".join(map(unit_word, job.command)))
    return {SERVICE: service, TIMER: template(TIMER)}


def unit_word(word: str, *, variables: bool = True) -> str:
    """A word as a unit file has it: what means something to systemd means itself.

    ``variables`` says whether the line is one in which systemd puts in variables.

    >>> unit_word("/opt/50% off/gatewatch")
    '"/opt/50%% off/gatewatch"'
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if variables:
        escaped = escaped.replace("$", "$$")
    plain = all(letter.isalnum() or letter in "-_./=:@+,%$" for letter in escaped)
    return escaped if plain and word else f'"{escaped}"'
