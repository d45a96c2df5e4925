"""How far away an answer comes from, as its TTL tells: a guess, and never a hop.

Systems start from one of few TTLs, and each router on the way back takes one off. A path back may
be longer than the one there, and a reply TTL may lie.
"""

from __future__ import annotations

from typing import Final

# Reply TTLs that systems start from. 32 stands for some that are old or small.
INITIAL_TTLS: Final = (32, 64, 128, 255)


def distance_by_reply(ttl: int) -> int:
    """How many hops away a reply with this TTL, 1 to 255, comes from, if its way back is as long.

    >>> distance_by_reply(64), distance_by_reply(53), distance_by_reply(244)
    (1, 12, 12)
    """
    return next(initial for initial in INITIAL_TTLS if initial >= ttl) - ttl + 1
