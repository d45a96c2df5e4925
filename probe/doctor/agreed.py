"""What the owner of the machine has agreed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.disk.places import data_folder
from probe.doctor import Finding, State
from probe.owner.consent import Permission, missing, newer_text, said, trouble
from probe.scrubbing import harmless
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator

_GRANT = "gatewatch consent grant"


def consent() -> Iterator[Finding]:
    """Whether it may be measured and kept; not to share is a choice, and nothing is wrong."""
    lacking = missing(data_folder(), *Permission)
    agreed = ", ".join(each for each in Permission if each not in lacking)
    broken = trouble(data_folder())
    unread = None if broken is None else harmless(broken)
    if Permission.RUN in lacking or Permission.KEEP in lacking:
        other = unread or newer_text(data_folder(), lacking)
        if other is not None:
            says = other
        elif said(data_folder()).keys() & set(lacking):
            says = _("the text on consent has changed since you agreed, so nothing is measured")
        else:
            says = _("you have not agreed to: {names}; so nothing is measured").format(
                names=", ".join(each for each in lacking if each is not Permission.SHARE)
            )
        yield Finding(State.FAILED, says, _GRANT)
    elif unread is not None:
        says = _("you agree to: {names}; {problem}").format(names=agreed, problem=unread)
        yield Finding(State.WARNING, says, _GRANT)
    elif lacking:
        yield Finding(
            State.OK,
            _("you agree to: {names}; the results stay here").format(names=agreed),
        )
    else:
        yield Finding(State.OK, _("you agree to: {names}").format(names=agreed))
