"""The benchmark's own parts: what it declares, how it forms ratios, what it says is missing.

No figure is asserted: how fast something is belongs in docs/performance.md, not in a test.
"""

from __future__ import annotations

import doctest
import json
import os
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from scripts.bench import __main__ as bench
from scripts.bench import cluster, goals, lab, networks, reading, tracers, truth
from scripts.bench import comparison as comparison_module
from scripts.bench import table as table_module
from scripts.bench.comparison import (
    TIME_OVER,
    Comparison,
    Found,
    Goal,
    Measured,
    Missing,
    Result,
    Run,
    Said,
    Side,
    Spread,
    compare,
    ratio,
)
from scripts.bench.declared import COMPARISONS
from scripts.bench.scene import Scene, here
from scripts.bench.stopwatch import measured
from scripts.bench.table import missing, plain, table, unmet
from scripts.bench.truth import Truth, judged
from tests.lab.namespaces import requires_lab
from tests.lab.path import paths_seen

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from scripts.bench.comparison import Paths
    from scripts.bench.networks import Network

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


def test_without_any_of_ours_no_peer_is_run(tmp_path: Path) -> None:
    """Where there is nothing to compare it with, a slow peer costs no time."""
    ours = Side("ours", PASS.command, cannot="it is not there yet")
    result = compare(Comparison("none", "", here, (ours,), (PASS,)), tmp_path, FOREVER)
    assert missing([result]) == ["none: not made: it is not there yet"]
    assert not any(side.runs for side in result.sides)


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


@pytest.mark.xdist_group("cluster")
def test_a_cluster_has_so_many_workers() -> None:
    """And is gone, with its workers, when the comparison is over."""
    distributed = pytest.importorskip("distributed")
    with (
        cluster.running(1) as address,
        distributed.Client(f"tcp://{address}", set_as_default=False) as client,
    ):
        assert list(client.nthreads().values()) == [1]
        pid = next(iter(client.run(os.getpid).values()))
    assert not Path(f"/proc/{pid}").exists()


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
    assert {"cores", "kernel", "python", "gatewatch", "code", "date", "seconds"} < said.keys()
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


def test_links_of_tracelb_are_read(tmp_path: Path) -> None:
    """Of scamper's load-balanced paths every link counts; one to nobody is none."""
    nodes = [
        {"addr": "192.0.2.1", "links": [[{"addr": "192.0.2.2"}], [{"addr": "*"}]]},
        {"addr": "192.0.2.2", "links": [[{"addr": "192.0.2.3"}, {"addr": "192.0.2.4"}]]},
        {"addr": "192.0.2.3"},
    ]
    trace = {"type": "tracelb", "dst": "192.0.2.9", "nodes": nodes}
    lines = "\n".join(json.dumps(line) for line in ({"type": "cycle-start"}, trace))
    assert reading.tracelb(lines, tmp_path).links == {
        ("192.0.2.1", "192.0.2.2"),
        ("192.0.2.2", "192.0.2.3"),
        ("192.0.2.2", "192.0.2.4"),
    }


def test_the_engines_lines_are_read(tmp_path: Path) -> None:
    """Each line is a path and what was inferred in it; the last says how long a probe took."""
    lines = '["192.0.2.9", ["192.0.2.1", null, "192.0.2.9"], [1]]\n{"seconds": 6.0, "probes": 3}'
    said = reading.engine_pace(lines, tmp_path)
    assert said.paths == {"192.0.2.9": ("192.0.2.1", None, "192.0.2.9")}
    assert said.inferred == {"192.0.2.9": {1}}
    assert said.each == 2.0
    assert reading.engine(lines, tmp_path).each is None


def test_a_path_counts_for_its_hops_routers_links_and_border() -> None:
    """What was found is counted by what is there; what is inferred was not measured."""
    true = ("192.0.2.1", "192.0.2.2", None, "198.51.100.4", "198.51.100.5")
    there = Truth({"198.51.100.5": true, "198.51.100.9": (*true[:4], "198.51.100.9")}, border=4)
    assert there.there() == {"hops": 8, "measured": 8, "routers": 3, "links": 3, "border": 2}
    paths: Paths = {"198.51.100.5": true, "198.51.100.9": (None, *true[1:4], "203.0.113.7")}
    inferred = {"198.51.100.5": frozenset({1})}
    assert judged(Said(paths, inferred=inferred), there) == {
        "hops": Found(6, 1),
        "measured": Found(5),
        "routers": Found(3),
        "links": Found(2),
        "border": Found(1),
    }
    inferred = {"198.51.100.5": frozenset({2})}
    assert judged(Said(paths, inferred=inferred), there)["border"] == Found(0)


