from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from probe.network.scenario import _END_KEYS, _HOP_KEYS, ScenarioError, load
from tests.harness.playing import SCENARIOS

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = """
[[path]]
to = "203.0.113.0/24"
hops = [{ address = "192.0.2.1", rtt = 10 }, { address = "192.0.2.2", rtt = 30 }]
end = { rtt = 50 }
"""


def test_a_flow_keeps_to_its_branch_and_all_flows_use_all() -> None:
    """The branch depends on flow and target alone; over many flows each branch gets its part."""
    scenario = load("""
        [[path]]
        to = "203.0.113.0/24"
        hops = [[
          [{ address = "192.0.2.1", rtt = 1 }],
          [{ address = "192.0.2.2", rtt = 1 }],
          [[[{ address = "192.0.2.3", rtt = 1 }], [{ address = "192.0.2.4", rtt = 1 }]]],
        ]]
        end = "dark"
    """)
    first = [scenario.way("203.0.113.7", flow) for flow in range(300)]
    again = [scenario.way("203.0.113.7", flow) for flow in range(300)]
    assert first == again
    addresses = [way.hops[0].address for way in first if way is not None]
    assert 60 < addresses.count("192.0.2.1") < 140
    assert 60 < addresses.count("192.0.2.2") < 140
    assert 25 < addresses.count("192.0.2.3") < 75
    assert 25 < addresses.count("192.0.2.4") < 75


FORK = """
[[path]]
to = "203.0.113.0/24"
hops = [{ branches = [
  [{ address = "192.0.2.1", rtt = 1 }],
  [{ address = "192.0.2.2", rtt = 1 }],
], weights = [3, 1] }]
end = "dark"
"""


def test_flows_are_spread_by_weight() -> None:
    """A branch of weight 3 gets three flows in four, each of them for good."""
    scenario = load(FORK)
    ways = [scenario.way("203.0.113.7", flow) for flow in range(400)]
    addresses = [way.hops[0].address for way in ways if way is not None]
    assert 270 < addresses.count("192.0.2.1") < 330
    assert ways == [scenario.way("203.0.113.7", flow) for flow in range(400)]


def test_the_longest_prefix_decides_and_none_is_no_route() -> None:
    """A target takes the path of the most specific prefix it lies in."""
    scenario = load("""
        [[path]]
        to = ["203.0.113.0/24", "198.51.100.0/24"]
        hops = [{ address = "192.0.2.1", rtt = 1 }]
        end = "dark"
        [[path]]
        to = "203.0.113.128/25"
        hops = [{ address = "192.0.2.2", rtt = 1 }]
        end = "dark"
        [[path]]
        to = "::/0"
        hops = [{ address = "2001:db8::1", rtt = 1 }]
        end = "dark"
    """)
    first_hops = {}
    for target in ("203.0.113.1", "198.51.100.1", "203.0.113.200", "2001:db8:7::1"):
        way = scenario.way(target, 0)
        assert way is not None
        first_hops[target] = way.hops[0].address
    assert first_hops == {
        "203.0.113.1": "192.0.2.1",
        "198.51.100.1": "192.0.2.1",
        "203.0.113.200": "192.0.2.2",
        "2001:db8:7::1": "2001:db8::1",
    }
    assert scenario.way("192.0.2.77", 0) is None


