"""The demo: a simulated country, measured by the real probe, judged before and after.

The one place where both halves are at work, since it runs the whole line in one process.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from analysis.basis.means import Means, open_means
from analysis.judgement.limits import OUT_OF_SIGHT
from analysis.library.api import judge_by, read
from analysis.scale.engine import Here
from analysis.words.render import one_by_one, side_by_side
from analysis.words.wording import headline
from probe.demo import simulate
from probe.origin import Origin

_LABEL = "SIMULATED country with real Cambodian network names; nothing here was measured"


def _fields(path: Path, means: Means, command: str) -> dict[str, Any]:
    fields = judge_by(means, read(means, [str(path)], Here()), command=command).to_dict()
    fields["provenance"]["simulated"] = _LABEL
    return fields


def titles(switched_on: date) -> dict[str, str]:
    """What stands over the two verdicts, whole also in a panel of 40 columns."""
    return {"before": f"before {switched_on}", "after": f"after the switch-on, {switched_on}"}


def run_demo(folder: Path, *, as_json: bool, table: Origin, command: str) -> None:
    """Simulate into ``folder``, judge both halves, and print them.

    Side by side on a terminal, as plain lines into a pipe, or as JSON.
    """
    console = Console(highlight=False)
    console.soft_wrap = not console.is_terminal
    if as_json:
        files = simulate(folder, origin=table)
    else:
        console.print(f"[bold]gatewatch demo[/] · {_LABEL}")
        with console.status("measuring …") as status:
            progress: Callable[[str, float], None] = lambda what, done: status.update(  # noqa: E731
                f"{what} {done:.0%}"
            )
            files = simulate(folder, progress=progress, origin=table)
    means = open_means(files.country, origin=table)
    fields = {
        "before": _fields(files.before, means, command),
        "after": _fields(files.after, means, command),
    }
    if as_json:
        click.echo(json.dumps(fields, ensure_ascii=False))
        return
    titled = {title: fields[name] for name, title in titles(files.switched_on).items()}
    if console.is_terminal:
        console.print(side_by_side(titled, console.width))
    else:
        click.echo(one_by_one(titled))
    for name, judged in fields.items():
        console.print(f"[bold]{name}[/]: {judged['grade']} — {headline(judged)}")
    console.print(f"[bold]limits[/]: {OUT_OF_SIGHT}")
    console.print("\nThe traces are kept; judge them yourself, together or apart:")
    for path in map(str, (folder, files.after)):
        # What begins with a dash would be read as an option, or as standard input.
        named = f"./{path}" if path.startswith("-") else path
        line = shlex.join(["gatewatch", "analyze", named, "--country", files.country])
        console.print(f"  {line}", soft_wrap=True, markup=False)
