"""Bytes → JSON values with the line that each starts on: lines, arrays of any length, and objects
that go over several lines.

Arrays are what the API of RIPE Atlas sends, lines what almost everything else writes, and objects
over several lines what jq and editors make of either. A value that is none costs itself only. This
module does not know what the values mean.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from analysis.intake.inputs import Chunks, Stream
from probe.record import MalformedRecord

Row = tuple[int, object]

_BETWEEN = re.compile(r"[\s,]*")
_LONE_BRACE = re.compile(rb"\{[ \t]*\r?\n")
_ENDS = tuple(",] \t\r\n")
_CHUNK = 1 << 16

# No string in a result is longer: an error so far from the end is no want of text.
_LONGEST = 1 << 20

# No result is longer; read whole, a value of gigabytes would fill the memory many times over.
_LARGEST = 1 << 23


class _Window:
    """The text of a stream from the value that is being read on; ``line`` is where that starts."""

    def __init__(self, stream: io.BufferedReader[Chunks], line: int) -> None:
        self._stream = stream
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._json = json.JSONDecoder()
        self._at_end = False
        self._text = ""
        self._at = 0
        self.line = line

    def _grow(self) -> bool:
        """Read on, at least as much again as there is; False where the stream has ended."""
        if self._at_end:
            return False
        more = self._stream.read(max(_CHUNK, len(self._text) - self._at))
        self._at_end = not more
        self._text = self._text[self._at :] + self._utf8.decode(more, final=self._at_end)
        self._at = 0
        return True

    def _go_to(self, position: int) -> None:
        self.line += self._text.count("\n", self._at, position)
        self._at = position

    def next(self) -> str:
        """Go to the next sign that is neither space nor comma: that sign, "" at the end."""
        while True:
            match = _BETWEEN.match(self._text, self._at)
            self._go_to(match.end() if match else self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow():
                return ""

    def skip(self) -> None:
        """Go one sign on."""
        self._go_to(self._at + 1)

    def value(self) -> object:
        """Take the JSON value that starts here.

        Raises ValueError where there is none, or where it does not end.
        """
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError as problem:
                # Damage far before the end of what was read is not for want of text.
                read = len(self._text)
                if read - problem.pos > _LONGEST or read - self._at > _LARGEST or not self._grow():
                    raise
            else:
                # Of a number what was read may be the beginning only.
                if not isinstance(value, int | float) or (
                    self._text[end : end + 1] in _ENDS or not self._grow()
                ):
                    self._go_to(end)
                    return value

    def skip_to_brace(self) -> None:
        """Go to the next line that begins with a brace, or to the end."""
        while (end := self._text.find("\n{", self._at)) < 0:
            # The last sign may be the end of the line before it.
            self._go_to(max(self._at, len(self._text) - 1))
            if not self._grow():
                self._go_to(len(self._text))
                return
        self._go_to(end + 1)

    def rest(self) -> bytes:
        """What was read but not used, to the end of its line."""
        pending = self._utf8.getstate()[0]
        return self._text[self._at :].encode() + pending + self._stream.readline(_LARGEST)

    def give_up(self) -> None:
        """Pass over all that is left."""
        self._go_to(len(self._text))
        while self._grow():
            self._go_to(len(self._text))


def _array(window: _Window) -> Iterator[Row]:
    """The values of one array or of several; of a torn one those before the tear."""
    window.skip()
    while sign := window.next():
        if sign == "]":
            window.skip()
            if window.next() != "[":
                return
            window.skip()
            continue
        line = window.line
        try:
            yield line, window.value()
        except (ValueError, RecursionError):
            break
    yield window.line, MalformedRecord("the JSON array is damaged or cut off here")
    window.give_up()


def _objects(window: _Window) -> Iterator[Row]:
    """The values of objects one after the other; behind a torn one, from the next on."""
    while sign := window.next():
        if sign == "[":
            yield from _array(window)
            continue
        line = window.line
        try:
            yield line, window.value()
        except (ValueError, RecursionError):
            yield line, MalformedRecord("the JSON object is damaged or cut off here")
            window.skip_to_brace()


def _start(stream: Stream) -> tuple[bytes, int]:
    """The next bytes, and how many of them stand before the first that means something."""
    start = stream.bytes.peek(_CHUNK)
    return start, len(start) - len(start.removeprefix(codecs.BOM_UTF8).lstrip())


def is_spread(stream: Stream) -> bool:
    """Whether values go over several lines: an array, or a brace that has its line to itself."""
    start, before = _start(stream)
    return start.startswith(b"[", before) or bool(_LONE_BRACE.match(start, before))


def rows(stream: Stream) -> Iterator[Row]:
    """Each JSON value with the line it starts on; a `MalformedRecord` where a line is none."""
    if not is_spread(stream):
        yield from lines(_short(stream.bytes), stream, 1)
        return
    start, before = _start(stream)
    stream.bytes.read(before)
    window = _Window(stream.bytes, 1 + start.count(b"\n", 0, before))
    told = False
    for line, value in _array(window) if window.next() == "[" else _objects(window):
        told = isinstance(value, MalformedRecord)
        yield line, value
    behind = chain(io.BytesIO(window.rest()), _short(stream.bytes))
    yield from lines(behind, stream, window.line, told=told)


def end_of_line(reader: io.BufferedReader[Chunks]) -> bytes:
    """What is left of a line: all of it, or more than a result can be and no line's end."""
    end = reader.readline(_LARGEST)
    rest = end
    while len(rest) == _LARGEST and not rest.endswith(b"\n"):
        rest = reader.readline(_LARGEST)
    return end


def is_endless(line: bytes) -> bool:
    """Whether a line is longer than any result, and was cut off for that."""
    return len(line) >= _LARGEST


def _short(reader: io.BufferedReader[Chunks]) -> Iterator[bytes]:
    """The lines of a stream, each cut off after the largest that a result can be."""
    while line := end_of_line(reader):
        yield line


def of_line(line: bytes, number: int) -> Iterator[Row]:
    """The values of one line: none, one, or those of an array."""
    if is_endless(line):
        yield number, MalformedRecord(f"longer than {_LARGEST >> 20} MiB, as no result is")
        return
    text = line.removeprefix(codecs.BOM_UTF8).strip()
    if not text:
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        yield (
            number,
            MalformedRecord("not JSON" if line.endswith(b"\n") else "the line is cut off"),
        )
        return
    if isinstance(value, list):
        yield from ((number, item) for item in value)
    else:
        yield number, value


def lines(
    read: Iterable[bytes], stream: Stream, first: int, *, told: bool = False
) -> Iterator[Row]:
    """The values of lines as they were read from a stream, the first of them of this number.

    Where the stream breaks off, a `MalformedRecord` says so, unless it was ``told`` already.
    """
    number = first - 1
    for number, line in enumerate(read, start=first):
        for row in of_line(line, number):
            torn = isinstance(row[1], MalformedRecord) and not line.endswith(b"\n")
            if torn and stream.broken is not None:
                told = True
                yield number, MalformedRecord("the file breaks off here")
            else:
                yield row
    if stream.broken is not None and not told:
        yield number + 1, MalformedRecord(f"the file breaks off here ({stream.broken})")
