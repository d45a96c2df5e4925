"""The catalogues: in step with the source, whole where it matters, and nothing else translated."""

from __future__ import annotations

import ast
import gettext
import json
import os
import re
import shutil
import string
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from probe.run import allowance
from probe.schedule.here import BOOTED
from probe.words import failure
from scripts.messages import ROOT, catalogues, read, template, untranslated
from tests.harness.consenting import agree
from tests.probe.sharing.test_bundling import keep, trace

CATALOGUES = [pytest.param(path, id=path.parents[1].name) for path in catalogues()]

# Where nothing may stay English: what is asked, what stops a run, what mends it.
WHOLE = (
    "probe/network/backend.py",
    "probe/run/campaign.py",
    "probe/cli.py",
    "probe/commands/asking.py",
    "probe/commands/attended.py",
    "probe/commands/choosing.py",
    "probe/commands/consent.py",
    "probe/commands/doctor.py",
    "probe/commands/run.py",
    "probe/owner/consent.py",
    "probe/doctor/",
    "probe/disk/mishap.py",
    "probe/network/privileges.py",
    "probe/redaction/redact.py",
    "probe/spool.py",
)
MOST_LACKING = 0.1


def sources(message: Message) -> list[str]:
    """The English forms of a message: one, or singular and plural."""
    return [message.id] if isinstance(message.id, str) else list(message.id)


def translations(message: Message) -> list[str]:
    """The forms in the other language, as many as it has."""
    said = message.string or ""
    return [said] if isinstance(said, str) else list(said)


def translated(catalogue: Catalog) -> list[tuple[str, str]]:
    """Each form of each message with each form of its translation."""
    return [
        (source, said)
        for message in catalogue
        if message.id
        for source in sources(message)
        for said in translations(message)
        if said
    ]


@pytest.mark.parametrize("path", CATALOGUES)
def test_a_catalogue_has_the_messages_of_the_source(path: Path) -> None:
    """All and only; `make messages` brings it in step, and says what is left to translate."""
    held, wanted = ({message.id for message in one} for one in (read(path), template()))
    assert held == wanted


@pytest.mark.parametrize("path", CATALOGUES)
def test_what_a_volunteer_meets_is_translated(path: Path) -> None:
    """All that is asked, stops a run or mends it; of the rest at most a tenth stays English."""
    catalogue = read(path)
    lacking = untranslated(catalogue)
    assert len(lacking) < MOST_LACKING * len(catalogue)
    assert [
        sources(message)[0]
        for message in catalogue
        if message.id
        and sources(message)[0] in lacking
        and any(place.startswith(WHOLE) for place, _ in message.locations)
    ] == []


@pytest.mark.parametrize("path", CATALOGUES)
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    """The program reads the translations that a reviewer sees."""
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in read(path):
        if message.id:
            source, *plural = sources(message)
            found = compiled.ngettext(source, plural[0], 7) if plural else compiled.gettext(source)
            assert found == (translations(message)[0] or [source, *plural][-1])


def fields(text: str) -> set[tuple[str | None, ...]]:
    """The fields of a message, each with its format and conversion."""
    return {parsed[1:] for parsed in string.Formatter().parse(text) if parsed[1] is not None}


@pytest.mark.parametrize("path", CATALOGUES)
def test_translations_have_the_fields_of_the_source(path: Path) -> None:
    """A sentence in another language cannot fail where the English one does not, nor say less."""
    assert [
        source
        for source, said in translated(read(path))
        if "{" in source and fields(source) != fields(said)
    ] == []


@pytest.mark.parametrize("path", CATALOGUES)
def test_commands_and_options_stay_as_they_are_typed(path: Path) -> None:
    """What a reader is told to type is the same in every language."""
    typed = re.compile(r"gatewatch [a-z]+(?: [a-z]+)*(?= --|`|$)|(?<![\w-])--[a-z][a-z-]+")
    assert [
        (source, missing)
        for source, said in translated(read(path))
        if (missing := set(typed.findall(source)) - set(typed.findall(said)))
    ] == []


def test_a_sentence_is_whole_where_it_is_looked_up() -> None:
    """No f-string is looked up, since nobody finds it; and no look-up hides in an f-string."""
    wrong = []
    for path in (ROOT / "probe").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                hidden = any(map(looks_up, ast.walk(node)))
            else:
                hidden = looks_up(node) and "JoinedStr" in ast.dump(node)
            if hidden:
                wrong.append(f"{path.name}:{getattr(node, 'lineno', 0)}")
    assert wrong == []


