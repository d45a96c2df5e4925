"""When a single gateway is one of the nation: each condition alone, and all from traces."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from typing import Any

import pytest

from analysis.grading.scope import scope
from analysis.grading.witness import Statement
from analysis.intake.load import Loaded
from analysis.intake.rib import Rib, Route
from analysis.judgement.judge import Judgement, judge
from analysis.policy import Policy
from analysis.shares.coverage import Weights
from tests.analysis.country import FIRST_DAY, HOME, NOW, Country

AGREES = Statement("agrees", "In BGP too.")


def extent(
    grade: str = "single_gateway",
    lower: float = 0.8,
    covered: float = 0.7,
    witness: Statement | None = AGREES,
) -> tuple[str, str]:
    says, reasons = scope(grade, lower, Policy(), covered=covered, unit="users", witness=witness)
    return says, " ".join(reasons)


def test_all_three_conditions_make_it_national() -> None:
    """At the thresholds, with the witness's sentence."""
    assert extent() == ("national", "In BGP too.")


@pytest.mark.parametrize(
    ("says", "missing"),
    [
        (extent(lower=0.799), "the lower bound of the captured share is 0.79, 0.80 is needed"),
        (extent(lower=0.65), "the lower bound of the captured share is 0.65, 0.80 is needed"),
        (extent(covered=0.69), "69% of the country's users were covered, 70% are needed"),
        (extent(witness=None), "no independent witness (BGP, operator, law) was given"),
        (extent(witness=Statement("disagrees", "No.")), "the witness disagrees. No."),
        (extent(witness=Statement("silent", "Too old.")), "the witness is silent. Too old."),
    ],
)
def test_each_condition_alone_keeps_it_sampled(says: tuple[str, str], missing: str) -> None:
    """And is named."""
    assert says[0] == "sampled"
    assert says[1].startswith("Sampled, not national: ")
    assert missing in says[1]


@pytest.mark.parametrize("grade", ["insufficient", "diverse", "mixed", "concentrated"])
def test_only_a_single_gateway_can_be_national(grade: str) -> None:
    """Other grades are of the sample, and there is nothing to explain."""
    assert extent(grade) == ("sampled", "")


def routes(paths: Sequence[str], *, complete: bool = True, years: int = 0) -> Rib:
    day = FIRST_DAY - dt.timedelta(365 * years)
    found = [
        Route(ipaddress.ip_network(f"20.0.{i}.0/24"), "1", tuple(map(int, path.split())))
        for i, path in enumerate(paths, start=1)
    ]
    taken = dt.datetime.combine(day, dt.time(6), dt.UTC)
    return Rib("rib.bz2", "0" * 64, taken, complete, len(found), found)


def captured(
    recording: Rib | None, measured: int = 14, weights: Weights | None = None
) -> Judgement:
    """Fourteen of sixteen networks, all through Gate: lower bound 0.05 ** (1 / 14) = 0.807."""
    country = Country(16)
    country.everyone("lan own gate {up}", members=range(1, measured + 1))
    loaded = Loaded(traces=country.traces())
    return judge(
        loaded, country.table, HOME, Policy(), now=NOW, weights=weights, recording=recording
    )


BEHIND_GATE = [f"3001 999 {100 + i}" for i in range(1, 17)]


def has_heard(fields: dict[str, Any]) -> bool:
    """Whether the criterion of a witness is met."""
    (found,) = (one["met"] for one in fields["criteria"] if one["key"] == "witness")
    return bool(found)


def test_traces_addresses_and_bgp_make_a_national_gateway() -> None:
    """14 of 14 captured, 14 of 16 blocks covered, every block behind AS999 in BGP."""
    verdict = captured(routes(BEHIND_GATE))
    assert verdict.grade == "single_gateway"
    assert verdict.fields["scope"] == "national"
    assert verdict.fields["witness"]["says"] == "agrees"
    assert verdict.fields["witness"]["transit"][0]["organisation"] == "Gate"
    assert verdict.fields["witness"]["table"] == "synthetic@2026-01-01+0"
    assert has_heard(verdict.fields)
    assert verdict.fields["families"] == {"ipv4": "single_gateway", "ipv6": None}
    assert verdict.fields["coverage"]["eyeballs"] == pytest.approx(14 / 16)
    assert not any("Sampled" in reason for reason in verdict.fields["reasons"])
    assert any("not be those of the day of the routing" in one for one in verdict.fields["limits"])


