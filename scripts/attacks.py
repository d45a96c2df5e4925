"""Attacks on a verdict, tried on countries of which the truth is known: `make attacks`.

Somebody will try to frame an operator, or to hide a gateway. Here he holds some of a country's
networks wholly, knows everything that is public, and sends what he likes; all others measure
honestly. Each attack is a function from a scene to the traces that are sent. What is sent is
written to files, read and judged by the same code as any other, and counted in
``docs/attacks.md``, which argues what is defended and what is not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, NamedTuple

from analysis.intake.load import load
from analysis.judgement.judge import Judgement, judge
from analysis.scale import edition
from analysis.scale.engine import usable_cores
from analysis.simulated.error_rates import TRIED
from analysis.simulated.simulation import NOW, Simulated, Truth, country
from analysis.simulated.world import COUNTRY, GATEWAY
from probe.record import Attribution, Hop, Reply, Trace, Vantage, to_json

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/attacks.md"
BEGIN, END = "<!-- the table is written by `make attacks` -->", "<!-- end of the table -->"

DAYS = 14
_DAY = 86_400.0
_TARGETS = 5

Aim = Literal["frame", "hide"]


@dataclass(frozen=True)
class Scene:
    """A country, honestly measured, and the networks (by number) that the attacker holds.

    ``honest`` are the traces of all other networks, ``own`` those that the held ones would have
    sent. ``start`` is the time of the first day's traces.
    """

    simulated: Simulated
    networks: int
    held: tuple[int, ...]
    honest: list[Trace]
    own: list[Trace]
    draw: random.Random

    @cached_property
    def start(self) -> float:
        return min(trace.timestamp for trace in self.honest)


Attack = Callable[[Scene], Iterable[Trace]]


def _network(trace: Trace) -> int:
    assert trace.vantage is not None  # every simulated trace has one
    assert trace.vantage.asn is not None
    return trace.vantage.asn - 100


def _jittered(trace: Trace, draw: random.Random) -> Trace:
    """The same trace with RTTs as a clock has them: no two traces agree to the microsecond."""
    delay = draw.random()
    return trace._replace(
        hops=tuple(
            Hop(number, tuple(r._replace(rtt=r.rtt + delay) if r.rtt else r for r in replies))
            for number, replies, _, _ in trace.hops
        ),
    )


def scene(networks: int, held: int, captured: float, seed: str) -> Scene:
    """A country in which so many networks are the attacker's; always the same for a seed."""
    draw = random.Random(f"attack {seed}")
    simulated = country(Truth(networks, captured, independently=False), seed, days=DAYS)
    mine = set(draw.sample(range(1, networks + 1), held))
    traces = [_jittered(trace, draw) for trace in simulated.traces]
    return Scene(
        simulated,
        networks,
        tuple(sorted(mine)),
        [trace for trace in traces if _network(trace) not in mine],
        [trace for trace in traces if _network(trace) in mine],
        draw,
    )


# ------------------------------------------------------------------------ what a liar writes


def _invented(scene: Scene, network: int, way: Sequence[str | None], day: float, who: str) -> Trace:
    """A trace over these addresses, with RTTs and TTLs as a careful liar would choose them."""
    hops = []
    delay = scene.draw.random()
    path = ["192.168.1.1", f"20.0.{network}.1", *way]
    for number, address in enumerate(path, start=1):
        away = address is not None and not address.startswith(("20.", "192.168."))
        rtt = 0.6 * number + delay + (60.0 if away else 0.0)
        hops.append(Hop(number, (Reply(address, rtt, 256 - number, 56) if address else Reply(),)))
    when = scene.start + day * _DAY + scene.draw.randrange(20_000)
    return Trace(
        dst_addr=str(path[-1]),
        af=4,
        proto="ICMP",
        timestamp=when,
        endtime=when,
        hops=tuple(hops),
        vantage=Vantage(who, 100 + network, None, COUNTRY),
    )


def _far(target: int, carrier: int, outer: int) -> list[str | None]:
    return [f"30.0.{carrier}.{outer}", f"30.0.{carrier}.250", f"40.0.{target}.200"]


