"""Waves of moves to one gateway: which are over, as cuts and tests are, and which still stand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analysis.alarm.timeline import Timeline
from analysis.owners.operators import Node
from analysis.words.translation import Words
from tests.analysis.alarm.test_timeline import GATE, NET12, alarm, country_of, date, lives, over
from tests.analysis.country import Country

BOTH: Sequence[Node] = (GATE, NET12)


def who(timeline: Timeline) -> tuple[str, int, int] | None:
    """Of the alarm the node, the day of the onset since the first day, and how many moved."""
    if timeline.alarm is None:
        return None
    onset = (timeline.alarm.onset - date(0)).days
    return timeline.alarm.node.name, onset, len(timeline.alarm.moved)


CUT = "." * 10 + "#" * 20 + "." * 10


def test_a_cut_that_is_over_is_no_alarm_and_is_told() -> None:
    """Most over one backup for twenty days, and back; what is judged begins there.

    One more comes back later, when it is over.
    """
    late = "." * 10 + "#" * 22 + "." * 8
    found = alarm(country_of([CUT] * 4 + [late] + ["." * 40] * 2))
    assert found.alarm is None
    assert found.since == date(30)
    assert found.reason == (
        "5 of 7 organisations moved to Gate from 2026-01-11 on, and 4 had left by 2026-01-31"
    )


@pytest.mark.parametrize(
    ("days", "ended"),
    [
        ("." * 10 + "#" * 30, None),
        # Six of seven days from then on are away, or five.
        ("." * 10 + "#" * 20 + "..#....", 30),
        ("." * 10 + "#" * 20 + "..##...", None),
        # Too few days since.
        ("." * 10 + "#" * 20 + "......", None),
        # Whoever flaps for a while, and is away then.
        ("." * 10 + "#" * 20 + ".#" * 6 + "." * 8, 39),
        ("." * 10 + "#" * 20 + ".#" * 6, None),
        # Measured until the middle of the cut, silent after it, or on every other day.
        ("." * 10 + "#" * 10 + " " * 20, None),
        ("." * 10 + "#" * 10 + "?" * 20, None),
        (". " * 10 + "# " * 10 + ". " * 7, 40),
        (". " * 10 + "# " * 10 + ". " * 6, None),
        # Silence before all are back.
        ("." * 10 + "#" * 10 + "?" * 10 + "." * 10, 30),
    ],
)
def test_who_has_left_is_seen_as_who_has_moved(days: str, ended: int | None) -> None:
    """By days that tell; silence and the end of the data leave it open."""
    found = alarm(country_of([days] * 4 + [days.replace("#", ".")] * 2))
    assert (found.alarm is None) is (ended is not None)
    assert found.since == date(days.index("#") if ended is None else ended)


@pytest.mark.parametrize(
    ("back", "going_on", "unheard", "stands"),
    [
        (2, 2, 0, False),
        (2, 3, 0, True),
        # Two of two that can be told, of three and of six that moved.
        (2, 0, 1, False),
        (2, 0, 4, True),
        (3, 0, 5, False),
        (1, 0, 2, True),
    ],
)
def test_half_of_those_that_can_be_told_and_a_third_of_all(
    back: int, going_on: int, unheard: int, *, stands: bool
) -> None:
    """A few that are still measured do not decide for all."""
    lines = [CUT] * back + ["." * 10 + "#" * 30] * going_on + ["." * 10 + "#" * 12] * unheard
    assert (alarm(country_of(lines)).alarm is not None) is stands


def test_whoever_has_left_can_be_told_for_good() -> None:
    """Two of five have left, and one of them is not measured any more when the other does."""
    lines = ["." * 10 + "#" * 10 + "." * 7, CUT, *["." * 10 + "#" * 30] * 3]
    assert alarm(country_of(lines)).alarm is not None


def test_a_cut_and_a_smaller_switch_on_after_it() -> None:
    """The old wave hides nothing: the onset is that of the switch-on."""
    found = alarm(
        country_of(
            ["." * 10 + "n" * 20 + "." * 10 + "#" * 10] * 4 + ["." * 10 + "n" * 20 + "." * 20]
        ),
        BOTH,
    )
    assert who(found) == ("Gate", 40, 4)
    assert found.since == date(40)
    assert found.reason == (
        "4 of 5 organisations moved to Gate on 2026-02-10; "
        "5 of 5 organisations moved to Net 12 from 2026-01-11 on, and 5 had left by 2026-01-31"
    )


def test_a_cut_after_a_switch_on_is_not_judged() -> None:
    """What is judged begins when the last wave was over, if that is later than the onset."""
    days = "." * 10 + "#" * 15 + "n" * 15
    # All paths over Net 12 still pass Gate: only Net 12 was moved to and left.
    made = Country(12)
    for organisation in range(1, 5):
        lives(made, organisation, days.replace("n", " "))
        for day in (*range(25, 40),):
            for destination in ("30.0.1.200", "30.0.2.200"):
                made.trace(organisation, destination, "lan own net12 gate far6", day=day)
        lives(made, organisation, "#" * 10, first=40)
    found = alarm(made, BOTH)
    assert who(found) == ("Gate", 10, 4)
    assert found.since == date(40)


@pytest.mark.parametrize("pause", [7, 20, 60])
def test_tests_before_a_switch_on_do_not_date_it(pause: int) -> None:
    """There, and back, and there again: the last onset counts, however soon it follows."""
    days = "." * 10 + "#" * 8 + "." * pause + "#" * 10
    found = alarm(country_of([days] * 4 + ["." * len(days)] * 2))
    assert who(found) == ("Gate", 18 + pause, 4)
    assert found.since == date(18 + pause)
    assert found.reason.startswith("4 of 6 organisations moved to Gate on ")


@pytest.mark.parametrize("away", ["n", "."])
@pytest.mark.parametrize("times", [1, 2])
def test_a_return_to_whom_one_had_at_first_is_no_move(away: str, times: int) -> None:
    """Most lose their provider to a cut, and have it back: it was not switched on."""
    days = "#" * 10 + (away * 20 + "#" * 10) * times
    found = alarm(country_of([days] * 4 + ["." * len(days)] * 2), BOTH)
    assert found.alarm is None
    assert {wave.node for wave in found.waves} <= {NET12}


def test_who_returns_to_a_provider_makes_no_switch_on_of_few() -> None:
    """Two move to it while four come back to it: two are no wave."""
    back, new = "#" * 10 + "." * 20 + "#" * 10, "." * 30 + "#" * 10
    assert alarm(country_of([back] * 4 + [new] * 2)).alarm is None
    assert who(alarm(country_of([back] * 3 + [new] * 4))) == ("Gate", 30, 4)


def test_a_list_that_leads_elsewhere_is_no_leaving_that_one_returns_from() -> None:
    """Whom other targets led to it at first, and away, moves when the paths do."""
    made = Country(12)
    for organisation in range(1, 5):
        for day in range(10):
            made.trace(organisation, "30.0.9.200", "lan own gate far6", day=day)
        lives(made, organisation, "." * 10 + "#" * 10, first=10)
    assert who(alarm(made)) == ("Gate", 20, 4)


def test_a_test_of_a_few_belongs_to_no_later_switch_on() -> None:
    """Two tried it for a week; four moved within the same weeks, and hold it."""
    lines = ["." * 10 + "#" * 7 + "." * 23] * 2 + ["." * 22 + "#" * 18] * 4
    assert who(alarm(country_of(lines))) == ("Gate", 22, 4)


def test_two_cuts_that_are_over_are_two() -> None:
    """The end of the last one counts, and is told."""
    days = "." * 10 + "#" * 10 + "." * 10 + "#" * 10 + "." * 10
    found = alarm(country_of([days] * 4))
    assert found.alarm is None
    assert found.since == date(40)
    assert found.reason.endswith("from 2026-01-31 on, and 4 had left by 2026-02-10")
    assert [(wave.onset, wave.over) for wave in found.waves] == [
        (date(10), date(20)),
        (date(30), date(40)),
    ]


def test_those_who_stay_behind_a_backup_make_no_wave_of_their_own() -> None:
    """Three of eight keep what was their backup."""
    assert alarm(country_of([CUT] * 5 + ["." * 10 + "#" * 30] * 3)).alarm is None


def test_of_waves_that_stand_the_newest_is_meant() -> None:
    """Six bought from Net 12 long ago; Gate, behind which five of eight stand, came now."""
    made = Country(12)
    for organisation in range(1, 9):
        via = "net12 " if organisation < 7 else ""
        for day in range(80):
            words = f"{via if day >= 10 else ''}{'gate ' if day >= 60 and organisation < 6 else ''}"
            made.trace(organisation, "30.0.1.200", f"lan own {words}far6", day=day)
    assert who(alarm(made, BOTH)) == ("Gate", 60, 5)


@pytest.mark.parametrize(
    ("later", "found"),
    [
        ([39] * 3 + [67] * 3, ("Gate", 10, 6)),
        ([39] * 3 + [68] * 3, ("Gate", 68, 3)),
        ([48] * 3, ("Gate", 10, 6)),
        ([49] * 3, ("Gate", 49, 3)),
    ],
)
def test_stages_that_follow_each_other_are_one_roll_out(
    later: list[int], found: tuple[str, int, int]
) -> None:
    """Of these the largest is told; a stage that comes later than 28 days is the newest."""
    moves = [10] * 5 + [20] + later
    lines = ["." * day + "#" * (later[-1] + 7 - day) for day in moves]
    assert who(alarm(country_of(lines))) == found


def test_an_end_by_other_destinations_is_none() -> None:
    """Targets behind Gate that are traced to no more, and others that never were behind it."""
    for kept, gone, new in (([], range(5), range(5, 10)), (range(5), [], range(5, 30))):
        made = Country(12)
        for organisation in (1, 2, 3):
            over(made, organisation, kept, "." * 10 + "#" * 30)
            over(made, organisation, gone, "." * 10 + "#" * 15)
            over(made, organisation, new, " " * 25 + "." * 15)
        assert alarm(made).alarm is not None


def test_an_end_by_fewer_destinations_is_none() -> None:
    """One of five never was behind Gate, and is the one that is left."""
    made = Country(12)
    for organisation in (1, 2, 3):
        over(made, organisation, range(4), "." * 10 + "#" * 15)
        over(made, organisation, [4], "." * 40)
    assert alarm(made).alarm is not None


@pytest.mark.parametrize(
    ("back", "since"),
    [([25, 25, 25, 40, 40], 25), ([25, 25, 32, 32, 40], 29), ([25, 25, 40, 40, 40], None)],
)
def test_a_return_in_steps_is_seen_when_half_are_back(back: list[int], since: int | None) -> None:
    """On most of the days that follow: less than four of five is no hold, and no leaving yet."""
    made = Country(12)
    for organisation in (1, 2, 3):
        for number, day in enumerate(back):
            over(made, organisation, [number], "." * 10 + "#" * (day - 10) + "." * (40 - day))
    found = alarm(made)
    assert (found.alarm is None) is (since is not None)
    assert found.since == date(since or 10)


def test_a_return_is_seen_without_a_list_of_destinations() -> None:
    """Each day has destinations of its own."""
    made = Country(12)
    for organisation in (1, 2, 3):
        for day, way in enumerate(CUT):
            words = "lan own gate far6" if way == "#" else "lan own far6"
            made.trace(organisation, f"30.0.1.{10 + day}", words, day=day)
    assert alarm(made).alarm is None


@pytest.mark.parametrize(
    ("others", "stands"),
    [
        # One of two has left.
        (["." * 10 + "#" * 30], False),
        (["." * 10 + "#" * 30] * 2, True),
        # Those that are not measured any more say nothing.
        (["." * 10 + "#" * 12] * 2, False),
        # Nor do those that were never there; those that came while it was held do.
        (["." * 40], False),
        ([" " * 15 + "#" * 25] * 2, True),
        ([" " * 15 + "#" * 15 + "." * 10, "." * 10 + "#" * 30], False),
    ],
)
def test_an_organisation_left_when_half_of_its_vantage_points_did(
    others: list[str], *, stands: bool
) -> None:
    """Of those that held it, and could be seen to leave then."""
    made = country_of([CUT] * 3)
    for organisation in (1, 2, 3):
        for vantage, days in enumerate(others, start=1):
            lives(made, organisation, days, vantage=vantage)
    assert (alarm(made).alarm is not None) is stands


# ------------------------------------------------------------------------ in the verdict


def test_nobody_is_named_for_a_cut_that_is_over() -> None:
    """Nine of ten over Gate for three weeks, and a week that all are back."""
    country = Country(10)
    country.everyone("lan own {up}", days=[*range(8), *range(29, 37)])
    country.everyone("lan own gate {up}", days=range(8, 29))
    fields = country.judge().fields
    assert (fields["grade"], fields["gateway"]) == ("diverse", None)
    assert fields["window"] == ["2026-01-30", "2026-02-06"]
    assert fields["timeline"]["alarm"] is False
    assert fields["timeline"]["waves"] == [
        {
            "gateway": "Gate",
            "onset": "2026-01-09",
            "organisations": 10,
            "of": 10,
            "left": 10,
            "over": "2026-01-30",
        }
    ]


def test_a_cut_is_over_for_those_whose_own_provider_never_answers() -> None:
    """Their silent way of before is back: nobody was ever seen on it, so it is not the backup's.

    Where another silent way follows it may be a router of the backup, and the wave stands.
    """
    for after, left in (("far7", 4), ("far8", 0)):
        made = Country(12)
        for organisation in range(1, 5):
            for day in range(40):
                words = (
                    "gate far6" if day in range(10, 30) else f"* {'far7' if day < 10 else after}"
                )
                made.trace(organisation, "30.0.1.200", f"lan own {words}", day=day)
        (wave,) = alarm(made).waves
        assert (wave.node, len(wave.moved), wave.left) == (GATE, 4, left)


def test_a_cut_that_goes_on_is_an_alarm() -> None:
    """While it lasts it is a true one."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(8))
    country.everyone("lan own gate {up}", days=range(8, 29))
    fields = country.judge().fields
    assert (fields["grade"], fields["gateway"]["name"]) == ("single_gateway", "Gate")
    assert fields["timeline"]["waves"][0]["over"] is None


