"""What keeps the way to a collector from being opened; the way itself is walked by `submit`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.harness.descriptors import error_without_descriptors
from tests.harness.proxies import certificate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(os.name != "posix", reason="there is no such limit")
def test_a_certificate_is_not_to_blame_where_no_more_files_may_be_open(tmp_path: Path) -> None:
    """Another would not mend it, but another limit: that is said, with its own code."""
    cert, _key = certificate(tmp_path, "collect.example.org")
    told = error_without_descriptors(
        "import encodings.idna, httpx2\n"
        "from probe.owner.settings import Settings\n"
        "from probe.sharing.courier import Courier\n"
        "address = 'https://collect.example.org'",
        "Courier(Settings(collector=address, collector_certificate=str(path)), Path('/'))",
        cert,
    )
    assert told == "Too many open files\n"
