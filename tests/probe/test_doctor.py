"""``gatewatch doctor``: what is wrong is found, with what mends it, and nothing of home is said."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import shutil
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest.mock import Mock

import pytest
from click.testing import CliRunner, Result

import probe.commands.doctor as command
from probe.cli import main
from probe.disk.places import chosen_folder, data_folder
from probe.doctor import (
    Finding,
    State,
    agreed,
    examine,
    keeping,
    queue,
    redaction,
    schedule,
    sending,
    whereabouts,
)
from probe.network import Method, NetworkError, NoRoute
from probe.origin import open_origin
from probe.origin.snapshot import OLD, current_manifest
from probe.owner.consent import Permission
from probe.record import CARRIER_NAT, VPN, Trace, to_line
from probe.redaction.premises import Premises
from probe.redaction.redact import Redacted, redact
from probe.schedule import Job, Standing, Trouble
from probe.schedule.diary import Diary
from probe.sharing.keys import signing_key
from probe.sharing.outbox import Attempts, Outbox
from probe.spool import Spool
from probe.vantage.ground import LineEnd
from probe.vantage.locate import read_premises
from probe.words.failure import BadInput, Failure
from probe.words.sentence import Sentence, as_it_is
from tests.harness.consenting import agree
from tests.probe import paths


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that does not exist yet, as does the usual one."""
    folder = tmp_path / "home"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("GATEWATCH_HOME", str(folder))
    return folder


def only(found: Iterable[Finding]) -> Finding:
    (finding,) = found
    return finding


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


# --- the examination --------------------------------------------------------------------------


def test_no_check_hides_the_others() -> None:
    """A check that breaks, before or after its first finding, and one that fails are findings."""

    def fine() -> Iterator[Finding]:
        yield Finding(State.OK, "well")

    def breaks() -> Iterator[Finding]:
        yield Finding(State.OK, "so far")
        raise ZeroDivisionError

    def refuses() -> Iterator[Finding]:
        raise BadInput("this line is wrong; mend it")

    checks = {"first": breaks, "second": refuses, "third": fine}
    assert [(name, finding.state, finding.says) for name, finding in examine(checks)] == [
        ("first", "failed", "this check itself broke (ZeroDivisionError); please report it"),
        ("second", "failed", "this line is wrong; mend it"),
        ("third", "ok", "well"),
    ]


def test_it_ends_with_6_where_something_failed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each finding is a line, its command below it; the code tells a script."""

    def checks() -> dict[str, object]:
        return {
            "one": lambda: [Finding(State.WARNING, "might be better", "do this")],
            "two": lambda: [Finding(State.FAILED, "is broken", "do that")],
        }

    monkeypatch.setattr(command, "_checks", checks)
    done = doctor()
    assert done.exit_code == 6
    assert done.stdout.splitlines() == [
        "warning  one        might be better",
        "                    next: do this",
        "FAILED   two        is broken",
        "                    next: do that",
    ]
    assert done.stderr.startswith("gatewatch: 1 thing has to be mended")
    said = json.loads(doctor("--json").stdout)
    assert said == {
        "well": False,
        "findings": [
            {"check": "one", "state": "warning", "says": "might be better", "remedy": "do this"},
            {"check": "two", "state": "failed", "says": "is broken", "remedy": "do that"},
        ],
    }


def test_without_colour_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state is a word; NO_COLOR takes the colour away on a terminal, too."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(command, "_checks", lambda: {"one": lambda: [Finding(State.OK, "well")]})
    coloured = CliRunner().invoke(main, ["doctor"], color=True).stdout
    assert coloured == "\x1b[32mok      \x1b[0m one        well\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert CliRunner().invoke(main, ["doctor"], color=True).stdout == "ok       one        well\n"


def test_warnings_alone_end_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could be better keeps nobody from measuring."""
    monkeypatch.setattr(
        command, "_checks", lambda: {"one": lambda: [Finding(State.WARNING, "might be better")]}
    )
    assert doctor().exit_code == 0
    assert json.loads(doctor("--json").stdout)["well"] is True


def test_nothing_of_home_is_said_and_nothing_written(home: Path) -> None:
    """Neither own addresses nor the computer's name, since people show such lists to others."""
    here = read_premises()
    for arguments in ([], ["--json"]):
        said = doctor(*arguments).output
        assert "redaction" in said
        told = [s for secret in redaction.secrets(here) for s in secret]
        assert [s for s in told if redaction.stands_in(s, said)] == []
    assert not home.exists()


