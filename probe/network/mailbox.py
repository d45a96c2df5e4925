"""What threads put down for a loop to take: nothing is lost, and no wake-up either.

A loop that is woken by `trio.from_thread` would need a token and a queue of its own for each item;
here one byte through a pair of sockets stands for all that waits.
"""

from __future__ import annotations

import socket
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

from probe.network.waiting import Waiting

T = TypeVar("T")

_BYTES = 1 << 10


class Mailbox(Generic[T]):
    """Holds ``most`` items between two times that it is emptied; more are counted and lost."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: deque[T] = deque()
        self._bell, self._hammer = socket.socketpair()
        self._bell.setblocking(False)
        self._hammer.setblocking(False)
        # Whether the bell was rung for what is there, so that it need not be rung again.
        self._rung = False
        self._waiting = Waiting(self._bell.fileno())
        self.overflown = 0

    def put(self, item: T) -> None:
        """Put an item down, from any thread."""
        if len(self._items) >= self._most:
            self.overflown += 1
            return
        self._items.append(item)
        if not self._rung:
            self._rung = True
            with suppress(BlockingIOError):
                self._hammer.send(b"!")

    async def wait(self) -> None:
        """Return once items may be there to `take`. Cancellable; one task at a time."""
        await self._waiting.wait()

    def fileno(self) -> int:
        """What is readable once items may be there."""
        return self._bell.fileno()

    def take(self) -> list[T]:
        """All that is there, in the order in which it was put down."""
        # In this order: whoever finds the bell rung has put down what is taken below, and whoever
        # finds it unrung rings it after the last byte was read here.
        with suppress(BlockingIOError):
            while self._bell.recv(_BYTES):
                pass
        self._rung = False
        taken = []
        while self._items:
            taken.append(self._items.popleft())
        return taken

    def close(self) -> None:
        """Close it, also while a task waits. Safe to call twice."""
        self._waiting.close()
        self._bell.close()
        self._hammer.close()
