"""How a program is told to stop."""

from __future__ import annotations

import os
import signal

import pytest
import trio
import trio.lowlevel

from probe import stop
from probe.words.failure import BadInput, Stopped


async def _until(number: int) -> None:
    os.kill(os.getpid(), number)
    await trio.sleep_forever()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_in_order(number: int) -> None:
    """What was begun is closed, and the caller hears which signal it was."""
    closed: list[bool] = []

    async def main() -> None:
        try:
            await _until(number)
        finally:
            closed.append(True)

    with pytest.raises(Stopped) as told:
        stop.run(main)
    assert (told.value.number, closed) == (number, [True])
    assert signal.getsignal(number) == signal.SIG_DFL


def test_ctrl_c_is_what_it_always_was() -> None:
    """KeyboardInterrupt, and not in a group."""
    with pytest.raises(KeyboardInterrupt):
        stop.run(lambda: _until(signal.SIGINT))


def test_a_signal_that_is_ignored_stays_so() -> None:
    """A run under nohup outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ended: list[bool] = []

        async def main() -> None:
            os.kill(os.getpid(), signal.SIGHUP)
            await trio.sleep(0.01)
            ended.append(True)

        stop.run(main)
        assert ended == [True]
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_failure_comes_out_as_it_is() -> None:
    """What goes wrong inside is not wrapped in a group."""

    async def main() -> None:
        await trio.lowlevel.checkpoint()
        raise BadInput("a line that cannot be used")

    with pytest.raises(BadInput, match="a line"):
        stop.run(main)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_is_done_alone_heeds_signals_too(number: int) -> None:
    """Raised where the program is just then; afterwards signals do what they did before."""
    with pytest.raises(Stopped) as told, stop.heeded():
        os.kill(os.getpid(), number)
    assert told.value.number == number
    assert signal.getsignal(number) == signal.SIG_DFL


def test_what_is_done_alone_ignores_what_was_ignored() -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop.heeded():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
