"""Files that a command writes: whose they are, and what is there of them when a disk fails."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.commands.outputs import written
from probe.words.failure import PartlyDone
from tests.harness.nobody import in_a_container, needs_root

ROOT = Path(__file__).parents[3]


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


_MIDWAY = """
import sys
from pathlib import Path
from analysis.commands.outputs import written

with written(Path(sys.argv[1])) as unfinished:
    unfinished.write_text("half")
    print(unfinished, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_call_left_goes_with_the_next_and_what_a_live_one_writes_stays(
    tmp_path: Path,
) -> None:
    """Nobody looks for hidden files; they would hold what volunteers measured for good."""
    page = tmp_path / "page.html"
    told = [sys.executable, "-c", _MIDWAY, str(page)]
    rooted = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=rooted
    ) as live:
        assert live.stdout is not None
        half = Path(live.stdout.readline().rstrip())
        with written(page) as unfinished:
            unfinished.write_text("whole", encoding="utf-8")
        assert half.read_text(encoding="utf-8") == "half"
        live.kill()
    strange = tmp_path / ".gatewatch-mine"
    strange.mkdir()
    assert half.exists()
    with written(page) as unfinished:
        unfinished.write_text("anew", encoding="utf-8")
    assert page.read_text(encoding="utf-8") == "anew"
    assert set(tmp_path.iterdir()) == {page, strange}


@needs_root
def test_whose_file_nobody_of_a_container_is_it_is_replaced_all_the_same(tmp_path: Path) -> None:
    """The root of a container without root knows no number of its owner."""
    tmp_path.chmod(0o777)
    report = tmp_path / "report.html"
    report.touch()
    os.chown(report, 54321, 54321)
    in_a_container(
        "from analysis.commands.outputs import written\n"
        "with written(folder / 'report.html') as new: new.write_text('new')",
        tmp_path,
    )
    assert report.read_text(encoding="utf-8") == "new"
