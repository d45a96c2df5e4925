"""The alarm: who moved to one gateway, when, and what looks like a move and is none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from analysis.alarm.timeline import Timeline, find_alarm
from analysis.candidates.blocks import Blocks
from analysis.evidence.panel import observe
from analysis.intake.load import load
from analysis.judgement.judge import judge
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from probe import demo
from probe.origin import Origin
from tests.analysis.country import FIRST_DAY, HOME, NOW, Country

GATE = Node("organisation", "Gate")
NET12 = Node("organisation", "Net 12")


def alarm(
    country: Country, nodes: Sequence[Node] = (GATE,), policy: Policy | None = None
) -> Timeline:
    traces = country.traces()
    seen = observe(traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    observations = seen.observations
    named = {node: {node.name} for node in nodes}
    return find_alarm(observations, Blocks(observations), named, policy or Policy())


def lives(
    country: Country, organisation: int, days: str, *, first: int = 0, vantage: int = 0
) -> None:
    """A vantage point's days: ``#`` over Gate, ``.`` on its own, ``n`` over Net 12, space absent,
    ``?`` only silence before the border."""
    words = {"#": "lan own gate far6", ".": "lan own far6", "n": "lan own net12 far6"}
    for day, way in enumerate(days, start=first):
        if way != " ":
            for destination in ("30.0.1.200", "30.0.2.200"):
                country.trace(
                    organisation,
                    destination,
                    words.get(way, "lan own * * far6"),
                    day=day,
                    vantage=vantage,
                )


def date(day: int) -> dt.date:
    return FIRST_DAY + dt.timedelta(days=day)


MOVES, STAYS = "." * 10 + "#" * 10, "." * 20


def country_of(lines: Iterable[str]) -> Country:
    made = Country(12)
    for organisation, days in enumerate(lines, start=1):
        lives(made, organisation, days)
    return made


@pytest.mark.parametrize(
    ("moving", "staying", "raised"),
    [(3, 0, True), (3, 3, True), (3, 4, False), (2, 0, False), (2, 2, False), (6, 6, True),
     (5, 6, False)],
)  # fmt: skip
def test_three_organisations_and_half_of_all(moving: int, staying: int, raised: bool) -> None:
    """So many an alarm needs: just reached and just missed."""
    found = alarm(country_of([MOVES] * moving + [STAYS] * staying)).alarm
    assert (found is not None) is raised
    if found is not None:
        assert len(found.moved) == moving
        assert found.watched == moving + staying


def test_the_alarm_tells_who_moved_when_and_where_to() -> None:
    """The onset is the first day of the first one; moves are told by day, then by name."""
    timeline = alarm(country_of(["." * 12 + "#" * 10, "." * 9 + "#" * 13, "." * 12 + "#" * 10]))
    assert timeline.alarm is not None
    assert timeline.alarm.node == GATE
    assert timeline.alarm.onset == date(9)
    assert timeline.alarm.moved == (("Net 2", date(9)), ("Net 1", date(12)), ("Net 3", date(12)))
    assert timeline.reason == (
        "3 of 3 organisations moved to Gate between 2026-01-10 and 2026-01-13"
    )


@pytest.mark.parametrize(("apart", "raised"), [(28, True), (29, False)])
def test_the_moves_lie_within_28_days(apart: int, raised: bool) -> None:
    """A roll-out in stages, not one change of provider a month."""
    total = 8 + apart + 8
    late = "." * (8 + apart) + "#" * 8
    early = "." * 8 + "#" * (total - 8)
    found = alarm(country_of([early, early, late])).alarm
    assert (found is not None) is raised


def test_stragglers_beyond_28_days_are_not_in_the_wave() -> None:
    """The largest wave is told, from its own first day on."""
    lines = ["." * 8 + "#" * 62, *["." * 50 + "#" * 20] * 3]
    found = alarm(country_of(lines)).alarm
    assert found is not None
    assert found.onset == date(50)
    assert [name for name, _ in found.moved] == ["Net 2", "Net 3", "Net 4"]


def test_the_gateways_own_move_says_nothing() -> None:
    """Net 12 is the gateway: its own paths are neither counted nor watched."""
    made = country_of(["." * 10 + "n" * 10] * 3)
    lives(made, 12, STAYS)
    found = alarm(made, [NET12]).alarm
    assert found is not None
    assert found.watched == 3
    assert len(found.moved) == 3


def test_a_change_of_panel_moves_nobody() -> None:
    """Volunteers that left and others that came were never seen on both sides."""
    made = Country(12)
    for organisation in range(1, 5):
        lives(made, organisation, "." * 10, vantage=0)
        lives(made, organisation, "#" * 10, first=10, vantage=1)
    timeline = alarm(made)
    assert timeline.alarm is None
    assert timeline.reason == "no vantage point has data on 14 days, as an alarm needs"


@pytest.mark.parametrize("days", ["." * 20, " " * 55 + "#" * 15])
def test_whoever_was_measured_at_another_time_is_not_counted(days: str) -> None:
    """Half of those that could be watched move; others had left before, or came long after."""
    found = alarm(country_of(["." * 30 + "#" * 40] * 3 + [days] * 4)).alarm
    assert found is not None
    assert found.watched == 3


@pytest.mark.parametrize(("short", "raised"), [(5, True), (6, False)])
def test_a_third_of_all_that_were_measured(short: int, *, raised: bool) -> None:
    """Three with a long history do not decide for many that nobody could watch."""
    found = alarm(country_of([MOVES] * 3 + ["." * 10] * short)).alarm
    assert (found is not None) is raised


@pytest.mark.parametrize(("silent", "raised"), [(13, True), (14, False)])
def test_whoever_is_always_silent_was_measured_all_the_same(silent: int, *, raised: bool) -> None:
    """Seven moved, of twenty or twenty-one; of all others no way is known."""
    made = Country(7 + silent)
    made.everyone("lan own {up}", days=range(20), members=range(1, 8))
    made.everyone("lan own gate {up}", days=range(20, 40), members=range(1, 8))
    made.everyone("lan own * * {up}", days=range(40), members=range(8, made.size + 1))
    assert (alarm(made).alarm is not None) is raised


@pytest.mark.parametrize(("back", "raised"), [("#", True), (".", False)])
def test_whoever_holds_it_already_cannot_move_to_it(back: str, *, raised: bool) -> None:
    """Three of five move later than two others did, or of seven where those two had left again."""
    before = "." * 10 + "#" * 10 + back * 30
    found = alarm(country_of([before] * 2 + ["." * 40 + "#" * 10] * 3 + ["." * 50] * 2)).alarm
    assert (found is not None) is raised


def over(
    made: Country,
    organisation: int,
    destinations: Iterable[int],
    ways: str,
    *,
    proto: str = "ICMP",
) -> None:
    """Destinations by number, each traced to on each day of ``ways``; letters as in `lives`."""
    words = {"#": "lan own gate far6", ".": "lan own far6"}
    for number in destinations:
        for day, way in enumerate(ways):
            if way != " ":
                target = f"30.0.{1 + number}.200"
                made.trace(organisation, target, words[way], day=day, proto=proto)


@pytest.mark.parametrize(
    ("same", "gone", "new", "raised"),
    [
        # All destinations are others from the tenth day on, and all new ones lie behind Gate.
        ([], range(4), range(4, 8), False),
        # One stays, and shows no move; or it does.
        (["." * 20], range(1, 6), range(6, 11), False),
        ([MOVES], range(1, 6), range(6, 9), True),
        # Of two that stay one does.
        ([MOVES, "." * 20], range(2, 3), range(3, 9), True),
    ],
)
def test_other_destinations_are_no_move(
    same: list[str], gone: Iterable[int], new: Iterable[int], raised: bool
) -> None:
    """A list of targets that is replaced, with targets that were always reached through Gate."""
    made = Country(12)
    for organisation in (1, 2, 3):
        for number, ways in enumerate(same):
            over(made, organisation, [number], ways)
        over(made, organisation, gone, "." * 10)
        over(made, organisation, new, " " * 10 + "#" * 10)
    assert (alarm(made).alarm is not None) is raised


@pytest.mark.parametrize(
    ("kept", "raised"), [(["#" * 20], False), (["#" * 20] * 3, False), (["#" * 20, MOVES], True)]
)
def test_fewer_destinations_are_no_move(kept: list[str], *, raised: bool) -> None:
    """A list of targets of which those are left that were always reached through Gate."""
    made = Country(12)
    for organisation in (1, 2, 3):
        over(made, organisation, range(len(kept), 14), "." * 10)
        for number, ways in enumerate(kept):
            over(made, organisation, [number], ways)
    assert (alarm(made).alarm is not None) is raised


@pytest.mark.parametrize(
    ("ways", "raised"),
    [
        # From the tenth day on another protocol, which all along went over Gate.
        ({"ICMP": "." * 10, "TCP": " " * 10 + "#" * 10}, False),
        # It comes beside the one of before.
        ({"ICMP": STAYS, "TCP": " " * 10 + "#" * 10, "UDP": " " * 10 + "#" * 10}, False),
        ({"ICMP": MOVES, "TCP": " " * 10 + "#" * 10}, True),
        ({"ICMP": "." * 10 + "#" * 7, "TCP": " " * 17 + "#" * 10}, True),
        # By turns, as where a probe has its privileges on some days only.
        ({"ICMP": ". " * 5 + "# " * 5, "UDP": " ." * 5 + " #" * 5}, True),
    ],
    ids=["instead", "beside", "beside a move", "after a move", "by turns"],
)
def test_another_protocol_is_no_move(ways: dict[str, str], *, raised: bool) -> None:
    """Ways of one may go over an operator and those of another not, before and after."""
    made = Country(12)
    for organisation in (1, 2, 3):
        for protocol, days in ways.items():
            over(made, organisation, range(4), days, proto=protocol)
    assert (alarm(made).alarm is not None) is raised


def drawn(made: Country, organisation: int, days: str, *, proto: str = "ICMP") -> None:
    """Two destinations a day, never the same ones twice; letters as in `lives`."""
    words = {"#": "lan own gate far6", ".": "lan own far6"}
    for day, way in enumerate(days):
        for part in (1, 2) if way != " " else ():
            target = f"30.0.{part}.{10 + len(made.results) % 240}"
            made.trace(organisation, target, words[way], day=day, proto=proto)


@pytest.mark.parametrize(
    ("ways", "raised"),
    [
        ({"ICMP": "." * 10, "TCP": " " * 10 + "#" * 10}, False),
        ({"ICMP": MOVES}, True),
        ({"ICMP": MOVES, "TCP": " " * 10 + "#" * 10}, True),
        ({"ICMP": "." * 10 + "#" * 7, "TCP": " " * 17 + "#" * 10}, True),
        ({"ICMP": "." * 10 + "#" * 7, "TCP": " " * 10 + "#" * 17}, True),
        # Of two that both sides tell of one moves, and the other was over Gate all along.
        ({"ICMP": MOVES, "TCP": "#" * 20}, True),
        # Most begin with another, and some stay with the one of before, which goes elsewhere.
        ({"ICMP": "." * 11 + " " * 9, "TCP": " " * 10 + "#" * 10}, False),
        ({"ICMP": ". " * 5 + "# " * 5, "UDP": " ." * 5 + " #" * 5}, True),
    ],
    ids=["instead", "moves", "beside", "after", "meanwhile", "one", "late", "by turns"],
)
def test_another_protocol_is_no_move_where_targets_are_drawn(
    ways: dict[str, str], *, raised: bool
) -> None:
    """No destination is on both sides of the change, and each protocol keeps its way."""
    made = Country(12)
    for organisation in (1, 2, 3):
        for protocol, days in ways.items():
            drawn(made, organisation, days, proto=protocol)
    assert (alarm(made).alarm is not None) is raised


@pytest.mark.parametrize(("proto", "over"), [("TCP", False), ("ICMP", True)])
def test_another_protocol_ends_no_wave_where_targets_are_drawn(proto: str, *, over: bool) -> None:
    """Who moved by one and measures by another afterwards was not seen to leave."""
    made = Country(12)
    for organisation in (1, 2, 3):
        drawn(made, organisation, "." * 10 + "#" * 10)
        drawn(made, organisation, " " * 20 + "." * 10, proto=proto)
    found = alarm(made)
    assert (found.ended is not None) is over
    assert (found.alarm is None) is over


def test_a_move_in_steps_is_seen_at_the_last() -> None:
    """Three of five destinations move a week before the other two; four of five hold it then."""
    made = Country(12)
    for organisation in (1, 2, 3):
        over(made, organisation, range(3), "." * 8 + "#" * 16)
        over(made, organisation, range(3, 5), "." * 15 + "#" * 9)
    found = alarm(made).alarm
    assert found is not None
    assert found.onset == date(15)


def test_more_destinations_are_no_move() -> None:
    """To four of six targets, always reached through Gate, four more such are added."""
    made = Country(12)
    for organisation in (1, 2, 3):
        over(made, organisation, range(4), "#" * 24)
        over(made, organisation, range(4, 6), "." * 24)
        over(made, organisation, range(6, 10), " " * 12 + "#" * 12)
    assert alarm(made).alarm is None


def test_a_move_is_seen_without_a_list_of_destinations() -> None:
    """Each day has destinations of its own, as where targets are drawn by chance."""
    made = Country(12)
    for organisation in (1, 2, 3):
        for day in range(20):
            words = "lan own gate far6" if day >= 10 else "lan own far6"
            made.trace(organisation, f"30.0.1.{10 + day}", words, day=day)
    assert alarm(made).alarm is not None


def test_one_of_two_vantage_points_suffices_and_one_of_three_does_not() -> None:
    """An organisation moved when half of those that could be watched did, on that day too."""
    made = country_of(["." * 7 + "#" * 7] * 3)
    for organisation in (1, 2, 3):
        lives(made, organisation, STAYS, vantage=1)
    assert alarm(made).alarm is not None
    for organisation in (1, 2, 3):
        lives(made, organisation, STAYS, vantage=2)
    assert alarm(made).alarm is None


def test_a_vantage_point_that_was_there_before_did_not_move() -> None:
    """One of three moved to where another always was."""
    made = country_of([MOVES] * 3)
    for organisation in (1, 2, 3):
        lives(made, organisation, "#" * 20, vantage=1)
        lives(made, organisation, STAYS, vantage=2)
    assert alarm(made).alarm is None


def test_a_short_lived_vantage_point_has_no_vote() -> None:
    """Thirteen days cannot show seven before and seven after."""
    made = country_of([MOVES] * 3)
    for organisation in (1, 2, 3):
        for vantage in (1, 2):
            lives(made, organisation, "." * 13, vantage=vantage)
    assert alarm(made).alarm is not None


def test_days_without_data_are_no_days() -> None:
    """A vantage point that measures every other day needs a month, and gaps harm nothing."""
    found = alarm(country_of([". " * 8 + "# " * 8] * 3)).alarm
    assert found is not None
    assert found.onset == date(16)
    assert alarm(country_of([". " * 6 + "# " * 6] * 3)).alarm is None


@pytest.mark.parametrize(("pause", "told"), [(27, False), (28, True)])
def test_moves_that_a_pause_may_hide_are_told(pause: int, *, told: bool) -> None:
    """Who was not measured for weeks may have moved on any day of these, each on another."""
    made = country_of(["." * 10 + " " * pause + "#" * 10] * 3 + ["." * (20 + pause)])
    lives(made, 1, "." * 7, first=3 + pause)
    fields = made.judge().fields
    assert fields["timeline"]["alarm"]
    sentence = (
        "Of 2 of the 3 organisations that moved nothing is known of the 28 days before: they may "
        "have moved on different days of a longer pause, each for itself."
    )
    assert (sentence in fields["limits"]) is told
    assert any("pause" in limit for limit in fields["limits"]) is told


def test_silence_is_no_day() -> None:
    """Days on which no crossing is known are days without data."""
    found = alarm(country_of(["." * 8 + "?" * 5 + "#" * 8] * 3)).alarm
    assert found is not None
    assert found.onset == date(13)


@pytest.mark.parametrize(("over_gate", "raised"), [(4, True), (3, False)])
def test_a_day_is_held_by_four_of_five_crossings(over_gate: int, raised: bool) -> None:
    """80% of the day's known crossings, as for a captured organisation."""
    made = Country(12)
    for organisation in (1, 2, 3):
        for n, destination in enumerate(made.destinations()):
            for day in range(16):
                over = day >= 8 and n < over_gate
                words = "lan own gate far6" if over else "lan own far6"
                made.trace(organisation, destination, words, day=day)
    assert (alarm(made).alarm is not None) is raised


