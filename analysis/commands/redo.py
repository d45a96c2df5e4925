"""The command line, as a verdict records it so that anybody can repeat it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePath


def command_line() -> str:
    """What was typed, for who wants to redo it.

    Of a path from the root or upwards only its name, and nothing of a cluster, which changes no
    digit: a verdict is published, and on whose machine it was made is nobody's business.
    """
    return shlex.join(["gatewatch", *map(_without_folders, _without_cluster(sys.argv[1:]))])


def _without_cluster(arguments: Iterable[str]) -> Iterator[str]:
    """The arguments but ``--engine`` and its value.

    >>> list(_without_cluster(["may.jsonl", "--engine", "dask://sok:8786", "--json"]))
    ['may.jsonl', '--json']
    """
    rest = iter(arguments)
    for argument in rest:
        if argument == "--engine":
            next(rest, None)
        elif not argument.startswith("--engine="):
            yield argument


def _without_folders(argument: str) -> str:
    """An argument, without the folders of a path from the root, or of one that leads upwards.

    >>> _without_folders("/srv/sok/may.jsonl"), _without_folders("--origin=/srv/sok/a.gz")
    ('may.jsonl', '--origin=a.gz')
    >>> _without_folders("../../sok/may.jsonl"), _without_folders("--policy=a/../../sok/b.toml")
    ('may.jsonl', '--policy=b.toml')
    >>> _without_folders("traces/may.jsonl"), _without_folders("KH")
    ('traces/may.jsonl', 'KH')
    """
    option, equals, value = argument.rpartition("=") if argument[:2] == "--" else ("", "", argument)
    path = PurePath(value)
    leads_elsewhere = path.is_absolute() or ".." in path.parts
    return f"{option}{equals}{path.name or value}" if leads_elsewhere else argument
