"""The benchmark's own parts: what it declares, how it forms ratios, what it says is missing.

No figure is asserted: how fast something is belongs in docs/performance.md, not in a test.
"""

from __future__ import annotations

import doctest
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from scripts.bench import __main__ as bench
from scripts.bench import comparison as comparison_module
from scripts.bench import goals, networks, reading, truth
from scripts.bench import table as table_module
from scripts.bench.comparison import (
    TIME_OVER,
    Comparison,
    Found,
    Measured,
    Missing,
    Result,
    Run,
    Side,
    Spread,
    compare,
    ratio,
)
from scripts.bench.declared import COMPARISONS
from scripts.bench.scene import Scene, here
from scripts.bench.stopwatch import measured
from scripts.bench.table import missing, plain, table

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import ModuleType

FOREVER = lambda: 1e9  # noqa: E731 - as long as it takes

PASS = Side("ours", ("{python}", "-c", "pass"))
TOOL = Side("no-such-tool", ("no-such-tool-of-the-bench",), program="no-such-tool-of-the-bench")
PACKAGE = Side("no-such-package", ("{python}",), module="no_such_package_of_the_bench")
FAILING = Side("failing", ("{python}", "-c", "raise SystemExit('it broke')"))


def comparison(*peers: Side, repetitions: int = 1) -> Comparison:
    return Comparison("passing", "nothing at all", here, (PASS,), peers, repetitions=repetitions)


def printed(*results: Result) -> str:
    console = Console(width=132)
    with console.capture() as captured:
        console.print(table(list(results)))
    return captured.get()


def of_costs(name: str, *seconds: float) -> Measured:
    return Measured(Side(name), runs=[Run({"seconds": value}) for value in seconds])


def test_rounds_are_interleaved(tmp_path: Path) -> None:
    """Every side runs once before any runs twice; a slow one drops out after its share."""
    order: list[str] = []

    @contextmanager
    def scene(folder: Path) -> Iterator[Scene]:
        with here(folder) as place:
            start = place.start

            def noted(words: Sequence[str], side: Side, home: Path) -> subprocess.Popen[str]:
                order.append(side.name)
                return start(words, side, home)

            place.start = noted
            yield place

    slow = Side("slow", PASS.command, most=1)
    declared = Comparison("order", "", scene, (PASS,), (slow,), repetitions=3)
    result = compare(declared, tmp_path, FOREVER)
    assert order == ["ours", "slow", "ours", "ours"]
    assert [len(side.runs) for side in result.sides] == [3, 1]


def test_a_ratio_is_formed_within_each_round() -> None:
    """A slow minute that hits both sides of a round leaves the ratio as it is."""
    ours, peer = of_costs("ours", 1.0, 10.0, 3.0), of_costs("peer", 2.0, 20.0, 2.0)
    assert ratio(ours, peer, "seconds") == Spread(0.5, 0.5, 1.5)
    assert ratio(ours, of_costs("once", 4.0), "seconds") == Spread(0.75, 0.25, 2.5)
    assert ratio(ours, of_costs("nothing"), "seconds") is None
    assert ratio(ours, peer, "memory") is None


def test_the_table_has_a_row_for_each_pair() -> None:
    """A pair's row holds its ratio with the spread, the medians of both, and the hops found."""
    ours, peer = of_costs("ours", 1.0, 2.0), of_costs("peer", 2.0, 2.0, 2.0)
    ours.runs.append(Run({"seconds": 3.0}, found={"hops": Found(6, 1)}))
    result = Result(comparison(), ours=[ours], peers=[peer], there={"hops": 7})
    shown = printed(result)
    for text in ("passing", "ours", "/ peer", "1.00 (0.50–1.50)", "2.00 s / 2.00 s"):
        assert text in shown
    assert "hops 6 (+1 wrong) / –" in shown
    assert "of 7" in shown


