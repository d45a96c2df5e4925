"""What is known of traces that a clock misdated, beside the days that they are kept in."""

from __future__ import annotations

from pathlib import Path

from probe.misdated import Misdated, misdated, put_down_misdated
from probe.spool import day_files


def test_what_was_misdated_is_put_down_beside_the_days(tmp_path: Path) -> None:
    """By the run's flow: another run may have measured at the time that a wrong clock showed."""
    folder = tmp_path / "spool"
    assert misdated(folder) == ()
    for flow in (3, 4):
        put_down_misdated(folder, Misdated(100, 200, flow))
    with (folder / "misdated.times").open("a") as file:
        file.write("junk\n")
    first, second = misdated(folder)
    assert first.holds(3, 100)
    assert first.holds(3, 200)
    assert not first.holds(3, 99)
    assert not first.holds(3, 201)
    assert not first.holds(4, 150)
    assert second.holds(4, 150)
    assert (folder / "misdated.times").stat().st_mode & 0o777 == 0o600
    assert day_files(folder) == []
