"""The words of the report: what stands on it, and how its figures are written."""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import permutations, product
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner

import analysis as gw
from analysis.library.statement import Verdict
from analysis.page import figures, palette
from analysis.page.report import ways_in_words
from analysis.policy import Policy
from analysis.words.render import plain
from analysis.words.translation import Words
from probe.cli import main
from probe.origin import Origin
from probe.record import Attribution
from tests.analysis.country import Country
from tests.analysis.verdicts import behind_a_gateway, text_of, verdict_of


@pytest.fixture(autouse=True, scope="module")
def undrawn() -> Iterator[None]:
    """Pictures take seconds and have their own tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("analysis.page.report"), "_pictures", lambda *_: {})
        yield


@pytest.fixture(scope="module")
def page() -> str:
    return gw.report(verdict_of(behind_a_gateway()))


def test_the_verdict_stands_first_and_whole(page: str) -> None:
    """One sentence as the heading, which says of which country; every reason and limit below it."""
    verdict = verdict_of(behind_a_gateway())
    assert re.findall(r"<h1>(.*?)</h1>", page) == [f"Cambodia: {verdict.headline}"]
    said = text_of(page)
    for sentence in (*verdict.reasons, *verdict.limits):
        assert sentence in said
    assert f"{verdict.captured.organisations} of {verdict.captured.of}" in said


def test_khmer_sets_its_own_colon_after_the_country() -> None:
    """The other one looks like a letter of the country's name."""
    page = gw.report(verdict_of(behind_a_gateway()), language="km")
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert heading.startswith("កម្ពុជា៖ ")
    assert heading in text_of(page)


def test_unknown_is_shown_as_unknown(page: str) -> None:
    """A pair that could not be read has its sign and its words, and no gateway."""
    cells = re.findall(r'<td class="unknown">.*?</td>', page)
    assert len(cells) == 5
    assert all("?" in cell and "unknown" in cell for cell in cells)
    assert "✗ not met" not in page.partition("before anything is said")[2].partition("</tbody>")[0]


@pytest.mark.parametrize(
    ("members", "days", "policy", "grade", "unmet"),
    [
        (range(1, 10), range(8), {}, "single_gateway", set()),
        (range(1, 10), range(3), {}, "concentrated", {
            "days on which most of those that pass it (of all, if none does) were measured and did "
            "not mostly go elsewhere",
        }),
        (range(1, 10), range(8), {"unaided": 1.1}, "concentrated", {
            "part that passes it by the address table alone",
        }),
        (range(1, 10), range(8), {"keys": 99}, "mixed", {
            "vantage points that say so",
            "upper bound of the part of the networks that passes the candidate",
            "gateways, as if all were used alike",
        }),
        (range(1, 4), range(8), {}, "insufficient", {"networks besides the candidate"}),
    ],
)  # fmt: skip
def test_the_table_of_the_rule_tells_what_decided(
    members: Sequence[int], days: range, policy: dict[str, Any], grade: str, unmet: set[str]
) -> None:
    """The steps that the grade turned on are shown, with a mark at what was missing."""
    country = Country(10)
    country.everyone("lan own gate {up}", members=members, days=days)
    verdict = verdict_of(country, dataclasses.replace(Policy(), **policy))
    assert verdict.grade == grade
    shown = gw.report(verdict).partition('<table class="rule">')[2].partition("</table>")[0]
    rows = re.findall(r'<th scope="row">([^<]+)</th>.*?(✓|✗)', shown)
    if grade == "single_gateway":  # it is not national: nobody was asked, and few are covered
        rows = rows[: -len(verdict.criteria[verdict.criteria["step"] == "national"])]
    assert {html.unescape(name) for name, mark in rows if mark == "✗"} == unmet
    assert {html.unescape(name) for name, mark in rows if mark == "✓"}


