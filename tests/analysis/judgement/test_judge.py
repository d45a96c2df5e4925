"""Whole verdicts from traces: what must be found, and what must be said. Traps: ``test_traps``."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from analysis.policy import Policy
from analysis.shares.coverage import Weights
from analysis.words.translation import Words
from probe.record import Attribution
from tests.analysis.country import Country, gated, open_country

CONTRACT = {
    "schema", "country", "window", "grade", "scope", "gateway", "captured", "share",
    "effective_gateways", "coverage", "strict_and_lenient_agree", "domestic", "upstream",
    "timeline", "rejected", "reasons", "limits", "provenance",
}  # fmt: skip


def test_networks_that_leave_on_their_own_are_diverse() -> None:
    """Twelve networks with their own ways out are diverse, and nobody is named."""
    verdict = open_country().judge()
    assert verdict.grade == "diverse"
    assert verdict.gateway is None
    assert verdict.fields["effective_gateways"] == pytest.approx(12)


def test_three_gateways_that_are_used_equally_are_three() -> None:
    """Nine networks over three carriers at home in turn: as many as "diverse" asks for."""
    country = Country(12)
    for i in range(1, 10):
        for n, destination in enumerate(country.destinations(4)):
            for day in range(8):
                hops = f"lan own net{10 + (i + n) % 3} far{6 + i}"
                country.trace(i, destination, hops, day=day)
    verdict = country.judge()
    assert verdict.fields["effective_gateways"] == 3.0
    assert verdict.grade == "diverse"


def test_everybody_through_one_operator_is_a_single_gateway() -> None:
    """All of ten networks through Gate is a single gateway, named with its AS number."""
    verdict = gated().judge()
    assert verdict.grade == "single_gateway"
    assert verdict.gateway == {
        "kind": "organisation",
        "name": "Gate",
        "asns": [999],
        "blocks": [],
    }
    assert verdict.fields["captured"]["organisations"] == 10
    assert verdict.fields["captured"]["lower"] == pytest.approx(0.05 ** (1 / 10))
    assert verdict.fields["scope"] == "sampled"


def test_every_key_of_the_contract_is_there_whatever_the_grade() -> None:
    """An empty country and a captured one have the same keys."""
    for country in (Country(3), open_country(), gated()):
        fields = country.judge().fields
        assert fields.keys() >= CONTRACT
        assert fields["timeline"].keys() >= {"alarm", "onset", "gateway", "moved", "reason"}
        assert set(fields["domestic"]["pairs"]) == {
            "direct", "exchange", "third_party", "hub", "abroad", "unknown",
        }  # fmt: skip


def test_private_blocks_of_one_gateway_are_one_candidate() -> None:
    """Ten private blocks at the border with the same way on are one unmapped gateway."""
    country = Country(10)
    for i in range(1, 11):
        for destination in country.destinations():
            for day in range(8):
                country.trace(i, destination, f"lan own 10.20.{i}.1 30.0.9.9", day=day)
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert verdict.gateway is not None
    assert verdict.gateway["kind"] == "unmapped"
    assert len(verdict.gateway["blocks"]) == 10


def test_a_private_gateway_behind_networks_that_show_no_address_of_their_own() -> None:
    """As in Iran, where all hops before the border are private: the shared block is found."""
    country = Country(10)
    for up in ("30.0.11.9", "30.0.12.9"):
        country.everyone(f"lan 172.24.{{i}}.1 10.202.4.166 {up}")
    verdict = country.judge()
    assert verdict.gateway is not None
    assert verdict.gateway["blocks"] == ["10.202.4.0/24"]


def test_living_rooms_behind_networks_that_show_no_address_of_their_own() -> None:
    """Two home routers in a row and silence behind them are no gateway."""
    country = Country(12)
    country.everyone("lan 192.168.0.1 {up}")
    verdict = country.judge()
    assert verdict.gateway is None
    assert verdict.fields["candidates"] == []


def test_private_numbering_that_everybody_uses_is_no_gateway() -> None:
    """Networks that number their own borders from 10.0.0.0/24 are not one operator."""
    country = Country(12)
    country.everyone("lan own 10.0.0.1 {up}")
    verdict = country.judge()
    assert verdict.grade == "diverse"


def test_neighbouring_private_blocks_with_different_ways_on_are_no_gateway() -> None:
    """Networks numbered 10.20.i.0/24 each, that go on differently, are not one operator.

    Nor are they called diverse: one operator with a block for each of them looks the same.
    """
    country = Country(12)
    country.everyone("lan own 10.20.{i}.1 {up}")
    verdict = country.judge()
    assert (verdict.grade, verdict.gateway) == ("mixed", None)


def test_one_destination_only_is_insufficient() -> None:
    """One target cannot show that all traffic takes a way."""
    country = Country(10)
    for i in range(1, 11):
        for day in range(8):
            country.trace(i, "30.0.1.200", "lan own gate far9", day=day)
    assert country.judge().grade == "insufficient"


def test_four_organisations_are_too_few() -> None:
    """Four captured networks besides the gateway are insufficient, five are not."""
    assert gated(4).judge().grade == "insufficient"
    assert gated(5).judge().grade == "concentrated"


def test_six_days_are_too_few_for_a_single_gateway() -> None:
    """Seven days with data are needed; a policy may ask for fewer, and the verdict says so."""
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(6))
    assert country.judge().grade == "concentrated"
    relaxed = country.judge(Policy(days=1))
    assert relaxed.grade == "single_gateway"
    assert relaxed.fields["provenance"]["policy_changed"] == {"days": 1}
    assert any("days=1" in limit for limit in relaxed.fields["limits"])


def test_an_exchange_on_the_watch_list_can_be_the_gateway() -> None:
    """The appointed exchange with everything behind it is named as an exchange."""
    country = Country(10)
    country.table.watched.add("HomeIX")
    country.everyone("lan own homeix {up}")
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert verdict.gateway is not None
    assert verdict.gateway["kind"] == "exchange"


@pytest.mark.parametrize(
    ("home", "grade"),
    [("lan own", "mixed"), ("lan own net{first}", "diverse")],
    ids=["nobody at home shows", "customers of one network each"],
)
def test_a_thin_gateway_of_several_sites_forbids_diverse(home: str, grade: str) -> None:
    """Three networks go on over each of four interfaces: no half of all meets on any."""
    country = Country(12)
    for i, day in product(range(1, 13), range(8)):
        site = (i - 1) // 3
        before = home.format(first=3 * site + 1) if i % 3 != 1 else "lan own"
        for destination in country.destinations():
            country.trace(i, destination, f"{before} 30.0.{6 + site}.99", day=day)
    verdict = country.judge()
    assert verdict.grade == grade
    said = any("foreign interfaces" in reason for reason in verdict.fields["reasons"])
    assert said is (grade == "mixed")


@pytest.mark.parametrize(("silent", "grade"), [(6, "mixed"), (5, "diverse")])
def test_silent_borders_of_half_of_the_networks_forbid_diverse(silent: int, grade: str) -> None:
    """Nobody knows whose router is silent there: a gateway that never answers looks so."""
    country = Country(12)
    country.everyone("lan own * {up}", members=range(1, silent + 1))
    country.everyone("lan own {up}", members=range(silent + 1, 13))
    verdict = country.judge()
    assert verdict.grade == grade
    said = f"{silent / 12:.0%} of the organisations show a silent hop"
    assert any(said in reason for reason in verdict.fields["reasons"]) is (grade == "mixed")


@pytest.mark.parametrize(("nights", "grade"), [(2, "mixed"), (1, "diverse")])
def test_a_gateway_on_some_of_the_days_forbids_diverse(nights: int, grade: str) -> None:
    """By most of their traces all leave by themselves, and on a quarter they meet in one."""
    country = Country(12)
    country.everyone("lan own gate {up}", days=range(nights))
    country.everyone("lan own {up}", days=range(nights, 8))
    verdict = country.judge()
    assert (verdict.grade, verdict.gateway) == (grade, None)
    said = "12 of 12 other organisations pass Gate on 25% or more of the traces"
    assert any(said in reason for reason in verdict.fields["reasons"]) is (grade == "mixed")


def test_a_gateway_of_many_sites_may_hide_in_numbers_that_are_met_in_pairs() -> None:
    """Two networks come to each of six routers: nobody is named, and what would tell is said."""
    country = Country(12)
    for i, day in product(range(1, 13), range(8)):
        for destination in country.destinations():
            country.trace(i, destination, f"lan own 20.9.9.{(i + 1) // 2} far{6 + i % 9}", day=day)
    reasons = country.judge().fields["reasons"]
    twos = "Most of them come by an address of Gate, or right behind, by which one other comes"
    assert any(reason.startswith(twos) for reason in reasons)
    apart = Country(12)
    apart.everyone("lan own 20.9.9.{i} {up}")
    assert not any(twos in reason for reason in apart.judge().fields["reasons"])


@pytest.mark.parametrize(
    ("users", "grade"),
    [([10.0, 10.0], "mixed"), ([4.0, 4.0], "diverse"), ([100.0, 1.0], "diverse")],
    ids=["two large ones", "two of some size", "a large one and a small one"],
)
def test_a_gateway_of_the_large_networks_forbids_diverse(users: list[float], grade: str) -> None:
    """Mobile networks are few, and most people are in them; one of them is itself alone."""
    country = Country(12)
    country.everyone("lan own gate {up}", members=[1, 2])
    country.everyone("lan own {up}", members=range(3, 13))
    weights = {f"Net {i}": of for i, of in enumerate([*users, *[1.0] * 10], start=1)}
    verdict = country.judge(weights=Weights(weights, "users"))
    assert (verdict.grade, verdict.gateway) == (grade, None)
    said = "Weighed by users, 67% of what was measured passes Gate, though 2 of 12"
    assert any(reason.startswith(said) for reason in verdict.fields["reasons"]) is (
        grade == "mixed"
    )


def test_a_border_that_is_silent_now_and_then_is_seen() -> None:
    """On half of the days each network shows that it leaves by itself."""
    country = Country(12)
    country.everyone("lan own * {up}", days=range(4))
    country.everyone("lan own {up}", days=range(4, 8))
    assert country.judge().grade == "diverse"


def test_silence_is_not_evidence() -> None:
    """Where two hops before the border are silent the crossing is unknown: insufficient."""
    country = Country(12)
    country.everyone("lan own * * {up}")
    verdict = country.judge()
    assert verdict.grade == "insufficient"


def test_inferred_hops_are_no_evidence() -> None:
    """A gateway seen only in hops taken over from other traces is not seen."""
    country = gated(12)
    for result in country.results:
        result["gatewatch"] = {
            "schema": "gatewatch.trace/1",
            "vantage": {"id": str(result["prb_id"]), "asn": 100 + result["prb_id"] // 1000},
            "hops": [{"hop": 3, "evidence": "inferred"}],
        }
    verdict = country.judge()
    assert verdict.gateway is None


def test_another_gateway_in_the_other_ip_version_is_told() -> None:
    """The same grade of somebody else is another verdict."""
    country = gated(10)
    country.table.add("2020:99::/32", RIVAL)
    country.around_in_ipv6("2020:99::1")
    fields = country.judge().fields
    assert fields["families"] == {"ipv4": "single_gateway", "ipv6": "single_gateway"}
    assert "Judged apart, IPv6 is single_gateway, and names Rival." in fields["reasons"]


@pytest.mark.parametrize(("networks", "version"), [(8, 6), (9, 4), (10, 4)])
def test_the_verdict_is_of_the_ip_version_with_more_organisations(
    networks: int, version: int
) -> None:
    """Nine were measured over IPv6; of equals IPv4 speaks."""
    country = Country(10)
    country.everyone("lan own {up}", members=range(1, networks + 1))
    country.around_in_ipv6()
    assert country.judge().fields["family"] == version


GATE = Attribution(999, "GATE", "Gate", "KH")
RIVAL = Attribution(998, "RIVAL", "Rival", "KH")


@pytest.mark.parametrize(
    ("networks", "words", "seller", "version", "named"),
    [
        (8, "lan own {up}", RIVAL, 4, None),
        (8, "lan own gate {up}", RIVAL, 4, "Gate"),
        (8, "lan own gate {up}", GATE, 6, "Gate"),
        # Of two networks nothing can be said, and so nothing against it.
        (2, "lan own {up}", RIVAL, 6, "Rival"),
    ],
)
def test_ipv6_accuses_nobody_whom_ipv4_clears(
    networks: int, words: str, seller: Attribution, version: int, named: str | None
) -> None:
    """Nine networks were measured over IPv6, which one provider sells to all of them."""
    country = Country(10)
    country.everyone(words, members=range(1, networks + 1))
    country.table.add("2020:99::/32", seller)
    country.around_in_ipv6("2020:99::1")
    found = country.judge()
    assert found.fields["family"] == version
    assert (found.gateway["name"] if found.gateway else None) == named
    apart = f"Judged apart, IPv6 is single_gateway, and names {seller.organisation}."
    assert (apart in found.fields["reasons"]) is (version == 4)


def test_an_alarm_of_ipv6_alone_is_told_beside_ipv4() -> None:
    """Eight networks go on as before over IPv4, and nine were measured over IPv6."""
    country = Country(10)
    country.everyone("lan own {up}", members=range(1, 9), days=range(16))
    switch_in_ipv6(country, RIVAL)
    fields = country.judge().fields
    assert (fields["family"], fields["timeline"]["alarm"]) == (4, False)
    assert any("Over IPv6 there is an alarm" in reason for reason in fields["reasons"])


def test_another_ip_version_that_says_the_same_or_nothing_is_not_told() -> None:
    """Diverse over both, and nothing measured over IPv6, are one verdict."""
    both = open_country(10)
    both.around_in_ipv6()
    assert both.judge().fields["families"] == {"ipv4": "diverse", "ipv6": "diverse"}
    for country in (both, gated(10)):
        assert not any("udged apart" in reason for reason in country.judge().fields["reasons"])


def switch_in_ipv6(country: Country, gateway: Attribution) -> None:
    """On the ninth day nine organisations go over to this one, and only over IPv6."""
    country.table.add("2020:99::/32", gateway)
    country.around_in_ipv6(days=range(8))
    country.around_in_ipv6("2020:99::1", days=range(8, 16))


def test_an_alarm_in_the_other_ip_version_is_told() -> None:
    """A gateway may be switched on there first; the grade alone would not say that it was."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(16))
    switch_in_ipv6(country, RIVAL)
    fields = country.judge().fields
    assert (fields["family"], fields["timeline"]["alarm"]) == (4, False)
    assert (
        "Over IPv6 there is an alarm: 9 of 9 organisations moved to Rival on 2026-01-09."
    ) in fields["reasons"]


