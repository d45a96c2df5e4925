"""What the owner of a machine has agreed to, and what is no consent."""

from __future__ import annotations

import errno
import json
import os
import stat
from datetime import date
from pathlib import Path

import pytest

from probe.owner.consent import VERSION, Permission, change, condition, missing, require, said
from probe.words.failure import NoConsent, PartlyDone
from tests.harness.consenting import agree
from tests.harness.nobody import holds_for_nobody, needs_root

DAY = date(2026, 11, 26)


def test_nothing_is_agreed_to_by_itself(tmp_path: Path) -> None:
    """Without a file each permission is refused, with exit code 3 and what to do, and none made."""
    folder = tmp_path / "home"
    for permission in Permission:
        with pytest.raises(NoConsent) as refused:
            require(folder, permission)
        assert refused.value.exit_code == 3
        assert f"gatewatch consent grant --{permission} --version-read {VERSION}" in str(
            refused.value.message
        )
    assert not folder.exists()


def test_each_permission_is_agreed_to_by_itself(tmp_path: Path) -> None:
    """A yes to one is no yes to another, and taking one back leaves the others."""
    change(tmp_path, {Permission.RUN: True, Permission.KEEP: True}, DAY)
    require(tmp_path, Permission.RUN, Permission.KEEP)
    assert missing(tmp_path, *Permission) == [Permission.SHARE]
    change(tmp_path, {Permission.KEEP: False}, DAY)
    assert missing(tmp_path, *Permission) == [Permission.KEEP, Permission.SHARE]
    assert said(tmp_path)[Permission.RUN] == (VERSION, DAY)


def test_the_file_is_for_its_owner_alone_and_goes_with_the_last_yes(tmp_path: Path) -> None:
    """Mode 0600 in a folder of 0700; nothing tells of a consent that was taken back."""
    folder = agree(tmp_path / "home")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (file,) = folder.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("consent.json", 0o600)
    change(folder, dict.fromkeys(Permission, False), DAY)
    assert list(folder.iterdir()) == []


def test_a_consent_that_was_taken_back_does_not_come_back_with_the_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk has heard that the file is gone before the command ends."""
    folder = agree(tmp_path / "home")
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append((folder / "consent.json").exists()))
    change(folder, dict.fromkeys(Permission, False), DAY)
    assert synced == [False]


@pytest.mark.skipif(os.name != "posix", reason="no limit on the size of files")
def test_what_is_taken_back_counts_on_a_full_disk_too(tmp_path: Path) -> None:
    """Where the yeses that stay cannot be written all go, and the sentence says so."""
    import resource

    agree(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(PartlyDone, match="gatewatch consent grant"):
            change(tmp_path, {Permission.SHARE: False}, DAY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert missing(tmp_path, *Permission) == list(Permission)
    assert list(tmp_path.iterdir()) == []


def test_a_yes_that_cannot_be_written_takes_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was agreed to before still is, and the error is told as that of any other file."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    agree(tmp_path, Permission.RUN)
    monkeypatch.setattr("probe.owner.consent.replace_file", full)
    with pytest.raises(OSError, match="No space left"):
        change(tmp_path, {Permission.KEEP: True, Permission.SHARE: False}, DAY)
    assert missing(tmp_path, *Permission) == [Permission.KEEP, Permission.SHARE]


def test_a_no_makes_no_folder(tmp_path: Path) -> None:
    """Who says no everywhere finds the disk as it was."""
    change(tmp_path / "home", dict.fromkeys(Permission, False), DAY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "why"),
    [
        (VERSION - 1, "the text on consent has changed since"),
        (VERSION + 1, "is to a newer text than this gatewatch has"),
    ],
)
def test_a_yes_to_another_text_does_not_hold(tmp_path: Path, version: int, why: str) -> None:
    """When the text has changed it has to be asked again, and the refusal says why."""
    file = agree(tmp_path) / "consent.json"
    kept = json.loads(file.read_bytes())
    kept["run"]["version"] = version
    file.write_text(json.dumps(kept), encoding="utf-8")
    assert missing(tmp_path, *Permission) == [Permission.RUN]
    with pytest.raises(NoConsent, match=why):
        require(tmp_path, Permission.RUN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes",
        "[]",
        "true",
        '{"run": true, "keep": true}',
        '{"schema": "gatewatch.consent/0", "run": {"version": 1, "on": "2026-11-26"}}',
        '{"schema": "gatewatch.consent/1", "run": true}',
        '{"schema": "gatewatch.consent/1", "run": {"version": true, "on": "2026-11-26"}}',
        '{"schema": "gatewatch.consent/1", "run": {"version": 1}}',
        '{"schema": "gatewatch.consent/1", "run": {"version": 1, "on": "some day"}}',
        '{"schema": "gatewatch.consent/1", "run": {"version": 1, "on": "2026-11',
        pytest.param("[" * 200_000, id="brackets"),
    ],
)
def test_what_cannot_be_understood_is_no_consent(tmp_path: Path, text: str) -> None:
    """A damaged file or another program's allows nothing, and consent can be given anew."""
    file = tmp_path / "consent.json"
    file.write_text(text, encoding="utf-8")
    assert missing(tmp_path, *Permission) == list(Permission)
    with pytest.raises(NoConsent) as refused:
        require(tmp_path, Permission.RUN)
    assert condition(tmp_path) == "damaged"
    assert refused.value.message.startswith(f"{file} is damaged")
    assert "counts as no; read what is asked" in refused.value.message
    assert missing(agree(tmp_path), *Permission) == []
    assert condition(tmp_path) == "whole"


