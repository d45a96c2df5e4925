"""The command itself: what it lists, what it imports, how it ends."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import probe
from probe import cli
from probe.cli import Commands, main
from probe.words.failure import (
    BadInput,
    Failure,
    NoConsent,
    NotYetSent,
    Offline,
    PartlyDone,
    PermissionDenied,
    RefusedToRedact,
)

COMMANDS = sorted(entry.name for entry in metadata.entry_points(group=cli.COMMANDS))


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def ending(problem: BaseException) -> tuple[int, str]:
    """How a command ends inside which this is raised."""

    @click.group(cls=Commands)
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise problem

    done = CliRunner().invoke(group, ["fail"])
    assert not done.stdout
    return done.exit_code, done.stderr


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Failure, 2),
        (NoConsent, 3),
        (PermissionDenied, 4),
        (Offline, 5),
        (PartlyDone, 6),
        (RefusedToRedact, 7),
        (NotYetSent, 8),
        (BadInput, 9),
    ],
)
def test_each_failure_ends_with_its_code(kind: type[Failure], code: int) -> None:
    """The sentence goes to the standard error, and the code is that of the contract."""
    assert ending(kind("it is so")) == (code, "gatewatch: it is so\n")


def test_the_engine_needs_no_command_line() -> None:
    """What measures fails without the library that says it.

    Nor does it load ``dataclasses``: that, and what it compiles, took a third of the start.
    """
    needed = (
        "import sys, probe.engine.blocking, probe.engine.session, "
        "probe.network.backend, probe.network.raw"
    )
    done = python(f"{needed}; print({{'click', 'dataclasses', 'trio'}} & set(sys.modules))")
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_importing_the_probe_costs_nothing() -> None:
    """The package, and the command that lists the others, load neither of the heavy libraries."""
    heavy = "{'pandas', 'scapy', 'trio', 'rich', 'scipy', 'networkx', 'analysis'}"
    done = python(f"import sys, probe, probe.cli; print({heavy} & set(sys.modules))")
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_the_version_is_told() -> None:
    """--version prints the package's version."""
    done = CliRunner().invoke(main, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"gatewatch, version {probe.__version__}\n")


