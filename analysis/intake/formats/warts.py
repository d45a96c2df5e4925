"""Scamper's binary files (warts) → the JSON that scamper itself would have written.

Read by scamper's own converter, ``sc_warts2json``, in a process of its own: the format has one
keeper, and grows with every release. Python modules for it exist, but CAIDA's is under the GPL
and needs scamper's C libraries to be built, and the one in pure Python stopped in 2016. What the
JSON means is not known here.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from threading import Thread
from typing import IO

from analysis.intake.inputs import BrokenOff, InputError, Stream

CONVERTER = "sc_warts2json"

# Every object of a warts file begins with this number.
_MAGIC = b"\x12\x05"
_CHUNK = 1 << 16


def is_warts(stream: Stream) -> bool:
    """Whether a file begins as warts files do."""
    return stream.bytes.peek(2)[:2] == _MAGIC


def _feed(stream: Stream, into: IO[bytes], problems: list[Exception]) -> None:
    try:
        with into:
            while chunk := stream.bytes.read1(_CHUNK):
                into.write(chunk)
    except BrokenPipeError:
        pass  # it has seen enough, and says why by its exit code
    except InputError as problem:
        problems.append(problem)


def _converted(program: str, stream: Stream) -> Iterator[bytes]:
    problems: list[Exception] = []
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(  # noqa: S603 - found by name, and given nothing but a stream
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        feeder = Thread(target=_feed, args=(stream, process.stdin, problems))
        feeder.start()
        try:
            while chunk := process.stdout.read(_CHUNK):
                yield chunk
        except GeneratorExit:
            process.kill()
            raise
        finally:
            feeder.join()
        said.seek(0)
        complaint = said.read(200).decode(errors="replace").partition("\n")[0]
    if problems:
        raise problems[0]
    # It ends with 0 whatever it met; damage shows on its standard error only.
    if stream.broken is not None or complaint or process.returncode:
        raise BrokenOff(stream.broken or f"{CONVERTER} says: {complaint or process.returncode}")


def as_json(name: str, stream: Stream) -> Stream:
    """The stream of JSON lines for a stream of warts.

    Raises `InputError` where the converter is missing.
    """
    program = shutil.which(CONVERTER)
    if program is None:
        raise InputError(
            f"{name}: is a warts file, which {CONVERTER} reads; install scamper "
            "(Debian and Ubuntu: apt install scamper)"
        )
    return Stream(_converted(program, stream))