def test_a_destination_that_a_day_tells_nothing_of_is_as_before_and_after() -> None:
    """One of five is always read wrong and another is silent each day: four of five hold it."""
    made = Country(12)
    for organisation in (1, 2, 3):
        for day in range(20):
            for number, destination in enumerate(made.destinations(5)):
                way = "lan own gate far6" if day >= 10 and number else "lan own far6"
                if day == 10 or number != 1 + day % 4:
                    made.trace(organisation, destination, way, day=day)
    found = alarm(made).alarm
    assert found is not None
    assert [day for _, day in found.moved] == [date(10)] * 3


@pytest.mark.parametrize(("days", "raised"), [(13, False), (14, True)])
def test_fourteen_days_are_needed(days: int, raised: bool) -> None:
    """Seven before and seven after; the sentence says what there was."""
    made = country_of(["." * (days - 7) + "#" * 7] * 3)
    timeline = alarm(made)
    assert (timeline.alarm is not None) is raised
    if not raised:
        assert timeline.reason == "the data span 13 of the 14 days that an alarm needs"


def test_a_country_without_data_raises_no_alarm() -> None:
    """Nothing measured abroad, nothing said but that: days with ways at home alone are not none."""
    says = "no path to abroad was measured by which an alarm could be told"
    at_home = Country(2)
    at_home.trace(1, "20.0.2.200", "lan own")
    for country in (Country(1), at_home):
        assert alarm(country) == Timeline(None, says)


