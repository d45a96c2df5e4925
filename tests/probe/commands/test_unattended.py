"""``gatewatch run --scheduled``: when it measures, when it leaves that out, what it remembers."""

from __future__ import annotations

import functools
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from probe.cli import main
from probe.commands.choosing import Choice, Selection
from probe.engine.horizon import Limits
from probe.engine.session import SessionSettings
from probe.network.ways import DARK, End, Interface, Way
from probe.origin import open_origin
from probe.owner.consent import Permission, change
from probe.redaction.identity import Identity
from probe.run.exclusions import Exclusions
from probe.run.lock import lock
from probe.run.targets import foreign_networks
from probe.schedule.circumstances import BATTERY
from probe.schedule.diary import Diary
from probe.spool import read
from probe.words.sentence import as_it_is
from tests.harness.consenting import agree
from tests.probe import paths
from tests.probe.failing import make_unreadable

TARGETS = [paths.TARGET, "193.0.6.138", "193.0.14.129", "203.144.64.1", "193.0.6.141"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in Cambodia whose owner agrees; nothing speaks against a run, and time stands."""
    folder = agree(tmp_path / "home")
    monkeypatch.setenv("GATEWATCH_HOME", str(folder))
    monkeypatch.setattr("probe.commands.run.read_premises", lambda: paths.HOME)
    monkeypatch.setattr("probe.commands.run.without_way", lambda _: frozenset())
    impatient = functools.partial(SessionSettings, limits=Limits(timeout_ceiling=0.1))
    monkeypatch.setattr("probe.commands.run.SessionSettings", impatient)
    monkeypatch.setattr("probe.commands.unattended.reason_to_wait", lambda: None)
    use(monkeypatch, paths.routes)
    return folder


@pytest.fixture
def listed(tmp_path: Path) -> str:
    path = tmp_path / "targets.txt"
    path.write_text("".join(f"{address}\n" for address in TARGETS), encoding="utf-8")
    return str(path)


def use(monkeypatch: pytest.MonkeyPatch, ways: object) -> None:
    monkeypatch.setattr("probe.commands.run.open_network", lambda *_, **__: paths.network(ways))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["run", "--scheduled", "--rate", "1000", *arguments])


def memory(home: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((home / "schedule.state").read_text(encoding="utf-8"))
    return fields


def make_due(home: Path) -> None:
    fields = memory(home) | {"due": 0.0}
    (home / "schedule.state").write_text(json.dumps(fields), encoding="utf-8")


def agree_to_all_but_sharing(home: Path) -> None:
    change(home, {Permission.SHARE: False}, date(2026, 11, 2))


def traced(home: Path) -> list[str]:
    return [kept.trace.dst_addr for kept in read(home / "spool") if kept.trace]


def test_a_run_says_one_line_that_names_nobody(home: Path, listed: str) -> None:
    """No address, folder or network; nothing on the standard error."""
    done = run("--targets", listed)
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.fullmatch(r"kept 5 traces; next in about [67] h\n", done.stdout)
    assert sorted(traced(home)) == sorted(TARGETS)
    assert (memory(home)["code"], memory(home)["kept"]) == (0, 5)


def test_a_line_that_is_cut_or_slow_is_said_and_remembered(
    home: Path, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody looks on, a line that lost half of the traces looked like one that is well."""

    def weak(target: str, flow: int) -> Way | None:
        whole = paths.routes(target, flow)
        if target == paths.TARGET:
            return Way(paths.way(paths.ROUTER), DARK)
        assert whole is not None
        return replace(whole, hops=(*whole.hops[:-1], Interface(paths.ABROAD, (600.0,))))

    monkeypatch.setattr("probe.run.tally.SLOW", 500.0)
    use(monkeypatch, weak)
    done = run("--targets", listed)
    assert done.exit_code == 0
    said = r"kept 5 traces; 1 heard nothing from beyond your own line; answers took up to 1 s; next"
    assert re.match(said, done.stdout)
    assert (memory(home)["unheard"], memory(home)["slow_ms"]) == (1, 600)
    told = CliRunner().invoke(main, ["schedule", "status"]).stdout
    assert "5 traces kept, 1 heard nothing from beyond your own line, answers took up to" in told
    fields = json.loads(CliRunner().invoke(main, ["schedule", "status", "--json"]).stdout)
    assert (fields["unheard"], fields["slow_ms"]) == (1, 600)
    use(monkeypatch, paths.routes)
    make_due(home)
    assert run("--targets", listed).stdout.startswith("kept 5 traces; next")
    assert (memory(home)["unheard"], memory(home)["slow_ms"]) == (0, None)


def test_a_day_that_the_disk_does_not_give_ends_no_run(home: Path, listed: str) -> None:
    """One bad block of an old card ended each run of a timer, for good."""
    make_unreadable(home / "spool" / "2020-01-01.jsonl")
    done = run("--targets", listed)
    assert done.exit_code == 0
    assert done.stdout.startswith(
        "kept 5 traces; the disk does not give all of 1 day; see: gatewatch show; next in about "
    )


def test_what_is_not_due_is_left_out_without_a_word(home: Path, listed: str) -> None:
    """A timer calls every hour; most of the time nothing is to be done."""
    run("--targets", listed)
    done = run("--targets", listed)
    assert (done.exit_code, done.output) == (0, "")
    assert len(traced(home)) == 5
    make_due(home)
    run("--targets", listed)
    assert len(traced(home)) == 10


def test_without_consent_nothing_is_sent(home: Path, listed: str) -> None:
    """That is no mere waiting: exit code 3, and nothing is written."""
    (home / "consent.json").unlink()
    assert run("--targets", listed).exit_code == 3
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("settings.toml", 'collector = "http://collect.example.org"\n', 9),
        ("do-not-probe.txt", "everyone", 9),
        ("spool", "a file in the place of a folder", 9),
    ],
)
def test_a_failure_names_nobody_in_the_log_either(
    home: Path, listed: str, file: str, content: str, code: int
) -> None:
    """Neither the folder, with its user's name in it, nor what stands in the settings."""
    (home / file).write_text(content, encoding="utf-8")
    done = run("--targets", listed)
    said = f"not all was done; exit code {code}, see: gatewatch doctor\n"
    assert (done.exit_code, done.output) == (code, said)


