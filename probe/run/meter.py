"""A network layer that counts what it sends, and lets a firewall end one trace, not the run.

Stands between the session and a backend, where every packet passes, so that the budget of the
day counts what was sent and not what was kept. It knows nothing of traces; what the day has left
is `probe.run.allowance`'s business.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from probe.network import NetworkError, NoRoute, NotPermitted
from probe.network.relay import Relay
from probe.record import ip_version
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.network import Network, Probe
    from probe.run.allowance import Allowance

# Seconds for which a send buffer may stay full before the line counts as dead.
STUCK = 30.0


class Metered(Relay):
    """The `Network` behind it, each packet counted against the allowance of the day.

    Sending also raises what `Allowance.require` and `Allowance.spend` raise, and `NetworkError`
    once the send buffer has been full for `STUCK` seconds. A packet that this machine's own
    firewall refuses ends the trace that it belongs to, as one without a route does, since rules
    may hold for some targets only; ``denied`` has the targets, and what was said.
    """

    def __init__(
        self,
        network: Network,
        allowance: Allowance,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(network)
        self.allowance = allowance
        self._clock = clock
        self._full_since: float | None = None
        self.denied: dict[str, str] = {}

    def send(self, probe: Probe) -> None:
        size = self._network.probe_size(probe.method, ip_version(probe.target))
        self.allowance.require(size)
        try:
            self._network.send(probe)
        except BlockingIOError as full:
            self._wait_or_give_up(full)
            raise
        except NetworkError as problem:
            self._full_since = None
            if not isinstance(problem, NotPermitted):
                raise
            self.denied[probe.target] = str(problem)
            raise NoRoute(str(problem)) from problem
        self._full_since = None
        self.allowance.spend(size)

    def _wait_or_give_up(self, full: BlockingIOError) -> None:
        now = self._clock()
        if self._full_since is None:
            self._full_since = now
        elif now - self._full_since > STUCK:
            raise NetworkError(
                _(
                    "this machine has taken no packet for {stuck:.0f} s ({strerror}); "
                    "check the connection"
                ).format(stuck=STUCK, strerror=full.strerror)
            ) from full

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.allowance.settle()
