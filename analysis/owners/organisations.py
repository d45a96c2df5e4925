"""Which AS numbers are one organisation, by files that an analyst gives: CAIDA's and PeeringDB's.

They join what the list kept by hand and the registered names leave apart, and never part what
those hold together. Organisations that the list keeps apart stay apart: where a file says that two
of them are one, that is told and left to a person. This module knows no traces.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from analysis.intake.inputs import InputError, short_name
from analysis.intake.shortage import unless_short


class Register(Protocol):
    """What is asked of an address table (`probe.origin.Origin` is one)."""

    def organisation(self, asn: int) -> str: ...

    def operator(self, organisation: str) -> object | None:
        """What the list kept by hand says of an organisation; None where it is not on it."""


@dataclass
class Siblings:
    """AS numbers by the organisation that a file says holds them, and the files' hashes."""

    asns: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    sha256: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Merged:
    """Organisations under the name of the one that they are part of.

    ``names`` has those that change their name. ``kept_apart`` are organisations of the list kept
    by hand that a file holds to be one.
    """

    names: dict[str, str]
    kept_apart: tuple[tuple[str, ...], ...]


def _as_number(value: object) -> int | None:
    text = str(value).upper().removeprefix("AS")
    return int(text) if text.isdecimal() and 0 < int(text) < 2**32 else None


def _note(found: Siblings, source: str, holder: object, number: object) -> bool:
    """Note who holds an AS number, if the source names somebody; whether it is one."""
    asn = _as_number(number)
    if asn is not None and holder:
        found.asns[f"{source}:{holder}"].add(asn)
    return asn is not None


def _from_lines(text: str, found: Siblings) -> int:
    """CAIDA's as-org2info.txt: a row of an AS number has its organisation in the fourth field."""
    held = 0
    of_numbers = False
    for line in text.split("\n"):  # names may hold what else ends a line
        if line.startswith("#"):
            of_numbers = line.replace(" ", "").startswith("#format:aut|")
            continue
        fields = line.split("|")
        if of_numbers and len(fields) >= 5:
            held += _note(found, "caida", fields[3], fields[0])
    return held


def _from_objects(objects: Iterable[object], found: Siblings) -> int:
    """CAIDA's as-org2info.jsonl, and PeeringDB's networks."""
    held = 0
    for one in objects:
        if not isinstance(one, dict):
            continue
        for source, key in (("caida", "organizationId"), ("peeringdb", "org_id")):
            if key in one:
                held += _note(found, source, one[key], one.get("asn"))
    return held


def _peeringdb(value: dict[str, Any]) -> list[object]:
    """The networks of a dump, ``{"net": {"data": […]}}``, or of the API, ``{"data": […]}``."""
    networks = value.get("net", value)
    listed = networks.get("data") if isinstance(networks, dict) else None
    return listed if isinstance(listed, list) else []


def _read(text: str, found: Siblings) -> int:
    if not text.lstrip().startswith("{"):
        return _from_lines(text, found)
    try:
        whole = json.loads(text)
    except ValueError:
        lines = filter(str.strip, text.split("\n"))
        return _from_objects(map(json.loads, lines), found)
    return _from_objects([whole, *_peeringdb(whole)], found)


def read_siblings(paths: Sequence[Path]) -> Siblings:
    """Read files of CAIDA's AS organisations (``.txt`` or ``.jsonl``) or of PeeringDB (JSON).

    Packed with gzip or not. Raises `InputError` for a file that holds no AS numbers.
    """
    found = Siblings()
    for path in paths:
        try:
            packed = path.read_bytes()
            text = gzip.decompress(packed) if packed.startswith(b"\x1f\x8b") else packed
            held = _read(text.decode(errors="replace"), found)
        except (EOFError, OSError, zlib.error) as problem:
            why = problem.strerror if isinstance(problem, OSError) else None
            blame = InputError(f"{path}: cannot be read ({why or problem})")
            raise unless_short(problem, blame) from None
        except (ValueError, RecursionError, TypeError):
            held = 0
        if not held:
            raise InputError(
                f"{path}: holds no AS numbers; give CAIDA's as-org2info (.txt or .jsonl) or "
                "PeeringDB's networks (/api/net or a dump)"
            )
        found.sha256[short_name(str(path), found.sha256)] = hashlib.sha256(packed).hexdigest()
    return found


class _Groups:
    """Names that are one; at most one of a group is on the list kept by hand."""

    def __init__(self, listed: Mapping[str, bool]) -> None:
        self._listed = listed
        self._group = {name: {name} for name in listed}
        self.kept_apart: set[tuple[str, ...]] = set()

    def _chosen(self, name: str) -> set[str]:
        return {member for member in self._group[name] if self._listed[member]}

    def join(self, names: Sequence[str]) -> None:
        """Make one of them, but for those that the list keeps apart."""
        chosen = set().union(*(self._chosen(name) for name in names))
        if len(chosen) > 1:
            self.kept_apart.add(tuple(sorted(chosen)))
            names = [name for name in names if not self._chosen(name)]
        joined = set().union(*(self._group[name] for name in names))
        for name in joined:
            self._group[name] = joined

    def renamed(self) -> dict[str, str]:
        names = {}
        for name, group in self._group.items():
            called = min(self._chosen(name) or group)
            if called != name:
                names[name] = called
        return names


def merge(register: Register, siblings: Siblings) -> Merged:
    """Which organisations of a register are one, by what the files say of their AS numbers.

    Organisations keep the name that the list kept by hand gives them; without one, that of the
    member which comes first by name.
    """
    held = [
        sorted({register.organisation(asn) for asn in asns})
        for _, asns in sorted(siblings.asns.items())
    ]
    groups = _Groups({n: register.operator(n) is not None for names in held for n in names})
    for names in held:
        if len(names) > 1:
            groups.join(names)
    return Merged(groups.renamed(), tuple(sorted(groups.kept_apart)))
