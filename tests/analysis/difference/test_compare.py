"""Two verdicts side by side: no difference is taken for a change of the country."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.commands.analyze import analyze
from analysis.difference import redoing
from analysis.difference.compare import compare
from analysis.difference.told import VerdictError, parsed
from analysis.policy import Policy
from probe.record import SIMULATED
from tests.analysis.country import Country
from tests.analysis.verdicts import verdict_of

Fields = dict[str, Any]
OLDER = Path(__file__).parents[2] / "data/verdicts/kh-simulated-2026-11-30.json"


def before() -> Country:
    """Everybody leaves by themselves."""
    country = Country(9)
    country.everyone("lan own {up}")
    return country


def after(first: int = 20) -> Country:
    """Everybody passes Gate, on later days."""
    country = Country(9)
    country.everyone("lan own gate {up}", days=range(first, first + 8))
    return country


def switched() -> Country:
    """Both, one after the other: there is an alarm."""
    country = Country(9)
    country.everyone("lan own {up}", days=range(20))
    country.everyone("lan own gate {up}", days=range(20, 40))
    return country


def without_three() -> Country:
    """Three have ceased to measure; the others leave as they did."""
    country = Country(9)
    country.everyone("lan own {up}", days=range(20, 28), members=range(1, 7))
    return country


def few() -> Country:
    """Too few for a verdict."""
    country = Country(3)
    country.everyone("lan own {up}")
    return country


def silent() -> Country:
    """Nobody knows how the ninth leaves."""
    country = Country(9)
    country.everyone("lan own {up}", members=range(1, 9))
    country.everyone("lan own * * {up}", members=[9])
    return country


COUNTRIES: dict[str, Callable[[], Country]] = {
    "empty": lambda: Country(3),
    **{make.__name__: make for make in (before, after, switched, without_three, few, silent)},
}


@cache
def _judged(name: str) -> Fields:
    return verdict_of(COUNTRIES[name]()).to_dict()


def verdict(name: str, **provenance: Any) -> Fields:
    """The verdict on one of these countries, with files of that name."""
    fields = copy.deepcopy(_judged(name))
    fields["provenance"]["inputs"] = {f"{name}.jsonl": name}
    fields["provenance"]["command"] = f"gatewatch analyze {name} --country KH --json"
    fields["provenance"] |= provenance
    return fields


def strict(name: str) -> Fields:
    """The same traces by a rule that is changed so that the figures are others."""
    fields = verdict_of(COUNTRIES[name](), Policy(confidence=0.99)).to_dict()
    fields["provenance"]["inputs"] = {f"{name}.jsonl": name}
    fields["provenance"]["command"] = f"gatewatch analyze {name} --country KH --json"
    return fields


def said(comparison: Fields) -> str:
    return " ".join(comparison["reading"])


NO_CHANGE = "nothing here tells of a change in the country"
OPEN = "nobody can tell"
NOT_SHOWN = "that the country changed is not shown"
ALARM = "it tells of a change"


@pytest.mark.parametrize("name", COUNTRIES)
def test_a_verdict_does_not_differ_from_itself(name: str) -> None:
    """Nothing is listed, nothing stays open, and that is said."""
    fields = verdict(name)
    comparison = compare(fields, fields)
    assert comparison["differ"] == "nothing"
    for key in ("finding", "measured", "means", "steps"):
        assert comparison[key] == []
    of = comparison["organisations"]
    assert [of[key] for key in ("moved", "otherwise", "silent", "new", "left")] == [[]] * 5
    assert comparison["inputs"] == {"same": 1, "gone": {}, "added": {}}
    assert comparison["reading"] == [
        "The findings are the same, and so is all that they were made of and judged by."
    ]


MEANS: dict[str, Callable[[Fields], Any]] = {
    "table": lambda v: v["provenance"].update(snapshots=["other@2026-02-01+0"]),
    "policy": lambda v: v["provenance"]["policy"].update(captured=0.7),
    "code": lambda v: v["provenance"].update(code="fedcba987654"),
    "lists": lambda v: v["provenance"]["lists"].update({"operators.toml": "f" * 64}),
    "libraries": lambda v: v["provenance"]["libraries"].update(scipy="1.16.0"),
    "users": lambda v: v["provenance"].update(
        eyeballs={"file": "aspop.csv", "sha256": "e" * 64, "date": None}
    ),
    "organisations": lambda v: v["provenance"].update(
        organisations={"files": {"as2org": "a" * 64}, "merged": 2, "kept_apart": []}
    ),
    "routes": lambda v: v.update(witness={"says": "agrees", "sha256": "b" * 64}),
}


@given(
    names=st.tuples(st.sampled_from(sorted(COUNTRIES)), st.sampled_from(sorted(COUNTRIES))),
    changed=st.sets(st.sampled_from(sorted(MEANS))),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_swapped_verdicts_give_the_mirror_image(names: tuple[str, str], changed: set[str]) -> None:
    """What is new in one order has left in the other, and nothing else depends on the order."""
    old, new = (verdict(name) for name in names)
    for means in sorted(changed):
        MEANS[means](new)
    here, there = compare(old, new), compare(new, old)
    assert here["differ"] == there["differ"]
    for key in ("finding", "measured", "means"):
        swapped = [{**row, "old": row["new"], "new": row["old"]} for row in there[key]]
        assert here[key] == swapped
    ours, theirs = here["organisations"], there["organisations"]
    assert (ours["new"], ours["left"]) == (theirs["left"], theirs["new"])
    for key in ("moved", "otherwise", "silent"):
        swapped = [{**row, "old": row["new"], "new": row["old"]} for row in theirs[key]]
        assert ours[key] == swapped
    assert here["inputs"]["gone"] == there["inputs"]["added"]
    assert here["untold"] == {"old": there["untold"]["new"], "new": there["untold"]["old"]}


@given(
    names=st.tuples(st.sampled_from(sorted(COUNTRIES)), st.sampled_from(sorted(COUNTRIES))),
    changed=st.sets(st.sampled_from(sorted(MEANS))),
    same=st.booleans(),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_only_an_alarm_on_other_files_tells_of_a_change(
    names: tuple[str, str], changed: set[str], same: bool
) -> None:
    """Never a grade, never the same files, and never where files and means differ unsaid."""
    old, new = (verdict(name) for name in names)
    for means in sorted(changed):
        MEANS[means](new)
    if same:
        new["provenance"]["inputs"] = old["provenance"]["inputs"]
    comparison = compare(old, new)
    text = said(comparison)
    assert (ALARM in text) <= (new["timeline"]["alarm"] and comparison["differ"] != "nothing")
    alike = old["provenance"]["inputs"] == new["provenance"]["inputs"]
    assert not (alike and ALARM in text)
    if comparison["finding"]:
        assert (NO_CHANGE in text) == (comparison["differ"] == "means")
        assert (OPEN in text) == (comparison["differ"] == "both")
        assert alike or ALARM in text or NOT_SHOWN in text or "is of no change" in text


@pytest.mark.parametrize("means", MEANS)
def test_of_the_same_files_the_one_thing_that_differs_made_the_difference(means: str) -> None:
    """A table, a number, a list or the code: it is named, and the country is not."""
    old, new = verdict("before"), verdict("after")
    new["provenance"]["inputs"] = old["provenance"]["inputs"]
    MEANS[means](new)
    comparison = compare(old, new)
    assert {row["means"] for row in comparison["means"]} == {means}
    assert NO_CHANGE in said(comparison)
    assert "that made the difference" in said(comparison)
    assert comparison["steps"] == []


def test_several_things_that_differ_at_once_are_not_told_apart() -> None:
    """A command gives one of them back, and says what that will show."""
    old, new = verdict("before"), strict("before")
    MEANS["table"](new)
    comparison = compare(old, new)
    assert comparison["reading"][-1] == (
        "The rule's numbers and the address table differ at once: which did it cannot be told "
        "apart."
    )
    (step,) = comparison["steps"]
    assert step["command"] == (
        "gatewatch analyze --policy confidence=0.95 --country KH --json before"
    )
    MEANS["code"](old)
    old["provenance"]["policy"] = new["provenance"]["policy"]
    (step,) = compare(old, new)["steps"]
    assert step["command"] == "gatewatch analyze --policy confidence=0.99 --origin OLD-TABLE " + (
        "--country KH --json before"
    )
    assert "OLD-TABLE is the file of synthetic@2026-01-01+0" in step["tells"]
    new["provenance"]["snapshots"] = old["provenance"]["snapshots"]
    MEANS["lists"](new)
    assert compare(old, new)["steps"] == []


def test_where_files_and_rule_differ_the_older_files_are_to_be_judged_anew() -> None:
    """Neither the country nor the rule may be said to have done it."""
    old, new = verdict("before"), strict("after")
    comparison = compare(old, new)
    assert comparison["differ"] == "both"
    assert OPEN in said(comparison)
    assert NO_CHANGE not in said(comparison)
    (step,) = comparison["steps"]
    assert step["command"] == (
        "gatewatch analyze --policy confidence=0.99 --country KH --json before"
    )


def test_another_grade_on_later_files_is_no_change_without_an_alarm() -> None:
    """The networks that leave another way are counted, and a command looks for an alarm."""
    comparison = compare(verdict("before"), verdict("after"))
    assert comparison["grades"] == ["diverse", "single_gateway"]
    assert "Of 9 networks measured both times 9 leave another way" in said(comparison)
    assert NOT_SHOWN in said(comparison)
    (step,) = comparison["steps"]
    assert step["command"] == "gatewatch analyze --country KH --json before after"


def test_an_alarm_since_tells_of_a_change() -> None:
    """It holds the same vantage points before and after, under one table."""
    comparison = compare(verdict("before"), verdict("switched"))
    assert f"onset {verdict('switched')['timeline']['onset']}" in said(comparison)
    assert ALARM in said(comparison)
    assert comparison["steps"] == []


def test_an_alarm_by_a_changed_rule_is_told_as_that() -> None:
    """A weaker rule may have made it."""
    new = verdict("switched", policy_changed={"alarm_share": 0.4})
    assert compare(verdict("before"), new)["reading"][-1] == (
        "It was found by a rule that was changed: alarm_share=0.4."
    )


def test_an_alarm_of_earlier_days_is_no_change_between_two_verdicts() -> None:
    """Those of one of them that began before the other's days, and that both have."""
    late = compare(verdict("after"), verdict("switched"))
    assert late["finding"]
    assert "The alarm of 2026-01-21 is of no change between these verdicts." in late["reading"]
    again = verdict("switched")
    again["share"]["equal"] = 0.9
    again["provenance"]["inputs"] = {"more.jsonl": "more"}
    both = compare(verdict("switched"), again)
    assert "The alarm of 2026-01-21 is of no change between these verdicts." in both["reading"]


