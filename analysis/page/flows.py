"""From each network through its gateway to abroad, as bars and ribbons with places on paper.

Every network is a bar of the same height, whatever was measured in it; its pairs divide it. What is
unknown has a bar of its own. Only geometry: no colours, no words, no library for drawing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

Role = Literal[
    "network", "candidate", "gateway", "itself", "themselves", "abroad", "others", "unknown"
]

# A column with more bars than this can be read by nobody; the rest is one bar.
MOST = 30
# Of more gateways than this, the networks that are their own hide the others.
FEW = 12


class Bar(NamedTuple):
    """What stands in a column. ``name`` is empty for what is unknown and for those that stand
    together, whose number ``together`` tells; ``itself`` is a network that is its own gateway,
    ``themselves`` are all of these. ``kind`` is that of a gateway or of who is first abroad: an
    exchange and an operator may have one name."""

    role: Role
    name: str = ""
    together: int = 0
    kind: str = ""


class Strand(NamedTuple):
    """One network's paths that go one way; ``weight`` is their part of the network's, up to 1."""

    network: str
    gateway: Bar
    abroad: Bar
    weight: float


@dataclass(frozen=True)
class Placed:
    """A bar with its place: ``top`` and ``height`` in the unit of the drawing."""

    bar: Bar
    column: int
    weight: float
    top: float
    height: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


@dataclass(frozen=True)
class Ribbon:
    """What flows between two bars; it begins at ``start`` and ends at ``end``, ``height`` high."""

    source: Placed
    target: Placed
    gateway: Bar
    start: float
    end: float
    height: float


@dataclass(frozen=True)
class Flows:
    """The whole drawing: three columns of bars, the ribbons between them, and how high it is."""

    bars: tuple[Placed, ...]
    ribbons: tuple[Ribbon, ...]
    height: float


UNKNOWN = Bar("unknown")
Key = TypeVar("Key", bound=Hashable)


def strands_of(
    rows: Iterable[Mapping[str, object]], candidate: tuple[str, str] | None
) -> list[Strand]:
    """The rows of a verdict's ``pairs`` as strands; each organisation weighs 1 in all.

    ``candidate`` is kind and name of the strongest one: its own paths leave by it as well.
    """
    counted: dict[str, Counter[tuple[Bar, Bar]]] = defaultdict(Counter)
    for row in rows:
        counted[str(row["organisation"])][_gateway(row, candidate), _abroad(row)] += 1
    return [
        Strand(name, gateway, abroad, count / counts.total())
        for name, counts in sorted(counted.items())
        for (gateway, abroad), count in sorted(counts.items())
    ]


def _gateway(row: Mapping[str, object], candidate: tuple[str, str] | None) -> Bar:
    if not isinstance(row["gateway"], str):
        return UNKNOWN
    kind, name = str(row["gateway_kind"]), row["gateway"]
    if (kind, name) == candidate:
        return Bar("candidate", name, kind=kind)
    return Bar("itself" if row["own_exit"] is True else "gateway", name, kind=kind)


def _abroad(row: Mapping[str, object]) -> Bar:
    if not isinstance(row["upstream"], str):
        return UNKNOWN
    return Bar("abroad", row["upstream"], kind=str(row["upstream_kind"]))


def _together(weights: Mapping[Bar, float]) -> Callable[[Bar], Bar]:
    """Which bar stands for one where there are too many: the lightest become one."""
    if len(weights) <= MOST:
        return lambda bar: bar
    # A network weighs 1, but for the error of a sum.
    ranked = sorted(weights, key=lambda bar: (bar == UNKNOWN, -round(weights[bar], 6), bar))
    kept = set(ranked[: MOST - 1]) | {UNKNOWN}
    others = Bar("others", together=len(set(weights) - kept))
    return lambda bar: bar if bar in kept else others


def _gateways_together(weights: Mapping[Bar, float]) -> Callable[[Bar], Bar]:
    """The same of gateways: where there are many, networks that are their own are one bar."""
    own = [bar for bar in weights if bar.role == "itself"]
    if len(weights) <= FEW or len(own) < 2:
        return _together(weights)
    themselves = Bar("themselves", together=len(own))
    apart = {bar: weight for bar, weight in weights.items() if bar.role != "itself"}
    stands_for = _together(apart)
    return lambda bar: themselves if bar.role == "itself" else stands_for(bar)


def _drawn(strands: Iterable[Strand]) -> dict[tuple[Bar, Bar, Bar], float]:
    """The ways from column to column with their weights; of many bars some stand together."""
    ways = _weights(((Bar("network", s.network), s.gateway, s.abroad), s.weight) for s in strands)
    gather = (_together, _gateways_together, _together)
    networks, gateways, abroads = (
        together(_weights((way[column], weight) for way, weight in ways.items()))
        for column, together in enumerate(gather)
    )
    return _weights(
        ((networks(network), gateways(gateway), abroads(abroad)), weight)
        for (network, gateway, abroad), weight in ways.items()
    )


def stand_together(strands: Iterable[Strand]) -> bool:
    """Whether some bar of the drawing stands for several."""
    return any(bar.together for way in _drawn(strands) for bar in way)


def _weights(pairs: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    found: dict[Key, float] = defaultdict(float)
    for key, weight in pairs:
        found[key] += weight
    return dict(found)


_LAST = {"themselves": 1, "others": 2, "unknown": 3}


def _by_neighbours(
    links: Mapping[tuple[Bar, Bar], float], places: Mapping[Bar, float]
) -> list[Bar]:
    """Bars in the order of what flows into them, so that few ribbons cross."""
    total = _weights((target, weight) for (_, target), weight in links.items())
    mean = _weights(
        (target, places[source] * weight / total[target])
        for (source, target), weight in links.items()
    )
    return sorted(mean, key=lambda bar: (_LAST.get(bar.role, 0), round(mean[bar], 6), bar))


def lay_out(
    strands: Sequence[Strand], *, network_height: float, room: Callable[[int, Bar], float]
) -> Flows:
    """Places for every bar and ribbon.

    ``network_height`` is that of a network's bar, ``room`` what the label of a bar in a column
    needs.
    """
    flows = _drawn(strands)
    left = _weights(((a, b), weight) for (a, b, _), weight in flows.items())
    right = _weights(((b, c), weight) for (_, b, c), weight in flows.items())
    rank = _rank(left)
    main = {
        source: min((-weight, rank[b]) for (a, b), weight in left.items() if a == source)[1]
        for source in {a for a, _ in left}
    }
    first = sorted(main, key=lambda bar: (_LAST.get(bar.role, 0), main[bar], bar))
    places = {bar: float(i) for i, bar in enumerate(first)}
    second = _by_neighbours(left, places)
    third = _by_neighbours(right, {bar: float(i) for i, bar in enumerate(second)})
    totals = (
        _weights((a, weight) for (a, _), weight in left.items()),
        _weights((b, weight) for (_, b), weight in left.items()),
        _weights((c, weight) for (_, c), weight in right.items()),
    )
    slots = [
        [max(totals[column][bar] * network_height, room(column, bar)) for bar in order]
        for column, order in enumerate((first, second, third))
    ]
    height = max((sum(slot) for slot in slots), default=0.0)
    placed: dict[tuple[int, Bar], Placed] = {}
    for column, order in enumerate((first, second, third)):
        # A shorter column spreads over the height of the tallest.
        spread = (height - sum(slots[column])) / max(len(order), 1)
        top = spread / 2
        for bar, slot in zip(order, slots[column], strict=True):
            weight = totals[column][bar]
            tall = weight * network_height * 0.84
            placed[column, bar] = Placed(bar, column, weight, top + (slot - tall) / 2, tall)
            top += slot + spread
    ribbons = [
        *_ribbons(0, left, (first, second), placed, lambda _, target: target),
        *_ribbons(1, right, (second, third), placed, lambda source, _: source),
    ]
    return Flows(tuple(placed.values()), tuple(ribbons), height)


def _rank(left: Mapping[tuple[Bar, Bar], float]) -> dict[Bar, int]:
    """Gateways: the candidate, then by weight; what is unknown last."""
    total = _weights((b, weight) for (_, b), weight in left.items())
    order = sorted(
        total,
        key=lambda bar: (
            _LAST.get(bar.role, 0), bar.role != "candidate", bar.role == "itself", -total[bar], bar,
        ),
    )  # fmt: skip
    return {bar: i for i, bar in enumerate(order)}


def _ribbons(
    column: int,
    links: Mapping[tuple[Bar, Bar], float],
    orders: tuple[Sequence[Bar], Sequence[Bar]],
    placed: Mapping[tuple[int, Bar], Placed],
    gateway: Callable[[Bar, Bar], Bar],
) -> list[Ribbon]:
    position = [{bar: i for i, bar in enumerate(order)} for order in orders]
    used: dict[tuple[int, Bar], float] = defaultdict(float)
    found = {}
    for side, key in ((0, (0, 1)), (1, (1, 0))):
        ordered = sorted(links, key=lambda link: tuple(position[k][link[k]] for k in key))
        for link in ordered:
            bar = placed[column + side, link[side]]
            begin = bar.top + used[side, link[side]]
            high = bar.height * links[link] / bar.weight
            used[side, link[side]] += high
            found[side, link] = (begin, high)
    return [
        Ribbon(
            placed[column, source],
            placed[column + 1, target],
            gateway(source, target),
            found[0, (source, target)][0],
            found[1, (source, target)][0],
            found[0, (source, target)][1],
        )
        for source, target in sorted(
            links, key=lambda link: (position[0][link[0]], position[1][link[1]])
        )
    ]