def test_every_criterion_has_its_row_and_its_number() -> None:
    """Shown or folded: each key of the rule, and the number that the policy asks for."""
    verdict = verdict_of(behind_a_gateway())
    page = gw.report(verdict)
    rows = re.findall(r'<td class="mark', page)
    assert len(rows) == len(verdict.criteria) + len(verdict.domestic.criteria)
    assert "≥ 34%" in page
    assert "&lt; 50%" in page or "< 50%" in page
    assert "&gt; 30%" in page or "> 30%" in page


def test_another_answer_in_the_other_ip_version_stands_at_the_top() -> None:
    """Beside the grade, in both languages, and not once more among the reasons."""
    country = behind_a_gateway()
    country.around_in_ipv6()
    verdict = verdict_of(country)
    for language, says in (
        ("en", "IPv6 is judged apart, and is diverse."),
        ("km", "IPv6 ត្រូវបានវិនិច្ឆ័យដោយឡែក"),
    ):
        top, rest = gw.report(verdict, language=language).split('<dl class="figures">')
        assert top.count(says) == 1
        assert says not in rest.split("<pre")[0]


def _hub_at_home() -> Country:
    """Networks that leave by themselves, and reach each other over Gate."""
    country = Country(9)
    country.everyone("lan own {up}", days=[0])
    for i in range(1, 10):
        for j in set(range(1, 10)) - {i}:
            country.trace(i, f"20.0.{j}.200", f"lan own gate net{j}")
    return country


def test_a_hub_at_home_stands_at_the_top() -> None:
    """Who reads that ways abroad do not converge must not take it for all of the traffic."""
    verdict = verdict_of(_hub_at_home())
    assert (verdict.grade, verdict.domestic.grade) == ("diverse", "single_hub")
    says = "Between networks at home the ways measured pass one hub: Gate."
    for language, said in (("en", says), ("km", "ផ្លូវដែលបានវាស់ឆ្លងកាត់មជ្ឈមណ្ឌលតែមួយ៖ Gate")):
        assert said in gw.report(verdict, language=language).split('<dl class="figures">')[0]
    assert f"{verdict.headline} {says}" in plain(verdict.to_dict()).splitlines()
    assert f"{verdict.headline} {says}" in verdict._repr_html_()


def test_two_sentences_of_a_paragraph_have_a_blank_between() -> None:
    """Whatever is said or left out before the second one."""
    at_home = _hub_at_home()
    at_home.around_in_ipv6("2020:99::1")
    at_home.table.add("2020:99::/32", Attribution(999, "GATE", "Gate", "KH"))
    behind = behind_a_gateway()
    behind.around_in_ipv6()
    hidden = Country(8)
    hidden.everyone("lan own 10.20.{i}.1 {up}", days=[0])
    for country in (at_home, behind, hidden):
        verdict = verdict_of(country)
        for page in (gw.report(verdict), _page_with(verdict, "paths")):
            said = re.findall(r"<p[ >].*?</p>", page.partition("<pre")[0], re.DOTALL)
            words = [" ".join(re.sub(r"<[^>]+>", "", one).split()) for one in said]
            assert [one for one in words if re.search(r"[a-z][.:;](?![a-z])\w", one)] == []


def test_of_too_few_networks_the_page_shows_no_share() -> None:
    """Four of four is a number that a reader takes for a verdict, whatever stands beside it."""
    country = Country(4)
    country.everyone("lan own gate {up}", days=range(3))
    verdict = verdict_of(country)
    assert (verdict.grade, verdict.captured.organisations) == ("insufficient", 4)
    for picture in ("captured", "days"):
        page = _page_with(verdict, picture)
        said = text_of(page).partition("What is missing")[0]
        assert "networks judged 4" in said
        assert "Gate" not in said
        assert "as if all were used alike" not in said
        assert "drawn" not in page


