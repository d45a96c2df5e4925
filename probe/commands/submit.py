"""``gatewatch submit``: hands bundles out, and says what became of each."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from probe.commands import words
from probe.commands.discreet import discreet
from probe.commands.folder import Folder
from probe.disk.places import data_folder
from probe.owner.consent import Permission, missing, require
from probe.owner.settings import read_settings, settings_file, without_password
from probe.run.lock import Busy, lock
from probe.sharing.bundling import bundle_new, last_day, unbundled
from probe.sharing.copies import demand_folder, sweep, warn_of_times, write_copy
from probe.sharing.keys import keys_folder
from probe.sharing.outbox import (
    Outbox,
    damaged,
    occupied,
    outbox_folder,
    status,
)
from probe.sharing.pruning import accepted_days, prune
from probe.spool import demand_all, spool_folder
from probe.words.failure import Failure, NotYetSent, PartlyDone
from probe.words.language import _, for_scripts, ngettext
from probe.words.wallclock import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from probe.owner.settings import Settings
    from probe.sharing.outbox import OutboxEntry, Status
    from probe.sharing.receipt import Receipt
    from probe.sharing.submitting import Outcome


@click.group(invoke_without_command=True, short_help="Send bundles, or leave them in a folder.")
@click.option(
    "--leave-at",
    "folder",
    type=Folder(),
    help="Send nothing; copy what waits to this folder, for a USB stick or mail.",
)
@click.option("--now", "at_once", is_flag=True, help="Do not wait for the pause after a failure.")
@click.option("--again", is_flag=True, help="Also send again what was refused.")
@click.option(
    "--ask-all", is_flag=True, help="Also ask whether what was accepted was refused since."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option(
    "--scheduled",
    is_flag=True,
    help="For a timer, whose log outlives a purge: name neither bundles nor the collector.",
)
@click.pass_context
@discreet("gatewatch submit status")
def submit(
    context: click.Context,
    *,
    folder: Path | None,
    at_once: bool,
    again: bool,
    ask_all: bool,
    as_json: bool,
    scheduled: bool,
) -> None:
    """Put new traces into bundles and send all that waits to the collector of your settings.

    Whatever is not sent yet is tried each time, and `gatewatch submit status` says what became of
    each bundle. Nothing is sent twice. Exit code 8 where something still waits or could not be
    asked, 6 where something was refused.
    """
    if context.invoked_subcommand is not None:
        return
    if scheduled and (folder or at_once or again or ask_all or as_json):
        raise click.UsageError("--scheduled goes with no other option")
    if as_json:
        context.with_resource(for_scripts())
    require(data_folder(), Permission.SHARE)
    settings = read_settings()
    if folder is None and settings.collector is None:
        raise Failure(
            _(
                'nobody to send to: set collector = "https://…" in {file}, or use --leave-at '
                "FOLDER for a USB stick or mail"
            ).format(file=settings_file())
        )
    with Outbox(outbox_folder()) as outbox:
        bundled = bundle_new(spool_folder(), outbox, keys_folder())
        if again:
            outbox.wait_again()
        if folder is not None:
            _leave(outbox, folder, bundled.left_out, as_json=as_json)
            demand_all(bundled.unread)
            return
        outcome = _send(outbox, settings, at_once=at_once, accepted_too=ask_all)
        waiting = outbox.entries("state = 'waiting'")
        pruned = _prune(outbox, settings.keep_accepted_days)
    if scheduled:
        _log(outcome)
    else:
        _tell(outcome, waiting, bundled.left_out, pruned, as_json=as_json)
    _complain(outcome, waiting)
    demand_all(bundled.unread)


def _send(outbox: Outbox, settings: Settings, *, at_once: bool, accepted_too: bool) -> Outcome:
    from probe.sharing.courier import Courier  # noqa: PLC0415 - only who sends waits for it
    from probe.sharing.submitting import Submitting  # noqa: PLC0415

    assert settings.collector is not None
    with Courier(settings, data_folder()) as courier:
        sending = Submitting(
            outbox,
            courier,
            settings.collector,
            settings.collector_key,
            clock=time.time,
            sleep=time.sleep,
            agreed=partial(require, data_folder(), Permission.SHARE),
        )
        return sending.run(at_once=at_once, accepted_too=accepted_too)


def _prune(outbox: Outbox, days: int | None) -> int:
    """Delete old days that were accepted, where their owner has set that; how many there were.

    Left for the next time where a run is going on, or another process makes bundles.
    """
    if days is None:
        return 0
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(data_folder()))
        except Busy:
            return 0
        if not stack.enter_context(outbox.locked("bundling")):
            return 0
        # A clock that is ahead would have all of them go.
        today = min(datetime.now(UTC).date(), last_day(spool_folder()))
        old = accepted_days(spool_folder(), outbox, today, days)
        prune(spool_folder(), outbox, old)
    return len(old)


def _log(outcome: Outcome) -> None:
    """Say how many bundles came how far, and not which."""
    if outcome.receipts:
        answers = Counter[str](receipt.status for receipt in outcome.receipts)
        click.echo(_("bundles: {counts}").format(counts=words.counts(answers)))


def _tell(
    outcome: Outcome,
    waiting: list[OutboxEntry],
    left_out: Counter[str],
    pruned: int,
    *,
    as_json: bool,
) -> None:
    if as_json:
        fields = {
            "answers": [asdict(receipt) for receipt in outcome.receipts],
            "gone": outcome.gone,
            "waiting": len(waiting),
            "left_out": dict(sorted(left_out.items())),
            "problem": outcome.problem,
            "not_before": _iso(outcome.not_before),
            "deleted_days": pruned,
        }
        click.echo(json.dumps(fields))
    else:
        for receipt in outcome.receipts:
            click.echo(f"{receipt.bundle[:16]}  {_ANSWERS[receipt.status]()}{_because(receipt)}")
        for sha256 in outcome.gone:
            said = _("was accepted, and is not held there any more")
            click.echo(f"{sha256[:16]}  {said}")
        if not (outcome.receipts or outcome.gone or waiting or outcome.problem):
            click.echo(_("nothing waits to be sent, and nothing was decided since"))
        for sentence in words.left_out(left_out):
            click.echo(sentence)
        if pruned:
            click.echo(words.deleted_days(pruned))


def _complain(outcome: Outcome, waiting: list[OutboxEntry]) -> None:
    """Raise the failure that says what still waits or was refused, where anything was."""
    later = ""
    if outcome.not_before:
        said = (
            _("; it asks to wait until {time}")
            if outcome.told
            else _("; the next try is after {time}, or at once with --now")
        )
        later = said.format(time=shown(outcome.not_before))
    if waiting:
        raise NotYetSent(
            ngettext(
                "{count} bundle waits to be sent: {problem}{later}",
                "{count} bundles wait to be sent: {problem}{later}",
                len(waiting),
            ).format(count=len(waiting), problem=outcome.problem, later=later)
        )
    if outcome.problem:
        raise NotYetSent(f"{outcome.problem}{later}")
    if any(receipt.status == "refused" for receipt in outcome.receipts):
        raise PartlyDone(_("the collector refused some of it; see: gatewatch submit status"))


# How many undecided bundles are listed one by one, if nobody asks for each: a screen's worth.
_FEW = 20

# How far a bundle can have come.
_STATES = ("waiting", "quarantined", "accepted", "refused")

_ANSWERS = {
    "quarantined": lambda: _("received; the collector's people will look at it"),
    "accepted": lambda: _("accepted"),
    "refused": lambda: _("refused"),
    "waiting": lambda: _("waits to be sent"),
}


def _because(told: OutboxEntry | Receipt) -> str:
    return f": {told.reason}" if told.reason else ""


def _copied(entry: OutboxEntry) -> str:
    return _("; it was copied to a folder") if entry.copied else ""


def _leave(outbox: Outbox, folder: Path, left_out: Counter[str], *, as_json: bool) -> None:
    """Copy what is not accepted to a folder outside; what is there already is not written again."""
    demand_folder(folder)
    left, given_up, dated = [], list[Path](), True
    with outbox.locked("submitting") as free:
        if not free:
            raise NotYetSent(occupied("submitting"))
        sweep(folder)
        for entry in outbox.unfinished():
            data = outbox.content(entry.sha256)
            path = outbox.path_of(entry.sha256)
            if data is None:
                given_up.append(path)
                continue
            target = folder / path.name
            if not target.is_file() or target.stat().st_size != len(data):
                dated = write_copy(data, target, entry) and dated
            outbox.left(entry.sha256)
            left.append(target)
    _tell_left(left, folder, left_out, as_json=as_json)
    if not dated:
        click.echo(warn_of_times(folder), err=True)
    if given_up:
        raise PartlyDone(damaged(*given_up))


def _tell_left(left: list[Path], folder: Path, left_out: Counter[str], *, as_json: bool) -> None:
    if as_json:
        files = [str(path) for path in left]
        click.echo(json.dumps({"files": files, "left_out": dict(sorted(left_out.items()))}))
        return
    for path in left:
        click.echo(str(path))
    click.echo(
        ngettext(
            "{count} bundle lies in {folder}; hand it over as it is",
            "{count} bundles lie in {folder}; hand them over as they are",
            len(left),
        ).format(count=len(left), folder=folder)
        if left
        else _("nothing waits to be handed over")
    )
    for sentence in words.left_out(left_out):
        click.echo(sentence)


@submit.command("status", short_help="Say what became of each bundle.")
@click.option("--all", "everything", is_flag=True, help="List each bundle, also those accepted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show_status(*, everything: bool, as_json: bool) -> None:
    """Say what waits, what was received, accepted or refused and why, and what to do about it.

    Nothing is sent or asked; `gatewatch submit` asks the collector.
    """
    if as_json:
        click.get_current_context().with_resource(for_scripts())
    settings = read_settings()
    found = status(outbox_folder(), settings.collector)
    unread: dict[Path, OSError] = {}
    new = unbundled(spool_folder(), outbox_folder(), unread)
    if as_json:
        click.echo(json.dumps(_fields(found, settings, new)))
    else:
        _say_status(found, settings, new, everything=everything)
    demand_all(unread)


def _say_status(found: Status, settings: Settings, new: int, *, everything: bool) -> None:
    for name, text in _lines(found, settings, new):
        click.echo(f"{name:<13} {text}")
    listed = [entry for entry in found.entries if everything or entry.state != "accepted"]
    many = not everything and len(listed) > _FEW
    for line in _by_month(listed) if many else map(_each, listed):
        click.echo(line)
    if many:
        click.echo(_("to see each bundle: gatewatch submit status --all"))
    for advice in _advice(found, settings, new):
        click.echo(advice)


def _each(entry: OutboxEntry) -> str:
    days = " – ".join(dict.fromkeys((entry.first_day, entry.last_day)))
    return f"{entry.sha256[:16]}  AS{entry.network}  {days}  {_how_far(entry)}"


def _by_month(entries: Iterable[OutboxEntry]) -> Iterator[str]:
    """A line for all bundles of a month and a network that have come equally far."""
    alike: dict[tuple[str, int, str], list[OutboxEntry]] = {}
    for entry in entries:
        group = entry.last_day[:7], entry.network, _how_far(entry)
        alike.setdefault(group, []).append(entry)
    for (month, network, how_far), those in sorted(alike.items()):
        traces = words.many(sum(entry.traces for entry in those), "trace")
        yield f"{month:<16}  AS{network}  {words.many(len(those), 'bundle')}, {traces}  {how_far}"


def _how_far(entry: OutboxEntry) -> str:
    return f"{_ANSWERS[entry.state]()}{_because(entry)}{_copied(entry)}"


def _lines(found: Status, settings: Settings, new: int) -> list[tuple[str, str]]:
    """The aligned part: English, since a table cannot be aligned in every script."""
    lines = [("collector", without_password(settings.collector or "none"))]
    key = settings.collector_key or found.attempts.key
    if key:
        believed = "set" if settings.collector_key else "believed since it was first shown"
        lines.append(("its key", f"{key[:16]}…, {believed}"))
    lines.append(("not bundled", words.many(new, "trace") if new else "0"))
    for state in _STATES:
        those = [entry for entry in found.entries if entry.state == state]
        traces = words.many(sum(entry.traces for entry in those), "trace")
        lines.append((state, f"{words.many(len(those), 'bundle')}, {traces}" if those else "0"))
    if found.attempts.problem:
        lines.append(("last problem", str(found.attempts.problem)))
    return lines


def _advice(found: Status, settings: Settings, new: int) -> list[str]:
    """What to do, in sentences; none where all is well."""
    said = []
    waits = bool(found.count("waiting") or new)
    undecided = bool(found.count("quarantined"))
    pauses = found.attempts.not_before > time.time()
    kept_back = (waits or undecided) and missing(data_folder(), Permission.SHARE)
    if kept_back:
        said.append(
            _(
                "you have not agreed to share, so nothing is sent and nobody is asked; to agree: "
                "gatewatch consent grant --share"
            )
        )
    elif waits and settings.collector is None:
        said.append(
            _(
                'nobody to send to: set collector = "https://…" in {file}, or use '
                "`gatewatch submit --leave-at FOLDER`"
            ).format(file=settings_file())
        )
    elif waits and pauses and found.attempts.told:
        said.append(
            _(
                "the collector asks to wait; to send what waits: gatewatch submit, after {time}"
            ).format(time=shown(found.attempts.not_before))
        )
    elif waits and pauses:
        said.append(
            _("to send now: gatewatch submit --now; else it is tried again after {time}").format(
                time=shown(found.attempts.not_before)
            )
        )
    elif waits:
        said.append(_("to send what waits: gatewatch submit"))
    if undecided and not kept_back:
        hasty = pauses and not found.attempts.told
        command = "gatewatch submit --now" if hasty else "gatewatch submit"
        said.append(_("to ask what was decided: {command}").format(command=command))
    if found.refused:
        said.append(
            _(
                "what was refused stays here; once the reason is mended, at the collector or here, "
                "send it again: gatewatch submit --again; if it cannot be mended, delete its file "
                "in {folder}"
            ).format(folder=outbox_folder())
        )
    return said


def _fields(found: Status, settings: Settings, new: int) -> dict[str, Any]:
    return {
        "collector": settings.collector and without_password(settings.collector),
        "collector_key": settings.collector_key or found.attempts.key,
        "not_bundled": new,
        **{state: found.count(state) for state in _STATES},
        "problem": found.attempts.problem and str(found.attempts.problem),
        "not_before": _iso(found.attempts.not_before),
        "bundles": [asdict(entry) for entry in found.entries],
        "receipts": str(outbox_folder() / "receipts"),
        "advice": _advice(found, settings, new),
    }


def _iso(when: float) -> str | None:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds") if when else None
