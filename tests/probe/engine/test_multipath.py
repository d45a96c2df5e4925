from __future__ import annotations

import tomllib
from collections import Counter, deque
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from probe.engine.multipath import (
    STEADY,
    Enumeration,
    MultipathLimits,
    chance_of_a_miss,
    probes_needed,
)
from probe.graph import Graph
from probe.network import Kind
from probe.network.scenario import load
from tests.harness.enumerating import SCENARIOS, drive, links_of, nodes_of, stated_links

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock

    from probe.network.scenario import Scenario

# What scamper's tracelb sent for a diamond of this width, as counted in a lab of kernels.
TRACELB = {2: 51, 4: 93, 8: 173, 16: 380}


def heard_before(scenario: Scenario, path: Enumeration, target: str, flow: int) -> int:
    """Tell what an ordinary trace of one flow would have heard; says what that took."""
    way = scenario.way(target, flow)
    assert way is not None
    for ttl, router in enumerate(way.hops, 1):
        if router.address is not None:
            path.answered(ttl, flow, router.address, Kind.TIME_EXCEEDED, 0.001 * ttl)
    path.answered(len(way.hops) + 1, flow, target, Kind.DESTINATION, 0.001 * len(way.hops))
    return len(way.hops) + 1


def play(
    scenario: Scenario, path: Enumeration, target: str = "203.0.113.7", at_once: int | None = None
) -> None:
    """The same without a clock: all probes that can be sent go, then all are answered."""
    packet = 0
    ways = cache(scenario.way)
    while not path.done:
        round_: list[tuple[int, int]] = []
        while len(round_) != at_once and (probe := path.next_probe()) is not None:
            path.sent(*probe)
            round_.append(probe)
        assert round_
        for ttl, flow in round_:
            packet += 1
            way = ways(target, flow)
            assert way is not None
            router = (way.anew(packet) if way.anew else way).at(ttl)
            if router is None:
                path.answered(ttl, flow, target, Kind.DESTINATION, 0.01)
            elif router.address is None:
                path.lost(ttl, flow)
            else:
                path.answered(ttl, flow, router.address, Kind.TIME_EXCEEDED, 0.01)


def ask_in_turn(path: Enumeration, host: Callable[[int, int], int | None]) -> Counter[int]:
    """Answer each probe before the next is sent; says how often each flow was asked.

    ``host`` gives the last number of who answers a flow that is asked for the n-th time, None for
    nobody.
    """
    asked: Counter[int] = Counter()
    while (probe := path.next_probe()) is not None:
        path.sent(*probe)
        asked[probe[1]] += 1
        answering = host(probe[1], asked[probe[1]])
        if answering is None:
            path.lost(*probe)
        else:
            path.answered(*probe, f"192.0.2.{answering}", Kind.TIME_EXCEEDED, 0.01)
    return asked


def explored(scenario: Scenario, limits: MultipathLimits) -> tuple[Graph, int]:
    """What a whole enumeration finds after an ordinary trace, and the probes of both."""
    path = Enumeration(limits, 1, 32, 0)
    before = heard_before(scenario, path, "203.0.113.7", 0)
    play(scenario, path)
    graph = path.graph()
    return graph, before + graph.probes


@pytest.mark.parametrize("name", SCENARIOS)
async def test_scenario(name: str, autojump_clock: MockClock) -> None:
    """A network described in a file has the nodes and links that the file says, none else."""
    scenario = load(SCENARIOS[name])
    for expected in tomllib.loads(SCENARIOS[name])["trace"]:
        first = expected.get("first", 1)
        last = expected.get("last", len(expected["nodes"]) + first - 1)
        path = Enumeration(MultipathLimits(), first, last, expected.get("flow", 0))
        log = await drive(scenario.network(), path, expected["target"])
        graph = path.graph()
        assert [level.ttl for level in graph.levels] == list(range(first, last + 1))
        assert nodes_of(graph) == [sorted(level) for level in expected["nodes"]]
        assert links_of(graph) == stated_links(first, expected["links"])
        assert all(level.complete for level in graph.levels)
        spread = [level.ttl for level in graph.levels if level.per_packet]
        assert spread == expected.get("per_packet", [])
        assert graph.probes == len(log) <= expected.get("most_probes", len(log))


