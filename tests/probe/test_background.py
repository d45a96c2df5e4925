"""Work in a thread of its own."""

from __future__ import annotations

import _thread
import threading
import time

import pytest

from probe.background import Background


def test_what_goes_wrong_is_raised_where_it_is_waited_for() -> None:
    """Not in the thread, where nobody hears it."""
    work = Background(lambda: int("one"))
    with pytest.raises(ValueError, match="one"):
        work.result()


def test_where_no_thread_can_begin_it_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a user may have few at once (``ulimit -u``) only Ctrl-C has to wait."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert Background(lambda: 6 * 7).result() == 42
    with pytest.raises(ValueError, match="one"):
        Background(lambda: int("one")).result()


def test_ctrl_c_does_not_wait_for_it() -> None:
    """The work goes on, and the program does not."""
    done = threading.Event()
    began = threading.Event()

    def work() -> bool:
        began.set()
        _thread.interrupt_main()
        return done.wait(10.0)

    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Background(work).result()
    assert began.is_set()
    assert time.monotonic() - before < 5.0
    done.set()
