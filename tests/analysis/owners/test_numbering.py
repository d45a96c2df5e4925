"""Which block stands for an address, and which blocks everybody uses."""

from __future__ import annotations

import pytest

from analysis.owners.numbering import block_of, is_commonplace, is_nobodys


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("10.20.7.0", "10.20.7.0/24"),
        ("10.20.7.255", "10.20.7.0/24"),
        ("fd12:3456:789a:ffff::1", "fd12:3456:789a::/48"),
        ("::", "::/48"),
        ("::ffff:10.20.7.9", "10.20.7.0/24"),
        ("64:ff9b::a14:709", "10.20.7.0/24"),
        ("64:ff9b:1::a14:709", "64:ff9b:1::/48"),
    ],
)
def test_blocks_are_24_bits_of_ipv4_and_48_of_ipv6(address: str, block: str) -> None:
    """The unit of what nobody announces."""
    assert block_of(address) == block


@pytest.mark.parametrize(
    ("block", "commonplace"),
    [
        ("10.0.0.0/24", True),
        ("10.0.1.0/24", True),
        ("10.0.2.0/24", False),
        ("192.168.250.0/24", True),
        ("100.64.0.0/24", True),
        ("100.64.2.0/24", False),
        ("172.16.1.0/24", True),
        ("172.20.0.0/24", False),
        ("45.1.2.0/24", False),
        ("169.254.7.0/24", True),
        ("192.0.0.0/24", True),
        ("198.19.255.0/24", True),
        ("203.0.113.0/24", True),
        ("240.0.0.0/24", False),
        ("fe80::/48", True),
        ("fd00::/48", True),
        ("fd00:0:1::/48", False),
        ("64:ff9b::/48", True),
        ("64:ff9b:1::/48", True),
    ],
)
def test_factory_settings_are_commonplace(block: str, *, commonplace: bool) -> None:
    """Blocks that come with the box prove nothing when two networks use them."""
    assert is_commonplace(block) is commonplace


@pytest.mark.parametrize(
    ("asn", "nobodys"),
    [
        (0, True),
        (1, False),
        (23455, False),
        (23456, True),
        (64495, False),
        (64496, True),
        (65551, True),
        (65552, False),
        (4_199_999_999, False),
        (4_200_000_000, True),
        (4_294_967_295, True),
    ],
)
def test_as_numbers_of_nobody(asn: int, *, nobodys: bool) -> None:
    """The edges of IANA's ranges."""
    assert is_nobodys(asn) is nobodys
