"""Which code judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.scale import edition


def written(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "package"
    for name, source in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(source, encoding="utf-8")
    return package


ONE = {"a.py": "x = 1\n", "inner/b.py": ""}


def test_the_same_code_elsewhere_has_the_same_hash(tmp_path: Path) -> None:
    """And what is no module of it changes nothing."""
    here, there = (written(tmp_path / name, ONE) for name in ("here", "there"))
    (there / "a.txt").write_text("notes", encoding="utf-8")
    assert edition._hash_of(here) == edition._hash_of(there)


@pytest.mark.parametrize(
    "other",
    [ONE | {"a.py": "x = 2\n"}, ONE | {"c.py": ""}, {"a.py": "x = 1\n", "inner/c.py": ""}],
    ids=["a line", "a module more", "another name"],
)
def test_other_code_has_another_hash(other: dict[str, str], tmp_path: Path) -> None:
    """Whatever differs."""
    here, there = written(tmp_path / "here", ONE), written(tmp_path / "there", other)
    assert edition._hash_of(here) != edition._hash_of(there)
