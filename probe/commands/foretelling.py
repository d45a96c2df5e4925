"""What `gatewatch run --dry-run` says: what a run would take, and whether the day has that left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from probe.commands import words
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.commands.choosing import Choice
    from probe.run.foresight import Cost


def foretell(cost: Cost, rate: float, allowed: float, choice: Choice, *, as_json: bool) -> None:
    """Say what a run would take; ``allowed`` are the bytes that the day has left."""
    if as_json:
        click.echo(json.dumps(_fields(cost, allowed, choice)))
        return
    for sentence in _sentences(cost, rate, allowed, choice):
        click.echo(sentence)


def _fields(cost: Cost, allowed: float, choice: Choice) -> dict[str, Any]:
    return {
        "targets": cost.targets,
        "known": cost.known,
        "unexplored": cost.unexplored,
        "packets": cost.packets,
        "bytes": cost.bytes,
        "minutes": round(cost.seconds / 60, 2),
        "at_least": cost.least
        and {
            "packets": cost.least.packets,
            "bytes": cost.least.bytes,
            "minutes": round(cost.least.seconds / 60, 2),
        },
        "allowed": int(max(0.0, allowed)),
        "left_out": dict(sorted(choice.left_out.items())),
    }


def _sentences(cost: Cost, rate: float, allowed: float, choice: Choice) -> Iterator[str]:
    yield _taken(cost).format(
        count=cost.targets,
        least=cost.least and cost.least.packets,
        packets=cost.packets,
        kilobytes=cost.bytes / 1000,
        minutes=cost.seconds / 60,
        rate=rate,
    )
    if cost.known < cost.targets:
        yield _("a guess for {count} of them, never traced from here before").format(
            count=cost.targets - cost.known
        )
    if cost.unexplored:
        yield _(
            "counted without parallel paths for {count} of them, where --multipath full has "
            "not looked yet; what it finds there comes on top"
        ).format(count=cost.unexplored)
    if choice.left_out:
        yield _("left out: {counts}").format(counts=words.counts(choice.left_out))
    if cost.bytes > allowed:
        said = (
            _("the budget of the day has {left:.0f} kB left: not all would be measured")
            if (cost.least or cost).bytes > allowed
            else _("the budget of the day has {left:.0f} kB left, which may not do for all")
        )
        yield said.format(left=max(0.0, allowed) / 1000)
    yield (
        _("no probe was sent, but the names in your list were looked up")
        if choice.looked_up
        else _("nothing was sent")
    )
    if not choice.at_home and choice.own is None:
        yield _("without the networks of your country; name it with --country CC")


def _taken(cost: Cost) -> str:
    """The sentence on what it takes, or between what, with places for the numbers."""
    if cost.least is None:
        return ngettext(
            "would trace to {count} target: about {packets} packets, {kilobytes:.0f} kB, "
            "{minutes:.1f} minutes at {rate:g} packets/s",
            "would trace to {count} targets: about {packets} packets, {kilobytes:.0f} kB, "
            "{minutes:.1f} minutes at {rate:g} packets/s",
            cost.targets,
        )
    return ngettext(
        "would trace to {count} target: {least} to {packets} packets, at most {kilobytes:.0f} "
        "kB and {minutes:.1f} minutes at {rate:g} packets/s; too few paths from here are known "
        "to say what they share and how many routers stand side by side at the border",
        "would trace to {count} targets: {least} to {packets} packets, at most "
        "{kilobytes:.0f} kB and {minutes:.1f} minutes at {rate:g} packets/s; too few paths "
        "from here are known to say what they share and how many routers stand side by side at "
        "the border",
        cost.targets,
    )
