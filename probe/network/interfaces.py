"""Interfaces as scapy and libpcap know them: which leads to a target, whole IP packets out and in.

Scapy finds routes, interfaces and the hardware address of the next hop on every system, and wraps
libpcap (Npcap on Windows), which puts frames on a link and hears all that passes there, with the
kernel's time of each. That is below the system's own stack: its firewall is asked neither on the
way out nor in. Nothing here knows what a probe looks like. Importing it takes most of a second.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from probe.network import NetworkError, NoRoute, NotPermitted
from probe.network.addresses import FAMILY, send_problem
from probe.words.language import mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def _homeless() -> Iterator[None]:
    """Leaves scapy no place for its cache and settings while it is imported.

    It would write into the home of whoever probes, as root perhaps, which says that they did.
    """
    names = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, f"{os.devnull}/scapy"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


with _homeless():
    import scapy.route
    import scapy.route6  # noqa: F401 - these two fill the tables of routes in conf
    from scapy.automaton import select_objects
    from scapy.config import conf
    from scapy.error import Scapy_Exception
    from scapy.interfaces import resolve_iface
    from scapy.layers.inet6 import getmacbyip6
    from scapy.layers.l2 import getmacbyip

# What scapy has to say comes as an exception or is of no use to a volunteer.
logging.getLogger("scapy").setLevel(logging.CRITICAL)
# The same code on every system; scapy's own sockets differ. Without libpcap it stays False.
conf.use_pcap = True

# Milliseconds for which libpcap may gather packets before it hands them over; times stay exact.
_GATHER: Final = 10
# Seconds: until a reader looks whether it should end, after which it looks again where a link
# has nothing though it said so, as one that is down does.
_LOOK: Final = 0.05
_PAUSE: Final = 0.01
_LARGEST: Final = 2048

# Seconds for which a way, a neighbour, and one that does not answer are believed.
_WAY_LIFE: Final = 2.0
_NEIGHBOUR_LIFE: Final = 60.0
_SILENCE_LIFE: Final = 1.0

# How often a neighbour is asked, since a question may get lost; and what scapy says where its
# table of routes was being filled anew meanwhile.
_ASKED: Final = 2
_EVERYBODY: Final = "ff:ff:ff:ff:ff:ff"

# Link types of libpcap and the length of their headers. The raw ones differ between systems.
_ETHERNET: Final = 1
_NULL: Final = 0
_LOOP: Final = 108
_HEADER: Final = {_ETHERNET: 14, _NULL: 4, _LOOP: 4, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0}

_ETHERTYPE: Final = {4: b"\x08\x00", 6: b"\x86\xdd"}

# A handle that only sends has no use for what it could hear.
_NOTHING: Final = "less 1"

_PASSING: Final = (errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN)
_GONE: Final = (errno.ENETDOWN, errno.ENXIO, errno.ENODEV)

PERMISSION: Final = mark(
    "packets may not be captured here because that needs privileges: run the same command through "
    "`sudo`, on macOS as a member of the group access_bpf, on Windows with Npcap and as "
    "administrator"
)
LIBRARY: Final = mark(
    "no libpcap was found: install it (Debian: apt-get install libpcap0.8, Windows: Npcap from "
    "https://npcap.com)"
)


def _open(name: str, expression: str) -> Any:
    """A handle of libpcap on an interface; raises `NotPermitted`, `NoRoute` or `NetworkError`."""
    from scapy.arch.libpcap import open_pcap  # noqa: PLC0415 - fails without libpcap

    try:
        handle = open_pcap(name, snaplen=_LARGEST, promisc=False, to_ms=_GATHER)
    except OSError as problem:
        said = str(problem).replace("\n", " ")
        if any(os.strerror(code) in said for code in (errno.EPERM, errno.EACCES)) or (
            "permission" in said.lower()
        ):
            raise NotPermitted(PERMISSION) from None
        raise NoRoute(f"the interface {name} cannot be used ({said})") from None
    try:
        handle.setfilter(expression)
    except Scapy_Exception as problem:
        handle.close()
        raise NetworkError(f"the interface {name} cannot be listened to ({problem})") from None
    handle.setnonblock(True)
    return handle


def frame_header(kind: int, version: int, ours: str, next_hop: bytes) -> bytes:
    """What stands before an IP packet on a link of this type.

    ``ours`` is the interface's hardware address in text, ``next_hop`` that of the next hop.

    >>> frame_header(1, 4, "02:00:00:00:00:01", bytes.fromhex("0200000000ff")).hex(" ", -6)
    '0200000000ff 020000000001 0800'
    """
    if kind == _ETHERNET:
        return next_hop + _hardware(ours) + _ETHERTYPE[version]
    if _HEADER[kind] == 0:
        return b""
    order: Literal["little", "big"] = "big" if kind == _LOOP else sys.byteorder
    return int(FAMILY[version]).to_bytes(4, order)


def _hardware(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


class _Link:
    """One interface: a handle that sends, and one that a thread reads."""

    def __init__(self, name: str, expression: str, heard: Callable[[int, bytes], None]) -> None:
        self.name = name
        self.heard = heard
        self.closing = False
        self.sending = _open(name, _NOTHING)
        try:
            self.listening = _open(name, expression)
        except NetworkError:
            self.sending.close()
            raise
        self.kind = self.sending.datalink()
        if self.kind not in _HEADER:
            self.sending.close()
            self.listening.close()
            raise NetworkError(
                f"the interface {name} is of a kind that gatewatch does not know (link type "
                f"{self.kind}); connect by Ethernet or Wi-Fi"
            )
        self.reader = threading.Thread(target=self._read, name=f"reads {name}", daemon=True)
        self.reader.start()

    def send(self, frame: bytes) -> None:
        """Send a frame; raises OSError, also where nobody would hear its answer."""
        if not self.reader.is_alive():
            raise OSError(errno.ENODEV, "it can be listened to no more")
        if self.sending.send(frame) >= 0:
            return
        from scapy.libs.winpcapy import pcap_geterr  # noqa: PLC0415 - fails without libpcap

        said = pcap_geterr(self.sending.pcap).decode(errors="replace")
        for code in (*_PASSING, *_GONE):
            if os.strerror(code) in said:
                raise OSError(code, os.strerror(code))
        raise OSError(errno.EIO, said)

    def _read(self) -> None:
        skip = _HEADER[self.kind]
        while not self.closing:
            if not select_objects([self.listening], _LOOK):
                continue
            seconds, frame = self.listening.next()
            if frame is None:
                time.sleep(_PAUSE)
            while frame is not None and not self.closing:
                self.heard(round(seconds * 1e9), frame[skip:])
                seconds, frame = self.listening.next()

    def close(self) -> None:
        self.closing = True
        self.reader.join()
        self.listening.close()
        self.sending.close()


class _Neighbour(NamedTuple):
    """A next hop's hardware address, None where it does not answer, and until when to believe."""

    address: bytes | None
    until: float


