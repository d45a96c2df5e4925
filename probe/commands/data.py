"""``gatewatch data``: which address tables are in use, and fetching newer ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from probe.commands import words
from probe.disk.places import data_folder
from probe.disk.private import make_folder
from probe.origin.lookup import EXCHANGES_FILE
from probe.origin.snapshot import (
    OLD,
    SnapshotManifest,
    age,
    current_manifest,
    damaged,
    updated_folder,
)
from probe.owner.settings import read_settings
from probe.run.spoiling import SET_CLOCK
from probe.update.exchanges import EXCHANGES, fetch_exchanges, install_exchanges
from probe.update.tables import TABLES, fetch_tables, install_tables
from probe.words.failure import BadInput, PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from pathlib import Path


@click.group(short_help="Show or update the address tables.")
def data() -> None:
    """The tables that say whose an address is: which are in use, and fetching newer ones."""


@data.command(short_help="Say which address tables are in use.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(*, as_json: bool) -> None:
    """Say which snapshot of the address tables is in use, how old it is and whether it is whole.

    Records carry its id. Ends with exit code 9 where its files are not what its manifest says.
    """
    manifest = current_manifest()
    broken = damaged(manifest)
    if as_json:
        click.echo(json.dumps(_status(manifest, broken)))
    else:
        _print(manifest, broken)
    if broken:
        raise BadInput(
            _(
                "{files} in {folder}: not what the manifest says; fetch the tables "
                "anew: gatewatch data update"
            ).format(files=", ".join(broken), folder=manifest.folder)
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
            raise click.BadParameter(_("{base!r} is not an http address").format(base=base))
    folder = updated_folder()
    proxy = read_settings().proxy
    # All is fetched and checked before anything is replaced.
    tables = fetch_tables(tables_from, proxy)
    lans = fetch_exchanges(exchanges_from, proxy) if exchanges else None
    try:
        # Whatever is in it later, whoever makes it first: it is for its owner alone.
        make_folder(data_folder())
        installed = install_tables(folder, tables)
        if lans is not None:
            install_exchanges(data_folder() / EXCHANGES_FILE, lans)
    except PermissionError as problem:
        raise PermissionDenied(
            _("{path} may not be written; make it yours: sudo chown -R $USER {folder}").format(
                path=problem.filename or folder, folder=data_folder()
            )
        ) from problem
    manifest = current_manifest()
    if manifest.id != installed.id:
        click.echo(
            _("the tables fetched are of {date}, so a newer one stays in use").format(
                date=installed.date
            ),
            err=True,
        )
    if as_json:
        click.echo(json.dumps(_status(manifest, damaged(manifest))))
        return
    click.echo(_("in use: {snapshot}").format(snapshot=manifest.id))
    if lans is not None:
        count = sum(len(exchange.prefixes) for exchange in lans)
        click.echo(
            _("peering LANs: {count:,} at {exchanges:,} exchanges").format(
                count=count, exchanges=len(lans)
            )
        )


def _fetched_exchanges() -> Path | None:
    path = data_folder() / EXCHANGES_FILE
    return path if path.is_file() else None


def _status(manifest: SnapshotManifest, broken: list[str]) -> dict[str, Any]:
    fetched = _fetched_exchanges()
    return {
        "id": manifest.id,
        "date": manifest.date,
        "age_days": age(manifest, datetime.now(UTC).date()),
        "sha256": manifest.sha256[manifest.table],
        "intact": not broken,
        "licence": manifest.licence,
        "source": manifest.source,
        "path": str(manifest.table_path),
        "updated": manifest.folder == updated_folder(),
        "exchanges": str(fetched) if fetched is not None else None,
    }


def _print(manifest: SnapshotManifest, broken: list[str]) -> None:
    """The status for people: what they may want to do first, what a script wants last."""
    updated = manifest.folder == updated_folder()
    fetched = _fetched_exchanges()
    lines = {
        "in use": manifest.id,
        "age": f"of {manifest.date}, {_age(age(manifest, datetime.now(UTC).date()))}",
        "came with": "gatewatch data update" if updated else "gatewatch itself",
        "files": f"damaged: {', '.join(broken)}" if broken else "whole",
        "exchanges": "those that ship" + (f", and those in {fetched}" if fetched else ""),
        "source": manifest.source,
        "licence": manifest.licence,
        "table": str(manifest.table_path),
        "sha256": manifest.sha256[manifest.table],
    }
    for name, text in lines.items():
        click.echo(f"{name:<10} {text}")


def _age(days: int) -> str:
    if days < 0:
        return f"which the clock of this machine has yet to reach; set it, as with {SET_CLOCK}"
    said = f"{words.many(days, 'day')} old"
    return f"{said}; for a newer one: gatewatch data update" if days >= OLD else said
