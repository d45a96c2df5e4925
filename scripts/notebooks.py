"""``make notebooks``: executes every notebook as a reader would, from an empty folder.

Each checks what it says against the demo's truth, so one that ran has said nothing wrong. As they
came out they are kept in ``docs/notebooks``, where the site finds them; what is committed has no
output.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
EXECUTED = ROOT / "docs" / "notebooks"
# For one cell; the slowest simulates the country.
TIMEOUT_S = 300


def execute(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a folder; raises `CellExecutionError` with the cell and what it said."""
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=TIMEOUT_S,
        resources={"metadata": {"path": str(folder)}},
    )
    # Sockets in the file system, since a kernel on a port sends in plain text.
    kernel = client.create_kernel_manager()
    kernel.transport, kernel.ip = "ipc", str(folder / "kernel")
    return client.execute()


def main() -> int:
    failed = 0
    EXECUTED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gatewatch-notebooks-") as folder:
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            begun = time.monotonic()
            try:
                done = execute(path, Path(folder))
            except CellExecutionError as problem:
                failed += 1
                print(f"{path.name}: failed\n{problem}", file=sys.stderr)
                continue
            print(f"{path.name}: {time.monotonic() - begun:.0f} s")
            nbformat.write(done, EXECUTED / path.name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
