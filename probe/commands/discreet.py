"""How a command that a timer called fails: with its exit code, and without naming anything.

Its output goes to the journal, or into mails of cron, which outlive `gatewatch purge`. What a
failure says to a person names the collector, and folders with their user's name. This module knows
no command.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import click

from probe.words.failure import Failure, cause
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable


def discreet(see: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """For a command with ``--scheduled``: called so, its failures say no more than their code.

    ``see`` is the command that tells a person what was wrong.
    """

    def of(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def called(*arguments: object, scheduled: bool, **options: object) -> None:
            try:
                command(*arguments, scheduled=scheduled, **options)
            except Exception as problem:
                failure = _failure(cause(problem)) if scheduled else None
                if failure is None:
                    raise
                click.echo(
                    _("not all was done; exit code {code}, see: {command}").format(
                        code=failure.exit_code, command=see
                    ),
                    err=True,
                )
                click.get_current_context().exit(failure.exit_code)

        return called

    return of


def _failure(problem: BaseException) -> Failure | None:
    if isinstance(problem, OSError):
        from probe.disk.mishap import failure_of  # noqa: PLC0415 - seldom needed

        return failure_of(problem)
    return problem if isinstance(problem, Failure) else None
