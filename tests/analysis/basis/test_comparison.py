"""What another table would change, and whose word counts."""

from __future__ import annotations

import copy
import re
from types import SimpleNamespace
from typing import Any

import pytest

from analysis.basis.comparison import compare_crossings, compare_verdicts, sentences
from analysis.evidence.panel import Panel, observe
from analysis.intake.load import Loaded
from analysis.intake.told import tell
from analysis.judgement.judge import judge
from analysis.owners import attribution, ownership
from analysis.owners.operators import Gazetteer
from analysis.policy import Policy
from analysis.words.translation import Words
from probe.record import Attribution, Hop, Reply, Trace
from tests.analysis.country import HOME, NOW, Country, Snapshot, Table


def changed(table: Table, prefix: str, said: Attribution) -> Table:
    other = copy.copy(table)
    other.prefixes = dict(table.prefixes)
    other.add(prefix, said)
    other.snapshot = Snapshot("other@2026-02-01+0")
    return other


def crossings(country: Country, table: Table) -> Panel:
    traces = country.traces()
    return observe(traces, Gazetteer(table, HOME), table, Policy(), NOW)


def verdict(country: Country, table: Table) -> dict[str, Any]:
    loaded = Loaded(country.traces())
    return judge(loaded, table, HOME, Policy(), now=NOW).fields


def test_the_same_table_changes_nothing() -> None:
    """Every crossing is compared, none differs."""
    country = Country(6)
    country.everyone("lan own gate {up}", days=range(2))
    table = crossings(country, country.table)
    assert compare_crossings(table, table) == {
        "compared": 60, "only_used": 0, "only_other": 0, "changed": 0, "columns": {},
        "examples": [],
    }  # fmt: skip


def test_a_gateway_that_has_another_owner_is_named_with_both() -> None:
    """Each of three traces through it differs in exit and candidates; the others do not."""
    country = Country(6)
    country.everyone("lan own {up}", days=[0], members=[1])
    for _ in range(3):
        country.trace(2, "30.0.1.200", "lan own gate far6")
    other = changed(country.table, "20.9.9.0/24", Attribution(998, "OLD", "Old Gate", HOME))
    found = compare_crossings(crossings(country, country.table), crossings(country, other))
    assert (found["compared"], found["changed"]) == (8, 3)
    assert found["columns"] == {"exit": 3, "candidates": 3, "candidates_lenient": 3}
    assert found["examples"][0] == {
        "vantage": "atlas:2000",
        "destination": "30.0.1.200",
        "day": "2026-01-01",
        "exit": ["organisation:Gate", "organisation:Old Gate"],
        "candidates": ["organisation:Gate", "organisation:Old Gate"],
        "candidates_lenient": ["organisation:Gate", "organisation:Old Gate"],
    }


def test_traces_that_are_evidence_under_one_table_only_are_counted() -> None:
    """A destination that another table holds to be at home has no crossing there."""
    country = Country(6)
    country.everyone("lan own gate {up}", days=[0])
    other = changed(country.table, "30.0.1.0/24", Attribution(3001, "F1", "Far 1", HOME))
    found = compare_crossings(crossings(country, country.table), crossings(country, other))
    assert (found["compared"], found["only_used"], found["only_other"]) == (24, 6, 0)


def test_a_trace_is_compared_with_itself() -> None:
    """What one table leaves out does not shift those after it, of the same day and destination.

    By the one table the first of three is answered by a cache at home, behind the gate; by the
    other the gate is abroad.
    """
    country = Country(6)
    for words in ("lan own gate@1.5 30.0.2.200@2.0", "lan own far6", "lan own * far6"):
        country.trace(1, "30.0.2.200", words)
    other = changed(country.table, "20.9.9.0/24", Attribution(999, "GATE", "Gate", "SG"))
    pair = crossings(country, country.table), crossings(country, other)
    assert [panel.numbers for panel in pair] == [[1, 2], [0, 1, 2]]
    found = compare_crossings(*pair)
    assert (found["compared"], found["only_used"], found["only_other"]) == (2, 0, 1)
    assert found["changed"] == 0