def test_every_failure_comes_with_a_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without anything each check fails and says what to do."""

    def no_route(target: str, version: int) -> str:
        raise NoRoute("none")

    monkeypatch.setattr(sending, "source_towards", no_route)
    monkeypatch.setattr(sending, "openers", lambda: {"raw": refused, "errqueue": refused})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0))
    found = json.loads(doctor("--json").stdout)["findings"]
    failed = [entry for entry in found if entry["state"] == "failed"]
    assert [entry["check"] for entry in failed] == ["consent", "methods", "ipv4", "ipv6", "disk"]
    assert [entry for entry in failed if not entry["remedy"]] == []


# --- sending ----------------------------------------------------------------------------------


class Offering:
    """A network layer that offers some methods; the test sees whether it was closed."""

    def __init__(self, *methods: Method) -> None:
        self.offered = methods
        self.closed = False

    def methods(self, version: int) -> tuple[Method, ...]:
        return self.offered if version == 4 else ()

    def close(self) -> None:
        self.closed = True


def refused() -> Offering:
    raise NetworkError("denied because of it")


@pytest.mark.parametrize(
    ("backend", "methods", "state", "says"),
    [
        ("raw", (Method.ICMP, Method.UDP, Method.TCP), "ok", "icmp, udp, tcp probes can be sent"),
        ("errqueue", (Method.ICMP, Method.UDP), "ok", "without privileges"),
        ("errqueue", (Method.UDP,), "warning", "only udp probes"),
    ],
)
def test_it_says_which_probes_can_be_sent(
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
    methods: tuple[Method, ...],
    state: str,
    says: str,
) -> None:
    """The best backend that opens counts; where ping sockets are off, the sysctl is named."""
    network = Offering(*methods)
    monkeypatch.setattr(sending, "openers", lambda: {"first": refused, backend: lambda: network})
    finding = only(sending.methods())
    assert finding.state == state
    assert says in finding.says
    assert network.closed
    assert ("sysctl" in (finding.remedy or "")) == (state == "warning")


def test_where_no_socket_opens_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never "denied" without what to do."""
    monkeypatch.setattr(sending, "openers", lambda: {"raw": refused, "errqueue": refused})
    finding = only(sending.methods())
    assert finding.state == "failed"
    assert "denied because of it" in finding.says
    assert finding.remedy is not None
    assert finding.remedy.startswith("sudo sysctl -w net.ipv4.ping_group_range=")


@pytest.mark.parametrize(
    ("routed", "version", "state"),
    [
        ({4, 6}, 4, "ok"),
        ({4, 6}, 6, "ok"),
        ({4}, 6, "ok"),
        ({6}, 4, "warning"),
        (set(), 4, "failed"),
        (set(), 6, "failed"),
    ],
)
def test_one_ip_version_is_enough(
    monkeypatch: pytest.MonkeyPatch, routed: set[int], version: int, state: str
) -> None:
    """Most homes have no IPv6, and nothing is wrong with that; without both nothing goes."""

    def source(target: str, asked: int) -> str:
        if asked not in routed:
            raise NoRoute(f"no route to {target}")
        return "192.0.2.1"

    monkeypatch.setattr(sending, "source_towards", source)
    assert only(sending.route(version)).state == state


# --- keeping ----------------------------------------------------------------------------------


class Usage(NamedTuple):
    free: int


