"""A verdict as one page that can be published: no script, no request, nothing but the verdict.

Decides what stands on the page and in which order; the words are in the template, the pictures come
from `analysis.page.figures`. Whatever comes from traces or tables is escaped, and the page forbids
itself everything but its own style.
"""

from __future__ import annotations

import base64
import hashlib
import json
import operator
import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import altair as alt
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from analysis.library.statement import Verdict, demand_verdict
from analysis.owners import ownership
from analysis.page import figures, matrices, palette, sankey
from analysis.page.flows import Strand, stand_together, strands_of
from analysis.page.pictures import as_svg
from analysis.tables import records_of
from analysis.words.direction import straight
from analysis.words.translation import Words
from analysis.words.versions import of_the_other
from analysis.words.wording import (
    GRADES,
    LEFT_OUT,
    asked,
    at_home,
    beside,
    called,
    captured_range,
    down,
    effective,
    grade_at_home,
    headline,
    not_judged,
    outward,
    part,
    some_asns,
    up,
)
from probe.record import SIMULATED

TEMPLATES = Path(__file__).parent / "templates"
PAGE_WIDTH, PHONE_WIDTH = 784, 326
RECRUITS = 10
# Of more files than this, a reader has to unfold the list.
UNFOLDED = 20
# A table of signs with more columns than this gets smaller ones on paper.
BROAD = 18