def test_of_too_few_networks_no_picture_shows_a_gateway() -> None:
    """Four ways over one network are drawn as what they are: the last one at home, pale."""
    country = Country(4)
    country.everyone("lan own gate {up}", days=range(3))
    verdict = verdict_of(country)
    page = _page_with(verdict, "paths")
    said = text_of(page).partition("Which way paths leave the country")[2].partition("Over time")[0]
    assert "before the border. Too little was measured for a finding" in said
    assert "gateway" not in said.replace("is no gateway by that", "")
    assert palette.OTHER.light not in page.partition("</style>")[2]


@pytest.mark.parametrize(("size", "grade"), [(4, "insufficient"), (12, "diverse")])
def test_whom_nobody_found_is_on_no_way_out(size: int, grade: str) -> None:
    """Net 1 sells to two: what is drawn is who stands last at home, behind it."""
    country = Country(size)
    country.everyone("lan own {up}", members=[1, *range(4, size + 1)])
    country.everyone("lan own net1 gate {up}", members=[2])
    country.everyone("lan own net1 {up}", members=[3])
    verdict = verdict_of(country)
    assert verdict.grade == grade
    assert verdict.strongest is not None
    assert verdict.strongest.name == "Net 1"
    ways = verdict.pairs[verdict.pairs["organisation"] == "Net 2"]
    assert set(ways["gateway"]) == {"Gate"}
    assert ways["passes_candidate"].all()
    assert "or Net 1 where a path passes it" not in text_of(_page_with(verdict, "paths"))


def test_the_rule_at_home_stands_beside_its_grade() -> None:
    """What an exchange lacks to be a hub is one row that is not met."""
    country = Country(8)
    for i, j in permutations(range(1, 9), 2):
        country.trace(i, f"20.0.{j}.200", "lan own homeix")
    page = text_of(gw.report(verdict_of(country)))
    assert "Between networks at home networks meet in one place" in page
    rule = page.partition("What the rule asks for at home")[2].partition("From the network")[0]
    assert "before it is called the only hub" in rule
    assert "more than a place where networks meet, as at an exchange ✗ not met" in rule
    assert "hubs, as if all were used alike ≥ 3 1 ✗ not met" in rule
    assert "gateway" not in rule


def test_no_witness_is_not_one_that_disagrees(page: str) -> None:
    """Nobody gave a routing table."""
    assert "an independent witness agrees none given ✗ not met" in text_of(page)


def test_another_gateway_is_another_verdict() -> None:
    """Without a network that decides who is named the verdict is not the same, if its grade is."""
    verdict = verdict_of(behind_a_gateway())
    fields = verdict.to_dict()
    left_out = fields["ranges"]["organisations"]
    left_out["gateways"], left_out["decisive"] = {"Gate": 8, "Other": 2}, ["Net 1", "Net 2"]
    assert left_out["grades"] == {verdict.grade: left_out["left_out"]}
    text = text_of(gw.report(dataclasses.replace(verdict, _fields=fields)))
    assert f"the verdict is the same in {left_out['left_out'] - 2} of" in text


def test_all_who_decide_are_counted() -> None:
    """At its threshold a verdict hangs on many networks: page and terminal count the same."""
    country = Country(40)
    country.everyone("lan own gate {up}", members=range(1, 21))
    country.everyone("lan own {up}", members=range(21, 41))
    verdict = verdict_of(country)
    left_out = verdict.to_dict()["ranges"]["organisations"]
    assert left_out["grades"] == {"concentrated": 15, "mixed": 15}
    assert len(left_out["decisive"]) == 15
    assert "the verdict is the same in 15 of these cases" in text_of(gw.report(verdict))


def test_a_sample_of_those_left_out_is_called_one() -> None:
    """Of many networks only some are left out in turn; page and terminal say how many."""
    verdict = verdict_of(behind_a_gateway())
    fields = verdict.to_dict()
    left_out = fields["ranges"]["organisations"]
    left_out["of"] = left_out["left_out"] + 15
    many = dataclasses.replace(verdict, _fields=fields)
    drawn = f"{left_out['left_out']} drawn from {left_out['of']}"
    assert drawn in text_of(gw.report(many))
    assert f"organisations ({left_out['left_out']} of {left_out['of']}): " in plain(many.to_dict())
    assert "drawn from" not in text_of(gw.report(verdict))
    assert "organisations: " in plain(verdict.to_dict())