def test_who_ceased_to_measure_changed_no_way() -> None:
    """The figures are others, since others were measured."""
    comparison = compare(verdict("before"), verdict("without_three"))
    assert comparison["organisations"]["left"] == ["Net 7", "Net 8", "Net 9"]
    assert comparison["organisations"]["moved"] == []
    assert comparison["finding"]
    assert "who was measured differs, and not which way they leave" in said(comparison)
    assert "The bounds of what is captured overlap" in said(comparison)


def test_of_the_same_networks_the_bounds_excuse_nothing() -> None:
    """Chance drew the same ones both times."""
    new = verdict("before", inputs={"later.jsonl": "later"})
    new["captured"] |= {"organisations": 2, "upper": 0.6}
    assert "The bounds of what is captured overlap" not in said(compare(verdict("before"), new))


def test_another_table_may_give_a_network_another_name() -> None:
    """Who left and who is new may be the same."""
    old, new = verdict("before"), verdict("after")
    new["organisations"][0]["organisation"] = "Net One"
    MEANS["table"](new)
    text = said(compare(old, new))
    assert "new: 1, no longer measured: 1" in text
    assert "who is new may be who left, under another name" in text


def test_files_of_the_same_days_are_no_later_state() -> None:
    """As where a bundle was refused since."""
    comparison = compare(verdict("before"), verdict("silent"))
    assert "it is not time that made the difference" in said(comparison)
    assert "of known ways in one verdict only: 1" in said(comparison)
    (one,) = comparison["organisations"]["silent"]
    assert (one["organisation"], one["new"]["exit"]) == ("Net 9", None)
    assert comparison["steps"] == []


