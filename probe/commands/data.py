"""``gatewatch data``: which address tables are in use, and fetching newer ones."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import click

from probe.failure import BadInput, PermissionDenied
from probe.origin import OriginError
from probe.origin.snapshot import Manifest, current_manifest, sha256_of, updated_folder
from probe.places import data_folder
from probe.update import EXCHANGES, TABLES, update_exchanges, update_tables


@click.group(short_help="Show or update the address tables.")
def data() -> None:
    """The tables that say whose an address is: which are in use, and fetching newer ones."""


@data.command(short_help="Say which address tables are in use.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(*, as_json: bool) -> None:
    """Say which snapshot of the address tables is in use, how old it is and whether it is whole.

    Records carry its id. Ends with exit code 9 where its files are not what its manifest says.
    """
    manifest = _current()
    damaged = _damaged(manifest)
    fields = _status(manifest, damaged)
    if as_json:
        click.echo(json.dumps(fields))
    else:
        for name, value in fields.items():
            click.echo(f"{name.replace('_', ' '):<12} {_words(value)}")
    if damaged:
        raise BadInput(
            f"{', '.join(damaged)} in {manifest.folder}: not what the manifest says; "
            "fetch the tables anew: gatewatch data update"
        )


@data.command(short_help="Fetch newer address tables.")
@click.option("--exchanges", is_flag=True, help="Also fetch all peering LANs from PeeringDB.")
@click.option("--tables-from", default=TABLES, hidden=True, help="Base URL of the tables.")
@click.option("--exchanges-from", default=EXCHANGES, hidden=True, help="Base URL of the LANs.")
@click.option("--json", "as_json", is_flag=True, help="The new status as one JSON object.")
def update(*, exchanges: bool, tables_from: str, exchanges_from: str, as_json: bool) -> None:
    """Fetch today's tables from iptoasn.com, check them and put them in place in one step.

    Some 8 MB are fetched; nothing about this machine is sent, beyond what any download tells.
    Exit code 5 without a connection and 9 when what came is not the tables; what is in use then
    stays as it was.
    """
    for base in (tables_from, exchanges_from):
        if not base.startswith(("https://", "http://")):
            raise click.BadParameter(f"{base!r} is not an http address")
    folder = updated_folder()
    try:
        update_tables(folder, tables_from)
        if exchanges:
            lans = update_exchanges(data_folder() / "exchanges.toml", exchanges_from)
            click.echo(f"{lans:,} peering LANs", err=True)
    except PermissionError as problem:
        raise PermissionDenied(
            f"{problem.filename or folder} may not be written; make it yours: "
            f"sudo chown -R $USER {data_folder()}"
        ) from problem
    manifest = _current()
    if as_json:
        click.echo(json.dumps(_status(manifest, _damaged(manifest))))
    else:
        click.echo(f"in use: {manifest.id}")


def _current() -> Manifest:
    try:
        return current_manifest()
    except OriginError as problem:
        raise BadInput(str(problem)) from problem


def _damaged(manifest: Manifest) -> list[str]:
    """The files of a snapshot that are missing or differ from its manifest."""
    return [
        name
        for name, sha256 in sorted(manifest.sha256.items())
        if not (manifest.folder / name).is_file() or sha256_of(manifest.folder / name) != sha256
    ]


def _status(manifest: Manifest, damaged: list[str]) -> dict[str, Any]:
    fetched = data_folder() / "exchanges.toml"
    return {
        "id": manifest.id,
        "date": manifest.date,
        "age_days": (datetime.now(UTC).date() - date.fromisoformat(manifest.date)).days,
        "sha256": manifest.sha256[manifest.table],
        "intact": not damaged,
        "licence": manifest.licence,
        "source": manifest.source,
        "path": str(manifest.table_path),
        "updated": manifest.folder == updated_folder(),
        "exchanges": str(fetched) if fetched.is_file() else None,
    }


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "as shipped" if value is None else str(value)
