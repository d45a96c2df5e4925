"""Commands that tell apart what two verdicts leave open: they change one thing at a time.

They are put together from what the verdicts say was typed. Anybody may have written that, so of its
options only those are taken that choose by what is judged, and all of it is quoted.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import UNSET

from analysis.difference.means import Means
from analysis.difference.told import Told

# What chooses by what is judged, by option. The country is in the verdict itself,
# and the numbers of the rule are by themselves.
_CHOOSES: dict[str, Means | None] = {
    "--origin": "table",
    "--tables": "table",
    "--organisations": "organisations",
    "--eyeballs": "users",
    "--rib": "routes",
    "--malformed": None,
}
FLAGS = frozenset({"--json"})
"""The options of `gatewatch analyze` that take no value."""


class Step(NamedTuple):
    """What to type, and what its verdict tells."""

    command: str
    tells: str


class _Typed(NamedTuple):
    paths: list[str]
    options: list[tuple[str, str]]


def _typed(verdict: Told, files: str) -> _Typed:
    """What was typed; ``files`` stands for the paths where the verdict does not tell them."""
    command = verdict.provenance.command
    paths, options = _parted(command) if isinstance(command, str) else ([], [])
    # What was changed is told also where nothing was typed, as in a notebook.
    changed = verdict.provenance.policy_changed
    numbers = {} if changed is UNSET else changed
    return _Typed(paths or [files], [*options, *_as_options(numbers)])


def _as_options(numbers: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [("--policy", f"{key}={value}") for key, value in sorted(numbers.items())]


def _parted(command: str) -> _Typed:
    """The paths of a command, and of its options those that choose by what is judged."""
    typed = _Typed([], [])
    try:
        words = shlex.split(command)
    except ValueError:
        return typed
    if words[:2] != ["gatewatch", "analyze"]:
        return typed
    rest = iter(words[2:])
    for word in rest:
        if word == "--":
            typed.paths.extend(rest)
        elif not word.startswith("--"):
            typed.paths.append(word)
        elif word not in FLAGS:
            name, equals, value = word.partition("=")
            value = value if equals else next(rest, "")
            if name in _CHOOSES:
                typed.options.append((name, value))
    return typed


def _command(paths: Sequence[str], country: str, options: Iterable[tuple[str, str]]) -> str:
    chosen = [word for option in options for word in option]
    ends = ["--"] if any(path.startswith("-") and path != "-" for path in paths) else []
    return shlex.join(
        ["gatewatch", "analyze", *chosen, "--country", country, "--json", *ends, *paths]
    )


def old_files_by_new_means(old: Told, new: Told) -> str:
    """The files of the older verdict, judged as the newer was."""
    options = _typed(new, "NEW-FILES").options
    return _command(_typed(old, "OLD-FILES").paths, new.country, options)


def together(old: Told, new: Told) -> str:
    """The files of both verdicts at once, judged as the newer was."""
    typed = _typed(new, "NEW-FILES")
    paths = dict.fromkeys([*_typed(old, "OLD-FILES").paths, *typed.paths])
    return _command(list(paths), new.country, typed.options)


def with_one_of_old(old: Told, new: Told, differing: Collection[Means]) -> tuple[str, Means] | None:
    """As the newer was judged, but for one means that an option gives back from the older.

    None where no option does that.
    """
    was, typed = _typed(old, "OLD-FILES").options, _typed(new, "NEW-FILES")
    for means in ("policy", "table", "organisations", "users", "routes"):
        if means not in differing:
            continue
        if means == "policy":
            back = _as_options(_numbers_of_old(old, new))
        else:
            back = [option for option in was if _chosen(option) == means]
            if means == "table" and not back:
                back = [("--origin", "OLD-TABLE")]
        kept = [option for option in typed.options if _chosen(option) != means]
        return _command(typed.paths, new.country, [*kept, *back]), means
    return None


def _numbers_of_old(old: Told, new: Told) -> dict[str, Any]:
    """What to give as ``--policy``: what the older changed, and what since became another."""
    was, now = old.provenance, new.provenance
    changed = {} if was.policy_changed is UNSET else was.policy_changed
    both = was.policy.keys() & now.policy.keys()
    return changed | {key: was.policy[key] for key in both if was.policy[key] != now.policy[key]}


def _chosen(option: tuple[str, str]) -> Means | None:
    return "policy" if option[0] == "--policy" else _CHOOSES[option[0]]
