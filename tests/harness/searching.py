"""The search for what must be nowhere: every spelling of a secret, in all that files hold.

The spellings are written down here a second time, so that a form forgotten in
`probe.redaction.spellings` is not forgotten here for that reason.
"""

from __future__ import annotations

import base64
import io
import ipaddress
import json
import sqlite3
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import zstandard

_ZSTD = b"\x28\xb5\x2f\xfd"


def spelled(secret: str) -> set[bytes]:
    """An address, a hardware address or a name, in lower case where it is text.

    >>> spelled("203.0.113.7") >= {b"203-0-113-7", b"7.113.0.203", b"cb007107", b"ywBxB"}
    True
    """
    found = {secret.lower().encode(), secret.lower()[::-1].encode(), secret.encode("utf-16-le")}
    packed = _packed(secret)
    for raw in (packed, packed[::-1]):
        digits = raw.hex()
        found |= {raw, digits.encode(), str(int.from_bytes(raw)).encode()}
        found |= {raw.hex(joint).encode() for joint in ".-:_"}
        found |= {raw.hex(joint, 2).encode() for joint in ".-:"}
        if len(raw) == 4:
            for joint in (".", "-", "_"):
                found |= {joint.join(map(str, raw)).encode()}
            found.add("".join(f"{octet:03}" for octet in raw).encode())
    for text in (packed, secret.encode()):
        found |= set(_in_base64(text))
    return {one for one in found if len(one) >= 4}


def _packed(secret: str) -> bytes:
    try:
        return ipaddress.ip_address(secret).packed
    except ValueError:
        pass
    try:
        return bytes.fromhex(secret.replace(":", ""))
    except ValueError:
        return secret.encode()


def _in_base64(data: bytes) -> Iterator[bytes]:
    """As it stands in base64, wherever in it the data begins: the digits that are its alone."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + data)
        first, last = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        if last - first > 3:
            yield digits[first:last]


def unpacked(data: bytes) -> Iterator[bytes]:
    """What a file holds as it is, and what is packed in it: tar, zstd, SQLite, Parquet."""
    yield data
    if data.startswith(_ZSTD):
        yield zstandard.ZstdDecompressor().stream_reader(data).read()
    elif data.startswith(b"SQLite format 3\0"):
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(data)
            yield "\n".join(database.iterdump()).encode()
    elif data.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(data))
        yield json.dumps(table.to_pydict(), default=str).encode()
        yield from (table.schema.metadata or {}).values()
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                yield repr(member.get_info()).encode()
                kept = archive.extractfile(member)
                if kept is not None:
                    yield from unpacked(kept.read())


def found_in(secrets: Iterable[str], pieces: Iterable[bytes]) -> set[str]:
    """The secrets of which some spelling stands in one of these."""
    forms = {secret: spelled(secret) for secret in secrets}
    return {
        secret
        for piece in pieces
        for form in (piece, piece.lower())
        for secret, spellings in forms.items()
        if any(spelling in form for spelling in spellings)
    }


def told_by_files(secrets: Iterable[str], folder: Path) -> dict[str, set[str]]:
    """The files below a folder that tell a secret, by name or content, and which."""
    secrets = list(secrets)
    told = {
        name: found_in(secrets, [name.encode(), *(unpacked(path.read_bytes()))])
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (name := str(path.relative_to(folder)))
    }
    return {name: found for name, found in told.items() if found}
