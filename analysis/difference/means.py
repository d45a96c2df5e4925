"""By what two verdicts were judged, and on which files: what of it differs by their provenance.

What an older verdict does not tell may have been the same or not; it counts as differing, since
nobody can know. What the differences did is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from msgspec import UNSET

from analysis.difference.told import Provenance, Told

Means = Literal["policy", "table", "organisations", "lists", "users", "routes", "code", "libraries"]
"""What a verdict is judged by; the first five are chosen by options of `gatewatch analyze`."""


class Other(NamedTuple):
    """Something by which the two were judged differently; None is what a verdict does not tell."""

    means: Means
    key: str
    old: Any
    new: Any


class Inputs(NamedTuple):
    """Files by their bytes: how many are in both, and which only in one, by name and sha256."""

    same: int
    gone: dict[str, str]
    added: dict[str, str]

    @property
    def alike(self) -> bool:
        """Whether both verdicts were made of the same files."""
        return not self.gone and not self.added


def inputs(old: Told, new: Told) -> Inputs:
    """Compare the files that were read: by what is in them, whatever they are called."""
    was, are = old.provenance.inputs, new.provenance.inputs
    return Inputs(
        (Counter(was.values()) & Counter(are.values())).total(), _only(was, are), _only(are, was)
    )


def _only(those: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """The files of the one of which the other has none, or fewer, with the same bytes."""
    left = Counter(others.values())
    found = {}
    for name, digest in sorted(those.items()):
        if left[digest]:
            left[digest] -= 1
        else:
            found[name] = digest
    return found


def others(old: Told, new: Told) -> list[Other]:
    """By what the two were judged differently, what the rule asks first and libraries last."""
    was, are = old.provenance, new.provenance
    return [
        other
        for other in (
            *_policy(was, are),
            Other("table", "snapshots", sorted({*was.snapshots}), sorted({*are.snapshots})),
            Other("organisations", "organisations", _siblings(was), _siblings(are)),
            *_each("lists", was.lists, are.lists),
            Other("users", "eyeballs", _users(was), _users(are)),
            Other("routes", "witness.sha256", _routes(old), _routes(new)),
            Other("code", "version", _said(was.version), _said(are.version)),
            Other("code", "code", _said(was.code), _said(are.code)),
            *_each("libraries", was.libraries, are.libraries),
        )
        if other.old != other.new
    ]


def _said(value: Any) -> Any:
    return None if value is UNSET else value


def _policy(was: Provenance, are: Provenance) -> Iterator[Other]:
    for name in sorted(was.policy.keys() | are.policy.keys()):
        # A number that only one version of the rule has is of its code.
        means: Means = "policy" if name in was.policy and name in are.policy else "code"
        yield Other(means, f"policy.{name}", was.policy.get(name), are.policy.get(name))


def _each(
    means: Literal["lists", "libraries"], was: Mapping[str, str] | Any, are: Mapping[str, str] | Any
) -> Iterator[Other]:
    old, new = _said(was) or {}, _said(are) or {}
    for name in sorted(old.keys() | new.keys()):
        yield Other(means, f"{means}.{name}", old.get(name), new.get(name))


def _siblings(provenance: Provenance) -> Any:
    said = provenance.organisations
    return sorted(said.files.values()) if said is not UNSET and said is not None else []


def _users(provenance: Provenance) -> str | None:
    said = provenance.eyeballs
    return said.sha256 if said is not UNSET and said is not None else None


def _routes(verdict: Told) -> str | None:
    said = verdict.witness
    return _said(said.sha256) if said is not UNSET and said is not None else None