def test_a_stable_country_raises_no_alarm() -> None:
    """Always through Gate is no move to Gate, and the sentence says how many were watched."""
    for days in ("#" * 20, STAYS):
        timeline = alarm(country_of([days] * 5))
        assert timeline.alarm is None
        assert timeline.reason == (
            "no move of many organisations to one gateway (5 could be watched)"
        )


def test_an_outage_of_three_days_raises_no_alarm() -> None:
    """Everybody over one backup for a weekend, and back again."""
    assert alarm(country_of(["." * 10 + "###" + "." * 10] * 6)).alarm is None


def test_the_way_back_is_no_alarm() -> None:
    """Gate switched off: nobody moved to it."""
    assert alarm(country_of(["#" * 10 + "." * 10] * 6)).alarm is None


def test_the_node_most_moved_to_is_meant_and_of_equals_the_first() -> None:
    """Net 12 gained four organisations, Gate three of them on the same paths."""
    made = Country(12)
    for organisation in range(1, 5):
        for day in range(20):
            via = "net12 gate" if organisation < 4 else "net12"
            words = f"lan own {via} far6" if day >= 10 else "lan own far6"
            made.trace(organisation, "30.0.1.200", words, day=day)
    for nodes in ([GATE, NET12], [NET12, GATE]):
        found = alarm(made, nodes).alarm
        assert found is not None
        assert found.node == NET12
    lives(made, 5, STAYS)
    three = country_of([])
    for organisation in range(1, 4):
        for day in range(20):
            words = "lan own net12 gate far6" if day >= 10 else "lan own far6"
            three.trace(organisation, "30.0.1.200", words, day=day)
    for nodes in ([GATE, NET12], [NET12, GATE]):
        found = alarm(three, nodes).alarm
        assert found is not None
        assert found.node == nodes[0]