@pytest.mark.parametrize(
    ("free", "state"), [(5_000_000, "failed"), (50_000_000, "warning"), (500_000_000, "ok")]
)
def test_a_disk_that_fills_up_is_said(
    monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    """Before a run ends by it."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free))
    finding = only(keeping.disk())
    assert finding.state == state
    assert (finding.remedy is None) == (state == "ok")


def test_the_age_of_the_table_is_said() -> None:
    """From some day on a newer one is worth fetching, and the command stands there."""
    made = date.fromisoformat(current_manifest().date)
    young = only(keeping.snapshot(made + timedelta(days=1)))
    assert (young.state, young.remedy) == ("ok", None)
    assert young.says == f"{current_manifest().id}, whole, 1 day old"
    old = only(keeping.snapshot(made + timedelta(days=OLD)))
    assert (old.state, old.remedy) == ("warning", "gatewatch data update")
    to_come = only(keeping.snapshot(made - timedelta(days=200)))
    assert (
        to_come.says == f"{current_manifest().id}, whole, of a day that this clock has yet to reach"
    )
    assert (to_come.state, to_come.remedy) == ("warning", "sudo timedatectl set-ntp true")


def test_a_damaged_table_is_found(home: Path) -> None:
    """The hash of each file is taken, not believed."""
    shipped = current_manifest()
    folder = home / "origin"
    shutil.copytree(shipped.folder, folder)
    with (folder / shipped.register).open("a", encoding="utf-8") as file:
        file.write("1")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["date"] = "2099-01-01"
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert current_manifest().folder == folder
    finding = only(keeping.snapshot())
    assert (finding.state, finding.remedy) == ("failed", "gatewatch data update")
    assert shipped.register in finding.says


def test_a_folder_that_others_may_read_is_said(home: Path) -> None:
    """With the command that closes it; a closed one is well, and so is one that is not there."""
    assert only(keeping.folder()).state == "ok"
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    finding = only(keeping.folder())
    assert (finding.state, finding.remedy) == ("warning", 'chmod -R go= "$GATEWATCH_HOME"')
    home.chmod(0o700)
    assert only(keeping.folder()).state == "ok"


def test_a_home_is_not_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path below the user's home is shown as a shell reads it, without the user's name."""
    monkeypatch.setenv("HOME", str(home.parent))
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    finding = only(keeping.folder())
    assert finding.remedy == "chmod -R go= ~/home"
    assert "into ~/home" in finding.says


@pytest.mark.parametrize(
    ("variable", "chosen", "shown"),
    [
        ("GATEWATCH_HOME", "sokha/our data", "~/'our data'"),
        ("GATEWATCH_HOME", "sokha", "~"),
        ("XDG_DATA_HOME", "sticks/sokha's", '"$XDG_DATA_HOME/gatewatch"'),
    ],
    ids=["a blank", "home itself", "the folder of all programs"],
)
def test_a_command_names_neither_a_home_with_blanks_nor_a_stick(
    variable: str, chosen: str, shown: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the data folder lies, the shell finds it, and who helps does not learn whose."""
    monkeypatch.setenv("HOME", str(home / "sokha"))
    monkeypatch.delenv("GATEWATCH_HOME")
    monkeypatch.setenv(variable, str(home / chosen))
    chosen_folder().mkdir(parents=True, mode=0o755)
    data_folder().chmod(0o755)
    assert only(keeping.folder()).remedy == f"chmod -R go= {shown}"


def test_a_data_folder_outside_of_home_is_not_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick is mounted in a folder called like its user; the shell knows it by its variable."""
    stick = home / "media" / "sokha"
    monkeypatch.setenv("GATEWATCH_HOME", str(stick / "our data"))
    monkeypatch.setattr(os, "access", lambda place, _: place != stick)
    stick.mkdir(parents=True, mode=0o700)
    found = [only(keeping.folder())]
    stranger = Trouble(f"the program that it calls, {stick}/gatewatch, is not there any more", "")
    found += scheduled(monkeypatch, Standing(installed=True, troubles=(stranger,)))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0))
    found += keeping.disk()
    monkeypatch.undo()
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "share"))
    monkeypatch.setenv("GATEWATCH_HOME", str(agree(stick / "our data")))
    found.append(only(keeping.folder()))
    (stick / "our data" / "allowance.state").write_text("rubbish", encoding="utf-8")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0))
    found += [*keeping.memory(), *keeping.disk()]
    (stick / "our data" / "consent.json").write_text("rubbish", encoding="utf-8")
    found += agreed.consent()
    assert [one for one in found if str(stick) in f"{one.says} {one.remedy}"] == []
    assert [one.remedy for one in found if one.remedy] == [
        'sudo install -d -m 700 -o "$USER" "$GATEWATCH_HOME"',
        "df -h",
        'rm "$GATEWATCH_HOME/allowance.state"',
        'df -h "$GATEWATCH_HOME"',
        "gatewatch consent grant",
    ]


def test_a_folder_that_cannot_be_made_comes_with_the_command_that_makes_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not there has no owner to be changed."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert only(keeping.folder()).remedy == 'sudo install -d -m 700 -o "$USER" "$GATEWATCH_HOME"'
    home.mkdir()
    assert only(keeping.folder()).remedy == 'sudo chown -R "$USER" "$GATEWATCH_HOME"'