def test_links_count_where_paths_fork() -> None:
    """Where several ways lead to a target, routers and links are counted, wrong ones apart."""
    there = Truth(links=frozenset({("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")}))
    assert there.there() == {"routers": 4, "links": 4}
    said = Said({}, links=frozenset({("a", "b"), ("b", "d"), ("a", "x")}))
    assert judged(said, there) == {"routers": Found(3, 1), "links": Found(2, 1)}


OURS, PEER = Side("ours", ("x",)), Side("peer", ("y",))


def asked(goal: Goal, ours: list[Run], peer: list[Run]) -> list[bool | None]:
    """Whether each thing that a goal asks of these runs is met, where there are ten hops."""
    declared = Comparison("goals", "", here, (OURS,), (PEER,), goals=(goal,))
    sides = [Measured(OURS, runs=ours)], [Measured(PEER, runs=peer)]
    result = Result(declared, ours=sides[0], peers=sides[1], there={"hops": 10})
    return [check.met for check in goals.checks(result)]


@pytest.mark.parametrize(("ours", "met"), [(9.0, True), (10.0, True), (11.0, False)])
def test_a_cost_is_compared_with_the_peers(ours: float, met: bool) -> None:
    """The median of the ratios decides, once as many as were asked for included."""
    costs = [Run({"seconds": seconds}) for seconds in (ours, ours, 40.0)]
    peer = [Run({"seconds": 20.0})]
    assert asked(Goal(OURS, PEER, most={"seconds": 0.5}), costs, peer) == [met]
    assert asked(Goal(OURS, most={"seconds": 10.0}), costs, []) == [met]
    assert asked(Goal(OURS, PEER, most={"seconds": 0.5}), costs, []) == [None]


def test_what_is_found_is_compared_with_what_is_there_or_the_peers() -> None:
    """The worst round counts, and one hop that is not there fails it."""
    good, bad = Run({}, {"hops": Found(10)}), Run({}, {"hops": Found(9)})
    wrong = Run({}, {"hops": Found(10, 1)})
    everything = Goal(OURS, least={"hops": 1.0})
    assert asked(everything, [good, good], []) == [True]
    assert asked(everything, [good, bad], []) == [False]
    assert asked(everything, [wrong], []) == [False]
    assert asked(everything, [], []) == [None]
    assert asked(Goal(OURS, least={"hops": 0.9}), [bad], []) == [True]
    often = Goal(OURS, least={"hops": 1.0}, runs=0.75)
    assert asked(often, [good, good, good, bad], []) == [True]
    assert asked(often, [good, good, wrong, bad], []) == [False]
    like = Goal(OURS, PEER, like=("hops",))
    assert asked(like, [bad], [bad]) == [True]
    assert asked(like, [bad], [good]) == [False]
    assert asked(like, [bad], []) == [None]


def test_goals_stand_below_the_table() -> None:
    """How many are met is said, then each that is not with its figure or the reason."""
    goal = Goal(OURS, PEER, most={"seconds": 0.5, "cpu": 2.0}, least={"hops": 1.0})
    declared = Comparison("goals", "", here, (OURS,), (PEER,), goals=(goal,))
    run = Run({"seconds": 3.0}, {"hops": Found(9)})
    ours, peer = Measured(OURS, runs=[run]), Measured(PEER, runs=[Run({"seconds": 4.0})])
    assert unmet([Result(declared, ours=[ours], peers=[peer], there={"hops": 10})]) == [
        "goals: 0 of 3 met",
        "not met: goals: ours / peer: wall ≤ 0.5: 0.75",
        "not met: goals: ours / peer: hops all: 90.00%",
        "not measured: goals: ours: CPU ≤ 2: nothing to compare",
    ]
    absent = Measured(OURS, absent="it is not there yet")
    assert unmet([Result(declared, ours=[absent], peers=[peer], there={"hops": 10})])[1] == (
        "not measured: goals: ours: wall ≤ 0.5, CPU ≤ 2, hops all: it is not there yet"
    )


def test_goals_are_of_sides_that_are_compared() -> None:
    """Every goal names one of ours and a peer of the same comparison, and figures it measures."""
    for declared in COMPARISONS:
        for goal in declared.goals:
            assert goal.ours in declared.ours
            assert goal.peer is None or goal.peer in declared.peers
            assert goal.most.keys() <= set(declared.figures)


def answers(network: Network, *words: str) -> list[tuple[int, int, str]]:
    """Probe all targets at once, without a session: flow, TTL and who answered."""
    command = [sys.executable, "-m", "tests.lab.prober", *words[:2], *network.targets, *words[2:]]
    said = json.loads(network.vantage.run(command).stdout)
    probes = said["probes"]
    return [
        (probe["flow"], probe["ttl"], answer["address"])
        for answer in said["answers"]
        for probe in [probes[str(answer["token"])]]
    ]