def test_a_switch_on_after_a_cut_is_graded_from_its_own_onset() -> None:
    """All over Sea Cable at home for three weeks, back, and then eight of ten over Gate."""
    country = Country(10)
    country.everyone("lan own {up}", days=[*range(8), *range(29, 60)])
    country.everyone("lan own 20.0.10.7 {up}", days=range(8, 29), members=range(1, 10))
    country.everyone("lan own {up}", days=range(8, 29), members=[10])
    country.everyone("lan own gate {up}", days=range(60, 70))
    fields = country.judge().fields
    assert (fields["grade"], fields["gateway"]["name"]) == ("single_gateway", "Gate")
    assert fields["timeline"]["onset"] == fields["window"][0] == "2026-03-02"
    assert [wave["gateway"] for wave in fields["timeline"]["waves"]] == ["Net 10", "Gate"]


def test_who_is_named_beside_the_alarm_of_another_is_told() -> None:
    """All over Gate for weeks, and then half of them bought from Net 10, which buys from Gate.

    That they were over Gate once before, for ten days, is over.
    """
    country = Country(10)
    country.everyone("lan own {up}", days=[*range(8), *range(18, 28)])
    country.everyone("lan own gate {up}", days=[*range(8, 18), *range(28, 60)])
    country.everyone("lan own net10 gate {up}", days=range(60, 75), members=range(1, 6))
    country.everyone("lan own gate {up}", days=range(60, 75), members=range(6, 11))
    fields = country.judge().fields
    assert fields["gateway"]["name"] == "Gate"
    assert fields["timeline"]["gateway"]["name"] == "Net 10"
    told = [
        "The alarm is of Net 10, to which organisations moved last; the grade is of Gate, which "
        "leads in the days judged.",
        "10 of 10 organisations moved to Gate from 2026-01-29 on, and that is not over.",
    ]
    assert [one for one in fields["reasons"] if "moved" in one] == told
    assert all(Words("km").sentence(one).language == "km" for one in told)
