"""Which code judged: two checkouts of one version may differ, and then so may their verdicts.

So may the last digits of a bound under another release of a library that computes it.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import analysis
import probe

_DIGITS = 12
# That compute figures.
_LIBRARIES = ("networkx", "numpy", "scipy")


@cache
def code() -> str:
    """The hash of the code of both halves: the first digits of the SHA-256 of all their modules.

    It hangs neither on where they lie nor on which were imported.

    >>> len(code()), code() == code()
    (12, True)
    """
    return _hash_of(Path(analysis.__file__).parent, Path(probe.__file__).parent)


def libraries() -> dict[str, str]:
    """The versions of Python and of the libraries by which figures are computed.

    >>> [name for name in libraries()]
    ['python', 'networkx', 'numpy', 'scipy']
    """
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


def _hash_of(*packages: Path) -> str:
    return hash_of(
        (path.relative_to(package.parent).as_posix(), path.read_bytes())
        for package in packages
        for path in sorted(package.rglob("*.py"))
    )


def hash_of(modules: Iterable[tuple[str, bytes]]) -> str:
    """The hash of modules, each a path from the top of a checkout and what is in it, in order."""
    found = sha256()
    for name, source in modules:
        found.update(f"{name} {len(source)}\n".encode())
        found.update(source)
    return found.hexdigest()[:_DIGITS]
