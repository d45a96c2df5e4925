"""Two timers at once, one of which nobody thinks of any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from probe.schedule import Job, Standing
from probe.schedule.beside import Beside
from probe.schedule.calls import Said
from probe.schedule.cron import Crontab
from tests.probe.schedule.test_cron import fake_crontab

HERE = Job(("/usr/bin/env",), Path("/nowhere"))


class Switch(Crontab):
    """What starts programs here: it is on or off."""

    name = "switch"

    def __init__(self) -> None:
        self.on = False

    def install(self, job: Job) -> None:
        del job
        self.on = True

    def standing(self, job: Job) -> Standing:
        return Standing(installed=self.on, program=job.program)

    def remove(self) -> bool:
        was, self.on = self.on, False
        return was


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the user's crontab holds, with an entry of ours in it."""
    kept = {"text": "5 4 * * * true\n"}
    fake_crontab(monkeypatch, kept)
    Crontab().install(HERE)
    assert "gatewatch" in kept["text"]
    return kept


def test_an_entry_that_is_left_is_told_and_taken_away_by_what_installs(
    kept: dict[str, str],
) -> None:
    """Once a timer is in place nothing else may begin runs that its owner cannot see."""
    both = Beside(Switch(), Crontab())
    before = both.standing(HERE)
    assert before.installed
    assert before.hints[-1].what == "an entry in your crontab begins runs, too"
    both.install(HERE)
    assert kept["text"] == "5 4 * * * true\n"
    assert both.standing(HERE) == Standing(installed=True, program=HERE.program)


def test_beside_a_timer_that_is_on_it_is_told_too(kept: dict[str, str]) -> None:
    """And what removes the one removes the other: nothing begins by itself any more."""
    switch = Switch()
    switch.on = True
    both = Beside(switch, Crontab())
    assert [hint.remedy for hint in both.standing(HERE).hints] == ["gatewatch schedule install"]
    assert both.remove()
    assert (switch.on, kept["text"]) == (False, "5 4 * * * true\n")
    assert not both.remove()
    assert not both.standing(HERE).installed


def test_who_may_have_no_crontab_has_no_entry_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is that any trouble of the timer that is in place."""
    refused = Said(124, "", "no answer")
    monkeypatch.setattr("probe.schedule.cron.ask", lambda _words, _told=None: refused)
    both = Beside(Switch(), Crontab())
    both.install(HERE)
    assert both.standing(HERE).hints == ()
    assert both.remove()
