"""A site to fetch from, and a data folder that is not there yet."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.probe.update.publishing import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A volunteer's data folder that is not there yet."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a table of a few rows pass for the Internet's."""
    monkeypatch.setattr("probe.update.tables._FEWEST_ADDRESSES", 1000)
    monkeypatch.setattr("probe.update.tables._FEWEST_ASNS", 3)
    monkeypatch.setattr("probe.update.tables._FEWEST_V6_RANGES", 2)
    monkeypatch.setattr("probe.update.exchanges._FEWEST_LANS", 2)
