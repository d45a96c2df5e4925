"""Files that a command writes: whose they are, and what is there of them when a disk fails."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from analysis.commands.outputs import written
from probe.words.failure import PartlyDone
from tests.nobody import needs_root

if TYPE_CHECKING:
    from pathlib import Path


@needs_root
def test_what_root_writes_over_stays_whose_it_was(tmp_path: Path) -> None:
    """Its owner called the command by sudo, and could not write over the page again."""
    page = tmp_path / "page.html"
    page.write_text("old", encoding="utf-8")
    page.chmod(0o640)
    os.chown(page, 65534, 65533)
    with written(page) as unfinished:
        unfinished.write_text("new", encoding="utf-8")
    found = page.stat()
    assert page.read_text(encoding="utf-8") == "new"
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (65534, 65533, 0o640)


def test_what_the_disk_does_not_take_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of last week is better than one of which a power cut leaves the name alone."""
    page = tmp_path / "page.html"
    page.write_text("old", encoding="utf-8")

    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(PartlyDone, match=f"the disk fails at {page}"), written(page) as unfinished:
        unfinished.write_text("new", encoding="utf-8")
    assert page.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [page]
