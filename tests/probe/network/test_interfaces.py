"""Next hops as the interfaces find them, without a link; the lab has the rest."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from probe.network import NoRoute
from probe.network.interfaces import Interfaces


@pytest.mark.parametrize("problem", [OSError("down"), ValueError("no such interface")])
def test_a_next_hop_that_cannot_even_be_asked_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    """As where its interface is gone: packets to it are refused, not held back for ever."""

    def gone(_: str) -> None:
        raise problem

    monkeypatch.setattr("probe.network.interfaces.conf.iface", None)
    monkeypatch.setattr("probe.network.interfaces.getmacbyip6", gone)
    with closing(Interfaces("", lambda *_: None)) as interfaces:
        key = "eth0", "fe80::1"
        interfaces._asking.add(key)
        interfaces._ask(key, 6, "2001:db8::7")
        with pytest.raises(NoRoute, match="does not answer"):
            interfaces._neighbour(*key, 6, "2001:db8::7", time.monotonic())
        assert not interfaces._asking
