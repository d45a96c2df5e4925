"""What the owner of this machine has agreed to, and since when: asked before anything is done.

Each permission is agreed to by itself and holds for the version of the text that was read; a new
version, a file that cannot be understood and no file at all are no consent. This module knows
the text's version, and neither its words nor how the question is put.
"""

from __future__ import annotations

import json
import re
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from probe.disk.private import read_kept, remove_file, replace_file
from probe.words.failure import NoConsent, PartlyDone
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

# Of the text in data/consent. A change of what is agreed to makes a new one, and asks everybody.
VERSION = 1

_FILE = "consent.json"
_SCHEMA = "gatewatch.consent/1"
_NEWER = re.compile(r"gatewatch\.consent/([2-9]|[1-9][0-9]+)")


class Permission(StrEnum):
    """What is agreed to, each by itself."""

    RUN = "run"
    KEEP = "keep"
    SHARE = "share"


class Granted(NamedTuple):
    """One yes: to which version of the text, and on which day."""

    version: int
    on: date

    @property
    def holds(self) -> bool:
        """Whether that version is still the one in use."""
        return self.version == VERSION

    @property
    def is_newer(self) -> bool:
        """Whether a newer gatewatch than this one asked for it."""
        return self.version > VERSION


def said(folder: Path) -> dict[Permission, Granted]:
    """Each yes that stands in this data folder, to older versions of the text as well."""
    return _read(folder).yeses


class Condition(StrEnum):
    """How much of the file of answers can be understood; one that is not there is whole."""

    WHOLE = "whole"
    DAMAGED = "damaged"
    NEWER = "newer"


def condition(folder: Path) -> Condition:
    """Whether the answers in this data folder can be understood."""
    return _read(folder).condition


def trouble(folder: Path) -> str | None:
    """What is said where an answer in this data folder cannot be understood; else None."""
    path = folder / _FILE
    match condition(folder):
        case Condition.WHOLE:
            return None
        case Condition.DAMAGED:
            return _("{path} is damaged; what cannot be read in it counts as no").format(path=path)
        case Condition.NEWER:
            return _(
                "a newer gatewatch than this one wrote {path}; until you update this one, nothing "
                "in that file counts as agreed to"
            ).format(path=path)


class _Answers(NamedTuple):
    yeses: dict[Permission, Granted]
    condition: Condition


def _read(folder: Path) -> _Answers:
    try:
        kept = json.loads(read_kept(folder / _FILE))
    except (FileNotFoundError, NotADirectoryError):
        return _Answers({}, Condition.WHOLE)
    except (ValueError, RecursionError):  # as brackets in brackets in brackets
        return _Answers({}, Condition.DAMAGED)
    schema = kept.get("schema") if isinstance(kept, dict) else None
    if schema != _SCHEMA:
        newer = isinstance(schema, str) and _NEWER.fullmatch(schema)
        return _Answers({}, Condition.NEWER if newer else Condition.DAMAGED)
    found = {each: _granted(kept[each.value]) for each in Permission if each.value in kept}
    yeses = {each: granted for each, granted in found.items() if granted is not None}
    return _Answers(yeses, Condition.WHOLE if len(yeses) == len(found) else Condition.DAMAGED)


def _granted(entry: Any) -> Granted | None:
    if not isinstance(entry, dict) or type(entry.get("version")) is not int:
        return None
    try:
        return Granted(entry["version"], date.fromisoformat(str(entry.get("on"))))
    except ValueError:
        return None


def missing(folder: Path, *permissions: Permission) -> list[Permission]:
    """Which of these nobody has agreed to, or not to the text as it is now."""
    agreed = said(folder)
    return [each for each in permissions if each not in agreed or not agreed[each].holds]


def require(folder: Path, *permissions: Permission) -> None:
    """Return where all of these are agreed to; else raise `NoConsent`, which says what to do."""
    lacking = missing(folder, *permissions)
    if lacking:
        raise refusal(folder, lacking)


def newer_text(folder: Path, lacking: Iterable[Permission]) -> str | None:
    """What to say if the owner agreed to one of these by a newer text than ours; else None."""
    agreed = said(folder)
    if any(each in agreed and agreed[each].is_newer for each in lacking):
        return _(
            "the consent that was given here is to a newer text than this gatewatch has, and does "
            "not hold until this one is updated"
        )
    return None


def refusal(folder: Path, lacking: Collection[Permission]) -> NoConsent:
    """The sentence for who has not agreed to these."""
    names = ", ".join(lacking)
    options = " ".join(f"--{name}" for name in lacking)
    other = trouble(folder) or newer_text(folder, lacking)
    if other is not None:
        reason = other
    elif any(each in said(folder) for each in lacking):
        reason = _("the text on consent has changed since the owner of this machine agreed")
    else:
        reason = _("the owner of this machine has not agreed to: {names}").format(names=names)
    return NoConsent(
        _(
            "{reason}; read what is asked with `gatewatch consent show`, then agree with "
            "`gatewatch consent grant` on a terminal, or `gatewatch consent grant {options} "
            "--version-read {version}`"
        ).format(reason=reason, options=options, version=VERSION)
    )


def change(folder: Path, answers: dict[Permission, bool], today: date) -> None:
    """Put these answers down: a yes is kept with its day, a no leaves nothing behind.

    Where no yes is left there is no file, and no folder is made for a no. It is on the disk when
    this returns: who is in a hurry to take consent back may pull the plug next. Where a yes is
    taken back and the others cannot be written, as on a full disk, all are taken back, and
    `PartlyDone` says so.
    """
    agreed = said(folder)
    takes_back = any(each in agreed for each, yes in answers.items() if not yes)
    for permission, yes in answers.items():
        agreed.pop(permission, None)
        if yes:
            agreed[permission] = Granted(VERSION, today)
    path = folder / _FILE
    if not agreed:
        remove_file(path)
        return
    entries = {
        each.value: {"version": granted.version, "on": granted.on.isoformat()}
        for each, granted in agreed.items()
    }
    try:
        replace_file(path, json.dumps({"schema": _SCHEMA, **entries}, indent=1) + "\n")
    except OSError as problem:
        if not takes_back:
            raise
        remove_file(path)
        raise PartlyDone(
            _(
                "{path} could not be written ({reason}), so everything that was agreed to is taken "
                "back; make room, then agree anew to what you want with `gatewatch consent grant`"
            ).format(path=path, reason=problem.strerror)
        ) from problem
