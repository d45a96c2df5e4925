"""What a program shows on a terminal that a test made for it."""

from __future__ import annotations

import codecs
import contextlib
import os
from collections.abc import Iterator


def shown_on(terminal: int) -> Iterator[str]:
    """What comes, piece by piece, until nobody has the other end open any more.

    To be read while the program runs: a terminal that nobody reads holds some kilobytes, and then
    whoever writes more to it waits. A letter of several bytes may come in two pieces.
    """
    decode = codecs.getincrementaldecoder("utf-8")().decode
    # Reading a terminal whose other end is closed is an error, on Linux.
    with contextlib.suppress(OSError):
        while more := os.read(terminal, 65536):
            yield decode(more)
