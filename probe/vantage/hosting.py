"""Networks in which nobody has a line of their own: those of rented servers and of VPN services.

The list ships (``data/hosting.toml``); this module reads it and decides nothing.
"""

from __future__ import annotations

from functools import cache

from probe.disk.places import shipped


@cache
def hosting_networks() -> frozenset[int]:
    """The AS numbers of such networks.

    >>> 9009 in hosting_networks()
    True
    """
    import tomllib  # noqa: PLC0415 - asked for once a run

    entries = tomllib.loads(shipped("hosting.toml").read_text(encoding="utf-8"))["hosting"]
    return frozenset(asn for entry in entries for asn in entry["asns"])
