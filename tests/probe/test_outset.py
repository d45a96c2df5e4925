"""Ctrl-C while the program is still being imported."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from probe import outset

# Presses Ctrl-C when a module is looked for, before any of it is imported.
_PRESSED = """
import os, signal, sys

class Pressing:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Pressing())
sys.argv = ["gatewatch", *{arguments!r}]
signal.signal(signal.SIGINT, signal.{before})
from probe.__main__ import main
main()
"""


def pressed(
    module: str, arguments: list[str], before: str = "default_int_handler"
) -> subprocess.CompletedProcess[str]:
    code = _PRESSED.format(module=module, arguments=arguments, before=before)
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


def test_who_started_it_to_ignore_ctrl_c_is_heeded() -> None:
    """As a shell does that puts it into the background."""
    done = pressed("probe.cli", ["--version"], before="SIG_IGN")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gatewatch, version")


def test_once_a_command_is_imported_ctrl_c_is_what_it_always_was() -> None:
    """What it does may catch it, and put things in order."""
    outset.begun()
    try:
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    finally:
        outset.over()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_a_command_is_told() -> None:
    """What runs was imported, and says that it was stopped."""
    done = pressed("probe.owner.notice", ["consent", "show"])
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "gatewatch: stopped; what was finished is kept\n"


def test_what_hears_ctrl_c_loads_nothing_itself() -> None:
    """Until it hears, Python shows its traceback: each module loaded before lengthens that."""
    code = (
        "import sys; before = set(sys.modules); from probe import outset; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["probe", "probe.outset"]
