"""``gatewatch purge``: all that gatewatch keeps on this machine is taken away."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

import click

from probe.commands import words
from probe.commands.deleting import agreed, limits, nothing_handed_on
from probe.commands.purge_accepted import purge_accepted
from probe.disk.belongings import CONSENT, belongings, strangers, take_away
from probe.disk.installation import removing
from probe.disk.places import data_folder
from probe.owner.settings import MOST_DAYS
from probe.run.lock import Busy, lock
from probe.schedule import here
from probe.sharing.outbox import outbox_folder, status
from probe.words.failure import Failure, PartlyDone
from probe.words.language import _, for_scripts, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from probe.disk.belongings import Belonging
    from probe.schedule import Timer

# Seconds until a run has noticed that consent is gone and has ended, and between two looks.
_PATIENCE = 10.0
_LOOK = 0.1


@click.command(short_help="Delete all that is kept on this machine.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--accepted",
    "days",
    type=click.IntRange(1, MOST_DAYS),
    metavar="DAYS",
    help="Only traces that a collector has accepted, measured more than so many days ago.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object; without --yes nothing is asked and nothing is deleted.",
)
def purge(*, yes: bool, days: int | None, as_json: bool) -> None:
    """Delete traces, keys, bundles, consent, settings and your timer, after listing them.

    Asks first, and the default is no. What was sent before stays where it was sent, what other
    commands wrote to a folder that you named stays there, and what a drive deleted may still be
    read from it by experts. With --accepted everything else stays.
    """
    if as_json:
        click.get_current_context().with_resource(for_scripts())
    if days is not None:
        purge_accepted(days, yes=yes, as_json=as_json)
        return
    folder = data_folder()
    timer = _timer()
    found = belongings(folder)
    fields = _fields(folder, found, timer) if as_json else {}
    unheard: list[OSError] = []
    if not as_json:
        # Where nobody can be asked, nothing is deleted; who has said yes may be in a hurry.
        with _going_on(unheard) if yes else nullcontext():
            _list(folder, found, timer)
    there = bool(found) or timer is not None
    wanted = there and (yes or (not as_json and agreed()))
    undisturbed = not wanted or _delete(folder, timer)
    with _going_on(unheard):
        if as_json:
            click.echo(json.dumps({**fields, "deleted": wanted}))
        elif wanted:
            _say_what_is_left(folder)
        elif there:
            click.echo(_("nothing was deleted"))
    if not undisturbed:
        raise PartlyDone(
            _(
                "another gatewatch is at work here and does not end, as while it sends over a slow "
                "line; it may write some of this anew: call `gatewatch purge` again when it has "
                "ended"
            )
        )
    if unheard:
        raise _unsaid(unheard[0]) if wanted else unheard[0]


@contextmanager
def _going_on(unheard: list[OSError]) -> Iterator[None]:
    """Say something; where nobody can be told, that is put down and ends nothing yet."""
    try:
        yield
    except OSError as problem:
        unheard.append(problem)


def _unsaid(problem: OSError) -> OSError | Failure:
    """What ends a command that has deleted all, and could not say it on the standard output."""
    if isinstance(problem, BrokenPipeError):
        return problem
    return PartlyDone(
        _(
            "all of it is deleted; only what is said of it could not be written ({reason}): send "
            "the output elsewhere to see what is left"
        ).format(reason=problem.strerror)
    )


def _delete(folder: Path, timer: Timer | None) -> bool:
    """Take all away; whether nobody was at work meanwhile who may write some of it anew."""
    # Whoever is at work here looks for consent every few seconds, and ends without.
    with suppress(OSError):  # it is tried once more, and told of, below
        take_away(folder, [one for one in belongings(folder) if one.kind == CONSENT])
    if timer is not None:
        timer.remove()
    with _undisturbed(folder) as undisturbed:
        # Looked at anew: more may have come while it was asked.
        take_away(folder, belongings(folder))
    return undisturbed


def _timer() -> Timer | None:
    """The user's timer, where one is installed."""
    found = here.in_place(system=False)
    return found[0] if found is not None else None


@contextmanager
def _undisturbed(folder: Path) -> Iterator[bool]:
    """Wait until nobody else is at work in the data folder, and keep it so; else False, in time.

    Who deletes this may be in a hurry: what does not end is not waited for.
    """
    until = time.monotonic() + _PATIENCE
    told = False
    while True:
        with ExitStack() as stack:
            try:
                # A disk without locks, or one that fails, keeps nobody from deleting.
                with suppress(OSError):
                    stack.enter_context(lock(folder))
                with suppress(OSError):
                    stack.enter_context(nothing_handed_on())
            except Busy:
                if not told:
                    with suppress(OSError):  # whether or not anybody hears it
                        click.echo(
                            _(
                                "another gatewatch is at work here; without consent it ends in "
                                "seconds"
                            ),
                            err=True,
                        )
                told = True
            else:
                yield True
                return
        if time.monotonic() >= until:
            yield False
            return
        time.sleep(_LOOK)


def _fields(folder: Path, found: list[Belonging], timer: Timer | None) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "found": [{"kind": one.kind, "files": one.files, "bytes": one.bytes} for one in found],
        "timer": timer.name if timer is not None else None,
        "not_ours": [str(path) for path in strangers(folder)],
        "limits": [*_outside(), *limits()],
    }


def _list(folder: Path, found: list[Belonging], timer: Timer | None) -> None:
    if not found and timer is None:
        click.echo(_("nothing of gatewatch is kept in {folder}").format(folder=folder))
        for sentence in here.left_on():
            click.echo(sentence)
        return
    click.echo(_("in {folder}:").format(folder=folder))
    for one in found:
        click.echo(f"  {one.kind:<30} {words.many(one.files, 'file'):>12} {one.bytes:>13,} bytes")
    if timer is not None:
        click.echo(_("the timer: {name}").format(name=timer.name))
        click.echo(
            _(
                "The system's log keeps a line, with the time, of each run that the timer began: "
                "that is not gatewatch's to delete."
            )
        )
    for sentence in (*_outside(), *limits()):
        click.echo(sentence)


def _outside() -> list[str]:
    """What is not in the data folder, and so is not deleted: nothing here knows all of it."""
    return [
        *_handed_on(),
        *here.left_on(),
        _(
            "What was written elsewhere, by run --to, --pcap, bundle --to or submit --leave-at, is "
            "not deleted: delete that by hand."
        ),
    ]


def _handed_on() -> list[str]:
    """What has left the data folder, as far as the outbox knows."""
    try:
        outbox = status(outbox_folder())
    except Failure:  # damaged, or of a newer version: nobody has to mend it first
        return []
    said = []
    if there := sum(outbox.count(state) for state in ("quarantined", "accepted")):
        sent = ngettext(
            "{count} bundle was sent: it stays with whoever received it; to have it deleted there "
            "you need what is shown by: gatewatch submit status --all",
            "{count} bundles were sent: they stay with whoever received them; to have them deleted "
            "there you need what is shown by: gatewatch submit status --all",
            there,
        )
        said.append(sent.format(count=there))
    if copied := sum(entry.copied for entry in outbox.entries):
        copies = ngettext(
            "{count} bundle was copied to a folder that you named",
            "{count} bundles were copied to folders that you named",
            copied,
        )
        said.append(copies.format(count=copied))
    return said


def _say_what_is_left(folder: Path) -> None:
    click.echo(_("deleted"))
    for path in strangers(folder):
        click.echo(_("left, since it is not gatewatch's: {path}").format(path=path))
    program = shutil.which("gatewatch")
    if program:
        click.echo(_("the program itself is still there: {command}").format(command=removing()))
