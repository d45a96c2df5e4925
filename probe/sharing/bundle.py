"""What leaves a volunteer's machine: a signed file of traces, the other contract of both halves.

A bundle is a tar file of four members in this order, so that an expert opens and checks it with
tar, zstd, sha256sum and openssl alone (docs/bundle.md shows how):

- ``manifest.json`` says what the bundle holds, with the sha256 of it;
- ``manifest.sig`` is the Ed25519 signature of the manifest's bytes;
- ``key.pem`` is the public key, which the manifest names too;
- ``traces.jsonl.zst`` are the traces, a record a line, Zstandard.

Everything around the traces has one form only, so the same content signed by the same key is the
same file, and a file that differs in any bit is refused. It is pure: it has neither disk nor
clock, and it does not look into the lines.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from probe.record import SCHEMA as HOLDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SCHEMA = "gatewatch.bundle/1"
SUFFIX = ".tar"

# The most that the lines of one bundle take, unpacked; and the file, were they incompressible.
LARGEST = 8 << 20
LARGEST_FILE = LARGEST + (1 << 16)

_MANIFEST, _SIGNATURE, _KEY, _TRACES = MEMBERS = (
    "manifest.json",
    "manifest.sig",
    "key.pem",
    "traces.jsonl.zst",
)

# A tar file is made of blocks; each member begins on one, and two empty ones are its end.
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_LARGEST_MANIFEST = 1 << 16
_SIZE = slice(124, 136)

# What stands before the 32 bytes of an Ed25519 key in X.509's SubjectPublicKeyInfo (RFC 8410).
_DER = bytes.fromhex("302a300506032b6570032100")

_LEVEL = 9
_WINDOW = 1 << 23
_PIECE = 1 << 16

Reason = Literal["not_a_bundle", "altered_bundle", "bad_signature", "bundle_too_large"]


class BadBundle(ValueError):
    """Not to be believed; ``reason`` is the word to count it by, the message says what is wrong."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[BadBundle], tuple[Reason, str]]:
        """So that it reaches another process: without, only the message would."""
        return BadBundle, (self.reason, str(self))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself.

    ``key`` is the public key in hexadecimal digits, ``network`` the AS number in which all its
    traces were measured, ``days`` the UTC days on which they began, ``made`` the day on which the
    bundle was made: no hour, which could tell one machine from another. ``traces`` and ``size``
    count the lines and their bytes, ``sha256`` is theirs as they are read, ``packed`` as they lie
    in the file.
    """

    key: str
    network: int
    days: tuple[str, ...]
    made: str
    program: str
    traces: int
    size: int
    sha256: str
    packed: str

    def to_bytes(self) -> bytes:
        """The manifest as it stands in the file and is signed."""
        fields = {
            "schema": SCHEMA,
            "holds": HOLDS,
            "network": self.network,
            "key": self.key,
            "days": list(self.days),
            "made": self.made,
            "program": self.program,
            "traces": self.traces,
            "bytes": self.size,
            "sha256": self.sha256,
            "sha256_packed": self.packed,
        }
        return json.dumps(fields, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was checked: its manifest, and its lines with their ends."""

    manifest: Manifest
    lines: tuple[bytes, ...]


def sha256_of(data: bytes) -> str:
    """The name of a bundle, and of its parts.

    >>> sha256_of(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(data).hexdigest()


def digest_of(line: bytes) -> bytes:
    """By what a line is known again, in 16 bytes."""
    return hashlib.blake2b(line, digest_size=16).digest()


def public_pem(key: str) -> bytes:
    """A public key, given in hexadecimal digits, as openssl reads it."""
    text = base64.encodebytes(_DER + bytes.fromhex(key))
    return b"-----BEGIN PUBLIC KEY-----\n" + text + b"-----END PUBLIC KEY-----\n"


def public_part(key: Ed25519PrivateKey) -> str:
    """The public key of a private one, in hexadecimal digits."""
    return key.public_key().public_bytes_raw().hex()


def signed_by(key: str, signature: bytes, data: bytes) -> bool:
    """Whether the holder of a key (hexadecimal digits) signed these bytes."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - heavy
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def seal(
    lines: Sequence[bytes],
    key: Ed25519PrivateKey,
    *,
    network: int,
    days: Sequence[str],
    made: str,
    program: str,
) -> bytes:
    """The bundle of some lines, each with its end, signed: the same bytes for the same content."""
    import zstandard  # noqa: PLC0415 - needed only where bundles are made

    plain = b"".join(lines)
    assert lines
    assert len(plain) <= LARGEST
    packed = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(plain)
    manifest = Manifest(
        key=public_part(key),
        network=network,
        days=tuple(days),
        made=made,
        program=program,
        traces=len(lines),
        size=len(plain),
        sha256=sha256_of(plain),
        packed=sha256_of(packed),
    )
    said = manifest.to_bytes()
    return b"".join(
        (
            *_member(_MANIFEST, said),
            *_member(_SIGNATURE, key.sign(said)),
            *_member(_KEY, public_pem(manifest.key)),
            *_member(_TRACES, packed),
            _END,
        )
    )


