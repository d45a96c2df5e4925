"""``gatewatch plan``: whom to recruit before a verdict on a country can be had. Reads and prints.

What a country needs is worked out in `analysis.simulated.planning`; how often a verdict errs is
read from the table that ships, or counted anew on simulated countries.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from analysis.commands import options
from analysis.commands.given import (
    known_country,
    named_files,
    nothing_usable,
    open_table,
    table_to_judge_by,
    warn,
)
from analysis.policy import Policy
from analysis.words.wording import asked, counted, many, outward, part, some_asns
from probe.disk.places import shipped
from probe.origin import Origin
from probe.words.failure import BadInput

if TYPE_CHECKING:
    from analysis.shares.coverage import Weights
    from analysis.simulated.planning import Invitee

SCHEMA = "gatewatch.plan/1"
ERROR_RATES = "planning/error-rates.json"


class _Panel(NamedTuple):
    """The organisations from which there are traces to abroad, and those from which there are only
    such between networks at home; what says nothing by its reason."""

    abroad: set[str]
    at_home_alone: set[str]
    rejected: Mapping[str, int]


def _taking_part(paths: tuple[str, ...], table: Origin, code: str) -> _Panel:
    """What these paths have of a country."""
    from analysis.commands.progress import Watched, shown  # noqa: PLC0415
    from analysis.intake.inputs import InputError  # noqa: PLC0415
    from analysis.scale.engine import Processes, Recipe, digest  # noqa: PLC0415 - not for --help

    if not paths:
        return _Panel(set(), set(), {})
    try:
        with shown() as tell:
            recipe = Recipe(table, code, Policy(), time.time())
            found = digest(paths, recipe, Watched(Processes(), tell))
    except InputError as problem:
        raise BadInput(str(problem)) from None
    warn(found.loaded)
    if not len(found):
        raise nothing_usable(paths, found.loaded)
    seen, rejected = found.panel.observations, found.loaded.rejected + found.panel.rejected
    abroad = {one.organisation for one in seen if one.crossing is not None}
    return _Panel(abroad, {one.organisation for one in seen} - abroad, rejected)


def _weights(table: Origin, code: str, eyeballs: Path | None) -> Weights:
    """What each organisation of the country weighs."""
    from analysis.intake.eyeballs import EyeballsError, read_eyeballs  # noqa: PLC0415
    from analysis.shares.coverage import by_addresses, by_users  # noqa: PLC0415 - not for --help

    if eyeballs is None:
        found = by_addresses(table.networks(code))
    else:
        try:
            found = by_users(read_eyeballs(eyeballs, code).users, table.organisation)
        except EyeballsError as problem:
            raise BadInput(str(problem)) from None
    if not found.of:
        raise BadInput(f"{code}: no network of this country is in the address table")
    return found


def _rates(networks: int, simulate: int) -> dict[str, Any]:
    """The error rates that ship, or those of as many simulated countries of each kind."""
    from analysis.simulated.error_rates import Cell, as_json, count  # noqa: PLC0415
    from analysis.simulated.trials import draws  # noqa: PLC0415

    if not simulate:
        fields: dict[str, Any] = json.loads(shipped(ERROR_RATES).read_text(encoding="utf-8"))
        return fields
    cells = (
        Cell("captured", networks, 0.6),
        Cell("captured", networks, 0.97, at_most=False),
    )
    rows = [as_json(count(cell, draws(cell, range(simulate)))) for cell in cells]
    return {"made": {"command": f"--simulate {simulate}", "draws": simulate}, "rows": rows}


@click.command()
@click.argument("country", metavar="CC")
@click.option(
    "--panel",
    "paths",
    multiple=True,
    metavar="PATH",
    help="Traces of those that take part already: a file, folder or glob; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as one JSON object.")
@click.option(
    "--simulate",
    type=click.IntRange(min=0),
    default=0,
    metavar="DRAWS",
    help="Count the error rates on so many simulated countries instead of reading them.",
)
@click.option(
    "--networks",
    type=click.IntRange(min=3, max=60),
    help="How many networks a simulated country has (default: those that take part, or 10).",
)
@click.option(
    "--eyeballs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Weigh organisations by their users: APNIC's estimates, as downloaded.",
)
@options.address_table
@click.option(
    "--top", type=click.IntRange(min=1), default=15, help="How many to list.", show_default=True
)
def plan(
    country: str,
    *,
    paths: tuple[str, ...],
    as_json: bool,
    simulate: int,
    networks: int | None,
    eyeballs: Path | None,
    origin: Path | None,
    top: int,
) -> None:
    """Plan whom to recruit before a country can be judged.

    Says how many networks must take part before a verdict is possible and before it is reliable,
    and whom to ask next so that what is unknown of the country shrinks most. CC is the country's
    code of two letters. Organisations are weighed by the IPv4 addresses they announce, which
    under-weighs mobile networks, unless their users are known.
    """
    if networks is not None and not simulate:
        raise click.UsageError("--networks goes with --simulate: it is of simulated countries")
    table = table_to_judge_by(origin) if paths else open_table(origin)
    code = known_country(table, country, "CC")
    named_files(paths)

    from analysis.simulated.planning import invitees  # noqa: PLC0415 - as in analyze

    weights = _weights(table, code, eyeballs)
    panel = _taking_part(paths, table, code)
    measured = panel.abroad & set(weights.of)
    invited = invitees(weights.of, measured)
    rates = _rates(networks or max(len(measured), 10), simulate)
    fields = {
        "schema": SCHEMA,
        "country": code,
        "snapshot": table.snapshot.id,
        "weights": weights.unit,
        "organisations": len(weights.of),
        "taking_part": len(measured),
        "coverage": max((one.coverage for one in invited if one.measured), default=0.0),
        "at_home_alone": len(panel.at_home_alone),
        "unweighed": len(panel.abroad - measured),
        "rejected": dict(sorted(panel.rejected.items())),
        "needs": _needs(weights, rates, measured),
        "recruit": _recruits(invited, table, code)[:top],
        "error_rates": rates,
    }
    click.echo(json.dumps(fields, ensure_ascii=False) if as_json else _plain(fields, simulate))


def _needs(weights: Weights, rates: dict[str, Any], measured: set[str]) -> dict[str, int | None]:
    """How many networks must take part, and for what."""
    from analysis.simulated.error_rates import from_json  # noqa: PLC0415 - as in analyze
    from analysis.simulated.planning import needs  # noqa: PLC0415

    rows = [from_json(row) for row in rates["rows"]]
    wanted = needs(weights.of, rows, Policy(), measured)
    return {
        "possible": wanted.possible,
        "named": wanted.named,
        "single": wanted.single,
        "reliable": wanted.reliable,
        "national": wanted.national,
    }


def _recruits(invited: Iterable[Invitee], table: Origin, code: str) -> list[dict[str, Any]]:
    """Whom to recruit next, in that order: all that do not take part yet."""
    from analysis.judgement.fields import asns_at_home  # noqa: PLC0415 - as in analyze

    return [
        {
            "organisation": one.organisation,
            "asns": asns_at_home(one.organisation, table, code),
            "weight": one.weight,
            "share": one.share,
            "coverage_then": one.coverage,
            "open_then": 1.0 - one.coverage,
        }
        for one in invited
        if not one.measured
    ]


def _plain(fields: dict[str, Any], simulate: int) -> str:
    wanted, unit = fields["needs"], fields["weights"]
    source = f"simulated countries of each kind: {simulate}" if simulate else "docs/error-rates.md"
    reliable = (
        f"{wanted['reliable']} before it is reliable"
        if wanted["reliable"] is not None
        else "no number tried is reliable"
    )
    national, enough = wanted["national"], asked(Policy().national_eyeballs)
    apart = {
        "Measured at home alone, which tells nothing of ways abroad": fields["at_home_alone"],
        f"Measured, but without {unit}": fields["unweighed"],
    }
    lines = [
        f"{fields['country']}: {many(fields['organisations'], 'organisation')} with {unit}; "
        f"taking part: {fields['taking_part']}, with {part(fields['coverage'])} of the {unit}.",
        *(f"{said}: {many(count, 'organisation')}." for said, count in apart.items() if count),
        *(
            [f"Left out of what --panel names: {counted(fields['rejected'])}."]
            if fields["rejected"]
            else []
        ),
        f"Needed besides the candidate: {wanted['possible']} before anything is said, "
        f"{wanted['single']} before anybody is called a single gateway, {reliable} ({source}). "
        'With fewer an operator can be named whom most pass ("concentrated").',
        f'For "national": the first {national} cover {enough} of the {unit}.'
        if national is not None
        else 'For "national" no number suffices.',
        f"Ask next ({unit}, then how far the national share stays open):",
    ]
    lines += [
        f"  {number:>3}. {one['organisation']} "
        f"({some_asns([f'AS{asn}' for asn in one['asns']], 4) or 'no AS number'}) "
        f"{one['weight']:.0f} ({one['share']:.1%}) → open by {outward(0.0, one['open_then'])[1]}"
        for number, one in enumerate(fields["recruit"], start=1)
    ]
    return "\n".join(lines)
