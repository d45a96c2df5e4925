"""``make notebooks``: executes every notebook as a reader would, from an empty folder.

Each checks what it says against the demo's truth, so one that ran has said nothing wrong. With
``--keep FOLDER`` the executed ones are kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
# For one cell; the slowest simulates the country.
TIMEOUT_S = 300


def execute(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a folder; raises `CellExecutionError` with the cell and what it said."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=TIMEOUT_S, resources={"metadata": {"path": str(folder)}}
    )
    return client.execute()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--keep", type=Path, metavar="FOLDER")
    keep: Path | None = arguments.parse_args().keep
    failed = 0
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
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                nbformat.write(done, keep / path.name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
