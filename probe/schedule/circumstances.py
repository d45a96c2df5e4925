"""Whether this is a moment to measure: not on battery, and not over a link that somebody pays for.

Nor before a machine that has just started knows what day it is.

The kernel says what the machine is fed by. Whether a link is metered only NetworkManager knows,
from its owner's word or from how the link presents itself (a telephone that shares its connection
does); where it does not run nobody knows, and the budget of the day is what guards the owner.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from probe.schedule.calls import ask
from probe.vantage.timekeeping import awaits_others
from probe.words.sentence import Sentence

BATTERY = Sentence("on battery")
METERED = Sentence("on a metered link")
UNSET_CLOCK = Sentence("this machine has just started, and its clock is not set yet")

_ROOT = Path("/")


def reason_to_wait(root: Path = _ROOT) -> Sentence | None:
    """Why not to measure now, in a few words; None where nothing speaks against it.

    ``root`` is where the folders of the kernel's files lie.
    """
    if on_battery(root):
        return BATTERY
    if metered(root):
        return METERED
    if awaits_others(root):
        return UNSET_CLOCK
    return None


def on_battery(root: Path) -> bool:
    """Whether the machine lives on a battery of its own: one runs down and no mains are on.

    Those of mice and keyboards do not count, and a machine without any is no such machine.
    """
    running_down = False
    for supply in sorted((root / "sys/class/power_supply").glob("*")):
        kind = _word(supply / "type")
        if kind == "Battery" and _word(supply / "scope") != "Device":
            running_down |= _word(supply / "status") == "Discharging"
        elif kind in {"Mains", "USB"} and _word(supply / "online") == "1":
            return False
    return running_down


def metered(root: Path) -> bool:
    """Whether NetworkManager holds the link of the default route for metered."""
    device = default_device(root)
    if device is None:
        return False
    said = ask(["nmcli", "-t", "-f", "GENERAL.METERED", "device", "show", device])
    return said.code == 0 and said.out.partition(":")[2].startswith("yes")


def default_device(root: Path) -> str | None:
    """The interface of the default route of IPv4, else of IPv6; None where there is none."""
    routes: list[tuple[int, str]] = []
    for line in _lines(root / "proc/net/route")[1:]:
        words = line.split()
        if len(words) > 7 and words[1] == words[7] == "00000000":
            routes.append((int(words[6]), words[0]))
    if not routes:
        for line in _lines(root / "proc/net/ipv6_route"):
            words = line.split()
            if len(words) == 10 and words[:2] == ["0" * 32, "00"] and words[9] != "lo":
                routes.append((int(words[5], 16), words[9]))
    return min(routes)[1] if routes else None


def _word(path: Path) -> str | None:
    lines = _lines(path)
    return lines[0].strip() if lines else None


def _lines(path: Path) -> list[str]:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").splitlines()
    return []
