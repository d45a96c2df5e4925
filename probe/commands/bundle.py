"""``gatewatch bundle``: puts what was measured into signed files that can be handed out."""

from __future__ import annotations

import json
import shlex
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from probe.commands import words
from probe.disk.places import data_folder
from probe.owner.consent import Permission, require
from probe.sharing.bundle import SUFFIX
from probe.sharing.bundling import bundle_new
from probe.sharing.copies import demand_folder, sweep, warn_of_times, write_copy
from probe.sharing.keys import keys_folder
from probe.sharing.outbox import Outbox, outbox_folder
from probe.spool import demand_all, spool_folder
from probe.words.failure import Failure
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections import Counter

    from probe.sharing.outbox import OutboxEntry


@click.command(short_help="Put new traces into a signed file.")
@click.option(
    "--to",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the bundle to this new file, to hand it to somebody.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def bundle(*, out: Path | None, as_json: bool) -> None:
    """Put the traces that are in no bundle yet into one, signed, and keep it in the outbox.

    A bundle holds exactly the lines that `gatewatch show --as-shared` prints, of one access
    network; where you measured in several, several are made, and with --to the second is
    FILE-2, and so on. Nothing is sent: `gatewatch submit` does that, or you hand the file over.
    """
    require(data_folder(), Permission.SHARE)
    if out is not None and out.exists():
        raise Failure(_("{path} is there already; choose another name").format(path=out))
    if out is not None:
        demand_folder(out.parent)
        sweep(out.parent, out.name)
    with Outbox(outbox_folder()) as outbox:
        done = bundle_new(spool_folder(), outbox, keys_folder())
        files = []
        for entry in done.entries:
            kept = outbox.path_of(entry.sha256)
            files.append(kept if out is None else _copied(kept, out, entry))
            if out is not None:
                outbox.left(entry.sha256)
        waiting = len(outbox.unfinished())
    if as_json:
        made = [_fields(*pair) for pair in zip(done.entries, files, strict=True)]
        click.echo(json.dumps({"bundles": made, "left_out": dict(sorted(done.left_out.items()))}))
    else:
        _say(done.entries, files, done.left_out)
        if not done.entries:
            _say_nothing_new(out)
        if waiting:
            _say_what_is_next(out if not done.entries else None)
    demand_all(done.unread)


def _copied(kept: Path, out: Path, entry: OutboxEntry) -> Path:
    """Where a copy lies: at ``out``, or beside it under the next name that is free."""
    others = (out.with_name(f"{out.stem}-{number}{out.suffix or SUFFIX}") for number in count(2))
    path = next(path for path in chain([out], others) if not path.exists())
    sweep(path.parent, path.name)
    if not write_copy(kept.read_bytes(), path, entry):
        click.echo(warn_of_times(path.parent), err=True)
    return path


def _fields(entry: OutboxEntry, file: Path) -> dict[str, Any]:
    return {
        "sha256": entry.sha256,
        "file": str(file),
        "network": entry.network,
        "key": entry.key,
        "traces": entry.traces,
        "bytes": entry.bytes,
        "days": [entry.first_day, entry.last_day],
    }


def _say(entries: list[OutboxEntry], files: list[Path], left_out: Counter[str]) -> None:
    for entry, file in zip(entries, files, strict=True):
        days = (
            entry.first_day
            if entry.first_day == entry.last_day
            else f"{entry.first_day} – {entry.last_day}"
        )
        click.echo(
            ngettext(
                "{file}: {count} trace of AS{network}, {days}, {size} bytes",
                "{file}: {count} traces of AS{network}, {days}, {size} bytes",
                entry.traces,
            ).format(
                file=file, count=entry.traces, network=entry.network, days=days, size=entry.bytes
            )
        )
    for sentence in words.left_out(left_out):
        click.echo(sentence)


def _say_nothing_new(wanted: Path | None) -> None:
    click.echo(
        _("nothing new to bundle")
        if wanted is None
        else _("nothing new to bundle, so {path} was not written").format(path=wanted)
    )


def _say_what_is_next(missed: Path | None) -> None:
    """What to do with bundles that wait; ``missed`` is a file wanted of them and not written."""
    click.echo(
        _("next: gatewatch submit, or gatewatch submit --leave-at FOLDER for USB or mail")
        if missed is None
        else _(
            "to copy what was bundled before and is not accepted yet: gatewatch submit --leave-at "
            "{folder}"
        ).format(folder=shlex.quote(str(missed.parent)))
    )
