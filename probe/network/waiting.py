"""How a task of trio waits for a backend's descriptor; trio is imported only when one waits."""

from __future__ import annotations


class Waiting:
    """Lets one task wait until a descriptor is readable, and be told when it is closed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = False

    async def wait(self) -> None:
        """Return once something may be there to read. Cancellable; one task at a time."""
        import trio  # noqa: PLC0415 - takes most of a start

        self._waiting = True
        try:
            await trio.lowlevel.wait_readable(self._descriptor)
        finally:
            self._waiting = False

    def close(self) -> None:
        """Let a task in `wait` get trio.ClosedResourceError: to be called before closing."""
        if self._waiting:
            import trio  # noqa: PLC0415 - takes most of a start

            trio.lowlevel.notify_closing(self._descriptor)
