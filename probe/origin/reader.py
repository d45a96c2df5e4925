"""maxminddb's reader in C, without what its package imports beside it.

The package asks for its own version, for which Python parses e-mail and zip files, and brings a
reader in Python as well, which loads multiprocessing: what opens a table then spends most of its
time there (50 of 70 ms on a machine where a whole ``gatewatch trace`` takes 400). Nothing of that
is needed where the reader in C was built, as it is in the wheels that maxminddb publishes.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from threading import Lock
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from maxminddb.reader import Reader

_PACKAGE = "maxminddb"

# Whoever looked between would find the package without its code.
_alone = Lock()


def open_database(path: Path) -> Reader:
    """Open a file in MaxMind's format; raises what maxminddb's function of this name raises."""
    with _alone:
        opened = _in_c() or _in_either()
    return opened(path)


def _in_c() -> Callable[[Path], Reader] | None:
    """The reader in C, without the package's own code; None where that has run, or is needed."""
    found = None if _PACKAGE in sys.modules else PathFinder.find_spec(_PACKAGE)
    if found is None:
        return None
    # The package as it is before its own code has run. It is taken away again: who imports it
    # later gets it whole, with this same reader.
    sys.modules[_PACKAGE] = module_from_spec(found)
    try:
        from maxminddb import extension  # noqa: PLC0415
    except ImportError:
        return None
    finally:
        del sys.modules[_PACKAGE]
    return cast("Callable[[Path], Reader]", extension.Reader)


def _in_either() -> Callable[[Path], Reader]:
    import maxminddb  # noqa: PLC0415

    return maxminddb.open_database
