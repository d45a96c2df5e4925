"""Which traces are alike: every decision of a verdict comes out the same for them.

Nearly all that a verdict makes of a trace hangs on its addresses. Where RTTs decide, they do so by
a few comparisons with the policy's steps, and those, not the times, are what two traces must have
in common. So millions of traces become some thousand that each stand for many. What other paths
say of a link is not known while traces are still being read; the router before a link therefore
counts as if it might be anybody's. Decides nothing itself: `analysis.paths.crossing`,
`analysis.paths.detour` and `analysis.paths.lateness` do, and a test holds the traces of a likeness
to one crossing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from analysis.intake.told import Addresses, Rtts
from analysis.paths.detour import detour, first_untold, put_at_home
from analysis.paths.lateness import Timed, is_late, timed
from analysis.paths.links import far_ends
from analysis.paths.path import Frame, Path, Step
from analysis.policy import Policy

# Among the comparisons of a step: its RTT is not known, and no more comparisons follow.
_UNKNOWN, _END = 254, 255

# So many rows of addresses are remembered with their steps: a guard of the memory.
_REMEMBERED = 20_000


class Likeness(NamedTuple):
    """What traces have in common: addresses, RTTs that decide as theirs do, and what they decide.

    Equal likenesses need not have equal ``rtts``: any of them will do.
    """

    addresses: Addresses
    rtts: Rtts
    decisions: bytes


class _Border(NamedTuple):
    """A step that may be the first abroad, and the steps before it that may be the last at home.

    These come nearest first, each with whether it is at home whatever other paths say.
    """

    step: int
    before: tuple[tuple[int, bool], ...]


class _Traits(NamedTuple):
    """Of a row of steps: whether RTTs may decide anything but the distance to a border.

    That is besides which of the steps ``timed`` are late.
    """

    plain: bool
    borders: tuple[_Border, ...]
    timed: tuple[Timed, ...] = ()


def _is_unplaced(step: Step) -> bool:
    return step.place == "unlocated" and step.is_public


def _changeable(frame: Frame) -> frozenset[int]:
    """The steps of which other paths may say whose they are."""
    return frozenset(index for index, _ in far_ends(frame))


def _border(steps: tuple[Step, ...], at: int, changeable: frozenset[int]) -> _Border:
    return _Border(
        at,
        tuple(
            (i, i not in changeable)
            for i in range(at - 1, -1, -1)
            if i in changeable or steps[i].place == "home"
        ),
    )


def _traits(frame: Frame) -> _Traits:
    steps = frame.steps
    outer = [i for i, step in enumerate(steps) if step.place == "abroad"]
    if not outer:
        return _Traits(plain=True, borders=())
    changeable = _changeable(frame)
    first = outer[0]
    behind = {step.sight.node for step in steps[first + 1 :] if step.sight is not None}
    plain = (
        not any(step.place == "home" for step in steps[first + 1 :])
        and not (steps[-1].address == frame.destination and len(behind) <= 1)
        and not any(_is_unplaced(step) for step in steps)
    )
    at = [first, *(i for i in outer[1:2] if first in changeable)]
    return _Traits(plain, tuple(_border(steps, i, changeable) for i in at), timed(frame))


class Likenesses:
    """Likenesses of paths under one policy; what hangs on addresses alone is worked out once."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._traits: dict[Frame, _Traits] = {}
        self._rows: dict[tuple[str, str, Addresses], tuple[tuple[Step, ...], frozenset[int]]] = {}

    def along(self, path: Path, *, abroad: bool) -> Callable[[Rtts], Likeness]:
        """The likeness, by its RTTs, of each path that is as this one but for them.

        ``abroad`` is where it leads; else to another network at home.
        """
        traits = self._traits.get(path.frame)
        if traits is None:
            traits = self._traits[path.frame] = _traits(path.frame)
        if not abroad:
            return self._at_home(path, traits)
        short = _without_rtts(path.addresses[: len(path.frame.steps)])

        def likeness(rtts: Rtts) -> Likeness:
            if not traits.borders:
                return short
            if traits.plain and self._is_far(traits, rtts):
                for one in traits.timed:
                    if is_late(one, rtts, self._policy):
                        break
                else:
                    return short
            late = bytes([is_late(one, rtts, self._policy) for one in traits.timed])
            found = late + self._decisions(path._replace(rtts=rtts))
            return Likeness(path.addresses, rtts, found)

        return likeness

    def _at_home(self, path: Path, traits: _Traits) -> Callable[[Rtts], Likeness]:
        whole = _without_rtts(path.addresses)

        def likeness(rtts: Rtts) -> Likeness:
            if not traits.borders:
                return whole
            steps = path._replace(rtts=rtts).steps
            away, untold = detour(steps, self._policy), first_untold(steps)
            found = b"home" if away is None else b"abroad" + bytes(sorted(away))
            found += bytes((_END,) if untold is None else (_UNKNOWN, untold))
            found += bytes(sorted(put_at_home(steps, self._policy)))
            return Likeness(path.addresses, rtts, found)

        return likeness

    def _is_far(self, traits: _Traits, rtts: Rtts) -> bool:
        """Whether each step that may be the first abroad lies as far off as abroad does."""
        least = self._policy.home_step_ms
        for border, before in traits.borders:
            there = rtts[border]
            if there is None:
                continue
            for i, surely in before:
                here = rtts[i]
                if here is not None:
                    if there - here < least:
                        return False
                    if surely:
                        break
        return True

    def _decisions(self, path: Path) -> bytes:
        """Every comparison of RTTs that may be made of a path, in order of its steps.

        A step is compared with all before it that may be the last at home, and all behind it with
        the step, those at home by themselves; one that no table places with the soonest of the own
        network as well, and with those before it that may be of it.
        """
        steps, changeable = self._row(path)
        rtts = path.rtts
        found = bytearray()
        home: list[float] = []
        own = math.inf
        perhaps_own: list[float] = []
        for i, step in enumerate(steps):
            rtt = rtts[i]
            surely = step.place == "home" and i not in changeable
            if not surely or i == len(steps) - 1:
                behind = range(i + 1, len(steps))
                at_home = [rtts[j] for j in behind if steps[j].place == "home"]
                found += self._compared(rtt, home, rtts[i + 1 :], at_home)
            if _is_unplaced(step) and rtt is not None:
                abroad_step = self._policy.abroad_step_ms
                found += bytes(rtt - soon >= abroad_step for soon in (own, *perhaps_own))
            if rtt is not None and (surely or i in changeable):
                if surely:
                    home.clear()
                home.append(rtt)
                if not surely:
                    perhaps_own.append(rtt)
                elif step.own and step.is_public:
                    own = min(own, rtt)
        return bytes(found)

    def _row(self, path: Path) -> tuple[tuple[Step, ...], frozenset[int]]:
        key = (path.frame.organisation, path.frame.destination, path.addresses)
        known = self._rows.get(key)
        if known is None:
            if len(self._rows) >= _REMEMBERED:
                self._rows.clear()
            steps = path.reader.steps(path.addresses, path.frame.organisation)
            known = self._rows[key] = (steps, _changeable(path.frame))
        return known

    def _compared(
        self,
        rtt: float | None,
        home: Sequence[float],
        behind: Sequence[float | None],
        home_behind: Sequence[float | None],
    ) -> bytes:
        if rtt is None:
            return bytes((_UNKNOWN, _END))
        home_step, abroad_step = self._policy.home_step_ms, self._policy.abroad_step_ms
        rises = [rtt - here for here in home]
        far = any(other is not None and other - rtt >= abroad_step for other in behind)
        later = [other - rtt for other in home_behind if other is not None]
        home_far = bool(later) and min(later) >= abroad_step
        return bytes(
            (
                far + 2 * home_far + 4 * bool(later),
                *((rise < home_step) + 2 * (rise >= abroad_step) for rise in rises),
                _END,
            )
        )


def _without_rtts(addresses: Addresses) -> Likeness:
    return Likeness(addresses, (None,) * len(addresses), b"")
