"""One dated state of the address table, and the manifest that names its parts.

Every record says by which snapshot it was attributed, so that an analyst can tell a move of
traffic from a change of tables. The manifest is written last, in one step: what it names is
whole. This module knows where snapshots lie, not what is in them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from probe.disk.places import data_folder, shipped
from probe.origin.errors import OriginError
from probe.words.language import _

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"

# Days after which a newer table is worth fetching: networks change hands slowly, but a country's
# new networks are those one wants to know.
OLD = 180


@dataclass(frozen=True)
class Snapshot:
    """Which table answered. ``date`` is the day the table speaks of, ISO 8601.

    Its bytes are hashed when somebody asks for that, since it takes longer than opening the table;
    ``state`` is that of the file as it was opened, so that no other is hashed in its place.
    """

    name: str
    path: Path
    date: str | None
    source: str | None
    licence: str | None
    state: tuple[int, ...]

    @cached_property
    def sha256(self) -> str:
        """Of the table's bytes, in hexadecimal. Raises `OriginError` where the file changed."""
        try:
            found = sha256_of(self.path)
            same = state_of(self.path) == self.state
        except OSError:
            same = False
        if not same:
            raise OriginError(
                _("{path} was replaced while it was in use; run the command again").format(
                    path=self.path
                )
            )
        return found

    @property
    def id(self) -> str:
        """The name that records carry."""
        return snapshot_id(self.name, self.date, self.sha256)


def state_of(path: Path) -> tuple[int, ...]:
    """What changes where a file is written or replaced. Raises OSError where it is not there."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """What a snapshot consists of, as written beside it. ``sha256`` are by file name."""

    folder: Path
    name: str
    date: str
    source: str
    licence: str
    table: str
    register: str
    sha256: dict[str, str]

    @property
    def table_path(self) -> Path:
        """The file of the address table."""
        return self.folder / self.table

    @property
    def register_path(self) -> Path:
        """The file of the register of AS numbers."""
        return self.folder / self.register

    @property
    def id(self) -> str:
        """The name that records carry."""
        return snapshot_id(self.name, self.date, self.sha256[self.table])


def snapshot_id(name: str, date: str | None, sha256: str) -> str:
    """The name that records carry.

    >>> snapshot_id("iplocdb", "2026-06-17", "0123456789abcdef")
    'iplocdb@2026-06-17+0123456789ab'
    """
    return f"{name}@{date or 'undated'}+{sha256[:12]}"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL, and probes need not wait for that

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> SnapshotManifest:
    """The manifest in this folder.

    Raises FileNotFoundError where there is none, `OriginError` where it cannot be used.
    """
    path = folder / MANIFEST
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        manifest = SnapshotManifest(
            folder=folder,
            name=fields["name"],
            date=date.fromisoformat(fields["date"]).isoformat(),
            source=fields["source"],
            licence=fields["licence"],
            table=fields["table"],
            register=fields["register"],
            sha256=dict(fields["sha256"]),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as problem:
        raise OriginError(
            _(
                "{path} is not a snapshot's manifest ({reason}); remove {folder} or "
                "run 'gatewatch data update'"
            ).format(path=path, reason=problem, folder=folder)
        ) from None
    if manifest.table not in manifest.sha256 or manifest.register not in manifest.sha256:
        raise OriginError(
            _("{path} names files without their sha256; remove {folder}").format(
                path=path, folder=folder
            )
        )
    return manifest


def damaged(manifest: SnapshotManifest) -> list[str]:
    """The files of a snapshot that are missing or differ from its manifest."""
    return [
        name
        for name, sha256 in sorted(manifest.sha256.items())
        if not (manifest.folder / name).is_file() or sha256_of(manifest.folder / name) != sha256
    ]


def age(manifest: SnapshotManifest, today: date) -> int:
    """How many days old the table is; negative where it is of a later day than today."""
    return (today - date.fromisoformat(manifest.date)).days


def manifest_bytes(manifest: SnapshotManifest, **more: object) -> bytes:
    """The manifest as it stands in its file; ``more`` is kept for readers, and not read back."""
    fields = {
        "name": manifest.name,
        "date": manifest.date,
        "source": manifest.source,
        "licence": manifest.licence,
        "table": manifest.table,
        "register": manifest.register,
        "sha256": manifest.sha256,
    }
    return (json.dumps(fields | more, indent=2) + "\n").encode()


def updated_folder() -> Path:
    """Where ``gatewatch data update`` puts its snapshot."""
    return data_folder() / "origin"


def current_manifest() -> SnapshotManifest:
    """The snapshot in use: the newer of the shipped one and the volunteer's own.

    Raises `OriginError` where the volunteer's own cannot be used: falling back without a word
    would change what records say.
    """
    ours = read_manifest(shipped("origin"))
    try:
        theirs = read_manifest(updated_folder())
    except FileNotFoundError:
        return ours
    return theirs if theirs.date >= ours.date else ours
