"""The options that several commands share, so that they are spelled and explained once."""

from __future__ import annotations

import math
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from probe.engine.horizon import RATE_CAP
from probe.network import Method
from probe.network.backend import BACKENDS
from probe.network.capture import Capture
from probe.origin import OriginError
from probe.origin.names import as_number
from probe.words.failure import BadInput, Failure
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from probe.network import Tap
    from probe.origin import Origin

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


# Packets a second that nobody needs a permission for.
RATE = 20.0

# Megabytes a day: some ten runs over the list that ships.
BUDGET = 5.0


class _Range(click.FloatRange):
    """A range in which "nan" is not: that is neither below nor above any limit, so it is none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See `click.ParamType.convert`."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(_("{value!r} is no number").format(value=value), param, ctx)
        return number


def _together(*options: Decorator) -> Decorator:
    """One decorator of several, whose options the help lists in this order."""

    def of(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return of


# The options of commands that send: method, backend, IP version, address table.
probing = _together(
    click.option(
        "--method",
        type=click.Choice(["auto", *(method.value for method in Method)], case_sensitive=False),
        default="auto",
        show_default=True,
        help="What the probes are. TCP needs raw sockets.",
    ),
    click.option(
        "--backend",
        type=click.Choice(BACKENDS),
        default="auto",
        show_default=True,
        help="Raw sockets, the error queue, which needs no privileges, or libpcap, which "
        "passes by this machine's firewall. Auto: on Linux raw where allowed, else the "
        "error queue; elsewhere libpcap.",
    ),
    click.option(
        "--pcap",
        "capture",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Also keep each packet sent or received in this new file, as evidence for an "
        "expert whom you trust: not redacted, with your own address.",
    ),
    click.option("-4", "version", flag_value=4, type=int, help="IPv4 only."),
    click.option("-6", "version", flag_value=6, type=int, help="IPv6 only."),
    click.option(
        "--origin",
        "table",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The address table to use: an .mmdb, or a .dat of pyasn.",
    ),
)


@contextmanager
def capture(path: Path | None, apart_from: Iterable[Path]) -> Iterator[Tap | None]:
    """The tap that keeps raw packets in a file, where one was asked for; says so at the end.

    Raises `Failure` where the file may not or cannot be made.
    """
    if path is None:
        yield None
        return
    kept = Capture(path, apart_from)
    try:
        yield kept.keep
    finally:
        kept.close()
        if kept.count:
            click.echo(
                ngettext(
                    "{path} holds the {count} packet sent: it is not redacted and shows your own "
                    "address; give it to nobody but an expert whom you trust, and delete it then",
                    "{path} holds the {count} packets sent and received: they are not "
                    "redacted and show your own address; give them to nobody but an expert "
                    "whom you trust, and delete them then",
                    kept.count,
                ).format(path=path, count=kept.count),
                err=True,
            )


# The options of commands that send: how fast, how much, and to whom.
courtesy = _together(
    click.option(
        "--rate",
        type=_Range(0.1),
        metavar="NUMBER",
        default=RATE,
        show_default=True,
        help=f"Packets per second, {RATE_CAP:.0f} at most.",
    ),
    click.option(
        "--budget",
        type=_Range(0, min_open=True),
        metavar="NUMBER",
        default=BUDGET,
        show_default=True,
        help="Megabytes that may be sent in a day (UTC), by all commands together.",
    ),
    click.option(
        "--i-run-this-network",
        "own_network",
        is_flag=True,
        help="Allow private targets and any rate: only in a network that is yours.",
    ),
)


# The options of looking for parallel paths: where, and how thoroughly.
multipath = _together(
    click.option(
        "--multipath",
        type=click.Choice(["border", "full", "off"]),
        default="border",
        show_default=True,
        help="Where to look for parallel paths of load balancers: around the border, once "
        "for each link that crosses it; on the full path; or nowhere.",
    ),
    click.option(
        "--confidence",
        type=click.Choice(["95", "99"]),
        default="95",
        show_default=True,
        callback=lambda _, __, value: int(value),
        help="How sure to be, in percent, that no next hop of a router is missed where "
        "parallel paths are looked for: 99 takes about a third more packets there.",
    ),
)


def check_rate(rate: float, *, own_network: bool) -> None:
    """Refuse a rate that is too fast for networks of others, as a wrong use."""
    if rate > RATE_CAP and not own_network:
        raise Failure(
            _(
                "--rate is {rate_cap:.0f} at most, unless the network is yours and you "
                "say so with --i-run-this-network"
            ).format(rate_cap=RATE_CAP)
        )


def country(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Check a country code for its form (ISO 3166 alpha-2)."""
    if value is None:
        return None
    if not re.fullmatch("[A-Za-z]{2}", value):
        raise click.BadParameter(
            _("{value!r} is not a country code of two letters, such as KH").format(value=value)
        )
    return value.upper()


def autonomous_system(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> int | None:
    """Read an AS number, with or without the letters AS."""
    if value is None:
        return None
    number = as_number(value)
    if number is None:
        raise click.BadParameter(
            _("{value!r} is not an AS number, such as AS38623").format(value=value)
        )
    return number


@contextmanager
def _said_of_tables() -> Iterator[None]:
    try:
        yield
    except OriginError as problem:
        raise BadInput(str(problem)) from problem


def address_table(path: Path | None) -> Origin:
    """Open the address table; raises `BadInput` for a file that is none."""
    from probe.origin import open_origin  # noqa: PLC0415 - `trace` has it done in the background

    with _said_of_tables():
        return open_origin(path)


def look_for_table() -> None:
    """Raise `BadInput` where the table in use is not whole; to open it takes longer."""
    from probe.origin.snapshot import current_manifest  # noqa: PLC0415 - as above

    with _said_of_tables():
        current_manifest()


def identify(origin: Origin) -> str:
    """Which table it is, by its bytes; raises `BadInput` where they are there no more."""
    with _said_of_tables():
        return origin.snapshot.id


def known_country(code: str | None, origin: Origin) -> None:
    """Check that there is such a country; a wrong use where there is none."""
    if code is not None and origin.continent(code) is None:
        raise click.BadParameter(
            _("{code!r} is no country code; use two letters of ISO 3166, such as KH").format(
                code=code
            ),
            param_hint="--country",
        )


def method(name: str) -> Method | None:
    """The method of this name, None for ``auto``."""
    return None if name == "auto" else Method(name)
