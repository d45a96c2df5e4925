"""A table for each day: its traces are read by it, and the alarm does not hear the change."""

from __future__ import annotations

import copy
import datetime as dt
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analysis.alarm.timeline import find_alarm
from analysis.basis.dated import DatedTable, Used, observe_by_day, tables_in
from analysis.candidates.blocks import Blocks
from analysis.evidence.panel import Panel
from analysis.intake.inputs import InputError
from analysis.intake.load import Loaded
from analysis.judgement.judge import judge
from analysis.owners.operators import Node
from analysis.policy import Policy
from probe.record import Attribution, Vantage, from_json
from tests.analysis.country import FIRST_DAY, HOME, NOW, Country, Snapshot, Table


@dataclass(eq=False)
class Dated(Table):
    """A table that has one of another day for each file."""

    others: dict[str, Table] = field(default_factory=dict)

    def over(self, path: Path) -> Dated:
        other = copy.copy(self)
        other.prefixes = self.others[path.name].prefixes
        other.snapshot = Snapshot(path.name)
        return other


def sold(country: Country, day: int) -> tuple[Dated, list[tuple[dt.date, Path]]]:
    """Gate's addresses are Old Gate's in the table of the first day, Gate's in that of ``day``."""
    before = copy.copy(country.table)
    before.prefixes = dict(country.table.prefixes)
    before.add("20.9.9.0/24", Attribution(998, "OLD", "Old Gate", HOME))
    names = ("first.dat", "second.dat")
    table = Dated(
        country.table.prefixes,
        snapshot=Snapshot("main"),
        others=dict(zip(names, (before, country.table), strict=True)),
    )
    days = [FIRST_DAY, FIRST_DAY + dt.timedelta(days=day)]
    return table, [(when, Path(name)) for when, name in zip(days, names, strict=True)]


def observed(
    country: Country, table: DatedTable, tables: list[tuple[dt.date, Path]]
) -> tuple[Panel, Used]:
    traces = country.traces()
    return observe_by_day(traces, tables, table, country=HOME, policy=Policy(), now=NOW)


def test_each_trace_is_read_by_the_newest_table_that_is_not_newer() -> None:
    """The same router is Old Gate's on the ninth day and Gate's on the tenth."""
    country = Country(6)
    country.everyone("lan own gate {up}", days=range(16))
    panel, used = observed(country, *sold(country, 9))
    gates = {
        (seen.days[0], node.name)
        for seen in panel.observations
        if seen.crossing is not None
        for node in seen.crossing.strict
    }
    assert {name for day, name in gates if day < FIRST_DAY + dt.timedelta(days=9)} == {"Old Gate"}
    assert {name for day, name in gates if day >= FIRST_DAY + dt.timedelta(days=9)} == {"Gate"}
    assert used.traces == {"first.dat": 9 * 30, "second.dat": 7 * 30}
    assert used.older == 0


def test_traces_older_than_all_tables_are_read_by_the_oldest_and_counted() -> None:
    """A table of the future is better than none, and worse than one of its day."""
    country = Country(3)
    country.everyone("lan own gate {up}", days=range(4))
    table, tables = sold(country, 3)
    panel, used = observed(country, table, tables[1:])
    assert used.older == 3 * 15
    assert len(panel.observations) == 4 * 15


def test_what_is_rejected_is_counted_over_all_tables() -> None:
    """Reasons add up as under one table."""
    country = Country(3)
    country.everyone("lan own gate {up}", days=range(4))
    country.trace(1, "198.51.100.1", "lan own gate", day=0)
    country.trace(1, "198.51.100.1", "lan own gate", day=3)
    panel, _ = observed(country, *sold(country, 2))
    assert panel.rejected == {"destination_unmapped": 2}


def test_a_table_that_changes_raises_no_alarm() -> None:
    """All paths run through the same router throughout; only its registered owner changes.

    Under moving tables every organisation seems to move to a new gateway on one day. Under a
    frozen one nothing happens. The figures are those of the days' own tables all the same.
    """
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(24))
    table, tables = sold(country, 15)
    panel, _ = observed(country, table, tables)
    loaded = Loaded(traces=country.traces())
    frozen = judge(loaded, table, HOME, Policy(), now=NOW, dated=panel).fields
    assert frozen["timeline"]["alarm"] is False
    assert frozen["gateway"]["name"] == "Old Gate", "as it was called on most of the days"
    assert judge(loaded, table, HOME, Policy(), now=NOW).fields["gateway"]["name"] == "Gate"

    nodes = {Node("organisation", name): {name} for name in ("Gate", "Old Gate")}
    moving = find_alarm(panel.observations, Blocks(panel.observations), nodes, Policy())
    assert moving.alarm is not None, "without freezing this would be an alarm"


