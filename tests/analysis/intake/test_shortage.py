"""Where the system lets no more files be open, no file is to blame, and none is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.descriptors import error_without_descriptors


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("from analysis.intake.load import load", "load([str(path)])"),
        ("from analysis.intake.inputs import find_files", "find_files([str(path.parent)])"),
        ("from analysis.intake.eyeballs import read_eyeballs", "read_eyeballs(path, 'KH')"),
        ("from analysis.intake.rib import read_rib", "read_rib(path, bool)"),
        ("from analysis.owners.organisations import read_siblings", "read_siblings([path])"),
        ("from analysis.basis.dated import tables_in", "tables_in(path.parent)"),
    ],
    ids=["traces", "a folder", "users", "a routing table", "siblings", "tables"],
)
def test_no_file_is_to_blame_for_a_shortage(tmp_path: Path, imports: str, call: str) -> None:
    """Another file would not mend it, but another limit: that is said, with its own code."""
    path = tmp_path / "mine.jsonl"
    path.write_text("{}\n")
    assert error_without_descriptors(imports, call, path) == "Too many open files\n"
