"""``gatewatch consent``: read what is asked, agree to it or to parts of it, and take it back."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from probe.commands import asking
from probe.disk.places import data_folder
from probe.disk.presence import is_folder
from probe.owner.consent import (
    VERSION,
    Permission,
    change,
    condition,
    missing,
    newer_text,
    refusal,
    said,
    trouble,
)
from probe.words.failure import Failure
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MEANS = {
    Permission.RUN: "send measuring packets from this computer",
    Permission.KEEP: "keep the results on this computer",
    Permission.SHARE: "hand the results to others",
}


def _permissions(command: Callable[..., Any]) -> Callable[..., Any]:
    for permission in reversed(Permission):
        command = click.option(f"--{permission}", is_flag=True, help=f"To {_MEANS[permission]}.")(
            command
        )
    return command


def _chosen(**flags: bool) -> list[Permission]:
    """The permissions named on the command line; all where none is."""
    return [each for each in Permission if flags[each]] or list(Permission)


@click.group(short_help="Read what is asked of you, agree, take it back.")
def consent() -> None:
    """What you allow gatewatch to do on this computer: nothing, until you say so.

    There are three questions, each with an answer of its own: to measure (run), to keep the
    results here (keep), to hand them to others (share).
    """


@consent.command(short_help="Say what you have agreed to.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(*, as_json: bool) -> None:
    """Say for each question whether you have agreed, since when, and to which text."""
    if as_json:
        click.echo(json.dumps(_fields(data_folder())))
        return
    agreed = said(data_folder())
    for each in Permission:
        granted = agreed.get(each)
        if granted is None:
            answer = "no"
        elif granted.holds:
            answer = f"yes, since {granted.on}"
        elif granted.is_newer:
            answer = f"no: newer text {granted.version}, {granted.on}"
        else:
            answer = f"no longer: text {granted.version}, {granted.on}"
        click.echo(f"{each:<6} {answer:<31} {_MEANS[each]}")
    advice = _advice(data_folder())
    if advice is not None:
        click.echo(advice)


def _fields(folder: Path) -> dict[str, Any]:
    agreed = said(folder)
    answers = {
        each.value: {
            "granted": each in agreed and agreed[each].holds,
            "version": agreed[each].version if each in agreed else None,
            "on": agreed[each].on.isoformat() if each in agreed else None,
        }
        for each in Permission
    }
    return {"text_version": VERSION, "file": condition(folder), **answers}


def _advice(folder: Path) -> str | None:
    """What to do about the answers in a data folder; None where nothing has to be done."""
    unread = trouble(folder)
    if unread is not None:
        return _("{problem}; to answer anew: gatewatch consent grant").format(problem=unread)
    if newer_text(folder, Permission):
        return _(
            "update gatewatch, or read the text of this one, version {version}, and answer "
            "again: gatewatch consent grant"
        ).format(version=VERSION)
    agreed = said(folder)
    if any(not granted.holds for granted in agreed.values()):
        return _(
            "the text is now version {version}; read it and answer again: gatewatch consent grant"
        ).format(version=VERSION)
    if not agreed:
        return _("to read the text and to answer: gatewatch consent grant")
    return None


@consent.command(short_help="Print the text, or make a page of it in Khmer and English.")
@click.option("--page", is_flag=True, help="Write it as a page in Khmer and English.")
@click.option("--open", "opened", is_flag=True, help="Write that page and open it in the browser.")
def show(*, page: bool, opened: bool) -> None:
    """Print the text that you are asked to agree to, in English.

    Terminals cannot show Khmer as it is written, so the Khmer text is on a page for a browser,
    which lies in the data folder and loads nothing from the Internet.
    """
    from probe.owner.notice import lines, notice  # noqa: PLC0415 - the other commands need no text

    if page or opened:
        path = asking.write_page(data_folder())
        click.echo(path)
        if opened:
            asking.show_page(path)
        return
    text = notice("en")
    width = min(asking.WIDTH, shutil.get_terminal_size().columns)
    click.echo(_("Version {version}").format(version=text.version))
    for line in lines((*text.parts, *text.questions.values()), width):
        click.echo(line)
    click.echo(_("in Khmer: gatewatch consent show --page"), err=True)


@consent.command(short_help="Agree, after reading the text.")
@_permissions
@click.option(
    "--version-read",
    type=int,
    help="Agree to what is named without being asked, having read this version of the text.",
)
@click.option("--json", "as_json", is_flag=True, help="What `status --json` prints, as it is then.")
def grant(*, version_read: int | None, as_json: bool, **flags: bool) -> None:
    """Show the text, ask each question, and put the answers down.

    Without options it asks all three; with some it asks those. Each answer is typed; Enter alone
    is a no. Where there is no terminal to ask on, name what you agree to and the version of the
    text that you have read: gatewatch consent grant --run --keep --version-read 1
    """
    folder, chosen = data_folder(), _chosen(**flags)
    if version_read is None:
        if asking.on_terminal():
            asking.ask(folder, chosen)
        elif lacking := missing(folder, *chosen):
            raise refusal(folder, lacking)
    else:
        if not any(flags.values()):
            raise Failure(_("say to what you agree: one or more of --run, --keep, --share"))
        if version_read != VERSION:
            raise Failure(
                _(
                    "the text is version {version}, not {read}; read it: gatewatch consent show"
                ).format(version=VERSION, read=version_read)
            )
        change(folder, dict.fromkeys(chosen, True), datetime.now(UTC).date())
    _conclude(as_json=as_json)


@consent.command(short_help="Take your agreement back.")
@_permissions
@click.option("--json", "as_json", is_flag=True, help="What `status --json` prints, as it is then.")
def withdraw(*, as_json: bool, **flags: bool) -> None:
    """Take back what you have agreed to, all of it or what is named.

    From then on it is not done any more. What was sent or handed over before cannot be called
    back, and what is kept on this computer stays until it is deleted.
    """
    from probe.spool import spool_folder  # noqa: PLC0415 - not on every system

    change(data_folder(), dict.fromkeys(_chosen(**flags), False), datetime.now(UTC).date())
    asking.clear(data_folder())
    _conclude(as_json=as_json)
    if not as_json and is_folder(spool_folder()):
        click.echo(_("what was measured is still here; to delete all of it: gatewatch purge"))


def _conclude(*, as_json: bool) -> None:
    """Say what holds now."""
    if as_json:
        click.echo(json.dumps(_fields(data_folder())))
        return
    lacking = missing(data_folder(), *Permission)
    agreed = ", ".join(each for each in Permission if each not in lacking)
    if agreed:
        click.echo(_("you agree to: {names}").format(names=agreed))
    if lacking:
        click.echo(_("not allowed: {names}").format(names=", ".join(lacking)))
    if agreed:
        click.echo(_("you can take it back at any time: gatewatch consent withdraw"))
