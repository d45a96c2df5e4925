"""A site to fetch from, and a data folder that is not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.proxies import certificate
from tests.probe.update.publishing import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Site().served() as site:
        yield site


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Another site, whose certificate this machine trusts."""
    other = Site()
    cert, key = certificate(tmp_path)
    other.encrypt(cert, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    with other.served() as site:
        yield site


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A volunteer's data folder that is not there yet."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a line that is back at once."""
    monkeypatch.setattr("probe.update.download.PAUSE", 0.0)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a table of a few rows pass for the Internet's."""
    monkeypatch.setattr("probe.update.tables._FEWEST_ADDRESSES", 1000)
    monkeypatch.setattr("probe.update.tables._FEWEST_ASNS", 3)
    monkeypatch.setattr("probe.update.tables._FEWEST_V6_RANGES", 2)
    monkeypatch.setattr("probe.update.exchanges._FEWEST_LANS", 2)
