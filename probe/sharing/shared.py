"""What sharing hands out: which lines of the spool, and each of them byte for byte.

`gatewatch show --as-shared` prints these bytes and a bundle holds them. Both ask here, so that a
volunteer cannot be shown anything else than what would leave. It reads the spool and knows
nothing of bundles, keys or consent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from probe.spool import read, read_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from probe.spool import Kept


def lines(folder: Path, unread: dict[Path, OSError] | None = None) -> Iterator[Kept]:
    """All lines kept in a folder, oldest day first; `Kept.problem` says why one is not shared.

    A line without a problem is shared as `Kept.line`, its line end included. Not shared is what
    cannot be read, and what bears the marks of something that redaction did not make: no vantage,
    or the address of a source. Somebody may have put such a line there by hand. See
    `probe.spool.noting_unread` for ``unread``.
    """
    return map(_looked_at, read(folder, unread))


def lines_of_day(path: Path) -> Iterator[Kept]:
    """The lines of one day file, as `lines` gives them."""
    return map(_looked_at, read_day(path))


def _looked_at(kept: Kept) -> Kept:
    if kept.trace is not None and (kept.trace.vantage is None or kept.trace.source):
        return replace(kept, problem="not shared: it did not come through redaction")
    return kept
