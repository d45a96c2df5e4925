"""``gatewatch consent``, and how ``run`` asks for it: on a terminal, and where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result

from probe.cli import main
from probe.owner.consent import VERSION
from tests.harness.consenting import agree
from tests.harness.terminal import shown_on

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that does not exist yet."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def gatewatch(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def granted() -> list[str]:
    fields = json.loads(gatewatch("consent", "status", "--json").stdout)
    assert fields.pop("text_version") == VERSION
    assert fields.pop("file") == "whole"
    return [name for name, entry in fields.items() if entry["granted"]]


class Ended(NamedTuple):
    """What a program showed on its terminal, printed into a pipe, and ended with."""

    shown: str
    printed: str
    code: int


PROMPT = "[no]: "


def on_terminal(home: Path, *command: str, typed: Sequence[str | signal.Signals]) -> Ended:
    """Run a command on a terminal, and type one of these at each prompt, or send that signal."""
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "probe", *command],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
        cwd=ROOT,
        env={**os.environ, "GATEWATCH_HOME": str(home)},
    )
    os.close(theirs)
    shown, answers = "", iter(typed)
    for more in shown_on(ours):
        shown += more
        if shown.endswith(PROMPT):
            answer = next(answers)
            if isinstance(answer, signal.Signals):
                _interrupt(program, answer)
            else:
                os.write(ours, answer.encode())
    printed, _ = program.communicate(timeout=30)
    os.close(ours)
    assert next(answers, None) is None, shown
    return Ended(shown.replace("\r\n", "\n"), printed.decode(), program.returncode)


def _interrupt(program: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a program that asks, once; a second one would disturb how it ends."""
    # One between a question and the wait for its answer is felt only once more comes.
    status = Path(f"/proc/{program.pid}/stat")
    while status.exists() and status.read_text(encoding="utf-8").rpartition(") ")[2][0] != "S":
        os.sched_yield()
    for _ in range(3):  # where no /proc tells that it waits
        program.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(10.0)
            return


# --- without a terminal -----------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["run"], ["run", "--json"], ["run", "--resume"]])
def test_a_run_without_consent_and_terminal_ends_with_3(home: Path, arguments: list[str]) -> None:
    """One sentence says how to give it; nothing is made on the disk."""
    done = gatewatch(*arguments)
    assert (done.exit_code, done.stdout) == (3, "")
    (sentence,) = done.stderr.splitlines()
    assert f"gatewatch consent grant --run --keep --version-read {VERSION}" in sentence
    assert not home.exists()


# Says each socket that a command opens, in Python's own words for it.
_WATCHED = """
import sys
sys.addaudithook(lambda event, _: print(event) if event.startswith("socket.") else None)
from probe.cli import main
main(sys.argv[1:])
"""


