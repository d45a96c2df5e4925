"""``gatewatch analyze``: reads options, calls what judges, prints, writes, exits."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.commands import options
from analysis.commands.given import (
    known_country,
    named_files,
    nothing_usable,
    table_to_judge_by,
    warn,
)
from analysis.commands.outputs import (
    refuse_to_write_over,
    refuse_what_cannot_be_written,
    written,
)
from analysis.commands.redo import command_line
from probe.origin import OriginError
from probe.record import SIMULATED
from probe.words.failure import BadInput, Failure, Offline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analysis.basis.means import Means
    from analysis.intake.sieve import Malformed
    from analysis.library.statement import Verdict


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

    table = table_to_judge_by(origin)
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

    with _told_as_failures():
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
        verdict = _judged(means, paths, malformed, cluster)
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


@contextmanager
def _told_as_failures() -> Iterator[None]:
    """Say in the form of our failures what is wrong with what was given."""
    from analysis.intake.eyeballs import EyeballsError  # noqa: PLC0415 - as in analyze
    from analysis.intake.inputs import InputError  # noqa: PLC0415
    from analysis.intake.rib import RibError  # noqa: PLC0415
    from analysis.scale.worker import ClusterError  # noqa: PLC0415

    try:
        yield
    except (EyeballsError, InputError, OriginError, RibError) as problem:
        raise BadInput(str(problem)) from None
    except ClusterError as problem:
        raise Offline(str(problem)) from None


def _judged(
    means: Means, paths: tuple[str, ...], malformed: Malformed, cluster: str | None
) -> Verdict:
    """Read all paths and judge; what cannot be read is told while that is done."""
    from analysis.commands.progress import Watched, shown  # noqa: PLC0415 - as in analyze
    from analysis.library.api import judge_by, read  # noqa: PLC0415
    from analysis.scale.cluster import Cluster  # noqa: PLC0415
    from analysis.scale.engine import Processes  # noqa: PLC0415

    engine = Processes() if cluster is None else Cluster(cluster)
    with shown() as tell:
        data = read(means, paths, Watched(engine, tell), malformed=malformed)
    if malformed == "warn":
        warn(data.loaded)
    if not len(data):
        raise nothing_usable(paths, data.loaded)
    return judge_by(means, data, command=command_line())


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
