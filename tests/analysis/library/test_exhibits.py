"""The tables behind a verdict: what the figures count, row by row."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.judgement.judge import Judgement
from analysis.library import exhibits
from analysis.owners.operators import Node
from analysis.shares.convergence import exit_shares
from analysis.shares.pairs import by_organisation
from tests.analysis.country import Country

GATE = Node("organisation", "Gate")


def switched() -> Country:
    """Ten organisations leave on their own for ten days, then nine of them by Gate."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(10))
    country.everyone("lan own gate {up}", days=range(10, 20), members=range(1, 10))
    country.everyone("lan own {up}", days=range(10, 20), members=[10])
    return country


@pytest.fixture(scope="module")
def verdict() -> Judgement:
    return switched().judge()


def types(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in table.dtypes.items()}


def test_pairs_name_the_gateway_of_each(verdict: Judgement) -> None:
    """Gate where it is passed, else the organisation's own way, as the effective gateways count."""
    table = exhibits.pairs_table(verdict.evidence, verdict.fields["grade"])
    assert types(table) == exhibits.PAIRS
    assert len(table) == 50
    nine = table[table["organisation"] != "Net 10"]
    assert set(nine["gateway"]) == {"Gate"}
    assert nine["passes_candidate"].all()
    own = table[table["organisation"] == "Net 10"]
    assert set(own["gateway"]) == {"Net 10"}
    assert own["own_exit"].all()
    assert not own["passes_candidate"].any()
    assert set(table["traces"]) == {10}
    parts = table["gateway"].value_counts(normalize=True).to_dict()
    shares = exit_shares(by_organisation(verdict.evidence.pairs), GATE, frozenset())
    assert parts == pytest.approx({node.name: share for node, share in shares.items()})


def test_an_unresolved_pair_has_no_gateway() -> None:
    """Two silent hops at the border: unknown, which is not the organisation itself."""
    country = Country(6)
    country.everyone("lan own {up}")
    for day in range(8):
        country.trace(6, "30.0.14.200", "lan own * * far6", day=day)
    table = exhibits.pairs_table(country.judge().evidence, "diverse")
    unknown = table[~table["resolved"]]
    assert unknown[["organisation", "destination"]].values.tolist() == [["Net 6", "30.0.14.200"]]
    for column in ("gateway", "gateway_kind", "own_exit", "passes_candidate", "upstream"):
        assert unknown[column].isna().all()
    assert unknown["upstream_kind"].isna().all()


def test_silence_before_the_border_is_nobodys_own_exit() -> None:
    """A gateway that never answers looks so: where the pair left is known, by whom is not."""
    country = Country(7)
    country.everyone("lan own * {up}", members=range(1, 6))
    country.everyone("lan own {up}", members=[6])
    country.everyone("lan own net6 {up}", members=[7], days=range(3))
    country.everyone("lan own * far15", members=[7], days=range(3, 8))
    judged = country.judge()
    table = exhibits.pairs_table(judged.evidence, judged.fields["grade"])
    assert judged.fields["grade"] == "mixed"
    assert table["resolved"].all()
    silent = table[table["organisation"].isin([f"Net {i}" for i in range(1, 6)])]
    for column in ("gateway", "gateway_kind", "own_exit"):
        assert silent[column].isna().all()
    assert not silent["passes_candidate"].any()
    assert table.loc[table["organisation"] == "Net 6", "own_exit"].all()
    of_some_traces = table[table["organisation"] == "Net 7"]
    assert set(of_some_traces["gateway"]) == {"Net 6"}
    nobody_found = exhibits.pairs_table(judged.evidence, "diverse")
    untold = nobody_found[nobody_found["organisation"] == "Net 7"]
    assert untold["gateway"].isna().all()
    assert untold["own_exit"].isna().all()


def test_an_exchange_abroad_is_told_from_an_operator_of_its_name() -> None:
    """What answers first behind the border may be a port on an exchange's LAN."""
    country = Country(6)
    country.everyone("lan own farix {up}", members=range(1, 4))
    country.everyone("lan own {up}", members=range(4, 7))
    table = exhibits.pairs_table(country.judge().evidence, "diverse")
    at_an_exchange = table["organisation"].isin([f"Net {i}" for i in range(1, 4)])
    first = table[["upstream_kind", "upstream"]]
    assert {tuple(row) for row in first[at_an_exchange].values} == {("exchange", "FarIX")}
    assert set(first[~at_an_exchange]["upstream_kind"]) == {"organisation"}