def test_a_run_without_consent_opens_no_socket(home: Path) -> None:
    """Consent comes before the network is even looked at; a dry run, which looks, shows in this."""
    for arguments, looks in (["run"], False), (["run", "--dry-run", "--limit", "1"], True):
        done = subprocess.run(
            [sys.executable, "-c", _WATCHED, *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            cwd=ROOT,
        )
        assert ("socket." in done.stdout) == looks


def test_a_dry_run_needs_no_consent(home: Path) -> None:
    """It sends nothing and keeps nothing, and leaves nothing behind."""
    # A process of its own, since who opens sockets gives up its privileges.
    done = subprocess.run(
        [sys.executable, "-m", "probe", "run", "--dry-run", "--limit", "1", "--country", "KH"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0
    assert "nothing was sent" in done.stdout
    assert not home.exists()


def test_consent_to_keep_alone_does_not_let_a_run_begin(home: Path) -> None:
    """Both are needed, and the sentence names the one that is missing."""
    gatewatch("consent", "grant", "--keep", "--version-read", str(VERSION))
    done = gatewatch("run")
    assert done.exit_code == 3
    assert "not agreed to: run;" in done.stderr


def test_a_script_names_what_it_agrees_to_and_the_text_it_has_read(home: Path) -> None:
    """Only what is named is granted; the same command a second time changes nothing."""
    for _ in range(2):
        done = gatewatch("consent", "grant", "--run", "--keep", "--version-read", str(VERSION))
        assert done.exit_code == 0
        assert granted() == ["run", "keep"]
    assert "not allowed: share" in done.stdout


def test_a_script_reads_what_holds_then(home: Path) -> None:
    """What the status prints, and nothing else."""
    for words in (["grant", "--run", "--version-read", str(VERSION)], ["withdraw"]):
        done = gatewatch("consent", *words, "--json")
        assert done.exit_code == 0
        assert done.stdout == gatewatch("consent", "status", "--json").stdout
        assert json.loads(done.stdout)["run"]["granted"] is (words[0] == "grant")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--run"], 3, f"--run --version-read {VERSION}"),
        ([], 3, f"--run --keep --share --version-read {VERSION}"),
        (["--version-read", str(VERSION)], 2, "--run, --keep, --share"),
        (["--run", "--version-read", str(VERSION + 1)], 2, f"the text is version {VERSION}"),
    ],
)
def test_a_script_cannot_agree_by_chance(
    home: Path, arguments: list[str], code: int, says: str
) -> None:
    """Without the version, without a name or with a wrong version nothing is granted."""
    done = gatewatch("consent", "grant", *arguments)
    assert done.exit_code == code
    assert says in done.stderr
    assert not home.exists()


def test_a_script_that_asks_again_is_told_only_what_is_open(home: Path) -> None:
    """What was agreed to is not asked for a second time, nor is the text said to have changed."""
    gatewatch("consent", "grant", "--run", "--keep", "--version-read", str(VERSION))
    done = gatewatch("consent", "grant", "--run")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "you agree to: run, keep" in done.stdout
    done = gatewatch("consent", "grant")
    assert done.exit_code == 3
    assert "not agreed to: share;" in done.stderr


def test_status_says_what_holds(home: Path) -> None:
    """For each question the answer, its day and its text; also where nobody was asked."""
    assert [
        line.split()[:2] for line in gatewatch("consent", "status").stdout.splitlines()[:3]
    ] == [
        ["run", "no"],
        ["keep", "no"],
        ["share", "no"],
    ]
    assert not home.exists()
    gatewatch("consent", "grant", "--share", "--version-read", str(VERSION))
    lines = gatewatch("consent", "status").stdout.splitlines()
    assert lines[2].startswith(f"share  yes, since {datetime.now(UTC):%Y-%m-}")
    fields = json.loads(gatewatch("consent", "status", "--json").stdout)
    assert fields["run"] == {"granted": False, "version": None, "on": None}
    assert (fields["share"]["granted"], fields["share"]["version"]) == (True, VERSION)


def test_status_says_that_the_text_has_changed(home: Path) -> None:
    """An old yes is shown as one that holds no longer, with what to do."""
    file = agree(home) / "consent.json"
    file.write_text(file.read_text().replace(f'"version": {VERSION}', '"version": 0'))
    done = gatewatch("consent", "status")
    assert "no longer: text 0, 2026-11-01" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("answer again: gatewatch consent grant")
    assert granted() == []
    assert json.loads(gatewatch("consent", "status", "--json").stdout)["run"]["version"] == 0


def test_status_says_that_a_newer_text_was_agreed_to(home: Path) -> None:
    """Whoever goes back to an older gatewatch is not told that the text has changed since."""
    file = agree(home) / "consent.json"
    newer = VERSION + 1
    file.write_text(file.read_text().replace(f'"version": {VERSION}', f'"version": {newer}'))
    lines = gatewatch("consent", "status").stdout.splitlines()
    assert lines[0].startswith(f"run    no: newer text {newer}, 2026-11-01    send ")
    assert "update gatewatch, or read the text" in lines[-1]
    assert granted() == []


@pytest.mark.parametrize(
    ("text", "condition", "begins"),
    [
        ('{"schema": "gatewatch.con', "damaged", "{file} is damaged"),
        (
            '{"schema": "gatewatch.consent/2"}',
            "newer",
            "a newer gatewatch than this one wrote {file}",
        ),
    ],
)
def test_status_says_why_the_file_does_not_count(
    home: Path, text: str, condition: str, begins: str
) -> None:
    """Not only "no": whoever agreed once, and a script, learn of the file, and how to answer."""
    file = agree(home) / "consent.json"
    file.write_text(text, encoding="utf-8")
    last = gatewatch("consent", "status").stdout.splitlines()[-1]
    assert last.startswith(begins.format(file=file))
    assert last.endswith("to answer anew: gatewatch consent grant")
    fields = json.loads(gatewatch("consent", "status", "--json").stdout)
    assert (fields["file"], fields["run"]["granted"]) == (condition, False)
    assert gatewatch("consent", "withdraw").exit_code == 0
    assert not home.exists()


def test_it_can_be_taken_back_in_parts_and_whole(home: Path) -> None:
    """Without a question; the next run ends with 3."""
    agree(home)
    gatewatch("consent", "show", "--page")
    assert gatewatch("consent", "withdraw", "--share").exit_code == 0
    assert granted() == ["run", "keep"]
    assert (home / "consent.html").exists()
    assert "not allowed: run, keep, share" in gatewatch("consent", "withdraw").stdout
    assert granted() == []
    assert not home.exists()
    assert gatewatch("run").exit_code == 3


def test_taking_it_back_says_what_stays(home: Path) -> None:
    """What was measured before is not deleted by it; the command that does is named."""
    assert "purge" not in gatewatch("consent", "withdraw").stdout
    (agree(home) / "spool").mkdir()
    said = gatewatch("consent", "withdraw").stdout
    assert said.endswith("to delete all of it: gatewatch purge\n")
    assert (home / "spool").is_dir()


def test_the_text_can_be_read_before_anything_else(home: Path) -> None:
    """It is printed with its version, and nothing is written for it."""
    done = gatewatch("consent", "show")
    assert done.stdout.startswith(f"Version {VERSION}\n")
    assert "it makes nobody safe" in " ".join(done.stdout.split())
    assert done.stdout.rstrip().endswith("without asking again.")
    assert not home.exists()


def test_the_page_lies_in_the_data_folder(home: Path) -> None:
    """Its path is printed; it is for its owner's eyes, and no browser is opened for it."""
    done = gatewatch("consent", "show", "--page")
    page = home / "consent.html"
    assert done.stdout == f"{page}\n"
    assert 'lang="km"' in page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o077 == 0


# --- on a terminal ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", [["\n", "\n", "\n"], ["\x04", "\x04", "\x04"], ["no\n", "ទេ\n", "\n"]]
)
def test_enter_never_consents(tmp_path: Path, typed: list[str]) -> None:
    """Enter alone, the end of input and a no end with 3; the disk is as it was before."""
    home = tmp_path / "home"
    done = on_terminal(home, "run", "--json", typed=typed)
    assert (done.code, done.printed) == (3, "")
    assert "it makes nobody safe" in " ".join(done.shown.split())
    assert "nothing was sent and nothing was kept" in done.shown
    assert not home.exists()


