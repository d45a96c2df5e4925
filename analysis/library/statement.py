"""What a user of the library holds: the data that were read, and a verdict that cannot be changed.

Both show themselves in a notebook. The figures of a verdict are attributes with types, its evidence
is tidy tables that are worked out when they are first asked for. Judges nothing, reads no file.
"""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from string import punctuation
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from analysis.alarm.beyond_border import Behind
from analysis.grading.criteria import Criterion
from analysis.grading.verdict import Grade
from analysis.home.hub import DomesticGrade
from analysis.intake.load import Loaded
from analysis.judgement.judge import Evidence
from analysis.library import exhibits
from analysis.owners.operators import Kind, Node
from analysis.simulated.planning import Needs, needs
from analysis.tables import (
    crossings_in_portions,
    crossings_table,
    in_order,
    replies_table,
    traces_table,
)
from analysis.words.direction import straight
from analysis.words.versions import of_the_other
from analysis.words.wording import (
    asked,
    at_home,
    captured_range,
    effective,
    grade_at_home,
    headline,
    many,
    outward,
    simulated,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Data:
    """The traces that were read, and what was left out.

    ``loaded`` is what the command line works with; the tables are made when they are asked for.
    """

    loaded: Loaded = field(repr=False)

    @cached_property
    def traces(self) -> pd.DataFrame:
        """One row a trace; see ``docs/tables.md``."""
        return traces_table(self.loaded.traces)

    @cached_property
    def replies(self) -> pd.DataFrame:
        """One row a probe, a star too; see ``docs/tables.md``."""
        return replies_table(self.loaded.traces)

    @property
    def rejected(self) -> pd.DataFrame:
        """How many lines and files were left out, by reason."""
        return exhibits.rejected_table(self.loaded.rejected)

    @property
    def complaints(self) -> tuple[str, ...]:
        """What could not be read, each with its file and line; the first few."""
        return tuple(self.loaded.complaints)

    @property
    def inputs(self) -> dict[str, str]:
        """The sha256 of every file that was read."""
        return dict(self.loaded.inputs)

    def __len__(self) -> int:
        return len(self.loaded.traces)

    def __repr__(self) -> str:
        left_out = sum(self.loaded.rejected.values())
        return f"<Data of {many(len(self), 'trace')}, {left_out} left out>"

    def _repr_html_(self) -> str:
        left_out = sum(self.loaded.rejected.values())
        return (
            f"<p><strong>{many(len(self), 'trace')}</strong>; files read: {len(self.inputs)}; "
            f"left out: {left_out}.</p>"
        )


@dataclass(frozen=True)
class Gateway:
    """Whom a verdict names. ``asns`` and ``blocks`` are empty where there are none."""

    kind: Kind
    name: str
    asns: tuple[int, ...]
    blocks: tuple[str, ...]

    @classmethod
    def of(cls, fields: Mapping[str, Any] | None) -> Self | None:
        """The gateway that this part of a verdict's JSON names."""
        if fields is None:
            return None
        return cls(fields["kind"], fields["name"], tuple(fields["asns"]), tuple(fields["blocks"]))


@dataclass(frozen=True)
class Captured:
    """``organisations`` of ``of`` pass the candidate, with one-sided bounds of their share."""

    organisations: int
    of: int
    lower: float
    upper: float


@dataclass(frozen=True)
class Share:
    """The mean part of an organisation's pairs that passes the candidate.

    ``equal`` weighs organisations alike, ``eyeballs`` by their users (None where nobody's are
    known); ``lower`` and ``upper`` come from drawing organisations anew.
    """

    equal: float
    eyeballs: float | None
    lower: float
    upper: float


@dataclass(frozen=True)
class Coverage:
    """How much of the country was measured.

    ``eyeballs`` is the part of the ``weights`` ("addresses" or "eyeballs") that the measured
    ``organisations`` have, without the candidate's; ``unweighed`` of them have none. Given that,
    the national share lies within ``bounds``. The country is known to have
    ``organisations_known``.
    """

    organisations: int
    organisations_known: int
    eyeballs: float
    weights: str
    unweighed: int
    bounds: tuple[float, float]


@dataclass(frozen=True)
class Domestic:
    """The paths between networks at home.

    ``meeting_place`` says that the ``hub`` is a place where networks meet, as at an exchange, and
    no more. ``pairs`` counts pairs of networks by the way between them, ``captured`` is of the
    strongest candidate for a hub, named or not. ``criteria`` are what the rule asks for and what
    was found, as in `Verdict.criteria` of the ways abroad.
    """

    grade: DomesticGrade
    hub: Gateway | None
    meeting_place: bool
    pairs: Mapping[str, int]
    captured: Captured
    effective_hubs: float
    reason: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class Upstream:
    """The first operator abroad that most pass, with the figures of a gateway; None without any."""

    operator: Gateway | None
    captured: Captured
    share: Share
    effective_gateways: float


@dataclass(frozen=True)
class Wave:
    """``organisations`` of ``of`` moved to one gateway within weeks, and ``left`` have left again.

    ``over`` is the day on which half of them had, None while the wave stands.
    """

    gateway: str
    onset: dt.date
    organisations: int
    of: int
    left: int
    over: dt.date | None


@dataclass(frozen=True)
class Timeline:
    """The alarm: whether many networks moved to one gateway, and on which day the first did.

    ``behind`` tells on how many of the paths that moved what stands behind the border stayed.
    ``waves`` are all that were found, also those that are over and no alarm.
    """

    alarm: bool
    onset: dt.date | None
    gateway: Gateway | None
    moved: Mapping[str, dt.date]
    reason: str
    behind: Behind | None
    waves: tuple[Wave, ...]


@dataclass(frozen=True, eq=False)
class Verdict:
    """A judged country.

    Figures are attributes, called as in ``gatewatch analyze --json``; what they rest on is tables.
    `to_dict` gives that JSON whole, with what has no attribute.
    """

    _fields: Mapping[str, Any] = field(repr=False)
    _evidence: Evidence = field(repr=False)
    _asns: Callable[[str], Sequence[int]] = field(repr=False)
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, init=False, repr=False)

    @property
    def country(self) -> str:
        """The country's code of two letters."""
        return str(self._fields["country"])

    @property
    def grade(self) -> Grade:
        """What the evidence amounts to, by the rule."""
        grade: Grade = self._fields["grade"]
        return grade

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        return headline(self._fields)

    @property
    def scope(self) -> Literal["sampled", "national"]:
        """Whether it holds for those who took part, or for the nation."""
        scope: Literal["sampled", "national"] = self._fields["scope"]
        return scope

    @property
    def window(self) -> tuple[dt.date, dt.date] | None:
        """First and last day judged; None without data."""
        first, last = self._fields["window"]
        if first is None:
            return None
        return dt.date.fromisoformat(first), dt.date.fromisoformat(last)

    @property
    def gateway(self) -> Gateway | None:
        """Who is named, in a verdict that names somebody."""
        return Gateway.of(self._fields["gateway"])

    @property
    def strongest(self) -> Gateway | None:
        """The strongest candidate, named by the verdict or not; None where there is none."""
        found = self._evidence.candidate
        if found is None:
            return None
        node = found.node
        asns = tuple(self._asns(node.name)) if node.kind == "organisation" else ()
        return Gateway(node.kind, node.name, asns, found.blocks)

    @property
    def accused(self) -> Node | None:
        """Whom a picture may show in the colour of a gateway: only whom the verdict names."""
        return Node(self.gateway.kind, self.gateway.name) if self.gateway else None

    @property
    def watched(self) -> Node | None:
        """Whose share over time `days` has; None where there is nobody.

        The alarm's gateway, else whoever is named, else the one to which many moved and that they
        have left again, else the strongest candidate.
        """
        return self._evidence.watched

    @property
    def captured(self) -> Captured:
        """How many organisations pass the strongest candidate."""
        return Captured(**self._fields["captured"])

    @property
    def share(self) -> Share:
        """How much passes the strongest candidate."""
        return Share(**self._fields["share"])

    @property
    def effective_gateways(self) -> float:
        """How many equally used gateways would be as concentrated."""
        return float(self._fields["effective_gateways"])

    @property
    def coverage(self) -> Coverage:
        """How much was measured, and between what the national share lies by that."""
        said = self._fields["coverage"]
        low, high = said["bounds"]
        return Coverage(**{**said, "bounds": (low, high)})

    @property
    def strict_and_lenient_agree(self) -> bool:
        """Whether reading doubtful hops generously changes neither the candidate nor its level."""
        return bool(self._fields["strict_and_lenient_agree"])

    @property
    def measured(self) -> dict[str, int]:
        """What it rests on, counted: ``traces``, ``vantages``, ``organisations``, ``days`` …"""
        return dict(self._fields["measured"])

    @property
    def domestic(self) -> Domestic:
        """How the country's networks reach each other."""
        said = self._fields["domestic"]
        return Domestic(
            said["grade"],
            Gateway.of(said["hub"]),
            said["meeting_place"],
            dict(said["pairs"]),
            Captured(**said["captured"]),
            said["effective_hubs"],
            said["reason"],
            tuple(Criterion(**one) for one in said["criteria"]),
        )

    @property
    def upstream(self) -> Upstream:
        """Through whom the paths go on abroad."""
        said = self._fields["upstream"]
        return Upstream(
            Gateway.of(said["operator"]),
            Captured(**said["captured"]),
            Share(**said["share"]),
            said["effective_gateways"],
        )

    @property
    def timeline(self) -> Timeline:
        """Whether and when a gateway was switched on."""
        said = self._fields["timeline"]
        onset = said["onset"]
        return Timeline(
            said["alarm"],
            dt.date.fromisoformat(onset) if onset else None,
            Gateway.of(said["gateway"]),
            {one["organisation"]: dt.date.fromisoformat(one["day"]) for one in said["moved"]},
            said["reason"],
            Behind(**said["behind"]) if said["behind"] else None,
            tuple(
                Wave(
                    one["gateway"],
                    dt.date.fromisoformat(one["onset"]),
                    one["organisations"],
                    one["of"],
                    one["left"],
                    dt.date.fromisoformat(one["over"]) if one["over"] else None,
                )
                for one in said["waves"]
            ),
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in sentences."""
        return tuple(self._fields["reasons"])

    @property
    def limits(self) -> tuple[str, ...]:
        """What it cannot say, in sentences."""
        return tuple(self._fields["limits"])

    @property
    def provenance(self) -> dict[str, Any]:
        """With what it can be redone: hashes of the inputs, address tables, policy, version."""
        return copy.deepcopy(dict(self._fields["provenance"]))

    def to_dict(self) -> dict[str, Any]:
        """A copy of the whole, as ``gatewatch analyze --json`` prints it."""
        return copy.deepcopy(dict(self._fields))

    @property
    def crossings(self) -> pd.DataFrame:
        """One row a trace of the period judged: where it left the country."""
        return self._made(
            "crossings", lambda: in_order(crossings_table(self._evidence.observations))
        )

    def crossings_in_portions(self) -> Iterator[pd.DataFrame]:
        """The rows of `crossings` in tables of some thousand, for whom all would be too many."""
        return crossings_in_portions(self._evidence.observations)

    @property
    def pairs(self) -> pd.DataFrame:
        """One row for each organisation and destination abroad, with its gateway."""
        return self._made("pairs", lambda: exhibits.pairs_table(self._evidence, self.grade))

    @property
    def days(self) -> pd.DataFrame:
        """How many organisations the node `watched` captured on each day."""
        return self._made("days", lambda: exhibits.days_table(self._evidence, self.watched))

    @property
    def changes(self) -> pd.DataFrame:
        """The days on which an organisation's gateway changed."""
        return self._made("changes", lambda: exhibits.changes_table(self._fields["timeline"]))

    @property
    def domestic_pairs(self) -> pd.DataFrame:
        """One row for each two domestic organisations, with the way between them."""
        hub = None if self.domestic.meeting_place else self.domestic.hub
        node = Node(hub.kind, hub.name) if hub else None
        return self._made("domestic_pairs", lambda: exhibits.domestic_table(self._evidence, node))

    @property
    def candidates(self) -> pd.DataFrame:
        """The ten strongest candidates, best first."""
        return self._made(
            "candidates", lambda: exhibits.candidates_table(self._fields["candidates"])
        )

    @property
    def criteria(self) -> pd.DataFrame:
        """What the rule asks for at each step, and what was found."""
        return self._made("criteria", lambda: exhibits.criteria_table(self._fields["criteria"]))

    @property
    def ranges(self) -> pd.DataFrame:
        """The verdict without each organisation, and without each destination."""
        return self._made("ranges", lambda: exhibits.ranges_table(self._fields["ranges"]))

    @property
    def recruits(self) -> pd.DataFrame:
        """Whom to recruit next, those that take part already first."""
        return self._made("recruits", lambda: exhibits.recruits_table(self._evidence, self._asns))

    @property
    def rejected(self) -> pd.DataFrame:
        """How many traces were left out, by reason."""
        return self._made("rejected", lambda: exhibits.rejected_table(self._fields["rejected"]))

    @property
    def needs(self) -> Needs:
        """How many networks must take part before what can be said, as `gatewatch plan` has it."""
        weights = exhibits.weights_of_others(self._evidence)
        measured = exhibits.measured_others(self._evidence)
        return needs(weights, [], self._evidence.policy, measured)

    def _made(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """A copy of a table that is made once: what is done to it reaches no report."""
        if name not in self._tables:
            self._tables[name] = make()
        return self._tables[name].copy()

    def __repr__(self) -> str:
        return f"<Verdict {self.country} {self.grade} {self._days_judged()}>"

    def _days_judged(self) -> str:
        return " to ".join(str(day) for day in self.window) if self.window else "no data"

    def _shown(self) -> _Shown:
        captured, (low, high) = self.captured, outward(*self.coverage.bounds, ".2f")
        lower, upper = captured_range(self._fields)
        confidence = self.provenance["policy"]["confidence"]
        judged = (
            (("judged", many(captured.of, "organisation")),)
            if self.grade == "insufficient"
            else (
                (
                    "captured",
                    f"{captured.organisations} of {many(captured.of, 'organisation')}, "
                    f"{asked(confidence)} bounds {lower}–{upper}",
                ),
                ("effective gateways", effective(self._fields)),
                ("nationally", f"a share of {low}–{high}"),
            )
        )
        figures = (
            *judged,
            ("domestic paths", grade_at_home(self._fields["domestic"])),
            ("alarm", self.timeline.reason),
        )  # fmt: skip
        other = of_the_other(self._fields)
        return _Shown(
            simulated(self.provenance.get("notes", {})),
            f"{self.country}, {self._days_judged()}: {self.grade.replace('_', ' ')}.",
            " ".join(filter(None, (self.headline, at_home(self._fields), other))),
            figures,
            tuple(sentence for sentence in self.reasons if sentence != other),
        )

    def _repr_html_(self) -> str:
        shown = self._shown()
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
            f'<td style="text-align:left">{escape(value)}</td></tr>'
            for name, value in shown.figures
        )
        return straight(
            (f"<p><strong>{escape(shown.simulated)}</strong></p>" if shown.simulated else "")
            + f"<p><strong>{escape(shown.title)}</strong> {escape(shown.first)}</p>"
            f"<table>{rows}</table><p>Why</p><ul>{_items(shown.why)}</ul>"
            f"<p>Limits</p><ul>{_items(self.limits)}</ul>"
        )

    def _repr_markdown_(self) -> str:
        """The same for what shows no HTML, such as the PDF that nbconvert makes by LaTeX."""
        shown = self._shown()
        first = f"**{_as_text(shown.title)}** {_as_text(shown.first)}"
        return straight(
            "\n\n".join(
                [
                    *([f"**{_as_text(shown.simulated)}**"] if shown.simulated else []),
                    first,
                    _listed(f"{name}: {value}" for name, value in shown.figures),
                    "Why",
                    _listed(shown.why),
                    "Limits",
                    _listed(self.limits),
                ]
            )
        )


class _Shown(NamedTuple):
    """What a notebook shows of a verdict besides its limits, in the order of reading."""

    simulated: str | None
    title: str
    first: str
    figures: tuple[tuple[str, str], ...]
    why: tuple[str, ...]


def _items(sentences: Iterable[str]) -> str:
    return "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


def _listed(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {_as_text(sentence)}" for sentence in sentences)


def _as_text(text: str) -> str:
    """A text in one line of Markdown that is no markup, whoever chose a name in it.

    >>> _as_text("A*B* & <b>")
    'A\\\\*B\\\\* \\\\& \\\\<b\\\\>'
    """
    return re.sub(f"([{re.escape(punctuation)}])", r"\\\1", " ".join(text.split()))


def demand_data(given: object) -> None:
    """Raise TypeError where this is no `Data`, such as a path that nobody has read yet."""
    if not isinstance(given, Data):
        raise TypeError(f"{type(given).__name__} is no data; read some with load(…) first")


def demand_verdict(given: object) -> None:
    """Raise TypeError where this is no `Verdict`, such as data that nobody has judged yet."""
    if not isinstance(given, Verdict):
        raise TypeError(
            f"{type(given).__name__} is no verdict; make one with judge(data, country) first"
        )
