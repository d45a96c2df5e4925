"""What a run costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from probe.allowance import Ledger, bytes_of
from probe.record import Trace, to_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON = 1_645_012_800.0  # 2022-02-16 12:00 UTC
DAY = 86_400.0


def trace(address: str, probes: int, *, at: float = NOON, proto: str = "ICMP") -> Trace:
    return Trace(
        dst_addr=address,
        af=4,
        proto=proto,
        timestamp=at,
        endtime=at + 1,
        hops=(),
        size=60,
        probes=probes,
        stop="destination",
    )


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., Path]:
    """Writes traces as a spool has them."""

    def write(*traces: Trace) -> Path:
        (tmp_path / "2022-02-16.jsonl").write_text(
            "".join(f"{to_line(one)}\n" for one in traces), encoding="utf-8"
        )
        return tmp_path

    return write


def test_only_what_was_sent_today_counts_against_the_day(keep: Callable[..., Path]) -> None:
    """A day is one of UTC, from midnight to midnight."""
    folder = keep(
        trace("192.0.2.1", 10, at=NOON - DAY / 2 - 1),
        trace("192.0.2.1", 20, at=NOON - DAY / 2),
        trace("192.0.2.2", 5, at=NOON),
    )
    assert Ledger(folder, NOON).spent == 25 * 60
    assert Ledger(folder, NOON + DAY).spent == 0


def test_a_target_is_foreseen_by_its_last_trace_and_others_by_the_mean(
    keep: Callable[..., Path],
) -> None:
    """12 as the last time, and (12 + 18) / 2 for one that is new: 27 packets of 60 bytes."""
    folder = keep(
        trace("192.0.2.1", 30, at=NOON - 9), trace("192.0.2.1", 12), trace("192.0.2.2", 18)
    )
    cost = Ledger(folder, NOON).foresee([("192.0.2.1", "ICMP"), ("192.0.2.3", "ICMP")], 20.0)
    assert (cost.targets, cost.known, cost.packets, cost.bytes) == (2, 1, 27, 27 * 60)
    assert cost.minutes == pytest.approx(27 / 20 / 60)


def test_another_protocol_is_another_path(keep: Callable[..., Path]) -> None:
    """What ICMP took is no more than a hint for UDP."""
    folder = keep(trace("192.0.2.1", 12))
    assert Ledger(folder, NOON).foresee([("192.0.2.1", "UDP")], 20.0).known == 0


def test_without_a_spool_what_is_usual_is_said(tmp_path: Path) -> None:
    """Fourteen probes of 60 bytes a target."""
    cost = Ledger(tmp_path / "none", NOON).foresee([("192.0.2.1", "ICMP")] * 10, 20.0)
    assert (cost.known, cost.packets, cost.bytes) == (0, 140, 8400)


def test_bytes_of_a_trace_are_those_of_its_probes() -> None:
    """From the IP header on; an unknown size counts as the usual one."""
    assert bytes_of(trace("192.0.2.1", 3)) == 180
    assert bytes_of(replace(trace("192.0.2.1", 3), size=None)) == 180


def test_measured_are_the_targets_of_one_flow_within_a_day(keep: Callable[..., Path]) -> None:
    """An older run is over, and another flow another run."""
    folder = keep(
        trace("192.0.2.1", 12, at=NOON - DAY),
        trace("192.0.2.2", 12, at=NOON - DAY + 1),
        replace(trace("192.0.2.3", 12), paris_id=4),
    )
    ledger = Ledger(folder, NOON)
    assert ledger.measured(0) == {"192.0.2.2"}
    assert ledger.measured(4) == {"192.0.2.3"}
