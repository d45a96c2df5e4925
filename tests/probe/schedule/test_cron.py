"""The entry in a crontab, and what happens to the lines of others."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.schedule import Job, cron
from probe.schedule.calls import Said
from probe.schedule.cron import Crontab, with_block, without_block
from probe.words.failure import PermissionDenied

OTHERS = "MAILTO=sokha\n# BEGIN backup\n5 4 * * * backup --all 100\\%\n# END backup\n"


def fake_crontab(monkeypatch: pytest.MonkeyPatch, kept: dict[str, str]) -> None:
    """A `crontab` that keeps its one table under ``text``; without it there is none."""

    def ask(words: list[str], told: str | None = None) -> Said:
        if words == ["crontab", "-l"]:
            return Said(0, kept["text"], "") if "text" in kept else Said(1, "", "no crontab")
        if words == ["crontab", "-r"]:
            del kept["text"]
        else:
            assert words == ["crontab", "-"]
            kept["text"] = str(told)
        return Said(0, "", "")

    monkeypatch.setattr(cron, "ask", ask)
    monkeypatch.setattr(cron, "insist", ask)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    kept: dict[str, str] = {}
    fake_crontab(monkeypatch, kept)
    return kept


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the kernel shows of all processes: the first one alone."""
    folder = tmp_path / "proc"
    start(folder, 1, "init")
    monkeypatch.setattr(cron, "_PROCESSES", folder)
    return folder


def start(processes: Path, number: int, name: str) -> None:
    (processes / str(number)).mkdir(parents=True)
    (processes / str(number) / "comm").write_text(f"{name}\n", encoding="utf-8")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    program = tmp_path / "my 50% bin" / "gatewatch"
    program.parent.mkdir()
    program.touch(mode=0o755)
    return Job((str(program),), tmp_path / "data", chosen=True)


def test_the_lines_of_others_stay_byte_for_byte(table: dict[str, str], job: Job) -> None:
    """After installing they stand before ours, after removing they are all that is there."""
    table["text"] = OTHERS
    Crontab().install(job)
    assert table["text"].startswith(OTHERS)
    assert table["text"].count("run --scheduled") == 1
    assert Crontab().remove()
    assert table["text"] == OTHERS
    assert not Crontab().remove()


def test_a_table_that_cannot_be_read_is_not_written_over(
    table: dict[str, str], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `crontab` gives no answer in time nobody knows what stands in it."""
    table["text"] = OTHERS
    monkeypatch.setattr(cron, "ask", lambda _: Said(124, "", "no answer in 30 s"))
    for change in (lambda: Crontab().install(job), Crontab().remove):
        with pytest.raises(PermissionDenied, match="`crontab -l` did not work: no answer in 30 s"):
            change()
    assert table["text"] == OTHERS


def test_installing_twice_changes_nothing(table: dict[str, str], job: Job, processes: Path) -> None:
    """Not the minute either, which chance chose."""
    Crontab().install(job)
    once = table["text"]
    Crontab().install(job)
    assert table["text"] == once
    start(processes, 77, "cron")
    standing = Crontab().standing(job)
    assert (standing.installed, standing.troubles) == (True, ())
    assert standing.program == job.program
    assert standing.next is not None


def test_cron_reads_the_command_as_it_is_meant(table: dict[str, str], job: Job) -> None:
    """A percent sign ends a command unless it is escaped; nothing is mailed."""
    Crontab().install(job)
    (entry,) = [line for line in table["text"].splitlines() if not line.startswith("#")]
    command = entry.split(" ", 5)[5]
    assert "%" not in command.replace(r"\%", "")
    words = shlex.split(command.replace(r"\%", "%"))
    assert words == [
        f"GATEWATCH_HOME={job.folder}",
        *job.program,
        "run",
        "--scheduled",
        ">/dev/null",
        "2>&1",
    ]


def test_a_table_of_ours_alone_goes_as_a_whole(table: dict[str, str], job: Job) -> None:
    """Where there was none before there is none after."""
    Crontab().install(job)
    assert Crontab().remove()
    assert table == {}


def test_a_program_that_moved_is_noticed(table: dict[str, str], job: Job) -> None:
    """The status says which command mends it."""
    Crontab().install(job)
    Path(job.program[0]).unlink()
    (trouble,) = Crontab().standing(job).troubles
    assert job.program[0] in trouble.what
    assert trouble.remedy == "gatewatch schedule install"


@pytest.mark.parametrize("name", ["cron", "crond", "fcron", "busybox"])
def test_where_no_cron_runs_it_is_said(
    table: dict[str, str], job: Job, processes: Path, name: str
) -> None:
    """As in Windows' Linux, where nothing starts it; the entry stands, and nobody reads it."""
    Crontab().install(job)
    standing = Crontab().standing(job)
    (hint,) = standing.hints
    assert hint.what == "no cron runs on this system, so that no run begins by itself"
    assert hint.remedy == "sudo service cron start"
    assert (standing.troubles, standing.next) == ((), None)
    start(processes, 77, name)
    assert Crontab().standing(job).hints == ()
    assert Crontab().standing(job).next is not None


def test_where_the_processes_of_others_are_hidden_nothing_is_said_of_cron(
    table: dict[str, str], job: Job, processes: Path
) -> None:
    """With ``hidepid`` a user sees its own alone; where the kernel shows none, none at all."""
    Crontab().install(job)
    (processes / "1" / "comm").unlink()
    start(processes, 77, "sh")
    assert Crontab().standing(job).hints == ()
    shutil.rmtree(processes)
    assert Crontab().standing(job).hints == ()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r")))
def test_putting_in_and_taking_out_gives_back_what_was_there(crontab: str) -> None:
    """Whatever stands in a crontab; a last line without its end gets one."""
    block = "# BEGIN gatewatch (x)\n7 * * * * run\n# END gatewatch\n"
    before = without_block(crontab)
    ended = before if not before or before.endswith("\n") else before + "\n"
    assert without_block(with_block(before, block)) == ended
    assert with_block(with_block(before, block), block) == with_block(before, block)
