"""The numbers of the rule: fixed, changed on demand, and never changed unnoticed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.policy import Policy, PolicyError, with_overrides
from tests.analysis.country import Country

NUMBERS = {entry.name: getattr(Policy(), entry.name) for entry in fields(Policy)}


def test_no_number_of_the_rule_changes_unseen() -> None:
    """Another one makes other verdicts: whoever changes it says so here and in the changelog."""
    assert NUMBERS == {
        "confidence": 0.95,
        "organisations": 5,
        "resolved": 0.6,
        "destination_classes": 2,
        "continents": 2,
        "days": 7,
        "keys": 3,
        "key_organisations": 2,
        "key_gap_days": 28,
        "day_weight": 0.15,
        "pair_votes": 0.34,
        "unaided_name": 0.34,
        "unaided": 0.7,
        "pair_shown": 0.25,
        "captured": 0.8,
        "single": 0.65,
        "single_share": 0.8,
        "single_covered": 0.1,
        "single_weighed": 0.5,
        "national": 0.8,
        "national_eyeballs": 0.7,
        "witness": 0.8,
        "witness_days": 31,
        "concentrated": 0.5,
        "concentrated_lower": 0.3,
        "meeting_share": 0.65,
        "diverse_upper": 0.5,
        "effective_gateways": 3.0,
        "link_organisations": 2,
        "link_share": 0.8,
        "link_vote": 0.65,
        "link_days": 14,
        "peering_members": 5,
        "peering_share": 0.34,
        "alarm_organisations": 3,
        "alarm_share": 0.5,
        "alarm_within_days": 28,
        "alarm_hold_days": 7,
        "alarm_hold": 0.8,
        "alarm_measured": 0.34,
        "timeline_days": 14,
        "home_step_ms": 1.0,
        "abroad_step_ms": 10.0,
        "weak_signs": 2,
        "falls_ms": 20.0,
        "agreeing_keys": 3,
        "resamples": 2000,
        "seed": 20210216,
    }


def test_a_policy_cannot_be_changed_after_the_fact() -> None:
    """A verdict prints the policy it was made with: nobody changes it in between."""
    with pytest.raises(FrozenInstanceError):
        Policy().days = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("overrides", "changed"),
    [
        ([], {}),
        (["days=1"], {"days": 1}),
        (["days=1", "single=0.7"], {"days": 1, "single": 0.7}),
        (["days=1", "days=3"], {"days": 3}),
        ([" days = 2 "], {"days": 2}),
        (["single=1"], {"single": 1.0}),
        (["home_step_ms=2.5e-1"], {"home_step_ms": 0.25}),
        (["days=7"], {}),
    ],
    ids=["none", "one", "two", "the last counts", "spaces", "whole", "exponent", "the default"],
)
def test_settings_are_read_in_the_type_of_the_number(
    overrides: list[str], changed: dict[str, float]
) -> None:
    """What was not named stays; what was set to its default is not changed."""
    policy = with_overrides(Policy(), overrides)
    assert policy.changed() == changed
    assert asdict(policy) == NUMBERS | changed
    assert all(type(asdict(policy)[name]) is type(value) for name, value in NUMBERS.items())


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("days", "no setting 'days'"),
        ("", "no setting ''"),
        ("=1", "no setting '=1'"),
        ("dayz=1", "no setting 'dayz=1'"),
        ("Days=1", "no setting 'Days=1'"),
        ("changed=1", "no setting 'changed=1'"),
        ("days=", "days wants a whole number, not ''"),
        ("days=1.5", "days wants a whole number, not '1.5'"),
        ("days=many", "days wants a whole number, not 'many'"),
        ("single=most", "single wants a number, not 'most'"),
        ("single=0,7", "single wants a number, not '0,7'"),
    ],
)
def test_what_is_no_setting_is_refused(override: str, says: str) -> None:
    """The sentence repeats what was written and says what was wanted."""
    with pytest.raises(PolicyError) as refused:
        with_overrides(Policy(), ["resolved=0.5", override])
    assert str(refused.value).startswith(says)


def test_an_unknown_setting_is_told_all_there_are() -> None:
    """Nobody has to look up how the numbers are called."""
    with pytest.raises(PolicyError) as refused:
        with_overrides(Policy(), ["dayz=1"])
    assert all(name in str(refused.value) for name in NUMBERS)


@pytest.mark.parametrize(
    "override",
    [
        "single=nan",
        "single=inf",
        "single=-0.1",
        "single=1.01",
        "captured=2",
        "confidence=0",
        "confidence=1",
        "confidence=-3",
        "confidence=0.4",
        "resamples=0",
        "resamples=-5",
        "days=-1",
        "alarm_hold_days=0",
        "alarm_hold_days=-7",
        "effective_gateways=-1",
        "abroad_step_ms=nan",
        "alarm_within_days=99999999999999",
        "days=36501",
        "resamples=1000001",
        "captured=0",
        "alarm_hold=0",
        "alarm_hold=0.5",
        "alarm_organisations=0",
        "alarm_within_days=0",
        "timeline_days=0",
        "weak_signs=0",
    ],
)
def test_numbers_that_make_no_rule_are_refused(override: str) -> None:
    """A share beyond 1, no confidence or an empty span would give a verdict without meaning."""
    with pytest.raises(PolicyError, match=override.partition("=")[0]):
        with_overrides(Policy(), [override])


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["concentrated_lower=0.6"], "concentrated_lower wants .* concentrated, 0.5, at most"),
        (["diverse_upper=0.6"], "diverse_upper wants .* concentrated, 0.5, at most, not 0.6"),
        (["concentrated=0.4"], "concentrated wants .* diverse_upper, 0.5, or more, not 0.4"),
        (["concentrated=0.7"], "concentrated wants .* single, 0.65, at most, not 0.7"),
        (["single=0.4"], "single wants a number of concentrated, 0.5, or more, not 0.4"),
        (["single=0.4", "concentrated=0.45", "diverse_upper=0.4"], "single .* 0.45, or more"),
        (["home_step_ms=20"], "home_step_ms wants .* abroad_step_ms, 10, at most, not 20"),
        (["abroad_step_ms=0.5"], "abroad_step_ms wants .* home_step_ms, 1, or more, not 0.5"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(overrides: list[str], says: str) -> None:
    """Else one country is diverse and concentrated, or behind one gateway and not even that."""
    with pytest.raises(PolicyError, match=says):
        with_overrides(Policy(), overrides)


def test_numbers_that_belong_together_can_be_changed_together() -> None:
    """In any order of the options; and a rule may ask for more than the nation's does."""
    overrides = ["concentrated=0.4", "diverse_upper=0.4", "single=0.9"]
    for given_in in (overrides, overrides[::-1]):
        assert with_overrides(Policy(), given_in).concentrated == 0.4


