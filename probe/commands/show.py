"""``gatewatch show``: what is kept on this machine, and byte for byte what would be shared."""

from __future__ import annotations

import json
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from probe.commands import words
from probe.origin.border import home_of, leaves
from probe.record import moment
from probe.sharing import shared
from probe.spool import day_files, demand_all, noting_unread, spool_folder, torn
from probe.words.failure import BadInput
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.origin.border import Border
    from probe.record import Hop, Trace
    from probe.spool import Kept


@click.command(short_help="List what is kept, or print what would be shared.")
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder that `run --to` wrote; else the spool in the data folder.",
)
@click.option("--limit", type=click.IntRange(1), help="Only the newest so many.")
@click.option("--as-shared", is_flag=True, help="Print the bytes that a bundle would hold.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a trace, one a line.")
def show(*, folder: Path | None, limit: int | None, as_shared: bool, as_json: bool) -> None:
    """List the traces kept on this machine, oldest first.

    With --as-shared each line that sharing would hand out is printed, byte for byte, and nothing
    else. Lines that cannot be read, or would not be shared, are named and counted on the standard
    error.
    """
    folder = folder or spool_folder()
    unreadable = 0
    unread: dict[Path, OSError] = {}

    def readable(lines: Iterator[Kept]) -> Iterator[Kept]:
        nonlocal unreadable
        for kept in lines:
            if kept.trace is None or (as_shared and kept.problem is not None):
                unreadable += 1
                click.echo(f"gatewatch: {kept.path}:{kept.number}: {kept.problem}", err=True)
            else:
                yield kept

    def newest(limit: int) -> list[Kept]:
        found: list[Kept] = []
        for day in reversed(day_files(folder)):
            of_day: deque[Kept] = deque(maxlen=limit - len(found))
            with noting_unread(day, unread):
                of_day.extend(readable(shared.lines_of_day(day)))
            found = [*of_day, *found]
            if len(found) == limit:
                break
        return found

    lines = newest(limit) if limit else readable(shared.lines(folder, unread))
    count = 0
    for count, kept in enumerate(lines, start=1):  # noqa: B007 - the last number is the count
        assert kept.trace is not None
        if as_shared:
            sys.stdout.buffer.write(kept.line)
        elif as_json:
            click.echo(json.dumps(_fields(kept, kept.trace)))
        else:
            click.echo(_line(kept.trace))
    sys.stdout.flush()
    if not (count or unreadable or unread or as_json or as_shared):
        click.echo(_("nothing is kept yet; measure something with: gatewatch run"))
    _say_what_is_cut(folder, unread)
    _say_what_is_missing(folder, unreadable, shown=count, as_shared=as_shared)
    demand_all(unread)


def _say_what_is_cut(folder: Path, unread: dict[Path, OSError]) -> None:
    cut = torn(folder, unread)
    if cut:
        click.echo(
            ngettext(
                "{count} cut line set aside after a crash",
                "{count} cut lines set aside after a crash",
                cut,
            ).format(count=cut),
            err=True,
        )


def _say_what_is_missing(folder: Path, unreadable: int, *, shown: int, as_shared: bool) -> None:
    """Count the lines that are not shown; raises `BadInput` where they are all that there is."""
    if unreadable and not shown:
        raise BadInput(
            (
                _(
                    "none of the lines in {folder} can be shared; they may stay; "
                    "measure something with: gatewatch run"
                )
                if as_shared
                else _(
                    "none of the lines in {folder} can be read; they are never shared, and may "
                    "stay; measure something with: gatewatch run"
                )
            ).format(folder=folder)
        )
    if unreadable:
        said = (
            ngettext(
                "{count} line would not be shared",
                "{count} lines would not be shared",
                unreadable,
            )
            if as_shared
            else ngettext(
                "{count} line could not be read; it is never shared, and may stay",
                "{count} lines could not be read; they are never shared, and may stay",
                unreadable,
            )
        )
        click.echo(said.format(count=unreadable), err=True)


def _left(trace: Trace) -> Border | None:
    home = (trace.vantage.country if trace.vantage else None) or home_of(trace.hops)
    return leaves(trace.hops, home) if home else None


def _line(trace: Trace) -> str:
    when = moment(trace.timestamp)
    shown = f"{when:%Y-%m-%d %H:%M:%S}" if when else "at no time"
    name = trace.dst_name if trace.dst_name not in {None, trace.dst_addr} else ""
    border = _left(trace)
    left = (
        f"left after hop {border.before.number}, {words.network(border.before.attribution)}; "
        f"into {words.network(border.after.attribution)}"
        if border
        else "not seen to leave"
    )
    return "  ".join(
        part
        for part in (
            shown,
            f"{trace.dst_addr:<15}",
            name,
            f"{words.many(len(trace.hops), 'hop'):>7}",
            words.stop(trace),
            left,
        )
        if part
    )


def _fields(kept: Kept, trace: Trace) -> dict[str, Any]:
    border = _left(trace)
    when = moment(trace.timestamp)
    return {
        "file": str(kept.path),
        "line": kept.number,
        "time": when.isoformat() if when else None,
        "target": trace.dst_addr,
        "name": trace.dst_name,
        "method": trace.proto.lower(),
        "hops": len(trace.hops),
        "stop": trace.stop,
        "vantage": None if trace.vantage is None else trace.vantage.id,
        "left": {"before": _side(border.before), "after": _side(border.after)} if border else None,
    }


def _side(hop: Hop) -> dict[str, Any]:
    said = hop.attribution
    return {
        "hop": hop.number,
        "asn": said.asn if said else None,
        "organisation": said.organisation if said else None,
        "exchange": said.exchange if said else None,
        "country": said.country if said else None,
    }
