"""Waiting for several sockets at once."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from probe.network import NotPermitted, errqueue, raw
from probe.network.errqueue import ErrorQueue
from probe.network.linux import Readiness
from probe.network.raw import Raw


async def test_a_rung_bell_ends_waiting_until_it_is_quiet(autojump_clock: MockClock) -> None:
    """Answers that were read in passing wake the waiting task, which then waits for others."""
    readiness = Readiness(())
    readiness.ring()
    with trio.fail_after(1):
        await readiness.wait()
        await readiness.wait()
    readiness.quiet()
    readiness.quiet()
    with trio.move_on_after(1) as waiting:
        await readiness.wait()
    assert waiting.cancelled_caught
    readiness.close()
    readiness.close()


@contextmanager
def leaving_nothing_open() -> Iterator[None]:
    """What fails in here has closed all that it had opened."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def by_itself(function: Callable[..., None], *given: object) -> None:
    """Call it in a process in which no thread that another test left opens anything meanwhile."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(function, *given).result()


def no_readiness() -> None:
    closed = socket.socket()
    closed.close()
    with leaving_nothing_open():
        with pytest.raises(ValueError, match="descriptor") as failed:
            Readiness([closed])
        assert failed.traceback  # which holds what was made in there


def test_readiness_that_cannot_be_made_leaves_nothing_open() -> None:
    """As where the system gives no more descriptors, or a member is closed already."""
    by_itself(no_readiness)


def full(_: object) -> None:
    raise OSError(errno.EMFILE, "too many open files")


def no_backend(backend: Callable[[], Raw | ErrorQueue]) -> None:
    backend().close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{backend.__module__}.Readiness", full)
        with leaving_nothing_open():
            with pytest.raises(OSError, match="too many open files") as failed:
                backend()
            assert failed.traceback  # which holds what was made in there


@pytest.mark.parametrize("backend", [raw.open_raw, errqueue.open_errqueue])
def test_what_cannot_be_opened_whole_leaves_no_socket_open(
    backend: Callable[[], Raw | ErrorQueue],
) -> None:
    """The sockets are closed where there is no descriptor left to wait on them."""
    try:
        backend().close()
    except NotPermitted as denied:
        pytest.skip(str(denied))
    by_itself(no_backend, backend)
