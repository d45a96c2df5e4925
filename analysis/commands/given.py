"""What the analyst's commands are given, tables, countries and files, and what is said of it.

Each mistake is told before what takes long, with what mends it. What becomes of traces is not known
here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from analysis.countries import UnknownCountry, country_code
from analysis.words.wording import counted
from probe.origin import Origin, OriginError, open_origin
from probe.words.failure import BadInput, Failure

if TYPE_CHECKING:
    from analysis.intake.load import Loaded

if find_spec("pandas") is None:
    # Commands import what they need when they run. Who lacks the extra is told before that, not
    # after having found out which arguments are wanted.
    raise ModuleNotFoundError("the extra for analysts is not installed", name="pandas")


def open_table(path: Path | None) -> Origin:
    """The address table of a path, or the one in use; `BadInput` where it is none."""
    try:
        return open_origin(path)
    except OriginError as problem:
        raise BadInput(str(problem)) from None


def table_to_judge_by(path: Path | None) -> Origin:
    """What `open_table` opens. Raises `Failure` where the clock is behind the table in use.

    By such a clock traces are of days to come, and left out: a verdict would be of none, or of old
    ones alone. What a table says that somebody names may be wrong itself.
    """
    table = open_table(path)
    been = table.snapshot.date if path is None else None
    today = datetime.fromtimestamp(time.time(), UTC).date().isoformat()
    if been is not None and today < been:
        raise Failure(
            f"the clock of this machine says {today}, but the address table is of {been}: traces "
            "would be left out as of days to come; set it, as with sudo timedatectl set-ntp true"
        )
    return table


def known_country(table: Origin, country: str, given_as: str) -> str:
    """The code in capitals; a usage error that names ``given_as`` where it is none."""
    try:
        return country_code(table, country)
    except UnknownCountry as problem:
        raise click.BadParameter(str(problem), param_hint=given_as) from None


def named_files(paths: Sequence[str]) -> list[str]:
    """The files that are to be read; `BadInput` where a path names none."""
    from analysis.intake.inputs import InputError, find_files  # noqa: PLC0415 - not for --help

    try:
        return find_files(paths)
    except InputError as problem:
        raise BadInput(str(problem)) from None


def warn(loaded: Loaded) -> None:
    """Say on the standard error what could not be read."""
    for complaint in loaded.complaints:
        click.echo(f"warning: {complaint}", err=True)
    from analysis.intake.sieve import Unread  # noqa: PLC0415 - not for --help

    unnamed = sum(loaded.rejected[reason] for reason in get_args(Unread)) - len(loaded.complaints)
    if unnamed > 0:
        click.echo(f"warning: further lines or files that could not be read: {unnamed}", err=True)


def nothing_usable(paths: tuple[str, ...], loaded: Loaded) -> BadInput:
    """The failure of a command of whose input no trace is left, with what became of it."""
    reasons = counted(loaded.rejected) or "the input is empty"
    return BadInput(
        f"{' '.join(paths)}: no usable trace ({reasons}); "
        "give records of gatewatch or RIPE Atlas traceroute results"
    )
