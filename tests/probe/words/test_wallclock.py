"""The clock on the wall, also where it is not ahead of UTC by whole hours."""

from __future__ import annotations

import time

import pytest

from probe.words.wallclock import next_at, shown


@pytest.mark.parametrize(
    ("zone", "minutes", "said"),
    [("UTC0", 15, "10:00"), ("IRST-3:30", 45, "13:30"), ("NPT-5:45", 30, "15:45")],
)
def test_the_next_call_is_told_by_the_clock_on_the_wall(
    monkeypatch: pytest.MonkeyPatch, zone: str, minutes: int, said: str
) -> None:
    """`cron` and `launchd` go by that; at 10:00 UTC it is 13:30 in Iran and 15:45 in Nepal."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        ten = 1_795_428_000.0
        assert shown(ten) == f"2026-11-23 {said}"
        assert next_at(15, ten) - ten == minutes * 60
        assert next_at(15, ten + minutes * 60) - ten == (minutes + 60) * 60
    finally:
        monkeypatch.undo()
        time.tzset()