def test_only_nodes_that_may_be_named_are_looked_at() -> None:
    """A meeting place that everybody joins is no gateway that was switched on."""
    assert alarm(country_of([MOVES] * 6), []).alarm is None


@pytest.mark.parametrize(("others", "raised"), [(2, False), (3, True)])
def test_whoever_runs_an_exchange_says_nothing_of_moves_to_it(others: int, *, raised: bool) -> None:
    """Net 12 runs it, and moves to it with others."""
    made = country_of(["." * 20] * 2)
    made.table.operators["HomeIX"] = 112
    made.table.watched.add("HomeIX")
    for organisation in (12, *range(3, 3 + others)):
        for day in range(20):
            words = "lan own homeix far6" if day >= 10 else "lan own far6"
            for destination in ("30.0.1.200", "30.0.2.200"):
                made.trace(organisation, destination, words, day=day)
    assert made.judge().fields["timeline"]["alarm"] is raised


def test_the_policy_is_followed() -> None:
    """Two organisations, three days each way: enough when the rule is changed so."""
    made = country_of(["." * 3 + "#" * 3] * 2)
    relaxed = Policy(alarm_organisations=2, alarm_hold_days=3, timeline_days=6)
    found = alarm(made, policy=relaxed).alarm
    assert found is not None
    assert found.onset == date(3)


