"""The register of AS numbers: the same whether it is read whole or a line at a time."""

from __future__ import annotations

import csv
import errno
import os
import sys
import tracemalloc
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.origin.errors import OriginError, unreadable
from probe.origin.names import printable
from probe.origin.register import Register, Registration, write_register
from probe.origin.snapshot import current_manifest

COUNTRIES = (None, "KH", "VN", "US")

# Names that look like fields, and what a registry lets pass.
NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ['1,KH,2,,"', "A,KH,B", '"quoted"', "two\nlines", "7,VN,9", " Space ", "Réseau"]
    ),
)
ROWS = st.lists(
    st.builds(
        Registration,
        st.integers(0, 2**32 - 1),
        NAMES,
        st.sampled_from(COUNTRIES),
        st.integers(0, 2**32),
        st.lists(st.sampled_from(["36.37.128.0/17", "2001:db8::/32"]), max_size=3).map(tuple),
    ),
    max_size=40,
    unique_by=lambda row: row.asn,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("register") / "asns.csv"


@given(ROWS, st.booleans(), st.integers(0, 2**32 - 1))
def test_each_line_is_found(path: Path, rows: list[Registration], torn: bool, other: int) -> None:
    """By number and by country, whatever names look like, and if the last line has no end."""
    write_register(path, rows)
    if torn:
        path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    wanted = [row._replace(name=printable(row.name)) for row in sorted(rows)]
    register = Register(path)
    assert [register.get(row.asn) for row in wanted] == wanted
    assert register.get(other) == next((row for row in wanted if row.asn == other), None)
    for row in wanted:
        assert register.asns(row.name) == [one.asn for one in wanted if one.name == row.name]
    for country in ("KH", "VN", "LA"):
        there = [row for row in wanted if row.country == country]
        assert register.registered_in(country) == there
        by_size = sorted(there, key=lambda row: (-row.addresses, row.asn))
        assert register.largest_in(country, 3) == (by_size[:3], len(by_size[3:]))


def test_the_one_that_ships_is_found_line_by_line() -> None:
    """Some of all numbers, and the numbers of some countries."""
    path = current_manifest().register_path
    register = Register(path)
    by_country: dict[str, list[int]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for number, country, _, _, name in csv.reader(file):
            asn = int(number)
            by_country[country].append(asn)
            if asn % 97 == 0:
                found = register.get(asn)
                assert found is not None
                assert (found.asn, found.name) == (asn, printable(name))
                assert found.country == (country or None)
                assert asn in register.asns(found.name)
    assert len(by_country) > 200
    for country in ("KH", "VN", "AQ", "US"):
        assert [row.asn for row in register.registered_in(country)] == by_country[country]


def test_a_volunteers_machine_holds_no_more_than_it_asks_for() -> None:
    """All registrations take more memory than all else of a run."""
    tracemalloc.start()
    register = Register(current_manifest().register_path)
    assert register.get(38623) is not None
    assert len(register.registered_in("KH")) > 80
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/smaps is Linux's")
def test_what_was_asked_for_is_not_held_for_good(tmp_path: Path) -> None:
    """Of a file that is mapped, pages that were looked at count as memory of the process."""
    path = tmp_path / "asns.csv"
    write_register(path, (Registration(asn, "A" * 80, "KH", 1, ()) for asn in range(40_000)))
    register, size = Register(path), path.stat().st_size
    for asn in range(0, 40_000, 10):
        assert register.get(asn) is not None
    held = 0
    with Path("/proc/self/smaps").open(encoding="utf-8") as maps:
        for line in maps:
            if line.endswith(f"{path}\n"):
                held += next(int(more.split()[1]) for more in maps if more.startswith("Rss:"))
    assert held * 1024 < size / 4


@pytest.mark.parametrize(
    "line", [b"no number,KH,1,,A", b"7,KH", b"7,KH,many,,A", b"7,KH,1,,\xff", b""]
)
def test_a_damaged_line_is_told_when_it_is_met(path: Path, line: bytes) -> None:
    """With what mends it; whoever asks for nothing near it is answered."""
    path.write_bytes(b"1,US,1,,One\n" + line + b"\n")
    register = Register(path)
    with pytest.raises(OriginError, match="is damaged; run 'gatewatch data update'"):
        register.get(7)


def test_a_size_that_is_no_number_is_told_where_the_largest_are_asked_for(path: Path) -> None:
    """Else the largest network could be left out, and nobody would know."""
    path.write_bytes(b"1,KH,1,,One\n7,KH,many,,A\n")
    with pytest.raises(OriginError, match="is damaged; run 'gatewatch data update'"):
        Register(path).largest_in("KH", 1)


@pytest.mark.parametrize("end", [b"7", b"7,KH", b"7,KH,1", b"7,KH,1,36.37.128.0/17"])
def test_a_file_that_breaks_off_is_told_where_all_of_it_is_gone_through(
    path: Path, end: bytes
) -> None:
    """Else a country would be short of networks, and nobody would know."""
    path.write_bytes(b"1,US,1,,One\n" + end)
    register = Register(path)
    for ask in (register.asns, register.registered_in):
        with pytest.raises(OriginError, match="is damaged; run 'gatewatch data update'"):
            ask("KH")


def test_a_register_that_is_not_there_is_named(path: Path) -> None:
    """And an empty one has nobody."""
    with pytest.raises(OriginError, match=r"none\.csv cannot be read: No such file"):
        Register(path.with_name("none.csv"))
    path.write_bytes(b"")
    assert Register(path).get(1) is None


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_limit_on_files_or_memory_is_no_damage_of_a_table(number: int, tmp_path: Path) -> None:
    """Whose turn it is when the limit is met does not matter: the code is always the same."""
    limit = OSError(number, os.strerror(number), "table")
    assert unreadable(tmp_path, limit) is limit
    assert isinstance(unreadable(tmp_path, OSError(errno.EIO, "I/O error")), OriginError)
