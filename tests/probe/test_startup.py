"""Ctrl-C, and other signals to end, while the program is still being imported."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from probe import startup

# Sends a signal when a module is looked for, before any of it is imported.
_PRESSED = """
import os, signal, sys

class Pressing:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{number})

sys.meta_path.insert(0, Pressing())
sys.argv = ["gatewatch", *{arguments!r}]
signal.signal(signal.{number}, signal.{before})
from probe.__main__ import main
main()
"""


def pressed(
    module: str,
    arguments: list[str],
    before: str = "default_int_handler",
    number: str = "SIGINT",
) -> subprocess.CompletedProcess[str]:
    code = _PRESSED.format(module=module, arguments=arguments, before=before, number=number)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("probe.cli", ["--version"]),
        ("click", ["doctor"]),
        ("probe.commands.show", ["--help"]),
        ("probe.commands.doctor", ["doctor"]),
        ("analysis.commands.analyze", ["analyze", "--help"]),
    ],
)
def test_ctrl_c_while_it_starts_ends_it_without_a_word(module: str, arguments: list[str]) -> None:
    """With the code that Ctrl-C has later, and without Python's traceback."""
    done = pressed(module, arguments)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_to_be_told_to_end_is_heard_as_early(number: str, code: int) -> None:
    """A timer that is stopped in the moment in which it began has the code of the contract."""
    done = pressed("probe.commands.doctor", ["doctor"], before="SIG_DFL", number=number)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_who_started_it_to_ignore_a_signal_is_heeded(number: str) -> None:
    """As a shell does that puts it into the background, or nohup."""
    done = pressed("probe.cli", ["--version"], before="SIG_IGN", number=number)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gatewatch, version")


def test_once_a_command_is_imported_ctrl_c_is_what_it_always_was() -> None:
    """What it does may catch it, and put things in order."""
    told = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in told]
    startup.begun()
    try:
        assert not {signal.getsignal(number) for number in told} & {*before}
    finally:
        startup.over()
    assert [signal.getsignal(number) for number in told] == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_a_command_is_told() -> None:
    """What runs was imported, and says that it was stopped."""
    done = pressed("probe.owner.notice", ["consent", "show"])
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "gatewatch: stopped; what was finished is kept\n"


def test_what_hears_ctrl_c_loads_nothing_itself() -> None:
    """Until it hears, Python shows its traceback: each module loaded before lengthens that."""
    code = (
        "import sys; before = set(sys.modules); from probe import startup; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["probe", "probe.startup"]
