"""Why a gateway was missed, on countries of which the reason is known."""

from __future__ import annotations

import sys

import pytest

from analysis.simulated.error_rates import CELLS, Cell, Outcome
from analysis.simulated.world import SimulatedTable
from probe.record import Hop, Reply, Trace, Vantage
from scripts.missed import (
    CHANCE,
    LYING,
    PARTLY,
    SILENT,
    UNKNOWABLE,
    WEIGHED,
    causes,
    main,
    missed,
    why_unseen,
)

SWITCHED = Cell("switched", 6, wanted=0.95, at_most=False)
GATE, CUSTOMER, CARRIER = "20.2.1.103", "20.0.3.77", "30.0.0.9"


def trace(border: str | None, destination: int = 0) -> Trace:
    """A path of which the last router at home answers like this."""
    words = ("192.168.1.1", "20.0.3.1", border, "30.0.0.2", "30.0.0.250", f"40.0.{destination}.200")
    return Trace(
        dst_addr=f"40.0.{destination}.200",
        af=4,
        proto="ICMP",
        timestamp=0.0,
        endtime=0.0,
        hops=tuple(
            Hop(number, (Reply() if address is None else Reply(address, 1.0, 60, 56),))
            for number, address in enumerate(words, start=1)
        ),
        vantage=Vantage("v3.0", 103, None, "XA"),
    )


@pytest.mark.parametrize(
    ("borders", "why"),
    [
        ([(None, 0), (None, 1), (GATE, 0)], SILENT),
        ([(CUSTOMER, 0), (CARRIER, 1), (None, 0)], LYING),
        ([(CUSTOMER, 0), (CUSTOMER, 0), (GATE, 1)], PARTLY),
        ([(CUSTOMER, 0), (GATE, 0), (GATE, 1)], CHANCE),
    ],
)
def test_what_stands_in_the_gateways_place_is_the_reason(
    borders: list[tuple[str | None, int]], why: str
) -> None:
    """Silence on most traces, a neighbour on all destinations, on some, or now and then."""
    traces = [trace(border, destination) for border, destination in borders]
    assert why_unseen(traces, SimulatedTable(3)) == why


def test_a_gateway_that_never_answers_is_missed_for_its_silence() -> None:
    """Country 18 of six networks: one site, and both of its routers are silent for good."""
    assert set(causes(SWITCHED, 18)) == {SILENT}


def test_moves_too_far_apart_are_missed_by_whoever_knows_them() -> None:
    """Country 165: never half of the networks within four weeks."""
    assert causes(SWITCHED, 165) == [UNKNOWABLE]


def test_a_country_whose_largest_network_is_not_seen_is_missed_for_its_weight() -> None:
    """Country 82 of twenty: 18 count, and not the one that has more addresses than all others."""
    assert causes(Cell("captured", 20, 0.97, at_most=False), 82) == [WEIGHED]


def test_only_countries_in_which_the_stated_share_is_captured_are_missed() -> None:
    """97% of ten is all ten; a switch-on is missed whoever moved."""
    captured = next(cell for cell in CELLS if cell.name == "captured-97-10")
    outcomes = {
        4: Outcome(10, 10, False, "concentrated", False),
        2: Outcome(10, 10, False, "concentrated", False),
        3: Outcome(10, 10, True, "single_gateway", False),
        1: Outcome(10, 9, False, "concentrated", False),
    }
    assert list(missed(captured, outcomes)) == [2, 4]
    assert list(missed(SWITCHED, {7: Outcome(6, 5, False, "mixed", False)})) == [7]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["roc-none.jsonl"], "roc-none.jsonl is not there; name a file roc-CODE.jsonl of a run"),
        (["README.md", "--cells", "captured-97-11"], "'captured-97-11'"),
    ],
)
def test_what_is_not_there_is_said(
    typed: list[str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """That nothing was missed is said of draws alone."""
    monkeypatch.setattr(sys, "argv", ["missed", *typed])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
