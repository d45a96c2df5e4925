"""Which traces of a spool a clock has misdated that was set while they were measured.

They stay as they were written; what is known of them since is put down beside them, and whoever
reads them by their days looks here. This module does not read traces.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from probe.disk.private import make_folder, read_kept, replace_file

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "misdated.times"
_SPAN = re.compile(r"(\d{1,12}) (\d{1,12}) (\d{1,6})")


class Misdated(NamedTuple):
    """Traces of one flow that were dated in a span by a clock which was wrong, as is known since.

    Both ends are in seconds since the epoch, by that clock.
    """

    began: int
    ended: int
    flow: int

    def holds(self, flow: int, timestamp: float) -> bool:
        """Whether a trace of a flow that began then is one of these."""
        return flow == self.flow and self.began <= timestamp <= self.ended


def put_down_misdated(folder: Path, span: Misdated) -> None:
    """Put down, beside the day files of a folder, what in them is misdated; they stay as they are.

    Only for who alone measures into it.
    """
    make_folder(folder)
    line = f"{span.began} {span.ended} {span.flow}\n"
    replace_file(folder / _FILE, _misdated_lines(folder) + line)


def misdated(folder: Path) -> tuple[Misdated, ...]:
    """What in the day files of a folder is known to be misdated."""
    found = map(_SPAN.fullmatch, _misdated_lines(folder).splitlines())
    return tuple(Misdated(int(one[1]), int(one[2]), int(one[3])) for one in found if one)


def _misdated_lines(folder: Path) -> str:
    try:
        return read_kept(folder / _FILE).decode(errors="replace")
    except FileNotFoundError:
        return ""
