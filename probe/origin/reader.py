"""maxminddb's reader in C, without what its package imports beside it.

The package asks for its own version, for which Python parses e-mail and zip files, and brings a
reader in Python as well, which loads multiprocessing: what opens a table then spends most of its
time there (60 of 75 ms on the machine of docs/performance.md, where a whole ``gatewatch trace``
takes 400). Nothing of that is needed where the reader in C was built, as it is in the wheels that
maxminddb publishes.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pathlib import Path

    from maxminddb.reader import Reader

_PACKAGE = "maxminddb"


def open_database(path: Path) -> Reader:
    """Open a file in MaxMind's format; raises what maxminddb's function of this name raises."""
    if _PACKAGE not in sys.modules and (found := PathFinder.find_spec(_PACKAGE)) is not None:
        # The package as it is before its own code has run. It is taken away again: who imports it
        # later gets it whole, with this same reader.
        sys.modules[_PACKAGE] = module_from_spec(found)
        try:
            from maxminddb import extension  # noqa: PLC0415
        except ImportError:
            pass
        else:
            return cast("Reader", extension.Reader(path))
        finally:
            del sys.modules[_PACKAGE]
    import maxminddb  # noqa: PLC0415

    return maxminddb.open_database(path)