@settings(max_examples=200)
@given(st.text(max_size=12), st.sampled_from([*NUMBERS, "no_number"]))
def test_no_text_makes_a_setting_crash(text: str, name: str) -> None:
    """Whatever is written behind a name is a number or a PolicyError."""
    try:
        policy = with_overrides(Policy(), [f"{name}={text}"])
    except PolicyError:
        return
    assert asdict(policy)[name] == float(text)


def test_a_verdict_says_which_numbers_were_changed() -> None:
    """In the provenance for a script, among the limits for a reader; unchanged, nowhere."""
    country = Country(6)
    country.everyone("lan own gate {up}", days=range(2))
    usual = country.judge().fields
    assert usual["provenance"]["policy"] == NUMBERS
    assert usual["provenance"]["policy_changed"] == {}
    assert not any("was changed" in limit for limit in usual["limits"])
    changed = country.judge(with_overrides(Policy(), ["days=1", "single=0.6"])).fields
    assert changed["provenance"]["policy"] == NUMBERS | {"days": 1, "single": 0.6}
    assert changed["provenance"]["policy_changed"] == {"days": 1, "single": 0.6}
    assert "The rule was changed for this verdict: days=1, single=0.6." in changed["limits"]


@pytest.mark.parametrize(
    ("override", "grade"),
    [
        ("days=7", "single_gateway"),
        ("days=9", "concentrated"),
        ("single=0.75", "concentrated"),
        ("organisations=11", "insufficient"),
        ("destination_classes=6", "insufficient"),
        ("continents=6", "mixed"),
        ("resolved=1.0", "single_gateway"),
    ],
)
def test_each_number_does_what_it_says(override: str, grade: str) -> None:
    """Ten of ten networks behind Gate, lower bound 0.741, eight days, five classes."""
    country = Country(10)
    country.everyone("lan own gate {up}")
    assert country.judge(with_overrides(Policy(), [override])).grade == grade
