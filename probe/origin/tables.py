"""Address tables as they are found in the wild, all answering the same one question.

MaxMind, DB-IP, iptoasn and IPinfo agree on a file format and disagree on field names; pyasn has
a format of its own. What differs between them ends here. This module knows nothing of siblings,
exchanges or special blocks.
"""

from __future__ import annotations

import gzip
import re
import zlib
from contextlib import suppress
from datetime import date
from ipaddress import ip_address
from itertools import islice
from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from probe.origin.errors import OriginError, unreadable
from probe.origin.names import printable
from probe.origin.prefixes import PrefixMap
from probe.origin.reader import open_database
from probe.record import moment
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Records looked at to tell whether a table says anything about networks.
_SAMPLE = 1000

# maxminddb.InvalidDatabaseError is one.
_DAMAGED = RuntimeError

_AS_NUMBER = ("autonomous_system_number", "asn", "as_number")
_AS_NAME = ("autonomous_system_organization", "as_name", "as_organization", "name")
# Registration before location: a router is judged by who runs it, and locations are guesses.
_COUNTRY = ("registered_country", "country", "country_code")


class TableEntry(NamedTuple):
    """What a table says about an address; None is "it does not say"."""

    asn: int | None
    name: str | None
    country: str | None


UNKNOWN = TableEntry(None, None, None)


class Table(Protocol):
    """One opened table."""

    @property
    def date(self) -> str | None:
        """The day it speaks of, ISO 8601, None where the file does not say."""

    @property
    def source(self) -> str | None:
        """What the file calls itself."""

    def find(self, address: str) -> TableEntry:
        """What is said about this address, `UNKNOWN` where nothing is.

        Raises `OriginError` when the file turns out to be damaged.
        """


def _as_number(value: object) -> int | None:
    if isinstance(value, str):
        digits = value.upper().removeprefix("AS")
        value = int(digits) if digits.isdecimal() else None
    return value if isinstance(value, int) and 0 < value < 2**32 else None


