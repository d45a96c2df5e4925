"""A verdict, and what the address tables have to do with it.

Which table spoke of which day, how far the records' own attribution agrees, what another table
would change, and which of the organisations named a state owns. None of it moves the grade.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from analysis.basis import comparison, remarks
from analysis.basis.dated import Used, observe_by_day, tables_in
from analysis.evidence.panel import Panel, observe
from analysis.intake.load import Loaded
from analysis.intake.told import tell
from analysis.judgement.judge import Judgement
from analysis.owners import attribution, ownership
from analysis.owners.operators import Gazetteer
from analysis.owners.organisations import merge, read_siblings
from analysis.policy import Policy
from analysis.scale.engine import Digest
from probe.origin import Origin
from probe.record import SIMULATED


class Voice(attribution.Voice, remarks.Voice, Protocol):
    """What a trace says of itself."""


# By a table, what the traces are under it, and what they are under the tables of their days.
Judging = Callable[[Origin, Panel, Panel | None], Judgement]


@dataclass(frozen=True)
class Tables:
    """The tables that an analyst judges by.

    ``main`` attributes everything, or with ``days`` what the alarm hears only; ``other`` is
    judged by as well. ``siblings`` says which files merged organisations, and how many, and
    ``unmerged`` is ``main`` without these; ``lists`` are the sha256 of those that ``main`` was
    opened with.
    """

    main: Origin
    lists: dict[str, str]
    days: list[tuple[dt.date, Path]] | None = None
    other: Origin | None = None
    siblings: dict[str, Any] | None = None
    unmerged: Origin | None = None


def open_tables(
    main: Origin,
    *,
    days: Path | None,
    other: Path | None,
    siblings: tuple[Path, ...],
) -> Tables:
    """Open what an analyst names. Raises `InputError` and `probe.origin.OriginError`."""
    told = unmerged = None
    if siblings:
        found = read_siblings(siblings)
        merged = merge(main, found)
        unmerged, main = main, main.merged(merged.names)
        told = {
            "files": found.sha256,
            "merged": len(merged.names),
            "kept_apart": [list(names) for names in merged.kept_apart],
        }
    return Tables(
        main,
        main.lists,
        tables_in(days) if days is not None else None,
        main.over(other) if other is not None else None,
        told,
        unmerged,
    )


def _days_of(tables: Tables) -> list[dt.date]:
    """The days of the tables that read traces, as far as they are known."""
    if tables.days is not None:
        return [day for day, _ in tables.days]
    date = tables.main.snapshot.date
    return [dt.date.fromisoformat(date)] if date is not None else []


def _judged(verdict: Judgement, panel: Panel) -> set[dt.date]:
    """The days with traces of the period judged."""
    if None in verdict.fields["window"]:
        return set()
    first, last = map(dt.date.fromisoformat, verdict.fields["window"])
    return {day for seen in panel.observations for day in seen.days if first <= day <= last}


def assess(
    loaded: Loaded,
    tables: Tables,
    country: str,
    policy: Policy,
    *,
    now: float,
    judge: Judging,
    digest: Digest | None,
) -> Judgement:
    """Judge, and tell what the tables have to do with the verdict.

    ``judge`` judges what was loaded by a table, by what the traces are under it and, where there
    is one, by the panel that the tables of the days give. ``digest`` is what became of the traces
    where they were not kept; then there are no tables of days. Added to the verdict:
    ``ownership``, ``comparison`` where another table was named, and ``attribution``, ``notes``,
    ``lists``, ``organisations`` and ``tables`` under ``provenance``.
    """

    def observed(table: Origin) -> Panel:
        return observe(loaded.traces, Gazetteer(table, country), table, policy, now)

    dated: Panel | None = None
    used: Used | None = None
    if tables.days is not None:
        dated, used = observe_by_day(
            loaded.traces, tables.days, tables.main, country=country, policy=policy, now=now
        )
    panel = observed(tables.main) if digest is None else digest.panel
    verdict = judge(tables.main, panel, dated)
    fields = verdict.fields
    voices: Sequence[tuple[Voice, int]] = (
        [(tell(trace), 1) for trace in loaded.traces] if digest is None else digest.voices
    )
    attributed = attribution.attribution(voices, tables.main)
    fields["provenance"] |= _provenance(attributed, voices, tables, used)
    fields["ownership"] = ownership.ownership(fields, tables.main)
    fields["reasons"] += ownership.sentences(fields["ownership"])
    fields["limits"] += attribution.sentences(attributed)
    notes, traces = fields["provenance"]["notes"], sum(count for _, count in voices)
    # Whoever simulates takes addresses from a table of today, whatever the days are called.
    if notes.get(SIMULATED, 0) < traces:
        judged = _judged(verdict, dated or panel)
        fields["limits"] += attribution.far(judged, _days_of(tables))
    fields["limits"] += remarks.simulated(notes, traces)
    if tables.unmerged is not None:
        fields["limits"] += _joined(fields, tables.unmerged)
    if used is not None:
        fields["provenance"]["snapshots"] += used.traces
        fields["limits"] += _by_tables_of_days(used, attributed["table"])
    if tables.other is not None:
        other = observed(tables.other) if digest is None else digest.other
        assert other is not None  # folded by both tables, where it was folded
        fields["comparison"] = comparison.compare_verdicts(
            fields, judge(tables.other, other, None).fields
        ) | {"crossings": comparison.compare_crossings(dated or panel, other)}
        fields["reasons"] += comparison.sentences(fields["comparison"])
    return verdict


def _provenance(
    attributed: dict[str, Any],
    voices: Sequence[tuple[Voice, int]],
    tables: Tables,
    used: Used | None,
) -> dict[str, Any]:
    """What the provenance tells of tables and records."""
    known = {attributed["table"], "none"}
    return {
        "attribution": attributed | {"records": remarks.most(attributed["records"], known)},
        "notes": remarks.remarks(voices),
        "lists": tables.lists,
        "organisations": tables.siblings,
        "tables": None if used is None else {"traces": used.traces, "older": used.older},
    }


def _joined(fields: Mapping[str, Any], unmerged: Origin) -> list[str]:
    """That whoever a verdict names is one by the analyst's files alone, where it is so at home."""
    named = (fields["gateway"], fields["domestic"]["hub"], fields["timeline"]["gateway"])
    joined = {
        node["name"]: sorted({unmerged.organisation(asn) for asn in node["asns"]})
        for node in named
        if node is not None
    }
    return [
        f"{name} is one organisation by the files of --organisations alone, which join "
        f"{', '.join(parts)}: rivals that a file joins are no one gateway, so judge without the "
        "files as well."
        for name, parts in joined.items()
        if len(parts) > 1
    ]


def _by_tables_of_days(used: Used, of_alarm: str) -> list[str]:
    """What a reader must know where each trace was read by the table of its day."""
    told = [
        f"Each trace was read by the table of its day (tables: {len(used.traces)}), the alarm "
        f"by {of_alarm} throughout."
    ]
    if used.older:
        told.append(
            f"Traces older than all of these tables: {used.older} of {sum(used.traces.values())}, "
            "read by the oldest."
        )
    return told
