"""What NATs on the way leave behind in the checksums that routers quote.

A NAT that rewrites an address or a port shifts the checksum by a constant. What comes back through
it has our addresses and ports again, but with some not our checksum. Quotes too short for the tag
of a probe are known by the checksum, which covers it; so it must be told which shifts are a NAT's:
those that quotes with a tag have shown. No packet is read here.
"""

from __future__ import annotations

from collections import deque
from typing import Final

# How many shifts are remembered: a NAT that gives each flow another port has several. Each makes
# a forger's guess more likely to be right.
_REMEMBERED: Final = 8


class Shifts:
    """By how much checksums are shifted on the way, modulo 65535; 0 is as they were sent.

    >>> shifts = Shifts()
    >>> shifts.known(0), shifts.known(300)
    (True, False)
    >>> shifts.shown(300)
    >>> shifts.known(300)
    True
    """

    def __init__(self) -> None:
        self._shown: deque[int] = deque(maxlen=_REMEMBERED)

    def shown(self, shift: int) -> None:
        """A quote with the right tag had this shift."""
        if not self.known(shift):
            self._shown.append(shift)

    def known(self, shift: int) -> bool:
        """Whether a quote without tag may have this shift."""
        return shift == 0 or shift in self._shown
