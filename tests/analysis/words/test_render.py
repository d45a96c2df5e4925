"""A verdict on the terminal: everything it says is in the JSON, and nothing in a name breaks it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from rich.console import Console, RenderableType

from analysis.basis import remarks
from analysis.demo import titles
from analysis.policy import Policy
from analysis.words.render import plain, side_by_side, verdict_panel
from analysis.words.wording import headline
from probe.record import SIMULATED
from tests.analysis.country import Country


def country(words: str, size: int = 10, **everyone: Any) -> Country:
    made = Country(size)
    made.everyone(words, **everyone)
    return made


COUNTRIES: dict[str, Callable[[], Country]] = {
    "empty": lambda: Country(3),
    "insufficient": lambda: country("lan own {up}", 3),
    "diverse": lambda: country("lan own {up}", 12),
    "mixed": lambda: country("lan own homeix {up}", 12),
    "concentrated": lambda: country("lan own gate {up}", days=range(3)),
    "single_gateway": lambda: country("lan own gate {up}"),
}


class Verdicts(dict[str, dict[str, Any]]):
    """Of these countries, each judged when it is first asked for."""

    def __missing__(self, name: str) -> dict[str, Any]:
        self[name] = COUNTRIES[name]().judge().fields
        return self[name]


VERDICTS = Verdicts()


def printed(shown: RenderableType, width: int = 110, *, colour: bool = False) -> str:
    console = Console(
        width=width, force_terminal=colour, color_system="truecolor" if colour else None
    )
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def words(text: str) -> str:
    """The text without the frame and the line breaks a terminal makes."""
    return " ".join(re.sub(r"[│╭╮╰╯─•]", " ", text).split())


def leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [str(value)]


def test_of_one_nothing_is_said_in_the_plural() -> None:
    """An analyst's first file often holds one trace: each count of it is in the singular."""
    made = Country(1)
    made.trace(1, made.destinations()[0], "lan own far6")
    fields = made.judge().fields
    fields["provenance"]["notes"] = {SIMULATED: 1}
    fields["limits"] += remarks.simulated({SIMULATED: 1}, 1)
    told = [plain(fields), words(printed(verdict_panel(fields))), *leaves(fields)]
    assert any("1 trace" in text for text in told)
    plurals = re.compile(r"(?<![\d.,:/-])1 (?:more |other )?[a-z]+s\b")
    assert [found[0] for text in told for found in plurals.finditer(text)] == []


@pytest.mark.parametrize("name", COUNTRIES)
def test_plain_lines_say_grade_reasons_and_limits(name: str) -> None:
    """The first line is for grep; every reason and limit follows, each whole on its line."""
    verdict = VERDICTS[name]
    text = plain(verdict)
    lines = text.splitlines()
    assert lines[0] == f"KH: {verdict['grade']}"
    assert any(line.startswith(headline(verdict)) for line in lines)
    for sentence in [*verdict["reasons"], *verdict["limits"]]:
        assert f"  • {sentence}" in lines or sentence in lines[1]
    (timeline,) = [line for line in lines if line.startswith("timeline ")]
    assert timeline.endswith(f" {verdict['timeline']['reason']}")
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("name", COUNTRIES)
@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_panel_says_the_same_at_any_width(name: str, width: int) -> None:
    """Nothing is cut off, and no line is wider than the terminal."""
    verdict = VERDICTS[name]
    text = printed(verdict_panel(verdict), width)
    assert all(len(line) <= width for line in text.splitlines())
    said = words(text)
    assert verdict["grade"].replace("_", " ").upper() in said
    for sentence in [*verdict["reasons"], *verdict["limits"]]:
        assert words(sentence) in said


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("empty", "The evidence does not suffice for a verdict."),
        ("diverse", "Paths leave by several gateways; no convergence was seen."),
        ("mixed", "Neither convergence nor diversity can be claimed."),
        ("concentrated", "Many of the networks measured reach abroad through Gate."),
        (
            "single_gateway",
            "The great majority of the networks measured reach abroad through one gateway: Gate.",
        ),
    ],
)
def test_the_headline_names_the_gateway_only_where_the_verdict_does(name: str, says: str) -> None:
    """One sentence a grade."""
    assert headline(VERDICTS[name]) == says


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("single_gateway", "10 of 10 organisations 95% bounds 0.74–1.00"),
        ("single_gateway", "1.00 by organisation, 1.00 by addresses"),
        ("single_gateway", "1.0 effective"),
        (
            "single_gateway",
            "first abroad 8.3 effective operators, first Far 7 (2 of 10 organisations)",
        ),
        (
            "single_gateway",
            "400 traces, 10 vantage points, 5 destinations, 8 days (IPv4), "
            "2026-01-01 to 2026-01-08",
        ),
        ("single_gateway", "(sampled)"),
        ("diverse", "0 of 12 organisations 95% bounds 0.00–0.23"),
        ("diverse", "12.0 effective"),
        ("empty", "judged 0 organisations coverage"),
        ("empty", "no data"),
        ("empty", "timeline no path to abroad was measured by which an alarm could be told"),
        ("diverse", "2026-01-01 to 2026-01-08"),
    ],
)
def test_the_figures_are_those_of_the_verdict(name: str, says: str) -> None:
    """Spot checks by hand."""
    assert says in words(printed(verdict_panel(VERDICTS[name])))


