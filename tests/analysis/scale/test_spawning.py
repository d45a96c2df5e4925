"""Processes that share work, and a system that lets them share nothing."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.scale.spawning import processes

# However little there is to read, other processes are to read it.
_JUDGED = """
import sys
from analysis.scale import engine
from probe.cli import main
engine._ALONE = 0
main(["analyze", sys.argv[1], "--country", "KH", "--json"])
"""

_WITHOUT = 'mount -t tmpfs -o ro none /dev/shm && exec "$0" "$@"'


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("unshare") is None or not Path("/dev/shm").is_dir(),
    reason="/dev/shm can be taken away only on Linux, by unshare",
)
def test_where_nothing_can_be_shared_it_is_judged_all_the_same(short_demo: Path) -> None:
    """As in a container that is read-only: it said that another data folder would mend it."""
    judging = [sys.executable, "-c", _JUDGED, str(short_demo)]
    within = ["unshare", "--map-root-user", "--mount", "/bin/sh", "-c", _WITHOUT, *judging]
    alone, together = (
        subprocess.run(command, capture_output=True, text=True, check=False)
        for command in (within, judging)
    )
    if alone.stderr.startswith(("unshare: ", "mount: ")):
        pytest.skip(alone.stderr.strip())
    assert (alone.returncode, alone.stderr) == (0, "")
    assert json.loads(alone.stdout) == json.loads(together.stdout)


@pytest.mark.parametrize("refused", [errno.ENOENT, errno.ENOSPC, errno.ENOSYS, None])
def test_each_way_to_say_so_is_understood(
    monkeypatch: pytest.MonkeyPatch, refused: int | None
) -> None:
    """No /dev/shm, one that is full, a system or a Python without such semaphores."""

    def none(*_: object, **__: object) -> None:
        raise NotImplementedError if refused is None else OSError(refused, "no")

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", none)
    assert processes(2, print) is None


def test_who_may_open_no_more_files_is_not_helped_by_one_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It needs them to read the traces."""

    def none(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "too many")

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", none)
    with pytest.raises(OSError, match="too many"):
        processes(2, print)
