"""The rule at its thresholds: each number just reached and just missed, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.grading.figures import Doubts, Figures, Lenient, Support
from analysis.grading.levels import (
    level,
    lower_as_best_of_several,
    strict_and_lenient_agree,
)
from analysis.grading.verdict import grade
from analysis.judgement.limits import LIMITS
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate
from analysis.shares.intervals import captured_bounds
from tests.analysis.country import Country

GATE = Node("organisation", "Gate")


def made(captured: int, of: int, node: Node = GATE) -> Candidate:
    """A candidate that captures so many of so many organisations wholly, the others not at all."""
    shares = {f"Net {i}": float(i < captured) for i in range(of)}
    return Candidate(node, (), shares, captured, *captured_bounds(captured, of, 0.95))


def figures(captured: int, of: int, **changes: Any) -> Figures:
    """Figures that meet every other demand: eight days, three classes on three continents."""
    top = made(captured, of) if captured else None
    lower, upper = captured_bounds(captured, of, 0.95)
    support = {
        "mostly": captured,
        "elsewhere": (captured, of),
        "continents": 3,
        "keys": 20,
        "unaided": 1.0,
        "weighed": 1.0,
    }
    doubts = {
        "meeting_place": None,
        "alike": None,
        "thin": 0.0,
        "veiled": 0.0,
        "at_times": None,
        "by_weight": None,
    }
    usual: dict[str, Any] = {
        "top": top,
        "of": of,
        "captured": captured,
        "lower": lower,
        "upper": upper,
        "gone": 0,
        "silent": 0,
        "covered": 0.5,
        "unit": "users",
        "pairs": 5 * of,
        "resolved": 1.0,
        "destination_classes": 3,
        "days": 8,
        "effective_gateways": 5.0,
        "apart": (),
        "meeting_in_pairs": frozenset(),
        "late": None,
    }

    def changed(kind: type[Support | Doubts], given: dict[str, Any]) -> Any:
        named = {key: changes.pop(key) for key in kind._fields if key in changes}
        return kind(**(given | named))

    return Figures(
        support=changed(Support, support),
        doubts=changed(Doubts, doubts),
        lenient=Lenient(changes.pop("lenient", top), changes.pop("rival", None)),
        **(usual | changes),
    )


def graded(captured: int, of: int, **changes: Any) -> tuple[str, str]:
    says, reasons = grade(figures(captured, of, **changes), Policy())
    return says, " ".join(reasons)


# ------------------------------------------------------------------------ bounds by hand


@pytest.mark.parametrize("n", [1, 2, 5, 7, 13, 30])
def test_bounds_of_all_and_of_none(n: int) -> None:
    """All of n: pⁿ = 0.05 bounds from below; none of n: (1 − p)ⁿ = 0.05 from above."""
    assert captured_bounds(n, n, 0.95) == pytest.approx((0.05 ** (1 / n), 1.0))
    assert captured_bounds(0, n, 0.95) == pytest.approx((0.0, 1 - 0.05 ** (1 / n)))


@pytest.mark.parametrize(
    ("captured", "of", "lower", "upper"),
    [
        (13, 13, 0.7942, 1.0),
        (0, 13, 0.0, 0.2058),
        (7, 7, 0.6518, 1.0),
        (6, 6, 0.6070, 1.0),
        # 1 of 2: 1 − (1 − p)² = 0.05 and 1 − p² = 0.05
        (1, 2, 0.0253, 0.9747),
        # 1 of 5: 1 − (1 − p)⁵ = 0.05; 4 of 5 is its mirror image
        (1, 5, 0.0102, 0.6574),
        (4, 5, 0.3426, 0.9898),
    ],
)
def test_bounds_by_hand(captured: int, of: int, lower: float, upper: float) -> None:
    """Values one can redo with a pocket calculator."""
    assert captured_bounds(captured, of, 0.95) == pytest.approx((lower, upper), abs=5e-5)


def test_bounds_follow_the_confidence() -> None:
    """At 99% seven of seven say 0.01^(1/7) = 0.518."""
    assert captured_bounds(7, 7, 0.99)[0] == pytest.approx(0.01 ** (1 / 7))


# ------------------------------------------------------------------------ levels


@pytest.mark.parametrize(
    ("captured", "of", "says"),
    [
        (7, 7, "single"),
        (6, 6, "concentrated"),
        (10, 11, "concentrated"),
        (11, 12, "single"),
        (4, 5, "concentrated"),
        (4, 6, "between"),
        (9, 17, "concentrated"),
        (8, 17, "between"),
        (0, 5, "open"),
        (0, 4, "between"),
        (1, 8, "open"),
        (1, 7, "between"),
        (2, 11, "open"),
        (2, 10, "between"),
        (0, 0, "between"),
        # Two thirds for all we know, but not four in five.
        (70, 100, "concentrated"),
        (79, 100, "concentrated"),
        (80, 100, "single"),
    ],
)
def test_levels_just_reached_and_just_missed(captured: int, of: int, says: str) -> None:
    """The examples with which the rule argues for its numbers."""
    assert level(captured, of, *captured_bounds(captured, of, 0.95), Policy()) == says


@pytest.mark.parametrize(
    ("captured", "lower", "upper", "says"),
    [
        (9, 0.65, 1.0, "single"),
        (9, 0.6499, 1.0, "concentrated"),
        (5, 0.3001, 1.0, "concentrated"),
        (5, 0.3, 1.0, "between"),
        (4, 0.4, 1.0, "between"),
        (4, 0.1, 0.4999, "open"),
        (4, 0.1, 0.5, "between"),
    ],
)
def test_levels_at_the_very_thresholds(
    captured: int, lower: float, upper: float, says: str
) -> None:
    """ "At least" 0.65 and 0.5, "more than" 0.3, "below" 0.5, as the page on verdicts has it."""
    assert level(captured, 10, lower, upper, Policy()) == says


# ------------------------------------------------------------------------ grades


@pytest.mark.parametrize(
    ("changes", "says", "because"),
    [
        ({}, "single_gateway", "10 of 10 other organisations"),
        ({"days": 7}, "single_gateway", "10 of 10"),
        ({"days": 6}, "concentrated",
         "Most of those captured were measured on 6 of the 7 days needed, not counting days on "
         "which they mostly went elsewhere."),
        ({"resolved": 0.6}, "single_gateway", "10 of 10"),
        ({"resolved": 0.59}, "insufficient", "(50) the crossing is known for 59%; 60% are needed."),
        ({"resolved": 0.5996}, "insufficient", "crossing is known for 59.96%; 60% are needed."),
        ({"destination_classes": 2}, "single_gateway", "10 of 10"),
        ({"destination_classes": 1}, "insufficient", "make 1 of the 2 classes"),
        ({"destination_classes": 0}, "insufficient", "make 0 of the 2 classes"),
        ({"continents": 2}, "single_gateway", "10 of 10"),
        ({"continents": 1}, "mixed", "no operator is named"),
        ({"lenient": made(5, 10)}, "concentrated", "do not agree."),
        ({"lenient": made(9, 10)}, "concentrated", "do not agree."),
        ({"lenient": None}, "concentrated", "do not agree."),
        (
            {"rival": made(10, 10, Node("organisation", "Sea"))},
            "concentrated",
            "read leniently, Sea would lead.",
        ),
        ({"covered": 0.1}, "single_gateway", "10 of 10"),
        (
            {"covered": 0.0996},
            "concentrated",
            "9.96% of the country's users were covered; 10% are needed.",
        ),
        ({"weighed": 0.5}, "single_gateway", "10 of 10"),
        (
            {"weighed": 0.04},
            "concentrated",
            "Weighed by users, 4% of what was measured passes it; 50% is needed.",
        ),
        # None of these stands in the way of naming an operator that carries everything.
        ({"effective_gateways": 1.0}, "single_gateway", "10 of 10"),
        ({"thin": 1.0}, "single_gateway", "10 of 10"),
        ({"meeting_place": made(10, 10, Node("exchange", "IX"))}, "single_gateway", "10 of 10"),
    ],
    ids=[
        "all is met", "seven days", "six days", "60% known", "59% known",
        "60% nearly known", "two classes", "one class", "no class", "two continents",
        "one continent", "lenient sees half",
        "lenient sees one less", "lenient sees nothing", "a rival",
        "a tenth covered", "less than a tenth", "half by weight", "little by weight", "one exit",
        "shared interfaces", "an exchange too",
    ],
)  # fmt: skip
def test_a_captured_country(changes: dict[str, Any], says: str, because: str) -> None:
    """Ten of ten is a single gateway unless one of its conditions fails, which is then said."""
    found, reasons = graded(10, 10, **changes)
    assert found == says
    assert because in reasons


@pytest.mark.parametrize(
    ("captured", "of", "says"),
    [(7, 7, "single_gateway"), (6, 6, "concentrated"), (5, 5, "concentrated"), (9, 18, "mixed")],
)
def test_the_number_of_organisations_decides_what_all_of_them_mean(
    captured: int, of: int, says: str
) -> None:
    """Everybody captured means more the more were asked; half of 18 has a bound of 0.29."""
    assert graded(captured, of)[0] == says


def test_a_large_share_of_many_is_no_single_gateway() -> None:
    """Of a market of 70 to 30 any bound is reached, if enough are asked; that is two operators."""
    says, reasons = graded(72, 100)
    assert says == "concentrated"
    assert "The share is 0.72; 0.80 is needed" in reasons
    assert graded(80, 100)[0] == "single_gateway"


@pytest.mark.parametrize(
    ("captured", "of", "rivals", "says"),
    [
        # Alone it is bounded with 95%, as one of two with 97.5%, as one of three with 98.3%.
        (4, 5, 0, "concentrated"),
        (4, 5, 1, "mixed"),
        (5, 7, 0, "concentrated"),
        (5, 7, 1, "mixed"),
        (6, 7, 2, "concentrated"),
        (7, 10, 2, "concentrated"),
        (6, 10, 0, "concentrated"),
        (6, 10, 2, "mixed"),
        (12, 20, 9, "concentrated"),
        (10, 20, 2, "mixed"),
    ],
)
def test_the_best_of_several_is_bounded_as_such(
    captured: int, of: int, rivals: int, says: str
) -> None:
    """In an even market somebody has most of any sample, and is looked at for it."""
    assert graded(captured, of, rivals=rivals)[0] == says


def test_who_is_the_best_of_several_is_told_so() -> None:
    """With the bound that this leaves."""
    reasons = graded(10, 20, rivals=2)[1]
    assert "The organisations divide between 3 operators, of which one leads" in reasons
    assert "allowing for that, the lower bound is 0.25; more than 0.30 is needed" in reasons


def test_no_more_than_three_can_have_three_tenths_each() -> None:
    """Others behind whom hardly anybody stands do not make a lead more of a chance."""
    three, many = (lower_as_best_of_several(figures(12, 20, rivals=n), Policy()) for n in (2, 30))
    assert three == many
    assert three < lower_as_best_of_several(figures(12, 20, rivals=1), Policy())


def test_one_is_not_many() -> None:
    """A sentence agrees with its number."""
    assert "1 of 11 other organisations sends at least 80% of its pairs" in graded(1, 11)[1]
    assert "2 of 11 other organisations send at least 80% of their pairs" in graded(2, 11)[1]


def test_four_organisations_are_insufficient_and_five_are_not() -> None:
    """The candidate is named in the sentence, since it is not counted."""
    says, reasons = graded(4, 4)
    assert says == "insufficient"
    assert "Besides Gate, 4 of the 5 organisations needed could be judged." in reasons
    assert graded(5, 5)[0] != "insufficient"
    assert graded(0, 4) == (
        "insufficient",
        "4 of the 5 organisations needed could be judged.",
    )
    assert graded(0, 5)[0] == "diverse"


def test_all_that_is_missing_is_said_at_once() -> None:
    """Whoever collects more data learns everything that is wanted."""
    missing = figures(0, 2, resolved=0.1, destination_classes=0)
    says, reasons = grade(missing, Policy())
    assert says == "insufficient"
    assert len(reasons) == 3


@pytest.mark.parametrize(
    ("changes", "says", "because"),
    [
        ({}, "diverse", "by 5.0 effective gateways"),
        ({"effective_gateways": 3.0}, "diverse", "by 3.0 effective gateways"),
        ({"effective_gateways": 2.9}, "mixed", "2.9 effective gateways; 3 are needed"),
        ({"effective_gateways": 2.99}, "mixed", "2.99 effective gateways; 3 are needed"),
        (
            {"meeting_place": made(6, 11, Node("exchange", "IX"))},
            "mixed",
            "6 of 11 organisations cross the exchange IX",
        ),
        (
            {"alike": made(6, 11, Node("unmapped", "10.53.0.0/24"))},
            "mixed",
            "6 of 11 organisations show hops of 10.53.0.0/24 behind their own networks",
        ),
        (
            {"apart": (made(6, 11, Node("organisation", "Incumbent")),)},
            "mixed",
            "6 of 11 organisations show addresses of Incumbent, but too few come by the same ones",
        ),
        (
            {"rival": made(6, 11, Node("organisation", "Sea"))},
            "mixed",
            "If doubtful hops are read generously, 6 of 11 organisations pass Sea",
        ),
        ({"rival": made(5, 11, Node("organisation", "Sea"))}, "diverse", "by 5.0 effective"),
        ({"thin": 0.5}, "mixed", "50% of the organisations leave by the same foreign interfaces"),
        ({"thin": 0.49}, "diverse", "by 5.0 effective gateways"),
        ({"veiled": 0.5}, "mixed", "50% of the organisations show a silent hop"),
        ({"veiled": 0.49}, "diverse", "by 5.0 effective gateways"),
        (
            {"at_times": made(6, 11)},
            "mixed",
            "6 of 11 other organisations pass Gate on 25% or more of the traces of at least 80% of",
        ),
        (
            {"by_weight": (made(2, 11), 0.5)},
            "mixed",
            "Weighed by users, 50% of what was measured passes Gate, though 2 of 11",
        ),
        (
            {"late": figures(9, 11)},
            "mixed",
            "Judged by the last 7 days with data alone: 9 of 11 other organisations send",
        ),
        (
            {"late": figures(1, 11, thin=0.5)},
            "mixed",
            "Judged by the last 7 days with data alone: 50% of the organisations leave",
        ),
        ({"late": figures(4, 11)}, "diverse", "by 5.0 effective gateways"),
        ({"late": figures(1, 4, thin=1.0)}, "diverse", "by 5.0 effective gateways"),
        ({"late": figures(1, 11, thin=1.0, gone=10)}, "mixed", "Judged by the last 7 days"),
        ({"late": figures(1, 11, thin=1.0, gone=11)}, "diverse", "by 5.0 effective gateways"),
        ({"days": 1}, "diverse", "by 5.0 effective gateways"),
        ({"continents": 1}, "diverse", "by 5.0 effective gateways"),
    ],
    ids=[
        "all is met", "three gateways", "fewer", "nearly three", "a meeting place",
        "numbered alike", "numbered by one", "somebody behind doubtful hops",
        "less than half behind them", "thin", "nearly thin", "veiled", "nearly veiled",
        "somebody at times", "somebody by weight", "somebody of late", "thin of late",
        "fewer of late", "too few of late", "most are still measured", "half are gone", "one day",
        "one continent",
    ],
)  # fmt: skip
def test_an_open_country(changes: dict[str, Any], says: str, because: str) -> None:
    """One of eleven is diverse unless something might hide a gateway, which is then said."""
    found, reasons = graded(1, 11, **changes)
    assert found == says
    assert because in reasons


def test_a_country_that_shares_nothing_is_diverse() -> None:
    """No candidate at all: said in a sentence of its own."""
    says, reasons = graded(0, 6)
    assert says == "diverse"
    assert "None of 6 organisations passes another domestic network on most" in reasons


@pytest.mark.parametrize(
    "change",
    [
        {"meeting_place": made(6, 6, Node("exchange", "IX"))},
        {"alike": made(6, 6, Node("unmapped", "IX"))},
        {"apart": (made(6, 6, Node("organisation", "IX")),)},
    ],
    ids=["a meeting place", "numbered alike", "numbered by one"],
)
def test_what_is_shown_and_not_named_is_no_nothing(change: dict[str, Any]) -> None:
    """That nothing is shared and that all leave by 1.0 gateways would contradict each other."""
    says, reasons = graded(0, 6, effective_gateways=1.0, **change)
    assert says == "mixed"
    assert "crossing is known, but for addresses of IX. The paths leave" in reasons


def test_of_no_path_abroad_nothing_is_said_in_percent() -> None:
    """As where all was measured between networks at home: 0% of 0 pairs is no share."""
    reasons = Country(3).judge().fields["reasons"]
    assert "No path from this country to abroad was measured." in reasons
    assert not any("0 pairs" in reason for reason in reasons)


def test_neither_convergence_nor_diversity() -> None:
    """3 of 8: an upper bound of 0.711 excludes no majority, and no lower bound proves one."""
    says, reasons = graded(3, 8)
    assert says == "mixed"
    assert "The upper bound of the captured share, 0.72, does not exclude 0.50." in reasons


def test_too_few_for_a_single_gateway_are_told_that_they_are_few() -> None:
    """All six pass it, and those to the other destinations as well: what lacks is the bound."""
    says, reasons = graded(6, 6)
    assert says == "concentrated"
    assert reasons.endswith(
        " The lower bound of the captured share is 0.60; 0.65 is needed before one gateway is said "
        "to carry all."
    )
    assert "Without the destinations" not in reasons
    assert "Without the destinations" in graded(6, 6, elsewhere=(5, 6))[1]


@pytest.mark.parametrize(("captured", "of", "turning"), [(10, 15, 0), (10, 15, 9), (40, 50, 1)])
def test_turns_are_a_reason_only_where_somebody_takes_them(
    captured: int, of: int, turning: int
) -> None:
    """Where too few pass it these are too few, and take no turns for that."""
    says, reasons = graded(captured, of, by_turns=turning)
    assert says == "concentrated"
    assert ("by turns" in reasons) is (turning > 0)
    assert (f"straight abroad: {turning} of those captured." in reasons) is (turning > 0)


def test_bounds_are_rounded_outward_in_sentences() -> None:
    """To the nearest, they would claim to know more: 8 of 8 has the lower bound 0.6877."""
    assert "95% bounds 0.68 to 1.00" in graded(8, 8)[1]
    assert "95% bounds 0.00 to 0.34" in graded(1, 12, effective_gateways=4.0)[1]


def test_all_doubts_are_said_at_once() -> None:
    """A mixed verdict lists everything that speaks against "diverse"."""
    doubtful = figures(
        3, 8, effective_gateways=1.5, thin=0.9, meeting_place=made(8, 8, Node("exchange", "IX"))
    )
    assert len(grade(doubtful, Policy())[1]) == 5


def test_the_sentence_carries_the_numbers() -> None:
    """k of n, the share that makes captured, the bounds and their confidence, and the name."""
    assert graded(9, 10)[1].startswith(
        "9 of 10 other organisations send at least 80% of their pairs through Gate "
        "(captured share 0.90, 95% bounds 0.60 to 1.00)."
    )


def test_sentences_follow_the_policy() -> None:
    """A rule that was changed is described as changed."""
    policy = Policy(captured=0.9, confidence=0.99)
    assert "at least 90% of their pairs" in grade(figures(10, 10), policy)[1][0]
    assert "99% bounds" in grade(figures(10, 10), policy)[1][0]


@pytest.mark.parametrize("captured", [1, 10])
def test_numbers_of_the_policy_keep_their_digits(captured: int) -> None:
    """Nobody is 100% sure, and who sends 80% is not captured where 80.4% are asked for."""
    policy = Policy(captured=0.804, confidence=0.999)
    sentence = grade(figures(captured, 10), policy)[1][0]
    assert "at least 80.4% of" in sentence
    assert "99.9% bounds" in sentence


# ------------------------------------------------------------------------ two readings


@pytest.mark.parametrize(
    ("lenient", "agree"),
    [
        (made(10, 10), True),
        (made(12, 12), True),
        (made(9, 10), False),
        (made(0, 10), False),
        (None, False),
    ],
    ids=["the same", "the same level", "a lower level", "the opposite", "not seen"],
)
def test_readings_agree_when_they_reach_the_same_level(
    lenient: Candidate | None, agree: bool
) -> None:
    """Ten of ten strictly is "single"; what the lenient reading makes of it must be as well."""
    assert strict_and_lenient_agree(figures(10, 10, lenient=lenient), Policy()) is agree


def test_a_candidate_too_weak_to_matter_may_be_missing_leniently() -> None:
    """One of eleven and none of eleven are the same level: "open"."""
    assert strict_and_lenient_agree(figures(1, 11, lenient=None), Policy())
    assert not strict_and_lenient_agree(figures(3, 11, lenient=None), Policy())


def test_days_on_which_the_border_is_silent_speak_neither_for_nor_against() -> None:
    """Gate on 4 of the 6 days that tell is a majority; on 4 of 9 it is none."""
    for direct, captured in ((2, 10), (5, 0)):
        country = Country(10)
        country.everyone("lan own gate {up}", days=range(4))
        country.everyone("lan own {up}", days=range(4, 4 + direct))
        country.everyone("lan own * * {up}", days=range(10, 13))
        verdict = country.judge()
        assert verdict.fields["captured"]["organisations"] == captured
        assert verdict.fields["strict_and_lenient_agree"] is True


def test_a_rival_is_a_disagreement_even_without_a_candidate() -> None:
    """A node that only the lenient reading has must not lead there."""
    rival = made(9, 10, Node("organisation", "Sea"))
    assert not strict_and_lenient_agree(figures(0, 10, rival=rival), Policy())
    assert strict_and_lenient_agree(figures(0, 10), Policy())


# ------------------------------------------------------------------------ what is always said


@pytest.mark.parametrize("words", ["never that no gateway", "MPLS", "taps", "layer-2", "TTL"])
def test_the_limits_name_what_is_out_of_sight(words: str) -> None:
    """Every verdict prints what the IP layer cannot show."""
    assert words in LIMITS[0]
    assert "return paths" in LIMITS[0]


def test_more_captured_organisations_never_make_a_grade_milder() -> None:
    """From none of twelve to all of twelve the grade only rises."""
    order = ["diverse", "mixed", "concentrated", "single_gateway"]
    ranks = [order.index(graded(captured, 12)[0]) for captured in range(13)]
    assert ranks == sorted(ranks)
    assert {order[rank] for rank in ranks} == set(order)


def test_more_days_and_destinations_never_take_a_name_away() -> None:
    """What suffices with little data suffices with more."""
    least = figures(7, 7, days=7, destination_classes=2, continents=2, resolved=0.6)
    more = figures(7, 7, days=70, destination_classes=20, continents=6, resolved=1.0)
    assert grade(least, Policy())[0] == grade(more, Policy())[0] == "single_gateway"


@pytest.mark.parametrize(
    ("changes", "grade_", "word"),
    [
        ({}, "single_gateway", "12 of 12"),
        ({"keys": 2}, "mixed", "there are 2 in 12."),
        ({"unaided": 0.33}, "mixed", "33%"),
        ({"unaided": 0.34}, "concentrated", "34%"),
        ({"unaided": 0.69}, "concentrated", "69%"),
        ({"unaided": 0.7}, "single_gateway", "12 of 12"),
    ],
    ids=[
        "enough",
        "two keys",
        "under 34% by the table",
        "34% by the table",
        "under 70%",
        "70% by the table",
    ],
)
def test_what_a_few_could_have_invented_names_nobody(
    changes: dict[str, Any], grade_: str, word: str
) -> None:
    """A name needs three keys and a third by the address table, "single gateway" 70%."""
    says, reasons = graded(12, 12, **changes)
    assert says == grade_
    assert word in reasons
