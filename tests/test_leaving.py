"""From a volunteer's disk to a collector's, while both are cut off again and again."""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness.collecting import lasting_port
from tests.harness.consenting import agree
from tests.harness.leaving import Machine, check_nothing_lost_nothing_doubled, cut_off_at_random
from tests.probe.sharing.test_bundling import keep, trace


def test_kill_9_of_either_end_neither_loses_nor_doubles_a_trace(tmp_path: Path) -> None:
    """Bundling, sending and receiving, each killed ten times: nothing lost, nothing doubled."""
    machine = Machine(agree(tmp_path / "home"))
    port = lasting_port()
    (machine.home / "settings.toml").write_text(
        f"collector = {json.dumps(f'http://127.0.0.1:{port}')}\n", encoding="utf-8"
    )

    def measure(number: int) -> None:
        keep(machine.home, *(trace(3 * number + i, 100 + i) for i in range(3)))

    with cut_off_at_random(machine, tmp_path / "held", measure, (), port) as collector:
        check_nothing_lost_nothing_doubled(machine, collector)