def test_all_commands_are_listed() -> None:
    """The help names every command that is registered."""
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    listed = {
        line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line
    }
    assert listed == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """Each command explains itself, and each of its options and arguments."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.help
    assert command.get_short_help_str()
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize("language", ["C.UTF-8", "km_KH.UTF-8"])
@pytest.mark.parametrize("group", ["", "collect", "consent", "data", "schedule", "submit"])
def test_the_summaries_of_commands_are_whole(group: str, language: str) -> None:
    """On a terminal of the usual width none is cut off."""
    done = python(
        f"from probe.cli import main; main({[*group.split(), '--help']!r})",
        LC_ALL=language,
        COLUMNS="80",
    )
    listed = done.stdout.partition("Commands:\n")[2].splitlines()
    assert listed, done.stderr
    assert [line for line in listed if line.endswith("...")] == []


def test_an_unknown_command_is_a_wrong_use() -> None:
    """A name that is no command ends with 2."""
    assert CliRunner().invoke(main, ["tarce"]).exit_code == 2


NEEDS_ANALYSIS = (
    r"gatewatch: needs the analysis extra: .*\bpip'? install '\.\[analysis\]' in the folder of its "
    r"source\n"
)


def test_a_command_without_its_extra_says_which_to_install() -> None:
    """In a base install the analysis is listed, and says how to get it; the rest works."""
    block = (
        "import sys; sys.modules['pandas'] = None\n"
        "sys.modules['analysis.commands.analyze'] = None\n"
        "sys.modules['networkx'] = None\n"
        "import click; from probe.cli import Commands, main\n"
    )
    done = python(
        block
        + "@main.command()\ndef count():\n  import pandas\n"
        + "main(['count'], standalone_mode=True)"
    )
    assert done.returncode == 2
    assert re.fullmatch(NEEDS_ANALYSIS, done.stderr)


@pytest.mark.parametrize(
    "arguments", [["analyze"], ["analyze", "x"], ["demo", "--json"], ["plan", "KH"]]
)
def test_the_extra_is_named_before_any_argument_is_asked_for(arguments: list[str]) -> None:
    """In a base install ``gatewatch analyze`` says what to install, whatever follows it."""
    done = python(
        "import sys; sys.modules['pandas'] = None\n"
        f"from probe.cli import main; main({arguments!r}, standalone_mode=True)"
    )
    assert done.returncode == 2
    assert re.fullmatch(NEEDS_ANALYSIS, done.stderr)


def test_without_the_analyst_s_half_the_volunteer_s_is_whole() -> None:
    """As the Debian package has it: the help lists what is not there, with what brings it."""
    gone = "import sys; sys.modules['analysis'] = None\nfrom probe.cli import main; main({!r})"
    listed = python(gone.format(["--help"]))
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "analyze   Needs the analysis extra; call it to see how to add that.\n" in listed.stdout
    done = python(gone.format(["plan", "KH"]))
    assert done.returncode == 2
    assert done.stderr.startswith("gatewatch: needs the analysis extra: ")


def test_a_command_that_cannot_be_imported_is_still_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A missing library of the extra takes away one command, not the list of them."""
    (tmp_path / "wants_pandas.py").write_text("import pandas\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "pandas", None)
    entry = metadata.EntryPoint("count", "wants_pandas:count", cli.COMMANDS)
    monkeypatch.setattr(metadata, "entry_points", lambda **_: metadata.EntryPoints([entry]))
    group = Commands("gatewatch")
    listed = CliRunner().invoke(group, ["--help"])
    assert listed.exit_code == 0
    assert "count  Needs the analysis extra; call it to see how to add that.\n" in listed.stdout
    done = CliRunner().invoke(group, ["count", "--json", "x"])
    assert done.exit_code == 2
    assert re.fullmatch(NEEDS_ANALYSIS, done.stderr)


WINDOWS = (
    "import os, select, sys, trio; del select.epoll, os.eventfd\n"
    "sys.modules |= dict.fromkeys(('fcntl', 'pwd', 'resource', 'termios'))\n"
    "from probe.cli import main\n"
)


def test_where_files_cannot_be_locked_the_other_commands_remain() -> None:
    """Windows lacks what ``run`` locks files with: that is listed and said, and ``trace`` works."""
    listed = python(f"{WINDOWS}main(['--help'])")
    assert listed.returncode == 0, listed.stderr
    assert re.search(r"run +Works on Linux and macOS only so far\.", listed.stdout)
    run = python(f"{WINDOWS}main(['run', '--country', 'KH'])")
    assert run.returncode == 2
    assert (
        run.stderr == "gatewatch: `gatewatch run` works on Linux and macOS only so far, not here\n"
    )
    assert python(f"{WINDOWS}main(['trace', '--help'])").returncode == 0


def test_another_missing_module_is_not_blamed_on_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fault of ours is shown as one."""
    entry = metadata.EntryPoint("count", "no_such_module_of_ours:count", cli.COMMANDS)
    monkeypatch.setattr(metadata, "entry_points", lambda **_: metadata.EntryPoints([entry]))
    done = CliRunner().invoke(Commands("gatewatch"), ["count"])
    assert done.exit_code == 1
    assert "ModuleNotFoundError: No module named 'no_such_module_of_ours'" in done.stderr


def test_ctrl_c_ends_with_130() -> None:
    """An interrupt, also one inside concurrent code, is one sentence and 130."""
    assert ending(KeyboardInterrupt()) == (130, "gatewatch: stopped; what was finished is kept\n")
    assert ending(click.Abort()) == ending(KeyboardInterrupt())  # at a question of click's
    group = BaseExceptionGroup("tasks", [KeyboardInterrupt()])
    assert ending(group)[0] == 130


def test_a_full_disk_ends_with_6() -> None:
    """Where any write fails for want of room, that is said, with the file."""
    code, said = ending(OSError(errno.ENOSPC, "No space left on device", "/some/file"))
    assert code == PartlyDone.exit_code
    assert said.startswith("gatewatch: disk full at /some/file")


@pytest.mark.parametrize(
    "problem",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory", "/some/file"),
        ImportError("libarrow.so.2600: failed to map segment from shared object"),
    ],
)
def test_a_machine_without_memory_left_is_said(problem: Exception) -> None:
    """Nothing is to be reported where a small machine has too little left, or a limit is set."""
    code, said = ending(problem)
    assert (code, len(said.splitlines())) == (PartlyDone.exit_code, 1)
    assert said.startswith("gatewatch: the system gives no more memory")


@pytest.mark.parametrize("number", [errno.ENAMETOOLONG, errno.ELOOP])
def test_a_name_that_no_file_can_have_is_said(number: int) -> None:
    """A name may be longer than file systems allow, and links may lead in a circle."""
    code, said = ending(OSError(number, "it is so", "/some/file"))
    assert (code, len(said.splitlines())) == (BadInput.exit_code, 1)
    assert said.startswith("gatewatch: /some/file cannot be used (it is so)")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_folder_one_may_not_use_ends_with_4(number: int) -> None:
    """A file that the system refuses is named, with what to do."""
    code, said = ending(OSError(number, "it is so", "/some/file"))
    assert code == 4
    assert said.startswith("gatewatch: /some/file may not be")
    assert len(said.splitlines()) == 1


def test_a_read_only_file_system_is_no_matter_of_permissions() -> None:
    """Nobody is sent to change owners where a card is locked or a live system runs."""
    code, said = ending(OSError(errno.EROFS, "Read-only file system", "/some/file"))
    assert code == 4
    assert said.startswith("gatewatch: /some/file cannot be written: its file system is read-only")
    assert "GATEWATCH_HOME" in said
    assert "permission" not in said


@pytest.mark.parametrize(
    ("path", "mended"),
    [
        ("/srv/me/data/spool/2026-11-23.jsonl", True),
        ("/srv/me", True),
        (None, True),
        ("/media/stick/2026-11-23.jsonl", False),
    ],
)
def test_another_data_folder_is_proposed_where_it_helps(
    monkeypatch: pytest.MonkeyPatch, path: str | None, mended: bool
) -> None:
    """A file that somebody named, as by `show --from`, is not elsewhere for another data folder."""
    monkeypatch.setenv("GATEWATCH_HOME", "/srv/me/data")
    code, said = ending(PermissionError(errno.EACCES, "Permission denied", path))
    assert (code, "GATEWATCH_HOME" in said) == (4, mended)
    assert "mend its permissions" in said


@pytest.mark.parametrize("number", [errno.ENOTDIR, errno.EISDIR, errno.EEXIST])
def test_what_is_in_the_way_is_named(number: int) -> None:
    """A data folder that is a file, or settings that are a folder, are no fault of the program."""
    code, said = ending(OSError(number, "it is so", "/some/file"))
    assert code == 9
    assert said.startswith("gatewatch: /some/file cannot be used (it is so): a file lies where")


def test_a_data_folder_that_is_a_file_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands that a volunteer has end with one sentence, and touch nothing."""
    home = tmp_path / "home"
    home.write_text("a letter", encoding="utf-8")
    monkeypatch.setenv("GATEWATCH_HOME", str(home))
    for words in (
        ["consent", "grant", "--run", "--version-read", "1"],
        ["submit", "status"],
        ["data", "status"],
    ):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 9, words
        assert done.stderr.startswith(f"gatewatch: {home}")
        assert len(done.stderr.splitlines()) == 1
    assert home.read_text(encoding="utf-8") == "a letter"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_what_no_command_prints_ends_as_what_a_command_prints(option: str) -> None:
    """The list of commands goes into a pipe that was closed, or to a full disk, like a result."""
    command = [sys.executable, "-m", "probe", option]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (6, 1)
    assert "disk full" in done.stderr
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as closed:  # noqa: PTH123 - a descriptor
        done = subprocess.run(
            command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_a_disk_that_fails_is_said() -> None:
    """A memory card at its end is no fault of the program to be reported."""
    code, said = ending(OSError(errno.EIO, "Input/output error", "/some/file"))
    assert (code, said.startswith("gatewatch: the disk fails at /some/file")) == (6, True)


def test_a_file_that_is_gone_is_said() -> None:
    """Another program moved it meanwhile, or a stick was pulled out."""
    code, said = ending(FileNotFoundError(errno.ENOENT, "No such file", "/some/file"))
    assert (code, said.startswith("gatewatch: /some/file is not there")) == (9, True)


@pytest.mark.skipif(os.name != "posix", reason="a shell closes them")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_who_closes_what_is_printed_to_gets_the_same_done(tmp_path: Path, closed: str) -> None:
    """Some wrappers start what nobody watches so."""
    environment = {**os.environ, "GATEWATCH_HOME": str(tmp_path / "home")}
    command = f"'{sys.executable}' -m probe show"
    whole, cut = (
        subprocess.run(
            ["sh", "-c", line], env=environment, capture_output=True, text=True, check=False
        )
        for line in (command, f"{command} {closed}")
    )
    assert cut.returncode == whole.returncode
    assert (cut.stdout, cut.stderr) == (
        "" if closed != "2>&-" else whole.stdout,
        "" if closed != ">&-" else whole.stderr,
    )


def called_where(tmp_path: Path, encoding: str, *arguments: str) -> str:
    """What a command prints for who reads Khmer, at a terminal of this encoding."""
    done = subprocess.run(
        [sys.executable, "-m", "probe", *arguments],
        env={
            **os.environ,
            "GATEWATCH_HOME": str(tmp_path / "home"),
            "LANGUAGE": "km",
            "PYTHONUTF8": "1",
            "PYTHONIOENCODING": encoding,
        },
        capture_output=True,
        encoding=encoding,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_where_a_terminal_has_no_letters_for_a_language_it_is_english(tmp_path: Path) -> None:
    """Nobody can read question marks; a terminal of ISO 8859 shows no Khmer, but the source."""
    grant = ("consent", "grant", "--run", "--version-read", "1")
    said = called_where(tmp_path, "latin-1", *grant)
    assert "you agree to: run\n" in said
    assert "Options:" in (said := called_where(tmp_path, "latin-1", "doctor", "--help"))
    assert "??" not in said
    assert not called_where(tmp_path, "utf-8", *grant).isascii()


def test_a_letter_that_a_terminal_has_not_is_a_question_mark(tmp_path: Path) -> None:
    """One in the name of a folder, say: it ends no command."""
    (tmp_path / "Dą").mkdir()
    assert "/D?/" in called_where(tmp_path / "Dą", "latin-1", "consent", "show", "--page")


def test_nor_does_one_that_has_letters_of_english_alone() -> None:
    """Of the C locale where Python is told not to take UTF-8 for it; `demo` was a fault there."""
    done = python(
        "import click, rich; from probe.cli import Commands\n"
        "@click.group(cls=Commands)\ndef group(): pass\n"
        "@group.command()\ndef talk(): rich.print('demo \\u00b7 SIMULATED')\n"
        "group(['talk'])",
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "demo ? SIMULATED\n", "")


def test_other_errors_are_not_hidden() -> None:
    """A fault of ours shows itself as one."""
    assert ending(ZeroDivisionError())[0] == 1


def test_a_closed_pipe_is_quiet() -> None:
    """A reader that has seen enough causes no message and no traceback."""
    code = (
        "import click; from probe.cli import Commands\n"
        "@click.group(cls=Commands)\ndef group(): pass\n"
        "@group.command()\ndef talk():\n"
        "  for number in range(100000): click.echo(f'line {number}')\n"
        "group(['talk'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "line 0\n"
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (128 + signal.SIGPIPE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_to_a_full_disk_is_said() -> None:
    """A result that cannot be written does not end with 0."""
    code = (
        "import click; from probe.cli import Commands\n"
        "@click.group(cls=Commands)\ndef group(): pass\n"
        "@group.command()\ndef talk(): click.echo('a line')\n"
        "group(['talk'])"
    )
    command = [sys.executable, "-c", code]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            command,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        )
    assert done.returncode == 6
    assert done.stderr.count("\n") == 1
    assert "disk full" in done.stderr


UNHEARD = """
import click, contextlib, sys
from probe.cli import Commands
from probe.words.failure import NoConsent
@click.group(cls=Commands)
def group(): pass
@group.command()
def refuse(): raise NoConsent("a sentence")
@group.command()
def stop(): raise KeyboardInterrupt
@group.command()
def fault(): raise ZeroDivisionError
@group.command()
def tell(): click.echo("a line", err=True)
@group.command()
def remark():
    with contextlib.suppress(OSError): click.echo("a line", err=True)
group([sys.argv[1]])
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize(
    ("command", "full", "closed"),
    [
        ("refuse", 3, 3),
        ("stop", 130, 130),
        ("fault", 1, 1),
        ("tell", 6, 141),
        ("remark", 0, 0),
        ("unknown", 2, 2),
        ("--unknown", 2, 2),
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_nobody_can_be_told_is_told_by_the_code(
    command: str, full: int, closed: int, unbuffered: str
) -> None:
    """A log on a full disk, or one that nobody reads any more, makes no fault of another end."""
    line = [sys.executable, "-c", UNHEARD, command]
    around = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w", encoding="utf-8") as log:
        assert subprocess.run(line, stderr=log, check=False, env=around).returncode == full
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
        assert subprocess.run(line, stderr=pipe, check=False, env=around).returncode == closed
