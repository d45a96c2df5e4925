"""The figures on which no grade rests, from traces to the verdict's JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analysis.intake.load import Loaded
from analysis.judgement.judge import judge
from analysis.policy import Policy
from tests.analysis.country import HOME, NOW, Country

KEYS = {"hegemony", "chokepoints", "interfaces", "intervals", "ranges"}


def judged(words: str, size: int = 10) -> dict[str, Any]:
    country = Country(size)
    country.everyone(words)
    return country.judge().fields


@pytest.mark.parametrize("size", [3, 10])
def test_every_key_is_there_whatever_was_measured(size: int) -> None:
    """An empty country, a diverse one and a captured one, all of it JSON."""
    empty = Country(size).judge().fields
    for fields in (empty, judged("lan own {up}", size), judged("lan own gate {up}", size)):
        assert fields.keys() >= KEYS | {"witness"}
        assert json.loads(json.dumps(fields, allow_nan=False)) == fields


def test_all_through_one_gateway() -> None:
    """Hegemony 1, one operator cuts all and sees all, nobody leaves without it."""
    fields = judged("lan own gate {up}")
    (first, *_) = fields["hegemony"]["nodes"]
    assert first == {"kind": "organisation", "name": "Gate", "panel": 1.0, "country": 1.0}
    assert fields["hegemony"]["trimmed"] == 1
    assert fields["hegemony"]["warning"] is None
    gate = {"kind": "organisation", "name": "Gate"}
    assert fields["chokepoints"] == {
        "dominators": [{**gate, "organisations": 10}],
        "cut": [gate],
        "see_90": {"nodes": [gate], "share": pytest.approx(1.0), "exact": True},
    }
    assert fields["interfaces"]["gateway"]["count"] == 1
    assert fields["ranges"]["organisations"]["grades"] == {"single_gateway": 10}
    assert fields["ranges"]["organisations"]["share"] == [1.0, 1.0]


def test_everybody_on_their_own() -> None:
    """No node between: ten to be taken over for all, nine for nine tenths, and no hegemony."""
    fields = judged("lan own {up}")
    assert fields["hegemony"]["nodes"] == []
    assert fields["chokepoints"]["dominators"] == []
    assert len(fields["chokepoints"]["cut"]) == 10
    assert len(fields["chokepoints"]["see_90"]["nodes"]) == 9
    assert fields["interfaces"]["gateway"] is None


def test_intervals_resample_organisations() -> None:
    """Where all do the same nothing moves; ten on their own may be fewer, but not more than ten."""
    assert judged("lan own gate {up}")["intervals"] == {
        "effective_gateways": [1.0, 1.0],
        "hegemony": [1.0, 1.0],
    }
    alone = judged("lan own {up}")["intervals"]
    low, high = alone["effective_gateways"]
    assert 2.0 < low < 10.0 == high
    assert alone["hegemony"] is None
    assert judged("lan own gate {up}", 1)["intervals"] == {
        "effective_gateways": None,
        "hegemony": None,
    }


def test_nine_organisations_are_too_few_to_trim_and_it_says_so() -> None:
    """The warning comes below ten."""
    assert "9 viewpoints, too few" in judged("lan own gate {up}", 9)["hegemony"]["warning"]


def test_a_grade_that_hangs_on_one_organisation_names_it() -> None:
    """Seven of seven captured are single (0.652); without any one of them it is concentrated."""
    ranges = judged("lan own gate {up}", 7)["ranges"]
    assert ranges["organisations"]["grades"] == {"concentrated": 7}
    assert len(ranges["organisations"]["decisive"]) == 7
    assert ranges["destinations"]["grades"] == {"single_gateway": 5}
    assert ranges["destinations"]["decisive"] == []


def test_one_destination_may_decide() -> None:
    """Four of five pairs pass Gate: captured at 0.8. Without one of the four it is 3 of 4."""
    country = Country(10)
    for i in range(1, 11):
        for number, destination in enumerate(country.destinations()):
            way = "gate " if number else ""
            for day in range(8):
                country.trace(i, destination, f"lan own {way}far{6 + i % 9}", day=day)
    fields = country.judge().fields
    assert fields["grade"] == "single_gateway"
    assert len(fields["ranges"]["destinations"]["decisive"]) == 4
    low, high = fields["ranges"]["destinations"]["share"]
    assert (low, high) == (pytest.approx(0.75), 1.0)


def test_the_period_stays_that_of_the_whole_verdict() -> None:
    """After an alarm only the days since the onset count, also when one is left out."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(10))
    country.everyone("lan own gate {up}", days=range(10, 20))
    ranges = country.judge().fields["ranges"]
    assert ranges["organisations"]["grades"] == {"single_gateway": 10}
    assert ranges["organisations"]["share"] == [1.0, 1.0]


def test_whoever_judges_thousands_of_countries_may_leave_them_out() -> None:
    """The rest of the verdict is the same to the last key."""
    country = Country(10)
    country.everyone("lan own gate {up}")
    loaded = Loaded(traces=country.traces())
    bare = judge(loaded, country.table, HOME, Policy(), now=NOW, supplements=False).fields
    whole = country.judge().fields
    assert whole.keys() - bare.keys() == KEYS
    assert {key: whole[key] for key in bare} == bare
