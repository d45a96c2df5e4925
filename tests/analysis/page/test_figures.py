"""The pictures as charts: they draw what the tables say, and have words for who cannot see them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import altair as alt
import pytest

from analysis.intake.load import Loaded
from analysis.library.statement import Data, Verdict
from analysis.page import figures, palette
from analysis.page.report import report
from probe.record import Attribution
from tests.analysis.country import HOME, Country
from tests.analysis.verdicts import behind_a_gateway, verdict_of

ALL: dict[str, Callable[..., alt.LayerChart]] = {
    "captured": figures.captured,
    "share_over_time": figures.share_over_time,
    "paths": figures.paths,
    "grid": figures.grid,
    "domestic": figures.domestic,
    "recruits": figures.recruits,
}


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    return verdict_of(behind_a_gateway())


@pytest.fixture(scope="module")
def nothing() -> Verdict:
    return verdict_of(Country(3))


def data_of(chart: alt.LayerChart) -> list[dict[str, Any]]:
    """The rows of all layers."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [326, 784])
def test_each_is_a_chart_with_words(name: str, width: int, verdict: Verdict) -> None:
    """Valid by the schema of Vega-Lite, as wide as asked for, and described."""
    drawn = ALL[name](verdict, width=width).to_dict()
    assert drawn["width"] == width
    assert len(drawn["description"]) > 8
    assert json.dumps(drawn)


@pytest.mark.parametrize("made", [*ALL.values(), report], ids=[*ALL, "report"])
def test_what_is_no_verdict_is_refused(made: Callable[[Any], Any], verdict: Verdict) -> None:
    """In a sentence that says how one gets one; data were refused for an attribute they lack."""
    for given in (Data(Loaded()), verdict.to_dict(), None):
        said = rf"^{type(given).__name__} is no verdict; make one with judge\(data, country\)"
        with pytest.raises(TypeError, match=said):
            made(given)


def test_a_picture_of_the_paths_that_leaves_no_room_for_names_is_refused(verdict: Verdict) -> None:
    """In a sentence that says how wide it must be; that wide it is drawn."""
    for width in (99, 50, 0, -1):
        with pytest.raises(ValueError, match=f"width={width} leaves .* give 100 pixels or more"):
            figures.paths(verdict, width=width)
    assert figures.paths(verdict, width=100).to_dict()["width"] == 100


@pytest.mark.parametrize("name", ALL)
def test_nothing_measured_is_drawn_as_nothing(name: str, nothing: Verdict) -> None:
    """A chart without data is an empty chart, not an error."""
    assert ALL[name](nothing).to_dict()["description"]


@pytest.mark.parametrize("name", ALL)
def test_the_words_can_be_in_another_language(name: str, verdict: Verdict) -> None:
    """Every word of a picture goes through ``say``; names of networks do not."""
    asked: list[str] = []

    def say(message: str) -> str:
        asked.append(message)
        return message.upper() if "{" not in message else message

    ALL[name](verdict, say=say)
    assert asked


def test_the_bounds_are_those_of_the_verdict(verdict: Verdict) -> None:
    """On the scale of the rule: its two thresholds are marked."""
    rows = data_of(figures.captured(verdict))
    (interval,) = [row for row in rows if "lower" in row]
    assert (interval["lower"], interval["upper"]) == (
        verdict.captured.lower,
        verdict.captured.upper,
    )
    assert {row["at"] for row in rows if "words" in row} == {0.5, 0.65}


def test_each_day_is_a_mark(verdict: Verdict) -> None:
    """A day with data, with its bounds."""
    rows = data_of(figures.share_over_time(verdict))
    assert [row["captured"] for row in rows] == verdict.days["captured"].tolist()


