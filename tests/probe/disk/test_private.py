"""Files that are replaced whole, and that only their owner may read."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from probe.disk.private import (
    UNFINISHED,
    make_folder,
    move_into_place,
    naming,
    open_new,
    open_private,
    read_kept,
    remove_file,
    replace_file,
    sweep_unfinished,
    sync_folder,
    try_to_write,
)
from tests.harness.descriptors import file_of
from tests.harness.nobody import holds_for_nobody, in_a_container, needs_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOMEBODY = 54321


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def careless() -> Iterator[None]:
    """Whoever runs the program lets everybody read what it makes."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless")
def test_nobody_else_may_read_what_is_made(tmp_path: Path) -> None:
    """Whatever the umask says; what was there keeps the mode that its owner gave it."""
    folder = tmp_path / "data" / "spool"
    replace_file(folder / "state", "1")
    os.close(open_private(folder / "lock"))
    os.close(open_new(folder / "fresh", os.O_WRONLY))
    assert mode(folder) == 0o700
    assert [mode(path) for path in sorted(folder.iterdir())] == [0o600] * 3
    (folder / "lock").chmod(0o640)
    os.close(open_private(folder / "lock"))
    assert mode(folder / "lock") == 0o640
    with pytest.raises(FileExistsError):
        open_new(folder / "lock", os.O_WRONLY)


def test_a_file_that_is_opened_is_not_handed_to_programs_that_are_started(tmp_path: Path) -> None:
    """Neither a new one nor one that was there."""
    for _ in range(2):
        file = open_private(tmp_path / "lock")
        assert not os.get_inheritable(file)
        os.write(file, b"as it was")
        os.close(file)
    assert (tmp_path / "lock").read_bytes() == b"as it was"


@needs_root
@pytest.mark.parametrize(
    "make",
    [
        lambda path: replace_file(path, b"1"),
        lambda path: os.close(open_private(path)),
        lambda path: os.close(open_new(path, os.O_WRONLY)),
        make_folder,
    ],
    ids=["replace_file", "open_private", "open_new", "make_folder"],
)
def test_what_root_makes_belongs_to_whose_folder_it_is(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """Under sudo the user has to read it afterwards, and the folders on the way to it."""
    os.chown(tmp_path, SOMEBODY, SOMEBODY)
    make_folder(tmp_path / "a" / "b")
    make(tmp_path / "a" / "b" / "made")
    for made in ("a", "a/b", "a/b/made"):
        owner = (tmp_path / made).stat()
        assert (owner.st_uid, owner.st_gid) == (SOMEBODY, SOMEBODY)


@needs_root
def test_whose_folder_nobody_of_a_container_is_it_is_written_to_all_the_same(
    tmp_path: Path,
) -> None:
    """The root of a container without root knows no number of its owner to give a file to."""
    os.chown(tmp_path, SOMEBODY, SOMEBODY)
    tmp_path.chmod(0o777)
    in_a_container(
        "from probe.disk.private import replace_file\n"
        "assert folder.stat().st_uid == 65534\n"
        "replace_file(folder / 'made', b'1')",
        tmp_path,
    )
    assert ((tmp_path / "made").read_bytes(), mode(tmp_path / "made")) == (b"1", 0o600)


@needs_root
def test_what_root_finds_stays_whose_it_was(tmp_path: Path) -> None:
    """A file of root's in a user's folder may be there on purpose."""
    (tmp_path / "lock").touch()
    os.chown(tmp_path, SOMEBODY, SOMEBODY)
    os.close(open_private(tmp_path / "lock"))
    make_folder(tmp_path)
    assert (tmp_path / "lock").stat().st_uid == 0


@needs_root
def test_a_finished_file_comes_to_whose_folder_it_is_put_into(tmp_path: Path) -> None:
    """It was made beside it, in a folder of root's."""
    staged, home = tmp_path / "staged", tmp_path / "home"
    staged.write_bytes(b"whole")
    home.mkdir()
    os.chown(home, SOMEBODY, SOMEBODY)
    move_into_place(staged, home / "final")
    assert (home / "final").read_bytes() == b"whole"
    assert (home / "final").stat().st_uid == SOMEBODY
    assert not staged.exists()


def test_the_disk_has_heard_of_a_change_when_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First of the content, then of the name; a power cut in between loses nothing."""
    synced: list[str] = []

    def heard(handle: int) -> None:
        synced.append(file_of(handle).name.partition(".")[0])

    monkeypatch.setattr(os, "fsync", heard)
    replace_file(tmp_path / "state", "1")
    move_into_place(tmp_path / "state", tmp_path / "moved")
    remove_file(tmp_path / "moved")
    remove_file(tmp_path / "moved")
    folder = tmp_path.name.partition(".")[0]
    assert synced == ["state", folder, "state", folder, folder]


def test_an_error_of_the_system_names_the_file(tmp_path: Path) -> None:
    """Where the disk is full it names none by itself; where it names one, that is the right one."""
    with pytest.raises(OSError, match="No space left") as raised, naming(tmp_path / "state"):
        raise OSError(28, "No space left on device")
    assert raised.value.filename == str(tmp_path / "state")
    with pytest.raises(FileNotFoundError) as missing, naming(tmp_path / "state"):
        (tmp_path / "other").read_bytes()
    assert missing.value.filename == str(tmp_path / "other")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (sync_folder, "."),
        (lambda folder: remove_file(folder / "state"), "."),
        (lambda folder: move_into_place(folder / "state", folder / "moved"), "moved"),
    ],
    ids=["sync_folder", "remove_file", "move_into_place"],
)
def test_what_the_disk_does_not_hear_of_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    named: str,
) -> None:
    """Whoever is told that a disk fails has to know which."""
    (tmp_path / "state").write_text("1")

    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output error") as raised:
        change(tmp_path)
    assert raised.value.filename == str(tmp_path / named)


def test_what_cannot_be_tidied_up_does_not_hide_what_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that has become read-only while a file was written lets nothing go either."""

    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def stuck(self: Path, missing_ok: bool = False) -> None:
        if not missing_ok:
            raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(os, "fsync", failing)
    monkeypatch.setattr(Path, "unlink", stuck)
    with pytest.raises(OSError, match="Input/output error") as raised:
        replace_file(tmp_path / "state", "1")
    assert raised.value.filename == str(tmp_path / "state")


def test_what_could_not_be_finished_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing beside it."""
    path = tmp_path / "schedule.state"
    replace_file(path, "before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_its_time_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is broken off in between, no file tells when that was; no disk has to take one."""
    path = tmp_path / "copy.tar"
    assert replace_file(path, b"1", dated=86_400)
    assert path.stat().st_mtime == 86_400

    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", forbidden)
        with pytest.raises(PermissionError) as raised:
            replace_file(path, b"2", dated=172_800)
    assert raised.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]
    assert (path.read_bytes(), path.stat().st_mtime) == (b"1", 86_400)
    monkeypatch.setattr(os, "utime", forbidden)
    assert not replace_file(path, b"2", dated=172_800)
    assert path.read_bytes() == b"2"


