"""The analyst's commands ``analyze``, ``demo`` and ``convert``: read options, call, print, exit."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections import Counter
from itertools import chain
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import click

from analysis.commands import options
from analysis.commands.given import (
    known_country,
    named_files,
    nothing_usable,
    open_table,
    warn,
)
from analysis.commands.outputs import (
    refuse_to_write_over,
    refuse_what_cannot_be_written,
    unwritten,
    written,
)
from analysis.words.wording import counted, many
from probe import stop
from probe.commands.folder import Folder
from probe.origin import OriginError
from probe.record import SIMULATED
from probe.words.failure import BadInput, Failure, Offline

if TYPE_CHECKING:
    from analysis.intake.convert import Converted, Form
    from analysis.intake.load import Loaded
    from analysis.intake.sieve import Malformed
    from analysis.library.statement import Verdict
    from probe.record import Trace


def _command_line() -> str:
    """What was typed, for who wants to redo it.

    Of a path from the root or upwards only its name: a verdict is published, and on whose machine
    it was made is nobody's business.
    """
    return shlex.join(["gatewatch", *map(_without_folders, sys.argv[1:])])


def _without_folders(argument: str) -> str:
    """An argument, without the folders of a path from the root, or of one that leads upwards.

    >>> _without_folders("/srv/sok/may.jsonl"), _without_folders("--origin=/srv/sok/a.gz")
    ('may.jsonl', '--origin=a.gz')
    >>> _without_folders("../../sok/may.jsonl"), _without_folders("--policy=a/../../sok/b.toml")
    ('may.jsonl', '--policy=b.toml')
    >>> _without_folders("traces/may.jsonl"), _without_folders("KH")
    ('traces/may.jsonl', 'KH')
    """
    option, equals, value = argument.rpartition("=") if argument[:2] == "--" else ("", "", argument)
    path = PurePath(value)
    leads_elsewhere = path.is_absolute() or ".." in path.parts
    return f"{option}{equals}{path.name or value}" if leads_elsewhere else argument


def _cluster_address(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    """The host and port that an engine's name gives."""
    if given is None:
        return None
    scheme, separator, address = given.partition("://")
    host, colon, port = address.rpartition(":")
    if scheme != "dask" or not (separator and host and colon and port.isdecimal()):
        raise click.BadParameter(f"{given!r} is no engine; write dask://HOST:PORT")
    return address


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--country", required=True, metavar="CC", help="The country to judge, such as KH.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as one JSON object.")
@click.option(
    "--policy",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a number of the rule (the verdict says so); may be repeated.",
)
@options.address_table
@click.option(
    "--tables",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder of address tables with a day in their names (ipasn_YYYYMMDD.dat): each trace is "
    "read with the one of its day, and the alarm with --origin's.",
)
@click.option(
    "--compare-table",
    "compared",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Judge with this address table as well, and say what changes.",
)
@click.option(
    "--organisations",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Which AS numbers are one organisation, besides the list that ships: CAIDA's as-org2info "
    "or PeeringDB's networks; may be repeated.",
)
@options.malformed
@click.option(
    "--crossings",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the crossing of every trace to this file (.csv or .parquet).",
)
@click.option(
    "--report",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a page with pictures, tables and provenance to this file (.html).",
)
@click.option(
    "--language",
    type=click.Choice(["en", "km"]),
    help="Language of the page: English, which it is without this, or Khmer.",
)
@click.option(
    "--eyeballs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Users by network, to weigh organisations by: APNIC's aspop as CSV or JSON.",
)
@click.option(
    "--rib",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A routing table to hear as a witness: an MRT dump of RouteViews or RIPE RIS.",
)
@click.option(
    "--engine",
    "cluster",
    callback=_cluster_address,
    metavar="dask://HOST:PORT",
    help="Let the workers of this Dask scheduler read the traces, not this machine's cores.",
)
def analyze(
    paths: tuple[str, ...],
    country: str,
    *,
    as_json: bool,
    overrides: tuple[str, ...],
    origin: Path | None,
    tables: Path | None,
    compared: Path | None,
    organisations: tuple[Path, ...],
    malformed: Malformed,
    crossings: Path | None,
    page: Path | None,
    language: str | None,
    eyeballs: Path | None,
    rib: Path | None,
    cluster: str | None,
) -> None:
    """Judge whether a country's traffic passes one operator.

    PATH is a file, a folder, a glob or - for standard input: records of gatewatch, RIPE Atlas
    traceroute results, scamper's JSON or warts (.jsonl, .json, .warts, .gz, .zst, .parquet)
    or signed bundles (.tar).
    """
    # What is wrong with what was typed is told before the libraries that judge are waited for.
    from analysis.policy import Policy, PolicyError, with_overrides  # noqa: PLC0415

    table = open_table(origin)
    code = known_country(table, country, "--country")
    try:
        policy = with_overrides(Policy(), overrides)
    except PolicyError as problem:
        raise click.BadParameter(str(problem), param_hint="--policy") from None
    _check_forms(crossings, page, language)
    outputs = [path for path in (crossings, page) if path is not None]
    refuse_what_cannot_be_written(outputs)
    refuse_to_write_over(
        [*named_files(paths), origin, compared, *organisations, eyeballs, rib], outputs
    )

    from analysis.basis.means import open_means  # noqa: PLC0415
    from analysis.commands.progress import Watched, shown  # noqa: PLC0415
    from analysis.intake.eyeballs import EyeballsError  # noqa: PLC0415
    from analysis.intake.inputs import InputError  # noqa: PLC0415
    from analysis.intake.rib import RibError  # noqa: PLC0415
    from analysis.library.api import judge_by, read  # noqa: PLC0415
    from analysis.scale.cluster import Cluster  # noqa: PLC0415
    from analysis.scale.engine import Processes  # noqa: PLC0415
    from analysis.scale.worker import ClusterError  # noqa: PLC0415

    try:
        means = open_means(
            code,
            policy=policy,
            origin=table,
            tables=tables,
            compared=compared,
            organisations=organisations,
            eyeballs=eyeballs,
            rib=rib,
        )
        engine = Processes() if cluster is None else Cluster(cluster)
        with shown() as tell:
            data = read(means, paths, Watched(engine, tell), malformed=malformed)
        if malformed == "warn":
            warn(data.loaded)
        if not len(data):
            raise nothing_usable(paths, data.loaded)
        verdict = judge_by(means, data, command=_command_line())
    except (EyeballsError, InputError, OriginError, RibError) as problem:
        raise BadInput(str(problem)) from None
    except ClusterError as problem:
        raise Offline(str(problem)) from None
    fields = verdict.to_dict()
    try:
        _write(verdict, crossings, page, language or "en")
    except Failure:
        # The disk may have become full meanwhile. What took hours to judge is said all the same.
        _say(fields, as_json=as_json)
        raise
    if page is not None or crossings is not None:
        _warn_of_those_alone(fields)
    _say(fields, as_json=as_json)


