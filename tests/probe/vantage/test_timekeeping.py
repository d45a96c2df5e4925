"""Whether a clock can be right."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from probe.vantage.timekeeping import ClockWatch, awaits_others, impossible, is_set_by_others

DAY = date(2026, 6, 17)


def at(day: date) -> float:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("off", "wrong"), [(-2, True), (-1, False), (0, False), (1, False), (4000, False)]
)
def test_a_day_that_has_been_is_not_to_come(off: int, wrong: bool) -> None:
    """More than a day before it the clock is wrong; how far it may be behind it nobody knows."""
    assert impossible(at(DAY + timedelta(days=off)), [DAY, date(2020, 1, 1)]) == (
        DAY if wrong else None
    )


def test_where_nothing_is_known_nothing_is_wrong() -> None:
    """No table with a day, nothing kept."""
    assert impossible(0.0, []) is None


def test_the_kernel_can_be_asked() -> None:
    """On Linux it says yes or no; elsewhere that it does not know."""
    assert is_set_by_others() in {True, False, None}


def test_who_may_not_ask_the_kernel_sees_what_systemd_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service is refused the question; once the time came from others, a file says so."""

    class Refusing:
        def adjtimex(self, _: object) -> int:
            return -1

    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: Refusing())
    assert is_set_by_others(tmp_path) is None
    left = tmp_path / "run/systemd/timesync/synchronized"
    left.parent.mkdir(parents=True)
    left.touch()
    assert is_set_by_others(tmp_path) is True


def test_a_board_without_a_clock_awaits_the_time_after_its_start(tmp_path: Path) -> None:
    """Until systemd has it from the network, for an hour; not where systemd does not ask for it."""
    assert not awaits_others(tmp_path, since_start=lambda: 60.0)
    service = tmp_path / "run/systemd/timesync"
    service.mkdir(parents=True)
    assert awaits_others(tmp_path, since_start=lambda: 60.0)
    assert awaits_others(tmp_path, since_start=lambda: 3599.0)
    assert not awaits_others(tmp_path, since_start=lambda: 3600.0)
    (service / "synchronized").touch()
    assert not awaits_others(tmp_path, since_start=lambda: 60.0)


@pytest.mark.parametrize(
    ("shown", "waits"),
    [
        (["1790000000\n"], False),
        (["1790025200\n"], False),
        (["120\n"], True),
        (["1787000000\n"], True),
        (["", "no number\n"], True),
        (["120\n", "1790000000\n"], False),
    ],
)
def test_a_clock_that_goes_on_while_the_machine_is_off_is_believed(
    tmp_path: Path, shown: list[str], waits: bool
) -> None:
    """A laptop that is on for an hour a day, where no time comes from others, would never measure.

    Not one without a battery, which began anew; in local time it is some hours off.
    """
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    for number, text in enumerate(shown):
        hardware = tmp_path / f"sys/class/rtc/rtc{number}/since_epoch"
        hardware.parent.mkdir(parents=True)
        hardware.write_text(text)
    assert awaits_others(tmp_path, lambda: 60.0, lambda: 1.79e9) == waits


def test_how_long_ago_this_machine_started_is_known(tmp_path: Path) -> None:
    """By a clock that nobody sets; what it shows here is for no test to know."""
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    assert awaits_others(tmp_path) in {True, False}


@pytest.mark.parametrize("by", [6 * 86_400.0, -86_400.0])
def test_a_clock_that_is_set_meanwhile_was_wrong_before(by: float) -> None:
    """What it had shown since the watch began is told once; a few minutes are no wrong clock."""
    wall, started = [1.79e9], [100.0]

    def later(seconds: float, set_by: float = 0.0) -> None:
        wall[0] += seconds + set_by
        started[0] += seconds

    watch = ClockWatch(lambda: wall[0], lambda: started[0], lambda: False)
    later(60.0, set_by=300.0)
    assert watch.misdated() is None
    later(60.0, set_by=by)
    assert watch.misdated() == (1_790_000_000, 1_790_000_120)
    later(60.0)
    assert watch.misdated() is None


def test_a_clock_that_was_kept_right_is_not_doubted() -> None:
    """A virtual machine that was halted finds the clock hours on, and was right before."""
    wall = [1.79e9]
    watch = ClockWatch(lambda: wall[0], lambda: 100.0, lambda: True)
    wall[0] += 86_400.0
    assert watch.misdated() is None