def test_who_is_owned_by_a_state_is_said_where_the_ways_are() -> None:
    """It is no reason of a grade, and nothing that is missing."""
    verdict = verdict_of(behind_a_gateway())
    fields = verdict.to_dict()
    fields["ownership"] = {"Gate": {"state": "KH", "source": "a report"}}
    owned = "Gate is held by the state of KH (a report)."
    fields["reasons"].append(owned)
    page = gw.report(dataclasses.replace(verdict, _fields=fields))
    assert page.count(owned) == 1  # in the verdict for a program
    shown = "Gate is held by the state of Cambodia (a report)."
    assert page.count(shown) == 1
    assert page.index('id="paths"') < page.index(shown) < page.index('id="time"')


def test_pairs_that_few_keys_speak_for_are_counted() -> None:
    """Whoever reads how many traces were left out reads of the pairs without a vote as well."""
    verdict = verdict_of(behind_a_gateway())
    assert "few keys speak" not in gw.report(verdict)
    fields = verdict.to_dict()
    fields["measured"]["pairs_of_few_keys"] = 40
    shown = text_of(gw.report(dataclasses.replace(verdict, _fields=fields)))
    assert "Pairs that few keys speak for, where others measure: 40." in shown


def test_traces_that_were_not_judged_are_counted() -> None:
    """What was judged, what was left out and this make up all that was read."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(8))
    country.everyone("lan own gate {up}", days=range(8, 16))
    verdict = verdict_of(country)
    assert verdict.timeline.alarm
    others = len(country.results) - verdict.measured["traces"] - verdict.rejected["traces"].sum()
    assert others == 10 * 5 * 8
    said = f"of the other IP version, that were not judged here: {others}."
    assert said in text_of(gw.report(verdict))
    assert "not judged here" not in gw.report(verdict_of(behind_a_gateway()))


def test_as_numbers_that_are_not_shown_have_a_sign() -> None:
    """Three of five would else be taken for all."""
    verdict = verdict_of(Country(1))
    five = dataclasses.replace(verdict, _asns=lambda _: range(1, 6))
    assert "AS1, AS2, AS3, …</span>" in gw.report(five)
    three = dataclasses.replace(verdict, _asns=lambda _: range(1, 4))
    assert "AS1, AS2, AS3</span>" in gw.report(three)


def test_the_candidate_is_among_the_networks_counted_and_not_in_the_part_covered() -> None:
    """Who has measured the only other network has covered all, and one network of two."""
    country = Country(1)
    country.everyone("lan own gate {up}")
    said = text_of(gw.report(verdict_of(country)))
    assert "100% 1 of 2 networks measured, with the candidate's" in said
    assert "0 of 2 networks measured" in text_of(gw.report(verdict_of(Country(1))))


def test_what_was_judged_in_python_can_be_redone_with_the_command(table: Origin) -> None:
    """The page writes the command, with each number that was changed."""
    nothing = gw.load("tests/data/traces/scamper_lab.jsonl")
    page = gw.report(gw.judge(nothing, "KH", origin=table, policy={"days": 3, "single": 0.7}))
    assert "--policy days=3 --policy single=0.7" in text_of(page)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"single": 1.0}, "no number of networks is enough to call anybody a single gateway."),
        ({"single": 0.999}, ", 2995 before anybody is called a single gateway."),
        (
            {"organisations": 2000},
            ", 2000 before anybody is called a single gateway. Nothing is known",
        ),
        ({"days": 1}, ", 7 before anybody is called a single gateway. With fewer an operator"),
    ],
)
def test_a_rule_that_hardly_anybody_can_meet_is_reported_like_any_other(
    changed: dict[str, float], says: str, table: Origin
) -> None:
    """The page says how many networks are needed, or that no number is enough."""
    nothing = gw.load("tests/data/traces/scamper_lab.jsonl")
    assert says in text_of(gw.report(gw.judge(nothing, "KH", origin=table, policy=changed)))


def test_who_was_measured_at_home_alone_is_needed_all_the_same() -> None:
    """Nothing is known of its ways abroad, so it is none of those that are there already."""
    country = Country(8)
    for i in range(1, 8):
        country.trace(i, "20.0.8.200", "lan own")
    for block in range(60):
        country.table.add(f"20.1.{block}.0/24", Attribution(108, "N8", "Net 8", "KH"))
    assert verdict_of(country).needs.national == 1


def test_who_is_not_asked_is_not_said_to_take_part() -> None:
    """The candidate is none of those to ask, and the parts are of the country without it."""
    country = Country(2)
    country.everyone("lan own gate {up}")
    verdict = verdict_of(country)
    assert "Gate" not in set(verdict.recruits["organisation"])
    ask = text_of(gw.report(verdict).partition('id="ask"')[2].partition("</section>")[0])
    assert "All of this is without Gate," in ask
    assert "Every other network that is known takes part." in ask
    alone = Country(2)
    alone.everyone("lan own {up}")
    ask = text_of(gw.report(verdict_of(alone)).partition('id="ask"')[2].partition("</section>")[0])
    assert "without" not in ask
    assert "Gate AS999" in ask


def _page_with(verdict: Verdict, picture: str) -> str:
    """A page that has this picture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            import_module("analysis.page.report"), "_pictures", lambda *_: {picture: "drawn"}
        )
        return gw.report(verdict)


