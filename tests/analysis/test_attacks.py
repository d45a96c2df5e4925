"""Whoever sends poisoned data makes nobody a single gateway and hides none, under a third held.

A small, seeded part of what `make attacks` counts for ``docs/attacks.md``; and that
without a defence its attack would succeed.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import scripts.attacks
from analysis.intake.load import load
from analysis.policy import Policy
from analysis.simulated.error_rates import TRIED
from analysis.simulated.world import GATEWAY
from scripts.attacks import (
    ATTACKS,
    Attack,
    Case,
    bomb,
    burst_of_exits,
    cases,
    diverse_exits,
    drowned,
    false_links,
    injected_hop,
    judged,
    one_key_everywhere,
    row,
    scene,
    slow_drip,
    tried,
)

FRAMED = [Case("frame", truth, share, 10, 3) for truth, share in (("diverse", 0.0), ("mixed", 0.5))]
HIDDEN = Case("hide", "captured", 1.0, 10, 3)


@pytest.mark.parametrize("case", FRAMED, ids=lambda case: case.truth)
def test_no_attack_makes_a_single_gateway(case: Case) -> None:
    """Three of ten networks lie; in the mixed country half of them all are truly captured."""
    outcomes = zip(ATTACKS["frame"], tried(case, 1, ATTACKS["frame"]), strict=True)
    assert [attack.__name__ for attack, outcome in outcomes if outcome.framed] == []


def test_no_attack_hides_a_gateway() -> None:
    """Three of ten networks deny the gateway: it is still named."""
    outcomes = tried(HIDDEN, 1, ATTACKS["hide"])
    assert outcomes[0].before == ("single_gateway", GATEWAY)
    named = zip(ATTACKS["hide"], outcomes, strict=True)
    assert [attack.__name__ for attack, outcome in named if outcome.hidden] == []


def test_liars_are_under_a_third() -> None:
    """Every case of the table is within what is claimed."""
    assert all(3 * case.held < case.networks for case in cases())


def says(
    attack: Attack, monkeypatch: pytest.MonkeyPatch, captured: float, **changes: float
) -> tuple[str, str | None]:
    """Grade and name after an attack, under a rule with some of its defences down."""
    monkeypatch.setattr(scripts.attacks, "TRIED", replace(TRIED, **changes))  # type: ignore[arg-type]
    drawn = scene(20, 6, captured, "defences")
    verdict = judged([*drawn.honest, *attack(drawn)], drawn.simulated)
    return verdict.grade, verdict.gateway["name"] if verdict.gateway else None


def test_a_long_history_of_their_own_gives_liars_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a third of all must have moved, six liars make an alarm and are judged alone.

    Nobody is named even then, since all others were measured until shortly before.
    """
    assert says(slow_drip, monkeypatch, 0.0) == ("diverse", None)
    assert says(slow_drip, monkeypatch, 0.0, alarm_measured=0.0) == ("mixed", None)


def test_liars_convict_nobody_by_the_links_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the address table must show it too, six liars put the honest behind the gateway."""
    assert says(false_links, monkeypatch, 0.0)[1] is None
    assert says(false_links, monkeypatch, 0.0, unaided_name=0.0)[1] == GATEWAY


def test_a_burst_of_keys_on_one_day_moves_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty keys a network deny the gateway on one day: without the cap on days they are heard."""
    assert says(burst_of_exits, monkeypatch, 1.0)[1] == GATEWAY
    assert says(burst_of_exits, monkeypatch, 1.0, day_weight=1.0)[1] is None


def test_silent_destinations_drown_nobody() -> None:
    """Hundreds of pairs that show nothing are the word of the networks that sent them."""
    drawn = scene(20, 6, 1.0, "defences")
    verdict = judged([*drawn.honest, *drowned(drawn)], drawn.simulated)
    assert verdict.gateway is not None
    assert verdict.fields["captured"]["of"] == 14


def test_one_key_speaks_for_one_network() -> None:
    """A key in all of twenty networks counts in one of them."""
    drawn = scene(20, 6, 0.0, "defences")
    verdict = judged([*drawn.honest, *one_key_everywhere(drawn)], drawn.simulated)
    rejected = verdict.fields["rejected"]
    assert rejected["key_in_other_network"] + rejected.get("repeated_id", 0) == 19 * 14 * 5


def test_a_line_of_the_table_counts_what_happened() -> None:
    """Framed, hidden and lowered are told apart."""
    outcomes = tried(HIDDEN, 1, [diverse_exits])
    assert row(diverse_exits, HIDDEN, outcomes).endswith("| 0 of 1 | 0 of 1 | 1 of 1 |")
    framed = outcomes[0]._replace(after=("single_gateway", "Somebody"))
    assert framed.framed
    assert framed.hidden
    assert row(injected_hop, FRAMED[0], [framed._replace(captured=False)]).endswith(
        "| 1 of 1 | – | – |"
    )


def test_a_bomb_is_refused_within_bounded_memory(tmp_path: Path) -> None:
    """A megabyte that unpacks to a gigabyte is counted, named, and never held."""
    bomb(tmp_path)
    code = (
        "import resource, sys\n"
        "from analysis.intake.load import load\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "loaded = load([sys.argv[1]])\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(loaded.rejected['bomb'], after - before < 60_000, loaded.complaints[-1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert done.stdout.startswith("1 True ")
    assert "unpacks to more than 250 times its size" in done.stdout


def test_a_zstandard_bomb_is_refused_too(tmp_path: Path) -> None:
    """Its blocks of one repeated byte are the densest there are."""
    zstandard = pytest.importorskip("zstandard")
    path = tmp_path / "bomb.jsonl.zst"
    with path.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as writer:
        for _ in range(100):
            writer.write(b" " * (1 << 20))
    assert path.stat().st_size < 1 << 16
    assert load([str(path)]).rejected["bomb"] == 1


def test_a_line_longer_than_any_result_costs_itself_alone(tmp_path: Path) -> None:
    """It is passed over in pieces, and what follows is read."""
    path = tmp_path / "long.jsonl"
    trace = '{"fw": 5080, "af": 4, "dst_addr": "193.0.6.139", "timestamp": 1, "result": []}'
    path.write_text('{"x": "' + "a" * (20 << 20) + '"}\n' + trace + "\n", encoding="utf-8")
    loaded = load([str(path)])
    assert loaded.rejected == {"malformed": 1, "not_sent": 1}
    assert "longer than 8 MiB" in loaded.complaints[0]


def test_the_demand_of_keys_is_part_of_the_rule() -> None:
    """Three keys in two organisations."""
    assert (Policy().keys, Policy().key_organisations) == (3, 2)
