"""How the traces of a run are made: sparing with packets or not, and looking for parallel paths.

What traces of one run share stands here: the stop set of economical tracing, and the borders that
were looked at already. Both need to know who is abroad, by the address table and the country the
run starts in. This module sends nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.origin.attribute import majority

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.engine.economical import Routes
    from probe.engine.forks import Forks, Where
    from probe.origin.attribute import Attributor
    from probe.record import Hop, Trace


class Manner:
    """What `probe.engine.session.Session` is given as ``routes`` and ``explore``.

    ``home`` gives the country that a trace starts in (ISO 3166 alpha-2), or None where that is
    not known; it is asked with None for the run as a whole. ``confidence`` is in percent, that no
    next hop of a router is missed where parallel paths are looked for. ``explores_all`` says
    whether they are looked for on the whole path of every trace.
    """

    def __init__(
        self,
        origin: Attributor,
        home: Callable[[Trace | None], str | None],
        *,
        economical: bool = False,
        multipath: Where = "border",
        confidence: int = 95,
    ) -> None:
        self._origin = origin
        self._home = home
        self._economical = economical
        self._multipath = multipath
        self._failure = (100 - confidence) / 100
        self.explores_all = multipath == "full"
        self.routes: Routes | None = None
        self.explore: Forks | None = None
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what was shared so far: this machine is in another place now."""
        if self._economical:
            from probe.engine.economical import Routes  # noqa: PLC0415 - as those below, seldom needed

            self.routes = Routes(self.is_abroad)
        if self._multipath != "off":
            from probe.engine.forks import Forks  # noqa: PLC0415
            from probe.engine.multipath import MultipathLimits  # noqa: PLC0415

            limits = MultipathLimits(failure=self._failure)
            self.explore = Forks(self._multipath, self._origin, self._home, limits)

    def learn(self, trace: Trace) -> None:
        """Let economical traces take over from one that measured every hop."""
        if self.routes is not None and trace.stop not in {"loop", "error"}:
            self.routes.learn(map(_taught_by, trace.hops))

    def is_abroad(self, address: str) -> bool | None:
        """Whether an address is registered in another country; None where that is not known."""
        home, said = self._home(None), self._origin.lookup(address)
        if home is None or said.country is None or said.special is not None:
            return None
        return said.country != home


def _taught_by(hop: Hop) -> str | None:
    """Who stands at a measured hop, as the stop set has it."""
    from probe.engine.economical import REFUSED  # noqa: PLC0415 - as above

    address = majority(reply for reply in hop.replies if reply.err is None)
    refused = any(reply.err is not None for reply in hop.replies)
    return REFUSED if address is None and refused else address
