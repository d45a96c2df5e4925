"""By what a country is judged: the rule's numbers, address tables, users, a routing table.

Whoever judges, on the command line or in a notebook, names the same things and is refused the same
mistakes before a long file is read. Opens and checks; judging itself is `analysis.judgement.judge`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.basis.assessment import Tables, assess, open_tables
from analysis.countries import country_code
from analysis.evidence.panel import Panel
from analysis.intake.eyeballs import Eyeballs, read_eyeballs
from analysis.intake.inputs import InputError
from analysis.intake.load import Loaded
from analysis.intake.rib import Rib, read_rib
from analysis.intake.sieve import Malformed
from analysis.judgement.judge import Judgement, judge
from analysis.policy import Policy, PolicyError, with_overrides
from analysis.scale import edition
from analysis.scale.engine import Digest, Recipe
from analysis.shares.coverage import by_users
from probe import __version__
from probe.origin import Origin, open_origin


@dataclass(frozen=True)
class Means:
    """A country, and everything that its traces are judged by.

    ``users`` estimates the users of each network, ``rib`` is a file with a routing table, read
    when it is needed, for that takes minutes.
    """

    country: str
    tables: Tables
    policy: Policy
    users: Eyeballs | None
    rib: Path | None

    def judge(
        self, loaded: Loaded, *, command: str | None = None, digest: Digest | None = None
    ) -> Judgement:
        """Judge what was loaded; ``command`` is what the provenance will say was typed.

        ``digest`` is what became of the traces where they were not kept; see `streams`. Raises
        `analysis.intake.rib.RibError` and `analysis.intake.inputs.InputError`.
        """
        users, now = self.users, time.time()
        recording = self._recording()
        told: dict[str, Any] = {
            "version": __version__,
            "code": edition.code(),
            "libraries": edition.libraries(),
            "command": command,
            "eyeballs": {"file": users.name, "sha256": users.sha256, "date": users.date}
            if users is not None
            else None,
        }

        def judged(by: Origin, panel: Panel, dated: Panel | None) -> Judgement:
            return judge(
                loaded,
                by,
                self.country,
                self.policy,
                now=now,
                provenance=told,
                frozen=panel,
                dated=dated,
                weights=by_users(users.users, by.organisation) if users is not None else None,
                recording=recording,
            )

        return assess(
            loaded,
            self.tables,
            self.country,
            self.policy,
            now=now,
            judge=judged,
            digest=digest,
        )

    def recipe(self, malformed: Malformed) -> Recipe:
        """What traces are folded by while they are read."""
        return Recipe(
            self.tables.main, self.country, self.policy, time.time(), malformed, self.tables.other
        )

    @property
    def streams(self) -> bool:
        """Whether traces can be folded while they are read; tables of days ask for them later."""
        return self.tables.days is None

    def _recording(self) -> Rib | None:
        if self.rib is None:
            return None
        lookup = self.tables.main.lookup
        return read_rib(self.rib, lambda address: lookup(address).country == self.country)


def open_means(
    country: str,
    *,
    policy: Policy | Mapping[str, float] | None = None,
    origin: Origin | Path | str | None = None,
    tables: Path | str | None = None,
    compared: Path | str | None = None,
    organisations: Sequence[Path | str] | Path | str = (),
    eyeballs: Path | str | None = None,
    rib: Path | str | None = None,
) -> Means:
    """Open what a verdict is made by; the arguments are `gatewatch analyze`'s options.

    ``policy`` may name just the numbers that differ from the rule's. Raises `UnknownCountry`,
    `analysis.policy.PolicyError`, `analysis.intake.inputs.InputError`,
    `analysis.intake.eyeballs.EyeballsError` and `probe.origin.OriginError`, each with a sentence
    that says what to do.
    """
    table = origin if isinstance(origin, Origin) else open_origin(_path(origin))
    code = country_code(table, country)
    numbers = _policy({} if policy is None else policy)
    if isinstance(organisations, str) or not isinstance(organisations, Iterable):
        organisations = [organisations]
    weighed_by = _path(eyeballs)
    users = read_eyeballs(weighed_by, code) if weighed_by is not None else None
    opened = open_tables(
        table,
        days=_path(tables),
        other=_path(compared),
        siblings=tuple(_file(path) for path in organisations),
    )
    return Means(code, opened, numbers, users, _path(rib))


def _policy(given: Policy | Mapping[str, float]) -> Policy:
    numbers = given.changed() if isinstance(given, Policy) else given
    if not isinstance(numbers, Mapping):
        raise PolicyError(f"give a Policy or a mapping such as {{'days': 1}}, not {given!r}")
    return with_overrides(Policy(), (f"{key}={value}" for key, value in numbers.items()))


def _path(given: Path | str | None) -> Path | None:
    return _file(given) if given is not None else None


def _file(given: object) -> Path:
    if not isinstance(given, str | Path):
        raise InputError(f"{given!r} is no path; give one as text or as a Path")
    return Path(given)
