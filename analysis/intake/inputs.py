"""Paths → streams of plain bytes: finds the files, takes compression off, hashes what was read.

Text in UTF-16, as Windows writes it, becomes UTF-8.

A stream is read once and never held whole, so that a file may be larger than the memory. A file
that grows out of all proportion when it is unpacked is refused: somebody sends it to fill the
memory or to keep the analyst waiting. This module knows nothing of what the bytes mean.
"""

from __future__ import annotations

import codecs
import glob
import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from analysis.intake.shortage import unless_short
from analysis.intake.unfinished import is_unfinished
from probe.disk.presence import is_file, is_folder, is_there

READABLE = (".jsonl", ".json", ".warts", ".gz", ".zst", ".parquet", ".tar")

# What may hold traces and has to be unpacked: opened as well, so that it is told and counted.
_PACKED = (".bz2", ".xz", ".zip", ".tgz", ".tbz", ".txz")

# What lies in a collector's folder (`analysis.collect`), beside what was accepted.
_DATABASE, _QUARANTINE = "collector.db", "quarantine"

_CHUNK = 1 << 16

# So much of a zstandard frame is unpacked at once: of its densest blocks, four bytes make 128 KiB.
_PIECE = 512

# Traces shrink to a tenth or a thirtieth. What is small when unpacked may have shrunk to less.
_DENSEST = 250
_HARMLESS = 1 << 26


class InputError(ValueError):
    """Nothing can be read from a path; the message names it and says what to do."""


class Bomb(InputError):
    """A file that unpacks to far more than measurements do."""


class BrokenOff(Exception):
    """A stream is cut off or damaged from here on; carries why."""


def _unreadable(name: str, problem: OSError) -> Exception:
    return unless_short(problem, InputError(f"{name}: cannot be read ({problem.strerror})"))


def find_files(paths: Sequence[str]) -> list[str]:
    """The files that paths, folders and globs name, in a fixed order; ``-`` is standard input.

    Raises `InputError` for a path that names nothing, and for a collector's quarantine beside
    anything else.
    """
    found: list[str] = []
    for given in paths:
        try:
            found += _files_of(given)
        except OSError as problem:
            raise _unreadable(given, problem) from None
    folders = {Path(name).absolute().parent for name in found}
    waiting = next(filter(_is_quarantine, sorted(folders)), None)
    if waiting is not None and len(folders) > 1:
        raise _unaccepted(waiting, waiting.parent)
    return list({name if name == "-" else os.path.realpath(name): name for name in found}.values())


def _files_of(given: str) -> list[str]:
    if given == "-":
        return [given]
    path = Path(given)
    if not given:
        raise InputError("'' is no path: it is empty, as of a variable that is not set")
    if is_folder(path):
        return _inside(given) or _refuse_empty(given)
    if is_file(path):
        return [given]
    matched = sorted(glob.glob(given, recursive=True))  # noqa: PTH207 - absolute patterns too
    found = [file for match in matched for file in _inside_or_itself(match)]
    if not found and any(is_folder(Path(match)) for match in matched):
        _refuse_empty(given)
    if not found and is_there(path):
        raise InputError(
            f"{given}: is a pipe or a device, not a file; read it with -, as in "
            "`zcat traces.gz | gatewatch analyze - --country KH`"
        )
    if not found and "://" in given:
        raise InputError(
            f"{given}: is on the web, from where nothing is read; fetch it first, as in "
            "`curl -s URL | gatewatch analyze - --country KH`"
        )
    if not found:
        raise InputError(f"{given}: no such file or folder; check the name")
    return found


def _inside_or_itself(name: str) -> list[str]:
    if is_folder(Path(name)):
        return _inside(name)
    return [name] if is_file(Path(name)) else []


def _inside(folder: str) -> list[str]:
    """The files below a folder that by their names may hold traces."""
    names = {*READABLE, *_PACKED}
    return sorted(str(p) for p in _below(Path(folder)) if p.suffix.lower() in names and is_file(p))


def _refuse_empty(given: str) -> NoReturn:
    raise InputError(
        f"{given}: the folder holds no measurements ({', '.join(READABLE)}); "
        "make some with `gatewatch run` or `gatewatch demo`"
    )


def _below(folder: Path) -> Iterator[Path]:
    """What lies in a folder and the folders in it, links to folders not followed.

    What is being written there, or was until its writer was killed, is left out.
    Raises `InputError` for a folder that cannot be read, since its files would be missing without
    anybody noticing, and for a collector's folder, since no verdict may rest on all of it.
    """

    def refuse(problem: OSError) -> None:
        blame = InputError(
            f"{problem.filename}: the folder cannot be read ({problem.strerror}); mend its "
            "permissions, or name the files and folders that can be"
        )
        raise unless_short(problem, blame)

    for inside, folders, names in os.walk(folder, onerror=refuse):
        if _DATABASE in names and _QUARANTINE in folders:
            raise _unaccepted(Path(inside), Path(inside))
        folders[:] = [name for name in folders if not is_unfinished(Path(inside, name))]
        yield from (Path(inside, name) for name in names)


def _is_quarantine(folder: Path) -> bool:
    return folder.name == _QUARANTINE and is_file(folder.parent / _DATABASE)


def _unaccepted(folder: Path, collectors: Path) -> InputError:
    return InputError(
        f"{folder}: here lie bundles that a collector holds and nobody has accepted; name "
        f"{collectors / 'accepted'}"
    )


