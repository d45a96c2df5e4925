"""What waits to leave this machine, and why it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.doctor import Finding, State
from probe.language import _, ngettext
from probe.outbox import Outbox, outbox_folder
from probe.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUS = "gatewatch submit status"
_SUBMIT = "gatewatch submit"
_LEAVE = "gatewatch submit --leave-at FOLDER"


def queue() -> Iterator[Finding]:
    """Bundles that were refused, that could not be sent, and that wait for their owner."""
    if not outbox_folder().is_dir():
        yield Finding(State.OK, _("nothing waits to be sent"))
        return
    collector = read_settings().collector
    with Outbox(outbox_folder()) as outbox:
        entries = outbox.entries()
        problem = outbox.attempts(collector).problem if collector else None
    count = {
        state: sum(entry.state == state for entry in entries) for state in ("waiting", "refused")
    }
    if count["refused"]:
        yield Finding(
            State.WARNING,
            ngettext(
                "{count} bundle was refused by the collector",
                "{count} bundles were refused by the collector",
                count["refused"],
            ).format(count=count["refused"]),
            _STATUS,
        )
    if count["waiting"]:
        yield _waiting(count["waiting"], collector, problem)
    elif not count["refused"]:
        yield Finding(State.OK, _("nothing waits to be sent"))


def _waiting(count: int, collector: str | None, problem: str | None) -> Finding:
    says = ngettext(
        "{count} bundle waits to be sent", "{count} bundles wait to be sent", count
    ).format(count=count)
    if collector is None:
        says = _("{waiting}, and no collector is set; hand them over yourself").format(waiting=says)
        return Finding(State.OK, says, _LEAVE)
    if problem is not None:
        says = _("{waiting}; the last try failed: {problem}").format(waiting=says, problem=problem)
        return Finding(State.WARNING, says, _SUBMIT)
    return Finding(State.OK, says, _SUBMIT)
