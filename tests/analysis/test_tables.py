"""The tables an analyst works with: columns and types, whatever was measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.evidence.observation import Observation
from analysis.evidence.panel import observe
from analysis.intake.load import Loaded
from analysis.judgement.judge import judge
from analysis.owners.operators import Gazetteer
from analysis.policy import Policy
from analysis.tables import (
    CROSSINGS,
    REPLIES,
    TRACES,
    crossings_in_portions,
    crossings_table,
    in_order,
    replies_table,
    traces_table,
    write_portions,
)
from probe.record import Attribution, from_json
from tests.analysis.country import HOME, NOW, Country
from tests.analysis.intake.test_load import OURS, result


def observed(country: Country) -> list[Observation]:
    traces = country.traces()
    gazetteer = Gazetteer(country.table, HOME)
    return observe(traces, gazetteer, country.table, Policy(), NOW).observations


def mixed() -> Country:
    """One trace of each kind: resolved, its own exit, ambiguous, without a border, domestic."""
    country = Country(6)
    country.trace(1, "30.0.1.200", "lan own gate 10.202.4.1 far6", day=3)
    country.trace(2, "30.0.1.200", "lan own far6")
    country.trace(3, "30.0.1.200", "lan own * * far6")
    country.trace(4, "30.0.1.200", "lan own gate")
    country.results[-1]["result"].pop()
    country.trace(5, "20.0.6.200", "lan own gate")
    return country


def types(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in table.dtypes.items()}


def test_an_empty_table_carries_columns_and_types() -> None:
    """Nothing measured is a table without rows, not a table without columns."""
    table = crossings_table([])
    assert len(table) == 0
    assert types(table) == CROSSINGS


def test_a_full_table_has_the_same_types() -> None:
    """Missing values turn no column into another type: no float hops, no object strings."""
    table = crossings_table(observed(mixed()))
    assert types(table) == CROSSINGS
    pd.testing.assert_series_equal(table.dtypes, crossings_table([]).dtypes)


def test_a_row_a_trace_abroad() -> None:
    """The domestic trace has none; the one without a border has one, with nothing in it."""
    table = crossings_table(observed(mixed()))
    assert list(table["state"]) == ["resolved", "resolved", "ambiguous", "none"]
    assert list(table["organisation"]) == ["Net 1", "Net 2", "Net 3", "Net 4"]


def test_a_row_says_all_of_a_crossing() -> None:
    """Each column by hand, for one trace."""
    row = crossings_table(observed(mixed())).iloc[0].to_dict()
    assert row == {
        "organisation": "Net 1",
        "vantage": "atlas:1000",
        "family": 4,
        "day": pd.Timestamp("2026-01-04"),
        "destination": "30.0.1.200",
        "destination_organisation": "Far 1",
        "destination_operator": "Far 1",
        "destination_continent": "EU",
        "state": "resolved",
        "border_from_hop": 4,
        "border_to_hop": 5,
        "gap": False,
        "exit": "unmapped:10.202.4.0/24",
        "first_foreign": "30.0.6.1",
        "upstream": "organisation:Far 6",
        "upstream_asn": 3006,
        "candidates": "organisation:Gate; unmapped:10.202.4.0/24",
        "candidates_lenient": "organisation:Gate; unmapped:10.202.4.0/24",
        "loops": "",
    }


def test_missing_is_missing_and_not_zero() -> None:
    """Its own exit is no exit; a path without a border has no hop numbers and no operator."""
    table = crossings_table(observed(mixed()))
    assert table["exit"].isna().tolist() == [False, True, True, True]
    empty = table.iloc[3]
    assert all(
        pd.isna(empty[name])
        for name in (
            "border_from_hop",
            "border_to_hop",
            "gap",
            "first_foreign",
            "upstream",
            "upstream_asn",
        )
    )
    assert empty["candidates"] == ""


def test_a_silent_hop_is_told_from_an_own_exit() -> None:
    """Neither row has an exit: only of the second is it known that nobody stands between."""
    country = Country(2)
    country.trace(1, "30.0.1.200", "lan own * far6")
    country.trace(2, "30.0.1.200", "lan own far6")
    table = crossings_table(observed(country))
    assert table["state"].tolist() == ["bracketed", "resolved"]
    assert table["exit"].isna().all()
    assert table["gap"].tolist() == [True, False]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", "\r=1", "v\r=1"])
def test_csv_holds_no_formula(name: str, tmp_path: Path) -> None:
    """Whoever measured chose his pseudonym; a spreadsheet must not run it."""
    seen = [replace(one, vantage=name, organisation=name) for one in observed(mixed())]
    write_portions([crossings_table(seen)], tmp_path / "crossings.csv")
    written = pd.read_csv(tmp_path / "crossings.csv")
    shown = ("" if name[0] == "v" else "'") + name.replace("\r", " ")
    assert set(written["vantage"]) == {shown}
    assert set(written["organisation"]) == {shown}
    write_portions([crossings_table(seen)], tmp_path / "crossings.parquet")
    assert set(pd.read_parquet(tmp_path / "crossings.parquet")["vantage"]) == {name}


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "full"])
def test_parquet_keeps_the_types(empty: bool, tmp_path: Path) -> None:
    """What comes back is what was written, without rows as well."""
    table = crossings_table([] if empty else observed(mixed()))
    write_portions([table], tmp_path / "crossings.parquet")
    back = pd.read_parquet(tmp_path / "crossings.parquet")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)
    assert types(back)["border_from_hop"] == "Int16"
    assert types(back)["upstream_asn"] == "Int64"


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "full"])
def test_csv_has_a_header_and_a_line_a_row(empty: bool, tmp_path: Path) -> None:
    """Readable without us; missing is an empty field."""
    table = crossings_table([] if empty else observed(mixed()))
    write_portions([table], tmp_path / "crossings.csv")
    header, *lines = (tmp_path / "crossings.csv").read_text().splitlines()
    assert header.split(",") == list(CROSSINGS)
    assert len(lines) == len(table)
    if lines:
        assert lines[1].startswith("Net 2,atlas:2000,4,2026-01-01,30.0.1.200,Far 1,Far 1,EU,")
        assert ",resolved,2,3,False,,30.0.6.2," in lines[1]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_in_portions_the_same_rows_are_written(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same order, whatever stands where in them; what is missing in one keeps its type."""
    monkeypatch.setattr("analysis.tables._PORTION", 2)
    seen = [replace(one, counts=(1 + n % 3,)) for n, one in enumerate(observed(mixed()))] * 2
    whole = in_order(crossings_table(seen))
    portions = list(crossings_in_portions(reversed(seen)))
    assert len(portions) > 2
    assert max(map(len, portions)) < len(whole) / 2
    write_portions([whole], tmp_path / f"whole{suffix}")
    write_portions(portions, tmp_path / f"portions{suffix}")
    if suffix == ".csv":
        assert (tmp_path / "portions.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    else:
        read = [pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("whole", "portions")]
        pd.testing.assert_frame_equal(read[0], read[1])


def test_judging_a_country_looks_each_distinct_address_up_once() -> None:
    """A thousand traces over a dozen routers cost a dozen lookups in the address table."""
    country = Country(6)
    country.everyone("lan own gate {up}")
    asked: Counter[str] = Counter()
    honest = country.table.lookup

    def lookup(address: str) -> Attribution:
        asked[address] += 1
        return honest(address)

    country.table.lookup = lookup  # type: ignore[method-assign]
    loaded = Loaded(traces=country.traces())
    judge(loaded, country.table, HOME, Policy(resamples=10), now=NOW)
    on_paths = {
        reply["from"]
        for result in country.results
        for hop in result["result"]
        for reply in hop["result"]
    }
    assert on_paths <= set(asked)
    assert {address: times for address, times in asked.items() if times > 1} == {}


# ------------------------------------------------------------------------- traces and replies


def test_tables_of_nothing_carry_columns_and_types() -> None:
    """Whoever reads them need not ask first whether there is anything."""
    assert types(traces_table([])) == TRACES
    assert types(replies_table([])) == REPLIES


def test_tables_of_both_kinds_of_records_have_the_same_types() -> None:
    """A plain Atlas result knows little of what a record says; a missing value changes no type."""
    traces = [from_json(result()), from_json(OURS)]
    assert types(traces_table(traces)) == TRACES
    assert types(replies_table(traces)) == REPLIES
    assert types(traces_table(traces[:1])) == TRACES
    assert types(replies_table(traces[:1])) == REPLIES


def test_a_row_says_all_of_a_trace() -> None:
    """Each column by hand, for a record of ours."""
    named = {**OURS, "timestamp": 1767268800, "endtime": 1767268810, "dst_name": "far"}
    assert traces_table([from_json(named)]).iloc[0].to_dict() == {
        "start": pd.Timestamp("2026-01-01T12:00:00Z"),
        "end": pd.Timestamp("2026-01-01T12:00:10Z"),
        "vantage": "v1",
        "vantage_asn": 101,
        "vantage_organisation": "Net 1",
        "vantage_country": HOME,
        "source": "20.0.1.250",
        "destination": "30.0.1.200",
        "destination_name": "far",
        "family": 4,
        "proto": "ICMP",
        "flow": 1,
        "size_bytes": 48,
        "msm_id": 1,
        "prb_id": 7,
        "backend": "raw",
        "stop": "destination",
        "reached": True,
        "probes": 9,
        "hops": 4,
        "snapshots": "s",
        "error": "connect failed: Network is unreachable",
    }


def test_a_row_a_probe_and_a_star_is_a_row() -> None:
    """Nine probes at three hops; the second hop has two stars, and stars have no RTT, not zero."""
    replies = replies_table([from_json(result())])
    assert list(replies["hop"]) == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert list(replies["probe"]) == [1, 2, 3] * 3
    assert replies["address"].isna().sum() == 2
    assert replies["rtt_ms"].isna().tolist() == [False] * 3 + [
        True,
        True,
        False,
        False,
        True,
        False,
    ]
    assert replies["late"].tolist()[7] == 1
    assert replies["duplicate"].tolist()[8] is True
    assert replies["err"].tolist()[6] == "H"


def test_replies_carry_what_the_record_says_of_their_hop() -> None:
    """And nothing where it says nothing."""
    replies = replies_table([from_json(result()), from_json(OURS)])
    said = replies[replies["trace"] == 1]
    assert set(said.loc[said["hop"] == 1, "special"]) == {"lan"}
    assert set(said.loc[said["hop"] == 1, "asn"]) == {101}
    assert replies.loc[replies["trace"] == 0, "special"].isna().all()


def test_times_that_were_never_set_are_missing() -> None:
    """1970 is no time of a measurement, and a clock may say anything."""
    for wrong in (0, -5, 2**62):
        table = traces_table([from_json(result(timestamp=wrong))])
        assert table["start"].isna().all()


def test_a_flow_that_was_not_kept_and_tables_that_nobody_named_are_missing() -> None:
    """Old firmwares say no `paris_id`, and 0 is how the Atlas says that none was kept."""
    without = result()
    del without["paris_id"]
    table = traces_table([from_json(without), from_json(result(paris_id=0)), from_json(OURS)])
    assert table["flow"].isna().tolist() == [True, True, False]
    assert table["snapshots"].isna().tolist() == [True, True, False]


def test_labels_are_a_text() -> None:
    """Outermost first; extensions without labels have none."""
    labels = [
        {"label": 24001, "exp": 0, "s": 0, "ttl": 1},
        {"label": 7, "exp": 0, "s": 1, "ttl": 1},
    ]
    labelled = result()
    labelled["result"][2]["result"][0]["icmpext"] = {
        "version": 2, "rfc4884": 1, "obj": [{"class": 1, "type": 1, "mpls": labels}],
    }  # fmt: skip
    table = replies_table([from_json(labelled), from_json(result())])
    assert table["mpls_labels"].dropna().tolist() == ["24001 7"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_crossings_are_for_their_owner_alone(tmp_path: Path, suffix: str) -> None:
    """They say who measured when; a file that was there keeps whom its owner lets read it."""
    table = pd.DataFrame({"asn": [7]})
    for name, mode in (("new", 0o600), ("old", 0o640)):
        path = tmp_path / f"{name}{suffix}"
        if name == "old":
            path.touch()
            path.chmod(mode)
        write_portions([table], path)
        assert path.stat().st_mode & 0o777 == mode
