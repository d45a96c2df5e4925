"""``gatewatch convert``: traces in another form. Reads options, calls, prints, exits."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.commands import options
from analysis.commands.given import (
    named_files,
    nothing_usable,
    open_table,
    warn,
)
from analysis.commands.outputs import unwritten
from analysis.intake.unfinished import is_unfinished
from analysis.words.wording import counted, many
from probe import stop
from probe.words.failure import BadInput

if TYPE_CHECKING:
    from analysis.intake.convert import Converted, Form
    from analysis.intake.load import Loaded
    from analysis.intake.sieve import Malformed
    from probe.record import Trace


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="IN…")
@click.argument("out", metavar="OUT")
@click.option(
    "--format",
    "form",
    type=click.Choice(["records", "atlas", "parquet"]),
    help="What OUT shall hold (default: by its name, records or Parquet).",
)
@options.malformed
@click.option(
    "--origin",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Address table that tells in which country Atlas results were measured.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
def convert(
    paths: tuple[str, ...],
    out: str,
    *,
    form: Form | None,
    malformed: Malformed,
    origin: Path | None,
    as_json: bool,
) -> None:
    """Write traces in another form, and say what it could not carry.

    IN is what `analyze` reads. OUT is a new file of records (.jsonl, .jsonl.gz, .jsonl.zst, or -
    for standard output), with --format atlas of plain RIPE Atlas results, or else a new folder of
    Parquet files by country and day.
    """
    named_files(paths)

    from analysis.commands.progress import shown, watched  # noqa: PLC0415
    from analysis.intake import convert as conversion  # noqa: PLC0415 - as in analyze
    from analysis.intake.inputs import InputError  # noqa: PLC0415
    from analysis.intake.load import Loaded, read  # noqa: PLC0415

    wanted = form or conversion.form_of(out)
    table = open_table(origin)
    loaded = Loaded(unkept=Counter())

    def country(trace: Trace) -> str | None:
        if trace.vantage is not None:
            return trace.vantage.country
        return table.lookup(trace.source).country if trace.source is not None else None

    traces = read(paths, loaded, malformed=malformed)
    done: Converted | None = None
    try:
        first = next(traces, None)
        if first is not None:
            with stop.heeded(), shown(printing=out == "-") as tell:
                given = watched(chain([first], traces), tell)
                done = conversion.convert(given, out, wanted, country)
    except InputError as problem:
        raise BadInput(str(problem)) from None
    except FileExistsError as problem:
        raise click.BadParameter(_there(problem.filename or out), param_hint="OUT") from None
    except OSError as problem:
        if out == "-":
            raise
        raise unwritten(out, problem) from None
    except conversion.NotAFile as problem:
        raise click.BadParameter(str(problem), param_hint="OUT") from None
    if malformed == "warn":
        warn(loaded)
    if done is None:
        raise nothing_usable(paths, loaded)
    if as_json:
        click.echo(json.dumps(_conversion(out, wanted, done, loaded)), err=out == "-")
    else:
        _say_conversion(out, done, loaded)


def _there(name: str) -> str:
    if is_unfinished(Path(name)):
        return (
            f"{name} is being written by another call; wait until that has ended, or choose "
            "another name"
        )
    return f"{name} is there already; choose another name or take it away"


def _conversion(out: str, form: Form, done: Converted, loaded: Loaded) -> dict[str, Any]:
    return {
        "out": out,
        "format": form,
        "traces": done.traces,
        "files": done.files,
        "not_carried": dict(sorted(done.lost.items())),
        "not_in_a_record": dict(sorted((loaded.unkept or Counter()).items())),
        "rejected": dict(sorted(loaded.rejected.items())),
        "inputs": loaded.inputs,
    }


def _say_conversion(out: str, done: Converted, loaded: Loaded) -> None:
    where = "standard output" if out == "-" else out
    lines = [f"{many(done.traces, 'trace')} written to {where}"]
    for what, counts in (
        ("left out", loaded.rejected),
        ("fields of the input that a record has no place for", loaded.unkept or Counter()),
        ("parts of traces that this format cannot carry", done.lost),
    ):
        if counts:
            lines.append(f"{what}: {counted(counts)}")
    click.echo("\n".join(lines), err=out == "-")
