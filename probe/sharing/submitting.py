"""Sends what waits in the outbox, once, and asks on until there is an answer for each bundle.

Before a bundle is sent it is put down that nobody knows whether it came. Whoever was killed then,
or lost the connection, asks for the receipt first and sends again only what is not there. What
cannot be sent stays, with the reason, and the pause before the next try doubles. This module knows
the order of things, and neither HTTP nor the clock.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from probe.owner.settings import without_password
from probe.sharing.courier import NotTaken, Unavailable, Unsent
from probe.sharing.outbox import Attempts, damaged, occupied
from probe.sharing.receipt import BadReceipt, OtherKey, Receipt, read_receipt
from probe.words.failure import NotYetSent
from probe.words.language import _
from probe.words.sentence import Sentence, as_it_is

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.sharing.outbox import Outbox, OutboxEntry

T = TypeVar("T")

# Seconds between tries of one call: what goes by in the time of a cough.
PAUSES = (2.0, 10.0)

# Seconds before the next call may try again, after the first failure, and at most.
FIRST, LONGEST = 300.0, 6 * 3600.0

# Seconds after which one call begins no further bundle: each may be held for as long as a request
# may take, and many such calls would hold the timer that waits for their end for days.
WHOLE = 1800.0


class Distrusted(Unsent):
    """What answers is not, or may not be, the collector: nothing more is sent to it."""


class Transport(Protocol):
    """What brings bundles to a collector; see `probe.sharing.courier.Courier`."""

    def key(self) -> bytes: ...
    def receipt(self, sha256: str) -> bytes | None: ...
    def send(self, sha256: str, data: bytes) -> bytes: ...


@dataclass
class Outcome:
    """What one call came to: receipts that say something new, and what kept the rest.

    ``gone`` are bundles (sha256) that were accepted and that the collector does not hold any more.
    ``not_before`` is when the next call tries again, in seconds since the epoch; ``told`` says that
    the collector asked for that, so that none tries before.
    """

    receipts: list[Receipt] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    problem: str | None = None
    not_before: float = 0.0
    told: bool = False


@dataclass(frozen=True)
class Submitting:
    """Sends the bundles of an outbox to the collector of an address.

    ``key`` is the collector's, where its owner set it; else the one that it showed first is
    believed. ``clock`` gives seconds since the epoch, ``sleep`` waits for some. ``agreed`` raises
    where the owner of this machine does not want it any more; it is asked before each request.
    ``stopwatch`` gives seconds by a clock that nobody sets.
    """

    outbox: Outbox
    transport: Transport
    address: str
    key: str | None
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    agreed: Callable[[], None]
    stopwatch: Callable[[], float] = time.monotonic

    def run(self, *, at_once: bool = False, accepted_too: bool = False) -> Outcome:
        """Send all that waits, and ask for what is undecided.

        With ``at_once`` also before the pause after a failure is over, unless the collector asked
        for it; with ``accepted_too`` what was accepted is asked for as well. Raises `NotYetSent`
        where another process is at it, and what ``agreed`` raises: then the request under way was
        the last.
        """
        with self.outbox.locked("submitting") as free:
            if not free:
                raise NotYetSent(occupied("submitting"))
            entries = self.outbox.unrefused() if accepted_too else self.outbox.unfinished()
            known = self.outbox.attempts(self.address)
            if not entries:
                return Outcome()
            if self._too_early(known) and (known.told or not at_once):
                return Outcome(problem=_said(known), not_before=known.not_before, told=known.told)
            return self._all(entries, known)

    def _too_early(self, known: Attempts) -> bool:
        # A clock that was set back must not make it wait for years.
        return 0 < known.not_before - self.clock() <= 4 * LONGEST

    def _all(self, entries: list[OutboxEntry], known: Attempts) -> Outcome:
        outcome = Outcome()
        until = self.stopwatch() + WHOLE
        try:
            key = known.key
            if key is None or key != (self.key or key):
                key = self._patiently(self._pin)
            for entry in entries:
                # What is undecided leaves half of the time to what waits.
                if self.stopwatch() > (until if entry.state == "waiting" else until - WHOLE / 2):
                    outcome.problem = _(
                        "the half hour that one call may take was too short for all bundles; to go "
                        "on: gatewatch submit"
                    )
                    continue
                receipt = self._patiently(partial(self._one, entry.sha256, key))
                if receipt is None and entry.state == "accepted":
                    outcome.gone.append(entry.sha256)
                elif receipt is None:
                    outcome.problem = self._reason(entry.sha256)
                elif receipt.status != entry.state:
                    outcome.receipts.append(receipt)
        except Unsent as problem:
            outcome.problem = str(problem)
            later = self._put_off(problem)
            outcome.not_before, outcome.told = later.not_before, later.told
        else:
            self.outbox.remember(self.address, Attempts(key))
        return outcome

    def _patiently(self, step: Callable[[], T]) -> T:
        """Do a step, a few times where the way is broken; raises what the last time raised."""
        for pause in PAUSES:
            try:
                return step()
            except Unavailable as problem:
                if problem.wait is not None:
                    raise
                self.sleep(pause)
        return step()

    def _put_off(self, problem: Unsent) -> Attempts:
        """Remember that it failed, and when it may be tried again."""
        known = self.outbox.attempts(self.address)
        asked = problem.wait if isinstance(problem, Unavailable) else None
        own = min(FIRST * 2 ** min(known.failures, 16), LONGEST)
        later = replace(
            known,
            failures=known.failures + 1,
            not_before=self.clock() + (own if asked is None else asked),
            told=asked is not None,
            problem=problem.sentence,
        )
        self.outbox.remember(self.address, later)
        return later

    def _pin(self) -> str:
        """The key that the collector shows, before anything is sent to it.

        From now on it is the only one believed; where its owner set one, it has to be that.
        """
        try:
            self.agreed()
            said = json.loads(self.transport.key())["key"]
        except (KeyError, TypeError, ValueError, RecursionError):
            said = None
        if not isinstance(said, str) or not re.fullmatch("[0-9a-f]{64}", said):
            raise NotTaken(
                Sentence(
                    "{address} does not answer as a collector does",
                    {"address": without_password(self.address)},
                )
            )
        if self.key not in {None, said}:
            raise Distrusted(
                Sentence(
                    "{address} shows the key {said}, not the one in collector_key; ask its owner "
                    "which is right, nothing was sent",
                    {"address": without_password(self.address), "said": said},
                )
            )
        self.outbox.remember(self.address, replace(self.outbox.attempts(self.address), key=said))
        return said

    def _one(self, name: str, key: str) -> Receipt | None:
        """The receipt for a bundle, sent now unless it is there; None where it is not taken.

        What was accepted is not sent anew: who does not hold it any more may have deleted it as
        its sender asked.
        """
        (entry,) = self.outbox.entries("sha256 = ?", name)
        unsure = entry.unsure
        try:
            signed = None
            if entry.unsure or entry.state != "waiting":
                self.agreed()
                signed = self.transport.receipt(name)
            if signed is None and entry.state == "accepted":
                return None
            if signed is None:
                data = self.outbox.content(name)
                if data is None:
                    return None
                self.agreed()
                self.outbox.begin(name)
                unsure = False  # whoever answers now has taken it or not
                signed = self.transport.send(name, data)
            receipt = read_receipt(signed, name, key)
        except BadReceipt as problem:
            raise Distrusted(_distrust(problem)) from None
        except NotTaken as problem:
            self.outbox.stayed(name, problem.sentence, unsure=unsure)
            return None
        self.outbox.received(receipt, signed)
        return receipt

    def _reason(self, name: str) -> str:
        for entry in self.outbox.entries("sha256 = ?", name):
            return entry.reason or ""
        return damaged(self.outbox.path_of(name))


def _said(known: Attempts) -> str | None:
    return None if known.problem is None else str(known.problem)


def _distrust(problem: BadReceipt) -> Sentence:
    if isinstance(problem, OtherKey):
        return Sentence(
            "{problem}; if its owner says that the key has changed, set collector_key to that",
            {"problem": str(problem)},
        )
    return as_it_is(str(problem))
