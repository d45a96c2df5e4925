"""Simulated countries are as their page says, and the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from analysis.simulated.simulation import FIRST_DAY, Churn, Simulated, Truth, country, over_time
from analysis.simulated.world import GATEWAY, Faults
from probe.record import Trace

CLEAN = Faults(silent=0.0, mute=0.0, misattributed=0.0, wrong=0.0, fixed=0.0)


def addresses(trace: Trace) -> list[str | None]:
    return [hop.replies[0].address for hop in trace.hops]


def shows_gateway(simulated: Simulated, trace: Trace) -> bool:
    return any(
        address is not None and simulated.table.lookup(address).organisation == GATEWAY
        for address in addresses(trace)
    )


def test_the_same_seed_is_the_same_country() -> None:
    """Trace by trace; another seed is another country."""
    truth = Truth(8, 0.6)
    assert country(truth, "a").traces == country(truth, "a").traces
    assert country(truth, "a").traces != country(truth, "b").traces


def test_without_faults_the_traces_are_the_truth() -> None:
    """Whoever is behind the gateway shows it on every trace, nobody else on any."""
    simulated = country(Truth(12, 0.6), "clean", faults=CLEAN)
    assert 0 < len(simulated.behind) < 12
    for trace in simulated.traces:
        assert trace.vantage is not None
        name = f"Network {trace.vantage.asn - 100}"  # type: ignore[operator]
        assert shows_gateway(simulated, trace) is (name in simulated.behind)


def test_an_exact_share_is_exact() -> None:
    """97% of 20 networks are 19, in every draw."""
    for seed in "abcd":
        assert len(country(Truth(20, 0.97, independently=False), seed).behind) == 19


def test_a_quarter_of_the_hops_is_silent() -> None:
    """Counted over twenty countries, behind the home router."""
    hops = [
        address
        for seed in range(20)
        for trace in country(Truth(10, 0.97), str(seed)).traces
        for address in addresses(trace)[1:]
    ]
    assert hops.count(None) / len(hops) == pytest.approx(0.25, abs=0.03)


def test_a_tenth_of_the_traces_and_a_twentieth_of_the_networks_are_misattributed() -> None:
    """Of those behind the gateway, with nothing else wrong."""
    faults = Faults(silent=0.0, mute=0.0)
    shown: Counter[bool] = Counter()
    never = networks = 0
    for seed in range(40):
        simulated = country(Truth(10, 1.0), str(seed), faults=faults)
        by_network: dict[int, list[bool]] = {}
        for trace in simulated.traces:
            assert trace.vantage is not None
            # The gateway's own spare block is what a third network's address may be.
            real = any(a is not None and a.startswith("20.2.") and not a.startswith("20.2.15.")
                       for a in addresses(trace))  # fmt: skip
            by_network.setdefault(trace.vantage.asn or 0, []).append(real)
        for seen in by_network.values():
            networks += 1
            if not any(seen):
                never += 1
            else:
                shown.update(seen)
    assert never / networks == pytest.approx(0.05, abs=0.025)
    assert shown[False] / shown.total() == pytest.approx(0.10, abs=0.02)


def test_most_volunteers_sit_in_one_network() -> None:
    """80% of them, one day each; all others measure every day."""
    simulated = country(Truth(11, 0.0), "crowd")
    days: dict[str, set[float]] = {}
    for trace in simulated.traces:
        assert trace.vantage is not None
        days.setdefault(trace.vantage.id, set()).add(trace.timestamp)
    crowd = [who for who in days if who.startswith("v1.")]
    assert len(crowd) / len(days) == pytest.approx(0.8)
    assert {len(days[who]) for who in crowd} == {1}
    assert {len(days[who]) for who in days if who not in crowd} == {14}


def test_a_switch_puts_networks_behind_the_gateway_for_good() -> None:
    """Nobody before the roll-out, everybody it reached after it, whatever changed before."""
    simulated = over_time(8, "switch", days=100, rollout=range(40, 60), captured=1.0, faults=CLEAN)
    assert simulated.switched is not None
    assert simulated.halfway is not None
    assert 40 <= (simulated.switched - FIRST_DAY).days <= (simulated.halfway - FIRST_DAY).days < 60
    for trace in simulated.traces:
        day = int(trace.timestamp // 86_400) - FIRST_DAY.toordinal() + 719_163
        if day < 40:
            assert not shows_gateway(simulated, trace)
        elif day >= 60:
            assert shows_gateway(simulated, trace)


def test_a_year_without_a_switch_has_changes_and_no_gateway() -> None:
    """Networks change their providers, volunteers come and go; the gateway never shows."""
    simulated = over_time(6, "year", days=365, faults=CLEAN, churn=Churn(quits=3.0))
    assert simulated.switched is None
    assert not any(shows_gateway(simulated, trace) for trace in simulated.traces)
    volunteers = {trace.vantage.id for trace in simulated.traces if trace.vantage is not None}
    assert len({who for who in volunteers if who.startswith("v2.")}) > 1
    ways = {
        tuple(a for a in addresses(trace) if a is not None and a.startswith("20."))
        for trace in simulated.traces
        if trace.vantage is not None and trace.vantage.asn == 102
    }
    assert len(ways) > 1
