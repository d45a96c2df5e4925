"""The search that other tests trust: it finds what was hidden, wherever it was hidden."""

from __future__ import annotations

import base64
import io
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.harness.searching import spelled, told_by_files

OWN = "203.0.113.7"


def in_tar(path: Path) -> None:
    packed = zstandard.compress(OWN.encode() * 9)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo("traces.jsonl.zst")
        member.size = len(packed)
        archive.addfile(member, io.BytesIO(packed))


def in_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE seen (number INTEGER)")
        database.execute("INSERT INTO seen VALUES (?)", [int.from_bytes(bytes([203, 0, 113, 7]))])
    database.close()


def in_parquet(path: Path) -> None:
    pq.write_table(pa.table({"from": [OWN] * 99}), path, compression="zstd")


def in_metadata(path: Path) -> None:
    table = pa.table({"n": [1]}).replace_schema_metadata({"machine": OWN})
    pq.write_table(table, path)


@pytest.mark.parametrize("hide", [in_tar, in_sqlite, in_parquet, in_metadata])
def test_what_is_packed_is_found(tmp_path: Path, hide: Callable[[Path], None]) -> None:
    """Inside zstd in a tar, as a number in SQLite, in pages and in metadata of Parquet."""
    hide(tmp_path / "file")
    assert told_by_files([OWN, "198.51.100.9"], tmp_path) == {"file": {OWN}}


@pytest.mark.parametrize("before", [b"", b"a", b"ab"])
@pytest.mark.parametrize("secret", [OWN.encode(), bytes([203, 0, 113, 7])])
def test_base64_is_found_wherever_it_begins(before: bytes, secret: bytes) -> None:
    """Its digits depend on how many bytes stand before it."""
    text = base64.b64encode(before + secret + b"after")
    assert any(spelling in text for spelling in spelled(OWN))
