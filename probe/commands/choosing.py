"""The targets of one run: the list, from where in it to begin, and what is left out of it.

What may be probed at all is decided in `probe.run.choice`; host names of an own list are looked up
here.
"""

from __future__ import annotations

import socket
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from probe.background import Background
from probe.commands import words
from probe.run.choice import fit, unmeasured, version_of
from probe.run.exclusions import LISTED
from probe.run.resolve import NO_HOST, is_no_name, no_resolver
from probe.run.targets import (
    Listed,
    TargetError,
    address_of,
    read_targets,
    root_servers,
    target_list,
)
from probe.words.failure import BadInput, Offline
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from probe.origin import Origin
    from probe.redaction.premises import Premises
    from probe.run.exclusions import Exclusions
    from probe.run.targets import Target


# So many host names that lead to one address are no accident.
_UNALIKE = 3


class Selection(NamedTuple):
    """Which targets the options name.

    ``own_list`` is a file of the user's, ``version`` the only IP version wanted, ``limit`` how many
    targets at most; each None where nothing was said. ``own_network`` says that private targets
    may be probed.
    """

    own_list: Path | None
    version: int | None
    limit: int | None
    own_network: bool


class Choice:
    """The targets of a run.

    ``done`` counts the traces that the run to be resumed has kept, by target as records have it.
    ``place`` is where in the list to begin: what stands before it comes last. ``without_way`` says
    which IP versions have no way out to any of some addresses.

    Of the targets chosen last, ``left_out`` counts by reason those that may not be probed, and
    ``absent`` are IP versions that this place does not have.
    """

    def __init__(
        self,
        origin: Origin,
        here: Premises,
        selection: Selection,
        *,
        excluded: Exclusions,
        without_way: Callable[[Iterable[str]], frozenset[int]],
        done: Counter[str],
        place: int,
    ) -> None:
        self.origin = origin
        self.place = place
        self.limit = selection.limit
        # Host names of an own list that a resolver was asked for.
        self.looked_up: list[str] = []
        own_list = selection.own_list
        self.own = self._read(own_list) if own_list is not None else None
        self.absent: frozenset[int] = frozenset()
        self.left_out: Counter[str] = Counter()
        # Whether the last list had networks of the country in it.
        self.at_home = False
        self._here = here
        self._excluded = excluded
        self._version = selection.version
        self._own_network = selection.own_network
        self._done = done
        self._without_way = without_way

    def _read(self, path: Path) -> list[Target]:
        addresses: dict[str, str] = {}

        def look_up(host: str) -> str:
            self.looked_up.append(host)
            addresses[host] = _address_of(host)
            return addresses[host]

        own = _read(path, look_up)
        if len(addresses) >= _UNALIKE and len(set(addresses.values())) == 1:
            raise Offline(
                _(
                    "all {count} host names of {path} lead to one address, as where a captive "
                    "portal wants a login, or a resolver answers falsely; sign in with a browser, "
                    "or write their addresses"
                ).format(count=len(addresses), path=path)
            )
        return own

    def listed(self, country: str | None) -> list[Target]:
        """The whole list, fit or not."""
        return self._list(country).targets

    def _list(self, country: str | None) -> Listed:
        self.at_home = country is not None
        return Listed(self.own, 0) if self.own is not None else target_list(self.origin, country)

    def targets(self, country: str | None) -> list[Target]:
        """The targets to probe from a country; none where the run that is resumed is complete.

        Raises `BadInput` where none of the list may be probed, and `Offline` where all that may
        are of an IP version that is not here.
        """
        listed, smaller = self._list(country)
        wanted = [
            target for target in self._turned(listed) if self._version in {None, version_of(target)}
        ]
        chosen, self.left_out = fit(
            wanted, self._here, self._excluded, own_network=self._own_network
        )
        if not chosen:
            raise BadInput(self._none_fit())
        if smaller:
            self.left_out["smaller networks of the country"] = smaller
        left = unmeasured(chosen, self._done)
        if len(left) < len(chosen):
            self.left_out["measured before"] = len(chosen) - len(left)
        # Root servers tell whether there is another IP version than that of the list.
        absent = self._without_way(target.address for target in [*chosen, *root_servers()])
        unreachable = Counter(version for version in map(version_of, left) if version in absent)
        self.absent = frozenset(unreachable)
        self.left_out.update(
            {f"no IPv{version} here": count for version, count in unreachable.items()}
        )
        if unreachable.total() == len(chosen):
            raise self._all_absent()
        return [target for target in left if version_of(target) not in absent][: self.limit]

    def _none_fit(self) -> str:
        if self.left_out:
            said = (
                _("no target may be probed: {reasons}; list others with --targets")
                if self._own_network or self.left_out.keys() <= {LISTED, *NO_HOST}
                else _(
                    "no target may be probed: {reasons}; list others with --targets, or say with "
                    "--i-run-this-network that the network is yours"
                )
            )
            return said.format(reasons=words.counts(self.left_out))
        return _(
            "no target may be probed: the list has IPv{other} addresses only, and you asked for "
            "-{wanted}"
        ).format(other=4 if self._version == 6 else 6, wanted=self._version)

    def _all_absent(self) -> Offline:
        (absent,) = self.absent
        said = (
            _(
                "this machine has no IPv{version}, so that all targets are left out ({counts}); "
                "list targets with IPv{other} addresses"
            )
            if self._version is None
            else _(
                "this machine has no IPv{version}, so that all targets are left out ({counts}); "
                "leave out -{version}"
            )
        )
        return Offline(
            said.format(
                version=absent, other=4 if absent == 6 else 6, counts=words.counts(self.left_out)
            )
        )

    def place_of(self, unreached: list[Target], country: str | None) -> int:
        """Where in the list a next run goes on: at the first target that this one did not reach.

        One that was listed only before the country was known does not count.
        """
        places = {target.address: at for at, target in enumerate(self.listed(country))}
        left = (places[target.address] for target in unreached if target.address in places)
        return next(left, self.place + (self.limit or 0))

    def _turned(self, listed: list[Target]) -> list[Target]:
        begin = self.place % len(listed) if listed else 0
        return [*listed[begin:], *listed[:begin]]


def _read(path: Path, look_up: Callable[[str], str]) -> list[Target]:
    try:
        return list(read_targets(path, look_up))
    except TargetError as problem:
        raise BadInput(str(problem)) from problem


def _address_of(host: str) -> str:
    """The address of a host; Ctrl-C ends it at once, however long the resolver takes.

    Raises OSError for a name that does not exist, `Offline` where no resolver answers.
    """
    try:
        return Background(lambda: address_of(host)).result()
    except socket.gaierror as problem:
        if is_no_name(problem):
            raise
        raise no_resolver(host, problem) from problem
