"""Which commits hold the code that made a verdict: `python -m scripts.edition HASH`.

HASH is the verdict's ``provenance.code``. A checkout of such a commit judges the same files as that
verdict was judged. Commits that change no module share their code; which of them had the lists that
the verdict names (``provenance.lists``), `sha256sum` tells. Asks git, and changes nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from analysis.scale.edition import hash_of

ROOT = Path(__file__).parent.parent
# In the order in which they are hashed.
_PACKAGES = ("analysis", "probe")


class Checkout:
    """A repository, of which each file is read once however many commits have it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, bytes] = {}

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            ["git", *arguments], cwd=self._root, input=given, capture_output=True, check=True
        )
        return done.stdout

    def commits(self) -> Iterator[str]:
        """All commits that lead to the one that is checked out, the newest first."""
        yield from self._git("rev-list", "HEAD").decode().split()

    def code(self, commit: str) -> str:
        """The hash of a commit's code, as `analysis.scale.edition.code` has it."""
        modules = [
            (path, blob) for package in _PACKAGES for path, blob in self._modules(commit, package)
        ]
        self._fetch({blob for _, blob in modules} - self._read.keys())
        return hash_of((path.as_posix(), self._read[blob]) for path, blob in modules)

    def _modules(self, commit: str, package: str) -> list[tuple[PurePosixPath, str]]:
        listed = self._git("ls-tree", "-rz", commit, "--", package).decode().split("\0")
        entries = (entry.split("\t") for entry in listed if entry.endswith(".py"))
        return sorted((PurePosixPath(path), of.split()[2]) for of, path in entries)

    def _fetch(self, blobs: set[str]) -> None:
        asked = sorted(blobs)
        rest = self._git("cat-file", "--batch", given="\n".join(asked).encode())
        for blob in asked:
            head, _, rest = rest.partition(b"\n")
            size = int(head.split()[2])
            self._read[blob], rest = rest[:size], rest[size + 1 :]


def commits_of(code: str, root: Path = ROOT) -> Iterator[str]:
    """The commits whose code has this hash, the newest first."""
    checkout = Checkout(root)
    return (commit for commit in checkout.commits() if checkout.code(commit) == code)


def main() -> None:
    """Print the commits, one a line; exit code 1 where there is none."""
    parser = argparse.ArgumentParser(prog="python -m scripts.edition", description=__doc__)
    parser.add_argument("code", metavar="HASH", help="`provenance.code` of a verdict")
    found = False
    for commit in commits_of(parser.parse_args().code):
        found = True
        print(commit, flush=True)
    if not found:
        sys.exit("no commit here has this code: it may be of another branch, or was not committed")


if __name__ == "__main__":
    main()
