"""How a run ended: what `run` knows at its end, for whoever says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections import Counter

    from probe.run.campaign import Campaign
    from probe.words.failure import Failure


class Ended(NamedTuple):
    """What became of a run.

    ``code`` is 128 and a signal's number where one stopped it, else 0. ``left_out`` counts targets
    that were not traced by reason, ``refused`` packets that came and were no answers to our
    probes. ``place`` is where in the list the next run goes on.
    """

    campaign: Campaign
    failure: Failure | None
    code: int
    left_out: Counter[str]
    refused: Counter[str]
    seconds: float
    place: int
