"""What lies on the disk: the address table, room, the data folder, what its owner has set."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import time
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

from probe.disk.mishap import failure_of
from probe.disk.places import data_folder, usual_folder
from probe.disk.presence import is_file, nearest
from probe.disk.readonly import is_read_only
from probe.doctor import Finding, State, place
from probe.origin.snapshot import OLD, age, current_manifest, damaged
from probe.owner.settings import read_settings, settings_file
from probe.redaction.identity import Identity
from probe.run.allowance import Allowance, allowance_file, is_unknown, lost
from probe.run.exclusions import exclusions_file, read_exclusions
from probe.run.spoiling import SET_CLOCK
from probe.schedule.diary import Diary
from probe.scrubbing import harmless
from probe.sharing.keys import key_files, keys_folder, read_key
from probe.words.failure import BadInput, Failure, PermissionDenied
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Bytes below which a few runs more fill the disk, and below which one does: a run over the list
# that ships takes about one megabyte.
_LITTLE = 200_000_000
_NEXT_TO_NOTHING = 10_000_000

_UPDATE = "gatewatch data update"


def snapshot(today: date | None = None) -> Iterator[Finding]:
    """Whether the address table is whole, and how old it is."""
    manifest = current_manifest()
    broken = damaged(manifest)
    if broken:
        yield Finding(
            State.FAILED,
            _("the address table is damaged: {files} in {folder}").format(
                files=", ".join(broken), folder=place(manifest.folder)
            ),
            _UPDATE,
        )
        return
    days = age(manifest, today or datetime.now(UTC).date())
    if days < 0:
        said = _("{snapshot}, whole, of a day that this clock has yet to reach")
        yield Finding(State.WARNING, said.format(snapshot=manifest.id), SET_CLOCK)
        return
    says = ngettext(
        "{snapshot}, whole, {days} day old", "{snapshot}, whole, {days} days old", days
    ).format(snapshot=manifest.id, days=days)
    old = days >= OLD
    yield Finding(State.WARNING if old else State.OK, says, _UPDATE if old else None)


def disk() -> Iterator[Finding]:
    """Whether there is room for more."""
    folder = nearest(data_folder())
    free = shutil.disk_usage(folder).free
    says = _("{megabytes:,.0f} MB are free where the results lie").format(megabytes=free / 1e6)
    if free >= _LITTLE:
        yield Finding(State.OK, says)
    else:
        full = free < _NEXT_TO_NOTHING
        yield Finding(State.FAILED if full else State.WARNING, says, _df(folder))


def folder() -> Iterator[Finding]:
    """Whether the data folder can be used by its owner, by nobody else, and is the only one."""
    yield _usable()
    yield from _another()


def _usable() -> Finding:
    home = data_folder()
    known = nearest(home)
    if is_read_only(known):
        return Finding(
            State.FAILED,
            _("{folder} lies on a file system that can only be read").format(folder=place(known)),
            _df(known),
        )
    if not os.access(known, os.W_OK | os.X_OK):
        return Finding(
            State.FAILED,
            _("{folder} may not be written by this user").format(folder=place(known)),
            f'sudo chown -R "$USER" {_quoted(home)}'
            if known == home
            else f'sudo install -d -m 700 -o "$USER" {_quoted(home)}',
        )
    if known != home:
        return Finding(State.OK, _("nothing is kept on this machine yet"))
    if os.name == "posix" and (strangers := _strangers(home)):
        return Finding(
            State.FAILED,
            _("{path} belongs to another user, as after a command with sudo").format(
                path=place(strangers[0])
            ),
            f'sudo chown -R "$USER" {_quoted(home)}',
        )
    if os.name == "posix" and home.stat().st_mode & 0o077:
        return Finding(
            State.WARNING,
            _("other users of this machine may look into {folder}").format(folder=place(home)),
            f"chmod -R go= {_quoted(home)}",
        )
    return Finding(State.OK, _("{folder} is for its owner alone").format(folder=place(home)))


def _another() -> Iterator[Finding]:
    """Whether this user has a second data folder that runs count into, each for itself."""
    here = data_folder()
    with suppress(BadInput, OSError):
        usual = usual_folder()
        if is_file(allowance_file(usual)) and usual.resolve() != here.resolve():
            yield Finding(
                State.WARNING,
                _(
                    "{folder} has been measured into as well; each folder has a budget and a pace "
                    "of its own, together twice as much"
                ).format(folder=place(usual)),
            )


def memory() -> Iterator[Finding]:
    """Whether what runs remember for the next can be read.

    The pseudonyms and the schedule the next run restores by itself, and a key the next bundle
    replaces. Counts that are lost keep runs from beginning until the day or the month is over.
    """
    identity = Identity(data_folder())
    diary = Diary(data_folder(), time.time, lambda: 0.0)
    restored = {identity.path: "gatewatch run", diary.path: "gatewatch run --scheduled"}
    remembered: list[tuple[Path, Callable[[], object]]] = [
        (identity.path, identity.last_flow),
        (allowance_file(), _demand_counts),
        (diary.path, diary.read),
        *((path, partial(read_key, path)) for path in key_files(keys_folder())),
    ]
    broken = False
    for path, read in remembered:
        try:
            read()
        except BadInput as problem:
            broken = True
            yield Finding(
                State.FAILED if path == allowance_file() else State.WARNING,
                harmless(problem.message),
                restored.get(path, f"rm {_quoted(path)}"),
            )
        except IsADirectoryError as problem:
            broken = True
            yield Finding(State.FAILED, harmless(str(failure_of(problem))), _move_away(path))
    if not broken:
        yield Finding(State.OK, _("what runs remember for the next can be read"))


def _demand_counts() -> None:
    """Raise `BadInput` where how much was sent today or this month is not known."""
    sent = Allowance(allowance_file(), math.inf, time.time).sent
    if any(map(is_unknown, sent)):
        raise BadInput(lost(allowance_file()))


def settings() -> Iterator[Finding]:
    """Whether what the owner has written into files can be understood."""
    for path, read in (
        (settings_file(), read_settings),
        (exclusions_file(), lambda: read_exclusions(exclusions_file())),
    ):
        try:
            read()
        except (Failure, OSError) as problem:
            failure = failure_of(problem) if isinstance(problem, OSError) else problem
            says = harmless(str(failure or problem))
            yield Finding(State.FAILED, says, _mended(path, failure))
            return
    there = [path.name for path in (settings_file(), exclusions_file()) if path.is_file()]
    if there:
        yield Finding(State.OK, _("understood: {files}").format(files=", ".join(there)))
    else:
        yield Finding(State.OK, _("nothing is set; everything is as it comes"))


def _mended(path: Path, failure: Failure | None) -> str:
    """What mends a file that its owner writes."""
    if isinstance(failure, PermissionDenied):
        return f"chmod u+rw {_quoted(path)}"
    return f"${{EDITOR:-nano}} {_quoted(path)}" if path.is_file() else _move_away(path)


def _move_away(path: Path) -> str:
    return f"mv {_quoted(path)} {_quoted(path.with_name(f'{path.name}.away'))}"


def _strangers(home: Path) -> list[Path]:
    """What another user owns in the data folder, which a link may lead to; root may use all."""
    me = os.geteuid()
    owners = [(home, home.stat()), *((path, path.lstat()) for path in home.rglob("*"))]
    return [path for path, owner in owners if owner.st_uid != me and me]


def _df(folder: Path) -> str:
    """What shows how a disk stands; all disks where the folder may not be named."""
    return "df -h" if place(folder).startswith("[") else f"df -h {_quoted(folder)}"


def _quoted(path: Path) -> str:
    """A path as a shell reads it; neither its user's home nor the chosen data folder is named."""
    shown = place(path)
    if shown.startswith("$"):
        return f'"{shown}"'
    if shown.startswith("~/"):
        return f"~/{shlex.quote(shown[2:])}"
    return shown if shown == "~" else shlex.quote(str(path))