def test_another_answer_in_the_other_ip_version_stands_beside_the_headline() -> None:
    """Who reads no further must not take one version for all traffic; and it is said once."""
    made = country("lan own gate {up}")
    made.around_in_ipv6()
    verdict = made.judge().fields
    says = f"{headline(verdict)} IPv6 is judged apart, and is diverse."
    for text in (plain(verdict), printed(verdict_panel(verdict))):
        assert says in words(text)
        assert words(text).count("judged apart") == 1


def test_what_is_covered_is_counted_besides_the_candidate() -> None:
    """And said to be, where there is one: an exchange where all only meet is none."""
    for name in ("single_gateway", "concentrated"):
        assert re.search(r"\d% of addresses besides the candidate's;", words(plain(VERDICTS[name])))
    for name in ("diverse", "mixed"):
        assert "96% of addresses; nationally" in words(plain(VERDICTS[name]))


def test_of_too_few_networks_no_figure_of_a_candidate_is_shown() -> None:
    """Four of four is a number that a reader takes for a verdict, as on the page."""
    fields = country("lan own gate {up}", 4).judge().fields
    assert (fields["grade"], fields["captured"]["organisations"]) == ("insufficient", 4)
    rows = plain(fields).partition("why")[0]
    assert re.search(r"^judged +4 organisations besides the candidate's$", rows, re.MULTILINE)
    assert "Gate" not in rows
    assert not re.search("captured|share|effective|nationally|━", rows)


def test_the_bounds_of_the_national_share_are_rounded_outward() -> None:
    """The nearest figures would claim to know more than is known."""
    verdict = copy.deepcopy(VERDICTS["single_gateway"])
    verdict["coverage"]["bounds"] = [0.4266, 0.8512]
    for text in (plain(verdict), printed(verdict_panel(verdict))):
        assert "nationally 0.42–0.86" in words(text)


def test_the_bounds_of_the_captured_share_are_rounded_outward() -> None:
    """As the reasons have them; and what the rule holds to be below a bound is shown below it."""
    verdict = copy.deepcopy(VERDICTS["single_gateway"])
    for lower, upper, says in (
        (0.688, 0.7101, "bounds 0.68–0.72"),
        (0.6493, 0.9, "bounds 0.64–0.90"),
        (0.01, 0.497, "bounds 0.01–0.497"),
    ):
        verdict["captured"] |= {"lower": lower, "upper": upper}
        for text in (plain(verdict), printed(verdict_panel(verdict))):
            assert says in words(text)