def test_absent_peers_are_named_with_the_reason(tmp_path: Path) -> None:
    """A tool or package that is not installed, or fails, is named; the others are measured."""
    declared = comparison(TOOL, PACKAGE, FAILING, Side("none", cannot="has no part in this"), PASS)
    result = compare(declared, tmp_path, FOREVER)
    assert missing([result]) == [
        "passing: without no-such-tool: no-such-tool-of-the-bench is not installed",
        "passing: without no-such-package: "
        "the Python package no_such_package_of_the_bench is not installed",
        "passing: without failing: ended with 1: it broke",
        "passing: without none: has no part in this",
    ]
    assert [(ours.side.name, peer and peer.side.name) for ours, peer in result.pairs()] == [
        ("ours", "ours")
    ]
    (said,) = plain([result])
    assert [peer["runs"] for peer in said["peers"]] == [0, 0, 0, 0, 1]
    assert said["ratios"][0]["seconds"]["median"] > 0


def test_without_its_scene_a_comparison_says_so(tmp_path: Path) -> None:
    """Where the namespaces cannot stand, the comparison is named with the reason."""

    @contextmanager
    def closed(_: Path) -> Iterator[Scene]:
        raise Missing("the lab needs root")
        yield

    result = compare(Comparison("lab", "", closed, (PASS,), ()), tmp_path, FOREVER)
    assert missing([result]) == ["lab: not made: the lab needs root"]
    assert plain([result])[0]["skipped"] == "the lab needs root"


def test_what_the_time_did_not_allow_is_named(tmp_path: Path) -> None:
    """After the time for the whole run nothing is started any more."""
    result = compare(comparison(PASS), tmp_path, lambda: 0.0)
    assert missing([result]) == ["passing: not made: the time for the whole run was over"]


def test_rounds_that_were_left_out_are_counted(tmp_path: Path) -> None:
    """Where time runs out in the middle, what was measured is kept and the rest is named."""
    left = iter([9.0, 9.0, 9.0, 9.0, 9.0, 9.0])
    result = compare(comparison(PASS, repetitions=3), tmp_path, lambda: next(left, 0.0))
    ran = [len(side.runs) for side in result.sides]
    assert 0 < sum(ran) < 6
    assert f"passing: {ran[0]} of 3 rounds of ours: {TIME_OVER}" in missing([result])


def test_a_command_that_hangs_is_stopped() -> None:
    """The stopwatch ends a command, and what it started, after the seconds it is given."""
    said = measured([sys.executable, "-c", "import time; time.sleep(600)"], 0.2)
    assert said["code"] is None


def test_only_refuses_an_unknown_name() -> None:
    """A wrong name is a wrong use, and the right ones are said."""
    done = CliRunner().invoke(bench.main, ["--only", "faster"])
    assert done.exit_code == 2
    assert all(declared.name in done.output for declared in COMPARISONS)


def test_json_holds_machine_and_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """One object: what it ran on and every figure; nothing else on standard output."""
    monkeypatch.setattr(bench, "COMPARISONS", (comparison(PASS),))
    done = CliRunner().invoke(bench.main, ["--json"])
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert {"cores", "kernel", "python", "gatewatch", "date", "seconds"} < said.keys()
    assert [one["name"] for one in said["comparisons"]] == ["passing"]


def test_declarations_are_well_formed() -> None:
    """Names are told apart, every side has a name and a command or a reason why it has none."""
    names = [declared.name for declared in COMPARISONS]
    assert len(set(names)) == len(names)
    for declared in COMPARISONS:
        sides = [*declared.ours, *declared.peers]
        assert len({side.name for side in sides}) == len(sides)
        assert all(bool(side.command) or bool(side.cannot) for side in sides)
        assert declared.ours
        assert declared.peers


@pytest.mark.parametrize(
    "module", [comparison_module, goals, networks, reading, table_module, truth]
)
def test_examples_hold(module: ModuleType) -> None:
    """The examples in the docstrings give what they say."""
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_scampers_paths_are_read(tmp_path: Path) -> None:
    """Of scamper's JSON lines those of traces count; a hop that is not there is a star."""
    trace = {
        "type": "trace",
        "dst": "192.0.2.9",
        "hops": [{"addr": "192.0.2.1", "probe_ttl": 1}, {"addr": "192.0.2.9", "probe_ttl": 3}],
    }
    lines = "\n".join(json.dumps(line) for line in ({"type": "cycle-start"}, trace))
    assert reading.scamper(lines, tmp_path).paths == {"192.0.2.9": ("192.0.2.1", None, "192.0.2.9")}