@pytest.mark.parametrize("width", TRACELB)
def test_all_nodes_and_links_are_found_with_few_probes(width: int) -> None:
    """In at least 95% of 200 networks all is found, never more, with tracelb's probes or fewer."""
    scenario = load(SCENARIOS[f"width_{width}"])
    [expected] = tomllib.loads(SCENARIOS[f"width_{width}"])["trace"]
    nodes, links = expected["nodes"], stated_links(1, expected["links"])
    whole = probes = 0
    for seed in range(200):
        graph, sent = explored(replace(scenario, seed=seed), MultipathLimits())
        found = nodes_of(graph)
        assert links_of(graph) <= links
        assert all(set(level) <= set(true) for level, true in zip(found, nodes, strict=True))
        whole += found == nodes and links_of(graph) == links
        probes += sent
    assert whole >= 190
    assert probes / 200 <= TRACELB[width]


def test_the_rule_of_99_percent_finds_more_for_more() -> None:
    """Asked to miss less, it sends more and misses less."""
    scenario = load(SCENARIOS["width_2"])
    whole, probes = {0.05: 0, 0.01: 0}, {0.05: 0, 0.01: 0}
    for failure in whole:
        for seed in range(200):
            graph, sent = explored(replace(scenario, seed=seed), MultipathLimits(failure=failure))
            assert graph.failure == failure
            whole[failure] += len(graph.links) == 6
            probes[failure] += sent
    assert whole[0.01] > whole[0.05] >= 190
    assert whole[0.01] >= 196
    assert probes[0.01] > probes[0.05]


@pytest.mark.parametrize("failure", [0.05, 0.01])
@pytest.mark.parametrize("successors", [2, 3, 8, 16, 64, 101])
def test_the_rule_is_met_and_no_probe_is_wasted_on_it(successors: int, failure: float) -> None:
    """One probe fewer would miss a next hop more often than allowed."""
    probes = probes_needed(successors, failure)
    assert chance_of_a_miss(successors, probes) <= failure
    assert chance_of_a_miss(successors, probes - 1) > failure


async def test_all_hops_are_asked_at_once(autojump_clock: MockClock) -> None:
    """Before the first answer can be there, six flows are on their way to every hop, in turn."""
    scenario = load(SCENARIOS["chain"].replace("rtt = 1 ", "rtt = 100 "))
    path = Enumeration(MultipathLimits(), 1, 4, 7)
    log = await drive(scenario.network(), path, "203.0.113.7")
    assert [probe[1] for probe in log[:8]] == [1, 2, 3, 4, 1, 2, 3, 4]
    assert {flow for _, ttl, flow in log if ttl == 1} == {7, 8, 9, 10, 11, 12}
    assert all(at < 0.1 for at, ttl, _ in log if ttl == 1)


def test_a_flow_serves_every_hop() -> None:
    """Flows are used again from hop to hop: no more of them than the widest hop was asked with."""
    graph, _ = explored(load(SCENARIOS["width_16"]), MultipathLimits())
    used = {flow for level in graph.levels for node in level.nodes for flow in node.flows}
    widest = max(sum(len(node.flows) for node in level.nodes) for level in graph.levels)
    assert len(used) == widest


@pytest.mark.parametrize("name", ["width_8", "nested", "asymmetric", "meshed", "uneven"])
def test_every_link_has_a_flow_seen_at_both_ends(name: str) -> None:
    """A link is never concluded from one end alone; they stand in order."""
    graph, _ = explored(load(SCENARIOS[name]), MultipathLimits())
    steps = [(link.ttl, link.near or "", link.far or "") for link in graph.links]
    assert steps
    assert steps == sorted(steps)
    assert all(link.flows == tuple(sorted(link.flows)) for link in graph.links)
    at = {(level.ttl, node.address): node.flows for level in graph.levels for node in level.nodes}
    for link in graph.links:
        assert link.flows
        assert set(link.flows) <= set(at[link.ttl, link.near]) & set(at[link.ttl + 1, link.far])


@pytest.mark.parametrize("name", ["width_4", "nested", "meshed", "uneven"])
def test_every_node_gets_the_flows_that_the_rule_asks_for(name: str) -> None:
    """Of each node with k next hops as many flows are known to go on as exclude another one."""
    graph, _ = explored(load(SCENARIOS[name]), MultipathLimits())
    for level in graph.levels[:-1]:
        for node in level.nodes:
            out = [x for x in graph.links if (x.ttl, x.near) == (level.ttl, node.address)]
            after = graph.levels[level.ttl]
            through = {flow for further in after.nodes for flow in further.flows}
            if len(level.nodes) > 1:
                through &= set(node.flows)
            assert len(through) >= probes_needed(len(out) + 1, 0.05)


