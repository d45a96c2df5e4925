"""What can be wrong with an address table or a list; knows nothing of either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.disk.mishap import SHORTAGE
from probe.words.failure import BadInput
from probe.words.language import _

if TYPE_CHECKING:
    from pathlib import Path


class OriginError(BadInput):
    """A file that cannot serve as address table or list; the message is one sentence.

    Bad input wherever it comes up: damage in the middle of a table shows at some lookup in the
    middle of a run, long after the table was opened.
    """


def unreadable(path: Path, problem: OSError) -> OriginError | OSError:
    """The failure where the system does not give a file of tables or lists.

    Where it lets no more files be open, or gives no memory, the error as it is.
    """
    if problem.errno in SHORTAGE:
        return problem
    return OriginError(
        _("{path} cannot be read: {reason}").format(path=path, reason=problem.strerror or problem)
    )
