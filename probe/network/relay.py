"""A network layer in front of another: lets all through to it, unchanged.

Whoever has to see what is sent or heard, as a meter has, begins here and overrides that alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probe.network import Answer, Capability, Method, Network, Probe


class Relay:
    """The `Network` behind it, whose methods it has."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def name(self) -> str:
        return self._network.name

    def methods(self, version: int) -> tuple[Method, ...]:
        return self._network.methods(version)

    def sees(self, method: Method, version: int) -> frozenset[Capability]:
        return self._network.sees(method, version)

    def probe_size(self, method: Method, version: int) -> int:
        return self._network.probe_size(method, version)

    def send(self, probe: Probe) -> None:
        self._network.send(probe)

    def fileno(self) -> int:
        return self._network.fileno()

    async def wait(self) -> None:
        await self._network.wait()

    def drain(self) -> list[Answer]:
        return self._network.drain()

    def forget(self, token: int) -> None:
        self._network.forget(token)

    def discarded(self) -> dict[str, int]:
        return self._network.discarded()

    def close(self) -> None:
        self._network.close()