def test_the_same_traces_in_another_form_are_taken_for_no_difference() -> None:
    """Hashes cannot tell, but every count can."""
    comparison = compare(verdict("before"), verdict("before", inputs={"part-0.parquet": "parquet"}))
    assert comparison["differ"] == "inputs"
    assert "the same traces in another form" in said(comparison)


def test_a_file_under_another_name_is_the_same_file() -> None:
    """And one that is there twice is there twice."""
    old = verdict("before", inputs={"a.jsonl": "1", "b.jsonl": "1", "c.jsonl": "2"})
    new = verdict("before", inputs={"x.jsonl": "1", "c.jsonl": "2"})
    assert compare(old, new)["inputs"] == {"same": 2, "gone": {"b.jsonl": "1"}, "added": {}}


def test_more_evidence_is_no_change() -> None:
    """Of too little nothing was known."""
    assert "that there is one now is no change" in said(compare(verdict("few"), verdict("before")))
    assert "does not take back" in said(compare(verdict("before"), verdict("few")))


def test_same_files_by_the_same_and_yet_not_alike() -> None:
    """Somebody wrote into one of the files."""
    new = verdict("before")
    new["grade"] = "single_gateway"
    assert "one of these verdicts was altered" in said(compare(verdict("before"), new))


def test_what_must_be_known_first_comes_first() -> None:
    """Of simulated traces, of two versions of IP, and of verdicts in the wrong order."""
    old, new = verdict("after"), verdict("before")
    old["provenance"]["notes"] = {SIMULATED: 4}
    new["family"] = 6
    first, second, third, *_ = compare(old, new)["reading"]
    assert first == "SIMULATED: what traces of the older show was never measured."
    assert second.startswith("The older verdict is of IPv4 and the newer of IPv6")
    assert third.startswith("The newer verdict, as it was given, is of earlier days")