def test_a_second_data_folder_of_the_user_is_found(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody adds up what is sent from both: neither has the other's count."""
    home.mkdir(mode=0o700)
    usual = tmp_path / "share" / "gatewatch"
    usual.mkdir(parents=True)
    assert only(keeping.folder()).state == "ok"
    (usual / "allowance.state").write_text("2026-12-01 000000000000000060\n", encoding="utf-8")
    first, second = keeping.folder()
    assert (first.state, second.state, second.remedy) == ("ok", "warning", None)
    assert second.says.startswith("$XDG_DATA_HOME/gatewatch has been measured into as well")
    monkeypatch.delenv("GATEWATCH_HOME")
    assert str(tmp_path) not in only(keeping.folder()).says


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="tells what is mounted how")
def test_a_read_only_file_system_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another owner would not mend it."""
    monkeypatch.setattr(os, "statvfs", lambda _: types.SimpleNamespace(f_flag=os.ST_RDONLY))
    finding = only(keeping.folder())
    assert (finding.state, finding.remedy) == ("failed", "df -h")
    assert finding.says.endswith("lies on a file system that can only be read")


@pytest.mark.parametrize(
    ("name", "state", "remedy", "says"),
    [
        ("allowance.state", "failed", 'rm "$GATEWATCH_HOME/allowance.state"', "was damaged"),
        ("schedule.state", "warning", "gatewatch run --scheduled", "cannot be read"),
    ],
)
def test_a_damaged_memory_is_found(
    home: Path, name: str, state: str, remedy: str, says: str
) -> None:
    """A power cut may leave rubbish; a count that is lost keeps runs from beginning for a while."""
    home.mkdir()
    assert only(keeping.memory()).state == "ok"
    (home / name).write_text("rubbish", encoding="utf-8")
    finding = only(keeping.memory())
    assert (finding.state, finding.remedy) == (state, remedy)
    assert f"{name} {says}" in finding.says
    found = json.loads(doctor("--json").stdout)["findings"]
    assert finding.says in [entry["says"] for entry in found]


def test_pseudonyms_that_the_next_run_restores_are_not_to_be_deleted(home: Path) -> None:
    """With new ones the same machine would look like two."""
    home.mkdir()
    (home / "vantage.state").write_text("rubbish", encoding="utf-8")
    finding = only(keeping.memory())
    assert (finding.state, finding.remedy) == ("warning", "gatewatch run")
    assert "vantage.state is damaged; the next run takes the pseudonyms" in finding.says


@pytest.mark.parametrize("name", ["vantage.state", "allowance.state", "schedule.state"])
def test_a_folder_in_the_place_of_a_memory_is_found(home: Path, name: str) -> None:
    """It stops every run, too; that is said, and is no fault to be reported."""
    (home / name).mkdir(parents=True)
    (home / "vantage.state").touch()
    findings = [one for one in keeping.memory() if name in one.says]
    assert [(one.state, one.remedy) for one in findings] == [
        ("failed", f'mv "$GATEWATCH_HOME/{name}" "$GATEWATCH_HOME/{name}.away"')
    ]
    assert "a folder where a file has to be" in findings[0].says


def test_a_key_that_signs_nothing_is_found(home: Path) -> None:
    """The next bundle is signed by another, which tells nobody that it is of the same machine."""
    signing_key(home / "keys", 38623, date(2026, 11, 1))
    assert only(keeping.memory()).state == "ok"
    (key,) = (home / "keys").iterdir()
    key.write_bytes(bytes(100))
    finding = only(keeping.memory())
    assert (finding.state, finding.remedy) == ("warning", f'rm "$GATEWATCH_HOME/keys/{key.name}"')
    assert f"{key.name} is no key of gatewatch; delete it" in finding.says


def test_a_damaged_diary_is_said_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a timer and without: something else may call what a timer would."""
    home.mkdir()
    (home / "schedule.state").write_text("rubbish", encoding="utf-8")
    for standing in (NONE, WELL):
        checks: dict[str, Callable[[], Iterable[Finding]]] = {
            "memory": keeping.memory,
            "schedule": partial(scheduled, monkeypatch, standing),
        }
        told = [one for one in examine(checks) if "schedule.state" in one[1].says]
        assert [(name, finding.remedy) for name, finding in told] == [
            ("memory", "gatewatch run --scheduled")
        ]


def test_a_file_that_may_not_be_read_is_a_finding(home: Path) -> None:
    """Whatever the check: the sentence is that of the commands that it stops."""

    def check() -> list[Finding]:
        raise PermissionError(errno.EACCES, "Permission denied", str(home / "allowance.state"))

    (_name, finding), *_others = examine({"memory": check})
    assert finding.state == "failed"
    assert "may not be written or read by this user" in finding.says


def test_a_failure_does_not_name_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the sentences of other commands are shown without the user's name."""
    monkeypatch.setenv("HOME", str(home.parent))
    home.mkdir()
    (home / "settings.toml").write_text('collectr = "https://example.org"\n', encoding="utf-8")
    (home / "allowance.state").write_text("rubbish", encoding="utf-8")
    said = doctor("--json").stdout
    assert "~/home/settings.toml:1" in said
    assert "rm ~/home/allowance.state" in said
    assert str(home.parent) not in said


def test_a_mistake_in_the_settings_is_found(home: Path) -> None:
    """The sentence that other commands end with is the finding."""
    assert only(keeping.settings()).says.startswith("nothing is set")
    home.mkdir()
    (home / "settings.toml").write_text('collectr = "https://example.org"\n', encoding="utf-8")
    ((_, finding),) = examine({"settings": keeping.settings})
    assert finding.state == "failed"
    assert "settings.toml:1" in finding.says
    assert str(home) not in finding.says
    assert finding.remedy is not None
    assert finding.remedy.endswith('/settings.toml"')
    (home / "settings.toml").write_text(
        'proxy = "http://me:secret@192.168.7.1"\n', encoding="utf-8"
    )
    ((_, finding),) = examine({"settings": keeping.settings})
    assert "proxy is 'http://[address]'" in finding.says
    (home / "settings.toml").unlink()
    (home / "do-not-probe.txt").write_text("192.0.2.0/24\n", encoding="utf-8")
    assert only(keeping.settings()).says == "understood: do-not-probe.txt"
    (home / "do-not-probe.txt").write_text("192.0.2.0/24\nnobody\n", encoding="utf-8")
    ((_, finding),) = examine({"settings": keeping.settings})
    assert "do-not-probe.txt:2" in finding.says
    assert finding.remedy is not None
    assert finding.remedy.endswith('/do-not-probe.txt"')