def test_what_a_crash_left_unfinished_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """In a container the same program has the same process number at each start."""
    path = tmp_path / "schedule.state"
    path.write_text("before")
    left = tmp_path / f"{path.name}.{os.getpid()}{UNFINISHED}"
    left.write_text("aft")
    replace_file(path, "after")
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_what_crashes_left_unfinished_goes_once_nobody_is_at_it(tmp_path: Path) -> None:
    """Each power cut may leave one more; what somebody writes just now stays, and all else too."""
    sweep_unfinished(tmp_path / "nowhere")
    old = ["consent.json.4711.new", "AS38623-2026-11-23.pem.12.new"]
    others = ["vantage.new", "notes.new", "consent.json", "4711.new.txt"]
    for name in (*old, *others):
        (tmp_path / name).write_text("1")
        os.utime(tmp_path / name, (86_400, 86_400))
    (tmp_path / "consent.json.4712.new").write_text("1")
    sweep_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*others, "consent.json.4712.new"}


@pytest.mark.parametrize("place", ["", "here", "here/kept", "kept/below"])
def test_trying_to_write_leaves_nothing(tmp_path: Path, place: str) -> None:
    """Neither a file, nor a folder where there was none."""
    (tmp_path / "here").mkdir()
    try_to_write(tmp_path / place)
    assert list(tmp_path.rglob("*")) == [tmp_path / "here"]


@needs_root
def test_a_folder_of_somebody_else_is_named(tmp_path: Path) -> None:
    """Whether it is there or not: the name is the one that was given."""
    for folder in (Path("/"), Path("/kept/below")):

        def refused(folder: Path = folder) -> bool:
            with pytest.raises(PermissionError) as problem:
                try_to_write(folder)
            return bool(problem.value.filename == str(folder))

        assert holds_for_nobody(refused)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listener(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(os.name != "posix", reason="no such files")
@pytest.mark.parametrize("make", [pipe, listener, device])
def test_what_is_no_file_is_not_waited_for(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe into which nobody writes has no end, and neither has a device."""
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    make(Path("state"))
    with pytest.raises(OSError, match="state") as refused:
        read_kept(Path("state"))
    assert refused.value.errno == errno.ENXIO


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    """A file is read whole; of a folder the system says what it is."""
    replace_file(tmp_path / "state", "1")
    assert read_kept(tmp_path / "state") == b"1"
    with pytest.raises(IsADirectoryError):
        read_kept(tmp_path)
