"""One trace → the row of steps that answered, and which of them are the vantage point's own.

Traces along one way differ in their RTTs and hardly in anything else, so what can be said without
RTTs is worked out once for each distinct row of addresses (a `Frame`) and shared. Where a path
leaves the country is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.intake.told import LAN, Addresses, Rtts, Told
from analysis.owners.operators import Gazetteer, Node, Place, Sight

# Special-use blocks that networks number routers from. The others (loopback, multicast,
# documentation) on a path are noise of a lab or a fault; they count as unmapped all the same.
_INTERIOR = frozenset({"private", "cgnat", "ula", "link_local", "reserved", "documentation"})

# The far end of every DS-Lite tunnel (RFC 6333), which is a NAT of the carrier's.
_DS_LITE = "192.0.0."

# Of no router: nobody's, and what 464XLAT on Android makes of IPv6 hops, 255.0.0.n with their TTL.
_NO_ROUTERS = ("0.", "255.")
_OF_NO_ROUTER = frozenset({"loopback", "multicast"})

_LAN_SIGHT = (Node("unmapped", LAN), "home")

# So many rows of addresses are remembered with their frames: a guard of the memory.
_REMEMBERED = 100_000


class Step(NamedTuple):
    """One TTL of a path. Silent steps have neither address nor sight; ``rtt`` is in ms.

    ``said`` is what the table says of the address where other paths over the same link say
    otherwise; ``sight`` is then what they say (see `analysis.paths.links`).
    """

    hop: int
    address: str | None = None
    sight: Sight | None = None
    rtt: float | None = None
    own: bool = False
    said: Sight | None = None

    @property
    def place(self) -> Place | None:
        """Where the step stands: the own network's at home, others by their sight, if any."""
        if self.own:
            return "home"
        return self.sight.place if self.sight is not None else None

    @property
    def is_public(self) -> bool:
        """Whether the step shows an address that is neither private nor special otherwise."""
        return self.sight is not None and self.sight.special is None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What of a path tells how it left the country, without RTTs.

    That is all of it up to the second step abroad where only steps abroad follow, else all. So
    traces to many destinations share one frame; ``destination`` is empty where it is not among
    the steps.
    """

    organisation: str
    destination: str
    steps: tuple[Step, ...]


class Path(NamedTuple):
    """What one trace saw: a frame shared with others, and all its addresses and RTTs (ms)."""

    frame: Frame
    addresses: Addresses
    rtts: Rtts
    reader: Reader

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step with its RTT."""
        steps = self.reader.steps(self.addresses, self.frame.organisation)
        return tuple(step._replace(rtt=rtt) for step, rtt in zip(steps, self.rtts, strict=True))


