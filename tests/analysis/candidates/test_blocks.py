"""Which unmapped blocks are one operator's, by who shows them and how it goes on from there."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.candidates.blocks import BlockSeen, block_name, join_blocks, operators_among


def merge_blocks(sightings: Iterable[BlockSeen]) -> dict[str, tuple[str, ...]]:
    return operators_among(join_blocks(sightings))


def seen(
    organisation: str,
    block: str,
    successor: str | None = "198.51.100.1",
    *,
    destination: str = "d",
    at_border: bool = True,
) -> BlockSeen:
    return BlockSeen(organisation, destination, block, at_border, successor)


def test_a_block_that_one_organisation_sees_is_its_own_inside() -> None:
    """One network's private numbering is no candidate, however often it is seen."""
    assert merge_blocks(seen("a", "10.20.1.0/24", destination=d) for d in "xyz") == {}


def test_a_block_that_two_organisations_see_is_a_candidate() -> None:
    """Unmapped, by /24, and not seen from one network alone."""
    assert merge_blocks([seen("a", "10.20.1.0/24"), seen("b", "10.20.1.0/24")]) == {
        "10.20.1.0/24": ("10.20.1.0/24",)
    }


def test_neighbouring_blocks_with_the_same_way_on_are_one_operator() -> None:
    """10.20.1.0/24 … 10.20.40.0/24, each for one network, right before one foreign router."""
    blocks = [f"10.20.{i}.0/24" for i in range(1, 41)]
    merged = merge_blocks(seen(f"org{i}", block) for i, block in enumerate(blocks))
    assert set(merged.values()) == {tuple(blocks)}
    assert block_name(tuple(blocks)) == "10.20.1.0/24 … 10.20.40.0/24 (40 blocks)"


@pytest.mark.parametrize(
    ("why", "first", "second"),
    [
        ("other ways on", seen("a", "10.20.1.0/24", "1.1.1.1"), seen("b", "10.20.2.0/24")),
        ("the way on unknown", seen("a", "10.20.1.0/24", None), seen("b", "10.20.2.0/24", None)),
        ("not neighbours", seen("a", "10.20.1.0/24"), seen("b", "10.21.2.0/24")),
        (
            "other destinations",
            seen("a", "10.20.1.0/24", destination="x"),
            seen("b", "10.20.2.0/24", destination="y"),
        ),
        (
            "not at the border",
            seen("a", "10.20.1.0/24", at_border=False),
            seen("b", "10.20.2.0/24", at_border=False),
        ),
    ],
)  # fmt: skip
def test_blocks_are_not_joined_without_a_reason(
    why: str, first: BlockSeen, second: BlockSeen
) -> None:
    """Two blocks of two networks stay apart, and so neither is a candidate."""
    assert merge_blocks([first, second]) == {}, why


def test_blocks_that_alternate_and_go_on_together_are_one_operator() -> None:
    """Two far blocks in turn before the same foreign router, for two networks: one operator."""
    sightings = [
        seen(who, block) for who in ("a", "b") for block in ("10.20.1.0/24", "172.30.1.0/24")
    ]
    assert merge_blocks(sightings)["10.20.1.0/24"] == ("10.20.1.0/24", "172.30.1.0/24")


def test_networks_numbered_alike_inside_are_not_chained_into_one() -> None:
    """a uses blocks 1 and 2, b 2 and 3, c 3 and 4: each its own inside, with its own way on.

    Joining what alternates would make one "gateway" of unrelated networks.
    """
    sightings = [
        seen(f"org{i}", f"10.{2 + i + j}.0.0/24", f"198.51.100.{i}")
        for i in range(6)
        for j in range(2)
    ]
    assert all(len(group) == 1 for group in merge_blocks(sightings).values())


def test_commonplace_blocks_need_a_common_way_on() -> None:
    """10.0.0.0/24 in ten networks is a candidate when eight of them go on together, not seven."""
    for together, kept in ((10, True), (8, True), (7, False), (0, False)):
        sightings = [
            seen(f"org{i}", "10.0.0.0/24", "1.1.1.1" if i < together else f"2.2.2.{i}")
            for i in range(10)
        ]
        assert bool(merge_blocks(sightings)) is kept, together


