"""Which snapshot is in use, and that the shipped one is what its manifest says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from probe.disk.places import shipped
from probe.origin import OriginError
from probe.origin.snapshot import MANIFEST, current_manifest, read_manifest, sha256_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path))
    (tmp_path / "origin").mkdir()
    return tmp_path / "origin"


def manifest(**changed: Any) -> str:
    fields = {
        "name": "iptoasn",
        "date": "2026-11-24",
        "source": "s",
        "licence": "l",
        "table": "a.mmdb",
        "register": "a.csv",
        "sha256": {"a.mmdb": "00", "a.csv": "11"},
    }
    return json.dumps(fields | changed)


def test_shipped_files_are_what_the_manifest_says() -> None:
    """Hashes match, sources and licence are named, and inputs can be told."""
    ours = read_manifest(shipped("origin"))
    assert ours.sha256[ours.table] == sha256_of(ours.table_path)
    assert ours.sha256[ours.register] == sha256_of(ours.register_path)
    fields = json.loads((shipped("origin") / MANIFEST).read_text())
    assert fields["licence"] == "CC BY 4.0"
    assert "ip-location-db" in fields["attribution"]
    assert len(fields["inputs"]) == 4


def test_the_newer_snapshot_is_in_use(folder: Path) -> None:
    """A volunteer's update wins, until a newer release ships a newer table."""
    (folder / MANIFEST).write_text(manifest())
    assert current_manifest().id == "iptoasn@2026-11-24+00"
    (folder / MANIFEST).write_text(manifest(date="2024-01-01"))
    assert current_manifest().name == "iplocdb"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        manifest(date="soon"),
        manifest(sha256={"a.mmdb": "00"}),
        manifest(sha256=None),
    ],
    ids=lambda content: content[:20],
)
def test_a_broken_manifest_is_named(folder: Path, content: str) -> None:
    """Falling back without a word would change what records say."""
    (folder / MANIFEST).write_text(content)
    with pytest.raises(OriginError, match=r"manifest\.json"):
        current_manifest()
