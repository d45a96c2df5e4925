"""How consent is asked on a terminal: the text is shown, and each question wants a word typed.

Enter alone is the default, no, and whatever is neither yes nor no is asked again: a consent that
a finger resting on a key can give is none. All of it goes to the standard error, so that the
output of the command that asks stays what it is. Where nobody can be asked, nothing is assumed.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import unicodedata
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from probe import stop
from probe.disk.private import replace_file
from probe.owner.consent import Permission, change, missing, refusal, said, trouble
from probe.words.failure import NoConsent
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PAGE = "consent.html"

# The widest line that reads well.
WIDTH = 88

_YES = frozenset({"yes", "បាទ", "ចាស", "ចា៎", "យល់ព្រម"})
_NO = frozenset({"", "no", "ទេ", "អត់ទេ", "មិនយល់ព្រម"})
_OPEN = "open"


def obtain(folder: Path, *needed: Permission) -> None:
    """Return once the owner has agreed to what is needed, asked now where that can be.

    An owner who is asked is asked all open questions, not only those needed now. Raises `NoConsent`
    where the answer is no, or where no terminal is there to ask on.
    """
    lacking = missing(folder, *needed)
    if not lacking:
        return
    if not on_terminal():
        raise refusal(folder, lacking)
    ask(folder, missing(folder, *Permission))
    lacking = missing(folder, *needed)
    if lacking:
        raise NoConsent(
            _("you have not agreed to: {names}; nothing was sent and nothing was kept").format(
                names=", ".join(lacking)
            )
        )


def on_terminal() -> bool:
    """Whether somebody sits there who can read the text and type an answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(folder: Path, permissions: Iterable[Permission]) -> None:
    """Show the text, ask for each of these, and put the answers down once all are given."""
    from probe.owner.notice import lines, notice  # noqa: PLC0415 - a run that may measure reads nothing

    text = notice("en")
    width = min(WIDTH, shutil.get_terminal_size().columns)
    unread = trouble(folder)
    with stop.heeded(), _page(folder) as page:
        if unread is not None:
            _tell(_("{problem}; you are asked anew").format(problem=unread))
            _tell()
        for line in lines(text.parts, width):
            _tell(line)
        _tell()
        _tell(_("The same text in Khmer and English, as a page for a browser:"))
        _tell(f"  {page}")
        answers = {}
        for permission in permissions:
            _tell()
            for line in lines((text.questions[permission],), width):
                _tell(line)
            answers[permission] = _answer(page)
        change(folder, answers, datetime.now(UTC).date())
    _tell()


@contextmanager
def _page(folder: Path) -> Iterator[Path]:
    """The page in the data folder; it goes again where nobody agreed to anything."""
    path = write_page(folder)
    try:
        yield path
    finally:
        clear(folder)


def clear(folder: Path) -> None:
    """Where nobody agrees to anything leave no page that tells of the question."""
    if not said(folder):
        (folder / PAGE).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # there is more in it, or it is not there
            folder.rmdir()


def write_page(folder: Path) -> Path:
    """Write the text in both languages as a page into the data folder."""
    from probe.owner.notice import page  # noqa: PLC0415 - as above

    path = folder / PAGE
    replace_file(path, page())
    return path


def show_page(path: Path) -> None:
    """Open the page in the browser, or say that it could not be."""
    if click.launch(str(path)):
        _tell(_("no browser could be opened; open {path} yourself").format(path=path))


def _answer(page: Path) -> bool:
    while True:
        click.echo(_("Type yes or no (open: show the page) [no]: "), nl=False, err=True)
        typed = sys.stdin.readline()
        if not typed:  # the terminal is gone, or Ctrl-D
            _tell()
            return False
        word = _plain(typed)
        if word in _YES:
            return True
        if word in _NO:
            return False
        if word == _OPEN:
            show_page(page)
        else:
            _tell(_("That is neither yes nor no."))


def _plain(typed: str) -> str:
    """A word as it is compared: without blanks, invisible ones included, and without case."""
    return unicodedata.normalize("NFC", typed.replace("\u200b", "")).strip().lower()


def _tell(line: str = "") -> None:
    click.echo(line, err=True)
