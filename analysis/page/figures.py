"""Each picture of a verdict as an Altair chart: for the report, for a notebook, for a paper.

A chart says what the verdict's tables say, draws what is unknown as unknown, and has its own
words as ``description``, for whoever cannot see it. ``say`` finds words in another language and
``width`` is in pixels; a narrow chart is laid out for a narrow page and not merely smaller. Each
raises TypeError for what is no verdict.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import altair as alt
import pandas as pd

from analysis.library.statement import Verdict, demand_verdict
from analysis.page import lettering, matrices, palette, sankey
from analysis.page.flows import lay_out, strands_of
from analysis.tables import records_of
from analysis.words.wording import Say, captured_range, part

FONT = "system-ui, 'Noto Sans', 'Noto Sans Khmer', 'Khmer OS', sans-serif"
WIDE = 720
_LABEL = 12  # the size of an axis' letters, in pixels


def _accent(*, named: bool) -> tuple[str, str]:
    """The colours of a mark and of its bounds: a gateway's only where somebody is named."""
    if named:
        return palette.GATEWAY.light, palette.GATEWAY_PALE.light
    return palette.OTHER.light, palette.OTHER_PALE.light


def _themed(
    chart: alt.LayerChart | alt.FacetChart, width: int, height: float, description: str
) -> alt.LayerChart:
    assert isinstance(chart, alt.LayerChart)  # a layer of charts that are no facets
    themed: alt.LayerChart = chart.properties(
        width=width,
        height=height,
        description=description,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        config=alt.Config(
            font=FONT,
            background=palette.PAPER.light,
            padding={"left": 0, "right": 0, "top": 2, "bottom": 2},
            view=alt.ViewConfig(stroke=None),
            axis=alt.AxisConfig(
                labelColor=palette.MUTED.light,
                titleColor=palette.MUTED.light,
                gridColor=palette.LINE.light,
                domainColor=palette.LINE.light,
                tickColor=palette.LINE.light,
                labelFontSize=_LABEL,
                titleFontSize=12,
                titleFontWeight="normal",
            ),
        ),
    )
    return themed


# As objects: from its shorthand alone Altair takes a hundredth of a second to find each.
_WORDS = alt.Text("words:N")
_QUARTERS = [0, 0.25, 0.5, 0.75, 1]


def _percent(axis_title: str) -> alt.Axis:
    return alt.Axis(format="%", values=_QUARTERS, title=axis_title)


def _percent_upwards() -> alt.Axis:
    # Whoever reads may have a font that is wider than the one the room was measured with.
    return alt.Axis(format="%", values=_QUARTERS, title=None, minExtent=44)


# ------------------------------------------------------------------------ how sure


def captured(verdict: Verdict, *, width: int = WIDE, say: Say = str) -> alt.LayerChart:
    """How many networks pass the strongest candidate, with the bounds, on the scale of the rule.

    Thresholds are those of the verdict's own policy.
    """
    demand_verdict(verdict)
    mark, bounds = _accent(named=verdict.gateway is not None)
    found, policy = verdict.captured, verdict.provenance["policy"]
    scale = alt.Scale(domain=[0, 1], nice=False)
    axis = _percent(say("part of the networks")).copy()
    axis.grid = False
    x = alt.X("at:Q", scale=scale, axis=axis)
    layers: list[alt.Chart | alt.LayerChart | alt.FacetChart] = [
        _threshold(policy["diverse_upper"], "← " + say("diverse"), "right", x),
        _threshold(policy["single"], say("one gateway") + " →", "left", x),
    ]
    share = found.organisations / found.of if found.of else None
    interval = pd.DataFrame([{"at": share, "lower": found.lower, "upper": found.upper}])
    layers.append(
        alt.Chart(interval)
        .mark_bar(height=12, color=bounds)
        .encode(x=alt.X("lower:Q", scale=scale), x2=alt.X2("upper:Q"), y=alt.value(48))
    )
    if share is not None:
        layers.append(
            alt.Chart(interval)
            .mark_point(size=170, shape="diamond", filled=True, opacity=1, color=mark)
            .encode(x=x, y=alt.value(48))
        )
    lower, upper = captured_range(verdict.to_dict(), ".0%")
    told = say("Networks: {captured} of {of}; the bounds reach from {lower} to {upper}.").format(
        captured=found.organisations,
        of=found.of,
        lower=lower,
        upper=upper,
    )
    return _themed(alt.layer(*layers), width, 74, told)