def test_the_other_intervals_are_rounded_outward_too() -> None:
    """That of the effective gateways, and what leaving one out makes of the share."""
    verdict = copy.deepcopy(VERDICTS["single_gateway"])
    verdict["intervals"]["effective_gateways"] = [1.06, 2.31]
    verdict["ranges"]["organisations"]["share"] = [0.868, 0.912]
    text = words(plain(verdict))
    assert "(1.0–2.4)" in text
    assert "share 0.86–0.92" in text


def test_only_a_named_gateway_has_a_scope() -> None:
    """ "Sampled" is a word about a gateway; a diverse country has none."""
    assert "sampled" not in printed(verdict_panel(VERDICTS["diverse"]))


def test_what_was_left_out_is_shown_with_its_reasons() -> None:
    """In words, with the counts."""
    verdict = VERDICTS["diverse"] | {"rejected": {"vantage_abroad": 7, "malformed": 2}}
    assert "left out 7 vantage abroad, 2 malformed" in words(plain(verdict))
    assert "left out" not in plain(VERDICTS["diverse"])


def test_what_was_left_out_and_what_was_judged_are_all_that_was_read() -> None:
    """After an alarm the days before it are evidence, and no part of the figures."""
    made = Country(10)
    made.everyone("lan own {up}", days=range(8))
    made.everyone("lan own gate {up}", days=range(8, 16))
    fields = made.judge().fields
    assert len(made.results) == 2 * fields["measured"]["traces"]
    said = words(plain(fields | {"rejected": {"malformed": 2}}))
    assert "left out 2 malformed, 400 of other days or the other IP version why" in said


def test_an_alarm_is_shown_with_its_day() -> None:
    """Who moved, when, and where to."""
    made = Country(10)
    made.everyone("lan own {up}", days=range(8))
    made.everyone("lan own gate {up}", days=range(8, 16))
    said = words(plain(made.judge().fields))
    assert "alarm, onset 2026-01-09: 10 of 10 organisations moved to Gate" in said


@pytest.mark.parametrize(
    ("between", "said"),
    [
        ("gate", "domestic single hub (Gate): 56 hub"),
        ("homeix", "domestic networks meet in one place (HomeIX, an exchange): 56 exchange"),
    ],
)
def test_domestic_paths_are_shown_with_their_hub(between: str, said: str) -> None:
    """The grade, the name, and how many pairs went which way; ways nobody took are left out."""
    made = country("lan own {up}", 8, days=[0])
    for i in range(1, 9):
        for j in range(1, 9):
            if i != j:
                made.trace(i, f"20.0.{j}.200", f"lan own {between}")
    assert said in words(plain(made.judge().fields))


def test_the_bounds_carry_their_own_confidence() -> None:
    """What was computed at 99% is not called 95%."""
    verdict = country("lan own gate {up}").judge(Policy(confidence=0.99)).fields
    assert "99% bounds" in plain(verdict)
    assert "95% bounds" not in plain(verdict)


def test_a_terminal_of_80_columns_has_the_bounds_on_the_line_of_what_they_bound() -> None:
    """Also of hundreds: the number on which the grade rests is read in one go."""
    verdict = copy.deepcopy(VERDICTS["single_gateway"])
    verdict["captured"] |= {"organisations": 120, "of": 125}
    text = printed(verdict_panel(verdict), 80)
    assert re.search(r"120 of 125 organisations  95% bounds 0\.\d\d–1\.00", text)


@pytest.mark.parametrize(
    ("organisations", "sure", "open_"),
    [(10, 9, 0), (0, 0, 9)],
    ids=["all captured", "none captured"],
)
def test_the_bar_shows_the_bounds(organisations: int, sure: int, open_: int) -> None:
    """12 cells: full ones up to the share, dotted beyond the upper bound."""
    verdict = VERDICTS["single_gateway"] if organisations else VERDICTS["diverse"]
    (bar,) = re.findall(r"captured +([━╌·]+) ", plain(verdict))
    assert len(bar) == 12
    assert bar.count("·") >= open_
    assert bar.count("━") >= sure


