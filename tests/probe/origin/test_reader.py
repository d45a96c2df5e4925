"""The reader in C, alone where it is there, and the whole package where it is not."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from probe.disk.places import shipped

# Each is a process of its own: what is imported stays so.
_OPEN = """
import json, sys
from pathlib import Path
{before}
from probe.origin.reader import open_database
with open_database(Path(sys.argv[1])) as table:
    found = table.get("118.143.224.1")
loaded = [name for name in ("email", "multiprocessing", "maxminddb") if name in sys.modules]
import maxminddb
whole = maxminddb.open_database(sys.argv[1])
print(json.dumps([found, loaded, type(table) is type(whole), maxminddb.__version__]))
"""


@pytest.mark.parametrize(
    ("before", "loaded"),
    [
        ("", []),
        ("import maxminddb", ["email", "multiprocessing", "maxminddb"]),
        ("sys.modules['maxminddb.extension'] = None", ["email", "multiprocessing", "maxminddb"]),
    ],
    ids=["alone", "after the package", "without the reader in C"],
)
def test_it_answers_and_leaves_the_package_whole(before: str, loaded: list[str]) -> None:
    """Alone it loads nothing of the package's; who imports that later gets all of it."""
    path = shipped("origin").joinpath("iplocdb.mmdb")
    program = _OPEN.format(before=before)
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    found, brought, same, version = json.loads(done.stdout)
    assert found["autonomous_system_number"] == 9304
    assert brought == loaded
    assert same
    assert version


_AT_ONCE = """
import sys, threading
from pathlib import Path
from probe.origin.reader import open_database
sys.setswitchinterval(1e-6)
start, found = threading.Barrier(8), []
def look():
    start.wait()
    for _ in range(20):
        with open_database(Path(sys.argv[1])) as table:
            found.append(table.get("118.143.224.1")["autonomous_system_number"])
threads = [threading.Thread(target=look) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(found)
"""


def test_threads_may_open_tables_at_once() -> None:
    """As those of a worker of Dask do when each is sent an origin."""
    path = shipped("origin").joinpath("iplocdb.mmdb")
    done = subprocess.run(
        [sys.executable, "-c", _AT_ONCE, path], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (f"{[9304] * 160}\n", "")
