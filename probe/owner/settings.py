"""What the owner of this machine has set: one small TOML file in the data folder, read as a whole.

A setting that is misspelt and passed over in silence could send a volunteer's traces where they
should not go, or past the limit that somebody pays for. So every key is known or refused, every
value is checked here, and one sentence names the file, the line and the remedy. This module knows
nothing of what the settings are used for.
"""

from __future__ import annotations

import io
import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from probe.disk.places import data_folder, shipped
from probe.disk.private import open_kept
from probe.origin.names import AS_NUMBERS, as_number
from probe.words.failure import BadInput
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROXIES = ("http", "https", "socks5h")
_PORTS = range(1, 65536)


def settings_file(folder: Path | None = None) -> Path:
    """Where the settings lie: in this user's data folder or another one, to be edited by hand."""
    return (folder or data_folder()) / "settings.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be set; None is "not set".

    ``country`` is where this machine is (ISO 3166), as for ``run --country``. ``access_as`` is the
    AS number of its provider, for where that cannot be told.
    ``collector`` is the address that bundles are sent to, ``collector_key`` the public key (64
    hexadecimal digits) that its receipts must be signed with, ``collector_certificate`` a PEM file
    with the certificate that it shows, where no public authority signed it. ``proxy`` is what
    `submit` and `data update` go through. ``daily_megabytes`` and ``monthly_megabytes`` are what
    scheduled runs may send. ``keep_accepted_days`` is after how many days `submit` deletes here
    what a collector has accepted.
    """

    country: str | None = None
    access_as: int | None = None
    collector: str | None = None
    collector_key: str | None = None
    collector_certificate: str | None = None
    proxy: str | None = None
    daily_megabytes: float | None = None
    monthly_megabytes: float | None = None
    keep_accepted_days: int | None = None


# A century.
MOST_DAYS = 36_500


class _Refused(ValueError):
    """A value that cannot be; carries what it has to be."""


def read_settings(path: Path | None = None) -> Settings:
    """The settings in a file, in that of the data folder by default; no file sets nothing.

    Raises `BadInput`, naming file and line, for a key that is not known and for a value that
    cannot be used: settings that are only half understood would not be the owner's.
    """
    path = path or settings_file()
    try:
        with io.TextIOWrapper(open_kept(path), encoding="utf-8-sig") as file:
            text = file.read()
    except FileNotFoundError:
        return Settings()
    except UnicodeDecodeError:
        raise BadInput(
            _("{path} is not a text file in UTF-8; save it as one").format(path=path)
        ) from None
    import tomllib  # noqa: PLC0415 - who has set nothing does not wait for it

    try:
        said = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        line = re.search(r"at line (\d+)", str(problem))
        number = int(line[1]) if line else text.count("\n") + 1
        raise BadInput(
            _(
                '{path}:{line}: cannot be read as TOML; a setting looks like collector = "https://…"'
            ).format(path=path, line=number)
        ) from None
    values = {}
    for key, value in said.items():
        check = _CHECKS.get(key)
        where = f"{path}:{_line_of(key, text)}"
        if check is None:
            raise BadInput(
                _("{where}: there is no setting {key!r}; there are {known}").format(
                    where=where, key=key, known=", ".join(sorted(_CHECKS))
                )
            )
        try:
            values[key] = check(value)
        except _Refused as wanted:
            raise BadInput(
                _("{where}: {key} is {value!r}; it has to be {wanted}").format(
                    where=where,
                    key=key,
                    value=without_password(value) if isinstance(value, str) else value,
                    wanted=wanted,
                )
            ) from None
    return Settings(**values)


def without_password(address: str) -> str:
    """An address as it is said: the user and the password in it are not repeated.

    >>> without_password("socks5h://me:secret@127.0.0.1")
    'socks5h://…@127.0.0.1'
    """
    return re.sub("^(.*?//)?.*@", r"\1…@", address)


def _line_of(key: str, text: str) -> int:
    """The line on which a key stands, the first where it cannot be found."""
    starts = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next(
        (number for number, line in enumerate(text.splitlines(), 1) if starts.match(line)), 1
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost.example.org")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_onion(host: str) -> bool:
    """Whether a host is an onion service, which only Tor can reach; however the name is written.

    It is read as the resolver here would ask for it (RFC 3490).

    >>> is_onion("abc.Onion."), is_onion("abc。onion"), is_onion("onion.example.org")
    (True, True, False)
    """
    with suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    return host.lower().removesuffix(".").endswith(".onion")


def collector_address(value: object) -> str:
    """The address of a collector, without a slash at its end.

    Only https, since what lies between could read along; http is for a collector on this machine,
    and for an onion service, where Tor does what TLS does elsewhere.

    >>> collector_address("https://collect.example.org/")
    'https://collect.example.org'
    """
    wanted = _Refused(
        _(
            "an address such as https://collect.example.org "
            "(http only for one on this machine, or an .onion)"
        )
    )
    if not isinstance(value, str):
        raise wanted
    host = _host_of(value, ("http", "https"), wanted)
    parts = urlsplit(value)
    bare = parts.scheme == "http" and not (is_loopback(host) or is_onion(host))
    if bare or parts.query or parts.fragment:
        raise wanted
    return value.rstrip("/")


def _proxy(value: object) -> str:
    wanted = _Refused(
        _(
            "an address such as socks5h://127.0.0.1:9050 for Tor or http://192.0.2.1:3128; with "
            "socks5h names are looked up through the proxy, socks5 would ask the resolver here"
        )
    )
    if not isinstance(value, str):
        raise wanted
    _host_of(value, PROXIES, wanted)
    parts = urlsplit(value)
    if parts.port is None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise wanted
    return value.rstrip("/")


def _host_of(value: str, schemes: tuple[str, ...], wanted: _Refused) -> str:
    try:
        parts = urlsplit(value)
        if parts.scheme in schemes and parts.hostname and (parts.port or 80) in _PORTS:
            return parts.hostname
    except ValueError:
        pass
    raise wanted


def public_key(value: object) -> str:
    """A public key in hexadecimal digits, in small letters."""
    if not isinstance(value, str) or not re.fullmatch("[0-9A-Fa-f]{64}", value):
        raise _Refused(_("64 hexadecimal digits, as `gatewatch collect` prints them"))
    return value.lower()


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _Refused(_("the name of a file, in quotes"))
    return value


def _megabytes(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise _Refused(_("a number of megabytes above 0"))
    return float(value)


def _days(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_DAYS:
        raise _Refused(_("a whole number of days above 0"))
    return value


def _country(value: object) -> str:
    from probe.origin.lists import read_continents  # noqa: PLC0415 - only who has set it waits

    code = value.upper() if isinstance(value, str) else None
    if code is None or code not in read_continents(shipped("continents.toml")):
        raise _Refused(_("a country code of two letters, such as KH"))
    return code


def _access_as(value: object) -> int:
    number = as_number(value) if isinstance(value, str) else value
    if type(number) is not int or not 0 < number < AS_NUMBERS:
        raise _Refused(_('the AS number of your provider, such as "AS38623"'))
    return number


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "country": _country,
    "access_as": _access_as,
    "collector": collector_address,
    "collector_key": public_key,
    "collector_certificate": _text,
    "proxy": _proxy,
    "daily_megabytes": _megabytes,
    "monthly_megabytes": _megabytes,
    "keep_accepted_days": _days,
}
