"""The pages of the documentation and what stands in their fences, for the tests that run it.

Knows how blocks are written, not which test runs which: that is told by `tests/test_blocks.py`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "figures").glob("*.md"),
        *(ROOT / "data").rglob("*.md"),
        *(ROOT / "packaging").glob("*.md"),
    ]
)


class Block(NamedTuple):
    """What stands between two fences; ``language`` is empty where none is said."""

    page: Path
    language: str
    text: str


class Command(NamedTuple):
    """A command line as a page shows it, and what the page says that it prints."""

    page: str
    line: str
    shown: str


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page, of these languages or of any."""
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^```([^\n`]*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [
        Block(page, said, inside) for said, inside in fences if not languages or said in languages
    ]


def commands_of(block: Block) -> Iterator[Command]:
    """The command lines of a block, one that goes on after a backslash as one line.

    ``sh`` blocks hold commands alone, ``console`` and ``shell-session`` ones prompts and output.
    """
    page, text = str(block.page.relative_to(ROOT)), re.sub(r" \\\n +", " ", block.text)
    if block.language == "sh":
        yield from (Command(page, line, "") for line in text.splitlines())
    elif block.language in {"console", "shell-session"}:
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            yield Command(page, line, shown)


def commands() -> list[Command]:
    """Each command of all pages once, where possible with what it prints."""
    found: dict[str, Command] = {}
    for page in PAGES:
        for block in blocks(page):
            for command in commands_of(block):
                if command.shown or command.line not in found:
                    found[command.line] = command
    return list(found.values())


def words_of(line: str) -> list[str]:
    """The words of the first command on a line, without what stands before the program."""
    words = shlex.split(line, comments=True)
    words = words[: words.index("|")] if "|" in words else words
    while words and (words[0] in {"sudo", "-H", "-u"} or "=" in words[0]):
        words = words[2 if words[0] == "-u" else 1 :]
    return words


def pattern_of(shown: str) -> re.Pattern[str]:
    """The output that a page shows; ``…`` stands for anything."""
    return re.compile(".*".join(map(re.escape, shown.rstrip("\n").split("…"))), re.DOTALL)
