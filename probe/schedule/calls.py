"""Calls of the system's own programs, bounded in time, and files that are replaced in one step.

Every timer is set by a program that came with the system. This module knows none of them.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from probe.words.failure import BadInput, PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Seconds that a call may take: a service manager that is starting up can be slow.
PATIENCE = 30.0


class Said(NamedTuple):
    """How a call ended and what it printed."""

    code: int
    out: str
    err: str


def home() -> Path:
    """The home of who calls, where a user's own timers lie. Raises `BadInput` without one."""
    try:
        return Path.home()
    except RuntimeError:
        raise BadInput(
            _(
                "this user has no home folder, in which timers of a user's own lie; set HOME to a "
                "folder, or have `gatewatch run --scheduled` called once an hour by something else"
            )
        ) from None


def ask(words: Sequence[str], told: str | None = None) -> Said:
    """Call a program, with ``told`` as its input.

    The code is 127 where the program is not there, 124 where it does not end in time. Bytes that
    are no UTF-8 come through as they are.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the words are ours
            words,
            input=told,
            stdin=subprocess.DEVNULL if told is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=PATIENCE,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as problem:
        return Said(127, "", f"{words[0]}: {problem.strerror}")
    except subprocess.TimeoutExpired:
        return Said(124, "", _("no answer in {seconds:.0f} s").format(seconds=PATIENCE))
    return Said(done.returncode, done.stdout, done.stderr)


def insist(words: Sequence[str], told: str | None = None) -> None:
    """Call a program that has to succeed.

    Raises `PermissionDenied` with what it said where it does not.
    """
    said = ask(words, told)
    if said.code != 0:
        raise refusal(words, said)


def refusal(words: Sequence[str], said: Said) -> PermissionDenied:
    """The sentence for a call that did not succeed."""
    return PermissionDenied(
        _("`{command}` did not work: {said}").format(
            command=" ".join(words),
            said=" ".join(said.err.split()) or f"exit code {said.code}",
        )
    )


def put(files: Mapping[Path, str]) -> bool:
    """Write files that are not there as they should be; whether anything had to be written."""
    wanting = {path: text for path, text in files.items() if _text(path) != text}
    for path, text in wanting.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        try:
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    return bool(wanting)


def take(paths: Iterable[Path]) -> bool:
    """Delete files; whether any of them was there."""
    there = [path for path in paths if path.is_file() or path.is_symlink()]
    for path in there:
        path.unlink()
    return bool(there)


def differs(files: Mapping[Path, str]) -> bool:
    """Whether a file on the disk is another than it should be."""
    return any(_text(path) != text for path, text in files.items())


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def template(name: str) -> str:
    """A file as it ships, with places for what differs from machine to machine."""
    return (Path(__file__).with_name("templates") / name).read_text(encoding="utf-8")