# ------------------------------------------------------------------------ in the verdict


def test_the_verdict_speaks_of_the_days_since_the_onset() -> None:
    """Before the switch diverse, after it through Gate: the window begins at the onset."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(8))
    assert country.judge().grade == "diverse"
    country.everyone("lan own gate {up}", days=range(8, 16))
    fields = country.judge().fields
    assert fields["grade"] == "single_gateway"
    assert fields["window"] == ["2026-01-09", "2026-01-16"]
    assert fields["timeline"]["alarm"] is True
    assert fields["timeline"]["onset"] == "2026-01-09"
    assert fields["timeline"]["gateway"]["name"] == "Gate"
    assert fields["timeline"]["moved"][0] == {"organisation": "Net 1", "day": "2026-01-09"}
    assert fields["measured"]["days"] == 8


def test_without_an_alarm_the_whole_time_is_judged() -> None:
    """The keys are there, and hold nothing."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(16))
    fields = country.judge().fields
    assert fields["window"] == ["2026-01-01", "2026-01-16"]
    gateways = fields["timeline"].pop("gateways")
    assert gateways == {
        f"Net {i}": [{"since": "2026-01-01", "kind": None, "gateway": None}] for i in range(1, 11)
    }
    assert fields["timeline"] == {
        "alarm": False,
        "onset": None,
        "behind": None,
        "gateway": None,
        "moved": [],
        "waves": [],
        "reason": "no move of many organisations to one gateway (10 could be watched)",
    }


