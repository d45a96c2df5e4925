"""Round-trip times by the kernel's clock, and by ours where that was set."""

from __future__ import annotations

import pytest

from probe.network.clock import round_trip

SECOND = 1_000_000_000


def test_kernel_time_makes_the_round_trip() -> None:
    """The kernel's receive time counts, not the moment at which we came to read."""
    assert round_trip(100 * SECOND, 5 * SECOND, 100 * SECOND + 2_000_000, 6 * SECOND) == 0.002


@pytest.mark.parametrize("step", [-3600 * SECOND, 3600 * SECOND])
def test_a_clock_that_was_set_does_not_make_a_round_trip(step: int) -> None:
    """When the wall clock jumps under way, the monotonic clock gives the time instead."""
    received = 100 * SECOND + step
    assert round_trip(100 * SECOND, 5 * SECOND, received, 5 * SECOND + 40_000_000) == 0.04


def test_without_kernel_time_the_monotonic_clock_counts() -> None:
    """A missing time stamp gives the time until reading."""
    assert round_trip(100 * SECOND, 5 * SECOND, None, 5 * SECOND + 40_000_000) == 0.04
