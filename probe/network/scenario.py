"""Networks as data: a TOML file that people can read, and the paths it describes.

The engine's tests are such files, played in memory and, the same ones, with real packets. A file
that cannot be played is refused by place, in one sentence, because a typing error in a test would
otherwise look like a fault of what it tests. It knows nothing of sessions and of whoever plays.
"""

from __future__ import annotations

import bisect
import ipaddress
import itertools
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from probe.network import Kind, Method
from probe.network.simulated import SimulatedNetwork
from probe.network.ways import (
    DARK,
    REWRITABLE,
    SILENT,
    End,
    Extension,
    Interface,
    Label,
    Way,
    chance,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class ScenarioError(ValueError):
    """A scenario that cannot be played; the message names the file, the path and the hop."""


@dataclass(frozen=True, slots=True)
class _Balancer:
    """Where a path forks: the flow decides which branch its packets take.

    A branch of weight 3 gets three times as many as one of weight 1. One that is `per_packet`
    decides anew for each packet.
    """

    branches: tuple[tuple[Interface | _Balancer, ...], ...]
    weights: tuple[float, ...]
    per_packet: bool = False

    def choose(self, key: str, packet: int) -> int:
        """The number of the branch; `key` is what the router hashes."""
        lot = chance(key, "packet", packet) if self.per_packet else chance(key)
        bounds = list(itertools.accumulate(self.weights))
        return bisect.bisect_right(bounds, lot * bounds[-1], hi=len(bounds) - 1)


_Line = tuple["Interface | _Balancer", ...]


def _choose(line: Iterable[Interface | _Balancer], key: str, packet: int) -> tuple[Interface, ...]:
    hops: list[Interface] = []
    for position, hop in enumerate(line):
        if isinstance(hop, Interface):
            hops.append(hop)
        else:
            branch = hop.choose(f"{key} {position}", packet)
            hops.extend(_choose(hop.branches[branch], f"{key} {position}.{branch}", packet))
    return tuple(hops)


def _spreads_packets(line: Iterable[Interface | _Balancer]) -> bool:
    return any(
        hop.per_packet or any(_spreads_packets(branch) for branch in hop.branches)
        for hop in line
        if isinstance(hop, _Balancer)
    )


@dataclass(frozen=True, slots=True)
class _Path:
    to: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    line: _Line
    end: End
    loop: int

    def way(self, target: str, key: str) -> Way:
        end = self.end
        if end is not DARK and end.interface.address is None:
            end = replace(end, interface=replace(end.interface, address=target))

        def nth(packet: int) -> Way:
            return Way(_choose(self.line, key, packet), end, self.loop)

        first = nth(0)
        return replace(first, anew=nth) if _spreads_packets(self.line) else first


@dataclass(frozen=True, slots=True)
class Scenario:
    """A network as data. `network()` makes a fresh one, with nothing sent and nothing lost yet."""

    paths: tuple[_Path, ...]
    seed: int
    jitter: float

    def way(self, target: str, flow: int) -> Way | None:
        """The way of one flow to a target, by the longest prefix it lies in; None: no route."""
        address = ipaddress.ip_address(target)
        fitting = [
            (prefix.prefixlen, path)
            for path in self.paths
            for prefix in path.to
            if prefix.version == address.version and address in prefix
        ]
        if not fitting:
            return None
        _, path = max(fitting, key=lambda found: found[0])
        return path.way(target, f"{self.seed} {target} {flow}")

    def network(self) -> SimulatedNetwork:
        """The network in memory that these ways make."""
        return SimulatedNetwork(self.way, seed=self.seed, jitter=self.jitter)


# What a scenario may say of anybody who answers, of routers on the way, and of the end.
_INTERFACE_KEYS = (
    "address", "rtt", "loss", "copies", "per_second", "answers", "reply_ttl", "back", "quote",
    "mpls", "extensions", "declared", "forged", "strays", "later",
)  # fmt: skip
_HOP_KEYS = (*_INTERFACE_KEYS, "forwards_zero", "counts_down", "tos", "rewrites")
_END_KEYS = (*_INTERFACE_KEYS, "unreachable", "closed")

_UNREACHABLE = {4: ("N", "H", "P", "p", "A"), 6: ("N", "H", "P", "p", "A", "h")}

# The shortest quote that RFC 792 allows: the IP header and eight bytes.
_SHORTEST_QUOTE = {4: 28, 6: 48}


class _Reader:
    """Turns the tables of a scenario into paths; `where` is what an error calls the place."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, what: str) -> ScenarioError:
        return ScenarioError(f"{self.where}: {what}")

    def at(self, place: str) -> _Reader:
        return _Reader(f"{self.where}, {place}")

    def check_keys(self, table: dict[str, Any], allowed: Iterable[str]) -> None:
        unknown = sorted(set(table) - set(allowed))
        if unknown:
            raise self.fail(f"unknown key {unknown[0]!r}")

    def address(self, value: object, version: int) -> str:
        try:
            address = ipaddress.ip_address(str(value))
        except ValueError:
            raise self.fail(f"not an address: {value!r}") from None
        if address.version != version:
            raise self.fail(f"{address} is not IPv{version} as the path is")
        return str(address)

    def milliseconds(self, value: object) -> tuple[float | None, ...]:
        values: list[Any] = value if isinstance(value, list) else [value]
        read = [None if one == "*" else one for one in values]
        if not read or not all(
            one is None or (isinstance(one, int | float) and not isinstance(one, bool) and one >= 0)
            for one in read
        ):
            raise self.fail(f"rtt is milliseconds, or a list of them and '*', not {value!r}")
        return tuple(None if one is None else float(one) for one in read)

    def number(self, table: dict[str, Any], key: str, default: float | None) -> float | None:
        value = table.get(key, default)
        if value is not None and (not isinstance(value, int | float) or value < 0):
            raise self.fail(f"{key} is a number from 0 up, not {value!r}")
        return value

    def whole(self, value: object, what: str, lowest: int, highest: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self.fail(f"{what} is a whole number from {lowest} to {highest}, not {value!r}")
        return value

    def flag(self, table: dict[str, Any], key: str, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(f"{key} is true or false, not {value!r}")
        return value

    def names(self, table: dict[str, Any], key: str, known: Iterable[str]) -> frozenset[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(name in known for name in value):
            raise self.fail(f"{key} is a list of {', '.join(known)}, not {value!r}")
        return frozenset(value)

    def reply_ttl(self, value: object) -> int | Literal["mirrored"] | None:
        if value is None or value == "mirrored":
            return value
        return self.whole(value, "reply_ttl is 'mirrored' or", 1, 255)

    def labels(self, value: object) -> tuple[Label, ...]:
        read = []
        for entry in value if isinstance(value, list) else [value]:
            table = entry if isinstance(entry, dict) else {"label": entry}
            self.check_keys(table, Label._fields)
            read.append(
                Label(
                    self.whole(table.get("label"), "a label", 0, 2**20 - 1),
                    self.whole(table.get("exp", 0), "exp of a label", 0, 7),
                    self.whole(table.get("ttl", 1), "ttl of a label", 0, 255),
                )
            )
        return tuple(read)

    def extensions(self, value: object) -> tuple[Extension, ...]:
        read = []
        for entry in value if isinstance(value, list) else [value]:
            if not isinstance(entry, dict):
                raise self.fail(f"an extension is a table, not {entry!r}")
            self.check_keys(entry, ("class", "type", "data"))
            try:
                payload = bytes.fromhex(entry.get("data", ""))
            except (TypeError, ValueError):
                raise self.fail(f"data is hexadecimal, not {entry['data']!r}") from None
            if len(payload) % 4:
                raise self.fail("data is whole words of four bytes")
            number, kind = (
                self.whole(entry.get(key), f"{key} of an extension", 0, 255)
                for key in ("class", "type")
            )
            read.append(Extension(number, kind, payload))
        return tuple(read)

    def interface(self, table: dict[str, Any], version: int) -> Interface:
        if "rtt" not in table:
            raise self.fail("no rtt")
        answers = self.names(table, "answers", list(Method)) if "answers" in table else Method
        return Interface(
            self.address(table["address"], version) if "address" in table else None,
            self.milliseconds(table["rtt"]),
            self.number(table, "loss", 0.0) or 0.0,
            int(self.number(table, "copies", 1) or 1),
            self.number(table, "per_second", None),
            frozenset(Method(name) for name in answers),
            self.reply_ttl(table.get("reply_ttl")),
            self.whole(table.get("back", 0), "back", 0, 255),
            self.whole(table["quote"], "quote", _SHORTEST_QUOTE[version], 1500)
            if "quote" in table
            else None,
            self.labels(table.get("mpls", [])),
            self.extensions(table.get("extensions", [])),
            self.flag(table, "declared", True),
            self.flag(table, "forwards_zero", False),
            self.flag(table, "counts_down", True),
            self.whole(table["tos"], "tos", 1, 255) if "tos" in table else None,
            self.names(table, "rewrites", REWRITABLE),
            self.address(table["forged"], version) if "forged" in table else None,
            self.whole(table.get("strays", 0), "strays", 0, 1000),
            tuple(self.address(one, version) for one in table.get("later", ())),
        )

    def line(self, value: object, version: int) -> _Line:
        if not isinstance(value, list):
            raise self.fail("hops is a list")
        hops: list[Interface | _Balancer] = []
        for number, hop in enumerate(value, 1):
            here = self.at(f"hop {number}")
            if hop == "*":
                hops.append(SILENT)
            elif isinstance(hop, list):
                hops.append(here.balancer({"branches": hop}, version))
            elif isinstance(hop, dict) and "branches" in hop:
                hops.append(here.balancer(hop, version))
            elif isinstance(hop, dict):
                hops.append(here.router(hop, version))
            else:
                raise here.fail(f"a hop is a table, '*' or a list of branches, not {hop!r}")
        return tuple(hops)

    def router(self, table: dict[str, Any], version: int) -> Interface:
        self.check_keys(table, _HOP_KEYS)
        if table.get("counts_down") is False:
            return self.interface({"rtt": 0, **table}, version)
        if "address" not in table:
            raise self.fail("no address; a hop that never answers is written '*'")
        return self.interface(table, version)

    def balancer(self, table: dict[str, Any], version: int) -> _Balancer:
        self.check_keys(table, ("branches", "weights", "per"))
        branches = table["branches"]
        if not isinstance(branches, list) or not branches:
            raise self.fail("a load balancer without branches")
        weights = table.get("weights", [1] * len(branches))
        if (
            not isinstance(weights, list)
            or len(weights) != len(branches)
            or not all(isinstance(weight, int | float) and weight > 0 for weight in weights)
        ):
            raise self.fail(f"weights are {len(branches)} numbers above 0, not {weights!r}")
        per = table.get("per", "flow")
        if per not in {"flow", "packet"}:
            raise self.fail(f"per is 'flow' or 'packet', not {per!r}")
        return _Balancer(
            tuple(
                self.at(f"branch {n}").line(branch, version) for n, branch in enumerate(branches, 1)
            ),
            tuple(weights),
            per == "packet",
        )

    def path(self, table: dict[str, Any]) -> _Path:
        self.check_keys(table, ("to", "hops", "end"))
        to = table.get("to", [])
        try:
            prefixes = tuple(
                ipaddress.ip_network(one) for one in ([to] if isinstance(to, str) else to)
            )
        except ValueError as problem:
            raise self.fail(f"to is a prefix or a list of them ({problem})") from None
        versions = {prefix.version for prefix in prefixes}
        if len(versions) != 1:
            raise self.fail("to names prefixes of one IP version")
        version = versions.pop()
        line = self.line(table.get("hops", []), version)
        if "end" not in table:
            raise self.fail("no end")
        end = table["end"]
        if isinstance(end, dict) and "loop" in end:
            self.at("end").check_keys(end, ("loop",))
            return _Path(prefixes, line, DARK, self.at("end").loop(end["loop"], len(line)))
        return _Path(prefixes, line, self.at("end").end(end, version), 0)

    def end(self, value: object, version: int) -> End:
        if value == "dark":
            return DARK
        if not isinstance(value, dict):
            raise self.fail(f"a table or 'dark', not {value!r}")
        self.check_keys(value, _END_KEYS)
        err = value.get("unreachable")
        if err is not None:
            letters = _UNREACHABLE[version]
            if err not in letters:
                self.whole(err, f"unreachable is one of {', '.join(letters)} or", 0, 255)
            if "address" not in value:
                raise self.fail("unreachable needs the address of the router that says so")
        return End(
            # Without an address here it is the target's own, filled in per target.
            self.interface(value, version),
            Kind.DESTINATION if err is None else Kind.UNREACHABLE,
            err,
            self.flag(value, "closed", False),
        )

    def loop(self, value: object, length: int) -> int:
        if not isinstance(value, int) or not 1 <= value <= length:
            raise self.fail(f"loop is how many of the {length} hops go round, not {value!r}")
        return value


def load(source: Path | str) -> Scenario:
    """Read a scenario from a TOML file, or from TOML text.

    A scenario has `seed` and `jitter` (milliseconds), both optional, and one ``[[path]]`` per
    way: `to` (a prefix or several), `hops`, nearest first, and `end`.

    A hop is ``"*"`` where nothing ever answers; a list of lists of hops for a load balancer,
    whose branch the flow decides, or a table of these lists as `branches` with `weights` or
    ``per = "packet"``; else a table with `address` and `rtt` and perhaps, each as in
    `probe.network.ways.Interface`: `loss`, `copies`, `per_second`, `answers` (the methods it
    heeds), `reply_ttl`, `back`, `quote` (bytes), `mpls` (labels, or tables of `label`, `exp` and
    `ttl`), `extensions` (tables of `class`, `type` and hexadecimal `data`), ``declared = false``,
    `forged`, `strays`, `later` (addresses), and of what it passes on `forwards_zero`,
    ``counts_down = false`` (which needs nothing besides), `tos`, `rewrites` (names of fields).

    The end is ``"dark"``; or ``{loop = n}``, in which the last n hops pass the probe round; or a
    table of `rtt` and the same as above, `address` where another than the target answers, and
    ``closed = true`` for a port that answers by a reset, or `unreachable`: the code, N, H, P, p,
    A, h or a number, with which the router of this address refuses.

    ``[[trace]]`` is left to whoever plays the scenario. Raises `ScenarioError` when it is not
    that.

    >>> scenario = load('''
    ... [[path]]
    ... to = "203.0.113.0/24"
    ... hops = [{ address = "192.0.2.1", rtt = 1 }, "*"]
    ... end = { rtt = 5 }
    ... ''')
    >>> [hop.address for hop in scenario.way("203.0.113.7", flow=0).hops]
    ['192.0.2.1', None]
    """
    if isinstance(source, Path):
        name, text = source.name, source.read_text(encoding="utf-8")
    else:
        name, text = "scenario", source
    reader = _Reader(name)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise reader.fail(f"not TOML ({problem})") from None
    reader.check_keys(table, ("description", "seed", "jitter", "path", "trace"))
    paths = table.get("path", [])
    if not paths:
        raise reader.fail("no [[path]]")
    return Scenario(
        tuple(reader.at(f"path {number}").path(path) for number, path in enumerate(paths, 1)),
        int(table.get("seed", 0)),
        float(table.get("jitter", 0.0)),
    )
