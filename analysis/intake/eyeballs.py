"""How many people use each network, as APNIC estimates it: a file that the analyst downloads.

Reads https://stats.labs.apnic.net/cgi-bin/aspop?c=CC as JSON (``&f=j``) or CSV (``&f=c``). What
the numbers weigh is not decided here. A row is one network *in one country*: a network that works
in several has several, and only those of the country asked for count.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.intake.shortage import unless_short

# The names of the columns, by form.
_AS = ("AS", "ASN")
_COUNTRY = ("CC",)
_USERS = ("Users", "Users (est.)")


class EyeballsError(ValueError):
    """A file that is no estimate of users; the message names file and row and says what to do."""


@dataclass(frozen=True, slots=True)
class Eyeballs:
    """Estimated users of one country by AS number. ``date`` is the file's own, where it has one."""

    users: Mapping[int, float]
    name: str
    sha256: str
    date: str | None


def read_eyeballs(path: Path, country: str) -> Eyeballs:
    """The users of a country's networks; raises `EyeballsError`."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        blame = EyeballsError(f"{path}: cannot be read ({problem.strerror})")
        raise unless_short(problem, blame) from None
    # The names of networks in it are Latin-1 at times; nothing but numbers is used.
    text = content.decode("utf-8-sig", errors="replace")
    date, rows = _json(path, text) if text.lstrip().startswith(("{", "[")) else (None, _csv(text))
    users: dict[int, float] = defaultdict(float)
    for where, row in rows:
        try:
            number = int(re.sub(r"^AS", "", str(_first(row, _AS)).strip()))
            home = str(_first(row, _COUNTRY)).strip().upper()
            people = _count(str(_first(row, _USERS)))
        except (KeyError, ValueError):
            raise EyeballsError(
                f"{path}: {where} is no row of AS, CC and Users; give the CSV or JSON form of "
                "APNIC's table of users (aspop)"
            ) from None
        if home == country:
            users[number] += people
    if not any(users.values()):
        raise EyeballsError(
            f"{path}: no users in {country}; download APNIC's table of users for that country"
        )
    return Eyeballs(dict(users), path.name, hashlib.sha256(content).hexdigest(), date)


def _count(text: str) -> float:
    """A number of people as it is printed.

    >>> _count("4,500,000")
    4500000.0
    """
    count = float(text.replace(",", ""))
    if not 0 <= count < math.inf:
        raise ValueError(text)
    return count


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if row.get(name) is not None:
            return row[name]
    raise KeyError(names[0])


def _csv(text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    try:
        for row in reader:
            yield f"line {reader.line_num}", row
    except csv.Error:
        # What is not even rows of text is no row of the table, as the reader of rows will say.
        yield f"line {reader.reader.line_num}", {}


def _json(path: Path, text: str) -> tuple[str | None, Iterator[tuple[str, Mapping[str, Any]]]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise EyeballsError(f"{path}: is broken JSON ({problem}); download it again") from None
    rows = whole.get("Data") if isinstance(whole, dict) else whole
    date = whole.get("Date") if isinstance(whole, dict) else None
    if not isinstance(rows, list):
        rows = [whole]
    return (
        str(date) if date is not None else None,
        ((f"row {n}", row if isinstance(row, dict) else {}) for n, row in enumerate(rows, 1)),
    )
