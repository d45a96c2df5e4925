"""When a run is refused because nothing that it measured would be evidence."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from probe.record import VPN, WRONG_CLOCK
from probe.run.spoiling import Spoiling, days_that_have_been
from probe.vantage.ground import LineEnd

NOON = 1_795_435_200.0  # 2026-11-23
DIRECT = LineEnd("192.168.1.10", None, "eth0", 1)
TUNNEL = LineEnd("10.8.0.2", None, "tun0", 1)


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine need have no tunnel: tun0 is one by its name."""
    monkeypatch.setattr("probe.vantage.tunnel.is_tunnel", lambda device: device == "tun0")


def spoiling(now: float = NOON, *, kept_right: bool | None = None, **ends: LineEnd) -> Spoiling:
    by_version = {int(version[1:]): end for version, end in ends.items()}
    return Spoiling(lambda: by_version, {date(2026, 6, 17): None}, lambda: now, lambda: kept_right)


def test_a_tunnel_is_refused_with_what_to_do() -> None:
    """One sentence names the device, what it spoils, and that turning it off may be unsafe."""
    said = str(spoiling(v4=TUNNEL, v6=TUNNEL).objection({4, 6}))
    assert said.startswith("the way out by IPv4 and IPv6 leads through a tunnel (tun0)")
    assert said.endswith("if that is safe for you")
    assert "10.8.0.2" not in said


def test_the_name_that_somebody_gave_a_tunnel_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a scheduled run the sentence lies in the system's log, which outlives a purge."""
    monkeypatch.setattr("probe.vantage.tunnel.is_tunnel", lambda _: True)
    said = str(spoiling(v4=LineEnd("10.8.0.2", None, "wg-sokha", 1)).objection({4}))
    assert "leads through a tunnel ([device]), as with a VPN" in said


def test_the_ip_version_beside_the_tunnel_can_be_measured() -> None:
    """It is named; and where it is all that is to be measured, nothing is refused."""
    one = spoiling(v4=DIRECT, v6=TUNNEL)
    said = str(one.objection({4, 6}))
    assert said.startswith("the way out by IPv6 leads through a tunnel (tun0)")
    assert said.endswith("or measure IPv4 alone with -4")
    assert one.objection({4}) is None


def test_a_clock_before_a_day_that_has_been_is_refused() -> None:
    """A Raspberry Pi that woke up in 2000 says so."""
    said = spoiling(946_800_000.0, v4=DIRECT).objection({4})
    assert str(said).startswith(
        "the clock of this machine says 2000-01-02, but 2026-06-17 has been already; set it"
    )
    assert spoiling(NOON, v4=DIRECT).objection({4}) is None


@pytest.mark.parametrize(("kept_right", "refused"), [(True, False), (False, True), (None, True)])
def test_a_day_that_a_clock_ahead_has_put_down_does_not_stop_a_right_one(
    kept_right: bool | None, refused: bool
) -> None:
    """Else one run under a wrong day would be the last until that day has come."""
    one = spoiling(946_800_000.0, kept_right=kept_right, v4=DIRECT)
    assert (one.objection({4}) is not None) is refused
    assert one.notes(DIRECT) == [WRONG_CLOCK] * refused


def test_a_board_that_has_just_started_is_refused_till_its_clock_is_set() -> None:
    """It dates by the day of its last shutdown; whoever measures all the same has that noted."""
    awaiting = [True]
    one = Spoiling(dict, {}, lambda: NOON, lambda: None, lambda: awaiting[0])
    assert str(one.objection({4})).startswith("this machine has just started, and its clock")
    assert one.notes(DIRECT) == [WRONG_CLOCK]
    awaiting[0] = False
    assert (one.objection({4}), one.notes(DIRECT)) == (None, [])


def test_each_trace_is_marked_with_what_is_so_when_it_is_kept() -> None:
    """By IP version, as it is then: a VPN may come up while a run goes on."""
    ends = {4: DIRECT, 6: TUNNEL}
    now = [NOON]
    looking = Spoiling(lambda: ends, {date(2026, 6, 17): None}, lambda: now[0], lambda: None)
    assert (looking.notes(ends[4]), looking.notes(ends[6])) == ([], [VPN])
    ends[4] = TUNNEL
    now[0] = 0.0
    assert looking.notes(ends[4]) == [VPN, WRONG_CLOCK]


def test_the_days_that_have_been_are_those_of_the_table_and_the_spool(tmp_path: Path) -> None:
    """Files that are named otherwise, and tables without a day, say nothing."""
    for name in ("2026-11-22.jsonl", "2026-11-20.jsonl", "by-hand.jsonl", "2026-12-01.torn"):
        (tmp_path / name).touch()
    assert days_that_have_been("2026-06-17", tmp_path) == {
        date(2026, 6, 17): None,
        date(2026, 11, 20): tmp_path / "2026-11-20.jsonl",
        date(2026, 11, 22): tmp_path / "2026-11-22.jsonl",
    }
    assert days_that_have_been(None, tmp_path / "none") == {}


def test_a_clock_that_is_right_again_is_not_asked_to_be_set_alone(tmp_path: Path) -> None:
    """Where no network time says which is right, the day that a clock ahead has left can go.

    What is said goes into logs, so no folder is named.
    """
    ahead = tmp_path / "spool" / "2027-01-28.jsonl"
    ahead.parent.mkdir()
    ahead.touch()
    days = days_that_have_been("2026-06-17", ahead.parent)
    said = str(Spoiling(dict, days, lambda: NOON, lambda: False).wrong_clock())
    assert said.startswith("the clock of this machine says 2026-11-23, but traces of 2027-01-28")
    assert said.endswith("was ahead then, move spool/2027-01-28.jsonl elsewhere")