def is_bundle(start: bytes) -> bool:
    """Whether a file that starts like this claims to be a bundle."""
    return start.startswith(_MANIFEST.encode() + b"\0")


def unseal(data: bytes) -> Bundle:
    """Check a bundle and give what it holds.

    Nothing of it is unpacked before the signature is known to be good, and never more than the
    signed manifest says, `LARGEST` bytes at most. Raises `BadBundle` for anything that `seal`
    would not have made; whether the lines are records is for the caller to see.
    """
    if not is_bundle(data):
        raise BadBundle("not_a_bundle", "is no bundle of gatewatch")
    if len(data) > LARGEST_FILE:
        raise BadBundle("bundle_too_large", f"is larger than {LARGEST_FILE} bytes")
    said, signature, pem, packed = _members(data)
    manifest = _manifest(said)
    if pem != public_pem(manifest.key) or not signed_by(manifest.key, signature, said):
        raise BadBundle("bad_signature", "the signature does not fit the manifest")
    if manifest.size > LARGEST:
        raise BadBundle("bundle_too_large", f"unpacks to more than {LARGEST} bytes")
    if sha256_of(packed) != manifest.packed:
        raise BadBundle("altered_bundle", "the traces are not those that were signed")
    plain = _unpacked(packed, manifest.size)
    lines = tuple(line + b"\n" for line in plain.split(b"\n")[:-1])
    if (
        sha256_of(plain) != manifest.sha256
        or plain.count(b"\n") != manifest.traces
        or not plain.endswith(b"\n")
    ):
        raise BadBundle("altered_bundle", "the traces are not those that the manifest tells of")
    return Bundle(manifest, lines)


def _member(name: str, content: bytes) -> Iterator[bytes]:
    yield _header(name, len(content))
    yield content
    yield bytes(-len(content) % _BLOCK)


def _header(name: str, size: int) -> bytes:
    import tarfile  # noqa: PLC0415 - needed only where there are bundles

    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def _members(data: bytes) -> Iterator[bytes]:
    """The contents of the members, in order; nothing else may stand in the file."""
    altered = BadBundle("altered_bundle", "the tar file is not as gatewatch makes it")
    at = 0
    for name in MEMBERS:
        try:
            size = int(data[at : at + _BLOCK][_SIZE].rstrip(b"\0 "), 8)
        except ValueError:
            raise altered from None
        content = data[at + _BLOCK : at + _BLOCK + size] if 0 <= size <= LARGEST_FILE else b""
        whole = b"".join(_member(name, content))
        if data[at : at + len(whole)] != whole:
            raise altered
        yield content
        at += len(whole)
    if data[at:] != _END:
        raise altered


def _manifest(said: bytes) -> Manifest:
    """What a manifest says. Its form is checked only as far as the signature needs it."""
    try:
        if len(said) > _LARGEST_MANIFEST:
            raise ValueError
        fields = json.loads(said)
        if not isinstance(fields, dict):
            raise TypeError
        schema, holds = fields["schema"], fields["holds"]
        if (schema, holds) != (SCHEMA, HOLDS):
            raise BadBundle(
                "not_a_bundle",
                f"is {schema!r:.40} of {holds!r:.40}, this version reads {SCHEMA!r} of {HOLDS!r}",
            )
        manifest = Manifest(
            key=_text(fields["key"], "[0-9a-f]{64}"),
            network=_whole(fields["network"]),
            days=tuple(_text(day, r"\d{4}-\d\d-\d\d") for day in fields["days"]),
            made=_text(fields["made"], r"\d{4}-\d\d-\d\d"),
            program=_text(fields["program"], "[ -~]{1,80}"),
            traces=_whole(fields["traces"]),
            size=_whole(fields["bytes"]),
            sha256=_text(fields["sha256"], "[0-9a-f]{64}"),
            packed=_text(fields["sha256_packed"], "[0-9a-f]{64}"),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as problem:
        if isinstance(problem, BadBundle):
            raise
        raise BadBundle("altered_bundle", "the manifest cannot be read") from None
    if manifest.to_bytes() != said:
        raise BadBundle("altered_bundle", "the manifest is not as gatewatch writes it")
    return manifest


def _text(value: Any, form: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(form, value):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**32:
        raise TypeError
    return value


def _unpacked(packed: bytes, size: int) -> bytes:
    """The lines; one byte more than ``size`` at most is ever unpacked."""
    import zstandard  # noqa: PLC0415 - needed only where there are bundles

    altered = BadBundle("altered_bundle", "the traces cannot be unpacked")
    pieces = []
    left = size + 1
    stream = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(
        packed, read_across_frames=True
    )
    try:
        while left and (piece := stream.read(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
    except (zstandard.ZstdError, MemoryError):
        raise altered from None
    if left != 1:
        raise BadBundle("altered_bundle", f"the traces do not unpack to {size} bytes")
    return b"".join(pieces)
