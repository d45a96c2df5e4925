"""The command ``gatewatch``: finds its commands, and says every failure in one sentence.

Commands register themselves under the entry points ``gatewatch.commands`` and are imported when
they are called, so that the probe never imports the analysis, and a base install without its
libraries still lists it. Those of the probe are found by the name of their module first: reading
what is installed takes longer than all else at a start. This module knows no command by what it
does.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from probe import __version__, startup
from probe.engine import garbage
from probe.words.failure import (
    INTERRUPTED,
    PIPE_CLOSED,
    Failure,
    Stopped,
    cause,
)
from probe.words.helptext import translate
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = "gatewatch.commands"

garbage.look_seldom()

# Modules of Python that Windows does not have.
_UNIX = frozenset({"fcntl", "pwd"})

# The analyst's package, called as its extra is; that for Debian leaves it out.
_OTHER_HALF = "analysis"

# The order in which a newcomer meets them; others follow by name.
_ORDER = ("demo", "trace", "consent", "run", "show", "analyze", "data", "doctor")


class Commands(click.Group):
    """A group whose commands are entry points."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program: what goes wrong outside of a command is told in the same way."""
        from probe import crash  # noqa: PLC0415 - imports nothing before it is needed

        _have_streams()
        crash.watch()
        crash.leave_no_core()
        try:
            return super().main(*args, **kwargs)
        finally:
            # What of it no room was found for would be tried once more, and end with Python's code.
            _let_go(sys.stderr)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands, without importing any."""
        from importlib import metadata  # noqa: PLC0415 - slow, and seldom needed

        names = {entry.name for entry in metadata.entry_points(group=COMMANDS)} | set(self.commands)
        return sorted(names, key=lambda name: (_place(name), name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now."""
        command = super().get_command(ctx, cmd_name)
        if command is None:
            try:
                command = self._load(cmd_name)
            except ModuleNotFoundError as missing:
                command = _unavailable(cmd_name, missing)
        if command is not None:
            translate(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, after which Ctrl-C is told."""
        found = super().resolve_command(ctx, args)
        startup.over()
        return found

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help, in the language wanted."""
        translate(self)
        super().format_help(ctx, formatter)

    def _load(self, name: str) -> click.Command | None:
        module = f"probe.commands.{name}"
        if name.isidentifier() and importlib.util.find_spec(module) is not None:
            command = getattr(importlib.import_module(module), name, None)
            if isinstance(command, click.Command):
                return command
        from importlib import metadata  # noqa: PLC0415 - slow, and seldom needed

        for entry in metadata.entry_points(group=COMMANDS, name=name):
            command = entry.load()
            assert isinstance(command, click.Command)
            return command
        return None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whatever goes wrong ends in one sentence and the right code."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except click.ClickException as wrong:
            _show(wrong)
        except click.exceptions.Exit:
            raise
        except BaseException as problem:  # groups of concurrent code hold anything
            _end(cause(problem))

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read what was typed; `--help` and `--version` print here, before there is a command."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.ClickException as wrong:
            _show(wrong)
        except OSError as problem:
            _end(problem)


def _have_streams() -> None:
    """Put nothing in the place of standard streams that are closed, which Python has as None.

    What the others have no letters for becomes a question mark, and ends no command.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - stays open
            setattr(sys, name, nothing)
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        # In UTF-8 the latter writes a file's name as it is; in ASCII no letter but of such names.
        strict = {"strict"} if out.encoding.lower() == "utf-8" else {"strict", "surrogateescape"}
        if out.errors in strict:
            out.reconfigure(errors="replace")


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _end(problem: BaseException) -> NoReturn:
    """Say what went wrong in one sentence, and leave with its code."""
    try:
        _leave(problem)
    except Failure as failure:
        _tell(f"gatewatch: {failure.message}")
        raise click.exceptions.Exit(failure.exit_code) from None


def _show(wrong: click.ClickException) -> NoReturn:
    """Say how it was called wrongly, as click does, and leave with its code."""
    with _heard_or_not():
        wrong.show()
    raise click.exceptions.Exit(wrong.exit_code) from None


def _tell(said: str) -> None:
    with _heard_or_not():
        click.echo(said, err=True)


@contextmanager
def _heard_or_not() -> Iterator[None]:
    """Say something on the standard error; where that takes nothing, the exit code alone tells."""
    try:
        yield
    except OSError:
        _drop(sys.stderr)


def _leave(problem: BaseException) -> NoReturn:
    """Say it and leave, or raise the `Failure` that says it."""
    if isinstance(problem, Failure):
        _let_go(sys.stdout)  # it may tell just of what could not be written there
        raise problem
    # Where it asks something, click raises another exception.
    if isinstance(problem, KeyboardInterrupt | click.Abort | Stopped):
        if sys.stderr.isatty():
            _tell("")  # the question, and what the terminal shows of Ctrl-C
        _tell(_("gatewatch: stopped; what was finished is kept"))
        code = 128 + problem.number if isinstance(problem, Stopped) else INTERRUPTED
        raise click.exceptions.Exit(code)
    if isinstance(problem, BrokenPipeError):
        # The reader has seen enough, of the one or of the other.
        _let_go(sys.stdout)
        _let_go(sys.stderr)
        raise click.exceptions.Exit(PIPE_CLOSED)
    if isinstance(problem, ModuleNotFoundError) and (extra := _extra_of(problem)):
        raise _extra_missing(extra) from problem
    if isinstance(problem, MemoryError) or _has_no_room(problem):
        from probe.disk.mishap import no_memory  # noqa: PLC0415 - seldom needed

        raise no_memory() from problem
    if isinstance(problem, OSError):
        from probe.disk.mishap import failure_of  # noqa: PLC0415 - seldom needed

        failure = failure_of(problem)
        if failure is not None:
            _let_go(sys.stdout)
            raise failure from problem
    from probe import crash  # noqa: PLC0415 - hardly ever needed

    _tell(crash.report(problem))
    raise click.exceptions.Exit(crash.EXIT_CODE)


def _has_no_room(problem: BaseException) -> bool:
    """Whether a library found no memory to be loaded into, which the C library says in words."""
    return isinstance(problem, ImportError) and "failed to map segment" in str(problem)


def _let_go(stream: TextIO) -> None:
    """Write what is left in a stream, or drop it where nobody can take that."""
    try:
        stream.flush()
    except OSError:
        _drop(stream)


def _drop(stream: TextIO) -> None:
    """Let what nobody can take go nowhere: Python would complain of it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _extra_missing(extra: str) -> Failure:
    from probe.disk.installation import adding  # noqa: PLC0415 - seldom needed

    said = _("needs the {extra} extra: {command} in the folder of its source")
    return Failure(said.format(extra=extra, command=adding(extra)))


def _extra_of(missing: ModuleNotFoundError) -> str | None:
    """The extra that a module which is missing comes with."""
    from importlib import metadata  # noqa: PLC0415 - slow, and seldom needed

    module = (missing.name or "").partition(".")[0].lower()
    if module == _OTHER_HALF:
        return _OTHER_HALF
    for requirement in metadata.requires("gatewatch") or ():
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"extra == .(\w+)", requirement)
        if name and extra and name[0].lower() == module:
            return extra[1]
    return None


def _unavailable(name: str, missing: ModuleNotFoundError) -> click.Command:
    """Stands in for a command that cannot be imported, so that the others can be listed."""
    if extra := _extra_of(missing):
        failure = _extra_missing(extra)
        said = f"Needs the {extra} extra; call it to see how to add that."
    elif missing.name in _UNIX:
        failure = Failure(
            _("`gatewatch {name}` works on Linux and macOS only so far, not here").format(name=name)
        )
        said = "Works on Linux and macOS only so far."
    else:
        raise missing

    def refuse(args: tuple[str, ...]) -> NoReturn:  # noqa: ARG001 - click passes them
        raise failure from missing

    return click.Command(
        name,
        callback=refuse,
        params=[click.Argument(["args"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        help=said,
        add_help_option=False,
    )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gatewatch")
def main() -> None:
    """Find out whether a country's Internet traffic is forced through one operator.

    Volunteers in the country measure paths with `run`; an analyst judges them with `analyze`.
    """
