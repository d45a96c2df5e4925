"""What waits to leave this machine, and why it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.disk.places import data_folder
from probe.doctor import Finding, State
from probe.owner.consent import Permission, missing
from probe.owner.settings import read_settings
from probe.scrubbing import harmless
from probe.sharing.outbox import outbox_folder, status
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.owner.settings import Settings
    from probe.sharing.outbox import Attempts

_STATUS = "gatewatch submit status"
_SUBMIT = "gatewatch submit"
_SUBMIT_NOW = "gatewatch submit --now"
_SHARE = "gatewatch consent grant --share"
_LEAVE = "gatewatch submit --leave-at FOLDER"


def queue() -> Iterator[Finding]:
    """Bundles that were refused, that could not be sent, and that wait for their owner."""
    settings = read_settings()
    found = status(outbox_folder(), settings.collector)
    refused, waiting = len(found.refused), found.count("waiting")
    if refused:
        yield Finding(
            State.WARNING,
            ngettext(
                "{count} bundle was refused by the collector",
                "{count} bundles were refused by the collector",
                refused,
            ).format(count=refused),
            _STATUS,
        )
    if waiting:
        yield _waiting(waiting, settings, found.attempts)
    elif not refused:
        yield Finding(State.OK, _("nothing waits to be sent"))


def _waiting(count: int, settings: Settings, attempts: Attempts) -> Finding:
    says = ngettext(
        "{count} bundle waits to be sent", "{count} bundles wait to be sent", count
    ).format(count=count)
    if missing(data_folder(), Permission.SHARE):
        says = _("{waiting}, and you have not agreed to share; nothing is sent").format(
            waiting=says
        )
        return Finding(State.OK, says, _SHARE)
    if settings.collector is None:
        says = _("{waiting}, and no collector is set; hand them over yourself").format(waiting=says)
        return Finding(State.OK, says, _LEAVE)
    if attempts.problem is not None:
        says = _("{waiting}; the last try failed: {problem}").format(
            waiting=says, problem=harmless(str(attempts.problem))
        )
        return Finding(State.WARNING, says, _SUBMIT if attempts.told else _SUBMIT_NOW)
    return Finding(State.OK, says, _SUBMIT)