@pytest.mark.parametrize(
    "address",
    [
        "a.secret.example",
        "a.secret.example:8443",
        "https:/a.secret.example",
        "https//a.secret.example",
        "https://a.secret.example:84a3",
        "https://[a.secret.example",
        "http://a.secret.example/secret",
        "https://x/?to=a.secret.example",
        "http://me:secret@a.secret.example/secret",
        "secret",
        "a\u200bsecret.example",
    ],
)
@pytest.mark.parametrize("key", ["collector", "proxy"])
def test_a_mistyped_address_is_not_shown(home: Path, key: str, address: str) -> None:
    """Such a list is pasted into forums, and what was meant can be read in it."""
    home.mkdir()
    for value in (address, [address]):
        (home / "settings.toml").write_text(f"{key} = {json.dumps(value)}\n", encoding="utf-8")
        finding = only(keeping.settings())
        assert finding.state == "failed"
        assert f"settings.toml:1: {key} is " in finding.says
        assert "secret" not in finding.says


def test_whom_nobody_may_probe_is_not_shown(home: Path) -> None:
    """A name in that list is refused, and tells whom its owner knows."""
    home.mkdir()
    (home / "do-not-probe.txt").write_text("192.0.2.0/24\na.secret.example # home\n")
    finding = only(keeping.settings())
    assert "do-not-probe.txt:2: '[address]' is neither" in finding.says


@pytest.mark.parametrize("name", ["settings.toml", "do-not-probe.txt"])
def test_what_no_editor_can_mend_is_moved_away(home: Path, name: str) -> None:
    """An editor waits for a pipe without end, and a folder is no file."""
    home.mkdir()
    for make in (os.mkfifo, os.mkdir):
        make(home / name)
        ((_, finding),) = examine({"settings": keeping.settings})
        assert f"{name} cannot be used" in finding.says
        assert finding.remedy == f'mv "$GATEWATCH_HOME/{name}" "$GATEWATCH_HOME/{name}.away"'
        (home / name).rename(home / f"{name}.away")
        if make is os.mkfifo:
            (home / f"{name}.away").unlink()


def test_what_this_user_may_not_read_is_opened_to_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor could not read it either."""
    home.mkdir()
    refused = PermissionError(errno.EACCES, "Permission denied", str(home / "settings.toml"))
    monkeypatch.setattr(keeping, "read_settings", Mock(side_effect=refused))
    ((_, finding),) = examine({"settings": keeping.settings})
    assert "may not be written or read by this user" in finding.says
    assert finding.remedy == 'chmod u+rw "$GATEWATCH_HOME/settings.toml"'


# --- consent ----------------------------------------------------------------------------------


def test_without_consent_it_says_how_to_give_it(home: Path) -> None:
    """To keep but not to run is not enough; not to share is a choice."""
    agree(home, Permission.KEEP)
    finding = only(agreed.consent())
    assert (finding.state, finding.remedy) == ("failed", "gatewatch consent grant")
    assert "not agreed to: run;" in finding.says
    agree(home, Permission.RUN)
    assert only(agreed.consent()).state == "ok"
    file = home / "consent.json"
    file.write_text(file.read_text().replace('"version": 1', '"version": 0'), encoding="utf-8")
    assert "has changed" in only(agreed.consent()).says
    file.write_text(file.read_text().replace('"version": 0', '"version": 2'), encoding="utf-8")
    assert "a newer text than this gatewatch has" in only(agreed.consent()).says
    file.write_bytes(file.read_bytes()[:-9])
    assert only(agreed.consent()).says.startswith("[folder]/consent.json is damaged")
    yes = '{"version": 1, "on": "2026-11-26"}'
    file.write_text(
        f'{{"schema": "gatewatch.consent/1", "run": {yes}, "keep": {yes}, "share": 1}}',
        encoding="utf-8",
    )
    finding = only(agreed.consent())
    assert (finding.state, finding.remedy) == ("warning", "gatewatch consent grant")
    assert finding.says.startswith("you agree to: run, keep; [folder]/consent.json is damaged")


# --- by itself, and away ----------------------------------------------------------------------

NOW = 1_795_000_000.0


class Fixed:
    """A timer that stands as it is told."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def standing(self, what: Job) -> Standing:
        return self._standing


def scheduled(
    monkeypatch: pytest.MonkeyPatch, own: Standing, system: Standing | None = None
) -> list[Finding]:
    def timer(*, system: bool) -> Fixed:
        if system and system_ is None:
            raise Failure("needs systemd")
        return Fixed(system_ if system and system_ else own)

    system_ = system
    monkeypatch.setattr("probe.schedule.here.timer", timer)
    monkeypatch.setattr("probe.schedule.here.job", lambda *, system: Job(("/x",), data_folder()))
    return list(schedule.schedule(NOW))