def test_the_alarm_is_marked_on_its_day() -> None:
    """As a line with a word, and in the words of the picture."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(10))
    country.everyone("lan own gate {up}", days=range(10, 20))
    chart = figures.share_over_time(verdict_of(country))
    (alarm,) = {row["day"] for row in data_of(chart) if row.get("words") == "alarm"}
    assert alarm.startswith("2026-01-11")
    assert "Alarm on 11 Jan 2026." in chart.to_dict()["description"]


def test_paths_carry_every_network(verdict: Verdict) -> None:
    """Their names stand at the left, the gateway in its colour, the unknown in grey."""
    rows = data_of(figures.paths(verdict))
    names = {row["words"] for row in rows if row.get("column") == 0}
    assert {f"Net {i}" for i in range(1, 11)} <= names
    colours = {row["colour"] for row in rows if "colour" in row}
    assert {palette.GATEWAY.light, palette.UNKNOWN.light} <= colours


def test_the_parts_told_of_the_paths_make_up_the_whole() -> None:
    """A fortieth is 2.5%: twenty of them and a half are not 90%."""
    country = Country(40)
    country.everyone("lan own gate {up}", days=[0], members=range(1, 21))
    country.everyone("lan own {up}", days=[0], members=range(21, 41))
    told = str(figures.paths(verdict_of(country)).description)
    assert sum(map(float, re.findall(r"([\d.]+)%", told))) == 100


def test_the_grid_has_a_cell_for_each_pair(verdict: Verdict) -> None:
    """With the sign of its gateway, or a question mark; the words say which is whose."""
    chart = figures.grid(verdict)
    rows = data_of(chart)
    assert len(rows) == len(verdict.pairs)  # each destination has an operator of its own here
    assert {row["words"] for row in rows if row["row"] == "Net 10"} == {"?"}
    assert {row["words"] for row in rows if row["row"] != "Net 10"} == {"A"}
    drawn = chart.to_dict()
    assert drawn["title"]["text"][0] == "A  Gate"
    assert drawn["description"].startswith("A  Gate; ?  unknown")


def test_an_operator_of_two_continents_has_a_column_in_each() -> None:
    """As in the report: two signs never stand on one another in one cell."""
    country = behind_a_gateway()
    far = country.table.prefixes
    for prefix, said in list(far.items()):
        if said.organisation in {"Far 1", "Far 2"}:
            far[prefix] = said._replace(organisation="Wide")
    rows = [row for row in data_of(figures.grid(verdict_of(country))) if row["row"] == "Net 1"]
    columns = [row["column"] for row in rows if "Wide" in row["column"]]
    assert columns == ["AS · Wide", "EU · Wide"]


def test_days_without_data_have_no_mark_in_a_long_picture_either() -> None:
    """A line through a month in which nobody measured would show what nobody knows."""
    country = Country(5)
    country.everyone("lan own gate {up}", days=[*range(90), *range(120, 130), 140])
    rows = data_of(figures.share_over_time(verdict_of(country)))
    runs: dict[int, list[str]] = {}
    for row in rows:
        runs.setdefault(row["run"], []).append(row["day"][:10])
    assert [(min(days), max(days)) for days in runs.values()] == [
        ("2026-01-01", "2026-04-01"),
        ("2026-05-01", "2026-05-11"),
        ("2026-05-21", "2026-05-22"),
    ]


def test_a_long_name_is_broken_and_stays_beside_its_bar() -> None:
    """Not cut where it has room below; its lines stand around the middle of the bar."""
    name = "Maximum Business Information Technology"
    rows = data_of(figures.paths(verdict_of(behind_a_gateway(name)), width=326))
    (label,) = [row for row in rows if row.get("column") == 1 and "Maximum" in row["words"]]
    lines = label["words"].split("\n")
    assert " ".join(lines) == name
    assert len(lines) == 4
    bars = [row for row in rows if row.get("colour") == palette.GATEWAY.light]
    middle = (bars[0]["y"] + bars[0]["y2"]) / 2
    assert label["y"] + 18 == pytest.approx(middle, abs=0.2)


@pytest.mark.parametrize(
    "name", ["MekongNet (Angkor Data Communication)", "Bundeskommunikation AG"]
)
def test_a_word_too_long_for_a_telephone_is_broken_and_not_cut(name: str) -> None:
    """With a hyphen, in as many lines as it needs, so that all of it can be read."""
    rows = data_of(figures.paths(verdict_of(behind_a_gateway(name)), width=326))
    (label,) = [row for row in rows if row.get("column") == 1 and row["words"][:2] == name[:2]]
    lines = label["words"].split("\n")
    assert "\n".join(lines).replace("-\n", "").replace("\n", " ") == name
    assert max(map(len, lines)) <= 11


def test_the_domestic_grid_has_a_cell_for_each_two(verdict: Verdict) -> None:
    """What passes the hub has its sign."""
    chart = figures.domestic(verdict)
    rows = data_of(chart)
    assert len(rows) == len(verdict.domestic_pairs) == 9
    assert {row["words"] for row in rows} == {"H"}
    assert chart.to_dict()["description"] == "H  over Gate"


def test_what_a_grid_leaves_out_is_told_below_it() -> None:
    """A picture of forty columns is no picture of fifty."""
    country = Country(51)
    for j in range(2, 52):
        country.trace(1, f"20.0.{j}.200", "lan own gate")
    drawn = figures.domestic(verdict_of(country))
    says = "Not shown are those with the fewest pairs (rows: 0, columns: 10)."
    assert says in drawn.to_dict()["title"]["text"]
    assert says in str(drawn.description)


def test_coverage_grows_with_each_who_is_asked(verdict: Verdict) -> None:
    """From what is covered now."""
    chart = figures.recruits(verdict)
    rows = data_of(chart)
    for layer in chart.to_dict()["layer"]:
        assert layer["encoding"]["y"]["sort"] == list(dict.fromkeys(row["name"] for row in rows))
    coverage = [row["coverage"] for row in rows]
    assert coverage == sorted(coverage)
    assert rows[0]["name"] == "now"


def test_a_small_part_covered_is_not_written_as_none() -> None:
    """As the words of the same picture have it."""
    country = Country(1)
    for i in range(500):
        country.table.add(f"21.{i // 250}.{i % 250}.0/24", Attribution(555, "BIG", "Big", HOME))
    country.everyone("lan own {up}")
    chart = figures.recruits(verdict_of(country))
    now = data_of(chart)[0]
    assert (now["name"], 0 < now["coverage"] < 0.005) == ("now", True)
    assert now["words"] not in {"0%", "0.0%"}
    assert chart.description == f"Covered now: {now['words']}."