def _threshold(
    at: float, words: str, align: Literal["left", "right"], x: alt.X
) -> alt.LayerChart | alt.FacetChart:
    line = pd.DataFrame([{"at": at, "words": words}])
    return alt.layer(
        alt.Chart(line)
        .mark_rule(color=palette.MUTED.light, strokeDash=[3, 3])
        .encode(x=x, y=alt.value(8), y2=alt.value(70)),
        alt.Chart(line)
        .mark_text(
            align=align, dx=-5 if align == "right" else 5, fontSize=12, color=palette.MUTED.light
        )
        .encode(x=x, y=alt.value(16), text=_WORDS),
    )


# ------------------------------------------------------------------------ over time

Dated = Callable[[dt.date], str]


def _dated(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"


def share_over_time(
    verdict: Verdict, *, width: int = WIDE, say: Say = str, dated: Dated = _dated
) -> alt.LayerChart:
    """How many networks pass the candidate on each day, with the bounds of each, and the alarm.

    ``dated`` is how a day is written. A day without data has no mark.
    """
    demand_verdict(verdict)
    accent = _accent(named=verdict.gateway is not None or verdict.timeline.alarm)
    days = verdict.days.dropna(subset=["captured_share"])
    shown = days.astype(dict.fromkeys(("captured_share", "lower", "upper"), "float64"))
    x = _days_across(dated, width, shown["day"])
    layers: list[alt.Chart] = []
    if verdict.timeline.onset is not None:
        layers += _onset(pd.Timestamp(verdict.timeline.onset), shown, x, say("alarm"))
    layers += _as_spans(shown, x, accent) if len(shown) > 90 else _day_by_day(shown, x, accent)
    return _themed(alt.layer(*layers), width, 220, _told_over_time(verdict, shown, say, dated))


# In pixels. A date nearer to an end of the axis is drawn inwards: it would be cut off.
_HALF_A_DATE = 46
# So that one that is drawn inwards does not reach its neighbour.
_BETWEEN_DATES = 3 * _HALF_A_DATE + 8
_SHARES = 50  # what stands left of the axis
_ROOM_FOR_A_WORD = 0.25  # of the days, in a narrow picture


def _days_across(dated: Dated, width: int, days: pd.Series[pd.Timestamp]) -> alt.X:
    ticks = _ticks(days, max(1, (width - _SHARES) // _BETWEEN_DATES))
    written = {f"{day:%Y-%m-%d}": dated(day) for day in ticks}
    axis = alt.Axis(
        labelExpr=f"{json.dumps(written)}[timeFormat(datum.value, '%Y-%m-%d')]",
        values=[alt.DateTime(year=day.year, month=day.month, date=day.day) for day in ticks],
        title=None,
        grid=False,
        labelFlush=_HALF_A_DATE,
    )
    return alt.X("day:T", axis=axis)


def _ticks(days: pd.Series[pd.Timestamp], most: int) -> pd.DatetimeIndex:
    """The first day and others at equal distances, with at most so many distances between."""
    if days.empty:
        return pd.DatetimeIndex([])
    first, last = days.min(), days.max()
    step = max(1, math.ceil((last - first).days / most))
    return pd.date_range(first, last, freq=pd.Timedelta(days=step))


def _upwards(column: str) -> alt.Y:
    scale = alt.Scale(domain=[0, 1], nice=False)
    return alt.Y(f"{column}:Q", scale=scale, axis=_percent_upwards())


def _onset(day: pd.Timestamp, days: pd.DataFrame, x: alt.X, word: str) -> list[alt.Chart]:
    """A line on the day of the alarm; its word stands before it, above marks that are low there."""
    onset = pd.DataFrame([{"day": day, "words": word}])
    first, last = days["day"].min(), days["day"].max()
    early = len(days) and day - first < (last - first) * _ROOM_FOR_A_WORD
    return [
        alt.Chart(onset).mark_rule(color=palette.INK.light, strokeDash=[4, 3]).encode(x=x),
        alt.Chart(onset)
        .mark_text(
            align="left" if early else "right",
            dx=6 if early else -6,
            fontSize=13,
            fontWeight="bold",
            color=palette.INK.light,
        )
        .encode(x=x, y=alt.value(83 if early else 14), text=_WORDS),
    ]


def _as_spans(days: pd.DataFrame, x: alt.X, accent: tuple[str, str]) -> list[alt.Chart]:
    """The bounds as an area and the share as a line, for more days than have room for a mark."""
    mark, bounds = accent
    spans = _spans(days)
    return [
        alt.Chart(spans)
        .mark_area(color=bounds, opacity=0.6, interpolate="step-after")
        .encode(x=x, y=_upwards("lower"), y2=alt.Y2("upper:Q"), detail=alt.Detail("run:N")),
        alt.Chart(spans)
        .mark_line(color=mark, strokeWidth=2, interpolate="step-after")
        .encode(x=x, y=_upwards("captured_share"), detail=alt.Detail("run:N")),
    ]


def _day_by_day(days: pd.DataFrame, x: alt.X, accent: tuple[str, str]) -> list[alt.Chart]:
    """A mark for the share of each day on a bar for its bounds."""
    mark, bounds = accent
    return [
        alt.Chart(days)
        .mark_rule(color=bounds, strokeWidth=6, strokeCap="butt")
        .encode(x=x, y=_upwards("lower"), y2=alt.Y2("upper:Q")),
        alt.Chart(days)
        .mark_point(filled=True, size=60, opacity=1, shape="diamond", color=mark)
        .encode(x=x, y=_upwards("captured_share")),
    ]


def _spans(days: pd.DataFrame) -> pd.DataFrame:
    """Days as spans from one midnight to the next; those that follow each other are one ``run``."""
    run = days["day"].diff().ne(pd.Timedelta(days=1)).cumsum()
    runs = days.assign(run=run)
    ends = runs.groupby("run").tail(1)
    ends = ends.assign(day=ends["day"] + pd.Timedelta(days=1))
    return pd.concat([runs, ends]).sort_values(["run", "day"])


def _told_over_time(verdict: Verdict, shown: pd.DataFrame, say: Say, dated: Dated) -> str:
    if shown.empty:
        return say("No day has data on a candidate.")
    first, last = shown.iloc[0], shown.iloc[-1]
    told = say(
        "Networks that pass it: {before} of {before_of} on {first}, "
        "{after} of {after_of} on {last}."
    ).format(
        first=dated(first["day"]),
        before=first["captured"],
        before_of=first["organisations"],
        last=dated(last["day"]),
        after=last["captured"],
        after_of=last["organisations"],
    )
    most = shown.iloc[int(shown["captured_share"].argmax())]
    if most["captured_share"] > max(first["captured_share"], last["captured_share"]):
        told += " " + say("Most on {day}: {count} of {of}.").format(
            day=dated(most["day"]), count=most["captured"], of=most["organisations"]
        )
    if verdict.timeline.onset is None:
        return told
    return f"{told} " + say("Alarm on {day}.").format(day=dated(verdict.timeline.onset))


# ------------------------------------------------------------------------ paths


def paths(verdict: Verdict, *, width: int = WIDE, say: Say = str) -> alt.LayerChart:
    """The paths from each network through its gateway to the first operator abroad (a Sankey).

    Networks weigh the same. A network that is its own gateway, and what is unknown, have bars of
    their own. Where too little was measured, the last ones at home are pale and no gateways.
    Raises ValueError for less than 100 pixels.
    """
    demand_verdict(verdict)
    shape = sankey.Shape.of(width)
    names, judged = shape.columns, verdict.grade != "insufficient"
    flows = lay_out(
        strands_of(records_of(verdict.pairs), verdict.accused),
        network_height=26,
        room=lambda column, bar: shape.room(column, sankey.label(bar, say)),
    )
    across = alt.Scale(domain=[0, width], nice=False, zero=False)
    height = max(flows.height, 1) + sankey.HEAD
    down = alt.Scale(domain=[-sankey.HEAD, max(flows.height, 1)], nice=False, reverse=True)
    x = alt.X("x:Q", scale=across, axis=None)
    y = alt.Y("y:Q", scale=down, axis=None)
    layers = [
        alt.Chart(pd.DataFrame(sankey.ribbon_points(flows, names, judged=judged)))
        .mark_area(opacity=0.75)
        .encode(
            x=x,
            y=y,
            y2=alt.Y2("y2:Q"),
            detail=alt.Detail("ribbon:N"),
            color=alt.Color("colour:N", scale=None),
        ),
        alt.Chart(pd.DataFrame(sankey.bars(flows, names, judged=judged)))
        .mark_rect()
        .encode(
            x=x,
            x2=alt.X2("x2:Q"),
            y=y,
            y2=alt.Y2("y2:Q"),
            color=alt.Color("colour:N", scale=None),
        ),
    ]
    labels = pd.DataFrame(sankey.labels(flows, shape, say))
    heads = pd.DataFrame(sankey.heads(names, say, judged=judged))
    for column in range(len(names)):
        some = labels[labels["column"] == column] if len(labels) else labels
        if not some.empty:
            head = heads[heads["column"] == column]
            layers += _column_words(
                *(alt.Chart(rows).encode(x=x, y=y, text=_WORDS) for rows in (some, head)),
                column=column,
                shape=shape,
            )
    return _themed(alt.layer(*layers), width, height, sankey.told(flows, say, judged=judged))


def _column_words(
    labels: alt.Chart, head: alt.Chart, *, column: int, shape: sankey.Shape
) -> list[alt.Chart]:
    """The names in a column of the paths, and what the column is."""
    style: dict[str, Any] = {
        "align": "right" if column == 0 else "left",
        "fontSize": shape.font_size,
    }
    wrapped: dict[str, Any] = {
        "baseline": "middle",
        "limit": shape.widths[column],
        "lineBreak": "\n",
        "lineHeight": shape.line_height,
    }
    # Names in the middle stand over the ribbons, so with a rim of paper.
    rim: dict[str, Any] = {
        "stroke": palette.PAPER.light,
        "strokeWidth": 4,
        "strokeJoin": "round",
        "color": palette.PAPER.light,
    }
    return [
        *([labels.mark_text(**style, **wrapped, **rim)] if column == 1 else []),
        labels.mark_text(**style, **wrapped, color=palette.INK.light),
        head.mark_text(**style, color=palette.MUTED.light),
    ]


# ------------------------------------------------------------------------ matrices


def grid(verdict: Verdict, *, width: int = WIDE, say: Say = str) -> alt.LayerChart:
    """Networks by the operators of destinations, with a sign for the gateway of each.

    An operator has a column in each continent (AF, AS, EU, NA, OC, SA) where it was traced to. What
    the signs mean stands below; a question mark is unknown, and what was not measured is empty.
    """
    demand_verdict(verdict)
    found = matrices.international(verdict.pairs, verdict.accused, say)
    return _matrix(found, width, say, say("No path towards abroad was measured."))


def domestic(verdict: Verdict, *, width: int = WIDE, say: Say = str) -> alt.LayerChart:
    """Networks by networks: which way the paths between them take, from the left to above."""
    demand_verdict(verdict)
    hub = verdict.domestic.hub
    found = matrices.domestic(verdict.domestic_pairs, hub.name if hub else None, say)
    return _matrix(found, width, say, say("No path between networks at home was measured."))


_LONGEST = 260  # pixels that the names of an axis may take


def _named(names: Iterable[str], width: int, **said: Any) -> alt.Axis:
    """An axis of names that has room for them in whatever font a reader has."""
    most = min(_LONGEST, 0.4 * width) / _LABEL
    written = {name: lettering.fitted(name, most) for name in names}
    room = max(map(lettering.ems, written.values()), default=0.0)
    return alt.Axis(
        title=None,
        labelExpr=f"{json.dumps(written)}[datum.value]",
        labelLimit=0,
        minExtent=math.ceil(_LABEL * room) + 8,
        **said,
    )


def _matrix(found: matrices.Matrix, width: int, say: Say, of_nothing: str) -> alt.LayerChart:
    """A sign in each cell; what the signs mean stands below, and is what the chart is called."""
    columns = [" · ".join(filter(None, (group, name))) for name, group in found.columns]
    shown = pd.DataFrame(
        [
            {"row": name, "column": column, "words": cell.sign, "colour": sankey.PALE[cell.role]}
            for name, cells in found.rows
            for column, cell in zip(columns, cells, strict=True)
            if cell is not None
        ],
        columns=["row", "column", "words", "colour"],
    )
    legend = [f"{sign.sign}  {sign.words}" for sign in found.legend]
    if found.hidden_rows or found.hidden_columns:
        hidden = say(
            "Not shown are those with the fewest pairs (rows: {rows}, columns: {columns})."
        )
        legend.append(hidden.format(rows=found.hidden_rows, columns=found.hidden_columns))
    axes = {
        "x": alt.X("column:N", axis=_named(columns, width, orient="top", labelAngle=-90)),
        "y": alt.Y("row:N", axis=_named((name for name, _ in found.rows), width)),
    }
    cells = alt.Chart(shown).mark_rect(stroke=palette.PAPER.light, strokeWidth=2)
    words = alt.Chart(shown).mark_text(fontSize=10, color=palette.INK.light)
    drawn = _themed(
        alt.layer(
            cells.encode(**axes, color=alt.Color("colour:N", scale=None)),
            words.encode(**axes, text=_WORDS),
        ),
        width,
        22 * max(len(found.rows), 1),
        "; ".join(legend) or of_nothing,
    )
    below = alt.TitleParams(
        legend, orient="bottom", anchor="start", color=palette.INK.light, fontSize=12,
        fontWeight="normal", offset=8,
    )  # fmt: skip
    titled: alt.LayerChart = drawn.properties(title=below)
    return titled


# ------------------------------------------------------------------------ whom to ask


# The figure of a short bar stands behind it; that of a long one has room within it alone.
_BESIDE_BARS: tuple[tuple[tuple[float, float], Literal["left", "right"], int], ...] = (
    ((0.0, 0.5), "left", 4),
    ((0.5, math.inf), "right", -4),
)


def recruits(
    verdict: Verdict, *, width: int = WIDE, say: Say = str, most: int = 10
) -> alt.LayerChart:
    """How far the country would be covered if those to ask next took part, one after the other."""
    demand_verdict(verdict)
    table = verdict.recruits
    measured = table[table["measured"].fillna(value=False)]
    now = float(measured["coverage_then"].max()) if len(measured) else 0.0
    asked = table[~table["measured"].fillna(value=False)].head(most)
    shown = pd.DataFrame(
        {
            "name": [say("now"), *asked["organisation"]],
            "coverage": [now, *asked["coverage_then"].astype("float64")],
            "words": [part(now), *map(part, asked["coverage_then"].astype("float64"))],
        }
    )
    x = alt.X(
        "coverage:Q",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=_percent(say("part of the country covered")),
    )
    y = alt.Y("name:N", sort=list(shown["name"]), axis=_named(shown["name"], width))
    chart = alt.layer(
        alt.Chart(shown).mark_bar(color=palette.OTHER_PALE.light, height=12).encode(x=x, y=y),
        *(
            alt.Chart(shown[shown["coverage"].between(*bars, inclusive="left")])
            .mark_text(align=align, dx=dx, fontSize=_LABEL, color=palette.INK.light)
            .encode(x=x, y=y, text=_WORDS)
            for bars, align, dx in _BESIDE_BARS
        ),
    )
    told = say("Covered now: {now}.").format(now=part(now))
    return _themed(chart, width, 22 * len(shown), told)
