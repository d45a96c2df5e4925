"""Whether an interface leads into a tunnel: then the paths are the tunnel's, not the country's.

The kernel says what an interface is. Nothing is asked of anybody else, and nothing is sent. A VPN
in the router, or one without an interface of its own (IPsec policies), shows here in nothing.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from probe.vantage.adapter import adapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from probe.vantage.ground import LineEnd

_ROOT = Path("/")

# linux/if_arp.h: IPIP, IPv6 in anything, 6in4, GRE over IPv4 and over IPv6.
_ENCAPSULATING = frozenset({768, 769, 776, 778, 823})
_PPP = 512

# Of packets without a header of the link: what TUN, WireGuard, OpenVPN in the kernel and the
# interfaces of IPsec have, and some mobile modems.
_NONE = 65534

# Drivers of what has no hardware of its own: TUN and TAP, which name themselves as their bus, and
# the channels of a mobile modem.
_TUN = "tun"
_CHANNEL = "rmnet"

# 464XLAT carries IPv4 over a carrier's IPv6 in a TUN device; it is no VPN.
_TRANSLATOR = re.compile(r"clat\d*|v4-.+")

# Where the kernel lists no kinds (macOS, BSD) the name tells.
_NAMED = re.compile(r"(?:utun|ipsec|tun|tap|wg|gif|gre)[0-9]+")

# Names by kind and number, which tell of nobody.
_NOBODYS = re.compile(rf"{_NAMED.pattern}|(?:ppp|vpn|ipip|tunl|sit|ip6tnl|ip6gre|vti|xfrm)[0-9]+")

# linux/route.h: through a gateway, to one host.
_VIA_GATEWAY_TO_HOST = 0x2 | 0x4


def tunnels(ends: Mapping[int, LineEnd]) -> dict[int, str]:
    """The tunnel by which packets leave, by IP version; none where they leave directly."""
    each = ((version, tunnel_of(end)) for version, end in sorted(ends.items()))
    return {version: device for version, device in each if device is not None}


def tunnel_of(end: LineEnd) -> str | None:
    """The tunnel that packets go through which leave by this end of the line, None for none."""
    return end.device if end.device is not None and is_tunnel(end.device) else None


def nobodys_name(device: str) -> str:
    """The name of an interface, ``[device]`` for one that somebody chose.

    That may be the name of a provider, a company or a person, and sentences with it are pasted into
    forums and kept in the system's log.
    """
    return device if _NOBODYS.fullmatch(device) else "[device]"


def is_tunnel(device: str, root: Path = _ROOT) -> bool:
    """Whether an interface of this name leads into a tunnel.

    ``root`` is where the folders of the kernel's files lie; where they do not know the interface
    the kernel is asked.
    """
    if _TRANSLATOR.fullmatch(device):
        return False
    folder = root / "sys/class/net" / device
    made = _by_files(folder) if folder.is_dir() else _by_kernel(device)
    if made is None:
        return _NAMED.fullmatch(device) is not None
    return (
        made.is_tun
        or made.kind in _ENCAPSULATING
        or (made.kind == _NONE and not made.is_modem)
        or (made.kind == _PPP and _is_carried_over_ip(device, root))
    )


class _Made(NamedTuple):
    """How an interface was made, ``kind`` by the numbers of linux/if_arp.h."""

    kind: int
    is_tun: bool
    is_modem: bool


def _by_files(folder: Path) -> _Made:
    kind = _read(folder / "type").strip()
    return _Made(
        int(kind) if kind.isdecimal() else 0, (folder / "tun_flags").exists(), _is_modem(folder)
    )


def _by_kernel(device: str) -> _Made | None:
    asked = adapter(device)
    if asked is None:
        return None
    is_tun = asked.driver == _TUN
    return _Made(asked.kind, is_tun, asked.driver == _CHANNEL or bool(asked.bus))


def _is_modem(folder: Path) -> bool:
    """Whether an interface is a piece of hardware, or a channel of one that stands below it."""
    return (
        "DEVTYPE=wwan" in _read(folder / "uevent").split()
        or (folder / "device").exists()
        or any(folder.glob("lower_*"))
    )


def _is_carried_over_ip(device: str, root: Path) -> bool:
    """Whether a PPP link is that of PPTP or L2TP rather than that of a modem or of DSL.

    Its packets travel over another interface, and there the server has a route of its own.
    """
    for line in _read(root / "proc/net/route").splitlines()[1:]:
        words = line.split()
        if len(words) > 7 and words[0] != device and words[7] == "FFFFFFFF":
            flags = int(words[3], 16)
            if flags & _VIA_GATEWAY_TO_HOST == _VIA_GATEWAY_TO_HOST:
                return True
    return False


def _read(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return ""
