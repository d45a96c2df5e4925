"""How a collector fares: what it holds and what is due, for whoever looks once a week.

A full disk, bundles that nobody decides on, a clock that is off and volunteers who fell silent
are seen here before a volunteer notices. It is pure: it has neither disk nor clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from analysis.collect.rows import Held
from analysis.words.wording import many

# Days that a look back takes in, that a decision may take (docs/data-policy.md), and that the disk
# should last.
MONTH = 30

# Days without a newer trace after which something is wrong: most volunteers send every day.
SILENCE = 7

# Reasons of a refusal that may lie here, and what would mend it.
_OWN_FAULTS = {
    "clock": "see that this machine's clock is right (timedatectl)",
    "malformed": "see whether there is a newer gatewatch for this machine",
}


@dataclass(frozen=True, slots=True)
class Account:
    """What a collector holds on a day; sizes are in bytes.

    Of ``without_file`` bundles, which wait or were accepted, the file is gone. ``active_keys`` and
    ``active_networks`` measured in the last `MONTH` days, ``refused_lately`` is what was refused at
    the door in them, by reason. ``grows`` is what a day of them brought, and ``days_left`` how long
    the disk lasts at that rate; None where nothing came.
    """

    waiting: int
    waiting_since: str | None
    accepted: int
    refused: int
    without_file: int
    traces: int
    first_day: str | None
    last_day: str | None
    active_keys: int
    active_networks: int
    refused_lately: Mapping[str, int]
    size: int
    free: int
    grows: int
    days_left: int | None


def account(
    held: Sequence[Held],
    sizes: Mapping[str, int],
    today: date,
    *,
    database: int,
    free: int,
    refused_lately: Mapping[str, int],
) -> Account:
    """Sum up what is held.

    ``sizes`` are those of the bundles' files by sha256, ``database`` that of the database, ``free``
    what is free on the disk before senders are turned away.
    """
    waiting = [one for one in held if one.status == "quarantined"]
    accepted = [one for one in held if one.status == "accepted"]
    kept = waiting + accepted
    since = (today - timedelta(days=MONTH)).isoformat()
    active = [one for one in kept if one.last_day > since]
    size = sum(sizes.values())
    grows = 0
    if active and size:
        lately = sum(sizes.get(one.sha256, 0) for one in active)
        first = date.fromisoformat(min(one.last_day for one in kept))
        span = max(1, min(MONTH, (today - first).days + 1))
        # The database grows along.
        grows = round(lately / span * (size + database) / size)
    return Account(
        waiting=len(waiting),
        waiting_since=min((one.day for one in waiting), default=None),
        accepted=len(accepted),
        refused=len(held) - len(kept),
        without_file=sum(one.sha256 not in sizes for one in kept),
        traces=sum(one.traces - one.doubled for one in kept),
        first_day=min((one.first_day for one in kept), default=None),
        last_day=max((one.last_day for one in kept), default=None),
        active_keys=len({one.key for one in active}),
        active_networks=len({one.network for one in active}),
        refused_lately=refused_lately,
        size=size + database,
        free=free,
        grows=grows,
        days_left=free // grows if grows else None,
    )


def warnings(found: Account, today: date) -> Iterator[str]:
    """What whoever keeps the collector has to do something about, a sentence each."""
    if found.days_left is not None and found.days_left < MONTH:
        yield f"the disk is full in {many(found.days_left, 'day')} if it goes on so; make room"
    if found.without_file:
        number = many(found.without_file, "bundle")
        yield (
            f"of {number} that {'is' if found.without_file == 1 else 'are'} held there is no file; "
            "copy them from a backup, since nobody sends again what has a receipt"
        )
    if found.waiting_since is not None and _days(found.waiting_since, today) > MONTH:
        yield (
            f"bundles wait since {found.waiting_since}; decide on them (gatewatch collect review), "
            f"since volunteers were promised an answer within {MONTH} days"
        )
    if found.last_day is not None and _days(found.last_day, today) > SILENCE:
        yield (
            f"nothing was measured after {found.last_day}; see whether the collector can be "
            "reached from outside, its certificate is still good, and its clock is right"
        )
    if found.last_day is not None and _days(found.last_day, today) < -1:
        yield (
            f"something that is held was measured on {found.last_day}, which has not come; see "
            "that this machine's clock is right (timedatectl), or refuse it"
        )
    for reason, remedy in _OWN_FAULTS.items():
        if reason in found.refused_lately:
            number = many(found.refused_lately[reason], "bundle")
            yield f"{number} refused as `{reason}` in the last {MONTH} days; {remedy}"


def _days(day: str, today: date) -> int:
    return (today - date.fromisoformat(day)).days
