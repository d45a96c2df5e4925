"""``gatewatch bundle``: what a volunteer types, and what they find afterwards."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from probe.cli import main
from probe.sharing import shared
from probe.sharing.bundle import unseal
from probe.spool import Kept
from tests.harness.consenting import agree
from tests.harness.pages import ROOT, blocks, commands_of, pattern_of
from tests.probe.sharing.test_bundling import dated, keep, trace


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose owner has agreed to share."""
    folder = agree(tmp_path / "home")
    monkeypatch.setenv("GATEWATCH_HOME", str(folder))
    return folder


def gatewatch(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_bundle_lies_in_the_outbox(home: Path) -> None:
    """It is named with what it holds, and what comes next."""
    keep(home, trace(1), trace(2))
    done = gatewatch("bundle")
    assert (done.exit_code, done.stderr) == (0, "")
    (file,) = (home / "outbox").glob("*.tar")
    size = file.stat().st_size
    assert done.stdout.splitlines() == [
        f"{file}: 2 traces of AS38623, 2026-11-23, {size} bytes",
        "next: gatewatch submit, or gatewatch submit --leave-at FOLDER for USB or mail",
    ]


def test_the_file_holds_what_is_shown(home: Path, tmp_path: Path) -> None:
    """The lines of the file that is handed over are, byte for byte, those of show --as-shared."""
    keep(home, trace(1), trace(2, days=1))
    shown = gatewatch("show", "--as-shared").stdout_bytes
    out = tmp_path / "mine.tar"
    said = json.loads(gatewatch("bundle", "--to", str(out), "--json").stdout)
    assert dated(out) == "2026-11-24T00:00:00+00:00"
    assert b"".join(unseal(out.read_bytes()).lines) == shown
    (made,) = said["bundles"]
    assert (made["file"], made["traces"], made["days"]) == (
        str(out),
        2,
        ["2026-11-23", "2026-11-24"],
    )
    assert said["left_out"] == {}


def test_a_second_network_is_a_second_file(home: Path, tmp_path: Path) -> None:
    """Who measured in two places gets two files, side by side."""
    keep(home, trace(1), trace(2, 9902))
    assert gatewatch("bundle", "--to", str(tmp_path / "mine.tar")).exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("*.tar")) == ["mine-2.tar", "mine.tar"]


def test_nothing_new_is_said(home: Path) -> None:
    """Without new traces there is no bundle, and that is no failure."""
    for _ in range(2):
        done = gatewatch("bundle")
        assert (done.exit_code, done.stdout) == (0, "nothing new to bundle\n")


def test_a_file_for_which_nothing_is_new_is_said_not_to_be_there(
    home: Path, tmp_path: Path
) -> None:
    """Whoever wanted a file to hand over is told how to get what was bundled before."""
    out = tmp_path / "my stick" / "mine.tar"
    out.parent.mkdir()
    nothing = f"nothing new to bundle, so {out} was not written"
    assert gatewatch("bundle", "--to", str(out)).stdout.splitlines() == [nothing]
    keep(home, trace(1))
    assert gatewatch("bundle").exit_code == 0
    assert gatewatch("bundle", "--to", str(out)).stdout.splitlines() == [
        nothing,
        "to copy what was bundled before and is not accepted yet: "
        f"gatewatch submit --leave-at '{out.parent}'",
    ]
    assert not out.exists()


def test_what_was_left_out_is_said(home: Path) -> None:
    """Lines that cannot be shared are counted by reason."""
    keep(home, trace(1), trace(2, None))
    assert "left out: 1 no network\n" in gatewatch("bundle").stdout