def _gateway(network: int) -> str:
    return f"20.2.0.{100 + network}"


def _behind_gateway(scene: Scene, network: int, day: float, who: str) -> Iterator[Trace]:
    """Everything over the gateway, on to an interface of a carrier that each network shares."""
    for target in range(_TARGETS):
        way = [_gateway(network), *_far(target, target % 4, 240)]
        yield _invented(scene, network, way, day, who)


def _on_its_own(scene: Scene, network: int, day: float, who: str) -> Iterator[Trace]:
    """Everything over routers and carriers of its own, where no gateway is."""
    for target in range(_TARGETS):
        carrier = (network + target) % 8
        way = [f"20.0.{network}.9", *_far(target, carrier, 100 + network)]
        yield _invented(scene, network, way, day, who)


_Way = Callable[[Scene, int, float, str], Iterator[Trace]]


def _daily(scene: Scene, way: _Way, days: Iterable[float] = range(DAYS)) -> Iterator[Trace]:
    for network in scene.held:
        for day in days:
            yield from way(scene, network, day, f"liar{network}")


# ------------------------------------------------------------------------ to frame


def injected_hop(scene: Scene) -> Iterator[Trace]:
    """Every path of the held networks shows the gateway."""
    return _daily(scene, _behind_gateway)


def sybil_burst(scene: Scene) -> Iterator[Trace]:
    """On one day forty new keys in every network of the country, the honest ones too, say so."""
    yield from injected_hop(scene)
    for network in range(1, scene.networks + 1):
        for who in range(40):
            yield from _behind_gateway(scene, network, DAYS - 1, f"sybil{network}.{who}")


def slow_drip(scene: Scene) -> Iterator[Trace]:
    """A long history of the liars' making, then a move: an alarm, and days only they measured."""
    yield from _daily(scene, _on_its_own, range(-40, DAYS))
    for day in range(DAYS, DAYS + 14):
        for network in scene.held:
            yield from _behind_gateway(scene, network, day, f"liar{network}")


def replay(scene: Scene) -> Iterator[Trace]:
    """Others' traces through somebody, sent again as they are, and again under a new date."""
    through = [t for t in scene.honest if _shows(t, ("20.1.", "20.2."))] or scene.honest
    for network in scene.held:
        for trace in through[:200]:
            vantage = Vantage(f"copy{network}", 100 + network, None, COUNTRY)
            yield trace._replace(vantage=vantage)
            yield trace._replace(vantage=vantage, timestamp=trace.timestamp + 3600.0)


def _shows(trace: Trace, prefixes: tuple[str, ...]) -> bool:
    return any(r.address and r.address.startswith(prefixes) for h in trace.hops for r in h.replies)


def forged_numbers(scene: Scene) -> Iterator[Trace]:
    """Records that call every hop the gateway's, from networks that there are not, or abroad."""
    said = Attribution(300, GATEWAY, GATEWAY, COUNTRY)
    for trace in scene.own:
        yield trace._replace(hops=tuple(hop._replace(attribution=said) for hop in trace.hops))
    for asn in (*range(64_500, 64_530), 1000, 1001, 2000, 2001):
        for network in scene.held[:1]:
            for day in range(DAYS):
                for trace in _behind_gateway(scene, network, day, f"as{asn}"):
                    yield trace._replace(vantage=Vantage(f"as{asn}", asn, GATEWAY, COUNTRY))


def future_clock(scene: Scene) -> Iterator[Trace]:
    """Tomorrow's traces, and next year's, so that the newest period is the liars' alone."""
    yield from injected_hop(scene)
    ahead = (NOW - scene.start) / _DAY
    for shift in (0.9, 2.0, 365.0):
        for trace in _daily(scene, _behind_gateway):
            later = trace.timestamp + (ahead + shift) * _DAY
            yield trace._replace(timestamp=later, endtime=later)


def one_key_everywhere(scene: Scene) -> Iterator[Trace]:
    """One key that claims to sit in every network."""
    yield from injected_hop(scene)
    for network in range(1, scene.networks + 1):
        for day in range(DAYS):
            yield from _behind_gateway(scene, network, day, "everywhere")


