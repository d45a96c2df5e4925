"""What a run would take, found out by playing it on a network in memory.

The session, the strategy and the pace are those of the run itself, under a virtual clock, so that
no formula has to follow them. The ways are those of `probe.run.experience`; where too many would
have to be made up to say what they share, it is told between what and what. This module sends
nothing and reads only what it is given.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from probe.engine.playing import VirtualClock, play
from probe.engine.session import Session
from probe.engine.tracing import Task
from probe.network.simulated import SimulatedNetwork
from probe.run.choice import version_of, witnesses

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.engine.manner import Manner
    from probe.engine.session import SessionSettings
    from probe.network import Method
    from probe.record import Trace
    from probe.run.experience import Experience
    from probe.run.targets import Target

# How many targets are played at most where the traces of others do not matter to one: as many more
# take as much more, within a few per cent.
PLAYED = 2000

# So many where all ways are made up and go apart: few kinds of them, each with a search of its own.
PLAYED_APART = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """What tracing to some targets takes. `bytes` are those sent, from the IP header on.

    `known` of the `targets` were traced from here before, so that their part is no guess. On the
    way to `unexplored` of them the whole path is to be looked at for parallel ones and never was,
    so that it counts as a chain.
    """

    targets: int
    known: int
    unexplored: int
    packets: int
    bytes: int
    seconds: float
    least: Taken | None = None


class Taken(NamedTuple):
    """What some traces take; `seconds` are those since the run began."""

    packets: int
    bytes: int
    seconds: float


def foresee(
    experience: Experience,
    targets: list[Target],
    methods: dict[int, Method],
    settings: SessionSettings,
    *,
    manner: Manner,
    unlocated: set[int],
    size: Callable[[Method, int], int],
) -> Cost:
    """What a run over these targets would take.

    ``methods`` are those by IP version; targets of other versions cost nothing. ``manner`` is
    how traces are made, ``unlocated`` are the versions whose access network is not known: a few
    witnesses of each come first. ``size`` gives the bytes of a probe, by method and IP version.

    Where ways have to be made up, nobody has seen how much of them the traces share, and on that
    depends what they take over from each other and where they look for parallel ways. Then the run
    is played twice: `Cost.least` is what it takes where the ways share all they can, and the cost
    itself is what it takes where each goes its own way, over forks at a border of its own. For that
    ``manner`` has to read `probe.run.imagined.Imagined`.
    """
    wanted = {
        target.address: (target, methods[version_of(target)])
        for target in targets
        if version_of(target) in methods
    }
    asked = [
        wanted[witness.address]
        for version in sorted(unlocated)
        for witness in witnesses(
            [target for target, _ in wanted.values() if version_of(target) == version]
        )
    ]
    rest = wanted.keys() - {target.address for target, _ in asked}
    others = [one for address, one in wanted.items() if address in rest]
    known = sum(experience.knows(*one) for one in wanted.values())
    rehearsal = _Rehearsal(experience, settings, manner, size, asked, others)
    least = most = rehearsal.play(apart=False)
    ranges = not experience.speaks and known < len(wanted)
    if ranges and (manner.routes is not None or manner.explore is not None):
        separate = rehearsal.play(apart=True)
        most = separate if separate.packets > least.packets else least
    return Cost(
        targets=len(wanted),
        known=known,
        unexplored=sum(
            manner.explores_all and not experience.explored(*one) for one in wanted.values()
        ),
        packets=most.packets,
        bytes=most.bytes,
        seconds=most.seconds,
        least=None if most is least else least,
    )


class _Rehearsal(NamedTuple):
    """A run that can be played: the targets asked first, then the others, each by its method."""

    experience: Experience
    settings: SessionSettings
    manner: Manner
    size: Callable[[Method, int], int]
    asked: list[tuple[Target, Method]]
    others: list[tuple[Target, Method]]

    def play(self, *, apart: bool) -> Taken:
        """What all of it takes, where ways that are made up share what they can or go apart."""
        # What an economical trace takes depends on all made before it, unless they go apart.
        whole = self.manner.routes is not None and not apart
        played = self.others if whole else _sample(self.others, PLAYED_APART if apart else PLAYED)
        self.manner.begin_anew()
        ways = self.experience.ways(
            {one[0].address: one for one in (*self.asked, *played)}, apart=apart
        )
        clock = VirtualClock()
        network = SimulatedNetwork(lambda target, flow: ways[target](flow), clock=clock)
        taken = self._trace(network, clock, self.asked, witnessing=True)
        taken |= self._trace(network, clock, played, witnessing=False)
        unplayed = len(self.others) - len(played)
        more = (
            _more([taken[target.address] for target, _ in played], unplayed)
            if unplayed
            else Taken(0, 0, 0.0)
        )
        return Taken(
            sum(one.packets for one in taken.values()) + more.packets,
            sum(one.bytes for one in taken.values()) + more.bytes,
            clock.now + more.seconds,
        )

    def _trace(
        self,
        network: SimulatedNetwork,
        clock: VirtualClock,
        part: list[tuple[Target, Method]],
        *,
        witnessing: bool,
    ) -> dict[str, Taken]:
        """What each trace takes, by target."""
        manner, methods = self.manner, {target.address: method for target, method in part}
        # As long as it is not known where this is, nothing is known of the border.
        explores = manner.explores_all or not witnessing
        taken: dict[str, Taken] = {}

        def finished(trace: Trace) -> None:
            probes = trace.probes or 0
            weight = probes * self.size(methods[trace.dst_addr], trace.af)
            taken[trace.dst_addr] = Taken(probes, weight, clock.now)
            if witnessing:
                manner.learn(trace)

        session = Session(
            network,
            [Task(address, None, method, 1) for address, method in methods.items()],
            self.settings,
            finished=finished,
            routes=None if witnessing else manner.routes,
            explore=manner.explore if explores else None,
        )
        play(session, network, clock)
        return taken


def _sample(targets: list[T], size: int) -> list[T]:
    """So many of these at most, drawn evenly and in no order."""
    if len(targets) <= size:
        return targets
    return random.Random(0).sample(targets, size)  # noqa: S311 - the same at each call


def _more(played: list[Taken], traces: int) -> Taken:
    """What so many traces more take, by the later half of those played.

    What all share, as the search at a border, was done before that.

    >>> _more([Taken(50, 4000, 10.0), *(Taken(9, 800, 10.0 + end) for end in range(1, 10))], 3)
    Taken(packets=27, bytes=2400, seconds=3.0)
    """
    later = played[len(played) // 2 :]
    ends = sorted(one.seconds for one in played)
    # Nor do the last ones tell the pace, which wait for silence alone.
    first, last = len(ends) // 2, len(ends) * 9 // 10
    return Taken(
        round(traces * sum(one.packets for one in later) / len(later)),
        round(traces * sum(one.bytes for one in later) / len(later)),
        traces * (ends[last] - ends[first]) / (last - first),
    )