@pytest.mark.parametrize("at_once", [1, 7])
def test_fewer_at_once_find_the_same(at_once: int) -> None:
    """However many probes are under way at a time, a nested diamond is found whole."""
    [expected] = tomllib.loads(SCENARIOS["nested"])["trace"]
    path = Enumeration(MultipathLimits(), 1, 5, 0)
    play(load(SCENARIOS["nested"]), path, at_once=at_once)
    assert nodes_of(path.graph()) == expected["nodes"]
    assert links_of(path.graph()) == stated_links(1, expected["links"])


def test_what_was_heard_before_is_not_asked_again() -> None:
    """A hop known from an ordinary trace costs one probe less, and nothing behind its end any."""
    path = Enumeration(MultipathLimits(), 1, 32, 0)
    scenario = load(SCENARIOS["chain"])
    heard_before(scenario, path, "203.0.113.7", 0)
    play(scenario, path)
    assert path.graph().probes == 4 * 5
    assert [level.ttl for level in path.graph().levels] == [1, 2, 3, 4]


def test_the_budget_ends_it_and_the_graph_says_what_is_missing() -> None:
    """Out of budget, what was found stands, and hops without their due are not complete."""
    path = Enumeration(MultipathLimits(budget=40), 1, 5, 0)
    play(load(SCENARIOS["width_16"]), path)
    graph = path.graph()
    assert graph.probes == 40
    assert [level.complete for level in graph.levels] == [True, True, False, False, False]
    assert 1 < len(graph.levels[2].nodes) <= 16


def test_complete_is_what_meets_the_rule_wherever_it_is_broken_off() -> None:
    """Through each node before a hop, and at all hops before, as many flows as the rule asks."""
    scenario = load(SCENARIOS["uneven"])
    for budget in range(1, explored(scenario, MultipathLimits())[0].probes):
        path = Enumeration(MultipathLimits(budget=budget), 1, 5, 0)
        play(scenario, path, at_once=1)
        enough = True
        ways_before: list[set[int]] = []
        for level in path.graph().levels:
            flows = [set(node.flows) for node in level.nodes]
            everything = set().union(*flows)
            for through in ways_before if len(ways_before) > 1 or not enough else [everything]:
                hops = [through & met for met in flows if through & met]
                seen = sum(map(len, hops))
                enough &= seen >= probes_needed(max(1, len(hops)) + 1, 0.05)
            assert level.complete == enough, (budget, level.ttl)
            ways_before = flows


def test_a_late_answer_is_no_silence() -> None:
    """An answer to a probe that was given up puts its node where silence stood."""
    path = Enumeration(MultipathLimits(attempts=1), 2, 2, 0)
    flows = []
    while (probe := path.next_probe()) is not None:
        path.sent(*probe)
        flows.append(probe[1])
    for flow in flows:
        path.lost(2, flow)
    assert path.done
    assert nodes_of(path.graph()) == [["*"]]
    for flow in flows:
        path.answered(2, flow, "192.0.2.1", Kind.TIME_EXCEEDED, 3.0)
    assert nodes_of(path.graph()) == [["192.0.2.1"]]
    assert path.done


def test_a_silent_hop_is_not_asked_for_ever() -> None:
    """Nothing answers: two attempts for each flow of the first lot, and that is all."""
    path = Enumeration(MultipathLimits(), 4, 4, 0)
    while not path.done:
        probe = path.next_probe()
        assert probe is not None
        path.sent(*probe)
        path.lost(*probe)
    assert path.graph().probes == 3 * 2 + 3
    assert path.graph().levels[0].complete


def test_flows_are_counted_round() -> None:
    """Behind the last flow comes the first."""
    path = Enumeration(MultipathLimits(), 1, 1, 65534)
    scenario = load(SCENARIOS["chain"])
    play(scenario, path)
    [level] = path.graph().levels
    assert level.nodes[0].flows == (65534, 65535, 0, 1, 2, 3)


@pytest.mark.parametrize(("answered", "most"), [(1, 2), (2, 3)])
def test_where_repeating_has_helped_flows_are_asked_once_more(answered: int, most: int) -> None:
    """A hop that answers now and then is not given up as soon as one that always does."""
    path = Enumeration(MultipathLimits(), 1, 1, 0)
    asked = ask_in_turn(path, lambda flow, nth: 1 if flow == 0 and nth >= answered else None)
    assert asked[0] == answered + STEADY
    assert max(count for flow, count in asked.items() if flow) == asked[1] == most


LIMITING = """
[[path]]
to = "203.0.113.0/24"
hops = [
  { address = "192.0.2.1", rtt = 1 },
  { address = "192.0.2.2", rtt = 3, per_second = 1 },
  [
    [{ address = "192.0.2.11", rtt = 4 }],
    [{ address = "192.0.2.12", rtt = 4 }],
    [{ address = "192.0.2.13", rtt = 4 }],
  ],
  { address = "192.0.2.3", rtt = 5 },
]
end = { rtt = 9 }
"""