def test_the_last_digits_are_no_difference() -> None:
    """An older version rounded them otherwise."""
    new = verdict("after")
    new["effective_gateways"] += 1e-11
    new["captured"]["lower"] -= 1e-11
    assert compare(verdict("after"), new)["finding"] == []


def test_a_verdict_of_an_older_version_is_read() -> None:
    """What it does not tell is said, counts as differing, and is no finding."""
    old = json.loads(OLDER.read_text("utf-8"))
    assert "organisations" not in old
    new = copy.deepcopy(old)
    new["provenance"] |= {"libraries": {"scipy": "1.17.1"}, "code": "b8bf56131b12"}
    new["domestic"]["meeting_place"] = False
    comparison = compare(old, new)
    assert comparison["finding"] == []
    assert comparison["untold"] == {"old": ["domestic.meeting_place"], "new": []}
    assert {row["key"]: row["old"] for row in comparison["means"]} == {
        "code": "4f68ba1488d8",
        "libraries.scipy": None,
    }
    assert comparison["organisations"]["both"] == 14
    del new["timeline"]["gateways"]
    new["grade"] = "concentrated"
    new["provenance"]["inputs"] = {"more.jsonl": "more"}
    comparison = compare(old, new)
    assert not comparison["organisations"]["known"]
    assert "does not tell how each network left" in said(comparison)


def test_by_the_alarm_a_network_leaves_as_it_did_last() -> None:
    """Where one of the files has no list of organisations."""
    old, new = verdict("before"), verdict("switched")
    old["timeline"]["gateways"] = {
        name: changes[:1] for name, changes in new["timeline"]["gateways"].items()
    }
    del old["organisations"]
    moved = compare(old, new)["organisations"]["moved"]
    assert len(moved) == 9
    assert moved[0]["old"]["exit"] == "own exit"
    assert moved[0]["new"]["exit"] == "organisation:Gate"

    for changes in old["timeline"]["gateways"].values():
        del changes[0]["kind"]  # as older versions had it
    moved = compare(old, new)["organisations"]["moved"]
    assert [moved[0][side]["exit"] for side in ("old", "new")] == ["own exit", ":Gate"]
    for one in (old, new):
        one["timeline"]["gateways"] = {
            name: [{"since": "2026-01-01", "gateway": "Gate"}]
            for name in one["timeline"]["gateways"]
        }
    assert compare(old, verdict("switched"))["organisations"]["moved"] == []


def test_networks_that_moved_are_told_where_no_figure_differs() -> None:
    """As where two have exchanged their ways."""
    old, new = verdict("before"), verdict("before", inputs={"later.jsonl": "later"})
    new["organisations"][0]["exits"] = [{"kind": "organisation", "gateway": "Gate", "pairs": 5}]
    comparison = compare(old, new)
    assert comparison["finding"] == []
    assert "Of 9 networks measured both times 1 leaves another way" in said(comparison)


