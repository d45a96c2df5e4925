"""Draws ``docs/demo.svg``: what ``gatewatch demo`` really prints, as a picture for the README.

    python -m scripts.picture

Runs the command as a terminal of 100 columns would see it and hands its output, colours and all,
to rich's SVG export. Draws nothing of its own, so the picture can show nothing that is not so.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 100
PICTURE = Path(__file__).parent.parent / "docs" / "demo.svg"
COMMAND = ["gatewatch", "demo", "--to", "gatewatch-demo"]


def output(command: list[str], folder: Path) -> str:
    """What a command, run in a folder, prints on a colour terminal that shows no animations."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    terminal = {
        "COLUMNS": str(COLUMNS),
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
        "TTY_INTERACTIVE": "0",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **terminal, "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def svg(title: str, printed: str) -> str:
    """The printed text as a picture that fetches nothing: the export's web fonts are left out."""
    console = Console(
        width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True, color_system="256"
    )
    console.print(Text.from_ansi(printed.rstrip()), soft_wrap=True, highlight=False)
    console.print()  # the frame would cut off what hangs below the last line
    drawn = console.export_svg(title=title, unique_id="gatewatch")
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


def picture(folder: Path) -> str:
    """The demo's picture; the demo's files are left in the folder."""
    return svg(" ".join(COMMAND), output(COMMAND, folder))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_text(picture(Path(folder)), encoding="utf-8")
    print(PICTURE)