def report(verdict: Verdict, *, language: str = "en") -> str:
    """The page, as HTML; ``language`` is one of `analysis.words.translation.LANGUAGES`.

    Raises ValueError where it is none of them, and TypeError for what is no verdict.
    """
    demand_verdict(verdict)
    words = Words(language)
    style = _style()
    fields = verdict.to_dict()
    owned = ownership.sentences(fields["ownership"])
    other_version = of_the_other(fields)
    interval = fields["intervals"]["effective_gateways"]
    page: str = _template().render(
        _=words,
        words=words,
        v=verdict,
        fields=fields,
        headline=headline(fields, words),
        at_home=at_home(fields, words),
        grade_at_home=grade_at_home(fields["domestic"], words),
        grades=GRADES,
        reasons=[one for one in verdict.reasons if one not in owned and one != other_version],
        other_version=other_version,
        owned=ownership.sentences(
            {
                name: said | {"state": words.country(said["state"])}
                for name, said in fields["ownership"].items()
            }
        ),
        simulated=verdict.provenance["notes"].get(SIMULATED, 0),
        pictures=_pictures(verdict, words),
        grid=matrices.international(verdict.pairs, verdict.accused, words),
        domestic=matrices.domestic(verdict.domestic_pairs, _hub(verdict), words),
        rule=asked_by_step(fields["criteria"]),
        rule_at_home=asked_by_step(fields["domestic"]["criteria"]),
        captured=captured_range(fields, ".0%"),
        effective=effective(fields),
        effective_range=outward(interval[0], interval[1], ".1f") if interval else None,
        national=outward(*verdict.coverage.bounds),
        turned_on=_TURNED_ON[verdict.grade],
        ways=ways_in_words(verdict, words),
        paths_title=_paths_title(verdict, words),
        stand_together=stand_together(_strands(verdict)),
        needs=verdict.needs,
        recruits=records_of(_to_ask(verdict)),
        rejected=records_of(verdict.rejected),
        left_out=LEFT_OUT,
        not_judged=not_judged(fields),
        provenance=verdict.provenance,
        command=_unbroken(verdict.provenance["command"] or _command(fields)),
        uncounted=[called(one["kind"], one["name"], words) for one in fields["uncounted"]],
        unfolded=UNFOLDED,
        broad=BROAD,
        colours={"other": palette.OTHER.light, "unknown_pale": palette.UNKNOWN_PALE.light},
        verdict_json=_for_a_program(fields),
        style=Markup(style),  # noqa: S704 - ours, from a file beside the template
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    return straight(page)


def _for_a_program(fields: Mapping[str, Any]) -> str:
    """The JSON; in ASCII, which stays as it is, where a name would be shown in another way."""
    written = json.dumps(fields, ensure_ascii=False, indent=1)
    return written if straight(written) == written else json.dumps(fields, indent=1)


def _hub(verdict: Verdict) -> str | None:
    return verdict.domestic.hub.name if verdict.domestic.hub else None


def _command(fields: Mapping[str, Any]) -> str:
    """What one would type for a verdict that was made in Python, as far as the verdict tells."""
    provenance, witness = fields["provenance"], fields["witness"]
    siblings, users = provenance["organisations"], provenance["eyeballs"]
    options = [
        *(("--policy", f"{key}={value}") for key, value in provenance["policy_changed"].items()),
        *(("--organisations", name) for name in (siblings["files"] if siblings else ())),
        *([("--eyeballs", users["file"])] if users else ()),
        *([("--rib", witness["source"])] if witness else ()),
        *([("--tables", "…")] if provenance["tables"] else ()),
        *([("--compare-table", "…")] if "comparison" in fields else ()),
    ]
    words = (shlex.quote(word) if word != "…" else word for pair in options for word in pair)
    return " ".join(["gatewatch analyze …", "--country", fields["country"], *words])


def _unbroken(command: str) -> Markup:
    """A command whose words stay whole at the end of a line: "-" and "-json" are no option."""
    return Markup(" ").join(
        Markup('<span class="word">{}</span>').format(word) for word in command.split(" ")
    )


def _to_ask(verdict: Verdict) -> pd.DataFrame:
    table = verdict.recruits
    return table[~table["measured"].fillna(value=False)].head(RECRUITS)


# ------------------------------------------------------------------------ the rule

# The steps on which each grade turned; the others can be unfolded.
_TURNED_ON = {
    "insufficient": ("said",),
    "diverse": ("said", "diverse"),
    "mixed": ("said", "diverse", "named"),
    "concentrated": ("said", "named", "single"),
    "single_gateway": ("said", "named", "single", "national"),
}
_COUNTS = frozenset({
    "organisations", "destination_classes", "effective_gateways", "continents", "keys",
    "key_organisations", "days",
})  # fmt: skip
_SIGN = {"at least": "≥", "more than": ">", "under": "<"}
_HOLDS = {"at least": operator.ge, "more than": operator.gt, "under": operator.lt}

# Bounds claim no more than is known; all else is rounded to the nearest.
_WRITTEN = {
    "diverse_upper": up, "concentrated_lower": down, "rivals": down, "single": down,
    "national": down,
}  # fmt: skip


class Asked(NamedTuple):
    """A row of the table of the rule, written out."""

    key: str
    asked: str
    found: str
    met: bool


def asked_by_step(criteria: Iterable[Mapping[str, Any]]) -> dict[str, list[Asked]]:
    """Step by step what the rule asks for, in the order of the verdict."""
    steps: dict[str, list[Asked]] = {}
    for row in criteria:
        asked = found = ""
        if isinstance(row["bound"], str):
            scale, unit = (1, "") if row["key"] in _COUNTS else (100, "%")
            asked = f"{_SIGN[row['bound']]} {round(scale * row['asked'], 9):g}{unit}"
            whole = row["found"] == int(row["found"])
            form = ".0%" if unit else ".0f" if whole else ".1f"
            written = _WRITTEN.get(row["key"], format)
            found = beside(row["found"], row["asked"], form, _HOLDS[row["bound"]], written)
        steps.setdefault(row["step"], []).append(Asked(row["key"], asked, found, row["met"]))
    return steps


# ------------------------------------------------------------------------ the pictures


def _pictures(verdict: Verdict, words: Words) -> dict[str, Markup]:
    """Each picture for a page and for a telephone; what has nothing to show is left out."""
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
            _paths_title(verdict, words),
            *(figures.paths(verdict, width=width, say=words) for width in widths),
        )
    if verdict.days["captured_share"].count() > 1:
        add(
            "days",
            words("Networks that pass the gateway, day by day"),
            *(
                figures.share_over_time(verdict, width=width, say=words, dated=words.short_day)
                for width in widths
            ),
        )
    return drawn


def _strands(verdict: Verdict) -> list[Strand]:
    return strands_of(records_of(verdict.pairs), verdict.accused)


def _paths_title(verdict: Verdict, words: Words) -> str:
    if verdict.grade == "insufficient":
        return words("Paths from each network to abroad")
    return words("Paths from each network through its gateway to abroad")


def ways_in_words(verdict: Verdict, words: Words) -> list[tuple[str, str, str]]:
    """The picture of the paths in words: network, gateways, first operators abroad."""
    found: dict[str, tuple[dict[str, float], dict[str, float]]] = {}
    for strand in _strands(verdict):
        parts = found.setdefault(strand.network, ({}, {}))
        for counted, bar in zip(parts, (strand.gateway, strand.abroad), strict=True):
            name = sankey.label(bar, words)
            counted[name] = counted.get(name, 0.0) + strand.weight
    return [(name, _parts(parts[0]), _parts(parts[1])) for name, parts in found.items()]


def _parts(counted: Mapping[str, float]) -> str:
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {part(share)}" for name, share in ranked)


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
    environment.filters["percent"] = part
    environment.filters["asked"] = asked
    environment.filters["some_asns"] = some_asns
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