@pytest.mark.parametrize("flow", range(0, 2000, 100))
async def test_a_router_that_limits_its_answers_is_left_alone(
    autojump_clock: MockClock, flow: int
) -> None:
    """One answer a second: its silence is no second router, and it is not asked for ever.

    Taken for a silent router beside it, that had it asked by hundreds of flows.
    """
    path = Enumeration(MultipathLimits(), 1, 5, flow)
    log = await drive(load(LIMITING).network(), path, "203.0.113.7", 0.05)
    assert nodes_of(path.graph()) == [
        ["192.0.2.1"],
        ["192.0.2.2"],
        ["192.0.2.11", "192.0.2.12", "192.0.2.13"],
        ["192.0.2.3"],
        ["203.0.113.7"],
    ]
    assert sum(ttl == 2 for _, ttl, _ in log) <= 60
    assert len(log) <= 140
    assert not path.graph().levels[1].complete


def test_a_repetition_that_is_lost_takes_nothing_back() -> None:
    """What a flow has met stands, though the same flow is not answered again."""
    path = Enumeration(MultipathLimits(), 1, 1, 0)
    asked = ask_in_turn(path, lambda flow, nth: flow % 2 if nth == 1 else None)
    assert asked.total() == len(asked) + 5
    [level] = path.graph().levels
    assert [node.address for node in level.nodes] == ["192.0.2.0", "192.0.2.1"]
    assert {flow for node in level.nodes for flow in node.flows} == set(asked)


@pytest.mark.parametrize("most", [3, 6, 12])
def test_it_is_over_when_the_last_answer_is_there(most: int) -> None:
    """Neither before nor never, also where several probes of one flow are under way."""
    path = Enumeration(MultipathLimits(), 1, 1, 0)
    under_way: deque[tuple[int, int]] = deque()
    while not path.done:
        while len(under_way) < most and (probe := path.next_probe()) is not None:
            path.sent(*probe)
            under_way.append(probe)
        ttl, flow = under_way.popleft()
        path.answered(ttl, flow, f"192.0.2.{flow % 2}", Kind.TIME_EXCEEDED, 0.01)
    assert not under_way
    assert nodes_of(path.graph()) == [["192.0.2.0", "192.0.2.1"]]


@pytest.mark.parametrize(("silent", "nodes"), [(1, ["192.0.2.1"]), (2, ["*", "192.0.2.1"])])
def test_one_flow_without_an_answer_is_loss_and_two_are_a_router(
    silent: int, nodes: list[str]
) -> None:
    """Where others have an answer; else each packet lost would be a parallel path."""
    path = Enumeration(MultipathLimits(), 1, 1, 0)
    ask_in_turn(path, lambda flow, _nth: None if flow < silent else 1)
    assert nodes_of(path.graph()) == [nodes]


def test_a_node_that_only_a_repetition_has_met_is_one_of_those_to_be_told_apart() -> None:
    """Three of them, one by a packet asked again: as many flows as rule out a fourth."""
    path = Enumeration(MultipathLimits(), 1, 1, 0)
    asked = ask_in_turn(path, lambda flow, nth: flow % 2 if nth == 1 else 2)
    assert len(asked) == probes_needed(4, 0.05)
    assert path.graph().levels[0].per_packet


def test_repetitions_are_spent_behind_forks_and_no_more_than_the_rule_needs() -> None:
    """Five, however many flows are known to pass there; none where each flow goes one way."""
    path = Enumeration(MultipathLimits(), 1, 2, 0)
    asked: Counter[tuple[int, int]] = Counter()
    while not path.done:
        at_once = []
        while (probe := path.next_probe()) is not None:
            path.sent(*probe)
            at_once.append(probe)
        for ttl, flow in at_once:
            asked[ttl, flow] += 1
            arm = flow % 2
            host = arm if ttl == 1 else 2 + (arm and flow % 4)
            path.answered(ttl, flow, f"192.0.2.{host}", Kind.TIME_EXCEEDED, 0.01)
    again = [(ttl, flow) for (ttl, flow), times in asked.items() for _time in range(times - 1)]
    assert Counter(ttl for ttl, _ in again) == {1: 5, 2: 5}
    assert {flow % 2 for ttl, flow in again if ttl == 2} == {1}
    assert nodes_of(path.graph())[1] == ["192.0.2.2", "192.0.2.3", "192.0.2.5"]
