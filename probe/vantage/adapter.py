"""What the kernel says of an interface when a program asks it: its kind, and what made it.

Its files (/sys) say more, and may be missing, as in a chroot, or be those of other interfaces, as
where a program was put into the network namespace of a VPN. The kernel itself always speaks of
those that this program's packets leave by. Other systems say nothing; nothing is sent.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# linux/sockios.h, linux/ethtool.h
_HARDWARE_ADDRESS = 0x8927
_ETHTOOL = 0x8946
_DRIVER = 0x3
_DRIVER_INFO = struct.Struct("I32s32s32s32s64x")

# linux/if_arp.h: Ethernet, and Wi-Fi with and without what a monitor adds.
_WITH_HARDWARE = frozenset({1, 801, 802, 803})
_HARDWARE_OCTETS = 6


class Adapter(NamedTuple):
    """An interface: its kind by the numbers of linux/if_arp.h, and its driver.

    ``bus`` is where the driver found a piece of hardware, empty for what programs made; drivers
    of the latter may write their own name there. ``hardware`` is its address, twelve hexadecimal
    digits in lower case; None where it has none.
    """

    kind: int
    driver: str
    bus: str
    hardware: str | None


def adapter(name: str) -> Adapter | None:
    """The interface of this name; None where there is none, or the kernel does not say."""
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ModuleNotFoundError:
        return None
    # Another system does not know the question.
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = struct.pack("16s24x", name.encode())
        said = fcntl.ioctl(asking, _HARDWARE_ADDRESS, request)
        (kind,) = struct.unpack_from("H", said, 16)
        digits = said[18 : 18 + _HARDWARE_OCTETS].hex()
        has_one = kind in _WITH_HARDWARE and digits.strip("0")
        return Adapter(kind, *_driver(asking, name), digits if has_one else None)
    return None


def adapters() -> Iterator[Adapter]:
    """Each interface of which the kernel says something; none in a sandbox that forbids to ask."""
    names: list[tuple[int, str]] = []
    with suppress(OSError):
        names = socket.if_nameindex()
    for _, name in names:
        if (found := adapter(name)) is not None:
            yield found


def _driver(asking: socket.socket, name: str) -> tuple[str, str]:
    """The driver of an interface and the bus that it sits on, empty where neither is told."""
    import fcntl  # noqa: PLC0415 - as above

    said = ctypes.create_string_buffer(struct.pack("I", _DRIVER), _DRIVER_INFO.size)
    request = struct.pack("16sP16x", name.encode(), ctypes.addressof(said))
    with suppress(OSError):
        fcntl.ioctl(asking, _ETHTOOL, request)
    _, driver, _, _, bus = _DRIVER_INFO.unpack(said.raw)
    return _text(driver), _text(bus)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="replace")
