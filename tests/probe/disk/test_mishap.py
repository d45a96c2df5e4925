"""What an error about a file amounts to, whatever else is amiss."""

from __future__ import annotations

import errno
import fcntl
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from probe.disk.mishap import failure_of, is_short
from probe.owner.consent import said
from probe.redaction.identity import Identity
from probe.run.allowance import Allowance, allowance_file
from probe.run.lock import lock
from probe.schedule.diary import Diary
from probe.sharing.outbox import locked
from probe.spool import Spool, read, torn
from probe.words.failure import BadInput, PartlyDone, PermissionDenied


def no_home(monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
    def homeless(*_: object, **__: object) -> str:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("GATEWATCH_HOME", raising=False)
    monkeypatch.setattr("platformdirs.user_data_dir", homeless)


def disk_away(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "link").symlink_to(folder / "stick")
    monkeypatch.setenv("GATEWATCH_HOME", str(folder / "link"))


@pytest.mark.parametrize("amiss", [no_home, disk_away])
def test_a_file_elsewhere_is_told_where_the_data_folder_cannot_be(
    amiss: Callable[[pytest.MonkeyPatch, Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither the disk that is away nor a home that is none keeps anybody from reading a file."""
    amiss(monkeypatch, tmp_path)
    failure = failure_of(PermissionError(errno.EACCES, "Permission denied", "/srv/traces.jsonl"))
    assert "traces.jsonl may not be written or read" in str(failure)
    assert "or name another" in str(failure)


def test_a_working_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick was pulled out, or another terminal deleted it: a name there leads nowhere."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError) as raised:
        Path("traces.jsonl").absolute()
    failure = failure_of(raised.value)
    assert isinstance(failure, BadInput)
    assert str(failure).startswith("the folder that this command was called in is not there")
    monkeypatch.chdir(tmp_path)
    assert failure_of(raised.value) is None


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
@pytest.mark.parametrize("path", [None, "/srv/traces.jsonl"])
def test_a_limit_on_open_files_is_told_with_what_raises_it(number: int, path: str | None) -> None:
    """Sockets name no file, and whose turn it was when the limit was met does not matter."""
    failure = failure_of(OSError(number, "Too many open files", path))
    assert isinstance(failure, PermissionDenied)
    assert str(failure) == (
        "the system lets no more files and sockets be open at once (Too many open files); close "
        "other programs, or raise the limit in this terminal: ulimit -n 1024"
    )


@pytest.mark.parametrize(
    "use",
    [
        lambda folder: Spool(folder / "spool"),
        lambda folder: list(read(folder / "spool")),
        lambda folder: torn(folder / "spool"),
        lambda folder: Identity(folder).used(3),
        lambda folder: Allowance(allowance_file(folder), 1e6, lambda: 1.8e9).spend(60),
        lambda folder: lock(folder).__enter__(),
        lambda folder: locked(folder, "bundling").__enter__(),
    ],
    ids=["spool", "read", "torn", "identity", "allowance", "alone", "outbox"],
)
def test_a_disk_without_locks_is_named(
    use: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As over a network, where the server or its service of locks is away."""

    def without(_file: int, how: int) -> None:
        if how != fcntl.LOCK_UN:
            raise OSError(errno.ENOLCK, "No locks available")

    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "2026-11-23.jsonl").touch()
    monkeypatch.setattr(fcntl, "flock", without)
    with pytest.raises(OSError, match="No locks available") as raised:
        use(tmp_path)
    failure = failure_of(raised.value)
    assert isinstance(failure, PermissionDenied)
    assert str(failure).startswith(str(tmp_path))
    assert "cannot be locked (No locks available)" in str(failure)


def test_a_system_without_temporary_files_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python looks for a folder that takes one, names all of them, and no file is to blame."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(FileNotFoundError) as raised:
            tempfile.gettempdir()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert is_short(raised.value)
    assert not is_short(FileNotFoundError(errno.ENOENT, "No such file or directory", "/tmp"))
    failure = failure_of(raised.value)
    assert isinstance(failure, PartlyDone)
    assert str(failure).startswith("no folder takes a temporary file, neither /tmp nor /var/tmp")


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="no such device")
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("consent.json", said),
        ("vantage.state", lambda folder: Identity(folder).flow()),
        ("schedule.state", lambda folder: Diary(folder, lambda: 0.0, lambda: 0.0).read()),
        ("allowance.state", lambda folder: Allowance(allowance_file(folder), 1, lambda: 0.0).sent),
    ],
)
def test_what_is_no_file_is_not_read(
    name: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    """A device, or a pipe, which would be waited for without end, is told with what mends it."""
    (tmp_path / name).symlink_to("/dev/null")
    with pytest.raises(OSError, match=name) as raised:
        read(tmp_path)
    failure = failure_of(raised.value)
    assert isinstance(failure, BadInput)
    assert str(failure) == (
        f"{tmp_path / name} cannot be used: a pipe, a socket or a device lies where a file has to "
        "be; move it away, or name another"
    )
