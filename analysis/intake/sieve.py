"""Which values of files are traces to judge by, and what is said of those that are not.

Judges nothing but readability. Knows neither where values come from nor what becomes of traces.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from analysis.intake.formats import atlas, scamper
from analysis.intake.inputs import Bomb, InputError
from probe.record import MalformedRecord, Trace
from probe.sharing.bundle import BadBundle

Malformed = Literal["warn", "fail", "ignore"]
"""What becomes of what cannot be read: a complaint, an `InputError`, or nothing but its count."""

# So many faults are kept, and of those that say the same of one file so many.
COMPLAINTS = 20
ALIKE = 3

Unread = Literal["malformed", "unreadable_file", "bomb", "bad_signature", "altered_bundle"]
"""Why something cannot be read: each has a sentence."""


class Fault(NamedTuple):
    """A sentence on what cannot be read, and what those have in common that say the same."""

    sentence: str
    kind: str


def keep(faults: list[Fault], fault: Fault) -> None:
    """Add a fault to those that are kept, unless there are enough of them.

    >>> faults = []
    >>> for line in range(1, 10):
    ...     keep(faults, Fault(f"a.csv:{line}: not JSON", "a.csv: not JSON"))
    >>> len(faults)
    3
    """
    if len(faults) < COMPLAINTS and sum(fault.kind == one.kind for one in faults) < ALIKE:
        faults.append(fault)


class Account(Protocol):
    """Where what was left out is counted by reason, and faults are kept; see `keep`."""

    @property
    def rejected(self) -> Counter[str]: ...

    @property
    def faults(self) -> list[Fault]: ...


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
            sentence, kind = f"{name}:{number}: {problem}", f"{name}: {problem}"
            self._leave_out("malformed", Fault(sentence, kind), account)
            return None
        if isinstance(found, Trace):
            return found
        account.rejected[found] += 1
        return None

    def blame(self, name: str, problem: InputError | BadBundle, account: Account) -> None:
        """Account for a file, or a part of one, that cannot be read."""
        if isinstance(problem, InputError):
            bomb = isinstance(problem, Bomb)
            whole = Fault(str(problem), str(problem))
            self._leave_out("bomb" if bomb else "unreadable_file", whole, account)
        else:
            forged = problem.reason == "bad_signature"
            reason: Unread = "bad_signature" if forged else "altered_bundle"
            sentence = f"{name}: {problem}"
            self._leave_out(reason, Fault(sentence, sentence), account)

    def _leave_out(self, reason: Unread, fault: Fault, account: Account) -> None:
        if self.malformed == "fail":
            raise InputError(f"{fault.sentence}; leave it out with --malformed warn, or mend it")
        account.rejected[reason] += 1
        if self.malformed == "warn":
            keep(account.faults, fault)


def trace_of(value: object) -> Trace | str:
    """The trace that a value of a file is, or the reason for which it is none to judge by.

    Raises `MalformedRecord` with one sentence where it is neither.
    """
    if isinstance(value, Trace):
        trace = value
    elif isinstance(value, MalformedRecord):
        # Not this one itself, which would be in a circle with all that holds it and, with it, a
        # piece of the input; who folds many looks for no circles.
        raise MalformedRecord(*value.args)
    elif not isinstance(value, dict):
        raise MalformedRecord("not a JSON object")
    elif scamper.is_bookkeeping(value):
        return "bookkeeping"
    elif atlas.is_unresolved(value):
        return "not_sent"
    else:
        trace = scamper.read(value) if scamper.is_measurement(value) else atlas.read(value)
    return trace if trace.hops else "not_sent"