def test_a_damaged_schedule_begins_anew(home: Path, listed: str) -> None:
    """A power cut left rubbish: that is said once, and the run goes on; before, none ever did."""
    (home / "schedule.state").write_bytes(bytes(200))
    done = run("--targets", listed)
    said = "what the schedule remembered was damaged; it begins anew\nkept 5 traces; next in about "
    assert (done.exit_code, done.stdout[: len(said)]) == (0, said)
    assert (memory(home)["code"], memory(home)["kept"]) == (0, 5)
    with lock(home):
        (home / "schedule.state").write_bytes(bytes(200))
        assert run("--targets", listed).stdout == "left out: another run was going on\n"
    assert (home / "schedule.state").read_bytes() == bytes(200)


def test_a_damaged_count_of_bytes_is_waited_out(home: Path, listed: str) -> None:
    """It may have been the whole month's; a count of last month keeps nothing from being sent."""
    path = home / "allowance.state"
    path.write_bytes(bytes(60))
    left_out = "left out: how much was sent is not known any more; see: gatewatch doctor\n"
    for _ in range(2):
        done = run("--targets", listed)
        assert (done.exit_code, done.stdout) == (0, left_out)
    said = CliRunner().invoke(main, ["schedule", "status"]).stdout
    assert "unknown of 5 MB this day, unknown of 60 MB this month" in said
    fields = json.loads(CliRunner().invoke(main, ["schedule", "status", "--json"]).stdout)
    assert fields["budget"]["month"] == {"sent": None, "allowed": 60_000_000}
    path.write_bytes(bytes(60))
    os.utime(path, (time.time() - 40 * 86_400,) * 2)
    assert run("--targets", listed).stdout.startswith("kept 5 traces")


