"""What is asked, said and kept from others whenever something of the owner's is deleted."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from probe.disk.presence import is_folder
from probe.run.lock import Busy
from probe.sharing.outbox import locked, occupied, outbox_folder
from probe.words.failure import Failure
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def nothing_handed_on() -> Iterator[None]:
    """Keep others from bundling and sending, which would write anew what is deleted."""
    folder = outbox_folder()
    with ExitStack() as stack:
        if is_folder(folder):
            for what in ("bundling", "submitting"):
                if not stack.enter_context(locked(folder, what)):
                    raise Busy(occupied(what))
        yield


def agreed() -> bool:
    """Whether the owner says yes; raises `Failure` where nobody can be asked."""
    if not _on_terminal():
        raise Failure(_("purge asks before it deletes; without a terminal say it with --yes"))
    return click.confirm(_("Delete all of this?"), default=False)


def _on_terminal() -> bool:
    return sys.stdin.isatty()


def limits() -> list[str]:
    """What deleting does not do, in sentences."""
    return [
        _("This cannot be undone, and takes back nothing that was sent or handed over."),
        _(
            "Deleting is not overwriting: on SSDs, memory cards and in backups an expert may find "
            "it again. Only a drive that was encrypted from the start is safe from that."
        ),
    ]
