"""Tracers that are compared, on which network, and what gatewatch is to reach: as data.

Its goals are ratios to what scamper needs in the same run. Where the same work is compared it is
that of the engine alone, which prints paths as scamper does; ``gatewatch run`` does more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scripts.bench import reading
from scripts.bench.comparison import Comparison, Goal, Side
from scripts.bench.lab import scene

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from scripts.bench.comparison import Figure
    from scripts.bench.scene import Scene

# Packets per second, for gatewatch and scamper alike: for one target what a volunteer may ask
# for at most; for many what this scamper can do at most, and what is kind; for gatewatch alone
# more than it can do.
ONE = "1000"
MANY = "10000"
KIND = "100"
UNBOUNDED = "200000"

# 45 MB, in MiB: what any of ours may have resident at most.
RESIDENT = 45e6 / 2**20

# Of 50,000 probes a second, the seconds that each may take.
PACE = 1 / 50_000

TRACING: tuple[Figure, ...] = ("packets", "seconds", "cpu", "memory")


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


def _run(name: str, options: str = "") -> Side:
    return Side(
        name,
        _words(
            f"gatewatch run --json --backend raw --method icmp --rate {MANY} --multipath off "
            f"{options} --i-run-this-network --budget 1000 "
            "--targets {targets} --to {fresh}/spool"
        ),
        reader=reading.gatewatch_run,
    )


def _engine(name: str, words: str, country: str = "") -> Side:
    return Side(
        name,
        _words(f"{{python}} -m scripts.bench.engine {words} {{targets}} {country}"),
        reader=reading.engine,
    )


def _economical(rate: str) -> Side:
    return _engine("engine, economical", f"raw icmp {rate}", "KH")


def _scamper(name: str, options: str = "", rate: str = MANY) -> Side:
    return Side(
        name,
        (
            *_words(f"scamper -p {rate} -O json -o - -f {{targets}} -c"),
            f"trace -P icmp-paris{options}",
        ),
        program="scamper",
        reader=reading.scamper,
    )


def _library(name: str) -> Side:
    return Side(
        name,
        ("{python}", "-m", "scripts.bench.peers", name, "{host}"),
        module=name,
        reader=reading.paths,
    )


ENGINE = _engine("engine", f"raw icmp {MANY}")
ENGINE_ECONOMICAL = _economical(MANY)
# What the same saves where no border is known.
ENGINE_BORDERLESS = _engine("engine, economical, no border", f"raw icmp {MANY}", "-")
ENGINE_PING = replace(_engine("engine, ping socket", f"errqueue icmp {MANY}"), user="nobody")
ENGINE_UDP = replace(_engine("engine, UDP socket", f"errqueue udp {MANY}"), user="nobody")
# One process on one core; the network answers on another.
ENGINE_UNBOUNDED = replace(
    (unbounded := _engine("engine", f"raw icmp {UNBOUNDED}")),
    command=("taskset", "--cpu-list", "0", *unbounded.command),
    program="taskset",
    reader=reading.engine_pace,
)
RUN = _run("gatewatch run")
RUN_ECONOMICAL = _run("gatewatch run --economical", "--economical")
# As a timer calls it, only faster: all parallel paths around the border, one line at the end.
SCHEDULED = Side(
    "gatewatch run --scheduled",
    _words(
        f"gatewatch run --scheduled --backend raw --method icmp --rate {ONE} "
        "--i-run-this-network --targets {targets} --to {fresh}/spool"
    ),
    reader=reading.gatewatch_run,
)
# It looks for targets in its tables first. What answers for all is a tunnel, as of a VPN.
LISTED = Side(
    "gatewatch run",
    _words(
        "gatewatch run --scheduled --anyway --backend raw --method icmp -4 --country KH "
        f"--access-as 38623 --rate {ONE} --to {{fresh}}/spool"
    ),
)
TRACE = Side(
    "gatewatch trace",
    _words(
        f"gatewatch trace --json --backend raw --method icmp --rate {ONE} --multipath off "
        "--i-run-this-network {host}"
    ),
    reader=reading.gatewatch_trace,
)
WAYS = Side(
    "engine, all ways",
    _words(f"{{python}} -m scripts.bench.ways {{host}} {ONE} {{nth}}"),
    reader=reading.ways,
)

SCAMPER = _scamper("scamper")
# It waits 5 s for each silent hop.
SCAMPER_SLOW = replace(SCAMPER, most=1)
SCAMPER_W1 = _scamper("scamper -w1", " -w 1")
SCAMPER_ONE = _scamper("scamper", rate=ONE)
# Doubletree, from the middle of the row: forward to the end, then back to what is known.
SCAMPER_TUNED = _scamper("scamper, tuned", " -q 1 -g 3 -w 1 -f 6 -Z near", rate=KIND)
TRACELB = Side(
    "scamper tracelb",
    (*_words("scamper -O json -o - -i {host} -c"), "tracelb -P udp-sport"),
    program="scamper",
    reader=reading.tracelb,
    most=1,
)
TRACEROUTE = Side(
    "traceroute -I -q1",
    _words("traceroute -I -q1 -n {host}"),
    program="traceroute",
    reader=reading.traceroute,
)
MTR = Side(
    "mtr -c1 -G1",
    _words("mtr --report -n -c1 -G1 -i0.1 {host}"),
    program="mtr",
    reader=reading.mtr,
)
PARIS = Side(
    "paris-traceroute",
    _words("paris-traceroute -n {host}"),
    program="paris-traceroute",
    reader=reading.traceroute,
)
PARIS_ALL = Side(
    "paris-traceroute -a mda",
    _words("paris-traceroute -n -a mda {host}"),
    program="paris-traceroute",
)
ECONOMICAL_ROW = Goal(
    ENGINE_ECONOMICAL,
    SCAMPER,
    most={"packets": 0.45, "seconds": 0.5, "cpu": 1.2},
    least={"routers": 1.0, "border": 1.0},
)
ECONOMICAL_TREE = Goal(
    ENGINE_ECONOMICAL,
    SCAMPER,
    most={"packets": 0.6, "seconds": 0.55, "cpu": 1.2},
    least={"routers": 1.0},
)
SINGLE = tuple(
    Side(name, cannot="traces to one target at a time")
    for name in ("traceroute", "mtr", "paris-traceroute", "icmplib", "scapy")
)


def _comparison(
    name: str,
    measures: str,
    where: Callable[[Path], AbstractContextManager[Scene]],
    ours: Sequence[Side],
    peers: Sequence[Side],
    *goals: Goal,
) -> Comparison:
    """Three rounds; of each of ours it is asked as well that it stays small."""
    small = [Goal(side, most={"memory": RESIDENT}) for side in ours]
    return Comparison(
        name,
        measures,
        where,
        tuple(ours),
        tuple(peers),
        figures=TRACING,
        repetitions=3,
        goals=(*goals, *small),
    )


def _late_border(name: str, measures: str, network: str, domestic: int, goal: Goal) -> Comparison:
    """Economical traces where the border lies before the targets' own networks."""
    return _comparison(
        f"{name}-late-border",
        measures,
        scene(network, count=1000, domestic=domestic),
        (ENGINE_ECONOMICAL,),
        (SCAMPER,),
        goal,
    )


