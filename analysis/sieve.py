"""Which values of files are traces to judge by, and what is said of those that are not.

Judges nothing but readability. Knows neither where values come from nor what becomes of traces.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, Protocol

from analysis.formats import atlas, scamper
from analysis.inputs import Bomb, InputError
from probe.bundle import BadBundle
from probe.record import MalformedRecord, Trace

Malformed = Literal["warn", "fail", "ignore"]
"""What becomes of what cannot be read: a complaint, an `InputError`, or nothing but its count."""

COMPLAINTS = 20

Unread = Literal["malformed", "unreadable_file", "bomb", "bad_signature", "altered_bundle"]
"""Why something cannot be read: each has a complaint, as long as there are not too many."""


class Account(Protocol):
    """Where what was left out is counted by reason, and at most ``COMPLAINTS`` are kept."""

    @property
    def rejected(self) -> Counter[str]: ...

    @property
    def complaints(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Sieve:
    """Lets traces pass, and accounts for everything else."""

    malformed: Malformed

    def trace(self, name: str, number: int, value: object, account: Account) -> Trace | None:
        """The trace that a value is, None where it is left out.

        ``number`` is its line in the file ``name``, or its row. Instead of a value there may be
        the reason for which the file, or a part of it, cannot be read.
        """
        if isinstance(value, InputError | BadBundle):
            self.blame(name, value, account)
            return None
        try:
            found = trace_of(value)
        except MalformedRecord as problem:
            self._leave_out("malformed", f"{name}:{number}: {problem}", account)
            return None
        if isinstance(found, Trace):
            return found
        account.rejected[found] += 1
        return None

    def blame(self, name: str, problem: InputError | BadBundle, account: Account) -> None:
        """Account for a file, or a part of one, that cannot be read."""
        if isinstance(problem, InputError):
            bomb = isinstance(problem, Bomb)
            self._leave_out("bomb" if bomb else "unreadable_file", str(problem), account)
        else:
            forged = problem.reason == "bad_signature"
            reason: Unread = "bad_signature" if forged else "altered_bundle"
            self._leave_out(reason, f"{name}: {problem}", account)

    def _leave_out(self, reason: Unread, complaint: str, account: Account) -> None:
        if self.malformed == "fail":
            raise InputError(f"{complaint}; leave it out with --malformed warn, or mend it")
        account.rejected[reason] += 1
        if self.malformed == "warn" and len(account.complaints) < COMPLAINTS:
            account.complaints.append(f"{complaint}; left out")


def trace_of(value: object) -> Trace | str:
    """The trace that a value of a file is, or the reason for which it is none to judge by.

    Raises `MalformedRecord` with one sentence where it is neither.
    """
    if isinstance(value, Trace):
        trace = value
    elif isinstance(value, MalformedRecord):
        raise value
    elif not isinstance(value, dict):
        raise MalformedRecord("not a JSON object")
    elif scamper.is_bookkeeping(value):
        return "bookkeeping"
    elif atlas.is_unresolved(value):
        return "not_sent"
    else:
        trace = scamper.read(value) if scamper.is_measurement(value) else atlas.read(value)
    return trace if trace.hops else "not_sent"
