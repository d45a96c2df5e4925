"""When a call that comes once an hour comes next."""

from __future__ import annotations

import time

import pytest

from probe.schedule.hourly import next_at


@pytest.mark.parametrize(("zone", "minutes"), [("UTC0", 15), ("IRST-3:30", 45), ("NPT-5:45", 30)])
def test_the_next_call_is_told_by_the_clock_on_the_wall(
    monkeypatch: pytest.MonkeyPatch, zone: str, minutes: int
) -> None:
    """`cron` and `launchd` go by that; at 10:00 UTC it is 13:30 in Iran and 15:45 in Nepal."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        ten = 1_795_428_000.0
        assert next_at(15, ten) - ten == minutes * 60
        assert next_at(15, ten + minutes * 60) - ten == (minutes + 60) * 60
    finally:
        monkeypatch.undo()
        time.tzset()
