"""Which traces are evidence, of whose network, and which are counted and left out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from analysis.evidence.observation import Observation
from analysis.evidence.panel import Panel, observe
from analysis.owners.operators import Gazetteer
from analysis.policy import Policy
from probe.record import Attribution, from_json, probe_number
from tests.analysis.country import HOME, NOW, Country


def country() -> Country:
    made = Country(3)
    made.table.add("20.5.5.0/24", Attribution(205, "SIB", "Net 1", HOME))
    made.table.add("20.4.4.0/24", Attribution(65000, "AS65000", "AS65000", HOME))
    made.table.add("20.6.6.0/24", Attribution(106, "N6", "Nowhere", None))
    return made


def result(words: str = "lan own far6", destination: str = "30.0.1.200") -> dict[str, Any]:
    made = Country(3)
    made.trace(1, destination, words)
    return made.results[0]


def without_time() -> dict[str, Any]:
    """A result as some archives keep it."""
    return {key: value for key, value in result().items() if key not in {"timestamp", "endtime"}}


def seen(*results: dict[str, Any], anycast: str | None = None, judged: str = HOME) -> Panel:
    table = country().table
    if anycast is not None:
        table.anycast.add(anycast)
    traces = [from_json(value) for value in results]
    return observe(traces, Gazetteer(table, judged), table, Policy(), NOW)


def one(value: dict[str, Any]) -> Observation:
    panel = seen(value)
    assert not panel.rejected
    (observation,) = panel.observations
    return observation


def ours(asn: int | None = 101, at: str | None = HOME) -> dict[str, Any]:
    """What makes a result a record of ours."""
    vantage = {"id": "v7", "asn": asn, "country": at}
    known = {key: value for key, value in vantage.items() if value is not None}
    return {"gatewatch": {"schema": "gatewatch.trace/1", "vantage": known, "hops": []}}


# ------------------------------------------------------------------------ what is kept


def test_a_trace_abroad_is_international() -> None:
    """With its crossing, and the operator and continent of its destination as the class."""
    found = one(result())
    assert found.kind == "international"
    assert found.organisation == "Net 1"
    assert found.destination == "30.0.1.200"
    assert found.destination_organisation == "Far 1"
    assert found.destination_class == ("Far 1", "EU")
    assert found.crossing is not None
    assert found.crossing.state == "resolved"
    assert found.family == 4


def test_a_trace_to_another_network_at_home_is_domestic() -> None:
    """It has no crossing and no class: it never had to leave."""
    found = one(result("lan own gate", "20.0.2.200"))
    assert found.kind == "domestic"
    assert found.destination_organisation == "Net 2"
    assert found.destination_class is None
    assert found.crossing is None


@pytest.mark.parametrize(
    ("timestamp", "day"),
    [(1767225599, dt.date(2025, 12, 31)), (1767225600, dt.date(2026, 1, 1))],
)
def test_the_day_is_that_of_utc(timestamp: int, day: dt.date) -> None:
    """A second before and at midnight, whatever the time zone of the analyst."""
    assert one(result() | {"timestamp": timestamp}).days == (day,)


# ------------------------------------------------------------------------ whose network


@pytest.mark.parametrize(
    ("changes", "who"),
    [
        ({"prb_id": 7}, "atlas:7"),
        ({"prb_id": None}, "address:20.0.1.250"),
        ({"prb_id": probe_number("20.0.1.250")}, "address:20.0.1.250"),
        (ours(), "v7"),
    ],
    ids=["a probe of the Atlas", "an address", "an address, written as a record", "a pseudonym"],
)
def test_vantage_points_are_told_apart(changes: dict[str, Any], who: str) -> None:
    """By pseudonym, probe number or address, whichever is there."""
    value = {key: item for key, item in (result() | changes).items() if item is not None}
    assert one(value).vantage == who


@pytest.mark.parametrize(
    ("changes", "organisation"),
    [
        ({"from": "20.0.2.9"}, "Net 2"),
        ({"from": "20.5.5.9"}, "Net 1"),
        ({"from": "20.0.2.9", "src_addr": "10.1.1.1"}, "Net 2"),
        (ours(102), "Net 2"),
        (ours(205), "Net 1"),
        (ours(101, None), "Net 1"),
    ],
    ids=[
        "by address", "a sibling", "behind a NAT", "by the record", "a sibling by the record",
        "a record without country",
    ],
)  # fmt: skip
def test_the_organisation_of_a_vantage_point(changes: dict[str, Any], organisation: str) -> None:
    """An Atlas result by the address table, a record of ours by its AS number; siblings merged."""
    assert one(result() | changes).organisation == organisation


@pytest.mark.parametrize(
    ("asn", "reason"), [(64999, "access_network_unknown"), (3001, "vantage_abroad")]
)
def test_a_record_is_not_believed_over_the_table(asn: int, reason: str) -> None:
    """Whoever claims a network that the table lacks, or has abroad, could claim any number."""
    assert seen(result() | ours(asn)).rejected == {reason: 1}


def test_a_number_of_nobody_is_no_network() -> None:
    """Two that forgot to take a private AS number off their routes are not one for that."""
    panel = seen(result() | ours(65000), result() | {"from": "20.4.4.7"})
    assert panel.rejected == {"access_network_unknown": 1, "source_unmapped": 1}


def test_a_key_speaks_for_one_network() -> None:
    """The one it measured in on most days; what it sent from others is counted and left out."""
    day = 86_400
    start = result()["timestamp"]
    usual = [result() | ours(101) | {"timestamp": start + i * day} for i in range(3)]
    panel = seen(*usual, result() | ours(102) | {"timestamp": start})
    assert {one.organisation for one in panel.observations} == {"Net 1"}
    assert panel.rejected == {"key_in_other_network": 1}
    assert panel.displaced_from(4, abroad=True) == {"Net 2": panel.observations[0].days[0]}
    assert not panel.displaced_from(4, abroad=False)


def test_nobody_signs_with_anothers_key() -> None:
    """What a key measured in another network than its own is its owner's word."""
    day = 86_400
    start = result()["timestamp"]
    told = [result() | ours(101) | {"timestamp": start + i * day} for i in range(3)]
    traces = [from_json(value)._replace(key="a" * 64) for value in (*told, result() | ours(102))]
    panel = observe(traces, Gazetteer(country().table, HOME), country().table, Policy(), NOW)
    assert panel.rejected == {"key_in_other_network": 1}
    assert not panel.displaced


