"""How an address, a hardware address or a name may be written in a text.

A provider names a line after its address with dashes, backwards, in hexadecimal or as one
number; an IPv6 address can hold an IPv4 one, or the hardware address of its interface. What is
searched for in one spelling only is found in none of the others. This module is pure: it knows
spellings, and neither traces nor whose an address is.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Interface identifiers below this are numbers that somebody chose, ::1 or ::53, alike everywhere.
_CHOSEN = 1 << 32

# Names shorter than this are looked for as words of their own: "pi" is also a part of "ping".
_WORD = 4

_DIGIT = re.compile("[0-9a-fA-F]")

# Where RFC 6052 puts an IPv4 address into an IPv6 one: the bit at which it begins. From 40 to 64
# it goes around the eight bits that stay empty, which begin at this bit.
_TRANSLATED = (32, 40, 48, 56, 64, 96)
_EMPTY = 64

# Teredo (RFC 4380): the client's IPv4 address stands at the end, every bit of it turned.
_TEREDO = ipaddress.IPv6Network("2001::/32")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")

# IPv6 blocks whose addresses hold an IPv4 address, and the bit at which it begins.
_HOLDS_IPV4 = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 96),
    (ipaddress.IPv6Network("::ffff:0:0/96"), 96),
    (_SIX_TO_FOUR, 16),
)

# ISATAP (RFC 5214): stands before the IPv4 address, with or without the bit for a unique one.
_ISATAP = 0x00005EFE


@functools.lru_cache(maxsize=1 << 14)
def parsed_address(address: str) -> IPAddress:
    """An address as text, without the zone that an IPv6 one may have."""
    return ipaddress.ip_address(address.partition("%")[0])


def spellings(address: IPAddress) -> Iterator[str]:
    """The ways an address is written, in lower case; some come twice.

    >>> found = set(spellings(ipaddress.ip_address("203.0.113.7")))
    >>> found >= {"203-0-113-7", "7.113.0.203", "203000113007", "cb007107", "3405803783"}
    True
    """
    if isinstance(address, ipaddress.IPv4Address):
        octets = list(address.packed)
        for order in (octets, octets[::-1]):
            for form, joints in (("d", ".-_"), ("03d", ("", *".-_")), ("02x", ("", *".-_:"))):
                for joint in joints:
                    yield joint.join(format(octet, form) for octet in order)
            yield str(int.from_bytes(order))
        return
    groups = address.exploded.split(":")
    for joint in (":", "-", "_", "."):
        yield joint.join(groups)
        yield joint.join(group.lstrip("0") or "0" for group in groups)
        yield str(address).replace(":", joint)
    digits = "".join(groups)
    yield digits
    for joint in (".", "-"):
        yield joint.join(reversed(digits))
    yield str(int(address))
    identifier = interface_identifier(address)
    if identifier is not None:
        yield from _spelled_identifier(identifier)
        hardware = _hardware_of(identifier)
        if hardware is not None:
            yield from _spelled_pairs(hardware)


def spellings_of_hardware(address: str) -> Iterator[str]:
    """The ways a hardware address of twelve hexadecimal digits is written, also inside IPv6.

    >>> found = set(spellings_of_hardware("1e2b3a4d5e6f"))
    >>> found >= {"1e-2b-3a-4d-5e-6f", "1e2b.3a4d.5e6f", "1c2b:3aff:fe4d:5e6f"}
    True
    """
    yield from _spelled_pairs(address)
    yield from _spelled_identifier(identifier_of_hardware(address))


def spellings_of_site(address: ipaddress.IPv6Address) -> Iterator[str]:
    """The ways the first 48 bits are written, which a provider may have given to one line.

    >>> set(spellings_of_site(ipaddress.ip_address("2001:db8:1::7"))) >= {"2001:db8:1"}
    True
    """
    groups = address.exploded.split(":")[:3]
    for joint in (":", "-", "_", "."):
        yield joint.join(groups)
        yield joint.join(group.lstrip("0") or "0" for group in groups)
    yield "".join(groups)


def interface_identifier(address: ipaddress.IPv6Address) -> int | None:
    """The half of an IPv6 address that goes with the machine; None where somebody chose it."""
    identifier = int(address) & (1 << 64) - 1
    return identifier if identifier >= _CHOSEN else None


def identifier_of_hardware(address: str) -> int:
    """The interface identifier made from a hardware address (EUI-64, RFC 4291).

    >>> f"{identifier_of_hardware('1e2b3a4d5e6f'):016x}"
    '1c2b3afffe4d5e6f'
    """
    return int(f"{address[:6]}fffe{address[6:]}", 16) ^ 1 << 57


def held_inside(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """Every IPv4 address that an IPv6 one may hold, whatever its translator's prefix is.

    NAT64 (RFC 6052), mapped and compatible addresses, ISATAP, 6to4 and Teredo.

    >>> inner = ipaddress.ip_address("203.0.113.7")
    >>> [inner in held_inside(ipaddress.ip_address(text)) for text in
    ...     ("2001:db8:cb00:7107::", "2001:db8::5efe:cb00:7107", "2001:0:1::34ff:8ef8")]
    [True, True, True]
    """
    bits = int(address)
    around = bits >> 128 - _EMPTY << _EMPTY - 8 | bits & (1 << _EMPTY - 8) - 1
    for start in _TRANSLATED:
        plain, length = (bits, 128) if start in {32, 96} else (around, 120)
        if start == _EMPTY:
            # The empty bits come first.
            yield ipaddress.IPv4Address(bits >> 128 - 72 - 32 & 0xFFFFFFFF)
        else:
            yield ipaddress.IPv4Address(plain >> length - start - 32 & 0xFFFFFFFF)
    told = told_by(address)
    if told is not None:
        yield told


def told_by(address: IPAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one is seen to be made of, by its form alone.

    6to4, Teredo, ISATAP and compatible addresses (RFC 3056, 4380, 5214, 4291).

    >>> told_by(ipaddress.ip_address("2001:db8::5efe:203.0.113.7"))
    IPv4Address('203.0.113.7')
    """
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    bits = int(address)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address(bits >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:
        return ipaddress.IPv4Address(bits & 0xFFFFFFFF ^ 0xFFFFFFFF)
    is_compatible = bits >> 32 == 0 and bits >= 1 << 16
    if is_compatible or (bits >> 32 & 0xFDFFFFFF) == _ISATAP:
        return ipaddress.IPv4Address(bits & 0xFFFFFFFF)
    return None


def translated(address: IPAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one looks to be made of by NAT64 with a prefix of its own.

    Of the usual length, 96 bits (RFC 6052); one that was written so for another reason looks alike.

    >>> translated(ipaddress.ip_address("2001:db8:64::203.0.113.7"))
    IPv4Address('203.0.113.7')
    """
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    identifier = int(address) & (1 << 64) - 1
    return ipaddress.IPv4Address(identifier) if 1 << 16 <= identifier < 1 << 32 else None


def embedded(address: IPAddress) -> tuple[ipaddress.IPv4Address, int] | None:
    """The IPv4 address inside an IPv6 one and the bit it begins at: NAT64, mapped, 6to4.

    >>> embedded(ipaddress.ip_address("64:ff9b::203.0.113.7"))
    (IPv4Address('203.0.113.7'), 96)
    """
    if isinstance(address, ipaddress.IPv6Address):
        for block, start in _HOLDS_IPV4:
            if address in block:
                bits = int(address) >> (128 - start - 32) & 0xFFFFFFFF
                return ipaddress.IPv4Address(bits), start
    return None


def anywhere(spelled: Iterable[str]) -> re.Pattern[str]:
    """Finds these spellings wherever they stand in a text, in either case.

    >>> anywhere(["cb007107"]).sub("[own]", "dyn-CB0071070.example")
    'dyn-[own]0.example'
    """
    longest_first = sorted({re.escape(text) for text in spelled}, key=lambda it: (-len(it), it))
    return re.compile("|".join(longest_first) or r"(?!)", re.IGNORECASE)


def is_whole(spelled: re.Pattern[str], text: str) -> bool:
    """Whether one of the spellings stands in a text and is no part of a longer number.

    >>> is_whole(anywhere(["10.0.0.1"]), "110.0.0.12"), is_whole(anywhere(["10.0.0.1"]), "10.0.0.1")
    (False, True)
    """
    return any(
        not (_DIGIT.match(text, found.start() - 1) if found.start() else None)
        and not _DIGIT.match(text, found.end())
        for found in spelled.finditer(text)
    )


def named(names: Iterable[str]) -> re.Pattern[str]:
    """Finds these names in a text; short ones as words of their own only.

    >>> named(["pi", "sokha"]).sub("[own]", "Sokhas pi, by ping")
    '[own]s [own], by ping'
    """
    parts = [
        re.escape(name) if len(name) >= _WORD else rf"(?<![\w-]){re.escape(name)}(?![\w-])"
        for name in sorted(names, key=lambda name: (-len(name), name))
    ]
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)


def _spelled_pairs(hardware: str) -> Iterator[str]:
    pairs = re.findall("..", hardware)
    for joint in ("", *":-._"):
        yield joint.join(pairs)
    for joint in ".-:":
        yield joint.join(re.findall("....", hardware))


def _spelled_identifier(identifier: int) -> Iterator[str]:
    digits = f"{identifier:016x}"
    groups = re.findall("....", digits)
    yield digits
    for joint in ":-_.":
        yield joint.join(groups)
        yield joint.join(group.lstrip("0") or "0" for group in groups)


def _hardware_of(identifier: int) -> str | None:
    digits = f"{identifier ^ 1 << 57:016x}"
    return digits[:6] + digits[10:] if digits[6:10] == "fffe" else None
