"""The snapshot that ships, opened once, on a machine that keeps no lists of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from probe.disk.places import shipped
from probe.origin import Origin, open_origin

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEWATCH_HOME", str(tmp_path_factory.mktemp("home")))
        yield open_origin(shipped("origin") / "iplocdb.mmdb")