def test_a_public_source_address_serves_where_nothing_else_is_there() -> None:
    """Atlas results without `from` carry their own view of it."""
    value = result() | {"src_addr": "20.0.3.9"}
    del value["from"]
    assert one(value).organisation == "Net 3"


# ------------------------------------------------------------------------ what is left out


REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "abroad by address": (result() | {"from": "30.0.3.7"}, "vantage_abroad"),
    "abroad by record": (result() | ours(101, "DE"), "vantage_abroad"),
    "no network known": (result() | ours(None), "access_network_unknown"),
    "private source": (result() | {"from": "10.1.1.1"}, "no_source_address"),
    "shared source": (result() | {"from": "100.64.1.1"}, "no_source_address"),
    "source nobody announces": (result() | {"from": "45.1.2.3"}, "source_unmapped"),
    "source on an exchange": (result() | {"from": "20.8.8.3"}, "source_unmapped"),
    "source registered nowhere": (result() | {"from": "20.6.6.3"}, "source_unlocated"),
    "no time": (without_time(), "no_timestamp"),
    "time left empty": (result() | {"timestamp": 0}, "no_timestamp"),
    "clock never set": (result() | {"timestamp": 86_400}, "implausible_time"),
    "clock ahead": (result() | {"timestamp": int(NOW) + 86_401}, "implausible_time"),
    "target nobody announces": (result("lan own far6", "45.1.2.3"), "destination_unmapped"),
    "target on an exchange": (result("lan own far6", "30.8.8.9"), "destination_unmapped"),
    "target registered nowhere": (result("lan own far6", "20.6.6.9"), "destination_unmapped"),
    "target at home in the own network": (
        result("lan own", "20.0.1.200"),
        "destination_in_own_network",
    ),
    "target in a sibling": (result("lan own", "20.5.5.200"), "destination_in_own_network"),
    "target cached": (
        result("lan own@1.5", "30.0.2.200@2.0"),
        "destination_cached_at_home",
    ),
    "target next door": (
        result("lan own@1.5 far9@3.0", "30.0.1.200@11.4"),
        "destination_next_door",
    ),
    "silence": (result("* * *") | {"result": [{"hop": 1, "result": [{"x": "*"}]}]}, "no_answers"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_says_nothing_is_left_out_and_counted(name: str) -> None:
    """One reason a trace, and the good trace beside it stays."""
    value, reason = REJECTED[name]
    panel = seen(value, result())
    assert panel.rejected == {reason: 1}
    assert len(panel.observations) == 1


def test_an_anycast_destination_is_left_out_and_counted() -> None:
    """The same address elsewhere: nobody knows whether the path had to leave."""
    panel = seen(result(), anycast="30.0.1.200")
    assert panel.rejected == {"destination_anycast": 1}
    assert not panel.observations


def test_a_clock_a_day_ahead_is_tolerated() -> None:
    """Half the world is in another time zone, and some clocks know it wrongly."""
    assert not seen(result() | {"timestamp": int(NOW) + 86_400}).rejected


def test_the_country_that_is_judged_decides() -> None:
    """Judged for another country the same trace comes from abroad."""
    assert seen(result(), judged="DE").rejected == {"vantage_abroad": 1}


def test_nothing_is_lost_between_kept_and_left_out() -> None:
    """Every trace is an observation or a count of one reason."""
    values = [value for value, _ in REJECTED.values()] + [result()] * 3
    panel = seen(*values)
    assert len(panel.observations) + sum(panel.rejected.values()) == len(values)
    assert panel.rejected.total() == len(REJECTED)
