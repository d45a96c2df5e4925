"""``gatewatch doctor``: what is wrong on this machine, and the command that mends it."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from probe.doctor import (
    Finding,
    State,
    agreed,
    examine,
    keeping,
    queue,
    redaction,
    schedule,
    sending,
    whereabouts,
)
from probe.vantage.locate import read_premises
from probe.words.failure import PartlyDone
from probe.words.language import _, for_scripts, ngettext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "red"}


def _checks() -> dict[str, Callable[[], Iterable[Finding]]]:
    """All there is to ask, in the order in which a measurement needs it."""
    return {
        "consent": agreed.consent,
        "methods": sending.methods,
        "ipv4": partial(sending.route, 4),
        "ipv6": partial(sending.route, 6),
        "vpn": whereabouts.vpn,
        "clock": whereabouts.clock,
        "last run": whereabouts.last_run,
        "redaction": lambda: redaction.redaction(read_premises()),
        "snapshot": keeping.snapshot,
        "folder": keeping.folder,
        "disk": keeping.disk,
        "memory": keeping.memory,
        "settings": keeping.settings,
        "schedule": schedule.schedule,
        "queue": queue.queue,
    }


@click.command(short_help="Say what is wrong here, and what mends it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(*, as_json: bool) -> None:
    """Look at all that a measurement needs, and say what mends what is wrong.

    Nothing is sent. The list holds neither your address nor the name of this computer. Ends with
    exit code 6 where something keeps gatewatch from measuring or sending; warnings alone end
    with 0.
    """
    if as_json:
        with for_scripts():
            found = list(examine(_checks()))
        click.echo(json.dumps(_fields(found)))
    else:
        found = []
        for name, finding in examine(_checks()):
            found.append((name, finding))
            _print(name, finding)
    failed = sum(finding.state is State.FAILED for _name, finding in found)
    if failed:
        raise PartlyDone(
            ngettext(
                "{count} thing has to be mended; the command stands below it",
                "{count} things have to be mended; the command stands below each",
                failed,
            ).format(count=failed)
        )


def _print(name: str, finding: Finding) -> None:
    state = finding.state.upper() if finding.state is State.FAILED else finding.state
    shown = click.style(f"{state:<8}", fg=_COLOURS[finding.state])
    click.echo(f"{shown} {name:<10} {finding.says}")
    if finding.remedy is not None:
        said = _("next: {command}").format(command=finding.remedy)
        click.echo(f"{'':<19} {said}")
    sys.stdout.flush()


def _fields(found: list[tuple[str, Finding]]) -> dict[str, object]:
    return {
        "well": all(finding.state is not State.FAILED for _name, finding in found),
        "findings": [
            {
                "check": name,
                "state": finding.state.value,
                "says": finding.says,
                "remedy": finding.remedy,
            }
            for name, finding in found
        ],
    }