NAMES = [
    "Net [AS1]",
    "[red]Net",
    "Net [/red] Ltd",
    "[/]",
    "Net :smile: Ltd",
    "\\[x] Net",
    "云 [网]",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grade", ["single_gateway", "diverse", "mixed"])
def test_no_name_is_taken_for_markup(name: str, grade: str) -> None:
    """Whoever registers a network chooses its name; it is shown as it is and breaks nothing."""
    verdict = copy.deepcopy(VERDICTS[grade])
    gateway = {"kind": "organisation", "name": name, "asns": [], "blocks": []}
    if verdict["gateway"]:
        verdict["gateway"] = gateway
    verdict["upstream"]["operator"] = gateway
    verdict["domestic"]["hub"] = gateway
    verdict["timeline"]["reason"] = f"3 of 3 organisations moved to {name}"
    verdict["reasons"] = [f"All pass {name}."]
    verdict["limits"] = [f"Of {name} nothing is known."]
    for text in (plain(verdict), printed(verdict_panel(verdict), 140)):
        said = words(text)
        assert f"All pass {name}." in said
        assert f"Of {name} nothing is known." in said
        assert f"moved to {name}" in said
        assert f"first {name} (" in said
        assert f"({name})" in said
        if verdict["gateway"]:
            assert f"one gateway: {name}." in said
    beside = words(printed(side_by_side({"before": verdict, "after": verdict}, 140), 140))
    assert beside.count(f"({name})") == 2
    assert beside.count(f"gateway {name} ") == (2 if verdict["gateway"] else 0)


@pytest.mark.parametrize("width", [40, 89, 90, 140])
def test_verdicts_stand_beside_each_other_where_there_is_room(width: int) -> None:
    """From 90 columns on; below that one under the other; never wider than the terminal."""
    before, after = VERDICTS["diverse"], VERDICTS["single_gateway"]
    text = printed(side_by_side({"before": before, "after": after}, width), width)
    lines = text.splitlines()
    assert all(len(line) <= width for line in lines)
    beside = any("before" in line and "after" in line for line in lines)
    assert beside is (width >= 90)
    said = words(text)
    assert "none named" in said
    assert "Gate" in said
    assert "diverse" in said
    assert "single_gateway" in said
    assert "10 of 10 organisations" in said


@pytest.mark.parametrize("width", [40, 90])
def test_the_day_of_the_demos_switch_is_legible_on_a_narrow_terminal(width: int) -> None:
    """Both titles stand there whole, in the narrowest panels of either arrangement."""
    named = titles(date(2022, 2, 16))
    verdicts = {named["before"]: VERDICTS["diverse"], named["after"]: VERDICTS["single_gateway"]}
    text = printed(side_by_side(verdicts, width), width)
    assert all(title in text for title in verdicts)


def test_colours_are_the_terminals_business() -> None:
    """The same words with colours and without."""
    verdict = VERDICTS["single_gateway"]
    coloured = printed(verdict_panel(verdict), colour=True)
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert words(bare) == words(printed(verdict_panel(verdict)))


# ------------------------------------------------------------------------ other sides


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("single_gateway", "hegemony Gate 1.00 by organisation, 1.00 by addresses"),
        (
            "single_gateway",
            "chokepoints 90% seen by 1 (Gate), all cut by 1; Gate on every way of 10",
        ),
        (
            "single_gateway",
            "interfaces 1 of the candidate (1.0 effective), 10 first abroad (10.0 effective)",
        ),
        ("single_gateway", "leave one out organisations: share 1.00–1.00, 10 single gateway;"),
        ("single_gateway", "; destinations: share 1.00–1.00, 5 single gateway"),
        ("diverse", "chokepoints 90% seen by 11 (Net 1, Net 10, Net 11 and 8 more), all cut by 12"),
        ("mixed", "leave one out organisations: share 0.00–0.00, 12 mixed;"),
    ],
)
def test_each_other_side_has_a_line(name: str, says: str) -> None:
    """Hegemony, chokepoints, interfaces, ranges: redone by hand."""
    assert says in words(plain(VERDICTS[name]))