@pytest.mark.lab
@requires_lab
def test_a_row_is_what_it_is_said_to_be() -> None:
    """Silent hops are silent, dark ends dark, every packet is counted by the first router."""
    with networks.row(count=3, dark=1, silent=[2, 5]) as network:
        seen = paths_seen([network.vantage], network.targets, patience=1.0)[network.vantage.name]
        assert {target: [who for who, _ in path] for target, path in seen.items()} == {
            target: [*path, *[None] * (12 - len(path))]
            for target, path in network.truth.paths.items()
        }
        assert network.packets() == 12 * 3


@pytest.mark.lab
@requires_lab
def test_a_lossy_row_loses_one_probe_in_twenty() -> None:
    """Of probes that pass the middle router 5% are lost, of others none."""
    with networks.row(count=150, lossy=True) as network:
        heard = answers(network, "raw", "icmp", "--ttls", "12", "--seconds", "3")
    by_ttl = Counter(ttl for _, ttl, _ in heard)
    middle = networks.ROUTERS // 2 + 1
    assert [by_ttl[ttl] for ttl in range(1, middle + 1)] == [150] * middle
    lost = sum(150 - by_ttl[ttl] for ttl in range(middle + 1, 13))
    # 45 of 900, give or take five standard deviations.
    assert 12 < lost < 78


@pytest.mark.lab
@requires_lab
def test_a_tree_is_what_it_is_said_to_be() -> None:
    """107 routers, seven hops to each of the targets behind its forty ends."""
    with networks.tree(count=80) as network:
        there = network.truth.there()
        assert (there["hops"], there["routers"], there["links"]) == (560, 107, 186)
        seen = paths_seen([network.vantage], network.targets, hops=7)
    assert {
        target: tuple(who for who, _ in path) for target, path in seen[network.vantage.name].items()
    } == network.truth.paths


@pytest.mark.lab
@requires_lab
@pytest.mark.parametrize("width", [2, 16])
def test_a_diamond_is_what_it_is_said_to_be(width: int) -> None:
    """Many flows take every link that is there and no other, each flow one way."""
    with networks.diamond(width=width) as network:
        heard = answers(network, "raw", "udp", "--ttls", "5", "--flows", "200")
    flows: dict[int, dict[int, str]] = {}
    for flow, ttl, address in heard:
        flows.setdefault(flow, {})[ttl] = address
    found = {
        (path[ttl], path[ttl + 1])
        for path in flows.values()
        for ttl in range(1, 5)
        if ttl in path and ttl + 1 in path
    }
    assert found == network.truth.links


@pytest.mark.lab
@requires_lab
def test_the_reflector_answers_as_a_row_does() -> None:
    """A kernel takes its answers, checksums and all, for those of routers and a target."""
    with networks.reflection(count=1) as network:
        before = network.packets()
        heard = answers(network, "errqueue", "icmp", "--ttls", "14")
        assert network.packets() - before == 14
    (target,) = network.targets
    path = [*network.truth.paths[target], target, target]
    assert sorted(heard) == [(0, ttl, address) for ttl, address in enumerate(path, start=1)]
    assert network.truth.there()["hops"] == 12


@pytest.mark.lab
@requires_lab
def test_all_ways_are_looked_for_and_judged(tmp_path: Path) -> None:
    """Of a diamond two wide most links are found whatever chance will have, and no other."""
    declared = Comparison(
        "diamond", "", lab.scene("diamond", width=2), (tracers.WAYS,), (), tracers.TRACING
    )
    result = compare(replace(declared, repetitions=1), tmp_path, FOREVER)
    assert missing([result]) == []
    found = result.ours[0].found("links")
    assert found is not None
    assert (found.wrong, result.there["links"]) == (0, 6)
    assert found.right >= 4


@pytest.mark.lab
@requires_lab
@pytest.mark.parametrize(
    "ours",
    [
        tracers.ENGINE,
        tracers.ENGINE_ECONOMICAL,
        tracers.ENGINE_PING,
        tracers.ENGINE_UDP,
        tracers.RUN,
    ],
    ids=lambda side: side.name,
)
def test_each_of_ours_runs_and_is_judged(tmp_path: Path, ours: Side) -> None:
    """What the benchmark runs of ours runs, and finds all there is, counted by the first router."""
    declared = Comparison("row", "", lab.scene("row", count=5), (ours,), (), tracers.TRACING)
    result = compare(replace(declared, repetitions=1), tmp_path, FOREVER)
    assert missing([result]) == []
    ((run,),) = (side.runs for side in result.ours)
    assert run.costs["packets"] >= 12
    there = {thing: Found(count) for thing, count in result.there.items()}
    assert {**run.found, "measured": there["measured"]} == there
    assert (run.found["measured"] < there["measured"]) == (ours is tracers.ENGINE_ECONOMICAL)
