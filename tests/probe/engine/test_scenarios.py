"""The networks in ``tests/scenarios``, in memory; ``tests/lab`` plays them with real packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from probe.network.scenario import load
from tests.harness.playing import SCENARIOS, play

if TYPE_CHECKING:
    from trio.testing import MockClock


@pytest.mark.parametrize("name", SCENARIOS)
async def test_scenario(name: str, autojump_clock: MockClock) -> None:
    """A network described in a file gives the traces that the file says."""
    network = load(SCENARIOS[name]).network()
    played = await play(network, SCENARIOS[name])
    assert played
    for each in played:
        numbers = [hop.number for hop in each.trace.hops]
        assert numbers == list(range(1, len(numbers) + 1))
        assert [" ".join(map(str, hop)) for hop in each.hops] == each.expected["hops"]
        assert each.trace.stop == each.expected["stop"]
        assert each.trace.probes == each.expected.get("probes", each.trace.probes)
