"""The manual page, from what the commands say of themselves.

`python -m scripts.manual` prints gatewatch(1). It is made when a package is built: a page written
by hand beside the options would be wrong after the next of them.
"""

from __future__ import annotations

import inspect
import re
from datetime import date
from typing import TYPE_CHECKING

import click

from probe import __version__
from probe.cli import main
from probe.words import failure
from probe.words.language import for_scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

# What `docs/commands.md` says of the rest.
_FILES = (
    ("~/.local/share/gatewatch", "All that is kept; `gatewatch purge` deletes it."),
    ("~/.local/share/gatewatch/settings.toml", "What the owner has set."),
    ("~/.local/share/gatewatch/do-not-probe.txt", "Addresses and prefixes that are left alone."),
)
_ENDS = (("0", "Done."), ("1", "A fault of the program."))
_SIGNALS = (
    ("129, 130, 143", "Stopped by a closed terminal, Ctrl-C, SIGTERM."),
    ("141", "The reader of a pipe went away."),
)
_ENVIRONMENT = (
    ("GATEWATCH_HOME", "Another folder for all that is kept."),
    ("LANGUAGE, LC_ALL, LC_MESSAGES, LANG", "The language in which commands speak."),
    ("NO_COLOR", "Where set, nothing is coloured."),
)


@for_scripts()
def page(when: date) -> str:
    """The manual page in roff, with the month of ``when``."""
    lines = [
        f'.TH GATEWATCH 1 "{when:%B %Y}" "gatewatch {__version__}" "User Commands"',
        ".SH NAME",
        "gatewatch \\- find out whether a country's traffic passes through one operator",
        ".SH SYNOPSIS",
        ".B gatewatch",
        "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGS\\fR]...",
        ".SH DESCRIPTION",
        *_paragraphs(main.help or ""),
        ".SH COMMANDS",
    ]
    for typed, command in commands(main, "gatewatch"):
        lines += _command(typed, command)
    lines += [".SH EXIT STATUS", *_tagged((*_ENDS, *_codes(), *_SIGNALS))]
    lines += [".SH FILES", *_tagged(_FILES)]
    lines += [".SH ENVIRONMENT", *_tagged(_ENVIRONMENT)]
    lines += [".SH SEE ALSO", ".BR traceroute (1),", ".BR systemd.timer (5)"]
    return "\n".join(lines) + "\n"


def commands(group: click.Group, typed: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that is not a group, with what one types."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{typed} {name}")
        elif not command.hidden:
            yield f"{typed} {name}", command


def _command(typed: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=typed)
    pieces = " ".join(command.collect_usage_pieces(context))
    lines = [f".SS {roff(typed)} {roff(pieces)}", *_paragraphs(command.help or "")]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[0] != "-h, --help":
            lines += [".TP", f"\\fB{roff(record[0])}\\fR", roff(record[1])]
    return lines


def _paragraphs(text: str) -> list[str]:
    lines = []
    for number, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(text).strip())):
        lines += [*([".PP"] if number else []), roff(" ".join(paragraph.split()))]
    return lines


def _codes() -> Iterator[tuple[str, str]]:
    kinds: list[type[failure.Failure]] = [failure.Failure, *failure.Failure.__subclasses__()]
    said = {
        kind.exit_code: inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0]
        for kind in kinds
        if kind.__module__ == failure.__name__
    }
    for code, text in sorted(said.items()):
        yield str(code), text


def _tagged(entries: tuple[tuple[str, str], ...]) -> list[str]:
    return [
        line
        for tag, text in entries
        for line in (".TP", f"\\fB{roff(tag)}\\fR", roff(" ".join(text.split())))
    ]


def roff(text: str) -> str:
    """Plain text as roff has it: backslashes, hyphens, and dots that begin a line.

    >>> roff(".B --to a\\\\b")
    '\\\\&.B \\\\-\\\\-to a\\\\eb'
    """
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    print(page(date.today()), end="")  # noqa: DTZ011 - the month on the title line