def test_who_was_passed_for_some_weeks_is_shown_over_time() -> None:
    """Moves that are over are told of; the days by which anybody can check it stand below."""
    country = Country(8)
    for days, words in ((range(15), "lan own"), (range(15, 30), "lan own gate")):
        country.everyone(words + " {up}", days=days)
    country.everyone("lan own {up}", days=range(30, 45))
    verdict = verdict_of(country)
    assert (verdict.grade, verdict.strongest, verdict.timeline.alarm) == ("diverse", None, False)
    assert verdict.watched == ("organisation", "Gate")
    assert verdict.days["captured"].tolist() == [0] * 15 + [8] * 15 + [0] * 15
    drawn = figures.share_over_time(verdict).to_dict()["description"]
    assert drawn == (
        "Networks that pass it: 0 of 8 on 1 Jan 2026, 0 of 8 on 14 Feb 2026. "
        "Most on 16 Jan 2026: 8 of 8."
    )
    over_time = text_of(_page_with(verdict, "days")).partition("Over time")[2]
    assert "8 had left by 31 January 2026. Networks that pass Gate on each day; " in over_time


NUMBERED = {"10.20.{i}.1": "10.20.1.0/24 … 10.20.8.0/24 (8 blocks)", "20.9.9.{i}": "Gate"}
LEFT_OUT = (
    "Hops of {names} are left out of the figures and of this picture: most networks show them, and "
    "are not known to meet there."
)


@pytest.mark.parametrize("block", NUMBERED)
def test_hops_that_stand_for_nobody_are_said_to_be_in_no_picture(block: str) -> None:
    """All show a block, or an operator's numbers, and in the picture each network leaves itself."""
    country = Country(8)
    country.everyone(f"lan own {block} {{up}}", days=[0])
    verdict = verdict_of(country)
    assert verdict.grade == "mixed"
    assert verdict.pairs["own_exit"].all()
    assert LEFT_OUT.format(names=NUMBERED[block]) in text_of(_page_with(verdict, "paths"))
    assert "left out of the figures" not in _page_with(verdict_of(behind_a_gateway()), "paths")


