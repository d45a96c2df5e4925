"""What can be wrong with an address table or a list; knows nothing of either."""

from __future__ import annotations

from probe.failure import BadInput


class OriginError(BadInput):
    """A file that cannot serve as address table or list; the message is one sentence.

    Bad input wherever it comes up: damage in the middle of a table shows at some lookup in the
    middle of a run, long after the table was opened.
    """
