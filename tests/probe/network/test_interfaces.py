"""Next hops as the interfaces find them, without a link; the lab has the rest."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

from probe.network import NetworkError, NoRoute
from probe.network.interfaces import Interfaces, _Link


@pytest.mark.parametrize("problem", [OSError("down"), ValueError("no such interface")])
def test_a_next_hop_that_cannot_even_be_asked_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    """As where its interface is gone: packets to it are refused, not held back for ever."""

    def gone(_: str) -> None:
        raise problem

    monkeypatch.setattr("probe.network.interfaces.conf.iface", None)
    monkeypatch.setattr("probe.network.interfaces.getmacbyip6", gone)
    try:
        opened = Interfaces("", lambda *_: None)
    except NetworkError as absent:
        pytest.skip(str(absent))
    with closing(opened) as interfaces:
        key = "eth0", "fe80::1"
        interfaces._asking.add(key)
        interfaces._ask(key, 6, "2001:db8::7")
        with pytest.raises(NoRoute, match="does not answer"):
            interfaces._neighbour(*key, 6, "2001:db8::7", time.monotonic())
        assert not interfaces._asking


class Flooded:
    """A handle of libpcap on a link on which there is always one more packet."""

    def __init__(self) -> None:
        self.open = True

    def next(self) -> tuple[float | None, bytes | None]:
        return (1.0, bytes(60)) if self.open else (None, None)


def test_a_link_that_is_never_silent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever closes it waits for its reader, which must not first read all that comes."""
    monkeypatch.setattr("probe.network.interfaces.select_objects", lambda objects, _: objects)
    link = object.__new__(_Link)
    heard = threading.Event()
    link.kind, link.closing, link.listening = 1, False, Flooded()
    link.heard = lambda *_: heard.set()
    reader = threading.Thread(target=link._read, daemon=True)
    reader.start()
    assert heard.wait(10)
    link.closing = True
    reader.join(5)
    ended, link.listening.open = not reader.is_alive(), False
    assert ended
