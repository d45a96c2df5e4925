"""The keys that this machine signs its bundles with: one for each access network, for a while.

A key ties together what was measured in one network; moving to another must not link two places,
so another network has another key. After some months a key is replaced and its private half is
deleted: whoever takes the machine then cannot sign in the name of what went before. This module
knows nothing of what is signed.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from probe.failure import BadInput
from probe.language import _
from probe.places import data_folder
from probe.private import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# Days after which a key is replaced. An alarm looks at 28 days; shorter would make one volunteer
# look like several.
ROTATION = 90

_NAME = re.compile(r"AS(\d+)-(\d{4}-\d\d-\d\d)\.pem")


def keys_folder() -> Path:
    """The folder of keys in this volunteer's data folder."""
    return data_folder() / "keys"


def signing_key(folder: Path, network: int, day: date) -> Ed25519PrivateKey:
    """The key of an access network (AS number), made where there is none or it is too old.

    ``day`` is the last on which this machine measured, and not that of a clock: one that is wrong
    when something is bundled would delete keys that are in use.
    Those of other networks are deleted where they are too old: who has left may not come back.
    Not for two processes at once. Raises `BadInput` for a key file that cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = []
    for made, of_network, path in _keys(folder):
        if (day - made).days >= ROTATION:
            path.unlink()
        elif of_network == network:
            known.append((made, path))
    for made, path in reversed(known):
        # A key of a day to come was made by a wrong clock and would last too long.
        if (made - day).days < ROTATION:
            return _read(path)
    fresh = make_key(folder / f"AS{network}-{day.isoformat()}.pem")
    for _made, path in known:
        path.unlink()
    return fresh


def _keys(folder: Path) -> list[tuple[date, int, Path]]:
    """The keys with the days on which they were made, oldest first, and their networks."""
    found = []
    for path in folder.iterdir():
        name = _NAME.fullmatch(path.name)
        if name:
            try:
                found.append((date.fromisoformat(name[2]), int(name[1]), path))
            except ValueError:
                continue
    return sorted(found)


def _read(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - heavy
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (TypeError, ValueError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(
            _("{path} is no key of gatewatch; delete it and a new one is made").format(path=path)
        )
    return key


def make_key(path: Path) -> Ed25519PrivateKey:
    """A new key, in a file that is there whole or not at all."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - heavy
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    replace_file(path, pem)
    return key
