"""A verdict as one page that can be published: no script, no request, nothing but the verdict.

Decides what stands on the page and in which order; the words are in the template, the pictures come
from `analysis.figures`. Whatever comes from traces or tables is escaped, and the page forbids
itself everything but its own style.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from analysis import figures, matrices, palette
from analysis.flows import ways_of
from analysis.pictures import as_svg
from analysis.statement import Verdict
from analysis.translation import Words
from analysis.wording import headline
from probe.record import SIMULATED

TEMPLATES = Path(__file__).parent / "templates"
PAGE_WIDTH, PHONE_WIDTH = 784, 326
RECRUITS = 10
# Of more files than this, a reader has to unfold the list.
UNFOLDED = 20


def report(verdict: Verdict, *, language: str = "en") -> str:
    """The page, as HTML; ``language`` is one of `analysis.translation.LANGUAGES`."""
    words = Words(language)
    style = _style()
    page: str = _template().render(
        _=words,
        words=words,
        v=verdict,
        fields=verdict.to_dict(),
        headline=headline(verdict.to_dict(), words),
        simulated=verdict.provenance["notes"].get(SIMULATED, 0),
        pictures=_pictures(verdict, words),
        grid=matrices.international(verdict.pairs, verdict.accused, words),
        domestic=matrices.domestic(verdict.domestic_pairs, _hub(verdict), words),
        criteria=criteria(verdict),
        ways=_ways(verdict, words),
        asked=[dict(row) for _, row in _to_ask(verdict).astype(object).iterrows()],
        provenance=verdict.provenance,
        unfolded=UNFOLDED,
        colours={"other": palette.OTHER.light, "unknown_pale": palette.UNKNOWN_PALE.light},
        verdict_json=json.dumps(verdict.to_dict(), ensure_ascii=False, indent=1),
        style=Markup(style),  # noqa: S704 - ours, from a file beside the template
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    return page


def _name(verdict: Verdict) -> str | None:
    return verdict.strongest.name if verdict.strongest else None


def _hub(verdict: Verdict) -> str | None:
    return verdict.domestic.hub.name if verdict.domestic.hub else None


def _to_ask(verdict: Verdict) -> Any:
    table = verdict.recruits
    return table[~table["measured"].fillna(value=False)].head(RECRUITS)


# ------------------------------------------------------------------------ the rule


@dataclass(frozen=True)
class Criterion:
    """One thing that the rule asks for, what was found, and whether that suffices."""

    key: str
    asked: str
    found: str
    met: bool


def criteria(verdict: Verdict) -> dict[str, list[Criterion]]:
    """What the rule asks for: before anything is said, and before somebody is named.

    The keys are those of the template. The rule is `analysis.verdict`; here it is only shown.
    """
    policy, captured = verdict.provenance["policy"], verdict.captured
    own = _name(verdict)
    considered = verdict.pairs[verdict.pairs["organisation"] != own]
    resolved = considered[considered["resolved"].fillna(value=False)]
    known = len(resolved) / len(considered) if len(considered) else 0.0
    classes = len(resolved[["destination_organisation", "destination_continent"]].drop_duplicates())
    days = verdict.to_dict()["measured"]["days"]
    agree = bool(verdict.to_dict()["strict_and_lenient_agree"])
    said = [
        _at_least("networks", captured.of, policy["organisations"]),
        _at_least("known", known, policy["resolved"], share=True),
        _at_least("classes", classes, policy["destination_classes"]),
    ]
    named = [
        _at_least("captured", captured.lower, policy["single"], share=True),
        _at_least("days", days, policy["days"]),
        _at_least(
            "continents", int(resolved["destination_continent"].nunique()), policy["continents"]
        ),
        Criterion("agree", "", "", agree and captured.of > 0),
    ]
    return {"said": said, "named": named}


def _at_least(key: str, found: float, asked: float, *, share: bool = False) -> Criterion:
    write = "{:.0%}" if share else "{:g}"
    return Criterion(key, write.format(asked), write.format(found), found >= asked)


# ------------------------------------------------------------------------ the pictures


def _pictures(verdict: Verdict, words: Words) -> dict[str, Markup]:
    """Each picture for a page and for a telephone; what has nothing to show is left out."""
    dates = "%-d %b %Y" if words.language == "en" else "%-d/%-m/%Y"
    drawn: dict[str, Markup] = {}

    def add(name: str, title: str, wide: alt.LayerChart, narrow: alt.LayerChart) -> None:
        drawn[name] = Markup("").join(
            Markup('<div class="{}">{}</div>').format(
                shape,
                Markup(  # noqa: S704 - an element tree wrote it, and escapes what it holds
                    as_svg(chart, name=f"{name}-{shape}", title=title)
                ),
            )
            for shape, chart in (("wide", wide), ("narrow", narrow))
        )

    widths = (PAGE_WIDTH, PHONE_WIDTH)
    if verdict.captured.of:
        add(
            "captured",
            words("Networks that pass the strongest candidate"),
            *(figures.captured(verdict, width=width, say=words) for width in widths),
        )
    if len(verdict.pairs):
        add(
            "paths",
            words("Paths from each network through its gateway to abroad"),
            *(figures.paths(verdict, width=width, say=words) for width in widths),
        )
    if verdict.days["captured_share"].notna().any():
        add(
            "days",
            words("Networks that pass the gateway, day by day"),
            *(
                figures.share_over_time(verdict, width=width, say=words, dates=dates)
                for width in widths
            ),
        )
    return drawn


def _ways(verdict: Verdict, words: Words) -> list[tuple[str, str, str]]:
    """The picture of the paths in words: network, gateways, first operators abroad."""
    found: dict[str, tuple[dict[str, float], dict[str, float]]] = {}
    rows = [dict(row) for _, row in verdict.pairs.astype(object).iterrows()]
    for way in ways_of(rows, verdict.accused):
        parts = found.setdefault(way.network, ({}, {}))
        for counted, bar in zip(parts, (way.gateway, way.abroad), strict=True):
            name = words("itself") if bar.role == "itself" else figures.bar_name(bar, words)
            counted[name] = counted.get(name, 0.0) + way.weight
    return [(name, _parts(parts[0]), _parts(parts[1])) for name, parts in found.items()]


def _parts(counted: Mapping[str, float]) -> str:
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {part:.0%}" for name, part in ranked)


# ------------------------------------------------------------------------ the page


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = "{:.0%}".format
    return environment.get_template("report.html")


@cache
def _style() -> str:
    """The style sheet, with a dark twin for every colour that a picture may have."""
    sheet = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    roles = {
        name.lower().replace("_", "-"): colour
        for name, colour in vars(palette).items()
        if isinstance(colour, palette.Colour)
    }
    light = "".join(f"--{role}:{colour.light};" for role, colour in roles.items())
    dark = "".join(f"--{role}:{colour.dark};" for role, colour in roles.items())
    pictures = "".join(
        f'svg [{paint}="{colour.light}"]{{{paint}:var(--{role})}}\n'
        for role, colour in roles.items()
        for paint in ("fill", "stroke")
    )
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{pictures}{sheet}"
    )
