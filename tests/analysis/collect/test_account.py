"""What whoever keeps a collector is told of it: sums that can be redone by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from analysis.collect.account import Account, account, warnings
from analysis.collect.rows import Held

TODAY = date(2027, 1, 31)

ONE = Held("a", "accepted", None, "2027-01-02", 38623, "k1", 10, 2, "2026-12-30", "2027-01-01")
WAITS = replace(ONE, sha256="b", status="quarantined", day="2027-01-31", last_day="2027-01-30")
GONE = replace(ONE, sha256="c", status="refused", key="k3")
OLD = replace(
    ONE, sha256="d", key="k2", network=9902, first_day="2026-06-01", last_day="2026-06-02"
)


def of(*held: Held, free: int = 1000, refused: dict[str, int] | None = None) -> Account:
    sizes = {one.sha256: 300 for one in held if one.status != "refused"}
    return account(held, sizes, TODAY, database=600, free=free, refused_lately=refused or {})


def test_what_is_held_is_summed_up() -> None:
    """What was refused is counted by its number alone; a trace that came twice counts once."""
    found = of(ONE, WAITS, GONE, OLD)
    assert (found.waiting, found.accepted, found.refused, found.traces) == (1, 2, 1, 24)
    assert (found.first_day, found.last_day) == ("2026-06-01", "2027-01-30")
    assert found.waiting_since == "2027-01-31"


def test_only_who_measured_lately_is_active() -> None:
    """The first of January lies 30 days before the 31st, and does no longer count."""
    found = of(ONE, WAITS, OLD)
    assert (found.active_keys, found.active_networks) == (1, 1)
    assert of(ONE, OLD).active_keys == 0


def test_the_disk_lasts_as_long_as_the_last_days_let_expect() -> None:
    """300 bytes in 30 days, of 900 in all, beside 600 of the database: 10 · 1500 / 900 a day."""
    found = of(ONE, WAITS, OLD)
    assert (found.size, found.grows, found.days_left) == (1500, 17, 58)


def test_a_young_collector_is_not_averaged_over_a_month() -> None:
    """Its first two days brought 300 bytes, and 600 of the database."""
    assert of(WAITS).grows == 450


def test_where_nothing_comes_nothing_fills_up() -> None:
    """No forecast, no division by nothing, in an empty folder too."""
    assert (of(OLD).grows, of(OLD).days_left) == (0, None)
    assert of().days_left is None
    assert list(warnings(of(), TODAY)) == []


def test_what_has_to_be_done_is_said() -> None:
    """Each with its remedy, and none of it where all is well."""
    assert list(warnings(of(ONE, WAITS, free=10**6), TODAY)) == []
    late = of(replace(WAITS, day="2026-12-31", last_day="2027-01-23"), refused={"clock": 2}, free=9)
    assert [text.partition(";")[0] for text in warnings(late, TODAY)] == [
        "the disk is full in 0 days if it goes on so",
        "bundles wait since 2026-12-31",
        "nothing was measured after 2027-01-23",
        "2 bundles refused as `clock` in the last 30 days",
    ]
    due = of(replace(WAITS, day="2027-01-01", last_day="2027-01-24"), free=10**6)
    assert list(warnings(due, TODAY)) == []


def test_bundles_without_a_file_are_told() -> None:
    """Of a copy that was half made, or half copied back; nobody sends again what has a receipt."""
    found = account(
        [ONE, WAITS, GONE], {"a": 300}, TODAY, database=6, free=10**6, refused_lately={}
    )
    assert (found.without_file, of(ONE, WAITS, GONE).without_file) == (1, 0)
    (told,) = warnings(found, TODAY)
    assert told.startswith("of 1 bundle that is held there is no file; ")


def test_a_clock_that_is_behind_is_told_by_what_was_measured() -> None:
    """Around midnight a sender may be a day ahead."""
    told = list(warnings(of(replace(WAITS, last_day="2027-02-02"), free=10**6), TODAY))
    assert [text.partition(";")[0] for text in told] == [
        "something that is held was measured on 2027-02-02, which has not come"
    ]
    tomorrow = of(replace(WAITS, last_day="2027-02-01"), free=10**6)
    assert list(warnings(tomorrow, TODAY)) == []
