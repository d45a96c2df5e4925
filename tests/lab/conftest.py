"""What holds for all tests of real kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.lab.booted import PROJECT, Booted, booted, seen_inside

URGENT = -10


@pytest.fixture(autouse=True)
def urgently() -> Iterator[None]:
    """Ahead of the other workers' tests, which need no clock: all that is started here inherits it.

    A probe that waits for a turn of the processor measures that. Where the priority may not be
    raised it stays.
    """
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, URGENT)
    yield
    os.setpriority(os.PRIO_PROCESS, 0, usual)


def visible_python() -> Path:
    """An interpreter like this one that a service shut out of all homes can see."""
    if not any(Path(sys.base_prefix).is_relative_to(home) for home in ("/root", "/home")):
        return Path(sys.executable)
    python = Path("/usr/bin/python3")
    code = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    if not python.exists() or subprocess.run([python, "-c", code], check=False).returncode:
        pytest.skip("this Python lies where a system's service cannot see it")
    return python


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Booted]:
    """A system's systemd; what it changes of users and state is forgotten with it."""
    packages = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    setup = "\n".join(
        (
            *(
                f"mkdir -p /opt/over{place} /opt/work{place}; mount -t overlay -o "
                f"lowerdir={place},upperdir=/opt/over{place},workdir=/opt/work{place} lab {place}"
                for place in ("/etc", "/var/lib")
            ),
            "printf '%s\\n' '#!/bin/sh' "
            f"'export PYTHONPATH={seen_inside(PROJECT)}:{seen_inside(packages)}' "
            f"'PYTHONDONTWRITEBYTECODE=1 exec {seen_inside(visible_python())} -m probe \"$@\"' "
            "> /opt/bin/gatewatch",
        )
    )
    with booted(tmp_path, system=True, setup=setup) as systemd:
        yield systemd