def short_name(name: str, known: Mapping[str, str]) -> str:
    """The name of a file with no more folders than it takes to be none of the known ones.

    Folders above those may name the analyst.

    >>> short_name("of-sokha/after/kh.jsonl", {"kh.jsonl": "…"})
    'after/kh.jsonl'
    """
    parts = Path(name).parts
    names = ("/".join(parts[-count:]) for count in range(1, len(parts) + 1))
    return next((short for short in names if short not in known), name)


class _Hashed(io.RawIOBase):
    """The bytes of a file as they lie on the disk, hashed while they pass."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name = name
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._file.read(len(buffer))
        except OSError as problem:
            raise _unreadable(self._name, problem) from None
        self.sha256.update(piece)
        self.size += len(piece)
        buffer[: len(piece)] = piece
        return len(piece)


class Chunks(io.RawIOBase):
    """A stream of chunks that ends where making them fails, and remembers why in ``broken``."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self.broken: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and self.broken is None:
            try:
                self._rest = memoryview(next(self._chunks))
            except StopIteration:
                return 0
            except BrokenOff as problem:
                self.broken = str(problem)
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


class Stream:
    """The plain bytes of one input, buffered; ``broken`` says why it ended early, if it did."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = Chunks(chunks)
        self.bytes = io.BufferedReader(self._chunks, _CHUNK)

    @property
    def broken(self) -> str | None:
        """Why the stream ended before its end, None where it did not."""
        return self._chunks.broken


def _gunzipped(packed: io.BufferedReader[_Hashed]) -> Iterator[bytes]:
    # A fifth of the time that zlib takes. Its file object would keep back what it unpacked right
    # before a break.
    from isal import igzip_lib  # noqa: PLC0415 - only where a file needs it

    member = None
    try:
        while rest := packed.read(_CHUNK):
            while rest:
                member = member or igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
                yield member.decompress(rest, _CHUNK)
                while not (member.needs_input or member.eof):
                    yield member.decompress(b"", _CHUNK)
                rest = b""
                if member.eof:
                    # Zeros may fill the file up.
                    rest, member = member.unused_data.lstrip(b"\0"), None
    except igzip_lib.IsalError as problem:  # type: ignore[misc]
        raise BrokenOff(problem) from None
    if member is not None:
        raise BrokenOff("the end of the packed data is missing")


def _unzstandard(packed: io.BufferedReader[_Hashed]) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 - only where a file needs it

    frame = None
    while rest := packed.read(_CHUNK):
        while rest:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            piece, rest = rest[:_PIECE], rest[_PIECE:]
            try:
                yield frame.decompress(piece)
            except zstandard.ZstdError as problem:
                raise BrokenOff(problem) from None
            if frame.eof:
                rest, frame = frame.unused_data + rest, None
    if frame is not None:
        raise BrokenOff("the last frame has no end")


def _plain(file: io.BufferedReader[_Hashed]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _decompressed(name: str, packed: io.BufferedReader[_Hashed]) -> Iterator[bytes]:
    magic = packed.peek(4)[:4]
    if magic.startswith(b"\x1f\x8b"):
        return _gunzipped(packed)
    if magic == b"\x28\xb5\x2f\xfd":
        return _unzstandard(packed)
    if name.endswith((".gz", ".zst")):
        raise InputError(f"{name}: is not compressed as its name says; rename it or fetch it again")
    return _plain(packed)


def _in_proportion(name: str, chunks: Iterator[bytes], packed: _Hashed) -> Iterator[bytes]:
    """The chunks as they come, until they are too many for what was read of the file."""
    unpacked = 0
    for chunk in chunks:
        unpacked += len(chunk)
        if unpacked > max(_HARMLESS, _DENSEST * packed.size):
            raise Bomb(
                f"{name}: unpacks to more than {_DENSEST} times its size, as no measurements do; "
                "the rest is not read; unpack it yourself if you trust whoever sent it"
            )
        yield chunk


def _as_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks; as UTF-8 where a mark says that they are UTF-16, as of `>` in PowerShell."""
    first = next(chunks, b"")
    if not first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield first
        yield from chunks
        return
    utf16 = codecs.getincrementaldecoder("utf-16")(errors="replace")
    yield utf16.decode(first).encode()
    for chunk in chunks:
        yield utf16.decode(chunk).encode()


@contextmanager
def opened(name: str, path: str | None = None) -> Iterator[tuple[Stream, Callable[[], str]]]:
    """The plain bytes of a file, or of standard input for ``-``.

    ``path`` is where the file lies if not where its name says. The second value gives the sha256 of
    the bytes as they lie on the disk, reading what was not read yet. Raises `InputError` where the
    file cannot be read or is not what its name says.
    """
    with ExitStack() as stack:
        try:
            file = (
                sys.stdin.buffer
                if name == "-"
                else stack.enter_context(Path(path or name).open("rb"))
            )
        except OSError as problem:
            raise _unreadable(name, problem) from None
        raw = _Hashed(name, file)
        packed = io.BufferedReader(raw, _CHUNK)

        def sha256() -> str:
            while packed.read(_CHUNK):
                pass
            return raw.sha256.hexdigest()

        chunks = _in_proportion(name, _decompressed(name, packed), raw)
        yield Stream(_as_utf8(chunks)), sha256
