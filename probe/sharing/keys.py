"""The keys that this machine signs its bundles with: one for each access network, for a while.

A key ties together what was measured in one network; moving to another must not link two places,
so another network has another key. After some months a key is replaced and its private half is
deleted: whoever takes the machine then cannot sign in the name of what went before. Up to which day
a key signed is put down beside it and outlasts it: what one key signed another must not sign, which
would tie both together, and the outbox that knows each line may be lost. This module knows nothing
else of what is signed.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from probe.disk.places import data_folder
from probe.disk.private import make_folder, read_kept, replace_file
from probe.sharing.bundle import public_part
from probe.words.failure import BadInput
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# Days after which a key is replaced. An alarm looks at 28 days; shorter would make one volunteer
# look like several.
ROTATION = 90

_NAME = re.compile(r"AS(\d+)-(\d{4}-\d\d-\d\d)\.pem")
_SIGNED = re.compile(r"AS(\d+)-([0-9a-f]{64})\.signed")


def keys_folder() -> Path:
    """The folder of keys in this volunteer's data folder."""
    return data_folder() / "keys"


def signing_key(folder: Path, network: int, day: date) -> Ed25519PrivateKey:
    """The key of an access network (AS number), made where there is none or it is too old.

    ``day`` is the last on which this machine measured, and not that of a clock: one that is wrong
    when something is bundled would delete keys that are in use.
    Those of other networks are deleted where they are too old: who has left may not come back.
    One that a clock made which was ahead goes on from ``day``, no younger than it was: another in
    its place would look like a second volunteer.
    One that is damaged goes, since all that its owner could do is to delete it.
    Not for two processes at once.
    """
    make_folder(folder)
    known = []
    for made, of_network, path in _keys(folder):
        if (day - made).days >= ROTATION:
            path.unlink()
        elif of_network == network:
            known.append((made, path))
    for made, path in reversed(known):
        try:
            key = read_key(path)
        except BadInput:
            # Nobody can sign with it any more; what it signed is put down beside it.
            path.unlink()
            continue
        # One of a day to come was made by a clock that was ahead.
        begun = made if made <= day else day - _used(folder, network, key, made)
        if (day - begun).days < ROTATION:
            if begun != made:
                path.replace(_path(folder, network, begun))
            return key
    for _made, path in known:
        path.unlink(missing_ok=True)
    return make_key(_path(folder, network, day))


def _used(folder: Path, network: int, key: Ed25519PrivateKey, made: date) -> timedelta:
    """The time that a key took for what it has signed since the day on which it was made."""
    try:
        return max(_written_in(_signed(folder, network, public_part(key))) - made, timedelta(0))
    except FileNotFoundError:
        return timedelta(0)


def _path(folder: Path, network: int, made: date) -> Path:
    return folder / f"AS{network}-{made.isoformat()}.pem"


def _signed(folder: Path, network: int, key: str) -> Path:
    return folder / f"AS{network}-{key}.signed"


def put_down(folder: Path, network: int, key: str, day: date) -> None:
    """Put down that a key (its public part in hexadecimal digits) signs traces up to a day."""
    path = _signed(folder, network, key)
    if not path.exists() or _written_in(path) < day:
        replace_file(path, day.isoformat())


def signed_by_others(folder: Path, network: int, known: Collection[str]) -> date:
    """Up to which day other keys of a network may have signed traces.

    Of keys that are ``known`` the caller knows line by line what they signed, so they do not count.
    Where no other is put down it is the first of all days. It is always a day before the present
    key was made: from then on no other key signed anything.
    """
    days = [
        _written_in(path)
        for path in folder.iterdir()
        if (name := _SIGNED.fullmatch(path.name))
        and int(name[1]) == network
        and name[2] not in known
    ]
    made = max(made for made, of_network, _path in _keys(folder) if of_network == network)
    return min(max(days, default=date.min), made - timedelta(days=1))


def _written_in(path: Path) -> date:
    """The day that a file holds; the last of all where it was damaged."""
    try:
        return date.fromisoformat(read_kept(path).decode())
    except ValueError:
        return date.max


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


def key_files(folder: Path) -> list[Path]:
    """The files of keys in a folder, oldest first; none where there is no such folder."""
    return [path for _made, _network, path in _keys(folder)] if folder.is_dir() else []


def read_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file. Raises `BadInput` where it is none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - heavy
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    try:
        key = load_pem_private_key(read_kept(path), None)
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