def test_a_real_switch_is_found_under_dated_tables() -> None:
    """What moved is found by the frozen table, and judged from the onset by those of the days."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(8))
    country.everyone("lan own gate {up}", days=range(8, 16))
    table, tables = sold(country, 4)
    panel, _ = observed(country, table, tables)
    loaded = Loaded(traces=country.traces())
    fields = judge(loaded, table, HOME, Policy(), now=NOW, dated=panel).fields
    assert fields["timeline"]["onset"] == "2026-01-09"
    assert fields["window"] == ["2026-01-09", "2026-01-16"]
    assert fields["gateway"]["name"] == "Gate"


def test_a_key_speaks_for_one_network_however_many_tables_there_are() -> None:
    """With a table a day one key could stand in another network each day, and frame Gate."""
    country = Country(12)
    country.everyone("lan own {up}", days=range(8), members=range(1, 5))
    traces = country.traces()
    country.results.clear()
    for key in range(3):
        for day in range(8):
            country.everyone("lan own gate {up}", days=[day], members=[5 + (day + key) % 8])
            vantage = Vantage("v", 105 + (day + key) % 8, None, HOME)
            traces += [
                from_json(result)._replace(vantage=vantage, key=f"{key}" * 64)
                for result in country.results
            ]
            country.results.clear()
    names = [f"{day}.dat" for day in range(8)]
    table = Dated(country.table.prefixes, others=dict.fromkeys(names, country.table))
    days = [FIRST_DAY + dt.timedelta(days=day) for day in range(8)]
    tables = list(zip(days, map(Path, names), strict=True))
    panel, _ = observe_by_day(traces, tables, table, country=HOME, policy=Policy(), now=NOW)
    assert panel.rejected == {"key_in_other_network": 3 * 7 * 5}
    dated = judge(Loaded(traces=traces), table, HOME, Policy(), now=NOW, dated=panel)
    assert dated.fields["captured"]["organisations"] <= 3
    assert dated.gateway is None


def test_a_network_that_is_sold_is_not_counted_twice() -> None:
    """Its addresses are another's from the ninth day on; its probe is one vantage point still."""
    country = Country(6)
    country.everyone("lan own {up}", days=range(16))
    before = copy.copy(country.table)
    before.prefixes = dict(country.table.prefixes)
    before.add("20.0.1.0/24", Attribution(998, "OLD", "Old Net", HOME))
    others = {"first.dat": before, "second.dat": country.table}
    days = [FIRST_DAY, FIRST_DAY + dt.timedelta(days=9)]
    tables = list(zip(days, map(Path, others), strict=True))
    panel, _ = observed(country, Dated(country.table.prefixes, others=others), tables)
    assert {seen.organisation for seen in panel.observations if seen.vantage == "atlas:1000"} == {
        "Old Net"
    }


# ------------------------------------------------------------------------- the folder


def test_tables_are_found_by_the_day_in_their_name(tmp_path: Path) -> None:
    """In order of their days, whatever else lies there."""
    for name in ("b_20260301.dat.gz", "z_2026-01-01.dat", "a_20260201.0600.mmdb", "README.md"):
        (tmp_path / name).touch()
    assert [(str(day), path.name) for day, path in tables_in(tmp_path)] == [
        ("2026-01-01", "z_2026-01-01.dat"),
        ("2026-02-01", "a_20260201.0600.mmdb"),
        ("2026-03-01", "b_20260301.dat.gz"),
    ]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "holds no address table"),
        (["README.md"], "holds no address table"),
        (["ipasn.dat"], "has no day in its name; call it ipasn_YYYYMMDD.dat"),
        (["ipasn_20261301.dat"], "has no day in its name"),
        (["a_20260101.dat", "b_2026-01-01.dat"], "is of the same day as a_20260101.dat"),
    ],
)
def test_a_folder_that_is_none_of_tables_is_refused(
    tmp_path: Path, names: list[str], says: str
) -> None:
    """With the file, what is wrong, and what to do."""
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=re.escape(says)):
        tables_in(tmp_path)
