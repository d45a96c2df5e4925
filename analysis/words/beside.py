"""Two verdicts beside each other, for a terminal or a pipe. Shows what the comparison's JSON says.

What may be concluded comes first: who reads no further must not take a difference for a change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from analysis.words.render import legible
from analysis.words.wording import GRADES, called, many, outward

_MOST = 20  # networks that are listed; the others are counted
_DIGITS = 9
_HASH = 12  # digits of a sum that a reader compares

_LABELS = {
    "coverage.bounds": "nationally",
    "effective_gateways": "effective",
    "share": "share of pairs",
    "strict_and_lenient_agree": "readings agree",
    "timeline.alarm": "alarm",
    "timeline.onset": "alarm's onset",
    "timeline.gateway": "alarm's gateway",
    "domestic.grade": "domestic",
    "domestic.hub": "domestic hub",
    "domestic.captured": "hub captured",
    "domestic.meeting_place": "only a meeting",
    "upstream.operator": "first abroad",
    "witness.says": "witness",
    "families": "other IP version",
    "family": "IP version",
    "measured.traces_of_both_families_and_all_days": "traces of all days",
    "coverage.eyeballs": "covered",
    "eyeballs": "users",
    "snapshots": "address table",
    "witness.sha256": "routing table",
}


def _grade(value: str | None, _: int) -> str:
    return "none" if value is None else GRADES.get(value, value)


def _name(node: str) -> str:
    kind, _, name = node.partition(":")
    return called(kind, name)


def _node(value: str | None, _: int) -> str:
    return "none" if value is None else _name(value)


def _captured(value: Mapping[str, Any], digits: int) -> str:
    between = _bounds((value["lower"], value["upper"]), digits)
    return f"{value['organisations']} of {value['of']} ({between})"


def _share(value: Mapping[str, Any], digits: int) -> str:
    users = "" if value["eyeballs"] is None else f", weighed {value['eyeballs']:.{digits}f}"
    between = _bounds((value["lower"], value["upper"]), digits)
    return f"{value['equal']:.{digits}f} ({between}){users}"


def _bounds(value: Sequence[float], digits: int) -> str:
    return "–".join(outward(value[0], value[1], f".{digits}f"))


def _days(value: Sequence[str | None]) -> str:
    return "no data" if value[0] is None else f"{value[0]} to {value[1]}"


_SHOWN: dict[str, Callable[[Any, int], str]] = {
    "grade": _grade,
    "families": _grade,
    "domestic.grade": _grade,
    "gateway": _node,
    "timeline.gateway": _node,
    "domestic.hub": _node,
    "upstream.operator": _node,
    "captured": _captured,
    "domestic.captured": _captured,
    "share": _share,
    "coverage.bounds": _bounds,
}


def _plain(value: Any, digits: int) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _change(row: Mapping[str, Any]) -> str:
    """A figure before and after, in as many digits as it takes to see that they differ."""
    show = _SHOWN.get(row["key"], _plain)
    for digits in range(2, _DIGITS + 1):
        old, new = show(row["old"], digits), show(row["new"], digits)
        if old != new:
            break
    return f"{old} → {new}"


def _label(key: str) -> str:
    """What a figure is called for people.

    >>> _label("timeline.onset"), _label("domestic.pairs.third_party"), _label("measured.traces")
    ("alarm's onset", 'at home: third party', 'traces')
    """
    if key in _LABELS:
        return _LABELS[key]
    for stem, said in (
        ("domestic.pairs.", "at home: "),
        ("measured.", ""),
        ("rejected.", "left out: "),
    ):
        if key.startswith(stem):
            return said + key.removeprefix(stem).replace("_", " ")
    return key.replace("_", " ") if "." not in key else key


def _means(row: Mapping[str, Any]) -> str:
    old, new = (_by(row, row[side]) for side in ("old", "new"))
    return f"{old} → {new}"


def _by(row: Mapping[str, Any], value: Any) -> str:
    if value is None or value == []:
        return "none" if row["means"] in {"users", "routes", "organisations"} else "not told"
    hashed = row["means"] in {"lists", "users", "routes", "organisations"}
    return ", ".join(
        str(one)[:_HASH] if hashed else str(one)
        for one in (value if isinstance(value, list) else [value])
    )


def _way(way: Mapping[str, Any]) -> str:
    if way["exit"] is None:
        return "not known"
    name = "itself" if way["exit"] == "own exit" else _name(way["exit"])
    if way["pairs"] is None:
        return name
    return f"{name} ({max(way['exits'].values(), default=0)} of {way['pairs']})"


_CAPTURED = {True: ", captured", False: ", not captured", None: ""}


def _ways(one: Mapping[str, Any]) -> str:
    """How a network left before and after, with whether it is captured where only that differs."""
    same = one["old"]["exit"] == one["new"]["exit"]
    old, new = (
        _way(one[side]) + (_CAPTURED[one[side]["captured"]] if same else "")
        for side in ("old", "new")
    )
    return f"{old} → {new}"


def _networks(comparison: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of each network that is not as it was, what it is called and what became of it."""
    of = comparison["organisations"]
    rows = [
        *((one["organisation"], _ways(one)) for one in (*of["moved"], *of["silent"])),
        *((name, "only in the newer") for name in of["new"]),
        *((name, "only in the older") for name in of["left"]),
    ]
    others = len(rows) - _MOST
    if others > 0:
        rows = [*rows[:_MOST], (f"and {others} more", "the JSON has them all")]
    if of["otherwise"]:
        rows.append((many(len(of["otherwise"]), "other"), "the same way, other counts"))
    return rows


