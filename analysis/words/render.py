"""A verdict as something one wants to read on a terminal. Shows what the JSON says, no more.

Names come from whoever registered them, so they are printed as `Text`: rich would read a string
for its own markup, and a name such as ``[/]`` would end the program. Whatever is no sign to be read
is shown as one that is missing: a terminal obeys it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unicodedata import category

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from analysis.words.versions import of_the_other
from analysis.words.wording import (
    asked,
    at_home,
    called,
    captured_range,
    counted_in,
    effective,
    grade_at_home,
    headline,
    many,
    not_judged,
    outward,
    part,
    simulated,
)

_STYLE = {
    "insufficient": "dim",
    "diverse": "green",
    "mixed": "yellow",
    "concentrated": "dark_orange",
    "single_gateway": "red",
    "single_hub": "red",
}
_SAYS = {"agrees": "agrees", "disagrees": "disagrees", "silent": "is silent"}
_BAR = 12
_NAMES = 3  # of those who see nearly all; the others are counted


def legible(said: Any) -> Any:
    """The same, without what a terminal or an eye would take for something else.

    >>> legible({"name": "Tel\x1b[2Jecom", "asns": [1]})
    {'name': 'Tel�[2Jecom', 'asns': [1]}
    """
    if isinstance(said, str):
        return "".join("\ufffd" if category(sign).startswith("C") else sign for sign in said)
    if isinstance(said, Mapping):
        return {key: legible(value) for key, value in said.items()}
    return [legible(value) for value in said] if isinstance(said, Sequence) else said


def _bar(share: float, lower: float, upper: float) -> Text:
    """A share as a bar with its interval: ``━`` is sure, ``╌`` within the bounds."""
    text = Text()
    for cell in range(_BAR):
        middle = (cell + 0.5) / _BAR
        if middle <= lower:
            text.append("━", "bold")
        elif middle <= upper:
            text.append("╌" if middle > share else "━", "dim" if middle > share else "")
        else:
            text.append("·", "dim")
    return text


def _bounds(verdict: Mapping[str, Any]) -> str:
    return f"{asked(verdict['provenance']['policy']['confidence'])} bounds"


def _range(verdict: Mapping[str, Any]) -> str:
    """The bounds of the captured share, as the reasons have them."""
    return "–".join(captured_range(verdict))


def _window(verdict: Mapping[str, Any]) -> str:
    """The days judged, in words."""
    return "no data" if verdict["window"][0] is None else " to ".join(verdict["window"])


def _interval(bounds: Sequence[float] | None, digits: int) -> str:
    return f" ({'–'.join(outward(bounds[0], bounds[1], f'.{digits}f'))})" if bounds else ""


def _name(node: Mapping[str, Any]) -> str:
    return called(node["kind"], node["name"])


def _some(nodes: Sequence[Mapping[str, Any]]) -> str:
    names = ", ".join(map(_name, nodes[:_NAMES]))
    return f"{names} and {len(nodes) - _NAMES} more" if len(nodes) > _NAMES else names


def _outcomes(left_out: Mapping[str, Any]) -> str:
    least, most = left_out["share"]
    low, high = outward(least, most, ".2f")
    grades = (f"{n} {grade.replace('_', ' ')}" for grade, n in left_out["grades"].items())
    return f"share {low}–{high}, {', '.join(grades)}"


def _drawn(left_out: Mapping[str, Any]) -> str:
    """How many of how many were left out, where not all were."""
    some, of = left_out["left_out"], left_out["of"]
    return f" ({some} of {of})" if of > some else ""


def _captured(verdict: Mapping[str, Any]) -> Text:
    captured = verdict["captured"]
    organisations, of = captured["organisations"], captured["of"]
    return Text.assemble(
        _bar(organisations / of if of else 0.0, captured["lower"], captured["upper"]),
        f" {organisations} of {many(of, 'organisation')}",
        (f"  {_bounds(verdict)} {_range(verdict)}", "dim"),
    )


def _share_of_pairs(verdict: Mapping[str, Any]) -> str:
    if not verdict["captured"]["of"]:
        return "–"
    share = verdict["share"]
    weighed = (
        f", {share['eyeballs']:.2f} by {counted_in(verdict)}"
        if share["eyeballs"] is not None
        else ""
    )
    return f"{share['equal']:.2f} by organisation{weighed}"


def _judged(verdict: Mapping[str, Any]) -> str:
    return f"{many(verdict['captured']['of'], 'organisation')}{_besides(verdict)}"


def _besides(verdict: Mapping[str, Any]) -> str:
    # What stands first among the candidates may be an exchange, and nobody whom the rule judges.
    return " besides the candidate's" if verdict["interfaces"]["gateway"] else ""


def _gateways(verdict: Mapping[str, Any]) -> str:
    if not verdict["captured"]["of"]:
        return "–"
    drawn = _interval(verdict["intervals"]["effective_gateways"], 1)
    return f"{effective(verdict)} effective{drawn}"


def _coverage(verdict: Mapping[str, Any]) -> str:
    coverage = verdict["coverage"]
    nationally = f"; nationally {_national(verdict)}" if verdict["grade"] != "insufficient" else ""
    return (
        f"{coverage['organisations']} of {many(coverage['organisations_known'], 'organisation')}, "
        f"{part(coverage['eyeballs'])} of {counted_in(verdict)}{_besides(verdict)}{nationally}"
    )


def _national(verdict: Mapping[str, Any]) -> str:
    low, high = verdict["coverage"]["bounds"]
    return "–".join(outward(low, high, ".2f"))


def _hegemony(verdict: Mapping[str, Any]) -> Text | None:
    hegemony = verdict["hegemony"]
    if not hegemony["nodes"]:
        return None
    first = hegemony["nodes"][0]
    weighed = (
        f", {first['country']:.2f} by {counted_in(verdict)}" if first["country"] is not None else ""
    )
    few = f"; only {many(hegemony['viewpoints'], 'viewpoint')}" if hegemony["warning"] else ""
    return Text(f"{_name(first)} {first['panel']:.2f} by organisation{weighed}{few}")


def _chokepoints(verdict: Mapping[str, Any]) -> Text | None:
    points = verdict["chokepoints"]
    watch = points["see_90"]
    if not watch["nodes"]:
        return None
    sole = points["dominators"][:1]
    depend = f"; {_name(sole[0])} on every way of {sole[0]['organisations']}" if sole else ""
    return Text(
        f"90% seen by {len(watch['nodes'])}{'' if watch['exact'] else ' or fewer'} "
        f"({_some(watch['nodes'])}), all cut by {len(points['cut'])}{depend}"
    )


def _interfaces(verdict: Mapping[str, Any]) -> str | None:
    at_gateway, abroad = verdict["interfaces"]["gateway"], verdict["interfaces"]["first_abroad"]
    if not at_gateway:
        return None
    return (
        f"{at_gateway['count']} of the candidate ({at_gateway['effective']:.1f} effective), "
        f"{abroad['count']} first abroad ({abroad['effective']:.1f} effective)"
    )


def _leave_one_out(verdict: Mapping[str, Any]) -> str | None:
    ranges = (
        f"{of}{_drawn(left_out)}: {_outcomes(left_out)}"
        for of, left_out in verdict["ranges"].items()
        if left_out["share"]
    )
    return "; ".join(ranges) or None


def _witness(verdict: Mapping[str, Any]) -> Text | None:
    witness = verdict["witness"]
    if not witness:
        return None
    return Text(f"BGP of {(witness['taken'] or '?')[:10]} {_SAYS[witness['says']]}")


def _domestic(verdict: Mapping[str, Any]) -> Text:
    domestic = verdict["domestic"]
    ways = ", ".join(
        f"{count} {way.replace('_', ' ')}" for way, count in domestic["pairs"].items() if count
    )
    return Text.assemble(
        (grade_at_home(domestic), "" if domestic["meeting_place"] else _STYLE[domestic["grade"]]),
        _hub(domestic) + (f": {ways}" if ways else ""),
    )


def _hub(domestic: Mapping[str, Any]) -> str:
    hub = domestic["hub"]
    if not hub:
        return ""
    return f" ({hub['name']}{', an exchange' if hub['kind'] == 'exchange' else ''})"


def _first_abroad(verdict: Mapping[str, Any]) -> Text | None:
    upstream = verdict["upstream"]
    captured = upstream["captured"]
    if not upstream["operator"]:
        return None
    return Text(
        f"{upstream['effective_gateways']:.1f} effective operators, first "
        f"{_name(upstream['operator'])} ({captured['organisations']} of "
        f"{many(captured['of'], 'organisation')})"
    )


def _timeline(verdict: Mapping[str, Any]) -> Text:
    timeline = verdict["timeline"]
    reason = Text(timeline["reason"])
    if not timeline["alarm"]:
        return reason
    return Text.assemble((f"alarm, onset {timeline['onset']}: ", "bold red"), reason)


def _measured(verdict: Mapping[str, Any]) -> str:
    measured = verdict["measured"]
    return (
        f"{many(measured['traces'], 'trace')}, {many(measured['vantages'], 'vantage point')}, "
        f"{many(measured['destinations'], 'destination')}, {many(measured['days'], 'day')}"
        f" (IPv{verdict['family']}), {_window(verdict)}"
    )


def _left_out(verdict: Mapping[str, Any]) -> str | None:
    left_out = [
        f"{count} {reason.replace('_', ' ')}" for reason, count in verdict["rejected"].items()
    ]
    others = not_judged(verdict)
    if others:
        left_out.append(f"{others} of other days or the other IP version")
    return ", ".join(left_out) or None


# A row each, from the candidate over the figures on which no grade rests to what was measured.
_ROWS: dict[str, Callable[[Mapping[str, Any]], Text | str | None]] = {
    "captured": _captured,
    "share of pairs": _share_of_pairs,
    "gateways": _gateways,
    "coverage": _coverage,
    "hegemony": _hegemony,
    "chokepoints": _chokepoints,
    "interfaces": _interfaces,
    "leave one out": _leave_one_out,
    "witness": _witness,
    "domestic": _domestic,
    "first abroad": _first_abroad,
    "timeline": _timeline,
    "measured": _measured,
    "left out": _left_out,
}


# Of too few networks the figures are not shown: four of four is read as a verdict.
_OF_TOO_FEW: dict[str, Callable[[Mapping[str, Any]], Text | str | None]] = {
    "judged": _judged,
    **{
        name: _ROWS[name]
        for name in ("coverage", "witness", "domestic", "timeline", "measured", "left out")
    },
}


def _rows(verdict: Mapping[str, Any]) -> dict[str, Text | str]:
    rows = _OF_TOO_FEW if verdict["grade"] == "insufficient" else _ROWS
    told = {name: row(verdict) for name, row in rows.items()}
    return {name: row for name, row in told.items() if row is not None}


def _figures(verdict: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, row in _rows(verdict).items():
        table.add_row(name, row)
    return table


def _bullets(title: str, sentences: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for sentence in sentences:
        table.add_row("  •", Text(sentence))
    return Group(Text(title, "dim"), table)


def _first(verdict: Mapping[str, Any]) -> str:
    """What is read before all else."""
    return " ".join(filter(None, (headline(verdict), at_home(verdict), of_the_other(verdict))))


def _warned(verdict: Mapping[str, Any]) -> list[str]:
    """What has to be known before the grade is read."""
    said = simulated(verdict["provenance"].get("notes", {}))
    return [said] if said else []


def _why(verdict: Mapping[str, Any]) -> list[str]:
    other = of_the_other(verdict)
    return [reason for reason in verdict["reasons"] if reason != other]


def verdict_panel(verdict: Mapping[str, Any]) -> RenderableType:
    """The whole verdict as one panel."""
    verdict = legible(verdict)
    style = _STYLE[verdict["grade"]]
    grade = verdict["grade"].replace("_", " ").upper()
    scope = f" ({verdict['scope']})" if verdict["gateway"] else ""
    return Panel(
        Group(
            *(Text(said, "bold yellow") for said in _warned(verdict)),
            Text.assemble((grade, f"bold {style}"), (scope, style), "  ", _first(verdict)),
            "",
            _figures(verdict),
            "",
            _bullets("why", _why(verdict)),
            "",
            _bullets("limits", verdict["limits"]),
        ),
        title=f"{verdict['country']} · {_window(verdict)}",
        title_align="left",
        border_style=style,
    )


def _brief(verdict: Mapping[str, Any]) -> dict[str, str]:
    """What of a verdict stands beside that of another, by what it is."""
    captured, domestic = verdict["captured"], verdict["domestic"]
    return {
        "days": " to ".join(day or "–" for day in verdict["window"]),
        "gateway": verdict["gateway"]["name"] if verdict["gateway"] else "none named",
        "captured": f"{captured['organisations']} of {many(captured['of'], 'organisation')}",
        _bounds(verdict): _range(verdict),
        "nationally": "a share of " + _national(verdict),
        "effective": f"{effective(verdict)} gateways",
        "domestic": grade_at_home(domestic) + _hub(domestic),
    }


def _summary(verdict: Mapping[str, Any], title: str, width: int) -> Panel:
    verdict = legible(verdict)
    style = _STYLE[verdict["grade"]]
    lines = Table.grid(padding=(0, 1))
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column()
    for name, told in _brief(verdict).items():
        lines.add_row(name, Text(told))
    grade = Text(verdict["grade"], f"bold {style}")
    return Panel(Group(grade, "", lines), title=title, border_style=style, width=width)


def one_by_one(verdicts: Mapping[str, Mapping[str, Any]]) -> str:
    """What `side_by_side` shows as plain lines, for a pipe or a log."""
    lines = []
    for title, verdict in verdicts.items():
        brief = _brief(legible(verdict))
        widest = max(map(len, brief))
        lines.append(f"{title}: {verdict['grade']}")
        lines += [f"{name:{widest}}  {told}" for name, told in brief.items()]
    return "\n".join(lines)


def side_by_side(verdicts: Mapping[str, Mapping[str, Any]], console_width: int) -> RenderableType:
    """Verdicts beside each other, or one below the other on a narrow terminal."""
    wide = console_width >= 90
    width = (console_width - 2) // len(verdicts) if wide else console_width
    panels = [_summary(verdict, title, width) for title, verdict in verdicts.items()]
    return Columns(panels, padding=(0, 1)) if wide else Group(*panels)


def plain(verdict: Mapping[str, Any]) -> str:
    """The verdict as plain lines, one a figure or sentence, for a pipe or a log."""
    verdict = legible(verdict)
    rows = _rows(verdict)
    widest = max(map(len, rows))
    return "\n".join(
        [
            f"{verdict['country']}: {verdict['grade']}",
            *_warned(verdict),
            _first(verdict),
            *(f"{name:{widest}}  {row}" for name, row in rows.items()),
            "why",
            *(f"  • {reason}" for reason in _why(verdict)),
            "limits",
            *(f"  • {limit}" for limit in verdict["limits"]),
        ]
    )
