"""Reading the spool of a volunteer itself: what its machine knows to be misdated counts nowhere."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from analysis.intake.load import load
from probe.cli import main
from probe.misdated import Misdated, put_down_misdated
from probe.record import WRONG_CLOCK
from tests.probe.sharing.test_bundling import NOON, keep, trace


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Three traces, of which the one in the middle was dated by a clock that was set since."""
    keep(tmp_path, trace(1), trace(2), trace(3))
    put_down_misdated(tmp_path / "spool", Misdated(NOON + 2, NOON + 2, 2))
    return tmp_path / "spool"


def test_what_no_bundle_takes_is_left_out_by_its_reason(spool: Path) -> None:
    """An alarm goes by days; the raw spool counted what its own bundles kept back."""
    done = CliRunner().invoke(main, ["analyze", str(spool), "--country", "KH", "--json"])
    assert json.loads(done.stdout)["rejected"]["wrong_clock"] == 1
    (day,) = spool.glob("*.jsonl")
    done = CliRunner().invoke(main, ["analyze", str(day), "--country", "KH", "--json"])
    assert json.loads(done.stdout)["rejected"]["wrong_clock"] == 1


def test_only_what_is_misdated_is_noted_in_whatever_form_the_day_comes(spool: Path) -> None:
    """Packed by its owner, or with lines in it that are no records."""
    (day,) = spool.glob("*.jsonl")
    lines = day.read_bytes()
    odd = [{"gatewatch": 3, "paris_id": 2, "timestamp": NOON + 2}, {"timestamp": "x"}, [1]]
    day.write_bytes(lines + b"".join(json.dumps(one).encode() + b"\n" for one in odd))
    packed = spool / f"{day.name}.gz"
    packed.write_bytes(gzip.compress(lines))
    for name, unread in ((day, 3), (packed, 0)):
        found = load([str(name)])
        assert [WRONG_CLOCK in one.notes for one in found.traces] == [False, True, False]
        assert found.rejected["malformed"] == unread