BROKEN = {
    "not TOML": "[[path",
    r"no \[\[path\]\]": "seed = 1",
    "unknown key 'sed'": "sed = 1\n" + CHAIN,
    "path 1: unknown key 'too'": CHAIN.replace("to =", "too ="),
    r"path 1: to is a prefix or a list of them": CHAIN.replace("203.0.113.0/24", "203.0.113.7/24"),
    "path 1: to names prefixes of one IP version": CHAIN.replace(
        '"203.0.113.0/24"', '["203.0.113.0/24", "::/0"]'
    ),
    "path 1, hop 2: not an address: 'router'": CHAIN.replace("192.0.2.2", "router"),
    "path 1, hop 1: 2001:db8::1 is not IPv4": CHAIN.replace("192.0.2.1", "2001:db8::1"),
    "path 1, hop 1: no rtt": CHAIN.replace(", rtt = 10", ""),
    "path 1, hop 1: rtt is milliseconds": CHAIN.replace("rtt = 10", "rtt = -1"),
    "path 1, hop 1: loss is a number": CHAIN.replace("rtt = 10", 'rtt = 10, loss = "much"'),
    "path 1, hop 1: unknown key 'los'": CHAIN.replace("rtt = 10", "rtt = 10, los = 1"),
    "path 1, hop 1: no address": CHAIN.replace('address = "192.0.2.1", ', ""),
    "path 1, hop 1: a hop is a table": CHAIN.replace('{ address = "192.0.2.1", rtt = 10 }', "1"),
    "path 1, hop 1: a load balancer without": CHAIN.replace(
        '{ address = "192.0.2.1", rtt = 10 }', "[]"
    ),
    "path 1, hop 1: unknown key 'weight'": FORK.replace("weights", "weight"),
    "path 1, hop 1: weights are 2 numbers": FORK.replace("[3, 1]", "[3]"),
    "path 1, hop 1: per is 'flow' or 'packet'": FORK.replace("weights = [3, 1]", 'per = "mood"'),
    "path 1: no end": CHAIN.replace("end = { rtt = 50 }", ""),
    "path 1, end: a table or 'dark'": CHAIN.replace("{ rtt = 50 }", '"bright"'),
    "path 1, end: unreachable needs the address": CHAIN.replace(
        "{ rtt = 50 }", '{ rtt = 50, unreachable = "H" }'
    ),
    "path 1, end: answers is a list of icmp, udp, tcp": CHAIN.replace(
        "{ rtt = 50 }", '{ rtt = 50, answers = ["sctp"] }'
    ),
    "path 1, end: loop is how many of the 2 hops": CHAIN.replace("{ rtt = 50 }", "{ loop = 3 }"),
    "path 1, end: closed is true or false": CHAIN.replace("50", "50, closed = 1"),
    "path 1, end: unknown key 'tos'": CHAIN.replace("50", "50, tos = 8"),
    "path 1, end: unreachable is one of N, H, P, p, A or is a whole number": CHAIN.replace(
        "50", '50, address = "192.0.2.9", unreachable = "h"'
    ),
    "path 1, hop 1: reply_ttl is 'mirrored' or is a whole": CHAIN.replace(
        "10", "10, reply_ttl = 256"
    ),
    "path 1, hop 1: back is a whole number": CHAIN.replace("10", "10, back = 0.5"),
    "path 1, hop 1: quote is a whole number from 28": CHAIN.replace("10", "10, quote = 27"),
    "path 1, hop 1: a label is a whole number": CHAIN.replace("10", "10, mpls = [1048576]"),
    "path 1, hop 1: unknown key 'tll'": CHAIN.replace("10", "10, mpls = [{ label = 3, tll = 1 }]"),
    "path 1, hop 1: an extension is a table": CHAIN.replace("10", "10, extensions = [7]"),
    "path 1, hop 1: class of an extension is a whole": CHAIN.replace("10", "10, extensions = [{}]"),
    "path 1, hop 1: data is hexadecimal": CHAIN.replace(
        "10", '10, extensions = [{ class = 2, type = 1, data = "interface" }]'
    ),
    "path 1, hop 1: data is whole words": CHAIN.replace(
        "10", '10, extensions = [{ class = 2, type = 1, data = "00" }]'
    ),
    "path 1, hop 1: declared is true or false": CHAIN.replace("10", "10, declared = 0"),
    "path 1, hop 1: tos is a whole number from 1": CHAIN.replace("10", "10, tos = 0"),
    "path 1, hop 1: rewrites is a list of flow, id": CHAIN.replace("10", '10, rewrites = ["ttl"]'),
    "path 1, hop 1: 2001:db8::1 is not": CHAIN.replace("10", '10, forged = "2001:db8::1"'),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_scenario_that_cannot_be_played_is_refused_by_place(message: str, tmp_path: Path) -> None:
    """The error names the file, the path, the hop and what is wrong there."""
    file = tmp_path / "broken.toml"
    file.write_text(BROKEN[message])
    with pytest.raises(ScenarioError, match=rf"^broken\.toml.*{message}"):
        load(file)


def test_every_habit_is_played() -> None:
    """No key that a file may have for a hop or an end is without a scenario that has it."""
    texts = " ".join(SCENARIOS.values())
    keys = {*_HOP_KEYS, *_END_KEYS, "loop", "branches", "weights", "per", "jitter", "seed"}
    assert {key for key in keys if f"{key} = " not in texts} == set()


def test_each_scenario_says_what_it_is_for() -> None:
    """There are at least forty, and a reader learns from each what is odd about its network."""
    assert len(SCENARIOS) >= 40
    assert [name for name, text in SCENARIOS.items() if not text.startswith("description = ")] == []