def test_what_a_command_ends_with_is_looked_up() -> None:
    """No failure is raised with a sentence that a translator never gets to see."""
    wrong = []
    for path in (ROOT / "probe").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and FAILURES & set(names(node.func)):
                wrong += [
                    f"{path.name}:{node.lineno}"
                    for said in node.args
                    if isinstance(said, ast.Constant | ast.JoinedStr)
                    if len(re.findall(r"\b[a-z]+ ", literally(said))) > 2
                ]
    assert wrong == []


FAILURES = {
    name
    for module in (failure, allowance)
    for name, one in vars(module).items()
    if isinstance(one, type) and issubclass(one, failure.Failure)
}


def names(node: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def literally(said: ast.Constant | ast.JoinedStr) -> str:
    """What stands in a text besides its fields."""
    parts = said.values if isinstance(said, ast.JoinedStr) else [said]
    return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))


def looks_up(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"_", "ngettext", "mark", "Sentence"}
    )


# --- as a program -----------------------------------------------------------------------------


def gatewatch(
    home: Path, *arguments: str, language: str, program: str = "from probe.cli import main"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"{program}\nmain()", *arguments],
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home.parent),
            "GATEWATCH_HOME": str(home),
            "LANG": language,
            "NO_COLOR": "1",
        },
    )


def khmer(text: str) -> bool:
    return re.search("[\u1780-\u17ff]", text) is not None


def test_a_khmer_system_speaks_khmer(tmp_path: Path) -> None:
    """Failures, help and summaries; without colour, with the codes that every system has."""
    home = tmp_path / "home"
    for arguments, code in (["run"], 3), (["--help"], 0), (["run", "--help"], 0), (["doctor"], 6):
        done = gatewatch(home, *arguments, language="km_KH.UTF-8")
        assert (done.returncode, khmer(done.stdout + done.stderr)) == (code, True)
        assert "\x1b" not in done.stdout + done.stderr
        assert not khmer(gatewatch(home, *arguments, language="en_US.UTF-8").stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ["consent", "status"],
        ["consent", "status", "--json"],
        ["data", "status"],
        ["data", "status", "--json"],
        ["doctor", "--json"],
        ["run", "--dry-run", "--json"],
    ],
)
def test_tables_and_what_scripts_read_stay_english(tmp_path: Path, arguments: list[str]) -> None:
    """Terminals cannot align Khmer, and a script reads the same words everywhere."""
    home = agree(tmp_path / "home")
    shown = gatewatch(home, *arguments, language="km_KH.UTF-8").stdout
    assert shown
    # Where gatewatch lies may be called anything.
    for place in str(ROOT), json.dumps(str(ROOT)).strip('"'):
        shown = shown.replace(place, "")
    assert not khmer(shown)
    assert "\\u17" not in shown


def test_what_scripts_read_of_sending_stays_english(tmp_path: Path) -> None:
    """The sentences in them, too: what to do, and why something was not sent."""
    home = agree(tmp_path / "home")
    keep(home, trace(1))
    (home / "settings.toml").write_text('collector = "http://127.0.0.1:9"\n', encoding="utf-8")
    assert khmer(gatewatch(home, "submit", language="km_KH.UTF-8").stderr)
    for arguments in ["submit", "--json"], ["submit", "status", "--json"]:
        shown = gatewatch(home, *arguments, language="km_KH.UTF-8").stdout
        fields = json.loads(shown)
        assert fields["problem"] == "127.0.0.1 cannot be reached (Connection refused)"
    assert [one.startswith("to send now:") for one in fields["advice"]] == [True]


@pytest.mark.skipif(
    not BOOTED.is_dir() and shutil.which("crontab") is None,
    reason="neither systemd nor cron is here",
)
def test_what_scripts_read_of_the_schedule_stays_english(tmp_path: Path) -> None:
    """Its hints as well."""
    home = agree(tmp_path / "home")
    program = (
        "import probe.schedule.here as here\nhere.is_under_sudo = lambda: True\n"
        "from probe.cli import main"
    )
    shown = gatewatch(
        home, "schedule", "status", "--json", language="km_KH.UTF-8", program=program
    ).stdout
    assert json.loads(shown)["hints"][0]["what"].startswith("under sudo no timer of yours is seen")


@pytest.mark.parametrize("language", ["", "C", "en_US.UTF-8"])
def test_who_reads_english_opens_no_catalogue(tmp_path: Path, language: str) -> None:
    """Nothing is looked for on the disk; who reads Khmer shows that the watch works."""
    program = (
        "import sys\nsys.addaudithook(lambda event, args: event == 'open' "
        "and str(args[0]).endswith('.mo') and print('catalogue'))\nfrom probe.cli import main"
    )
    opened = gatewatch(tmp_path / "home", "run", language=language, program=program).stdout
    assert opened == ""
    other = gatewatch(tmp_path / "home", "run", language="km_KH.UTF-8", program=program).stdout
    assert "catalogue" in other