def test_hops_are_said_to_be_left_out_though_no_reason_tells_of_them() -> None:
    """Too few ways are known to say anything; what is drawn lacks the hops all the same."""
    country = Country(8)
    for i, day in product(range(1, 9), range(3)):
        for n, destination in enumerate(country.destinations()):
            border = "20.9.9.{i} {up}" if n < 2 else "* * {up}"
            words = f"lan own {border}".format(i=i, up="far6" if n < 2 else "far7")
            country.trace(i, destination, words, day=day)
    verdict = verdict_of(country)
    assert verdict.grade == "insufficient"
    assert not any("Gate" in reason for reason in verdict.reasons)
    assert "Hops of Gate are left out" in text_of(_page_with(verdict, "paths"))


def test_hops_of_the_last_days_alone_are_in_the_picture_of_all() -> None:
    """Most show the block for a week of five: the reason tells of that week, the picture of all."""
    country = Country(8)
    country.everyone("lan own {up}", days=range(40))
    country.everyone("lan own 10.20.{i}.1 {up}", days=range(40, 47))
    verdict = verdict_of(country)
    assert any("were not there" in reason for reason in verdict.reasons)
    assert "left out of the figures" not in text_of(_page_with(verdict, "paths"))


def test_who_stands_together_in_the_picture_is_named_below() -> None:
    """The picture counts the networks that leave by themselves, the numbers name each."""
    country = Country(20)
    country.everyone("lan own gate {up}", members=range(1, 7), days=[0])
    country.everyone("lan own {up}", members=range(7, 21), days=[0])
    verdict = verdict_of(country)
    assert "14 networks, each itself 70%" in figures.paths(verdict).description
    page = text_of(_page_with(verdict, "paths"))
    assert "stand together and say how many they are; the numbers below have each" in page
    assert all(f"Net {i} itself 100%" in page for i in range(7, 21))
    assert "stand together" not in _page_with(verdict_of(behind_a_gateway()), "paths")


# ------------------------------------------------------------------------ the command


@pytest.fixture(scope="module")
def folder(short_demo: Path) -> Path:
    return short_demo / "after"


def test_a_simulated_country_is_called_one(folder: Path, table: Origin) -> None:
    """Before anything else, in the title of the window too."""
    page = gw.report(gw.judge(gw.load(folder), "KH", origin=table))
    assert page.index("SIMULATED.") < page.index("<h1>")
    assert re.search(r"<title>SIMULATED\. Cambodia: ", page)
    assert "SIMULATED" not in gw.report(verdict_of(behind_a_gateway()))


def test_a_page_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    """Another ending is wrong use, a folder that is not there bad input."""
    for name, code in (("report.pdf", 2), ("nowhere/report.html", 9)):
        arguments = ["analyze", str(folder), "--country", "KH", "--report", str(tmp_path / name)]
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == code
        assert "--report" in done.stderr or name in done.stderr


def test_a_country_without_a_name_is_not_said_twice() -> None:
    """Its code stands for it; in a bracket behind itself it would tell nothing."""
    verdict = verdict_of(Country(3))
    assert "one operator? Cambodia (KH)" in text_of(gw.report(verdict))
    nameless = Verdict({**verdict.to_dict(), "country": "XZ"}, verdict._evidence, lambda _: ())
    assert "one operator? XZ," in text_of(gw.report(nameless))


def _two_of_one_name() -> Country:
    """Six networks pass an operator, four an exchange that is called the same."""
    country = Country(10)
    table = country.table.prefixes
    for prefix, said in list(table.items()):
        if said.organisation == "Gate":
            table[prefix] = said._replace(organisation="HomeIX")
    country.everyone("lan own gate {up}", members=range(1, 7))
    country.everyone("lan own homeix {up}", members=range(7, 11))
    return country