def test_the_demos_switch_is_found_within_three_weeks(whole_demo: Path, table: Origin) -> None:
    """What the real probe measured in the simulated Cambodia, before and after, in one go."""
    fields = judge(load([str(whole_demo)]), table, "KH", Policy(resamples=2), now=NOW).fields
    assert fields["timeline"]["alarm"] is True
    assert fields["timeline"]["gateway"]["name"] == "Telecom Cambodia"
    onset = dt.date.fromisoformat(fields["timeline"]["onset"])
    assert abs((onset - demo.Country().switched_on).days) <= 21
    changes = fields["timeline"]["gateways"]["Cogetel (Opennet)"]
    assert [change["gateway"] for change in changes][-1] == "Telecom Cambodia"


def test_the_gateway_of_a_day_is_that_of_most_keys() -> None:
    """However many traces one of them sent."""
    made = country_of(["." * 20])
    for vantage in (1, 2):
        lives(made, 1, "." * 20, vantage=vantage)
    before = alarm(made).gateways
    for _ in range(50):
        lives(made, 1, "n", first=9, vantage=3)
    assert alarm(made).gateways == before


def test_a_silent_own_network_hides_no_gateway_that_it_comes_back_from() -> None:
    """On two days of three the hop before the gateway is silent, which may be the own network."""
    made = Country(6)
    made.everyone("lan own {up}", days=range(10))
    made.everyone("lan own gate own {up}", days=range(10, 30, 3))
    made.everyone("lan * gate own {up}", days=[d for d in range(10, 30) if d % 3 != 1])
    fields = made.judge().fields["timeline"]
    assert fields["alarm"]
    assert fields["gateway"]["name"] == "Gate"


