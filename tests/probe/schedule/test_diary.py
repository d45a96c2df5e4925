"""What scheduled runs remember, and when the next is due."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from probe.schedule.circumstances import BATTERY
from probe.schedule.diary import Diary, DiaryEntry
from probe.words.failure import BadInput
from probe.words.language import for_scripts

HOUR = 3600.0


class Clock:
    """Seconds since the epoch, as the test sets them."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def diary(tmp_path: Path, clock: Clock) -> Diary:
    return Diary(tmp_path / "home", clock, lambda: 0.0)


def test_the_first_run_is_due_at_once(diary: Diary, tmp_path: Path) -> None:
    """Looking writes nothing."""
    assert diary.due()
    assert diary.read() == DiaryEntry()
    assert not (tmp_path / "home").exists()


def test_after_a_run_six_hours_pass(diary: Diary, clock: Clock, tmp_path: Path) -> None:
    """And the memory is for its owner's eyes only."""
    diary.ended(0, 7, 3, failed=False)
    assert not diary.due()
    clock.now += 6 * HOUR - 1
    assert not diary.due()
    clock.now += 1
    assert diary.due()
    assert (diary.read().kept, diary.read().place) == (7, 3)
    assert (tmp_path / "home/schedule.state").stat().st_mode & 0o777 == 0o600


def test_failed_runs_follow_ever_later_until_one_succeeds(diary: Diary, clock: Clock) -> None:
    """One, two, four hours and so on, a day at most; then six again."""
    waits = []
    for _ in range(7):
        diary.ended(5, 0, 0, failed=True)
        waits.append((diary.read().due - clock.now) / HOUR)
    assert waits == [1, 2, 4, 8, 16, 24, 24]
    diary.ended(0, 1, 0, failed=False)
    assert (diary.read().due - clock.now) / HOUR == 6


def test_chance_spreads_what_is_due(tmp_path: Path, clock: Clock) -> None:
    """Not all machines come back at the same moment after the network does."""
    late = Diary(tmp_path, clock, lambda: 1.0)
    late.ended(5, 0, 0, failed=True)
    assert late.read().due == clock.now + 1.5 * HOUR


def test_a_run_left_out_stays_due(diary: Diary, clock: Clock) -> None:
    """The next call asks again, and the reason can be read."""
    diary.ended(0, 7, 3, failed=False)
    clock.now += 7 * HOUR
    diary.skipped(BATTERY)
    assert diary.due()
    entry = diary.read()
    assert (entry.skipped, entry.why, entry.kept) == (clock.now, BATTERY, 7)


@pytest.mark.parametrize("years", [1, -31])
def test_what_came_last_is_known_by_any_clock(diary: Diary, clock: Clock, years: int) -> None:
    """A run that was left out is one since the last measurement; none is once one was made."""
    diary.ended(0, 7, 3, failed=False)
    clock.now += years * 365 * 24 * HOUR
    diary.skipped(BATTERY)
    assert diary.read().why == BATTERY
    diary.ended(0, 9, 3, failed=False)
    assert (diary.read().skipped, diary.read().why) == (None, None)


def test_why_a_run_was_left_out_is_said_in_the_language_of_who_asks(
    diary: Diary, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timer has often no language, and a script reads English."""
    diary.skipped(BATTERY)
    monkeypatch.setenv("LANGUAGE", "km")
    assert str(diary.read().why) == "កំពុងប្រើថ្ម"
    with for_scripts():
        assert str(diary.read().why) == "on battery"


def test_what_a_former_version_kept_of_it_is_said_as_it_was(tmp_path: Path) -> None:
    """It kept the words."""
    (tmp_path / "schedule.state").write_text('{"skipped": 9, "why": "on {battery}"}')
    assert str(Diary(tmp_path, Clock(), lambda: 0.0).read().why) == "on {battery}"


def test_a_run_that_never_ended_is_known_to_have_begun(diary: Diary, clock: Clock) -> None:
    """As where the power was cut; it stays due, and one that ended is over."""
    diary.ended(0, 7, 3, failed=False)
    clock.now += 7 * HOUR
    diary.begun(3)
    assert (diary.read().begun, diary.read().place, diary.due()) == (clock.now, 3, True)
    diary.ended(0, 7, 5, failed=False)
    assert (diary.read().begun, diary.read().place) == (None, 5)


def test_what_a_newer_version_keeps_besides_stays(diary: Diary, clock: Clock) -> None:
    """After a downgrade the schedule goes on, and after the next update nothing is missing."""
    diary.ended(0, 7, 3, failed=False)
    newer = json.loads(diary.path.read_text()) | {"battery": {"low": 3}}
    diary.path.write_text(json.dumps(newer))
    assert (diary.read().kept, diary.due()) == (7, False)
    clock.now += 7 * HOUR
    diary.skipped(BATTERY)
    assert json.loads(diary.path.read_text())["battery"] == {"low": 3}
    diary.ended(0, 9, 4, failed=False)
    assert json.loads(diary.path.read_text())["battery"] == {"low": 3}
    assert diary.read().kept == 9


def test_a_clock_set_back_does_not_stop_the_schedule(diary: Diary, clock: Clock) -> None:
    """A machine that thought it was next year does not wait for it."""
    clock.now += 365 * 24 * HOUR
    diary.ended(0, 7, 3, failed=False)
    clock.now -= 365 * 24 * HOUR
    assert diary.due()


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "[" * 100_000,
        '{"due": "soon"}',
        '{"due": null}',
        '{"due": Infinity}',
        '{"due": NaN}',
        '{"ended": "yesterday"}',
        '{"ended": 1e17}',
        '{"ended": 1e300}',
        '{"skipped": [1]}',
        '{"begun": "x"}',
        '{"place": null}',
        '{"failures": 0.5}',
        '{"kept": "all"}',
        '{"unheard": "some"}',
        '{"slow_ms": 0.5}',
        '{"code": "none"}',
        '{"why": {"message": 1}}',
        '{"why": {"message": "{a}"}}',
        '{"why": {"message": "{a.b}", "named": {"a": "c"}}}',
    ],
    ids=lambda said: said[:20],
)
def test_a_memory_that_cannot_be_read_is_named_and_begun_anew(tmp_path: Path, said: str) -> None:
    """A power cut that left rubbish in it stops no schedule for good."""
    (tmp_path / "schedule.state").write_text(said, encoding="utf-8")
    diary = Diary(tmp_path, Clock(), lambda: 0.0)
    with pytest.raises(BadInput, match=r"schedule\.state cannot be read; the schedule begins anew"):
        diary.read()
    assert diary.begin_anew()
    assert diary.read() == DiaryEntry()
    diary.ended(0, 7, 3, failed=False)
    assert not diary.begin_anew()
    assert diary.read().kept == 7
