"""Whether a machine takes in packets to the IPv6 addresses that it was given.

The kernel makes an address at once, but the local route to it a moment later, in a queue of its own
that a busy machine lets wait; until then what comes for it is lost. This module reads the two files
below /proc/net that tell.
"""

from __future__ import annotations

import time
from pathlib import Path

_TENTATIVE = 0x40
_LINK = "20"
_LOCAL = 0x80000000
_OWN = Path("/proc/thread-self/net")


def usable(if_inet6: str, ipv6_route: str, links: int = 0) -> bool:
    """Whether every address has its local route, with a link-local one on so many links."""
    addresses = [line.split() for line in if_inet6.splitlines() if line.strip()]
    routes = [line.split() for line in ipv6_route.splitlines() if line.strip()]
    local = {route[0] for route in routes if int(route[8], 16) & _LOCAL}
    return sum(row[3] == _LINK for row in addresses) >= links and all(
        row[0] in local and not int(row[4], 16) & _TENTATIVE for row in addresses
    )


def await_own_addresses(seconds: float = 10.0) -> None:
    """Return once that is so in this thread's network; `TimeoutError` where it will not be."""
    deadline = time.monotonic() + seconds
    while not usable((_OWN / "if_inet6").read_text(), (_OWN / "ipv6_route").read_text()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no local route to each IPv6 address after {seconds:g} s")
        time.sleep(0.001)