@pytest.mark.parametrize(
    ("silent", "heard", "days"),
    [
        ("lan own * net12 far6", "lan own gate net12 far6", 10),
        ("lan own * net12 far6", "lan own gate net12 far6", 60),
        ("lan own net12 * far6", "lan own net12 gate far6", 10),
        ("lan own net12 * far6", "lan own net12 gate far6", 60),
    ],
)
def test_a_gateway_that_begins_to_answer_between_others_was_not_switched_on(
    silent: str, heard: str, days: int
) -> None:
    """Whoever stands beside the silent hop, the path goes on over an interface seen behind Gate."""
    made = Country(12)
    for organisation in range(1, 5):
        for day in range(days + 10):
            made.trace(organisation, "30.0.1.200", silent if day < days else heard, day=day)
    assert alarm(made).alarm is None


@pytest.mark.parametrize("away", ["lan own net12 far7", "lan own * net12 far7", "lan own * far7"])
def test_over_an_interface_never_seen_behind_it_a_silent_hop_is_somebody_else(away: str) -> None:
    """Gate switched on before networks whose routers did not all answer."""
    made = Country(12)
    for organisation in range(1, 5):
        for day in range(20):
            words = away if day < 10 else "lan own gate net12 far6"
            made.trace(organisation, "30.0.1.200", words, day=day)
    found = alarm(made).alarm
    assert found is not None
    assert found.onset == date(10)


def test_a_gateway_whose_second_router_never_answers_is_held_on_its_days() -> None:
    """Also where that was met before the one that answers: three days are no way of before."""
    made = Country(12)
    for organisation in range(1, 5):
        for day in range(28):
            silent = day < 13 or day % 2
            behind = "far7" if day < 10 else "* far8" if silent else "gate far6"
            made.trace(organisation, "30.0.1.200", f"lan own {behind}", day=day)
    found = alarm(made).alarm
    assert found is not None
    assert found.onset == date(14)


def test_paths_that_leave_a_gateway_open_do_not_say_that_a_link_is_not_its() -> None:
    """Three may pass Gate before their own routers; of three others Gate's was silent on the link
    to the same interface, and begins to answer."""
    made = Country(12)
    for day in range(110):
        for organisation in (1, 2, 3):
            made.trace(organisation, "30.0.1.200", "lan * gate own 30.0.6.9", day=day)
        for organisation in (4, 5, 6):
            words = f"lan own {'*' if day < 102 else 'gate'} 30.0.6.9"
            made.trace(organisation, "30.0.1.200", words, day=day)
    found = alarm(made)
    assert found.alarm is None
    assert found.gateways["Net 1"] == ()
