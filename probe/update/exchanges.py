"""The peering LANs that PeeringDB lists, fetched, and put in the place of those fetched before.

This module knows nothing of address tables.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probe.disk.private import replace_file
from probe.origin.lists import Exchange
from probe.origin.names import printable
from probe.update.download import fetch, set_aside
from probe.words.failure import BadInput
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

EXCHANGES = "https://www.peeringdb.com/api/"
EXCHANGE_FILES = ("ixpfx", "ixlan", "ix")

# PeeringDB lists some 2,500 peering-LAN prefixes.
_FEWEST_LANS = 500


def fetch_exchanges(base: str, proxy: str | None) -> list[Exchange]:
    """Fetch the peering LANs that PeeringDB lists, by exchange; from below ``base``, as `fetch`.

    Its terms allow this use, and no redistribution. Raises `Offline` or `BadInput`; nothing
    outlasts the call.
    """
    prefixes, lans, exchanges = (_objects(base + name, proxy) for name in EXCHANGE_FILES)
    source = f"PeeringDB, {datetime.now(UTC).date().isoformat()}"
    try:
        exchange_of = {lan["id"]: lan["ix_id"] for lan in lans}
        networks: defaultdict[int, set[IPv4Network | IPv6Network]] = defaultdict(set)
        for prefix in prefixes:
            networks[exchange_of.get(prefix["ixlan_id"], 0)].add(
                ip_network(prefix["prefix"], strict=False)
            )
        found = [
            Exchange(
                name=_text(one["name"]),
                country=_text(one["country"]),
                city=_text(one["city"]),
                prefixes=tuple(sorted(networks[one["id"]], key=str)),
                operator_asn=None,
                watch=False,
                source=source,
            )
            for one in sorted(exchanges, key=lambda one: int(one["id"]))
            if one["id"] in networks
        ]
    except (KeyError, TypeError, ValueError) as problem:
        raise BadInput(
            _(
                "{base} does not answer in PeeringDB's form ({reason}); the list in use stays"
            ).format(base=base, reason=problem)
        ) from problem
    count = sum(len(one.prefixes) for one in found)
    if count < _FEWEST_LANS:
        raise BadInput(
            _(
                "{base}: only {count} peering LANs, where there are over "
                "{fewest_lans}; the list in use stays"
            ).format(base=base, count=count, fewest_lans=_FEWEST_LANS)
        )
    return found


def _objects(url: str, proxy: str | None) -> list[dict[str, Any]]:
    with set_aside() as file:
        fetch(url, file, proxy)
        content = file.read()
    try:
        return list(json.loads(content)["data"])
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise BadInput(
            _("{url} is not PeeringDB's JSON; the list in use stays").format(url=url)
        ) from problem


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no name")
    return printable(value)


def install_exchanges(path: Path, exchanges: Iterable[Exchange]) -> None:
    """Put these exchanges in the place of the list at ``path``; the list that ships goes before it.

    Raises OSError where it cannot be written, after which the old list is still in use.
    """
    replace_file(path, "".join(map(_toml, exchanges)))


def _toml(exchange: Exchange) -> str:
    fields = {
        "name": _quoted(exchange.name),
        "country": _quoted(exchange.country),
        "city": _quoted(exchange.city),
        "prefixes": f"[{', '.join(_quoted(str(prefix)) for prefix in exchange.prefixes)}]",
        "source": _quoted(exchange.source),
    }
    return "[[exchange]]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items()) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string; of printable text it is as JSON has it."""
    return json.dumps(text, ensure_ascii=False)