def test_what_was_not_measured_has_no_line() -> None:
    """Nothing is said of a gateway's interfaces where there is no candidate."""
    assert "interfaces" not in plain(VERDICTS["diverse"])
    for line in ("hegemony", "chokepoints", "interfaces", "leave one out", "witness"):
        assert line not in plain(VERDICTS["empty"])


def test_few_viewpoints_and_guesses_are_owned_up_to() -> None:
    """Below ten viewpoints hegemony is not trimmed, and a greedy set may not be the smallest."""
    verdict = copy.deepcopy(country("lan own gate {up}", 9).judge().fields)
    assert "hegemony Gate 1.00 by organisation, 1.00 by addresses; only 9 viewpoints" in words(
        plain(verdict)
    )
    verdict["chokepoints"]["see_90"]["exact"] = False
    assert "chokepoints 90% seen by 1 or fewer (Gate)" in words(plain(verdict))


@pytest.mark.parametrize(
    ("says", "line"),
    [("agrees", "agrees"), ("disagrees", "disagrees"), ("silent", "is silent")],
)
def test_the_witness_has_a_line_with_its_day(says: str, line: str) -> None:
    """Its reasons stand among the verdict's, where they matter."""
    witness = {"taken": "2026-01-01T06:00:00+00:00", "says": says}
    text = words(plain(VERDICTS["diverse"] | {"witness": witness}))
    assert f"witness BGP of 2026-01-01 {line}" in text


@pytest.mark.parametrize("name", NAMES)
def test_no_name_in_another_side_is_taken_for_markup(name: str) -> None:
    """As above."""
    verdict = copy.deepcopy(VERDICTS["single_gateway"])
    node = {"kind": "organisation", "name": name}
    verdict["hegemony"]["nodes"] = [{**node, "panel": 0.5, "country": None}]
    verdict["chokepoints"]["see_90"]["nodes"] = [node]
    verdict["chokepoints"]["dominators"] = [{**node, "organisations": 3}]
    said = words(plain(verdict))
    assert f"hegemony {name} 0.50 " in said
    assert f"({name}), all cut by 1; {name} on every way of 3" in said


def test_an_exchange_is_called_one_wherever_it_is_named() -> None:
    """An operator may have its name."""
    country = Country(6)
    country.everyone("lan own homeix farix {up}")
    said = words(plain(country.judge().fields))
    assert "hegemony HomeIX (exchange) 1.00 by organisation" in said
    assert "(HomeIX (exchange)), all cut by 1; HomeIX (exchange) on every way of 6" in said
    assert "first FarIX (exchange) (6 of 6 organisations)" in said


def test_one_is_one_and_nothing_is_no_figure() -> None:
    """As whoever tries it with a single trace, or with those of another country, meets it."""
    one = Country(3)
    one.trace(1, "30.0.1.200", "lan own gate far6")
    said = words(plain(one.judge().fields))
    assert "1 trace, 1 vantage point, 1 destination, 1 day (IPv4), 2026-01-01 to 2026-01-01" in said
    assert "judged 1 organisation besides the candidate's" in said
    seen_once = copy.deepcopy(VERDICTS["concentrated"])
    seen_once["hegemony"] |= {"viewpoints": 1, "warning": True}
    assert "only 1 viewpoint chokepoints" in words(plain(seen_once))
    nothing = words(plain(VERDICTS["empty"]))
    assert "0 traces, 0 vantage points, 0 destinations, 0 days (IPv4), no data" in nothing