def false_links(scene: Scene) -> Iterator[Trace]:
    """The gateway stands before every interface abroad that the honest networks use."""
    ends = _ends(scene)
    for network in scene.held:
        for day in range(0, DAYS, 3):
            for interface, target in ends:
                way = [_gateway(network), interface, f"{interface.rpartition('.')[0]}.250", target]
                yield _invented(scene, network, way, day, f"liar{network}")


def _ends(scene: Scene) -> list[tuple[str, str]]:
    """The first interfaces abroad on the honest paths, with the destinations behind them."""
    return sorted(
        {
            (interface, trace.dst_addr)
            for trace in scene.honest
            if (interface := _first_abroad(trace)) is not None
        }
    )


def _first_abroad(trace: Trace) -> str | None:
    addresses = (reply.address for hop in trace.hops for reply in hop.replies)
    return next((a for a in addresses if a is not None and a.startswith("30.")), None)


# ------------------------------------------------------------------------ to hide


def removed_hop(scene: Scene) -> Iterator[Trace]:
    """The held networks take the gateway's hop out; all else stays."""
    for trace in scene.own:
        kept = [
            hop.replies
            for hop in trace.hops
            if not any(r.address and r.address.startswith("20.2.") for r in hop.replies)
        ]
        yield trace._replace(hops=tuple(Hop(n, replies) for n, replies in enumerate(kept, start=1)))


def diverse_exits(scene: Scene) -> Iterator[Trace]:
    """Every held network claims routers, carriers and links of its own."""
    return _daily(scene, _on_its_own)


def drowned(scene: Scene) -> Iterator[Trace]:
    """Thousands of destinations whose paths show nothing."""
    for network in scene.held:
        for number in range(400):
            way = [None] * 4 + [f"40.0.{number % _TARGETS}.{1 + number // _TARGETS}"]
            yield _invented(scene, network, [*way], number % DAYS, f"liar{network}")


def other_links(scene: Scene) -> Iterator[Trace]:
    """Somebody else stands before the interfaces that the gateway's carriers show."""
    ends = _ends(scene)
    for network in scene.held:
        for day in range(0, DAYS, 3):
            for interface, target in ends:
                carrier = interface.rpartition(".")[0]
                way = [f"20.1.2.{100 + network}", interface, f"{carrier}.250", target]
                yield _invented(scene, network, [*way], day, f"liar{network}")


def feigned_move(scene: Scene) -> Iterator[Trace]:
    """A long history behind the gateway, then all held networks leave it: an alarm elsewhere."""
    yield from _daily(scene, _behind_gateway, range(-40, DAYS))
    for day in range(DAYS, DAYS + 14):
        for network in scene.held:
            for target in range(_TARGETS):
                way = [f"20.1.2.{100 + network}", *_far(target, target % 4, 241)]
                yield _invented(scene, network, [*way], day, f"liar{network}")


def burst_of_exits(scene: Scene) -> Iterator[Trace]:
    """On one day forty new keys in every network say that all leave by themselves."""
    yield from diverse_exits(scene)
    for network in range(1, scene.networks + 1):
        for who in range(40):
            yield from _on_its_own(scene, network, DAYS - 1, f"sybil{network}.{who}")


ATTACKS: dict[Aim, tuple[Attack, ...]] = {
    "frame": (
        injected_hop,
        sybil_burst,
        slow_drip,
        replay,
        forged_numbers,
        future_clock,
        one_key_everywhere,
        false_links,
    ),
    "hide": (
        removed_hop,
        diverse_exits,
        drowned,
        other_links,
        feigned_move,
        burst_of_exits,
        replay,
        forged_numbers,
        future_clock,
    ),
}
TRUTHS: dict[Aim, dict[str, float]] = {
    "frame": {"diverse": 0.0, "mixed": 0.5},
    "hide": {"captured": 1.0},
}
SIZES = ((20, 6), (10, 3))
"""Networks measured, and how many of them are the attacker's: under a third."""


