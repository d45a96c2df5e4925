"""What sharing hands out: which lines of the spool, and each of them byte for byte.

`gatewatch show --as-shared` prints these bytes and a bundle holds them. Both ask here, so that a
volunteer cannot be shown anything else than what would leave. It reads the spool and knows
nothing of bundles, keys or consent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from probe.spool import read

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

    from probe.spool import Kept


def lines(folder: Path, *, without: Container[str] = ()) -> Iterator[Kept]:
    """All lines kept in a folder, oldest day first; `Kept.problem` says why one is not shared.

    A line without a problem is shared as `Kept.line`, its line end included. Not shared is what
    cannot be read, and what bears the marks of something that redaction did not make: no vantage,
    or the address of a source. Somebody may have put such a line there by hand. ``without`` are
    names of day files that are passed over.
    """
    for kept in read(folder, without=without):
        if kept.trace is not None and (kept.trace.vantage is None or kept.trace.source):
            yield replace(kept, problem="not shared: it did not come through redaction")
        else:
            yield kept