def test_one_alarm_in_both_ip_versions_is_told_once() -> None:
    """As that of the verdict."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(8))
    country.everyone("lan own gate {up}", days=range(8, 16))
    switch_in_ipv6(country, GATE)
    fields = country.judge().fields
    assert fields["timeline"]["alarm"]
    assert not any("there is an alarm" in reason for reason in fields["reasons"])


def test_alarms_of_two_gateways_are_both_told() -> None:
    """IPv4 moved to Gate on the day on which IPv6 moved to Rival."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(8))
    country.everyone("lan own gate {up}", days=range(8, 16))
    switch_in_ipv6(country, RIVAL)
    fields = country.judge().fields
    assert fields["timeline"]["gateway"]["name"] == "Gate"
    assert (
        "Over IPv6 there is an alarm: 9 of 9 organisations moved to Rival on 2026-01-09."
    ) in fields["reasons"]


def test_the_day_of_the_switch_is_found_and_the_newest_period_judged() -> None:
    """Ten days apart and ten days through Gate: alarm, onset, and a verdict on the latter."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(10))
    country.everyone("lan own gate {up}", days=range(10, 20))
    verdict = country.judge()
    timeline = verdict.fields["timeline"]
    assert timeline["alarm"] is True
    assert timeline["onset"] == "2026-01-11"
    assert timeline["gateway"]["name"] == "Gate"
    assert len(timeline["moved"]) == 10
    assert verdict.grade == "single_gateway"
    assert verdict.fields["window"] == ["2026-01-11", "2026-01-20"]
    assert not any("The alarm is of" in reason for reason in verdict.fields["reasons"])


def test_a_change_of_panel_raises_no_alarm() -> None:
    """New volunteers that were always behind Gate moved nowhere."""
    country = Country(12)
    country.everyone("lan own {up}", days=range(10), members=range(1, 7))
    country.everyone("lan own gate {up}", days=range(10, 20), members=range(7, 13))
    assert country.judge().fields["timeline"]["alarm"] is False


def test_domestic_paths_over_a_hub_and_direct() -> None:
    """Direct neighbours are diverse; everything over Gate is a hub with its name."""
    for words, grade, way in (
        ("lan own", "diverse", "direct"),
        ("lan own gate", "single_hub", "hub"),
    ):
        country = open_country(8)
        for i in range(1, 9):
            for j in range(1, 9):
                if i != j:
                    country.trace(i, f"20.0.{j}.200", words)
        domestic = country.judge().fields["domestic"]
        assert domestic["grade"] == grade
        assert domestic["pairs"][way] == 56


@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_where_nobody_stands_between_at_home_the_bounds_are_those_of_none(
    confidence: float,
) -> None:
    """None of eight pass any hub: by the confidence of the policy, as abroad."""
    country = open_country(8)
    for i in range(1, 9):
        for j in range(1, 9):
            if i != j:
                country.trace(i, f"20.0.{j}.200", "lan own")
    captured = country.judge(Policy(confidence=confidence)).fields["domestic"]["captured"]
    assert (captured["organisations"], captured["of"], captured["lower"]) == (0, 8, 0.0)
    assert captured["upper"] == pytest.approx(1 - (1 - confidence) ** (1 / 8))


def test_a_domestic_exchange_on_domestic_paths_is_concentrated_at_most() -> None:
    """All domestic pairs over one exchange meet there; that alone makes no hub."""
    country = open_country(8)
    for i in range(1, 9):
        for j in range(1, 9):
            if i != j:
                country.trace(i, f"20.0.{j}.200", "lan own homeix")
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == "concentrated"
    assert domestic["hub"]["kind"] == "exchange"
    assert domestic["meeting_place"] is True
    assert (domestic["pairs"]["exchange"], domestic["pairs"]["hub"]) == (56, 0)


def test_a_domestic_exchange_where_few_meet_is_said_to_be_one() -> None:
    """Five networks would not make a single hub in any case: still nobody may take it for one."""
    country = open_country(5)
    for i, j in permutations(range(1, 6), 2):
        country.trace(i, f"20.0.{j}.200", "lan own homeix")
    domestic = country.judge().fields["domestic"]
    assert domestic["grade"] == "concentrated"
    assert domestic["reason"].endswith(
        "It is a meeting place and no single hub: meeting is what exchanges are for."
    )
    said = Words("km").sentence(domestic["reason"])
    assert said.language == "km"


def test_a_domestic_path_is_abroad_only_when_physics_says_so() -> None:
    """A foreign-registered router without an RTT step is at home; with +65 ms it is a detour."""
    country = open_country(8)
    country.trace(1, "20.0.2.200", "lan own@1.0 sea@1.3")
    country.trace(3, "20.0.4.200", "lan own@1.0 far3@66 net4@66")
    pairs = country.judge().fields["domestic"]["pairs"]
    assert pairs["abroad"] == 1
    assert pairs["third_party"] == 1


def test_a_way_abroad_and_back_may_be_a_long_way_at_home() -> None:
    """Whoever reads of one in a large country is told by which step it was found."""
    country = open_country(8)
    country.trace(3, "20.0.4.200", "lan own@1.0 far3@66 net4@66")
    limits = country.judge(Policy(abroad_step_ms=20)).fields["limits"]
    (limit,) = (limit for limit in limits if "abroad and back" in limit)
    assert limit.startswith("Ways at home taken to go abroad and back: 1, by an RTT step of 20 ms")
    assert "2000 km" in limit
    assert Words("km").sentence(limit).language == "km"
    assert not any("abroad and back" in limit for limit in open_country(8).judge().fields["limits"])


def test_what_is_not_known_for_want_of_rtts_is_counted() -> None:
    """Caches at home without RTTs look like destinations abroad: nobody is named, and it is said.

    So it is of a foreign carrier on ways at home.
    """
    country = Country(8)
    for i in range(1, 9):
        for destination in country.destinations():
            country.trace(i, f"{destination}@-", "lan@- own@- gate@-")
    country.trace(3, "20.0.4.200", "lan own sea@-")
    found = country.judge()
    assert found.grade == "insufficient"
    assert found.fields["domestic"]["pairs"]["unknown"] == 1
    (limit,) = (limit for limit in found.fields["limits"] if "without an RTT" in limit)
    assert "without an RTT: 40 abroad, 1 at home." in limit
    assert Words("km").sentence(limit).language == "km"
    assert not any("without an RTT" in one for one in open_country(8).judge().fields["limits"])


def test_who_asks_for_a_country_that_was_not_measured_is_told_so_first() -> None:
    """Not only that organisations are missing, as after a code mistyped or the wrong file."""
    country = Country(2)
    country.trace(1, "30.0.2.200", "lan own far2")
    country.results[-1]["from"] = "30.0.1.9"
    reasons = country.judge().fields["reasons"]
    assert reasons[0] == "No trace was measured in KH, 1 in other countries."
    assert Words("km").sentence(reasons[0]).language == "km"
    country.trace(1, "30.0.2.200", "lan own far2", day=1)
    assert "No trace" not in country.judge().fields["reasons"][0]


def test_a_key_that_shows_nothing_of_the_candidate_is_not_counted_behind_it() -> None:
    """Three silent ones beside the one that sees Gate vouch for nothing."""
    country = Country(8)
    country.everyone("lan own gate {up}")
    for key in (1, 2, 3):
        for day in range(8):
            country.trace(1, "30.0.1.200", "lan own * far6", day=day, vantage=key)
    verdict = country.judge()
    assert verdict.grade == "single_gateway"
    assert verdict.fields["measured"]["keys_behind_candidate"] == 8
    assert verdict.fields["measured"]["vantages"] == 11
    assert verdict.fields["measured"]["organisations_of_one_vantage"] == 7


def test_keys_of_one_network_that_see_the_candidate_each_count() -> None:
    """Three in the first network, one in each of the seven others."""
    country = Country(8)
    country.everyone("lan own gate {up}")
    for key in (1, 2):
        for day in range(8):
            country.trace(1, "30.0.1.200", "lan own gate far6", day=day, vantage=key)
    assert country.judge().fields["measured"]["keys_behind_candidate"] == 10


def test_whom_only_its_own_operator_passes_is_no_candidate() -> None:
    """Nobody else was measured that could say anything about it."""
    country = Country(3)
    country.table.operators["HomeIX"] = 101
    country.everyone("lan own homeix {up}", members=[1])
    assert country.judge().fields["candidates"] == []


def test_four_of_five_destinations_are_enough_to_be_captured() -> None:
    """Exactly 80%: those organisations count as captured, and their keys as behind Gate."""
    country = Country(10)
    for i in range(1, 11):
        for n, destination in enumerate(country.destinations()):
            for day in range(8):
                words = f"lan own gate far{6 + i % 9}" if n else f"lan own far{6 + i % 9}"
                country.trace(i, destination, words, day=day)
    fields = country.judge().fields
    assert (fields["grade"], fields["captured"]["organisations"]) == ("single_gateway", 10)
    assert fields["measured"]["keys_behind_candidate"] == 10


def test_ways_that_are_not_known_are_none_to_another_class() -> None:
    """Four of ten networks are silent but to one destination: without its class six are left."""
    country = Country(10)
    for i in range(1, 11):
        for n, destination in enumerate(country.destinations()):
            for day in range(8):
                hop = "* *" if n and i > 6 else "gate"
                country.trace(i, destination, f"lan own {hop} far{6 + i % 9}", day=day)
    fields = country.judge().fields
    assert fields["captured"]["organisations"] == 10
    assert any("passed by 6 of 6 organisations" in reason for reason in fields["reasons"])


def test_of_a_candidate_that_is_not_there_every_figure_is_nothing() -> None:
    """Networks that leave on their own have no organisation, key or user behind anybody."""
    found = {one["key"]: one["found"] for one in open_country().judge().fields["criteria"]}
    of_somebody = ("concentrated", "keys", "key_organisations", "unaided_name", "single_weighed")
    assert [found[key] for key in of_somebody] == [0, 0, 0, 0, 0]


def test_a_namesake_in_another_country_is_not_the_gateway() -> None:
    """Several countries have a Skynet: AS numbers of one name are one organisation."""
    country = gated()
    country.table.add("30.1.1.0/24", Attribution(4000, "GATE-SA", "Gate", "ZA"))
    for i in range(1, 11):
        for j in range(1, 11):
            if i != j:
                country.trace(i, f"20.0.{j}.200", "lan own gate")
    fields = country.judge().fields
    assert fields["gateway"]["asns"] == [999]
    assert fields["candidates"][0]["asns"] == [999]
    assert fields["domestic"]["hub"]["asns"] == [999]


def test_a_verdict_names_who_was_measured_and_how_each_leaves() -> None:
    """Without that, nobody could tell from two files who moved and who only was not measured."""
    country = Country(8)
    country.everyone("lan own net1 {up}", members=range(2, 7))
    country.everyone("lan own {up}", members=[1, 7])
    country.trace(7, "30.0.9.200", "lan own net1 far9", vantage=1)
    country.everyone("lan own * * {up}", members=[8])
    said = {one["organisation"]: one for one in country.judge().fields["organisations"]}
    assert list(said) == sorted(f"Net {i}" for i in range(1, 9))
    assert said["Net 1"] == {
        "organisation": "Net 1", "pairs": 5, "of": 5, "share": None,
        "captured": None, "exits": [{"kind": None, "gateway": None, "pairs": 5}],
    }  # fmt: skip
    assert said["Net 2"]["exits"] == [{"kind": "organisation", "gateway": "Net 1", "pairs": 5}]
    assert (said["Net 2"]["share"], said["Net 2"]["captured"]) == (1.0, True)
    assert said["Net 7"]["exits"] == [
        {"kind": None, "gateway": None, "pairs": 5},
        {"kind": "organisation", "gateway": "Net 1", "pairs": 1},
    ]
    assert (said["Net 7"]["share"], said["Net 7"]["captured"]) == (1 / 6, False)
    assert said["Net 8"] == {
        "organisation": "Net 8", "pairs": 0, "of": 5, "share": None,
        "captured": None, "exits": [],
    }  # fmt: skip


def test_a_way_with_a_silent_hop_is_not_said_to_be_a_networks_own() -> None:
    """Nor has it moved when a gateway that kept silent answers: compared, one way is not known."""
    country = Country(6)
    country.everyone("lan own * {up}", members=range(1, 6))
    country.everyone("lan own {up}", members=[6])
    said = {one["organisation"]: one for one in country.judge().fields["organisations"]}
    assert (said["Net 1"]["pairs"], said["Net 1"]["exits"]) == (5, [])
    assert said["Net 6"]["exits"] == [{"kind": None, "gateway": None, "pairs": 5}]