# ------------------------------------------------------------------------ counting


def bomb(folder: Path) -> Path:
    """A file of a megabyte that unpacks to a gigabyte of spaces."""
    path = folder / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * (1 << 20)) * (1 << 10))
    return path


def judged(traces: Iterable[Trace], simulated: Simulated) -> Judgement:
    """The verdict on traces that come as a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sent.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for trace in traces:
                file.write(json.dumps(to_json(trace)) + "\n")
        loaded = load([str(path)])
    return judge(loaded, simulated.table, COUNTRY, TRIED, now=NOW, supplements=False)


class Outcome(NamedTuple):
    """What an attack did. ``before`` and ``after`` are grade and name without and with it."""

    before: tuple[str, str | None]
    after: tuple[str, str | None]
    captured: bool

    @property
    def framed(self) -> bool:
        """Whether somebody was called a single gateway who is none."""
        grade, name = self.after
        return grade == "single_gateway" and not (self.captured and name == GATEWAY)

    @property
    def hidden(self) -> bool:
        """Whether a single gateway was found without the attack and is not named with it."""
        return self._found and self.after[1] != GATEWAY

    @property
    def lowered(self) -> bool:
        """Whether it is still named, but only as a concentration."""
        return self._found and self.after == ("concentrated", GATEWAY)

    @property
    def _found(self) -> bool:
        return self.captured and self.before == ("single_gateway", GATEWAY)


def _says(verdict: Judgement) -> tuple[str, str | None]:
    return verdict.grade, str(verdict.gateway["name"]) if verdict.gateway else None


class Case(NamedTuple):
    """A kind of country, and how much of it the attacker holds."""

    aim: Aim
    truth: str
    captured: float
    networks: int
    held: int


def cases() -> Iterator[Case]:
    """Every truth with every size."""
    for aim, truths in TRUTHS.items():
        for truth, captured in truths.items():
            for networks, held in SIZES:
                yield Case(aim, truth, captured, networks, held)


def tried(case: Case, number: int, attacks: Sequence[Attack]) -> list[Outcome]:
    """One country, judged without an attack and with each of these."""

    def drawn() -> Scene:
        return scene(case.networks, case.held, case.captured, f"{case} {number}")

    calm = drawn()
    before = _says(judged([*calm.honest, *calm.own], calm.simulated))
    outcomes = []
    for attack in attacks:
        struck = drawn()
        after = judged([*struck.honest, *attack(struck)], struck.simulated)
        outcomes.append(Outcome(before, _says(after), case.captured == 1.0))
    return outcomes


def row(attack: Attack, case: Case, outcomes: Sequence[Outcome]) -> str:
    """What came out of an attack, as a line of the page."""
    found = sum(one.before == ("single_gateway", GATEWAY) for one in outcomes)
    hiding = [sum(one.hidden for one in outcomes), sum(one.lowered for one in outcomes)]
    told = [f"{count} of {found}" if case.captured == 1.0 else "–" for count in hiding]
    return (
        f"| {attack.__name__.replace('_', ' ')} | {case.truth} | {case.held} of {case.networks} "
        f"| {sum(one.framed for one in outcomes)} of {len(outcomes)} | {told[0]} | {told[1]} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=10, help="countries of each kind")
    parser.add_argument("--processes", type=int, default=usable_cores())
    given = parser.parse_args()
    lines = [
        "| attack | truth | networks held | framed | hidden | named, but lowered |",
        "|---|---|---|---|---|---|",
    ]
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        for case in cases():
            attacks = ATTACKS[case.aim]
            numbers = range(given.draws)
            found = list(pool.map(partial(tried, case, attacks=attacks), numbers))
            for attack, outcomes in zip(attacks, zip(*found, strict=True), strict=True):
                lines.append(row(attack, case, outcomes))
                print(lines[-1], flush=True)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "\n".join(lines)
    day = dt.datetime.now(dt.UTC).date()
    made = f"Tried on {day}, by code `{edition.code()}`:"
    PAGE.write_text(f"{before}{BEGIN}\n{made}\n\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
