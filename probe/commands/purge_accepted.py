"""``gatewatch purge --accepted``: what a collector has accepted is taken away, and no more."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from probe.commands import words
from probe.commands.deleting import agreed, limits, nothing_handed_on
from probe.disk.places import data_folder
from probe.run.lock import lock
from probe.sharing.outbox import Outbox, is_outbox, outbox_folder
from probe.sharing.pruning import by_fate, prune
from probe.spool import demand_all, spool_folder
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def purge_accepted(days: int, *, yes: bool, as_json: bool) -> None:
    """Take away the day files older than so many days of which all was accepted."""
    unread: dict[Path, OSError] = {}
    old, left, final = _by_fate(days, unread)
    size = sum(path.stat().st_size for path in old)
    if not as_json:
        _list_accepted(old, size, left, final)
    wanted = bool(old) and (yes or (not as_json and agreed()))
    if wanted:
        with lock(data_folder()), nothing_handed_on(), Outbox(outbox_folder()) as outbox:
            prune(spool_folder(), outbox, old)
    if as_json:
        fields = {
            "folder": str(spool_folder()),
            "days": [path.stem for path in old],
            "bytes": size,
            "stay": [path.stem for path in left],
            "stay_for_good": [path.stem for path in final],
            "deleted": wanted,
        }
        click.echo(json.dumps(fields))
    elif wanted:
        click.echo(words.deleted_days(len(old)))
    elif old:
        click.echo(_("nothing was deleted"))
    demand_all(unread)


def _list_accepted(old: list[Path], size: int, left: list[Path], final: list[Path]) -> None:
    for sentence in _why_they_stay(left, final):
        click.echo(sentence)
    if not old:
        click.echo(_("no day lies here that is so old and was accepted; nothing was deleted"))
        return
    click.echo(_("in {folder}:").format(folder=spool_folder()))
    click.echo(
        f"  {old[0].stem} – {old[-1].stem}  {words.many(len(old), 'file'):>12} {size:>13,} bytes"
    )
    for sentence in limits():
        click.echo(sentence)


def _by_fate(days: int, unread: dict[Path, OSError]) -> tuple[list[Path], list[Path], list[Path]]:
    """Day files so old: those that go, those that stay for now, and those that stay for good."""
    if not is_outbox(outbox_folder()):
        return [], [], []
    with Outbox(outbox_folder()) as outbox:
        return by_fate(spool_folder(), outbox, datetime.now(UTC).date(), days, unread)


def _why_they_stay(left: list[Path], final: list[Path]) -> Iterator[str]:
    if left:
        yield ngettext(
            "{count} day as old stays, since not all of it was accepted so far; see: gatewatch "
            "submit status",
            "{count} days as old stay, since not all of their traces were accepted so far; see: "
            "gatewatch submit status",
            len(left),
        ).format(count=len(left))
    if final:
        yield ngettext(
            "{count} day as old stays for good: it holds traces that no bundle takes, as those of "
            "a key that was replaced since; delete it by hand where you do not need it:",
            "{count} days as old stay for good: they hold traces that no bundle takes, as those of "
            "a key that was replaced since; delete them by hand where you do not need them:",
            len(final),
        ).format(count=len(final))
        yield from (f"  {path}" for path in final)
