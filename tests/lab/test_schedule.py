"""The timers on the real thing: systemd of a user and of a system, and Debian's cron."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from probe.schedule.systemd import USER
from tests.lab.booted import HOME, Booted, booted, missing
from tests.lab.namespaces import needs

reason = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(reason is not None, reason=reason or ""),
    pytest.mark.xdist_group("lab-schedule"),
]

# What the pages tell a user and an administrator, in this order.
USERS = (
    "gatewatch schedule install --dry-run",
    "gatewatch schedule install",
    "gatewatch schedule status",
    "gatewatch schedule remove",
)
SYSTEMS = (
    "sudo gatewatch schedule install --system",
    "sudo -H -u gatewatch gatewatch consent grant",
    "sudo -H -u gatewatch gatewatch show",
)

DATA = f"{HOME}/.local/share/gatewatch"
UNITS = f"{HOME}/.config/systemd/user"


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Booted]:
    """A user's systemd; its user agrees to run and to keep."""
    with booted(tmp_path, system=False) as systemd:
        systemd.run("gatewatch", "consent", "grant", "--run", "--keep", "--version-read", "1")
        yield systemd


def status(systemd: Booted, *arguments: str) -> dict[str, Any]:
    said = systemd.run("gatewatch", "schedule", "status", "--json", *arguments, check=False)
    fields: dict[str, Any] = json.loads(said.splitlines()[0])
    return fields


def test_a_users_timer_is_installed_calls_and_goes(user: Booted) -> None:
    """Once or twice is the same; it goes off within two hours, and afterwards nothing is left."""
    user.run("gatewatch", "schedule", "install")
    first = status(user)
    assert (first["installed"], first["troubles"]) == (True, [])
    assert first["next_call"] is not None
    user.run("gatewatch", "schedule", "install")
    assert status(user)["next_call"] == first["next_call"]
    # There is no network: the run is offline, which the unit does not take for a failure.
    user.run("systemctl", "--user", "start", "gatewatch.service")
    after = status(user)
    assert (after["exit_code"], after["failures"]) == (5, 1)
    user.run("gatewatch", "schedule", "remove")
    assert status(user)["installed"] is False
    left = user.run("find", str(HOME), "-name", "*gatewatch*").split()
    assert left == [DATA]
    assert "gatewatch" not in user.run("systemctl", "--user", "list-units", "--all")


def test_the_pages_can_be_followed_by_a_user(user: Booted) -> None:
    """Each line of the page, as it stands there, from a look at the files to no timer at all."""
    said = [user.run("bash", "-c", line) for line in USERS]
    assert f"{UNITS}/gatewatch.timer" in said[0]
    assert "next " in said[2]
    assert status(user)["installed"] is False


def test_a_users_service_may_write_to_the_data_folder_alone(user: Booted, tmp_path: Path) -> None:
    """No new privileges, system calls filtered, all else read only; ping sockets work."""
    user.run("gatewatch", "schedule", "install")
    look = (
        f"#!/bin/sh\\nexec > {DATA}/look 2>&1\\ngrep -E 'NoNewPrivs|Seccomp:' /proc/self/status\\n"
        f"touch {HOME}/x || echo home\\ntouch /opt/x || echo opt\\nls /tmp | wc -l\\n"
        "unshare --user true || echo unshare\\n"
    )
    unit = f"{UNITS}/gatewatch.service"
    user.run("sh", "-c", f'printf "{look}" > {DATA}/look.sh; chmod 700 {DATA}/look.sh')
    user.run("sed", "-i", f"s#^ExecStart=.*#ExecStart={DATA}/look.sh#", unit)
    user.run("systemctl", "--user", "daemon-reload")
    user.run("systemctl", "--user", "start", "gatewatch.service")
    said = user.run("cat", f"{DATA}/look").splitlines()
    assert [line.split() for line in said[:2]] == [["NoNewPrivs:", "1"], ["Seccomp:", "2"]]
    words = [line for line in said if line in {"home", "opt", "0", "unshare"}]
    assert words == ["home", "opt", "0", "unshare"]
    assert (
        user.run("gatewatch", "schedule", "status", check=False)
        .splitlines()[-1]
        .endswith("gatewatch schedule install")
    )