NONE = Standing(installed=False)
WELL = Standing(installed=True)

# What runs that measured put down: an hour and ten days ago, and by a clock that was ahead.
LATELY = {"ended": NOW - 3600, "code": 0, "kept": 9}
LONG_AGO = {"ended": NOW - 9e5, "code": 0, "kept": 9}
AHEAD = {"ended": NOW + 9e8, "code": 0, "kept": 9}


def test_no_schedule_is_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with it, and the command that makes one stands there."""
    finding = only(scheduled(monkeypatch, NONE, NONE))
    assert (finding.state, finding.remedy) == ("ok", "gatewatch schedule install")
    assert only(scheduled(monkeypatch, NONE)).state == "ok"


def test_under_sudo_a_timer_of_who_called_it_is_said_to_be_out_of_sight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Root has none, and that says nothing of theirs; the system's is seen as by everybody."""
    monkeypatch.setattr(schedule, "is_under_sudo", lambda: True)
    finding = only(scheduled(monkeypatch, NONE, NONE))
    assert (finding.state, finding.remedy) == ("warning", "gatewatch schedule status")
    assert "under sudo no timer of yours is seen" in finding.says
    assert "none has yet" in only(scheduled(monkeypatch, NONE, WELL)).says


def test_runs_of_the_systems_timer_are_no_fault_of_who_may_not_look_at_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its user keeps what it does from all others."""

    def refused(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/var/lib/gatewatch")

    monkeypatch.setattr(Diary, "read", refused)
    finding = only(scheduled(monkeypatch, NONE, WELL))
    assert finding.state == "ok"
    assert finding.remedy == "sudo gatewatch schedule status --system"
    with pytest.raises(PermissionError):
        scheduled(monkeypatch, WELL)


def test_a_timer_that_will_not_call_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each trouble is a failure with its own command, each hint a warning; the system's counts."""
    broken = Standing(
        installed=True,
        troubles=(Trouble("the timer does not run", "mend it"),),
        hints=(Trouble("it measures only while you are logged in", "linger"),),
    )
    for own, system in ((broken, None), (NONE, broken)):
        assert scheduled(monkeypatch, own, system) == [
            Finding(State.FAILED, "the timer does not run", "mend it"),
            Finding(State.WARNING, "it measures only while you are logged in", "linger"),
        ]


@pytest.mark.parametrize(
    ("entry", "state", "says"),
    [
        ({}, "ok", "none has yet"),
        ({"ended": NOW - 3600, "code": 0, "kept": 9}, "ok", "the last at"),
        (LATELY | {"skipped": NOW - 60, "why": "battery"}, "ok", "left out: battery"),
        ({"ended": NOW - 9e5, "kept": 9}, "warning", "no run has begun by itself since"),
        (
            LONG_AGO | {"skipped": NOW - 60, "why": "battery"},
            "warning",
            "nothing has been measured since",
        ),
        (LONG_AGO | {"skipped": NOW - 60, "why": "battery"}, "warning", "left out: battery"),
        ({"skipped": NOW - 60, "why": "battery"}, "warning", "has measured yet"),
        ({"skipped": NOW - 60, "why": "battery"}, "warning", "left out: battery"),
        ({"skipped": NOW - 9e5, "why": "battery"}, "warning", "no run has begun by itself since"),
        (AHEAD | {"skipped": NOW - 60, "why": "clock"}, "ok", "left out: clock"),
        (AHEAD | {"skipped": NOW - 9e5, "why": "clock"}, "warning", "has begun by itself since"),
        (LATELY | {"kept": 10, "unheard": 4}, "ok", "the last at"),
        (LATELY | {"kept": 10, "unheard": 5}, "warning", "5 of 10 traces of the last run heard"),
        ({"ended": NOW - 60, "code": 5, "failures": 2}, "warning", "exit code 5"),
        ({"ended": NOW - 60, "code": 7, "kept": 0}, "warning", "kept nothing (exit code 7)"),
    ],
)
def test_runs_that_stay_away_are_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, entry: dict[str, object], state: str, says: str
) -> None:
    """A timer may stand well and still not have measured for days."""
    home.mkdir()
    if entry:
        (home / "schedule.state").write_text(json.dumps(entry), encoding="utf-8")
    finding = only(scheduled(monkeypatch, WELL))
    assert finding.state == state
    assert says in finding.says


def fill(home: Path, *states: str, problem: Sentence | None = None) -> None:
    """An outbox with a bundle in each of these states, and how the last try went."""
    with Outbox(home / "outbox") as outbox:
        for number, state in enumerate(states):
            outbox._db.execute(
                "INSERT INTO bundles (sha256, network, key, traces, bytes, first_day, last_day, "
                "state) VALUES (?, 1, '', 1, 1, '', '', ?)",
                (str(number), state),
            )
            if state != "accepted":
                outbox.path_of(str(number)).touch()
        outbox.remember("https://collect.example.org", Attempts(problem=problem))


