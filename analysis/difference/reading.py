"""What may be said of the difference between two verdicts, and what has to stay open.

A country has changed where an alarm says so: that alone holds the same vantage points against each
other, under one address table. Two grades never say it. What was made of the same files did not
come from the country; and where files and means differ at once, nobody can tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec import UNSET

from analysis.difference import redoing
from analysis.difference.findings import Differing
from analysis.difference.means import Inputs, Means, Other
from analysis.difference.networks import Networks
from analysis.difference.redoing import Step
from analysis.difference.told import Told
from analysis.words.wording import many
from probe.record import SIMULATED

Differ = Literal["nothing", "inputs", "means", "both"]
"""What differs besides the finding: the files, by what they were judged, both or neither."""

_CALLED: dict[Means, str] = {
    "policy": "the rule's numbers",
    "table": "the address table",
    "organisations": "the files of --organisations",
    "lists": "the lists beside the address table",
    "users": "the users of networks",
    "routes": "the routing table",
    "code": "the code",
    "libraries": "the libraries that compute figures",
}
# What gives organisations their names.
_NAMING: frozenset[Means] = frozenset({"table", "organisations", "lists", "code"})
_ALARM = (
    "Only an alarm holds the same vantage points before and after against each other, under one "
    "address table"
)


class Differences(NamedTuple):
    """All that differs between two verdicts."""

    found: Sequence[Differing]
    measured: Sequence[Differing]
    networks: Networks
    means: Sequence[Other]
    inputs: Inputs

    @property
    def differ(self) -> Differ:
        """Whether files, means, both or neither differ."""
        if self.inputs.alike:
            return "means" if self.means else "nothing"
        return "both" if self.means else "inputs"

    @property
    def called(self) -> dict[Means, str]:
        """By what they were judged differently, in words."""
        return {other.means: _CALLED[other.means] for other in self.means}


def sentences(old: Told, new: Told, between: Differences) -> list[str]:
    """What a reader may conclude, and what not; what must be known first comes first."""
    return [
        *_no_pair(old, new),
        *_from_nothing(old, new),
        *_why(old, new, between),
        *_within_bounds(old, new, between),
        *_of_alarms(old, new, between),
    ]


def steps(old: Told, new: Told, between: Differences) -> list[Step]:
    """What to type so that the next comparison tells more; nothing where all is told."""
    if not between.found:
        return []
    if between.differ == "both":
        return [
            Step(
                redoing.old_files_by_new_means(old, new),
                f"judges the older files by what the newer were judged by: beside the older "
                f"verdict it shows what {_listed(between)} did, beside the newer one what the "
                "files did",
            )
        ]
    if between.differ == "means" and len(between.called) > 1:
        found = redoing.with_one_of_old(old, new, between.called.keys())
        if found is None:
            return []
        command, means = found
        tells = (
            f"is judged as the newer was, but for {_CALLED[means]} of the older: beside the newer "
            "verdict it shows what that did"
        )
        if "OLD-TABLE" in command:
            tells += f" (OLD-TABLE is the file of {', '.join(old.provenance.snapshots)})"
        return [Step(command, tells)]
    if between.differ == "inputs" and _last(new) > _last(old) and not _new_alarm(old, new):
        return [Step(redoing.together(old, new), "looks for an alarm over the days of both")]
    return []


def _no_pair(old: Told, new: Told) -> Iterator[str]:
    """Where two verdicts are not of the same thing."""
    simulated = [
        called
        for verdict, called in ((old, "the older"), (new, "the newer"))
        if verdict.provenance.notes is not UNSET and verdict.provenance.notes.get(SIMULATED)
    ]
    if simulated:
        yield f"SIMULATED: what traces of {' and '.join(simulated)} show was never measured."
    if UNSET not in (old.family, new.family) and old.family != new.family:
        yield (
            f"The older verdict is of IPv{old.family} and the newer of IPv{new.family}: what "
            "differs between the two versions is no change."
        )
    if _last(new) < _last(old):
        yield "The newer verdict, as it was given, is of earlier days: the order may be mistaken."


def _from_nothing(old: Told, new: Told) -> Iterator[str]:
    """That more or less evidence is no change of what it is about."""
    if old.grade == new.grade:
        return
    if old.grade == "insufficient":
        yield "The older evidence sufficed for no verdict: that there is one now is no change."
    if new.grade == "insufficient":
        yield (
            "The newer evidence suffices for no verdict: it does not take back what the older "
            "one says of its days."
        )


def _why(old: Told, new: Told, between: Differences) -> Iterator[str]:
    if not between.found:
        yield _same(between)
        if between.networks.moved and not between.inputs.alike:
            yield from _by_networks(between)
    elif between.differ == "nothing":
        yield (
            "The same files were judged by the same, and not alike: one of these verdicts was "
            "altered, or they differ in what no provenance tells, as the day of judging."
        )
    elif between.differ == "means":
        yield from _by_means(between)
    elif between.differ == "both":
        yield (
            f"The files differ, and {_listed(between)} too: from these two verdicts nobody can "
            "tell what was measured otherwise from what was judged otherwise."
        )
        yield from _by_networks(between)
    else:
        yield "Both were judged by the same table, numbers and code, on other files."
        if _last(old) == _last(new):
            yield "Neither has a later day than the other: it is not time that made the difference."
        yield from _by_networks(between)


def _same(between: Differences) -> str:
    differ, which = between.differ, _listed(between)
    if differ == "nothing":
        return "The findings are the same, and so is all that they were made of and judged by."
    if differ == "means":
        return f"The findings are the same, though {which} {_verb(between)}."
    networks = between.networks
    alike = not between.measured and not any(
        (networks.moved, networks.otherwise, networks.silent, networks.new, networks.left)
    )
    by = f", and {which} {_verb(between)}" if differ == "both" else ""
    if alike and networks.known and not between.inputs.same:
        return (
            f"The findings and all counts are the same, though no file is{by}: these may be the "
            "same traces in another form, which hashes cannot tell."
        )
    return f"The findings are the same, on other files{by}."


def _by_means(between: Differences) -> Iterator[str]:
    yield "Both were made of the same files: nothing here tells of a change in the country."
    listed = _listed(between)
    if len(between.called) == 1:
        yield f"Only {listed} {_verb(between)}: that made the difference."
        return
    yield f"{listed[:1].upper()}{listed[1:]} differ at once: which did it cannot be told apart."


def _verb(between: Differences) -> str:
    single = len(between.called) == 1 and between.called.keys() <= {"table", "routes", "code"}
    return "differs" if single else "differ"


def _listed(between: Differences) -> str:
    names = list(between.called.values())
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _by_networks(between: Differences) -> Iterator[str]:
    """Whether ways changed of those who were measured both times, or who was measured did."""
    networks = between.networks
    if not networks.known:
        yield (
            "One of the verdicts does not tell how each network left: whether ways changed, or "
            "only who was measured, cannot be seen."
        )
        return
    moved, both = len(networks.moved), many(networks.both, "network")
    way = "is read or leaves otherwise" if between.means else "leaves another way"
    if moved:
        verb = way if moved == 1 else way.replace("is read", "are read").replace("leaves", "leave")
        yield f"Of {both} measured both times {moved} {verb}; {_come_and_gone(networks)}."
    elif networks.new or networks.left or networks.silent:
        yield (
            f"Of {both} measured both times none {way}; {_come_and_gone(networks)}: who was "
            "measured differs, and not which way they leave."
        )
    elif networks.both:
        yield f"The same {both} were measured, and none {way}."
    if networks.new and networks.left and between.called.keys() & _NAMING:
        yield "Names follow the tables: who is new may be who left, under another name."


def _come_and_gone(networks: Networks) -> str:
    counted = {
        "new": len(networks.new),
        "no longer measured": len(networks.left),
        "of known ways in one verdict only": len(networks.silent),
    }
    told = ", ".join(f"{what}: {count}" for what, count in counted.items() if count)
    return told or "no other was measured"


def _within_bounds(old: Told, new: Told, between: Differences) -> Iterator[str]:
    """That what lies within the bounds of both may be chance."""
    was, now = old.captured, new.captured
    of, judged = between.networks, "insufficient" not in (old.grade, new.grade)
    others_took_part = not of.known or bool(of.new or of.left)
    if between.inputs.alike or not (judged and others_took_part) or was == now:
        return
    if was.lower <= now.upper and now.lower <= was.upper:
        yield (
            "The bounds of what is captured overlap: that other networks took part may be all "
            "there is to it."
        )


def _new_alarm(old: Told, new: Told) -> bool:
    """Whether the newer verdict has an alarm of a change within the days of the older or since."""
    was, now = old.timeline, new.timeline
    since = (now.onset or "") > (old.window[0] or "")
    return now.alarm and since and (now.onset, now.gateway) != (was.onset, was.gateway)


def _of_alarms(old: Told, new: Told, between: Differences) -> Iterator[str]:
    """What the alarms tell, the only ones to hold like against like."""
    if not between.found or between.inputs.alike:
        return
    if _new_alarm(old, new):
        yield (
            f"The newer verdict has an alarm, onset {new.timeline.onset}: {new.timeline.reason}. "
            f"{_ALARM}: it tells of a change, and not the two grades."
        )
        changed = new.provenance.policy_changed
        if changed is not UNSET and changed:
            numbers = ", ".join(f"{name}={value}" for name, value in sorted(changed.items()))
            yield f"It was found by a rule that was changed: {numbers}."
    elif new.timeline.alarm:
        yield f"The alarm of {new.timeline.onset} is of no change between these verdicts."
    else:
        gone = " any more" if old.timeline.alarm else ""
        yield (
            f"The newer verdict has no alarm{gone}: {new.timeline.reason}. {_ALARM}: that the "
            "country changed is not shown."
        )


def _last(verdict: Told) -> str:
    """The last day judged; without data before all others."""
    return verdict.window[1] or ""