def test_days_show_the_switch(verdict: Judgement) -> None:
    """None of ten before it, nine of ten after it, with the bounds of the rule each day."""
    table = exhibits.days_table(verdict.evidence, GATE)
    assert types(table) == exhibits.DAYS
    assert table["captured"].tolist() == [0] * 10 + [9] * 10
    assert set(table["organisations"]) == {10}
    first, last = table.iloc[0], table.iloc[-1]
    assert (first["lower"], round(first["upper"], 3)) == (0.0, 0.259)  # 1 - 0.05 ** (1 / 10)
    assert (round(last["captured_share"], 1), round(last["lower"], 3)) == (0.9, 0.606)


def test_days_without_a_candidate_have_no_figures() -> None:
    """Where nobody shares anything, there is nothing whose share could be shown."""
    table = exhibits.days_table(Country(3).judge().evidence, None)
    assert table.empty
    country = Country(6)
    country.everyone("lan own {up}", days=range(2))
    table = exhibits.days_table(country.judge().evidence, None)
    assert table["organisations"].tolist() == [6, 6]
    assert table["captured"].isna().all()


def test_the_candidates_own_organisation_is_left_out_of_its_days() -> None:
    """Gate's own volunteers say nothing about Gate."""
    country = switched()
    for day in range(20):
        for target in country.destinations():
            country.trace(
                1, target, "lan 20.9.9.7 far6", day=day, vantage=9, source={"from": "20.9.9.250"}
            )
    evidence = country.judge().evidence
    assert evidence.own == {"Gate"}
    assert set(exhibits.days_table(evidence, GATE)["organisations"]) == {10}


def test_the_alarms_gateway_is_left_out_of_its_days() -> None:
    """Its own volunteers say nothing about it, also where another one is the candidate."""
    country = Country(10)
    for target in country.destinations():
        for i in range(1, 11):
            for day in range(20):
                moved = day >= 10 and i < 8
                country.trace(i, target, f"lan own {'net10 ' if moved else ''}gate far6", day=day)
    verdict = country.judge()
    alarmed = Node("organisation", verdict.fields["timeline"]["gateway"]["name"])
    assert (alarmed.name, *verdict.evidence.own) == ("Net 10", "Gate")
    table = exhibits.days_table(verdict.evidence, alarmed)
    assert set(table["organisations"]) == {9}
    assert table["captured"].tolist() == [0] * 10 + [7] * 10
    assert set(exhibits.days_table(verdict.evidence, GATE)["organisations"]) == {10}


def test_changes_are_the_timeline_in_rows(verdict: Judgement) -> None:
    """Nine organisations changed once, the tenth never did."""
    table = exhibits.changes_table(verdict.fields["timeline"])
    assert types(table) == exhibits.CHANGES
    assert len(table) == 19
    moved = table[table["gateway"] == "Gate"]
    assert set(moved["since"]) == {pd.Timestamp("2026-01-11")}
    assert table["own_exit"].sum() == 10
    assert set(moved["gateway_kind"]) == {"organisation"}
    assert table["gateway_kind"].isna().tolist() == table["own_exit"].tolist()


def test_domestic_pairs_tell_their_way() -> None:
    """One row a direction; what goes over the hub says so."""
    country = Country(7)
    country.everyone("lan own {up}", days=range(2))
    for i in range(1, 7):
        country.trace(i, f"20.0.{i + 1}.200", "lan own gate")
    country.trace(7, "20.0.1.200", "lan own")
    country.trace(7, "20.0.2.200", "lan own *")
    table = exhibits.domestic_table(country.judge().evidence, GATE)
    assert types(table) == exhibits.DOMESTIC
    found = table.set_index(["organisation", "destination"])
    assert found.loc[("Net 1", "Net 2"), "way"] == "third_party"
    assert found.loc[("Net 1", "Net 2"), "between"] == "organisation:Gate"
    assert found.loc[("Net 7", "Net 1"), "way"] == "direct"
    assert found.loc[("Net 7", "Net 2"), "way"] == "unknown"
    assert found["over_hub"].sum() == 6
    exchange = exhibits.domestic_table(country.judge().evidence, Node("exchange", "Gate"))
    assert exchange["over_hub"].sum() == 0


