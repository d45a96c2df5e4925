"""What may still be sent today."""

from __future__ import annotations

import multiprocessing
import os
import resource
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.run.allowance import BLOCK, Allowance, Outlook, OverAllowance, is_unknown
from tests.harness.descriptors import file_of

NOON = 1_645_012_800.0  # 2022-02-16 12:00 UTC
DAY = 86_400.0


class Clock:
    """Seconds since the epoch, as the test sets them."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_the_file_holds_day_month_and_their_bytes_and_nothing_else(tmp_path: Path) -> None:
    """No target, hour or network can be read from it, and only its owner may read it."""
    path = tmp_path / "home" / "allowance.state"
    allowance = Allowance(path, 1e6, Clock())
    assert not path.parent.exists()
    allowance.spend(60)
    allowance.settle()
    assert path.read_bytes() == (b"2022-02-16 000000000000000060\n2022-02 000000000000000060\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert allowance.left == 1e6 - 60


def test_a_count_may_be_kept_nowhere() -> None:
    """A trace whose count cannot be kept is paid for from a budget of its own."""
    allowance = Allowance(Path(os.devnull), 1e6, Clock())
    allowance.spend(60)
    allowance.settle()
    assert allowance.left == 1e6


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """The system says only that there is no room; whoever has to make some learns where."""
    path = tmp_path / "allowance.state"
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(OSError, match="File too large") as refused:
            Allowance(path, 1e6, Clock()).spend(60)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert refused.value.filename == str(path)


def test_a_killed_program_has_paid_what_it_sent(tmp_path: Path) -> None:
    """Without an orderly end the day is charged with a little too much, never too little."""
    path = tmp_path / "allowance.state"
    killed = Allowance(path, 1e6, Clock())
    for _ in range(400):
        killed.spend(60)
    after = Allowance(path, 1e6, Clock())
    assert 400 * 60 <= 1e6 - after.left < 400 * 60 + BLOCK


def test_a_new_day_is_a_new_allowance(tmp_path: Path) -> None:
    """At midnight UTC, also in the middle of a run, the count begins anew."""
    clock = Clock(NOON + DAY / 2 - 1)
    allowance = Allowance(tmp_path / "state", 1000, clock)
    allowance.spend(900)
    with pytest.raises(OverAllowance, match="after midnight UTC"):
        allowance.require(200)
    clock.now += 2
    allowance.require(200)
    allowance.spend(200)
    allowance.settle()
    assert (tmp_path / "state").read_bytes() == (
        b"2022-02-17 000000000000000200\n2022-02 000000000000001100\n"
    )


def test_the_month_has_a_budget_too(tmp_path: Path) -> None:
    """Days add up to the limit of the month, and the first day of the next begins anew."""
    clock = Clock()
    for _ in range(3):
        allowance = Allowance(tmp_path / "state", 1000, clock, monthly=2500)
        allowance.spend(min(900, int(allowance.left)))
        allowance.settle()
        clock.now += DAY
    with pytest.raises(OverAllowance, match=r"month.*monthly_megabytes"):
        Allowance(tmp_path / "state", 1000, clock, monthly=2500).check()
    clock.now += 12 * DAY
    assert Allowance(tmp_path / "state", 1000, clock, monthly=2500).left == 1000


def test_a_count_of_the_day_alone_is_that_of_the_month(tmp_path: Path) -> None:
    """As the version before wrote it: what is known of the month is what was sent today."""
    (tmp_path / "state").write_bytes(b"2022-02-16 000000000000000700\n")
    assert Allowance(tmp_path / "state", 1000, Clock()).sent == (700, 700)
    assert Allowance(tmp_path / "state", 1000, Clock(), monthly=800).left == 100


def test_setting_the_clock_back_is_no_new_allowance(tmp_path: Path) -> None:
    """What was sent on a day that is yet to come counts for today."""
    clock = Clock(NOON + 3 * DAY)
    allowance = Allowance(tmp_path / "state", 1000, clock)
    allowance.spend(900)
    allowance.settle()
    clock.now = NOON
    assert Allowance(tmp_path / "state", 1000, clock).left == 100


@pytest.mark.parametrize("ahead", [40, 365])
def test_a_clock_that_was_ahead_costs_a_day_at_most(tmp_path: Path, ahead: int) -> None:
    """A budget spent under it is spent today; tomorrow, and next month, there is another."""
    clock = Clock(NOON + ahead * DAY)
    wrong = Allowance(tmp_path / "state", 1000, clock, monthly=1500)
    wrong.spend(1000)
    wrong.settle()
    clock.now = NOON
    with pytest.raises(OverAllowance):
        Allowance(tmp_path / "state", 1000, clock, monthly=1500).check()
    clock.now += DAY
    assert Allowance(tmp_path / "state", 1000, clock, monthly=1500).left == 500
    clock.now += 20 * DAY
    assert Allowance(tmp_path / "state", 1000, clock, monthly=1500).left == 1000


def test_a_clock_that_was_never_set_gives_no_second_budget(tmp_path: Path) -> None:
    """A board without a clock of its own starts in 1970, until a time server has answered."""
    clock = Clock()
    spent = Allowance(tmp_path / "state", 1000, clock)
    spent.spend(1000)
    spent.settle()
    clock.now = 3600.0
    with pytest.raises(OverAllowance):
        Allowance(tmp_path / "state", 1000, clock).check()
    clock.now = NOON + 3600
    assert Allowance(tmp_path / "state", 1000, clock).left == 0


def test_what_is_sent_by_a_clock_that_was_never_set_counts_for_the_day_before_it(
    tmp_path: Path,
) -> None:
    """It dated the count of a right one back to 1970, and day and month began anew after it."""
    path = tmp_path / "state"
    for now, sent in ((NOON, 900), (3600.0, 50), (3600.0, 20)):
        allowance = Allowance(path, 1000, Clock(now), monthly=2000)
        allowance.spend(sent)
        allowance.settle()
    after = Allowance(path, 1000, Clock(NOON + 60), monthly=2000)
    assert (after.left, after.sent) == (30, (970, 970))
    assert Allowance(path, 1000, Clock(NOON + DAY), monthly=2000).sent == (0, 970)
    for said in (b"2022-99-99 000000000000000060\n", b"1970-01-02 000000000000000060\n"):
        path.write_bytes(said)
        never_set = Allowance(path, 1000, Clock(3600.0))
        never_set.spend(40)
        assert never_set.sent.day >= 100


def test_the_disk_hears_of_the_count_when_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that has a length and no content after a power cut would stop all later runs."""
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(file_of(file)))
    for _ in range(3):
        allowance = Allowance(tmp_path / "state", 1e6, Clock())
        allowance.spend(60_000)
        allowance.settle()
    assert synced == [tmp_path / "state", tmp_path]