def broken(path: str, value: Any) -> Fields:
    fields = verdict("before")
    *parents, last = path.split(".")
    within: Any = fields
    for key in parents:
        within = within[key]
    if value is ...:
        del within[last]
    else:
        within[last] = value
    return fields


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "it has no schema"),
        ({"schema": 7}, "it has no schema"),
        ({"schema": "gatewatch.verdict/2"}, "its schema is gatewatch.verdict/2"),
        (broken("grade", ...), "`grade`"),
        (broken("captured.of", "ten"), "`captured.of`: expected `int`, got `str`"),
        (broken("captured.lower", float("nan")), "`captured.lower`"),
        (broken("effective_gateways", float("inf")), "`effective_gateways`"),
        (broken("coverage.bounds", [0.1]), "`coverage.bounds`"),
        (broken("provenance", ...), "`provenance`"),
        (broken("country", "TH"), "the one is of KH, the other of TH"),
    ],
)
def test_what_is_no_verdict_is_refused_in_one_sentence(fields: Fields, says: str) -> None:
    """With what is wrong, and the name of the file."""
    with pytest.raises(VerdictError) as refused:
        compare(verdict("before"), fields, ("old.json", "new.json"))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert ("new.json: " in str(refused.value)) == (fields.get("country") != "TH")


@pytest.mark.parametrize("text", [b"", b"[1]", b"nonsense", b"[" * 100_000, b"\xff\xfe\x00"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """As a folder's listing or a page would be."""
    with pytest.raises(VerdictError, match=r"^new\.json: is no JSON object"):
        parsed(text, "new.json")


def test_a_verdict_in_utf_16_is_read() -> None:
    """As PowerShell writes what a command prints."""
    assert parsed(json.dumps({"a": 1}).encode("utf-16"), "new.json") == {"a": 1}


@pytest.mark.parametrize(
    ("typed", "paths", "options"),
    [
        ("gatewatch analyze a b --country KH --json", ["a", "b"], []),
        ("gatewatch analyze --origin=t.mmdb --country KH a", ["a"], ["--origin", "t.mmdb"]),
        ("gatewatch analyze --report x.html a --malformed fail", ["a"], ["--malformed", "fail"]),
        ("gatewatch analyze --policy days=1 -- --a", ["--", "--a"], []),
        ("gatewatch analyze 'a b; rm c'", ["a b; rm c"], []),
        ("gatewatch demo --json", ["OLD-FILES"], []),
        ("gatewatch analyze 'a", ["OLD-FILES"], []),
        (None, ["OLD-FILES"], []),
    ],
)
def test_a_command_is_put_together_from_what_was_typed(
    typed: str | None, paths: list[str], options: list[str]
) -> None:
    """Of its options only those that choose by what is judged, and nothing that writes."""
    old, new = verdict("before", command=typed), verdict("after", command=typed)
    new["provenance"]["policy_changed"] = {"captured": 0.7}
    MEANS["policy"](new)
    (step,) = compare(old, new)["steps"]
    assert shlex.split(step["command"]) == [
        "gatewatch", "analyze", *options, "--policy", "captured=0.7", "--country", "KH", "--json",
        *paths,
    ]  # fmt: skip


def test_every_option_of_analyze_is_known_to_what_takes_commands_apart() -> None:
    """One that takes no value would otherwise swallow a path."""
    flags = {
        name
        for option in analyze.params
        if isinstance(option, click.Option) and option.is_flag
        for name in option.opts
    }
    assert flags == redoing.FLAGS


def test_commands_that_tell_more_are_such_as_can_be_typed() -> None:
    """Click takes each of them."""
    old, new = verdict("before"), strict("after")
    for one, two in ((old, new), (new, old)):
        for step in compare(one, two)["steps"]:
            words = shlex.split(step["command"])
            context = analyze.make_context("analyze", words[2:])
            assert context.params["country"] == "KH"
            assert list(context.params["paths"]) in (["before"], ["after"])


def test_nothing_given_is_changed() -> None:
    """A verdict is held against many others."""
    old, new = verdict("before"), verdict("after")
    kept: list[Mapping[str, Any]] = copy.deepcopy([old, new])
    compare(old, new)
    assert [old, new] == kept
