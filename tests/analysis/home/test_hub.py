"""The grade of the paths between domestic organisations, each condition alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analysis.grading.verdict import describe
from analysis.home.figures import HomeFigures, Spread, Standing
from analysis.home.hub import domestic_grade, not_diverse
from analysis.policy import Policy
from analysis.shares.convergence import Candidate
from tests.analysis.grading.test_verdict import made

WIDE = Spread(abroad=0.0, carrier=None, unmapped=None, apart=None, effective=5.0)


def figures(top: Candidate | None, of: int = 0, **changes: Any) -> HomeFigures:
    """Figures that meet every demand but what ``top`` and ``changes`` say."""
    standing = None
    if top is not None:
        usual: dict[str, Any] = {
            "reached": made(20, 20),
            "reached_weighed": 1.0,
            "covered": 0.5,
            "weighed": 1.0,
            "unit": "users",
            "turns": 0,
            "meets": False,
        }
        of_top = usual | {name: changes.pop(name) for name in usual if name in changes}
        standing = Standing(top, **of_top)
    known: dict[str, Any] = {"resolved": 1.0, "silent": 0, "spread": WIDE}
    return HomeFigures(of, standing=standing, **(known | changes))


@pytest.mark.parametrize(
    ("captured", "of", "reached", "covered", "says"),
    [
        (7, 7, (7, 7), 0.5, "single_hub"),
        (7, 7, (7, 7), 0.09, "concentrated"),
        (6, 6, (7, 7), 0.5, "concentrated"),
        (7, 7, (6, 6), 0.5, "concentrated"),
        (7, 7, (5, 5), 0.5, "concentrated"),
        (7, 7, (4, 4), 0.5, "mixed"),
        (7, 7, (1, 11), 0.5, "mixed"),
        (9, 17, (4, 4), 0.5, "mixed"),
        (4, 6, (7, 7), 0.5, "mixed"),
        (1, 11, (1, 11), 0.5, "diverse"),
        (4, 4, (7, 7), 0.5, "insufficient"),
    ],
)
def test_domestic_grades(
    captured: int, of: int, reached: tuple[int, int], covered: float, says: str
) -> None:
    """The same bounds as abroad, there and back."""
    found, _ = domestic_grade(
        figures(made(captured, of), reached=made(*reached), covered=covered), Policy()
    )
    assert found == says


@pytest.mark.parametrize(
    ("captured", "silent", "says"),
    [
        (8, 2, "single_hub"),
        (8, 3, "concentrated"),
        (8, 8, "mixed"),
        (8, 20, "mixed"),
        (6, 1, "concentrated"),
    ],
)
def test_who_shows_no_way_is_not_forgotten(captured: int, silent: int, says: str) -> None:
    """All others reach each other over Gate; whoever is silent may not."""
    found, reason = domestic_grade(figures(made(captured, captured), silent=silent), Policy())
    assert found == says
    sentence = (
        f"With those of which no way is known ({silent}), {captured} of {captured + silent} other "
        "organisations reach the others over Gate."
    )
    assert (reason == sentence) == (silent in {3, 8, 20})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"covered": 0.09}, "9% of the country's users were covered; 10% are needed."),
        ({"weighed": 0.49}, "Weighed by users, 49% of what was measured passes it;"),
        ({"reached_weighed": 0.49}, "Weighed by users, 49% of the networks traced to"),
        ({"turns": 2}, "Passed by turns, with more than 20% of the traces direct or over"),
        ({"meets": True}, "It looks like an exchange, and meeting is what exchanges are for."),
        ({"meets": True, "turns": 2}, "It looks like an exchange"),
    ],
)
def test_what_speaks_against_a_single_hub_is_said_where_there_would_be_one(
    changes: dict[str, Any], why: str
) -> None:
    """The first thing of several; where the grade is none in any case it changes nothing."""
    grade, reason = domestic_grade(figures(made(7, 7), **changes), Policy())
    assert grade == "concentrated"
    assert reason.startswith(
        "7 of 7 other organisations reach the others over Gate, which is not called a single hub: "
        f"{why}"
    )
    grade, reason = domestic_grade(figures(made(6, 6), **changes), Policy())
    assert grade == "concentrated"
    assert reason.startswith(describe(made(6, 6), Policy()))


@pytest.mark.parametrize(("captured", "reached"), [(6, 7), (7, 6)])
def test_a_meeting_place_is_called_one_whatever_is_said_of_it(captured: int, reached: int) -> None:
    """Whether those that measured are too few for a single hub or those traced to."""
    grade, reason = domestic_grade(
        figures(made(captured, captured), reached=made(reached, reached), meets=True), Policy()
    )
    assert grade == "concentrated"
    assert reason.endswith(
        " It is a meeting place and no single hub: meeting is what exchanges are for."
    )


@pytest.mark.parametrize(
    ("of", "resolved", "said"),
    [
        (
            5,
            0.6,
            (
                "diverse",
                "No network or exchange is on most of the traces of any domestic pair whose way is "
                "known.",
            ),
        ),
        (4, 1.0, ("insufficient", "4 of the 5 organisations needed could be judged.")),
        (5, 0.59, ("insufficient", "The way is known for 59% of the domestic pairs.")),
    ],
)
def test_domestic_paths_without_anything_between(
    of: int, resolved: float, said: tuple[str, str]
) -> None:
    """Direct neighbours are diverse when five could be judged and the ways are known."""
    assert domestic_grade(figures(None, of, resolved=resolved), Policy()) == said


def test_who_asks_for_more_confidence_needs_more_neighbours_for_diverse() -> None:
    """As abroad: with 99% none of five leaves open whether six in ten pass one hub."""
    strict = Policy(confidence=0.99)
    assert domestic_grade(figures(None, 5), strict) == (
        "mixed",
        "The upper bound of the captured share, 0.61, does not exclude 0.50.",
    )
    assert domestic_grade(figures(None, 7), strict)[0] == "diverse"


@pytest.mark.parametrize("captured", [0, 1])
def test_what_speaks_against_diverse_is_said_where_it_would_be(captured: int) -> None:
    """Whether nobody stands between or somebody between few; elsewhere it changes nothing."""
    policy, few = Policy(), made(4, 6)
    spread = replace(WIDE, abroad=0.5)
    (why,) = not_diverse(spread, policy)
    top = made(captured, 11) if captured else None
    assert domestic_grade(figures(top, 11, spread=spread), policy) == ("mixed", why)
    assert domestic_grade(figures(few, 11, spread=spread), policy) == (
        "mixed",
        describe(few, policy),
    )


def doubts(**changes: Any) -> list[str]:
    """Why ways of which nothing else is known are not "diverse"."""
    usual: dict[str, Any] = {"abroad": 0.0, "carrier": None, "unmapped": None, "apart": None}
    return not_diverse(Spread(**(usual | {"effective": 3.0} | changes)), Policy())


def test_ways_half_of_which_go_abroad_show_nothing() -> None:
    """Neither a hub at home nor that there is none."""
    assert doubts(abroad=0.49) == []
    assert doubts(abroad=0.5)[0].startswith("50% of the ways at home")


def test_whom_half_pass_at_home_or_abroad_forbids_diverse() -> None:
    """It may be a hub at home, or carry to another country and back who has no other way."""
    assert doubts(carrier=made(4, 9)) == []
    (reason,) = doubts(carrier=made(5, 10))
    assert reason.startswith("5 of 10 other organisations pass Gate on at least 80% of their ways")


def test_numbers_of_a_network_that_half_show_forbid_diverse() -> None:
    """They may be of lines that it leases to rivals, or of its routers."""
    assert doubts(apart=made(4, 9)) == []
    (reason,) = doubts(apart=made(5, 10))
    assert reason.startswith("5 of 10 organisations show addresses of Gate between")


def test_private_numbers_that_half_show_forbid_diverse() -> None:
    """They may be anybody's."""
    assert doubts(unmapped=made(4, 9)) == []
    (reason,) = doubts(unmapped=made(5, 10))
    assert reason.startswith("5 of 10 organisations show hops of ")


def test_fewer_than_three_effective_hubs_forbid_diverse() -> None:
    """As of gateways abroad."""
    assert doubts(effective=2.99) == [
        "The ways at home go over 2.99 effective hubs; 3 are needed to call them diverse."
    ]
