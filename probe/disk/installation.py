"""How this copy of the program was installed, and so which command adds to it or takes it away.

Each way leaves its own mark, and undoes or changes nothing that another has installed.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

_FOLDER = Path(__file__).parents[2]

# Where the Debian package has it, for which there is no other package with more in it.
_DEBIAN = Path("/usr/lib/gatewatch")

# By the file that a tool puts into the environment that it has made: how it adds and removes.
_TOOLS = {
    "pipx_metadata.json": ("pipx install --force", "pipx uninstall gatewatch"),
    "uv-receipt.toml": ("uv tool install --force", "uv tool uninstall gatewatch"),
}


def adding(extras: str) -> str:
    """The command that brings extras along, as ``analysis``, in the folder of the source.

    >>> adding("analysis").endswith("install '.[analysis]'")
    True
    """
    return f"{_ways()[0]} '.[{extras}]'"


def removing() -> str:
    """The command that takes the program away."""
    return _ways()[1]


def _ways() -> tuple[str, str]:
    for mark, ways in _TOOLS.items():
        if (Path(sys.prefix) / mark).is_file():
            return ways
    if _FOLDER == _DEBIAN:
        return "pipx install", "sudo apt purge gatewatch"
    pip = _pip()
    return f"{pip} install", f"{pip} uninstall gatewatch"


def _pip() -> str:
    """How to call the pip of this environment: where it is not active a shell finds another's."""
    own = Path(sys.prefix, "bin", "pip")
    if sys.prefix == sys.base_prefix or shutil.which("pip") == str(own):
        return "pip"
    try:
        return f"~/{shlex.quote(str(own.relative_to(Path.home())))}"
    except (ValueError, RuntimeError):  # elsewhere; or this user has none, as in a container
        return shlex.quote(str(own))
