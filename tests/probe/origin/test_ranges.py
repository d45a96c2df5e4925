"""From overlapping rows to ranges that do not, and to the table written of them."""

from __future__ import annotations

import io
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import maxminddb
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPNetwork, IPSet

from probe.origin.mmdb import write_table
from probe.origin.ranges import (
    V4_END,
    Range,
    blocks,
    countries_by_weight,
    disjoint,
    prefix_text,
    registrations,
)

if TYPE_CHECKING:
    from pathlib import Path

small_ranges = st.lists(
    st.builds(
        lambda first, length, asn: Range(first, first + length, asn),
        st.integers(0, 60),
        st.integers(0, 20),
        st.integers(1, 4),
    ),
    max_size=12,
)


@given(small_ranges)
def test_the_shortest_range_has_the_address(ranges: list[Range]) -> None:
    """Every address goes to the shortest range that holds it, and no address is in two."""
    result = disjoint(ranges)
    assert all(a.last < b.first for a, b in pairwise(result))
    for address in range(82):
        holders = [one for one in ranges if one.first <= address <= one.last]
        owner = min(((one.last - one.first, one.asn) for one in holders), default=(0, None))[1]
        said = next((one.asn for one in result if one.first <= address <= one.last), None)
        assert said == owner


@given(small_ranges, st.randoms(use_true_random=False))
def test_order_does_not_matter(ranges: list[Range], random: Any) -> None:
    """Published rows in another order give the same table."""
    shuffled = list(ranges)
    random.shuffle(shuffled)
    assert disjoint(shuffled) == disjoint(ranges)


def test_the_overlap_of_the_real_table() -> None:
    """AS749's row runs into AS721's by 65,536 addresses; the shorter row keeps them."""
    wide = Range(int(IPv4Address("214.95.0.0")), int(IPv4Address("215.0.255.255")), 749)
    narrow = Range(int(IPv4Address("215.0.0.0")), int(IPv4Address("215.1.3.255")), 721)
    assert disjoint([wide, narrow]) == [
        Range(wide.first, int(IPv4Address("214.255.255.255")), 749),
        narrow,
    ]


@given(st.integers(0, 1 << 128), st.integers(0, 1 << 40))
def test_prefixes_cover_a_range_exactly(first: int, length: int) -> None:
    """They are aligned, follow one another and end where the range ends."""
    expected = first
    for start, free in blocks(first, first + length):
        assert start == expected
        assert start % (1 << free) == 0
        expected = start + (1 << free)
    assert expected == first + length + 1


def test_prefixes_are_written_by_version() -> None:
    """The lower end of the number line is IPv4."""
    assert prefix_text(int(IPv4Address("36.37.128.0")), 15) == "36.37.128.0/17"
    assert prefix_text(int(IPv6Address("2001:db8::")), 96) == "2001:db8::/32"


def test_registrations_list_the_largest_prefixes() -> None:
    """Addresses are counted over IPv4 only; prefixes are the largest, IPv4 first."""
    base, v6 = int(IPv4Address("36.0.0.0")), int(IPv6Address("2400::"))
    rows = registrations(
        [
            Range(base, base + 255, 7),
            Range(base + 1024, base + 2047, 7),
            Range(v6, v6 + (1 << 96) - 1, 7),
            Range(v6 + (1 << 96), v6 + (1 << 97) - 1, 8),
        ],
        {7: "seven", 8: "eight"},
        {7: "KH"},
    )
    assert rows[0] == (7, "seven", "KH", 1280, ("36.0.4.0/22", "36.0.0.0/24", "2400::/32"))
    assert rows[1] == (8, "eight", None, 0, ("2400:1::/32",))


def test_level_countries_are_settled_by_the_alphabet() -> None:
    """The order of votes does not decide."""
    assert countries_by_weight([(1, "US", 5), (1, "KH", 5)]) == {1: "KH"}
    assert countries_by_weight([(1, "KH", 5), (1, "US", 5)]) == {1: "KH"}


v4_addresses = st.integers(0, V4_END - 1)
v6_addresses = st.integers(int(IPv6Address("2000::")), int(IPv6Address("3fff::")))
wide_ranges = st.lists(
    st.one_of(
        st.builds(
            lambda first, bits, asn: Range(first, min(V4_END - 1, first + (1 << bits)), asn),
            v4_addresses,
            st.integers(0, 30),
            st.integers(1, 2**32 - 1),
        ),
        st.builds(
            lambda first, bits, asn: Range(first, first + (1 << bits), asn),
            v6_addresses,
            st.integers(0, 110),
            st.integers(1, 2**32 - 1),
        ),
    ),
    max_size=20,
)


def _read(path: Path, addresses: set[int]) -> list[Any]:
    with maxminddb.open_database(path) as reader:
        return [
            reader.get(str(IPv4Address(one) if one < V4_END else IPv6Address(one)))
            for one in sorted(addresses)
        ]


@settings(max_examples=60)
@given(wide_ranges)
def test_our_writer_agrees_with_the_librarys(tmp_path_factory: Any, ranges: list[Range]) -> None:
    """At every edge of every range both files give the same record."""
    folder = tmp_path_factory.mktemp("agree")
    settled = disjoint(ranges)
    with (folder / "ours.mmdb").open("wb") as file:
        write_table(
            file,
            settled,
            lambda asn: (f"Netz {asn % 5} ü" if asn % 3 else None, "KH" if asn % 2 else None),
            kind="test",
            description="test",
            epoch=1,
        )
    writer = MMDBWriter(6, "test", ipv4_compatible=True, int_type="u32")
    for one in settled:
        record: dict[str, Any] = {"autonomous_system_number": one.asn}
        if one.asn % 3:
            record["autonomous_system_organization"] = f"Netz {one.asn % 5} ü"
        if one.asn % 2:
            record["country"] = {"iso_code": "KH"}
        prefixes = [IPNetwork(prefix_text(*block)) for block in blocks(one.first, one.last)]
        writer.insert_network(IPSet(prefixes), record)
    writer.to_db_file(str(folder / "library.mmdb"))
    edges = {
        edge
        for one in settled
        for edge in (one.first - 1, one.first, one.last, one.last + 1)
        if 0 <= edge != V4_END
    } | {0}
    assert _read(folder / "ours.mmdb", edges) == _read(folder / "library.mmdb", edges)


def test_long_names_and_many_strings(tmp_path: Path) -> None:
    """Names of every length the format encodes differently, and pointers of every size."""
    names = {asn: f"{asn} " + "x" * (asn % 400) for asn in range(1, 6000)}
    path = tmp_path / "long.mmdb"
    with path.open("wb") as file:
        write_table(
            file,
            [Range(asn << 8, (asn << 8) + 255, asn) for asn in names],
            lambda asn: (names[asn], "KH"),
            kind="test",
            description="test",
            epoch=1_781_654_400,
        )
    with maxminddb.open_database(path) as reader:
        assert reader.metadata().build_epoch == 1_781_654_400
        for asn, name in names.items():
            assert reader.get(str(IPv4Address((asn << 8) + 7))) == {
                "autonomous_system_number": asn,
                "autonomous_system_organization": name,
                "country": {"iso_code": "KH"},
            }


def test_equal_input_gives_equal_bytes() -> None:
    """Nothing of the machine or the moment is in the file."""
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        write_table(
            file,
            [Range(1 << 24, (1 << 24) + 255, 7)],
            lambda asn: ("seven", None),
            kind="test",
            description="test",
            epoch=5,
        )
    assert files[0].getvalue() == files[1].getvalue()
