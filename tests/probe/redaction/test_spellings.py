"""In how many ways one address can be written, and which address another one holds."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.redaction.spellings import held_inside, interface_identifier, spellings, told_by


@pytest.mark.parametrize(
    "text",
    [
        "2001:db8:c000:221::",
        "2001:db8:1c0:2:21::",
        "2001:db8:122:c000:2:2100::",
        "2001:db8:122:3c0:0:221::",
        "2001:db8:122:344:c0:2:2100::",
        "2001:db8:122:344::192.0.2.33",
    ],
)
def test_the_address_behind_a_translator_is_found(text: str) -> None:
    """The six examples of RFC 6052, section 2.4."""
    assert ipaddress.IPv4Address("192.0.2.33") in held_inside(ipaddress.IPv6Address(text))


@given(
    st.ip_addresses(v=4),
    st.sampled_from([32, 40, 48, 56, 64, 96]),
    st.integers(0, (1 << 128) - 1),
)
def test_any_translator_of_any_address_is_seen_through(
    inner: ipaddress.IPv4Address, length: int, noise: int
) -> None:
    """Bit by bit, whatever stands in the prefix and behind the address; bits 64 to 71 are empty."""
    at = [bit for bit in range(length, 128) if not 64 <= bit < 72][:32]
    whole = noise & ~(0xFF << 56)
    for n, bit in enumerate(at):
        mask = 1 << 127 - bit
        whole = whole | mask if int(inner) >> 31 - n & 1 else whole & ~mask
    if length == 96:
        whole |= noise & 0xFF << 56  # the prefix has these bits
    assert inner in held_inside(ipaddress.IPv6Address(whole))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2002:c000:221::7", "192.0.2.33"),
        ("2001:0:1::3fff:fdde", "192.0.2.33"),
        ("2001:db8::5efe:192.0.2.33", "192.0.2.33"),
        ("2001:db8::200:5efe:192.0.2.33", "192.0.2.33"),
        ("::192.0.2.33", "192.0.2.33"),
        ("::0.1.0.0", "0.1.0.0"),
        ("::0.0.255.255", None),
        ("::1", None),
        ("::1:0:0", None),
        ("2001:db8::400:5efe:192.0.2.33", None),
        ("2001:db8::192.0.2.33", None),
        ("192.0.2.33", None),
    ],
)
def test_an_address_that_tells_another_by_its_form(text: str, told: str | None) -> None:
    """6to4, Teredo, ISATAP and compatible; small numbers are numbers, and not addresses."""
    found = told_by(ipaddress.ip_address(text))
    assert found == (told and ipaddress.IPv4Address(told))


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("2001:db8::1", None),
        ("2001:db8::ffff:ffff", None),
        ("2001:db8::1:0:0", 1 << 32),
        ("2001:db8:1:1:8000::1", (1 << 63) + 1),
    ],
)
def test_a_number_that_somebody_chose_identifies_nobody(text: str, identifier: int | None) -> None:
    """Below 2³² it may be ::1 or ::53; the half before it is the network's."""
    assert interface_identifier(ipaddress.IPv6Address(text)) == identifier


def test_an_ipv6_address_is_looked_for_in_every_spelling() -> None:
    """Whole and short, with each joint, backwards, as a number; and its interface by itself."""
    found = set(spellings(ipaddress.ip_address("2001:db8::21a:2bff:fe3c:4d5e")))
    assert found >= {
        "2001:0db8:0000:0000:021a:2bff:fe3c:4d5e",
        "2001:db8:0:0:21a:2bff:fe3c:4d5e",
        "2001-db8-0-0-21a-2bff-fe3c-4d5e",
        "2001-db8--21a-2bff-fe3c-4d5e",
        "20010db800000000021a2bfffe3c4d5e",
        "e.5.d.4.c.3.e.f.f.f.b.2.a.1.2.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2",
        "42540766411282592857055466867606179166",
        "021a2bfffe3c4d5e",
        "21a:2bff:fe3c:4d5e",
        "00:1a:2b:3c:4d:5e",
        "001a.2b3c.4d5e",
    }
    chosen = set(spellings(ipaddress.ip_address("2001:db8::7")))
    assert chosen.isdisjoint({"0000000000000007", "0:0:0:7", "0000:0000:0000:0007"})
