"""The help of commands in another language.

Click takes help where a command is written, at import, in English. Who wants another language
gets it looked up when the command is found, and nobody else waits for it.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import click

from probe.words.language import _, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator


def message(text: str) -> str:
    """A help text as it is looked up: its paragraphs, however its lines were broken.

    >>> message("One\\n    two.\\n\\n    Three.\\n    ")
    'One two.\\n\\nThree.'
    """
    return re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(text)).strip()


def messages(command: click.Command) -> Iterator[str]:
    """Each help text of a command, of its options and of the commands below it."""
    for holder in _holders(command):
        for name in ("help", "short_help"):
            text = getattr(holder, name, None)
            if text:
                yield message(text)


def translate(command: click.Command) -> None:
    """Put the help of a command, and of all below it, into the language wanted."""
    if not wanted():
        return
    for holder in _holders(command):
        for name in ("help", "short_help"):
            text = getattr(holder, name, None)
            if text:
                setattr(holder, name, _(message(text)))


def _holders(command: click.Command) -> Iterator[click.Command | click.Parameter]:
    yield command
    yield from command.params
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from _holders(below)
