"""The picture of the paths (a Sankey): what is drawn of it, row by row, and what it says in words.

`analysis.page.flows` has placed its bars and ribbons; here they get colours, labels that have room,
and the curve of a ribbon. How rows become a chart, `analysis.page.figures` knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from analysis.page import lettering, palette
from analysis.page.flows import Bar, Flows
from analysis.words.wording import Say, called, part

_LEAST = 100  # pixels; some letters of a name then stand in every column
_NARROW = 520
_BAR_WIDTH = 8
HEAD = 26  # above the columns, for what they are

_STEPS = 12  # straight pieces that the curve of a ribbon is made of

_SOLID = {
    "network": palette.MUTED.light,
    "candidate": palette.GATEWAY.light,
    "gateway": palette.OTHER.light,
    "itself": palette.OTHER.light,
    "themselves": palette.OTHER.light,
    "abroad": palette.MUTED.light,
    "others": palette.UNKNOWN.light,
    "unknown": palette.UNKNOWN.light,
}
PALE = {
    "candidate": palette.GATEWAY_PALE.light,
    "gateway": palette.OTHER_PALE.light,
    "itself": palette.OTHER_PALE.light,
    "themselves": palette.OTHER_PALE.light,
    "others": palette.UNKNOWN_PALE.light,
    "unknown": palette.UNKNOWN_PALE.light,
}


class Shape(NamedTuple):
    """Where the three columns stand and how much room their names have, in pixels."""

    columns: tuple[float, float, float]
    widths: tuple[float, float, float]
    font_size: int

    @classmethod
    def of(cls, width: int) -> Shape:
        """The shape for a picture of this width in pixels.

        Raises ValueError where that is too narrow.

        >>> Shape.of(1000).columns
        (190, 460.0, 810)
        """
        if width < _LEAST:
            raise ValueError(
                f"width={width} leaves the names of the paths no room; give {_LEAST} pixels or more"
            )
        narrow = width < _NARROW
        first, second, third = (
            (width * 0.31, width * 0.41, width * 0.67)
            if narrow
            else (190, width * 0.46, width - 190)
        )
        return cls(
            (first, second, third),
            (first - 6, third - second - 14, width - third - 14),
            11 if narrow else 13,
        )

    @property
    def line_height(self) -> int:
        return self.font_size + 1

    def lines(self, column: int, name: str) -> list[str]:
        """A name in the room that its column has.

        >>> Shape.of(326).lines(1, "Bundeskommunikation")
        ['Bundeskom-', 'munikation']
        """
        return lettering.lines(name, self.widths[column] / self.font_size)

    def room(self, column: int, name: str) -> float:
        """How high a name is, with some air."""
        return len(self.lines(column, name)) * self.line_height + 4


def ribbon_points(
    flows: Flows, at: tuple[float, float, float], *, judged: bool
) -> Iterator[dict[str, Any]]:
    """Points along every ribbon, on a curve that leaves and arrives level.

    If too little was measured to be ``judged``, all ribbons are as pale as unknown ones.
    """
    for number, ribbon in enumerate(flows.ribbons):
        left, right = at[ribbon.source.column] + _BAR_WIDTH, at[ribbon.target.column]
        for step in range(_STEPS + 1):
            t = step / _STEPS
            y = ribbon.start + (ribbon.end - ribbon.start) * t * t * (3 - 2 * t)
            yield {
                "ribbon": number,
                "x": round(left + (right - left) * t, 1),
                "y": round(y, 1),
                "y2": round(y + ribbon.height, 1),
                "colour": PALE[ribbon.gateway.role if judged else "unknown"],
            }


def bars(flows: Flows, at: tuple[float, float, float], *, judged: bool) -> Iterator[dict[str, Any]]:
    """Each bar as a rectangle; its left side is where its column stands.

    Networks that are their own gateways are as many pieces, lest they be taken for one gateway.
    """
    for placed in flows.bars:
        pieces = placed.bar.together if placed.bar.role == "themselves" else 1
        piece = placed.height / pieces
        gap = piece / 4 if pieces > 1 else 0.0
        role = placed.bar.role if judged or placed.column != 1 else "unknown"
        for number in range(pieces):
            top = placed.top + number * piece
            yield {
                "x": at[placed.column],
                "x2": at[placed.column] + _BAR_WIDTH,
                "y": round(top, 1),
                "y2": round(top + piece - gap, 1),
                "colour": _SOLID[role],
            }


def bar_name(bar: Bar, say: Say) -> str:
    """What a bar is called where nothing stands beside it."""
    if bar.role == "unknown":
        return say("unknown")
    if bar.role == "others":
        return say("others: {count}").format(count=bar.together)
    if bar.role == "themselves":
        return say("{count} networks, each itself").format(count=bar.together)
    if bar.role == "itself":
        return say("{network} itself").format(network=bar.name)
    return called(bar.kind, bar.name, say)


def label(bar: Bar, say: Say) -> str:
    """What a bar is called in the row of its network, which needs not be named again."""
    return say("itself") if bar.role == "itself" else bar_name(bar, say)


def labels(flows: Flows, shape: Shape, say: Say) -> Iterator[dict[str, Any]]:
    """The name of each bar: left of the first column, right of the others."""
    for placed in flows.bars:
        column = placed.column
        lines = shape.lines(column, label(placed.bar, say))
        yield {
            "column": column,
            "x": shape.columns[column] + (-6 if column == 0 else _BAR_WIDTH + 5),
            # The first line is set in the middle; the others hang from it.
            "y": placed.middle - (len(lines) - 1) * shape.line_height / 2,
            "words": "\n".join(lines),
        }


def heads(at: tuple[float, float, float], say: Say, *, judged: bool) -> Iterator[dict[str, Any]]:
    """What the columns are, above them; where too little was measured no gateway is."""
    middle = say("gateway") if judged else say("last at home")
    for column, words in enumerate((say("network"), middle, say("first abroad"))):
        yield {
            "column": column,
            "x": at[column] + (_BAR_WIDTH if column == 0 else 0),
            "y": -14,
            "words": words,
        }


def told(flows: Flows, say: Say, *, judged: bool) -> str:
    """What the picture shows, for whoever cannot see it."""
    gateways = [placed for placed in flows.bars if placed.column == 1]
    if not gateways:
        return say("No path towards abroad was measured.")
    total = sum(placed.weight for placed in gateways)
    parts = "; ".join(
        f"{bar_name(placed.bar, say)} {part(placed.weight / total)}"
        for placed in sorted(gateways, key=lambda placed: -placed.weight)
    )
    if not judged:
        return say(
            "Too little was measured for a finding. By the last network at home, all networks "
            "alike: {parts}."
        ).format(parts=parts)
    return say("By gateway, all networks alike: {parts}.").format(parts=parts)
