"""Whom this volunteer never probes: a file of addresses and prefixes, theirs to write.

Operators ask to be left alone, and a volunteer may know places that it is wiser not to be seen
to ask for. The list holds for every command that sends. This module sends nothing itself.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from probe.disk.mishap import failure_of
from probe.disk.places import data_folder
from probe.disk.private import read_kept
from probe.origin.prefixes import PrefixMap
from probe.redaction.spellings import embedded, told_by
from probe.words.failure import BadInput
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from probe.redaction.spellings import IPAddress

Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network

# How a target is counted that the list holds.
LISTED = "do not probe"


def exclusions_file() -> Path:
    """Where the list lies: in the data folder, to be edited by hand."""
    return data_folder() / "do-not-probe.txt"


@dataclass(frozen=True)
class Exclusions:
    """Prefixes that are not probed; whether one holds an address takes no longer with many.

    >>> Exclusions((ipaddress.ip_network("192.0.2.0/24"),)).holds("192.0.2.7")
    True
    """

    prefixes: tuple[Prefix, ...] = ()

    @cached_property
    def _held(self) -> PrefixMap[bool]:
        return PrefixMap((prefix, True) for prefix in self.prefixes)

    def holds(self, address: str) -> bool:
        """Whether an address lies in any of the prefixes, or an IPv4 one that it holds does.

        >>> nobody = Exclusions((ipaddress.ip_network("192.0.2.0/24"),))
        >>> nobody.holds("64:ff9b::192.0.2.7"), nobody.holds("2001:db8::5efe:192.0.2.7")
        (True, True)
        """
        parsed = ipaddress.ip_address(address)
        inner = _inside(parsed)
        hosts = (parsed,) if inner is None else (parsed, inner[0])
        return any(self._held.get(host) for host in hosts)


def _inside(address: IPAddress) -> tuple[ipaddress.IPv4Address, int] | None:
    """The IPv4 address at which what is sent to an IPv6 one arrives, and the bit it begins at.

    That of a tunnel counts as that of a translator: Teredo and ISATAP carry theirs at the end.
    """
    told = embedded(address)
    if told is None and (end := told_by(address)) is not None:
        return end, 96
    return told


def read_exclusions(path: Path) -> Exclusions:
    """The list in a file: an address or prefix a line; what follows ``#`` is a remark.

    Of an IPv6 prefix whose addresses hold an IPv4 one, that is listed as well. No file is an
    empty list. Raises `BadInput`, naming file and line, for anything else, and the failure that an
    error of the system amounts to: a list that is only half understood would not protect anyone.
    """
    try:
        text = read_kept(path).decode("utf-8-sig")
    except FileNotFoundError:
        return Exclusions()
    except OSError as problem:
        raise failure_of(problem) or BadInput(
            _("{path} cannot be read: {reason}").format(path=path, reason=problem.strerror)
        ) from None
    except UnicodeDecodeError:
        raise BadInput(
            _("{path} is not a text file in UTF-8; nothing was sent").format(path=path)
        ) from None
    return Exclusions(tuple(_prefixes(path, text.splitlines())))


def _prefixes(path: Path, lines: Iterable[str]) -> Iterable[Prefix]:
    for number, line in enumerate(lines, 1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        try:
            prefix = ipaddress.ip_network(said, strict=False)
        except ValueError:
            raise BadInput(
                _(
                    "{path}:{number}: {said!r} is neither an address nor a prefix such as "
                    "192.0.2.0/24; mend the line, nothing was sent"
                ).format(path=path, number=number, said=said)
            ) from None
        yield prefix
        inner = _inside(prefix.network_address)
        if inner is not None and prefix.prefixlen > inner[1]:
            # Of Teredo every bit is turned, those behind the prefix as well.
            length = min(32, prefix.prefixlen - inner[1])
            yield ipaddress.ip_network((inner[0], length), strict=False)