def test_nothing_that_waits_is_silent(home: Path) -> None:
    """Without an outbox none is made; what waits, and why, is said with the command to go on."""
    assert only(queue.queue()).says == "nothing waits to be sent"
    assert not home.exists()
    fill(home, "accepted")
    assert only(queue.queue()).says == "nothing waits to be sent"
    agree(home)
    fill(home, problem=as_it_is("it was not reached"))
    with Outbox(home / "outbox") as outbox:
        outbox._db.execute("UPDATE bundles SET state = 'waiting'")
    assert only(queue.queue()).remedy == "gatewatch submit --leave-at FOLDER"
    settings = 'collector = "https://collect.example.org"\n'
    (home / "settings.toml").write_text(settings, encoding="utf-8")
    finding = only(queue.queue())
    assert (finding.state, finding.remedy) == ("warning", "gatewatch submit --now")
    assert finding.says == "1 bundle waits to be sent; the last try failed: it was not reached"
    fill(home)
    assert only(queue.queue()).state == "ok"


def test_what_waits_without_consent_to_share_stays_here(home: Path) -> None:
    """No command that would be refused is named, nor is it a fault that the last try failed."""
    fill(home, "waiting", problem=as_it_is("it was not reached"))
    agree(home, Permission.RUN, Permission.KEEP)
    settings = 'collector = "https://collect.example.org"\n'
    (home / "settings.toml").write_text(settings, encoding="utf-8")
    finding = only(queue.queue())
    assert (finding.state, finding.remedy) == ("ok", "gatewatch consent grant --share")
    assert "1 bundle waits to be sent, and you have not agreed to share" in finding.says


def test_whom_one_sends_to_is_not_said(home: Path) -> None:
    """Who helps sees the list; the collector and its proxy tell who one works with."""
    said = "{host} cannot be reached through {proxy} (Connection refused)"
    named = {"host": "Collect.Example.org", "proxy": "socks5h://…@gate.ngo.example:1080"}
    fill(agree(home), "waiting", problem=Sentence(said, named))
    collector = 'collector = "https://collect.example.org"\n'
    proxy = 'proxy = "socks5h://me:secret@gate.ngo.example:1080"\n'
    (home / "settings.toml").write_text(collector + proxy, encoding="utf-8")
    assert only(queue.queue()).says == (
        "1 bundle waits to be sent; the last try failed: [address] cannot be reached through "
        "socks5h://[address]:1080 (Connection refused)"
    )
    wrong = 'collector = "http://me:secret@Collect.ngo.example"\n'
    (home / "settings.toml").write_text(wrong, encoding="utf-8")
    assert ": collector is 'http://[address]'; it has to be" in only(keeping.settings()).says
    (home / "settings.toml").write_text('collector = "https://[ngo.example"\n', encoding="utf-8")
    assert only(keeping.settings()).state == "failed"


def test_what_was_refused_is_said(home: Path) -> None:
    """A collector's no must not go unseen."""
    fill(home, "refused", "waiting")
    refused_, waiting = queue.queue()
    assert (refused_.state, refused_.remedy) == ("warning", "gatewatch submit status")
    assert "1 bundle was refused" in refused_.says
    assert "1 bundle waits" in waiting.says


def test_what_was_deleted_elsewhere_as_its_owner_wished_is_no_warning(home: Path) -> None:
    """A collector refuses what it deletes, also after it was accepted and left its place here."""
    fill(home, "refused", "refused")
    (home / "outbox" / "0.tar").unlink()
    assert "1 bundle was refused" in only(queue.queue()).says
    (home / "outbox" / "1.tar").unlink()
    assert only(queue.queue()).says == "nothing waits to be sent"


# --- redaction --------------------------------------------------------------------------------

HERE = Premises(
    frozenset({"36.37.200.7", "192.168.1.7", "2405:8380:1::7"}),
    paths.HOME.networks,
    frozenset({"sok-laptop"}),
    frozenset({"1e2b3a4d5e6f"}),
)


def test_the_self_test_tells_all_of_it() -> None:
    """What is redacted holds every secret before, or the search would prove nothing."""
    line = to_line(redaction.made_up(HERE))
    told = [s for secret in redaction.secrets(HERE) for s in secret]
    assert len(told) > 50
    assert [s for s in told if not redaction.stands_in(s, line)] == []


def test_the_real_redaction_passes() -> None:
    """With these addresses, and with those and the names that this machine has, if it has any."""
    own = read_premises()
    both = replace(
        own, addresses=own.addresses | HERE.addresses, networks=own.networks + HERE.networks
    )
    for here in (HERE, both):
        assert redaction.left_over(here, open_origin(None)) == []
    assert only(redaction.redaction(HERE)).state == "ok"