def _with_access_network(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, those marked as the own organisation's that are its inside by where they stand."""
    shown = [i for i, step in enumerate(steps) if step.own and step.sight is not None]
    inside = _inside_own_network(steps, shown) if shown else _home_router_and_nat(steps)
    return tuple(step._replace(own=True) if i in inside else step for i, step in enumerate(steps))


def _inside_own_network(steps: Sequence[Step], shown: Sequence[int]) -> set[int]:
    """The private steps before the hops at which the own network is ``shown``, or between them."""
    last = shown[-1]
    others = (i for i in range(last) if _is_mapped(steps[i]) and not steps[i].own)
    first = next(others, None)
    if first is None:
        return {i for i in range(last) if _is_private(steps[i])}
    before = [i for i in shown if i < first]
    if before:
        # A loop (own → other → own) leaves private hops beside the other network undecided.
        return {i for i in range(before[-1]) if _is_private(steps[i])}
    inside = {i for i in range(first) if _is_private(steps[i])}
    # A network right behind the home router carries its line to the own network, and is no way out.
    # Behind private hops it may be one: those may be the core of the own network.
    if all(step.own or step.hop == 1 for step in steps[:first]):
        inside |= {i for i in range(shown[0]) if _is_not_abroad(steps[i])}
    return inside


def _home_router_and_nat(steps: Sequence[Step]) -> set[int]:
    """The steps that are the own network's though none of its public addresses shows.

    Its private hops cannot be told from those of a gateway behind it, so only the home router and
    carrier-grade NAT are taken for it. A block that no other organisation sees falls out later.
    """
    mapped = next((i for i, step in enumerate(steps) if _is_mapped(step)), len(steps))
    return {
        i
        for i in range(mapped)
        if _is_private(steps[i]) and (steps[i].hop == 1 or _is_cgnat(steps[i]))
    }


def _is_private(step: Step) -> bool:
    return step.sight is not None and step.sight.special in _INTERIOR


def _is_mapped(step: Step) -> bool:
    return step.sight is not None and not _is_private(step)


def _is_not_abroad(step: Step) -> bool:
    sight = step.sight
    return sight is not None and sight.place != "abroad" and sight.node.kind != "exchange"


def _is_cgnat(step: Step) -> bool:
    if step.address is not None and step.address.startswith(_DS_LITE):
        return True
    return step.sight is not None and step.sight.special == "cgnat"


class Reader:
    """Reads traces of one country by one table; equal rows of addresses become one frame.

    The home network, private hops before the first hop of the own organisation and private hops
    between two of its hops belong to it as well; where none of its hops answers, the home router
    and carrier-grade NAT do.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._rows: dict[tuple[str, str, tuple[str | None, ...]], Frame] = {}
        self._frames: dict[tuple[str, str, tuple[str | None, ...]], Frame] = {}

    def path(self, told: Told, organisation: str) -> Path:
        """The path of a trace that was measured in this organisation's network."""
        return self.along(told.addresses, told.rtts, organisation, told.dst_addr)

    def along(self, addresses: Addresses, rtts: Rtts, organisation: str, destination: str) -> Path:
        """The path of which these are the addresses and the RTTs."""
        row = (organisation, destination, addresses)
        frame = self._rows.get(row)
        if frame is None:
            if len(self._rows) >= _REMEMBERED:
                self._rows.clear()
            frame = self._rows[row] = self._frame(*row)
        return Path(frame, addresses, rtts, self)

    def node(self, address: str | None) -> Node | None:
        """Whose an address is; None of silence and of the home network."""
        return None if address in {None, LAN} else self._gazetteer.sight(address).node

    def _frame(
        self, organisation: str, destination: str, addresses: tuple[str | None, ...]
    ) -> Frame:
        telling = addresses[: self._telling(addresses, organisation, destination)]
        key = (organisation, destination if destination in telling else "", telling)
        frame = self._frames.get(key)
        if frame is None:
            steps = self.steps(telling, organisation)
            frame = self._frames[key] = Frame(key[0], key[1], steps)
        return frame

    def _telling(
        self, addresses: Sequence[str | None], organisation: str, destination: str
    ) -> int | None:
        """How many steps tell how the country was left; None is all of them."""
        first: int | None = None
        outer = None
        alike = True
        for i, address in enumerate(addresses):
            if address is None:
                continue
            node, place = _LAN_SIGHT if address == LAN else self._gazetteer.sight(address)[:2]
            if place == "abroad" and node.kind == "organisation" and node.name != organisation:
                if first is None:
                    first, outer = i, node
                alike = alike and node == outer
            elif first is not None or place == "abroad":
                return None
        # A destination whose own network alone answers abroad may have answered at home.
        if first is None or (alike and addresses[-1] == destination):
            return None
        return first + 2

    def steps(self, addresses: Sequence[str | None], organisation: str) -> tuple[Step, ...]:
        """The steps of these addresses, without RTTs."""
        own = Node("organisation", organisation)
        steps = []
        for number, address in enumerate(addresses, start=1):
            if address == LAN:
                steps.append(Step(number, own=True))
            elif address is None or address.startswith(_NO_ROUTERS):
                steps.append(Step(number))
            else:
                sight = self._gazetteer.sight(address)
                silent = sight.special in _OF_NO_ROUTER
                steps.append(
                    Step(number) if silent else Step(number, address, sight, own=sight.node == own)
                )
        return _with_access_network(steps)