def _files(comparison: Mapping[str, Any]) -> list[tuple[str, str]]:
    of = comparison["inputs"]
    return [
        ("files", f"{of['same']} in both, {len(of['gone'])} gone, {len(of['added'])} added"),
    ]


def _untold(comparison: Mapping[str, Any]) -> list[tuple[str, str]]:
    sides = (("only the newer tells", "old"), ("only the older tells", "new"))
    return [
        (said, ", ".join(map(_label, comparison["untold"][side])))
        for said, side in sides
        if comparison["untold"][side]
    ]


def sections(comparison: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """What is shown below the sentences: rows under a heading; none without rows."""
    found = {
        "finding": [(_label(row["key"]), _change(row)) for row in comparison["finding"]],
        "networks": _networks(comparison),
        "measured": [
            (_label(row["key"]), _change(row))
            for row in comparison["measured"]
            if row["key"] != "window"  # stands at the head
        ],
        "made of and judged by": [
            *_files(comparison),
            *((_label(row["key"]), _means(row)) for row in comparison["means"]),
            *_untold(comparison),
        ],
    }
    return {heading: rows for heading, rows in found.items() if rows}


def first(comparison: Mapping[str, Any]) -> str:
    """Both grades, with whom they name: of two gateways one grade is not the same."""
    both = zip(comparison["grades"], comparison["gateways"], strict=True)
    return " → ".join(
        _grade(grade, 0) + (f", {_name(gateway)}" if gateway else "") for grade, gateway in both
    )


def _windows(comparison: Mapping[str, Any]) -> str:
    return " → ".join(_days(window) for window in comparison["windows"])


def comparison_panel(comparison: Mapping[str, Any]) -> RenderableType:
    """All of the comparison but `further`, as one panel."""
    comparison = legible(comparison)
    parts: list[RenderableType] = [
        Text(first(comparison), "bold"),
        Text(_windows(comparison), "dim"),
        "",
        *map(_bullet, comparison["reading"]),
    ]
    for heading, rows in sections(comparison).items():
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", max_width=24)
        table.add_column()
        for name, told in rows:
            table.add_row(Text(name), Text(told))
        parts += ["", Text(heading, "bold dim"), table]
    return Panel(Group(*parts), title=comparison["country"], title_align="left")


def further(comparison: Mapping[str, Any]) -> list[str]:
    """What tells more, as lines that stand below a panel: commands are there to be copied."""
    return [
        line
        for step in legible(comparison["steps"])
        for line in ("to tell more", f"  {step['command']}", f"  • {step['tells']}")
    ]


def _bullet(sentence: str) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("•", Text(sentence))
    return table


def plain_comparison(comparison: Mapping[str, Any]) -> str:
    """The comparison as plain lines, one a figure or sentence, for a pipe or a log."""
    comparison = legible(comparison)
    lines = [
        f"{comparison['country']}: {first(comparison)}",
        _windows(comparison),
        *(f"  • {sentence}" for sentence in comparison["reading"]),
    ]
    for heading, rows in sections(comparison).items():
        widest = max(len(name) for name, _ in rows)
        lines += [heading, *(f"  {name:{widest}}  {told}" for name, told in rows)]
    lines += further(comparison)
    return "\n".join(lines)
