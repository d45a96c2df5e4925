"""What the kernel says of an interface when it is asked."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from probe.vantage.adapter import adapter, adapters

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked")

_FILES = Path("/sys/class/net")
_LOOPBACK = 772


def test_it_says_what_its_files_say() -> None:
    """Of each interface of this machine: kind, and address where that is one of hardware."""
    for _, name in socket.if_nameindex():
        found = adapter(name)
        assert found is not None
        assert found.kind == int((_FILES / name / "type").read_text())
        listed = (_FILES / name / "address").read_text().strip().replace(":", "")
        assert found.hardware in {listed, None}
        assert (found.hardware is None) == (found.kind != 1 or not listed.strip("0"))
        assert found in set(adapters())


def test_loopback_has_neither_driver_nor_hardware() -> None:
    """It is of a kind of its own."""
    assert adapter("lo") == (_LOOPBACK, "", "", None)


@pytest.mark.parametrize("name", ["no-such-device", "a-name-that-is-longer-than-any"])
def test_of_what_is_not_there_it_says_nothing(name: str) -> None:
    """As after an interface went away."""
    assert adapter(name) is None


def test_where_nobody_may_ask_there_is_nothing_to_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a sandbox: what else is known of this machine has to stay known."""

    def forbidden() -> list[tuple[int, str]]:
        raise PermissionError

    monkeypatch.setattr("socket.if_nameindex", forbidden)
    assert list(adapters()) == []