@pytest.mark.parametrize("words", [["bundle"], ["bundle", "--json"], ["submit", "--leave-at"]])
def test_a_day_that_the_disk_does_not_give_is_named_once_all_else_is_bundled(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """What can be saved is saved first, as the sentence says that it should be."""
    (tmp_path / "stick").mkdir()
    keep(home, trace(1))
    whole = shared.lines_of_day
    bad = home / "spool" / "2026-11-22.jsonl"
    bad.touch()

    def failing(path: Path) -> Iterator[Kept]:
        yield from whole(path)
        if path == bad:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shared, "lines_of_day", failing)
    done = gatewatch(*words, *([str(tmp_path / "stick")] if "--leave-at" in words else []))
    assert done.exit_code == 6
    assert done.stderr == (
        f"gatewatch: the disk fails at {bad} (Input/output error); save what is on it, and go on "
        "with another\n"
    )
    assert list((home / "outbox").glob("*.tar"))
    assert done.stdout


def test_what_waits_for_its_time_is_said_with_when_it_goes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to do anything about it."""
    monkeypatch.setattr("probe.sharing.bundling.is_set_by_others", lambda: True)
    keep(home, trace(1), trace(2, days=365 * 200))
    assert (
        "left out: 1 day to come\n"
        "day to come: the clock was ahead when these were measured; they are bundled once the time "
        "that it showed has come\n"
    ) in gatewatch("bundle").stdout


def test_no_file_is_overwritten(home: Path, tmp_path: Path) -> None:
    """A name that is taken is a wrong use; nothing is bundled, nothing lost."""
    keep(home, trace(1))
    taken = tmp_path / "mine.tar"
    taken.write_bytes(b"mine")
    done = gatewatch("bundle", "--to", str(taken))
    assert (done.exit_code, taken.read_bytes()) == (2, b"mine")
    assert "is there already; choose another name" in done.stderr
    assert not (home / "outbox").exists()


def test_a_second_file_takes_a_name_that_is_free(home: Path, tmp_path: Path) -> None:
    """How many there will be is known only when they are made, which cannot be done again."""
    keep(home, trace(1), trace(2, 9902))
    taken = tmp_path / "mine-2.tar"
    taken.write_bytes(b"mine")
    done = gatewatch("bundle", "--to", str(tmp_path / "mine.tar"))
    assert (done.exit_code, taken.read_bytes()) == (0, b"mine")
    for name in ("mine.tar", "mine-3.tar"):
        unseal((tmp_path / name).read_bytes())


def test_a_stick_that_is_not_there_is_said_before_anything_is_bundled(
    home: Path, tmp_path: Path
) -> None:
    """Exit code 9; what is plugged in later holds the traces."""
    keep(home, trace(1))
    stick = tmp_path / "stick"
    done = gatewatch("bundle", "--to", str(stick / "mine.tar"))
    assert (done.exit_code, stick.exists()) == (9, False)
    assert "plug the stick in" in done.stderr
    stick.mkdir()
    assert gatewatch("bundle", "--to", str(stick / "mine.tar")).exit_code == 0
    assert (stick / "mine.tar").is_file()


def test_without_consent_nothing_is_bundled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, how to give it, and no file is made."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    done = gatewatch("bundle")
    assert done.exit_code == 3
    assert "gatewatch consent" in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(
    not all(map(shutil.which, ("tar", "openssl", "zstd", "sha256sum"))),
    reason="tar, openssl, zstd and sha256sum are not all here",
)
def test_the_page_opens_a_bundle_as_it_says(home: Path, tmp_path: Path) -> None:
    """Each command of the page prints what the page shows, and the sums are the manifest's."""
    keep(home, trace(1), trace(2))
    assert gatewatch("bundle", "--to", str(tmp_path / "mine.tar")).exit_code == 0
    (block,) = blocks(ROOT / "docs/bundle.md", "shell-session")
    printed = []
    for command in commands_of(block):
        done = subprocess.run(
            ["bash", "-c", command.line], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert pattern_of(command.shown).match(done.stdout), command.line
        printed.append(done.stdout)
    assert len(printed) == 6
    said = json.loads((tmp_path / "manifest.json").read_bytes())
    assert [text.split()[0] for text in printed[3:5]] == [said["sha256"], said["sha256_packed"]]
