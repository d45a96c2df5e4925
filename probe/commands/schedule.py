"""``gatewatch schedule``: runs that begin by themselves, switched on, looked at, switched off."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from probe.commands import words
from probe.commands.unattended import limits
from probe.disk.places import is_under_sudo
from probe.disk.private import try_to_write
from probe.owner.consent import Permission, missing, require
from probe.owner.settings import read_settings, settings_file
from probe.run.allowance import MEGABYTE, Allowance, allowance_file, is_unknown
from probe.schedule import Trouble, here
from probe.schedule.diary import Diary
from probe.words.failure import PartlyDone, PermissionDenied
from probe.words.language import _, for_scripts
from probe.words.wallclock import shown

if TYPE_CHECKING:
    from probe.schedule import Job, Standing, Timer
    from probe.schedule.diary import DiaryEntry

_system = click.option(
    "--system",
    is_flag=True,
    help="The whole system's timer instead of your own: needs root and systemd, runs when nobody "
    "is logged in, with raw sockets and as a user of its own.",
)


_as_json = click.option(
    "--json", "as_json", is_flag=True, help="What `status --json` prints, as it is then."
)


@click.group(short_help="Measure by itself, now and then.")
def schedule() -> None:
    """Have `gatewatch run --scheduled` called by this system once an hour.

    Four times a day or so that measures; else it waits: on battery, on a metered link, when the
    budget is spent or the network is down. Uses a timer of systemd, launchd or cron, whichever is
    here.
    """


@schedule.command()
@_system
@click.option("--dry-run", is_flag=True, help="Only show what would be written and called.")
@_as_json
def install(*, system: bool, dry_run: bool, as_json: bool) -> None:
    """Put the timer in place and switch it on.

    A second time it mends what has changed and leaves the rest. Needs your consent to run and to
    keep. Under sudo only with --system: otherwise root's timer would measure with your data.
    """
    if is_under_sudo() and not system:
        raise click.UsageError(
            _(
                "under sudo, root's timer would measure with your data and tell you nothing; leave "
                "out sudo, or add --system"
            )
        )
    if as_json:
        _for_a_script()
    timer, job = here.timer(system=system), here.job(system=system)
    if dry_run:
        if as_json:
            click.echo(json.dumps(_foretold(timer, job)))
        else:
            _show(timer, job)
        return
    timer.prepare(job)
    require(job.folder, Permission.RUN, Permission.KEEP)
    try_to_write(job.folder)
    advice = _on_country(job)
    timer.install(job)
    if as_json:
        _tell(timer, job, _standing(timer, job, system=system))
        return
    standing = timer.standing(job)
    click.echo(_("measures by itself from now on ({name})").format(name=timer.name))
    if standing.next is not None:
        click.echo(_("looks whether it is time: {when}").format(when=shown(standing.next)))
    for hint in (*standing.hints, *advice):
        click.echo(f"{hint.what}; {hint.remedy}")
    click.echo(_("next: gatewatch schedule status"))


@schedule.command(short_help="Say when it measured, when it does next, and what is wrong.")
@_system
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(*, system: bool, as_json: bool) -> None:
    """Say when it last measured, how that ended, when it does so next, and what is wrong.

    Ends with exit code 6 where the timer was installed and will not call, and says which command
    mends it.
    """
    if as_json:
        _for_a_script()
    timer, job = here.timer(system=system), here.job(system=system)
    standing = _standing(timer, job, system=system)
    try:
        entry = _diary(job).read()
    except PermissionError as problem:
        if not system:
            raise
        raise PermissionDenied(
            _("a timer of the system is root's business: {command}").format(
                command="sudo gatewatch schedule status --system"
            )
        ) from problem
    if as_json:
        click.echo(json.dumps(_fields(timer, job, standing, entry)))
    else:
        _print(timer, job, standing, entry)
    if standing.troubles:
        first = standing.troubles[0]
        raise PartlyDone(f"{first.what}; {first.remedy}")


@schedule.command()
@_system
@_as_json
def remove(*, system: bool, as_json: bool) -> None:
    """Switch the timer off and take out all that was installed. What was measured stays."""
    timer = here.timer(system=system)
    removed = timer.remove()
    if as_json:
        _for_a_script()
        job = here.job(system=system)
        _tell(timer, job, _standing(timer, job, system=system))
        return
    if removed:
        click.echo(_("no run begins by itself any more; what was measured is still here"))
    else:
        click.echo(_("there was no timer of gatewatch"))
    for sentence in () if system else here.left_on():
        click.echo(sentence)


def _for_a_script() -> None:
    click.get_current_context().with_resource(for_scripts())


def _tell(timer: Timer, job: Job, standing: Standing) -> None:
    """What `status` tells a script."""
    click.echo(json.dumps(_fields(timer, job, standing, _diary(job).read())))


def _standing(timer: Timer, job: Job, *, system: bool) -> Standing:
    """How a timer stands, with what else has to be known of it."""
    standing = timer.standing(job)
    if not system:
        standing = replace(standing, hints=(*standing.hints, *here.others()))
    if standing.installed and (lacking := missing(job.folder, Permission.RUN, Permission.KEEP)):
        hint = _without_consent(lacking, system=system)
        standing = replace(standing, next=None, hints=(*standing.hints, hint))
    return standing


def _without_consent(lacking: list[Permission], *, system: bool) -> Trouble:
    grant, remove = "gatewatch consent grant", "gatewatch schedule remove"
    if system:
        grant, remove = f"sudo -H -u gatewatch {grant}", f"sudo {remove} --system"
    return Trouble(
        _("you have not agreed to: {names}; so nothing is measured").format(
            names=", ".join(lacking)
        ),
        _("{grant}, or {remove}").format(grant=grant, remove=remove),
    )


def _on_country(job: Job) -> tuple[Trouble, ...]:
    """What may go wrong where the timer knows of no country; told once, and not at each look.

    Raises `BadInput` where the settings are damaged: each run would end with that.
    """
    settings = settings_file(job.folder)
    if read_settings(settings).country is not None:
        return ()
    risk = Trouble(
        _(
            "the settings do not say which country you are in, and behind a provider that keeps "
            "silent a foreign network would be taken for yours"
        ),
        _('write country = "CC", with the code of yours, into {file}').format(file=settings),
    )
    return (risk,)


def _diary(job: Job) -> Diary:
    return Diary(job.folder, time.time, lambda: 0.0)


def _foretold(timer: Timer, job: Job) -> dict[str, Any]:
    files = {str(path): text for path, text in timer.files(job).items()}
    return {"files": files, "commands": [list(command) for command in timer.commands(job)]}


def _show(timer: Timer, job: Job) -> None:
    for path, text in timer.files(job).items():
        click.echo(_("would write {path}:").format(path=path))
        click.echo(text)
    click.echo(_("would call:"))
    for command in timer.commands(job):
        click.echo(f"  {shlex.join(command)}")
    click.echo(_("nothing was written"))


def _fields(timer: Timer, job: Job, standing: Standing, entry: DiaryEntry) -> dict[str, Any]:
    return {
        "timer": timer.name,
        "installed": standing.installed,
        "program": list(standing.program),
        "folder": str(job.folder),
        "last": _iso(entry.ended),
        "exit_code": entry.code,
        "kept": entry.kept,
        "unheard": entry.unheard,
        "slow_ms": entry.slow_ms,
        "skipped": _iso(entry.skipped),
        "skipped_because": entry.why and str(entry.why),
        "failures": entry.failures,
        "due": _iso(entry.due or None),
        "budget": {
            span: {"sent": sent, "allowed": allowed}
            for span, (sent, allowed) in _budget(job).items()
        },
        "next_call": _iso(standing.next),
        "troubles": [{"what": one.what, "remedy": one.remedy} for one in standing.troubles],
        "hints": [{"what": one.what, "remedy": one.remedy} for one in standing.hints],
    }


def _budget(job: Job) -> dict[str, tuple[int | None, int]]:
    """What was sent, None where that is not known any more, and may be; in bytes, by span."""
    daily, monthly = limits(None, job.folder)
    sent = Allowance(allowance_file(job.folder), daily, time.time).sent
    day, month = (None if is_unknown(count) else count for count in sent)
    return {"day": (day, int(daily)), "month": (month, int(monthly))}


def _print(timer: Timer, job: Job, standing: Standing, entry: DiaryEntry) -> None:
    lines = {"timer": timer.name if standing.installed else "none"}
    if standing.installed:
        lines["calls"] = shlex.join(standing.program)
    if entry.ended is not None:
        lines["last"] = f"{shown(entry.ended)}, {_ending(entry)}"
    else:
        lines["last"] = "never"
    if entry.skipped is not None:
        lines["waited"] = f"{shown(entry.skipped)}, {entry.why}"
    if standing.installed and standing.next is not None:
        lines["next"] = f"{shown(max(entry.due, standing.next))} or soon after"
    spent = (
        f"{'unknown' if sent is None else f'{sent / MEGABYTE:.1f}'} of {allowed / MEGABYTE:g} MB "
        f"this {span}"
        for span, (sent, allowed) in _budget(job).items()
    )
    lines["budget"] = ", ".join(spent)
    for name, text in lines.items():
        click.echo(f"{name:<10} {text}")
    if not standing.installed and not standing.hints:
        click.echo(_("to measure by itself: gatewatch schedule install"))
    for one in (*standing.troubles[1:], *standing.hints):
        click.echo(f"{one.what}; {one.remedy}")


def _ending(entry: DiaryEntry) -> str:
    parts = [f"{words.many(entry.kept, 'trace')} kept"]
    if entry.unheard:
        parts.append(f"{entry.unheard} heard nothing from beyond your own line")
    if entry.slow_ms is not None:
        parts.append(f"answers took up to {entry.slow_ms / 1000:.0f} s")
    if entry.code != 0:
        parts.append(f"exit code {entry.code}")
    return ", ".join(parts)


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment).astimezone().isoformat()