def test_private_blocks_need_a_common_way_on_for_half() -> None:
    """Of the organisations, and of the destinations of each; to whichever place others use it."""
    for together, kept in ((10, True), (5, True), (4, False), (0, False)):
        sightings = [
            seen(
                f"org{i}",
                "10.254.254.0/24",
                "1.1.1.1" if i < together and to < 2 else f"2.2.2.{4 * i + to}",
                destination=f"{to if i % 2 else to + 4}",
            )
            for i in range(10)
            for to in range(4)
        ]
        assert bool(merge_blocks(sightings)) is kept, together


def test_joined_blocks_that_mostly_go_on_apart_fall_apart() -> None:
    """Ten networks numbered 10.20.i.0/24 that share one carrier's interface for one place."""
    sightings = [
        seen(f"org{i}", f"10.20.{i}.0/24", "1.1.1.1" if to == 0 else f"2.2.{to}.{i}",
             destination=f"{to}")
        for i in range(10)
        for to in range(5)
    ]  # fmt: skip
    assert merge_blocks(sightings) == {}


def test_public_blocks_need_no_common_way_on() -> None:
    """Nobody else has these numbers, though nobody announces them."""
    sightings = [seen(f"org{i}", "45.1.2.0/24", f"2.2.2.{i}") for i in range(4)]
    assert merge_blocks(sightings)


def test_where_no_way_on_is_seen_nothing_is_asked_of_it() -> None:
    """As between domestic networks."""
    assert merge_blocks(seen(f"org{i}", "10.20.1.0/24", None) for i in range(4))


def test_ipv6_blocks_are_merged_by_48_within_32() -> None:
    """Unannounced IPv6 space of one gateway is one candidate as well."""
    merged = merge_blocks(seen(f"org{i}", f"fd00:aaaa:{i}::/48", "2001:db8::1") for i in (1, 2, 3))
    assert len(merged["fd00:aaaa:1::/48"]) == 3
    apart = merge_blocks(seen(f"org{i}", f"fd00:{i}::/48", "2001:db8::1") for i in (1, 2, 3))
    assert apart == {}


def sightings_of(*blocks: str) -> st.SearchStrategy[list[BlockSeen]]:
    return st.lists(
        st.builds(
            BlockSeen,
            organisation=st.sampled_from(["a", "b", "c", "d"]),
            destination=st.sampled_from(["x", "y"]),
            block=st.sampled_from(blocks),
            at_border=st.booleans(),
            successor=st.sampled_from([None, "1.1.1.1", "2.2.2.2"]),
        ),
        max_size=14,
    )


# Families are judged apart, so no group mixes them.
SIGHTINGS = sightings_of(
    "10.0.0.0/24", "10.20.1.0/24", "10.20.2.0/24", "10.30.1.0/24", "192.168.1.0/24"
) | sightings_of("fd00:1:2::/48", "fd00:1:3::/48", "fd00:2:3::/48")


@settings(max_examples=200)
@given(SIGHTINGS, st.randoms(use_true_random=False))
def test_merging_depends_on_what_was_seen_only(
    sightings: list[BlockSeen], order: random.Random
) -> None:
    """Neither the order of the traces nor repetition changes a group."""
    merged = merge_blocks(sightings)
    shuffled = [*sightings, *sightings]
    order.shuffle(shuffled)
    assert merge_blocks(shuffled) == merged


@settings(max_examples=200)
@given(SIGHTINGS)
def test_groups_are_a_partition_seen_by_two_organisations(sightings: list[BlockSeen]) -> None:
    """Each block is in its own group and in no other; a group has two organisations at least."""
    merged = merge_blocks(sightings)
    for block, group in merged.items():
        assert block in group
        assert all(merged[member] == group for member in group)
        assert len({s.organisation for s in sightings if s.block in group}) >= 2
