"""A systemd of its own for a test: one that started the system, or one of a user.

It lives in name spaces (processes, mounts, network) and in a control group of its own, has no unit
but those that a test puts there, and takes everything with it when it ends. Nothing of it can be
seen from outside, and no packet leaves it: its network has nothing but a loopback.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.namespaces import NOBODY, LabError, missing_for_lab, uncover

SYSTEMD = Path("/lib/systemd/systemd")
PROJECT = Path(__file__).parents[2]
HOME = Path("/home/lab")

# Where the checkout is seen in there: its own place may be a temporary folder, which services lack.
_CHECKOUT = Path("/opt/checkout")

# Seconds until it has to stand.
PATIENCE = 20.0

# What units of the system wait for; here they stand from the start.
_MILESTONES = ("default", "exit", "sysinit", "basic", "timers", "shutdown", "time-set", "time-sync")

# Where units of a system are looked for; both are empty at first.
_UNITS_OF_A_SYSTEM = ("/etc/systemd/system", "/usr/lib/systemd/system")

# A system that starts empties its temporary folders: it has some of its own, and may not even so.
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))
_MASKED = (
    "systemd-tmpfiles-setup.service",
    "systemd-tmpfiles-setup-dev.service",
    "systemd-tmpfiles-clean.service",
    "systemd-tmpfiles-clean.timer",
)

# Where a control group can be made, by kind of hierarchy; not every system has each.
_GROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")


def missing() -> str | None:
    """Why no systemd can be started here; None where one can."""
    if not SYSTEMD.exists():
        return "systemd is not installed"
    return missing_for_lab("unshare", "systemctl", "systemd-run")


class Booted:
    """A running systemd; commands are run beside it, as its user."""

    def __init__(self, pid: int, user: int, runtime: str) -> None:
        self._pid = pid
        self._user = user
        self._runtime = runtime

    def run(self, *words: str, check: bool = True, user: int | None = None) -> str:
        """Run a command in there and give back what it printed, with its errors."""
        become = self._user if user is None else user
        done = subprocess.run(
            [
                "nsenter",
                f"--target={self._pid}",
                "--mount",
                "--pid",
                "--net",
                "--",
                "setpriv",
                f"--reuid={become}",
                f"--regid={become}",
                "--clear-groups",
                *words,
            ],
            env={
                "PATH": "/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": str(HOME) if become else "/root",
                "XDG_RUNTIME_DIR": self._runtime,
                "LANG": "C.UTF-8",
            },
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode != 0:
            raise LabError(f"{shlex.join(words)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout


@contextmanager
def booted(folder: Path, *, system: bool, setup: str = "") -> Iterator[Booted]:
    """Start a systemd, of the system or of user nobody, and end it.

    ``gatewatch`` is on its path, run from this checkout. ``setup`` are shell lines that root runs
    inside beforehand. Raises `LabError` where it does not come up.
    """
    user = 0 if system else NOBODY
    runtime = f"/run/user/{user}"
    # A user's needs D-Bus, which its units start; what this machine has for systems is left out.
    paths = f"{HOME}/.config/systemd/user:/usr/lib/systemd/user"
    if system:
        paths = ":".join(_UNITS_OF_A_SYSTEM)
    group = f"gatewatch-lab-{os.getpid()}"
    folder.chmod(0o755)
    ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ready.settimeout(PATIENCE)
    where = folder / "ready"
    ready.bind(str(where))
    where.chmod(0o777)
    log = (folder / "systemd.log").open("wb")
    # As the first process of all it would take itself for the system's.
    start = f"setpriv --reuid={user} --regid={user} --clear-groups {SYSTEMD} --user & wait"
    if system:
        start = f"exec unshare --cgroup {SYSTEMD} --system --unit=lab.target"
    script = "\n".join(
        (
            "set -e",
            "mount --make-rprivate /",
            *(
                f"if test -e {place}/cgroup.procs; then mkdir -p {place}/{group}; "
                f"chown {user} {place}/{group} {place}/{group}/cgroup.procs; "
                f"echo $$ > {place}/{group}/cgroup.procs; fi"
                for place in _GROUPS
            ),
            uncover([Path(sys.base_prefix), Path(sys.prefix), PROJECT, folder], emptied=_TEMPORARY),
            *(
                f"mount -t tmpfs -o mode=0755 lab {place}"
                for place in ("/opt", "/home", "/run", "/var/lib/systemd")
            ),
            f"mkdir -p /opt/bin /opt/units {_CHECKOUT} /var/lib/systemd/timers",
            f"mount --bind {PROJECT} {_CHECKOUT}",
            *(f"ln -s /dev/null /opt/units/{unit}" for unit in _MASKED),
            f"mkdir -p {HOME} /run/systemd/system /run/systemd/unit-root",
            f"mkdir -m 0700 -p {runtime}",
            f"chown {user}:{user} {HOME} {runtime}",
            *(
                f"printf '[Unit]\\nDefaultDependencies=no\\n' > /opt/units/{name}.target"
                for name in ("lab", *_MILESTONES)
            ),
            f"printf '%s\\n' '#!/bin/sh' 'cd {_CHECKOUT}' "
            f"'PYTHONDONTWRITEBYTECODE=1 exec {seen_inside(Path(sys.executable))} -m probe \"$@\"' "
            "> /opt/bin/gatewatch",
            "chmod 755 /opt/bin/gatewatch",
            "ip link set lo up",
            setup,
            *(f"mount -t tmpfs -o mode=0755 lab {place}" for place in _UNITS_OF_A_SYSTEM),
            f"export HOME={HOME} XDG_RUNTIME_DIR={runtime} NOTIFY_SOCKET={where}",
            "export SYSTEMD_LOG_TARGET=console SYSTEMD_GENERATOR_PATH=/nowhere",
            "export SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/nowhere",
            f"export container=lab SYSTEMD_UNIT_PATH={paths}:/opt/units",
            start,
        )
    )
    process = subprocess.Popen(
        [
            *("unshare", "--mount", "--pid", "--net", "--ipc", "--uts"),
            *("--fork", "--kill-child", "--mount-proc", "sh", "-c", script),
        ],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        _wait(ready, folder)
        yield Booted(_children(process.pid)[0], user, runtime)
    finally:
        # With the first process in a name space of processes go all others.
        for child in _children(process.pid):
            os.kill(child, signal.SIGKILL)
        process.wait(PATIENCE)
        ready.close()
        log.close()
        _remove(group)


def seen_inside(path: Path) -> Path:
    """Where a path of the checkout is in there; any other is where it was."""
    return _CHECKOUT / path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path


def _children(pid: int) -> list[int]:
    return [
        int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    ]


def _wait(ready: socket.socket, folder: Path) -> None:
    """Until it says that it is up."""
    try:
        while b"READY=1" not in ready.recv(4096):
            pass
    except TimeoutError:
        said = (folder / "systemd.log").read_text("utf-8", errors="replace")
        raise LabError(f"systemd did not come up: {said}") from None


def _remove(group: str) -> None:
    for place in _GROUPS:
        top = Path(place, group)
        inner = sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True)
        for path in (*inner, top):
            if path.is_dir():
                path.rmdir()
