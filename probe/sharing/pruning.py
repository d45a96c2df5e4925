"""Old days of the spool that need not lie here any more: a collector has accepted all of them.

A machine that measures for years fills its card, and tells whoever takes it of all those years.
What goes are whole day files, each line of which is in a bundle whose receipt says that it was
accepted; receipts stay, since who wants traces deleted at the collector has to name their bundles.
This module asks nobody, and is for who keeps runs and bundling away meanwhile.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from probe.disk.private import open_kept, remove_file
from probe.sharing.outbox import DayFile
from probe.spool import day_files, day_named, noting_unread

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from probe.sharing.outbox import Outbox


def accepted_days(spool: Path, outbox: Outbox, today: date, days: int) -> list[Path]:
    """The day files of a spool that lie more than so many days back and were accepted whole.

    The newest is never one of them: it tells where this machine was last, and what day has been.
    Nor is one of which the disk does not give all.
    """
    return [path for path in _old(spool, today, days) if _all(path, outbox, {})]


def by_fate(
    spool: Path, outbox: Outbox, today: date, days: int, unread: dict[Path, OSError]
) -> tuple[list[Path], list[Path], list[Path]]:
    """The `accepted_days`, and those as old that stay: for now, and for good.

    For good stay those of which all is accepted that a bundle could take. The rest is in none, and
    comes into none: what a key signed that was replaced since, or what cannot be read. For now stay
    those of which the disk does not give all, which go into ``unread``.
    """
    accepted: list[Path] = []
    left: list[Path] = []
    final: list[Path] = []
    for path in _old(spool, today, days):
        if _all(path, outbox, unread):
            accepted.append(path)
        else:
            (final if _is_final(path, outbox, unread) else left).append(path)
    return accepted, left, final


def prune(spool: Path, outbox: Outbox, files: Iterable[Path]) -> None:
    """Delete those of these day files that are still accepted whole.

    Killed at any moment, what is left of them is known to be bundled.
    """
    for path in files:
        if path.exists() and _all(path, outbox, {}):
            remove_file(path)
    outbox.forget_days_but(path.name for path in day_files(spool))


def _old(spool: Path, today: date, days: int) -> list[Path]:
    limit = today - timedelta(days=days)
    dated = ((day_named(path.name), path) for path in day_files(spool)[:-1])
    return [path for day, path in dated if day is not None and day < limit]


def _is_final(path: Path, outbox: Outbox, unread: dict[Path, OSError]) -> bool:
    with noting_unread(path, unread), open_kept(path) as file:
        return outbox.known(DayFile.of(path)) and all(
            outbox.accepted(line) or not outbox.bundled(line) for line in file
        )
    return False


def _all(path: Path, outbox: Outbox, unread: dict[Path, OSError]) -> bool:
    with noting_unread(path, unread), open_kept(path) as file:
        return all(outbox.accepted(line) for line in file)
    return False