def _write(verdict: Verdict, crossings: Path | None, page: Path | None, language: str) -> None:
    """Write what is wanted as files; `Failure` where one cannot be written."""
    if crossings is not None:
        from analysis.tables import write_portions  # noqa: PLC0415 - as in analyze

        with written(crossings) as unfinished:
            write_portions(verdict.crossings_in_portions(), unfinished)
    if page is not None:
        from analysis.page.report import report  # noqa: PLC0415 - drawing is asked for

        with written(page) as unfinished:
            said = report(verdict, language=language)
            unfinished.write_text(said, encoding="utf-8", errors="replace")


def _warn_of_those_alone(fields: dict[str, Any]) -> None:
    """Say on the standard error that what was written may name a person; nobody is simulated."""
    measured = fields["measured"]
    alone = measured["organisations_of_one_vantage"]
    if not alone or fields["provenance"]["notes"].get(SIMULATED, 0) >= measured["traces"]:
        return
    those, it = ("network was", "it") if alone == 1 else ("networks were", "them")
    click.echo(
        f"warning: {alone} {those} measured from one vantage point alone, and naming {it} may "
        f"name a person: ask first, or leave {it} out (docs/data-policy.md)",
        err=True,
    )


def _check_forms(crossings: Path | None, page: Path | None, language: str | None) -> None:
    """Refuse files of a form that is not written, and a language of no page."""
    if crossings is not None and crossings.suffix not in {".csv", ".parquet"}:
        raise click.BadParameter("write to a .csv or a .parquet file", param_hint="--crossings")
    if page is not None and page.suffix not in {".html", ".htm"}:
        raise click.BadParameter("write to an .html file", param_hint="--report")
    if language is not None and page is None:
        raise click.UsageError("--language goes with --report: only the page is translated")


def _say(fields: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        # A file's name may be no text; what of it is none becomes a question mark.
        click.echo(json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace"))
        return
    from rich.console import Console  # noqa: PLC0415 - not for --json

    from analysis.words.render import plain, verdict_panel  # noqa: PLC0415

    console = Console()
    if console.is_terminal:
        console.print(verdict_panel(fields))
    else:
        click.echo(plain(fields))


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help='Print {"before": verdict, "after": verdict}.'
)
@click.option(
    "--to",
    "folder",
    type=Folder(),
    help="Where to write the traces (default: a new temporary folder).",
)
def demo(*, as_json: bool, folder: Path | None) -> None:
    """Watch a simulated country being switched to one gateway.

    The country is simulated with real Cambodian network names and AS numbers; everything else
    is the real thing: session, strategy, records, redaction, spool and judgement. Needs neither
    root nor a network.
    """
    from analysis.commands.demo import run_demo  # noqa: PLC0415 - as in analyze

    where = folder or Path(tempfile.mkdtemp(prefix="gatewatch-demo-"))
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise unwritten(where, problem) from None
    run_demo(where, as_json=as_json, table=open_table(None), command=_command_line())


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
        there = problem.filename or out
        raise click.BadParameter(
            f"{there} is there already; choose another name or take it away", param_hint="OUT"
        ) from None
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
