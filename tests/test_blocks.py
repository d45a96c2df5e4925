"""Every block of the documentation is executed by a test, or it stands here why it cannot be.

Commands that need no network are run here, in one folder in which the demo ran once; those that
need one are run in a network of real kernels (`tests/lab/test_pages.py`). Of every command it is
checked that it exists with its options, and that exactly one test runs it.
"""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection
from pathlib import Path

import click
import duckdb
import pytest

from probe.cli import main
from scripts.picture import COMMAND, picture
from tests import test_install
from tests.harness.pages import PAGES, ROOT, Block, Command, blocks, commands, pattern_of, words_of
from tests.lab import test_package, test_pages, test_schedule

# Lines that take long or would call themselves: what `make` would run then, and the test in which
# the same is run in small. `.ci/run` stands for what CI runs whole.
_BENCH = "tests.scripts.test_bench:test_each_of_ours_runs_and_is_judged"
IN_SMALL = {
    "make demo": ("gatewatch demo", "tests.test_blocks:folder"),
    "make test": ("-m pytest", ".ci/run"),
    "make lint": ("mypy", ".ci/run"),
    "make fuzz": (
        "-m scripts.fuzz",
        "tests.scripts.test_fuzz:test_twenty_thousand_damaged_packets_invent_no_hop",
    ),
    "make roc": (
        "-m scripts.roc",
        "tests.analysis.simulated.test_trials:test_no_country_without_a_single_gateway_is_given_one",
    ),
    "make attacks": (
        "-m scripts.attacks",
        "tests.analysis.test_attacks:test_no_attack_makes_a_single_gateway",
    ),
    "make bench": ("-m scripts.bench", _BENCH),
    "make bench ARGS='--only chain'": ("-m scripts.bench --only chain", _BENCH),
    "make bench ARGS='--only parsing --only origin --rounds 5 --json'": (
        "-m scripts.bench --only parsing --only origin --rounds 5 --json",
        _BENCH,
    ),
    "make deb": ("-m scripts.deb", "tests.lab.test_package:package"),
}

# Why a line is not run by any test.
NOT_RUN = {
    "sudo apt install pipx": "fetches a package of Debian's",
    "pipx install --force '.[analysis]'": "fetches 400 MB; the tests run in what it would install",
    "pipx install --force '.[analysis,collect]'": "fetches 400 MB, as above",
    "gatewatch data update --exchanges": "asks others; test_update.py has a server of its own",
    "sudo loginctl enable-linger $USER": "needs a login manager, which no test's systemd has",
    ".venv/bin/python -m pytest -n 0 tests/analysis/judgement/test_judge.py": "run anyway",
}

# What stands in a fence and is no command: why it can only be looked at.
NOT_CODE = {
    ("docs/figures/chokepoints.md", ""): "a drawing of the example below it",
    ("docs/performance.md", ""): "what a benchmark printed on the day that the page names",
    ("docs/performance.md", "text"): "what a benchmark printed on the day that the page names",
    (
        "docs/parser.md",
        "text",
    ): "what ten million packets printed; a command there does it again",
}


def runs_here(line: str) -> bool:
    """Whether a command needs neither a network nor privileges nor a second demo."""
    words = words_of(line)
    if words[0] == "cat":
        return True
    return (
        words[0] == "gatewatch"
        and "kh-bundles" not in line
        and (
            words[1] in {"analyze", "compare", "convert", "plan", "--help", "--version"}
            or words[1:3] == ["data", "status"]
        )
    )


HERE = [command for command in commands() if runs_here(command.line)]
DEMO = " ".join(COMMAND)

# By test: the lines that it runs.
RUN: dict[str, Collection[str]] = {
    "in a folder": [command.line for command in HERE],
    "the demo": [DEMO],
    "in a network": [step.line for step in test_pages.STEPS],
    "a user's timer": test_schedule.USERS,
    "the system's timer": test_schedule.SYSTEMS,
    "opening a bundle": [
        command.line for command in commands() if command.page == "docs/bundle.md"
    ],
    "installing": test_install.LINES,
    "the Debian package": test_package.LINES,
    "in small": IN_SMALL,
    "not run": NOT_RUN,
}


def test_each_command_line_is_run_by_one_test_or_it_is_said_why_not() -> None:
    """No line of a page is forgotten, none has two owners, and no list names one that is gone."""
    lines = [command.line for command in commands()]
    owners = {line: [test for test, has in RUN.items() if line in has] for line in lines}
    assert {line: tests for line, tests in owners.items() if len(tests) != 1} == {}
    assert {line for has in RUN.values() for line in has} <= set(lines)


def how(block: Block) -> list[str]:
    """The ways in which a block is executed, of which there has to be one."""
    page = block.page.relative_to(ROOT).as_posix()
    ways = {
        "as commands": block.language in {"sh", "console", "shell-session"},
        "as examples": block.language == "python",
        "as a list of pages": block.language == "{toctree}",
        "as directives": block.language == "{eval-rst}",
        "read by the program": (page, block.language)
        in {
            ("docs/record.md", "json"),
            ("docs/settings.md", "toml"),
            ("docs/countries.md", "toml"),
        },
        "read by those who run a collector": (page, block.language)
        in {("docs/collector.md", "ini"), ("docs/collector.md", "nginx")},
        "asked of DuckDB": (page, block.language) == ("docs/loading.md", "sql"),
        "said by the doctor": (page, block.language) == ("docs/commands.md", "text"),
        "not code": (page, block.language) in NOT_CODE,
    }
    return [way for way, holds in ways.items() if holds]


def test_each_block_is_executed_in_one_way_or_it_is_said_why_not() -> None:
    """A fence of a new kind needs a test."""
    found = [block for page in PAGES for block in blocks(page)]
    assert len(found) > 100
    assert [(block, how(block)) for block in found if len(how(block)) != 1] == []


def environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "GATEWATCH_HOME": str(folder / "home"), "COLUMNS": "100"}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reader stands: the demo has run."""
    here = tmp_path_factory.mktemp("reader")
    (here / "demo.svg").write_text(picture(here), encoding="utf-8")
    return here


@pytest.mark.xdist_group("docs")
def test_the_picture_shows_what_the_demo_prints(folder: Path) -> None:
    """The README's picture has today's words; draw it anew with `python -m scripts.picture`."""
    drawn, committed = ((path / "demo.svg").read_text("utf-8") for path in (folder, ROOT / "docs"))
    texts = [re.findall(r"<text[^>]*>([^<]+)</text>", svg) for svg in (drawn, committed)]
    assert any("diverse" in text for text in texts[0])
    assert any("single_gateway" in text for text in texts[0])
    assert texts[0] == texts[1]
    # Letters hang below their line: the last one with words needs room for them.
    (terminal,) = re.findall(r'-clip-terminal">\s*<rect [^>]*height="([^"]+)"', committed)
    lines = re.findall(r'<text[^>]* x="0" y="([^"]+)"', committed)
    assert float(terminal) - max(map(float, lines)) > 5


@pytest.mark.xdist_group("docs")
@pytest.mark.parametrize("command", HERE, ids=lambda c: c.line)
def test_commands_run_and_print_what_the_page_shows(command: Command, folder: Path) -> None:
    """Each documented command that needs no network exits 0 and prints what is shown."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.line],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command.page}: {command.line}\n{done.stderr}"
    assert pattern_of(command.shown).match(done.stdout), f"{command.page}\n{done.stdout}"


@pytest.mark.xdist_group("docs")
def test_other_tools_can_ask_what_convert_wrote(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question of the page on loading, put to Parquet that the page's own command wrote."""
    (question,) = blocks(ROOT / "docs/loading.md", "sql")
    subprocess.run(
        ["gatewatch", "convert", "gatewatch-demo/after", "asked/traces.parquet"],
        cwd=folder,
        env=environment(folder),
        check=True,
        capture_output=True,
    )
    monkeypatch.chdir(folder / "asked")
    answer = duckdb.connect().execute(question.text).fetchall()
    assert {country for country, _, _ in answer} == {"KH"}
    assert sum(traces for _, _, traces in answer) == 1536


@pytest.mark.parametrize("line", [line for line in IN_SMALL if line.startswith("make")])
def test_long_commands_are_run_in_small(line: str) -> None:
    """What `make` would run is what the page says, and the test that runs it in small is there."""
    runs, test = IN_SMALL[line]
    stamp = [word for name in (".installed", ".docs") for word in ("-o", f".venv/{name}")]
    said = subprocess.run(
        ["bash", "-c", f"{line} --dry-run {' '.join(stamp)}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.search(runs, said), said
    if test == ".ci/run":
        assert f"\n{line} <" in (ROOT / test).read_text("utf-8")
    else:
        module, _, name = test.partition(":")
        assert hasattr(importlib.import_module(module), name)


def parse(group: click.Group, words: list[str]) -> None:
    """Raise what click raises for a wrong command, option or value."""
    context = click.Context(group)
    if words[0].startswith("-"):
        assert words[0] in {"--help", "--version"}
        return
    command = group.get_command(context, words[0])
    assert command is not None, words[0]
    if isinstance(command, click.Group) and words[1:] and not words[1].startswith("-"):
        parse(command, words[1:])
    elif words[1:] != ["--help"]:
        command.make_context(words[0], words[1:], parent=context)


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def extras() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["optional-dependencies"])


@pytest.mark.parametrize("command", commands(), ids=lambda c: c.line)
def test_commands_exist_with_their_options(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each documented command names a program, target or option that there is."""
    monkeypatch.chdir(tmp_path)
    Path("targets.txt").write_text("193.0.6.139 RIPE NCC\n", encoding="utf-8")
    Path("stick").mkdir()
    Path("stick/mine.tar").touch()
    program, *words = words_of(command.line.replace("stick/*.tar", "stick/mine.tar"))
    if program == "gatewatch":
        parse(main, words)
    elif program == "make":
        assert {word for word in words if "=" not in word} <= makefile_targets()
    elif program.endswith(("python", "python3")):
        assert words[0] == "-m"
        module = f"{words[1].replace('.', '/')}.py"
        assert words[1] in {"pytest", "pip", "venv"} or (ROOT / module).is_file()
    else:
        assert words[0] in OTHERS[program] or not OTHERS[program]
        assert set(re.findall(r"\[(\w+)\]", words[-1])) <= extras()


# Programs of others that pages name, each with what it may be asked; none for anything.
OTHERS: dict[str, set[str]] = {
    "apt": {"install", "purge", "remove"},
    "cat": set(),
    "dpkg": {"-i"},
    "grep": set(),
    "loginctl": {"enable-linger"},
    "openssl": {"pkeyutl", "req"},
    "pipx": {"install", "uninstall"},
    "rm": set(),
    "sha256sum": set(),
    "tar": set(),
    "uv": {"tool"},
    "zstd": set(),
}


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_python_examples_hold(page: Path) -> None:
    """Each example of a page prints what the page says; a page is one session."""
    source = "\n".join(block.text for block in blocks(page, "python"))
    test = doctest.DocTestParser().get_doctest(source, {}, page.name, str(page), 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_demo_is_run_as_the_pages_say() -> None:
    """The one demo that the tests run is the one that the pages name."""
    shown = {c.line for c in commands() if words_of(c.line)[:2] == ["gatewatch", "demo"]}
    assert shown == {DEMO}