@pytest.mark.parametrize(
    ("language", "exchange"), [("en", "HomeIX (exchange)"), ("km", "HomeIX (ចំណុចប្ដូរ)")]
)
def test_who_passes_an_exchange_is_not_shown_as_passing_an_operator_of_its_name(
    language: str, exchange: str
) -> None:
    """Neither in the grid nor in the numbers of the picture."""
    verdict = verdict_of(_two_of_one_name())
    assert verdict.gateway is not None
    assert verdict.gateway.kind == "organisation"
    page = gw.report(verdict, language=language)
    assert page.count('<td class="candidate">') == 6 * 5
    assert page.count('<td class="gateway">') == 4 * 5
    assert page.count(f'<span class="vh">{exchange}</span>') == 4 * 5
    ways = ways_in_words(verdict, Words(language))
    assert [gateway for _, gateway, _ in ways].count(f"{exchange} 100%") == 4


def test_an_exchange_that_is_first_abroad_is_called_one() -> None:
    """In the numbers of the picture of the paths, as at home."""
    country = Country(6)
    country.everyone("lan own farix {up}")
    verdict = verdict_of(country)
    assert {abroad for _, _, abroad in ways_in_words(verdict, Words("en"))} == {
        "FarIX (exchange) 100%"
    }


def test_the_page_rounds_the_bounds_of_the_national_share_outward() -> None:
    """The nearest figures would claim to know more than is known."""
    verdict = verdict_of(behind_a_gateway())
    verdict._fields["coverage"]["bounds"] = [0.4266, 0.8512]
    assert "between 42% and 86% may pass Gate" in gw.report(verdict)


@pytest.mark.parametrize("share", [0.4966, 0.5])
def test_where_all_of_the_country_was_measured_the_page_says_one_number(share: float) -> None:
    """ "Between 50% and 50%" says nothing that "50%" does not, and of nobody unmeasured.

    What is known of a country are its addresses, or an estimate of users, and not the whole.
    """
    verdict = verdict_of(behind_a_gateway())
    verdict._fields["coverage"]["bounds"] = [share, share + 1e-16]
    page = gw.report(verdict)
    assert (
        "The networks measured have all addresses that are known of the country, besides the "
        "candidate&#39;s. Weighed by these, 50% of what was measured passes Gate."
    ) in page
    assert "the whole country" not in page
    assert "Whoever was not measured" not in page


def test_where_nobody_is_a_candidate_no_share_of_one_is_told() -> None:
    """Behind an exchange where all only meet "between 0% and 6%" would be a share of nobody."""
    country = Country(9)
    country.everyone("lan own homeix {up}")
    verdict = verdict_of(country)
    assert (verdict.grade, verdict.strongest) == ("mixed", None)
    page = text_of(gw.report(verdict))
    assert "9 of 9 organisations cross the exchange HomeIX" in page
    assert "may pass" not in page
    assert "points to one operator" not in page


def test_what_a_grade_means_claims_no_more_than_its_figures() -> None:
    """Half is not most, four in five are not nearly all, and a quarter are many."""
    country = Country(40)
    country.everyone("lan own gate {up}", members=range(1, 21))
    country.everyone("lan own {up}", members=range(21, 41))
    verdict = verdict_of(country)
    assert (verdict.grade, verdict.captured.organisations) == ("concentrated", 20)
    lead = gw.report(verdict).partition('<dl class="figures">')[0].rpartition('class="lead"')[2]
    assert "on the way of many of the networks measured" in lead
    assert " most " not in lead

    country = Country(49)
    country.everyone("lan own gate {up}", members=range(1, 41))
    country.everyone("lan own {up}", members=range(41, 50))
    verdict = verdict_of(country)
    assert (verdict.grade, verdict.captured.organisations) == ("single_gateway", 40)
    assert "Nearly all" not in gw.report(verdict)

    country = Country(40)
    country.everyone("lan own net1 {up}", members=range(2, 12))
    country.everyone("lan own {up}", members=[1, *range(12, 41)])
    verdict = verdict_of(country)
    assert (verdict.grade, verdict.captured.organisations) == ("diverse", 10)
    assert "No operator is the way out for most networks measured." in gw.report(verdict)

    country = Country(12)
    for i in range(1, 13):
        for n, destination in enumerate(country.destinations(10)):
            country.trace(i, destination, "lan own gate far11" if n < 4 else f"lan own far{1 + i}")
    verdict = verdict_of(country)
    assert verdict.grade == "diverse"
    assert verdict.pairs.groupby("organisation")["passes_candidate"].any().all()
    assert "stands on the way" not in gw.report(verdict)