def test_only_a_typed_yes_consents(tmp_path: Path) -> None:
    """A letter, a blank word or another one is asked again; yes counts in English and Khmer."""
    home = tmp_path / "home"
    typed = ["y\n", "yess\n", "ok\n", "Yes\n", " ចាស\u200b\n", "yes please\n", "no\n"]
    done = on_terminal(home, "consent", "grant", typed=typed)
    assert done.code == 0, done.shown
    assert done.shown.count("neither yes nor no") == 4
    assert done.printed.startswith("you agree to: run, keep\nnot allowed: share\n")
    assert (home / "consent.html").exists()
    assert str(home / "consent.html") in done.shown


def test_what_is_named_is_asked_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`grant --share` puts one question; a no to it takes an earlier yes back."""
    home = agree(tmp_path / "home")
    monkeypatch.setenv("GATEWATCH_HOME", str(home))
    done = on_terminal(home, "consent", "grant", "--share", typed=["\n"])
    assert done.code == 0
    assert granted() == ["run", "keep"]


def test_whoever_answered_once_is_told_why_it_is_asked_anew(tmp_path: Path) -> None:
    """A damaged file is named before the text, and the answers replace it."""
    file = agree(tmp_path / "home") / "consent.json"
    file.write_text("{", encoding="utf-8")
    done = on_terminal(file.parent, "consent", "grant", "--run", typed=["yes\n"])
    assert done.shown.startswith(f"{file} is damaged; what cannot be read in it counts as no;")
    assert json.loads(file.read_bytes())["run"]["version"] == VERSION


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", [("consent", "grant"), ("run",)])
def test_an_interrupted_question_changes_nothing(
    tmp_path: Path, command: tuple[str, ...], number: signal.Signals
) -> None:
    """Answers count when all are given; Ctrl-C and a closed terminal leave the disk as it was."""
    home = tmp_path / "home"
    done = on_terminal(home, *command, typed=["yes\n", number])
    assert done.code == 128 + number
    assert done.shown.endswith(f"{PROMPT}\ngatewatch: stopped; what was finished is kept\n")
    assert not home.exists()


def test_a_page_is_opened_only_for_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word open shows it, and the question stands."""
    told = tmp_path / "told"
    os.mkfifo(told)
    for name in ("xdg-open", "open"):
        opener = tmp_path / name
        opener.write_text(f'#!/bin/sh\necho "$1" > {told}\n', encoding="utf-8")
        opener.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((str(tmp_path), os.environ["PATH"])))
    home = tmp_path / "home"
    heard = os.open(told, os.O_RDONLY | os.O_NONBLOCK)
    done = on_terminal(home, "consent", "grant", "--run", typed=["open\n", "yes\n"])
    assert select.select([heard], [], [], 10)[0]
    assert os.read(heard, 4096).decode() == f"{home / 'consent.html'}\n"
    os.close(heard)
    assert (done.code, done.shown.count(PROMPT)) == (0, 2)


def test_a_run_that_was_agreed_to_asks_nothing(tmp_path: Path) -> None:
    """Who has answered is not asked a second time; without a route the run ends as always."""
    home = agree(tmp_path / "home")
    listed = tmp_path / "targets.txt"
    listed.write_text("10.1.1.1\n", encoding="utf-8")
    done = on_terminal(home, "run", "--targets", str(listed), typed=[])
    assert done.code == 9
    assert "no target may be probed" in done.shown
