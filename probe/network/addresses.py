"""Addresses as the system knows them, and what it says when one cannot be reached.

All backends that touch a wire ask here, so that each refusal of the system becomes the same
sentence whoever met it. Works on any system; sends nothing.
"""

from __future__ import annotations

import errno
import functools
import ipaddress
import os
import socket
from typing import Final

from probe.network import NetworkError, NoRoute, NotPermitted
from probe.record import ip_version

FAMILY: Final = {4: socket.AF_INET, 6: socket.AF_INET6}

_NO_ROUTE: Final = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EINVAL,
    errno.ENODEV,
}
_LATER: Final = {errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM}
_DENIED: Final = {errno.EPERM, errno.EACCES}


def send_problem(error: OSError, target: str) -> Exception:
    """What a failed send means for the caller; see `probe.network.Network.send`."""
    if error.errno in _LATER:
        return BlockingIOError(error.errno, "the send buffer is full")
    if error.errno in _NO_ROUTE:
        return NoRoute(f"there is no route to {target} from here ({error.strerror})")
    if error.errno in _DENIED:
        return NotPermitted(
            f"this machine refused to send a probe to {target}, most likely its firewall: "
            "`sudo nft list ruleset` shows the rules for output"
        )
    return NetworkError(f"a probe to {target} could not be sent ({error.strerror})")


def source_towards(target: str, version: int) -> str:
    """The address of ours from which packets to this target leave; nothing is sent.

    Raises `NoRoute` or another `NetworkError` when there is none: also where only an address of
    the link is left, to which nobody beyond it can answer.
    """
    try:
        with socket.socket(FAMILY[version], socket.SOCK_DGRAM) as asked:
            asked.connect((target, 9))
            source = str(asked.getsockname()[0])
            if _is_of_the_link(source) and not _is_of_the_link(target):
                raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
            return source
    except OSError as error:
        raise send_problem(error, target) from None


def _is_of_the_link(address: str) -> bool:
    """Whether an IPv6 address is good on its link alone; IPv4 ones may be translated farther on."""
    parsed = ipaddress.ip_address(address)
    return parsed.version == 6 and parsed.is_link_local


def is_own_voice(address: str, target: str) -> bool:
    """Whether it was this machine that said that the target is out of reach.

    It does when no neighbour answers on the link. That is no hop of the path, and the own
    address must not get into a record.
    """
    if address == target:
        return False
    try:
        return address == source_towards(target, ip_version(target))
    except NetworkError:
        return False


@functools.lru_cache(maxsize=4096)
def canonical(target: str) -> tuple[int, str]:
    """IP version of an address and its text as the kernel gives it back.

    Raises `NoRoute` for what is no address.

    >>> canonical("2001:DB8:0::1")
    (6, '2001:db8::1')
    """
    version = ip_version(target)
    try:
        packed = socket.inet_pton(FAMILY[version], target)
    except OSError:
        raise NoRoute(f"{target!r} is not an IP address that can be probed") from None
    return version, socket.inet_ntop(FAMILY[version], packed)