def test_a_spent_day_is_said(tmp_path: Path) -> None:
    """The sentence names the budget and both ways on."""
    allowance = Allowance(tmp_path / "state", 5e6, Clock())
    allowance.check()
    allowance.spend(5_000_000)
    with pytest.raises(OverAllowance, match=r"5 MB, is spent; .* midnight UTC.* --budget"):
        allowance.check()


DAMAGED = [b"x", b"2022-02-16 12", b"2022-02-16 -5\n", b"\0" * 30]


def damaged(path: Path, said: bytes, written: float) -> Path:
    path.write_bytes(said)
    os.utime(path, (written, written))
    return path


@pytest.mark.parametrize("said", DAMAGED)
def test_a_damaged_count_is_all_of_the_day_and_the_month_it_was_written_in(
    tmp_path: Path, said: bytes
) -> None:
    """A count that is not known is no permission, and stops nobody for longer than it could."""
    path = damaged(tmp_path / "state", said, NOON)
    clock = Clock(NOON + 60)
    daily, both = Allowance(path, 1000, clock), Allowance(path, 1000, clock, monthly=1e9)
    for allowance in (daily, both):
        with pytest.raises(OverAllowance, match=r"state was damaged, .* or delete the file"):
            allowance.check()
        assert is_unknown(allowance.sent.day)
        assert is_unknown(allowance.sent.month)
    clock.now += DAY
    daily.require(600)
    daily.spend(600)
    daily.settle()
    assert daily.sent.day == 600
    with pytest.raises(OverAllowance, match="next month"):
        both.require(60)
    clock.now += 31 * DAY
    both.require(600)
    both.spend(600)
    both.settle()
    assert both.sent == (600, 600)