def test_candidates_come_best_first(verdict: Judgement) -> None:
    """With the figures of the verdict."""
    table = exhibits.candidates_table(verdict.fields["candidates"])
    assert types(table) == exhibits.CANDIDATES
    best = table.iloc[0]
    assert (best["name"], best["asns"], best["captured"], best["organisations"]) == (
        "Gate",
        "AS999",
        9,
        10,
    )


def test_those_measured_come_before_those_to_ask() -> None:
    """Whoever takes part is marked, and the coverage grows down to all of the country."""
    country = Country(8)
    country.everyone("lan own {up}", members=range(1, 7))
    table = exhibits.recruits_table(country.judge().evidence, country.table.asns)
    assert types(table) == exhibits.RECRUITS
    assert table["measured"].tolist()[:6] == [True] * 6
    assert not table["measured"][6:].any()
    assert {"Net 7", "Net 8"} <= set(table["organisation"][6:])
    assert table["coverage_then"].is_monotonic_increasing
    assert table["coverage_then"].iloc[-1] == pytest.approx(1.0)


def test_who_was_measured_at_home_alone_is_still_to_be_asked() -> None:
    """Its ways abroad are unknown, so it covers nothing, here as in the verdict."""
    country = Country(8)
    country.everyone("lan own {up}", members=range(1, 7))
    country.trace(7, "20.0.1.200", "lan own")
    verdict = country.judge()
    table = exhibits.recruits_table(verdict.evidence, country.table.asns).set_index("organisation")
    assert not table["measured"]["Net 7"]
    now = table.loc[table["measured"], "coverage_then"].max()
    assert now == pytest.approx(verdict.fields["coverage"]["eyeballs"])


def test_whose_ways_abroad_are_unknown_covers_nothing() -> None:
    """Two silent hops at the border of every trace: the verdict does not count it as covered."""
    country = Country(8)
    country.everyone("lan own {up}", members=range(1, 7))
    country.everyone("lan own * * {up}", members=[7])
    verdict = country.judge()
    table = exhibits.recruits_table(verdict.evidence, country.table.asns).set_index("organisation")
    assert not table["measured"]["Net 7"]
    now = table.loc[table["measured"], "coverage_then"].max()
    assert now == pytest.approx(verdict.fields["coverage"]["eyeballs"])


def test_the_candidate_is_not_asked_to_take_part() -> None:
    """It says nothing of itself: what is covered, and with whom, is as the verdict counts it."""
    country = Country(8)
    country.everyone("lan own gate {up}", members=range(1, 7))
    verdict = country.judge()
    table = exhibits.recruits_table(verdict.evidence, country.table.asns)
    assert "Gate" not in set(table["organisation"])
    now = table.loc[table["measured"], "coverage_then"].max()
    assert now == pytest.approx(verdict.fields["coverage"]["eyeballs"])


def test_without_whom_a_verdict_would_be_another_is_told() -> None:
    """Seven of seven are a single gateway, six of six are not; one destination misses as little."""
    country = Country(7)
    country.everyone("lan own gate {up}")
    table = exhibits.ranges_table(country.judge().fields["ranges"]).set_index("without")
    organisations = table.loc["organisations"]
    assert (organisations["left_out"], organisations["of"], organisations["same"]) == (7, 7, 0)
    assert organisations["decisive"] == "; ".join(f"Net {i}" for i in range(1, 8))
    assert (organisations["lowest_share"], organisations["highest_share"]) == (1.0, 1.0)
    assert table.loc["destinations", "same"] == 5
    assert table["decisive"].isna().to_dict() == {"organisations": False, "destinations": True}


def test_nothing_to_leave_out_is_no_share() -> None:
    """The only one cannot be left out; a share of 0 would be a figure."""
    table = exhibits.ranges_table(Country(3).judge().fields["ranges"])
    assert types(table) == exhibits.RANGES
    assert table["without"].tolist() == ["organisations", "destinations"]
    assert table["left_out"].tolist() == [0, 0]
    assert table[["lowest_share", "highest_share", "decisive"]].isna().all(axis=None)


def test_rejections_come_most_first() -> None:
    """Of equals by name."""
    table = exhibits.rejected_table({"b": 2, "a": 2, "c": 9})
    assert types(table) == exhibits.REJECTED
    assert table.values.tolist() == [["c", 9], ["a", 2], ["b", 2]]