def test_a_timer_that_was_switched_off_is_noticed_and_mended(user: Booted) -> None:
    """As an upgrade or a cleaner may leave it; the command that the status names mends it."""
    user.run("gatewatch", "schedule", "install")
    user.run("systemctl", "--user", "disable", "--now", "gatewatch.timer")
    (trouble,) = status(user)["troubles"]
    assert trouble == {"what": "the timer does not run", "remedy": "gatewatch schedule install"}
    user.run(*trouble["remedy"].split())
    assert status(user)["troubles"] == []


def test_the_systems_timer_runs_as_a_user_with_raw_sockets_alone(system: Booted) -> None:
    """Refused until its user agrees; then it has one capability; afterwards the user is gone."""
    refused = system.run("gatewatch", "schedule", "install", "--system", check=False)
    assert "has not agreed" in refused
    uid = int(system.run("id", "-u", USER))
    environment = "HOME=/var/lib/gatewatch"
    grant = ("gatewatch", "consent", "grant", "--run", "--keep", "--version-read", "1")
    system.run("env", environment, *grant, user=uid)
    system.run("gatewatch", "schedule", "install", "--system")
    assert status(system, "--system")["troubles"] == []
    system.run("systemctl", "start", "gatewatch.service")
    assert status(system, "--system")["exit_code"] == 5
    look = "/var/lib/gatewatch/look"
    system.run(
        "sed",
        "-i",
        f"s#^ExecStart=.*#ExecStart=/bin/sh -c 'grep -E \"Cap|Uid\" /proc/self/status > {look}'#",
        "/etc/systemd/system/gatewatch.service",
    )
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "start", "gatewatch.service")
    said = dict(line.split(":\t", 1) for line in system.run("cat", look).splitlines())
    net_raw = f"{1 << 13:016x}"
    assert {said[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {net_raw}
    assert said["Uid"].split() == [str(uid)] * 4
    system.run("rm", "-r", "/var/lib/gatewatch/.local", look)
    system.run("gatewatch", "schedule", "remove", "--system")
    assert "no such user" in system.run("id", USER, check=False)
    assert system.run("find", "/etc/systemd/system", "-name", "*gatewatch*") == ""


SUDO = f"""#!/bin/sh
[ "$1" = -H ] || exec "$@"
shift 3
exec setpriv --reuid={USER} --regid={USER} --clear-groups env HOME=/var/lib/{USER} "$@"
"""


def test_the_page_can_be_followed_by_an_administrator(system: Booted) -> None:
    """The first line ends with 3 and makes the user; agreed to, the same installs the timer."""
    system.run("sh", "-c", f"printf %s '{SUDO}' > /opt/bin/sudo; chmod 755 /opt/bin/sudo")
    install, grant, show = SYSTEMS
    refused = system.run("bash", "-c", f"{install}; echo exit code $?")
    assert refused.endswith("exit code 3\n")
    on_terminal = (
        f"printf 'yes\\nyes\\nno\\n' | script --quiet --return --command '{grant}' /dev/null"
    )
    system.run("bash", "-c", on_terminal)
    system.run("bash", "-c", install)
    assert "nothing is kept yet" in system.run("bash", "-c", show)
    assert status(system, "--system")["troubles"] == []


@needs("crontab", "unshare")
def test_the_real_crontab_keeps_the_lines_of_others(tmp_path: Path) -> None:
    """Debian's cron takes the entry, and gives back all else as it was."""
    script = f"""
        set -e
        mount --make-rprivate /
        mount -t tmpfs gatewatch-lab /var/spool/cron
        mkdir -m 1730 /var/spool/cron/crontabs; chgrp crontab /var/spool/cron/crontabs
        mount -t tmpfs gatewatch-lab /run
        export GATEWATCH_HOME={tmp_path}/home PATH={Path(sys.executable).parent}:$PATH
        printf '# mine\\n5 4 * * * true 100\\\\%%\\n' | crontab -
        crontab -l > {tmp_path}/before
        cd {Path(__file__).parents[2]}
        run() {{ {sys.executable} -m probe "$@"; }}
        run consent grant --run --keep --version-read 1
        run schedule install
        crontab -l > {tmp_path}/with
        run schedule status
        run schedule remove
        crontab -l > {tmp_path}/after
    """
    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, added, after = (
        (tmp_path / name).read_text("utf-8") for name in ("before", "with", "after")
    )
    assert before == after
    assert added.startswith(before)
    assert added.count("run --scheduled") == 1
    assert "timer      crontab" in done.stdout
