"""Spool → outbox: puts what was not bundled yet into bundles, each line once.

A bundle holds traces of one access network, signed by the key for it. The lines are those that
`gatewatch show --as-shared` prints, byte for byte. No line is signed by two keys: whoever holds the
first bundle would know both for one machine's, and a collector refuses the second. This module asks
nobody for consent and sends nothing.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import TYPE_CHECKING

from probe import __version__
from probe.disk.private import sweep_unfinished
from probe.misdated import misdated
from probe.record import moment
from probe.sharing import shared
from probe.sharing.bundle import LARGEST, BadBundle, digest_of, public_part, seal, unseal
from probe.sharing.keys import ROTATION, put_down, signed_by_others, signing_key
from probe.sharing.outbox import DayFile, Outbox, is_outbox, occupied
from probe.spool import day_files, day_named, lines_in, noting_unread
from probe.vantage.timekeeping import EVER_SET, is_set_by_others
from probe.words.failure import NotYetSent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from probe.record import Trace
    from probe.sharing.outbox import OutboxEntry
    from probe.spool import Kept

# Bytes of lines after which a bundle is full: some hundreds of traces, which even a slow line and
# a small machine carry in one go.
FULL = LARGEST // 4

# Why a line waits that a clock has dated ahead: a collector would refuse all that is with it.
DAY_TO_COME = "day_to_come"

# Why a line waits that nobody's clock vouches for and that comes long after all others.
DOUBTFUL_DAY = "doubtful_day"

# Days with measurements after which a clock is believed that nobody keeps right, though it went
# on, at once, by more than a key lasts.
BELIEVED = 3

# Seconds by which a clock is moved back without having been wrong; a collector grants an hour.
_DRIFT = 600.0


@dataclass
class Bundled:
    """What was made: bundles, and the lines that were left out by reason.

    ``unread`` are the day files of which the disk does not give all: a bundle was made of the rest.
    """

    entries: list[OutboxEntry] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    unread: dict[Path, OSError] = field(default_factory=dict)


@dataclass
class _Pile:
    """Lines of one network that wait to be bundled."""

    size: int = 0
    lines: list[bytes] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    days: set[str] = field(default_factory=set)


def bundle_new(spool: Path, outbox: Outbox, keys: Path) -> Bundled:
    """Bundle every line of the spool that is in no bundle yet.

    How old a key is, and when a bundle was made, is told by the days of measurements: the clock may
    be wrong just when something is bundled. If this is killed, the next call does the rest. Raises
    `NotYetSent` where another process is at it.
    """
    with outbox.locked("bundling") as free:
        if not free:
            raise NotYetSent(occupied("bundling"))
        bundling = _Bundling(outbox, keys, spool)
        bundling.give_up_misdated()
        outbox.sweep()
        sweep_unfinished(keys)
        return bundling.run()


def unbundled(spool: Path, folder: Path, unread: dict[Path, OSError] | None = None) -> int:
    """How many traces of the spool are in no bundle of the outbox in a folder yet.

    Those of a time to come, or of a doubtful one, are not counted: no bundle is for them now.
    Of days before the last of which nothing is in a bundle every line counts, since to read them
    takes long. See `noting_unread` for ``unread``. Nothing is made, neither bundles nor an outbox.
    """
    kept_right = is_set_by_others()
    last = _last_day(spool, kept_right=kept_right)
    latest = _latest(last, kept_right=kept_right)
    with ExitStack() as stack:
        outbox = stack.enter_context(Outbox(folder)) if is_outbox(folder) else None
        begun = set() if outbox is None else outbox.days_begun()
        new = 0
        for path in day_files(spool):
            day = day_named(path.name)
            if outbox is not None and outbox.known(DayFile.of(path)):
                continue
            if day is not None and (day < EVER_SET or day > last):
                continue
            with noting_unread(path, unread):
                if day is not None and day != last and path.name not in begun:
                    new += lines_in(path)
                    continue
                for kept in shared.lines_of_day(path):
                    new += (
                        kept.problem is None
                        and kept.trace is not None
                        and kept.trace.timestamp <= latest
                        and not (outbox is not None and outbox.bundled(kept.line))
                    )
        return new


def _new(
    spool: Path, outbox: Outbox, unread: dict[Path, OSError]
) -> tuple[Iterator[Kept], list[DayFile]]:
    """The lines that are in no bundle yet, each once, and the day files as they are now.

    Day files that are as they were when all their lines were known are not read; the others are
    those of the second value that the outbox does not know. Into ``unread`` go those of which the
    disk does not give all.
    """
    present = [DayFile.of(path) for path in day_files(spool)]
    known = {day.name for day in present if outbox.known(day)}

    def lines() -> Iterator[Kept]:
        # The same line may stand in the spool twice, where somebody copied a file.
        seen: set[bytes] = set()
        for path in day_files(spool):
            if path.name in known:
                continue
            with noting_unread(path, unread):
                for kept in shared.lines_of_day(path):
                    digest = digest_of(kept.line)
                    if digest not in seen and not outbox.bundled(kept.line):
                        seen.add(digest)
                        yield kept

    return lines(), present


class _Bundling:
    """One go at bundling: what was read of the spool and is in no bundle yet lies in `piles`."""

    def __init__(self, outbox: Outbox, keys: Path, spool: Path) -> None:
        self.outbox = outbox
        self.keys = keys
        self.spool = spool
        self.kept_right = is_set_by_others()
        self.day = _last_day(spool, kept_right=self.kept_right)
        self.latest = _latest(self.day, kept_right=self.kept_right)
        self.misdated = misdated(spool)
        self.done = Bundled()
        self.piles: dict[int, _Pile] = {}
        self.signed_before: dict[int, str] = {}

    def give_up_misdated(self) -> None:
        """Give up bundles that were refused for the day on which they say that they were made.

        A clock told that once. Those of a key that is no more stay, since another must not sign
        their lines; so do those that hold lines which the spool has no more.
        """
        self.outbox.forget_days_but(path.name for path in day_files(self.spool))
        for entry in self.outbox.refused():
            try:
                bundle = unseal(self.outbox.path_of(entry.sha256).read_bytes())
            except BadBundle:
                continue
            if (
                bundle.manifest.made != max(bundle.manifest.days)
                and all(map(self.outbox.bundled, bundle.lines))
                and entry.key == self.present_key(entry.network)
            ):
                self.outbox.give_up(entry.sha256)

    def run(self) -> Bundled:
        unread = self.done.unread
        new, present = _new(self.spool, self.outbox, unread)
        waiting: set[str] = set()
        for kept in new:
            reason = (
                self.reason_against(kept.line, kept.trace) if not kept.problem else "unreadable"
            )
            if reason is not None:
                self.done.left_out[reason] += 1
                if reason in {DAY_TO_COME, DOUBTFUL_DAY}:
                    waiting.add(kept.path.name)
                continue
            assert kept.trace is not None
            self.put(kept.path.name, kept.line, kept.trace)
        for network in list(self.piles):
            self.close(network)
        waiting.update(path.name for path in unread)
        self.outbox.know(day for day in present if day.name not in waiting)
        # Looked at anew: a day that has begun meanwhile may be in a bundle already.
        self.outbox.forget_days_but(path.name for path in day_files(self.spool))
        return self.done

    def reason_against(self, line: bytes, trace: Trace | None) -> str | None:
        """Why a line cannot be in a bundle, None where it can."""
        if trace is None or trace.vantage is None or trace.vantage.asn is None:
            return "no_network"
        if len(line) > FULL:
            return "too_long"
        day = _day(trace)
        if day is None or day < EVER_SET.isoformat():
            return "at_no_time"
        if any(span.holds(trace.paris_id, trace.timestamp) for span in self.misdated):
            return "misdated"
        if trace.timestamp > self.latest:
            return DAY_TO_COME if self.kept_right else DOUBTFUL_DAY
        network = trace.vantage.asn
        known = self.outbox.signed_by(line)
        signed = (
            day <= self.last_of_others(network)
            if known is None
            else known != self.present_key(network)
        )
        return "signed_before" if signed else None

    def last_of_others(self, network: int) -> str:
        """Up to which day a former key may have signed a line of a network unknown to the outbox.

        Of keys that the outbox knows it also knows the lines, so they do not count.
        """
        if network not in self.signed_before:
            known = {entry.key for entry in self.outbox.entries("network = ?", str(network))}
            last = signed_by_others(self.keys, network, known | {self.present_key(network)})
            self.signed_before[network] = last.isoformat()
        return self.signed_before[network]

    def present_key(self, network: int) -> str:
        return public_part(signing_key(self.keys, network, self.day))

    def put(self, file: str, line: bytes, trace: Trace) -> None:
        assert trace.vantage is not None
        network = trace.vantage.asn
        assert network is not None
        if network in self.piles and self.piles[network].size + len(line) > FULL:
            self.close(network)
        pile = self.piles.setdefault(network, _Pile())
        pile.size += len(line)
        pile.lines.append(line)
        pile.files.append(file)
        pile.days.add(_day(trace) or "")

    def close(self, network: int) -> None:
        pile = self.piles.pop(network)
        key = signing_key(self.keys, network, self.day)
        newest = max(pile.days)
        put_down(self.keys, network, public_part(key), date.fromisoformat(newest))
        data = seal(
            pile.lines,
            key,
            network=network,
            days=sorted(pile.days),
            made=newest,
            program=f"gatewatch {__version__}",
        )
        manifest = unseal(data).manifest
        entry = self.outbox.add(data, manifest, zip(pile.files, pile.lines, strict=True))
        self.done.entries.append(entry)


def last_day(spool: Path) -> date:
    """The last day on which this machine measured, as far as a clock is to be believed.

    Where others keep it right, no later than today. Where nobody does, it may be behind, and today
    says nothing; but it may also have been far ahead for a run. So where it went on by more than a
    key lasts, that is believed after some days with measurements.
    """
    return _last_day(spool, kept_right=is_set_by_others())


def _last_day(spool: Path, *, kept_right: bool | None) -> date:
    today = datetime.now(UTC).date()
    named = (day_named(path.name) for path in day_files(spool))
    days = sorted(day for day in named if day is not None and day >= EVER_SET)
    if kept_right:
        return min([*days[-1:], today])
    for number, (before, after) in enumerate(pairwise(days), 1):
        if (after - before).days >= ROTATION and len(days) - number < BELIEVED:
            return before
    return days[-1] if days else today


def _latest(day: date, *, kept_right: bool | None) -> float:
    """Up to when what is bundled may have begun, in seconds since the epoch.

    Up to the end of ``day``, the last one, and where others keep the clock right, up to now: what
    is dated later was measured by a clock that was ahead.
    """
    end = datetime.combine(day, time.max, UTC).timestamp()
    return min(end, datetime.now(UTC).timestamp() + _DRIFT) if kept_right else end


def _day(trace: Trace) -> str | None:
    """The UTC day on which a trace began; None for a number that is no time."""
    began = moment(trace.timestamp)
    return None if began is None else began.date().isoformat()
