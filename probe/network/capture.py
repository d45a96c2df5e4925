"""The raw packets of one measurement, in a pcap file, for an expert who asked for them.

Records say what was concluded from packets; who doubts that has to see these. They hold the
volunteer's own address and everything else that redaction takes out, so the file is made only on
request, readable by its owner alone, never over another one, and never among what may be shared.
This module knows nothing of who sends packets or what they mean.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from probe.disk.private import NO_ROOM, open_new
from probe.words.failure import Failure, PartlyDone
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# The classic format (draft-ietf-opsawg-pcap) with times in nanoseconds; packets begin with their
# IP header. Scapy has a writer as well; loading it would take longer than most traces.
_FILE: Final = struct.Struct("=IHHiIII")
_NANOSECONDS: Final = 0xA1B23C4D
_RAW_IP: Final = 101
_LARGEST: Final = 65535
_PACKET: Final = struct.Struct("=IIII")

_SECOND: Final = 1_000_000_000
_LATEST: Final = (1 << 32) * _SECOND - 1


class Capture:
    """A new pcap file. `count` is how many packets it holds; without any it is removed.

    ``apart_from`` are folders within which it may not be. Raises `Failure` where it is, where
    there is such a file already, or where none can be made.
    """

    def __init__(self, path: Path, apart_from: Iterable[Path]) -> None:
        for folder in apart_from:
            if path.resolve().is_relative_to(folder.resolve()):
                raise Failure(
                    _(
                        "{path} would lie in {folder}, among what may be shared, and raw "
                        "packets may not: name a file elsewhere"
                    ).format(path=path, folder=folder)
                )
        self.path = path
        self.count = 0
        self._size = 0
        try:
            self._file = open_new(path, os.O_WRONLY)
        except FileExistsError:
            raise Failure(
                _("{path} is there already and is not overwritten: name another").format(path=path)
            ) from None
        except OSError as problem:
            raise Failure(
                _("{path} cannot be made ({reason}): name another").format(
                    path=path, reason=problem.strerror
                )
            ) from problem
        try:
            self._write(_FILE.pack(_NANOSECONDS, 2, 4, 0, 0, _LARGEST, _RAW_IP))
        except (OSError, PartlyDone):
            self.close()
            raise

    def keep(self, packet: bytes, at: int) -> None:
        """Add a packet, from its IP header on, and its time in ns since the epoch.

        The format has times from 1970 to 2106; another becomes the nearest of them. It is in the
        file when this returns. Raises `PartlyDone` when the disk is full.
        """
        size = len(packet)
        at = min(max(at, 0), _LATEST)
        self._write(_PACKET.pack(at // _SECOND, at % _SECOND, size, size) + packet)
        self.count += 1

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._file < 0:
            return
        os.close(self._file)
        self._file = -1
        if self.count == 0:
            with suppress(OSError):  # the privilege to remove it may be given up
                self.path.unlink()

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._file, data)
        except OSError as problem:
            if problem.errno not in NO_ROOM:
                raise
            written = 0
        if written < len(data):
            os.ftruncate(self._file, self._size)
            raise PartlyDone(
                _(
                    "disk full: {path} has no room for another packet; make room and run again"
                ).format(path=self.path)
            )
        self._size += written