def test_two_verdicts_are_compared_in_what_they_grade() -> None:
    """Abroad by one table, the gateway is none: grade and gateway stand side by side."""
    country = Country(10)
    country.everyone("lan own gate {up}")
    other = changed(country.table, "20.9.9.0/24", Attribution(999, "GATE", "Gate", "SG"))
    found = compare_verdicts(verdict(country, country.table), verdict(country, other))
    assert found["grade"][0] == "single_gateway"
    assert found["grade"][1] != "single_gateway"
    assert found["gateway"] == ["organisation:Gate", None]
    assert found["tables"] == [["synthetic@2026-01-01+0"], ["other@2026-02-01+0"]]
    assert found["rejected"] == {}
    pair = (crossings(country, country.table), crossings(country, other))
    (said, *_) = sentences(found | {"crossings": compare_crossings(*pair)})
    assert f"the grade is {found['grade'][1]}: crossings that differ: 400 of 400" in said


def test_another_gateway_under_another_table_is_told() -> None:
    """The same grade of somebody else is not the same verdict."""
    country = Country(10)
    country.everyone("lan own gate {up}")
    (block,) = (p for p, said in country.table.prefixes.items() if said.organisation == "Gate")
    said = Attribution(asn=998, organisation="Rival", country=HOME)
    other = changed(country.table, str(block), said)
    found = compare_verdicts(verdict(country, country.table), verdict(country, other))
    assert found["grade"] == ["single_gateway", "single_gateway"]
    pair = (crossings(country, country.table), crossings(country, other))
    (told,) = sentences(found | {"crossings": compare_crossings(*pair)})
    assert "the grade is the same, but of Rival: crossings that differ: 400 of 400" in told
    assert Words("km").sentence(told).language == "km"


def test_whom_another_table_has_named_is_told() -> None:
    """By one table those addresses are a carrier's abroad, by the other a network's at home."""
    country = Country(10)
    country.everyone("lan own gate {up}")
    other = changed(country.table, "20.9.9.0/24", Attribution(999, "GATE", "Gate", "SG"))
    found = compare_verdicts(verdict(country, other), verdict(country, country.table))
    found["crossings"] = compare_crossings(*(crossings(country, one) for one in (other, other)))
    (said, *_) = sentences(found)
    told = "Under the table synthetic@2026-01-01+0 the grade is single_gateway, of Gate: crossings "
    assert said.startswith(told)
    assert "Gate៖" in Words("km").sentence(said).text


def test_whose_the_alarm_and_the_hub_are_under_another_table() -> None:
    """All move to Gate, and reach each other over it; by the other table that is Rival."""
    country = Country(6)
    country.everyone("lan own {up}", days=range(10))
    country.everyone("lan own gate {up}", days=range(10, 20))
    for i in range(1, 7):
        for j in range(1, 7):
            if i != j:
                country.trace(i, f"20.0.{j}.200", f"lan own gate net{j}", day=12)
    other = changed(country.table, "20.9.9.0/24", Attribution(998, "RIVAL", "Rival", HOME))
    found = compare_verdicts(verdict(country, country.table), verdict(country, other))
    assert found["hub"] == found["alarm_of"] == ["organisation:Gate", "organisation:Rival"]


@pytest.mark.parametrize(
    ("differ", "says"),
    [
        ({"domestic": ["diverse", "single_hub"]}, ["the domestic grade is single_hub."]),
        ({"alarm": ["2026-01-09", None]}, ["there is no alarm."]),
        ({"alarm": [None, "2026-01-09"]}, ["there is an alarm, of 2026-01-09."]),
        ({"alarm": ["2026-01-08", "2026-01-09"]}, ["there is an alarm, of 2026-01-09."]),
        (
            {
                "alarm": ["2026-01-09"] * 2,
                "alarm_of": ["organisation:Gate", "unmapped:10.1.2.0/24"],
            },
            ["there is an alarm, of 2026-01-09: 10.1.2.0/24."],
        ),
        (
            {"alarm": [None, "2026-01-09"], "alarm_of": [None, "organisation:Gate: Ltd"]},
            ["there is an alarm, of 2026-01-09: Gate: Ltd."],
        ),
        (
            {"domestic": ["single_hub"] * 2, "hub": ["organisation:Gate", "organisation:Rival"]},
            ["the domestic grade is the same, but of Rival."],
        ),
        (
            {"domestic": ["mixed", "single_hub"], "hub": [None, "organisation:Rival"]},
            ["the domestic grade is single_hub, of Rival."],
        ),
        (
            {"domestic": ["diverse", "mixed"], "alarm": ["2026-01-09", None]},
            ["the domestic grade is mixed.", "there is no alarm."],
        ),
    ],
)
def test_what_differs_though_the_grade_is_the_same_is_told(
    differ: dict[str, list[str | None]], says: list[str]
) -> None:
    """An alarm that hangs on one table is no smaller matter than a grade that does."""
    found = {
        "tables": [["a@2026-01-01+0"], ["b@2026-02-01+0"]],
        "grade": ["mixed", "mixed"],
        "gateway": [None, None],
        "domestic": ["diverse", "diverse"],
        "hub": [None, None],
        "alarm": [None, None],
        "alarm_of": [None, None],
        "crossings": {"changed": 0, "compared": 8, "only_used": 1, "only_other": 0},
    }
    same = (
        "Under the table b@2026-02-01+0 the grade is the same: crossings that differ: 0 of 8, "
        "seen under one table only: 1."
    )
    assert sentences(found) == [same]
    told = sentences(found | differ)
    assert told == [same, *(f"Under the table b@2026-02-01+0 {said}" for said in says)]
    for said in told:
        assert not re.search("grade|alarm|single|mixed", Words("km").sentence(said).text)


