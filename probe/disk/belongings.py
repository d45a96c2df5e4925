"""All that gatewatch keeps on a machine, by kind, and how it is taken away.

Whoever has to be rid of it, and fast, must neither forget a file nor lose one that is not ours: the
data folder may be any folder that its owner named. So only names that are known are touched, and
what else lies there is told. This module asks nobody, and knows no timer.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from probe.disk.presence import is_folder
from probe.disk.private import UNFINISHED, sweep_unfinished, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONSENT = "consent"

# In the order in which they go: without consent nothing begins any more, and without keys nothing
# that is left can be signed.
KINDS: dict[str, tuple[str, ...]] = {
    CONSENT: ("consent.json", "consent.html"),
    "keys": ("keys",),
    "names of this vantage point": ("vantage.state", "vantage.lock", "vantage.new"),
    "traces": ("spool",),
    "bundles and receipts": ("outbox",),
    "counts and schedule": ("allowance.state", "schedule.state"),
    "address tables": ("origin", "exchanges.toml"),
    "settings and lists of your own": ("settings.toml", "do-not-probe.txt"),
}


@dataclass(frozen=True)
class Belonging:
    """What there is of a kind: entries of the data folder, and files and bytes in all of them."""

    kind: str
    paths: tuple[Path, ...]
    files: int
    bytes: int


def belongings(folder: Path) -> list[Belonging]:
    """What lies in a data folder that is ours, in the order in which it should go."""
    found = []
    for kind, names in KINDS.items():
        paths = tuple(path for path in _entries(folder) if _is(path, names))
        if paths:
            files = [file for path in paths for file in _files(path)]
            size = sum(file.lstat().st_size for file in files)
            found.append(Belonging(kind, paths, len(files), size))
    return found


def strangers(folder: Path) -> list[Path]:
    """What lies in a data folder and is not ours."""
    ours = tuple(name for names in KINDS.values() for name in names)
    return [path for path in _entries(folder) if not _is(path, ours)]


def sweep(folder: Path) -> None:
    """Delete what of ours was left unfinished in a data folder: `sweep_unfinished`."""
    sweep_unfinished(folder, *(name for names in KINDS.values() for name in names))


def take_away(folder: Path, found: list[Belonging]) -> None:
    """Delete what was found, and the folder too where nothing else is in it.

    Links are deleted, not followed. Each kind is gone from the disk before the next goes: who is
    in a hurry may pull the plug. What cannot be deleted keeps nothing else: the first error is
    raised at the end, and names what is left.
    """
    problems: list[OSError] = []
    for one in found:
        for path in one.paths:
            problems += _removed(path)
        try:
            sync_folder(folder)
        except OSError as problem:
            problems.append(problem)
    if problems:
        raise problems[0]
    with suppress(OSError):
        folder.rmdir()
        sync_folder(folder.parent)


def _removed(path: Path) -> list[OSError]:
    """Delete a file, or a folder and all in it that can be; what went wrong, with the names."""
    problems: list[OSError] = []

    def left(_call: object, name: str, problem: BaseException) -> None:
        if isinstance(problem, OSError) and not isinstance(problem, FileNotFoundError):
            problem.filename = name
            problems.append(problem)

    try:
        if not path.is_dir() or path.is_symlink():
            path.unlink(missing_ok=True)
        elif sys.version_info >= (3, 12):
            shutil.rmtree(path, onexc=left)
        else:
            shutil.rmtree(path, onerror=lambda call, name, raised: left(call, name, raised[1]))
    except OSError as problem:
        left(None, str(path), problem)
    return problems


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if is_folder(folder) else []


def _is(path: Path, names: tuple[str, ...]) -> bool:
    """Whether an entry has one of these names, or is what a crash left of writing one."""
    return path.name in names or (
        path.name.endswith(UNFINISHED) and path.name.startswith(tuple(f"{name}." for name in names))
    )


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        inside: list[Path] = []
        with suppress(OSError):  # told of where it is taken away; until then it is not counted
            inside = sorted(path.iterdir())
        for each in inside:
            yield from _files(each)
    else:
        yield path