@pytest.mark.parametrize(
    ("recording", "says", "reason"),
    [
        (None, None, "no independent witness"),
        (routes([f"3001 {100 + i}" for i in range(1, 17)]), "disagrees", "witness disagrees"),
        (routes(BEHIND_GATE, complete=False), "silent", "ends in the middle"),
        (routes(BEHIND_GATE, years=3), "silent", "1095 days away from the traces"),
        (routes([]), "silent", "No route to a prefix of the country"),
    ],
    ids=["none", "other ways", "cut short", "old", "elsewhere"],
)
def test_without_a_witness_that_agrees_it_is_sampled(
    recording: Rib | None, says: str | None, reason: str
) -> None:
    """The grade stays, the scope does not, and the reasons say why."""
    fields = captured(recording).fields
    assert (fields["grade"], fields["scope"]) == ("single_gateway", "sampled")
    assert (fields["witness"] and fields["witness"]["says"]) == says
    assert not has_heard(fields)
    assert any(reason in sentence for sentence in fields["reasons"])


def test_thirteen_networks_are_too_few_for_the_nation() -> None:
    """Their lower bound is 0.794."""
    fields = captured(routes(BEHIND_GATE), measured=13).fields
    assert fields["scope"] == "sampled"
    assert any("is 0.79, 0.80 is needed" in reason for reason in fields["reasons"])


def test_users_replace_addresses_as_weights() -> None:
    """The two networks that nobody measured have most of the users: not of the nation."""
    users = {f"Net {i}": 1_000_000.0 if i > 14 else 1000.0 for i in range(1, 17)}
    fields = captured(routes(BEHIND_GATE), weights=Weights(users, "users")).fields
    assert fields["scope"] == "sampled"
    assert fields["coverage"]["weights"] == "eyeballs"
    assert fields["coverage"]["eyeballs"] == pytest.approx(14_000 / 2_014_000)
    low, high = fields["coverage"]["bounds"]
    assert (low, high) == (pytest.approx(14 / 2014), 1.0)
    assert any("of the country's users were covered" in r for r in fields["reasons"])
    assert not any("approximated" in limit for limit in fields["limits"])


def test_without_users_the_verdict_says_that_addresses_stand_in() -> None:
    """Said aloud, in the figure and among the limits."""
    fields = captured(None).fields
    assert fields["coverage"]["weights"] == "addresses"
    assert any("approximated by announced IPv4 addresses" in one for one in fields["limits"])


def test_a_gateway_that_took_part_covers_nothing() -> None:
    """Gate has 60% of the users and volunteers of its own: of the others' 40% a half is covered."""
    country = Country(10)
    country.everyone("lan own gate {up}", members=range(1, 6))
    for destination in country.destinations():
        country.trace(1, destination, "20.9.9.1 far9", vantage=9, source={"from": "20.9.9.250"})
    loaded = Loaded(traces=country.traces())
    users = Weights({"Gate": 600.0, **{f"Net {i}": 40.0 for i in range(1, 11)}}, "users")
    fields = judge(loaded, country.table, HOME, Policy(), now=NOW, weights=users).fields
    assert fields["measured"]["organisations"] == 6
    assert fields["captured"]["of"] == 5
    assert fields["coverage"]["eyeballs"] == pytest.approx(0.5)
    assert fields["coverage"]["bounds"] == pytest.approx([0.5, 1.0])


def test_shares_are_weighed_by_users() -> None:
    """Net 1 has nine tenths of the users and goes its own way: 0.1 by users, 5 of 6 by count."""
    country = Country(6)
    country.everyone("lan own gate {up}", members=range(2, 7))
    country.everyone("lan own {up}", members=[1])
    loaded = Loaded(traces=country.traces())
    users = Weights({"Net 1": 45.0, **{f"Net {i}": 1.0 for i in range(2, 7)}}, "users")
    fields = judge(loaded, country.table, HOME, Policy(), now=NOW, weights=users).fields
    assert fields["share"]["equal"] == pytest.approx(5 / 6)
    assert fields["share"]["eyeballs"] == pytest.approx(0.1)


def test_networks_without_a_weight_are_counted() -> None:
    """A file that does not know two of the networks measured: the figure says so."""
    users = Weights({f"Net {i}": 10.0 for i in range(1, 13)}, "users")
    weighed, plain = captured(None, weights=users).fields, captured(None).fields
    assert weighed["coverage"]["unweighed"] == 2
    of = weighed["coverage"]["organisations"]
    said = f"Of 2 of the {of} organisations measured no users are known"
    assert sum(limit.startswith(said) for limit in weighed["limits"]) == 1
    assert plain["coverage"]["unweighed"] == 0
    assert not any("are known: what is weighed" in limit for limit in plain["limits"])