def test_reasons_of_rejection_that_differ_are_listed() -> None:
    """A table that does not know a destination rejects what another one uses."""
    country = Country(6)
    country.everyone("lan own gate {up}", days=[0])
    other = changed(country.table, "30.0.1.0/24", Attribution())
    found = compare_verdicts(verdict(country, country.table), verdict(country, other))
    assert found["rejected"] == {"destination_unmapped": [0, 6]}


# ------------------------------------------------------------------------- attribution


def record(snapshots: tuple[str, ...], *hops: tuple[str, int | None]) -> Trace:
    return Trace(
        "30.0.1.200", 4, "ICMP", 1.0, 1.0,
        tuple(
            Hop(n, (Reply(address, 1.0),), None if asn is None else Attribution(asn=asn))
            for n, (address, asn) in enumerate(hops, start=1)
        ),
        snapshots=snapshots,
    )  # fmt: skip


def test_records_of_the_same_table_are_not_looked_up() -> None:
    """The normal case costs nothing and says nothing."""
    table = Country(3).table
    found = attribution.attribution(
        [(tell(record((table.snapshot.id,), ("20.0.1.1", 7))), 1)], table
    )
    assert found == {
        "table": table.snapshot.id, "records": {table.snapshot.id: 1}, "hops": 0, "differ": 0,
    }  # fmt: skip
    assert attribution.sentences(found) == []


def test_hops_that_another_snapshot_gives_to_another_as_are_counted() -> None:
    """Two of three agree; a hop without an AS and one with two addresses say nothing."""
    table = Country(3).table
    both = (Reply("20.0.1.1", 1.0), Reply("20.0.2.1", 1.0))
    two = record(("old@2025",))._replace(hops=(Hop(1, both, Attribution(asn=9)),))
    hops = [("20.0.1.1", 101), ("20.0.2.1", 102), ("20.9.9.1", 5), ("8.8.8.8", None)]
    old = record(("old@2025",), *hops)
    found = attribution.attribution([(tell(trace), 1) for trace in (old, two, record(()))], table)
    assert found["records"] == {"none": 1, "old@2025": 2}
    assert (found["hops"], found["differ"]) == (3, 1)
    (said,) = attribution.sentences(found)
    assert "by old@2025, was not used: hops that belong to another AS there: 1 of 3." in said


# ------------------------------------------------------------------------- ownership


def test_state_owned_organisations_that_a_verdict_names_are_listed() -> None:
    """With the source; those of which none speaks are not listed as private."""
    country = Country(10)
    country.everyone("lan own gate {up}")
    fields = verdict(country, country.table)
    listed = {"Gate": SimpleNamespace(state="KH", state_source="a report of 2020")}
    owned = ownership.ownership(fields, SimpleNamespace(operator=listed.get))
    assert owned == {"Gate": {"state": "KH", "source": "a report of 2020"}}
    assert ownership.sentences(owned) == ["Gate is held by the state of KH (a report of 2020)."]
    unsaid = {"Gate": SimpleNamespace(state=None, state_source=None)}
    assert ownership.ownership(fields, SimpleNamespace(operator=unsaid.get)) == {}