def test_a_part_that_is_not_nothing_is_not_0_percent() -> None:
    """Nor is what lacks something 100%: one destination of 250 leaves by another way."""
    country = Country(6)
    for name in range(1, 7):
        for number in range(1, 251):
            hops = "lan own {up}" if (name, number) == (1, 1) else "lan own gate {up}"
            country.trace(name, f"30.0.1.{number}", hops.format(up="far7"))
    ways = ways_in_words(verdict_of(country), Words("en"))
    assert ("Net 1", "Gate 99.6%, itself 0.4%", "Far 7 100%") in ways


@pytest.mark.parametrize(("covered", "says"), [(0.004, "0.4%"), (0.997, "99.7%"), (1.0, "100%")])
def test_the_part_covered_is_neither_nothing_nor_all_where_it_is_not(
    covered: float, says: str
) -> None:
    """On the page and on a terminal: who is told 100% does not look for the rest."""
    verdict = verdict_of(behind_a_gateway())
    verdict._fields["coverage"]["eyeballs"] = covered
    assert f"<dd>{says}</dd>" in gw.report(verdict)
    assert f", {says} of addresses" in plain(verdict.to_dict())


@pytest.mark.parametrize("name", ["Evil\u202e Net", "Evil\u2067 Net", "\u061cNet\u200f"])
def test_no_name_turns_the_sentence_that_it_stands_in(name: str) -> None:
    """Behind an override "0.71 to 1.00" reads "00.1 ot 17.0"; the program's part keeps the name."""
    verdict = verdict_of(behind_a_gateway(name))
    page = gw.report(verdict)
    for shown in (page, verdict._repr_html_()):
        assert re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066\u2067]", shown) is None
        assert re.sub("[\u061c\u200f\u202e\u2067]", "\ufffd", name) in shown
    program = html.unescape(page.rpartition("<pre tabindex")[2].partition("<code>")[2])
    assert json.loads(program.partition("</code>")[0]) == verdict.to_dict()


def test_a_name_from_right_to_left_stands_apart_from_the_number_behind_it() -> None:
    """Else the bounds of an Arabic gateway begin on its other side."""
    name = "\u0634\u0631\u0643\u0629 (\u0634\u0628\u0643\u0629)"
    verdict = verdict_of(behind_a_gateway(name))
    apart = f"\u2068{name}\u2069"
    for shown in (gw.report(verdict), verdict._repr_html_()):
        assert f"through {apart} (captured share" in shown
        assert shown.count(name) == shown.count(apart)


def test_what_a_cell_does_not_tell_is_told_below_it() -> None:
    """A cell has room for one sign, whatever the rest of its destinations do."""
    country = Country(6)
    for day in range(8):
        for name in range(1, 7):
            for number, hops in enumerate(["gate", "gate", ""], start=1):
                country.trace(name, f"30.0.1.{number}", f"lan own {hops} far7", day=day)
    page = gw.report(verdict_of(country))
    grid = text_of(page.partition('id="grid"')[2].partition("</section>")[0])
    assert "Where several destinations of one operator were traced to, it is that of most" in grid


def test_what_misses_the_effective_gateways_asked_for_does_not_look_as_if_it_met_them() -> None:
    """On the page and in a notebook as on a terminal: 2.96 are not 3.0."""
    verdict = verdict_of(behind_a_gateway())
    cast("dict[str, Any]", verdict._fields)["effective_gateways"] = 2.96
    assert "<dd>2.96</dd>" in gw.report(verdict)
    assert "2.96" in verdict._repr_html_()
