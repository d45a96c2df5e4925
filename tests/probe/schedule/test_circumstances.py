"""Battery and metered link, read from files as the kernel has them and a played `nmcli`."""

from __future__ import annotations

from pathlib import Path

import pytest

from probe.schedule import circumstances
from probe.schedule.calls import Said
from probe.schedule.circumstances import (
    BATTERY,
    METERED,
    UNSET_CLOCK,
    default_device,
    metered,
    on_battery,
    reason_to_wait,
)

LAPTOP = {"AC": {"type": "Mains", "online": "1"}, "BAT0": {"type": "Battery", "status": "Charging"}}

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def supplies(root: Path, found: dict[str, dict[str, str]]) -> None:
    for name, files in found.items():
        folder = root / "sys/class/power_supply" / name
        folder.mkdir(parents=True)
        for file, text in files.items():
            (folder / file).write_text(f"{text}\n", encoding="ascii")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, False),
        (LAPTOP, False),
        ({**LAPTOP, "BAT0": {"type": "Battery", "status": "Discharging"}}, False),
        ({"AC": {"type": "Mains", "online": "0"}, "BAT0": LAPTOP["BAT0"]}, False),
        (
            {
                "AC": {"type": "Mains", "online": "0"},
                "BAT0": {"type": "Battery", "status": "Discharging"},
            },
            True,
        ),
        ({"BAT0": {"type": "Battery", "status": "Discharging"}}, True),
        (
            {
                "BAT0": {"type": "Battery", "status": "Discharging"},
                "USBC": {"type": "USB", "online": "1"},
            },
            False,
        ),
        ({"mouse": {"type": "Battery", "status": "Discharging", "scope": "Device"}}, False),
        ({"odd": {}}, False),
    ],
    ids=["none", "charging", "mains", "full", "running down", "no mains", "usb", "mouse", "odd"],
)
def test_on_battery(tmp_path: Path, found: dict[str, dict[str, str]], expected: bool) -> None:
    """Only a battery of the machine itself that runs down, without mains, is one."""
    supplies(tmp_path, found)
    assert on_battery(tmp_path) is expected


def route(root: Path, *lines: str) -> None:
    (root / "proc/net").mkdir(parents=True)
    (root / "proc/net/route").write_text(HEADER + "".join(lines), encoding="ascii")


WIFI = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
CABLE = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
LAN = "eth1\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"


def test_the_default_route_with_the_least_metric_counts(tmp_path: Path) -> None:
    """As the kernel chooses; a route to a subnet is none."""
    assert default_device(tmp_path) is None
    route(tmp_path, LAN, WIFI, CABLE)
    assert default_device(tmp_path) == "eth0"


def test_ipv6_tells_where_there_is_no_ipv4(tmp_path: Path) -> None:
    """The kernel's own entry for what cannot be reached is no route."""
    route(tmp_path, LAN)
    zero = "0" * 32
    entry = f"{zero} 00 {zero} 00 fe80{'0' * 28} 00000400 00000001 00000000 00000003 {{}}\n"
    (tmp_path / "proc/net/ipv6_route").write_text(
        entry.format("      lo") + entry.format("   wwan0"), encoding="ascii"
    )
    assert default_device(tmp_path) == "wwan0"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said(0, "GENERAL.METERED:yes\n", ""), True),
        (Said(0, "GENERAL.METERED:yes (guessed)\n", ""), True),
        (Said(0, "GENERAL.METERED:no (guessed)\n", ""), False),
        (Said(0, "GENERAL.METERED:unknown\n", ""), False),
        (Said(8, "", "Error: NetworkManager is not running."), False),
        (Said(127, "", "nmcli: No such file or directory"), False),
    ],
)
def test_networkmanager_tells_whether_a_link_is_metered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said, expected: bool
) -> None:
    """Also where it only guesses so; where it does not run nobody knows."""
    asked: list[list[str]] = []

    def ask(words: list[str]) -> Said:
        asked.append(words)
        return said

    monkeypatch.setattr(circumstances, "ask", ask)
    assert not metered(tmp_path)
    assert asked == []
    route(tmp_path, WIFI)
    assert metered(tmp_path) is expected
    assert asked[0][-1] == "wlan0"


def test_what_speaks_against_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Battery first; nothing where nothing does."""
    monkeypatch.setattr(circumstances, "ask", lambda _: Said(0, "GENERAL.METERED:yes\n", ""))
    assert reason_to_wait(tmp_path) is None
    route(tmp_path, WIFI)
    assert reason_to_wait(tmp_path) == METERED
    supplies(tmp_path, {"BAT0": {"type": "Battery", "status": "Discharging"}})
    assert reason_to_wait(tmp_path) == BATTERY


def test_a_clock_that_is_not_set_yet_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board that was off for weeks shows the day of its last shutdown until then."""
    monkeypatch.setattr("probe.vantage.timekeeping.time.clock_gettime", lambda _: 60.0)
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    assert reason_to_wait(tmp_path) == UNSET_CLOCK