def _country_code(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("iso_code")
    if isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha():
        return value.upper()
    return None


def _text(value: object) -> str | None:
    return printable(value) if isinstance(value, str) else None


def entry_of(record: object) -> TableEntry:
    """Read one record of any known shape.

    >>> entry_of({"asn": "AS15169", "as_name": "Google LLC", "country": "US"})
    TableEntry(asn=15169, name='Google LLC', country='US')
    >>> entry_of({"country": {"iso_code": "KH"}, "registered_country": {"iso_code": "SG"}})
    TableEntry(asn=None, name=None, country='SG')
    >>> entry_of("anything else")
    TableEntry(asn=None, name=None, country=None)
    """
    if not isinstance(record, dict):
        return UNKNOWN
    asns = (_as_number(record.get(key)) for key in _AS_NUMBER)
    names = (_text(record.get(key)) for key in _AS_NAME)
    countries = (_country_code(record.get(key)) for key in _COUNTRY)
    return TableEntry(
        asn=next(filter(None, asns), None),
        name=next(filter(None, names), None),
        country=next(filter(None, countries), None),
    )


class MaxMindTable:
    """A table in MaxMind's format, whoever made it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._reader = open_database(path)
            records: Iterator[Any] = iter(self._reader)
            speaks = any(entry_of(record) != UNKNOWN for _, record in islice(records, _SAMPLE))
        except OSError as problem:
            raise unreadable(path, problem) from None
        except (_DAMAGED, ValueError, TypeError, IndexError):
            raise OriginError(
                _(
                    "{path} is not a MaxMind database; give an .mmdb file or a pyasn .dat file"
                ).format(path=path)
            ) from None
        if not speaks:
            raise OriginError(
                _(
                    "{path} holds neither AS numbers nor countries; give an ASN or country database"
                ).format(path=path)
            )

    @property
    def date(self) -> str | None:
        built = self._reader.metadata().build_epoch
        when = moment(built) if built else None
        return when.date().isoformat() if when else None

    @property
    def source(self) -> str | None:
        return self._reader.metadata().database_type or None

    def find(self, address: str) -> TableEntry:
        try:
            return entry_of(self._reader.get(address))
        except _DAMAGED:
            raise OriginError(
                _("{path} is damaged; fetch it again (gatewatch data update)").format(
                    path=self._path
                )
            ) from None
        except ValueError:
            # An IPv6 address asked of a table that holds IPv4 only.
            return UNKNOWN


# PREFIX, tab, AS number. Several numbers, or one in two parts (RFC 5396), are not taken for one.
_ROUTE = re.compile(r"^([\da-fA-F.:]+)/(\d{1,3})\t(\d{1,10})[ \r]*$", re.ASCII | re.MULTILINE)
_NO_ROUTE = re.compile(rf"^(?![;#]|$|{_ROUTE.pattern[1:]})", re.ASCII | re.MULTILINE)
_LAST_AS = (1 << 32) - 1


class PyasnTable:
    """A pyasn table: prefixes and AS numbers of one day, no names, no countries.

    pyasn reads it where it is installed. That exists as source in C alone, and many machines lack
    the compiler or Python's headers; there the same lines are read into a map of our own.
    """

    def __init__(self, path: Path) -> None:
        try:
            packed = path.read_bytes()
            text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
        except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError):
            raise OriginError(
                _("{path} is not a pyasn table, or it is cut short").format(path=path)
            ) from None
        except OSError as problem:
            raise unreadable(path, problem) from None
        head = text[:4096].splitlines()
        try:
            if _NO_ROUTE.search(text):
                raise ValueError
            if not _ROUTE.search(text):
                raise OriginError(
                    _("{path} is not a pyasn table: it holds no prefix").format(path=path)
                )
            self._origin_of = _lookup(text)
        except (RuntimeError, ValueError):
            raise OriginError(
                _("{path} is not a pyasn table, whose lines are PREFIX, tab, AS number").format(
                    path=path
                )
            ) from None
        self._header = "\n".join(line for line in head if line.startswith(";"))

    @property
    def date(self) -> str | None:
        # Its header names the RIB it was made from: rib.20140523.0600.bz2
        named = re.search(r"\b((?:19|20)\d\d)(\d\d)(\d\d)[.\d]*", self._header)
        with suppress(ValueError):
            return date.fromisoformat("-".join(named.groups())).isoformat() if named else None
        return None

    @property
    def source(self) -> str | None:
        return "pyasn"

    def find(self, address: str) -> TableEntry:
        return TableEntry(self._origin_of(address) or None, None, None)


def _lookup(text: str) -> Callable[[str], int | None]:
    """What tells the AS number of an address. Raises RuntimeError or ValueError for no routes."""
    try:
        import pyasn  # noqa: PLC0415 - where it could be built
    except ImportError:
        routes = PrefixMap.of_numbers(_routes(text))
        return lambda address: routes.get(ip_address(address))
    table = pyasn.pyasn(None, ipasn_string=text)
    return lambda address: table.lookup(address)[0]


def _routes(text: str) -> Iterator[tuple[int, int, int, int]]:
    """Of each line: version of IP, address, length of the prefix, AS number. Raises ValueError."""
    for written in _ROUTE.finditer(text):
        address, length, asn = written[1], int(written[2]), int(written[3])
        version, family, longest = (6, AF_INET6, 128) if ":" in address else (4, AF_INET, 32)
        if not (0 < length <= longest and 0 < asn <= _LAST_AS):
            raise ValueError(written[0])
        try:
            yield version, int.from_bytes(inet_pton(family, address)), length, asn
        except OSError:
            raise ValueError(written[0]) from None


def open_table(path: Path) -> Table:
    """Open a table by what its name ends in: ``.dat`` or ``.dat.gz`` is pyasn's, else MaxMind's.

    Raises `OriginError`.
    """
    if not path.is_file():
        raise OriginError(
            _("{path} is not there; name an .mmdb file or a pyasn .dat file").format(path=path)
        )
    if path.name.endswith((".dat", ".dat.gz")):
        return PyasnTable(path)
    return MaxMindTable(path)
