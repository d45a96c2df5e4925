"""Keys: one for each network, for a while, for their owner's eyes only."""

from __future__ import annotations

import errno
import os
import stat
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from probe.sharing.bundle import public_part
from probe.sharing.keys import (
    ROTATION,
    key_files,
    put_down,
    read_key,
    signed_by_others,
    signing_key,
)
from probe.words.failure import BadInput

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 26)


def key(folder: Path, network: int = 38623, days: int = 0) -> str:
    return public_part(signing_key(folder, network, TODAY + timedelta(days=days)))


def test_a_key_is_kept_for_its_network(tmp_path: Path) -> None:
    """The same network has the same key again, another network another, and back the first."""
    first = key(tmp_path / "keys")
    assert key(tmp_path / "keys", days=1) == first
    assert key(tmp_path / "keys", 9902) != first
    assert key(tmp_path / "keys", days=2) == first


def test_a_key_is_replaced_after_its_time(tmp_path: Path) -> None:
    """On the last day it still signs, on the next another does and the old one is deleted."""
    other = key(tmp_path, 9902, days=ROTATION)
    first = key(tmp_path)
    assert key(tmp_path, days=ROTATION - 1) == first
    second = key(tmp_path, days=ROTATION)
    assert second != first
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "AS38623-2027-02-24.pem",
        "AS9902-2027-02-24.pem",
    ]
    assert key(tmp_path, 9902, days=ROTATION) == other


def test_the_key_of_a_network_that_was_left_does_not_outlast_its_time(tmp_path: Path) -> None:
    """It goes when a key of any network is asked for, though nobody signs in that one any more."""
    key(tmp_path, 9902)
    key(tmp_path, 7018, days=1)
    key(tmp_path, days=ROTATION)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "AS38623-2027-02-24.pem",
        "AS7018-2026-11-27.pem",
    ]


def test_what_a_run_kept_late_has_the_key_of_the_next_day(tmp_path: Path) -> None:
    """Traces of before midnight that come after those of the new day make no third key."""
    assert key(tmp_path, days=1) == key(tmp_path) == key(tmp_path, days=1)


def test_a_key_of_a_day_to_come_goes_on_from_today(tmp_path: Path) -> None:
    """A clock that was ahead made it: another would look like a second volunteer."""
    ahead = key(tmp_path, days=3650)
    assert key(tmp_path) == ahead
    assert [path.name for path in tmp_path.iterdir()] == ["AS38623-2026-11-26.pem"]
    assert key(tmp_path, days=ROTATION) != ahead


@pytest.mark.parametrize(("signed", "left"), [(30, 60), (95, 0)])
def test_a_key_of_a_day_to_come_keeps_its_age(tmp_path: Path, signed: int, left: int) -> None:
    """What it signed under the wrong clock took of its time: no key ties more days together."""
    ahead = key(tmp_path, days=3650)
    put_down(tmp_path, 38623, ahead, TODAY + timedelta(days=3650 + signed))
    assert (key(tmp_path) == ahead) is bool(left)
    assert (key(tmp_path, days=left - 1) == ahead) is bool(left)
    assert key(tmp_path, days=left) != ahead


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Folder and file are closed to everybody else."""
    key(tmp_path / "keys")
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff", None])
def test_what_is_no_key_is_named_and_another_takes_its_place(
    tmp_path: Path, content: bytes | None
) -> None:
    """A damaged file, or a key of another kind: nobody can sign with it any more."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    other_kind = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "AS38623-2026-11-26.pem"
    path.write_bytes(other_kind if content is None else content)
    with pytest.raises(BadInput, match="is no key of gatewatch; delete it"):
        read_key(path)
    fresh = key(tmp_path)
    assert key_files(tmp_path) == [path]
    assert public_part(read_key(path)) == fresh == key(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="no such files")
def test_a_pipe_in_the_place_of_a_key_is_not_waited_for(tmp_path: Path) -> None:
    """Nor in that of what a key has signed."""
    os.mkfifo(tmp_path / "AS1-2022-02-16.pem")
    os.mkfifo(tmp_path / f"AS1-{'0' * 64}.signed")
    day = date(2022, 2, 16)
    for call in (
        lambda: signing_key(tmp_path, 1, day),
        lambda: signed_by_others(tmp_path, 1, ()),
    ):
        with pytest.raises(OSError, match="AS1-") as refused:
            call()
        assert refused.value.errno == errno.ENXIO


def test_other_files_do_not_disturb(tmp_path: Path) -> None:
    """What is not named like a key is neither read nor deleted."""
    for name in ("AS38623-2026-99-99.pem", "notes.txt", "AS1-2026-11-26.pem.new"):
        (tmp_path / name).write_bytes(b"x")
    key(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
