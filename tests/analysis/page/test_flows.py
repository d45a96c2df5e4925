"""The picture of the paths: nothing is lost between the columns, and nothing lies outside."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.page.flows import FEW, MOST, UNKNOWN, Bar, Strand, lay_out, stand_together, strands_of

names = st.text("abcdef", min_size=1, max_size=3)
rows = st.fixed_dictionaries(
    {
        "organisation": names,
        "resolved": st.booleans(),
        "gateway_kind": st.sampled_from(["organisation", "exchange", "unmapped"]),
        "gateway": names,
        "own_exit": st.booleans(),
        "upstream_kind": st.sampled_from(["organisation", "exchange"]),
        "upstream": st.none() | names,
    }
)


def row(organisation: str, **said: Any) -> dict[str, Any]:
    plain = {
        "resolved": True,
        "gateway_kind": "organisation",
        "gateway": "Gate",
        "own_exit": False,
        "upstream_kind": "organisation",
        "upstream": "Far",
    }
    return {"organisation": organisation, **plain, **said}


def test_pairs_become_ways() -> None:
    """The candidate, others, the network itself and the unknown are told apart; parts sum to 1."""
    strands = strands_of(
        [
            row("A"),
            row("A", gateway="B"),
            row("A", gateway="A", own_exit=True),
            row("A", resolved=False, gateway=None, own_exit=None, upstream=None),
        ],
        ("organisation", "Gate"),
    )
    assert {strand.gateway for strand in strands} == {
        Bar("candidate", "Gate", kind="organisation"),
        Bar("gateway", "B", kind="organisation"),
        Bar("itself", "A", kind="organisation"),
        UNKNOWN,
    }
    assert [strand.weight for strand in strands] == [0.25] * 4
    assert [strand.abroad for strand in strands if strand.gateway == UNKNOWN] == [UNKNOWN]


def test_the_candidates_own_paths_leave_by_it() -> None:
    """A network that is the candidate is not drawn as another gateway beside it."""
    (strand,) = strands_of([row("Gate", gateway="Gate", own_exit=True)], ("organisation", "Gate"))
    assert strand.gateway == Bar("candidate", "Gate", kind="organisation")


@given(st.lists(rows, min_size=1, max_size=60))
def test_nothing_is_lost_and_nothing_overlaps(found: list[dict[str, Any]]) -> None:
    """Each column weighs the number of networks; bars stand apart, ribbons fill them."""
    strands = strands_of(found, ("organisation", "a"))
    flows = lay_out(strands, network_height=20.0, room=lambda *_: 15.0)
    networks = len({strand.network for strand in strands})
    for column in range(3):
        bars = sorted((b for b in flows.bars if b.column == column), key=lambda bar: bar.top)
        assert sum(bar.weight for bar in bars) == pytest.approx(networks)
        for one, following in pairwise(bars):
            assert one.top + one.height < following.top
        assert bars[0].top >= 0
        assert bars[-1].top + bars[-1].height <= flows.height
        for bar in bars:
            out = sum(r.height for r in flows.ribbons if r.source == bar)
            into = sum(r.height for r in flows.ribbons if r.target == bar)
            assert out == pytest.approx(bar.height if column < 2 else 0)
            assert into == pytest.approx(bar.height if column > 0 else 0)
    for ribbon in flows.ribbons:
        assert ribbon.source.top - 1e-6 <= ribbon.start
        assert ribbon.start + ribbon.height <= ribbon.source.top + ribbon.source.height + 1e-6
        assert ribbon.target.top - 1e-6 <= ribbon.end


def test_too_many_networks_are_one_bar() -> None:
    """What nobody could read stands together, with how many it is."""
    strands = [Strand(f"N{i:03}", Bar("gateway", "G"), Bar("abroad", "F"), 1.0) for i in range(100)]
    flows = lay_out(strands, network_height=20.0, room=lambda *_: 15.0)
    left = [bar.bar for bar in flows.bars if bar.column == 0]
    assert len(left) == MOST
    assert left[-1] == Bar("others", together=100 - MOST + 1)


def test_networks_stand_together_by_their_names_and_not_by_the_errors_of_sums() -> None:
    """Three thirds and ten tenths weigh the same, so the last by name are the others."""
    strands = [
        Strand(f"N{i:03}", Bar("gateway", "G"), Bar("abroad", f"F{part}"), 1 / parts)
        for i in range(MOST + 5)
        for parts in [3 if i % 2 else 10]
        for part in range(parts)
    ]
    flows = lay_out(strands, network_height=20.0, room=lambda *_: 15.0)
    left = [bar.bar.name for bar in flows.bars if bar.column == 0 and bar.bar.role == "network"]
    assert sorted(left) == [f"N{i:03}" for i in range(MOST - 1)]


def _leaving_by_themselves(count: int) -> list[Strand]:
    """Networks that each send half over a transit and half straight abroad."""
    return strands_of(
        [
            row(f"N{i:02}", gateway=gateway, own_exit=own)
            for i in range(count)
            for gateway, own in (("T", False), (f"N{i:02}", True))
        ],
        None,
    )


def test_many_networks_that_are_their_own_gateways_are_one_bar() -> None:
    """Thirty bars called "itself" tell less than one that says how many they are."""
    flows = lay_out(_leaving_by_themselves(25), network_height=20.0, room=lambda *_: 15.0)
    middle = {bar.bar: bar.weight for bar in flows.bars if bar.column == 1}
    assert middle == {
        Bar("gateway", "T", kind="organisation"): pytest.approx(12.5),
        Bar("themselves", together=25): pytest.approx(12.5),
    }
    assert stand_together(_leaving_by_themselves(25))


def test_few_networks_that_are_their_own_gateways_have_a_bar_each() -> None:
    """Where all can be told apart none is hidden."""
    flows = lay_out(_leaving_by_themselves(FEW - 1), network_height=20.0, room=lambda *_: 15.0)
    assert sum(bar.bar.role == "itself" for bar in flows.bars) == FEW - 1
    assert not stand_together(_leaving_by_themselves(FEW - 1))


def test_the_same_pairs_give_the_same_picture() -> None:
    """In whatever order they come."""
    some = [row(name, gateway=gateway) for name in "ABC" for gateway in ("G", "H")]
    one, other = (
        lay_out(strands_of(order, ("organisation", "G")), network_height=20.0, room=lambda *_: 15.0)
        for order in (some, some[::-1])
    )
    assert one == other