@pytest.mark.parametrize("said", DAMAGED)
def test_a_damaged_count_of_last_month_is_none_of_this(tmp_path: Path, said: bytes) -> None:
    """Whatever it said, it was over."""
    path = damaged(tmp_path / "state", said, NOON - 20 * DAY)
    allowance = Allowance(path, 1000, Clock(), monthly=2000)
    assert (allowance.left, allowance.sent) == (1000, (0, 0))
    path = damaged(path, said, NOON - DAY)
    assert Allowance(path, 1000, Clock()).left == 1000
    assert Allowance(path, 1000, Clock(), monthly=2000).left < 0


@pytest.mark.parametrize("said", DAMAGED)
def test_a_damaged_count_of_a_clock_that_was_ahead_costs_a_day_and_its_month(
    tmp_path: Path, said: bytes
) -> None:
    """And no year."""
    clock = Clock()
    path = damaged(tmp_path / "state", said, NOON + 400 * DAY)
    allowance = Allowance(path, 1000, clock)
    with pytest.raises(OverAllowance):
        allowance.check()
    clock.now += DAY
    assert allowance.left == 1000


def test_a_count_that_is_damaged_while_it_is_kept_ends_what_goes_on(tmp_path: Path) -> None:
    """Not a byte leaves beyond what was charged before, and it is no count of zero afterwards."""
    path = tmp_path / "state"
    allowance = Allowance(path, 1e6, clock := Clock())
    allowance.spend(60)
    damaged(path, b"\0" * 60, NOON)
    with pytest.raises(OverAllowance):
        allowance.require(BLOCK)
    allowance.settle()
    assert is_unknown(Allowance(path, 1e6, clock).sent.day)
    assert is_unknown(Allowance(path, 1e6, clock).sent.month)


def test_what_a_newer_version_counts_besides_stays(tmp_path: Path) -> None:
    """After a downgrade what was sent this month is known as before, and nothing is deleted."""
    path = tmp_path / "state"
    Allowance(path, 1e6, Clock()).spend(700)
    path.write_bytes(path.read_bytes() + b"2022 000000000000000700\n" + b"9" * 200)
    allowance = Allowance(path, 1e6, Clock())
    allowance.spend(60_000)
    assert allowance.sent.month == BLOCK + 60_000
    assert path.read_bytes().endswith(b"\n2022 000000000000000700\n" + b"9" * 200)


@settings(max_examples=50)
@given(st.lists(st.integers(40, 1500), max_size=60), st.integers(0, 30_000))
def test_never_more_than_the_limit(
    tmp_path_factory: pytest.TempPathFactory, packets: list[int], limit: int
) -> None:
    """Whoever asks before each packet never sends more than allowed, and the file says how much."""
    path = tmp_path_factory.mktemp("day") / "state"
    allowance = Allowance(path, limit, Clock())
    sent = 0
    for size in packets:
        try:
            allowance.require(size)
        except OverAllowance:
            continue
        allowance.spend(size)
        sent += size
    assert sent <= limit
    allowance.settle()
    assert limit - Allowance(path, limit, Clock()).left == sent


def _spend(path: Path) -> None:
    allowance = Allowance(path, 1e9, Clock())
    for _ in range(2000):
        allowance.spend(100)
    allowance.settle()


def test_several_programs_share_the_day(tmp_path: Path) -> None:
    """Four at once: no packet of any of them is forgotten."""
    path = tmp_path / "state"
    spawn = multiprocessing.get_context("spawn")
    programs = [spawn.Process(target=_spend, args=(path,)) for _ in range(4)]
    for program in programs:
        program.start()
    for program in programs:
        program.join(60)
    assert 1e9 - Allowance(path, 1e9, Clock()).left == 4 * 2000 * 100


def test_as_many_traces_are_begun_as_the_longest_of_the_last_ones_leaves_room_for() -> None:
    """What they take is not left; one that could not be sent took little, and tells nothing."""
    outlook = Outlook()
    outlook.begin(10_000)
    outlook.ended(0, is_usual=False)
    assert (outlook.carries(11), outlook.carries(12)) == (True, False)
    outlook.ended(2_000)
    outlook.ended(500)
    assert (outlook.carries(3), outlook.carries(4)) == (True, False)
    outlook.begin(1_999)
    assert not outlook.carries(1)
