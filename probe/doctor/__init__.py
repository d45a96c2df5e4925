"""What may be wrong on a machine that measures: one finding a question, each with what mends it.

Whoever is refused something learns here which command allows it. The checks ask the modules that
they speak of; here is only what a finding is, and that no check can hide the others. Nothing is
sent, and no finding holds an address or the name of the machine: people paste such lists into
forums.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from probe.disk.mishap import failure_of
from probe.disk.places import HOME_VARIABLE
from probe.scrubbing import harmless
from probe.words.failure import Failure
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class State(StrEnum):
    """How it stands: well; well enough, but worth knowing; so that measuring or sending fails."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: a sentence, and the command that mends it where there is one."""

    state: State
    says: str
    remedy: str | None = None


def examine(checks: Mapping[str, Callable[[], Iterable[Finding]]]) -> Iterator[tuple[str, Finding]]:
    """Make each check; one that breaks is a finding itself, and hides none of the others.

    What keeps several checks from being made is said once, of the first.
    """
    told = set()
    for name, check in checks.items():
        try:
            found = list(check())
        except Failure as problem:
            says = harmless(problem.message)
            found = [Finding(State.FAILED, says)] if says not in told else []
        except Exception as problem:
            failure = failure_of(problem) if isinstance(problem, OSError) else None
            says = (
                harmless(failure.message)
                if failure is not None
                else _("this check itself broke ({kind}); please report it").format(
                    kind=type(problem).__name__
                )
            )
            found = [Finding(State.FAILED, says)]
        for finding in found:
            told.add(finding.says)
            yield name, finding


def place(path: Path) -> str:
    """A path without the name of its user, nor any folder outside of home: those may hold it.

    >>> place(Path.home() / "a" / "b"), place(Path("/media/sokha/a"))
    ('~/a/b', '[folder]/a')
    """
    with contextlib.suppress(ValueError, RuntimeError):
        return str("~" / path.relative_to(Path.home()))
    for variable in (HOME_VARIABLE, "XDG_DATA_HOME"):
        chosen = os.environ.get(variable)
        if chosen and path.is_relative_to(chosen):
            return str(f"${variable}" / path.relative_to(chosen))
    return harmless(str(path))