def test_a_reason_to_wait_is_said_and_remembered(
    home: Path, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with 0, sends nothing, and the next call tries again."""
    monkeypatch.setattr("probe.commands.unattended.reason_to_wait", lambda: BATTERY)
    done = run("--targets", listed)
    assert (done.exit_code, done.stdout) == (0, "left out: on battery\n")
    assert traced(home) == []
    assert memory(home)["why"] == {"message": "on battery", "named": {}}
    monkeypatch.setattr("probe.commands.unattended.reason_to_wait", lambda: None)
    assert run("--targets", listed).stdout.startswith("kept 5")


def test_a_run_through_a_vpn_is_left_out(
    home: Path, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be no evidence; the next call tries again, and nobody finds a failed service."""
    said = "the way out by IPv4 leads through a tunnel (wg0)"
    monkeypatch.setattr("probe.run.spoiling.Spoiling.objection", lambda *_: as_it_is(said))
    Identity(home).used(7)
    done = run("--targets", listed)
    assert (done.exit_code, done.stdout) == (0, f"left out: {said}\n")
    assert traced(home) == []
    assert memory(home)["why"] == asdict(as_it_is(said))
    assert Identity(home).last_flow() == 7


def test_a_network_abroad_is_not_believed_where_the_owner_said_which_country(
    home: Path, listed: str
) -> None:
    """Behind a provider that keeps silent it is the next one's: nothing is known to be cut then.

    A timer calls without options, and what was typed once is not known to it.
    """
    (home / "settings.toml").write_text('country = "TH"\n', encoding="utf-8")
    done = run("--targets", listed)
    assert (done.exit_code, traced(home)) == (7, [])
    assert done.stdout.startswith("kept 0 traces; ")
    assert (memory(home)["code"], memory(home)["kept"]) == (7, 0)
    typed = CliRunner().invoke(main, ["run", "--targets", listed, "--country", "KH"])
    assert typed.exit_code == 0
    assert sorted(traced(home)) == sorted(TARGETS)


def silent(target: str, flow: int) -> Way:
    """Behind a provider whose routers keep silent: the network next to show is abroad."""
    del flow
    return Way(paths.way(paths.ROUTER, None, None, paths.ABROAD), End(Interface(target, (6.0,))))


def elsewhere(target: str, flow: int) -> Way:
    """At a friend's, whose provider shows right behind the router."""
    del flow
    return Way(
        paths.way(paths.ROUTER, "203.144.64.9", paths.ABROAD), End(Interface(target, (6.0,)))
    )


def test_a_provider_that_falls_silent_for_days_stays_the_volunteer_s(
    home: Path, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each day is known by the one before it: the network behind is no vantage point."""
    assert run("--targets", listed).exit_code == 0
    use(monkeypatch, fallen_silent)
    for _day in range(2):
        make_due(home)
        assert run("--targets", listed).exit_code == 0
    assert networks(home) == {38623: 3 * len(TARGETS)}


def fallen_silent(target: str, flow: int) -> Way:
    """The usual way, of which the provider's routers answer nothing any more."""
    del flow
    return Way(
        paths.way(paths.ROUTER, None, None, None, paths.ABROAD), End(Interface(target, (6.0,)))
    )


def test_a_list_goes_on_where_the_power_was_cut(home: Path, listed: str) -> None:
    """A machine that is on for minutes would measure the head of its list each day, and no more."""
    for done in (2, 4):
        run("--targets", listed, "--limit", "2")
        assert sorted(traced(home)) == sorted(TARGETS[:done])
        ended = memory(home)
        cut_off = {"begun": ended["ended"] - 60, "place": 0 if done == 2 else 2, "due": 0.0}
        for kept in (home / "spool").iterdir():
            lines = kept.read_text().splitlines()
            kept.write_text("".join(f"{line}\n" for line in map(an_hour_older, lines[:-2])))
            with kept.open("a") as file:
                file.writelines(f"{line}\n" for line in lines[-2:])
        (home / "schedule.state").write_text(json.dumps(ended | cut_off))
    run("--targets", listed, "--limit", "1")
    assert sorted(traced(home)) == sorted(TARGETS)


def an_hour_older(line: str) -> str:
    record = json.loads(line)
    return json.dumps(record | {"timestamp": record["timestamp"] - 3600})


def portal(target: str, flow: int) -> Way:
    """Everything is answered from the next room, as where somebody has to sign in first."""
    del flow
    return Way(paths.way(paths.ROUTER), End(Interface(target, (1.0,))))


def test_a_captive_portal_is_tried_again_soon(
    home: Path, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back each morning, and its user signs in a minute later."""
    use(monkeypatch, portal)
    waits = []
    for _morning in range(2):
        done = run("--targets", listed)
        assert (done.exit_code, traced(home)) == (5, [])
        assert "no way out to the network" in done.stdout
        waits.append(memory(home)["due"] - memory(home)["ended"])
        make_due(home)
    assert 3600 <= waits[0] <= 1.5 * 3600
    assert 2 * 3600 <= waits[1] <= 3 * 3600
    use(monkeypatch, paths.routes)
    assert run("--targets", listed).exit_code == 0
    assert memory(home)["failures"] == 0


def test_a_provider_that_keeps_silent_is_known_from_the_settings(
    home: Path, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timer cannot be told --access-as; without it such a line keeps nothing, for good.

    It is not believed where another network stands right behind the router: that is another line.
    """
    use(monkeypatch, silent)
    (home / "settings.toml").write_text('country = "KH"\n', encoding="utf-8")
    assert run("--targets", listed).exit_code == 7
    (home / "settings.toml").write_text('country = "KH"\naccess_as = "AS38623"\n')
    make_due(home)
    assert run("--targets", listed).exit_code == 0
    assert networks(home) == {38623: len(TARGETS)}
    typed = ["run", "--access-as", "9902", "--rate", "1000", "--targets", listed]
    assert CliRunner().invoke(main, typed).exit_code == 0
    assert networks(home) == {38623: len(TARGETS), 9902: len(TARGETS)}
    use(monkeypatch, elsewhere)
    make_due(home)
    assert run("--targets", listed).exit_code == 0
    assert networks(home).keys() == {38623, 9902, 17976}


def networks(home: Path) -> Counter[int | None]:
    """How many traces are kept of which access network."""
    traces = [kept.trace for kept in read(home / "spool") if kept.trace]
    return Counter(trace.vantage.asn for trace in traces if trace.vantage)


def test_two_runs_never_overlap(home: Path, listed: str) -> None:
    """A scheduled one is left out, one that somebody typed says so and ends with 2.

    What is remembered is left to the run that goes on: when the next is due would be overwritten.
    """
    with lock(home):
        done = run("--targets", listed)
        assert (done.exit_code, done.stdout) == (0, "left out: another run was going on\n")
        typed = CliRunner().invoke(main, ["run", "--targets", listed])
        assert typed.exit_code == 2
        assert "another run is going on" in typed.stderr
    assert traced(home) == []
    assert not (home / "schedule.state").exists()


def test_two_calls_at_the_same_time_are_one_run(
    home: Path, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looked before the other had ended, and comes to the folder after it, measures not."""
    assert run("--targets", listed, "--limit", "1").exit_code == 0
    make_due(home)

    @contextmanager
    def after_another(folder: Path) -> Iterator[None]:
        Diary(folder, time.time, lambda: 0.0).ended(0, 1, 0, failed=False)
        with lock(folder):
            yield

    monkeypatch.setattr("probe.commands.unattended.lock", after_another)
    done = run("--targets", listed, "--limit", "1")
    assert (done.exit_code, done.stdout) == (0, "")
    assert len(traced(home)) == 1


def test_offline_the_next_tries_come_ever_later(
    home: Path, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 5, which the unit takes for no failure."""
    use(monkeypatch, paths.all_dark)
    hours = []
    for _ in range(3):
        done = run("--targets", listed)
        assert done.exit_code == 5
        assert done.stdout.startswith("kept 0 traces; no way out to the network; exit code 5")
        fields = memory(home)
        hours.append((fields["due"] - fields["ended"]) / 3600)
        make_due(home)
    for wait, least in zip(hours, (1, 2, 4), strict=True):
        assert least <= wait <= 1.5 * least
    use(monkeypatch, paths.routes)
    assert run("--targets", listed).exit_code == 0
    assert memory(home)["failures"] == 0


def test_a_small_budget_covers_all_targets_over_the_days(home: Path, listed: str) -> None:
    """Each run begins where the one before had to stop, and none is forgotten."""
    for _ in range(4):
        run("--targets", listed, "--budget", "0.001")
        make_due(home)
        (home / "allowance.state").unlink()
        if set(traced(home)) == set(TARGETS):
            break
    assert set(traced(home)) == set(TARGETS)
    assert len(traced(home)) < 2 * len(TARGETS)


def test_a_place_that_the_country_has_not_is_passed_over() -> None:
    """What was left before the country was known may be at home there, and is on no list then."""
    choice = Choice(
        open_origin(None),
        paths.HOME,
        Selection(own_list=None, version=None, limit=None, own_network=False),
        excluded=Exclusions(),
        without_way=lambda _: frozenset(),
        done=Counter(),
        place=0,
    )
    home = choice.origin.lookup(foreign_networks()[0].address).country
    left = choice.targets(None)[2:]
    here = [target.address for target in choice.listed(home)]
    gone = [target for target in left if target.address not in here]
    assert gone
    assert choice.place_of([*gone, *left], home) == here.index(
        next(target.address for target in left if target.address in here)
    )
    assert choice.place_of(gone, home) == 0


def test_a_spent_budget_is_waiting(home: Path, listed: str) -> None:
    """Of the day and of the month, as the settings have it; nothing more is sent."""
    (home / "settings.toml").write_text("monthly_megabytes = 0.001\n", encoding="utf-8")
    done = run("--targets", listed)
    assert done.exit_code == 6
    assert " over the budget of the month; exit code 6; " in done.stdout
    sent = (home / "allowance.state").read_text(encoding="ascii")
    make_due(home)
    done = run("--targets", listed)
    assert (done.exit_code, done.stdout) == (0, "left out: the budget of the month was spent\n")
    assert (home / "allowance.state").read_text(encoding="ascii") == sent
    (home / "settings.toml").unlink()
    done = run("--targets", listed, "--budget", "0.001")
    assert (done.exit_code, done.stdout) == (0, "left out: the budget of the day was spent\n")


def test_the_daily_setting_holds_unless_a_budget_is_given(home: Path, listed: str) -> None:
    """What was typed goes before what was set."""
    (home / "settings.toml").write_text("daily_megabytes = 0.001\n", encoding="utf-8")
    assert run("--targets", listed).exit_code == 6
    make_due(home)
    assert run("--targets", listed, "--budget", "1").exit_code == 0


def test_what_is_due_to_be_sent_follows(
    home: Path, listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the program itself, in place of the run, after its line; only to a set collector."""
    became: list[list[str]] = []
    monkeypatch.setattr("probe.schedule.here.program", lambda: "/usr/bin/gatewatch")
    monkeypatch.setattr("os.execv", lambda _, words: became.append(words))
    run("--targets", listed)
    assert became == []
    (home / "settings.toml").write_text('collector = "https://collect.example.org"\n', "utf-8")
    make_due(home)
    assert run("--targets", listed).stdout.startswith("kept 5")
    assert became == [["/usr/bin/gatewatch", "submit", "--scheduled"]]
    use(monkeypatch, paths.all_dark)
    make_due(home)
    assert run("--targets", listed).exit_code == 5
    agree_to_all_but_sharing(home)
    use(monkeypatch, paths.routes)
    make_due(home)
    run("--targets", listed)
    assert len(became) == 1


@pytest.mark.parametrize("option", ["--dry-run", "--resume", "--json"])
def test_options_for_somebody_who_looks_on_do_not_go_with_it(home: Path, option: str) -> None:
    """A wrong use, said before anything is done."""
    assert run(option).exit_code == 2
    assert not (home / "schedule.state").exists()
