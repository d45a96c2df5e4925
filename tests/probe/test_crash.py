"""A fault of the program says where it is, and nothing of who ran it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from probe import crash
from probe.scrubbing import harmless
from probe.vantage import locate

FAULTY = """
import sys
from pathlib import Path
import click
from probe.cli import Commands

@click.group(cls=Commands)
def group(): pass

@group.command()
def fail():
    try:
        open(Path.home() / "nothing" / "there")
    except OSError as problem:
        raise ValueError({message!r}) from problem

{before}
group(["fail"])
"""


def crashed(
    tmp_path: Path, message: str, *flags: str, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """How a command of a program in a user's home ends with a fault of this message."""
    home = tmp_path / "home" / "sokha"
    home.mkdir(parents=True)
    program = home / "program.py"
    program.write_text(FAULTY.format(message=message, before=before))
    return subprocess.run(
        [sys.executable, *flags, program],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env={**os.environ, "HOME": str(home), "LOGNAME": "sokha", "PYTHONPATH": str(Path.cwd())},
    )


def secrets() -> list[str]:
    here = locate.read_premises()
    return [*here.addresses, *here.host_names]


def test_a_fault_is_told_without_addresses_names_or_folders(tmp_path: Path) -> None:
    """Modules and lines stay, and the sense of the message; exit code 1, and no file is made."""
    message = f"sokha on {socket.gethostname()}: " + ", ".join(
        [*secrets(), "36.37.9.77", "2405:8380::99", "1e:2b:3a:4d:5e:6f"]
    )
    done = crashed(tmp_path, message)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ValueError: [host] on [host]: " in done.stderr
    assert "__main__:15 in fail" in done.stderr
    assert (
        "FileNotFoundError: [Errno 2] No such file or directory: '~/nothing/there'" in done.stderr
    )
    assert "please report" in done.stderr
    here = locate.read_premises()
    for secret in [*here.addresses, "sokha", str(tmp_path), "36.37.9.77", "2405:8380", "1e:2b"]:
        assert secret not in done.stderr
    for name in here.host_names:
        # As a word: a machine may be called as little as "vm".
        assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", done.stderr) is None
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["program.py"]


def test_whom_one_sends_to_is_not_told(tmp_path: Path) -> None:
    """As it may stand in what a library says: who one works with is nobody's business."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "settings.toml").write_text(
        'collector = "https://collect.secret.example"\nproxy = "socks5h://127.0.0.1:9050"\n'
    )
    (folder / "do-not-probe.txt").write_text("bank.secret.example\n")
    done = crashed(
        tmp_path,
        "https://Collect.secret.example:443/v1 by 127.0.0.1, not bank.secret.example",
        before=f"import os; os.environ['GATEWATCH_HOME'] = {str(folder)!r}",
    )
    assert "ValueError: https://[address]:443/v1 by 127.0.0.1, not [address]\n" in done.stderr


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no room: '/media/NGO stick/gw/a.jsonl'", "no room: '[folder]/a.jsonl'"),
        ("no room on /srv/sokha/gw/a.jsonl, 5 kB/s", "no room on [folder]/a.jsonl, 5 kB/s"),
        ("~/a and {home}/b of {home}2", "~/a and ~/b of [folder]/root2"),
        ("sudo by sokha", "sudo by [host]"),
        ("socks5h://me:secret@127.0.0.1:9050 of 10.9.8.7", "socks5h://127.0.0.1:9050 of [address]"),
        ("https://collect.example.org/v1/key", "https://collect.example.org/v1/key"),
    ],
)
def test_folders_outside_of_home_and_who_called_sudo_are_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    """A data folder on a stick has a name as well, and under sudo the home is root's."""
    home = tmp_path / "root"
    for name, value in {"HOME": str(home), "LOGNAME": "root", "SUDO_USER": "sokha"}.items():
        monkeypatch.setenv(name, value)
    assert crash.report(OSError(said.format(home=home))).splitlines()[-1] == f"OSError: {told}"


@pytest.mark.parametrize(
    "before",
    [
        "import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()",
        "class Dies:\n    def __del__(self): 1 / 0\nDies()",
    ],
)
def test_threads_and_what_python_calls_by_itself_tell_no_more(tmp_path: Path, before: str) -> None:
    """Their tracebacks go another way, and would name the folder of the program."""
    done = crashed(tmp_path, "no", before=f"from probe.crash import watch; watch()\n{before}")
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert str(tmp_path) not in done.stderr


def test_developers_see_everything(tmp_path: Path) -> None:
    """In Python's developer mode the traceback is whole."""
    done = crashed(tmp_path, "no", "-X", "dev")
    assert 'program.py", line 15, in fail' in done.stderr


@pytest.mark.parametrize(("flags", "shown"), [((), False), (("-X", "dev"), True)])
def test_a_warning_of_a_library_names_no_folder(
    tmp_path: Path, flags: tuple[str, ...], *, shown: bool
) -> None:
    """As one that this Python will soon not do: a timer's log would have it each hour."""
    lib = tmp_path / "home" / "sokha" / "library.py"
    warn = "import sys; from probe.crash import watch; watch()\nimport library"
    lib.parent.mkdir(parents=True)
    lib.write_text("import warnings\nwarnings.warn('too old', UserWarning)\n")
    done = subprocess.run(
        [sys.executable, *flags, "-c", warn],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(Path.cwd()), str(lib.parent)))},
    )
    assert ("sokha" in done.stderr) == shown
    assert ("too old" in done.stderr) == shown


def test_where_the_interfaces_cannot_be_read_no_message_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not known then what would have to be taken out."""

    def broken() -> None:
        raise OSError

    monkeypatch.setattr(locate, "read_premises", broken)
    said = crash.report(ValueError("192.0.2.7"))
    assert said.splitlines()[-1] == "ValueError: [message withheld]"


def test_whoever_watches_already_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test runner, or a program that uses this one."""
    mine = monkeypatch.setattr
    mine(sys, "excepthook", print)
    crash.watch()
    assert sys.excepthook is print


def test_a_hook_that_writes_faults_to_the_disk_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ubuntu's, which every program of the system's Python has: it keeps the whole traceback."""

    def apport(*_: object) -> None: ...

    apport.__module__ = "apport_python_hook"
    monkeypatch.setattr(sys, "excepthook", apport)
    crash.watch()
    assert sys.excepthook is not apport


def test_the_system_keeps_no_image_of_the_memory() -> None:
    """It would hold the own addresses; a limit of one byte also holds for systemd and Apport."""
    said = (
        "import resource as r; r.setrlimit(r.RLIMIT_CORE, (4096, 4096));"
        "from probe.cli import main; main(['--version'], standalone_mode=False);"
        "print(*r.getrlimit(r.RLIMIT_CORE))"
    )
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "1 4096"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("/media/x/Dara Chea/gw/spool/a.jsonl: no", "[folder]/spool/a.jsonl: no"),
        ("file:///srv/dara/x.db", "file://[folder]/x.db"),
        ("path:/srv/dara/x.db", "path:[folder]/x.db"),
        ("https://example.org/a/b.gz", "https://example.org/a/b.gz"),
    ],
)
def test_folders_are_left_out_however_they_stand_there(
    monkeypatch: pytest.MonkeyPatch, said: str, left: str
) -> None:
    """The data folder also with blanks in its name, and any in an address of a file."""
    monkeypatch.setenv("GATEWATCH_HOME", "/media/x/Dara Chea/gw")
    assert harmless(said) == left
