"""Which interfaces lead into a tunnel, by what the kernel says of them."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from probe.vantage.ground import LineEnd
from probe.vantage.tunnel import is_tunnel, nobodys_name, tunnels

_ROUTES = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
_DEFAULT = "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"
_SERVER = "eth0\t077100CB\t0101A8C0\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"
_POINT = "eth0\t077100CB\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"


def interface(root: Path, name: str, kind: str = "1", **files: str) -> Path:
    """The kernel's files about an interface; gives the folder that stands for /."""
    folder = root / "sys/class/net" / name
    folder.mkdir(parents=True)
    for file, text in {"type": kind, "uevent": f"INTERFACE={name}", **files}.items():
        (folder / file).write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    ("name", "kind", "files", "expected"),
    [
        ("eth0", "1", {}, False),
        ("wlan0", "1", {"uevent": "DEVTYPE=wlan\nINTERFACE=wlan0"}, False),
        ("tun0", "65534", {"tun_flags": "0x1001"}, True),
        ("tap0", "1", {"tun_flags": "0x1002"}, True),
        ("home", "65534", {"uevent": "DEVTYPE=wireguard\nINTERFACE=home"}, True),
        ("tun0", "65534", {"uevent": "DEVTYPE=ovpn\nINTERFACE=tun0"}, True),
        ("ipsec0", "65534", {}, True),
        ("wwan0", "65534", {"uevent": "DEVTYPE=wwan\nINTERFACE=wwan0"}, False),
        ("wwan1", "65534", {"device": ""}, False),
        ("qmimux0", "65534", {"lower_wwan0": ""}, False),
        ("he-ipv6", "776", {}, True),
        ("gre1", "778", {}, True),
        ("clat", "65534", {"tun_flags": "0x1001"}, False),
        ("v4-rmnet0", "65534", {"tun_flags": "0x1001"}, False),
        # A name alone tells nothing where the kernel tells.
        ("utun3", "1", {}, False),
    ],
)
def test_the_kind_of_an_interface_tells(
    tmp_path: Path, name: str, kind: str, files: dict[str, str], expected: bool
) -> None:
    """TUN, TAP, WireGuard, OpenVPN and IPsec in the kernel and encapsulations are.

    Ethernet, mobile and 464XLAT are not.
    """
    assert is_tunnel(name, interface(tmp_path, name, kind, **files)) == expected


@pytest.mark.parametrize(
    ("routes", "expected"),
    [(_DEFAULT, False), (_DEFAULT + _SERVER, True), (_DEFAULT + _POINT, False), ("", False)],
)
def test_ppp_is_a_tunnel_where_it_is_carried_over_ip(
    tmp_path: Path, routes: str, expected: bool
) -> None:
    """DSL and modems speak PPP as well; PPTP and L2TP have a route to their server beside it."""
    root = interface(tmp_path, "ppp0", "512")
    (root / "proc/net").mkdir(parents=True)
    (root / "proc/net/route").write_text(_ROUTES + routes)
    assert is_tunnel("ppp0", root) == expected


@pytest.mark.parametrize(("name", "expected"), [("utun3", True), ("en0", False), ("wg0", True)])
def test_where_the_kernel_lists_no_kinds_the_name_tells(
    tmp_path: Path, name: str, expected: bool
) -> None:
    """As on macOS."""
    assert is_tunnel(name, tmp_path) == expected


def test_loopback_is_none_and_an_unknown_device_neither() -> None:
    """Of this very machine."""
    network = ipaddress.ip_network("127.0.0.0/8")
    ends = {4: LineEnd("127.0.0.1", network, "lo", 0), 6: LineEnd("::1", None, None, None)}
    assert tunnels(ends) == {}
    assert not is_tunnel("no-such-device")


@pytest.mark.parametrize(
    ("device", "shown"),
    [
        ("tun0", "tun0"),
        ("utun12", "utun12"),
        ("ppp0", "ppp0"),
        ("vpn0", "vpn0"),
        ("proton0", "[device]"),
        ("wg-sokha", "[device]"),
        ("sokha_wg0", "[device]"),
        ("tun\u0661", "[device]"),
    ],
)
def test_a_name_that_somebody_chose_is_not_shown(device: str, shown: str) -> None:
    """It may be that of a provider, a company or a person; a kind with a number is nobody's."""
    assert nobodys_name(device) == shown
