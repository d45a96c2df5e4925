"""Runs that begin by themselves: what is asked of whatever starts programs on a system.

A volunteer should be able to forget the probe, and to find out in one line that it does not run any
more. So a timer says which files it would write and which commands it would call before it does so,
and afterwards what is wrong and which command mends it. This module knows no system; each has one
of its own beside it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Seconds between two measurements, and at most how much later chance makes one: machines that all
# measure at the same moment would be a burst, and a fixed hour would be a mark to know them by.
EVERY = 6 * 3600.0
JITTER = 3600.0

# What the timer calls, once an hour; whether a measurement is due is decided there.
ARGUMENTS = ("run", "--scheduled")


@dataclass(frozen=True)
class Job:
    """What is to be called: ``program`` are its first words, ``folder`` is where its data lies.

    ``chosen`` says that the folder is not the one the program would take by itself.
    """

    program: tuple[str, ...]
    folder: Path
    chosen: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        """All words of the call."""
        return (*self.program, *ARGUMENTS)


@dataclass(frozen=True)
class Trouble:
    """Something that keeps measurements from being made, and the command that mends it."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Standing:
    """How a timer stands. ``next`` is in seconds since the epoch, None where it is not known.

    ``program`` are the first words of what it calls, empty where they cannot be told. ``hints``
    are troubles that its owner may have wanted as they are.
    """

    installed: bool
    program: tuple[str, ...] = ()
    next: float | None = None
    troubles: tuple[Trouble, ...] = ()
    hints: tuple[Trouble, ...] = ()


class Timer(Protocol):
    """Whatever starts programs here by the clock."""

    @property
    def name(self) -> str:
        """What its users call it."""

    def files(self, job: Job) -> Mapping[Path, str]:
        """What would be written, by path."""

    def commands(self, job: Job) -> Sequence[Sequence[str]]:
        """What would be called, after the files are written."""

    def install(self, job: Job) -> None:
        """Put the job in place and switch it on; a second time changes nothing.

        Raises `PermissionDenied` where the system does not let this user.
        """

    def prepare(self, job: Job) -> None:
        """Make what has to be there before consent can be asked and files be written."""

    def standing(self, job: Job) -> Standing:
        """How it stands now, against how the job should."""

    def remove(self) -> bool:
        """Switch it off and leave nothing of it; whether there was anything."""


def misplaced(program: Sequence[str], *, same: bool, fix: str) -> list[Trouble]:
    """What is wrong with what a timer calls, if anything.

    ``same`` says whether all is set as it would be set now; ``fix`` is the command that does it.
    """
    if not program or not os.access(program[0], os.X_OK):
        gone = _("the program that it calls, {path}, is not there any more")
        return [Trouble(gone.format(path=program[0] if program else "?"), fix)]
    if not same:
        return [Trouble(_("it was set up by another version or for another place"), fix)]
    return []
