"""What may not be looked at is not taken for absent, whatever Python's pathlib makes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from probe.disk.presence import is_file, is_folder, is_there, nearest
from probe.disk.readonly import is_read_only
from tests.harness.nobody import holds_for_nobody, needs_root

QUESTIONS = [is_there, is_folder, is_file]


def test_what_is_there_is_told_by_its_kind(tmp_path: Path) -> None:
    """Links are followed."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    assert [asked(tmp_path / "file") for asked in QUESTIONS] == [True, False, True]
    assert [asked(tmp_path) for asked in QUESTIONS] == [True, True, False]
    assert [asked(tmp_path / "link") for asked in QUESTIONS] == [True, True, False]


@pytest.mark.parametrize("asked", QUESTIONS)
def test_nothing_is_there(asked: Callable[[Path], bool], tmp_path: Path) -> None:
    """No such name, a name below a file, a link to itself, a name that none can have."""
    (tmp_path / "file").touch()
    (tmp_path / "ring").symlink_to("ring")
    for name in ("absent", "file/below", "ring", "a\0b"):
        assert not asked(tmp_path / name)


@pytest.mark.parametrize("asked", QUESTIONS)
def test_what_cannot_be_looked_at_is_no_answer(asked: Callable[[Path], bool]) -> None:
    """Here a name longer than any file system takes."""
    with pytest.raises(OSError, match="too long"):
        asked(Path("a" * 300))


@needs_root
@pytest.mark.parametrize("asked", QUESTIONS)
def test_a_folder_of_another_user_is_not_empty(
    asked: Callable[[Path], bool], tmp_path: Path
) -> None:
    """Below a folder that one may not enter anything may be."""
    (tmp_path / "closed").mkdir(mode=0o700)

    def is_refused() -> bool:
        with pytest.raises(PermissionError):
            asked(tmp_path / "closed" / "file")
        return True

    assert holds_for_nobody(is_refused)


@needs_root
def test_the_nearest_is_the_folder_behind_which_nobody_may_look() -> None:
    """As for root on a share that takes it for nobody: no traceback, nor a read-only disk."""
    with tempfile.TemporaryDirectory() as street:  # others may not pass through pytest's
        Path(street).chmod(0o755)
        closed = Path(street, "closed")
        closed.mkdir(mode=0o700)
        beyond = closed / "data" / "outbox"
        assert holds_for_nobody(lambda: nearest(beyond) == closed)
        assert holds_for_nobody(lambda: not is_read_only(beyond))