@pytest.mark.parametrize("forgets", ["everything", "notes", "hops"])
def test_a_redaction_that_forgets_is_found(monkeypatch: pytest.MonkeyPatch, forgets: str) -> None:
    """Whatever it leaves is seen in the bytes, and the finding says to stop without naming it."""
    real = redact

    def careless(trace, *rest):  # type: ignore[no-untyped-def]

        if forgets == "everything":
            return trace
        return real(trace, *rest)._replace(**{forgets: getattr(trace, forgets)})

    monkeypatch.setattr(redaction, "redact", careless)
    finding = only(redaction.redaction(HERE))
    assert (finding.state, finding.remedy) == ("failed", "gatewatch consent withdraw")
    assert "36.37.200.7" not in finding.says
    assert "sok" not in finding.says


def test_without_an_address_it_cannot_be_tried() -> None:
    """A machine without a link is told so, not that all is well."""
    assert only(redaction.redaction(Premises(frozenset()))).state == "warning"


def test_a_computer_called_like_a_word_of_the_record_is_not_accused() -> None:
    """Every record holds "gatewatch"; that is no leak of a computer called so."""
    here = Premises(HERE.addresses, HERE.networks, frozenset({"gatewatch"}))
    assert redaction.left_over(here, open_origin(None)) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_files_of_another_user_are_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As sudo leaves them: the next run could not write, and the command that mends it is said."""
    agree(home)
    os.chown(home, 4321, 4321)
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    finding = only(keeping.folder())
    assert finding.state == "failed"
    assert "consent.json belongs to another user" in finding.says
    assert finding.remedy == 'sudo chown -R "$USER" "$GATEWATCH_HOME"'


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)
def test_whose_the_link_to_a_data_folder_is_does_not_matter(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved to another disk by root, who left a link: who owns what it leads to can use it."""
    moved = agree(tmp_path / "disk")
    home.symlink_to(moved)
    for path in (moved, *moved.iterdir()):
        os.chown(path, 4321, 4321)
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    assert only(keeping.folder()).state == "ok"
    os.chown(moved, 0, 0)
    assert "belongs to another user" in only(keeping.folder()).says


# --- whereabouts ------------------------------------------------------------------------------


def test_a_tunnel_is_said_with_its_name() -> None:
    """What leaves through one is no evidence; no address of it is told."""
    network = ipaddress.ip_network("10.8.0.0/24")
    direct, tunnel = (LineEnd("10.8.0.2", network, device, 1) for device in ("lo", "wg0"))
    assert only(whereabouts.vpn({4: direct})).state is State.OK
    assert "no way out" in only(whereabouts.vpn({})).says
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("probe.vantage.tunnel.is_tunnel", lambda device: device == "wg0")
        found = only(whereabouts.vpn({4: tunnel}))
    assert (found.state, found.remedy) == (State.FAILED, "ip link show wg0")
    assert "10.8.0.2" not in found.says


def test_a_tunnel_called_after_somebody_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is pasted into forums, and a provider's name, or a company's, tells whose it is."""
    monkeypatch.setattr("probe.vantage.tunnel.is_tunnel", lambda _: True)
    found = only(whereabouts.vpn({4: LineEnd("10.8.0.2", None, "wg-ministry", 1)}))
    assert "a tunnel ([device])" in found.says
    assert found.remedy == "ip link show"


@pytest.mark.parametrize(
    ("now", "kept_right", "state"),
    [
        (0.0, False, State.FAILED),
        (0.0, None, State.FAILED),
        (0.0, True, State.OK),
        (4e9, False, State.WARNING),
        (4e9, True, State.OK),
        (4e9, None, State.OK),
    ],
)
def test_the_clock_is_wrong_or_kept_by_nobody_or_well(
    now: float, kept_right: bool | None, state: State
) -> None:
    """Before the day of the address table it is wrong, unless others keep it right."""
    assert only(whereabouts.clock(lambda: now, lambda: kept_right)).state is state


def test_the_last_day_kept_tells_of_its_place(home: Path) -> None:
    """Each note in words, with how many traces carry it; older days are past."""
    assert only(whereabouts.last_run()).says == "nothing is kept yet"
    with Spool(home / "spool") as spool:
        for timestamp, notes in ((1.6e9, (VPN,)), (1.7e9, (CARRIER_NAT,)), (1.7e9, ())):
            spool.append(Redacted(kept_trace(timestamp)._replace(notes=notes)))
    found = only(whereabouts.last_run())
    assert found.state is State.OK
    assert found.says.startswith("1 trace of 2023-11-14: behind a carrier's NAT")
    with Spool(home / "spool") as spool:
        spool.append(Redacted(kept_trace(1.71e9)))
    said = "the traces of 2024-03-09, the last day kept, note nothing odd about the place"
    assert only(whereabouts.last_run()).says == said


def kept_trace(timestamp: float) -> Trace:
    return Trace("80.231.1.1", 4, "ICMP", timestamp, timestamp + 1, ())