@pytest.mark.parametrize("schema", [2, 10])
def test_a_file_of_a_newer_gatewatch_is_not_damaged(tmp_path: Path, schema: int) -> None:
    """Nobody knows what a yes in it means, so none holds, and what mends that is an update."""
    file = tmp_path / "consent.json"
    yes = {"version": VERSION, "on": "2026-11-26"}
    file.write_text(
        json.dumps({"schema": f"gatewatch.consent/{schema}", "run": yes}), encoding="utf-8"
    )
    assert missing(tmp_path, *Permission) == list(Permission)
    assert condition(tmp_path) == "newer"
    with pytest.raises(NoConsent) as refused:
        require(tmp_path, Permission.RUN)
    assert refused.value.message.startswith(
        f"a newer gatewatch than this one wrote {file}; until you update this one, nothing in that "
        "file counts as agreed to; read what is asked"
    )


def test_of_a_file_that_is_damaged_in_part_the_rest_holds(tmp_path: Path) -> None:
    """The sentence does not say that all of it counts as no where some of it counts as yes."""
    file = agree(tmp_path) / "consent.json"
    kept = json.loads(file.read_bytes())
    kept["share"] = {"version": VERSION}
    file.write_text(json.dumps(kept), encoding="utf-8")
    before = file.read_bytes()
    require(tmp_path, Permission.RUN, Permission.KEEP)
    with pytest.raises(NoConsent) as refused:
        require(tmp_path, Permission.SHARE)
    said = refused.value.message
    assert said.startswith(f"{file} is damaged; what cannot be read in it counts as no; read what")
    assert file.read_bytes() == before


@needs_root
def test_what_may_not_be_read_is_neither_a_yes_nor_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows what was answered, so that nothing is allowed and nothing put in its place."""
    file = agree(tmp_path) / "consent.json"
    before = file.read_bytes()
    tmp_path.chmod(0o777)
    file.chmod(0)
    # Others may not go through the folders above.
    monkeypatch.chdir(tmp_path)

    def is_refused() -> bool:
        here = Path()
        with pytest.raises(PermissionError):
            require(here, Permission.RUN)
        for yes in (True, False):
            with pytest.raises(PermissionError):
                change(here, {Permission.RUN: yes}, DAY)
        return True

    assert holds_for_nobody(is_refused)
    assert file.read_bytes() == before


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)
def test_what_root_agrees_to_can_be_read_by_the_owner_of_the_folder(tmp_path: Path) -> None:
    """Under sudo, the file belongs to whose folder it is in, also one that has to be made."""
    os.chown(tmp_path, 65534, 65534)
    folder = agree(tmp_path / "new" / "home")
    owned = [folder.parent, folder, folder / "consent.json"]
    assert {path.stat().st_uid for path in owned} == {65534}
