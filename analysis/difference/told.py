"""A verdict as its file tells it, also one that an older version wrote.

Keys are added to verdicts and never renamed: what an older one lacks is `UNSET` here, which is
neither null nor the same as what a newer one says. Which differences matter is not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

SCHEMA = "gatewatch.verdict/1"

# A fraction, and figures that are at least finite, with room for how they were summed.
_Part = Annotated[float, Meta(ge=-1e-6, le=1 + 1e-6)]
_Figure = Annotated[float, Meta(ge=0, le=1e9)]


class VerdictError(ValueError):
    """What was given is no verdict that can be set beside another; the message says why."""


# Keys that are not named here are passed over.
class Node(msgspec.Struct, frozen=True):
    kind: str
    name: str


class Captured(msgspec.Struct, frozen=True):
    organisations: int
    of: int
    lower: _Part
    upper: _Part


class Share(msgspec.Struct, frozen=True):
    equal: _Part
    eyeballs: _Part | None
    lower: _Part
    upper: _Part


class Coverage(msgspec.Struct, frozen=True):
    organisations: int
    eyeballs: _Part
    bounds: tuple[_Part, _Part]
    weights: str | UnsetType = UNSET


class Domestic(msgspec.Struct, frozen=True):
    grade: str
    hub: Node | None
    pairs: dict[str, int]
    captured: Captured | UnsetType = UNSET
    meeting_place: bool | UnsetType = UNSET


class Upstream(msgspec.Struct, frozen=True):
    operator: Node | None


class Since(msgspec.Struct, frozen=True):
    since: str
    gateway: str | None
    kind: str | UnsetType | None = UNSET


class Timeline(msgspec.Struct, frozen=True):
    alarm: bool
    onset: str | None
    gateway: Node | None
    reason: str
    gateways: dict[str, list[Since]] | UnsetType = UNSET


class Exit(msgspec.Struct, frozen=True):
    kind: str | None
    gateway: str | None
    pairs: int


class Organisation(msgspec.Struct, frozen=True):
    organisation: str
    pairs: int
    of: int
    captured: bool | None
    exits: list[Exit]


class Witness(msgspec.Struct, frozen=True):
    says: str
    sha256: str | UnsetType = UNSET


class File(msgspec.Struct, frozen=True):
    sha256: str


class Siblings(msgspec.Struct, frozen=True):
    files: dict[str, str]


class Provenance(msgspec.Struct, frozen=True):
    inputs: dict[str, str]
    snapshots: list[str]
    policy: dict[str, Any]
    policy_changed: dict[str, Any] | UnsetType = UNSET
    command: str | UnsetType | None = UNSET
    version: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    libraries: dict[str, str] | UnsetType = UNSET
    lists: dict[str, str] | UnsetType = UNSET
    organisations: Siblings | UnsetType | None = UNSET
    eyeballs: File | UnsetType | None = UNSET
    notes: dict[str, int] | UnsetType = UNSET


class Told(msgspec.Struct, frozen=True):
    """What a verdict says, as far as another one can be held against it."""

    schema: str
    country: str
    window: tuple[str | None, str | None]
    grade: str
    scope: str
    gateway: Node | None
    captured: Captured
    share: Share
    effective_gateways: _Figure
    coverage: Coverage
    strict_and_lenient_agree: bool
    domestic: Domestic
    upstream: Upstream
    timeline: Timeline
    rejected: dict[str, int]
    provenance: Provenance
    family: int | UnsetType = UNSET
    families: dict[str, str | None] | UnsetType = UNSET
    measured: dict[str, int] | UnsetType = UNSET
    organisations: list[Organisation] | UnsetType = UNSET
    witness: Witness | UnsetType | None = UNSET


def told(fields: Mapping[str, Any], name: str) -> Told:
    """The verdict of a JSON object; ``name`` is what a sentence calls it. Raises `VerdictError`."""
    schema = fields.get("schema")
    if schema != SCHEMA:
        what = f"its schema is {schema}" if isinstance(schema, str) else "it has no schema"
        raise VerdictError(
            f"{name}: is no verdict of the form {SCHEMA} ({what}); "
            "give what `gatewatch analyze --json` printed"
        )
    try:
        return msgspec.convert(fields, Told)
    except msgspec.ValidationError as problem:
        raise VerdictError(
            f"{name}: is no whole verdict ({_plain(problem)}); judge anew with "
            "`gatewatch analyze --json`"
        ) from None


def parsed(text: bytes, name: str) -> dict[str, Any]:
    """The JSON object that a file holds, in any Unicode that JSON has. Raises `VerdictError`."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise VerdictError(
            f"{name}: is no JSON object; give what `gatewatch analyze --json` printed"
        )
    return found


def _plain(problem: msgspec.ValidationError) -> str:
    """What msgspec says is wrong, with the key as the documentation writes it.

    >>> _plain(msgspec.ValidationError("Expected `int`, got `str` - at `$.captured.of`"))
    '`captured.of`: expected `int`, got `str`'
    >>> _plain(msgspec.ValidationError("Object missing required field `grade`"))
    'object missing required field `grade`'
    """
    said, _, where = str(problem).partition(" - at `$")
    key = re.sub(r"^\.|`$", "", where)
    return f"{f'`{key}`: ' if key else ''}{said[:1].lower()}{said[1:]}"


def of_one_country(old: Told, new: Told) -> None:
    """Raise `VerdictError` where two verdicts are of two countries."""
    if old.country != new.country:
        raise VerdictError(
            f"the one is of {old.country}, the other of {new.country}: a difference between "
            "countries is no change; give two verdicts of one"
        )