class _Egress(NamedTuple):
    """How packets to one target leave."""

    link: _Link
    header: bytes


class Interfaces:
    """The interfaces in use. ``heard`` is called, by other threads, with the time and the packet
    of all that passes on them and fits the filter ``expression`` (pcap-filter(7)).

    Raises `NotPermitted` without the privilege to capture, `NetworkError` without libpcap.
    """

    def __init__(self, expression: str, heard: Callable[[int, bytes], None]) -> None:
        if not conf.use_pcap:
            raise NetworkError(LIBRARY)
        self._expression = expression
        self._heard = heard
        self._links: dict[str, _Link] = {}
        self._ways: dict[tuple[str, str], _Egress] = {}
        self._ways_until = 0.0
        self._neighbours: dict[tuple[str, str], _Neighbour] = {}
        self._asking: set[tuple[str, str]] = set()
        if conf.iface is not None:
            with suppress(NoRoute):  # it may come up later
                _open(str(conf.iface.network_name), _NOTHING).close()

    def send(self, packet: bytes, version: int, source: str, target: str) -> None:
        """Put an IP packet on its way without blocking; see `probe.network.Network.send`.

        Also raises `BlockingIOError` until the next hop has told its hardware address.
        """
        way = self._way(version, source, target)
        try:
            way.link.send(way.header + packet)
        except OSError as problem:
            self._ways.clear()
            if problem.errno not in _PASSING:
                del self._links[way.link.name]
                way.link.close()
            raise send_problem(problem, target) from None

    def close(self) -> None:
        """Close all. Safe to call twice."""
        while self._links:
            self._links.popitem()[1].close()

    def _way(self, version: int, source: str, target: str) -> _Egress:
        now = time.monotonic()
        if now > self._ways_until:
            self._ways.clear()
            self._ways_until = now + _WAY_LIFE
        way = self._ways.get((source, target))
        if way is None:
            way = self._ways[source, target] = self._find(version, source, target, now)
        return way

    def _find(self, version: int, source: str, target: str, now: float) -> _Egress:
        interface, gateway = self._route(version, source, target)
        name = str(interface.network_name)
        link = self._links.get(name)
        if link is None:
            link = self._links[name] = _Link(name, self._expression, self._heard)
        if link.kind != _ETHERNET:
            return _Egress(link, frame_header(link.kind, version, "", b""))
        next_hop = target if gateway in {"0.0.0.0", "::"} else gateway  # noqa: S104 - "none"
        hardware = self._neighbour(name, next_hop, version, target, now)
        return _Egress(link, frame_header(link.kind, version, str(interface.mac), hardware))

    def _route(self, version: int, source: str, target: str) -> tuple[Any, str]:
        """Interface and gateway towards a target.

        The system has said from which address it would send. A packet must leave by the
        interface of that address and no other, past a tunnel say, whatever scapy's table holds.
        """
        for fresh in (False, True):
            if fresh:
                conf.ifaces.reload()
                conf.route.resync()
                conf.route6.resync()
            table = conf.route if version == 4 else conf.route6
            name, _, gateway = table.route(target, verbose=0)
            try:
                interface = resolve_iface(name)
            except ValueError:
                continue
            if source not in interface.ips[version]:
                continue
            if name == conf.loopback_name or source == target:
                raise NoRoute(f"{target} is this machine itself; a trace needs another")
            return interface, str(gateway)
        raise NoRoute(
            f"the way to {target} is not clear: the system sends from {source}, which is not the "
            "address of the interface that its table of routes names"
        )

    def _neighbour(self, name: str, next_hop: str, version: int, target: str, now: float) -> bytes:
        key = name, next_hop
        known = self._neighbours.get(key)
        if known is None or known.until < now:
            if key not in self._asking:
                self._asking.add(key)
                threading.Thread(target=self._ask, args=(key, version, target), daemon=True).start()
            raise BlockingIOError(errno.EAGAIN, f"{next_hop} is asked for its hardware address")
        if known.address is None:
            raise NoRoute(f"{next_hop}, the next hop to {target}, does not answer on {name}")
        return known.address

    def _ask(self, key: tuple[str, str], version: int, target: str) -> None:
        """Ask for a hardware address by ARP or neighbour discovery; takes up to four seconds."""
        found = None
        conf.netcache.flush()
        for _ in range(_ASKED):
            # Of an interface that went away scapy says so in many ways; nobody would hear them.
            with suppress(Exception):
                said = (getmacbyip if version == 4 else getmacbyip6)(target)
                if said and said != _EVERYBODY:
                    found = _hardware(said)
                    break
        life = _NEIGHBOUR_LIFE if found else _SILENCE_LIFE
        self._neighbours[key] = _Neighbour(found, time.monotonic() + life)
        self._asking.discard(key)
