"""What is put down is taken once and in order, and whoever waits is woken for each of it."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable

import pytest
import trio

from probe.network.mailbox import Mailbox


class _Interrupted:
    """A socket of which each reading is followed by what another thread does meanwhile."""

    def __init__(self, inner: socket.socket, meanwhile: Callable[[], None]) -> None:
        self._inner = inner
        self._meanwhile = meanwhile

    def recv(self, size: int) -> bytes:
        data = self._inner.recv(size)
        self._meanwhile()
        return data

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def rings(box: Mailbox[int]) -> bool:
    """Whether a task that waits would be woken."""
    return bool(select.select([box._bell], [], [], 0)[0])


def test_items_are_taken_in_order_and_once() -> None:
    """And the bell is silent again."""
    box: Mailbox[int] = Mailbox(9)
    for number in range(5):
        box.put(number)
    assert rings(box)
    assert box.take() == [0, 1, 2, 3, 4]
    assert not rings(box)
    assert box.take() == []
    box.close()


def test_more_than_there_is_room_for_is_counted() -> None:
    """Three of ten are lost, and room is there again once they were taken."""
    box: Mailbox[int] = Mailbox(7)
    for number in range(10):
        box.put(number)
    assert (box.take(), box.overflown) == (list(range(7)), 3)
    box.put(10)
    assert box.take() == [10]
    box.close()


def test_no_wake_up_is_lost_while_it_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item is put down just when the bell's byte was read: the next one still rings."""
    box: Mailbox[int] = Mailbox(9)
    late = iter([1])

    def another() -> None:
        for number in late:
            box.put(number)

    monkeypatch.setattr(box, "_bell", _Interrupted(box._bell, another))
    box.put(0)
    taken = box.take()
    box.put(2)
    assert rings(box)
    assert [*taken, *box.take()] == [0, 1, 2]
    box.close()


async def test_a_task_gets_all_that_threads_put_down() -> None:
    """Four threads, a thousand items each: the task ends only when it has them all."""
    box: Mailbox[int] = Mailbox(1 << 16)

    def put_down(first: int) -> None:
        for number in range(first, first + 1000):
            box.put(number)

    threads = [threading.Thread(target=put_down, args=(first,)) for first in (0, 1000, 2000, 3000)]
    for thread in threads:
        thread.start()
    found: list[int] = []
    while len(found) < 4000:
        await box.wait()
        found += box.take()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(4000))
    for first in (0, 1000, 2000, 3000):
        assert [n for n in found if first <= n < first + 1000] == list(range(first, first + 1000))
    box.close()


async def test_closing_wakes_whoever_waits() -> None:
    """With trio's own error, as for a socket; closing again does nothing."""
    box: Mailbox[int] = Mailbox(9)

    async def close() -> None:
        await trio.testing.wait_all_tasks_blocked()
        box.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(close)
        with pytest.raises(trio.ClosedResourceError):
            await box.wait()
    box.close()