def _diamond(width: int) -> Comparison:
    """Both run with other flows each time: what they send and find is a matter of chance."""
    # A minute and more where there are many ways.
    tracelb = replace(TRACELB, most=5 if width == 2 else 1)
    declared = _comparison(
        f"diamond-{width}",
        f"all ways to one target, of which a router takes {width} side by side",
        scene("diamond", width=width),
        (WAYS,),
        (tracelb, PARIS_ALL),
        Goal(
            WAYS,
            tracelb,
            most={"packets": 1.3, "seconds": 0.02},
            least={"routers": 1.0, "links": 1.0},
            runs=0.95,
        ),
    )
    return replace(declared, repetitions=200)


TRACERS = (
    _comparison(
        "chain",
        "1,000 targets, 12 hops of 2 ms, 10,000 packets/s at most",
        scene("row", count=1000),
        (ENGINE, ENGINE_ECONOMICAL, ENGINE_BORDERLESS),
        (SCAMPER, *SINGLE),
        Goal(
            ENGINE,
            SCAMPER,
            most={"packets": 1.0, "seconds": 1.1, "cpu": 1.8},
            least={"hops": 1.0},
        ),
        ECONOMICAL_ROW,
    ),
    _late_border(
        "chain",
        "the work of chain, where the tenth of twelve is the first hop abroad",
        "row",
        9,
        ECONOMICAL_ROW,
    ),
    _comparison(
        "tree",
        "1,000 targets behind 107 routers, 7 hops of 2 ms, 10,000 packets/s at most",
        scene("tree", count=1000),
        (ENGINE, ENGINE_ECONOMICAL, ENGINE_BORDERLESS),
        (SCAMPER,),
        Goal(
            ENGINE,
            SCAMPER,
            most={"packets": 1.0, "seconds": 1.05, "cpu": 1.8},
            least={"hops": 1.0, "routers": 1.0},
        ),
        ECONOMICAL_TREE,
        replace(ECONOMICAL_TREE, ours=ENGINE_BORDERLESS),
    ),
    _late_border(
        "tree",
        "the work of tree, where the sixth of seven is the first hop abroad",
        "tree",
        5,
        ECONOMICAL_TREE,
    ),
    _comparison(
        "one-target",
        "one trace over 12 hops of 2 ms, whole process, 1,000 packets/s at most",
        scene("row"),
        (TRACE,),
        (SCAMPER_ONE, TRACEROUTE, MTR, PARIS, _library("icmplib"), _library("scapy")),
        Goal(TRACE, TRACEROUTE, most={"packets": 1.0}, least={"hops": 1.0}),
        Goal(TRACE, SCAMPER_ONE, most={"seconds": 1.0}),
    ),
    _comparison(
        "unprivileged",
        "the work of chain as user nobody; the peer is our engine as root",
        scene("row", count=1000),
        (ENGINE_PING, ENGINE_UDP),
        (ENGINE,),
        *(
            Goal(
                side,
                ENGINE,
                most={"packets": 1.0, "seconds": 1.5, "cpu": 1.5},
                least={"hops": 1.0},
            )
            for side in (ENGINE_PING, ENGINE_UDP)
        ),
    ),
    _comparison(
        "fastest",
        "seconds a probe sent and answered, on one core, start-up left out",
        scene("reflection", count=5000),
        (ENGINE_UNBOUNDED,),
        (Side("scamper", cannot="sends 10,000 packets/s at most"),),
        Goal(ENGINE_UNBOUNDED, most={"seconds": PACE}, least={"hops": 1.0}),
    ),
    _comparison(
        "loss",
        "the work of chain where 5% of probes are lost on the way",
        scene("row", count=1000, lossy=True),
        (ENGINE,),
        (SCAMPER_W1,),
        Goal(ENGINE, SCAMPER_W1, most={"packets": 1.1, "seconds": 1.0}, least={"hops": 0.995}),
    ),
    _comparison(
        "chain-run",
        "the work of chain by the whole command: attributed, redacted, synced to the disk",
        scene("row", count=1000),
        (RUN, RUN_ECONOMICAL),
        (SCAMPER,),
        Goal(RUN, SCAMPER, least={"hops": 1.0, "border": 1.0}),
        Goal(RUN_ECONOMICAL, SCAMPER, least={"routers": 1.0, "border": 1.0}),
    ),
    _comparison(
        "scheduled-run",
        "270 targets as a timer has them traced, each kept",
        scene("row", count=270),
        (SCHEDULED,),
        (replace(SCAMPER, command=(*SCAMPER.command[:2], ONE, *SCAMPER.command[3:])),),
        Goal(SCHEDULED, least={"hops": 1.0, "border": 1.0}),
    ),
    _comparison(
        "listed-run",
        "the targets that ship and those of the country, as a timer has them traced",
        scene("reflection", count=1, everywhere=True),
        (LISTED,),
        (Side("scamper", cannot="has no list of targets"),),
    ),
    _comparison(
        "mix",
        "100 targets at 12 hops, of which 40 never answer, 100 packets/s at most",
        scene("row", count=100, dark=40),
        (mixed := _economical(KIND),),
        (SCAMPER_TUNED,),
        Goal(
            mixed,
            SCAMPER_TUNED,
            most={"packets": 1.0, "seconds": 0.9},
            like=("hops", "measured", "routers"),
        ),
    ),
    _comparison(
        "silent",
        "the work of chain where the routers at hops 4, 7 and 10 are silent",
        scene("row", count=1000, silent=(4, 7, 10)),
        (ENGINE,),
        (SCAMPER_W1, SCAMPER_SLOW),
        Goal(
            ENGINE,
            SCAMPER_W1,
            most={"packets": 1.0, "seconds": 0.5, "cpu": 1.8},
            least={"hops": 1.0},
        ),
        Goal(ENGINE, SCAMPER_SLOW, most={"seconds": 0.1}),
    ),
    _comparison(
        "dark",
        "the work of chain where half of the targets never answer",
        scene("row", count=1000, dark=500),
        (ENGINE,),
        (SCAMPER_W1,),
        Goal(
            ENGINE,
            SCAMPER_W1,
            most={"packets": 1.05, "seconds": 0.3, "cpu": 1.8},
            least={"hops": 1.0},
        ),
    ),
    *(_diamond(width) for width in (2, 4, 8, 16)),
)
