"""The script that makes the shipped snapshot, on tables of a few rows."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from probe.origin.register import Register
from probe.origin.tables import TableEntry, open_table
from scripts.build_origin import build, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Overlapping rows, an AS that leases blocks abroad, an AS that only IPv6 knows."""
    folder = tmp_path / "tables"
    folder.mkdir()
    contents = {
        "iplocdb_asn-ipv4_2026061719.csv.gz": (
            "36.0.0.0,36.0.255.255,1,One\n"
            '36.0.1.0,36.0.1.255,2,"Two, Inc."\n'
            "36.1.0.0,36.1.0.255,3,Three\n"
        ),
        "iplocdb_asn-ipv6_2026061719.csv.gz": (
            "2400::,2400:0:ffff:ffff:ffff:ffff:ffff:ffff,1,One\n2400:1::,2400:1::ff,4,Four\n"
        ),
        "iplocdb_asn-country-ipv4_2026061719.csv.gz": (
            "36.0.0.0,36.0.255.255,SC\n36.1.0.0,36.1.0.255,SY\n"
        ),
    }
    for name, text in contents.items():
        (folder / name).write_bytes(gzip.compress(text.encode()))
    writer = MMDBWriter(6, "country", ipv4_compatible=True)
    for prefix, country in (
        ("36.0.0.0/24", "KH"),
        ("36.0.1.0/24", "EU"),
        ("2400::/32", "US"),
        ("2400:1::/32", "LA"),
    ):
        writer.insert_network(IPSet([prefix]), {"country_code": country})
    writer.to_db_file(str(folder / "iptoasn-country.mmdb"))
    return folder


def test_what_is_built(tables: Path, tmp_path: Path) -> None:
    """Overlaps are resolved, and countries follow the AS before they follow the block.

    AS1 is Cambodian by the only of its IPv4 blocks that the AS table knows, although all its
    blocks are delegated in the Seychelles and its IPv6 is American. AS2 has no country there but
    "EU", AS3 none at all: their blocks decide. AS4 has IPv6 only.
    """
    manifest = build(tables, tmp_path / "out")
    table = open_table(manifest.table_path)
    assert table.find("36.0.0.1") == TableEntry(1, "One", "KH")
    assert table.find("36.0.1.1") == TableEntry(2, "Two, Inc.", "SC")
    assert table.find("36.0.2.1") == TableEntry(1, "One", "KH")
    assert table.find("36.1.0.1") == TableEntry(3, "Three", "SY")
    assert table.find("36.1.1.1") == TableEntry(None, None, None)
    assert table.find("2400:0:1::1") == TableEntry(1, "One", "KH")
    assert table.find("2400:1::1") == TableEntry(4, "Four", "LA")
    assert table.date == manifest.date == "2026-06-17"
    register = Register(manifest.register_path)
    one, three = register.get(1), register.get(3)
    assert one is not None
    assert one.addresses == 65_536 - 256
    assert three is not None
    assert three.prefixes == ("36.1.0.0/24",)


def test_it_is_repeatable(tables: Path, tmp_path: Path) -> None:
    """The same tables give the same bytes, manifest included."""
    for name in ("first", "second"):
        build(tables, tmp_path / name)
    names = {path.name for path in (tmp_path / "first").iterdir()}
    assert len(names) == 3
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_missing_tables_are_named(tmp_path: Path) -> None:
    """The script says which table it misses, and how to name the folder."""
    with pytest.raises(SystemExit, match=r"holds no iplocdb_asn-ipv4.*--tables"):
        build(tmp_path, tmp_path / "out")


def test_whose_tables_are_taken_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No checkout has them, so there is no folder that could be meant."""
    monkeypatch.setattr("sys.argv", ["build_origin"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert "required: --tables" in capsys.readouterr().err
