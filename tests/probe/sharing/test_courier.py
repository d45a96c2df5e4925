"""What keeps the way to a collector from being opened; the way itself is walked by `submit`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.proxies import certificate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(os.name != "posix", reason="there is no such limit")
def test_a_certificate_is_not_to_blame_where_no_more_files_may_be_open(tmp_path: Path) -> None:
    """Another would not mend it, but another limit: that is said, with its own code."""
    cert, _key = certificate(tmp_path, "collect.example.org")
    code = (
        "import os, resource, sys; from pathlib import Path; import encodings.idna, httpx2\n"
        "from probe.owner.settings import Settings\n"
        "from probe.sharing.courier import Courier\n"
        "chosen = Settings(collector='https://collect.example.org',\n"
        "    collector_certificate=sys.argv[1])\n"
        "free = os.dup(0); os.close(free)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))\n"
        "try: Courier(chosen, Path('/'))\n"
        "except OSError as problem: print(problem.strerror)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, cert], capture_output=True, text=True, check=True
    )
    assert done.stdout == "Too many open files\n"
