"""Whether this machine still stands where it stood: its addresses, its link, and awake.

A laptop changes networks, sleeps, or loses its link in the middle of a trace. What was in flight
then is no evidence, and what was known about the place may be wrong, which redaction must hear of
before anything is written. The kernel is asked, nobody else. This module sends nothing, writes
nothing, and decides nothing about traces.
"""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probe.network import NetworkError
from probe.network.addresses import source_towards
from probe.record import ip_version
from probe.vantage.locate import own_addresses
from probe.vantage.timekeeping import awake_or_asleep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from probe.redaction.premises import IPNetwork

# linux/rtnetlink.h: changes of links, and of addresses, routes and rules of both IP versions. By
# a rule alone a VPN may take all packets.
_CHANGES = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x40000

# Seconds between two beats, and the pause from which on the machine slept or hung.
BEAT = 1.0
LAPSE = 4.0


@dataclass(frozen=True)
class LineEnd:
    """This machine's end of the line, for one IP version.

    ``address`` is where packets leave from and ``network`` its subnet; ``device`` is the
    interface that has it, and ``carrier`` how often the link of that interface came or went
    (None where the system does not count).
    """

    address: str
    network: IPNetwork | None
    device: str | None
    carrier: int | None

    def same_place(self, other: LineEnd) -> bool:
        """Whether both are surely ends of the same line.

        A new address does not matter as long as subnet, interface and link stayed what they were.
        """
        return (self.network, self.device, self.carrier) == (
            other.network,
            other.device,
            other.carrier,
        ) and None not in {self.network, self.carrier}


class Footing:
    """The ground as the kernel knows it.

    ``towards`` are addresses, one of each IP version, to which packets are sent: they tell which
    of several interfaces is used. The kernel says when anything changed, so that asking often
    costs nothing; where it cannot say so, everything is read each time.
    """

    def __init__(self, towards: Iterable[str], clock: Callable[[], float] | None = None) -> None:
        self._towards = {ip_version(address): address for address in towards}
        self._clock = clock or awake_or_asleep
        self._beat = self._clock()
        self._lapses = 0
        self._news = _news()
        self._ends: dict[int, LineEnd] | None = None

    def ends(self) -> dict[int, LineEnd]:
        """This machine's end of the line by IP version, as far as there is a way out."""
        if self._ends is None or self._news is None or _anything(self._news):
            self._ends = {
                version: end
                for version, address in self._towards.items()
                if (end := _end_towards(address, version)) is not None
            }
        return self._ends

    def end_towards(self, target: str) -> LineEnd | None:
        """This machine's end of the line for one target, of which only some may be in a tunnel."""
        version = ip_version(target)
        usual = self.ends().get(version)
        with suppress(NetworkError, BlockingIOError):
            if usual and source_towards(target, version).partition("%")[0] == usual.address:
                return usual
        return _end_towards(target, version)

    def beat(self) -> None:
        """To be called every `BEAT` seconds: a longer pause is a sleep of the machine."""
        now = self._clock()
        if now - self._beat > LAPSE:
            self._lapses += 1
        self._beat = now

    def lapses(self) -> int:
        """How often this machine slept or hung so far."""
        self.beat()
        return self._lapses

    def close(self) -> None:
        """Close what is open. Safe to call twice."""
        if self._news is not None:
            self._news.close()


def without_way(addresses: Iterable[str]) -> frozenset[int]:
    """IP versions without a way out of this machine to any of these, where another has one.

    None of them where no version has one: that is a machine without a network.
    """
    of_version: dict[int, list[str]] = {}
    for address in addresses:
        of_version.setdefault(ip_version(address), []).append(address)
    ways = {
        version
        for version, those in of_version.items()
        if any(_end_towards(address, version) for address in those)
    }
    return frozenset(of_version.keys() - ways) if ways else frozenset()


def _news() -> socket.socket | None:
    """A socket on which the kernel says that links, addresses or routes changed."""
    if not hasattr(socket, "AF_NETLINK"):
        return None
    opened = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
    )
    try:
        opened.bind((0, _CHANGES))
    except OSError:
        opened.close()
        return None
    return opened


def _anything(news: socket.socket) -> bool:
    """Whether the kernel said anything since; what it said is then read from the source.

    A socket that fails has said something each time: then the source is read each time.
    """
    said = False
    while True:
        try:
            news.recv(65536)
        except BlockingIOError:
            return said
        except OSError as problem:
            if problem.errno != errno.ENOBUFS:  # by which it says that more was said than fits
                return True
        said = True


def _end_towards(target: str, version: int) -> LineEnd | None:
    try:
        address = source_towards(target, version).partition("%")[0]
    except (NetworkError, BlockingIOError):
        return None
    for device, own in own_addresses():
        if str(own.ip) == address:
            return LineEnd(address, own.network, device, _carrier(device))
    return LineEnd(address, None, None, None)


def _carrier(device: str) -> int | None:
    with suppress(OSError, ValueError):
        return int(Path(f"/sys/class/net/{device}/carrier_changes").read_text(encoding="ascii"))
    return None
